"""Groups of tunes that are settings of one tune: alike note for note over long stretches, in whatever key."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from ostinato.music.sounding import Tone, tones
from ostinato.music.tune import Tune

_NOTES = 8  # of a stretch
_ALIKE = 0.15  # share of the shorter one's stretches that both have
_COMMON = 60  # tunes; a stretch that so many have, such as a scale, says nothing

Stretch = tuple[int, ...]


def melody(tune: Tune) -> list[Tone]:
    """Return the notes of a tune one after the other; of those that begin together only the highest."""
    highest: dict[Fraction, Tone] = {}
    for tone in tones(tune):
        if tone.start not in highest or tone.midi > highest[tone.start].midi:
            highest[tone.start] = tone
    return list(highest.values())


def intervals(tune: Tune) -> list[int]:
    """Return the semitones from each note of the melody to the next."""
    return [after.midi - before.midi for before, after in pairwise(melody(tune))]


def stretches(tune: Tune, notes: int = _NOTES) -> set[Stretch]:
    """Return all runs of ``notes`` notes in a tune, as their intervals."""
    steps = intervals(tune)
    return {tuple(steps[at : at + notes - 1]) for at in range(len(steps) - notes + 2)}


def settings_of_one(tunes: Sequence[Tune]) -> list[int]:
    """Return a group number for each tune; settings of one tune have the number of the first of them."""
    runs = [stretches(tune) for tune in tunes]
    having: dict[Stretch, list[int]] = defaultdict(list)
    for number, own in enumerate(runs):
        for stretch in own:
            having[stretch].append(number)
    groups = _Groups(len(tunes))
    for number, own in enumerate(runs):
        shared: Counter[int] = Counter()
        for stretch in own:
            if len(having[stretch]) <= _COMMON:
                shared.update(other for other in having[stretch] if other < number)
        for other, count in shared.items():
            if count >= _ALIKE * min(len(own), len(runs[other])):
                groups.join(number, other)
    return [groups.first(number) for number in range(len(tunes))]


class _Groups:
    """Groups of numbers that are joined one by one (union-find)."""

    def __init__(self, count: int) -> None:
        self._above = list(range(count))

    def first(self, number: int) -> int:
        """Return the smallest number of a number's group."""
        while self._above[number] != number:
            self._above[number] = self._above[self._above[number]]
            number = self._above[number]
        return number

    def join(self, one: int, other: int) -> None:
        """Make one group of the groups of two numbers."""
        low, high = sorted((self.first(one), self.first(other)))
        self._above[high] = low
