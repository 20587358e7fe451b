"""The form of a tune: its sections, their repeats, endings and upbeats; and whether all of it adds up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from ostinato.music.bars import EDGE, Bar, bars
from ostinato.music.elements import BarLine, Element
from ostinato.music.tune import Tune

_OPENS, _CLOSES = ("|:", "::"), (":|", "::")


@dataclass
class Section:
    """A stretch of bars that is played through before it is repeated or another one begins.

    Attributes:
        repeated: Whether it is played twice.
        opened: Whether the repeat's beginning is written.
        bars: Bars before its endings, the upbeat included.
        endings: Bars of each variant ending, in order.
    """

    repeated: bool = False
    opened: bool = False
    bars: list[Bar] = field(default_factory=list)
    endings: list[list[Bar]] = field(default_factory=list)

    @property
    def upbeat(self) -> Fraction:
        """Length of the bar before the first whole one; 0: there is none."""
        first = self.bars[0] if self.bars else None
        if first is None or first.meter is None or first.length >= first.meter:
            return Fraction(0)
        return first.length

    @property
    def length(self) -> int:
        """Number of bars with one ending, the upbeat not counted."""
        own = len(self.bars) - bool(self.upbeat)
        return own + (len(self.endings[0]) if self.endings else 0)


def sections(tune: Tune) -> list[Section]:
    """Return the sections of a tune, as its bar lines and endings divide it."""
    parts: list[Section] = []
    current: Section | None = None
    every = bars(tune)
    for place, bar in enumerate(every):
        second = bool(bar.ending) and bar.left in _CLOSES and bool(parts) and bool(parts[-1].endings)
        if second:
            current = parts.pop()
            current.endings.append([])
        elif current is None:
            current = Section(opened=bar.left in _OPENS)
        if bar.ending and not second:
            current.endings.append([])
        (current.endings[-1] if current.endings else current.bars).append(bar)
        if bar.right in _CLOSES:
            current.repeated = True
        if bar.right != "|" and not (bar.right == "||" and current.opened and _is_repeated(every[place + 1 :])):
            parts.append(current)
            current = None
    if current is not None:
        parts.append(current)
    return parts


def _is_repeated(following: Sequence[Bar]) -> bool:
    """Return whether the next repeat sign in some bars ends a repeat."""
    for bar in following:
        if bar.left in _OPENS or bar.ending:
            return False
        if bar.right in _CLOSES:
            return True
    return False


def problems(tune: Tune) -> list[str]:
    """Return messages on what does not add up in a tune: bars, upbeats not repaid, repeats that do not balance.

    A tune without any is one that every player and every program reads alike. Every section's last bar is shorter by
    its upbeat, so that it leads back to it; what follows begins with as long an upbeat.
    """
    parts = sections(tune)
    if not parts:
        return ["there are no bars"]
    messages = [f"bar {number}: {message}" for number, message in _wrong_bars(parts)]
    for number, part in enumerate(parts, 1):
        messages += [
            f"section {number}: {message}" for message in _section_problems(part, parts[0].upbeat, first=number == 1)
        ]
    return messages


def _wrong_bars(parts: Sequence[Section]) -> Iterator[tuple[int, str]]:
    """Yield number and message for each bar that is not as long as the meter says, except the last of sections."""
    number = 0
    for part in parts:
        lasts = {id(bar) for bar in _lasts(part)}
        for bar in (*part.bars, *(bar for ending in part.endings for bar in ending)):
            number += 1
            upbeat = bar is part.bars[0] and bool(part.upbeat) if part.bars else False
            if not (bar.is_right or upbeat or id(bar) in lasts):
                yield number, f"it lasts {bar.length}, not {bar.meter}"


def _lasts(part: Section) -> list[Bar]:
    """Return the bars that lead on from a section: the last of each ending."""
    return [ending[-1] for ending in part.endings] or part.bars[-1:]


def _section_problems(part: Section, upbeat: Fraction, *, first: bool) -> Iterator[str]:
    if part.upbeat != upbeat:
        yield f"its upbeat lasts {part.upbeat}, the tune's {upbeat}"
    for bar in _lasts(part):
        if bar.meter is not None and bar.length != bar.meter - upbeat and not bar.rests:
            yield f"its last bar lasts {bar.length}, which with an upbeat of {upbeat} makes no {bar.meter}"
    if part.repeated and not part.opened and not first:
        yield "it is repeated, and the beginning of the repeat is not written"
    if part.opened and not part.repeated:
        yield "the beginning of a repeat has no end"
    if part.endings and (not part.repeated or len(part.endings) < 2):
        yield f"it has {len(part.endings)} endings; a repeat has two"


def normal(tune: Tune) -> Tune:
    """Return a tune with its form written out one way: every repeat with its beginning, sections ended by ``||``.

    The last bar line is ``:|`` or ``|]``. Bars and notes stay as they are.
    """
    parts = sections(tune)
    opened = {part.bars[0].first if part.bars else part.endings[0][0].first for part in parts if part.repeated}
    ended = {_lasts(part)[-1].last for part in parts}
    last = max(ended, default=0)
    body: list[Element] = []
    for place, element in enumerate([*tune.body, *([BarLine(EDGE)] if last == len(tune.body) else [])]):
        if place in opened:
            body.append(BarLine("|:"))
        if not isinstance(element, BarLine):
            body.append(element)
        elif place in ended:
            closes = element.kind in _CLOSES
            body.append(BarLine(":|" if closes else "|]" if place == last else "||"))
        elif element.kind in _CLOSES and place < last:  # the end of a first ending
            body.append(BarLine(":|"))
        elif element.kind in ("|", "||") and place < last and body and not isinstance(body[-1], BarLine):
            body.append(BarLine("|"))  # a double one inside a repeat ends nothing
    return replace(tune, body=tuple(body))
