"""Hard faults: kill -9, a full disk, damaged files, read-only folders, clocks that jump, a machine that sleeps.

    python benchmarks/faults.py [--kills 200] [--damages 10000] [--only kills damage]

Everything happens to a small model (its files are as many and of the same kinds as those of a large one), in
forked processes where a process has to die. A fault is survived when what follows is one clear error within two
seconds or exactly the undisturbed result, and when the run goes on to the same bytes afterwards.
The full disk and the read-only folder are small file systems in memory, which takes root on Linux; elsewhere these
rows are left out and said to be.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

import ostinato
from common import report
from ostinato import codecs
from ostinato.app.cli import main as command_line
from ostinato.data import Cache, cache, documents, read_corpus, split
from ostinato.errors import OstinatoError
from ostinato.runs import RunFolder, read_model

TINY = {"hidden_size": 24, "embedding_size": 8, "batch_size": 4, "window": 16, "precision": "float32", "patience": None}
TEXT = "the cat sat on the mat. the dog sat on the log.\n\n" * 60
STEPS = 40
SECONDS = 2.0  # within which an error has to come
PARTS = ("weights", "average", "optimizer", "carried_state")
Row = dict[str, Any]


def forked(act: Callable[[], object]) -> int:
    """Do something in a child process; return its number."""
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            act()
            os._exit(0)
        os._exit(1)
    return child


def status_of(child: int) -> int:
    """Wait for a child: 0 done, 1 an error, negative a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def begin(corpus: Path, out: Path) -> None:
    """Set a run up."""
    ostinato.train(str(corpus), out=out, steps=STEPS, settings=TINY)


def bytes_of(out: Path) -> list[tuple[str, bytes]]:
    """What a finished run has learned."""
    last = out / "checkpoints" / f"step-{RunFolder(out).steps()[-1]:06d}"
    return [(path.name, path.read_bytes()) for path in [*sorted(last.glob("*.safetensors")), out / "best.json"]]


def finished_reference(folder: Path) -> tuple[Path, Path]:
    """A corpus, and a run that nothing disturbed."""
    corpus, reference = folder / "cats.txt", folder / "reference"
    corpus.write_text(TEXT)
    assert status_of(forked(lambda: begin(corpus, reference))) == 0
    assert status_of(forked(lambda: ostinato.resume(reference).to_end())) == 0
    return corpus, reference


def dying_at(calls: int | None) -> None:
    """Let this process die at a given call of what writes to the disk."""
    left = calls

    def counted(honest: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            nonlocal left
            if left is not None:
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)
            return honest(*arguments, **options)

        return call

    for name in ("fsync", "replace", "rename", "open"):
        setattr(os, name, counted(getattr(os, name)))


def kills(folder: Path, count: int, choose: random.Random) -> list[Row]:
    """Kill training at random moments, half of them inside the writing of a checkpoint."""
    corpus, reference = finished_reference(folder)
    want = bytes_of(reference)
    done = inside = runs = 0
    while done < count:
        out = folder / f"run-{runs}"
        runs += 1
        assert status_of(forked(lambda out=out: begin(corpus, out))) == 0
        while RunFolder(out).finished() is None:
            by_the_clock = choose.random() < 0.5
            calls = None if by_the_clock else choose.randrange(3, 40)

            def go_on(out: Path = out, calls: int | None = calls) -> None:
                dying_at(calls)
                ostinato.resume(out).to_end()

            child = forked(go_on)
            if by_the_clock and done < count:
                time.sleep(choose.uniform(0.02, 0.5))
                os.kill(child, signal.SIGKILL)
            status = status_of(child)
            done += status == -signal.SIGKILL
            inside += any((out / "checkpoints").glob(".draft-*"))
            assert status in (0, -signal.SIGKILL), status
            run = RunFolder(out)
            for step in run.steps():
                run.load(step)  # every checkpoint there is, is whole
        assert bytes_of(out) == want, f"{out} differs"
        shutil.rmtree(out)
    told = f"{runs} runs finished byte-equal; {inside} died with a checkpoint half written"
    return [{"fault": "kill -9 while training", "times": done, "clean": done, "told": told}]


def encoding_kills(folder: Path, count: int, choose: random.Random) -> list[Row]:
    """Kill the encoding of a corpus too large for memory."""
    corpus = folder / "large.txt"
    corpus.write_text(TEXT * 1000)
    cache.SAFE = 2**15

    def encode(out: Path) -> str:
        large = read_corpus([str(corpus)], memory=1)
        train, valid = split(large, share=0.3, seed=1)
        return Cache(out).encoded(codecs.WordCodec(["the", " cat"]), {"train": train, "valid": valid}).sha256

    honest = documents.blocks
    documents.blocks = lambda stream, encoding: honest(stream, encoding, 2**14)
    want, done, runs, midway = encode(folder / "whole"), 0, 0, 0
    while done < count:
        out = folder / f"cache-{runs}"
        runs += 1
        while True:
            child = forked(lambda out=out: encode(out))
            time.sleep(choose.uniform(0.1, 1.0))
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            if status_of(child) == 0:
                break
            done += 1
            midway += any(out.glob("corpora/.draft-*/*.progress.json"))
        assert encode(out) == want
        shutil.rmtree(out)
    documents.blocks = honest
    told = f"{runs} corpora encoded to the same digest; {midway} kills left a part to go on from"
    return [{"fault": "kill -9 while encoding a corpus", "times": done, "clean": done, "told": told}]


@contextlib.contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """A file system in memory."""
    folder = Path(tempfile.mkdtemp())
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
        folder.rmdir()


def fill(disk: Path, room: int) -> Path:
    """Leave only so many bytes on a disk."""
    ballast = disk / "ballast"
    free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
    with ballast.open("wb") as stream:
        os.posix_fallocate(stream.fileno(), 0, max(1, free - room))
    return ballast


def full_disk(folder: Path) -> list[Row]:
    """Let the disk be full at every write, page by page: while training, setting up, exporting, encoding."""
    corpus, reference = finished_reference(folder)
    want, page = bytes_of(reference), 4096

    def told_by(act: Callable[[], object]) -> str | None:
        """What an act says when it fails, ``None`` when it is done."""
        try:
            act()
        except OstinatoError as error:
            return str(error)
        return None

    rows = []
    with small_disk(64) as disk:
        large = folder / "large.txt"
        large.write_text(TEXT * 40)

        def encode() -> None:
            read = read_corpus([str(large)], memory=1)
            Cache(disk / "cache").encoded(codecs.ByteCodec(), {"text": read})

        acts: dict[str, Callable[[], object]] = {
            "setting a run up": lambda: begin(corpus, disk / "new"),
            "training": lambda: ostinato.resume(disk / "run").to_end(),
            "export": lambda: ostinato.load(reference).export(disk / "m.safetensors"),
            "encoding a corpus": encode,
        }
        for name, act in acts.items():
            tries = clean = 0
            for room in range(0, 2**30, page):
                if name == "training":
                    shutil.rmtree(disk / "run", ignore_errors=True)
                    begin(corpus, disk / "run")
                ballast = fill(disk, room)
                told = told_by(act)
                ballast.unlink()
                tries += told is not None
                clean += told is not None and "cannot be written: No space left" in told
                if name == "training" and told is not None:
                    run = RunFolder(disk / "run")
                    for step in run.steps():
                        run.load(step)
                    if room % (16 * page) == 0:  # and with room again it goes on
                        ostinato.resume(disk / "run").to_end()
                        assert bytes_of(disk / "run") == want
                if told is None:
                    break
            left = [path for path in disk.rglob("*") if ".draft-" in path.name and "cache" not in str(path)]
            assert name == "training" or not left, left
            rows.append({"fault": f"disk full, {name}", "times": tries, "clean": clean, "told": "one error each"})
    return rows


def read_only(folder: Path) -> list[Row]:
    """What only reads works in a read-only folder; what writes says that it cannot."""
    _, reference = finished_reference(folder)
    results: Counter[str] = Counter()
    with small_disk(16) as disk:
        shutil.copytree(reference, disk / "run")
        corpus = str(shutil.copy(folder / "cats.txt", disk / "cats.txt"))
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        run = str(disk / "run")
        reads = [["info", run], ["runs", str(disk)], ["generate", run, "--seed", "1", "--length", "9"],
                 ["score", run, "the cat"], ["evaluate", run, corpus]]  # fmt: skip
        writes = [["resume", run, "--minutes", "0.1"], ["export", run, str(disk / "m.safetensors")],
                  ["train", corpus, "--steps", "2", "--out", str(disk / "new"), "--set", "hidden_size=16"]]  # fmt: skip
        for words in reads + writes:
            err = io.StringIO()
            with contextlib.redirect_stderr(err), contextlib.redirect_stdout(io.StringIO()):
                status = command_line(words)
            told = err.getvalue().strip()
            good = status == 0 if words in reads else status == 1 and "Read-only file system" in told
            results["clean" if good else f"{words[0]}: {status} {told}"] += 1
    bad = "; ".join(key for key in results if key != "clean")
    told = bad or f"{len(reads)} commands read, {len(writes)} say that they cannot write"
    return [{"fault": "read-only folder", "times": sum(results.values()), "clean": results["clean"], "told": told}]


def damaged(data: bytes, choose: random.Random) -> bytes:
    """Bytes with some damage."""
    kind = choose.randrange(5)
    at = choose.randrange(len(data)) if data else 0
    if kind == 0:
        return data[:at]
    if kind == 1 and data:
        changed = bytearray(data)
        for _ in range(choose.choice((1, 1, 3))):
            changed[choose.randrange(len(data))] ^= 1 << choose.randrange(8)
        return bytes(changed)
    if kind == 2:
        return data[:at] + bytes(len(data) - at)
    if kind == 3:
        return data[:at] + choose.randbytes(choose.randrange(1, 40)) + data[at:]
    return choose.randbytes(choose.randrange(200))


def damage(folder: Path, count: int, choose: random.Random) -> list[Row]:
    """Damage files of runs and models at random and load them."""
    _, reference = finished_reference(folder)
    model = folder / "model.safetensors"
    ostinato.load(reference).export(model)
    run = RunFolder(reference)
    steps = {step: run.load(step).snapshot for step in run.steps()}
    known = [weights for snapshot in steps.values() for weights in (snapshot.weights, snapshot.average)]
    files = [path for path in reference.rglob("*") if path.is_file() and path.name != ".lock"]
    copies = {path: path.read_bytes() for path in [*files, model]}
    outcomes: Counter[str] = Counter()
    slowest = 0.0
    for number in range(count):
        path = model if number % 2 else choose.choice(files)
        path.write_bytes(damaged(copies[path], choose))
        before = time.perf_counter()
        outcomes[_outcome(model if path == model else reference, number, known)] += 1
        slowest = max(slowest, time.perf_counter() - before)
        _restore(reference, path, copies)
    bad = {what: times for what, times in outcomes.items() if what.startswith("BAD")}
    told = f"{', '.join(f'{what}: {times:,}' for what, times in outcomes.items())}; slowest {slowest:.2f} s"
    assert slowest < SECONDS, slowest
    return [{"fault": "damaged file", "times": count, "clean": count - sum(bad.values()), "told": told}]


def _outcome(source: Path, number: int, known: list[dict[str, np.ndarray[Any, Any]]]) -> str:
    """Load, and for a run now and then resume or list it; say what came of it."""
    try:
        if source.is_dir() and number % 8 == 2:
            return _commands(source)
        if source.is_dir() and number % 4 == 0:
            training = ostinato.resume(source, minutes=0.001)
            weights = training.trainer.snapshot().weights
            kind = "resumed"
        else:
            saved = read_model(source)
            weights = ostinato.load(source).saved.weights
            kind = "loaded with a warning" if saved.warnings else "loaded whole"
    except OstinatoError as error:
        return "one clear error" if "\n" not in str(error) or "checkpoint" in str(error) else f"BAD {error}"
    except Exception as error:
        return f"BAD {error!r}"
    equal = any(
        weights.keys() == whole.keys() and all(np.array_equal(weights[name], whole[name]) for name in whole)
        for whole in known
    )
    return kind if equal else "BAD weights that were never saved"


def _commands(run: Path) -> str:
    """What the command line says of a run: status 0 or 1, and never an error that nobody thought of."""
    for words in (["info", str(run)], ["runs", str(run.parent)], ["score", str(run), "the cat"]):
        err = io.StringIO()
        with contextlib.redirect_stderr(err), contextlib.redirect_stdout(io.StringIO()):
            status = command_line(words)
        if status not in (0, 1) or "--debug" in err.getvalue():
            return f"BAD {words[0]}: {status} {err.getvalue()}"
    return "commands"


def _restore(reference: Path, path: Path, copies: dict[Path, bytes]) -> None:
    for aside in reference.glob("checkpoints/*.damaged*"):
        shutil.move(aside, aside.with_name(aside.name.partition(".")[0]))
    for file, data in copies.items():
        if file == path or not file.exists() or file.stat().st_size != len(data):
            file.write_bytes(data)


def clocks(folder: Path) -> list[Row]:
    """Let the wall clock jump by a year back and forth while training, and stop a process as sleep does."""
    corpus, reference = finished_reference(folder)
    honest, jump, rows = time.time, [0.0], []

    def jumping() -> float:
        jump[0] = -jump[0] if jump[0] else 3e7
        return honest() + jump[0]

    def disturbed() -> None:
        time.time = jumping
        begin(corpus, folder / "jumps")
        ostinato.resume(folder / "jumps").to_end()

    assert status_of(forked(disturbed)) == 0
    same = bytes_of(folder / "jumps") == bytes_of(reference)
    rows.append({"fault": "wall clock jumps by a year", "times": 1, "clean": int(same), "told": "byte-equal"})
    clean = 0
    for number in range(3):
        out = folder / f"slept-{number}"
        process = subprocess.Popen(
            [sys.executable, "-m", "ostinato", "train", str(corpus), "--minutes", "0.25", "--out", str(out),
             "--set", "hidden_size=32", "--threads", "1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(7 + number)
        process.send_signal(signal.SIGSTOP)
        time.sleep(20)
        process.send_signal(signal.SIGCONT)
        woken = time.monotonic()
        process.wait()
        run = RunFolder(out)
        clean += process.returncode == 0 and run.finished() is not None and time.monotonic() - woken < 15
    rows.append({"fault": "stopped for longer than its budget", "times": 3, "clean": clean,
                 "told": "finished and whole within seconds of waking"})  # fmt: skip
    return rows


def main() -> None:
    """Do all the damage there is to do."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--damages", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="+", default=["kills", "encoding", "full", "readonly", "damage", "clocks"])
    args = parser.parse_args()
    torch.set_num_threads(1)
    choose = random.Random(args.seed)
    sections: dict[str, Callable[[Path], list[Row]]] = {
        "kills": lambda folder: kills(folder, args.kills, choose),
        "encoding": lambda folder: encoding_kills(folder, max(1, args.kills // 4), choose),
        "full": full_disk,
        "readonly": read_only,
        "damage": lambda folder: damage(folder, args.damages, choose),
        "clocks": clocks,
    }
    rows: list[Row] = []
    for name in args.only:
        if name in ("full", "readonly") and (sys.platform != "linux" or os.geteuid() != 0):
            print(f"{name}: left out, as mounting a small disk takes root on Linux", file=sys.stderr)
            continue
        with tempfile.TemporaryDirectory() as folder:
            before = time.monotonic()
            found = sections[name](Path(folder))
            rows += found
            print(f"{name}: {time.monotonic() - before:.0f} s", *found, sep="\n  ", file=sys.stderr, flush=True)
    report("faults", rows)
    sys.exit(any(row["clean"] != row["times"] for row in rows))


if __name__ == "__main__":
    main()
