"""Baselines for models of labels: what whoever has only counted says of the same sequences."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ostinato.codecs import LabelCodec, PairCodec, SpelledCodec
from ostinato.data import Encoded
from ostinato.data.columns import Array, Ids, Sequences
from ostinato.data.frames import Frames
from ostinato.data.pairs import SOURCE

_MOST = 2**21  # places of the training sources that are counted


@dataclass(frozen=True)
class Guess:
    """Labels that a baseline gives to held-out sequences.

    Attributes:
        name: Name of the baseline.
        labels: Its labels of each sequence, as ids.
    """

    name: str
    labels: list[list[int]]


def guesses(codec: PairCodec, train: Encoded, valid: Encoded) -> list[Guess]:
    """Return what each baseline says that fits the kind of labels, after it has counted in the training data."""
    assert isinstance(codec.target, LabelCodec)
    train = _last(train)
    known = _targets(train)
    frequent = Counter(label for one in known for label in one).most_common(1)[0][0]
    source = codec.source
    if isinstance(source, SpelledCodec):
        real = _targets(valid)
        return [
            Guess("the most frequent label", [[frequent] * len(one) for one in real]),
            Guess("each word's most frequent label", _by_word(source, train, valid, frequent)),
        ]
    if codec.target.unit != "whole":
        sequence = Counter(map(tuple, known)).most_common(1)[0][0]
        return [Guess("the most frequent sequence of labels", [list(sequence)] * valid.texts)]
    most = Guess("the most frequent label", [[frequent]] * valid.texts)
    column, other = train.columns[SOURCE], valid.columns[SOURCE]
    labels = np.array([one[0] for one in known])
    if isinstance(column, Frames) and isinstance(other, Frames):
        return [most, Guess("the label of the nearest mean frame", _nearest_mean(column, other, labels))]
    assert isinstance(column, Ids)
    assert isinstance(other, Ids)
    return [most, Guess("naive Bayes on pairs of symbols", _naive_bayes(column, other, labels, source.size))]


def _last(train: Encoded) -> Encoded:
    """Return the last training sequences, at least one, with at most ``_MOST`` places in their sources."""
    column = train.columns[SOURCE]
    assert isinstance(column, Sequences)
    first = int(np.searchsorted(column.offsets, column.places - _MOST))
    return train.part(min(first, train.texts - 1), train.texts)


def _targets(data: Encoded) -> list[list[int]]:
    """Return the labels of each sequence, without its end."""
    return [one[:-1] for one in Ids(data.ids, data.offsets).lists()]


def _by_word(source: SpelledCodec, train: Encoded, valid: Encoded, frequent: int) -> list[list[int]]:
    """Return for each word the label that it has most often; words that are not known share one."""
    counts: dict[int, Counter[int]] = {}
    for words, labels in zip(_words(source, train), _targets(train), strict=True):
        for word, label in zip(words, labels, strict=True):
            counts.setdefault(word, Counter())[label] += 1
    best = {word: count.most_common(1)[0][0] for word, count in counts.items()}
    return [[best.get(word, frequent) for word in words] for words in _words(source, valid)]


def _words(source: SpelledCodec, data: Encoded) -> list[list[int]]:
    column = data.columns[SOURCE]
    assert isinstance(column, Ids)
    return [[id_ for id_ in ids if id_ < source.starts[1]] for ids in column.lists()]


def _nearest_mean(train: Frames, valid: Frames, labels: Array) -> list[list[int]]:
    """Return the label whose mean frame is nearest to that of each sequence, in deviations of the training frames."""
    known, own = _means(train), _means(valid)
    deviation = known.std(axis=0) + 1e-6
    names = np.unique(labels)
    centres = np.stack([known[labels == name].mean(axis=0) for name in names])
    distances = np.square((own[:, None] - centres) / deviation).sum(axis=-1)  # [N, labels]
    return [[int(names[best])] for best in distances.argmin(axis=1)]


def _means(frames: Frames) -> Array:
    return np.stack([frames.one(n).mean(axis=0, dtype=np.float64) for n in range(frames.count)])


def _naive_bayes(train: Ids, valid: Ids, labels: Array, symbols: int) -> list[list[int]]:
    """Return the labels by naive Bayes on pairs of successive symbols, with a count of one added to each seen pair."""
    edge = symbols  # before the first symbol and after the last

    def pairs(ids: Sequence[int]) -> list[int]:
        padded = [edge, *ids, edge]
        return [a * (symbols + 1) + b for a, b in itertools.pairwise(padded)]

    names = np.unique(labels).tolist()
    counts = {name: Counter[int]() for name in names}
    for ids, label in zip(train.lists(), labels.tolist(), strict=True):
        counts[label].update(pairs(ids))
    seen = len(set().union(*counts.values())) + 1
    totals = {name: sum(count.values()) + seen for name, count in counts.items()}
    priors = {name: math.log(np.mean(labels == name)) for name in names}

    def score(name: int, ids: Sequence[int]) -> float:
        count = counts[name]
        seen_often = sum(math.log(count[pair] + 1) for pair in ids)
        return priors[name] + seen_often - len(ids) * math.log(totals[name])

    return [[max(names, key=lambda name: score(name, own))] for own in map(pairs, valid.lists())]
