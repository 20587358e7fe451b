"""Beams: they join short notes that stand together in a beat, or in half a bar of even meters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from ostinato.music.bars import Bar, bars
from ostinato.music.elements import Chord, Note, Rest
from ostinato.music.meter import Meter
from ostinato.music.tempo import beat
from ostinato.music.timing import durations
from ostinato.music.tune import Tune

_LEVELS = 3  # beams at most: of thirty-second notes
_QUARTER = Fraction(1, 4)
_DOTTED = 3  # numerator of the length of a note with one dot


def beams(tune: Tune, written: Sequence[Fraction]) -> dict[int, list[str]]:
    """Return for each note on a beam, by its place in the body, the role of each of its beams.

    Args:
        tune: The tune, whose meter is taken to hold throughout.
        written: Drawn length of each element, in whole notes, before a tuplet changes it.

    Returns:
        ``"begin"``, ``"continue"``, ``"end"``, ``"forward hook"`` or ``"backward hook"``, from the outermost beam on.
    """
    roles: dict[int, list[str]] = {}
    for group in _groups(tune):
        levels = [_level(written[place]) for place in group]
        for level in range(1, _LEVELS + 1):
            for first, last in _runs([count >= level for count in levels]):
                for at in range(first, last + 1):
                    completes = at == len(group) - 1 or (at > 0 and written[group[at - 1]].numerator == _DOTTED)
                    roles.setdefault(group[at], []).append(_beam_role(at, first, last, completes=completes))
    return roles


def _beam_role(at: int, first: int, last: int, *, completes: bool) -> str:
    """Return a beam's role at a note; on one note alone it is a hook, backward if the note completes a dotted one."""
    if first == last:
        return "backward hook" if completes else "forward hook"
    return "begin" if at == first else "end" if at == last else "continue"


def _groups(tune: Tune) -> Iterator[list[int]]:
    """Yield the places of notes shorter than a quarter that stand together, at least two in a group."""
    times, unit = durations(tune), _unit(tune.meter)
    for bar in bars(tune):
        group: list[int] = []
        at, slot = _start(bar), -1
        for place in range(bar.first, bar.last):
            element = tune.body[place]
            if not times[place]:
                continue
            short = isinstance(element, Note | Chord) and times[place] < _QUARTER
            if group and (not short or at // unit != slot):
                yield from [group] if len(group) > 1 else []
                group = []
            if short:
                group, slot = [*group, place], at // unit
            elif isinstance(element, Rest):
                group = []
            at += times[place]
        yield from [group] if len(group) > 1 else []


def _start(bar: Bar) -> Fraction:
    """Return the time in a whole bar at which this one begins: an upbeat stands at the end."""
    is_upbeat = bar.meter is not None and bar.length < bar.meter and bar.left != "|"
    return bar.meter - bar.length if is_upbeat and bar.meter is not None else Fraction(0)


def _unit(meter: Meter | None) -> Fraction:
    if meter is None or meter.is_compound:
        return beat(meter)
    return Fraction(1, 2) if meter.bar in (Fraction(1), Fraction(1, 2)) else _QUARTER


def _level(length: Fraction) -> int:
    """Return the number of beams of a note of some length."""
    return sum(length < _QUARTER / 2**level for level in range(_LEVELS))


def _runs(has: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """Yield the first and last place of each run of true."""
    first = None
    for place, is_so in enumerate([*has, False]):
        if is_so and first is None:
            first = place
        elif not is_so and first is not None:
            yield first, place - 1
            first = None
