"""The protocol of rules: new logits from old ones, and a state that stays with its row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    from torch import Tensor


class At(NamedTuple):
    """Time step of a search.

    Attributes:
        step: Number of symbols that each row has chosen already.
        length: Number of symbols that it may choose in all.
    """

    step: int
    length: int


class Rule(Protocol):
    """One step of the pipeline. Its state obeys the state algebra; axis 0 is the rows.

    Attributes:
        name: Name of the rule in ``--rules``.
    """

    name: ClassVar[str]

    def may_exhaust(self, *, is_first: bool) -> bool:
        """Return whether the rule can forbid every symbol still allowed, so that a row gets stuck."""

    def initial_state(self, prompts: Sequence[Sequence[int]]) -> Any:
        """Return the state of a row for each prompt, before the first symbol; ``()`` for a rule without memory."""

    def apply(self, logits: Tensor, state: Any, at: At) -> tuple[Tensor, Any]:
        """Return new logits, [R, V], and the state, updated with what it keeps of them.

        ``-inf`` forbids a symbol; a symbol that is forbidden already stays so.
        """

    def advance(self, symbols: Tensor, state: Any) -> Any:
        """Return the state after each row has taken its symbol, [R]."""

    def complete(self, state: Any, at: At) -> Tensor | None:
        """Return the rows that this rule ends before a step, [R] bool; ``None``, always, if it never ends any."""


Rules: TypeAlias = Sequence[Rule]


class Memoryless:
    """A rule that looks only at the logits before it."""

    def may_exhaust(self, *, is_first: bool) -> bool:
        """Return ``False``: a symbol is always kept."""
        return False

    def initial_state(self, prompts: Sequence[Sequence[int]]) -> tuple[()]:
        """Return the empty state."""
        return ()

    def advance(self, symbols: Tensor, state: Any) -> Any:
        """Return the state as it is."""
        return state

    def complete(self, state: Any, at: At) -> Tensor | None:
        """Return ``None``: it ends nothing."""
        return None
