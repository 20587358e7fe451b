"""``train`` and ``resume``."""

from __future__ import annotations

import itertools
import json
import shlex
from argparse import Namespace
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from ostinato.app.process import between_steps, prepare_torch
from ostinato.config import parse_assignments
from ostinato.data import Corpus, Reading, read_corpus
from ostinato.errors import ConfigError
from ostinato.recipes import find_recipe


def train(args: Namespace) -> int:
    """Train a new run."""
    console = Console(stderr=args.json)
    settings = parse_assignments(args.settings, find_recipe(args.recipe).settings)
    reading = Reading(args.encoding, args.errors, args.column)
    corpus = read_corpus(args.corpus, reading=reading, kind=args.kind)
    valid = _validation(args.valid, reading, corpus)
    with console.status("setting up"):
        from ostinato.workshop.budget import Amount
        from ostinato.workshop.setting_up import Order, set_up

        prepare_torch(args.threads)
        order = Order(
            out=args.out or free_folder(Path("runs"), args.corpus[0]),
            recipe=args.recipe,
            amount=Amount(args.minutes, args.epochs, args.steps),
            settings=settings,
            seed=args.seed,
            valid=valid,
            base=args.base,
            unknown=args.unknown,
            device=args.device,
            command=args.command_line,
            started=args.started,
        )
        training = set_up(corpus, order)
    return follow(training, console, json_lines=args.json)


def resume(args: Namespace) -> int:
    """Go on with a run."""
    console = Console(stderr=args.json)
    with console.status("setting up"):
        from ostinato.runs import RunFolder
        from ostinato.workshop.setting_up import resume as set_up_again

        recorded = RunFolder(args.run).config()["threads"]
        prepare_torch(recorded if args.threads is None else args.threads)
        training = set_up_again(args.run, minutes=args.minutes, device=args.device, started=args.started)
    return follow(training, console, json_lines=args.json)


def follow(training: object, console: Console, *, json_lines: bool = False, samples: bool = True) -> int:
    """Train to the end while showing it; Ctrl-C saves and tells how to go on."""
    from ostinato.app.progress import TrainingView, say_notes
    from ostinato.decode.units import bits
    from ostinato.training.loop import Evaluated
    from ostinato.workshop.training import Training

    assert isinstance(training, Training)
    say_notes(console, training)
    path = training.run.path
    with between_steps() as interruption, TrainingView(console, training, samples=samples) as view:
        for event in training:
            view.show(event)
            if json_lines and isinstance(event, Evaluated):
                print(json.dumps(training.metrics), flush=True)
            if interruption.asked:
                training.save()
                break
    if interruption.asked:
        step = training.trainer.step
        console.print(
            f"stopped and saved at step {step}. To go on: ostinato resume {escape(shlex.quote(str(path)))}",
            highlight=False,
            soft_wrap=not console.is_terminal,
        )
        return 130
    best = training.trainer.best
    assert best is not None
    nats = best["nats_per_symbol"]
    console.print(
        f"done: best validation {bits(nats):.4f} bits per symbol ({nats:.4f} nats) at step {best['step']:,}; "
        f"the run is in {escape(str(path))}",
        highlight=False,
        soft_wrap=not console.is_terminal,
    )
    return 0


def free_folder(parent: Path, source: str) -> Path:
    """Return ``parent/NAME`` after a corpus, with a number if that is taken."""
    name = Path(source).stem if source != "-" else "stdin"
    name = "".join(c if c.isalnum() or c in "-_." else "-" for c in name).strip("-.") or "run"
    names = itertools.chain([name], (f"{name}-{n}" for n in itertools.count(2)))
    return next(parent / n for n in names if not (parent / n).exists())


def _validation(given: str, reading: Reading, corpus: Corpus) -> float | Corpus:
    try:
        return float(given)
    except ValueError:
        if not Path(given).exists():
            raise ConfigError(f"--valid {given!r} is neither a share such as 0.1 nor a file that exists") from None
        return read_corpus([given], reading=reading, kind=corpus.kind, to_learn=False)
