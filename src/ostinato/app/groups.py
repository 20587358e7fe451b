"""Groups of arguments that commands share. Nothing here imports PyTorch, so that --help is quick."""

from __future__ import annotations

import argparse
from pathlib import Path


def search(command: argparse.ArgumentParser) -> None:
    """Add how to search."""
    group = command.add_argument_group("search (default: draw symbol by symbol)")
    group.add_argument("--greedy", action="store_true", help="take the most probable symbol each time")
    group.add_argument("--beam", type=int, metavar="K", help="keep the K best beginnings")
    group.add_argument("--n-best", type=int, metavar="N", help="of a beam: give the N best texts")
    group.add_argument("--length-power", type=float, metavar="A", help="of a beam: compare by log prob / symbols^A")
    group.add_argument("--gnmt", type=float, metavar="A", help="of a beam: compare by GNMT's formula")
    group.add_argument(
        "--patience", type=float, metavar="P", help="of a beam: stop at P x K texts (default: when none can be better)"
    )
    group.add_argument("--diverse", type=int, metavar="G", help="of a beam: in G groups that avoid each other")
    group.add_argument("--strength", type=float, metavar="S", help="of --diverse: how much, in nats (default: 0.5)")
    group.add_argument("--draw", action="store_true", help="of a beam: draw the beginnings that are kept")
    group.add_argument("--stochastic", action="store_true", help="of a beam: K different samples, without replacement")
    group.add_argument("--watch", action="store_true", help="of a beam: see the beginnings compete in the terminal")
    group.add_argument("--best-of", type=int, metavar="N", help="of N samples give the best")
    group.add_argument(
        "--by", choices=("total", "per-symbol"), help="of --best-of: by which log probability (default: total)"
    )
    group.add_argument("--exact", action="store_true", help="draw exactly as the model does, given the constraint")


def rules(command: argparse.ArgumentParser) -> None:
    """Add what may be chosen."""
    group = command.add_argument_group("rules, applied in order")
    group.add_argument("--temperature", metavar="T", help="above 0; below 1 is safer; or a schedule: 0:1.2,40:0.6")
    group.add_argument("--top-k", type=int, metavar="K", help="draw among the K most probable symbols")
    group.add_argument("--top-p", type=float, metavar="P", help="draw among the fewest symbols that reach P")
    group.add_argument("--min-p", type=float, metavar="P", help="draw among symbols P times as probable as the best")
    group.add_argument("--typical", type=float, metavar="P", help="draw among the most typical symbols that reach P")
    group.add_argument("--epsilon", type=float, metavar="P", help="draw among symbols at least P probable")
    group.add_argument("--eta", type=float, metavar="P", help="the same, with a bar that falls with entropy")
    group.add_argument("--mirostat", type=float, metavar="BITS", help="steer the surprise to BITS per symbol")
    group.add_argument("--mirostat-rate", type=float, metavar="R", help="how fast (default: 0.1)")
    group.add_argument("--repetition-penalty", type=float, metavar="R", help="for symbols in the window; above 1")
    group.add_argument("--presence-penalty", type=float, metavar="X", help="nats, for symbols in the window")
    group.add_argument("--frequency-penalty", type=float, metavar="X", help="nats, for each time in the window")
    group.add_argument("--penalty-window", type=int, metavar="N", help="symbols the three look back (default: 64)")
    group.add_argument("--no-repeat", type=int, metavar="N", help="no sequence of N symbols twice")
    group.add_argument("--dry", type=float, metavar="X", help="nats against making a repeat longer")
    group.add_argument("--dry-base", type=float, metavar="B", help="times B for each symbol (default: 1.75)")
    group.add_argument("--dry-allowed", type=int, metavar="N", help="repeats that go unpunished (default: 2)")
    group.add_argument(
        "--bias", action="append", default=[], metavar="SYMBOL=X", help="nats for one symbol; may be repeated"
    )
    group.add_argument("--min-length", type=int, metavar="N", help="of items: no end before N symbols")
    group.add_argument("--no-end", action="store_true", help="of items: no end before the length")
    group.add_argument("--end-bias", type=float, metavar="X", help="of items: nats for the end")
    group.add_argument(
        "--max-copy", type=int, metavar="N", help="copy at most N symbols in a row from the training text"
    )
    group.add_argument("--keep-index", action="store_true", help="of --max-copy: keep its index in the run folder")
    group.add_argument(
        "--rules",
        nargs="?",
        const="",
        metavar="ORDER",
        help="show the rules in their order, or set it: names and commas",
    )


def constraints(command: argparse.ArgumentParser) -> None:
    """Add what texts have to match."""
    group = command.add_argument_group("constraints: every text that ends fulfils them")
    group.add_argument("--match", metavar="REGEX", help="the new text matches a regular expression, as a whole")
    group.add_argument("--lexicon", type=Path, metavar="FILE", help="only words of this file")
    group.add_argument(
        "--brackets",
        nargs="?",
        const='()[]{}""',
        metavar="PAIRS",
        help="what opens closes (default pairs: round, square, curly, double quotes)",
    )
    group.add_argument("--max-line", type=int, metavar="N", help="lines of at most N characters")
    group.add_argument("--ban", action="append", default=[], metavar="TEXT", help="never write TEXT; may be repeated")


def ranked(command: argparse.ArgumentParser) -> None:
    """Add what commands that order texts share."""
    command.add_argument("--top", type=int, metavar="N", help="show only the best N")
    command.add_argument("--json", action="store_true", help="one object per text on standard output")
    unknown(command)
    machine(command, default_device="cpu")


def adapting(command: argparse.ArgumentParser, *, of_protocol: bool = False) -> argparse._ArgumentGroup:
    """Add how to adapt: to a file that is read first, or in the dynamic protocol; return the group."""
    where = "the dynamic protocol: learning from what was read" if of_protocol else "adapting to a text of yours"
    group = command.add_argument_group(where)
    if not of_protocol:
        group.add_argument("--adapt", type=Path, metavar="FILE", help="first read this and learn from it; RUN stays")
    group.add_argument(
        "--adapt-method",
        choices=("rms", "sgd"),
        help="rms: each weight by its gradient's usual size; sgd: all alike (default: rms)",
    )
    group.add_argument("--adapt-rate", type=float, metavar="R", help="how fast (default: 0.001 for rms, 0.05 for sgd)")
    group.add_argument("--adapt-decay", type=float, metavar="D", help="back to the trained weights (default: 0.002)")
    group.add_argument("--adapt-segment", type=int, metavar="N", help="symbols between two changes (default: 20)")
    return group


def report(command: argparse.ArgumentParser) -> None:
    """Add whether there is a report in the end."""
    command.add_argument("--no-report", action="store_true", help="leave out the report in the end, RUN/report.html")


def tensorboard(command: argparse.ArgumentParser) -> None:
    """Add what researchers watch training with."""
    command.add_argument(
        "--tensorboard", action="store_true", help="write RUN/tensorboard as well; needs the extra 'tensorboard'"
    )


def bulk(command: argparse.ArgumentParser) -> None:
    """Add how bulk work is divided."""
    group = command.add_argument_group("bulk work")
    group.add_argument(
        "--shard",
        metavar="PART/PARTS",
        help="do one part, such as 1/4; the outputs of all parts, joined, are the whole",
    )
    group.add_argument(
        "--ray",
        metavar="ADDRESS",
        nargs="?",
        const="local",
        help="do the parts on a Ray cluster (default address: one started here for the time); needs the extra 'ray'",
    )
    group.add_argument(
        "--parts", type=int, metavar="N", help="for --ray: how many parts (default: 4 for each processor)"
    )
    group.add_argument("--model-file", type=Path, help=argparse.SUPPRESS)  # the model, where RUN is elsewhere


def run(command: argparse.ArgumentParser) -> None:
    """Add the run or model file."""
    command.add_argument("run", type=Path, metavar="RUN", help="run folder, or file that 'export' made")
    command.set_defaults(others=[], model_file=None)


def teachers(command: argparse.ArgumentParser) -> None:
    """Add the models that are learned from."""
    command.add_argument(
        "--teacher",
        dest="teachers",
        action="append",
        default=[],
        type=Path,
        metavar="RUN",
        help="learn from this model's expectations too (distillation); may be repeated",
    )


def others(command: argparse.ArgumentParser) -> None:
    """Add more runs, whose mean is taken."""
    command.add_argument(
        "--with",
        dest="others",
        action="append",
        type=Path,
        metavar="RUN",
        help="another run: the mean of all is taken; may be repeated",
    )


def reading(command: argparse.ArgumentParser, *, kind: bool = True) -> None:
    """Add how files are read."""
    group = command.add_argument_group("reading")
    group.add_argument("--encoding", default="utf-8", help="of the files (default: %(default)s)")
    group.add_argument(
        "--errors", choices=("strict", "replace", "ignore"), default="strict", help="for bytes that do not decode"
    )
    group.add_argument("--column", help="of CSV and JSONL: the column that holds the text")
    if kind:
        group.add_argument("--as", dest="kind", choices=("text", "items"), help="running text, or one item per line")


def pairs(command: argparse.ArgumentParser) -> None:
    """Add how pairs of source and target are read."""
    group = command.add_argument_group(
        "pairs and labelled sequences: lines of source, tab, target; JSON lines; two files; columns; arrays"
    )
    group.add_argument("--pairs", type=int, metavar="N", help="only the first N")
    group.add_argument("--longest", type=int, metavar="N", help="most characters of a side")
    group.add_argument("--lower", action="store_true", help="in small letters")
    group.add_argument("--skip-bad-pairs", action="store_true", help="leave wrong ones out and count them")


def unknown(command: argparse.ArgumentParser) -> None:
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
