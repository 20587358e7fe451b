"""How fast the search is: greedy and beam 8 beside bare loops of nn.LSTMCell, and what a constraint costs.

python benchmarks/search.py [--repeats 7]

A 2 x 512 LSTM over 65 symbols, random weights, all processor threads; every repeat measures all of them in turn, and
medians are told. The cost of a constraint is the median of paired ratios.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from common import report
from ostinato.codecs import ByteCodec, CharacterCodec
from ostinato.decode import constraints
from ostinato.decode.pipeline import RuleSettings
from ostinato.decode.searching import SearchSettings
from ostinato.families.text.generation import Generation
from ostinato.families.text.network import LanguageModel

SYMBOLS, HIDDEN, LAYERS, STEPS = 65, 512, 2, 500
ALPHABET = "".join(chr(point) for point in range(32, 127))[-SYMBOLS:]
IPV4 = r"((25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(25[0-5]|2[0-4]\d|1?\d?\d)"
DATE = r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    repeats = parser.parse_args().repeats
    torch.manual_seed(0)
    model = LanguageModel(SYMBOLS, core="lstm", layers=LAYERS, hidden_size=HIDDEN, embedding_size=HIDDEN).eval()
    rows = [*speeds(model, repeats), *costs(model, repeats), *compiling(repeats)]
    report("search", rows)


def speeds(model: LanguageModel, repeats: int) -> list[dict[str, object]]:
    """Time steps per second of the search beside bare loops."""
    bare = Cells()
    runs: dict[str, Callable[[], object]] = {
        "bare nn.LSTMCell loop, greedy": lambda: cell_loop(bare, 1),
        "bare nn.LSTMCell loop, beam 8": lambda: cell_loop(bare, 8),
        "ostinato, greedy": lambda: generate(model, greedy=True),
        "ostinato, sampling": lambda: generate(model, seed=1),
        "ostinato, beam 8": lambda: generate(model, beam=8),
        "ostinato, diverse beam 8 in 4 groups": lambda: generate(model, beam=8, diverse=4),
        "ostinato, stochastic beam, 8 samples": lambda: generate(model, beam=8, stochastic=True, seed=1),
    }
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            times[name].append(seconds(run))
    return [
        {"what": name, "steps_per_second": round(STEPS / statistics.median(values))} for name, values in times.items()
    ]


def costs(model: LanguageModel, repeats: int) -> list[dict[str, object]]:
    """What a regular expression adds to sampling, in pairs."""
    found = []
    other = LanguageModel(256, core="lstm", layers=LAYERS, hidden_size=HIDDEN, embedding_size=HIDDEN).eval()
    for vocabulary, each in ((SYMBOLS, model), (256, other)):
        for name, pattern in (("any text", r"(?s).*"), ("words of letters", r"([a-z]+ )*[a-z]*")):
            ratios = []
            for number in range(3 * repeats):
                runs = [partial(generate, each, seed=1), partial(generate, each, seed=1, match=pattern)]
                # Which goes first changes from pair to pair.
                times = [seconds(run) for run in (runs if number % 2 else runs[::-1])]
                free, bound = times if number % 2 else times[::-1]
                ratios.append(bound / free)
            found.append({"what": f"cost of --match, V = {vocabulary}, {name}", "ratio": statistics.median(ratios)})
    return found


def compiling(repeats: int) -> list[dict[str, object]]:
    """From a pattern to the table that the search reads."""
    pieces = [bytes([value]) for value in range(256)]
    found = []
    for name, pattern in (("IPv4 address", IPV4), ("ISO date", DATE)):

        def build(pattern: str = pattern) -> object:
            walk = constraints.TableWalk(constraints.matching(pattern), pieces)
            return constraints.SymbolTable(walk, len(pieces), None, [b""])

        build()  # the library is imported once
        times = [seconds(build) for _ in range(repeats)]
        found.append({"what": f"compiling {name}, V = 256", "seconds": statistics.median(times)})
    return found


def generate(model: LanguageModel, *, seed: int | None = None, match: str | None = None, **search: Any) -> None:
    codec = CharacterCodec(ALPHABET) if model.symbols == SYMBOLS else ByteCodec()
    Generation(
        codec,
        model,
        [""],
        settings=SearchSettings(**search),
        rules=RuleSettings(match=match),
        length=STEPS,
        seed=seed,
    ).finish()


class Cells:
    """The model of the loop that one writes first."""

    def __init__(self) -> None:
        self.embedding, self.head = torch.nn.Embedding(SYMBOLS, HIDDEN), torch.nn.Linear(HIDDEN, SYMBOLS)
        self.cells = [torch.nn.LSTMCell(HIDDEN, HIDDEN) for _ in range(LAYERS)]


@torch.inference_mode()
def cell_loop(model: Cells, rows: int) -> None:
    """That loop: greedy, or with several rows a beam without anything around it."""
    embedding, head, cells = model.embedding, model.head, model.cells
    state = [(torch.zeros(rows, HIDDEN), torch.zeros(rows, HIDDEN)) for _ in cells]
    symbols, totals = torch.zeros(rows, dtype=torch.int64), torch.zeros(rows)
    for _ in range(STEPS):
        x = embedding(symbols)
        for layer, cell in enumerate(cells):
            state[layer] = cell(x, state[layer])
            x = state[layer][0]
        if rows == 1:
            symbols = head(x).argmax(dim=-1)
            continue
        both = totals[:, None] + head(x).log_softmax(dim=-1)
        totals, flat = both.flatten().topk(rows)
        parents, symbols = flat // SYMBOLS, flat % SYMBOLS
        state = [(h[parents], c[parents]) for h, c in state]


def seconds(run: Callable[[], object]) -> float:
    before = time.perf_counter()
    run()
    return time.perf_counter() - before


if __name__ == "__main__":
    main()
