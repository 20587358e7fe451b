"""Looking closely at texts: ranks, entropies, alternatives, surprises, two models, gaps."""

import json
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import ostinato
from ostinato.codecs import learn
from ostinato.decode.scoring import gap_log_probs, places_of
from ostinato.errors import ConfigError
from ostinato.families.text.inspecting.comparing import compare, most_surprising
from ostinato.families.text.model import TextModel
from ostinato.families.text.network import LanguageModel
from ostinato.families.text.results import Score, ScoredPart

TEXT = "the dog sat on the xmat."


def log_probs_of_next(model, ids):
    with torch.inference_mode():
        return model.network.log_probs(torch.tensor([[model.codec.begin, *ids]]))[0][0]


def test_ranks_entropies_and_alternatives_are_those_of_the_distribution(text_model):
    text = TEXT.replace("x", "")
    inspection = text_model.inspect(text)
    ids = text_model.codec.encode(text).tolist()
    expected = log_probs_of_next(text_model, ids)
    for place, symbol in enumerate(inspection.symbols(3)):
        log_probs = expected[place]
        assert symbol.log_prob == pytest.approx(log_probs[ids[place]].item(), abs=1e-5)
        assert symbol.rank == 1 + sum(value > log_probs[ids[place]].item() + 1e-6 for value in log_probs.tolist())
        p = log_probs.exp()
        assert symbol.entropy == pytest.approx(-(p * log_probs).sum().item() / math.log(2), abs=1e-4)
        best, order = log_probs.topk(3)
        assert [text for text, _ in symbol.alternatives] == [text_model.codec.decode([i]) for i in order.tolist()]
        assert [value for _, value in symbol.alternatives] == pytest.approx(best.tolist(), abs=1e-5)
    assert inspection.score.log_prob == pytest.approx(text_model.score(text).log_prob, abs=1e-4)


def test_a_long_text_is_looked_at_in_chunks(text_model, monkeypatch):
    ids = text_model.codec.encode("the cat sat on the mat. " * 20)
    whole = places_of(text_model.network, ids, 2)
    monkeypatch.setattr("ostinato.decode.scoring._CHUNK", 37)
    parts = places_of(text_model.network, ids, 2)
    np.testing.assert_allclose(parts.log_probs, whole.log_probs, atol=1e-5)
    assert (parts.best == whole.best).mean() > 0.99


def test_the_most_surprising_parts_come_first(text_model):
    score = text_model.score("the cat sat ggg the mat.")
    found = most_surprising(score, "word", 2)
    assert found[0].part.text == " ggg"
    assert (found[0].start, found[0].before) == (11, "the cat sat")
    bits = [each.part.bits_per_symbol for each in most_surprising(score, "symbol", 99)]
    assert bits == sorted(bits, reverse=True)
    assert len(bits) == 24


def test_two_models_are_compared_part_by_part(text_model, item_model, text_run_once):
    same = ostinato.load(text_run_once)
    text = "the cat sat"
    parts = compare(text_model.score(text), same.score(text), "word")
    assert [part.text for part in parts] == ["the", " cat", " sat"]
    assert all(part.gain == 0 for part in parts)
    item = "anbe"
    with pytest.raises(ConfigError, match="the two models' symbols do not make up the same words of this text"):
        compare(text_model.score("the cat"), item_model.score(item), "word")


@pytest.mark.parametrize("after", ["", " sat", " sat on the mat."])
def test_a_gaps_scores_are_those_of_whole_texts(text_model, item_model, after):
    fillings = ["cat", "", "dog", "c"]
    before = text_model.score("the ").log_prob
    for filling, scored in zip(fillings, text_model.fill("the ", after, fillings), strict=True):
        assert scored.text == filling
        assert scored.log_prob == pytest.approx(text_model.score(f"the {filling}{after}").log_prob - before, abs=1e-3)
    whole = item_model.score("anne").log_prob
    (found,) = item_model.fill("", "e", ["ann"])
    assert found.log_prob == pytest.approx(whole, abs=1e-3)  # with its end
    assert gap_log_probs(text_model.network, [], [[]]).tolist() == [0.0]


@pytest.mark.parametrize("name", ["words", "subwords"])
def test_a_gap_is_scored_as_the_whole_text_is_written(name, monkeypatch):
    codec = learn(name, ["the cat sat on the mat " * 9], end=False, vocabulary=290)
    torch.manual_seed(0)
    network = LanguageModel(codec.size, core="gru", layers=1, hidden_size=8, embedding_size=4).eval()
    model = TextModel.__new__(TextModel)  # a model that was never saved
    model.codec, model.network, model.engines = codec, network, SimpleNamespace(to_score=lambda: None)
    for window in (1024, 3):
        monkeypatch.setattr("ostinato.decode.scoring._WINDOW", window)
        for before, filling, after in (("the ", "cat", " sat"), ("the c", "at s", "at"), ("", "the", "")):
            (found,) = model.fill(before, after, [filling])
            whole = model.score(before + filling + after).log_prob
            assert found.log_prob == pytest.approx(whole - (model.score(before).log_prob if before else 0), abs=1e-4)


def test_places_of_surprises_are_those_in_the_text_that_the_codec_gives_back():
    score = Score("x", -3.0, 3, [ScoredPart("é".encode()[:1], -1.0, 1), ScoredPart("é".encode()[1:], -2.0, 1),
                                 ScoredPart(b"a", -0.5, 1)])  # fmt: skip
    assert [(s.start, s.part.data) for s in most_surprising(score, "symbol", 3)] == [
        (0, b"\xa9"), (0, b"\xc3"), (1, b"a")
    ]  # fmt: skip


def test_what_fits_a_gap_is_found(text_model):
    found = text_model.infill("the cat sat on the ", " sat on the log.", samples=40, length=12)
    assert [f.log_prob for f in found] == sorted((f.log_prob for f in found), reverse=True)
    assert len({f.text for f in found}) == len(found) == 10
    best = text_model.fill("the cat sat on the ", " sat on the log.", [found[0].text, "", "zz".replace("z", "t")])
    assert best[0].log_prob == max(each.log_prob for each in best)
    again = text_model.infill("the cat sat on the ", " sat on the log.", samples=40, length=12)
    assert again == found


def test_lines_are_reranked(text_model):
    lines = ["tac eht", "the cat", "the dog sat on the log.", "the cat"]
    found = text_model.rerank(lines)
    assert [f.text for f in found[:2]] == ["the cat", "the cat"]
    by_symbol = text_model.rerank(lines, by="per-symbol")
    assert by_symbol[0].text == "the dog sat on the log."
    assert text_model.rerank(["sat", "cat"], context="the dog ")[0].text == "sat"


def objects(out):
    return [json.loads(line) for line in out.splitlines()]


def test_the_commands_rerank_and_infill(run, text_run, tmp_path):
    file = tmp_path / "lines.txt"
    file.write_text("tac\n\nthe cat\nthe dog sat\n")
    status, out, _ = run("rerank", text_run, file)
    assert status == 0
    assert out.splitlines()[0] == "log_prob\tper_symbol\ttext"
    assert {line.split("\t")[2] for line in out.splitlines()[1:]} == {"tac", "the cat", "the dog sat"}
    told = objects(run("rerank", text_run, file, "--by", "per-symbol", "--top", 2, "--json", "--context", "on ")[1])
    assert [each["rank"] for each in told] == [1, 2]
    assert told[0]["per_symbol"] >= told[1]["per_symbol"]
    told = objects(run("infill", text_run, "the ___ sat on the mat.", "--top", 3, "--samples", 20, "--json")[1])
    assert len(told) == 3
    file.write_text("cat\ntac\n")
    told = objects(run("infill", text_run, "the [?] sat", "--gap", "[?]", "--candidates", file, "--json")[1])
    assert [each["text"] for each in told] == ["cat", "tac"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["score", "RUN", ""], "there is nothing to score: the text is empty"),
        (["rerank", "RUN", "FILE", "--top", "0"], "--top must be at least 1, got 0"),
        (["rerank", "RUN", "EMPTY"], "EMPTY has no line to rank"),
        (["infill", "RUN", "the cat"], "the text must have the gap '___' exactly once, and has it 0 times"),
        (["infill", "RUN", "a ___ b ___", "--top", "2"], "the text must have the gap '___' exactly once, and has it "
         "2 times"),
        (["infill", "RUN", "the ___", "--candidates", "FILE", "--seed", "1"], "--candidates says what may stand there; "
         "--samples, --length and --seed are for drawing it"),
    ],
)  # fmt: skip
def test_bad_requests_are_refused(run, text_run, item_run, tmp_path, words, message):
    empty, file = tmp_path / "empty.txt", tmp_path / "file.txt"
    empty.write_text("\n")
    file.write_text("the cat\n")
    stands_for = {"RUN": text_run, "ITEMS": item_run, "FILE": file, "EMPTY": empty}
    told = run(*(stands_for.get(word, word) for word in words))
    assert told == (2, "", f"error: {message.replace('EMPTY', str(empty))}\n")
