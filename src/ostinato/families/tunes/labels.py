"""Labels of tunes: the place of each note in its bar, and whether it falls on a beat."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from ostinato.errors import CodecError, ConfigError
from ostinato.inspect.labels import Labeller
from ostinato.music.elements import BarLine
from ostinato.music.timing import durations
from ostinato.music.tokens import UNIT, token_places, tune_of
from ostinato.music.tune import Tune


def _begins(text: str) -> tuple[Tune, list[Fraction], list[int]]:
    """Return the tune that tokens represent, where in its bar each token's element begins, and the tokens' lengths.

    Times are in whole notes, since the last bar line; those of header and title are 0.

    Raises:
        ConfigError: The text is no tune in tokens.
    """
    tokens = text.split()
    try:
        tune = tune_of(tokens)
    except CodecError as error:
        raise ConfigError(f"bar-position and beat are labels of tunes in tokens, and this is none: {error}") from error
    places, time, begins = token_places(tune), Fraction(0), [Fraction(0)] * len(tokens)
    for number, (element, duration) in enumerate(zip(tune.body, durations(tune), strict=True)):
        begins[places[number] : places[number + 1]] = [time] * (places[number + 1] - places[number])
        time = Fraction(0) if isinstance(element, BarLine) else time + duration
    return tune, begins, [len(token) + 1 for token in tokens]


def _bar_position(text: str) -> NDArray[np.float64]:
    """Time since the last bar line at which each note begins, in eighths."""
    _, begins, lengths = _begins(text)
    return np.repeat([float(time / UNIT) for time in begins], lengths)[: len(text)]


def _beat(text: str) -> NDArray[np.float64]:
    """Whether a note begins on a beat: a quarter, of compound meters three eighths, of 4/4 a half."""
    tune, begins, lengths = _begins(text)
    assert tune.meter is not None
    beat = tune.meter.group
    return np.repeat([float(time % beat == 0) for time in begins], lengths)[: len(text)]


#: The labels that tunes have besides those of all texts.
TUNE_LABELLERS: dict[str, Labeller] = {"bar-position": _bar_position, "beat": _beat}
