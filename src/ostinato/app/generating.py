"""``generate``."""

from __future__ import annotations

import dataclasses
import json
import sys
from argparse import Namespace

from ostinato.app.process import load_model
from ostinato.data.reading import Reading, read_plain
from ostinato.decode.rules import build_rules
from ostinato.errors import ConfigError


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
    streams = args.samples == 1 and not args.json
    status = 0
    try:
        if streams:
            print(run.samples()[0].prompt, end="", flush=True)
        for pieces in run:
            if streams and pieces[0]:
                print(pieces[0], end="", flush=True)
    except KeyboardInterrupt:
        status = 130
    if streams:
        print(flush=True)
    samples = run.samples()
    if args.json:
        for sample in samples:
            print(json.dumps(dataclasses.asdict(sample), ensure_ascii=False))
    elif not streams:
        of_items = model.codec.end is not None
        for number, sample in enumerate(samples):
            head = "" if of_items else f"{chr(10) * (number > 0)}--- seed {sample.seed}\n"
            print(f"{head}{sample.prompt}{sample.text}")
    if args.seed is None and not args.greedy and not args.json:
        print(f"(seed {samples[0].seed})", file=sys.stderr)
    return status


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
