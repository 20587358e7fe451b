"""``inspect``: what a model's cells do over a text, what it expected, and which cells know something."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from rich.text import Text

from ostinato.app.examining import visible
from ostinato.app.options import groups
from ostinato.app.options.families import add_family_options
from ostinato.app.process import load_model
from ostinato.app.reading import read_file
from ostinato.app.terminal.console import Console
from ostinato.app.terminal.output import as_json, shown, write_file
from ostinato.config import at_least
from ostinato.errors import ConfigError
from ostinato.inspect.clamps import PARTS, check_unit, parse_clamp
from ostinato.inspect.labels import LABELLERS, Labels, label
from ostinato.inspect.page import recording_page
from ostinato.runs import RunFolder
from ostinato.units import bits

if TYPE_CHECKING:
    from ostinato.families.text.ablation import Ablated
    from ostinato.families.text.model import TextModel
    from ostinato.inspect.finding import FoundUnit
    from ostinato.inspect.recording import Recording

_LOOKED_AT, _SEARCHED = 1000, 20_000  # symbols of the held-out part that are shown, and in which cells are looked for
_GUESSES, _UNITS = 5, 5
_SHOWN = 2000  # characters of a page on which cells were looked for
_COLOURS = ("#1b6ca8", "#2f9e44")  # below zero, and above

EXAMPLES = """\
ostinato inspect runs/book "He said." --guesses 3
ostinato inspect runs/book --cells 1:37,1:40
ostinato inspect runs/book --html cells.html
ostinato inspect runs/code --find quotes,indent,comment
ostinato inspect runs/book --cells 1:37 --hold 1:37=-1
"""


def arguments(command: ArgumentParser) -> None:
    """Add the arguments."""
    groups.run(command)
    what = command.add_mutually_exclusive_group()
    what.add_argument("text", nargs="?", help="text to look at (default: the held-out part of the run)")
    what.add_argument("--file", type=Path, help="look at a file ('-': stdin)")
    view = command.add_argument_group("views (default: --guesses)")
    view.add_argument("--guesses", type=int, nargs="?", const=_GUESSES, metavar="N", help="the N best at every place")
    view.add_argument(
        "--cells", metavar="LAYER:UNIT,…", help="the text coloured by these units; cell: before one for its cell"
    )
    view.add_argument(
        "--find", metavar="LABELS", help=f"cells that know something: names with commas, of {', '.join(LABELLERS)}"
    )
    view.add_argument(
        "--atlas", metavar="LABELS", help="what is lost without each unit, where a label is and elsewhere: a causal map"
    )
    command.add_argument(
        "--html", type=Path, metavar="FILE", help="write one page on which to flip through all cells and guesses"
    )
    command.add_argument("--json", action="store_true", help="objects on standard output")
    add_family_options(command, "inspect")
    groups.unknown(command)
    groups.machine(command, default_device="cpu")


def act(args: Namespace) -> int:
    """Look inside a model."""
    views = [name for name in ("guesses", "cells", "find", "atlas") if vars(args)[name] is not None]
    if len(views) > 1:
        raise ConfigError(f"--{' and --'.join(views)} are different views; choose one")
    if args.html is not None and args.html.exists():
        raise ConfigError(f"{args.html} exists already and is never overwritten; choose another name")
    model = load_model(args)
    is_search = args.find is not None or args.atlas is not None
    text = _text(args, model, _SEARCHED if is_search else _LOOKED_AT)
    if is_search and len(text) > _SEARCHED:
        print(f"(the first {_SEARCHED:,} characters of {len(text):,})", file=sys.stderr)
        text = text[:_SEARCHED]
    if args.find is not None:
        return _find(model, text, args)
    if args.atlas is not None:
        return _atlas(model, text, args)
    if args.hold:
        model = model.clamped(*map(parse_clamp, args.hold))
    recording = model.record(text, unknown=args.unknown)
    if args.html is not None:
        if len(recording) > _SHOWN:
            print(f"(the page shows the first {_SHOWN:,} of {len(recording):,} symbols)", file=sys.stderr)
        _write_page(recording[:_SHOWN], model, args, ())
        if not views:
            return 0
    if args.cells is not None:
        return _cells(recording, args)
    return _guesses(recording, model, args)


def _text(args: Namespace, model: TextModel, symbols: int) -> str:
    """Return the text to look at."""
    if args.text is not None:
        return str(args.text)
    if args.file is not None:
        return read_file(args.file)
    if not args.run.is_dir():
        raise ConfigError("a model file has no held-out part; give a TEXT or --file FILE")
    _, held_out = RunFolder(args.run).corpus()
    if model.codec.end is None:
        count = min(symbols, len(held_out.ids))
        print(f"(the first {count:,} of {len(held_out.ids):,} symbols that were held out)", file=sys.stderr)
    if model.codec.end is None:
        return model.codec.decode(held_out.ids[:symbols].tolist())
    if symbols == _SEARCHED:
        raise ConfigError("a model of items starts anew for each; give one of them as TEXT")
    return model.codec.decode(held_out.ids[held_out.offsets[0] : held_out.offsets[1] - 1].tolist())


def _write_page(recording: Recording, model: TextModel, args: Namespace, units: Sequence[FoundUnit]) -> None:
    names = [_named(model, symbol) for symbol in range(model.codec.size)]
    page = recording_page(recording, names, title=f"Inside {args.run.name}", units=units)
    write_file(args.html, page.encode())
    print(f"wrote {args.html}", file=sys.stderr)


def _guesses(recording: Recording, model: TextModel, args: Namespace) -> int:
    """A line for every symbol: what stands there, and what was expected."""
    count = _GUESSES if args.guesses is None else args.guesses
    at_least("--guesses", count, 1)
    expected = recording.expected(count)
    if not args.json:
        print("log_prob\trank\tentropy_bits\ttext\tguesses")
    for place, own in enumerate(recording.ids.tolist()):
        symbol = _named(model, own)
        log_prob, rank = float(expected.log_probs[place]), int(expected.ranks[place])
        entropy, shares = bits(float(expected.entropies[place])), np.exp(expected.best_log_probs[place]).tolist()
        names = [_named(model, one) for one in expected.best[place].tolist()]
        if args.json:
            about = {"text": symbol, "log_prob": log_prob, "rank": rank, "entropy_bits": entropy}
            guesses = [{"text": name, "probability": p} for name, p in zip(names, shares, strict=True)]
            print(as_json({**about, "guesses": guesses}))
        else:
            told = "  ".join(f"{_seen(name)} {p:.1%}" for name, p in zip(names, shares, strict=True))
            print(f"{log_prob:.4f}\t{rank}\t{entropy:.3f}\t{_seen(symbol)}\t{told}")
    return 0


def _seen(text: str) -> str:
    """Return a symbol as it can stand in a table."""
    return "␣" if text == " " else visible(shown(text))


def _named(model: TextModel, symbol: int) -> str:
    return "(end)" if symbol == model.codec.end else model.codec.pieces[symbol].decode(errors="backslashreplace")


def _cells(recording: Recording, args: Namespace) -> int:
    """The text, coloured by the value of each unit: blue below zero, green above."""
    units = [_unit(word, recording) for word in args.cells.split(",")]
    values = {name: recording.arrays[part][1:, layer, unit] for name, part, layer, unit in units}
    if args.json:
        for name, own in values.items():
            print(as_json({"unit": name, "symbols": list(recording.symbols), "values": np.round(own, 5).tolist()}))
        return 0
    console = Console()
    if not console.is_terminal:
        print("\t".join([*values, "text"]))
        for place, symbol in enumerate(recording.symbols):
            print("\t".join([*(f"{own[place]:+.3f}" for own in values.values()), visible(symbol)]))
        return 0
    for name, own in values.items():
        console.print(f"[bold]{name}[/] from {own.min():.2f} to {own.max():.2f}")
        console.print(_coloured(recording, own))
    return 0


def _coloured(recording: Recording, values: NDArray[np.float32]) -> Text:
    most, text = float(np.abs(values).max()) or 1.0, Text()
    for symbol, value in zip(recording.symbols, values.tolist(), strict=True):
        share = abs(value) / most
        colour = tuple(round(255 - share * (255 - int(_COLOURS[value > 0][n : n + 2], 16))) for n in (1, 3, 5))
        text.append(shown(symbol), style=f"black on rgb({colour[0]},{colour[1]},{colour[2]})")
    return text


def _unit(word: str, recording: Recording) -> tuple[str, str, int, int]:
    """Return the name, part, layer and number of a unit."""
    part, _, rest = word.strip().rpartition("cell:")
    layer, colon, unit = rest.partition(":")
    if part or not colon or not layer.isdecimal() or not unit.isdecimal():
        raise ConfigError(f"{word!r} names no unit; write LAYER:UNIT, such as 1:37, or cell:1:37 for its cell")
    name = "cell" if "cell:" in word else "hidden"
    has_cell = "cell" in recording.parts
    check_unit(int(layer), int(unit), name, layers=recording.layers, units=recording.units, has_cell=has_cell)
    return word.strip(), name, int(layer), int(unit)


def _find(model: TextModel, text: str, args: Namespace) -> int:
    """The units that tell each label best, with controls, and what is lost without them."""
    from ostinato.families.text.ablation import ablate
    from ostinato.families.text.inspecting import find

    if args.hold:
        raise ConfigError("--find looks at the model as it is; leave --hold out")
    labels = _labels(args.find, text)
    best = find(model, text, labels, count=_UNITS, unknown=args.unknown)
    if args.html is not None:
        _write_page(model.record(text[:_SHOWN], unknown=args.unknown), model, args, best)
    effects = ablate(model, text, best, labels, args.unknown) if model.engines.to_score() else [None] * len(best)
    if not args.json:
        print("label\tunit\tsign\tmeasure\tscore\tshuffled\tchance\tbits_there\tbits_elsewhere")
    for one, effect in zip(best, effects, strict=True):
        about: dict[str, Any] = {"label": one.label, "part": one.part, "layer": one.layer, "unit": one.unit}
        if args.json:
            scores = {one.measure: one.score, "control": one.control, "chance": one.chance, "sign": one.sign}
            print(as_json({**about, **scores, "ablation": None if effect is None else asdict(effect)}))
        else:
            name = f"{'cell:' * (PARTS[one.part] == PARTS['cell'])}{one.layer}:{one.unit}"
            numbers = "\t".join(f"{value:.3f}" for value in (one.score, one.control, one.chance))
            sign = "+" if one.sign > 0 else "-"
            print("\t".join([one.label, name, sign, one.measure, numbers, _told(effect)]))
    return 0


def _labels(names: str, text: str) -> dict[str, Labels]:
    """Return the labels that are asked for."""
    return {name.strip(): label(name.strip(), text) for name in names.split(",") if name.strip()}


def _told(effect: Ablated | None) -> str:
    """Return the bits lost there and elsewhere; a dash where there is no such place, or nothing was measured."""
    sides = (None, None) if effect is None else (effect.there, effect.elsewhere)
    return "\t".join("–" if side is None else f"{side:+.4f}" for side in sides)


def _atlas(model: TextModel, text: str, args: Namespace) -> int:
    """Every unit, and the bits that are lost without it."""
    from ostinato.families.text.ablation import atlas

    if args.hold or args.html is not None:
        raise ConfigError("--atlas looks at the model as it is, in a table; leave --hold and --html out")
    labels = _labels(args.atlas, text)
    names, rows = list(labels), atlas(model, text, labels, args.unknown)
    if not args.json:
        print("\t".join(["unit", "bits", *(f"{name}\telsewhere" for name in names), "precision"]))
    for row in rows:
        if args.json:
            print(as_json(asdict(row)))
        else:
            effects = map(_told, row.effects.values())
            print("\t".join([f"{row.layer}:{row.unit}", f"{row.bits:+.4f}", *effects, row.precision]))
    return 0
