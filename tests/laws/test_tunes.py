"""Laws of tunes: what is written is read back."""

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

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
