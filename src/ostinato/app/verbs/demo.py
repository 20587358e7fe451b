"""``demo``: a first model in a minute, from a text that every Python carries."""

from __future__ import annotations

import shlex
from argparse import ArgumentParser, Namespace
from pathlib import Path

from rich.markup import escape
from rich.panel import Panel
from rich.text import Text

from ostinato.app.following import follow, free_folder
from ostinato.app.options import groups
from ostinato.app.process import prepare_torch
from ostinato.app.terminal.console import Console
from ostinato.data import digest, read_corpus

_CORPUS = "python-docs"
_PROMPT = "The "
_SENTENCE = "If the object is a function, a new list is returned by zebras."
_TEMPERATURES = {0.4: "careful", 0.8: "balanced", 1.1: "daring"}
_LENGTH = 300


EXAMPLES = """\
ostinato demo
ostinato demo --minutes 0.5 --out runs/first
"""


def arguments(command: ArgumentParser) -> None:
    """Add the arguments."""
    command.add_argument("--minutes", type=float, default=1.0, help="time for it (default: %(default)g)")
    command.add_argument("--out", type=Path, help="run folder to make (default: runs/demo)")
    groups.machine(command)


def act(args: Namespace) -> int:
    """Train for about a minute, then show samples, a scored sentence, and what to try next."""
    console = Console()
    corpus = read_corpus([_CORPUS])
    console.print(
        f"Learning to write like Python's language reference ({corpus.size:,} characters, sha256 "
        f"{digest(''.join(corpus.texts))[:12]}…), one character at a time.\nThe loss is in bits per character: "
        "8 would be random bytes, 2 is someone who can spell, and lower is better.\n",
        highlight=False,
        soft_wrap=not console.is_terminal,
    )
    with console.status("setting up"):
        from ostinato.workshop.start import train

        prepare_torch(args.threads)
        out = args.out or free_folder(Path("runs"), "demo")
        training = train(
            corpus,
            out=out,
            minutes=args.minutes,
            device=args.device,
            started=args.started,
            command=args.command_line,
            report=True,
        )
    status = follow(training, console, hints=False)
    if status:
        return status
    _print_samples(console, out)
    _print_score(console, out)
    where = escape(shlex.quote(str(out)))
    console.print(
        f"\nThe model lies in [bold]{where}[/]. Three things to try next:\n\n"
        f'  ostinato generate {where} --prompt "Lists are " --temperature 0.7\n'
        f'  ostinato score {where} "A class is an object." --per word\n'
        "  ostinato train YOUR_OWN_TEXT.txt --minutes 3\n",
        highlight=False,
        soft_wrap=not console.is_terminal,
    )
    return 0


def _print_samples(console: Console, out: Path) -> None:
    from ostinato.families.text.model import TextModel

    model = TextModel.open(out)
    for temperature, word in _TEMPERATURES.items():
        sample = model.generate(_PROMPT, length=_LENGTH, temperature=temperature, seed=7)
        text = Text.assemble((_PROMPT, "bold"), sample.text)
        console.print(Panel(text, title=f"temperature {temperature:g}: {word}", title_align="left"))


def _print_score(console: Console, out: Path) -> None:
    from ostinato.app.scores import print_score
    from ostinato.families.text.model import TextModel

    result = TextModel.open(out).score(_SENTENCE, unknown="nearest")
    console.print("\nWhat surprises the model in a sentence (green: expected, red: not at all):\n")
    print_score(console, result)
    words = sorted(result.per("word"), key=lambda part: part.log_prob)[:2]
    told = " and ".join(f"'{part.text.strip()}' ({part.bits_per_symbol:.1f} bits per character)" for part in words)
    console.print(
        f"\nmost surprising: {told}; the whole: {result.bits_per_symbol:.2f} bits per character", markup=False
    )
