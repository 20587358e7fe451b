"""Windows of n symbols as numbers: rolling hashes for any n, and a sorted index of those in a corpus."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from ostinato.disk.documents import read_document, write_document
from ostinato.disk.publishing import publishing
from ostinato.errors import DamagedError

Hashes = NDArray[np.uint64]

_BASE = 0x9E3779B97F4A7C15  # odd, so that it has an inverse modulo 2^64
_INVERSE = pow(_BASE, -1, 2**64)
_CHUNK = 2**21  # symbols hashed at once
_BUCKETS = 256  # files that a corpus too large to sort at once is dealt into
_SORTED_AT_ONCE = 2**25  # numbers
_CHECKED = 2**25  # numbers of an index whose digest is checked when it is opened


class Rolling:
    """Hashes of all windows of a sequence, of any length, from one pass over it.

        H(i, n) = sum_k f(x[i + k]) B^k   modulo 2^64

    Args:
        ids: The sequence, [T].
    """

    def __init__(self, ids: NDArray[Any]) -> None:
        powers, inverses = _powers(len(ids))
        self._sums = np.zeros(len(ids) + 1, dtype=np.uint64)
        np.cumsum(_mixed(ids) * powers, out=self._sums[1:])
        self._inverses = inverses

    def windows(self, n: int) -> Hashes:
        """Return the hash of every window of n symbols, [T - n + 1]."""
        count = max(0, len(self._sums) - n)
        hashes: Hashes = (self._sums[n:] - self._sums[:count]) * self._inverses[:count] if count else self._sums[:0]
        return hashes


class NgramIndex:
    """All windows of n symbols that occur in a corpus, as a sorted array of hashes, in memory or mapped from a file.

    A window that occurs is always found. As hashes have 64 bits, about one in 10^13 windows that do not occur in a
    corpus of a million symbols is taken for one that does.

    Args:
        n: Length of the windows.
        hashes: Hashes of the windows, sorted, each once.
    """

    def __init__(self, n: int, hashes: Hashes) -> None:
        self.n = n
        self._hashes = hashes

    def __len__(self) -> int:
        return len(self._hashes)

    def contains(self, hashes: Hashes) -> NDArray[np.bool_]:
        """Return, for each hash, whether its window occurs."""
        if not len(self._hashes):
            return np.zeros(hashes.shape, dtype=bool)
        places = np.searchsorted(self._hashes, hashes)
        hits: NDArray[np.bool_] = self._hashes[np.minimum(places, len(self._hashes) - 1)] == hashes
        return hits

    @classmethod
    def build(
        cls, ids: NDArray[Any], n: int, *, end: int | None, progress: Callable[[int, int], None] | None = None
    ) -> NgramIndex:
        """Index a corpus that fits into memory; building takes about 24 bytes for each symbol.

        Args:
            ids: All ids, [N].
            n: Length of the windows.
            end: The end id of items; windows that hold it are left out. ``None``: there is none.
            progress: Called with the number of symbols done and in all.
        """
        parts = list(_hashed(ids, n, end, progress))
        return cls(n, distinct(np.concatenate(parts)) if parts else np.zeros(0, dtype=np.uint64))

    @classmethod
    def kept(
        cls,
        folder: Path,
        ids: NDArray[Any],
        n: int,
        *,
        end: int | None,
        corpus: str,
        progress: Callable[[int, int], None] | None = None,
    ) -> NgramIndex:
        """Open the index in a folder, or make it there first, with bounded memory whatever the corpus's size.

        Args:
            folder: Folder of the index; it appears whole or not at all.
            ids: As for ``build``.
            n: As for ``build``.
            end: As for ``build``.
            corpus: Digest of the corpus; an index of another one is refused.
            progress: As for ``build``.

        Raises:
            DamagedError: The index in the folder is damaged, or of another corpus.
        """
        path = folder / "hashes.u64"
        with FileLock(folder.with_name(f"{folder.name}.lock")):  # several processes may want it at once
            if not folder.exists():
                with publishing(folder) as draft:
                    count = _write_sorted(draft, _hashed(ids, n, end, progress))
                    made = {"n": n, "count": count, "corpus_sha256": corpus}
                    write_document(draft / "index.json", {**made, "hashes_sha256": _digest(draft / path.name)})
        about = read_document(folder / "index.json")
        expected = {"n": n, "corpus_sha256": corpus}
        whole = path.exists() and path.stat().st_size == 8 * about["count"]
        # A digest of gigabytes would take longer than what it is for.
        whole = whole and (about["count"] > _CHECKED or _digest(path) == about["hashes_sha256"])
        if {name: about.get(name) for name in expected} != expected or not whole:
            raise DamagedError(
                f"{folder} is no index of this run's {n}-symbol windows, or a damaged one: {json.dumps(about)}. "
                "Delete it; it is made again when it is asked for"
            )
        empty = not about["count"]
        return cls(n, np.zeros(0, dtype=np.uint64) if empty else np.memmap(path, dtype=np.uint64, mode="r"))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def mixed(ids: NDArray[Any]) -> Hashes:
    """Return a well-mixed 64-bit number for each id (the finaliser of Steele, Lea and Flood 2014, SplitMix)."""
    x = (ids.astype(np.uint64) + np.uint64(1)) * np.uint64(_BASE)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    hashes: Hashes = x ^ (x >> np.uint64(31))
    return hashes


def _mixed(ids: NDArray[Any]) -> Hashes:
    """Return ``mixed(ids)``, from a lookup table if ids have at most 16 bits, which is faster."""
    if ids.dtype.kind == "u" and ids.dtype.itemsize <= 2:
        hashes: Hashes = _table(2 ** (8 * ids.dtype.itemsize))[ids]
        return hashes
    return mixed(ids)


@lru_cache(maxsize=2)
def _table(size: int) -> Hashes:
    return mixed(np.arange(size))


def weights(n: int) -> Hashes:
    """Return the weights of the symbols in a window: B^0 to B^(n-1) modulo 2^64."""
    return _powers(n)[0]


def chunks(size: int, n: int, chunk: int = _CHUNK) -> Iterator[tuple[int, int]]:
    """Yield the beginning and end of parts that together hold every window of n symbols exactly once."""
    for start in range(0, max(0, size - n + 1), chunk):
        yield start, min(size, start + chunk + n - 1)


def _hashed(
    ids: NDArray[Any], n: int, end: int | None, progress: Callable[[int, int], None] | None
) -> Iterator[Hashes]:
    for start, stop in chunks(len(ids), n):
        part = np.asarray(ids[start:stop])
        hashes = Rolling(part).windows(n)
        if end is not None:
            ends = np.concatenate([[0], np.cumsum(part == end)])
            hashes = hashes[ends[n:] == ends[:-n]]
        yield hashes
        if progress is not None:
            progress(stop, len(ids))


def _write_sorted(folder: Path, parts: Iterator[Hashes]) -> int:
    """Write all hashes sorted, each once, through buckets by first bits if they are many; return their number."""
    first: list[Hashes] = []
    while sum(map(len, first)) <= _SORTED_AT_ONCE and (part := next(parts, None)) is not None:
        first.append(part)
    with (folder / "hashes.u64").open("wb") as out:
        if sum(map(len, first)) <= _SORTED_AT_ONCE:  # that is all
            hashes = distinct(np.concatenate(first)) if first else np.zeros(0, dtype=np.uint64)
            out.write(hashes.tobytes())
            return len(hashes)
        names = [folder / f"bucket-{number}" for number in range(_BUCKETS)]
        for part in itertools.chain(first, parts):
            _deal(part, names)
        count = 0
        for name in names:
            hashes = distinct(np.fromfile(name, dtype=np.uint64)) if name.exists() else np.zeros(0, dtype=np.uint64)
            out.write(hashes.tobytes())
            count += len(hashes)
            name.unlink(missing_ok=True)
        return count


def distinct(hashes: Hashes) -> Hashes:
    """Return the hashes sorted, each once; NumPy's ``unique`` uses a hash table and takes a hundred times as long."""
    ordered = np.sort(hashes)
    return ordered[np.append(True, ordered[1:] != ordered[:-1])] if len(ordered) else ordered


def _deal(part: Hashes, names: Sequence[Path]) -> None:
    part = distinct(part)  # so that what is repeated a million times does not fill one bucket
    buckets = (part >> np.uint64(56)).astype(np.uint8)
    bounds = np.cumsum(np.bincount(buckets, minlength=_BUCKETS))[:-1]
    for name, hashes in zip(names, np.split(part, bounds), strict=True):
        if len(hashes):
            with name.open("ab") as file:
                file.write(hashes.tobytes())


@lru_cache(maxsize=4)  # chunks are of one size
def _powers(count: int) -> tuple[Hashes, Hashes]:
    """Return B^0 to B^(count-1), and their inverses."""
    tables = []
    for base in (_BASE, _INVERSE):
        powers = np.full(max(1, count), np.uint64(base), dtype=np.uint64)
        powers[0] = 1
        tables.append(np.cumprod(powers)[:count])
        tables[-1].flags.writeable = False
    return tables[0], tables[1]
