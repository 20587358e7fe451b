"""Folders with a folder for each class, whose files are texts, recordings, pictures or arrays."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ostinato.data.corpus import Corpus
from ostinato.data.documents import Reading
from ostinato.data.pairs import PairCollector, PairLimits, corpus_of, surveyed
from ostinato.errors import CorpusError
from ostinato.families.labels.reading.options import LabelReading
from ostinato.families.labels.reading.recordings import FRAMES, take_recordings, with_recordings


def of_folders(sources: Sequence[str], options: LabelReading, limits: PairLimits, reading: Reading) -> Corpus:
    """Read folders in which each folder is a class, named by it, and each file in there an example.

    Args:
        sources: The folders.
        options: Options for reading files of frames.
        limits: Limits on the examples taken.
        reading: Encoding and errors of texts.

    Raises:
        CorpusError: There are no classes, or a file cannot be read.
    """
    files = [(path, label) for source in sources for path, label in _labelled_files(Path(source))]
    if not files:
        raise CorpusError(f"{', '.join(sources)}: there are no folders with files in it, one for each class")
    taken = PairCollector(limits, of_labels=True)
    of_frames = [path.suffix.lower() in FRAMES for path, _ in files]
    if any(of_frames) and not all(of_frames):
        odd = files[of_frames.index(not of_frames[0])][0]
        raise CorpusError(f"{odd} is no file of the kind that {files[0][0]} is; give one kind at a time")
    if of_frames[0]:
        sequences = take_recordings(((str(path), path, label) for path, label in files), taken, options)
        origins = [_origin(path.name, path.read_bytes()) for path, _ in files]
        return replace(with_recordings(corpus_of(taken, [], "recordings"), sequences), sources=tuple(origins))
    documents = surveyed([str(path) for path, _ in files], reading)
    for document, (path, label) in zip(documents, files, strict=True):
        if not taken.is_full:
            taken.take(str(path), "".join(document.texts()), label)
    return corpus_of(taken, documents, "texts")


def _labelled_files(folder: Path) -> list[tuple[Path, str]]:
    """Return the files of each class with its name, in their order; hidden ones are none."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    parts = ((path, path.relative_to(folder).parts) for path in files)
    return [(path, own[0]) for path, own in parts if len(own) > 1 and not any(part.startswith(".") for part in own)]


def _origin(name: str, data: bytes) -> dict[str, Any]:
    return {"name": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
