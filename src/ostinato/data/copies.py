"""What texts have in common with a corpus: the longest run copied from it, and which windows it has seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.data.ngrams import Hashes, Rolling, chunks, distinct

_FILTER_BITS = 22
_KEPT_SYMBOLS = 2**22  # of a corpus this small, what hashing needs is kept from one question to the next


@dataclass(frozen=True)
class Copy:
    """The longest run of symbols that a text has in common with a corpus.

    Attributes:
        length: In symbols.
        start: Where it begins in the text.
        place: Where it first stands in the corpus.
    """

    length: int
    start: int
    place: int


class Copies:
    """Answers about copies from one corpus, exact whatever its size: every question is one pass over it.

    Args:
        ids: All ids of the corpus, [N]; items are parted by their end id, which no text holds.
        progress: Told which pass is made, how many symbols of it are done, and of how many.
    """

    def __init__(self, ids: NDArray[Any], progress: Callable[[int, int, int], None] | None = None) -> None:
        self._ids, self._progress = ids, progress
        self._passes = 0
        self._kept = Rolling(np.asarray(ids)) if len(ids) <= _KEPT_SYMBOLS else None

    def seen(self, texts: Sequence[NDArray[Any]], n: int) -> list[NDArray[np.bool_]]:
        """Return, for every window of n symbols of every text, whether it stands in the corpus."""
        return [places >= 0 for places in self._places(texts, n)]

    def longest(self, texts: Sequence[NDArray[Any]]) -> list[Copy]:
        """Return the longest run of each text that stands in the corpus, the first of several.

        If a run of n symbols stands there, all shorter ones of it do. So lengths are doubled until none is
        found, and then halved in on.
        """
        best = [Copy(0, 0, 0)] * len(texts)
        missed = [len(text) + 1 for text in texts]  # the least length known not to stand there
        while True:
            asked: dict[int, list[int]] = {}
            for row in range(len(texts)):
                low, high = best[row].length, missed[row]
                if low + 1 < high:
                    asked.setdefault(min(2 * low or 1, (low + high) // 2, high - 1), []).append(row)
            if not asked:
                return best
            for n, rows in asked.items():
                for row, places in zip(rows, self._places([texts[row] for row in rows], n), strict=True):
                    (found,) = np.nonzero(places >= 0)
                    if len(found) and self._is_copy(texts[row], int(found[0]), int(places[found[0]]), n):
                        best[row] = Copy(n, int(found[0]), int(places[found[0]]))
                    else:
                        missed[row] = n

    def _is_copy(self, text: NDArray[Any], start: int, place: int, n: int) -> bool:
        """Whether equal hashes are equal symbols, as good as always."""
        return bool((np.asarray(self._ids[place : place + n]) == text[start : start + n]).all())

    def _places(self, texts: Sequence[NDArray[Any]], n: int) -> list[NDArray[np.int64]]:
        """The first place in the corpus of every window of n symbols of every text; -1 is none."""
        hashes = [Rolling(text).windows(n) for text in texts]
        wanted = distinct(np.concatenate([*hashes, np.zeros(0, dtype=np.uint64)]))
        found = self._find(wanted, n)
        return [found[np.searchsorted(wanted, own)] for own in hashes]

    def _find(self, wanted: Hashes, n: int) -> NDArray[np.int64]:
        """The first place in the corpus of each hash, [W]; -1 is none."""
        found = np.full(len(wanted), -1, dtype=np.int64)
        if not len(wanted):
            return found
        # Most windows of a corpus are asked for by nobody; a table of first bits tells most of them quickly.
        shift = np.uint64(64 - _FILTER_BITS)
        asked = np.zeros(2**_FILTER_BITS, dtype=bool)
        asked[wanted >> shift] = True
        self._passes += 1
        for start, windows in self._windows(n):
            (likely,) = np.nonzero(asked[windows >> shift])
            places = np.searchsorted(wanted, windows[likely])
            sure = wanted[np.minimum(places, len(wanted) - 1)] == windows[likely]
            # From the last to the first, so that the first place of each is what stays.
            last_to_first = np.flatnonzero(sure)[::-1]
            fresh = np.full(len(wanted), -1, dtype=np.int64)
            fresh[places[last_to_first]] = likely[last_to_first] + start
            found = np.where(found < 0, fresh, found)
            if self._progress is not None:
                self._progress(self._passes, min(len(self._ids), start + len(windows) + n - 1), len(self._ids))
        return found

    def _windows(self, n: int) -> Any:
        if self._kept is not None:
            yield 0, self._kept.windows(n)
            return
        for start, stop in chunks(len(self._ids), n):
            yield start, Rolling(np.asarray(self._ids[start:stop])).windows(n)
