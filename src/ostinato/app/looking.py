"""Views in a terminal: texts in colours, and tables as wide as it is; plain columns where they are piped."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from ostinato.app.terminal.console import Console
from ostinato.app.terminal.output import as_json, shown
from ostinato.inspect.views import Coloured, View

_GREEN, _BLUE, _RED = (47, 158, 68), (74, 144, 217), (214, 73, 51)


def print_view(view: View, console: Console, *, as_objects: bool) -> None:
    """Print a view: as objects, as columns with tabulators, or in a terminal in colours and fitted to its width."""
    if as_objects:
        for plain in view.objects():
            print(as_json(plain))
        return
    if not console.is_terminal:
        print("\t".join(view.columns))
        for row in view.rows():
            print("\t".join(shown(cell) for cell in row))
        return
    console.print(_table(view))
    for one in view.coloured:
        console.print(Text(shown(one.title), style="bold"))
        console.print(coloured(one), soft_wrap=False)


def coloured(text: Coloured) -> Text:
    """Return a text in colours, black on what stands for each share."""
    told = Text()
    for symbol, share in zip(text.symbols, text.shares.tolist(), strict=True):
        full = _RED if text.kind == "heat" else _GREEN if share > 0 else _BLUE
        red, green, blue = (round(255 - min(1.0, abs(share)) * (255 - part)) for part in full)
        told.append(shown(symbol), style=f"black on rgb({red},{green},{blue})")
    return told


def _table(view: View) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name, justify in zip(view.columns, _justified(view), strict=True):
        table.add_column(name, justify="right" if justify else "left", overflow="ellipsis", no_wrap=True)
    for row in view.rows():
        table.add_row(*(Text(shown(cell)) for cell in row))
    return table


def _justified(view: View) -> Sequence[bool]:
    """Return whether each column has numbers alone, as its first row says."""
    first = next(iter(view.rows()), ())
    return [_is_number(str(cell)) for cell in first] or [False] * len(view.columns)


def _is_number(cell: str) -> bool:
    try:
        float(cell.rstrip("%"))
    except ValueError:
        return False
    return True
