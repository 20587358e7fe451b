"""Whole files that commands name: prompts, lexicons, lines to rank."""

from __future__ import annotations

import sys

from ostinato.data import Reading
from ostinato.data.reading import read_plain


def read_file(file: object) -> str:
    """Return the text of a file; ``-`` is standard input."""
    return read_plain(str(file), Reading("utf-8"), standard_input=sys.stdin.buffer)
