"""What it costs never to copy: the index of a large corpus, its memory, and the questions asked of a corpus that large.

python benchmarks/copying.py [--megabytes 256] [--n 21]

The corpus is random text of 64 symbols with a planted copy, in a file that is mapped. RssAnon is memory that is the
process's own; the mapped files are not in it.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from common import report
from ostinato.data.copies import Copies
from ostinato.data.ngrams import NgramIndex, Rolling


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=256)
    parser.add_argument("--n", type=int, default=21)
    args = parser.parse_args()
    size = args.megabytes * 10**6
    random = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "corpus"
        with path.open("wb") as file:
            for _ in range(size // 10**6):
                file.write(random.integers(0, 64, 10**6, dtype=np.uint8).tobytes())
        ids = np.memmap(path, dtype=np.uint8, mode="r")
        text = np.concatenate([random.integers(0, 64, 300), ids[size // 2 : size // 2 + 57]]).astype(np.uint8)
        before = rss_anon()
        with Peak() as peak:
            started = time.perf_counter()
            index = NgramIndex.kept(Path(folder) / "index", ids, args.n, end=None, corpus="c")
            built = time.perf_counter() - started
        assert index.contains(Rolling(np.asarray(ids[-args.n :])).windows(args.n)).all()
        asked = random.integers(0, 2**63, (1000, 65)).astype(np.uint64)
        times = []
        for row in asked:
            started = time.perf_counter()
            index.contains(row)
            times.append(time.perf_counter() - started)
        with Peak() as peak_of_question:
            started = time.perf_counter()
            (found,) = Copies(ids).longest([text])
            question = time.perf_counter() - started
        assert (found.length, found.place) == (57, size // 2)
    report(
        "copying",
        [
            {"what": f"index of {args.megabytes} million symbols, windows of {args.n}", "seconds": built,
             "million_symbols_per_second": size / built / 1e6, "peak_rss_anon_mb": (peak.most - before) / 1e6},
            {"what": "looking up 65 windows", "seconds": statistics.median(times)},
            {"what": "longest copy of a text of 357 symbols", "seconds": question,
             "peak_rss_anon_mb": (peak_of_question.most - before) / 1e6},
        ],
    )  # fmt: skip


class Peak:
    """Watches the process's own memory."""

    def __enter__(self) -> Peak:
        self.most, self._done = rss_anon(), threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.02):
            self.most = max(self.most, rss_anon())


def rss_anon() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))


if __name__ == "__main__":
    main()
