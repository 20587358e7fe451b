"""How long until something happens: import ostinato, ostinato --help, as whole processes.

python benchmarks/startup.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from common import report

RUNS = 21
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "import ostinato": ["-c", "import ostinato"],
    "ostinato --help": ["-m", "ostinato", "--help"],
    "ostinato recipes": ["-m", "ostinato", "recipes"],
    "import torch": ["-c", "import torch"],
}


def main() -> None:
    rows = []
    for name, words in COMMANDS.items():
        times = []
        for _ in range(RUNS):
            before = time.perf_counter()
            subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
            times.append(time.perf_counter() - before)
        rows.append({"command": name, "median_seconds": statistics.median(times), "least_seconds": min(times)})
    report("startup", rows)


if __name__ == "__main__":
    main()
