"""Titles as tokens after a tune's own: a model writes the title letter by letter, having seen the music."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

#: What a title begins with.
TITLE = "T:"
#: What a letter's token begins with; a space is an underscore.
LETTER = "`"
_MOST = 48  # letters
_ARTICLE = re.compile(r"(.+), (The|A|An)\b\.?", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")  # with apostrophes inside
_LEFT_OUT = re.compile(r"[^A-Za-z0-9 '&.,!?()-]+")


def title_tokens(title: str) -> list[str]:
    """Return the tokens of a title; none, where nothing of it can be written."""
    plain = plain_title(title)
    return [TITLE, *(LETTER + letter.replace(" ", "_") for letter in plain)] if plain else []


def plain_title(title: str) -> str:
    """Return a title as it is learned: Latin letters, articles in front, no shouting, no dance, not too long."""
    letters = unicodedata.normalize("NFKD", title).replace("’", "'").encode("ascii", "ignore").decode()
    text = " ".join(_LEFT_OUT.sub(" ", letters).split())
    text = text.partition(" -- ")[0]  # what comes after it is the kind of dance
    if text.isupper():
        text = _WORD.sub(lambda word: _capitalised(word[0]), text)
    if match := _ARTICLE.fullmatch(text):
        text = f"{match[2]} {match[1]}"
    if len(text) > _MOST:
        text = text[: _MOST + 1].rpartition(" ")[0][:_MOST] or text[:_MOST]
    return text.strip()


def _capitalised(word: str) -> str:
    """Return a word in small letters with a capital: Admiral's, and O'Donnel's with two.

    >>> _capitalised("ADMIRAL'S"), _capitalised("O'DONNEL'S")
    ("Admiral's", "O'Donnel's")
    """
    first, *rest = word.split("'")
    if len(first) == 1 and rest:
        rest[0] = rest[0].capitalize()
    return "'".join(
        [first.capitalize(), *(part if n == 0 and len(first) == 1 else part.lower() for n, part in enumerate(rest))]
    )


def split_title(tokens: Sequence[str]) -> tuple[list[str], str]:
    """Return a tune's tokens without those of its title, and the title; empty: it has none."""
    if TITLE not in tokens:
        return list(tokens), ""
    place = list(tokens).index(TITLE)
    letters = (token.removeprefix(LETTER).replace("_", " ") for token in tokens[place + 1 :])
    return list(tokens[:place]), "".join(letters)
