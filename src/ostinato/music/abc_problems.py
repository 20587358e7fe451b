"""Problems in ABC notation, with their places."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn, TypeAlias

from ostinato.errors import AbcError


@dataclass(frozen=True)
class Problem:
    """Something that could not be read.

    Attributes:
        line: Line of the file or text, from 1.
        column: Column, from 1.
        message: Message: the problem, what is allowed, and what to do.
    """

    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.message}"


#: Told of a problem; what is in the way is left out then.
Tell: TypeAlias = Callable[[Problem], None]


def refuse(problem: Problem) -> NoReturn:
    """Raise a problem as an error.

    Raises:
        AbcError: Always.
    """
    raise AbcError(str(problem))
