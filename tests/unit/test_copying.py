"""Copies of the training text: hashes, the sorted index, the longest runs, the rule, and the report."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ostinato
from ostinato.codecs import CharacterCodec
from ostinato.data import copies as copies_module
from ostinato.data import ngrams
from ostinato.data.copies import Copies, Copy
from ostinato.data.ngrams import NgramIndex, Rolling, mixed, weights
from ostinato.decode.pipeline import RuleSettings
from ostinato.decode.rules.copying import MaxCopy
from ostinato.errors import ConfigError, DamagedError
from ostinato.families.text.generation import Generation
from ostinato.families.text.novelty import TrainingText

sequences = st.lists(st.integers(0, 2), max_size=40).map(lambda ids: np.array(ids, dtype=np.uint8))


def grams(ids, n):
    return [tuple(ids[i : i + n].tolist()) for i in range(len(ids) - n + 1)]


@given(sequences, st.integers(1, 6))
def test_equal_windows_have_equal_hashes_and_others_do_not(ids, n):
    hashes = Rolling(ids).windows(n).tolist()
    windows = grams(ids, n)
    assert len(hashes) == len(windows)
    assert len(set(zip(hashes, windows, strict=True))) == len(set(hashes)) == len(set(windows))
    by_hand = [int((mixed(ids[i : i + n]) * weights(n)).sum(dtype=np.uint64)) for i in range(len(windows))]
    assert hashes == by_hand


@given(sequences, st.integers(1, 5), st.sampled_from([None, 2]))
def test_the_index_holds_the_windows_without_an_end(ids, n, end):
    index = NgramIndex.build(ids, n, end=end)
    expected = {gram for gram in grams(ids, n) if end not in gram}
    assert len(index) == len(expected)
    for gram in {*grams(ids, n), (0,) * n, (1,) * n}:
        asked = Rolling(np.array(gram)).windows(n)
        assert index.contains(asked)[0] == (gram in expected)


@pytest.mark.parametrize("chunk", [7, 1000])
def test_an_index_on_disk_is_that_in_memory_however_it_is_sorted(tmp_path, monkeypatch, chunk):
    ids = np.random.default_rng(1).integers(0, 3, 500).astype(np.uint8)
    whole = NgramIndex.build(ids, 4, end=None)
    monkeypatch.setattr(ngrams, "_SORTED_AT_ONCE", 100)
    monkeypatch.setattr(ngrams, "chunks", lambda size, n: list(_chunks(size, n, chunk)))
    told = []
    kept = NgramIndex.kept(tmp_path / "5", ids, 4, end=None, corpus="c", progress=lambda done, total: told.append(done))
    assert kept._hashes.tolist() == whole._hashes.tolist()
    assert told[-1] == 500
    assert sorted(path.name for path in (tmp_path / "5").iterdir()) == ["hashes.u64", "index.json"]
    again = NgramIndex.kept(tmp_path / "5", ids, 4, end=None, corpus="c")
    assert again._hashes.tolist() == whole._hashes.tolist()
    damaged = pytest.raises(DamagedError, match="is no index of this run's 4-symbol windows, or a damaged one")
    with damaged:
        NgramIndex.kept(tmp_path / "5", ids, 4, end=None, corpus="another")
    data = (tmp_path / "5/hashes.u64").read_bytes()
    (tmp_path / "5/hashes.u64").write_bytes(data[:9] + bytes([data[9] ^ 1]) + data[10:])
    with damaged:
        NgramIndex.kept(tmp_path / "5", ids, 4, end=None, corpus="c")
    (tmp_path / "5/hashes.u64").unlink()
    with damaged:
        NgramIndex.kept(tmp_path / "5", ids, 4, end=None, corpus="c")


def test_several_processes_may_want_an_index_at_once(tmp_path):
    ids = np.random.default_rng(1).integers(0, 3, 50_000).astype(np.uint8)
    with ThreadPoolExecutor(6) as pool:
        found = list(
            pool.map(lambda _: NgramIndex.kept(tmp_path / "9", ids, 9, end=None, corpus="c")._hashes.tolist(), range(6))
        )
    assert all(hashes == found[0] for hashes in found)


def test_many_lengths_are_looked_for_in_few_passes():
    random = np.random.default_rng(0)
    corpus = random.integers(0, 4, 20_000).astype(np.uint8)
    texts = [corpus[start : start + 5 + 3 * start] for start in range(60)]
    copies = Copies(corpus)
    assert [copy.length for copy in copies.longest(texts)] == [len(text) for text in texts]
    assert copies._passes < 25


def test_what_stands_for_unknown_words_is_no_copy(tmp_path):
    corpus = tmp_path / "words.txt"
    corpus.write_text("the cat sat on the mat. " * 50 + "the cat saw one giraffe. " + "on the mat. " * 200)
    settings = {"hidden_size": 8, "embedding_size": 8, "batch_size": 2, "window": 8, "precision": "float32"}
    run = ostinato.train(
        str(corpus), recipe="word-lm", out=tmp_path / "w", steps=2, settings={**settings, "unknown": "unk"}
    )
    run.to_end()
    model = ostinato.load(tmp_path / "w")
    training = model.training_text()
    (novelty,) = training.novelty(["okapi okapi"])
    assert novelty.longest_copy == 0
    assert training.place(novelty) == "nowhere in the training text"


_chunks = ngrams.chunks


def longest_by_hand(text, corpus):
    text, corpus = (bytes(ids.tolist()) for ids in (text, corpus))
    for n in range(len(text), 0, -1):
        for start in range(len(text) - n + 1):
            place = corpus.find(text[start : start + n])
            if place >= 0:
                return Copy(n, start, place)
    return Copy(0, 0, 0)


@given(sequences, st.lists(sequences, min_size=1, max_size=3), st.integers(1, 5), st.sampled_from([2**22, 0]))
def test_the_longest_copy_and_what_is_seen_are_those_of_a_search_by_hand(corpus, texts, n, kept):
    before, copies_module._KEPT_SYMBOLS = copies_module._KEPT_SYMBOLS, kept
    try:
        found = Copies(corpus)
    finally:
        copies_module._KEPT_SYMBOLS = before
    assert found.longest(texts) == [longest_by_hand(text, corpus) for text in texts]
    known = set(grams(corpus, n))
    assert [seen.tolist() for seen in found.seen(texts, n)] == [[g in known for g in grams(t, n)] for t in texts]


def test_a_corpus_in_many_chunks_is_searched_as_a_whole(monkeypatch):
    monkeypatch.setattr(copies_module, "_KEPT_SYMBOLS", 0)
    monkeypatch.setattr(copies_module, "chunks", lambda size, n: list(_chunks(size, n, 10)))
    random = np.random.default_rng(0)
    corpus = random.integers(0, 4, 300).astype(np.uint8)
    texts = [corpus[95:140], random.integers(0, 4, 50).astype(np.uint8)]
    assert Copies(corpus).longest(texts) == [longest_by_hand(text, corpus) for text in texts]


@pytest.mark.parametrize("most", [2, 4, 7])
def test_no_text_copies_more_than_it_may(text_model, most):
    training = text_model.training_text()
    free, held = (
        text_model.generate_all([""], samples=20, length=60, seed=1, temperature=0.3, max_copy=n) for n in (None, most)
    )
    assert all(novelty.longest_copy <= most for novelty in training.novelty([text.text for text in held]))
    assert max(novelty.longest_copy for novelty in training.novelty([text.text for text in free])) > 7


def test_looking_up_beginnings_first_forbids_the_same(text_model):
    training = text_model.training_text()
    index, heads = training._index(6, False, None), training._index(5, False, None)
    size, end = text_model.codec.size, text_model.codec.end
    texts = [
        text_model.generate_all([""], samples=20, length=40, seed=1, max_copy=5, copied=lambda most, rule=rule: rule)
        for rule in (MaxCopy(index, size, end), MaxCopy(index, size, end, heads))
    ]
    assert texts[0] == texts[1]


def test_a_run_that_the_prompt_began_does_not_go_on(text_model):
    prompt = "the cat sat on the "  # "mat" and "log" are what stands there
    held = text_model.generate_all([prompt], samples=30, length=1, seed=1, max_copy=10)
    free = text_model.generate_all([prompt], samples=30, length=1, seed=1)
    assert not {text.text for text in held} & {"m", "l"}
    assert {text.text for text in free} & {"m", "l"}


def test_the_end_of_an_item_is_never_forbidden(item_model):
    texts = item_model.generate_all([""], samples=50, seed=1, max_copy=2)
    assert {text.ending for text in texts} <= {"end", "stuck"}
    novelty = item_model.training_text().novelty([text.text for text in texts])
    assert all(found.longest_copy <= 2 for found in novelty)


def test_where_all_that_could_follow_is_a_copy_the_text_is_stuck():
    codec = CharacterCodec("ab")
    corpus = codec.encode("aabb" * 10 + "abab" * 10)
    rule = MaxCopy(NgramIndex.build(corpus, 2, end=None), codec.size, None)
    import torch

    from ostinato.families.text.network import LanguageModel

    torch.manual_seed(0)
    model = LanguageModel(2, core="gru", layers=1, hidden_size=4, embedding_size=4).eval()
    run = Generation(codec, model, [""], seed=1, rules=RuleSettings(max_copy=1), copied=lambda most: rule, length=5)
    (sample,) = run.finish()
    assert (sample.ending, sample.symbols, sample.finished) == ("stuck", 1, False)


def test_the_report_sets_texts_beside_held_out_text(text_model, item_model):
    for model, text in ((text_model, "the cat sat on the moon."), (item_model, "bera")):
        training = model.training_text()
        (novelty,) = training.novelty([text])
        assert novelty.copied in text
        assert len(novelty.copied) == novelty.longest_copy
        yardstick = training.yardstick([len(text)])
        assert yardstick.pieces >= 1
        assert set(yardstick.seen) == set(novelty.seen) == {5, 10, 20}
        assert training.place(novelty).endswith("of the training " + ("text" if model is text_model else "items"))


def test_a_copys_place_is_that_in_the_text(text_run_once, text_model, corpora):
    text = (corpora / "cats.txt").read_text()
    training = text_model.training_text()
    (novelty,) = training.novelty(["log.\n\nthe cat"])
    place = text.index("log.\n\nthe cat")
    line = text[:place].count("\n") + 1
    assert training.place(novelty) == f"character {place:,}, line {line:,} of the training text"


def test_an_index_is_kept_in_the_run_on_request(text_run, run):
    options = ("generate", text_run, "--max-copy", 6, "--length", 40, "--seed", 3)
    first = run(*options)
    assert not (text_run / "ngrams").exists()
    assert run(*options, "--keep-index")[:2] == first[:2]
    about = json.loads((text_run / "ngrams/7/index.json").read_text())
    assert about["n"] == 7
    assert run(*options)[:2] == first[:2]
    hashes = text_run / "ngrams/7/hashes.u64"
    hashes.write_bytes(hashes.read_bytes()[:-8])
    status, _, told = run(*options)
    assert status == 1
    assert "is no index of this run's 7-symbol windows, or a damaged one" in told


def test_a_model_file_has_no_training_text(text_model, tmp_path, run):
    text_model.export(tmp_path / "m.safetensors")
    model = ostinato.load(tmp_path / "m.safetensors")
    with pytest.raises(ConfigError, match="is a model file, which holds no training text; give the run folder"):
        model.generate(max_copy=5)
    with pytest.raises(ConfigError, match="is a model file"):
        TrainingText(tmp_path / "m.safetensors", model.codec)
    for words in (("novelty",), ("generate", "--novelty")):
        status, _, told = run(words[0], tmp_path / "m.safetensors", *words[1:])
        assert status == 2
        assert "is a model file, which holds no training text; give the run folder" in told


def test_novelty_is_told_for_files_samples_and_in_json(run, text_run, item_run, tmp_path):
    file = tmp_path / "new.txt"
    file.write_text("the cat sat on the dog.")
    status, out, _ = run("novelty", text_run, file)
    rows = [line.split("\t") for line in out.splitlines()]
    assert status == 0
    assert rows[0] == ["longest_copy", "seen_5", "seen_10", "seen_20", "copied", "where"]
    assert rows[1][4] == "the cat sat on the "
    assert "held-out texts of this length" in rows[2][4]
    status, out, _ = run("novelty", item_run, "--samples", 3, "--json")
    told = [json.loads(line) for line in out.splitlines()]
    assert [set(each) >= {"text", "longest_copy", "copied", "where", "seen"} for each in told] == [True] * 3 + [False]
    assert set(told[3]["held_out"]) == {"pieces", "longest_copy", "seen"}
    status, out, _ = run("generate", text_run, "--seed", 1, "--length", 30, "--json")
    novelty = json.loads(out)["novelty"]
    assert novelty["copied"] in json.loads(out)["text"]
    _, _, told = run("generate", text_run, "--seed", 1, "--length", 30, "--novelty")
    assert f"(longest copy {novelty['longest_copy']} symbols: {novelty['copied']!r}; known are" in told


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["novelty", "FILE", "--samples", "3"], "--samples, --length and --seed are for texts that the model writes; "
         "leave them or FILE out"),
        (["generate", "--max-copy", "0"], "max-copy must be at least 1, got 0"),
        (["generate", "--keep-index"], "--keep-index is for --max-copy, which is not given"),
        (["generate", "--ray", "--seed", "1", "--max-copy", "3"], "--ray sends the model along and not its training "
         "text; --max-copy and --novelty need it"),
    ],
)  # fmt: skip
def test_bad_requests_are_refused(run, text_run, corpora, words, message):
    words = [str(corpora / "cats.txt") if word == "FILE" else word for word in words]
    assert run(words[0], text_run, *words[1:]) == (2, "", f"error: {message}\n")
