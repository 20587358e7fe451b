"""Tunes for the benchmarks of folk music: tunebooks, cleaned and cut so that settings of one tune stand on one side."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from common import data_file
from ostinato.music import Tune, read_tunebook, write_tune
from ostinato.music.cleaning import Cleaned, clean

BOOKS = ("irish", "oneills1850", "ryans-mammoth", "airds-airs")
_HELD_OUT = 0.1  # of the groups of settings


def book(name: str) -> Path:
    """Return the file of a tunebook."""
    return data_file(f"music/{name}.abc")


def cleaned(names: Sequence[str] = BOOKS) -> Cleaned:
    """Read tunebooks and keep what can be learned from."""
    return clean([(name, read_tunebook(book(name).read_text().splitlines())) for name in names])


def divided(found: Cleaned) -> tuple[list[Tune], list[Tune]]:
    """Return training tunes and held-out ones; a hash of each group's first title decides, not their order."""
    first: dict[int, Tune] = {}
    for group, tune in zip(found.groups, found.tunes, strict=True):
        first.setdefault(group, tune)
    parts: tuple[list[Tune], list[Tune]] = ([], [])
    for group, tune in zip(found.groups, found.tunes, strict=True):
        digest = hashlib.sha256(write_tune(first[group]).encode()).digest()
        parts[digest[0] < 256 * _HELD_OUT].append(tune)
    return parts


def write_books(folder: Path) -> tuple[Path, Path]:
    """Write train.abc and test.abc into a folder, if they are not there, and return where they are."""
    folder.mkdir(parents=True, exist_ok=True)
    files = folder / "train.abc", folder / "test.abc"
    if not all(file.exists() for file in files):
        for file, tunes in zip(files, divided(cleaned()), strict=True):
            file.write_text("\n".join(map(write_tune, tunes)))
    return files
