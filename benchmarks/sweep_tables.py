"""What the sweeps found: the table of the literature, the rule beside the best of each cell, and pictures of both.

    OSTINATO_DATA=… python benchmarks/sweep_tables.py

Prints Markdown and writes sweeps/literature.svg and sweeps/rule.svg.
"""

from __future__ import annotations

import json
import statistics
from collections import defaultdict
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt

from sweep import FOLDER, RESULTS
from trial import KINDS, THERE, settings_of

Row = dict[str, Any]
Place = tuple[str, str, float]  # kind of machine, corpus, minutes there
_EARLY = "4,000 steps"  # where the plain LSTM was what others were tried against
_SAID = ("core", "layers", "hidden_size", "dropout", "batch_size", "window", "learning_rate", "weight_decay",
         "recurrent_dropout")  # fmt: skip


def main() -> None:
    rows = [json.loads(line) for line in RESULTS.read_text().splitlines()]
    mpl.use("svg")
    literature(rows)
    rule(rows)


# --- one change at a time


def literature(rows: list[Row]) -> None:
    """Print what each change gains and costs beside the run without it."""
    found: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row["cell"] == "text-1" and not _is_of_rule(row):
            found[_at(row), _told(row)].append(row)
    print("| at | what | nats | gain | seconds of a step | seeds |\n|---|---|---|---|---|---|")
    bars = []
    for (at, told), ours in sorted(found.items()):
        base = found[at, "LSTM" if at == _EARLY and not told.startswith("capped") else "capped LSTM"]
        seeds = {row["seed"] for row in ours}
        # Beside runs of the same seeds: these differ more than most changes do.
        beside = statistics.fmean(row["nats"] for row in base if row["seed"] in seeds)
        nats = statistics.fmean(row["nats"] for row in ours)
        cost = ours[0]["seconds_per_step"] / base[0]["seconds_per_step"]
        print(f"| {at} | {told} | {nats:.4f} | {beside - nats:+.4f} | {cost:.2f} × | {len(seeds)} |")
        bars.append((f"{told}, {at}", beside - nats))
    _draw_gains(sorted(bars, key=lambda bar: bar[1]))


def _at(row: Row) -> str:
    length = f"{row['asked_steps']:,} steps" if row.get("asked_steps") else f"{row['minutes']:g} minutes"
    return length if row.get("on", THERE) == THERE else f"{length}, {row['on']}"


def _told(row: Row) -> str:
    changed = dict(row["changed"])
    name = {"lstm": "LSTM", "capped-lstm": "capped LSTM"}.get(changed["core"], changed["core"])
    others = [f"{key.replace('_', ' ')} {value}" for key, value in changed.items() if key != "core"]
    others = [] if others == ["dropout 0.0"] else others  # which the first trials of 4,000 steps had without saying so
    tricks = [trick for trick in row["tricks"] if trick != "cosine"]  # what all have that change something else
    return ", ".join([name, *others, *tricks])


def _is_of_rule(row: Row) -> bool:
    return "input_dropout" in row["changed"]


def _draw_gains(bars: list[tuple[str, float]]) -> None:
    figure, axes = plt.subplots(figsize=(8, 0.28 * len(bars) + 1))
    axes.barh([name for name, _ in bars], [gain for _, gain in bars], color="tab:blue")
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_xlabel("nats gained against the run without it; 0.005 is noise")
    figure.tight_layout()
    figure.savefig(FOLDER / "literature.svg", bbox_inches="tight")  # the label is wider than the axes


# --- sizes


def rule(rows: list[Row]) -> None:
    """Print every trial of sizes, and how far the program's own choice is from the best of its cell.

    Of each run the best evaluation counts, whose weights a run keeps; of several seeds the first, as most have one.
    """
    cells: dict[Place, list[Row]] = defaultdict(list)
    for row in rows:
        if _is_of_rule(row) and row["seed"] == 1:
            cells[row.get("on", THERE), row["cell"], row["minutes"]].append(row)
    print("\n| machine | corpus | minutes | best found | nats | the rule's choice | nats | above the best |")
    print("|---|---|---|---|---|---|---|---|")
    for (on, cell, minutes), ours in sorted(cells.items()):
        ours.sort(key=lambda row: row["best_nats"])
        best, chosen = ours[0], _shape(settings_of(cell, minutes, {}, on))
        own = next((row for row in ours if _is_chosen(row, chosen)), None)
        told = "not tried" if own is None else f"{own['best_nats']:.4f} | {own['best_nats'] - best['best_nats']:.4f}"
        print(f"| {on} | {cell} | {minutes:g} | {_size(best)} | {best['best_nats']:.4f} | {_words(chosen)} | {told} |")
    print()
    for (on, cell, minutes), ours in sorted(cells.items()):
        for row in ours:
            told = f"{row['best_nats']:.4f} | {row['train_nats']:.3f} | {row['epochs']:.1f}"
            print(f"| {on} | {cell} | {minutes:g} | {_size(row)} | {told} |")
    if cells:
        _draw_cells(cells)


def _shape(settings: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(settings[name] for name in _SAID)


def _is_chosen(row: Row, chosen: tuple[Any, ...]) -> bool:
    """Whether a trial is what the rule takes, and ended where the rule's own runs end."""
    settings = _settings(row)
    passes = round(row["epochs"]) if row.get("asked_steps") else None
    return _shape(settings) == chosen and passes == settings["passes"]


def _settings(row: Row) -> dict[str, Any]:
    return settings_of(row["cell"], row["minutes"], row["changed"], row.get("on", THERE))


def _size(row: Row) -> str:
    passes = f", {row['epochs']:.0f} passes" if row.get("asked_steps") else ""
    return _words(_shape(_settings(row))) + passes


def _words(shape: tuple[Any, ...]) -> str:
    said = dict(zip(_SAID, shape, strict=True))
    weights = f", {said['recurrent_dropout']:g} of recurrent weights" if said["recurrent_dropout"] else ""
    return (
        f"{said['layers']}×{said['hidden_size']} {said['core']}, dropout {said['dropout']:g}, {said['batch_size']} × "
        f"{said['window']}, rate {said['learning_rate']:g}, decay {said['weight_decay']:g}{weights}"
    )


def _draw_cells(cells: dict[Place, list[Row]]) -> None:
    names = sorted({cell for _, cell, _ in cells})
    figure, panels = plt.subplots(1, len(names), figsize=(3.8 * len(names), 3.6), squeeze=False)
    for panel, name in zip(panels[0], names, strict=True):
        for (on, _, minutes), ours in ((place, rows) for place, rows in cells.items() if place[1] == name):
            usual, is_there = minutes * KINDS[on][0], on == THERE
            color = "tab:blue" if is_there else "tab:orange"
            panel.plot([usual] * len(ours), [row["best_nats"] for row in ours], "o", color=color, label=on)
            changed = ours[0]["changed"]  # of the best: names of all would hide each other
            panel.annotate(
                f"{changed['layers']}×{changed['hidden_size']} {changed['dropout']:g}",
                (usual, ours[0]["best_nats"]), fontsize=6.5, textcoords="offset points",
                xytext=(5, -3) if is_there else (0, -11), ha="left" if is_there else "center",
            )  # fmt: skip
        panel.margins(y=0.15)
        panel.set_xscale("log")
        panel.set_xticks([0.2, 0.6, 2, 5], ["0.2", "0.6", "2", "5"])
        panel.minorticks_off()
        panel.set(title=name, xlabel="minutes of two Zen 5 cores", xlim=(0.05, 20))
    panels[0][0].set_ylabel("nats per symbol, held out")
    handles = dict(zip(*panels[0][0].get_legend_handles_labels()[::-1], strict=True))
    panels[0][0].legend(handles.values(), handles, fontsize=8)
    figure.tight_layout()
    figure.savefig(FOLDER / "rule.svg")


if __name__ == "__main__":
    main()
