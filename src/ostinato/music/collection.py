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
    """Facts about a collection of tunes, by which others are judged.

    Attributes:
        titles: Titles of the tunes; empty where a tune has none.
        steps: The ``intervals`` of each tune.
        rhythms: Rhythms of the bars in each meter, as ``rhythms_of`` writes them.
        counts: Counts over all tunes.
    """

    titles: tuple[str, ...]
    steps: tuple[tuple[int, ...], ...]
    rhythms: Mapping[str, frozenset[str]]
    counts: Population

    @cached_property
    def melodies(self) -> Melodies:
        """The melodies, searchable for copies."""
        return Melodies(self.steps)

    def to_json(self) -> dict[str, Any]:
        """Return the collection as plain data."""
        rhythms = {meter: sorted(texts) for meter, texts in sorted(self.rhythms.items())}
        steps = [" ".join(map(str, one)) for one in self.steps]
        return {"version": VERSION, "titles": list(self.titles), "steps": steps, "rhythms": rhythms,
                "counts": self.counts.to_json()}  # fmt: skip

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Collection:
        """Build the collection that ``to_json`` returned."""
        rhythms = {meter: frozenset(known) for meter, known in found["rhythms"].items()}
        steps = tuple(tuple(map(int, one.split())) for one in found["steps"])
        return cls(tuple(found["titles"]), steps, rhythms, Population.from_json(found["counts"]))


def collect(tunes: Sequence[Tune], tick: Callable[[int, int], None] | None = None) -> Collection:
    """Return the collection of tunes; ``tick`` is called with the number of tunes done and of all."""
    steps, rhythms, counts = [], dict[str, set[str]](), Population()
    for number, tune in enumerate(tunes, 1):
        steps.append(tuple(intervals(tune)))
        rhythms.setdefault(_meter(tune), set()).update(rhythms_of(tune))
        counts.add(tune)
        if tick is not None:
            tick(number, len(tunes))
    known = {meter: frozenset(texts) for meter, texts in rhythms.items()}
    return Collection(tuple(tune.title for tune in tunes), tuple(steps), known, counts)


def rhythms_of(tune: Tune) -> list[str]:
    """Return the rhythm of every bar that is as long as the meter says: the lengths of its notes and rests."""
    times = durations(tune)
    return [_rhythm(times, bar) for bar in bars(tune) if bar.is_right and not bar.rests]


def usual_rhythms(tune: Tune, collection: Collection) -> float:
    """Return the share of a tune's bars whose rhythm the collection has in that meter; 1 for a tune without bars."""
    known = collection.rhythms.get(_meter(tune), frozenset())
    rhythms = rhythms_of(tune)
    return sum(rhythm in known for rhythm in rhythms) / len(rhythms) if rhythms else 1.0


def _rhythm(times: Sequence[Fraction], bar: Bar) -> str:
    return " ".join(str(time) for time in times[bar.first : bar.last] if time)


def _meter(tune: Tune) -> str:
    return "none" if tune.meter is None else tune.meter.name
