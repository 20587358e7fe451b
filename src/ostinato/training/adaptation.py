"""Settings for adapting a model to the text it reads. No PyTorch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from ostinato.config import one_of, out_of_range, raise_problems
from ostinato.errors import ConfigError

_MIXED = ("counts", "cache")


@dataclass(frozen=True)
class Adaptation:
    """Settings of dynamic evaluation, and of the experts with which the network is mixed.

    Attributes:
        method: ``"rms"`` divides each weight's gradient by its usual size, ``"sgd"`` does not.
        rate: The learning rate; 0 leaves the network as it is. ``None``: 0.001 for ``"rms"``, 0.05 for ``"sgd"``.
        decay: Fraction by which each segment moves a weight back to the trained one; with ``"rms"``, a weight of
            usual gradient.
        segment: Symbols between two changes of the weights.
        counts: Whether a model of counts, which has read the training text and goes on learning, is mixed in.
        cache: Number of places that a neural cache remembers, which is mixed in; 0 is none.
    """

    method: Literal["rms", "sgd"] = "rms"
    rate: float | None = None
    decay: float = 0.002
    segment: int = 20
    counts: bool = False
    cache: int = 0

    def __post_init__(self) -> None:
        raise_problems(
            [
                one_of("method", self.method, ("rms", "sgd")),
                out_of_range("rate", self.used_rate, least=0),
                out_of_range("decay", self.decay, least=0, most=1),
                out_of_range("segment", self.segment, least=1),
                out_of_range("cache", self.cache, least=0),
            ]
        )

    @property
    def used_rate(self) -> float:
        """The learning rate in use: ``rate``, or the method's own."""
        if self.rate is not None:
            return self.rate
        return 1e-3 if self.method == "rms" else 0.05

    @property
    def is_mixed(self) -> bool:
        """Whether the network is mixed with experts."""
        return self.counts or self.cache > 0


def adaptation_of(options: Mapping[str, Any], *, asked: bool, hint: str) -> Adaptation | None:
    """Return the adaptation that options describe; ``None`` if there is to be none.

    Args:
        options: ``adapt_method``, ``adapt_rate``, ``adapt_decay``, ``adapt_segment``, ``counts`` and ``cache``, as far
            as they are given.
        asked: Whether an adaptation is asked for.
        hint: The option that asks for it.

    Raises:
        ConfigError: Options describe an adaptation that is not asked for, or are out of range.
    """
    names = {field.name: field.name if field.name in _MIXED else f"adapt_{field.name}" for field in fields(Adaptation)}
    given = {name: options[option] for name, option in names.items() if option in options}
    if given and not asked:
        flags = ", ".join(f"--{names[name].replace('_', '-')}" for name in given)
        raise ConfigError(f"{flags}: how to adapt is for {hint}, which is not given")
    return Adaptation(**given) if asked else None
