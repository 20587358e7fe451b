"""Wishes for tunes, made of the options of ``compose``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ostinato.errors import ConfigError
from ostinato.families.tunes.composing import Wish
from ostinato.music import parse_key, parse_meter
from ostinato.music.dances import DANCES, dance_of

_METER = "4/4"
#: What holds where an option is not given.
USUAL: Mapping[str, Any] = {
    "rhythm": "", "key": "D", "mode": "", "meter": "", "form": "AABB", "bars": 8, "start": "", "range": "",
    "cadence": "tonic", "title": "", "temperature": 1.0, "max_copy_bars": 0,
}  # fmt: skip


def wish_of(options: Mapping[str, Any]) -> Wish:
    """Return the wish that options ask for; those that are not given, or are ``None``, are as usual.

    Raises:
        ConfigError: One is out of range.
    """
    given = {**USUAL, **{name: value for name, value in options.items() if name in USUAL and value is not None}}
    rhythm = dance_of(given["rhythm"]) or given["rhythm"].lower()
    meter = parse_meter(given["meter"] or (DANCES[rhythm].meter if rhythm in DANCES else _METER))
    if meter is None:
        raise ConfigError("a tune without a meter has no bars; name one: --meter 6/8")
    return Wish(
        meter=meter,
        key=parse_key(f"{given['key']}{given['mode']}"),
        form=given["form"],
        bars=given["bars"],
        start=given["start"],
        instrument=given["range"],
        cadence="" if given["cadence"] == "any" else given["cadence"],
        rhythm=rhythm,
        title=given["title"],
        temperature=given["temperature"],
        max_copy_bars=given["max_copy_bars"],
    )
