"""``score``: how probable a text is."""

from __future__ import annotations

import itertools
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostinato.app.adapting import adapted
from ostinato.app.options import groups
from ostinato.app.options.families import add_family_options, given_options
from ostinato.app.process import load_model
from ostinato.app.scores import COLUMNS, print_part, print_score
from ostinato.app.spreading import run_on_ray, shard_of
from ostinato.app.terminal.console import Console
from ostinato.app.terminal.output import as_json
from ostinato.app.terminal.working import WorkView
from ostinato.data import Reading
from ostinato.data.corpus import lines
from ostinato.data.reading import plain_document
from ostinato.decode.shards import Shard
from ostinato.errors import ConfigError
from ostinato.families import Sources

if TYPE_CHECKING:
    from ostinato.data.documents import Document
    from ostinato.families.text.model import TextModel
    from ostinato.families.text.results import Score

_LONG = 1_000_000  # characters; of a longer text no part is kept once it has been told


EXAMPLES = """\
ostinato score runs/book "It was a dark night." --per word
ostinato score runs/book --file chapter.txt
ostinato score runs/chorales chorale.mid
"""


def arguments(command: ArgumentParser) -> None:
    """Add the arguments."""
    groups.run(command)
    what = command.add_mutually_exclusive_group()
    what.add_argument("text", nargs="?", help="text to score")
    what.add_argument("--file", type=Path, help="score a file ('-': stdin); of items, every line by itself")
    command.add_argument("--per", choices=("symbol", "word", "line"), help="show each of these")
    command.add_argument("--json", action="store_true", help="one object per text on standard output")
    add_family_options(command, "score")
    groups.model_file(command)
    groups.unknown(command)
    groups.machine(command, default_device="cpu")


def act(args: Namespace) -> int:
    """Score a text, or a file: of items every line by itself, of running text the whole as one, however long."""
    if args.text == "-":
        args.text, args.file = None, Path("-")
    shard = shard_of(args, *([] if args.text is not None else [args.file]))
    if args.ray is not None:
        return run_on_ray(args)
    loaded = load_model(args)
    if loaded.recipe.family.takes_files:
        return _score_file(loaded, args)
    document = None if args.text is not None else _document(args)
    model = adapted(args, loaded)
    if model.codec.end is not None and document is not None:
        return _score_items(model, document, args, shard)
    if shard is not None:
        raise ConfigError("--shard cuts a file of items; a running text is one sequence that no shard can do a part of")
    if args.text is not None and os.path.isfile(args.text):
        print(f"(scored is the text {args.text!r}; there is a file of that name: --file {args.text})", file=sys.stderr)
    text, rest = (str(args.text), None) if document is None else _beginning(document)
    if rest is None:
        (result,) = model.score_many([text], unknown=args.unknown)
        _print_score(Console(), result, args)
        return 0
    return _score_long(model, itertools.chain([text], rest), args)


def _score_file(model: Any, args: Namespace) -> int:
    """Score a file of the model's own kind, such as music."""
    family = model.recipe.family
    if args.per is not None or args.shard is not None:
        raise ConfigError(f"--per and --shard are for texts, and this is {family.article}; leave them out")
    name = args.file or args.text
    if name is None:
        raise ConfigError(f"name a file to score: ostinato score {args.run} FILE")
    options = given_options(args, "score", family)
    with WorkView(Console(stderr=True)) as view:
        sources = Sources([str(name)], Reading(), options, part="test", fetching=view.watch)
        result = model.score_on(model.read(sources), options, view.watch)
    if args.json:
        for one in result.plain():
            print(as_json(one))
    else:
        print(result.describe())
    return 0


def _score_items(model: TextModel, document: Document, args: Namespace, shard: Shard | None) -> int:
    """Score the lines of a document in blocks, printing each as soon as it is done."""
    from ostinato.decode.scoring import ITEMS

    def filled() -> Iterator[str]:
        return (line for line in lines(document.pieces()) if line.strip())

    console = Console()
    mine = range(sys.maxsize) if shard is None else shard.of(range(-(-sum(1 for _ in filled()) // ITEMS)))
    remaining = filled()
    for number in itertools.count():
        block = list(itertools.islice(remaining, ITEMS))
        if not block or number >= mine.stop:
            break
        if number >= mine.start:
            for result in model.score_many(block, unknown=args.unknown):
                _print_score(console, result, args)
    return 0


def _score_long(model: TextModel, pieces: Iterator[str], args: Namespace) -> int:
    """Score a text too long to hold with all its parts, telling each part as it comes."""
    from ostinato.families.text.results import Score, grouped

    console, log_prob, symbols = Console(), 0.0, 0
    if args.per is not None and not args.json and not console.is_terminal:
        print(COLUMNS)
    for part in grouped(model.score_pieces(pieces, unknown=args.unknown), args.per or "symbol"):
        log_prob, symbols = log_prob + part.log_prob, symbols + part.symbols
        if args.per is not None and args.json:
            print(as_json(part.plain()))
        elif args.per is not None:
            print_part(console, part)
    whole = Score("", log_prob, symbols, ())
    if args.json:
        told = {name: value for name, value in whole.plain().items() if name != "text"}
        print(as_json({"file": Path(args.file).name, **told}))
    else:
        print(whole.describe())
    return 0


def _beginning(document: Document) -> tuple[str, Iterator[str] | None]:
    """The whole text and ``None`` where it is short; else its beginning and the rest."""
    pieces, text = document.pieces(), ""
    for piece in pieces:
        text += piece
        if len(text) > _LONG:
            return text, pieces
    return text, None


def _document(args: Namespace) -> Document:
    if args.file is None and sys.stdin.isatty():
        raise ConfigError("give a text to score, or --file FILE")
    args.file = "-" if args.file is None else args.file
    return plain_document(str(args.file), Reading("utf-8"), standard_input=sys.stdin.buffer)


def _print_score(console: Console, result: Score, args: Namespace) -> None:
    if args.json:
        print(as_json(result.plain(args.per)))
        return
    if args.per is not None:
        if not console.is_terminal:
            print(COLUMNS)
        for part in result.per(args.per):
            print_part(console, part)
    elif console.is_terminal:
        print_score(console, result)
    print(result.describe())
