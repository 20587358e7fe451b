"""Whole files that commands name: prompts, lexicons, lines to rank."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from ostinato.data import Reading
from ostinato.data.reading import read_plain
from ostinato.errors import ConfigError


def read_file(file: object) -> str:
    """Return the text of a file; ``-`` is standard input."""
    return read_plain(str(file), Reading("utf-8"), standard_input=sys.stdin.buffer)


def check_texts(texts: Sequence[str]) -> None:
    """Check that what is given as texts does not name files.

    Raises:
        ConfigError: One does.
    """
    file = next((text for text in texts if os.path.isfile(text)), None)  # which takes texts of any length
    if file is not None:
        raise ConfigError(f"{file} is a file, and a text is expected here; --file {file} reads what it holds")
