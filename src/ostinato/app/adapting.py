"""What the options about adapting say, for ``generate``, ``score`` and ``evaluate``."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING, Any

from ostinato.app.console import Console
from ostinato.app.working import WorkView
from ostinato.data import Kind, Reading, read_corpus
from ostinato.data.reading import size_on_disk
from ostinato.errors import ConfigError
from ostinato.training.adaptation import Adaptation

if TYPE_CHECKING:
    from ostinato.families.text.model import Model

_OPTIONS = {"method": "--adapt-method", "rate": "--adapt-rate", "decay": "--adapt-decay", "segment": "--adapt-segment"}
_MIXED = {"counts": "--counts", "cache": "--cache"}


def adaptation_of(args: Namespace, *, asked: bool, how: str) -> Adaptation | None:
    """Return the adaptation that options describe; ``None``, if there is to be none.

    Args:
        args: Of the command.
        asked: Whether there is to be one.
        how: How to ask for one.

    Raises:
        ConfigError: Options describe one, and none is asked for.
    """
    names = {name: option for name, option in {**_OPTIONS, **_MIXED}.items() if name in _values(args)}
    if names and not asked:
        raise ConfigError(f"{', '.join(names.values())}: how to adapt is for {how}, which is not given")
    return Adaptation(**_values(args)) if asked else None


def adapted(args: Namespace, model: Model) -> Model:
    """Return the model as it is after reading the file that ``--adapt`` names; the model itself without one."""
    adaptation = adaptation_of(args, asked=args.adapt is not None, how="--adapt FILE")
    if adaptation is None:
        return model
    kind: Kind = "text" if model.codec.end is None else "items"
    with WorkView(Console(stderr=True)) as view:
        sources = [str(args.adapt)]
        text = read_corpus(
            sources, reading=Reading(), kind=kind, to_learn=False, tick=view.reading(size_on_disk(sources))
        )
        return model.adapted(
            text, adaptation, unknown=args.unknown, tick=lambda done, total: view.watch("adapting", done, total)
        )


def _values(args: Namespace) -> dict[str, Any]:
    """The fields of an adaptation that were given."""
    given = {name: vars(args)[f"adapt_{name}"] for name in _OPTIONS}
    given |= {name: vars(args)[name] for name in _MIXED if name in vars(args)}
    return {name: value for name, value in given.items() if value is not None and value is not False}
