"""Groups of arguments that commands share. Nothing here imports PyTorch, so that --help is quick."""

from __future__ import annotations

import argparse
from pathlib import Path

from ostinato.app.parser import run_path


def ranked(command: argparse.ArgumentParser) -> None:
    """Add what commands that order texts share."""
    command.add_argument("--top", type=int, metavar="N", help="show only the best N")
    command.add_argument("--json", action="store_true", help="one object per text on standard output")
    unknown(command)
    machine(command, default_device="cpu")


def report(command: argparse._ActionsContainer) -> None:
    """Add whether there is a report in the end."""
    command.add_argument("--no-report", action="store_true", help="leave out the report in the end, RUN/report.html")


def series(command: argparse._ActionsContainer, usual: int) -> None:
    """Add the steps whose weights are kept."""
    command.add_argument(
        "--series",
        type=int,
        nargs="?",
        const=usual,
        metavar="N",
        help=f"keep weights at up to N steps, further and further apart, for 'inspect --series' (alone: {usual})",
    )


def tensorboard(command: argparse._ActionsContainer) -> None:
    """Add what researchers watch training with."""
    command.add_argument(
        "--tensorboard", action="store_true", help="write RUN/tensorboard as well; needs the extra 'tensorboard'"
    )


def run(command: argparse.ArgumentParser) -> None:
    """Add the run or model file."""
    command.add_argument("run", type=run_path, metavar="RUN", help="run folder, or file that 'export' made")


def files(command: argparse._ActionsContainer, what: str) -> None:
    """Add the files to read, of which there may be several."""
    command.add_argument(
        "--file", dest="files", action="append", metavar="FILE", help=f"{what} ('-': stdin); may be repeated"
    )


def teachers(command: argparse._ActionsContainer) -> None:
    """Add the models that are learned from."""
    command.add_argument(
        "--teacher",
        dest="teachers",
        action="append",
        default=[],
        type=run_path,
        metavar="RUN",
        help="learn from this model's expectations too (distillation); may be repeated",
    )


def unknown(command: argparse._ActionsContainer) -> None:
    """Add what happens to symbols that are not known."""
    command.add_argument(
        "--unknown",
        choices=("error", "nearest", "skip"),
        default="error",
        help="for symbols the model does not know (default: %(default)s)",
    )


def machine(command: argparse.ArgumentParser, *, default_device: str | None = "auto") -> None:
    """Add where to run."""
    group = command.add_argument_group("machine")
    told = default_device or "the run's own"
    group.add_argument("--device", default=default_device, help=f"auto, cpu, cuda or mps (default: {told})")
    group.add_argument("--threads", type=int, help="processor threads (default: chosen by a trial)")


def model_file(command: argparse.ArgumentParser) -> None:
    """Add the file of a model that was sent along with a part of bulk work, where RUN is elsewhere."""
    command.add_argument("--model-file", type=Path, help=argparse.SUPPRESS)
