"""Under a minute of what benchmarks/fuzz.py does at length: anything at all goes in, only errors of ours come out."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzz_targets import COLUMNS, ENCODINGS, ERRORS, NAMES, TARGETS
from ostinato.codecs import CODECS

EXAMPLES = {
    "codec_texts": 5400,
    "codec_descriptions": 2400,
    "readers": 1800,
    "pieces": 9000,
    "run_files": 1800,
    "arguments": 1500,
    "option_values": 1800,
    "constraints": 900,
    "settings": 2100,
}
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
PLAIN = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4)
)
OPTIONS = ("--seed", "--length", "--samples", "--greedy", "--json", "--shard", "--per", "--file", "--set", "--minutes",
           "--temperature", "--top-k", "--help", "--prompt", "--as", "--column", "--threads", "--device")  # fmt: skip
SETTINGS = ("hidden_size", "core", "layers", "tied", "dropout", "learning_rate", "codec", "patience", "precision")


def chosen(*lists):
    """Bytes that choose from each of the lists."""
    return st.tuples(*(st.integers(0, len(options) - 1) for options in lists)).map(bytes)


def as_json(value):
    import json

    return json.dumps(value).encode()


TABLES = st.lists(st.dictionaries(st.sampled_from(["text", "a", "b"]), LEAVES, max_size=3), max_size=5).map(
    lambda rows: b"\n".join(map(as_json, rows))
)
INPUTS = {
    "codec_texts": st.tuples(chosen((0, 1)), st.text(max_size=60).map(str.encode)).map(b"".join),
    "codec_descriptions": st.tuples(
        chosen(CODECS),
        st.dictionaries(
            st.sampled_from(["codec", "end", "alphabet", "nfc", "words", "spell", "definition"]), PLAIN
        ).map(as_json),
    ).map(b"".join),
    "readers": st.tuples(
        chosen(NAMES, ENCODINGS, ERRORS, COLUMNS),
        st.binary(max_size=80) | st.text(max_size=60).map(str.encode) | TABLES,
    ).map(b"".join),
    "pieces": st.binary(max_size=200) | st.text(" \r\né日a", max_size=90).map(str.encode),
    "run_files": st.binary(max_size=120) | PLAIN.map(as_json),
    "arguments": st.tuples(
        st.binary(min_size=1, max_size=1), st.lists(st.sampled_from(OPTIONS) | st.text(max_size=9), max_size=6)
    ).map(lambda parts: parts[0] + "\0".join(parts[1]).encode("utf-8", "replace")),
    "option_values": st.lists(
        st.sampled_from(
            ["1/4", "0/0", "-1", "0.1", "all", "30", "nan", "top-k,temperature", "--ray", "--parts", "--parts=2"]
        )
        | st.text("0123456789/.-=,eall", max_size=8)
    ).map(lambda words: "\0".join(words).encode()),
    "constraints": st.lists(
        st.text("ab()[]{}|*+?.\\^0123,:é", max_size=14) | st.sampled_from(["0:1,5:2", "[^a]{2,3}", "\\pL+", "()[]"]),
        min_size=1,
        max_size=3,
    ).map(lambda words: b"\0" + "\0".join(words).encode()),
    "settings": st.lists(
        st.tuples(st.sampled_from(SETTINGS), LEAVES.map(as_json) | st.text(max_size=5).map(str.encode)), max_size=4
    ).map(lambda pairs: b"\0" + b"\0".join(name.encode() + b"=" + value for name, value in pairs)),
}


#: Well-formed inputs, and lines and columns of little else.
BYTES = st.text("ab #.-1\t\n_", max_size=60).map(str.encode)


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_anything_at_all_is_taken_or_refused_with_an_error_of_ours(name):
    @given(data=INPUTS.get(name, st.nothing()) | BYTES | st.binary(max_size=120))
    @settings(
        max_examples=EXAMPLES.get(name, 100), deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    def check(data):
        TARGETS[name](data)

    check()
