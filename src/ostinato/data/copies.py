"""Copies from a corpus in texts: the longest copied run, and the windows that the corpus has as well."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.data.ngrams import Hashes, Rolling, chunks, distinct

_FILTER_BITS = 22
_SHIFT = np.uint64(64 - _FILTER_BITS)
_KEPT_SYMBOLS = 2**22  # of a corpus this small, what hashing needs is kept from one question to the next


@dataclass(frozen=True)
class Copy:
    """The longest run of symbols that a text has in common with a corpus.

    Attributes:
        length: Number of symbols.
        start: Position of its first symbol in the text.
        place: Position of its first occurrence in the corpus.
    """

    length: int
    start: int
    place: int


class Copies:
    """A search for copies from one corpus, exact whatever its size.

    Windows of several lengths are looked up in one pass over the corpus; the longest copies take about two passes
    for each binary digit of their lengths.

    Args:
        ids: All ids of the corpus, [N]; items are separated by their end id, which no text holds.
        progress: Called with the number of the pass, the symbols done in it, and their total.
    """

    def __init__(self, ids: NDArray[Any], progress: Callable[[int, int, int], None] | None = None) -> None:
        self._ids, self._progress = ids, progress
        self._passes = 0
        self._kept = Rolling(np.asarray(ids)) if len(ids) <= _KEPT_SYMBOLS else None

    def seen(self, texts: Sequence[NDArray[Any]], n: int) -> list[NDArray[np.bool_]]:
        """Return, for every window of n symbols of every text, whether it occurs in the corpus."""
        (places_by_text,) = self._places([(n, texts)])
        return [places >= 0 for places in places_by_text]

    def longest(self, texts: Sequence[NDArray[Any]]) -> list[Copy]:
        """Return the longest run of each text that occurs in the corpus, the first of several.

        If a run of n symbols occurs, so do all shorter parts of it. So lengths are doubled until no run
        occurs, and then bisected.
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
            answers = self._places([(n, [texts[row] for row in rows]) for n, rows in asked.items()])
            for (n, rows), answer in zip(asked.items(), answers, strict=True):
                for row, places in zip(rows, answer, strict=True):
                    (hits,) = np.nonzero(places >= 0)
                    if len(hits) and self._is_copy(texts[row], int(hits[0]), int(places[hits[0]]), n):
                        best[row] = Copy(n, int(hits[0]), int(places[hits[0]]))
                    else:
                        missed[row] = n

    def _is_copy(self, text: NDArray[Any], start: int, place: int, n: int) -> bool:
        """Return whether windows with equal hashes really are equal (collisions are vanishingly rare)."""
        return bool((np.asarray(self._ids[place : place + n]) == text[start : start + n]).all())

    def _places(self, asked: Sequence[tuple[int, Sequence[NDArray[Any]]]]) -> list[list[NDArray[np.int64]]]:
        """Return, for each length and its texts, the first place of every window in the corpus; -1 if there is none."""
        hashes = [[Rolling(text).windows(n) for text in texts] for n, texts in asked]
        wanted = [distinct(np.concatenate([*own, np.zeros(0, dtype=np.uint64)])) for own in hashes]
        searches = [_Search(n, each) for (n, _), each in zip(asked, wanted, strict=True)]
        self._go_through([search for search in searches if len(search.wanted)])
        return [
            [search.found[np.searchsorted(search.wanted, each)] for each in own]
            for search, own in zip(searches, hashes, strict=True)
        ]

    def _go_through(self, searches: Sequence[_Search]) -> None:
        """Make one pass over the corpus."""
        if not searches:
            return
        self._passes += 1
        longest = max(search.n for search in searches)
        for start, rolling, stop in self._parts(longest):
            for search in searches:
                search.look(start, rolling)
            if self._progress is not None:
                self._progress(self._passes, stop, len(self._ids))

    def _parts(self, n: int) -> Iterator[tuple[int, Rolling, int]]:
        """Yield parts of the corpus that together hold every window of up to n symbols, some twice."""
        if self._kept is not None:
            yield 0, self._kept, len(self._ids)
            return
        for start, stop in chunks(max(n, len(self._ids)), n):
            stop = min(stop, len(self._ids))
            yield start, Rolling(np.asarray(self._ids[start:stop])), stop


class _Search:
    """A search for windows of one length.

    Args:
        n: Length of the windows.
        wanted: Hashes of the windows, sorted, each once.
    """

    def __init__(self, n: int, wanted: Hashes) -> None:
        self.n, self.wanted = n, wanted
        self.found = np.full(len(wanted), -1, dtype=np.int64)
        # Most windows of a corpus are asked for by nobody; a table of first bits tells most of them quickly.
        self._asked = np.zeros(2**_FILTER_BITS if len(wanted) else 0, dtype=bool)
        if len(wanted):
            self._asked[wanted >> _SHIFT] = True

    def look(self, start: int, rolling: Rolling) -> None:
        """Search the part of the corpus that begins at ``start``."""
        windows = rolling.windows(self.n)
        (likely,) = np.nonzero(self._asked[windows >> _SHIFT])
        places = np.searchsorted(self.wanted, windows[likely])
        sure = self.wanted[np.minimum(places, len(self.wanted) - 1)] == windows[likely]
        # From the last to the first, so that the first place of each is what stays.
        last_to_first = np.flatnonzero(sure)[::-1]
        fresh = np.full(len(self.wanted), -1, dtype=np.int64)
        fresh[places[last_to_first]] = likely[last_to_first] + start
        self.found = np.where(self.found < 0, fresh, self.found)
