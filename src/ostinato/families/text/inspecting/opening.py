"""The text that a command looks at: the one that is given, or the beginning of what a run held out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ostinato.errors import ConfigError
from ostinato.families.text.inspecting.inspection import TextInspection
from ostinato.families.text.options import rules_of
from ostinato.inspect.clamps import parse_clamp
from ostinato.runs import RunFolder

if TYPE_CHECKING:
    from ostinato.families.text.model import TextModel

_LOOKED_AT = 1000  # symbols of the held-out part that most views show
_SEARCHED = 20_000  # characters in which cells are looked for
_FOLLOWED = 5000  # symbols in which the cells of a series are followed
_SALIENT = 120  # symbols of a square of saliency
_SEARCHES = ("find", "atlas")


def inspection_of(model: TextModel, text: str | None, options: Mapping[str, Any]) -> TextInspection:
    """Return the inspection that a command asks for.

    Args:
        model: The model.
        text: The text; ``None``: the beginning of the held-out part of its run.
        options: The options of the command, by name: the views, which say how much is looked at, ``hold``, rules,
            ``unknown``.

    Raises:
        ConfigError: Options do not go together, or there is no held-out part.
        UnknownSymbolError: The text has symbols that the model does not know.
    """
    searches = [name for name in _SEARCHES if name in options]
    if options.get("hold"):
        if searches:
            raise ConfigError(f"--{searches[0]} looks at the model as it is; leave --hold out")
        model = model.clamped(*map(parse_clamp, options["hold"]))
    notes = list[str]()
    if text is None:
        followed = _FOLLOWED if options.get("series") else _LOOKED_AT
        most = _SEARCHED if searches else _SALIENT if "saliency" in options else followed
        text, note = _held_out(model, most, is_search=bool(searches))
        notes += [note] if note else []
    if searches and len(text) > _SEARCHED:
        notes.append(f"(the first {_SEARCHED:,} characters of {len(text):,})")
        text = text[:_SEARCHED]
    rules, unknown = rules_of(options), options.get("unknown", "error")
    return TextInspection(model, text, unknown=unknown, rules=rules, notes=tuple(notes))


def _held_out(model: TextModel, symbols: int, *, is_search: bool) -> tuple[str, str]:
    """Return the beginning of the held-out part, and a remark on how much of it that is."""
    path = model.saved.path
    if not path.is_dir():
        raise ConfigError("a model file has no held-out part; give a TEXT or --file FILE")
    _, held_out = RunFolder(path).corpus()
    if model.codec.end is None:
        count = min(symbols, len(held_out.ids))
        note = f"(the first {count:,} of {len(held_out.ids):,} symbols that were held out)"
        return model.codec.decode(held_out.ids[:symbols].tolist()), note
    if is_search:
        raise ConfigError("a model of items starts anew for each; give one of them as TEXT")
    return model.codec.decode(held_out.ids[held_out.offsets[0] : held_out.offsets[1] - 1].tolist()), ""
