"""What every benchmark needs: where data are, what machine this is, and a place for results."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def data_file(name: str) -> Path:
    """Return a file under OSTINATO_DATA, or end with what is missing."""
    folder = os.environ.get("OSTINATO_DATA")
    if folder is None:
        sys.exit(f"this benchmark needs {name}: set OSTINATO_DATA to the folder that holds it")
    path = Path(folder) / name
    if not path.exists():
        sys.exit(f"this benchmark needs {path}, which is not there")
    return path


def machine() -> dict[str, Any]:
    """Describe the machine in a few words."""
    import torch

    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    flags: list[str] = []
    if cpuinfo.exists():
        lines = dict(line.split(":", 1) for line in cpuinfo.read_text().splitlines() if ":" in line)
        table = {key.strip(): value.strip() for key, value in lines.items()}
        name = table.get("model name", name)
        flags = [flag for flag in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if flag in table.get("flags", "")]
    return {
        "processor": name,
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "cores": os.cpu_count(),
        "flags": flags,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "date": date.today().isoformat(),
    }


def kind_of_machine() -> str:
    """Say what decides how fast this machine trains, for tables of several: its GPU, or its instructions."""
    about = machine()
    return about["gpu"] or ("avx512-bf16" if "avx512_bf16" in about["flags"] else "avx2")


def ostinato(*words: object) -> list[dict[str, Any]]:
    """Run a command with --json in a process of its own; return its objects."""
    command = [sys.executable, "-m", "ostinato", *map(str, words), "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def timed(*words: object) -> tuple[float, list[dict[str, Any]]]:
    """Run a command as ``ostinato`` does; return its wall time in seconds and its objects."""
    before = time.monotonic()
    objects = ostinato(*words)
    return time.monotonic() - before, objects


def report(name: str, rows: Sequence[dict[str, Any]]) -> None:
    """Print rows as a table and write them, with the machine, to results/NAME.json."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    cells = [[_told(row.get(column)) for column in columns] for row in rows]
    widths = [max(len(text) for text in column) for column in zip(columns, *cells, strict=True)]
    for line in [columns, *cells]:
        print("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps({"machine": machine(), "rows": list(rows)}, indent=1) + "\n")


def _told(value: Any) -> str:
    return "" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)
