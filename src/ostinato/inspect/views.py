"""Views: one look at a model each, as data that a terminal, a file of JSON and a page show."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources.abc import Traversable
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Cell: TypeAlias = str | int | float
#: Symbols that the page of a view of single symbols has at most.
MOST_ON_PAGE = 2000


@dataclass(frozen=True)
class Coloured:
    """A text in colours.

    Attributes:
        title: The line over it.
        symbols: Its parts.
        shares: Colour of each, [T]: of ``"signed"`` from -1, blue, to 1, green; of ``"heat"`` from 0 to 1, red.
        kind: The kind of its colours.
    """

    title: str
    symbols: Sequence[str]
    shares: NDArray[np.floating[Any]]
    kind: Literal["signed", "heat"] = "signed"


@dataclass(frozen=True)
class View:
    """One look at a model.

    Attributes:
        name: Its name, such as ``"guesses"``.
        title: The title of its tab on a page.
        columns: Names of the columns of its table.
        rows: Makes the rows of its table.
        objects: Makes the same as plain data: what ``--json`` prints, an object a line.
        coloured: Texts in colours, for terminals.
        module: The module that shows it on a page; empty: that of its name.
        facts: Plain data for that module; a value that several views share is written once.
        arrays: Arrays for that module, which are packed: int8, or float32 as it is.
        notes: Remarks.
        folders: Folders of its module, where it is not among those of ``ostinato.inspect``.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    rows: Callable[[], Iterable[Sequence[Cell]]]
    objects: Callable[[], Iterable[Mapping[str, Any]]]
    coloured: tuple[Coloured, ...] = ()
    module: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    folders: tuple[Traversable, ...] = ()

    def plain(self) -> list[Mapping[str, Any]]:
        """Return it as plain data."""
        return list(self.objects())

    def describe(self) -> str:
        """Return its table, columns apart by tabulators."""
        return "\n".join("\t".join(map(str, row)) for row in (self.columns, *self.rows()))

    def _repr_html_(self) -> str:
        """Return it as it shows itself in a notebook."""
        from ostinato.inspect.page import in_notebook

        return in_notebook([self], title=self.title)


def cut_note(count: int, what: str = "symbols") -> tuple[str, ...]:
    """Return the remark that a page shows a part of so many symbols; empty where it shows all."""
    return (f"the page shows the first {MOST_ON_PAGE:,} of {count:,} {what}",) if count > MOST_ON_PAGE else ()


def visible(text: str) -> str:
    """Return a symbol as it can stand in a table, where a lone space would not be seen."""
    return "␣" if text == " " else one_line(text)


def one_line(text: str) -> str:
    """Return a text as it can stand in one line."""
    return text.replace("\n", "⏎").replace("\t", "→")
