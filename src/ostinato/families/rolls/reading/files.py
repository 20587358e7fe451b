"""The rolls of one file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ostinato.data.arrays import ARRAY, ARRAYS, read_array
from ostinato.data.columns import Array
from ostinato.errors import CorpusError
from ostinato.families.rolls.reading.options import PARTS, RollReading
from ostinato.music.roll_midi import read_midi_roll
from ostinato.music.rolls import LOWEST, Frames, parse_grid

MIDI, MATLAB = (".mid", ".midi"), ".mat"
#: Endings of the files that are read.
ENDINGS = (*MIDI, MATLAB, ARRAY, ARRAYS)
_PIANO, _ALL = 88, 128  # notes in arrays


@dataclass(frozen=True)
class Piece:
    """A piece as it was read.

    Attributes:
        place: Where it stands, for messages.
        frames: The notes of each frame within the range, [T, N].
        out_of_range: Number of notes, frame by frame, that lie outside it and were left out.
        drums: Number of notes of drums that were left out.
        quarters_in_bar: Length of a bar; four where the file does not say.
        first: Number of silent frames that were cut off before it.
        short: Number of notes that are shorter than a frame.
    """

    place: str
    frames: Frames
    out_of_range: int = 0
    drums: int = 0
    quarters_in_bar: float = 4.0
    first: int = 0
    short: int = 0


def pieces_of(path: Path, options: RollReading, part: str) -> Iterator[Piece]:
    """Yield the pieces of a file; of one with an official split those of a part.

    Raises:
        CorpusError: It cannot be read, or is of no kind that holds rolls.
    """
    ending = path.suffix.lower()
    if ending in MIDI:
        yield _of_midi(path, options)
    elif ending == MATLAB:
        for number, values in enumerate(_matlab_part(path, part), 1):
            place = f"{path}, {part} piece {number:,}"
            yield _cut(place, _checked(values, place), options)
    elif ending == ARRAY:
        yield _cut(str(path), _checked(read_array(str(path)), str(path)), options)
    elif ending == ARRAYS:
        for place, values in _archive(path, part):
            yield _cut(place, _checked(values, place), options)
    else:
        raise CorpusError(f"{path} is no file of rolls: those end in {', '.join(ENDINGS)}")


def has_parts(path: Path) -> bool:
    """Return whether a file has an official split."""
    return path.suffix.lower() == MATLAB


def _of_midi(path: Path, options: RollReading) -> Piece:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CorpusError(f"{path} cannot be read: {error}") from error
    roll = read_midi_roll(data, parse_grid(options.grid), str(path))
    piece = _cut(str(path), roll.frames, options)
    return replace(piece, drums=roll.drums, quarters_in_bar=roll.quarters_in_bar, first=roll.first, short=roll.short)


def _cut(place: str, frames: Frames, options: RollReading) -> Piece:
    """Return a piece of the notes within the range; arrays of 88 notes begin with the piano's lowest."""
    first = LOWEST if frames.shape[1] == _PIANO else 0
    whole = np.zeros((len(frames), _ALL), dtype=np.uint8)
    whole[:, first : first + frames.shape[1]] = frames
    kept = whole[:, options.lowest : options.highest + 1]
    return Piece(place, kept, int(whole.sum()) - int(kept.sum()))


def _checked(values: Array, place: str) -> Frames:
    """Check that an array is a roll: [T, 88] or [T, 128] of 0 and 1, or of velocities.

    Raises:
        CorpusError: It is not.
    """
    if values.ndim != 2 or values.shape[1] not in (_PIANO, _ALL):
        raise CorpusError(
            f"{place}: a roll is [T, {_PIANO}] (the notes of a piano) or [T, {_ALL}] (all MIDI notes) of 0 and 1; this "
            f"has the shape {values.shape}"
        )
    if not (np.issubdtype(values.dtype, np.number) or values.dtype == np.bool_) or not np.isreal(values).all():
        raise CorpusError(f"{place}: a roll holds 0 and 1, and this holds {values.dtype}")
    return (np.nan_to_num(values) > 0).astype(np.uint8)


def _archive(path: Path, part: str) -> Iterator[tuple[str, Array]]:
    """Yield the arrays of an ``.npz`` file: one piece each; where their names end in parts, those of the part."""
    try:
        with np.load(path, allow_pickle=False) as file:
            names = sorted(file.files)
            of_parts = [name for name in names if name.rpartition("_")[2] in PARTS]
            for name in [name for name in of_parts if name.endswith(f"_{part}")] if of_parts else names:
                yield f"{path}: {name}", file[name]
    except (OSError, ValueError, EOFError, KeyError) as error:
        raise CorpusError(f"{path} cannot be read as arrays: {error}") from error
    except Exception as error:  # zipfile and zlib have their own
        raise CorpusError(f"{path} cannot be read as arrays: {type(error).__name__}: {error}") from error


def _matlab_part(path: Path, part: str) -> list[Any]:
    """Return the pieces of a part of a file as Boulanger-Lewandowski et al. published them."""
    from scipy.io import loadmat  # only where such files are read

    try:
        values = loadmat(str(path), variable_names=[f"{part}data"])[f"{part}data"]
    except KeyError:
        raise CorpusError(f"{path} has no {part}data, which such a file of rolls holds") from None
    except Exception as error:  # whatever SciPy raises for a file that is none
        raise CorpusError(f"{path} cannot be read as a MATLAB file: {error}") from error
    return list(values.ravel()) if values.dtype == object else [values]
