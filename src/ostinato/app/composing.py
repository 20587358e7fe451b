"""``compose``: tunes whose every bar adds up, in ABC notation."""

from __future__ import annotations

import json
import secrets
import sys
from argparse import Namespace
from typing import TYPE_CHECKING

from rich.console import Console

from ostinato.app.process import load_model
from ostinato.app.working import WorkView
from ostinato.disk.documents import write_whole
from ostinato.errors import ConfigError, RunError
from ostinato.music import parse_key, parse_meter, write_tune
from ostinato.music.wishes import METERS_OF_RHYTHMS

if TYPE_CHECKING:
    from ostinato.workshop.composing import Composed, Wish

_USUAL_METER = "4/4"


def compose(args: Namespace) -> int:
    """Compose tunes and print them, or write them to a file."""
    from ostinato.workshop.composing import Composer

    wish = _wish(args)
    if args.out is not None and args.out.suffix != ".abc":
        raise ConfigError(f"{args.out}: tunes are written in ABC notation; name a file that ends in .abc")
    if args.out is not None and args.out.exists():
        raise ConfigError(f"{args.out} exists already and is never overwritten; choose another name")
    composer = Composer(load_model(args), wish)
    seed = secrets.randbelow(2**32) if args.seed is None else args.seed
    with WorkView(Console(stderr=True)) as view:
        found = list(composer.tunes(args.tunes, seed, lambda done, total: view.watch("composing", done, total)))
    written = "\n".join(write_tune(one.tune) for one in found)
    if args.out is not None:
        try:
            write_whole(args.out, written.encode())
        except OSError as error:
            raise RunError(f"{args.out} cannot be written: {error.strerror}") from error
        print(f"{args.out}: {len(found)} tunes", file=sys.stderr)
    if args.json:
        for one in found:
            print(json.dumps(_told(one), ensure_ascii=False))
    elif args.out is None:
        print(written, end="")
    return 0


def _wish(args: Namespace) -> Wish:
    from ostinato.workshop.composing import Wish

    meter = args.meter or METERS_OF_RHYTHMS.get(args.rhythm, _USUAL_METER)
    found = parse_meter(meter)
    if found is None:
        raise ConfigError("a tune without a meter has no bars; name one: --meter 6/8")
    key = parse_key(f"{args.key}{args.mode or ''}")
    return Wish(
        meter=found,
        key=key,
        form=args.form,
        bars=args.bars,
        start=args.start,
        compass=args.range,
        cadence=args.cadence,
        rhythm=args.rhythm,
        title=args.title,
        temperature=args.temperature,
    )


def _told(one: Composed) -> dict[str, object]:
    return {
        "abc": write_tune(one.tune),
        "seed": one.seed,
        "log_prob": one.log_prob,
        "log_kept": one.log_kept,
        "tokens": one.tokens,
        "precision": one.precision,
    }
