"""Building the automaton of a regular expression within bounds of time and memory. No PyTorch here."""

from __future__ import annotations

import atexit
import contextlib
import mmap
import os
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path

from ostinato.errors import ConfigError, EngineError

_MOST_BYTES = 1_500_000_000  # of memory that the process may hold
_START = 120.0  # seconds at most until it is ready
_LOOK = 0.02  # seconds between two looks at it
_ENDED = "the process that turns patterns into automata ended or cannot be started here; is outlines-core installed?"
_ADVICE = "repeat less ({,20} in place of {,500}), use * and +, or narrower classes ([a-z] in place of \\w)"


class PatternBuilder:
    """A process that builds automata, started with the first pattern and again after it had to be stopped."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._answers: queue.SimpleQueue[tuple[bytes, bytes]] = queue.SimpleQueue()
        self._lock, self._parent = threading.Lock(), os.getpid()
        atexit.register(self._stop)

    def build(self, pattern: str, seconds: float, *, alone: bool = False) -> tuple[bytes, bytes]:
        """Return the letter and the content of the process's answer; see ``pattern_worker``. Ctrl-C stops the process.

        Args:
            pattern: The pattern.
            seconds: Longest time for the answer.
            alone: Only check whether the library accepts the pattern as it is.

        Raises:
            ConfigError: It takes too long, or too much memory.
            EngineError: The process cannot run here, or ended.
        """
        with self._lock:
            try:
                process = self._started()
            except (OSError, queue.Empty) as error:
                self._stop()
                raise EngineError(_ENDED) from error
            data = (b"a" if alone else b"w") + pattern.encode()
            try:
                assert process.stdin is not None
                process.stdin.write(len(data).to_bytes(4, "little") + data)
                process.stdin.flush()
                return self._answer(process, pattern, seconds)
            except OSError as error:
                self._stop()
                raise EngineError(_ENDED) from error
            except BaseException:
                self._stop()
                raise

    def _answer(self, process: subprocess.Popen[bytes], pattern: str, seconds: float) -> tuple[bytes, bytes]:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and _memory_of(process.pid) < _MOST_BYTES:
            with contextlib.suppress(queue.Empty):
                kind, answer = self._answers.get(timeout=_LOOK)
                if not kind:
                    raise EngineError(_ENDED)
                return kind, answer
        raise ConfigError(
            f"the pattern {shortened(pattern)} is too large: its automaton has too many states to be built. {_ADVICE}"
        )

    def _started(self) -> subprocess.Popen[bytes]:
        """Return the process, ready for a pattern; start it if need be."""
        if self._process is None or self._parent != os.getpid() or self._process.poll() is not None:
            self._stop()
            self._parent = os.getpid()
            code = Path(__file__).with_name("pattern_worker.py").read_text(encoding="utf-8")
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", code],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            self._answers = queue.SimpleQueue()
            reader = threading.Thread(target=_read, args=(self._process, self._answers), daemon=True)
            reader.start()
            # Starting takes long on a busy machine; only the building itself is held against the clock.
            if self._answers.get(timeout=_START)[0] != b"r":
                raise EngineError(_ENDED)
        return self._process

    def _stop(self) -> None:
        if self._process is None:
            return
        if self._parent == os.getpid():  # a process forked from ours has no claim on it
            self._process.kill()
            self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        self._process = None


def shortened(pattern: str) -> str:
    """Return a pattern as messages show it: only the beginning of a long one."""
    return repr(pattern) if len(pattern) <= 80 else f"{pattern[:60]!r}… ({len(pattern):,} characters)"


def _read(process: subprocess.Popen[bytes], answers: queue.SimpleQueue[tuple[bytes, bytes]]) -> None:
    """Pass on the answers of a process, and an empty one when it has ended."""
    assert process.stdout is not None
    with contextlib.suppress(ValueError, OSError):
        while kind := process.stdout.read(1):
            length = int.from_bytes(process.stdout.read(4), "little")
            answers.put((kind, process.stdout.read(length)))
    answers.put((b"", b""))


def _memory_of(pid: int) -> int:
    """Return the bytes of memory that a process holds; 0 where ``/proc`` does not say."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * mmap.PAGESIZE
    except (OSError, ValueError, IndexError):
        return 0
