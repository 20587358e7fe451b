"""German to English on Multi30k, test 2016: BLEU with and without attention, by beam and by length of the sentence.

    OSTINATO_DATA=… python benchmarks/multi30k.py attention|summary|convolutional --runs FOLDER [--minutes 30]
                                                  [--set NAME=VALUE …]

Small letters on both sides; sacrebleu's signature is printed. A run that is in FOLDER already is only measured.
Compare: bentrevett/pytorch-seq2seq (GPU, its own tokens): GRU 20.6, attention 28.3, ConvS2S 34.1.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

import ostinato
from common import data_file, report
from ostinato.config import parse_assignments
from ostinato.data import Corpus
from ostinato.data.pairs import PairLimits, read_pairs, source_texts
from ostinato.decode.searching import SearchSettings
from ostinato.families import find_recipe
from ostinato.families.pairs.metrics import text_metrics
from ostinato.families.pairs.translator import Translator

_SYSTEMS: dict[str, dict[str, Any]] = {
    "attention": {"decoder": "additive"},
    "summary": {"decoder": "summary"},
    "convolutional": {"encoder": "convolutional", "decoder": "convolutional"},
}
_BEAMS = (1, 4, 8)
_LENGTHS = ((1, 8), (9, 12), (13, 16), (17, 99))  # words of the source


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("system", choices=tuple(_SYSTEMS))
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--set", dest="settings", action="append", default=[])
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    settings = {**_SYSTEMS[args.system], **parse_assignments(args.settings, find_recipe("translate").settings)}
    name = "-".join([args.system, f"{args.minutes:g}", *sorted(args.settings)])
    run = args.runs / name
    if not (run / "best.json").exists():
        training = ostinato.train(
            _pairs("train"), out=run, recipe="translate", settings=settings, minutes=args.minutes, seed=args.seed,
            valid=_pairs("val"),
        )  # fmt: skip
        print(*training.notes, sep="\n", flush=True)
        for event in training:
            if type(event).__name__ == "Evaluated":
                print(training.metrics, flush=True)
    report(f"multi30k-{name}", list(_rows(run, _pairs("test_2016_flickr"))))


def _rows(run: Path, test: Corpus) -> Iterator[dict[str, Any]]:
    model = Translator.open(run)
    sources, targets = source_texts(test) or (), tuple(test.texts)
    pairs = list(zip(sources, targets, strict=True))
    for beam in _BEAMS:
        began = time.perf_counter()
        found = model.evaluate(pairs, SearchSettings(greedy=True) if beam == 1 else SearchSettings(beam=beam, gnmt=0.6))
        yield {
            "beam": beam, "sentences": len(pairs), "bleu": found.metrics.bleu, "chrf": found.metrics.chrf,
            "perplexity": found.perplexity, "nats_per_character": found.nats_per_character,
            "seconds": time.perf_counter() - began, "signature": found.metrics.bleu_signature,
        }  # fmt: skip
    best = [one[0].text for one in model.translate(sources, SearchSettings(beam=4, gnmt=0.6), attention=False)]
    for least, most in _LENGTHS:
        some = [n for n, source in enumerate(sources) if least <= len(source.split()) <= most]
        metrics = text_metrics([best[n] for n in some], [targets[n] for n in some])
        yield {"beam": 4, "words": f"{least}-{most}", "sentences": len(some), "bleu": metrics.bleu}


def _pairs(part: str) -> Corpus:
    names = [str(data_file(f"translation/multi30k.{part}.{language}.gz")) for language in ("de", "en")]
    return read_pairs(names, PairLimits(lower=True))


if __name__ == "__main__":
    main()
