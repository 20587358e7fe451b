"""A tune as it is played: repeats written out, first and second endings in their turn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ostinato.music.bars import Bar
from ostinato.music.elements import BarLine, Element, Ending, Field
from ostinato.music.forms import Section, sections
from ostinato.music.sounding import Tone, tones
from ostinato.music.tune import Tune

_CHANGES = "KLM"  # fields that hold until they change


@dataclass(frozen=True)
class Played:
    """A tune written out.

    Attributes:
        tune: The tune without repeats and endings.
        places: For each element of its body its index in the body of the original tune; -1: it is not there.
    """

    tune: Tune
    places: tuple[int, ...]

    def tones(self) -> list[Tone]:
        """Return the notes as they sound; their places are those in the original tune."""
        return [replace(tone, place=self.places[tone.place]) for tone in tones(self.tune)]


def played(tune: Tune) -> Played:
    """Return a tune written out as it is played."""
    body: list[Element] = []
    places: list[int] = []
    holding = {"K": tune.key.name, "L": str(tune.unit), "M": "none" if tune.meter is None else tune.meter.name}
    wanted = _holding(tune)
    for part in sections(tune):
        for bar in _turns(part):
            for letter in _CHANGES:  # what a repeat goes back over is as it was there
                if wanted[bar.first][letter] != holding[letter]:
                    holding[letter] = wanted[bar.first][letter]
                    body.append(Field(letter, holding[letter]))
                    places.append(-1)
            for place in range(bar.first, bar.last):
                element = tune.body[place]
                if isinstance(element, Field) and element.letter in _CHANGES:
                    holding[element.letter] = element.value
                if not isinstance(element, Ending):
                    body.append(element)
                    places.append(place)
            body.append(BarLine("|"))
            places.append(-1)
    return Played(replace(tune, body=tuple(body)), tuple(places))


def _turns(part: Section) -> Iterator[Bar]:
    """Yield the bars of a section in the order in which they are played."""
    if not part.endings:
        for _ in range(1 + part.repeated):
            yield from part.bars
        return
    for ending in _in_turn(part.endings):
        yield from part.bars
        yield from ending


def _in_turn(endings: Sequence[list[Bar]]) -> list[list[Bar]]:
    """Return the endings in the order in which they are played: one marked ``1,3`` comes twice."""
    times = [(time, ending) for ending in endings for time in _times(ending[0].ending)]
    return [ending for _, ending in sorted(times, key=lambda one: one[0])]


def _times(marked: str) -> Iterator[int]:
    """Yield the numbers of the repeats in which an ending marked ``1``, ``1,3`` or ``1-3`` is played."""
    for span in marked.split(","):
        bounds = [int(number) for number in span.split("-")]
        yield from range(bounds[0], bounds[-1] + 1)


def _holding(tune: Tune) -> list[dict[str, str]]:
    """Return the key, unit length and meter that hold before each element."""
    now = {"K": tune.key.name, "L": str(tune.unit), "M": "none" if tune.meter is None else tune.meter.name}
    fields = []
    for element in tune.body:
        fields.append(dict(now))
        if isinstance(element, Field) and element.letter in _CHANGES:
            now[element.letter] = element.value
    return fields
