"""Shards: a part of a bulk job, by numbers alone, so that every process knows its own."""

from __future__ import annotations

from dataclasses import dataclass

from ostinato.errors import ConfigError


@dataclass(frozen=True)
class Shard:
    """Part ``number`` of ``count``, counted from 1. Parts are consecutive, so results join in their order.

    Attributes:
        number: Number of the part, from 1.
        count: Number of parts.
    """

    number: int = 1
    count: int = 1

    def of(self, places: range) -> range:
        """Return this shard's places; shares differ by one at most.

        >>> [list(Shard(n, 3).of(range(0, 8, 2))) for n in (1, 2, 3)]
        [[0], [2], [4, 6]]
        """
        total = len(places)
        first, last = total * (self.number - 1) // self.count, total * self.number // self.count
        return range(places.start + first * places.step, places.start + last * places.step, places.step)


def parse_shard(text: str) -> Shard:
    """Read ``"2/8"``.

    Raises:
        ConfigError: The text is not of that form, or out of range.
    """
    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
        raise ConfigError(f"--shard {text!r} is not of the form PART/PARTS, such as 1/4 for the first of four")
    return Shard(int(number), int(count))
