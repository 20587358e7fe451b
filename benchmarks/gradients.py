"""How far gradients reach: ‖∂h_T/∂h_t‖ against the lag T − t for Elman, LSTM and GRU, before and after training.

    python benchmarks/gradients.py [--out docs/systems/gradients.svg]

For each core: trained for the same number of steps on python-docs, then over held-out text the Jacobian of
the hidden state at T with respect to the hidden state at t (of the LSTM: hidden and cell), its spectral
norm by power iteration, and the geometric mean over places.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from pathlib import Path
from typing import Any

import torch

import ostinato
import ostinato.cores.state
from common import report
from ostinato.cores.base import step_by_step
from ostinato.cores.state import tensors
from ostinato.families.text.network import LanguageModel
from ostinato.families.text.settings import build_model

LAGS = (1, 2, 5, 10, 20, 40, 60, 80, 100)
PLACES, ITERATIONS, HIDDEN, STEPS = 12, 8, 128, 600
PLAIN = {  # nothing that itself shortens or lengthens what a core remembers
    "hidden_size": HIDDEN, "window": 100, "precision": "float32", "learning_rate": 2e-3, "restart": 0.0,
    "dropout": 0.0, "input_dropout": 0.0, "recurrent_dropout": 0.0, "activation_penalty": 0.0,
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--steps", type=int, default=STEPS)
    args = parser.parse_args()
    rows = []
    for core in ("elman", "gru", "lstm"):
        settings = {**PLAIN, "core": core}
        with tempfile.TemporaryDirectory() as folder:
            training = ostinato.train("python-docs", out=Path(folder) / "run", steps=args.steps, settings=settings)
            text = torch.from_numpy(training.run.corpus()[1].ids.astype("int64"))
            torch.manual_seed(1)
            fresh = build_model(training.settings, training.codec.size).double()
            trained = training.to_end().network.double()  # norms fall below what float32 can hold
        for when, model in (("new", fresh), ("trained", trained)):
            with step_by_step(model):  # compiled scans have no second derivatives, which a product with J takes
                norms = {lag: reach(model, text, lag) for lag in LAGS}
            rows.append({"core": core, "weights": when, **{f"lag_{lag}": norm for lag, norm in norms.items()}})
    report("gradients", rows)
    if args.out:
        picture(rows, args.out)


def reach(model: LanguageModel, text: torch.Tensor, lag: int) -> float:
    """Geometric mean of ‖∂state_T/∂state_{T-lag}‖ over places in a text."""
    logs = []
    for place in range(PLACES):
        start = 200 + 700 * place
        with torch.no_grad():
            _, state = model.output(text[None, start - 100 : start])
        logs.append(math.log(norm_of(model, text[None, start : start + lag], state)))
    return math.exp(sum(logs) / len(logs))


def norm_of(model: LanguageModel, inputs: torch.Tensor, state: Any) -> float:
    """Spectral norm of the Jacobian of the state after inputs with respect to the state before."""
    before = torch.cat([leaf.flatten() for leaf in tensors(state)]).requires_grad_()

    def after(flat: torch.Tensor) -> torch.Tensor:
        pieces = iter(flat.split([leaf.numel() for leaf in tensors(state)]))
        put_back = ostinato.cores.state.map_state(lambda leaf: next(pieces).reshape(leaf.shape), state)
        return torch.cat([leaf.flatten() for leaf in tensors(model.output(inputs, put_back)[1])])

    direction = torch.randn_like(before)
    size = 0.0
    for _ in range(ITERATIONS):
        _, forward = torch.autograd.functional.jvp(after, before, direction / direction.norm())
        _, direction = torch.autograd.functional.vjp(after, before, forward)
        size = math.sqrt(direction.norm().item())
        assert size > 0, "a Jacobian of exactly zero says that no gradient was computed"
    return size


def picture(rows: list[dict[str, Any]], path: Path) -> None:
    """Draw the rows: one line per core, dashed before training."""
    from matplotlib import pyplot as plt

    plt.rcParams["svg.hashsalt"] = "ostinato"
    figure, axes = plt.subplots(figsize=(6.4, 4.0), layout="constrained")
    colours = {"elman": "tab:red", "gru": "tab:orange", "lstm": "tab:blue"}
    for row in rows:
        norms = [row[f"lag_{lag}"] for lag in LAGS]
        style = "--" if row["weights"] == "new" else "-"
        label = f"{row['core']}, {'untrained' if row['weights'] == 'new' else 'trained'}"
        axes.plot(LAGS, norms, style, color=colours[row["core"]], marker=".", label=label)
    axes.set(yscale="log", xlabel="lag T − t, in characters", ylabel="‖∂state(T) / ∂state(t)‖", ylim=(1e-9, 30))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main()
