"""Labelled sequences from files: texts, columns of words and tags, recordings, arrays of images."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ostinato.codecs.labels import LabelUnit, labels_of
from ostinato.codecs.spelled import words_of
from ostinato.data.arrays import ARRAY, ARRAYS, Archive, read_array
from ostinato.data.columns import Array
from ostinato.data.corpus import Corpus
from ostinato.data.documents import Document, Reading
from ostinato.data.frames import Frames
from ostinato.data.pairs import (
    SOURCE,
    PairCollector,
    PairLimits,
    corpus_of,
    file_lines,
    surveyed,
    take_pairs,
)
from ostinato.data.sound import LogMel
from ostinato.errors import CorpusError
from ostinato.families.labels.columns import TAB, as_column_file, take_columns

SOUNDS = (".wav", ".flac", ".ogg", ".mp3")


@dataclass(frozen=True)
class LabelReading:
    """Options for reading labelled sequences.

    Attributes:
        unit: Part of a target that is one label: all of it, each word, or each character.
        per_word: Whether each word of a source has its label.
        columns: Number of columns, from that of words on, that are read as input; for files of columns.
        words: The column of words there, by number or name; empty: the first one, or FORM.
        tags: The column of labels there; empty: the last one, or UPOS.
        frame: Number of values in a frame, if longer frames are to be cut; ``None``: frames stay as they are.
        sound: Conversion of sound into frames.
        stack: Number of frames that make up one place for unaligned labels; ``None``: labels have their places.
    """

    unit: LabelUnit
    per_word: bool = False
    columns: int = 1
    words: str = ""
    tags: str = ""
    frame: int | None = None
    sound: LogMel = field(default_factory=LogMel)
    stack: int | None = None

    def cut(self, frames: Frames) -> Frames:
        """Cut frames to the width ``frame``, if one is set."""
        return frames if self.frame is None else frames.cut(self.frame)


def read_labelled(
    sources: Sequence[str],
    options: LabelReading,
    limits: PairLimits | None = None,
    *,
    reading: Reading | None = None,
    part: str = "train",
) -> Corpus:
    """Read labelled sequences from files.

    Args:
        sources: Files of lines ``text TAB label`` or of JSON lines with ``source`` and ``target``; of columns (a word
            with its tag on each line, an empty line between sentences); lists of ``recording.wav TAB label`` (or
            ``array.npy``), with the files beside the list; ``.npz`` files with ``x`` and ``y``, or ``x_train`` etc.
        options: Options for reading them.
        limits: Limits on the sequences taken.
        reading: Encoding and errors.
        part: Part to read of ``.npz`` files with several.

    Raises:
        CorpusError: Something cannot be read or is wrong, with file and line; or there is nothing.
    """
    limits = limits or PairLimits()
    if not sources:
        raise CorpusError("no corpus given. Name files of labelled sequences; 'ostinato train --help' tells more")
    arrays = [source for source in sources if _suffix(source) == ARRAYS]
    if arrays:
        if len(arrays) != len(sources):
            raise CorpusError(f"{arrays[0]} holds arrays, and other files are given with it; give one kind at a time")
        return _of_arrays(sources, options, limits, part)
    documents = surveyed(sources, reading or Reading())
    taken = PairCollector(limits, check=how_many(options), of_labels=True)
    if any(_names_recording(document) for document in documents):
        return _of_recordings(documents, options, limits)
    names = [name for name in (options.words, options.tags) if name and not name.isdigit()]
    files = [as_column_file(document, names) for document in documents] if options.per_word else [None]
    if all(files):
        for file in filter(None, files):
            take_columns(file, taken, words=options.words, tags=options.tags, columns=options.columns)
        return corpus_of(taken, documents, "sentences", _first_words(taken))
    own = {"columns": options.columns, "word_column": options.words, "tag_column": options.tags}
    if told := [f"{name} = {value}" for name, value in own.items() if value not in (1, "")]:
        many = "are" if len(told) > 1 else "is"
        raise CorpusError(f"{', '.join(told)} {many} for files of columns, and {documents[0].where} has lines of pairs")
    take_pairs(documents, taken)
    return corpus_of(taken, documents, "labelled texts")


def _first_words(taken: PairCollector) -> str:
    """Return the first words taken with their labels, for users to see what was read as which."""
    if not taken.targets:
        return ""
    pairs = zip(words_of(taken.sources[0]), taken.targets[0].split(), strict=True)
    return ", ".join(f"word {word!r} → label {label!r}" for word, label in itertools.islice(pairs, 2))


def how_many(options: LabelReading) -> Callable[[str, str], str | None]:
    """Return a check that each word has its label, if labels are per word; it returns the fault, or ``None``."""

    def check(source: str, target: str) -> str | None:
        if not options.per_word:
            return None
        words, labels = len(words_of(source)), len(labels_of(target, options.unit))
        return None if words == labels else f"{words} words have {labels} labels"

    return check


def read_frames(path: str, options: LabelReading) -> Array:
    """Return the frames [T, D] of a sound file or of an ``.npy`` file.

    Raises:
        CorpusError: It is missing, cannot be read, or has another shape.
    """
    if not os.path.isfile(path):
        raise CorpusError(f"there is no file {path!r}")
    frames = read_array(path) if _suffix(path) == ARRAY else options.sound.read(path)
    return options.cut(Frames.joined([frames])).values


def read_sequences(path: str, options: LabelReading) -> list[tuple[str, Array]]:
    """Return the sequences of a file, named and without labels: one, or those in the test part of an ``.npz`` file."""
    if _suffix(path) != ARRAYS:
        return [(path, read_frames(path, options))]
    frames = options.cut(Archive(path, "test").sequences())
    return [(f"{path}, number {n + 1:,}", frames.one(n)) for n in range(frames.count)]


def _suffix(path: str) -> str:
    return Path(path).suffix.lower()


def _names_recording(document: Document) -> bool:
    """Return whether the first line names a file of frames; a name with spaces counts only if the file exists."""
    line = next((line for line in file_lines(document) if line.strip()), "")
    name = line.partition(TAB)[0].strip()
    holds_frames = _suffix(name) in (*SOUNDS, ARRAY) and TAB in line
    return holds_frames and (" " not in name or (Path(document.where).parent / name).is_file())


def _of_recordings(documents: Sequence[Document], options: LabelReading, limits: PairLimits) -> Corpus:
    """Return the corpus of lists of files with their labels; a file lies beside its list."""
    _refuse_limits(limits, "recordings")
    taken, sequences = PairCollector(limits, of_labels=True), list[Array]()
    for document in documents:
        for place, name, label in _listed(document, taken):
            try:
                frames = read_frames(str(Path(document.where).parent / name), options)
            except CorpusError as error:
                taken.refuse(place, str(error), "that cannot be read")
                continue
            if sequences and frames.shape[1] != sequences[0].shape[1]:
                told = f"frames of {frames.shape[1]} numbers, and those before have {sequences[0].shape[1]}"
                taken.refuse(place, told, "with frames of another width")
            elif not _is_long_enough(len(frames), label, options):
                taken.refuse(place, _too_short(len(frames), label, options), "too short for their labels")
            else:
                before = len(taken.targets)
                taken.take(place, name, label)
                sequences += [frames] * (len(taken.targets) - before)
    corpus = corpus_of(taken, documents, "recordings")
    digest = hashlib.sha256(b"".join(np.ascontiguousarray(one).tobytes() for one in sequences)).hexdigest()
    heard = {"name": "recordings", "bytes": sum(one.nbytes for one in sequences), "sha256": digest}
    return _with_frames(corpus, Frames.joined(sequences), (*corpus.sources, heard))


def _listed(document: Document, taken: PairCollector) -> Iterator[tuple[str, str, str]]:
    for number, line in enumerate(file_lines(document), 1):
        if not line.strip() or taken.is_full:
            continue
        columns = line.split(TAB)
        place = f"{document.where}, line {number:,}"
        if len(columns) < 2:
            taken.refuse(place, f"a line is FILE, tab, label; got {line[:40]!r}", "without two columns")
        else:
            yield place, columns[0].strip(), columns[1].strip()


def _is_long_enough(places: int, label: str, options: LabelReading) -> bool:
    return options.stack is None or -(-places // options.stack) >= _places_needed(label, options)


def _places_needed(label: str, options: LabelReading) -> int:
    """Return the number of places that unaligned labels need: one each, and a blank between two equal ones."""
    labels = labels_of(label, options.unit)
    return len(labels) + sum(a == b for a, b in itertools.pairwise(labels))


def _too_short(places: int, label: str, options: LabelReading) -> str:
    assert options.stack is not None
    return (
        f"{places} frames ({options.stack} read as one) are too few for the labels {label[:40]!r}, which need "
        f"{_places_needed(label, options)} places"
    )


def _refuse_limits(limits: PairLimits, what: str) -> None:
    if limits.longest is not None or limits.lower:
        raise CorpusError(f"--longest and --lower are for texts, and given are {what}; leave them out")


def _with_frames(corpus: Corpus, frames: Frames, sources: tuple[dict[str, Any], ...]) -> Corpus:
    """Return a corpus with frames as its sources."""
    told = f"{frames.count:,} sequences, {len(frames.values):,} frames of {frames.width} numbers"
    left_out = [note for note in corpus.notes if note.startswith("left out")]
    return replace(corpus, sources=sources, notes=(told, *left_out), columns={SOURCE: frames})


def _of_arrays(sources: Sequence[str], options: LabelReading, limits: PairLimits, part: str) -> Corpus:
    _refuse_limits(limits, "arrays")
    parts, texts, places, origins = list[Frames](), list[str](), list[str](), list[dict[str, Any]]()
    for source in sources:
        archive = Archive(source, part)
        labels, own = archive.labels(), archive.sequences()
        if len(labels) != own.count:
            raise CorpusError(f"{source} has {own.count:,} sequences and {len(labels):,} labels")
        texts += labels
        places += [f"{source}, number {n:,}" for n in range(1, len(labels) + 1)]
        parts.append(options.cut(own))
        digest = hashlib.sha256(Path(source).read_bytes()).hexdigest()
        origins.append({"name": Path(source).name, "bytes": os.path.getsize(source), "sha256": digest})
    frames = parts[0] if len(parts) == 1 else Frames.joined([one.one(n) for one in parts for n in range(one.count)])
    corpus = Corpus("items", tuple(texts), made_by=("arrays", part, repr(options)), places=tuple(places))
    chosen, notes = _chosen(corpus, frames, options, limits)
    if len(chosen) < frames.count:
        corpus, frames = corpus.select(chosen), frames.select(chosen)
    return _with_frames(replace(corpus, notes=notes), frames, tuple(origins))


def _chosen(
    corpus: Corpus, frames: Frames, options: LabelReading, limits: PairLimits
) -> tuple[list[int], tuple[str, ...]]:
    """Return the numbers of the sequences taken, and notes on those left out."""
    assert isinstance(corpus.texts, tuple)
    chosen, taken, lengths = list[int](), PairCollector(limits), frames.lengths.tolist()
    for number, label in enumerate(corpus.texts[: limits.first]):
        if _is_long_enough(lengths[number], label, options):
            chosen.append(number)
        else:
            told = _too_short(lengths[number], label, options)
            taken.refuse(corpus.places[number], told, "too short for their labels")
    return chosen, tuple(f"left out: {count:,} sequences {kind}" for kind, count in taken.skipped.items())
