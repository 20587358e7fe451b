"""The text that a command looks at: the one that is given, or the beginning of what a run held out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ostinato.errors import ConfigError
from ostinato.families.text.inspecting.inspection import TextInspection
from ostinato.families.text.inspecting.recording import held_out
from ostinato.families.text.options import rules_of
from ostinato.inspect.clamps import parse_clamp

if TYPE_CHECKING:
    from ostinato.families.text.model import TextModel

_LOOKED_AT = 1000  # symbols of the held-out part that most views show
_SEARCHED = 20_000  # characters in which cells are looked for
_FOLLOWED = 5000  # symbols in which the cells of a series are followed
_SALIENT = 120  # symbols of a square of saliency
_SEARCHES = ("find", "atlas")
_WITHOUT_RULES = (*_SEARCHES, "surprising", "trajectory", "gates", "saliency", "compare", "series")
_OF_SYMBOLS = ("guesses", "cells", "trajectory", "saliency")  # views with a line for every symbol


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
        if as_it_is := [name for name in (*_SEARCHES, "series") if name in options]:
            raise ConfigError(f"--{as_it_is[0]} looks at the model as it is; leave --hold out")
        model = model.clamped(*map(parse_clamp, options["hold"]))
    note = ""
    texts: str | list[str] = text or ""
    if text is None:
        followed = _FOLLOWED if options.get("series") else _LOOKED_AT
        is_wide = bool(searches) or ("gates" in options and not set(_OF_SYMBOLS) & set(options))
        most = _SEARCHED if is_wide else _SALIENT if "saliency" in options else followed
        texts, note = held_out(model, most, several=is_wide)
    elif searches and len(text) > _SEARCHED:
        texts, note = text[:_SEARCHED], f"(the first {_SEARCHED:,} characters of {len(text):,})"
    rules, unknown = rules_of(options), options.get("unknown", "error")
    if rules.on() and options.keys() & set(_WITHOUT_RULES) and not options.keys() & {"guesses", "cells"}:
        raise ConfigError("what rules would leave out is told by --guesses; ask for it as well, or leave the rules out")
    return TextInspection(model, texts, unknown=unknown, rules=rules, notes=(note,) if note else ())
