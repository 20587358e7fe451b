"""``rerank`` and ``infill``."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from ostinato.app.examining import visible
from ostinato.app.output import as_json
from ostinato.app.process import load_model
from ostinato.app.reading import read_file
from ostinato.data.corpus import lines
from ostinato.errors import ConfigError

if TYPE_CHECKING:
    from ostinato.families.text.results import Filling


def rerank(args: Namespace) -> int:
    """Order the lines of a file, the most probable first."""
    _check_top(args)
    texts = [line for line in lines([read_file(args.file)]) if line.strip()]
    if not texts:
        raise ConfigError(f"{args.file} has no line to rank")
    model = load_model(args)
    found = model.rerank(texts, context=args.context, by=args.by, unknown=args.unknown)
    _tell(found[: args.top], args)
    return 0


def infill(args: Namespace) -> int:
    """Propose what may stand in the gap of a text."""
    parts = args.text.split(args.gap) if args.gap else []
    if len(parts) != 2:
        times = max(0, len(parts) - 1)
        raise ConfigError(f"the text must have the gap {args.gap!r} exactly once, and has it {times} times")
    before, after = parts
    _check_top(args)
    if args.candidates is not None and any(value is not None for value in (args.samples, args.length, args.seed)):
        raise ConfigError("--candidates says what may stand there; --samples, --length and --seed are for drawing it")
    model = load_model(args)
    if args.candidates is not None:
        candidates = list(lines([read_file(args.candidates)]))
        found = model.fill(before, after, candidates, unknown=args.unknown)
        found = sorted(found, key=lambda filling: -filling.log_prob)[: args.top]
    else:
        given = {name: vars(args)[name] for name in ("samples", "length", "seed") if vars(args)[name] is not None}
        found = model.infill(before, after, top=args.top or 10, unknown=args.unknown, **given)
    _tell(found, args)
    return 0


def _tell(found: list[Filling], args: Namespace) -> None:
    if not args.json:
        print("log_prob\tper_symbol\ttext")
    for number, filling in enumerate(found, start=1):
        per_symbol = filling.log_prob / max(1, filling.symbols)
        if args.json:
            told = {"rank": number, "text": filling.text, "log_prob": filling.log_prob, "symbols": filling.symbols}
            print(as_json({**told, "per_symbol": per_symbol}))
        else:
            print(f"{filling.log_prob:.4f}\t{per_symbol:.4f}\t{visible(filling.text)}")


def _check_top(args: Namespace) -> None:
    if args.top is not None and args.top < 1:
        raise ConfigError(f"--top must be at least 1, got {args.top}")
