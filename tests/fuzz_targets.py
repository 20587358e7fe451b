"""What fuzzing feeds with anything at all: each target may refuse with an error of ours, and must keep its law."""

import contextlib
import gzip
import io
import json
import math
import tempfile
from pathlib import Path

import numpy as np
import safetensors.numpy
import zstandard

from ostinato import codecs
from ostinato.app.commands import COMMANDS, build_parser
from ostinato.app.spreading import words_without
from ostinato.app.verbs.data import _is_meant
from ostinato.app.verbs.train import _share
from ostinato.codecs.words import split_words
from ostinato.data import Reading, encode_texts, read_corpus, split
from ostinato.data.blocks import blocks
from ostinato.data.cache import Entry
from ostinato.data.documents import bytes_document
from ostinato.decode.pipeline import RuleSettings
from ostinato.decode.shards import parse_shard
from ostinato.disk.documents import check_document, seal
from ostinato.errors import ConfigError, CorpusError, OstinatoError
from ostinato.runs.arrays import parse_arrays
from ostinato.runs.saved import read_model
from rooms import FUZZED
from rooms import SEEDS as ROOM_SEEDS

NAMES = ("t.txt", "t.csv", "t.tsv", "t.jsonl", "t.ndjson", "t.txt.gz", "t.jsonl.zst", "t")
ENCODINGS = (
    "auto",
    "utf-8",
    "latin-1",
    "utf-16",
    "shift-jis",
    "utf-8-sig",
    "hex",
    "no such",
    "idna",
    "gb18030",
    "utf-7",
)
ERRORS = ("strict", "replace", "ignore")
COLUMNS = (None, "text", "a", "")
SUBWORDS = codecs.learn("subwords", ["the cat sat on the mat " * 20], end=False, vocabulary=270)


class Bytes:
    """Bytes to make choices from, until they are used up."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def choose(self, options):
        first, self._data = self._data[:1], self._data[1:]
        return options[first[0] % len(options)] if first else options[0]

    def rest(self) -> bytes:
        return self._data

    def text(self) -> str:
        return self._data.decode("utf-8", "replace")


def codec_texts(data: bytes) -> None:
    """Encoding and decoding give the text back, whole or id by id, for every codec that claims it."""
    source = Bytes(data)
    end, text = source.choose((False, True)), source.text()
    made = [
        codecs.ByteCodec(end=end),
        codecs.CharacterCodec(text or "a", end=end),
        codecs.CharacterCodec("abc \n", end=end),
        codecs.WordCodec(split_words(text)[:1], end=end),
        SUBWORDS,
    ]
    for codec in made:
        try:
            ids = codec.encode(text)
        except OstinatoError:
            assert isinstance(codec, codecs.CharacterCodec)
            for unknown in ("nearest", "skip"):
                codec.encode(codec.adapt(text, unknown))
            continue
        assert ids.dtype == np.int32
        assert not len(ids) or (ids.min() >= 0 and ids.max() < codec.size)
        assert codec.decode(ids.tolist()) == text
        decoder = codec.decoder()
        assert "".join(decoder.feed(id_) for id_ in ids.tolist()) + decoder.flush() == text


def codec_descriptions(data: bytes) -> None:
    """A description of a codec is understood or refused."""
    source = Bytes(data)
    name = source.choose(codecs.CODECS)
    with contextlib.suppress(ValueError, RecursionError):
        plain = json.loads(source.text())
        for description in (plain, {"codec": name, "end": False, **plain} if isinstance(plain, dict) else plain):
            with contextlib.suppress(OstinatoError):
                codec = codecs.from_json(description)
                again = codecs.from_json(codec.to_json())
                assert again.pieces == codec.pieces


def readers(data: bytes) -> None:
    """Any file of any name in any encoding is a corpus or is refused; in memory and from disk it is the same."""
    source = Bytes(data)
    name, encoding = source.choose(NAMES), source.choose(ENCODINGS)
    reading = Reading(encoding, source.choose(ERRORS), source.choose(COLUMNS))
    packed = source.rest()
    if source.choose((True, False)):
        packed = gzip.compress(packed) if name.endswith(".gz") else packed
        packed = zstandard.compress(packed) if name.endswith(".zst") else packed
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(packed)
        for kind in (None, "text", "items"):
            try:
                held = read_corpus([str(path)], reading=reading, kind=kind)
            except OstinatoError:
                continue
            large = read_corpus([str(path)], reading=reading, kind=kind, memory=-1)
            with contextlib.suppress(CorpusError):  # too little to split, which is found last
                assert "".join(large.texts) == "".join(held.texts)
                assert large.size == held.size
                codec = codecs.CharacterCodec(large.alphabet, end=held.kind == "items")
                encoded = encode_texts(codec, held.texts)
                assert codec.decode(encoded.ids.tolist()) == "".join(held.texts)
                train, valid = split(held, share=0.3, seed=1)
                assert train.size + valid.size == held.size


def pieces(data: bytes) -> None:
    """Blocks of any size joined are the bytes, and their texts the text."""
    source = Bytes(data)
    size, encoding = source.choose(range(1, 64)), source.choose(("utf-8", "latin-1", "utf-8-sig", "cp1252", "big5"))
    data = source.rest()
    assert b"".join(blocks(io.BytesIO(data), encoding, size)) == data
    with contextlib.suppress(OstinatoError):
        whole = "".join(bytes_document("x", data, Reading(encoding)).pieces())
        assert whole == data.decode(encoding).removeprefix("\ufeff").replace("\r\n", "\n")


def run_files(data: bytes) -> None:
    """Any bytes are a document, a file of arrays or a model, or are refused."""
    source = Bytes(data)
    text = source.text()
    with contextlib.suppress(OstinatoError):
        check_document(text, "x")
    with contextlib.suppress(OstinatoError):
        parse_arrays(source.rest(), "x")
    header = json.dumps({"__metadata__": {"ostinato": text}}).encode()
    sealed = json.dumps({"__metadata__": {"ostinato": seal({"config": text})}}).encode()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.safetensors"
        for head in (source.rest(), header, sealed):
            path.write_bytes(len(head).to_bytes(8, "little") + head + source.rest())
            with contextlib.suppress(OstinatoError):
                read_model(path)


def arguments(data: bytes) -> None:
    """Any words after a command's name are understood, or refused with status 2, or the help is shown."""
    source = Bytes(data)
    command = source.choose([command.name for command in COMMANDS])
    words = [word for word in source.text().split("\0") if word]
    parser = build_parser([command])
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            args = parser.parse_args([command, *words])
        except SystemExit as ended:
            if ended.code not in (0, 2):
                raise AssertionError(f"status {ended.code}") from ended
            return
    assert args.command == command


def option_values(data: bytes) -> None:
    """The values of options are understood or refused, and options are taken out of a command's words whole."""
    source = Bytes(data)
    words = source.text().split("\0")
    for word in words:
        with contextlib.suppress(ConfigError):
            shard = parse_shard(word)
            assert 1 <= shard.number <= shard.count
        with contextlib.suppress(ConfigError):
            share = _share(word)
            assert share is None or math.isnan(share) or share == float(word)
        with contextlib.suppress(ConfigError):
            RuleSettings(temperature=source.choose((None, 0.5)), top_k=len(word), order=word.split(","))
        _is_meant(Entry("0" * 32, Path("x"), {}, 1, 0.0), word)
    left = words_without(words, ("--ray", "--parts"))
    assert not any(word.partition("=")[0] in ("--ray", "--parts") for word in left)
    assert len(left) <= len(words)


def constraints(data: bytes) -> None:
    """Any pattern, lexicon, pairs and schedule give an automaton over a vocabulary, or one clear error."""
    from ostinato.codecs import ByteCodec
    from ostinato.decode import constraints as made
    from ostinato.decode.rules.shaping import parse_temperature

    source = Bytes(data)
    words = source.text().split("\0")
    with contextlib.suppress(ConfigError):
        parse_temperature(words[0])
    makers = (lambda: made.matching(words[0]), lambda: made.of_words(words), lambda: made.balanced(words[0]),
              lambda: made.without(words))  # fmt: skip
    codec = ByteCodec(end=True)
    for make in makers:
        with contextlib.suppress(ConfigError):
            table = make()
            symbols = made.SymbolTable(made.TableWalk(table, codec.pieces), codec.size, codec.end, [b"a"])
            symbols.check(10)
            assert (symbols.next[symbols.starts] >= 0).any() or symbols.accepts[symbols.starts].any()


def settings(data: bytes) -> None:
    """Any --set words give settings, or one error that names them all."""
    from ostinato import config
    from ostinato.families import RECIPES

    source = Bytes(data)
    recipe = source.choose(tuple(RECIPES.values()))
    words = source.text().split("\0")
    try:
        values = config.parse_assignments(words, recipe.settings)
        made = config.read(recipe.settings, values, where="the fuzz")
    except ConfigError:
        return
    assert config.read(recipe.settings, config.write(made), where="again") == made


TARGETS = {
    target.__name__: target
    for target in (
        codec_texts,
        codec_descriptions,
        readers,
        pieces,
        run_files,
        arguments,
        option_values,
        constraints,
        settings,
        *FUZZED,
    )
}


def _described(codec):
    return b"\0" + json.dumps(codec.to_json()).encode()


def _words(*words):
    return b"\0".join(word.encode() for word in words)


_TABLE = b'a,text\n1,"x ""y"""\n2,z\n'
_RECORDS = b'{"text": "a b", "n": 1}\n{"text": "\\ud83d"}\n'
OF_LABELS = (
    codecs.LabelCodec(["B-x", "O"], unit="words", end=True),
    codecs.SpelledCodec(["a", "b"], [["X"]], "ab"),
    codecs.FrameCodec([0.0, 1.0], [1.0, 2.0]),
)
#: Inputs that are well-formed, for a fuzzer to begin with.
SEEDS = {
    "codec_texts": [b"\0the cat\n sat\xc3\xa9", b"\1\xf0\x9f\x8e\xb5 a  b"],
    "codec_descriptions": [
        *(_described(codec) for codec in (codecs.ByteCodec(), codecs.CharacterCodec("ab"), codecs.WordCodec(["a"]))),
        _described(SUBWORDS)[:399],
        *(_described(codec) for codec in OF_LABELS),
    ],
    "readers": [
        bytes([n, 0, 0, 1, 0]) + body for n in range(len(NAMES)) for body in (b"one two\nthree\n", _TABLE, _RECORDS)
    ],
    "pieces": [b"\10\0the cat\r\nsat  on \xc3\xa9\xe6\x97\xa5", b"\1\4\x82\xa0 a\n"],
    "run_files": [seal({"a": 1}).encode(), safetensors.numpy.save({"w": np.zeros(2, dtype=np.float32)}), b"{}"],
    "arguments": [
        bytes([n]) + _words("runs/x", "--seed", "1", "--json", "--shard", "1/2", "--set", "layers=2", "--length", "5")
        for n in range(len(COMMANDS))
    ],
    "option_values": [_words("1/4", "0.1", "all", "30", "temperature,top-k", "--ray", "auto", "--parts=3", "--json")],
    "constraints": [b"\0" + _words(r"(a|b)*c{2,3}", "0:1.2,40:0.6"), b"\0" + _words("()[]", "cat", "\u00e9")],
    "settings": [b"\0" + _words("hidden_size=64", "core=gru", "tied=true", "dropout=0.5", "patience=null")],
    **ROOM_SEEDS,
}
