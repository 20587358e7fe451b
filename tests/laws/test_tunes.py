"""Laws of tunes: what is written is read back, what is moved sounds moved, and tokens say the tune."""

from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ostinato.errors import CodecError, ConfigError
from ostinato.music import (
    BarLine,
    BarsOfRest,
    Broken,
    Chord,
    Decoration,
    Ending,
    Field,
    Grace,
    Key,
    Meter,
    Note,
    Pitch,
    Rest,
    Slur,
    Text,
    Tune,
    Tuplet,
    parse_tune,
    write_tune,
)
from ostinato.music.elements import BAR_LINES
from ostinato.music.keys import LETTERS, MODES
from ostinato.music.sounding import tones
from ostinato.music.tokens import Kept, simplified, tokens_of, tune_of
from ostinato.music.transposing import transpose

lengths = st.builds(Fraction, st.integers(1, 16), st.sampled_from([1, 2, 3, 4, 6, 8]))
pitches = st.builds(Pitch, st.sampled_from(LETTERS), st.integers(2, 7), st.sampled_from([None, 0, 1, -1, 2, -2]))
notes = st.builds(Note, pitches, lengths, st.booleans())
inner = st.lists(notes, min_size=1, max_size=3).map(tuple)
words = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters='"\\'), max_size=8)
keys = (
    st.builds(Key, st.sampled_from(LETTERS), st.sampled_from([-1, 0, 1]), st.sampled_from(sorted(MODES)))
    .filter(lambda key: abs(key.fifths) <= 7)
)  # fmt: skip
fields = st.one_of(
    keys.map(lambda key: Field("K", key.name)),
    st.sampled_from([Field("M", "6/8"), Field("M", "none"), Field("L", "1/16"), Field("P", "B"), Field("Q", "1/4=90")]),
)
elements = st.one_of(
    notes,
    st.builds(Rest, lengths, st.booleans()),
    st.builds(BarsOfRest, st.integers(1, 9)),
    st.builds(Chord, inner, lengths, st.booleans()),
    st.builds(Grace, inner, st.booleans()),
    st.builds(Text, words),
    st.builds(Decoration, st.sampled_from(["~", ".", "u", "T", "trill", "4", "fermata", "f"])),
    st.builds(Slur, st.booleans()),
    st.builds(Tuplet, st.integers(2, 9), st.integers(1, 9), st.integers(1, 9)),
    st.builds(Broken, st.sampled_from([-2, -1, 1, 2])),
    st.builds(BarLine, st.sampled_from(BAR_LINES)),
    st.builds(Ending, st.sampled_from(["1", "2", "1,3", "1-3"])),
    fields,
)
tunes = st.builds(
    Tune,
    number=st.integers(0, 9999),
    titles=st.lists(words, max_size=2).map(tuple),
    meter=st.sampled_from([None, Meter(6, 8), Meter(4, 4), Meter(2, 2), Meter(5, 4)]),
    unit=st.sampled_from([Fraction(1, 4), Fraction(1, 8), Fraction(1, 16)]),
    key=keys,
    body=st.lists(elements, max_size=40).map(tuple),
    rhythm=words,
    information=st.lists(st.tuples(st.sampled_from("ZNBSO"), words), max_size=3).map(tuple),
)


@given(tunes, st.integers(1, 6))
@settings(max_examples=400, deadline=None)
def test_a_tune_that_is_written_is_read_back(tune, bars):
    assert parse_tune(write_tune(tune, bars=bars)) == tune


@given(tunes, st.sampled_from(LETTERS), st.sampled_from([-1, 0, 1]), st.integers(-1, 1))
@settings(max_examples=200, deadline=None)
def test_a_tune_that_is_moved_sounds_moved_and_comes_back(tune, letter, alteration, octaves):
    try:
        moved = transpose(tune, letter, alteration, octaves=octaves)
    except ConfigError:
        assume(False)
    found, expected = tones(moved), tones(tune)
    assert len({one.midi - other.midi for one, other in zip(found, expected, strict=True)}) <= 1
    if found:
        assert abs(found[0].midi - expected[0].midi - 12 * octaves) <= 7
    back = transpose(moved, tune.key.letter, tune.key.alteration, octaves=-octaves)
    assert [tone.midi % 12 for tone in tones(back)] == [tone.midi % 12 for tone in expected]


@given(tunes, st.builds(Kept, st.booleans(), st.booleans(), st.booleans(), st.booleans()))
@settings(max_examples=200, deadline=None)
def test_tokens_say_the_tune(tune, kept):
    try:
        simple = simplified(tune, kept)
    except ConfigError:
        assume(False)
    assert tune_of(tokens_of(simple)) == simple
    assert simplified(simple, kept) == simple


def test_tokens_are_those_of_folk_rnn_where_it_has_them():
    tune = parse_tune(
        "X:1\nT:x\nM:6/8\nL:1/8\nK:Ador\nA|:ABc ^def|(3aga B>c [Ae]2-|{c}[1A3:|[2A/B/ (5ABcde||[M:9/8][K:D]d3"
    )
    assert " ".join(tokens_of(simplified(tune))) == (
        "M:6/8 K:dor c |: c d e ^f g a | (3 c' b c' d > e [ c g ] 2 -- | [1 c 3 :| [2 c /2 d /2 (5:3 c d e f g || "
        "[M:9/8] [K:F] f 3"
    )


@pytest.mark.parametrize(
    ("tokens", "told"),
    [
        ("K:maj M:6/8 c", "begins with meter and mode"),
        ("M:6/8", "begins with meter and mode"),
        ("M:6/8 K:blues c", "begins with meter and mode"),
        ("M:6/7 K:maj c", "is no meter"),
        ("M:6/8 K:maj c h3 4", "the tokens are no tune"),
    ],
)
def test_what_is_no_tune_is_refused(tokens, told):
    with pytest.raises(CodecError, match=told):
        tune_of(tokens.split())


def test_a_tune_that_cannot_be_tokens_says_why():
    with pytest.raises(ConfigError, match="no meter"):
        simplified(parse_tune("X:1\nM:none\nK:C\nA"))
    with pytest.raises(ConfigError, match="accidentals of its own"):
        simplified(parse_tune("X:1\nK:D =c\nA"))
