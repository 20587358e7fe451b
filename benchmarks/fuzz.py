"""Fuzzing: a million inputs and more into codecs, readers, run files and the command line.

    python benchmarks/fuzz.py [--inputs 1000000] [--target readers]

Coverage-guided by atheris (libFuzzer), one process for each target, two at a time. A crash, an error that is not
ours, a broken law, or an input that takes over two seconds ends the run and is shown with its bytes.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from common import report

TESTS = Path(__file__).parents[1] / "tests"
# How the inputs are shared out: reading files takes longer than parsing words.
SHARES = {
    "codec_texts": 2,
    "codec_descriptions": 3,
    "readers": 1.5,
    "pieces": 4,
    "run_files": 3,
    "arguments": 2,
    "option_values": 2,
    "settings": 2,
}
SECONDS = 2  # for one input

WORKER = f"""
import sys
sys.path.insert(0, {str(TESTS)!r})
import atheris
with atheris.instrument_imports(include=["ostinato", "fuzz_targets"]):
    import fuzz_targets
from pathlib import Path
name = sys.argv.pop(1)
for number, seed in enumerate(fuzz_targets.SEEDS[name]):
    Path(sys.argv[-1], f"seed-{{number}}").write_bytes(seed)
atheris.Setup(sys.argv, fuzz_targets.TARGETS[name])
atheris.Fuzz()
"""


def fuzz(name: str, inputs: int, seed: int) -> dict[str, object]:
    """Run one target on so many inputs in a process of its own."""
    before = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus"
        corpus.mkdir()
        done = subprocess.run(
            [sys.executable, "-c", WORKER, name, f"-runs={inputs}", f"-seed={seed}", f"-timeout={SECONDS}",
             "-max_len=400", "-rss_limit_mb=4096", f"-artifact_prefix={folder}/", str(corpus)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        kept = len(list(corpus.iterdir()))
        kept -= sum(1 for _ in corpus.glob("seed-*"))
        bad = [path.read_bytes() for path in Path(folder).glob("*-*") if path.is_file()]
    ran = re.findall(r"Done (\d+) runs|#(\d+)\s", done.stderr)
    count = max((int(a or b) for a, b in ran), default=0)
    if done.returncode or bad:
        print(f"{name}: exit status {done.returncode}, inputs {bad}\n{done.stderr[-3000:]}", file=sys.stderr)
    seconds = time.monotonic() - before
    return {
        "target": name,
        "inputs": count,
        "kept for new coverage": kept,
        "failures": len(bad) or int(done.returncode != 0),
        "seconds": round(seconds, 1),
    }


def main() -> None:
    """Fuzz every target."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_100_000)
    parser.add_argument("--target", choices=SHARES, action="append")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    chosen = args.target or list(SHARES)
    total = sum(SHARES[name] for name in chosen)
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(fuzz, name, int(args.inputs * SHARES[name] / total), args.seed) for name in chosen]
        rows = [job.result() for job in jobs]
    whole = {"target": "all", **{key: sum(row[key] for row in rows) for key in ("inputs", "failures")}}  # type: ignore[misc]
    report("fuzz", [*rows, whole])
    sys.exit(bool(whole["failures"]))


if __name__ == "__main__":
    main()
