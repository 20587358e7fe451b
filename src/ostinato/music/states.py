"""What a tune shall be like, and where one is while it is written: the states of the grammar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from ostinato.music.filling import TICKS
from ostinato.music.meter import Meter


@dataclass(frozen=True)
class Form:
    """What a tune shall be like.

    Attributes:
        meter: Its meter.
        parts: For each part whether it is repeated; ``None``: as many as the model likes.
        most_parts: Where the model chooses; ``None``: any number, and parts after the first are one to the grammar.
        bars: Of every part, upbeats not counted; ``None``: as many as the model likes.
        most_bars: Where the model chooses; ``None``: any number, and bars after the first are one to the grammar.
        last: Pitches that the last note may be, as tokens; empty: any.
        titled: Whether a title follows the music.
    """

    meter: Meter
    parts: tuple[bool, ...] | None = None
    most_parts: int | None = None
    bars: int | None = None
    most_bars: int | None = None
    last: frozenset[str] = frozenset()
    titled: bool = False


Place: TypeAlias = Literal["open", "bar", "between", "ended", "title"]
Pending: TypeAlias = Literal["nothing", "note", "chord"]


class Inside(NamedTuple):
    """Where in a bar a tune is; in which bar of which part does not matter.

    Attributes:
        left: Ticks that the bar has left, the pending note not counted; -1: more than it had is taken.
        due: Ticks that are left when the bar ends its part, because the part's upbeat repays them; -1: it does not.
        watched: Whether the tune may end with this bar, so that it matters which note comes last.
        pending: ``note``: one that a length may follow; ``chord``: one that is not closed.
        length: Of the pending note, in ticks.
        bare: Whether it may get a length.
        kind: What is pending: ``note``, ``rest`` or ``chord``; of a chord that is not closed, how many notes.
        notes: Of a tuplet that are to come.
        into: The time that ``puts`` of them are put into.
        puts: See there.
        dots: Of the broken rhythm before the next note, or before the pending one; 0: none.
        same: Of that broken rhythm: the length that both notes are written with, in ticks; 0: there is none.
        pitch: Of the note that may be the tune's last.
        sounded: Whether a note came last, which a tie may make longer.
        altered: Pitches that a tune may end with, but not in this bar: a sign before them holds.
    """

    left: int
    due: int = -1
    watched: bool = False
    pending: Pending = "nothing"
    length: int = TICKS
    bare: bool = False
    kind: str = ""
    notes: int = 0
    into: int = 1
    puts: int = 1
    dots: int = 0
    same: int = 0
    pitch: str = ""
    sounded: bool = False
    altered: frozenset[str] = frozenset()


class Outside(NamedTuple):
    """In which bar of which part a tune is, and what is between bars.

    Attributes:
        place: ``open``: a part begins; ``bar``: inside one; ``between``: the first ending has ended; ``ended``: a part
            has; ``title``: inside it.
        part: Which part, from 0.
        bar: Which bar of it, from 0; of a title, how many letters it has.
        upbeat: Of the tune, in ticks; -1: not known yet.
        in_upbeat: Whether the bar may be an upbeat, or is one.
        repeated: Whether the part is.
        ending: 0, or which ending.
        ending_from: The bar that the endings begin with.
        ending_to: The bar after the first ending.
        line: The bar line that a part ended with.
        pitch: Of the note that may be the tune's last.
        spaced: Of a title: whether a space came last.
    """

    place: Place = "open"
    part: int = 0
    bar: int = 0
    upbeat: int = -1
    in_upbeat: bool = False
    repeated: bool = False
    ending: int = 0
    ending_from: int = 0
    ending_to: int = 0
    line: str = ""
    pitch: str = ""
    spaced: bool = False


class State(NamedTuple):
    """Where a tune is.

    Attributes:
        outside: In which bar of which part.
        inside: Where in that bar; ``None``: in none.
    """

    outside: Outside = Outside()
    inside: Inside | None = None
