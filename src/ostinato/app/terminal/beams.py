"""The beginnings of a beam while they compete."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from ostinato.families.text.results import Beginning

_SHOWN = 400  # characters of the end of each


def beams(beginnings: Sequence[Beginning], step: int, length: int) -> Table:
    """Draw the beginnings, best first: what all share is dim, and each shows its share of their probability.

    Args:
        beginnings: The texts as far as they are written.
        step: Number of symbols that they have.
        length: Most symbols that they may have.
    """
    title = f"{step:,} of at most {length:,} symbols"
    table = Table(title=title, title_justify="left", box=None, padding=(0, 1), expand=True)
    table.add_column("log prob", justify="right", no_wrap=True)
    table.add_column("share", justify="right", no_wrap=True)
    table.add_column("text", ratio=1)
    best = max((each.log_prob for each in beginnings), default=0.0)
    total = sum(math.exp(each.log_prob - best) for each in beginnings)
    shared = _shared([each.text for each in beginnings])
    for each in beginnings:
        share = math.exp(each.log_prob - best) / total
        text = Text()
        start = max(0, len(each.text) - _SHOWN)
        text.append(_visible(each.text[start:shared]), style="dim")
        text.append(_visible(each.text[max(start, shared) :]), style="bold")
        table.add_row(f"{each.log_prob:.2f}", f"{share:.0%}", text)
    return table


def _shared(texts: Sequence[str]) -> int:
    """Return the number of characters that all texts begin with."""
    if not texts:
        return 0
    first, last = min(texts), max(texts)
    return next((place for place, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))


def _visible(text: str) -> str:
    return text.replace("\n", "⏎")
