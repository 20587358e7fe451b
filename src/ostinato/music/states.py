"""Forms that tunes shall have, and the states of the grammar while a tune is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from ostinato.music.filling import TICKS
from ostinato.music.meter import Meter


@dataclass(frozen=True)
class Form:
    """The form that a tune shall have.

    Attributes:
        meter: Its meter.
        parts: For each part whether it is repeated; ``None``: the model chooses the parts.
        most_parts: Most parts, where the model chooses; ``None``: any number, and the grammar takes all after the first
            as one.
        bars: Number of bars of every part, upbeats not counted; ``None``: the model chooses.
        most_bars: Most bars of a part, where the model chooses; ``None``: any number, and the grammar takes all after
            the first as one.
        last: Pitches allowed as the last note, as tokens; empty: any.
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
    """The state inside a bar; the bar and the part do not matter.

    Attributes:
        left: Ticks left in the bar, the pending note not counted; -1: more than it had is taken.
        due: Ticks left if the bar ends its part, because the part's upbeat repays them; -1: it cannot end it.
        watched: Whether the tune may end with this bar, so that it matters which note comes last.
        pending: ``note``: one that a length may follow; ``chord``: one that is not closed; or ``nothing``.
        length: Length of the pending note, in ticks.
        bare: Whether the pending note may get a length.
        kind: Kind of the pending note: ``note``, ``rest`` or ``chord``; for an open chord, a ``+`` for each note.
        notes: Number of notes of a tuplet that are to come.
        into: Number of notes whose time ``puts`` notes of the tuplet take.
        puts: See ``into``.
        dots: Dots of the broken rhythm before the next note, or before the pending one; 0: none.
        same: Written length of both notes of that broken rhythm, in ticks; 0: there is none.
        pitch: Pitch of the note that may be the tune's last, as a token; empty: none.
        sounded: Whether a note came last, which a tie may make longer.
        altered: Pitches that a tune may end with, but not in this bar, where a sign before them holds.
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
    """The state outside bars: the part and the bar of a tune, and what is between bars.

    Attributes:
        place: ``open``: a part begins; ``bar``: inside a bar; ``between``: the first ending has ended; ``ended``: a
            part has ended; ``title``: inside the title.
        part: Number of the part, from 0.
        bar: Number of the bar in the part, from 0; in a title, its number of letters.
        upbeat: Length of the tune's upbeat, in ticks; -1: not known yet.
        in_upbeat: Whether the bar may be an upbeat, or is one.
        repeated: Whether the part is repeated.
        ending: Number of the ending, 1 or 2; 0: none.
        ending_from: Number of the bar that the endings begin with.
        ending_to: Number of the bar after the first ending.
        line: The bar line that a part ended with.
        pitch: Pitch of the note that may be the tune's last, as a token; empty: none.
        spaced: Whether a space came last in the title.
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
    """The state of the grammar.

    Attributes:
        outside: The part and the bar.
        inside: State inside that bar; ``None``: in no bar.
    """

    outside: Outside = Outside()
    inside: Inside | None = None
