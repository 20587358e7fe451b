"""Rules that sharpen or flatten a distribution."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

from ostinato.decode.rules.base import At, Memoryless
from ostinato.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor


_COLDEST = 1e-6  # below, quotients would overflow


@dataclass(frozen=True)
class Temperature(Memoryless):
    """Divide logits by T: below 1 sharpens, above 1 flattens. T may change from symbol to symbol.

    Attributes:
        points: Pairs of a position, from 0, and the temperature there. Between two positions it changes in a straight
            line; before the first and after the last it stays. One temperature for all is one point.

    Source: Ackley, Hinton and Sejnowski 1985.
    """

    points: tuple[tuple[int, float], ...]
    name: ClassVar[str] = "temperature"

    def __post_init__(self) -> None:
        for _, value in self.points:
            if 0 < value < _COLDEST:
                raise ConfigError(f"temperature must be at least {_COLDEST:g}, got {value:g}; --greedy is colder still")
            if not (math.isfinite(value) and value > 0):
                raise ConfigError(
                    f"temperature must be a finite number above 0, got {value:g}; "
                    "for the most probable symbol at each step, use --greedy"
                )
        places = [place for place, _ in self.points]
        if not places or places[0] < 0 or any(a >= b for a, b in pairwise(places)):
            raise ConfigError(f"the positions of a temperature schedule must rise from 0 on, got {places}")

    def apply(self, logits: Tensor, state: Any, at: At) -> tuple[Tensor, Any]:
        return logits / self.at(at.step), state

    def at(self, step: int) -> float:
        """Return the temperature of the symbol at a position."""
        before = [point for point in self.points if point[0] <= step]
        after = [point for point in self.points if point[0] > step]
        if not before or not after:
            return (before or after)[-1 if before else 0][1]
        (start, low), (stop, high) = before[-1], after[0]
        return low + (high - low) * (step - start) / (stop - start)


def parse_temperature(text: str | float) -> Temperature:
    """Read a temperature, or a schedule such as ``0:1.2,40:0.6``.

    >>> parse_temperature("0:1.0,10:0.5").at(5)
    0.75

    Raises:
        ConfigError: It is neither.
    """
    if not isinstance(text, str):
        return Temperature(((0, float(text)),))
    try:
        if ":" not in text:
            return Temperature(((0, float(text)),))
        pairs = [part.split(":") for part in text.split(",")]
        return Temperature(tuple((int(place), float(value)) for place, value in pairs))
    except ConfigError:
        raise
    except ValueError as error:
        raise ConfigError(
            f"temperature must be a number such as 0.8, or a schedule POSITION:TEMPERATURE,… such as 0:1.2,40:0.6; "
            f"got {text!r}"
        ) from error
