"""Corpora that the recipe's rule is tuned on. None of them holds a text that results are reported on.

Of tinyshakespeare only nanoGPT's training part is here (the first 90 %), of names.txt only names that are in no
held-out draw of ``names.py``. Code is PyTorch's own, which everyone has who runs this; Python's standard library is
kept apart for the table of a corpus that nobody tuned on.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from common import data_file

SPLIT = 0.9
DRAWS, HELD_OUT = 5, 1000
_TUNES = ("irish", "oneills1850", "ryans-mammoth", "airds-airs")


@dataclass(frozen=True)
class Cell:
    """A corpus for tuning.

    Attributes:
        train: The texts to learn from: one text, or many items.
        valid: What settings are judged on.
        items: Whether the texts are items.
    """

    train: tuple[str, ...]
    valid: tuple[str, ...]
    items: bool


def _text(size: int) -> Cell:
    text = data_file("text/tinyshakespeare.txt").read_text()
    part = text[: int(len(text) * SPLIT)]
    return _cut(part[: -len(part) // 10], part[-len(part) // 10 :], size)


def _code(size: int) -> Cell:
    folder = Path(torch.__file__).parent
    files = sorted(folder.rglob("*.py"))
    random.Random(0).shuffle(files)
    text, at = "", 0
    while len(text) < size * 11 // 9 + 200_000:
        text, at = text + files[at].read_text(errors="replace"), at + 1
    return _cut(text[:-200_000], text[-200_000:-50_000], size)


def _cut(train: str, valid: str, size: int) -> Cell:
    known = set(train[:size])
    return Cell((train[:size],), ("".join(c for c in valid if c in known),), False)


def _names() -> Cell:
    lines = data_file("text/names.txt").read_text().split("\n")
    held = {i for draw in range(DRAWS) for i in random.Random(draw).sample(range(len(lines)), HELD_OUT)}
    left = [line for i, line in enumerate(lines) if i not in held]
    chosen = set(random.Random("tuning").sample(range(len(left)), HELD_OUT))
    return Cell(
        tuple(line for i, line in enumerate(left) if i not in chosen),
        tuple(left[i] for i in sorted(chosen)),
        True,
    )


def _abc() -> Cell:
    text = "".join(data_file(f"music/{name}.abc").read_text(errors="replace") for name in _TUNES)
    tunes = ["X:" + part for part in text.split("\nX:")]
    random.Random(0).shuffle(tunes)
    whole = "\n".join(tunes)
    return _cut(whole[:-100_000], whole[-100_000:], len(whole) - 100_000)


CELLS: dict[str, Callable[[], Cell]] = {
    "text-0.1": lambda: _text(100_000),
    "text-1": lambda: _text(10**6),
    "code-1": lambda: _code(10**6),
    "code-10": lambda: _code(10**7),
    "names": _names,
    "abc": _abc,
}
