"""The arguments of every command. Nothing here imports PyTorch, so that --help is quick."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

Act = Callable[[argparse.Namespace], int]


def build_parser(acts: dict[str, Act]) -> argparse.ArgumentParser:
    """Build the parser; ``acts`` says what to call for each command."""
    parser = argparse.ArgumentParser(
        prog="ostinato",
        description="A workshop for recurrent sequence models: train one on any text, generate from it, score with it.",
        epilog="First time here? 'ostinato demo' trains a model in a minute and shows what it can do.",
    )
    parser.add_argument("--version", action="version", version=f"ostinato {version('ostinato')}")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND", dest="command")
    for add in (_demo, _train, _resume, _generate, _score, _evaluate, _join, _info, _runs, _export, _recipes, _data):
        command = add(commands)
        command.set_defaults(act=acts[command.prog.split()[-1]])
    return parser


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, text: str
) -> argparse.ArgumentParser:
    return commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")


def _demo(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    command = _command(commands, "demo", "train on a text that Python carries, for about a minute, and show the result")
    command.add_argument("--minutes", type=float, default=1.0, help="time for it (default: %(default)g)")
    command.add_argument("--out", type=Path, help="run folder to make (default: runs/demo)")
    _machine(command)
    return command


def _train(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    command = _command(commands, "train", "train a model on your own sequences")
    command.add_argument(
        "corpus", nargs="*", help="files, folders, globs, '-' (standard input), or names that 'data' lists"
    )
    command.add_argument("--recipe", default="char-lm", help="system to train (default: %(default)s); see 'recipes'")
    command.add_argument("--from", dest="base", type=Path, metavar="RUN", help="start from this run's weights")
    amount = command.add_mutually_exclusive_group()
    amount.add_argument("--minutes", type=float, help="wall time of all (default: 3)")
    amount.add_argument("--epochs", type=float, help="instead: passes over the training data")
    amount.add_argument("--steps", type=int, help="instead: training steps")
    command.add_argument("--out", type=Path, help="run folder to make (default: runs/NAME, after the corpus)")
    command.add_argument("--seed", type=int, default=1, help="where all randomness comes from (default: %(default)s)")
    command.add_argument(
        "--set", dest="settings", action="append", default=[], metavar="NAME=VALUE", help="a setting; may be repeated"
    )
    command.add_argument(
        "--valid", default="0.1", metavar="SHARE|FILE", help="share to set apart, or a file (default: %(default)s)"
    )
    command.add_argument("--json", action="store_true", help="one object per evaluation on standard output")
    _tensorboard(command)
    _reading(command)
    _unknown(command)
    _machine(command)
    return command


def _resume(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    command = _command(commands, "resume", "go on exactly where a run stopped, or train a finished run further")
    _run(command)
    command.add_argument("--minutes", type=float, help="train so long from now on")
    command.add_argument(
        "--corpus",
        nargs="+",
        default=[],
        metavar="FILE",
        help="the files it was made with, needed only where the corpus was too large for the run and is no longer "
        "in the cache",
    )
    command.add_argument("--valid", metavar="FILE", help="with --corpus: the validation file, if the run had one")
    command.add_argument("--json", action="store_true", help="one object per evaluation on standard output")
    _tensorboard(command)
    _reading(command)
    _machine(command, default_device=None)
    return command


def _generate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    command = _command(commands, "generate", "write new text")
    _run(command)
    prompt = command.add_mutually_exclusive_group()
    prompt.add_argument("--prompt", help="text to go on from (default: none)")
    prompt.add_argument("--prompt-file", type=Path, metavar="FILE", help="read the prompt from a file ('-': stdin)")
    command.add_argument("--prompt-tail", type=int, metavar="N", help="use only the last N characters of the prompt")
    command.add_argument("--length", type=int, default=500, help="most symbols to write (default: %(default)s)")
    command.add_argument("--samples", type=int, default=1, help="how many texts (default: %(default)s)")
    command.add_argument("--seed", type=int, help="same seed, same text; text n uses seed + n (default: a random one)")
    command.add_argument("--greedy", action="store_true", help="take the most probable symbol each time")
    command.add_argument("--temperature", type=float, help="above 0; below 1 is safer, above 1 is wilder")
    command.add_argument("--top-k", type=int, help="draw among the k most probable symbols")
    command.add_argument("--top-p", type=float, help="draw among the fewest symbols that reach probability p")
    command.add_argument("--min-p", type=float, help="draw among symbols at least p times as probable as the best")
    command.add_argument(
        "--rules", metavar="ORDER", help="order of these rules (default: temperature,top-k,top-p,min-p)"
    )
    command.add_argument("--stop", action="append", default=[], metavar="TEXT", help="end before TEXT; may be repeated")
    command.add_argument("--json", action="store_true", help="one object per text on standard output")
    _bulk(command)
    _unknown(command)
    _machine(command, default_device="cpu")
    return command


def _score(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    command = _command(commands, "score", "say how probable a text is, and where it surprises")
    _run(command)
    what = command.add_mutually_exclusive_group()
    what.add_argument("text", nargs="?", help="text to score")
    what.add_argument("--file", type=Path, help="score a file ('-': stdin); of items, every line by itself")
    command.add_argument("--per", choices=("symbol", "word", "line"), help="show each of these")
    command.add_argument("--json", action="store_true", help="one object per text on standard output")
    _bulk(command)
    _unknown(command)
    _machine(command, default_device="cpu")
    return command


def _evaluate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    command = _command(commands, "evaluate", "measure a model on held-out text, with a standard error")
    _run(command)
    command.add_argument("corpus", nargs="+", metavar="FILE", help="held-out text")
    command.add_argument(
        "--protocol",
        choices=("contiguous", "windows", "items"),
        help="contiguous: once through, state carried. windows: random 256-symbol windows, each from a fresh state. "
        "items: every item by itself (default: what fits the model)",
    )
    command.add_argument("--windows", type=int, help="for the windows protocol: how many to draw (default: 2000)")
    command.add_argument("--seed", type=int, help="for the windows protocol: chooses them (default: 1)")
    command.add_argument("--json", action="store_true", help="one object on standard output")
    _bulk(command)
    _reading(command, kind=False)
    _unknown(command)
    _machine(command, default_device="cpu")
    return command


def _join(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    command = _command(commands, "join", "join what the shards of an evaluation printed")
    command.add_argument("parts", nargs="+", type=Path, metavar="FILE", help="what each shard printed, in any order")
    command.add_argument("--json", action="store_true", help="one object on standard output")
    return command


def _info(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    command = _command(commands, "info", "tell all about a run or model file")
    _run(command)
    command.add_argument("--json", action="store_true", help="one object on standard output")
    command.add_argument("--plot", type=Path, metavar="FILE", help="draw its learning curves: .svg, .png or .pdf")
    return command


def _runs(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    command = _command(commands, "runs", "list the runs in a folder")
    command.add_argument("folder", nargs="?", type=Path, default=Path("runs"), help="(default: %(default)s)")
    command.add_argument("--json", action="store_true", help="one object per run on standard output")
    return command


def _export(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    command = _command(commands, "export", "put a run's best model into one file")
    _run(command)
    command.add_argument("file", type=Path, help="file to make, such as model.safetensors")
    return command


def _recipes(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    command = _command(commands, "recipes", "list the systems that can be trained, or one's settings")
    command.add_argument("name", nargs="?", help="recipe to show")
    return command


def _data(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    command = _command(commands, "data", "list the corpora and data sets that have a name, and what is kept on disk")
    command.add_argument("name", nargs="?", help="data set to tell about")
    command.add_argument("--print", action="store_true", help="print its text")
    command.add_argument("--fetch", action="store_true", help="download it now")
    command.add_argument("--cache", action="store_true", help="list encoded corpora and downloads that are kept")
    command.add_argument("--prune", metavar="WHICH", help="remove from there: a name, 'all', or days unused")
    return command


def _tensorboard(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--tensorboard", action="store_true", help="write RUN/tensorboard as well; needs ostinato[tensorboard]"
    )


def _bulk(command: argparse.ArgumentParser) -> None:
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
        help="do the parts on a Ray cluster (default address: one started here for the time); needs ostinato[ray]",
    )
    group.add_argument(
        "--parts", type=int, metavar="N", help="for --ray: how many parts (default: 4 for each processor)"
    )
    group.add_argument("--model-file", type=Path, help=argparse.SUPPRESS)  # the model, where RUN is elsewhere


def _run(command: argparse.ArgumentParser) -> None:
    command.add_argument("run", type=Path, metavar="RUN", help="run folder, or file that 'export' made")


def _reading(command: argparse.ArgumentParser, *, kind: bool = True) -> None:
    group = command.add_argument_group("reading")
    group.add_argument("--encoding", default="utf-8", help="of the files (default: %(default)s)")
    group.add_argument(
        "--errors", choices=("strict", "replace", "ignore"), default="strict", help="for bytes that do not decode"
    )
    group.add_argument("--column", help="of CSV and JSONL: the column that holds the text")
    if kind:
        group.add_argument("--as", dest="kind", choices=("text", "items"), help="running text, or one item per line")


def _unknown(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--unknown",
        choices=("error", "nearest", "skip"),
        default="error",
        help="for symbols the model does not know (default: %(default)s)",
    )


def _machine(command: argparse.ArgumentParser, *, default_device: str | None = "auto") -> None:
    group = command.add_argument_group("machine")
    told = default_device or "the run's own"
    group.add_argument("--device", default=default_device, help=f"auto, cpu, cuda or mps (default: {told})")
    group.add_argument("--threads", type=int, help="processor threads (default: all cores)")
