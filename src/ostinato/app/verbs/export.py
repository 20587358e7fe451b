"""``export``: a run's best model in one file. Needs no PyTorch."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from ostinato.app.options import groups
from ostinato.app.terminal.output import shown
from ostinato.runs import export as export_model
from ostinato.runs import read_model

EXAMPLES = """\
ostinato export runs/book book.safetensors
"""


def arguments(command: ArgumentParser) -> None:
    """Add the arguments."""
    groups.run(command)
    command.add_argument("file", type=Path, help="file to make, such as model.safetensors")


def act(args: Namespace) -> int:
    """Put a run's best model into one file."""
    model = read_model(args.run)
    for warning in model.warnings:
        print(f"warning: {shown(warning)}", file=sys.stderr)
    export_model(model, args.file)
    print(f"{args.file}: {args.file.stat().st_size:,} bytes; every command takes it in place of the run folder")
    return 0
