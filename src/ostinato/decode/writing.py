"""The ``Writer`` protocol: one interface for the reference search and for compiled code. No PyTorch here."""

from __future__ import annotations

from typing import Protocol

from ostinato.decode.paths import Hypothesis


class Writer(Protocol):
    """Texts being written for some prompts, each by a row or by a beam.

    Attributes:
        has_begun: Whether the prompts have been read; that may take long, and Ctrl-C does not wait for it.
    """

    @property
    def has_begun(self) -> bool: ...

    def go_on(self, steps: int | None = None) -> list[list[int]] | None:
        """Write on for at most ``steps`` symbols; ``None``: for a moment.

        Returns:
            For every prompt the symbols that are certain now and were not before; ``None`` when all is over.
        """

    def is_live(self, prompt: int) -> bool:
        """Return whether a prompt has rows that are still being written."""

    def ended(self, prompt: int) -> list[Hypothesis]:
        """Return the ended hypotheses of a prompt, best first; those that got stuck come last."""

    def live(self, prompt: int) -> list[tuple[tuple[int, ...], float]]:
        """Return the symbols of each live row of a prompt, and the natural log of the model's own probability."""
