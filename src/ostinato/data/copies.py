"""What texts have in common with a corpus: the longest run copied from it, and which windows it has seen."""

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
        length: In symbols.
        start: Where it begins in the text.
        place: Where it first stands in the corpus.
    """

    length: int
    start: int
    place: int


class Copies:
    """Answers about copies from one corpus, exact whatever its size.

    Looking for windows is one pass over the corpus, for several lengths at once; finding the longest copies takes
    about twice as many passes as their lengths have binary digits.

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
        (found,) = self._places([(n, texts)])
        return [places >= 0 for places in found]

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
            answers = self._places([(n, [texts[row] for row in rows]) for n, rows in asked.items()])
            for (n, rows), answer in zip(asked.items(), answers, strict=True):
                for row, places in zip(rows, answer, strict=True):
                    (found,) = np.nonzero(places >= 0)
                    if len(found) and self._is_copy(texts[row], int(found[0]), int(places[found[0]]), n):
                        best[row] = Copy(n, int(found[0]), int(places[found[0]]))
                    else:
                        missed[row] = n

    def _is_copy(self, text: NDArray[Any], start: int, place: int, n: int) -> bool:
        """Whether equal hashes are equal symbols, as good as always."""
        return bool((np.asarray(self._ids[place : place + n]) == text[start : start + n]).all())

    def _places(self, asked: Sequence[tuple[int, Sequence[NDArray[Any]]]]) -> list[list[NDArray[np.int64]]]:
        """Of every length n and texts that are asked for: the first place in the corpus of each window; -1 is none."""
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
        """Parts of the corpus that together hold every window of up to n symbols; some twice."""
        if self._kept is not None:
            yield 0, self._kept, len(self._ids)
            return
        for start, stop in chunks(max(n, len(self._ids)), n):
            stop = min(stop, len(self._ids))
            yield start, Rolling(np.asarray(self._ids[start:stop])), stop


class _Search:
    """Looks for windows of one length.

    Args:
        n: The length.
        wanted: Their hashes, sorted, each once.
    """

    def __init__(self, n: int, wanted: Hashes) -> None:
        self.n, self.wanted = n, wanted
        self.found = np.full(len(wanted), -1, dtype=np.int64)
        # Most windows of a corpus are asked for by nobody; a table of first bits tells most of them quickly.
        self._asked = np.zeros(2**_FILTER_BITS if len(wanted) else 0, dtype=bool)
        if len(wanted):
            self._asked[wanted >> _SHIFT] = True

    def look(self, start: int, rolling: Rolling) -> None:
        """Look in a part of the corpus that begins at ``start``."""
        windows = rolling.windows(self.n)
        (likely,) = np.nonzero(self._asked[windows >> _SHIFT])
        places = np.searchsorted(self.wanted, windows[likely])
        sure = self.wanted[np.minimum(places, len(self.wanted) - 1)] == windows[likely]
        # From the last to the first, so that the first place of each is what stays.
        last_to_first = np.flatnonzero(sure)[::-1]
        fresh = np.full(len(self.wanted), -1, dtype=np.int64)
        fresh[places[last_to_first]] = likely[last_to_first] + start
        self.found = np.where(self.found < 0, fresh, self.found)
