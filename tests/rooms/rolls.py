"""Chords in frames, for the models of piano rolls."""

import tempfile
from pathlib import Path

import numpy as np

from ostinato.errors import CorpusError
from ostinato.families.rolls.reading import RollReading
from ostinato.families.rolls.reading.files import pieces_of
from ostinato.music.roll_midi import read_midi_roll, write_midi_roll
from ostinato.music.rolls import Grid


def chords(folder, corpora):
    """Thirty pieces of triads that go up and down; each a file."""
    place = folder / "rolls"
    place.mkdir()
    draw = np.random.default_rng(4)
    for number in range(30):
        frames = np.zeros((int(draw.integers(6, 14)), 88), dtype=np.uint8)
        root = int(draw.integers(30, 45))
        for frame in frames:
            frame[[root, root + 4, root + 7]] = 1
            root += int(draw.choice([-2, 0, 2]))
        np.save(place / f"{number}.npy", frames)
    return place


_SMALL = {"window": 8, "transpose": 2, "dropout": 0.1, "input_dropout": 0.1}
TOYS = {
    "rnn-bernoulli": (chords, _SMALL),
    "rnn-nade": (chords, {**_SMALL, "conditional_size": 8}),
    "note-lstm": (chords, {**_SMALL, "pitch_size": 6, "features": 3}),
    "rnn-rbm": (chords, {**_SMALL, "rbm_size": 6, "gibbs": 2}),
}


def midi_files(data: bytes) -> None:
    """Any bytes are a MIDI file or a clear error; what is read is written and read back the same."""
    grid = Grid(parts=8)
    try:
        roll = read_midi_roll(data, grid, "x.mid")
    except CorpusError:
        return
    assert roll.frames.any(axis=1)[[0, -1]].all()
    if len(roll.frames) < 2000:
        again = read_midi_roll(write_midi_roll(roll.frames, grid, lowest=0), grid, "again")
        np.testing.assert_array_equal(again.frames, roll.frames)


def files_of_rolls(data: bytes) -> None:
    """Any file with one of the endings is read, or refused with a clear error."""
    for ending in (".npy", ".npz", ".mat"):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"x{ending}"
            path.write_bytes(data)
            try:
                for piece in pieces_of(path, RollReading("8th", 21, 108), "train"):
                    assert piece.frames.shape[1] == 88
                    assert piece.frames.max(initial=0) <= 1
            except CorpusError:
                continue


def _an_npy() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.npy"
        np.save(path, np.eye(3, 88, dtype=np.uint8))
        return path.read_bytes()


FUZZED = [midi_files, files_of_rolls]
SEEDS = {
    "midi_files": [write_midi_roll(np.eye(5, 88, dtype=np.uint8), Grid(parts=16)), b"MThd\0\0\0\6\0\0\0\1\0\x60"],
    "files_of_rolls": [_an_npy(), b"MATLAB 5.0 MAT-file"],
}
