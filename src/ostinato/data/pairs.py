"""Pairs: made of texts, or read from tab-separated lines, JSON lines, or two files that go line by line together."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ostinato.data.columns import Texts
from ostinato.data.corpus import Corpus
from ostinato.data.documents import Document, Reading, notes_on_encodings
from ostinato.data.reading import files_of, plain_document
from ostinato.errors import CorpusError

#: Name of the column of sources.
SOURCE = "source"
_TARGET = "target"
_JSON = (".jsonl", ".ndjson")
# Words that name columns in a first line.
_HEADINGS = {
    "source", "target", "src", "tgt", "input", "output", "text", "sentence", "label", "labels", "tag", "tags", "class",
    "category", "sentiment", "question", "answer",
}  # fmt: skip
_EXAMPLES, _SHOWN = 2, 40  # pairs shown before training, and characters of each side
_EVERYTHING = 2**62  # characters: pairs stay in memory
_PEEK = 5  # lines


@dataclass(frozen=True)
class PairLimits:
    """Limits on pairs.

    Attributes:
        longest: Most characters in a side; ``None``: any number.
        lower: Whether letters are made lower case.
        first: Number of pairs to take from the beginning; ``None``: all.
        skip: Whether bad pairs are left out and counted; if not, they are errors.
    """

    longest: int | None = None
    lower: bool = False
    first: int | None = None
    skip: bool = False


@dataclass
class PairCollector:
    """Pairs read so far.

    Attributes:
        limits: Limits on pairs.
        check: Function that returns the fault of a source and its target, or ``None``.
        of_labels: Whether targets are labels, whose letters stay as they are.
        sources: The source of each pair.
        targets: The target of each pair.
        places: Place of each pair in its file, for messages.
        skipped: Number of pairs left out, by reason.
        headings: First lines that name their columns, and are no pairs.
    """

    limits: PairLimits
    check: Callable[[str, str], str | None] = lambda source, target: None
    of_labels: bool = False
    sources: list[str] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    skipped: dict[str, int] = field(default_factory=dict)
    headings: list[str] = field(default_factory=list)

    def refuse(self, place: str, told: str, kind: str) -> None:
        """Leave out a pair.

        Raises:
            CorpusError: Bad pairs are errors (``limits.skip`` is off).
        """
        if not self.limits.skip:
            raise CorpusError(f"{place}: {told}. --skip-bad-pairs leaves such pairs out and counts them")
        self.skipped[kind] = self.skipped.get(kind, 0) + 1

    def take(self, place: str, source: str, target: str) -> None:
        """Take a pair, if nothing is wrong with it."""
        limit = self.limits.longest
        if self.limits.lower:
            source, target = source.lower(), target if self.of_labels else target.lower()
        sides = {SOURCE: source.strip(), _TARGET: target.strip()}
        for name, side in sides.items():
            if not side:
                return self.refuse(place, f"the {name} is empty", "with an empty side")
            if limit is not None and len(side) > limit:
                told = f"the {name} has {len(side)} characters, and {limit} is the limit"
                return self.refuse(place, told, "longer than the limit")
        wrong = self.check(*sides.values())
        if wrong is not None:
            return self.refuse(place, wrong, "whose sides do not fit each other")
        self.places.append(place)
        self.sources.append(sides[SOURCE])
        self.targets.append(sides[_TARGET])
        return None

    @property
    def is_full(self) -> bool:
        return self.limits.first is not None and len(self.targets) >= self.limits.first


def corpus_of_pairs(pairs: Iterable[tuple[str, str]]) -> Corpus:
    """Make a corpus of pairs of source and target.

    Raises:
        CorpusError: There are none, or one is no pair of texts, or has an empty source.

    >>> corpus_of_pairs([("go", "va"), ("run", "cours")]).texts
    ('va', 'cours')
    """
    sources, targets = list[str](), list[str]()
    for number, pair in enumerate(pairs, 1):
        if not isinstance(pair, tuple | list) or len(pair) != 2 or not all(isinstance(side, str) for side in pair):
            raise CorpusError(f"pair {number:,} is to be (source, target), two texts; got {str(pair)[:_SHOWN]}")
        if not pair[0].strip():
            raise CorpusError(f"the source of pair {number:,} is empty")
        sources.append(pair[0])
        targets.append(pair[1])
    if not targets:
        raise CorpusError("there are no pairs")
    return Corpus("items", tuple(targets), columns={SOURCE: Texts(tuple(sources))})


def source_texts(corpus: Corpus) -> tuple[str, ...] | None:
    """Return the sources of a corpus of pairs; ``None``: it has none that are texts."""
    column = corpus.columns.get(SOURCE)
    return column.texts if isinstance(column, Texts) else None


def read_pairs(
    sources: Sequence[str],
    limits: PairLimits | None = None,
    *,
    reading: Reading | None = None,
) -> Corpus:
    """Read pairs from files.

    Args:
        sources: Files of lines ``source TAB target`` (further columns are ignored), or of JSON lines with ``source``
            and ``target``; or two files, of sources and of targets, line by line. Compressed files are unpacked.
        limits: Limits on pairs.
        reading: Encoding and errors.

    Returns:
        The targets, beside a column of their sources.

    Raises:
        CorpusError: Something cannot be read or is wrong, with file and line; or there are no pairs.
    """
    documents = surveyed(sources, reading or Reading())
    taken = PairCollector(limits or PairLimits())
    take_pairs(documents, taken)
    return corpus_of(taken, documents, "pairs")


def surveyed(sources: Sequence[str], reading: Reading) -> list[Document]:
    """Read files as plain text, whatever their names; their own names are kept. Folders and globs stand for files.

    Raises:
        CorpusError: One cannot be read, or a folder or a glob stands for none.
    """
    return [_surveyed(file, reading) for source in sources for file in files_of(source)]


def take_pairs(documents: Sequence[Document], taken: PairCollector) -> None:
    """Take the pairs of files.

    Raises:
        CorpusError: A pair is bad and not left out, or two files have different numbers of lines.
    """
    lines = [file_lines(document) for document in documents]
    if len(documents) == 2 and not any(
        _is_paired(document, own) for document, own in zip(documents, lines, strict=True)
    ):
        _take_side_by_side(documents, lines, taken)
    else:
        for document, own in zip(documents, lines, strict=True):
            for place, source, target in _pairs_of(document, own, taken):
                taken.take(place, source, target)


def corpus_of(taken: PairCollector, documents: Sequence[Document], what: str, examples: str | None = None) -> Corpus:
    """Make a corpus of the pairs taken.

    Args:
        taken: The pairs.
        documents: The files that they come from.
        what: The word for them in notes and errors.
        examples: Examples of what was read, for a note; ``None``: the first pairs.

    Raises:
        CorpusError: There are none.
    """
    if not taken.targets:
        raise CorpusError(f"there are no {what} in {', '.join(document.where for document in documents)}")
    origins = tuple({"name": d.name, "bytes": d.size, "sha256": d.sha256} for d in documents)
    notes = [f"{len(taken.targets):,} {what}, {len(set(taken.sources)):,} different sources"]
    notes.append(f"read: {examples or _first_pairs(taken)}")
    notes += [f"the first line names the columns: {line!r}" for line in taken.headings]
    notes += [f"left out: {count:,} {what} {kind}" for kind, count in taken.skipped.items()]
    notes += notes_on_encodings(documents)
    made_by = (what, repr(taken.limits), *(str(d.reading) for d in documents))
    places = tuple(taken.places)
    columns = {SOURCE: Texts(tuple(taken.sources))}
    return Corpus(
        "items", tuple(taken.targets), origins, notes=tuple(notes), made_by=made_by, columns=columns, places=places
    )


def _first_pairs(taken: PairCollector) -> str:
    pairs = zip(taken.sources[:_EXAMPLES], taken.targets, strict=False)
    return ", ".join(f"{_cut(source)!r} → {_cut(target)!r}" for source, target in pairs)


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def lines_of(text: str) -> list[str]:
    """Cut a text into lines that end in LF or CRLF; other line separators may stand inside a sentence."""
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    return lines[:-1] if not lines[-1] else lines


def _surveyed(source: str, reading: Reading) -> Document:
    """Read a file as plain text, whatever its name; its own name is kept."""
    document = plain_document(source, reading, standard_input=sys.stdin.buffer).surveyed(_EVERYTHING, 0, None)
    return document if source == "-" else replace(document, name=Path(source).name)


def file_lines(document: Document) -> list[str]:
    """Return the lines of a file."""
    return lines_of("".join(document.texts()))


def _is_paired(document: Document, lines: Sequence[str]) -> bool:
    """Return whether a file holds both sides."""
    return is_json(document) or any("\t" in line for line in lines[:_PEEK])


def is_json(document: Document) -> bool:
    """Return whether a file has JSON lines, by its name."""
    return any(suffix in _JSON for suffix in Path(document.name).suffixes)


def _take_side_by_side(documents: Sequence[Document], lines: Sequence[Sequence[str]], taken: PairCollector) -> None:
    counts = [len(own) for own in lines]
    if counts[0] != counts[1]:
        told = " and ".join(f"{d.where} has {count:,}" for d, count in zip(documents, counts, strict=True))
        raise CorpusError(f"two files of pairs need equally many lines: {told}")
    for number, (source, target) in enumerate(zip(*lines, strict=True), 1):
        if not taken.is_full:
            taken.take(f"line {number:,} of {documents[0].where} and {documents[1].where}", source, target)


def _pairs_of(document: Document, lines: Sequence[str], taken: PairCollector) -> Iterator[tuple[str, str, str]]:
    as_json, is_first = is_json(document), True
    for number, line in enumerate(lines, 1):
        if taken.is_full:
            return
        place = f"{document.where}, line {number:,}"
        if not line.strip():
            continue
        sides = _from_json(line) if as_json else _from_columns(line)
        was_first, is_first = is_first, False
        if was_first and not as_json and sides is not None and {side.strip().lower() for side in sides} <= _HEADINGS:
            taken.headings.append(line)
            continue
        if sides is None:
            need = '{"source": …, "target": …}' if as_json else "source, tab, target"
            taken.refuse(place, f"a pair is {need}; got {line[:40]!r}", "without two columns")
        else:
            yield place, *sides


def _from_columns(line: str) -> tuple[str, str] | None:
    columns = line.split("\t")
    return (columns[0], columns[1]) if len(columns) > 1 else None


def _from_json(line: str) -> tuple[str, str] | None:
    try:
        record = json.loads(line)
        source, target = record[SOURCE], record[_TARGET]
    except (ValueError, KeyError, TypeError):
        return None
    return (source, target) if isinstance(source, str) and isinstance(target, str) else None
