"""Labelled sequences from files: texts, columns of words and tags, recordings, arrays of images."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ostinato.codecs.labels import labels_of
from ostinato.codecs.spelled import words_of
from ostinato.data.arrays import ARRAYS, Archive
from ostinato.data.columns import Array
from ostinato.data.corpus import Corpus
from ostinato.data.documents import Document, Reading
from ostinato.data.frames import Frames
from ostinato.data.pairs import (
    PairCollector,
    PairLimits,
    corpus_of,
    file_lines,
    surveyed,
    take_pairs,
)
from ostinato.errors import CorpusError
from ostinato.families.labels.reading.columns import TAB, as_column_file, take_columns
from ostinato.families.labels.reading.folders import of_folders
from ostinato.families.labels.reading.options import LabelReading
from ostinato.families.labels.reading.recordings import (
    FRAMES,
    is_long_enough,
    read_frames,
    take_recordings,
    too_short,
    with_frames,
    with_recordings,
)


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
            ``array.npy``), with the files beside the list; folders with a folder for each class; ``.npz`` files with
            ``x`` and ``y``, or ``x_train`` etc.
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
    if options.unit == "whole" and all(os.path.isdir(source) for source in sources):
        return of_folders(sources, options, limits, reading or Reading())
    documents = surveyed(sources, reading or Reading())
    taken = PairCollector(limits, check=how_many(options), of_labels=True)
    if any(_names_recording(document) for document in documents):
        return _of_lists(documents, options, limits)
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
    holds_frames = _suffix(name) in FRAMES and TAB in line
    return holds_frames and (" " not in name or (Path(document.where).parent / name).is_file())


def _of_lists(documents: Sequence[Document], options: LabelReading, limits: PairLimits) -> Corpus:
    """Return the corpus of lists of files with their labels; a file lies beside its list."""
    _refuse_limits(limits, "recordings")
    taken = PairCollector(limits, of_labels=True)
    entries = (entry for document in documents for entry in _listed(document, taken))
    sequences = take_recordings(entries, taken, options)
    return with_recordings(corpus_of(taken, documents, "recordings"), sequences)


def _listed(document: Document, taken: PairCollector) -> Iterator[tuple[str, Path, str]]:
    """Yield the lines of a list: place, file, label."""
    for number, line in enumerate(file_lines(document), 1):
        if not line.strip():
            continue
        columns = line.split(TAB)
        place = f"{document.where}, line {number:,}"
        if len(columns) < 2:
            taken.refuse(place, f"a line is FILE, tab, label; got {line[:40]!r}", "without two columns")
        else:
            yield place, Path(document.where).parent / columns[0].strip(), columns[1].strip()


def _refuse_limits(limits: PairLimits, what: str) -> None:
    if limits.longest is not None or limits.lower:
        raise CorpusError(f"--longest and --lower are for texts, and given are {what}; leave them out")


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
    return with_frames(replace(corpus, notes=notes), frames, tuple(origins))


def _chosen(
    corpus: Corpus, frames: Frames, options: LabelReading, limits: PairLimits
) -> tuple[list[int], tuple[str, ...]]:
    """Return the numbers of the sequences taken, and notes on those left out."""
    assert isinstance(corpus.texts, tuple)
    chosen, taken, lengths = list[int](), PairCollector(limits), frames.lengths.tolist()
    for number, label in enumerate(corpus.texts[: limits.first]):
        if is_long_enough(lengths[number], label, options):
            chosen.append(number)
        else:
            told = too_short(lengths[number], label, options)
            taken.refuse(corpus.places[number], told, "too short for their labels")
    return chosen, tuple(f"left out: {count:,} sequences {kind}" for kind, count in taken.skipped.items())
