"""Judgement of a tune: whether it adds up, fits an instrument, its key and its dance, and is new."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from ostinato.music.bars import check
from ostinato.music.collection import Collection, usual_rhythms
from ostinato.music.forms import problems
from ostinato.music.keys import NATURAL
from ostinato.music.likeness import melody
from ostinato.music.population import DEGREES
from ostinato.music.sounding import tones
from ostinato.music.tune import Tune
from ostinato.music.wishes import RANGES

_IN_SCALE, _USUAL, _FAR = 0.9, 0.8, 0.25  # shares of notes, of bars; distance
_MOST_BARS = 2  # copied in a row


@dataclass(frozen=True)
class Judgement:
    """The judgement of a tune.

    Attributes:
        problems: Messages on what does not add up; none for a tune that every program reads alike.
        interior: Number of bars with a plain bar line on both sides.
        right: Number of these that are as long as the meter says.
        lowest: MIDI number of the lowest note.
        highest: MIDI number of the highest note.
        playable: Instruments of ``RANGES`` that can play it.
        in_scale: Share of notes that need no sign besides the key's.
        final: The last note, as one of ``DEGREES``; empty: there are no notes.
        usual_rhythms: Share of bars whose rhythm the collection has in that meter; ``None`` without a collection.
        copied_bars: Length in bars of the longest run of notes that it shares with a tune of the collection, in any key
            and rhythm.
        copied_from: Title of that tune; empty: there is none.
        nearest: Title of the tune that is most like it.
        distance: Distance from that tune, 0 to 1.
    """

    problems: tuple[str, ...]
    interior: int
    right: int
    lowest: int
    highest: int
    playable: tuple[str, ...]
    in_scale: float
    final: str
    usual_rhythms: float | None = None
    copied_bars: float | None = None
    copied_from: str = ""
    nearest: str = ""
    distance: float | None = None

    @property
    def passed(self) -> tuple[str, ...]:
        """Names of the checks that it passes."""
        checks = {
            "adds up": not self.problems,
            "playable": bool(self.playable),
            "in its scale": self.in_scale >= _IN_SCALE,
            "ends on the tonic": self.final == DEGREES[0],
            "usual rhythms": self.usual_rhythms is None or self.usual_rhythms >= _USUAL,
            "copies little": self.copied_bars is None or self.copied_bars <= _MOST_BARS,
            "far from all": self.distance is None or self.distance >= _FAR,
        }
        return tuple(name for name, is_so in checks.items() if is_so)

    @property
    def points(self) -> int:
        """Number of checks that it passes."""
        return len(self.passed)


#: What a tune can pass.
CHECKS = ("adds up", "playable", "in its scale", "ends on the tonic", "usual rhythms", "copies little", "far from all")


def judge_tune(tune: Tune, collection: Collection | None = None) -> Judgement:
    """Judge a tune, and compare it with a collection if there is one."""
    heights = [tone.midi for tone in tones(tune)] or [0]
    lowest, highest = min(heights), max(heights)
    notes = melody(tune)
    scale = {(pitch + alteration) % 12 for pitch, alteration in _scale(tune)}
    bars_checked = check(tune)
    final = DEGREES[(notes[-1].midi - tune.key.tonic) % 12] if notes else ""
    plain = Judgement(
        tuple(problems(tune)), bars_checked.interior, bars_checked.right, lowest, highest,
        tuple(name for name, (low, high) in RANGES.items() if low <= lowest and highest <= high),
        sum(tone.midi % 12 in scale for tone in notes) / max(1, len(notes)), final,
    )  # fmt: skip
    return plain if collection is None else _beside(plain, tune, collection)


def _beside(plain: Judgement, tune: Tune, collection: Collection) -> Judgement:
    copied, near = collection.melodies.longest(tune), collection.melodies.nearest(tune)
    bar = Fraction(1) if tune.meter is None else tune.meter.bar
    return Judgement(
        plain.problems, plain.interior, plain.right, plain.lowest, plain.highest, plain.playable, plain.in_scale,
        plain.final, usual_rhythms(tune, collection),
        0.0 if copied is None else float(copied.time / bar),
        "" if copied is None else collection.titles[copied.source],
        "" if near is None else collection.titles[near.source],
        None if near is None else near.distance,
    )  # fmt: skip


def _scale(tune: Tune) -> list[tuple[int, int]]:
    return [(NATURAL[letter], alteration) for letter, alteration in tune.key.signature.items()]
