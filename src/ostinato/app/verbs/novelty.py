"""``novelty``: what a text copies from the training text."""

from __future__ import annotations

import dataclasses
import statistics
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from ostinato.app.options import groups
from ostinato.app.process import load_model
from ostinato.app.reading import read_file
from ostinato.app.terminal.console import Console
from ostinato.app.terminal.output import as_json
from ostinato.app.terminal.working import WorkView
from ostinato.data.corpus import lines
from ostinato.errors import ConfigError
from ostinato.inspect.views import one_line

if TYPE_CHECKING:
    from ostinato.families.text.model import TextModel
    from ostinato.families.text.novelty import NoveltyReport
    from ostinato.families.text.results import HeldOutOverlap

_PASSES = 40  # through the training text, usually
_SHOWN = 60  # characters of a copy
_SAMPLES, _LENGTH, _SEED = 8, 500, 1


EXAMPLES = """\
ostinato novelty runs/book
ostinato novelty runs/book mine.txt
"""


def arguments(command: ArgumentParser) -> None:
    """Add the arguments."""
    groups.run(command)
    command.add_argument("file", nargs="?", type=Path, help="text ('-': stdin); of items, lines (default: samples)")
    command.add_argument("--samples", type=int, metavar="N", help="without FILE: how many texts to write (default: 8)")
    command.add_argument("--length", type=int, metavar="N", help="without FILE: most symbols of each (default: 500)")
    command.add_argument("--seed", type=int, help="without FILE: of the first text (default: 1)")
    command.add_argument("--json", action="store_true", help="one object per text on standard output")
    groups.unknown(command)
    groups.machine(command, default_device="cpu")


def act(args: Namespace) -> int:
    """Tell what texts have in common with the training text, beside what held-out text has."""
    if args.file is not None and any(value is not None for value in (args.samples, args.length, args.seed)):
        raise ConfigError("--samples, --length and --seed are for texts that the model writes; leave them or FILE out")
    model = load_model(args)
    from ostinato.families.text.novelty import report

    texts = _texts(model, args)
    with WorkView(Console(stderr=True)) as view:
        # How many passes there will be depends on what is found; about twenty for each of the two reports.
        training = model.training_text(
            lambda number, done, total: view.watch("going through the training text", (number - 1) * total + done,
                                                   max(_PASSES, number) * total)
        )  # fmt: skip
        reports, yardstick = report(training, texts)
    if not args.json:
        _print_reports(reports, yardstick)
        return 0
    for each in reports:
        told = {"text": each.text, **dataclasses.asdict(each.novelty), "where": each.place}
        print(as_json(told))
    if yardstick is not None:
        print(as_json({"held_out": dataclasses.asdict(yardstick)}))
    return 0


def _texts(model: TextModel, args: Namespace) -> list[str]:
    """The texts that are asked about: a file (of items every line), or what the model writes by itself."""
    if args.file is None:
        samples = model.generate_all(
            [""],
            samples=_SAMPLES if args.samples is None else args.samples,
            length=_LENGTH if args.length is None else args.length,
            seed=_SEED if args.seed is None else args.seed,
        )
        return [sample.text for sample in samples]
    text = read_file(args.file)
    texts = [line for line in lines([text]) if line.strip()] if model.codec.end is not None else [text]
    if not any(texts):
        raise ConfigError(f"{args.file} is empty: there is nothing to look at")
    return [model.codec.adapt(each, args.unknown) for each in texts]


def _print_reports(reports: list[NoveltyReport], yardstick: HeldOutOverlap | None) -> None:
    lengths = list(reports[0].novelty.seen)
    print("\t".join(["longest_copy", *(f"seen_{n}" for n in lengths), "copied", "where"]))
    for each in reports:
        told = each.novelty
        copied = told.copied if len(told.copied) <= _SHOWN else told.copied[:_SHOWN] + "…"
        shares = [f"{told.seen[n]:.3f}" for n in lengths]
        print("\t".join([str(told.longest_copy), *shares, one_line(copied), each.place]))
    if len(reports) > 1:
        means = [f"{statistics.fmean(each.novelty.seen[n] for each in reports):.3f}" for n in lengths]
        longest = statistics.fmean(each.novelty.longest_copy for each in reports)
        print("\t".join([f"{longest:.1f}", *means, f"mean of {len(reports)} texts"]))
    if yardstick is not None:
        means = [f"{yardstick.seen[n]:.3f}" for n in lengths]
        pieces = f"mean of {yardstick.pieces} held-out texts of this length"
        print("\t".join([f"{yardstick.longest_copy:.1f}", *means, pieces]))
