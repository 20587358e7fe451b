"""Forked processes compute with one thread: those of the parent are not there, and PyTorch would wait for them."""

from __future__ import annotations

import os
from contextlib import suppress

import torch

_IMPORTED_BY = os.getpid()


def most_threads() -> int | None:
    """Return how many threads PyTorch may use in this process: one after a fork; ``None`` where nothing limits it."""
    return None if os.getpid() == _IMPORTED_BY else 1


def _begin_child() -> None:
    torch.set_num_threads(1)


with suppress(AttributeError):  # Windows has no fork
    os.register_at_fork(after_in_child=_begin_child)
