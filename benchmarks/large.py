"""A corpus larger than memory should hold: how fast it is encoded, and how much memory training and scoring take.

    OSTINATO_DATA=… python benchmarks/large.py [--gigabytes 2]

The text is generated: words of tinyshakespeare drawn by their frequency, in lines of ten. Speeds are of one core
(survey, encoding and both together as the cache does them, warm file system). Memory is the peak of RssAnon, what
a process has for itself beside files that are mapped, sampled 20 times a second (Linux).
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from common import data_file, report
from ostinato import codecs
from ostinato.data import Cache, read_corpus, split

WORDS_AT_ONCE = 2_000_000
OTHERS = 50  # megabytes, for the slower codecs
SCORED = 2  # megabytes; scoring one text reads it symbol after symbol


def generate(path: Path, size: int) -> None:
    """Write so many bytes of words."""
    counts = Counter(data_file("text/tinyshakespeare.txt").read_text(encoding="utf-8").split())
    words = np.array([word.encode() for word in counts], dtype=object)
    chances = np.array(list(counts.values())) / counts.total()
    random = np.random.default_rng(1)
    with path.open("wb") as stream:
        while stream.tell() < size:
            drawn = words[random.choice(len(words), size=WORDS_AT_ONCE, p=chances)]
            stream.write(b"\n".join(b" ".join(line) for line in drawn.reshape(-1, 10)) + b"\n")
        stream.truncate(size)


def encoding_speed(path: Path, codec_name: str, cache: Path) -> dict[str, Any]:
    """Measure survey and encoding of a file, in megabytes of text per second."""
    size = path.stat().st_size / 1e6
    before = time.perf_counter()
    corpus = read_corpus([str(path)], kind="text", memory=1)
    surveyed = time.perf_counter()
    train, valid = split(corpus, share=0.1, seed=1)
    beginning = next(iter(corpus.texts))
    codec = (
        codecs.CharacterCodec(corpus.alphabet)
        if codec_name == "characters"
        else codecs.learn(codec_name, [beginning], end=False, vocabulary=8_000)
    )
    learned = time.perf_counter()
    Cache(cache).encoded(codec, {"train": train, "valid": valid})
    encoded = time.perf_counter()
    survey, encode = surveyed - before, encoded - learned
    return {
        "what": f"{codec_name}, {size:,.0f} MB",
        "survey MB/s": round(size / survey),
        "encode MB/s": round(size / encode),
        "both MB/s": round(size / (survey + encode)),
    }


def peak_memory(words: list[str]) -> tuple[float, float]:
    """Run a command; return the peak of its RssAnon in megabytes, and its seconds."""
    before, peak = time.monotonic(), 0
    process = subprocess.Popen([sys.executable, "-m", "ostinato", *words], stdout=subprocess.DEVNULL)
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        found = re.search(r"RssAnon:\s+(\d+) kB", status.read_text()) if status.exists() else None
        peak = max(peak, int(found[1]) if found else 0)
        time.sleep(0.05)
    assert process.returncode == 0, words
    return peak / 1000, time.monotonic() - before


def main() -> None:
    """Measure all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=2.0)
    parser.add_argument("--folder", type=Path, help="where to write (default: a temporary folder)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        place, rows = Path(folder), []
        text, less = place / "large.txt", place / "less.txt"
        generate(text, int(args.gigabytes * 1e9))
        generate(less, OTHERS * 1_000_000)
        rows.append(encoding_speed(text, "characters", place / "warm"))
        rows += [encoding_speed(less, name, place / "warm") for name in ("bytes", "words", "subwords")]
        os.environ["OSTINATO_CACHE"] = str(place / "cache")
        run, common = str(place / "run"), ["--threads", "2"]
        few = place / "few.txt"
        few.write_bytes(less.read_bytes()[: SCORED * 1_000_000])
        commands = {
            "train, 300 steps, encoding included": ["train", str(text), "--steps", "300", "--out", run, *common],
            "train again, 300 steps": ["train", str(text), "--steps", "300", "--out", f"{run}2", *common],
            "resume, 0.5 minutes": ["resume", run, "--minutes", "0.5", *common],
            "evaluate, windows, all of it": ["evaluate", run, str(text), "--protocol", "windows", *common],
            f"score --file --per line, {SCORED} MB": ["score", run, "--file", str(few), "--per", "line", *common],
        }
        for name, words in commands.items():
            peak, seconds = peak_memory(words)
            rows.append({"what": name, "peak RssAnon MB": round(peak), "seconds": round(seconds)})
            print(rows[-1], file=sys.stderr, flush=True)
    report("large", rows)


if __name__ == "__main__":
    main()
