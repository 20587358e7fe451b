"""The methods of a language model that look inside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from ostinato.codecs import Unknown
from ostinato.decode.pipeline import RuleSettings

if TYPE_CHECKING:
    from ostinato.families.text.inspecting.coming import Coming
    from ostinato.families.text.inspecting.holding import HeldTextModel
    from ostinato.families.text.inspecting.inspection import TextInspection
    from ostinato.families.text.inspecting.reading import Reader
    from ostinato.families.text.model import TextModel
    from ostinato.inspect.clamps import Clamp
    from ostinato.inspect.recording import Recording


class LooksInside:
    """A language model that can be looked into."""

    @property
    def _own(self) -> TextModel:
        return cast("TextModel", self)

    def inspect(self, text: str, *, unknown: Unknown = "error", rules: RuleSettings | None = None) -> TextInspection:
        """Look inside the model while it reads a text.

        Args:
            text: The text.
            unknown: Treatment of symbols that the model does not know.
            rules: Rules; the guesses tell what they would leave out.

        Raises:
            ConfigError: The text is empty.
            UnknownSymbolError: The text has symbols that the model does not know.
        """
        from ostinato.families.text.inspecting.inspection import TextInspection

        return TextInspection(self._own, text, unknown=unknown, rules=rules)

    def coming(self, text: str = "", *, count: int = 10, words: int = 0, rules: RuleSettings | None = None) -> Coming:
        """Return what may come next after a text, exactly: symbols, and whole words.

        Args:
            text: The text; empty: the beginning.
            count: Number of symbols to tell.
            words: Number of words to tell; 0: none.
            rules: Rules; what they leave out is told.

        Raises:
            ConfigError: A number is out of range, or a rule does not fit the model.
            UnknownSymbolError: The text has symbols that the model does not know.
        """
        from ostinato.families.text.inspecting.coming import coming

        return coming(self._own, self._reader, text, count=count, words=words, rules=rules)

    @cached_property
    def _reader(self) -> Reader:
        from ostinato.families.text.inspecting.reading import reader_of

        return reader_of(self._own)

    def inspect_on(self, text: str | None, options: Mapping[str, Any]) -> TextInspection:
        """Look inside the model while it reads a text; ``None``: the beginning of the held-out part of its run."""
        from ostinato.families.text.inspecting.opening import inspection_of

        return inspection_of(self._own, text, options)

    def clamped(
        self,
        *clamps: Clamp,
        layer: int | None = None,
        unit: int = 0,
        value: float = 0.0,
        part: str = "hidden",
    ) -> HeldTextModel:
        """Return this model with units held at values, in writing, scoring and measuring.

        Args:
            clamps: The clamps.
            layer: Layer of one more unit, held at ``value`` from the first step to the last.
            unit: Its number.
            value: Its value.
            part: ``"hidden"``, ``"cell"``, or a gate.

        Raises:
            ConfigError: It has no such unit, or is an ensemble.
        """
        from ostinato.families.text.inspecting.holding import HeldTextModel
        from ostinato.inspect.clamps import Clamp

        one = () if layer is None else (Clamp(layer, unit, value, part=part),)
        return HeldTextModel(self._own, (*clamps, *one))

    def record(self, text: str, *, taps: Sequence[str] = (), unknown: Unknown = "error") -> Recording:
        """Return every state over a text, the values of taps, and the guesses.

        Args:
            text: The text.
            taps: Patterns of further values, such as ``"*gate"`` or ``"forget_gate"``.
            unknown: Treatment of symbols that the model does not know.

        Raises:
            ConfigError: The text is empty, the model is an ensemble, or a pattern matches nothing.
            UnknownSymbolError: The text has symbols that the model does not know.
        """
        from ostinato.families.text.inspecting.recording import record

        return record(self._own, text, unknown, taps=taps)
