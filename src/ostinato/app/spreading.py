"""Bulk work on a Ray cluster: the parts of a command as tasks, joined in their order."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import subprocess
import sys
import tempfile
from argparse import Namespace
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from ostinato.app.terminal.console import Console
from ostinato.app.terminal.working import WorkView
from ostinato.config import at_least
from ostinato.decode.shards import Shard, parse_shard
from ostinato.errors import ConfigError, ShardError

_PARTS_FOR_EACH = 4  # processor: so that a slow one does not keep the others waiting
_RETRIES = 3  # of a part whose process or machine is lost
_KILLED = 137  # what a shell makes of kill -9


def run_on_ray(args: Namespace) -> int:
    """Run a command's parts on a Ray cluster and print what the command alone would have printed.

    Only ``novelty`` in the JSON of ``generate`` stays empty, as the training text is not sent along.

    The model is sent along; files that are named have to be there on every machine. A part whose
    process or machine is lost is done again elsewhere.

    Raises:
        ConfigError: Ray is not installed, or options do not go together.
        ShardError: A part could not be done.
    """
    if args.others:
        raise ConfigError("--ray sends one model along, not several; do the shards by hand with --shard")
    if args.shard is not None:
        raise ConfigError("--ray makes the shards itself; leave --shard out")
    if args.parts is not None:
        at_least("--parts", args.parts, 1)
    try:
        import ray as ray_module
    except ImportError as error:
        raise ConfigError("--ray needs Ray: pip install '.[ray]' in the checkout") from error
    ray: Any = ray_module
    with contextlib.redirect_stdout(sys.stderr):  # Ray tells of lost workers on standard output
        ray.init(address=args.ray, log_to_driver=False, logging_level=logging.ERROR, include_dashboard=False)
        try:
            parts = args.parts or int(ray.cluster_resources().get("CPU", 1)) * _PARTS_FOR_EACH
            outputs = _run_parts(ray, args, parts)
        finally:
            ray.shutdown()
    if args.command == "evaluate":
        _join(outputs, as_json=args.json)
        return 0
    for output in outputs:
        print(output.decode(), end="")
    return 0


def shard_of(args: Namespace, *files: object) -> Shard | None:
    """Return the part that is asked for, after checking that the options of bulk work go together.

    Args:
        args: The command's arguments.
        files: The files that it reads; ``None`` and ``"-"`` are standard input.

    Raises:
        ConfigError: They do not.
    """
    if args.parts is not None and args.ray is None:
        raise ConfigError("--parts is for --ray; with --shard the parts are counted there, such as 1/4")
    read = [*files, *([] if vars(args).get("adapt") is None else [args.adapt])]
    if args.ray is not None and any(file is None or str(file) == "-" for file in read):
        raise ConfigError("--ray needs a file that every part can read; standard input is there only once")
    return None if args.shard is None else parse_shard(args.shard)


def _run_parts(ray: Any, args: Namespace, parts: int) -> list[bytes]:
    model = ray.put(_model_bytes(args.run))
    gpus = 1 if str(args.device).startswith("cuda") else 0
    task = ray.remote(max_retries=_RETRIES, retry_exceptions=[_LostPartError], num_cpus=1, num_gpus=gpus)(_run_part)
    plugins = [word for plugin in args.plugins for word in ("--plugin", plugin)]
    words = [*plugins, *words_without(args.words, ("--ray", "--parts"))]
    words += [] if args.threads is not None else ["--threads", "1"]
    waiting = {task.remote(model, words, f"{n}/{parts}"): n for n in range(1, parts + 1)}
    outputs: dict[int, bytes] = {}
    with WorkView(Console(stderr=True)) as view:
        while waiting:
            done, _ = ray.wait(list(waiting))
            number = waiting.pop(done[0])
            try:
                status, output, told = ray.get(done[0])
            except Exception as error:  # whatever Ray raises when it has given up
                raise ShardError(f"part {number} of {parts} was lost {_RETRIES + 1} times: {error}") from error
            if status:
                raise ShardError(f"part {number} of {parts} failed: {told.removeprefix('error: ').strip()}")
            outputs[number] = output
            view.watch(f"{parts} parts", len(outputs), parts)
    return [outputs[number] for number in sorted(outputs)]


class _LostPartError(Exception):
    """The process of a part was killed."""


def _run_part(model: bytes, words: list[str], shard: str) -> tuple[int, bytes, str]:
    """Do one part in a process of its own: exit status, standard output, standard error."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        path.write_bytes(model)
        command = [sys.executable, "-m", "ostinato", *words, "--shard", shard, "--model-file", str(path)]
        environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
        done = subprocess.run(command, capture_output=True, check=False, env=environment)
        told = done.stderr.decode(errors="replace")
        if done.returncode < 0 or done.returncode == _KILLED:
            raise _LostPartError(f"killed by signal: {done.returncode} {told}")
        return done.returncode, done.stdout.replace(os.linesep.encode(), b"\n"), told


def _model_bytes(run: Path) -> bytes:
    from ostinato.runs import export, read_model

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        export(read_model(run), path)
        return path.read_bytes()


def words_without(words: Sequence[str], options: Collection[str]) -> list[str]:
    """Return the words of a command without some options and their values."""
    left, skip = [], False
    for word in words:
        if word.partition("=")[0] in options:
            skip = "=" not in word
        elif skip and not word.startswith("-"):
            skip = False
        else:
            left.append(word)
            skip = False
    return left


def _join(outputs: list[bytes], *, as_json: bool) -> None:
    """Join an evaluation's parts as ``ostinato join`` does."""
    from ostinato.app.verbs import join

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "parts.jsonl"
        path.write_text("".join(json.dumps(json.loads(output)) + "\n" for output in outputs), encoding="utf-8")
        join.act(Namespace(parts=[path], json=as_json))
