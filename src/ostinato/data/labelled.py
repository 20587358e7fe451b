"""Reading labelled sequences: texts, columns of words and tags, recordings, arrays of images."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ostinato.codecs.labels import LabelUnit, labels_of
from ostinato.codecs.pairs import BETWEEN
from ostinato.codecs.spelled import COLUMN, words_of
from ostinato.data.corpus import Corpus
from ostinato.data.documents import Document, Reading
from ostinato.data.frames import Array, Frames
from ostinato.data.pairs import PairLimits, Taken, corpus_of, file_lines, surveyed, take_pairs
from ostinato.data.sound import LogMel
from ostinato.errors import CorpusError

SOUNDS = (".wav", ".flac", ".ogg", ".mp3")
_ARRAY, _ARRAYS = ".npy", ".npz"
_DOCUMENT = "-DOCSTART-"  # what CoNLL-2003 has between documents


@dataclass(frozen=True)
class LabelReading:
    """How labelled sequences are read.

    Attributes:
        unit: What of a target is one label.
        per_word: Whether each word of a source has its label.
        columns: Of files of columns: how many, from the first, are read as input.
        frame: How many numbers a frame has, where longer ones are to be cut; ``None``: as many as there are.
        sound: How sound becomes frames.
    """

    unit: LabelUnit
    per_word: bool = False
    columns: int = 1
    frame: int | None = None
    sound: LogMel = field(default_factory=LogMel)


def read_labelled(
    sources: Sequence[str],
    how: LabelReading,
    limits: PairLimits | None = None,
    *,
    reading: Reading | None = None,
    part: str = "train",
) -> Corpus:
    """Read labelled sequences from files.

    Args:
        sources: Files of lines ``text TAB label`` or of JSON lines with ``source`` and ``target``; of columns (a word
            with its tag on each line, an empty line between sentences); lists ``recording.wav TAB label``, or
            ``array.npy``, beside which these lie; ``.npz`` files with ``x`` and ``y``, or ``x_train`` and so on.
        how: How they are read.
        limits: What is taken.
        reading: Encoding and errors.
        part: Of ``.npz`` files with several parts: which.

    Raises:
        CorpusError: Something cannot be read or is wrong, with file and line; or there is nothing.
    """
    limits = limits or PairLimits()
    if not sources:
        raise CorpusError("no corpus given. Name files of labelled sequences; 'ostinato train --help' tells more")
    arrays = [source for source in sources if Path(source).suffix == _ARRAYS]
    if arrays:
        if len(arrays) != len(sources):
            raise CorpusError(f"{arrays[0]} holds arrays, and other files are given with it; give one kind at a time")
        return _of_arrays(sources, how, limits, part)
    documents = surveyed(sources, reading or Reading())
    taken = Taken(limits, check=how_many(how), of_labels=True)
    first = next((line for document in documents for line in file_lines(document) if line.strip()), "")
    if _names_recording(first):
        return _of_recordings(documents, how, limits)
    if how.per_word and BETWEEN not in first and not first.lstrip().startswith("{"):
        for document in documents:
            _take_columns(document, how, taken)
        return corpus_of(taken, documents, "sentences")
    take_pairs(documents, taken)
    return corpus_of(taken, documents, "labelled texts")


def how_many(how: LabelReading) -> Callable[[str, str], str | None]:
    """Return what checks that there is a label for each word, where there has to be."""

    def check(source: str, target: str) -> str | None:
        if not how.per_word:
            return None
        words, labels = len(words_of(source)), len(labels_of(target, how.unit))
        return None if words == labels else f"{words} words have {labels} labels"

    return check


def read_frames(path: str, how: LabelReading) -> Array:
    """Return the frames of a recording or of an array in a file, [T, D].

    Raises:
        CorpusError: It is missing, cannot be read, or has another shape.
    """
    if not os.path.isfile(path):
        raise CorpusError(f"there is no file {path!r}")
    found = _sequence(_loaded(path), path) if Path(path).suffix == _ARRAY else how.sound.read(path)
    return found if how.frame is None else Frames.joined([found]).cut(how.frame).values


def read_sequences(path: str, how: LabelReading, *, part: str = "test") -> Frames:
    """Return the sequences of an ``.npz`` file without their labels; arguments as of ``read_labelled``."""
    return _cut(_sequences(_archive(path), path, part), how)


def is_frames(path: str) -> bool:
    """Whether a file of this name holds frames."""
    return Path(path).suffix.lower() in (*SOUNDS, _ARRAY, _ARRAYS)


def _take_columns(document: Document, how: LabelReading, taken: Taken) -> None:
    for sentence in _sentences(document):
        if taken.is_full:
            return
        rows, need = [cells for _, cells in sentence], max(len(sentence[0][1]), how.columns + 1)
        wrong = next((number for number, cells in sentence if len(cells) != need), None)
        if wrong is not None:
            place = f"{document.where}, line {wrong:,}"
            taken.refuse(place, f"lines of this sentence have {need} columns, this one has not", "of uneven columns")
            continue
        columns = [" ".join(column) for column in zip(*rows, strict=True)]
        taken.take(f"{document.where}, line {sentence[0][0]:,}", COLUMN.join(columns[: how.columns]), columns[-1])


def _sentences(document: Document) -> Iterator[list[tuple[int, list[str]]]]:
    """The lines of each sentence, each with its number, cut into columns."""
    sentence: list[tuple[int, list[str]]] = []
    for number, line in enumerate([*file_lines(document), ""], 1):
        cells = line.split()
        if cells and cells[0] != _DOCUMENT:
            sentence.append((number, cells))
        elif sentence:
            yield sentence
            sentence = []


def _names_recording(line: str) -> bool:
    name = line.partition(BETWEEN)[0].strip()
    return BETWEEN in line and is_frames(name)


def _of_recordings(documents: Sequence[Document], how: LabelReading, limits: PairLimits) -> Corpus:
    """Lists of files with their labels; a file lies beside its list."""
    taken, sequences = Taken(limits, of_labels=True), list[Array]()
    digest = hashlib.sha256()
    for document in documents:
        folder = Path(document.where).parent
        for place, name, label in _listed(document, taken):
            try:
                found = read_frames(str(folder / name), how)
            except CorpusError as error:
                taken.refuse(place, str(error), "whose recording cannot be read")
                continue
            before = len(taken.texts)
            taken.take(place, name, label)
            if len(taken.texts) > before:
                sequences.append(found)
                digest.update(np.ascontiguousarray(found).tobytes())
    corpus = corpus_of(taken, documents, "recordings")
    heard = {"name": "recordings", "bytes": sum(one.nbytes for one in sequences), "sha256": digest.hexdigest()}
    return _with_frames(corpus, Frames.joined(sequences), (*corpus.sources, heard))


def _listed(document: Document, taken: Taken) -> Iterator[tuple[str, str, str]]:
    for number, line in enumerate(file_lines(document), 1):
        if not line.strip() or taken.is_full:
            continue
        name, between, label = line.partition(BETWEEN)
        place = f"{document.where}, line {number:,}"
        if not between:
            taken.refuse(place, f"a line is FILE, tab, label; got {line[:40]!r}", "without two columns")
        else:
            yield place, name.strip(), label.strip()


def _with_frames(corpus: Corpus, frames: Frames, sources: tuple[dict[str, Any], ...]) -> Corpus:
    """A corpus whose sources are frames: its texts are labels after an empty source."""
    texts = tuple(BETWEEN + text.partition(BETWEEN)[2] for text in corpus.texts)
    told = f"{frames.count:,} sequences, {len(frames.values):,} frames of {frames.width} numbers"
    left_out = [note for note in corpus.notes if note.startswith("left out")]
    return Corpus(
        "items", texts, sources, notes=(told, *left_out), made_by=corpus.made_by, frames=frames, places=corpus.places
    )


def _of_arrays(sources: Sequence[str], how: LabelReading, limits: PairLimits, part: str) -> Corpus:
    sequences, texts, places, origins = list[Frames](), list[str](), list[str](), list[dict[str, Any]]()
    for source in sources:
        archive = _archive(source)
        labels = _array(archive, source, "y", part)
        own = _sequences(archive, source, part)
        if len(labels) != own.count:
            raise CorpusError(f"{source} has {own.count:,} sequences and {len(labels):,} labels")
        texts += [BETWEEN + _label(one) for one in labels]
        places += [f"{source}, number {n:,}" for n in range(1, len(labels) + 1)]
        sequences.append(_cut(own, how))
        digest = hashlib.sha256(Path(source).read_bytes()).hexdigest()
        origins.append({"name": Path(source).name, "bytes": os.path.getsize(source), "sha256": digest})
    frames = Frames.joined([one.one(n) for one in sequences for n in range(one.count)])
    corpus = Corpus("items", tuple(texts), made_by=("arrays", part, repr(how)), places=tuple(places))
    if limits.first is not None:
        first = range(min(limits.first, frames.count))
        corpus, frames = corpus.select(first), frames.part(0, len(first))
    return _with_frames(corpus, frames, tuple(origins))


def _label(value: Any) -> str:
    """A label as text: one value, or several for a sequence of labels."""
    return " ".join(map(str, np.ravel(value).tolist()))


def _sequences(archive: dict[str, Array], path: str, part: str) -> Frames:
    values = _array(archive, path, "x", part)
    if values.ndim < 2 or not len(values):
        raise CorpusError(f"{path}: x holds sequences, [N, T, D] or flat ones [N, D]; it has the shape {values.shape}")
    flat = values.reshape(len(values), -1, values.shape[-1])
    lengths = archive.get("lengths")
    if lengths is None:
        return Frames(flat.reshape(-1, flat.shape[-1]), np.arange(len(flat) + 1) * flat.shape[1])
    if lengths.shape != (len(flat),) or lengths.min() < 1 or lengths.max() > flat.shape[1]:
        raise CorpusError(f"{path}: lengths says how many frames each of the {len(flat):,} sequences has")
    return Frames.joined([one[:length] for one, length in zip(flat, lengths.tolist(), strict=True)])


def _cut(frames: Frames, how: LabelReading) -> Frames:
    return frames if how.frame is None else frames.cut(how.frame)


def _archive(path: str) -> dict[str, Array]:
    found = _loaded(path)
    if not isinstance(found, np.lib.npyio.NpzFile):
        raise CorpusError(f"{path} holds no arrays with names")
    with found:
        try:
            return {name: found[name] for name in found.files}
        except ValueError as error:  # objects, which only pickle reads
            raise CorpusError(f"{path} cannot be read: {error}") from error


def _array(archive: dict[str, Array], path: str, name: str, part: str) -> Array:
    for known in (f"{name}_{part}", name):
        if known in archive:
            return archive[known]
    raise CorpusError(f"{path} has no array {name!r} or '{name}_{part}'; it has {', '.join(sorted(archive))}")


def _loaded(path: str) -> Any:
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise CorpusError(f"{path} cannot be read as an array: {error}") from error


def _sequence(values: Array, path: str) -> Array:
    if values.ndim == 1:
        values = values[:, None]
    if values.ndim != 2 or not len(values) or not np.issubdtype(values.dtype, np.number):
        raise CorpusError(f"{path}: a sequence is [T, D] of numbers; this is {values.dtype} {values.shape}")
    return values
