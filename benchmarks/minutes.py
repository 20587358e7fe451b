"""Loss by minutes of training on held-out text, in every protocol, beside Transformers that train as long.

    OSTINATO_DATA=… python benchmarks/minutes.py [tinyshakespeare|python-stdlib] [--minutes 1.25 5 30] [--seeds 1 2 3]

Settings are the program's own for the corpus and the time. The last tenth of the text is held out whole: ``train``
sees the rest only, and three hundredths of that are its own validation text. They are its beginning: what comes just
before the last tenth of tinyshakespeare is the play that goes on there, with its names, and a network that has not read
them loses 0.16 nats. Results go to results/minutes.jsonl, a line each; what is there of this kind of machine is not
done again. ``--table`` prints them: means, and half of what seeds are apart. The Transformers train on a CPU only, and
where there is a GPU, which ``train`` takes, they are left out: ``--minutes 1 3`` are the times asked for there.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from common import RESULTS, data_file, kind_of_machine, machine, ostinato, timed
from ostinato.data.embedded import read_embedded
from transformer import SHAPES, sliding_loss, train_for, windows_loss

SPLIT = 0.9
_LARGEST = 5_000_000  # characters
_OWN_VALIDATION = 0.03
_FILE = RESULTS / "minutes.jsonl"
_ADAPTIVE = {"dynamic": (), "dynamic+cache": ("--cache", 4000), "dynamic+counts": ("--counts",),
             "dynamic+counts+cache": ("--counts", "--cache", 4000)}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", nargs="?", choices=("tinyshakespeare", "python-stdlib"), default="tinyshakespeare")
    parser.add_argument("--minutes", type=float, nargs="+", default=[1.25, 5, 30])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--without-transformers", action="store_true")
    parser.add_argument("--caches", action="store_true", help="also with a neural cache, which takes a while")
    parser.add_argument("--table", action="store_true", help="only print what has been measured, in Markdown")
    parser.add_argument("--keep", type=Path, help="keep the runs in this folder")
    args = parser.parse_args()
    if args.table:
        table(args.corpus)
        return
    shapes = () if args.without_transformers or torch.cuda.is_available() else tuple(SHAPES)
    text = read(args.corpus)
    cut = int(len(text) * SPLIT)
    for minutes in args.minutes:
        for seed in args.seeds:
            once(args.corpus, "ostinato", minutes, seed, lambda m=minutes, s=seed: own(text, cut, m, s, args))
            for name in shapes if seed == args.seeds[0] else ():
                once(args.corpus, f"transformer, {name}", minutes, seed,
                     lambda n=name, m=minutes, s=seed: transformer(text, cut, n, m, s))  # fmt: skip


def table(corpus: str) -> None:
    """Print the means over seeds, and how far seeds are apart."""
    rows = [row for row in map(json.loads, _FILE.read_text().splitlines()) if row["corpus"] == corpus]
    measures = ("contiguous", "windows", *_ADAPTIVE)
    heads = ("machine", "minutes", "system", "seeds", "epochs", *measures)
    print("| " + " | ".join(heads) + " |\n" + "|---" * len(heads) + "|")
    for on, minutes, system in sorted({(row["on"], row["minutes"], row["system"]) for row in rows}):
        ours = [row for row in rows if (row["on"], row["minutes"], row["system"]) == (on, minutes, system)]
        told = [_mean([row[name] for row in ours if name in row], 4) for name in measures]
        epochs = _mean([row["epochs"] for row in ours], 1)
        print(f"| {on} | {minutes:g} | {system} | {len(ours)} | {epochs} | " + " | ".join(told) + " |")


def _mean(values: list[float], digits: int) -> str:
    if not values:
        return ""
    spread = f" ± {(max(values) - min(values)) / 2:.{digits}f}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):.{digits}f}{spread}"


def read(corpus: str) -> str:
    """Return the text of a corpus."""
    if corpus == "tinyshakespeare":
        return data_file("text/tinyshakespeare.txt").read_text()
    return "".join(read_embedded(corpus))[:_LARGEST]


def once(corpus: str, system: str, minutes: float, seed: int, work: Callable[[], dict[str, Any]]) -> None:
    """Do some work whose result is not there yet, and write it down."""
    key = {"corpus": corpus, "system": system, "minutes": minutes, "seed": seed, "on": kind_of_machine()}
    lines = _FILE.read_text().splitlines() if _FILE.exists() else []
    if any(key.items() <= json.loads(line).items() for line in lines):
        return
    row = {**key, **work(), "machine": machine()}
    RESULTS.mkdir(exist_ok=True)
    with _FILE.open("a") as file:
        file.write(json.dumps(row) + "\n")
    told = {
        name: round(value, 4) if isinstance(value, float) else value for name, value in row.items() if name != "machine"
    }
    print(json.dumps(told), flush=True)


def own(text: str, cut: int, minutes: float, seed: int, args: argparse.Namespace) -> dict[str, Any]:
    """Train with the program's own settings, and measure in every protocol."""
    with tempfile.TemporaryDirectory() as folder:
        train, own_valid, valid = files(text, cut, Path(folder))
        run = (args.keep or Path(folder)) / f"{args.corpus}-{minutes:g}-{seed}"
        words = ["train", train, "--minutes", minutes, "--seed", seed, "--valid", own_valid, "--out", run]
        seconds, evaluations = timed(*words, "--as", "text")
        row = {"wall_seconds": seconds, "epochs": evaluations[-1]["epochs"],
               "symbols_per_second": evaluations[-1]["symbols_per_second"]}  # fmt: skip
        for protocol in ("contiguous", "windows"):
            (found,) = ostinato("evaluate", run, valid, "--protocol", protocol)
            row |= {protocol: found["nats_per_symbol"], f"{protocol} error": found["standard_error"]}
        for name, options in _ADAPTIVE.items():
            if "cache" in name and not args.caches:
                continue
            before = time.monotonic()
            (found,) = ostinato("evaluate", run, valid, "--protocol", "dynamic", *options)
            row |= {name: found["nats_per_symbol"], f"{name} seconds": time.monotonic() - before}
    return row


def parts(text: str, cut: int) -> tuple[str, str, str]:
    """Return what is learned from, what training decides by, and what is held out until the end."""
    first = int(cut * _OWN_VALIDATION)
    train = text[first:cut]
    known = set(train)
    own_valid, valid = ("".join(c for c in part if c in known) for part in (text[:first], text[cut:]))
    return train, own_valid, valid


def files(text: str, cut: int, folder: Path) -> tuple[Path, Path, Path]:
    """Write the parts of a text."""
    paths = folder / "train.txt", folder / "own-valid.txt", folder / "valid.txt"
    for path, part in zip(paths, parts(text, cut), strict=True):
        path.write_text(part)
    return paths


def transformer(text: str, cut: int, name: str, minutes: float, seed: int) -> dict[str, Any]:
    """Train a Transformer for as long, and measure it."""
    shape = SHAPES[name]
    pieces = parts(text, cut)
    alphabet = {character: number for number, character in enumerate(sorted(set(pieces[0])))}
    train, own_valid, valid = (np.array([alphabet[c] for c in piece]) for piece in pieces)
    trained = train_for(train, own_valid, len(alphabet), shape, minutes, seed)
    loss, error = windows_loss(trained.model, valid, shape.window)
    return {
        "contiguous": sliding_loss(trained.model, valid, shape.window),
        "windows": loss,
        "windows error": error,
        "epochs": trained.steps * shape.batch * shape.window / len(train),
        "best epoch": trained.best * shape.batch * shape.window / len(train),
        "threads": torch.get_num_threads(),
    }


if __name__ == "__main__":
    main()
