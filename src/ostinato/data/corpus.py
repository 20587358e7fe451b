"""A corpus: running text or a list of items, and where it came from; in memory, or read anew from disk each time."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal, TypeAlias

from ostinato.data.columns import Column
from ostinato.data.documents import Document, Reading, Tick, notes_on_encodings
from ostinato.data.embedded import EMBEDDED
from ostinato.data.fetching import Fetched
from ostinato.data.reading import by_ending, find_documents, names_of_corpora
from ostinato.errors import CorpusError

Kind: TypeAlias = Literal["text", "items"]

#: Most characters of a corpus that are kept in memory; a larger one is read from its files as often as needed.
MEMORY = 2**26

# What makes lines a list of items: many of them, none empty, all short.
_LEAST_ITEMS = 20
_LONGEST_ITEM = 200
_USUAL_ITEM = 48
_EMPTY_SHARE = 0.01
_SAMPLE = 2**22  # characters at the beginning that are looked at
_LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True)
class StreamedTexts:
    """Texts that are read anew by each iteration.

    Attributes:
        read: Function that starts to read them.
    """

    read: Callable[[], Iterator[str]]

    def __iter__(self) -> Iterator[str]:
        return self.read()


@dataclass(frozen=True)
class Corpus:
    """Texts to learn from.

    Attributes:
        kind: ``"text"``: running text, one long sequence. ``"items"``: each text stands for itself
            (a name, a title, a tune) and has an end.
        texts: The texts. Running text in memory is one string; if larger, it comes in pieces, which may be
            iterated over as often as needed and are joined without anything between them.
        sources: Base name, size in bytes and SHA-256 of everything read, as plain data.
        notes: Decisions made while reading, for users to know.
        made_by: Steps that made the texts from the sources: equal sources and equal steps give equal texts.
        groups: Group number of each item; a group stays on one side of a split. Empty: there are no groups.
        known_size: Number of characters, if already known.
        known_alphabet: Every character that occurs, if already known.
        columns: Columns beside the texts, by name: one example of each for each text; such as ``source``, texts or
            frames from which the text follows.
        places: Place of each item in its source, for messages; empty: not known.
        valid: The validation part that belongs to it by an official split; ``None``: a share is to be set apart.
    """

    kind: Kind
    texts: tuple[str, ...] | StreamedTexts
    sources: tuple[dict[str, Any], ...] = ()
    notes: tuple[str, ...] = field(default=())
    made_by: tuple[str, ...] = ()
    groups: tuple[int, ...] = ()
    known_size: int | None = None
    known_alphabet: frozenset[str] | None = None
    columns: Mapping[str, Column] = field(default_factory=dict)
    places: tuple[str, ...] = ()
    valid: Corpus | None = None

    @property
    def is_held(self) -> bool:
        """Whether the texts are in memory."""
        return isinstance(self.texts, tuple)

    @cached_property
    def size(self) -> int:
        """Number of characters in all, and of places in its columns."""
        characters = sum(map(len, self.texts)) if self.known_size is None else self.known_size
        return characters + sum(column.places for column in self.columns.values())

    def select(self, chosen: Sequence[int]) -> Corpus:
        """Return some of the items of a corpus in memory; its size and alphabet are counted anew."""
        assert isinstance(self.texts, tuple)
        texts = self.texts
        return replace(
            self,
            texts=tuple(texts[n] for n in chosen),
            groups=tuple(self.groups[n] for n in chosen) if self.groups else (),
            places=tuple(self.places[n] for n in chosen) if self.places else (),
            columns={name: column.select(chosen) for name, column in self.columns.items()},
            known_size=None,
            known_alphabet=None,
        )

    @cached_property
    def alphabet(self) -> frozenset[str]:
        """Every character that occurs."""
        if self.known_alphabet is not None:
            return self.known_alphabet
        characters: set[str] = set()
        for text in self.texts:
            characters.update(text)
        return frozenset(characters)


def read_corpus(
    sources: Sequence[str],
    *,
    reading: Reading | None = None,
    kind: Kind | None = None,
    pattern: str | None = None,
    standard_input: Any = None,
    to_learn: bool = True,
    memory: int = MEMORY,
    tick: Tick | None = None,
    fetching: Fetched | None = None,
) -> Corpus:
    """Read a corpus from files, folders, globs, ``-``, or the name of an embedded one or of a data set.

    Args:
        sources: Names of the sources; several are joined in order.
        reading: Encoding, errors and column; by default UTF-8, or what is recognised, and strict.
        kind: ``"text"`` or ``"items"``; ``None`` decides by the lines, and says so in ``notes``.
        pattern: Pattern of the files that are read in folders, such as ``*.md``; ``None``: all that are text.
        standard_input: A binary stream for ``-``; ``None`` means the process's own.
        to_learn: Whether the corpus is to be learned from, which takes more than one symbol.
        memory: Most characters to keep in memory; the texts of a larger corpus stay on disk.
        tick: Called with the number of bytes of files read since the last call.
        fetching: Called with file, bytes so far and bytes in all while a data set is downloaded.

    Raises:
        CorpusError: No source is given, one cannot be read, or there is nothing to learn from.
    """
    if not sources:
        raise CorpusError(f"no corpus given. Name a file, a folder, '-', or one of: {', '.join(names_of_corpora())}")
    stream = sys.stdin.buffer if standard_input is None else standard_input
    documents, passed_over = find_documents(
        sources, reading or Reading(), standard_input=stream, pattern=pattern, fetching=fetching
    )
    documents = _surveyed(documents, memory, tick)
    told, reason = (kind, "as was asked") if kind else _detect(documents)
    documents = [replace(document, sample="") for document in documents]
    corpus = _corpus(told, documents)
    if not corpus.is_held:
        reason += "; too large for memory, so it is read from disk"
    notes = [f"{_counted(corpus)}, {corpus.size:,} characters ({reason})"]
    notes += [by_ending(Path(document.name) for document in documents)] if len(documents) > 1 else []
    notes += notes_on_encodings(documents)
    notes += [f"{d.name} of this Python: SHA-256 {d.sha256}" for d in documents if d.name in EMBEDDED]
    notes += [f"passed over, as they are no text: {', '.join(passed_over)}"] if passed_over else []
    _check_size(corpus, " ".join(sources), to_learn=to_learn)
    return replace(corpus, notes=tuple(notes))


def _surveyed(found: Sequence[Document], memory: int, tick: Tick | None) -> list[Document]:
    """Survey the documents; return them with all texts held in memory, or none."""
    documents: list[Document] = []
    left, sampled = memory, 0
    for document in found:
        documents.append(document.surveyed(max(0, left), max(0, _SAMPLE - sampled), tick))
        left -= documents[-1].characters
        sampled += len(documents[-1].sample)
        if left < 0:
            documents = [replace(document, held=None) for document in documents]
    return documents


def _corpus(kind: Kind, documents: Sequence[Document]) -> Corpus:
    origins = tuple({"name": d.name, "bytes": d.size, "sha256": d.sha256} for d in documents)
    made_by = (kind, *(f"{d.form} {d.reading}" for d in documents))
    pieces = partial(_running_text if kind == "text" else _items, documents)
    if not any(document.held is None for document in documents):
        texts = ("".join(pieces()),) if kind == "text" else tuple(pieces())
        return Corpus(kind, texts, origins, made_by=made_by)
    # Line ends are added between documents and rows, so "\n" may be missing in what was surveyed.
    added = {"\n"} if kind == "text" and (len(documents) > 1 or documents[0].is_table) else set()
    alphabet = frozenset(added).union(*(document.alphabet for document in documents))
    size = _joined_size(documents) if kind == "text" else sum(map(len, pieces()))
    return Corpus(kind, StreamedTexts(pieces), origins, made_by=made_by, known_size=size, known_alphabet=alphabet)


def _detect(documents: Sequence[Document]) -> tuple[Kind, str]:
    if any(document.is_table for document in documents):
        return "items", "rows of a table"
    seen = [line for document in documents for line in lines([document.sample])]
    filled = [line for line in seen if line.strip()]
    if (
        len(filled) >= _LEAST_ITEMS
        and len(seen) - len(filled) <= _EMPTY_SHARE * len(seen)
        and max(map(len, filled)) <= _LONGEST_ITEM
        and sum(map(len, filled)) <= _USUAL_ITEM * len(filled)
        and sum(line[0].isspace() for line in filled) <= _EMPTY_SHARE * len(filled)
    ):
        return "items", "short lines, none empty; --as text reads it as running text"
    return "text", "--as items would take each line by itself"


def _items(documents: Sequence[Document]) -> Iterator[str]:
    for document in documents:
        texts = document.texts()
        yield from (text for text in (texts if document.is_table else lines(texts)) if text.strip())


def _running_text(documents: Sequence[Document]) -> Iterator[str]:
    """Yield the pieces of all documents, with a line end between two documents or two rows."""
    pending = ""  # a line end that is only there if something follows
    for document in documents:
        last = ""
        for text in document.texts():
            if text:
                yield pending + text
                pending = "\n" if document.is_table else ""
                last = text
        pending = "\n" if last and not last.endswith("\n") else "" if last else pending


def _joined_size(documents: Sequence[Document]) -> int:
    """Return the number of characters that ``_running_text`` yields."""
    filled = [document for document in documents if document.characters]
    between_rows = sum(document.count - 1 for document in filled if document.is_table)
    between_documents = sum(document.last != "\n" for document in filled[:-1])
    return sum(document.characters for document in filled) + between_rows + between_documents


def lines(pieces: Iterable[str]) -> Iterator[str]:
    """Yield the lines of a text that comes in pieces, without their ends: a line feed, a carriage return, or both.

    No other character ends a line; Python's own ``splitlines`` also cuts at eight others.

    >>> list(lines(["a\\nb", "c", "\\n\\nd"]))
    ['a', 'bc', '', 'd']
    """
    pending: list[str] = []
    for piece in pieces:
        parts = _LINE_END.split(piece) if piece else []
        ends = piece.endswith(("\n", "\r"))
        if ends:
            parts.pop()  # what follows the last line end is nothing yet
        # The last line goes on in the next piece unless the piece ends in a line end.
        rest = parts.pop() if parts and not ends else None
        for line in parts:
            yield "".join([*pending, line])
            pending = []
        if rest is not None:
            pending.append(rest)
    if pending:
        yield "".join(pending)


def _counted(corpus: Corpus) -> str:
    if corpus.kind == "text":
        return "running text"
    return f"{len(corpus.texts):,} items" if isinstance(corpus.texts, tuple) else "items"


def _check_size(corpus: Corpus, where: str, *, to_learn: bool) -> None:
    if not corpus.size:
        raise CorpusError(f"{where} is empty: there is nothing to {'learn from' if to_learn else 'read'}")
    if to_learn and len(corpus.alphabet) < 2:
        only = next(iter(corpus.alphabet))
        raise CorpusError(f"{where} holds only one symbol, {only!r}: there is nothing to learn from")
