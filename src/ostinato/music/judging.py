"""What is to be said of a tune: whether it adds up, fits an instrument, its key and its dance, and is new."""

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
    """What is to be said of a tune.

    Attributes:
        problems: What does not add up; none in a tune that every program reads alike.
        interior: Bars with a plain bar line on both sides.
        right: How many of these are as long as the meter says.
        lowest: MIDI number of the lowest note.
        highest: Of the highest one.
        playable: On which instruments of ``RANGES``.
        in_scale: Share of notes that need no sign besides the key's.
        final: The last note, by ``DEGREES``.
        usual_rhythms: Share of bars whose rhythm the collection has in that meter; ``None`` without a collection.
        copied_bars: How long the longest run of notes is that a tune of the collection has too, in any key and rhythm.
        copied_from: Title of that tune.
        nearest: Title of the tune that is most like it.
        distance: From that, 0 to 1.
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
        """The checks that it passes."""
        found = {
            "adds up": not self.problems,
            "playable": bool(self.playable),
            "in its scale": self.in_scale >= _IN_SCALE,
            "ends on the tonic": self.final == DEGREES[0],
            "usual rhythms": self.usual_rhythms is None or self.usual_rhythms >= _USUAL,
            "copies little": self.copied_bars is None or self.copied_bars <= _MOST_BARS,
            "far from all": self.distance is None or self.distance >= _FAR,
        }
        return tuple(name for name, is_so in found.items() if is_so)

    @property
    def points(self) -> int:
        """How many checks it passes."""
        return len(self.passed)


#: What a tune can pass.
CHECKS = ("adds up", "playable", "in its scale", "ends on the tonic", "usual rhythms", "copies little", "far from all")


def judge(tune: Tune, collection: Collection | None = None) -> Judgement:
    """Judge a tune, beside a collection if there is one."""
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
