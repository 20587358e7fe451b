"""Run every benchmark that needs no data, and those that do if OSTINATO_DATA is set.

python benchmarks/run.py [NAME…]
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

WITHOUT_DATA = ["startup", "generation", "training", "overhead", "search", "gradients", "faults", "fuzz"]
WITH_DATA = ["minutes", "names", "sizes", "ranks", "large"]


def main() -> None:
    names = sys.argv[1:] or [*WITHOUT_DATA, *(WITH_DATA if os.environ.get("OSTINATO_DATA") else [])]
    for name in names:
        print(f"\n== {name}", flush=True)
        subprocess.run([sys.executable, Path(__file__).parent / f"{name}.py"], check=True)
    if not os.environ.get("OSTINATO_DATA"):
        print(f"\nleft out, as they need OSTINATO_DATA: {', '.join(WITH_DATA)}")


if __name__ == "__main__":
    main()
