"""Numbers of bars as a person writes them."""

from __future__ import annotations

from ostinato.errors import ConfigError

_MOST_DIGITS = 5  # of the number of a bar


def parse_bars(text: str) -> frozenset[int]:
    """Read numbers of bars such as ``1-4,7``.

    Raises:
        ConfigError: The text is no such list.
    """
    numbers: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        last = last if dash else first
        is_range = first.isdecimal() and last.isdecimal() and max(len(first), len(last)) <= _MOST_DIGITS
        if not is_range or int(last) < int(first):
            raise ConfigError(
                f"{text[:60]!r} does not say which bars; write numbers of up to {_MOST_DIGITS} digits and ranges, such "
                "as 1-4,7"
            )
        numbers |= set(range(int(first), int(last) + 1))
    return frozenset(numbers)
