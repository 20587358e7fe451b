"""Pairs as data: how they are read, encoded, and put into batches."""

import gzip
import io
import json

import numpy as np
import pytest

from ostinato import codecs
from ostinato.codecs import CharacterCodec, PairCodec, WordCodec
from ostinato.data import encode_texts, split
from ostinato.data.pair_streams import Pairs, PairStream
from ostinato.data.pairs import PairLimits, read_pairs
from ostinato.errors import CodecError, CorpusError, UnknownSymbolError
from ostinato.families.pairs.settings import PairSettings, learn_pair_codec

PAIRS = ["go\tva !", "run\tcours !", "a\tb", "stop here\tarrête"]


@pytest.fixture
def codec():
    return learn_pair_codec(PairSettings(codec="characters"), PAIRS)


def test_a_pair_is_one_run_of_ids_in_which_the_source_can_be_told(codec):
    ids = codec.encode("go\tva !")
    assert (ids > codec.begin).tolist() == [True] * 2 + [False] * 4
    assert codec.decode(ids[2:]) == "va !"
    assert codec.source.decode(ids[:2] - codec.size - 1) == "go"
    assert ids.max() < codec.span
    assert (
        codecs.from_json(json.loads(json.dumps(codec.to_json()))).encode("run\ta !").tolist()
        == codec.encode("run\ta !").tolist()
    )


def test_what_is_no_pair_is_refused(codec):
    for text in ("go", "go\tva\t!"):
        with pytest.raises(CodecError, match="source, tab, target"):
            codec.encode(text)
    with pytest.raises(UnknownSymbolError):
        codec.encode("qq\tva")
    assert codec.adapt("qgo\tva", "skip") == "go\tva"
    with pytest.raises(CodecError, match="needs an end"):
        PairCodec(CharacterCodec("a"), CharacterCodec("a"))


def test_words_of_a_pair_are_the_same_wherever_they_stand():
    texts = ["the dog\tder hund", "dog the\thund der"] * 2
    codec = learn_pair_codec(PairSettings(codec="words", unknown="unk"), texts)
    assert isinstance(codec.target, WordCodec)
    one, other = (codec.encode(text)[-2:].tolist() for text in texts[:2])
    assert one == other[::-1]
    assert codec.decode([*codec.encode("the\tder hund")[-2:].tolist(), codec.end]) == "der hund"
    unknown = codec.encode("the\tder katze hund")
    assert codec.decode(unknown[1:]) == "der <unk> hund"


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
    assert corpus.texts == ("go\tva !", "run\tcours !")
    assert corpus.notes == ("2 pairs, 2 different sources",)
    assert corpus.sources[0]["name"] == name


def test_pairs_are_read_from_two_files_line_by_line(tmp_path):
    (tmp_path / "a.en").write_text("Go\nRun\n")
    with gzip.open(tmp_path / "a.fr.gz", "wt") as file:
        file.write("Va !\nCours !\n")
    files = [str(tmp_path / "a.en"), str(tmp_path / "a.fr.gz")]
    assert read_pairs(files, PairLimits(lower=True)).texts == ("go\tva !", "run\tcours !")
    assert read_pairs(files, PairLimits(first=1)).texts == ("Go\tVa !",)
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
    assert corpus.texts == ("a\tb",)
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
    assert read_pairs(["-"]).texts == ("a\tb",)


def test_pairs_of_one_source_stand_on_one_side_of_a_split(tmp_path):
    lines = [f"{n % 20}\t{n}" for n in range(100)]
    (tmp_path / "a.tsv").write_text("\n".join(lines))
    train, valid = split(read_pairs([str(tmp_path / "a.tsv")]), share=0.3, seed=1)
    sources = [{text.split("\t")[0] for text in part.texts} for part in (train, valid)]
    assert not sources[0] & sources[1]
    assert len(train.texts) + len(valid.texts) == 100


def test_a_batch_has_what_the_pairs_have(codec):
    rows = Pairs(encode_texts(codec, PAIRS), codec.begin)
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
    texts = [f"{'a' * (1 + n % 5)}\t{'b' * (1 + n % 3)}" for n in range(40)]
    codec = learn_pair_codec(PairSettings(codec="characters"), texts)
    stream = PairStream(Pairs(encode_texts(codec, texts), codec.begin), batch_size=8, seed=1)
    assert stream.batches_per_epoch == 5
    epochs = [[stream.next() for _ in range(5)] for _ in range(2)]
    for batches in epochs:
        assert sorted(n for batch in batches for n in batch.source_lengths) == sorted(1 + n % 5 for n in range(40))
    assert [b.sources.tolist() for b in epochs[0]] != [b.sources.tolist() for b in epochs[1]]
    other = PairStream(Pairs(encode_texts(codec, texts), codec.begin), batch_size=8, seed=1)
    other.seek({"epoch": 1, "group": 2})
    assert other.position() == {"epoch": 1, "group": 2}
    assert (other.next().sources == epochs[1][2].sources).all()


def test_batches_have_equally_many_rows_so_that_processes_can_share_them(codec):
    texts = [f"{'a' * (1 + n)}\t{'b' * (1 + n)}" for n in range(11)]
    codec = learn_pair_codec(PairSettings(codec="characters"), texts)
    stream = PairStream(Pairs(encode_texts(codec, texts), codec.begin), batch_size=4, seed=1)
    batches = [stream.next() for _ in range(3)]
    assert [len(batch.fresh) for batch in batches] == [4, 4, 4]
    assert {n for batch in batches for n in batch.source_lengths} == set(range(1, 12))
    assert all(len(batch.part(slice(3, 4)).sources) == 1 for batch in batches)


def test_only_line_ends_end_lines_and_nothing_is_judged_after_the_first_pairs(tmp_path):
    (tmp_path / "a.tsv").write_bytes("a\u2028b\tc\x85d\r\ne\tf\nwrong\n".encode())
    assert read_pairs([str(tmp_path / "a.tsv")], PairLimits(first=2)).texts == ("a\u2028b\tc\x85d", "e\tf")
    with pytest.raises(CorpusError, match="line 3"):
        read_pairs([str(tmp_path / "a.tsv")])
