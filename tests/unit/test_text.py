"""Text as it grows: whole characters only, and never a piece of a stop string."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostinato.codecs import ByteCodec, CharacterCodec
from ostinato.decode.text import TextStream
from ostinato.errors import ConfigError


def write(text, stops, codec=None):
    codec = codec or CharacterCodec("abc ")
    stream = TextStream(codec, stops)
    pieces = []
    for id_ in codec.encode(text).tolist():
        pieces.append(stream.feed(id_))
        if stream.stopped:
            break
    pieces.append(stream.flush())
    assert "".join(pieces) == stream.text
    return pieces, stream


@given(text=st.text("ab", max_size=12), stops=st.lists(st.text("ab", min_size=1, max_size=3), max_size=3))
def test_text_ends_before_the_stop_string_that_is_complete_first(text, stops):
    _, stream = write(text, stops)
    ends = [text.find(stop) + len(stop) for stop in stops if stop in text]
    seen = text[: min(ends)] if ends else text
    expected = min((seen.find(stop) for stop in stops if stop in seen), default=len(text))
    assert stream.text == text[:expected]
    assert stream.stopped == bool(ends)


def test_what_may_begin_a_stop_string_is_held_back_until_it_is_certain():
    pieces, stream = write("aabab c", ["abc"])
    assert pieces == ["", "a", "", "ab", "", "ab ", "c", ""]
    assert stream.text == "aabab c"
    pieces, stream = write("aabcc", ["abc"])
    assert pieces == ["", "a", "", "", ""]
    assert stream.stopped


def test_a_repeated_beginning_is_found():
    assert write("aab", ["ab"])[1].text == "a"  # a matcher that forgets the second a would miss it


def test_half_a_character_waits_for_its_other_half():
    pieces, _ = write("é😀", [], ByteCodec())
    assert pieces == ["", "é", "", "", "", "😀", ""]


def test_an_unfinished_character_shows_as_one_at_the_end():
    stream = TextStream(ByteCodec())
    assert stream.feed(0xC3) == ""
    assert stream.flush() == "\ufffd"


def test_an_empty_stop_string_is_refused():
    with pytest.raises(ConfigError, match="at least one character"):
        TextStream(ByteCodec(), [""])
