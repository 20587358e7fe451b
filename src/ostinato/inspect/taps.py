"""Taps: named values of a network in PyTorch, read, or replaced, while it steps.

A name is that of the place in the network, such as ``core.layers.0.forget_gate``. A pattern is a name with ``*`` for
anything: ``*gate`` is every gate of every layer, and ``forget_gate`` alone is that of every layer.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from fnmatch import fnmatchcase
from typing import Any, TypeAlias

from torch import Tensor, nn

from ostinato.cores.base import Tap
from ostinato.errors import ConfigError

Replace: TypeAlias = Callable[[Tensor], Tensor | None]


def tap_names(network: nn.Module) -> list[str]:
    """Return the names of all taps of a network, lowest layer first."""
    return [name for name, module in network.named_modules() if isinstance(module, Tap)]


def check_gates(network: nn.Module) -> None:
    """Check that a network has gates.

    Raises:
        ConfigError: It has none.
    """
    if not has_gates(network):
        raise ConfigError("this core has no gates")


def has_gates(network: nn.Module) -> bool:
    """Return whether a network has gates among its taps."""
    return any(name.endswith("gate") for name in tap_names(network))


def matching(names: Iterable[str], pattern: str) -> list[str]:
    """Return the names that a pattern matches.

    Raises:
        ConfigError: It matches none; the error names those that are near.
    """
    every = list(names)
    matched = [name for name in every if fnmatchcase(name, pattern) or fnmatchcase(name, f"*.{pattern}")]
    if not matched:
        short = sorted({name.rpartition(".")[2] for name in every})
        near = difflib.get_close_matches(pattern.rpartition(".")[2], short, n=3, cutoff=0.5) or short
        told = f"near it are {', '.join(near)}" if near else "this network has none"
        raise ConfigError(f"no value of the network is called {pattern!r}; {told}")
    return matched


@contextmanager
def watched(network: nn.Module, *patterns: str) -> Iterator[dict[str, list[Tensor]]]:
    """Collect the values of taps while a ``with`` block runs.

    Args:
        network: The network; what runs in the block steps it.
        patterns: Patterns of names.

    Yields:
        The values of each tap by its name, [B, H] for every step, in the order in which they were computed.

    Raises:
        ConfigError: A pattern matches none.
    """
    names = list(dict.fromkeys(name for pattern in patterns for name in matching(tap_names(network), pattern)))
    values: dict[str, list[Tensor]] = {name: [] for name in names}

    def keep(name: str) -> Replace:
        return lambda value: values[name].append(value.detach())

    with replaced(network, {name: keep(name) for name in names}):
        yield values


@contextmanager
def replaced(network: nn.Module, replacing: Mapping[str, Replace]) -> Iterator[None]:
    """Replace values of taps while a ``with`` block runs; the network then runs step by step.

    Args:
        network: The network.
        replacing: By pattern, a function of a value [B, H] that returns the one to go on with; ``None``: that itself.

    Raises:
        ConfigError: A pattern matches none.
    """
    modules = dict(network.named_modules())
    with ExitStack() as hooks:
        for pattern, function in replacing.items():
            for name in matching(tap_names(network), pattern):
                hooks.callback(modules[name].register_forward_hook(_hook(function)).remove)
        yield


def _hook(function: Replace) -> Callable[[nn.Module, Any, Tensor], Tensor | None]:
    return lambda tap, inputs, value: function(value)
