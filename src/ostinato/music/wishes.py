"""Wishes for composed tunes: forms, ranges, cadences."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby

from ostinato.errors import CodecError, ConfigError
from ostinato.music.elements import Note
from ostinato.music.keys import Key
from ostinato.music.sounding import tones
from ostinato.music.tokens import UNIT, tune_of
from ostinato.music.transposing import transpose
from ostinato.music.tune import Tune

#: Lowest and highest MIDI number of instruments, as they are written.
RANGES = {"fiddle": (55, 88), "whistle": (62, 83), "flute": (62, 90), "pipes": (62, 86)}
#: The scale's step that a cadence ends on, as letters of a tune in C.
CADENCES = {"tonic": "C", "dominant": "G"}


def parse_form(form: str) -> tuple[bool, ...]:
    """Return for each part of a form such as ``AABB`` whether it is repeated.

    Raises:
        ConfigError: The text is no form, or a part is played more than twice or comes back after another one.
    """
    runs = [(letter, len(list(group))) for letter, group in groupby(form)]
    letters = [letter for letter, _ in runs]
    if not runs or not form.isalpha() or not form.isupper() or len(set(letters)) < len(letters):
        raise ConfigError(
            f"the form must be parts in their order, each once or twice, such as AABB or AAB; got {form!r}"
        )
    if most := [letter for letter, times in runs if times > 2]:
        raise ConfigError(f"a part is played once or twice in a row; {form!r} has {most[0]} more often")
    return tuple(times == 2 for _, times in runs)


def out_of_range(tokens: Iterable[str], key: Key, lowest: int, highest: int) -> set[str]:
    """Return the tokens that are pitches outside a range when a tune is moved to a key.

    Args:
        tokens: Tokens of a vocabulary.
        key: Key that the tune is moved to.
        lowest: MIDI number of the lowest note allowed.
        highest: MIDI number of the highest note allowed.
    """
    return {token for token in tokens if (midi := midi_of(token, key)) is not None and not lowest <= midi <= highest}


def midi_of(token: str, key: Key) -> int | None:
    """Return the MIDI number of a pitch token in a tune moved to a key; ``None``: it is no pitch or cannot be moved."""
    tune = _alone(token, key)
    return None if tune is None or not can_be_moved(token, key) else tones(moved(tune, key))[0].midi


def can_be_moved(token: str, key: Key) -> bool:
    """Return whether a tune with a token can be moved to a key: a note with two signs may need three there."""
    tune = _alone(token, key)
    try:
        return tune is None or bool(moved(tune, key))
    except ConfigError:
        return False


def _alone(token: str, key: Key) -> Tune | None:
    """Return a tune of one note; ``None``: the token is no pitch."""
    try:
        tune = tune_of(["M:4/4", f"K:{key.mode}", token])
    except CodecError:
        return None
    return tune if len(tune.body) == 1 and isinstance(tune.body[0], Note) else None


def moved(tune: Tune, key: Key) -> Tune:
    """Move a tune on C, in eighths, to a key of its mode."""
    assert tune.unit == UNIT
    return transpose(tune, key.letter, key.alteration)


def closing(tokens: Sequence[str], cadence: str) -> frozenset[str]:
    """Return the tokens that a tune may end with, for a cadence.

    Raises:
        ConfigError: There is no such cadence.
    """
    if cadence not in CADENCES:
        raise ConfigError(f"the cadence must be one of {', '.join(CADENCES)}; got {cadence!r}")
    letter = CADENCES[cadence]
    plain = re.compile(rf"[{letter}{letter.lower()}][,']*")
    return frozenset(token for token in tokens if plain.fullmatch(token))
