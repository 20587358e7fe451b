"""A corpus: running text or a list of items, and where it came from; in memory, or read anew from disk each time."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any, Literal, TypeAlias

from ostinato.data.documents import Document, Reading, Tick
from ostinato.data.embedded import EMBEDDED
from ostinato.data.fetching import Fetched
from ostinato.data.frames import Frames
from ostinato.data.reading import find_documents, names_of_corpora
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
class Again:
    """Texts that are read anew by each iteration.

    Attributes:
        read: Begins to read them.
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
        texts: The texts. Running text in memory is one; a larger one comes in pieces, which joined
            give it, and may be iterated over as often as needed.
        sources: Base name, size in bytes and SHA-256 of everything read, as plain data.
        notes: What was decided while reading, for people to know.
        made_by: How the texts were made from what was read, so that equal ones are known to be equal.
        groups: Of items: for each the number of its group, which stands on one side of a split; empty: none has.
        known_size: How many characters there are, where that is known already.
        known_alphabet: Every character that occurs, where that is known already.
        frames: Of sources that are real vectors: a sequence for each text; ``None``: there are none.
        places: Where each item stands, for messages; empty: that is not known.
    """

    kind: Kind
    texts: tuple[str, ...] | Again
    sources: tuple[dict[str, Any], ...] = ()
    notes: tuple[str, ...] = field(default=())
    made_by: tuple[str, ...] = ()
    groups: tuple[int, ...] = ()
    known_size: int | None = None
    known_alphabet: frozenset[str] | None = None
    frames: Frames | None = None
    places: tuple[str, ...] = ()

    @property
    def is_held(self) -> bool:
        """Whether the texts are in memory."""
        return isinstance(self.texts, tuple)

    @cached_property
    def size(self) -> int:
        """How many characters there are in all, or frames."""
        if self.frames is not None:
            return len(self.frames.values)
        return sum(map(len, self.texts)) if self.known_size is None else self.known_size

    def select(self, chosen: Sequence[int]) -> Corpus:
        """Return some of the items of a corpus in memory; it no longer knows how it was made."""
        assert isinstance(self.texts, tuple)
        texts = self.texts
        return replace(
            self,
            texts=tuple(texts[n] for n in chosen),
            groups=tuple(self.groups[n] for n in chosen) if self.groups else (),
            places=tuple(self.places[n] for n in chosen) if self.places else (),
            frames=None if self.frames is None else self.frames.select(chosen),
            known_size=None,
            known_alphabet=None,
        )

    @cached_property
    def alphabet(self) -> frozenset[str]:
        """Every character that occurs."""
        if self.known_alphabet is not None:
            return self.known_alphabet
        found: set[str] = set()
        for text in self.texts:
            found.update(text)
        return frozenset(found)


def read_corpus(
    sources: Sequence[str],
    *,
    reading: Reading | None = None,
    kind: Kind | None = None,
    standard_input: Any = None,
    to_learn: bool = True,
    memory: int = MEMORY,
    tick: Tick | None = None,
    fetching: Fetched | None = None,
) -> Corpus:
    """Read a corpus from files, folders, globs, ``-``, or the name of an embedded one or of a data set.

    Args:
        sources: What to read; several are joined in order.
        reading: Encoding, errors and column; the default is strict UTF-8.
        kind: ``"text"`` or ``"items"``; ``None`` looks at the lines and says in ``notes`` what it found.
        standard_input: A binary stream for ``-``; ``None`` means the process's own.
        to_learn: Whether this is for learning from, which takes more than one symbol.
        memory: Most characters to keep in memory; of a larger corpus only what is known of it is kept.
        tick: Told how many more bytes of the files have been read.
        fetching: Told how far the download of a data set is.

    Raises:
        CorpusError: Nothing is named, or something cannot be read, or there is nothing to learn from.
    """
    if not sources:
        raise CorpusError(f"no corpus given. Name a file, a folder, '-', or one of: {', '.join(names_of_corpora())}")
    stream = sys.stdin.buffer if standard_input is None else standard_input
    found, passed_over = find_documents(sources, reading or Reading(), standard_input=stream, fetching=fetching)
    documents = _surveyed(found, memory, tick)
    told, reason = (kind, "as was asked") if kind else _detect(documents)
    documents = [replace(document, sample="") for document in documents]
    corpus = _corpus(told, documents)
    if not corpus.is_held:
        reason += "; too large for memory, so it is read from disk"
    notes = [f"{_counted(corpus)}, {corpus.size:,} characters ({reason})"]
    notes += [f"{d.name} of this Python: SHA-256 {d.sha256}" for d in documents if d.name in EMBEDDED]
    notes += [f"passed over, as they are no text: {', '.join(passed_over)}"] if passed_over else []
    _check_size(corpus, " ".join(sources), to_learn=to_learn)
    return replace(corpus, notes=tuple(notes))


def _surveyed(found: Sequence[Document], memory: int, tick: Tick | None) -> list[Document]:
    """The documents, all held in memory or none of them."""
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
    return Corpus(kind, Again(pieces), origins, made_by=made_by, known_size=size, known_alphabet=alphabet)


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
    """Pieces of all documents, with a line end between two documents or two rows."""
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
    """How many characters ``_running_text`` gives."""
    filled = [document for document in documents if document.characters]
    between_rows = sum(document.count - 1 for document in filled if document.is_table)
    between_documents = sum(document.last != "\n" for document in filled[:-1])
    return sum(document.characters for document in filled) + between_rows + between_documents


def lines(pieces: Iterable[str]) -> Iterator[str]:
    """Yield the lines of a text that comes in pieces, without their ends: a line feed, a carriage return, or both.

    No other character ends a line, though Python's own ``splitlines`` thinks so of eight of them.

    >>> list(lines(["a\\nb", "c", "\\n\\nd"]))
    ['a', 'bc', '', 'd']
    """
    pending: list[str] = []
    for piece in pieces:
        found = _LINE_END.split(piece) if piece else []
        ends = piece.endswith(("\n", "\r"))
        if ends:
            found.pop()  # what follows the last line end is nothing yet
        # The last line goes on in the next piece unless the piece ends in a line end.
        rest = found.pop() if found and not ends else None
        for line in found:
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
