"""Tokens of plain text, for taggers that learned their labels on words and marks that stand apart."""

from __future__ import annotations

import re

# A word with hyphens, apostrophes or stops inside; a number with its separators; or any other mark by itself.
_TOKEN = re.compile(r"\d+(?:[.,:]\d+)*|\w+(?:[-'’.]\w+)*|[^\w\s]")


def tokenise(text: str) -> str:
    """Return a text with a space between its tokens.

    >>> tokenise("Don't ask: it's 3.50 (or so), O'Neill.")
    "Don't ask : it's 3.50 ( or so ) , O'Neill ."
    """
    return " ".join(_TOKEN.findall(text))
