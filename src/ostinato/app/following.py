"""Following a training run to its end: what ``train``, ``resume`` and ``demo`` share."""

from __future__ import annotations

import importlib.util
import itertools
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape

from ostinato.app.process import between_steps
from ostinato.app.terminal.console import Console
from ostinato.app.terminal.hints import print_next
from ostinato.app.terminal.losses import loss_with_error
from ostinato.app.terminal.output import as_json, shown
from ostinato.errors import ConfigError, OstinatoError

if TYPE_CHECKING:
    from ostinato.app.tensorboard import TensorBoardLog
    from ostinato.workshop.run import Training


def follow(
    training: Training,
    console: Console,
    *,
    json_lines: bool = False,
    samples: bool = True,
    tensorboard: bool = False,
    report: bool = True,
    hints: bool = True,
    teachers: Sequence[Path] = (),
) -> int:
    """Train to the end while showing it, then what to try next; Ctrl-C saves and tells how to go on."""
    from ostinato.app.terminal.progress import TrainingView, print_notes
    from ostinato.training.loop import Evaluated
    from ostinato.workshop.run import Interrupted

    stopped_at = None
    with between_steps(training.ask_to_stop):
        with (
            _saved_without_reader(training, teachers),
            TrainingView(console, training, samples=samples) as view,
            _log(training, wanted=tensorboard) as log,
        ):
            print_notes(console, training)
            for event in training:
                view.show(event)
                if log is not None:
                    log.take(event)
                if json_lines and training.is_first and isinstance(event, Evaluated):
                    print(as_json(training.metrics), flush=True)
                if isinstance(event, Interrupted):
                    stopped_at = event.step
        # Still here: torchrun ends the first process politely when another one stopped and is gone already.
        _print_end(training, console, stopped_at, teachers)
        if hints and stopped_at is None:
            print_next(training.family.next_commands(shlex.quote(str(training.run.path))), console)
    if report and stopped_at is None and training.is_first and "report" in training.family.verbs:
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
    from ostinato.workshop.holding import load

    try:
        write_report(load(training.run.path), training.run.path, console)
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


def _print_end(training: Training, console: Console, stopped_at: int | None, teachers: Sequence[Path]) -> None:
    path, best = training.run.path, training.trainer.best
    if stopped_at is not None:
        told = escape(shown(_stopped(training, stopped_at, teachers)))
    else:
        assert best is not None
        told = (
            f"done: best validation {loss_with_error(best)} bits per {training.family.unit} "
            f"({best['nats_per_symbol']:.4f} nats) at step {best['step']:,}; the run is in {escape(shown(path))}"
        )
    console.print(told, highlight=False, soft_wrap=not console.is_terminal)


def free_folder(parent: Path, source: str) -> Path:
    """Return ``parent/NAME`` after a corpus, with a number if that is taken."""
    name = Path(source).stem if source != "-" else "stdin"
    name = "".join(c if c.isalnum() or c in "-_." else "-" for c in name).strip("-.") or "run"
    names = itertools.chain([name], (f"{name}-{n}" for n in itertools.count(2)))
    return next(parent / n for n in names if not (parent / n).exists())
