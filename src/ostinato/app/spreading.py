"""Bulk work on a Ray cluster: the parts of a command as tasks, joined in their order."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import tempfile
from argparse import Namespace
from pathlib import Path
from typing import Any

from rich.console import Console

from ostinato.app.working import WorkView
from ostinato.config import at_least
from ostinato.errors import ConfigError, OstinatoError

_PARTS_FOR_EACH = 4  # processor: so that a slow one does not keep the others waiting
_RETRIES = 3  # of a part whose process or machine is lost


class _PartError(OstinatoError):
    """A part of a job could not be done."""


def spread(args: Namespace) -> int:
    """Run a command's parts on a Ray cluster and print what the command alone would have printed.

    The model is sent along; files that are named have to be there on every machine. A part whose
    process or machine is lost is done again elsewhere.

    Raises:
        ConfigError: Ray is not installed, or options do not go together.
    """
    if args.shard is not None:
        raise ConfigError("--ray makes the shards itself; leave --shard out")
    try:
        import ray as ray_module
    except ImportError as error:
        raise ConfigError("--ray needs Ray: pip install 'ostinato[ray]'") from error
    ray: Any = ray_module
    ray.init(address=args.ray, log_to_driver=False, logging_level=logging.ERROR, include_dashboard=False)
    try:
        parts = args.parts or int(ray.cluster_resources().get("CPU", 1)) * _PARTS_FOR_EACH
        at_least("--parts", parts, 1)
        outputs = _run_parts(ray, args, parts)
    finally:
        ray.shutdown()
    if args.command == "evaluate":
        _join(outputs, as_json=args.json)
    else:
        for output in outputs:
            sys.stdout.write(output)
    return 0


def _run_parts(ray: Any, args: Namespace, parts: int) -> list[str]:
    model = ray.put(_model_bytes(args.run))
    task = ray.remote(max_retries=_RETRIES, num_cpus=1)(_run_part)
    words = _words_without(args.words, ("--ray", "--parts"))
    waiting = {task.remote(model, words, str(args.run), f"{n}/{parts}"): n for n in range(1, parts + 1)}
    outputs: dict[int, str] = {}
    with WorkView(Console(stderr=True)) as view:
        while waiting:
            done, _ = ray.wait(list(waiting))
            number = waiting.pop(done[0])
            status, output, told = ray.get(done[0])
            if status:
                raise _PartError(f"part {number} of {parts} failed: {told.removeprefix('error: ').strip()}")
            outputs[number] = output
            view.watch(f"{parts} parts", len(outputs), parts)
    return [outputs[number] for number in sorted(outputs)]


def _run_part(model: bytes, words: list[str], run: str, shard: str) -> tuple[int, str, str]:
    """Do one part in a process of its own: exit status, standard output, standard error."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        path.write_bytes(model)
        there = [str(path) if word == run else word for word in words]
        command = [sys.executable, "-m", "ostinato", *there, "--shard", shard, "--threads", "1"]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        return done.returncode, done.stdout, done.stderr


def _model_bytes(run: Path) -> bytes:
    from ostinato.runs import export, read_model

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        export(read_model(run), path)
        return path.read_bytes()


def _words_without(words: list[str], options: tuple[str, ...]) -> list[str]:
    """The words of a command without some options and their values."""
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


def _join(outputs: list[str], *, as_json: bool) -> None:
    """Join an evaluation's parts as ``ostinato join`` does."""
    from ostinato.app.scoring import join

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "parts.jsonl"
        path.write_text("".join(json.dumps(json.loads(output)) + "\n" for output in outputs), encoding="utf-8")
        join(Namespace(parts=[path], json=as_json))
