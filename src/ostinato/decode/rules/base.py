"""What every rule promises: new logits from old, and a memory that moves along with its row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    from torch import Tensor


class At(NamedTuple):
    """Where a search is in time.

    Attributes:
        step: How many symbols each row has chosen already.
        length: How many it may choose in all.
    """

    step: int
    length: int


class Rule(Protocol):
    """One step of the pipeline. Its state obeys the state algebra; axis 0 is the rows.

    Attributes:
        name: What ``--rules`` calls it.
    """

    name: ClassVar[str]

    def may_exhaust(self, *, is_first: bool) -> bool:
        """Return whether it can forbid all that is left to it, so that a row gets stuck."""

    def initial_state(self, prompts: Sequence[Sequence[int]]) -> Any:
        """Return the state of a row for each prompt, before the first symbol; ``()`` for a rule without memory."""

    def apply(self, logits: Tensor, state: Any, at: At) -> tuple[Tensor, Any]:
        """Return new logits [R, V], and the state with what the rule has to remember of them.

        ``-inf`` forbids a symbol; what is forbidden already stays so.
        """

    def advance(self, symbols: Tensor, state: Any) -> Any:
        """Return the state after each row has taken its symbol, [R]."""

    def complete(self, state: Any, at: At) -> Tensor | None:
        """Return which rows this rule ends before a step, [R] bool; ``None``, always, where it ends nothing."""


Rules: TypeAlias = Sequence[Rule]


class Memoryless:
    """A rule that looks only at the logits before it."""

    def may_exhaust(self, *, is_first: bool) -> bool:
        """Return ``False``: something is always kept."""
        return False

    def initial_state(self, prompts: Sequence[Sequence[int]]) -> tuple[()]:
        """Return nothing: there is nothing to remember."""
        return ()

    def advance(self, symbols: Tensor, state: Any) -> Any:
        """Return the state as it is."""
        return state

    def complete(self, state: Any, at: At) -> Tensor | None:
        """Return ``None``: it ends nothing."""
        return None
