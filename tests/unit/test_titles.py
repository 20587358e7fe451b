"""Titles of tunes as tokens."""

import pytest

from ostinato.errors import CodecError
from ostinato.music.titles import plain_title, split_title, title_tokens
from ostinato.music.tokens import tune_of


@pytest.mark.parametrize(
    ("title", "plain"),
    [
        ("Abbey Reel, The", "The Abbey Reel"),
        ("THE BURNT OLD MAN", "The Burnt Old Man"),
        ("Fletcher’s Delight — Reel", "Fletcher's Delight Reel"),
        ("Acacia -- Reel", "Acacia"),
        ("An Síoda \t[atá] i do bhaillet", "An Sioda ata i do bhaillet"),
        ("The Long " * 9, "The Long The Long The Long The Long The Long The"),
        ("x" * 60, "x" * 48),
        ("☃", ""),
    ],
)
def test_titles_are_made_plain(title, plain):
    assert plain_title(title) == plain
    assert plain_title(plain) == plain


def test_a_title_stands_after_the_tune():
    tokens = ["M:6/8", "K:dor", "C", "6", "|", "-", "6", "|]", *title_tokens("Up & Down")]
    assert tokens[8:12] == ["T:", "`U", "`p", "`_"]
    assert split_title(tokens) == (tokens[:8], "Up & Down")
    assert tune_of(tokens).title == "Up & Down"
    assert tune_of(tokens[:8]).titles == ()
    assert title_tokens("☃") == []


def test_a_tie_needs_a_note():
    for music in (["-"], ["z", "-"], ["[", "C", "E", "]", "-"]):
        with pytest.raises(CodecError, match="a tie has no note before it"):
            tune_of(["M:6/8", "K:maj", *music])
