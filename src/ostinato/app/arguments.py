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
    for add in _COMMANDS:
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
    prompt.add_argument("--prompts", type=Path, metavar="FILE", help="go on from every line of a file ('-': stdin)")
    command.add_argument("--prompt-tail", type=int, metavar="N", help="use only the last N characters of the prompt")
    command.add_argument("--length", type=int, default=500, help="most symbols to write (default: %(default)s)")
    command.add_argument("--samples", type=int, default=1, help="how many texts (default: %(default)s)")
    command.add_argument("--seed", type=int, help="same seed, same text; text n uses seed + n (default: a random one)")
    command.add_argument("--stop", action="append", default=[], metavar="TEXT", help="end before TEXT; may be repeated")
    command.add_argument("--json", action="store_true", help="one object per text on standard output")
    command.add_argument("--novelty", action="store_true", help="tell what is copied from the training text")
    command.add_argument(
        "--engine",
        choices=("auto", "compiled", "torch"),
        default="auto",
        help="what writes: compiled code, PyTorch, or compiled code where it can (default: %(default)s)",
    )
    command.add_argument(
        "--precision", choices=("int8", "fp32"), help="of compiled code (default: int8); fp32 writes what PyTorch does"
    )
    _adapting(command)
    _search(command)
    _rules(command)
    _constraints(command)
    _bulk(command)
    _unknown(command)
    _machine(command, default_device="cpu")
    return command


def _search(command: argparse.ArgumentParser) -> None:
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


def _rules(command: argparse.ArgumentParser) -> None:
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


def _constraints(command: argparse.ArgumentParser) -> None:
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


def _score(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    command = _command(commands, "score", "say how probable a text is, and where it surprises")
    _run(command)
    what = command.add_mutually_exclusive_group()
    what.add_argument("text", nargs="?", help="text to score")
    what.add_argument("--file", type=Path, help="score a file ('-': stdin); of items, every line by itself")
    command.add_argument("--per", choices=("symbol", "word", "line"), help="show each of these")
    command.add_argument("--alternatives", type=int, metavar="N", help="at every place: rank, entropy, the N best")
    command.add_argument("--surprising", type=int, metavar="N", help="the N most surprising words (or other --per)")
    command.add_argument("--compare", type=Path, metavar="RUN", help="beside another model, by word (or other --per)")
    command.add_argument("--html", type=Path, metavar="FILE", help="write a heat map: one page that needs nothing else")
    command.add_argument("--json", action="store_true", help="one object per text on standard output")
    _adapting(command)
    _bulk(command)
    _unknown(command)
    _machine(command, default_device="cpu")
    return command


def _novelty(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    command = _command(commands, "novelty", "tell what a text copies from the training text")
    _run(command)
    command.add_argument("file", nargs="?", type=Path, help="text ('-': stdin); of items, lines (default: samples)")
    command.add_argument("--samples", type=int, metavar="N", help="without FILE: how many texts to write (default: 8)")
    command.add_argument("--length", type=int, metavar="N", help="without FILE: most symbols of each (default: 500)")
    command.add_argument("--seed", type=int, help="without FILE: of the first text (default: 1)")
    command.add_argument("--json", action="store_true", help="one object per text on standard output")
    _unknown(command)
    _machine(command, default_device="cpu")
    command.set_defaults(model_file=None)
    return command


def _rerank(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    command = _command(commands, "rerank", "order the lines of a file, the most probable first")
    _run(command)
    command.add_argument("file", type=Path, metavar="FILE", help="one text per line ('-': stdin)")
    command.add_argument("--context", default="", metavar="TEXT", help="what stands before each (default: nothing)")
    command.add_argument(
        "--by", choices=("total", "per-symbol"), default="total", help="which log probability (default: %(default)s)"
    )
    _ranked(command)
    return command


def _infill(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    command = _command(commands, "infill", "propose what may stand in a gap of a text")
    _run(command)
    command.add_argument("text", help="text with one gap")
    command.add_argument("--gap", default="___", metavar="MARK", help="what marks it (default: %(default)s)")
    command.add_argument("--candidates", type=Path, metavar="FILE", help="what may stand there, one per line")
    command.add_argument("--samples", type=int, metavar="N", help="texts to draw for it (default: 64)")
    command.add_argument("--length", type=int, metavar="N", help="most symbols of each (default: 20)")
    command.add_argument("--seed", type=int, help="of the first (default: 1)")
    _ranked(command)
    return command


def _ranked(command: argparse.ArgumentParser) -> None:
    command.add_argument("--top", type=int, metavar="N", help="show only the best N")
    command.add_argument("--json", action="store_true", help="one object per text on standard output")
    _unknown(command)
    _machine(command, default_device="cpu")
    command.set_defaults(model_file=None)


def _evaluate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    command = _command(commands, "evaluate", "measure a model on held-out text, with a standard error")
    _run(command)
    command.add_argument("corpus", nargs="+", metavar="FILE", help="held-out text")
    command.add_argument(
        "--protocol",
        choices=("contiguous", "windows", "items", "dynamic"),
        help="contiguous: once through, state carried. windows: random 256-symbol windows, each from a fresh state. "
        "items: every item by itself. dynamic: once through, learning from what was read; not comparable with the "
        "others (default: what fits the model)",
    )
    command.add_argument("--windows", type=int, help="for the windows protocol: how many to draw (default: 2000)")
    command.add_argument("--seed", type=int, help="for the windows protocol: chooses them (default: 1)")
    command.add_argument("--json", action="store_true", help="one object on standard output")
    group = _adapting(command, of_protocol=True)
    group.add_argument(
        "--counts", action="store_true", help="mix with counts of what followed what, of the training text and this one"
    )
    group.add_argument("--cache", type=int, metavar="N", help="mix with a neural cache of the last N places")
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


def _adapting(command: argparse.ArgumentParser, *, of_protocol: bool = False) -> argparse._ArgumentGroup:
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


#: In the order in which --help lists them.
_COMMANDS = (
    _demo,
    _train,
    _resume,
    _generate,
    _novelty,
    _score,
    _rerank,
    _infill,
    _evaluate,
    _join,
    _info,
    _runs,
    _export,
    _recipes,
    _data,
)
