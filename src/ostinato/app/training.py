"""``train`` and ``resume``."""

from __future__ import annotations

import importlib.util
import itertools
import os
import shlex
import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from rich.markup import escape

from ostinato import config
from ostinato.app.console import Console
from ostinato.app.losses import loss_with_error
from ostinato.app.output import as_json, shown
from ostinato.app.process import between_steps, console_of, joined, number_of_processes
from ostinato.app.progress import TrainingView, say_notes
from ostinato.app.reading import pair_limits, refuse_pair_options
from ostinato.app.working import WorkView
from ostinato.config import parse_assignments
from ostinato.data import Corpus, Kind, Reading, read_corpus
from ostinato.data.reading import names_of_corpora, size_on_disk
from ostinato.errors import ConfigError, OstinatoError
from ostinato.families import Recipe
from ostinato.families.text.family import TEXT
from ostinato.runs import RunFolder, read_about
from ostinato.workshop.preparing import recipe_of


class _Read(Protocol):
    """How a corpus is read; of files with several parts, which."""

    def __call__(
        self, sources: Sequence[str], args: Namespace, view: WorkView, kind: Kind | None, part: str = "train"
    ) -> Corpus: ...


if TYPE_CHECKING:
    from ostinato.app.tensorboard import TensorBoardLog
    from ostinato.workshop.training import Training


def train(args: Namespace) -> int:
    """Train a new run."""
    recipe = recipe_of(args.recipe, None if args.base is None else read_about(args.base)["recipe"])
    settings = parse_assignments(args.settings, recipe.settings)
    if args.lower and recipe.system is not TEXT:  # a setting, so that the run remembers it
        settings["lower"] = True
    if not args.corpus and recipe.makes is None:  # what can be known before anything takes time is checked first
        read_corpus([])
    share, read = _share(args.valid), _reader(recipe, settings, args)
    out = args.out or free_folder(Path("runs"), args.corpus[0] if args.corpus else recipe.name)
    RunFolder.check_free(out)
    if args.tensorboard:
        check_tensorboard()
    with joined(args, args.device) as ranks:
        console = console_of(ranks, to_stderr=args.json)
        with WorkView(console, "setting up") as view:
            from ostinato.workshop.budget import Amount
            from ostinato.workshop.preparing import Order
            from ostinato.workshop.setting_up import set_up

            order = Order(
                out=out,
                recipe=args.recipe,
                amount=Amount(args.minutes, args.epochs, args.steps),
                settings=settings,
                seed=args.seed,
                valid=share
                if share is not None
                else lambda corpus: read([args.valid], args, view, corpus.kind, "test"),
                base=args.base,
                teachers=tuple(args.teachers),
                unknown=args.unknown,
                device=args.device,
                threads=args.threads,
                command=args.command_line,
                started=args.started,
                watch=view.watch,
                report=not args.no_report,
            )
            training = set_up(lambda: read(args.corpus, args, view, args.kind), order, ranks)
        return follow(
            training,
            console,
            json_lines=args.json,
            tensorboard=args.tensorboard,
            report=not args.no_report,
            teachers=args.teachers,
        )


def resume(args: Namespace) -> int:
    """Go on with a run."""
    if args.tensorboard:
        check_tensorboard()
    if not args.corpus and (args.valid is not None or _names_reading(args)):
        raise ConfigError("--valid, --encoding, --errors, --column and --as say how to read what --corpus names")
    about = RunFolder(args.run).config()
    if args.threads is None and number_of_processes() == about["processes"] > 1:  # a single one follows its record
        args.threads = about["threads"]
    with joined(args, args.device or about["device"]) as ranks:
        console = console_of(ranks, to_stderr=args.json)
        with WorkView(console, "setting up") as view:
            from ostinato.workshop.setting_up import resume as set_up_again

            training = set_up_again(
                args.run,
                minutes=args.minutes,
                device=args.device,
                threads=args.threads,
                started=args.started,
                corpus=(lambda: _read(args.corpus, args, view, args.kind)) if args.corpus else None,
                valid=(lambda: _read([args.valid], args, view, args.kind)) if args.valid else None,
                watch=view.watch,
                ranks=ranks,
                teachers=args.teachers,
                report=not args.no_report,
            )
        return follow(
            training,
            console,
            json_lines=args.json,
            tensorboard=args.tensorboard,
            report=not args.no_report,
            teachers=args.teachers,
        )


def follow(
    training: Training,
    console: Console,
    *,
    json_lines: bool = False,
    samples: bool = True,
    tensorboard: bool = False,
    report: bool = True,
    teachers: Sequence[Path] = (),
) -> int:
    """Train to the end while showing it; Ctrl-C saves and tells how to go on."""
    from ostinato.training.loop import Evaluated
    from ostinato.workshop.training import Interrupted

    stopped_at = None
    with between_steps(training.ask_to_stop):
        with (
            _saved_without_reader(training, teachers),
            TrainingView(console, training, samples=samples) as view,
            _log(training, wanted=tensorboard) as log,
        ):
            say_notes(console, training)
            for event in training:
                view.show(event)
                if log is not None:
                    log.take(event)
                if json_lines and training.is_first and isinstance(event, Evaluated):
                    print(as_json(training.metrics), flush=True)
                if isinstance(event, Interrupted):
                    stopped_at = event.step
        # Still here: torchrun ends the first process politely when another one stopped and is gone already.
        _say_end(training, console, stopped_at, teachers)
    if report and stopped_at is None and training.is_first and training.writes_texts:
        _report(training, console)
    return 0 if stopped_at is None else 130


@contextmanager
def _saved_without_reader(training: Training, teachers: Sequence[Path]) -> Iterator[None]:
    """Save where nobody reads the output any more, as in ``train … | head``, and tell how to go on."""
    try:
        yield
    except BrokenPipeError:
        if training.is_alone:  # others are in the middle of a step, and would wait for this one for ever
            training.save()
        told = _stopped(training, max(training.run.steps()), teachers)
        print(f"nobody reads the output any more: {told}", file=sys.stderr)
        raise


def _stopped(training: Training, step: int, teachers: Sequence[Path]) -> str:
    """Say at which step a run was stopped, and how to go on."""
    path = str(training.run.path)
    again = shlex.join([path, *(word for teacher in teachers for word in ("--teacher", str(teacher)))])
    return f"stopped and saved at step {step}. To go on: ostinato resume {again}"


def _report(training: Training, console: Console) -> None:
    from ostinato.app.reporting import write_report

    try:
        write_report(training.model(), console)
    except OstinatoError as error:  # the run is whole without it
        console.print(f"no report: {error}", style="yellow", highlight=False, markup=False)


def check_tensorboard() -> None:
    """Check that TensorBoard is there, without importing it.

    Raises:
        ConfigError: It is not.
    """
    if importlib.util.find_spec("tensorboard") is None:
        raise ConfigError("--tensorboard needs TensorBoard: pip install '.[tensorboard]' in the checkout")


def _log(training: Training, *, wanted: bool) -> AbstractContextManager[TensorBoardLog | None]:
    if not wanted or not training.is_first:
        return nullcontext()
    from ostinato.app.tensorboard import TensorBoardLog

    return TensorBoardLog(training)


def _say_end(training: Training, console: Console, stopped_at: int | None, teachers: Sequence[Path]) -> None:
    path, best = training.run.path, training.trainer.best
    if stopped_at is not None:
        told = escape(shown(_stopped(training, stopped_at, teachers)))
    else:
        assert best is not None
        told = (
            f"done: best validation {loss_with_error(best)} bits per {training.system.unit} "
            f"({best['nats_per_symbol']:.4f} nats) at step {best['step']:,}; the run is in {escape(shown(path))}"
        )
    console.print(told, highlight=False, soft_wrap=not console.is_terminal)


def free_folder(parent: Path, source: str) -> Path:
    """Return ``parent/NAME`` after a corpus, with a number if that is taken."""
    name = Path(source).stem if source != "-" else "stdin"
    name = "".join(c if c.isalnum() or c in "-_." else "-" for c in name).strip("-.") or "run"
    names = itertools.chain([name], (f"{name}-{n}" for n in itertools.count(2)))
    return next(parent / n for n in names if not (parent / n).exists())


def _share(given: str) -> float | None:
    """The share that --valid names, or ``None`` where it names a file."""
    try:
        return float(given)
    except ValueError:
        if not given or (not os.path.exists(given) and given not in names_of_corpora()):
            raise ConfigError(f"--valid {given!r} is neither a share such as 0.1 nor a file that exists") from None
        return None


def _names_reading(args: Namespace) -> bool:
    plain = Reading()
    return (args.encoding, args.errors, args.column, args.kind) != (plain.encoding, plain.errors, plain.column, None)


def _reader(recipe: Recipe, settings: Mapping[str, Any], args: Namespace) -> _Read:
    """How the corpus of a recipe is read, or made."""
    of_pairs = recipe.system is not TEXT
    makes_own = not args.corpus and recipe.makes is not None
    if makes_own or not of_pairs:
        refuse_pair_options(args, f"and {recipe.name} {'makes its own' if makes_own else 'has none'}")
    if of_pairs and (args.column, args.kind) != (None, None):
        raise ConfigError(f"--column and --as are for texts, and {recipe.name} learns from pairs or labelled sequences")
    if not of_pairs:
        return _read
    if args.corpus:
        recipe.check_read(settings)
    own = settings if args.base is None else {**read_about(args.base)["settings"], **settings}
    makes = recipe.makes

    def read(sources: Sequence[str], args: Namespace, view: WorkView, kind: Kind | None, part: str = "train") -> Corpus:
        if not sources and makes is not None:
            return makes(own, args.seed)
        known = config.read(recipe.settings, own, where="the settings given")
        return recipe.system.read(sources, known, pair_limits(args), Reading(args.encoding, args.errors), part=part)

    return read


def _read(sources: Sequence[str], args: Namespace, view: WorkView, kind: Kind | None, part: str = "train") -> Corpus:
    reading = Reading(args.encoding, args.errors, args.column)
    return read_corpus(
        sources, reading=reading, kind=kind, tick=view.reading(size_on_disk(sources)), fetching=view.watch
    )
