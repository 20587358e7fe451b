"""Split of a corpus into a training part and a validation part."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial

from ostinato.data.columns import examples_of
from ostinato.data.corpus import Corpus, StreamedTexts
from ostinato.errors import CorpusError


def split(corpus: Corpus, *, share: float, seed: int) -> tuple[Corpus, Corpus]:
    """Set a share of a corpus apart for validation.

    Running text gives its last part; items are drawn one by one. Equal items, and those of a group, always fall on
    the same side, so that no validation item is trained on.

    Args:
        corpus: Corpus to divide.
        share: Share to set apart, above 0 and below 1.
        seed: Seed of the choice of items.

    Returns:
        The training part and the validation part.

    Raises:
        CorpusError: The share is out of range, or one part would be empty.
    """
    if not 0 < share < 1:
        raise CorpusError(f"the share for validation must be above 0 and below 1, got {share}")
    if corpus.kind == "text":
        train, valid = _split_text(corpus, share)
    else:
        train, valid = _split_items(corpus, share, seed)
    if not train.size or not valid.size:
        raise CorpusError(f"the corpus is too small to set {share:.0%} of it apart for validation")
    return train, valid


def _split_text(corpus: Corpus, share: float) -> tuple[Corpus, Corpus]:
    cut = int(corpus.size * (1 - share))
    if isinstance(corpus.texts, tuple):
        text = "".join(corpus.texts)
        parts: list[tuple[str, ...] | StreamedTexts] = [(text[:cut],), (text[cut:],)]
    else:
        parts = [StreamedTexts(partial(_between, corpus.texts, a, b)) for a, b in ((0, cut), (cut, corpus.size))]
    first, second = (_part(corpus, part, f"running text, last {share}", n) for n, part in enumerate(parts))
    return replace(first, known_size=cut), replace(second, known_size=corpus.size - cut)


def _split_items(corpus: Corpus, share: float, seed: int) -> tuple[Corpus, Corpus]:
    # A hash of the item itself decides, so neither order nor repeats matter.
    bar = int(share * 2**64)
    method = f"items, {share}, seed {seed}"
    if isinstance(corpus.texts, tuple):
        heads = _heads(corpus)
        ranked = sorted(set(heads), key=lambda text: (_hash(seed, text), text))
        few = sum(_hash(seed, text) < bar for text in ranked)
        chosen = set(ranked[: max(1, min(few, len(ranked) - 1))])
        sides = [[n for n, head in enumerate(heads) if (head in chosen) == wanted] for wanted in (False, True)]
        first, second = (_made(replace(corpus.select(side), groups=()), method, n) for n, side in enumerate(sides))
        return first, second
    # So many that both parts get some.
    parts = [StreamedTexts(partial(_hashed, corpus.texts, seed, bar, below=below)) for below in (False, True)]
    sizes = [0, 0]
    for text in corpus.texts:
        sizes[_hash(seed, text) < bar] += len(text)
    first, second = (_part(corpus, part, method, n) for n, part in enumerate(parts))
    return replace(first, known_size=sizes[0]), replace(second, known_size=sizes[1])


def _heads(corpus: Corpus) -> list[str]:
    """Return, for each item, the one that decides its side: the first of its group, or itself."""
    texts = examples_of(corpus.columns) if corpus.columns else list(corpus.texts)
    if not corpus.groups:
        return texts
    first: dict[int, str] = {}
    for group, text in zip(corpus.groups, texts, strict=True):
        first.setdefault(group, text)
    return [first[group] for group in corpus.groups]


def _part(corpus: Corpus, texts: tuple[str, ...] | StreamedTexts, method: str, number: int) -> Corpus:
    return _made(replace(corpus, texts=texts, groups=(), known_size=None, known_alphabet=None), method, number)


def _made(part: Corpus, method: str, number: int) -> Corpus:
    return replace(part, made_by=(*part.made_by, f"{method}: part {number}"))


def _between(texts: Iterable[str], start: int, stop: int) -> Iterator[str]:
    """Yield the characters from ``start`` to before ``stop`` of a text in pieces."""
    at = 0
    for text in texts:
        # To the end, although nothing more is wanted: only then is the whole checked for changes.
        if at + len(text) > start and at < stop:
            yield text[max(0, start - at) : stop - at]
        at += len(text)


def _hashed(texts: Iterable[str], seed: int, bar: int, *, below: bool) -> Iterator[str]:
    return (text for text in texts if (_hash(seed, text) < bar) == below)


def _hash(seed: int, text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8, salt=str(seed).encode()[:16]).digest(), "big")
