"""What each search and sampling method makes of one model: a table, by the same prompts, 200 symbols each.

OSTINATO_DATA=... python benchmarks/strategies.py RUN [--texts 32]

RUN is a run folder trained on tinyshakespeare ('ostinato train tinyshakespeare --minutes 3'); prompts are beginnings of
speeches of its held-out part. For every method: mean log-probability per symbol (nats, the model's own), distinct-3
(different words in threes over all words in threes), longest copy from the training text (mean, symbols), repetition
(share of 10-symbol windows of a text that stood in it before), and seconds for all texts. Held-out text is the
yardstick.
"""

from __future__ import annotations

import argparse
import re
import statistics
import time
from pathlib import Path
from typing import Any

import ostinato
from common import data_file, report

LENGTH = 200
METHODS: dict[str, dict[str, Any]] = {
    "greedy": {"greedy": True},
    "beam 4": {"beam": 4},
    "beam 16": {"beam": 16},
    "diverse beam 8, 4 groups, strength 1": {"beam": 8, "diverse": 4, "strength": 1.0},
    "sampling from a beam of 4": {"beam": 4, "draw": True, "seed": 1},
    "stochastic beam, first of 4": {"beam": 4, "stochastic": True, "seed": 1},
    "greedy, no 12 symbols twice": {"greedy": True, "no_repeat": 12},
    "greedy, dry 0.8 from 6": {"greedy": True, "dry": 0.8, "dry_allowed": 6},
    "sampling": {"seed": 1},
    "temperature 0.8": {"temperature": 0.8, "seed": 1},
    "temperature 0.5": {"temperature": 0.5, "seed": 1},
    "top-k 5": {"top_k": 5, "seed": 1},
    "top-p 0.9": {"top_p": 0.9, "seed": 1},
    "min-p 0.1": {"min_p": 0.1, "seed": 1},
    "typical 0.9": {"typical": 0.9, "seed": 1},
    "eta 0.05": {"eta": 0.05, "seed": 1},
    "mirostat 1.5 bits": {"mirostat": 1.5, "seed": 1},
    "best of 8 by log probability": {"best_of": 8, "seed": 1},
    "sampling, max-copy 12": {"max_copy": 12, "seed": 1},
    "temperature 0.5, max-copy 12": {"temperature": 0.5, "max_copy": 12, "seed": 1},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--texts", type=int, default=32)
    args = parser.parse_args()
    model = ostinato.load(args.run)
    training = model.training_text()
    held_out = data_file("text/tinyshakespeare.txt").read_text()[-111_540:]
    speeches = [match.start() for match in re.finditer(r"(?<=\n\n)[A-Z][^\n]*:\n", held_out)]
    starts = [speeches[int(n * (len(speeches) - 20) / args.texts)] for n in range(args.texts)]
    prompts = [re.match(r"[^\n]*\n", held_out[start:]).group() for start in starts]  # type: ignore[union-attr]
    rows = []
    for name, options in METHODS.items():
        before = time.perf_counter()
        samples = model.generate_all(prompts, length=LENGTH, precision="fp32", **options)
        seconds = time.perf_counter() - before
        each = len(samples) // len(prompts)
        samples = samples[::each]
        rows.append({"method": name, **measures([s.text for s in samples], training), "seconds": round(seconds, 1)})
        rows[-1]["nats_per_symbol"] = statistics.fmean(s.log_prob / s.symbols for s in samples)
        print(f"{name}: {rows[-1]}", flush=True)
    real = [held_out[start + len(p) : start + len(p) + LENGTH] for start, p in zip(starts, prompts, strict=True)]
    rows.append({"method": "held-out text itself", **measures(real, training)})
    fillings = [model.fill(p, "", [text])[0] for p, text in zip(prompts, real, strict=True)]
    rows[-1]["nats_per_symbol"] = statistics.fmean(f.log_prob / f.symbols for f in fillings)
    report("strategies", rows)


def measures(texts: list[str], training: Any) -> dict[str, Any]:
    """What can be said of texts without the model."""
    threes = [three for text in texts for three in grams(text.split(), 3)]
    windows = [grams(text, 10) for text in texts]
    return {
        "nats_per_symbol": 0.0,
        "distinct_3": len(set(threes)) / max(1, len(threes)),
        "longest_copy": statistics.fmean(found.longest_copy for found in training.novelty(texts)),
        "repetition": statistics.fmean(1 - len(set(own)) / max(1, len(own)) for own in windows),
    }


def grams(sequence: Any, n: int) -> list[tuple[Any, ...]]:
    return [tuple(sequence[i : i + n]) for i in range(len(sequence) - n + 1)]


if __name__ == "__main__":
    main()
