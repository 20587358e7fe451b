"""The sounding notes of a tune: beginning, duration and height of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from ostinato.music.elements import BarLine, Chord, Field, Note, Pitch
from ostinato.music.keys import parse_key
from ostinato.music.timing import durations
from ostinato.music.tune import Tune


@dataclass(frozen=True)
class Tone:
    """A note that sounds.

    Attributes:
        place: Index of the element in the tune's body.
        start: Beginning, in whole notes from that of the tune.
        duration: Duration in whole notes; tied notes are one.
        midi: Its MIDI number; middle C is 60.
    """

    place: int
    start: Fraction
    duration: Fraction
    midi: int


def tones(tune: Tune) -> list[Tone]:
    """Return the notes of a tune that sound, in written order, repeats once; grace notes have no time and are left out.

    An accidental holds to the bar line, for the octave that it is written in; over a bar line a tie carries it on.
    """
    notes: list[Tone] = []
    open_ties: dict[Pitch, int] = {}  # of a written pitch that is tied: the tone that goes on
    for place, start, duration, pitch, midi, tied in _written(tune):
        plain = Pitch(pitch.letter, pitch.octave)
        before = open_ties.pop(plain, None)
        if before is not None and notes[before].start + notes[before].duration == start:
            old = notes[before]
            notes[before] = Tone(old.place, old.start, old.duration + duration, old.midi)
        else:
            before = len(notes)
            notes.append(Tone(place, start, duration, midi))
        if tied:
            open_ties[plain] = before
    return notes


def alterations(tune: Tune) -> dict[int, list[int]]:
    """Return the alterations by key and bar of each note or chord, by its place in the body: 1 is sharp."""
    signs: dict[int, list[int]] = {}
    for place, _, _, pitch, midi, _ in _written(tune):
        signs.setdefault(place, []).append(midi - pitch.midi(0))
    return signs


def _written(tune: Tune) -> Iterator[tuple[int, Fraction, Fraction, Pitch, int, bool]]:
    """Yield every written note: place, start, duration, pitch, MIDI number, whether it is tied to the next."""
    signature, signs = tune.key.signature, dict[tuple[str, int], int]()
    carried = dict[tuple[str, int], int]()  # what a tie brings over a bar line
    at = Fraction(0)
    for place, (element, duration) in enumerate(zip(tune.body, durations(tune), strict=True)):
        if isinstance(element, BarLine):
            signs = {}
        elif isinstance(element, Field) and element.letter == "K":
            signature, signs = parse_key(element.value).signature, {}
        elif isinstance(element, Note | Chord):
            for note in element.notes if isinstance(element, Chord) else (element,):
                pitch = note.pitch
                where = pitch.letter, pitch.octave
                if pitch.accidental is not None:
                    signs[where] = pitch.accidental
                plain = signs.get(where, signature[pitch.letter])
                alteration = plain if pitch.accidental is not None else carried.pop(where, plain)
                if element.tied or note.tied:
                    carried[where] = alteration
                yield place, at, duration, pitch, pitch.midi(alteration), element.tied or note.tied
        if duration:
            at += duration
