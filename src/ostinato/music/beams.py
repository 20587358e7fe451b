"""Which notes hang on one beam: short ones that stand together in a beat, or in half a bar of even meters."""

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
    """Return for each note on a beam, by its place in the body, what each of its beams does there.

    Args:
        tune: The tune, whose meter is taken to hold throughout.
        written: Of each element the length that is drawn, in whole notes: without what a tuplet makes of it.

    Returns:
        ``"begin"``, ``"continue"``, ``"end"``, ``"forward hook"`` or ``"backward hook"``, from the outermost beam on.
    """
    found: dict[int, list[str]] = {}
    for group in _groups(tune):
        levels = [_level(written[place]) for place in group]
        for level in range(1, _LEVELS + 1):
            for first, last in _runs([own >= level for own in levels]):
                for at in range(first, last + 1):
                    completes = at == len(group) - 1 or (at > 0 and written[group[at - 1]].numerator == _DOTTED)
                    found.setdefault(group[at], []).append(_told(at, first, last, completes=completes))
    return found


def _told(at: int, first: int, last: int, *, completes: bool) -> str:
    """What a beam does at a note; one of its own points to the dotted note that the note completes, if it does."""
    if first == last:
        return "backward hook" if completes else "forward hook"
    return "begin" if at == first else "end" if at == last else "continue"


def _groups(tune: Tune) -> Iterator[list[int]]:
    """Notes that are shorter than a quarter and stand together, two at least."""
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
    """Where in a whole bar this one begins: an upbeat at its end."""
    is_upbeat = bar.meter is not None and bar.length < bar.meter and bar.left != "|"
    return bar.meter - bar.length if is_upbeat and bar.meter is not None else Fraction(0)


def _unit(meter: Meter | None) -> Fraction:
    if meter is None or meter.is_compound:
        return beat(meter)
    return Fraction(1, 2) if meter.bar in (Fraction(1), Fraction(1, 2)) else _QUARTER


def _level(length: Fraction) -> int:
    """How many beams a note of some length has."""
    return sum(length < _QUARTER / 2**level for level in range(_LEVELS))


def _runs(has: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """First and last place of each run of true."""
    first = None
    for place, is_so in enumerate([*has, False]):
        if is_so and first is None:
            first = place
        elif not is_so and first is not None:
            yield first, place - 1
            first = None
