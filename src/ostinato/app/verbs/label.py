"""``label``: the labels of texts, recordings or arrays."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ostinato.app.options import groups
from ostinato.app.process import load_model
from ostinato.app.reading import read_file
from ostinato.app.terminal.console import Console
from ostinato.app.terminal.output import as_json
from ostinato.app.terminal.working import WorkView
from ostinato.codecs.spelled import COLUMN
from ostinato.config import at_least
from ostinato.data.frames import Frames
from ostinato.data.pairs import lines_of
from ostinato.errors import ConfigError
from ostinato.families.labels.reading import read_columns, read_sequences

if TYPE_CHECKING:
    from ostinato.families.labels.annotator import Annotator


EXAMPLES = """\
ostinato label runs/tags "The dog barks ."
ostinato label runs/digits recording.wav --json
"""


def arguments(command: ArgumentParser) -> None:
    """Add the arguments."""
    groups.run(command)
    command.add_argument(
        "sources",
        nargs="*",
        metavar="TEXT|FILE",
        help="texts, recordings (.wav, .flac, .ogg, .mp3) or arrays (.npy, .npz); default: standard input, by lines",
    )
    command.add_argument("--file", type=Path, help="a text per line ('-': stdin)")
    command.add_argument(
        "--beam", type=int, metavar="K", help="of labels without a place (recipe ctc): keep the K best beginnings"
    )
    command.add_argument("--json", action="store_true", help="one object per sequence on standard output")
    groups.unknown(command)
    groups.machine(command, default_device="cpu")


def act(args: Namespace) -> int:
    """Print the labels of texts, recordings or arrays."""
    if args.beam is not None:
        at_least("--beam", args.beam, 1)
    model = load_model(args)
    names, sources = _sources(args, model)
    with WorkView(Console(stderr=True)) as view:
        labellings = model.label(
            sources, beam=args.beam, unknown=args.unknown, tick=lambda done, total: view.watch("labelling", done, total)
        )
    for name, labelling in zip(names, labellings, strict=True):
        if args.json:
            print(as_json({"source": name, **labelling.plain()}))
        else:
            told = labelling.describe(model.between)
            print(told if labelling.words or len(names) == 1 else f"{name}\t{told}")
    return 0


def _sources(args: Namespace, model: Annotator) -> tuple[list[str], Sequence[str] | Frames]:
    """Return the names of what is to be labelled, and the sources."""
    if args.sources and args.file is not None:
        raise ConfigError("give TEXT or FILE, or --file, and not both")
    reading = model.settings.reading()
    if model.reads_frames:
        if not args.sources:
            raise ConfigError("name what to label: recordings (.wav, .flac, .ogg, .mp3) or arrays (.npy, .npz)")
        sequences = [pair for source in args.sources for pair in read_sequences(source, reading)]
        return [name for name, _ in sequences], Frames.joined([own for _, own in sequences])
    if args.sources:
        return list(args.sources), list(args.sources)
    if reading.columns > 1:
        sentences = read_columns(str(args.file or "-"), reading)
    else:
        sentences = [line for line in lines_of(read_file(args.file or "-")) if line.strip()]
    if not sentences:
        raise ConfigError("there is nothing to label: no line has any text")
    return [text.replace(COLUMN, " ") for text in sentences], sentences
