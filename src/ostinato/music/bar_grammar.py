"""Grammar inside any bar of a tune: the tokens that may come next, so that the bar's time comes out right."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from ostinato.music.filling import NEVER, TICKS, Filling, as_ticks, shortened
from ostinato.music.meter import Meter, tuplet_time
from ostinato.music.states import Inside
from ostinato.music.tokens import TIE

_CHORD = range(2, 5)  # notes
_PITCH = re.compile(r"(?:\^\^|\^|__|_|=)?[A-Ga-g][',]*")


class Costs(NamedTuple):
    """Upper bounds on the fewest tokens until a bar line may come; ``NEVER`` where none can.

    Attributes:
        whole: Tokens until all time of the bar is filled.
        closing: Tokens until its part may end, and the tune with it: the last note is one that a tune may end with.
        ending: Tokens until its part may end, whatever the last note is.
    """

    whole: int = NEVER
    closing: int = NEVER
    ending: int = NEVER

    def after(self, tokens: int) -> Costs:
        """Return the costs with ``tokens`` more tokens each."""
        return Costs(self.whole + tokens, self.closing + tokens, self.ending + tokens)


_NEVER = Costs()


class BarGrammar:
    """The automaton of bars over the tokens of a vocabulary, bar lines left out.

    Args:
        meter: The tune's meter.
        last: Pitches allowed as the tune's last note, as tokens; empty: any.
        tokens: The vocabulary; tokens that are no music of one voice are never allowed.
    """

    def __init__(self, meter: Meter, last: frozenset[str], tokens: Sequence[str]) -> None:
        self.pitches = tuple(sorted({token for token in tokens if _PITCH.fullmatch(token)}))
        self._last = last
        self._lengths = {token: length for token in tokens if (length := as_ticks(token)) is not None}
        self.filling = Filling(self._lengths.values())
        self._broken = {token: len(token) if token[0] == ">" else -len(token) for token in tokens if token[0] in "<>"}
        self._tuplets = {token: ratio for token in tokens if (ratio := _tuplet(token, meter)) is not None}
        self._others = frozenset(tokens) & {TIE, "z", "[", "]"}
        self._costs: dict[Inside, Costs] = {}
        self._known: dict[Inside, dict[str, Inside]] = {}

    def moves(self, inside: Inside) -> dict[str, Inside]:
        """Return the state after each token that is allowed and does not leave the bar."""
        moves = self._known.get(inside)
        if moves is None:
            match inside.pending:
                case "nothing":
                    moves = self._go_on(inside)
                case "note":
                    moves = self._changes(inside) | self.moves(self.settled(inside))
                case "chord":
                    moves = self._chord(inside)
            self._known[inside] = moves
        return moves

    def settled(self, inside: Inside) -> Inside:
        """Return the state when the pending note, if there is one, stays as it is."""
        return self._committed(inside) if inside.pending == "note" else inside

    def costs(self, inside: Inside) -> Costs:
        """Return the costs to the end of the bar."""
        costs = self._costs.get(inside)
        if costs is None:
            match inside.pending:
                case "nothing":
                    costs = self._costs_of_rest(inside)
                case "note":
                    costs = self._costs_of_note(inside)
                case "chord":
                    costs = self._costs_of_chord(inside)
            self._costs[inside] = costs
        return costs

    def is_alive(self, inside: Inside) -> bool:
        """Return whether the bar can be brought to some end."""
        return min(self.costs(inside)) < NEVER

    # --- one token

    def _go_on(self, at: Inside) -> dict[str, Inside]:
        """Return the moves when no note is pending."""
        if at.left <= 0:
            return {}
        moves = self._notes(at)
        if TIE in self._others and at.sounded and not at.dots and not at.watched:
            moves[TIE] = _pending(at, "note")
        if "z" in self._others and not at.dots:
            moves["z"] = _pending(at, "rest")
        if "[" in self._others:
            moves["["] = _pending(at, "")._replace(pending="chord")
        if not at.notes and not at.dots:
            for token, (puts, into) in self._tuplets.items():
                moves[token] = at._replace(notes=puts, into=into, puts=puts)
        return {token: after for token, after in moves.items() if self.is_alive(after)}

    def _notes(self, at: Inside) -> dict[str, Inside]:
        """Return a move for a note of every pitch; the pitch is remembered where it may be the tune's last."""
        if not at.watched:
            return dict.fromkeys(self.pitches, _pending(at, "note"))
        return {token: self._watched_note(_pending(at, "note"), token) for token in self.pitches}

    def _watched_note(self, pending: Inside, token: str) -> Inside:
        plain = token.lstrip("^_=")
        if plain != token and plain in self._last:
            pending = pending._replace(altered=pending.altered | {plain})
        may_be_last = token in self._last and token not in pending.altered
        return pending._replace(pitch=token) if may_be_last else pending

    def _changes(self, note: Inside) -> dict[str, Inside]:
        """Return the moves that change the pending note: lengths, and the broken rhythm after it."""
        moves = {**self._with_lengths(note), **self._with_broken(note)}
        return {token: after for token, after in moves.items() if self.is_alive(after)}

    def _with_lengths(self, note: Inside) -> dict[str, Inside]:
        if not note.bare:
            return {}
        # Two lengths in a broken rhythm are read in two ways.
        return {
            token: note._replace(length=length, bare=False)
            for token, length in self._lengths.items() if note.same in (0, length)
        }  # fmt: skip

    def _with_broken(self, note: Inside) -> dict[str, Inside]:
        # Not between the last note of a tuplet and the next: written alike, they would not be equally long.
        if note.kind == "rest" or note.dots or note.notes == 1:
            return {}
        return {
            token: self._committed(note, -dots)._replace(dots=dots, same=note.length)
            for token, dots in self._broken.items()
        }

    def _committed(self, note: Inside, longer: int = 0) -> Inside:
        """Return the state after the pending note, ``longer`` by the dots of a broken rhythm after it."""
        into, puts = (note.into, note.puts) if note.notes else (1, 1)
        taken = shortened(note.length, into, puts, note.dots or longer)
        left = max(-1, note.left - taken) if taken > 0 and note.same in (0, note.length) else -1
        notes = max(0, note.notes - 1)
        return Inside(
            left, note.due, note.watched, notes=notes, into=into if notes else 1, puts=puts if notes else 1,
            pitch=note.pitch if left == note.due else "", sounded=note.kind == "note", altered=note.altered,
        )  # fmt: skip

    def _chord(self, chord: Inside) -> dict[str, Inside]:
        moves: dict[str, Inside] = {}
        if len(chord.kind) < _CHORD[-1]:
            moves |= dict.fromkeys(self.pitches, chord._replace(kind=chord.kind + "+"))
        if "]" in self._others and len(chord.kind) in _CHORD:
            moves["]"] = chord._replace(pending="note", kind="chord")
        return {token: after for token, after in moves.items() if self.is_alive(after)}

    # --- how far it is to the end

    def _costs_of_rest(self, at: Inside) -> Costs:
        if at.left < 0 or not self.pitches:
            return _NEVER
        whole = self._fill(at, 0)
        ending = self._fill(at, at.due) if 0 <= at.due <= at.left else NEVER
        return Costs(whole, ending if self._can_be_last(at) else NEVER, ending)

    def _can_be_last(self, at: Inside) -> bool:
        """Return whether the note that came last, or one that is to come, may be the tune's last."""
        if not at.watched:
            return True
        return bool(self._last - at.altered) if at.left > at.due else at.pitch in self._last

    def _fill(self, at: Inside, left_over: int) -> int:
        return self.filling.fewest(at.left - left_over, at.notes, at.into, at.puts, at.dots, at.same)

    def _costs_of_note(self, note: Inside) -> Costs:
        plain = self.costs(self._committed(note))
        longer = [self.costs(self._committed(after)) for after in self._with_lengths(note).values()]
        costs = _least(plain, longer)
        if costs.whole >= NEVER or (note.due >= 0 and costs.closing >= NEVER):
            costs = _least(costs, [self.costs(after) for after in self._with_broken(note).values()])
        return costs

    def _costs_of_chord(self, chord: Inside) -> Costs:
        missing = max(0, _CHORD[0] - len(chord.kind))
        if not self.pitches or "]" not in self._others:
            return _NEVER
        return self.costs(chord._replace(pending="note", kind="chord")).after(missing + 1)


def _least(now: Costs, after_one: Sequence[Costs]) -> Costs:
    """Return the least of some costs and of others that need one token more."""
    whole, closing, ending = now
    for costs in after_one:
        whole, closing, ending = min(whole, costs[0] + 1), min(closing, costs[1] + 1), min(ending, costs[2] + 1)
    return Costs(whole, closing, ending)


def _pending(at: Inside, kind: str) -> Inside:
    """Return the state in which a note, rest or chord begins."""
    return Inside(
        at.left, at.due, at.watched, "note", bare=at.same != TICKS, kind=kind, notes=at.notes, into=at.into,
        puts=at.puts, dots=at.dots, same=at.same, altered=at.altered,
    )  # fmt: skip


def _tuplet(token: str, meter: Meter) -> tuple[int, int] | None:
    """Return a tuplet's number of notes and the number whose time they take; ``None``: the token is no tuplet."""
    if token[0] != "(":
        return None
    puts, _, into = token[1:].partition(":")
    if not puts.isdecimal() or not (into or "1").isdecimal():
        return None
    return int(puts), int(into or tuplet_time(int(puts), compound=meter.is_compound))
