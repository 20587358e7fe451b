"""Pairs as data: how they are read, encoded, and put into batches."""

import gzip
import io
import json
from dataclasses import replace

import numpy as np
import pytest

from ostinato import codecs
from ostinato.codecs import CharacterCodec, PairCodec, WordCodec
from ostinato.data import split
from ostinato.data.columns import Ids, Texts
from ostinato.data.pair_streams import Pairs, PairStream
from ostinato.data.pairs import PairLimits, corpus_of_pairs, read_pairs, source_texts
from ostinato.errors import CodecError, CorpusError, UnknownSymbolError
from ostinato.families.pairs.family import PAIRS as PAIR_FAMILY
from ostinato.families.pairs.settings import PairSettings, learn_pair_codec
from ostinato.families.sources import encode_pairs

PAIRS = [("go", "va !"), ("run", "cours !"), ("a", "b"), ("stop here", "arrête")]


@pytest.fixture
def codec():
    return learned(PAIRS)


def learned(pairs, **settings):
    return learn_pair_codec(PairSettings(**{"codec": "characters", **settings}), *map(list, zip(*pairs, strict=True)))


def rows_of(codec, pairs):
    return Pairs(encode_pairs(codec, corpus_of_pairs(pairs), "error"), codec.begin)


def pairs_of(corpus):
    return list(zip(source_texts(corpus), corpus.texts, strict=True))


def test_each_side_has_its_own_ids_and_only_targets_an_end(codec):
    encoded = encode_pairs(codec, corpus_of_pairs(PAIRS), "error")
    target, source = encoded.part(0, 1).ids, encoded.columns["source"].one(0)
    assert target.tolist()[-1] == codec.end
    assert codec.decode(target) == "va !"
    assert codec.source.decode(source) == "go"
    assert encoded.ids.max() < codec.size
    again = codecs.from_json(json.loads(json.dumps(codec.to_json())))
    assert again.encode("a !").tolist() == codec.encode("a !").tolist()
    assert again.encode_source("run").tolist() == codec.encode_source("run").tolist()


def test_sources_that_a_damaged_run_stores_are_refused(codec):
    encoded = encode_pairs(codec, corpus_of_pairs(PAIRS), "error")
    PAIR_FAMILY.check_columns(codec, encoded)
    sources = encoded.columns["source"]
    with pytest.raises(ValueError, match="there are no sources"):
        PAIR_FAMILY.check_columns(codec, replace(encoded, columns={}))
    for wrong in (codec.source.size, -1):
        ids = sources.values.astype(np.int64)
        ids[2] = wrong
        with pytest.raises(ValueError, match="ids of sources that are none of the codec's"):
            PAIR_FAMILY.check_columns(codec, replace(encoded, columns={"source": Ids(ids, sources.offsets)}))


def test_a_symbol_of_the_other_side_is_not_known(codec):
    with pytest.raises(UnknownSymbolError):
        encode_pairs(codec, corpus_of_pairs([("qq", "va")]), "error")
    with pytest.raises(UnknownSymbolError):
        encode_pairs(codec, corpus_of_pairs([("go", "vago")]), "error")
    encoded = encode_pairs(codec, corpus_of_pairs([("qgo", "vaq")]), "skip")
    assert (codec.source.decode(encoded.columns["source"].values), codec.decode(encoded.ids)) == ("go", "va")
    with pytest.raises(CodecError, match="needs an end"):
        PairCodec(CharacterCodec("a"), CharacterCodec("a"))


def test_words_of_a_pair_are_the_same_wherever_they_stand():
    pairs = [("the dog", "der hund"), ("dog the", "hund der")] * 2
    codec = learned(pairs, codec="words", unknown="unk")
    assert isinstance(codec.target, WordCodec)
    one, other = (codec.encode(target).tolist() for _, target in pairs[:2])
    assert one == other[::-1]
    assert codec.decode([*codec.encode("der hund").tolist(), codec.end]) == "der hund"
    assert codec.decode(codec.encode("der katze hund")) == "der <unk> hund"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.tsv", "go\tva !\tmore\n\nrun\tcours !\n"),
        ("a.txt", "go\tva !\nrun\tcours !"),
        ("a.jsonl", '{"source": "go", "target": "va !"}\n{"source": "run", "target": "cours !", "n": 1}\n'),
    ],
)
def test_pairs_are_read_from_lines(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    corpus = read_pairs([str(tmp_path / name)])
    assert pairs_of(corpus) == [("go", "va !"), ("run", "cours !")]
    assert corpus.notes == ("2 pairs, 2 different sources", "read: 'go' → 'va !', 'run' → 'cours !'")
    assert corpus.sources[0]["name"] == name


def test_pairs_are_read_from_two_files_line_by_line(tmp_path):
    (tmp_path / "a.en").write_text("Go\nRun\n")
    with gzip.open(tmp_path / "a.fr.gz", "wt") as file:
        file.write("Va !\nCours !\n")
    files = [str(tmp_path / "a.en"), str(tmp_path / "a.fr.gz")]
    assert pairs_of(read_pairs(files, PairLimits(lower=True))) == [("go", "va !"), ("run", "cours !")]
    assert pairs_of(read_pairs(files, PairLimits(first=1))) == [("Go", "Va !")]
    (tmp_path / "a.en").write_text("Go\nRun\nStop\n")
    with pytest.raises(CorpusError, match=r"need equally many lines: .*a\.en has 3 and .*a\.fr\.gz has 2"):
        read_pairs(files)


@pytest.mark.parametrize(
    ("text", "told", "kind"),
    [
        ("a\tb\nc\n", r"a\.tsv, line 2: a pair is source, tab, target; got 'c'", "without two columns"),
        ("a\tb\n\td\n", r"a\.tsv, line 2: the source is empty", "with an empty side"),
        ("a\tb\nd\t \n", r"a\.tsv, line 2: the target is empty", "with an empty side"),
        (
            "a\tb\nlonger\td\n",
            r"a\.tsv, line 2: the source has 6 characters, and 5 is the limit",
            "longer than the limit",
        ),
    ],
)
def test_wrong_pairs_are_told_with_their_line_or_left_out_and_counted(tmp_path, text, told, kind):
    (tmp_path / "a.tsv").write_text(text)
    with pytest.raises(CorpusError, match=told + r".*--skip-bad-pairs"):
        read_pairs([str(tmp_path / "a.tsv")], PairLimits(longest=5))
    corpus = read_pairs([str(tmp_path / "a.tsv")], PairLimits(longest=5, skip=True))
    assert pairs_of(corpus) == [("a", "b")]
    assert corpus.notes[-1] == f"left out: 1 pairs {kind}"


def test_bad_json_and_nothing_at_all_are_told(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"source": "go"}\n')
    with pytest.raises(CorpusError, match=r'line 1: a pair is \{"source": …, "target": …\}'):
        read_pairs([str(tmp_path / "a.jsonl")])
    (tmp_path / "a.tsv").write_text("\n")
    with pytest.raises(CorpusError, match="there are no pairs in"):
        read_pairs([str(tmp_path / "a.tsv")])


def test_pairs_come_from_standard_input(monkeypatch):
    class Stdin:
        buffer = io.BytesIO(b"a\tb\n")

    monkeypatch.setattr("sys.stdin", Stdin)
    assert pairs_of(read_pairs(["-"])) == [("a", "b")]


def test_pairs_of_one_source_stand_on_one_side_of_a_split(tmp_path):
    lines = [f"{n % 20}\t{n}" for n in range(100)]
    (tmp_path / "a.tsv").write_text("\n".join(lines))
    train, valid = split(read_pairs([str(tmp_path / "a.tsv")]), share=0.3, seed=1)
    sources = [set(source_texts(part)) for part in (train, valid)]
    assert not sources[0] & sources[1]
    assert len(train.texts) + len(valid.texts) == 100


def test_a_batch_has_what_the_pairs_have(codec):
    rows = rows_of(codec, PAIRS)
    batch = rows.batch(np.array([3, 0]))
    assert batch.source_lengths.tolist() == [9, 2]
    assert batch.lengths.tolist() == [7, 5]
    assert codec.source.decode(batch.sources[1, :2]) == "go"
    assert codec.decode(batch.targets[0]) == "arrête"
    assert batch.targets[1, 4] == codec.end
    assert batch.inputs[:, 0].tolist() == [codec.begin] * 2
    assert (batch.inputs[0, 1:] == batch.targets[0, :-1]).all()
    assert batch.count == 12
    part = batch.part(slice(1, 2))
    assert (part.source_lengths.tolist(), part.lengths.tolist()) == ([2], [5])


def test_an_epoch_of_pairs_has_each_once_and_can_be_gone_back_to(codec):
    pairs = [("a" * (1 + n % 5), "b" * (1 + n % 3)) for n in range(40)]
    codec = learned(pairs)
    stream = PairStream(rows_of(codec, pairs), batch_size=8, seed=1)
    assert stream.batches_per_epoch == 5
    epochs = [[stream.next() for _ in range(5)] for _ in range(2)]
    for batches in epochs:
        assert sorted(n for batch in batches for n in batch.source_lengths) == sorted(1 + n % 5 for n in range(40))
    assert [b.sources.tolist() for b in epochs[0]] != [b.sources.tolist() for b in epochs[1]]
    other = PairStream(rows_of(codec, pairs), batch_size=8, seed=1)
    other.seek({"epoch": 1, "group": 2})
    assert other.position() == {"epoch": 1, "group": 2}
    assert (other.next().sources == epochs[1][2].sources).all()


def test_batches_have_equally_many_rows_so_that_processes_can_share_them(codec):
    pairs = [("a" * (1 + n), "b" * (1 + n)) for n in range(11)]
    codec = learned(pairs)
    stream = PairStream(rows_of(codec, pairs), batch_size=4, seed=1)
    batches = [stream.next() for _ in range(3)]
    assert [len(batch.fresh) for batch in batches] == [4, 4, 4]
    assert {n for batch in batches for n in batch.source_lengths} == set(range(1, 12))
    assert all(len(batch.part(slice(3, 4)).sources) == 1 for batch in batches)


def test_only_line_ends_end_lines_and_nothing_is_judged_after_the_first_pairs(tmp_path):
    (tmp_path / "a.tsv").write_bytes("a\u2028b\tc\x85d\r\ne\tf\nwrong\n".encode())
    assert pairs_of(read_pairs([str(tmp_path / "a.tsv")], PairLimits(first=2))) == [("a\u2028b", "c\x85d"), ("e", "f")]
    with pytest.raises(CorpusError, match="line 3"):
        read_pairs([str(tmp_path / "a.tsv")])


@pytest.mark.parametrize(
    ("pairs", "told"),
    [
        ([], "there are no pairs"),
        ([("a", "b", "c")], r"pair 1 is to be \(source, target\), two texts; got \('a', 'b', 'c'\)"),
        ([("a", "b"), ("a", 1)], "pair 2 is to be"),
        (["ab"], "pair 1 is to be"),
        ([("a", "b"), (" ", "b")], "the source of pair 2 is empty"),
    ],
)
def test_pairs_in_memory_are_checked(pairs, told):
    with pytest.raises(CorpusError, match=told):
        corpus_of_pairs(pairs)


def test_sides_may_hold_tabs(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"source": "a\\tb", "target": "c\\td"}\n')
    corpus = read_pairs([str(tmp_path / "a.jsonl")])
    assert pairs_of(corpus) == [("a\tb", "c\td")]
    assert corpus.notes[0] == "1 pairs, 1 different sources"


@pytest.mark.parametrize(
    "column", [Texts(("a", "", "日本")), Ids(np.array([3, 1, 2], dtype=np.uint8), np.array([0, 2, 2, 3]))]
)
def test_columns_come_back_from_their_arrays_and_in_parts(column):
    again = type(column).of_arrays(column.arrays())
    assert again.digests() == column.digests()
    assert len(set(column.digests())) == column.count == 3
    assert column.part(1, 3).digests() == column.select([1, 2]).digests() == column.digests()[1:]
    with pytest.raises(ValueError, match="offsets"):
        type(column).of_arrays({"offsets": column.arrays()["offsets"]})
    with pytest.raises(ValueError, match="do not cut"):
        type(column).of_arrays({**column.arrays(), "offsets": np.array([0, 9])})
