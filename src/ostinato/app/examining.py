"""The closer looks of ``score``: alternatives, the most surprising places, two models, a heat map."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostinato.app.terminal.output import as_json, write_file
from ostinato.config import at_least
from ostinato.errors import ConfigError

if TYPE_CHECKING:
    from ostinato.families.text.model import TextModel
    from ostinato.families.text.results import Unit

_ALTERNATIVES = 5  # told on a heat map
_SHOWN_BEFORE = 20  # characters before a surprising place


def looks_closely(args: Namespace) -> bool:
    """Whether a closer look is asked for."""
    return any(value is not None for value in (args.alternatives, args.surprising, args.compare, args.html))


def look_closely(model: TextModel, text: str, args: Namespace) -> int:
    """Take the closer look at a text that is asked for."""
    tables = [f"--{name}" for name in ("alternatives", "surprising", "compare") if vars(args)[name] is not None]
    if len(tables) > 1:
        raise ConfigError(f"{', '.join(tables)} print different tables; choose one")
    if not tables and (args.per is not None or args.json):
        raise ConfigError("--html alone writes the heat map and prints no table; leave --per and --json out")
    if args.html is not None and args.html.exists():
        raise ConfigError(f"{args.html} exists already and is never overwritten; choose another name")
    if args.compare is not None:
        page = _compare(model, text, args)
    else:
        if args.surprising is not None:
            _surprising(model, text, args)
        elif args.alternatives is not None:
            _alternatives(model, text, args)
        page = None if args.html is None else _heat_map(model, text, args)
    if page is not None:
        write_file(args.html, page.encode())
        print(f"wrote {args.html}", file=sys.stderr)
    return 0


def _alternatives(model: TextModel, text: str, args: Namespace) -> None:
    """A line for every symbol: what stands there, and what was expected."""
    if args.per not in (None, "symbol"):
        raise ConfigError("--alternatives tells of every symbol; leave --per out")
    examination = model.examine(text, alternatives=args.alternatives, unknown=args.unknown)
    if not args.json:
        print("log_prob\trank\tentropy_bits\ttext\talternatives")
    for symbol in examination.symbols:
        part = symbol.part
        if args.json:
            told: dict[str, Any] = {
                "text": part.text,
                "log_prob": part.log_prob,
                "rank": symbol.rank,
                "entropy_bits": symbol.entropy,
                "alternatives": [{"text": text, "log_prob": value} for text, value in symbol.alternatives],
            }
            print(as_json(told))
        else:
            others = "  ".join(f"{visible(text)} {value:.3f}" for text, value in symbol.alternatives)
            print(f"{part.log_prob:.4f}\t{symbol.rank}\t{symbol.entropy:.3f}\t{visible(part.text)}\t{others}")


def _surprising(model: TextModel, text: str, args: Namespace) -> None:
    """The most surprising parts, first the most surprising."""
    from ostinato.families.text.examining import most_surprising

    at_least("--surprising", args.surprising, 1)
    (score,) = model.score_many([text], unknown=args.unknown)
    if not args.json:
        print("bits_per_symbol\tlog_prob\tposition\ttext\tafter")
    for surprise in most_surprising(score, args.per or "word", args.surprising):
        part = surprise.part
        if args.json:
            told = {"text": part.text, "log_prob": part.log_prob, "symbols": part.symbols, "position": surprise.start}
            print(as_json({**told, "before": surprise.before}))
        else:
            before = visible(surprise.before[-_SHOWN_BEFORE:])
            print(f"{part.bits_per_symbol:.3f}\t{part.log_prob:.4f}\t{surprise.start}\t{visible(part.text)}\t{before}")


def _compare(model: TextModel, text: str, args: Namespace) -> str | None:
    """Two models on one text, part by part; returns the page that is to be written, if one is."""
    from ostinato.families.text.examining import compare
    from ostinato.families.text.heatmap import comparison_map
    from ostinato.families.text.model import TextModel

    unit: Unit = args.per or "word"
    other = TextModel.open(args.compare, device=args.device)
    scores = [each.score_many([text], unknown=args.unknown)[0] for each in (model, other)]
    parts = compare(scores[0], scores[1], unit)
    names = (Path(args.run).name, Path(args.compare).name)
    if not args.json:
        print(f"bits_gained\t{names[0]}\t{names[1]}\ttext")
    for part in parts:
        if args.json:
            told = {"text": part.text, "log_probs": [part.first, part.second], "bits_gained": part.gain}
            print(as_json(told))
        else:
            print(f"{part.gain:+.3f}\t{part.first:.4f}\t{part.second:.4f}\t{visible(part.text)}")
    gain = sum(part.gain for part in parts)
    better, worse = names if gain >= 0 else names[::-1]
    print(f"{better} finds the text more probable than {worse}, by {abs(gain):.2f} bits in all", file=sys.stderr)
    return None if args.html is None else comparison_map(parts, names)


def _heat_map(model: TextModel, text: str, args: Namespace) -> str:
    from ostinato.families.text.heatmap import heat_map

    return heat_map(model.examine(text, alternatives=args.alternatives or _ALTERNATIVES, unknown=args.unknown))


def visible(text: str) -> str:
    """Return a text as it can stand in one line."""
    return text.replace("\n", "⏎").replace("\t", "→")
