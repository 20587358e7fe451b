"""``generate``: new texts."""

from __future__ import annotations

import dataclasses
import secrets
import shlex
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.live import Live
from rich.spinner import Spinner

from ostinato.app.adapting import adapted
from ostinato.app.interactive import Turn, talk
from ostinato.app.options import groups
from ostinato.app.options.families import add_family_options
from ostinato.app.parser import further_run
from ostinato.app.process import load_model
from ostinato.app.reading import read_file
from ostinato.app.spreading import run_on_ray, shard_of
from ostinato.app.terminal.console import Console
from ostinato.app.terminal.hints import print_next
from ostinato.app.terminal.output import as_json, as_written
from ostinato.app.terminal.working import WorkView
from ostinato.config import at_least
from ostinato.data.corpus import lines
from ostinato.decode.pipeline import RuleSettings
from ostinato.decode.rules.shaping import parse_temperature
from ostinato.decode.searching import SearchSettings
from ostinato.decode.shards import Shard
from ostinato.errors import ConfigError, RunError
from ostinato.families.text.options import rules_of

if TYPE_CHECKING:
    from ostinato.families.text.generation import Generation
    from ostinato.families.text.model import TextModel
    from ostinato.families.text.novelty import TrainingText
    from ostinato.families.text.results import Sample


_PACE, _SLOWEST = 0.04, 60  # seconds that each step of a watched beam is shown
_LONG_PROMPT = 20_000  # characters
# Samples that are written side by side: the same ones whatever the shard, so that shards join exactly.
_TOGETHER = 64


EXAMPLES = """\
ostinato generate runs/book --prompt "It was " --temperature 0.7
ostinato generate runs/names --samples 20 --top-p 0.9
ostinato generate runs/book --match "[a-z ]+\\." --beam 8
"""


def arguments(command: ArgumentParser) -> None:
    """Add the arguments."""
    groups.run(command)
    command.add_argument("others", nargs="*", type=further_run, metavar="RUN", help="more runs: the mean of all writes")
    prompt = command.add_mutually_exclusive_group()
    prompt.add_argument("--prompt", help="text to go on from (default: none)")
    command.add_argument("--length", type=int, default=500, help="most symbols to write (default: %(default)s)")
    command.add_argument("--samples", type=int, default=1, help="how many texts (default: %(default)s)")
    command.add_argument("--seed", type=int, help="same seed, same text; text n uses seed + n (default: a random one)")
    prompt.add_argument("--prompt-file", type=Path, metavar="FILE", help="read the prompt from a file ('-': stdin)")
    prompt.add_argument("--prompts", type=Path, metavar="FILE", help="go on from every line of a file ('-': stdin)")
    more = command.add_argument_group("more options")
    more.add_argument("--interactive", action="store_true", help="write in turns: a line of yours, one of the model's")
    more.add_argument("--temperatures", metavar="T,T", help="a text at each of several temperatures")
    more.add_argument("--prompt-tail", type=int, metavar="N", help="use only the last N characters of the prompt")
    more.add_argument("--stop", action="append", default=[], metavar="TEXT", help="end before TEXT; may be repeated")
    more.add_argument("--json", action="store_true", help="one object per text on standard output")
    more.add_argument("--novelty", action="store_true", help="tell what is copied from the training text")
    more.add_argument(
        "--engine",
        choices=("auto", "compiled", "torch"),
        default="auto",
        help="what writes: compiled code, PyTorch, or compiled code where it can (default: %(default)s)",
    )
    more.add_argument(
        "--precision", choices=("int8", "fp32"), help="of compiled code (default: int8); fp32 writes what PyTorch does"
    )
    add_family_options(command, "generate")
    groups.model_file(command)
    groups.unknown(more)
    groups.machine(command, default_device="cpu")


def act(args: Namespace) -> int:
    """Write texts; one is streamed as it is made."""
    search, rules = _settings(args)
    if args.rules == "":
        print("\n".join(f"{number} {told}" for number, told in enumerate(rules.describe(), 1)) or "no rules are on")
        return 0
    shard = shard_of(args, *(file for file in (args.prompt_file, args.prompts) if file is not None))
    if args.seed is None and search.is_random and (shard is not None or args.ray is not None):
        raise ConfigError("the shards of one job need the same --seed, so that they join")
    _check(args, search)
    if args.ray is not None:
        if args.max_copy is not None or args.novelty:
            raise ConfigError("--ray sends the model along and not its training text; --max-copy and --novelty need it")
        return run_on_ray(args)
    prompts = [prompt for prompt in _prompts(args) for _ in range(args.samples)]
    search.check(rules, samples=args.samples, seed=args.seed, stop=args.stop)
    temperatures = _temperatures(args, search)
    if args.interactive and (len(prompts) > 1 or args.json or temperatures or search.best_of or search.exact):
        raise ConfigError("--interactive writes one text in turns; leave out what writes several, and --json")
    model = adapted(args, load_model(args))
    seed = secrets.randbelow(2**32) if args.seed is None and search.is_random else args.seed
    options: dict[str, Any] = {
        "settings": search, "length": args.length, "seed": seed, "stop": args.stop, "unknown": args.unknown,
        "engine": args.engine, "precision": args.precision, **_against_copying(model, args),
    }  # fmt: skip
    if args.interactive:
        turn = Turn(prompts[0], {"temperature": rules.temperature, "length": args.length, "seed": seed or 0})
        talk(model, turn, rules, {name: value for name, value in options.items() if name not in turn.options})
        return 0
    training = _training_text(model, args)
    for temperature in temperatures if temperatures else (rules.temperature,):
        if temperatures:
            print(f"{'' if temperature == temperatures[0] else chr(10)}--- temperature {temperature}", flush=True)
        own = {**options, "rules": dataclasses.replace(rules, temperature=temperature)}
        status = _write_prompts(model, prompts, own, args, training, shard)
        if status:
            break
    if not args.json:
        _print_seed_and_engine(model, search, rules, args, seed if args.seed is None and search.is_random else None)
        has_prompt = any(given is not None for given in (args.prompt, args.prompts, args.prompt_file))
        if search.is_random and not has_prompt and args.temperature is None and status == 0:
            print_next([f"ostinato generate {shlex.quote(str(args.run))} --prompt TEXT --temperature 0.7"])
    return status


def _write_prompts(
    model: TextModel,
    prompts: Sequence[str],
    options: dict[str, Any],
    args: Namespace,
    training: TrainingText | None,
    shard: Shard | None,
) -> int:
    """Write a text for each prompt, or for those of a shard, in groups; return the exit status."""
    search, seed = options["settings"], options["seed"]
    together = max(1, _TOGETHER // (search.best_of or search.beam or 1))
    for first in (shard or Shard()).of(range(0, len(prompts), together)):
        some = prompts[first : first + together]
        own = {**options, "seed": seed + first * (search.best_of or 1) if search.is_random else None}
        teller = _Teller(args, training, first, of_items=model.codec.end is not None)
        status = _write(model, some, own, args, teller, len(prompts))
        if status:
            return status
    return 0


def _temperatures(args: Namespace, search: SearchSettings) -> list[str]:
    """Return the temperatures of which each gets a text; none: there is one, or none is given."""
    if args.temperatures is None:
        return []
    if args.temperature is not None or args.json or args.shard or args.ray or not search.is_random:
        raise ConfigError("--temperatures is for drawing, in place of --temperature, without --json, --shard and --ray")
    given = [text.strip() for text in args.temperatures.split(",")]
    for text in given:
        parse_temperature(text)
    return given


def _print_seed_and_engine(
    model: TextModel, search: SearchSettings, rules: RuleSettings, args: Namespace, seed: int | None
) -> None:
    """Say with which seed, if nobody gave it, and what has written."""
    engine, precision = model.written_by(settings=search, rules=rules, engine=args.engine, precision=args.precision)
    name = "PyTorch" if engine == "torch" else "compiled code"
    told = "" if seed is None else f"seed {seed}, "
    print(f"({told}written by {name}, {precision})", file=sys.stderr)


def _settings(args: Namespace) -> tuple[SearchSettings, RuleSettings]:
    """Return the settings of the search and of the rules."""
    given = vars(args)
    search = SearchSettings(**{field.name: given[field.name] for field in dataclasses.fields(SearchSettings)})
    lexicon = None if args.lexicon is None else read_file(args.lexicon).split()
    return search, rules_of({**given, "order": given["rules"], "lexicon": lexicon})


def _check(args: Namespace, search: SearchSettings) -> None:
    at_least("samples", args.samples, 1)
    if args.watch and (search.beam is None or args.json or args.prompts is not None or not sys.stdout.isatty()):
        raise ConfigError("--watch shows a beam search of one prompt in a terminal; give --beam, and no --json")
    if args.pace is not None and (not args.watch or not 0 <= args.pace <= _SLOWEST):
        raise ConfigError(f"--pace slows --watch down, by 0 to {_SLOWEST} seconds a step; got {args.pace:g}")
    if args.keep_index and args.max_copy is None:
        raise ConfigError("--keep-index is for --max-copy, which is not given")


class _Teller:
    """Tells texts in their order, each as soon as it and all before it are there.

    Args:
        args: The command's arguments.
        training: The training text, if texts are to be compared with it; that is done for all together.
        first: The number of the first text.
        of_items: Whether the model writes items.
    """

    def __init__(self, args: Namespace, training: TrainingText | None, first: int, *, of_items: bool) -> None:
        self._args, self._training, self._of_items = args, training, of_items
        self.first, self._row, self._told = first, 0, 0

    def tell(self, samples: list[Sample]) -> None:
        """Tell some texts."""
        _print_samples(
            _with_novelty(samples, self._training), self.first + self._told, self._args, of_items=self._of_items
        )
        self._told += len(samples)

    def ready(self, run: Generation) -> None:
        """Tell what is ready."""
        while self._training is None and self._row < run.rows and run.is_done(self._row):
            self.tell(run.samples_of(self._row))
            self._row += 1

    def rest(self, run: Generation) -> None:
        """Tell all that has not been told, ended or not."""
        self.tell([sample for row in range(self._row, run.rows) for sample in run.samples_of(row)])


def _write(
    model: TextModel, prompts: Sequence[str], options: dict[str, Any], args: Namespace, teller: _Teller, total: int
) -> int:
    """Write some texts and tell them; what was made before Ctrl-C is kept. Returns the exit status."""
    search = options["settings"]
    if search.best_of is not None or search.exact:
        with Console(stderr=True).status("writing"):
            samples = model.generate_all(prompts, **options)
        if search.exact:
            given = {name: options[name] for name in ("settings", "rules", "length", "unknown", "engine", "precision")}
            print(f"(drawn exactly, by {model.exact_method(prompts[0], **given)})", file=sys.stderr)
        teller.tell(samples)
        return 0
    reading = _print_reading if len(prompts[0]) > _LONG_PROMPT and sys.stderr.isatty() else None
    run = model.generate_many(prompts, reading=reading, pace=1 if args.watch else None, **options)
    status = 0
    try:
        if args.watch:
            _watch(run, args.length, _PACE if args.pace is None else args.pace)
        elif _is_one(args):
            _stream(run)
        else:
            _write_all(run, args.length, teller, total)
    except KeyboardInterrupt:
        status = 130
    teller.rest(run)
    return status


def _is_one(args: Namespace) -> bool:
    """Whether there is one text, which is shown as it is made."""
    return not (_are_several(args) or args.json or args.watch or args.best_of or args.exact)


def _are_several(args: Namespace) -> bool:
    return args.samples > 1 or args.prompts is not None or args.stochastic or (args.n_best or 1) > 1


def _print_samples(samples: list[Sample], first: int, args: Namespace, *, of_items: bool) -> None:
    if args.json:
        for sample in samples:
            print(as_json(sample.plain()), flush=True)
        return
    if _is_one(args):
        print(flush=True)
    elif _are_several(args):
        _print_all(samples, first, of_items=of_items)
    else:
        print(as_written(samples[0].describe()))
    for sample in samples:
        _remark(sample)


def _remark(sample: Sample) -> None:
    """Say on standard error what a reader of the text should know."""
    if sample.ending == "stuck":
        print("(stuck: the rules together left no symbol; loosen one of them)", file=sys.stderr)
    if sample.removed is not None:
        print(f"(the constraint removed {sample.removed:.1%} of the probability mass per symbol)", file=sys.stderr)
    if sample.novelty is not None:
        novelty = sample.novelty
        seen = ", ".join(f"{share:.0%} of its {n}-symbol windows" for n, share in novelty.seen.items())
        print(f"(longest copy {novelty.longest_copy} symbols: {novelty.copied!r}; known are {seen})", file=sys.stderr)


def _stream(run: Generation) -> None:
    print(run.samples()[0].prompt, end="", flush=True)
    told = ""
    try:
        for pieces in run:
            if pieces[0]:
                print(as_written(pieces[0]), end="", flush=True)
                told += pieces[0]
    except KeyboardInterrupt:
        print(
            as_written(run.samples()[0].text.removeprefix(told)), end="", flush=True
        )  # what was written at that moment
        raise


def _watch(run: Generation, length: int, pace: float) -> None:
    """Show all beginnings of a beam as they compete, each step for ``pace`` seconds; the last ones stay."""
    from ostinato.app.terminal.beams import beams

    with Live(console=Console(), auto_refresh=False) as live:
        for step, _ in enumerate(run, start=1):
            if beginnings := run.beginnings():
                live.update(beams(beginnings, step, length), refresh=True)
                time.sleep(pace)


def _write_all(run: Generation, length: int, teller: _Teller, total: int) -> None:
    """Write several texts, telling each as it comes, and in a terminal how far they are."""
    several = f"samples from {teller.first + 1:,} of {total:,}: " if total > _TOGETHER else ""
    spinner = Spinner("dots")
    # What is told goes to standard output, wherever that leads, and never through the spinner's console.
    with Live(spinner, console=Console(stderr=True), transient=True, redirect_stdout=sys.stdout.isatty()):
        for _ in run:
            spinner.update(text=f"writing: {several}{run.longest:,} of at most {length:,} symbols each")
            teller.ready(run)


def _print_all(samples: list[Sample], first: int, *, of_items: bool) -> None:
    for number, sample in enumerate(samples, start=first):
        name = f"log probability {sample.log_prob:.2f}" if sample.seed is None else f"seed {sample.seed}"
        head = "" if of_items else f"{chr(10) * (number > 0)}--- {name}\n"
        print(as_written(f"{head}{sample.prompt}{sample.text}"), flush=True)


def _training_text(model: TextModel, args: Namespace) -> TrainingText | None:
    """The training text, if what is written is to be compared with it."""
    if args.model_file is not None or not args.run.is_dir():
        if args.novelty:
            raise ConfigError(f"{args.run} is a model file, which holds no training text; give the run folder")
        return None
    from ostinato.families.text.novelty import QUICK

    training = model.training_text()
    try:
        size = training.size
    except RunError:  # a large corpus that is no longer in the cache
        if args.novelty:
            raise
        return None
    return training if args.novelty or (args.json and size <= QUICK) else None


def _against_copying(model: TextModel, args: Namespace) -> dict[str, Any]:
    """The rule against copying, made once for all texts, with a bar while its index is made."""
    if args.max_copy is None:
        return {}
    with WorkView(Console(stderr=True)) as view:
        rule = model.training_text().rule(
            args.max_copy,
            keep=args.keep_index,
            progress=lambda done, total: view.watch("indexing the training text", done, total),
        )
    return {"copied": lambda most: rule}


def _with_novelty(samples: list[Sample], training: TrainingText | None) -> list[Sample]:
    if training is None:
        return samples
    novelties = training.novelty([sample.text for sample in samples])
    return [dataclasses.replace(sample, novelty=novelty) for sample, novelty in zip(samples, novelties, strict=True)]


def _prompts(args: Namespace) -> Iterator[str]:
    texts = list(lines([read_file(args.prompts)])) if args.prompts is not None else [args.prompt or ""]
    if not texts:
        raise ConfigError(f"{args.prompts} has no line, and so no prompt")
    if args.prompt_file is not None:
        texts = [read_file(args.prompt_file)]
    for text in texts:
        if args.prompt_tail is not None:
            if args.prompt_tail < 1:
                raise ConfigError(f"--prompt-tail must be at least 1, got {args.prompt_tail}")
            text = text[-args.prompt_tail :]
        yield text


def _print_reading(done: int, total: int) -> None:
    end = "\n" if done == total else "\r"
    print(f"reading the prompt: {done:,} of {total:,} symbols", end=end, file=sys.stderr, flush=True)
