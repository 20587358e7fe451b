"""``generate``."""

from __future__ import annotations

import dataclasses
import json
import secrets
import sys
from argparse import Namespace
from typing import TYPE_CHECKING

from rich.console import Console

from ostinato.app.process import load_model
from ostinato.app.spreading import shard_of, spread
from ostinato.config import at_least
from ostinato.data import Reading
from ostinato.data.reading import read_plain
from ostinato.decode.rules import build_rules
from ostinato.decode.shards import Shard
from ostinato.errors import ConfigError

if TYPE_CHECKING:
    from ostinato.workshop.generation import Generation
    from ostinato.workshop.results import Sample


_LONG_PROMPT = 20_000  # characters
# Samples that are written side by side: the same ones whatever the shard, so that shards join exactly.
_TOGETHER = 64


def generate(args: Namespace) -> int:
    """Write texts; one is streamed as it is made."""
    rules = build_rules(
        temperature=args.temperature,
        top_k=args.top_k,
        top_p=args.top_p,
        min_p=args.min_p,
        order=None if args.rules is None else [name.strip() for name in args.rules.split(",")],
    )
    shard = shard_of(args, *([args.prompt_file] if args.prompt_file is not None else []))
    if args.seed is None and not args.greedy and (shard is not None or args.ray is not None):
        raise ConfigError("the shards of one job need the same --seed, so that they join")
    if args.ray is not None:
        return spread(args)
    at_least("samples", args.samples, 1)
    prompt = _prompt(args)
    model = load_model(args)
    seed = secrets.randbelow(2**32) if args.seed is None and not args.greedy else args.seed
    reading = _tell_reading if len(prompt) > _LONG_PROMPT and sys.stderr.isatty() else None
    groups = range(0, args.samples, _TOGETHER)
    status = 0
    for first in (shard or Shard()).of(groups):
        run = model.generate_many(
            [prompt],
            samples=min(_TOGETHER, args.samples - first),
            length=args.length,
            seed=None if args.greedy else seed + first,
            greedy=args.greedy,
            rules=rules,
            stop=args.stop,
            unknown=args.unknown,
            reading=reading,
        )
        try:
            if args.samples == 1 and not args.json:
                _stream(run)
            else:
                _write_all(run, args.length, first, args.samples)
        except KeyboardInterrupt:  # what was made is kept
            status = 130
        _print(run.samples(), first, args, of_items=model.codec.end is not None)
        if status:
            break
    if args.seed is None and not args.greedy and not args.json:
        print(f"(seed {seed})", file=sys.stderr)
    return status


def _print(samples: list[Sample], first: int, args: Namespace, *, of_items: bool) -> None:
    if args.json:
        for sample in samples:
            print(json.dumps(dataclasses.asdict(sample), ensure_ascii=False))
    elif args.samples == 1:
        print(flush=True)
    else:
        _print_all(samples, first, of_items=of_items)


def _stream(run: Generation) -> None:
    print(run.samples()[0].prompt, end="", flush=True)
    for pieces in run:
        if pieces[0]:
            print(pieces[0], end="", flush=True)


def _write_all(run: Generation, length: int, first: int, total: int) -> None:
    several = f"samples from {first + 1:,} of {total:,}: " if total > _TOGETHER else ""
    with Console(stderr=True).status("writing") as status:
        for step, _ in enumerate(run, start=1):
            status.update(f"writing: {several}{step:,} of at most {length:,} symbols each")


def _print_all(samples: list[Sample], first: int, *, of_items: bool) -> None:
    for number, sample in enumerate(samples, start=first):
        head = "" if of_items else f"{chr(10) * (number > 0)}--- seed {sample.seed}\n"
        print(f"{head}{sample.prompt}{sample.text}")


def _prompt(args: Namespace) -> str:
    prompt = args.prompt or ""
    if args.prompt_file is not None:
        prompt = read_plain(str(args.prompt_file), Reading(), standard_input=sys.stdin.buffer)
    if args.prompt_tail is not None:
        if args.prompt_tail < 1:
            raise ConfigError(f"--prompt-tail must be at least 1, got {args.prompt_tail}")
        prompt = prompt[-args.prompt_tail :]
    return prompt


def _tell_reading(done: int, total: int) -> None:
    end = "\n" if done == total else "\r"
    print(f"reading the prompt: {done:,} of {total:,} symbols", end=end, file=sys.stderr, flush=True)
