"""The arguments of every command. Nothing here imports PyTorch, so that --help is quick."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from ostinato.app import groups

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
    groups.machine(command)
    return command


def _train(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    command = _command(commands, "train", "train a model on your own sequences")
    command.add_argument(
        "corpus", nargs="*", help="files, folders, globs, '-' (standard input), or names that 'data' lists"
    )
    command.add_argument("--recipe", help="system to train (default: char-lm, or that of --from); see 'recipes'")
    command.add_argument("--from", dest="base", type=Path, metavar="RUN", help="start from this run's weights")
    groups.teachers(command)
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
    groups.report(command)
    groups.tensorboard(command)
    groups.reading(command)
    groups.pairs(command)
    groups.unknown(command)
    groups.machine(command)
    return command


def _resume(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    command = _command(commands, "resume", "go on exactly where a run stopped, or train a finished run further")
    groups.run(command)
    command.add_argument("--minutes", type=float, help="train so long from now on")
    groups.teachers(command)
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
    groups.report(command)
    groups.tensorboard(command)
    groups.reading(command)
    groups.machine(command, default_device=None)
    return command


def _generate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    command = _command(commands, "generate", "write new text")
    groups.run(command)
    command.add_argument("others", nargs="*", type=Path, metavar="RUN", help="more runs: the mean of all writes")
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
    groups.adapting(command)
    groups.search(command)
    groups.rules(command)
    groups.constraints(command)
    groups.bulk(command)
    groups.unknown(command)
    groups.machine(command, default_device="cpu")
    return command


def _compose(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    command = _command(commands, "compose", "compose tunes whose every bar adds up, with a model of recipe 'folk'")
    groups.run(command)
    command.add_argument("--rhythm", default="", metavar="DANCE", help="kind of dance, such as jig or reel")
    command.add_argument("--meter", help="such as 6/8 (default: that of the rhythm, or 4/4)")
    command.add_argument("--key", default="D", help="tonic and mode, such as D, Ador, Emin (default: %(default)s)")
    command.add_argument("--mode", help="mode, if --key names the tonic only: maj, min, dor, mix, …")
    command.add_argument("--form", default="AABB", help="parts, each once or twice ('': any; default: %(default)s)")
    command.add_argument("--bars", type=int, default=8, help="bars of each part (0: any; default: %(default)s)")
    command.add_argument("--start", default="", metavar="ABC", help="how it begins: notes in that key, L:1/8")
    command.add_argument("--range", default="", metavar="NAME", help="instrument: fiddle, whistle, flute or pipes")
    command.add_argument("--cadence", default="", choices=("", "tonic", "dominant"), help="what it ends on")
    command.add_argument("--title", default="", help="title (default: the model finds one)")
    command.add_argument(
        "--max-copy-bars", type=float, default=0, metavar="N", help="copy no longer run of notes from a training tune"
    )
    command.add_argument("--from", dest="base", type=Path, metavar="FILE", help="change the tune of this ABC file")
    what = command.add_mutually_exclusive_group()
    what.add_argument("--lock", default="", metavar="BARS", help="with --from: bars that stay, such as 1-4,7")
    what.add_argument("--vary", type=float, metavar="D", help="with --from: change about this share of the notes")
    command.add_argument("--tunes", type=int, default=1, help="how many (default: %(default)s)")
    command.add_argument("--seed", type=int, help="same seed, same tune; of N tunes the next ones have the next seeds")
    command.add_argument("--temperature", type=float, default=1.0, help="higher is wilder (default: %(default)g)")
    command.add_argument("--best", type=int, metavar="N", help="judge the tunes and keep the N best, best first")
    command.add_argument(
        "--out", type=Path, action="append", default=[], metavar="FILE",
        help="write to FILE.abc, .mid, .musicxml, .wav, .svg or .html (a page with score and sound); may be repeated",
    )  # fmt: skip
    command.add_argument(
        "--sound", choices=("auto", "strings", "fluidsynth"), default="auto",
        help="what plays .wav: plucked strings, FluidSynth, or that if it is installed (default: %(default)s)",
    )  # fmt: skip
    command.add_argument("--json", action="store_true", help="one object per tune on standard output")
    groups.machine(command, default_device="cpu")
    return command


def _translate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    command = _command(commands, "translate", "write the target that a model of pairs finds for a source")
    groups.run(command)
    what = command.add_mutually_exclusive_group()
    what.add_argument("text", nargs="?", help="source (default: standard input, a source per line)")
    what.add_argument("--file", type=Path, help="a source per line ('-': stdin)")
    command.add_argument("--beam", type=int, metavar="K", help="keep the K best beginnings (default: the best alone)")
    command.add_argument("--n-best", type=int, metavar="N", help="of a beam: give the N best targets")
    command.add_argument("--length-power", type=float, metavar="A", help="of a beam: compare by log prob / symbols^A")
    command.add_argument("--gnmt", type=float, metavar="A", help="of a beam: compare by GNMT's formula")
    command.add_argument(
        "--replace-unknown", action="store_true", help="put the source word attended to in place of unknown ones"
    )
    command.add_argument("--attention", action="store_true", help="show what of the source was read for each symbol")
    command.add_argument(
        "--plot", type=Path, metavar="FILE", help="draw that: .svg, .png, .pdf or .html; of one source"
    )
    command.add_argument("--json", action="store_true", help="one object per target on standard output")
    groups.unknown(command)
    groups.machine(command, default_device="cpu")
    return command


def _label(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    command = _command(
        commands, "label", "say what label a sequence has, or which its words have, with a model of labels"
    )
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
    return command


def _score(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    command = _command(commands, "score", "say how probable a text is, and where it surprises")
    groups.run(command)
    groups.others(command)
    what = command.add_mutually_exclusive_group()
    what.add_argument("text", nargs="?", help="text to score")
    what.add_argument("--file", type=Path, help="score a file ('-': stdin); of items, every line by itself")
    command.add_argument("--per", choices=("symbol", "word", "line"), help="show each of these")
    command.add_argument("--alternatives", type=int, metavar="N", help="at every place: rank, entropy, the N best")
    command.add_argument("--surprising", type=int, metavar="N", help="the N most surprising words (or other --per)")
    command.add_argument("--compare", type=Path, metavar="RUN", help="beside another model, by word (or other --per)")
    command.add_argument("--html", type=Path, metavar="FILE", help="write a heat map: one page that needs nothing else")
    command.add_argument("--json", action="store_true", help="one object per text on standard output")
    groups.adapting(command)
    groups.bulk(command)
    groups.unknown(command)
    groups.machine(command, default_device="cpu")
    return command


def _tunes(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    command = _command(
        commands, "tunes", "tell what tunebooks hold: what can be learned from, what adds up, what is copied"
    )
    command.add_argument("files", nargs="+", type=Path, metavar="FILE", help="tunebooks in ABC notation")
    command.add_argument("--all", action="store_true", help="name every tune that is left out, and why")
    command.add_argument(
        "--beside", type=Path, metavar="RUN", help="judge each tune beside those that a run has learned"
    )
    command.add_argument(
        "--plot", type=Path, metavar="FILE", help="with --beside: draw how often which notes and steps occur"
    )
    command.add_argument("--json", action="store_true", help="objects on standard output: the report, then each tune")
    return command


def _novelty(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    command = _command(commands, "novelty", "tell what a text copies from the training text")
    groups.run(command)
    command.add_argument("file", nargs="?", type=Path, help="text ('-': stdin); of items, lines (default: samples)")
    command.add_argument("--samples", type=int, metavar="N", help="without FILE: how many texts to write (default: 8)")
    command.add_argument("--length", type=int, metavar="N", help="without FILE: most symbols of each (default: 500)")
    command.add_argument("--seed", type=int, help="without FILE: of the first text (default: 1)")
    command.add_argument("--json", action="store_true", help="one object per text on standard output")
    groups.unknown(command)
    groups.machine(command, default_device="cpu")
    return command


def _rerank(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    command = _command(commands, "rerank", "order the lines of a file, the most probable first")
    groups.run(command)
    command.add_argument("file", type=Path, metavar="FILE", help="one text per line ('-': stdin)")
    command.add_argument("--context", default="", metavar="TEXT", help="what stands before each (default: nothing)")
    command.add_argument(
        "--by", choices=("total", "per-symbol"), default="total", help="which log probability (default: %(default)s)"
    )
    groups.ranked(command)
    return command


def _infill(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    command = _command(commands, "infill", "propose what may stand in a gap of a text")
    groups.run(command)
    command.add_argument("text", help="text with one gap")
    command.add_argument("--gap", default="___", metavar="MARK", help="what marks it (default: %(default)s)")
    command.add_argument("--candidates", type=Path, metavar="FILE", help="what may stand there, one per line")
    command.add_argument("--samples", type=int, metavar="N", help="texts to draw for it (default: 64)")
    command.add_argument("--length", type=int, metavar="N", help="most symbols of each (default: 20)")
    command.add_argument("--seed", type=int, help="of the first (default: 1)")
    groups.ranked(command)
    return command


def _evaluate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    command = _command(commands, "evaluate", "measure a model on held-out text, with a standard error")
    groups.run(command)
    groups.others(command)
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
    command.add_argument(
        "--beam",
        type=int,
        metavar="K",
        help="of pairs, and of recipe ctc: search with a beam (default: the best step by step)",
    )
    command.add_argument("--json", action="store_true", help="one object on standard output")
    groups.pairs(command)
    group = groups.adapting(command, of_protocol=True)
    group.add_argument(
        "--counts", action="store_true", help="mix with counts of what followed what, of the training text and this one"
    )
    group.add_argument("--cache", type=int, metavar="N", help="mix with a neural cache of the last N places")
    groups.bulk(command)
    groups.reading(command, kind=False)
    groups.unknown(command)
    groups.machine(command, default_device="cpu")
    return command


def _join(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    command = _command(commands, "join", "join what the shards of an evaluation printed")
    command.add_argument("parts", nargs="+", type=Path, metavar="FILE", help="what each shard printed, in any order")
    command.add_argument("--json", action="store_true", help="one object on standard output")
    return command


def _report(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    command = _command(
        commands, "report", "say how good a run is and beside what, and write report.html into its folder"
    )
    groups.run(command)
    groups.machine(command, default_device="cpu")
    return command


def _info(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    command = _command(commands, "info", "tell all about a run or model file")
    groups.run(command)
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
    groups.run(command)
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


#: In the order in which --help lists them.
_COMMANDS = (
    _demo,
    _train,
    _resume,
    _generate,
    _compose,
    _tunes,
    _translate,
    _label,
    _novelty,
    _score,
    _rerank,
    _infill,
    _evaluate,
    _join,
    _report,
    _info,
    _runs,
    _export,
    _recipes,
    _data,
)
