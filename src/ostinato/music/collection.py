"""A collection of tunes as others are judged by it: titles, melodies, rhythms of bars, and counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from ostinato.music.bars import Bar, bars
from ostinato.music.copying import Melodies
from ostinato.music.likeness import intervals
from ostinato.music.population import Population
from ostinato.music.timing import durations
from ostinato.music.tune import Tune

VERSION = 1


@dataclass(frozen=True)
class Collection:
    """What is known of a collection.

    Attributes:
        titles: Of the tunes; empty where a tune has none.
        steps: Of each its ``intervals``.
        rhythms: By meter: the rhythms that its bars have, as ``rhythm`` writes them.
        counts: Over all tunes.
    """

    titles: tuple[str, ...]
    steps: tuple[tuple[int, ...], ...]
    rhythms: Mapping[str, frozenset[str]]
    counts: Population

    @cached_property
    def melodies(self) -> Melodies:
        """The melodies, to be asked for copies."""
        return Melodies(self.steps)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        rhythms = {meter: sorted(found) for meter, found in sorted(self.rhythms.items())}
        steps = [" ".join(map(str, one)) for one in self.steps]
        return {"version": VERSION, "titles": list(self.titles), "steps": steps, "rhythms": rhythms,
                "counts": self.counts.to_json()}  # fmt: skip

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Collection:
        """Read what ``to_json`` gave."""
        rhythms = {meter: frozenset(known) for meter, known in found["rhythms"].items()}
        steps = tuple(tuple(map(int, one.split())) for one in found["steps"])
        return cls(tuple(found["titles"]), steps, rhythms, Population.from_json(found["counts"]))


def collect(tunes: Sequence[Tune], tick: Callable[[int, int], None] | None = None) -> Collection:
    """Learn what there is to know of tunes; ``tick`` is told how many of how many are done."""
    steps, rhythms, counts = [], dict[str, set[str]](), Population()
    for number, tune in enumerate(tunes, 1):
        steps.append(tuple(intervals(tune)))
        rhythms.setdefault(_meter(tune), set()).update(rhythms_of(tune))
        counts.add(tune)
        if tick is not None:
            tick(number, len(tunes))
    known = {meter: frozenset(found) for meter, found in rhythms.items()}
    return Collection(tuple(tune.title for tune in tunes), tuple(steps), known, counts)


def rhythms_of(tune: Tune) -> list[str]:
    """Return the rhythm of every bar that is as long as the meter says: the lengths of its notes and rests."""
    times = durations(tune)
    return [_rhythm(times, bar) for bar in bars(tune) if bar.is_right and not bar.rests]


def usual_rhythms(tune: Tune, collection: Collection) -> float:
    """Return the share of a tune's bars whose rhythm the collection has in that meter; 1 for a tune without bars."""
    known = collection.rhythms.get(_meter(tune), frozenset())
    found = rhythms_of(tune)
    return sum(rhythm in known for rhythm in found) / len(found) if found else 1.0


def _rhythm(times: Sequence[Fraction], bar: Bar) -> str:
    return " ".join(str(time) for time in times[bar.first : bar.last] if time)


def _meter(tune: Tune) -> str:
    return "none" if tune.meter is None else tune.meter.name
