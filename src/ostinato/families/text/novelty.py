"""Novelty of a text: its overlap with the training text, compared with that of held-out text."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.codecs import Codec
from ostinato.data import Encoded
from ostinato.data.copies import Copies, Copy
from ostinato.data.ngrams import NgramIndex
from ostinato.decode.rules.copying import MaxCopy
from ostinato.errors import ConfigError
from ostinato.families.text.results import HeldOutOverlap, Novelty
from ostinato.runs.folder import RunFolder

#: A larger training text is gone through only when that is asked for.
QUICK = 2**24  # symbols
_LENGTHS = {"characters": (5, 10, 20), "bytes": (5, 10, 20)}
_LENGTHS_OF_WORDS = (2, 3, 5)
_MOST_PIECES = 16  # of held-out text, that texts are compared with
_MANY_SYMBOLS = 1024  # a vocabulary in which looking up every symbol at every step would take long
_LINE = 2**20  # symbols decoded at once when lines are counted


class TrainingText:
    """The training text of a run, to compare other texts with.

    Exact at any size: every query reads all of it, a few dozen times to find the longest copies.

    Texts are encoded anew: where the model wrote other symbols than its codec would (a word spelled out), the codec's
    count.

    Args:
        path: The run folder.
        codec: Its codec.
        progress: Called with the number of the pass over the text, the symbols read in it, and all symbols.

    Raises:
        ConfigError: ``path`` is a model file, which holds no training text.
    """

    def __init__(self, path: Path, codec: Codec, progress: Callable[[int, int, int], None] | None = None) -> None:
        if path.is_file():
            raise ConfigError(f"{path} is a model file, which holds no training text; give the run folder")
        self._path, self._codec, self._progress = path, codec, progress

    @property
    def size(self) -> int:
        """Number of symbols."""
        return len(self._parts[0].ids)

    @property
    def lengths(self) -> tuple[int, ...]:
        """Lengths of the windows that are looked up, in symbols."""
        return _LENGTHS.get(self._codec.name, _LENGTHS_OF_WORDS)

    def novelty(self, texts: Sequence[str]) -> list[Novelty]:
        """Return the novelty of each text; symbols that the codec does not know are left out."""
        return self._novelty([self.encoded(text) for text in texts])

    def encoded(self, text: str) -> NDArray[Any]:
        """Return the ids of a text, [T]; unknown symbols get an id that matches nothing."""
        ids = self._codec.encode(self._codec.without_unknown(text, "skip")[0]).astype(np.int64)
        return ids if self._codec.unknown is None else np.where(ids == self._codec.unknown, self._codec.size, ids)

    def yardstick(self, sizes: Sequence[int]) -> HeldOutOverlap | None:
        """Compare up to 16 pieces of held-out text, as long as the texts (or some items), with the training text.

        Args:
            sizes: Number of symbols of each text.

        Returns:
            Means over the pieces; ``None`` if there is no held-out text.
        """
        pieces = self._held_out([size for size in sizes if size])
        if not pieces:
            return None
        novelties = self._novelty(pieces)
        seen = {n: statistics.fmean(each.seen[n] for each in novelties) for n in self.lengths}
        return HeldOutOverlap(len(pieces), statistics.fmean(each.longest_copy for each in novelties), seen)

    def rule(self, most: int, *, keep: bool = False, progress: Callable[[int, int], None] | None = None) -> MaxCopy:
        """Return the rule against copying more than ``most`` symbols in a row.

        Args:
            most: Longest run allowed, in symbols.
            keep: Whether to keep its index in the run folder, for the next time; a training text too large for memory
                is always indexed there.
            progress: Called with the number of symbols indexed so far, and in all.
        """
        if most < 1:
            raise ConfigError(f"max-copy must be at least 1, got {most}")
        index = self._index(most + 1, keep, progress)
        heads = self._index(most, keep, progress) if self._codec.size > _MANY_SYMBOLS else None
        return MaxCopy(index, self._codec.size, self._codec.end, heads)

    def _index(self, n: int, keep: bool, progress: Callable[[int, int], None] | None) -> NgramIndex:
        """Return the index of all windows of n symbols, from the run folder or made now."""
        ids, end = self._parts[0].ids, self._codec.end
        folder = self._path / "ngrams" / str(n)
        if not (keep or folder.exists() or len(ids) > QUICK):
            return NgramIndex.build(ids, n, end=end, progress=progress)
        corpus = str(RunFolder(self._path).origin()["corpus_sha256"])
        folder.parent.mkdir(exist_ok=True)
        return NgramIndex.kept(folder, ids, n, end=end, corpus=corpus, progress=progress)

    def place(self, novelty: Novelty) -> str:
        """Describe, for people, where a copy stands in the training text."""
        train = self._parts[0]
        if not novelty.longest_copy:
            return "nowhere in the training " + ("text" if self._codec.end is None else "items")
        if self._codec.end is not None:
            number = int(np.searchsorted(train.offsets, novelty.place, side="right"))
            return f"item {number:,} of the training items"
        before, characters, line = 0, 0, 1
        while before < novelty.place:
            part = self._codec.decode(train.ids[before : min(novelty.place, before + _LINE)].tolist())
            before, characters, line = before + _LINE, characters + len(part), line + part.count("\n")
        return f"character {characters:,}, line {line:,} of the training text"

    @cached_property
    def _parts(self) -> tuple[Encoded, Encoded]:
        return RunFolder(self._path).corpus()

    @cached_property
    def _copies(self) -> Copies:
        return Copies(self._parts[0].ids, self._progress)

    def _novelty(self, texts: Sequence[NDArray[Any]]) -> list[Novelty]:
        copies = self._copies.longest(texts)
        seen = {n: self._copies.seen(texts, n) for n in self.lengths}
        shares = [{n: _share(seen[n][row]) for n in seen} for row in range(len(texts))]
        return [self._novelty_of(text, copy, share) for text, copy, share in zip(texts, copies, shares, strict=True)]

    def _novelty_of(self, text: NDArray[Any], copy: Copy, seen: dict[int, float]) -> Novelty:
        run = self._codec.decode(text[copy.start : copy.start + copy.length].tolist())  # known symbols, all of them
        return Novelty(copy.length, run, copy.place, seen)

    def _held_out(self, sizes: Sequence[int]) -> list[NDArray[Any]]:
        valid = self._parts[1]
        if not len(valid.ids) or not sizes:
            return []
        if self._codec.end is not None:
            rows = np.unique(np.linspace(0, valid.texts - 1, min(len(sizes), _MOST_PIECES)).astype(int))
            pieces = [valid.ids[valid.offsets[row] : valid.offsets[row + 1] - 1] for row in rows.tolist()]
        else:
            size = min(int(statistics.median(sizes)), len(valid.ids))
            count = min(_MOST_PIECES, max(1, len(valid.ids) // size))
            starts = np.linspace(0, len(valid.ids) - size, count).astype(int)
            pieces = [valid.ids[start : start + size] for start in starts.tolist()]
        return [np.asarray(piece) for piece in pieces]


@dataclass(frozen=True)
class NoveltyReport:
    """One text of a report.

    Attributes:
        text: The text.
        novelty: Its overlap with the training text.
        place: Place of its longest copy there, described for people.
    """

    text: str
    novelty: Novelty
    place: str


def report(training: TrainingText, texts: Sequence[str]) -> tuple[list[NoveltyReport], HeldOutOverlap | None]:
    """Return the novelty of texts, and that of held-out text of the same size to compare it with."""
    novelties = training.novelty(texts)
    told = [NoveltyReport(text, each, training.place(each)) for text, each in zip(texts, novelties, strict=True)]
    return told, training.yardstick([len(training.encoded(text)) for text in texts])


def _share(which: NDArray[np.bool_]) -> float:
    return float(which.mean()) if len(which) else 0.0
