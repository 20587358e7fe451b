"""Tunes as sound: a plucked string for every note, in NumPy, so that nothing needs to be installed."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ostinato.music.playing import played
from ostinato.music.tempo import whole_notes_per_minute
from ostinato.music.tune import Tune

RATE = 44_100  # samples a second
_A4, _ITS_NUMBER = 440.0, 69
_PARTIALS = 12
_SLOPE = 1.4  # partial n has 1/n^1.4 of the first one's strength
_RING = 1.2  # seconds in which the first partial of A4 falls to 1/e; higher ones fall faster
_ATTACK, _RELEASE = 0.004, 0.03  # seconds
_LAST = 1.0  # seconds after the last note
_PEAK = 0.8


class Struck(NamedTuple):
    """A note that is played.

    Attributes:
        midi: Its MIDI number.
        start: Its beginning in seconds.
        seconds: Its length.
    """

    midi: int
    start: float
    seconds: float


def write_wav(tune: Tune) -> bytes:
    """Return a tune as a WAV file, one channel of 16 bits, repeats played."""
    return in_wav(synthesised(tune))


def in_wav(sound: NDArray[np.float64]) -> bytes:
    """Return a sound, [N] from -1 to 1, as a WAV file, one channel of 16 bits."""
    samples = np.round(sound * 32767).astype("<i2")
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())
    return out.getvalue()


def synthesised(tune: Tune) -> NDArray[np.float64]:
    """Return the sound of a tune, [N] from -0.8 to 0.8, ``RATE`` samples a second."""
    seconds = 60 / float(whole_notes_per_minute(tune))  # of a whole note
    notes = played(tune).tones()
    struck = [Struck(tone.midi, float(tone.start) * seconds, float(tone.duration) * seconds) for tone in notes]
    return mixed(struck, max((float(tone.start + tone.duration) for tone in notes), default=0.0) * seconds)


def mixed(notes: Iterable[Struck], seconds: float) -> NDArray[np.float64]:
    """Return the sound of notes within some seconds, and of what rings after them, [N] from -0.8 to 0.8."""
    sound = np.zeros(int((seconds + _LAST) * RATE))
    for note in notes:
        string = _plucked(note.midi, note.seconds)
        start = int(note.start * RATE)
        sound[start : start + len(string)] += string[: len(sound) - start]
    peak = np.abs(sound).max(initial=0.0)
    return sound * (_PEAK / float(peak) if peak else 1.0)


def _plucked(midi: int, seconds: float) -> NDArray[np.float64]:
    """Return the sound of a string that rings for a while and is damped when its note ends."""
    frequency = _A4 * 2 ** ((midi - _ITS_NUMBER) / 12)
    time = np.arange(int((seconds + _RELEASE) * RATE)) / RATE
    sound = np.zeros_like(time)
    for number in range(1, _PARTIALS + 1):
        if number * frequency < RATE / 2:
            fall = np.exp(-time * number**0.7 * (frequency / _A4) ** 0.5 / _RING)
            sound += np.sin(2 * np.pi * number * frequency * time) * fall / number**_SLOPE
    envelope = np.minimum(1.0, time / _ATTACK) * np.clip((seconds + _RELEASE - time) / _RELEASE, 0.0, 1.0)
    sound *= envelope
    return sound
