"""``score`` and ``evaluate``."""

from __future__ import annotations

import json
import math
import sys
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from ostinato.app.process import load_model
from ostinato.data import Kind, Reading, read_corpus
from ostinato.data.reading import read_plain
from ostinato.errors import ConfigError

if TYPE_CHECKING:
    from ostinato.workshop.results import Score, ScoredPart

_COLOURS = ((1.0, "green"), (3.0, ""), (5.0, "yellow"), (8.0, "dark_orange"), (math.inf, "bold red"))


def score(args: Namespace) -> int:
    """Score a text, or a file of items line by line."""
    text = _text(args)
    model = load_model(args)
    of_items = model.codec.end is not None
    texts = [line for line in text.splitlines() if line.strip()] if of_items and args.file else [text]
    console = Console()
    for result in model.score_many(texts, unknown=args.unknown):
        if args.json:
            print(json.dumps(_as_json(result, args.per), ensure_ascii=False))
        else:
            _show(console, result, args.per)
    return 0


def evaluate(args: Namespace) -> int:
    """Measure a model on held-out text."""
    reading = Reading(args.encoding, args.errors, args.column)
    model = load_model(args)
    kind: Kind = "text" if model.codec.end is None else "items"
    corpus = read_corpus(args.corpus, reading=reading, kind=kind, to_learn=False)
    console = Console(stderr=True)
    with console.status("reading the text") as status:
        result = model.evaluate(
            corpus.texts,
            protocol=args.protocol,
            windows=args.windows,
            seed=args.seed,
            unknown=args.unknown,
            tick=lambda done, total: status.update(f"{done:,} of {total:,} symbols"),
        )
    if args.json:
        print(
            json.dumps(
                {
                    "protocol": result.protocol,
                    "symbols": result.symbols,
                    "nats_per_symbol": result.nats_per_symbol,
                    "bits_per_symbol": result.bits_per_symbol,
                    "perplexity": result.perplexity,
                    "standard_error": result.standard_error,
                    "bits_per_character": result.bits_per_character,
                }
            )
        )
    else:
        print(
            f"{result.protocol}: {result.nats_per_symbol:.4f} ± {result.standard_error:.4f} nats per symbol, "
            f"{result.bits_per_symbol:.4f} bits per symbol, perplexity {result.perplexity:.3f} "
            f"({result.symbols:,} symbols; {result.bits_per_character:.4f} bits per character)"
        )
    return 0


def show_score(console: Console, result: Score) -> None:
    """Print a text with its surprising places coloured."""
    coloured = Text()
    for part in result.per("character"):
        if not part.is_end:
            coloured.append(part.text, style=_colour(part))
    console.print(coloured)


def _show(console: Console, result: Score, per: str | None) -> None:
    if per is not None:
        _show_parts(console, result.per(per))  # type: ignore[arg-type]
    elif console.is_terminal:
        show_score(console, result)
    print(
        f"log probability {result.log_prob:.4f}, {result.bits_per_symbol:.4f} bits per symbol, "
        f"perplexity {result.perplexity:.3f}, {result.symbols} symbols"
    )


def _show_parts(console: Console, parts: list[ScoredPart]) -> None:
    if not console.is_terminal:
        print("log_prob\tsymbols\tbits_per_symbol\ttext")
    for part in parts:
        if console.is_terminal:
            line = Text(f"{part.log_prob:10.3f} {part.bits_per_symbol:7.2f} bits  ")
            line.append(_visible(part.text), style=_colour(part))
            console.print(line, no_wrap=True, overflow="ellipsis")
        else:
            print(f"{part.log_prob:.4f}\t{part.symbols}\t{part.bits_per_symbol:.4f}\t{_visible(part.text)}")


def _visible(text: str) -> str:
    return text.replace("\n", "⏎").replace("\t", "→")


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
        parts = result.per(per)  # type: ignore[arg-type]
        told["parts"] = [{"text": p.text, "log_prob": p.log_prob, "symbols": p.symbols} for p in parts]
    return told


def _text(args: Namespace) -> str:
    if args.text is not None:
        return str(args.text)
    if args.file is None and sys.stdin.isatty():
        raise ConfigError("give a text to score, or --file FILE")
    source = "-" if args.file is None else str(args.file)
    args.file = source
    return read_plain(source, Reading(), standard_input=sys.stdin.buffer)
