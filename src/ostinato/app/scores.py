"""Scores in the terminal: texts coloured by how much they surprise, and lines for their parts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rich.text import Text

from ostinato.app.terminal.console import Console
from ostinato.inspect.views import one_line

if TYPE_CHECKING:
    from ostinato.families.text.results import Score, ScoredPart

COLUMNS = "log_prob\tsymbols\tbits_per_symbol\ttext"
_COLOURS = ((1.0, "green"), (3.0, ""), (5.0, "yellow"), (8.0, "dark_orange"), (math.inf, "bold red"))


def print_score(console: Console, result: Score) -> None:
    """Print a text with its surprising places coloured."""
    coloured = Text()
    for part in result.per("character"):
        if not part.is_end:
            coloured.append(part.text, style=_colour(part))
    console.print(coloured)


def print_part(console: Console, part: ScoredPart) -> None:
    """Print a part with its numbers, in a terminal with its colour."""
    if console.is_terminal:
        line = Text(f"{part.log_prob:10.3f} {part.bits_per_symbol:7.2f} bits  ")
        line.append(one_line(part.text), style=_colour(part))
        console.print(line, no_wrap=True, overflow="ellipsis")
    else:
        print(f"{part.log_prob:.4f}\t{part.symbols}\t{part.bits_per_symbol:.4f}\t{one_line(part.text)}")


def _colour(part: ScoredPart) -> str:
    return next(style for limit, style in _COLOURS if part.bits_per_symbol <= limit)
