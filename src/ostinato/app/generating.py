"""``generate``."""

from __future__ import annotations

import dataclasses
import json
import sys
from argparse import Namespace
from typing import TYPE_CHECKING

from rich.console import Console

from ostinato.app.process import load_model
from ostinato.data.reading import Reading, read_plain
from ostinato.decode.rules import build_rules
from ostinato.errors import ConfigError

if TYPE_CHECKING:
    from ostinato.workshop.generation import Generation
    from ostinato.workshop.results import Sample


def generate(args: Namespace) -> int:
    """Write texts; one is streamed as it is made."""
    rules = build_rules(
        temperature=args.temperature,
        top_k=args.top_k,
        top_p=args.top_p,
        min_p=args.min_p,
        order=None if args.rules is None else [name.strip() for name in args.rules.split(",")],
    )
    prompt = _prompt(args)
    model = load_model(args)
    run = model.generate_many(
        [prompt],
        samples=args.samples,
        length=args.length,
        seed=args.seed,
        greedy=args.greedy,
        rules=rules,
        stop=args.stop,
        unknown=args.unknown,
        reading=_tell_reading if len(prompt) > _LONG_PROMPT and sys.stderr.isatty() else None,
    )
    status = 0
    try:
        if args.samples == 1 and not args.json:
            _stream(run)
        else:
            _write_all(run, args.length)
    except KeyboardInterrupt:  # what was made is kept
        status = 130
    samples = run.samples()
    if args.json:
        for sample in samples:
            print(json.dumps(dataclasses.asdict(sample), ensure_ascii=False))
    elif args.samples == 1:
        print(flush=True)
    else:
        _print_all(samples, of_items=model.codec.end is not None)
    if args.seed is None and not args.greedy and not args.json:
        print(f"(seed {samples[0].seed})", file=sys.stderr)
    return status


def _stream(run: Generation) -> None:
    print(run.samples()[0].prompt, end="", flush=True)
    for pieces in run:
        if pieces[0]:
            print(pieces[0], end="", flush=True)


def _write_all(run: Generation, length: int) -> None:
    with Console(stderr=True).status("writing") as status:
        for step, _ in enumerate(run, start=1):
            status.update(f"writing: {step:,} of at most {length:,} symbols each")


def _print_all(samples: list[Sample], *, of_items: bool) -> None:
    for number, sample in enumerate(samples):
        head = "" if of_items else f"{chr(10) * (number > 0)}--- seed {sample.seed}\n"
        print(f"{head}{sample.prompt}{sample.text}")


_LONG_PROMPT = 20_000  # characters


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
