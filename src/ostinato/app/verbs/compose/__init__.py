"""``compose``: new music. What it is and how it is asked for differs by family: each has a module of its name here."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from importlib import import_module
from pathlib import Path

from ostinato.app.options import groups
from ostinato.app.options.families import add_family_options, given_options
from ostinato.app.process import load_model

EXAMPLES = """\
ostinato compose runs/tunes --rhythm jig --key G --out jig.html
ostinato compose runs/tunes --tunes 50 --best 5 --out best.abc
ostinato compose runs/tunes --from jig.abc --lock 1-4
ostinato compose runs/chorales --seconds 30 --out chorale.mid
"""


def arguments(command: ArgumentParser) -> None:
    """Add the arguments."""
    groups.run(command)
    command.add_argument("--tunes", type=int, default=1, help="how many (default: %(default)s)")
    command.add_argument("--seed", type=int, help="same seed, same tune; of N tunes the next ones have the next seeds")
    command.add_argument("--bars", type=int, help="bars (of a folk tune: of each part, 8; 0: any)")
    command.add_argument("--start", default="", metavar="ABC|FILE", help="how it begins: notes in ABC; a MIDI file")
    command.add_argument("--tempo", type=int, metavar="N", help="beats a minute (default: that of the dance; 100)")
    command.add_argument("--temperature", type=float, default=1.0, help="higher is wilder (default: %(default)g)")
    command.add_argument(
        "--out", type=Path, action="append", default=[], metavar="FILE",
        help="write to FILE.mid, .wav, .svg or .html (a page with sound); tunes .abc, .musicxml; rolls .npy; repeated",
    )  # fmt: skip
    command.add_argument("--json", action="store_true", help="one object per tune on standard output")
    add_family_options(command, "compose")
    groups.machine(command, default_device="cpu")


def act(args: Namespace) -> int:
    """Compose with a model of its family."""
    model = load_model(args)
    family = model.recipe.family
    options = given_options(args, "compose", family)
    status: int = import_module(f"{__name__}.{family.name}").act(args, model, options)
    return status
