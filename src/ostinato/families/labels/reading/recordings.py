"""Recordings, arrays and pictures in files of their own, each with its label."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ostinato.codecs.labels import labels_of
from ostinato.data.arrays import ARRAY, read_array
from ostinato.data.columns import Array
from ostinato.data.corpus import Corpus
from ostinato.data.frames import Frames
from ostinato.data.pairs import SOURCE, PairCollector
from ostinato.errors import CorpusError
from ostinato.families.labels.reading.options import LabelReading

SOUNDS = (".wav", ".flac", ".ogg", ".mp3")
IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".gif")
#: Files of frames.
FRAMES = (*SOUNDS, *IMAGES, ARRAY)


def read_frames(path: str, options: LabelReading) -> Array:
    """Return the frames [T, D] of a sound file, of a picture (its rows, in grey), or of an ``.npy`` file.

    Raises:
        CorpusError: It is missing, cannot be read, or has another shape.
    """
    if not os.path.isfile(path):
        raise CorpusError(f"there is no file {path!r}")
    suffix = Path(path).suffix.lower()
    if suffix in IMAGES:
        frames = _rows_of_picture(path)
    else:
        frames = read_array(path) if suffix == ARRAY else options.sound.read(path)
    return options.cut(Frames.joined([frames])).values


def _rows_of_picture(path: str) -> Array:
    """Return the rows of a picture in shades of grey, [height, width] uint8."""
    try:
        from PIL import Image
    except ImportError as error:
        raise CorpusError(f"{path} is a picture, which needs Pillow: pip install pillow") from error
    try:
        with Image.open(path) as picture:
            return np.asarray(picture.convert("L"))
    except OSError as error:
        raise CorpusError(f"{path} cannot be read as a picture: {error}") from error


def take_recordings(
    entries: Iterable[tuple[str, Path, str]], taken: PairCollector, options: LabelReading
) -> list[Array]:
    """Take files with their labels; return the frames of each that was taken.

    Args:
        entries: Place for messages, file, and label of each.
        taken: Takes the labels, with the name of the file as their source.
        options: Options for reading them.
    """
    sequences = list[Array]()
    for place, path, label in entries:
        if taken.is_full:
            break
        try:
            frames = read_frames(str(path), options)
        except CorpusError as error:
            taken.refuse(place, str(error), "that cannot be read")
            continue
        if sequences and frames.shape[1] != sequences[0].shape[1]:
            told = f"frames of {frames.shape[1]} numbers, and those before have {sequences[0].shape[1]}"
            taken.refuse(place, told, "with frames of another width")
        elif not is_long_enough(len(frames), label, options):
            taken.refuse(place, too_short(len(frames), label, options), "too short for their labels")
        else:
            before = len(taken.targets)
            taken.take(place, path.name, label)
            sequences += [frames] * (len(taken.targets) - before)
    return sequences


def with_recordings(corpus: Corpus, sequences: list[Array]) -> Corpus:
    """Return a corpus of names of files with their frames in place of the names."""
    digest = hashlib.sha256(b"".join(np.ascontiguousarray(one).tobytes() for one in sequences)).hexdigest()
    heard = {"name": "recordings", "bytes": sum(one.nbytes for one in sequences), "sha256": digest}
    return with_frames(corpus, Frames.joined(sequences), (*corpus.sources, heard))


def is_long_enough(places: int, label: str, options: LabelReading) -> bool:
    """Return whether a sequence has a place for each of its labels, where those have no places of their own."""
    return options.stack is None or -(-places // options.stack) >= places_needed(label, options)


def places_needed(label: str, options: LabelReading) -> int:
    """Return the number of places that unaligned labels need: one each, and a blank between two equal ones."""
    labels = labels_of(label, options.unit)
    return len(labels) + sum(a == b for a, b in itertools.pairwise(labels))


def too_short(places: int, label: str, options: LabelReading) -> str:
    """Return the message for a sequence that is not long enough."""
    assert options.stack is not None
    return (
        f"{places} frames ({options.stack} read as one) are too few for the labels {label[:40]!r}, which need "
        f"{places_needed(label, options)} places"
    )


def with_frames(corpus: Corpus, frames: Frames, sources: tuple[dict[str, Any], ...]) -> Corpus:
    """Return a corpus with frames as its sources."""
    told = f"{frames.count:,} sequences, {len(frames.values):,} frames of {frames.width} numbers"
    others = [note for note in corpus.notes if note.startswith(("left out", "the first line"))]
    return replace(corpus, sources=sources, notes=(told, *others), columns={SOURCE: frames})
