"""What several runs together gain, and what a student keeps of it.

    OSTINATO_DATA=… python benchmarks/ensembles.py [--minutes 5] [--folder RUNS]

Trains three seeds with the program's own settings, then a student of the three for as many steps as one of them took,
in their shape, and measures all on the last tenth of tinyshakespeare (as ``minutes.py`` does). Runs that are in the
folder already, by the names that ``minutes.py --keep`` gives them, are not trained again.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from common import ostinato, report
from minutes import SPLIT, files, read

_SEEDS = (1, 2, 3)
_CHOSEN = (
    "core", "hidden_size", "dropout", "input_dropout", "learning_rate", "weight_decay", "cooldown", "average",
    "activation_penalty", "precision",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--folder", type=Path, help="of runs; by default one that is deleted")
    args = parser.parse_args()
    text = read("tinyshakespeare")
    with tempfile.TemporaryDirectory() as made:
        train, own_valid, valid = files(text, int(len(text) * SPLIT), Path(made))
        folder = args.folder or Path(made)
        runs = [folder / f"tinyshakespeare-{args.minutes:g}-{seed}" for seed in _SEEDS]
        learn = ("train", train, "--valid", own_valid, "--as", "text", "--no-report")
        for seed, run in zip(_SEEDS, runs, strict=True):
            if not run.exists():
                ostinato(*learn, "--minutes", args.minutes, "--seed", seed, "--out", run)
        rows = [measured(f"seed {seed}", valid, run) for seed, run in zip(_SEEDS, runs, strict=True)]
        rows += [measured(f"{count} together", valid, *runs[:count]) for count in (2, 3)]
        student = folder / f"student-{args.minutes:g}"
        if not student.exists():
            teachers = [word for run in runs for word in ("--teacher", run)]
            same = [word for name, value in shape(runs[0]).items() for word in ("--set", f"{name}={value}")]
            ostinato(*learn, "--steps", steps(runs[0]), "--seed", 1, "--out", student, *same, *teachers)
        rows.append(measured("student of the three", valid, student))
    report("ensembles", rows)


def measured(name: str, valid: Path, run: Path, *others: Path) -> dict[str, Any]:
    """Measure a run, or several together, in both static protocols."""
    more = [word for other in others for word in ("--with", other)]
    row: dict[str, Any] = {"what": name}
    for protocol in ("contiguous", "windows"):
        (found,) = ostinato("evaluate", run, valid, "--protocol", protocol, *more)
        row[protocol] = found["nats_per_symbol"]
    return row


def shape(run: Path) -> dict[str, Any]:
    """Return the settings that a time budget chooses."""
    settings = _info(run)["settings"]
    return {name: settings[name] for name in _CHOSEN}


def steps(run: Path) -> int:
    """Return how many steps a run took."""
    return int(_info(run)["training"]["last_evaluation"]["step"])


def _info(run: Path) -> dict[str, Any]:
    (found,) = ostinato("info", run)
    return found


if __name__ == "__main__":
    main()
