"""Labels: chunks of CoNLL-2000, digits by rows or pixels, spoken digits one by one and in a row.

    OSTINATO_DATA=… python benchmarks/labels.py chunks [--minutes 15] [--set crf=false] [--set encoder=forwards] …
    OSTINATO_DATA=… python benchmarks/labels.py rows [--minutes 5] [--set core=gru] …      MNIST, 28 steps
    OSTINATO_DATA=… python benchmarks/labels.py pixels --runs FOLDER [--minutes 600]        MNIST, 784 steps; goes on
    OSTINATO_DATA=… python benchmarks/labels.py spoken [--minutes 3]                        one digit
    OSTINATO_DATA=… python benchmarks/labels.py sentences [--minutes 5]                     3 to 5 digits, CTC

Test sets: CoNLL-2000's own (the last 1,000 training sentences validate); MNIST's own; recordings 0 to 4 of each digit
and speaker. Give --threads 1 to leave a core alone, --name NAME to keep the results apart.
"""

from __future__ import annotations

import argparse
import gzip
import io
import random
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch

import ostinato
from common import data_file, report
from ostinato.config import parse_assignments
from ostinato.data import Corpus
from ostinato.data.columns import Array
from ostinato.data.frames import Frames
from ostinato.data.pairs import SOURCE
from ostinato.data.sound import LogMel
from ostinato.families import find_recipe
from ostinato.families.labels.annotator import Annotator
from ostinato.families.labels.reading import read_labelled
from ostinato.families.labels.settings import LabelSettings

_VALID_SENTENCES = 1000
_RATE = 8000
_TEST_RECORDINGS = 5
_TRAIN_ROWS, _TEST_ROWS = 4_000, 500  # digits in a row, made of recordings
_SILENCE = (0.05, 0.3)  # seconds between two
_BEAM = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=tuple(_JOBS))
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--epochs", type=float, help="instead of minutes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--runs", type=Path, help="keep the run here; one that is there goes on")
    parser.add_argument("--name", default="")
    parser.add_argument("--set", dest="settings", action="append", default=[])
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    recipe, minutes, given, corpora = _JOBS[args.what]
    settings = {**given, **parse_assignments(args.settings, find_recipe(recipe).settings)}
    with tempfile.TemporaryDirectory() as folder:
        name = "-".join([args.what, *filter(None, [args.name])])
        out = (args.runs or Path(folder)) / name
        began = time.monotonic()
        train, valid, test = corpora(Path(folder), settings)
        reading = time.monotonic() - began
        amount = {"epochs": args.epochs} if args.epochs else {"minutes": args.minutes or minutes}
        if (out / "config.json").exists():
            training = ostinato.resume(out, minutes=args.minutes)
        else:
            training = ostinato.train(
                train, out=out, recipe=recipe, settings=settings, **amount, seed=args.seed,
                valid=valid or 0.05,
            )  # fmt: skip
        print(*training.notes, sep="\n", flush=True)
        began = time.monotonic()
        for event in training:
            if type(event).__name__ == "Evaluated":
                print(training.metrics, flush=True)
        seconds = time.monotonic() - began
        model = Annotator.open(out)
        row = {
            "what": name, "seed": args.seed, **amount, "reading": reading, "seconds": seconds,
            "passes": training.epochs, "parameters": model.parameters, **_measured(model, test),
        }  # fmt: skip
    report(f"labels-{name}-{args.seed}", [row])


def _measured(model: Annotator, test: Corpus) -> dict[str, Any]:
    found = model.evaluate(test)
    row = {
        "test": found.sequences, "nats_per_label": found.nats_per_label, "exact": found.exact,
        "accuracy": found.accuracy, "label_error": found.label_error,
        "f1": None if found.spans is None else found.spans.f1,
    }  # fmt: skip
    if not model.has_places:
        beam = model.evaluate(test, beam=_BEAM)
        row |= {"label_error_beam": beam.label_error, "exact_beam": beam.exact}
    return row


def chunks(folder: Path, settings: dict[str, Any]) -> tuple[Corpus, Corpus | None, Corpus]:
    """CoNLL-2000, without its parts of speech unless columns=2."""
    how = _reading("tag", settings)
    paths = []
    for part in ("train", "test"):
        paths.append(folder / f"{part}.txt")
        paths[-1].write_bytes(gzip.decompress(data_file(f"tagging/conll2000.{part}.txt.gz").read_bytes()))
    whole, test = (read_labelled([str(path)], how) for path in paths)
    count = len(list(whole.texts))
    train, valid = (
        whole.select(range(*ends)) for ends in ((count - _VALID_SENTENCES,), (count - _VALID_SENTENCES, count))
    )
    return train, valid, test


def images(folder: Path, settings: dict[str, Any]) -> tuple[Corpus, Corpus | None, Corpus]:
    """MNIST."""
    path, how = str(data_file("images/mnist.npz")), _reading("classify", settings)
    return read_labelled([path], how), None, read_labelled([path], how, part="test")


def spoken(folder: Path, settings: dict[str, Any]) -> tuple[Corpus, Corpus | None, Corpus]:
    """Single digits."""
    parts = [_corpus([(samples, str(digit)) for digit, samples, _ in part]) for part in _recordings()]
    return parts[0], None, parts[1]


def sentences(folder: Path, settings: dict[str, Any]) -> tuple[Corpus, Corpus | None, Corpus]:
    """Three to five digits of one speaker with silences between them; training and test share no recording."""
    draw = random.Random(1)
    train, test = _recordings()
    parts = [_corpus(list(_in_a_row(part, count, draw))) for part, count in ((train, _TRAIN_ROWS), (test, _TEST_ROWS))]
    return parts[0], None, parts[1]


def _in_a_row(part: list[tuple[int, Array, str]], count: int, draw: random.Random) -> Iterator[tuple[Array, str]]:
    speakers = sorted({speaker for _, _, speaker in part})
    for _ in range(count):
        speaker = draw.choice(speakers)
        chosen = draw.choices([one for one in part if one[2] == speaker], k=draw.randint(3, 5))
        pieces: list[Array] = []
        for _, samples, _ in chosen:
            pieces += [samples, np.zeros(int(_RATE * draw.uniform(*_SILENCE)))]
        yield np.concatenate(pieces[:-1]), " ".join(str(digit) for digit, _, _ in chosen)


def _recordings() -> tuple[list[tuple[int, Array, str]], list[tuple[int, Array, str]]]:
    """Digit, samples and speaker of each recording: those to learn from, and those to test on."""
    parts: tuple[list[tuple[int, Array, str]], list[tuple[int, Array, str]]] = ([], [])
    with tarfile.open(data_file("audio/free-spoken-digits.tar.gz")) as archive:
        for member in archive:  # in its order: going back would unpack it from its beginning
            if not member.name.endswith(".wav"):
                continue
            digit, speaker, index = Path(member.name).stem.split("_")
            stream = archive.extractfile(member)
            assert stream is not None
            samples, rate = soundfile.read(io.BytesIO(stream.read()), dtype="float32")
            assert rate == _RATE
            parts[int(index) < _TEST_RECORDINGS].append((int(digit), samples, speaker))
    for part in parts:
        part.sort(key=lambda one: (one[0], one[2], len(one[1])))
    return parts


def _corpus(recordings: Sequence[tuple[Array, str]]) -> Corpus:
    sound = LogMel()
    frames = Frames.joined([sound.frames(samples, _RATE) for samples, _ in recordings])
    return Corpus("items", tuple(labels for _, labels in recordings), columns={SOURCE: frames})


def _reading(recipe: str, settings: dict[str, Any]) -> Any:
    known = find_recipe(recipe).settings(**settings)
    assert isinstance(known, LabelSettings)
    return known.reading()


_Corpora = Callable[[Path, dict[str, Any]], tuple[Corpus, Corpus | None, Corpus]]
_JOBS: dict[str, tuple[str, float, dict[str, Any], _Corpora]] = {
    "chunks": ("tag", 15, {}, chunks),
    "rows": ("classify", 5, {"frame": 28}, images),
    "pixels": ("classify", 600, {"frame": 1, "encoder": "forwards"}, images),
    "spoken": ("classify", 3, {}, spoken),
    "sentences": ("ctc", 5, {"stack": 3}, sentences),
}

if __name__ == "__main__":
    main()
