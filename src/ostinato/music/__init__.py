"""Tunes as plain data: ABC notation, time, keys. Knows no model. No PyTorch here."""

from ostinato.music.abc_problems import Problem
from ostinato.music.abc_reading import ReadTune, parse_tune, read_tunebook
from ostinato.music.abc_writing import write_tune
from ostinato.music.elements import (
    BarLine,
    BarsOfRest,
    Broken,
    Chord,
    Decoration,
    Element,
    Ending,
    Field,
    Grace,
    Note,
    Pitch,
    Rest,
    Slur,
    Text,
    Tuplet,
)
from ostinato.music.keys import Key, parse_key
from ostinato.music.meter import Meter, parse_meter
from ostinato.music.timing import durations
from ostinato.music.tune import Tune

__all__ = [
    "BarLine",
    "BarsOfRest",
    "Broken",
    "Chord",
    "Decoration",
    "Element",
    "Ending",
    "Field",
    "Grace",
    "Key",
    "Meter",
    "Note",
    "Pitch",
    "Problem",
    "ReadTune",
    "Rest",
    "Slur",
    "Text",
    "Tune",
    "Tuplet",
    "durations",
    "parse_key",
    "parse_meter",
    "parse_tune",
    "read_tunebook",
    "write_tune",
]
