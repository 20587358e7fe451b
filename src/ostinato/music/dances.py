"""Kinds of dances: their names, the meters they are written in, and how fast they go."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Dance:
    """A kind of dance.

    Attributes:
        meter: Meter that it is usually written in.
        tempo: Usual quarters a minute; in compound meters dotted ones.
    """

    meter: str
    tempo: int


DANCES = {
    "jig": Dance("6/8", 115), "slip jig": Dance("9/8", 115), "slide": Dance("12/8", 130), "reel": Dance("4/4", 200),
    "hornpipe": Dance("4/4", 160), "strathspey": Dance("4/4", 120), "march": Dance("4/4", 110),
    "polka": Dance("2/4", 125), "waltz": Dance("3/4", 140), "mazurka": Dance("3/4", 140), "air": Dance("3/4", 70),
}  # fmt: skip
_SAME = {"slipjig": "slip jig", "double jig": "jig", "single jig": "jig", "clog": "hornpipe"}


def dance_of(rhythm: str) -> str:
    """Return which of ``DANCES`` a tune's rhythm field (R) names; empty: none.

    >>> dance_of(" Double Jig"), dance_of("REEL"), dance_of("highland fling")
    ('jig', 'reel', '')
    """
    name = re.sub(r"\s+", " ", rhythm).strip().lower()
    name = _SAME.get(name, name)
    return name if name in DANCES else ""
