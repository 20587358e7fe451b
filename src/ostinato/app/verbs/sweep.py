"""``sweep``: a run for every combination of settings, side by side on the cores or on a Ray cluster."""

from __future__ import annotations

import contextlib
import importlib.util
import itertools
import json
import logging
import math
import os
import shlex
import statistics
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ostinato.app.parser import RUNS
from ostinato.app.plotting import plot_runs
from ostinato.app.spreading import words_without
from ostinato.app.terminal.console import Console
from ostinato.app.terminal.hints import print_next
from ostinato.app.terminal.losses import loss_with_error
from ostinato.app.terminal.output import as_json, shown
from ostinato.app.terminal.working import WorkView
from ostinato.app.verbs import train
from ostinato.config import at_least, parse_assignments
from ostinato.disk.documents import file_digest, read_document, write_document
from ostinato.engine.cpu import cores_here
from ostinato.errors import ConfigError, RunError
from ostinato.families import Recipe
from ostinato.runs import RunFolder, read_about, read_model
from ostinato.units import bits
from ostinato.workshop.request import recipe_of

EXAMPLES = """\
ostinato sweep book.txt --set hidden_size=128,256 --set dropout=0,0.2 --minutes 1
ostinato sweep names.txt --as items --set core=lstm,gru --seeds 1,2,3 --minutes 1 --out runs/cores
"""
_RECORD = "sweep.json"
_OWN = ("--set", "--seeds", "--jobs", "--out", "-o", "--ray")  # options with a value, which trials do not get
_INTERRUPTED = 130
_UNEQUAL = 1.1  # most steps over fewest, from which on that is said
_TELLS = 5  # lines of a failed trial's error


def arguments(command: ArgumentParser) -> None:
    """Add the arguments."""
    command.allow_abbrev = False  # the trials get the words as they are typed
    train.arguments(command)
    own = command.add_argument_group("sweep")
    own.add_argument("--seeds", default="1", metavar="N,N", help="every combination with each of them (default: 1)")
    own.add_argument(
        "--jobs", type=int, metavar="N", help="runs side by side, a thread each (default: as many as cores)"
    )
    own.add_argument(
        "--ray",
        nargs="?",
        const="local",
        metavar="ADDRESS",
        help="on a Ray cluster whose machines share the files (default: one started here); needs the extra 'ray'",
    )


@dataclass(frozen=True)
class Trial:
    """A run of a sweep.

    Attributes:
        settings: Its own settings, as they are typed.
        seed: Its seed.
        path: Its run folder.
    """

    settings: tuple[str, ...]
    seed: int
    path: Path

    @property
    def run(self) -> RunFolder:
        """The run folder."""
        return RunFolder(self.path)

    @property
    def is_done(self) -> bool:
        """Whether it has been trained to its end."""
        return self.path.is_dir() and self.run.finished() is not None

    def command(self, words: Sequence[str]) -> list[str]:
        """Return the command that trains it, or goes on with it."""
        if self.path.is_dir():
            plugins = words[: list(words).index("train")]
            return [*plugins, "resume", str(self.path), "--no-report", "--threads", "1"]
        own = [word for setting in self.settings for word in ("--set", setting)]
        return [*words, *own, "--seed", str(self.seed), "--out", str(self.path), "--no-report", "--threads", "1"]


def act(args: Namespace) -> int:
    """Train a run for every combination, and show which is best; the same command goes on where it stopped."""
    recipe = recipe_of(args.recipe, None if args.base is None else read_about(args.base)["recipe"])
    folder = args.out or RUNS / f"sweep-{Path(args.corpus[0]).stem if args.corpus else recipe.name}"
    trials = list(_trials(args, recipe, folder))
    if args.seed != 1:
        raise ConfigError(f"a sweep has --seeds, such as --seeds {args.seed},{args.seed + 1}, in place of --seed")
    plugins = [word for plugin in args.plugins for word in ("--plugin", plugin)]
    words = [*plugins, "train", *words_without([word for word in args.words[1:] if word != "--json"], _OWN)]
    _check_same(folder, _record(args, words))
    left = [trial for trial in trials if not trial.is_done]
    console = Console(stderr=True)
    console.print(
        f"{len(trials)} runs in {shown(folder)}, {len(trials) - len(left)} of them done",
        highlight=False,
        soft_wrap=True,
    )
    jobs = cores_here() if args.jobs is None else args.jobs
    at_least("--jobs", jobs, 1)
    with WorkView(console) as view:
        results = _on_ray(args.ray, left, words) if args.ray is not None else _side_by_side(left, words, jobs)
        for number, (trial, status, told) in enumerate(results, 1):
            if status == _INTERRUPTED:
                raise KeyboardInterrupt
            if status:
                lines = told.strip().splitlines()[-_TELLS:]
                raise RunError(f"{trial.path} failed: " + "\n".join(lines).removeprefix("error: "))
            view.watch("runs", number, len(left))
    _print(args, trials, recipe, folder)
    return 0


def _record(args: Namespace, words: Sequence[str]) -> dict[str, Any]:
    """Return what all runs of a sweep share: the command without what varies, and the digests of its files."""
    fixed = [assignment for assignment in args.settings if "," not in assignment.partition("=")[2]]
    files = {name: file_digest(Path(name)) for name in [*args.corpus, args.valid] if os.path.isfile(name)}
    return {"command": list(words), "settings": sorted(fixed), "files": files}


def _check_same(folder: Path, record: dict[str, Any]) -> None:
    """Check that the runs in a folder are of the same sweep; the first time, write down which one it is.

    Raises:
        ConfigError: They are of another one.
    """
    path = folder / _RECORD
    if not path.exists() or next(folder.glob("*/config.json"), None) is None:  # none has begun
        folder.mkdir(parents=True, exist_ok=True)
        write_document(path, record)
        return
    before = read_document(path)
    for name, told in (("command", "command"), ("settings", "settings that do not vary"), ("files", "files")):
        if before.get(name) != record[name]:
            raise ConfigError(
                f"{folder} has a sweep of other {told}: {json.dumps(before.get(name))}, and now "
                f"{json.dumps(record[name])}. Choose another folder with --out, or remove that one"
            )


def _trials(args: Namespace, recipe: Recipe, folder: Path) -> Iterator[Trial]:
    """Yield every combination of settings with every seed, after checking their names and values."""
    choices = []
    for assignment in args.settings:
        name, equals, values = assignment.partition("=")
        choices.append([f"{name}{equals}{value}" for value in values.split(",")])
    if not any(len(own) > 1 for own in choices) and "," not in args.seeds:
        raise ConfigError("nothing differs: give a setting several values, such as --set hidden_size=128,256")
    try:
        seeds = [int(seed) for seed in args.seeds.split(",")]
    except ValueError as error:
        raise ConfigError(f"--seeds must be whole numbers with commas between them, got {args.seeds!r}") from error
    for own in itertools.product(*choices):
        recipe.parse(parse_assignments(own, recipe.settings), where="--set")
        varied = [setting for setting, values in zip(own, choices, strict=True) if len(values) > 1]
        for seed in seeds:
            name = "_".join([*varied, *([f"seed={seed}"] if len(seeds) > 1 else [])])
            yield Trial(own, seed, folder / name.replace(os.sep, "-"))


def _train(trial: Trial, words: Sequence[str]) -> tuple[int, str]:
    """Train a run in a process of its own; return its exit status and what it said of an error."""
    trial.path.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "ostinato", *trial.command(words)]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    return done.returncode, done.stderr.decode(errors="replace")


def _side_by_side(trials: Sequence[Trial], words: Sequence[str], jobs: int) -> Iterator[tuple[Trial, int, str]]:
    """Train runs on this machine, yielding each as it ends; Ctrl-C reaches every one of them, and each saves."""
    with ThreadPoolExecutor(jobs) as pool:
        waiting = {pool.submit(_train, trial, words): trial for trial in trials}
        try:
            for done in as_completed(waiting):
                yield waiting[done], *done.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _on_ray(address: str, trials: Sequence[Trial], words: Sequence[str]) -> Iterator[tuple[Trial, int, str]]:
    """Train runs as tasks of a Ray cluster, yielding each as it ends."""
    try:
        import ray as ray_module
    except ImportError as error:
        raise ConfigError("--ray needs Ray: pip install '.[ray]' in the checkout") from error
    ray: Any = ray_module
    with contextlib.redirect_stdout(sys.stderr):  # Ray tells of lost workers on standard output
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, include_dashboard=False)
    try:
        task = ray.remote(num_cpus=1)(_train)
        waiting = {task.remote(trial, words): trial for trial in trials}
        while waiting:
            (done,), _ = ray.wait(list(waiting))
            trial = waiting.pop(done)
            yield trial, *ray.get(done)
    finally:
        ray.shutdown()


def _print(args: Namespace, trials: Sequence[Trial], recipe: Recipe, folder: Path) -> None:
    """Print the runs, best first, then the mean over seeds, and draw their curves where matplotlib is installed."""
    rows = [
        {"path": str(trial.path), "seed": trial.seed, "settings": trial.settings, **_best(trial.run)}
        for trial in trials
    ]
    rows.sort(key=lambda row: row["nats_per_symbol"])
    if args.json:
        for row in rows:
            print(as_json(row))
    else:
        _print_rows(rows, recipe.family.unit)
    if importlib.util.find_spec("matplotlib") is not None:
        plot_runs([trial.run for trial in trials], folder / "curves.svg")
        print(f"{folder / 'curves.svg'}: validation curves", file=sys.stderr)
    best, second = (shlex.quote(row["path"]) for row in rows[:2])
    print_next([f"ostinato compare {best} {second} FILE", *recipe.family.next_commands(best)])


def _print_rows(rows: Sequence[Mapping[str, Any]], unit: str) -> None:
    """Print a line for each run, and with several seeds one for each combination."""
    names = [shown(Path(row["path"]).name) for row in rows]
    width = max(map(len, names))
    print(f"{'':<{width}}  bits per {unit}, ± by drawing the held-out data anew; steps; weights")
    for name, row in zip(names, rows, strict=True):
        print(f"{name:<{width}}  {loss_with_error(row, 3)}  {row['steps']:>8,}  {row['parameters']:>10,}")
    steps = [row["steps"] for row in rows]
    if max(steps) > _UNEQUAL * min(steps):
        print("The numbers of steps differ, as some runs had less of the machine; --steps makes them equal.")
    combinations: dict[tuple[str, ...], list[float]] = {}
    for row in rows:
        combinations.setdefault(tuple(row["settings"]), []).append(bits(row["nats_per_symbol"]))
    if min(map(len, combinations.values())) < 2:
        return
    print("mean over seeds, ± the standard error of the mean:")
    shared = set.intersection(*map(set, combinations))
    for settings, losses in sorted(combinations.items(), key=lambda one: statistics.fmean(one[1])):
        error = statistics.stdev(losses) / math.sqrt(len(losses))
        name = " ".join(setting for setting in settings if setting not in shared) or "all"
        print(f"  {shown(name)}: {statistics.fmean(losses):.3f} ± {error:.3f} ({len(losses)} seeds)")


def _best(run: RunFolder) -> dict[str, Any]:
    last = run.metrics()[-1]
    weights = read_model(run.path).weights
    return {
        "nats_per_symbol": last["best_nats_per_symbol"],
        "standard_error": last["best_standard_error"],
        "steps": last["step"],
        "parameters": sum(array.size for array in weights.values()),
    }
