"""Models of pairs: sums beside Keras's logged curve, and character translation under its tutorial's own metric.

    python benchmarks/seq2seq.py addition [--epochs 15] [--set NAME=VALUE …]
    OSTINATO_DATA=… python benchmarks/seq2seq.py french [--epochs 24] [--set NAME=VALUE …]
    python benchmarks/seq2seq.py feedback [--epochs 4]     sums with and without teacher forcing, equal updates
    OSTINATO_DATA=… python benchmarks/seq2seq.py french-feedback [--epochs 8]              the same of translation

Give --threads 1 to leave a core alone. Keras's figures: keras-team/keras-io, addition_rnn and lstm_seq2seq.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

import ostinato
from common import data_file, report
from ostinato.config import parse_assignments
from ostinato.data import Corpus
from ostinato.data.pairs import corpus_of_pairs, source_texts
from ostinato.decode.searching import SearchSettings
from ostinato.families import find_recipe
from ostinato.families.pairs.translator import Translator, best_targets
from ostinato.workshop.run import Training

_KERAS_ADDITION = (
    0.4116, 0.5708, 0.6534, 0.7011, 0.7436, 0.7705, 0.8573, 0.9228, 0.9665, 0.9774, 0.9807, 0.9842, 0.9810, 0.9970,
    0.9902,
)  # fmt: skip
_KERAS_FRENCH = 0.4358  # validation loss at epoch 25, its best
_PAIRS, _LONGEST = 10_000, 59  # what the tutorial reads, and how many characters it pads French to


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=tuple(_JOBS))
    parser.add_argument("--epochs", type=float, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--set", dest="settings", action="append", default=[])
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    recipe = find_recipe("translate" if args.what.startswith("french") else "addition")
    settings = parse_assignments(args.settings, recipe.settings)
    with tempfile.TemporaryDirectory() as folder:
        report(f"seq2seq-{args.what}", list(_JOBS[args.what](Path(folder), settings, args.epochs, args.seed)))


def addition(folder: Path, settings: dict[str, Any], epochs: float, seed: int) -> Iterator[dict[str, Any]]:
    """Per epoch: characters right, padding counted as Keras does, and sums that are right as a whole."""
    makes = find_recipe("addition").generate_corpus
    assert makes is not None
    train, held = _tenth_held_out(makes(settings, seed))
    training = ostinato.train(
        train, out=folder / "run", recipe="addition", settings=settings, epochs=epochs or 15, seed=seed, valid=held
    )
    pairs = _pairs(held)
    digits = settings.get("digits", 3)
    for epoch, seconds in _epochs(training):
        found = _written(training, [source for source, _ in pairs])
        right = sum(_same(one, target, digits + 1) for one, (_, target) in zip(found, pairs, strict=True))
        keras = _KERAS_ADDITION[epoch - 1] if epoch <= len(_KERAS_ADDITION) and digits == 3 else None
        yield {
            "epoch": epoch,
            "seconds": seconds,
            "characters": right / len(pairs) / (digits + 1),
            "keras_characters": keras,
            "exact": sum(one == target for one, (_, target) in zip(found, pairs, strict=True)) / len(pairs),
        }


def feedback(folder: Path, settings: dict[str, Any], epochs: float, seed: int) -> Iterator[dict[str, Any]]:
    """Sums after equally many updates: reading the true symbol, its own more and more often, or its own always."""
    makes = find_recipe("addition").generate_corpus
    assert makes is not None
    yield from _regimes("addition", folder, *_tenth_held_out(makes(settings, seed)), settings, epochs or 4, seed)


def french_feedback(folder: Path, settings: dict[str, Any], epochs: float, seed: int) -> Iterator[dict[str, Any]]:
    """The same of character translation."""
    yield from _regimes("translate", folder, *_french(), settings, epochs or 8, seed)


def _regimes(
    recipe: str, folder: Path, train: Corpus, valid: Corpus, settings: dict[str, Any], epochs: float, seed: int
) -> Iterator[dict[str, Any]]:
    steps = epochs * len(list(train.texts)) / 64
    regimes: dict[str, dict[str, Any]] = {
        "never": {}, "inverse-sigmoid": {"feedback_k": round(steps / 10)}, "always": {},
    }  # fmt: skip
    for name, own in regimes.items():
        given = {**settings, "feedback": name, **own}
        out, began = folder / name, time.perf_counter()
        training = ostinato.train(train, out=out, recipe=recipe, settings=given, epochs=epochs, seed=seed, valid=valid)
        for _ in training:
            pass
        seconds, model = time.perf_counter() - began, Translator.open(out)
        with training.trainer.averaged():  # after equal updates: the best by teacher-forced loss may be an early one
            model.network.load_state_dict(training.trainer.task.module.state_dict())
        row: dict[str, Any] = {
            "feedback": name,
            "epochs": epochs,
            "seconds": seconds,
            "best_step": model.saved.best["step"],
        }
        for search in (SearchSettings(greedy=True), SearchSettings(beam=4, gnmt=0.6)):
            found = model.evaluate(_pairs(valid), search)
            kind = "greedy" if search.greedy else "beam"
            row |= {
                "nats_per_symbol": found.nats_per_symbol,
                f"exact_{kind}": found.metrics.exact,
                f"bleu_{kind}": found.metrics.bleu,
                f"chrf_{kind}": found.metrics.chrf,
            }
        yield row


def french(folder: Path, settings: dict[str, Any], epochs: float, seed: int) -> Iterator[dict[str, Any]]:
    """The first 10,000 pairs, the last fifth for validation, as the tutorial divides them."""
    train, valid = _french()
    training = ostinato.train(
        train, out=folder / "run", recipe="translate", settings=settings, epochs=epochs or 24, seed=seed, valid=valid
    )
    began = time.perf_counter()
    for _ in training:
        pass
    seconds, model = time.perf_counter() - began, Translator.open(folder / "run")
    for search in (SearchSettings(greedy=True), SearchSettings(beam=4, gnmt=0.6)):
        found = model.evaluate(_pairs(valid), search)
        yield {
            "search": "greedy" if search.greedy else "beam 4",
            "epochs": epochs or 24,
            "seconds": seconds,
            "best_step": model.saved.best["step"],
            # Keras averages over all padded places; what stands after the end costs next to nothing there.
            "keras_val_loss": found.nats_per_symbol * found.symbols / found.pairs / _LONGEST,
            "keras_logged": _KERAS_FRENCH,
            "nats_per_character": found.nats_per_symbol,
            "bleu": found.metrics.bleu,
            "chrf": found.metrics.chrf,
            "exact": found.metrics.exact,
            "signature": found.metrics.bleu_signature,
        }


def _french() -> tuple[Corpus, Corpus]:
    with zipfile.ZipFile(data_file("translation/fra-eng.zip")) as archive:
        lines = archive.read("fra.txt").decode().splitlines()[:_PAIRS]
    cut = _PAIRS * 4 // 5
    pairs = [(source, target) for source, target, *_ in (line.split("\t") for line in lines)]
    return corpus_of_pairs(pairs[:cut]), corpus_of_pairs(pairs[cut:])


def _tenth_held_out(corpus: Corpus) -> tuple[Corpus, Corpus]:
    """Return a corpus without every tenth pair, and these."""
    numbers = range(len(_pairs(corpus)))
    return corpus.select([n for n in numbers if n % 10]), corpus.select([n for n in numbers if not n % 10])


def _pairs(corpus: Corpus) -> list[tuple[str, str]]:
    return list(zip(source_texts(corpus) or (), corpus.texts, strict=True))


def _epochs(training: Training) -> Iterator[tuple[int, float]]:
    """Train; tell after each pass which it was and how many seconds of training it all took."""
    each, epoch, spent, began = training.trainer.stream.batches_per_epoch, 0, 0.0, time.perf_counter()
    for _ in training:
        if training.trainer.step >= each * (epoch + 1):
            epoch, spent = epoch + 1, spent + time.perf_counter() - began
            yield epoch, spent
            began = time.perf_counter()


def _written(training: Training, sources: Sequence[str]) -> list[str]:
    """What the present averaged weights write, greedily."""
    network, codec = training.trainer.task.module, training.codec
    network.eval()
    with training.trainer.averaged():
        ids = [codec.encode_source(source).tolist() for source in sources]  # type: ignore[attr-defined]
        found = best_targets(network, codec, ids, SearchSettings(greedy=True))  # type: ignore[arg-type]
    network.train()
    return [codec.decode(best[0].symbols) for best in found]


def _same(one: str, other: str, width: int) -> int:
    """How many of so many places agree, both padded with spaces."""
    return sum(a == b for a, b in zip(one.ljust(width)[:width], other.ljust(width), strict=True))


_JOBS = {"addition": addition, "feedback": feedback, "french": french, "french-feedback": french_feedback}

if __name__ == "__main__":
    main()
