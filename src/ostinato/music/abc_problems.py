"""What is wrong with ABC notation, and where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn, TypeAlias

from ostinato.errors import AbcError


@dataclass(frozen=True)
class Problem:
    """Something that could not be read.

    Attributes:
        line: In the file or text, from 1.
        column: From 1.
        told: What it is, what is allowed, and what to do.
    """

    line: int
    column: int
    told: str

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.told}"


#: Told of a problem; what is in the way is left out then.
Tell: TypeAlias = Callable[[Problem], None]


def refuse(problem: Problem) -> NoReturn:
    """Take no problem: raise it.

    Raises:
        AbcError: Always.
    """
    raise AbcError(str(problem))
