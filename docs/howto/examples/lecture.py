"""The lecture's example of decoding: greedy search loops, a beam of two finds the way out, sampling and temperature.

A small word model is a table: how probable each word is after the one before.

python lecture.py             runs the searches and prints what they find
python lecture.py FILE.svg    draws them; needs the extra 'plot'
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ostinato.decode.paths import Hypothesis
from ostinato.decode.reference import ReferenceWriter
from ostinato.decode.rules import Rules
from ostinato.decode.rules.shaping import parse_temperature
from ostinato.decode.search import Strategy
from ostinato.decode.strategies import Beam, Greedy, Sampling

END, WORDS = 0, ["<end>", "let's", "go", "dance", "through", "time", "space"]
AFTER = {
    "<begin>": {"let's": 1.0},
    "let's": {"go": 0.8, "dance": 0.2},
    "go": {"let's": 0.5, "through": 0.4, "<end>": 0.1},
    "dance": {"<end>": 1.0},
    "through": {"time": 0.9, "space": 0.1},
    "time": {"<end>": 1.0},
    "space": {"<end>": 1.0},
}


class WordModel:
    """The table as a search sees a model. There is no state: only the last word counts."""

    def start(self, prompts: Sequence[Sequence[int]]) -> tuple[Tensor, Any]:
        rows = [row(WORDS[prompt[-1]] if prompt else "<begin>") for prompt in prompts]
        return torch.stack(rows), torch.zeros(len(rows))

    def step(self, symbols: Tensor, state: Any) -> tuple[Tensor, Any]:
        return torch.stack([row(WORDS[symbol]) for symbol in symbols.tolist()]), state


def row(word: str) -> Tensor:
    """Log-probabilities of all words after one."""
    return torch.tensor([AFTER[word].get(other, 0.0) for other in WORDS], dtype=torch.float64).log()


def find(
    strategy: Strategy, rules: Rules = (), *, prompts: Sequence[Sequence[int]] = ((),), length: int = 8
) -> list[list[Hypothesis]]:
    """Every hypothesis of every prompt, best first."""
    writer = ReferenceWriter(WordModel(), prompts, strategy, rules, length=length, end=END)
    while writer.go_on() is not None:
        pass
    return [writer.ended(prompt) for prompt in range(len(prompts))]


def told(hypothesis: Hypothesis) -> str:
    """A hypothesis as words."""
    return " ".join(WORDS[symbol] for symbol in hypothesis.symbols)


def share_of_go(temperature: float = 1.0, draws: int = 10_000) -> float:
    """How often sampling goes on with "go" after "let's"."""
    prompts = [[WORDS.index("let's")]] * draws
    found = find(Sampling(tuple(range(draws))), [parse_temperature(temperature)], prompts=prompts, length=1)
    return sum(hypotheses[0].symbols[0] == WORDS.index("go") for hypotheses in found) / draws


def main() -> None:
    """Run the searches."""
    (greedy,), (beam, second, *_) = find(Greedy())[0], find(Beam(2, best=2))[0]
    print(f"greedy:           {told(greedy)}   ({math.exp(greedy.score):.3f})")
    print(f"beam of two:      {told(beam)}   ({math.exp(beam.score):.3f})")
    print(f"its second best:  {told(second)}   ({math.exp(second.score):.3f})")
    print(f"'go' after 'let's', probability 0.8: in {share_of_go():.1%} of 10,000 draws")
    print(f"at temperature 0.5:                  in {share_of_go(0.5):.1%}; 0.64 / (0.64 + 0.04) is {0.64 / 0.68:.1%}")


PLACES = {
    "let's": (0.0, 0.0),
    "let's go": (1.0, 0.6),
    "let's dance": (1.0, -1.2),
    "let's go let's": (2.0, 1.5),
    "let's go through": (2.0, 0.0),
    "let's go <end>": (2.0, -0.6),
    "let's dance <end>": (2.0, -1.2),
    "let's go let's go": (3.0, 1.9),
    "let's go let's dance": (3.0, 1.1),
    "let's go through time": (3.0, 0.3),
    "let's go through space": (3.0, -0.4),
    "let's go let's go let's": (4.0, 1.9),
    "let's go through time <end>": (4.0, 0.3),
}


def draw(path: Path) -> None:
    """Draw the tree of beginnings, and the ways through it of greedy search and of the beam."""
    import matplotlib.pyplot as plt

    plt.rcParams["svg.hashsalt"] = "lecture"  # the same picture is the same file
    (greedy,), (beam, *_) = find(Greedy())[0], find(Beam(2))[0]
    figure, axes = plt.subplots(figsize=(9, 4))
    for text, (x, y) in PLACES.items():
        words = text.split()
        p = math.prod(AFTER[a][b] for a, b in pairwise(["<begin>", *words]))
        if len(words) > 1:
            x0, y0 = PLACES[" ".join(words[:-1])]
            axes.plot([x0, x], [y0, y], color="0.8", lw=1, zorder=1)
            for way, colour, shift in ((greedy, "tab:red", 0.05), (beam, "tab:green", -0.05)):
                if f"{told(way)} ".startswith(f"{text} "):
                    axes.plot([x0, x], [y0 + shift, y + shift], color=colour, lw=2.5, zorder=2)
            edge = f"{AFTER[words[-2]][words[-1]]:g}"
            axes.text((x0 + x) / 2, (y0 + y) / 2 + 0.13, edge, fontsize=8, ha="center", color="0.3")
        box = {"boxstyle": "round", "fc": "white", "ec": "0.5"}
        axes.text(x, y, f"{words[-1]}\n{p:.3f}", ha="center", va="center", fontsize=9, zorder=4, bbox=box)
    axes.text(4.45, 1.9, "… for ever", va="center", color="tab:red")
    axes.plot([], [], color="tab:red", lw=2.5, label="greedy: the best word each time")
    axes.plot([], [], color="tab:green", lw=2.5, label="beam of two: the best text it finds")
    axes.legend(loc="lower right", frameon=False)
    axes.set_xlim(-0.4, 5.1)
    axes.axis("off")
    figure.savefig(path, bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    draw(Path(sys.argv[1])) if len(sys.argv) > 1 else main()
