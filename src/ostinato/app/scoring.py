"""``score``, ``evaluate`` and ``join``."""

from __future__ import annotations

import itertools
import json
import math
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from ostinato.app.adapting import adaptation_of, adapted
from ostinato.app.console import Console
from ostinato.app.examining import look_closely, looks_closely, visible
from ostinato.app.output import as_json
from ostinato.app.process import load_model
from ostinato.app.reading import read_file, refuse_pair_options
from ostinato.app.spreading import shard_of, spread
from ostinato.app.working import WorkView
from ostinato.data import Kind, Reading, read_corpus
from ostinato.data.corpus import lines
from ostinato.data.reading import plain_document, size_on_disk
from ostinato.decode.shards import Shard
from ostinato.errors import ConfigError
from ostinato.families import find_recipe
from ostinato.families.labels.family import LABELS
from ostinato.families.pairs.family import PAIRS
from ostinato.runs import read_about

if TYPE_CHECKING:
    from ostinato.data.documents import Document
    from ostinato.families.text.model import Model
    from ostinato.families.text.results import Score, ScoredPart
    from ostinato.training.evaluation import Evaluation, Losses

_WORDS = "what white space separates, and every line end or end of an item"
_LONG = 1_000_000  # characters; of a longer text no part is kept once it has been told
_COLUMNS = "log_prob\tsymbols\tbits_per_symbol\ttext"
_COLOURS = ((1.0, "green"), (3.0, ""), (5.0, "yellow"), (8.0, "dark_orange"), (math.inf, "bold red"))


def score(args: Namespace) -> int:
    """Score a text, or a file: of items every line by itself, of running text the whole as one, however long."""
    shard = shard_of(args, *([] if args.text is not None else [args.file]))
    if args.ray is not None:
        return spread(args)
    document = None if args.text is not None else _document(args)
    model = adapted(args, load_model(args))
    if model.codec.end is not None and document is not None:
        if looks_closely(args):
            raise ConfigError(
                "--alternatives, --surprising, --compare and --html look at one text, and a model of items takes every "
                "line of a file by itself; give one item as TEXT"
            )
        return _score_items(model, document, args, shard)
    if shard is not None:
        raise ConfigError("--shard cuts a file of items; a running text is one sequence that no shard can do a part of")
    text, rest = (str(args.text), None) if document is None else _beginning(document)
    if looks_closely(args):
        if rest is not None:
            raise ConfigError(
                f"--alternatives, --surprising, --compare and --html look at texts of at most {_LONG:,} characters; "
                "give a part of this one"
            )
        return look_closely(model, text, args)
    if rest is None:
        (result,) = model.score_many([text], unknown=args.unknown)
        _tell(Console(), result, args)
        return 0
    return _score_long(model, itertools.chain([text], rest), args)


def evaluate(args: Namespace) -> int:
    """Measure a model on held-out text, on held-out pairs, or on labelled sequences."""
    system = find_recipe(read_about(args.model_file or args.run)["recipe"]).system
    # What only other models need is imported for them alone: 'score' is to start quickly.
    if system is PAIRS:
        from ostinato.app.translating import evaluate_pairs

        return evaluate_pairs(args)
    if system is LABELS:
        from ostinato.app.labelling import evaluate_labels

        return evaluate_labels(args)
    refuse_pair_options(args, "and the model is one of texts")
    if args.beam is not None:
        raise ConfigError("--beam is for models of pairs and of labels")
    shard = shard_of(args, *args.corpus)
    if args.ray is not None:
        return spread(args)
    reading = Reading(args.encoding, args.errors, args.column)
    adaptation = adaptation_of(args, asked=args.protocol == "dynamic", how="--protocol dynamic")
    model = load_model(args)
    kind: Kind = "text" if model.codec.end is None else "items"
    with WorkView(Console(stderr=True)) as view:
        corpus = read_corpus(
            args.corpus, reading=reading, kind=kind, to_learn=False, tick=view.reading(size_on_disk(args.corpus))
        )
        losses = model.measure(
            corpus,
            protocol=args.protocol,
            windows=args.windows,
            seed=args.seed,
            adaptation=adaptation,
            unknown=args.unknown,
            shard=shard,
            encoding=lambda done, total: view.watch("encoding the text", done, total),
            tick=lambda done, total: view.watch("evaluating", done, total),
        )
    if shard is not None:
        print(as_json(_as_part(losses)))
    else:
        _tell_evaluation(losses.evaluation(), plain=args.json)
    return 0


def join(args: Namespace) -> int:
    """Join what the shards of an evaluation printed."""
    parts = []
    for path in args.parts:
        text = read_file(path)
        parts += [_from_part(line, str(path)) for line in lines([text]) if line.strip()]
    from ostinato.training.evaluation import join as join_losses

    _tell_evaluation(join_losses(parts).evaluation(), plain=args.json)
    return 0


def _score_items(model: Model, document: Document, args: Namespace, shard: Shard | None) -> int:
    """Score the lines of a document in blocks, printing each as soon as it is done."""
    from ostinato.decode.scoring import ITEMS

    def filled() -> Iterator[str]:
        return (line for line in lines(document.pieces()) if line.strip())

    console = Console()
    mine = range(sys.maxsize) if shard is None else shard.of(range(-(-sum(1 for _ in filled()) // ITEMS)))
    found = filled()
    for number in itertools.count():
        block = list(itertools.islice(found, ITEMS))
        if not block or number >= mine.stop:
            break
        if number >= mine.start:
            for result in model.score_many(block, unknown=args.unknown):
                _tell(console, result, args)
    return 0


def _score_long(model: Model, pieces: Iterator[str], args: Namespace) -> int:
    """Score a text too long to hold with all its parts, telling each part as it comes."""
    from ostinato.families.text.results import Score, grouped

    console, log_prob, symbols = Console(), 0.0, 0
    if args.per is not None and not args.json and not console.is_terminal:
        print(_COLUMNS)
    for part in grouped(model.score_pieces(pieces, unknown=args.unknown), args.per or "symbol"):
        log_prob, symbols = log_prob + part.log_prob, symbols + part.symbols
        if args.per is not None and args.json:
            print(as_json(_part_as_json(part)))
        elif args.per is not None:
            _show_part(console, part)
    whole = Score("", log_prob, symbols, ())
    if args.json:
        told = {name: value for name, value in _as_json(whole, None).items() if name != "text"}
        print(as_json({"file": Path(args.file).name, **told}))
    else:
        print(_summary(whole))
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
    return plain_document(str(args.file), Reading(), standard_input=sys.stdin.buffer)


def _tell_evaluation(result: Evaluation, *, plain: bool) -> None:
    if not plain:
        beside = [f"{result.symbols:,} symbols"]
        if result.bits_per_character is not None:
            beside.append(f"{result.bits_per_character:.4f} bits per character")
        print(
            f"{result.protocol}: {result.nats_per_symbol:.4f} ± {result.standard_error:.4f} nats per symbol, "
            f"{result.bits_per_symbol:.4f} bits per symbol, perplexity {result.perplexity:.3f} ({'; '.join(beside)})"
        )
        if result.perplexity_per_word is not None:
            print(f"perplexity per word {result.perplexity_per_word:.3f} ({result.words:,} words: {_WORDS})")
        return
    print(
        as_json(
            {
                "protocol": result.protocol,
                "symbols": result.symbols,
                "nats_per_symbol": result.nats_per_symbol,
                "bits_per_symbol": result.bits_per_symbol,
                "perplexity": result.perplexity,
                "standard_error": result.standard_error,
                "bits_per_character": result.bits_per_character,
                "words": result.words,
                "perplexity_per_word": result.perplexity_per_word,
            }
        )
    )


def _as_part(losses: Losses) -> dict[str, Any]:
    return {
        "protocol": losses.protocol,
        "job": losses.job,
        "first": losses.first,
        "everything": losses.everything,
        "characters": losses.characters,
        "words": losses.words,
        "totals": losses.totals.tolist(),
        "counts": losses.counts.tolist(),
    }


def _from_part(line: str, where: str) -> Losses:
    import numpy as np

    from ostinato.training.evaluation import Losses

    try:
        told = json.loads(line)
        totals, counts = np.array(told["totals"], dtype=np.float64), np.array(told["counts"], dtype=np.int64)
        about = (told["characters"], told["everything"], told["first"], told["job"])
        return Losses(told["protocol"], totals, counts, *about, told["words"])
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{where} is not what 'ostinato evaluate --shard' printed: {error!r}") from error


def show_score(console: Console, result: Score) -> None:
    """Print a text with its surprising places coloured."""
    coloured = Text()
    for part in result.per("character"):
        if not part.is_end:
            coloured.append(part.text, style=_colour(part))
    console.print(coloured)


def _tell(console: Console, result: Score, args: Namespace) -> None:
    if args.json:
        print(as_json(_as_json(result, args.per)))
        return
    if args.per is not None:
        if not console.is_terminal:
            print(_COLUMNS)
        for part in result.per(args.per):
            _show_part(console, part)
    elif console.is_terminal:
        show_score(console, result)
    print(_summary(result))


def _summary(result: Score) -> str:
    return (
        f"log probability {result.log_prob:.4f}, {result.bits_per_symbol:.4f} bits per symbol, "
        f"perplexity {result.perplexity:.3f}, {result.symbols} symbols"
    )


def _show_part(console: Console, part: ScoredPart) -> None:
    if console.is_terminal:
        line = Text(f"{part.log_prob:10.3f} {part.bits_per_symbol:7.2f} bits  ")
        line.append(visible(part.text), style=_colour(part))
        console.print(line, no_wrap=True, overflow="ellipsis")
    else:
        print(f"{part.log_prob:.4f}\t{part.symbols}\t{part.bits_per_symbol:.4f}\t{visible(part.text)}")


def _colour(part: ScoredPart) -> str:
    return next(style for limit, style in _COLOURS if part.bits_per_symbol <= limit)


def _as_json(result: Score, per: str | None) -> dict[str, Any]:
    told: dict[str, Any] = {
        "text": result.text,
        "log_prob": result.log_prob,
        "nats_per_symbol": result.nats_per_symbol,
        "bits_per_symbol": result.bits_per_symbol,
        "perplexity": result.perplexity,
        "symbols": result.symbols,
    }
    if per is not None:
        told["parts"] = [_part_as_json(part) for part in result.per(per)]  # type: ignore[arg-type]
    return told


def _part_as_json(part: ScoredPart) -> dict[str, Any]:
    return {"text": part.text, "log_prob": part.log_prob, "symbols": part.symbols}
