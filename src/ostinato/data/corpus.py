"""A corpus: running text or a list of items, where it came from, and its split for validation."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from ostinato.data.embedded import EMBEDDED
from ostinato.data.reading import Document, Reading, read_documents
from ostinato.errors import CorpusError

Kind: TypeAlias = Literal["text", "items"]

# What makes lines a list of items: many of them, none empty, all short.
_LEAST_ITEMS = 20
_LONGEST_ITEM = 200
_USUAL_ITEM = 48
_EMPTY_SHARE = 0.01


@dataclass(frozen=True)
class Corpus:
    """Texts to learn from.

    Attributes:
        kind: ``"text"``: running text, one long sequence. ``"items"``: each text stands for itself
            (a name, a title, a tune) and has an end.
        texts: The texts; running text is one.
        sources: Base name, size in bytes and SHA-256 of everything read, as plain data.
        notes: What was decided while reading, for people to know.
    """

    kind: Kind
    texts: tuple[str, ...]
    sources: tuple[dict[str, Any], ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def size(self) -> int:
        """How many characters there are in all."""
        return sum(len(text) for text in self.texts)


def read_corpus(
    sources: Sequence[str],
    *,
    reading: Reading | None = None,
    kind: Kind | None = None,
    standard_input: Any = None,
    to_learn: bool = True,
) -> Corpus:
    """Read a corpus from files, folders, globs, ``-``, or the name of an embedded one.

    Args:
        sources: What to read; several are joined in order.
        reading: Encoding, errors and column; the default is strict UTF-8.
        kind: ``"text"`` or ``"items"``; ``None`` looks at the lines and says in ``notes`` what it found.
        standard_input: A binary stream for ``-``; ``None`` means the process's own.
        to_learn: Whether this is for learning from, which takes more than one symbol.

    Raises:
        CorpusError: Nothing is named, or something cannot be read, or there is nothing to learn from.
    """
    if not sources:
        raise CorpusError(f"no corpus given. Name a file, a folder, '-', or one of: {', '.join(EMBEDDED)}")
    stream = sys.stdin.buffer if standard_input is None else standard_input
    documents, passed_over = read_documents(sources, reading or Reading(), standard_input=stream)
    found, reason = (kind, "as was asked") if kind else _detect(documents)
    texts = _items(documents) if found == "items" else (_running_text(documents),)
    notes = [_describe(found, texts, reason)]
    notes += [f"{d.name} of this Python: SHA-256 {d.sha256}" for d in documents if d.name in EMBEDDED]
    notes += [f"passed over, as they are no text: {', '.join(passed_over)}"] if passed_over else []
    corpus = Corpus(found, texts, tuple(_origin(d) for d in documents), tuple(notes))
    _check_size(corpus, " ".join(sources), to_learn=to_learn)
    return corpus


def split(corpus: Corpus, *, share: float, seed: int) -> tuple[Corpus, Corpus]:
    """Set a share of a corpus apart for validation.

    Running text gives its last part. Of items, single ones are drawn; equal items always fall on the
    same side, so that nothing validated was trained on.

    Args:
        corpus: What to divide.
        share: How much to set apart, above 0 and below 1.
        seed: Chooses the items.

    Returns:
        The training part and the validation part.

    Raises:
        CorpusError: The share is out of range, or one part would be empty.
    """
    if not 0 < share < 1:
        raise CorpusError(f"the share for validation must be above 0 and below 1, got {share}")
    if corpus.kind == "text":
        text = corpus.texts[0]
        cut = int(len(text) * (1 - share))
        parts: tuple[tuple[str, ...], tuple[str, ...]] = ((text[:cut],), (text[cut:],))
    else:
        # A hash of the item itself decides, so neither order nor repeats matter.
        ranked = sorted(set(corpus.texts), key=lambda text: (_hash(seed, text), text))
        few = sum(_hash(seed, text) < int(share * 2**64) for text in ranked)
        chosen = set(ranked[: max(1, min(few, len(ranked) - 1))])
        parts = tuple(t for t in corpus.texts if t not in chosen), tuple(t for t in corpus.texts if t in chosen)
    train, valid = (Corpus(corpus.kind, part, corpus.sources, corpus.notes) for part in parts)
    if not train.size or not valid.size:
        raise CorpusError(f"the corpus is too small to set {share:.0%} of it apart for validation")
    return train, valid


def _hash(seed: int, text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8, salt=str(seed).encode()[:16]).digest(), "big")


def _detect(documents: Sequence[Document]) -> tuple[Kind, str]:
    if any(document.rows is not None for document in documents):
        return "items", "rows of a table"
    lines = [line for document in documents for line in document.text.splitlines()]
    filled = [line for line in lines if line.strip()]
    if (
        len(filled) >= _LEAST_ITEMS
        and len(lines) - len(filled) <= _EMPTY_SHARE * len(lines)
        and max(map(len, filled)) <= _LONGEST_ITEM
        and sum(map(len, filled)) <= _USUAL_ITEM * len(filled)
        and sum(line[0].isspace() for line in filled) <= _EMPTY_SHARE * len(filled)
    ):
        return "items", "short lines, none empty; --as text reads it as running text"
    return "text", "--as items would take each line by itself"


def _items(documents: Sequence[Document]) -> tuple[str, ...]:
    return tuple(
        text
        for document in documents
        for text in (document.rows if document.rows is not None else document.text.splitlines())
        if text.strip()
    )


def _running_text(documents: Sequence[Document]) -> str:
    texts = ["\n".join(d.rows) if d.rows is not None else d.text for d in documents if d.text]
    return "".join(text if text.endswith("\n") or text is texts[-1] else text + "\n" for text in texts)


def _origin(document: Document) -> dict[str, Any]:
    return {"name": document.name, "bytes": document.size, "sha256": document.sha256}


def _describe(kind: Kind, texts: Sequence[str], reason: str) -> str:
    size = sum(len(text) for text in texts)
    if kind == "items":
        return f"{len(texts):,} items, {size:,} characters ({reason})"
    return f"running text, {size:,} characters ({reason})"


def _check_size(corpus: Corpus, where: str, *, to_learn: bool) -> None:
    if not corpus.size:
        raise CorpusError(f"{where} is empty: there is nothing to {'learn from' if to_learn else 'read'}")
    if to_learn and len({character for text in corpus.texts for character in text[:100_000]}) < 2:
        only = next(text for text in corpus.texts if text)[0]
        raise CorpusError(f"{where} holds only one symbol, {only!r}: there is nothing to learn from")
