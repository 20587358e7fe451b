"""Which tokens may follow which, so that every bar is right, upbeats are repaid, repeats balance and the form is kept.

The automaton is exact: a token is allowed only if the tune can still be brought to its end.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ostinato.errors import ConfigError
from ostinato.music.elements import BAR_LINES
from ostinato.music.filling import NEVER, TICKS, Filling, as_ticks, shortened
from ostinato.music.meter import tuplet_time
from ostinato.music.states import Form, State
from ostinato.music.titles import LETTER, TITLE

_EIGHTHS = 8  # in a whole note
_CHORD = range(2, 5)  # notes
_TIE = "-"  # in place of a pitch: the note before goes on
_MOST_LETTERS = 48  # of a title
_FEWEST_OF_TITLE = 2  # its beginning and a letter
_ENDINGS = ("[1", "[2")
_MOST_OF_ENDING = 4  # bars, where nothing else limits them
_INNER = 1  # a bar that is neither the first nor the last of its part; it stands for all of these
_SPACE = LETTER + "_"
_PITCH = re.compile(r"(?:\^\^|\^|__|_|=)?[A-Ga-g][',]*")


class Grammar:
    """The automaton of a form over the tokens of a vocabulary.

    Args:
        form: What the tune shall be like.
        tokens: All that there are; those that are no music of one voice are never allowed.
    """

    def __init__(self, form: Form, tokens: Sequence[str]) -> None:
        self.form = form
        self.full = int(form.meter.bar * _EIGHTHS * TICKS)
        self._lengths = {token: length for token in tokens if (length := as_ticks(token)) is not None}
        self._pitches = frozenset(token for token in tokens if _PITCH.fullmatch(token))
        self._filling = Filling(self._lengths.values())
        self._broken = tuple(token for token in tokens if token[0] in "<>")
        self._tokens = tuple(tokens)
        letters = tuple(token for token in tokens if token[0] == LETTER and token != _SPACE)
        self._letters = frozenset(letters)
        self._alike = tuple(group for group in (tuple(sorted(self._pitches)), letters) if group)
        self._apart = tuple(token for token in tokens if token not in self._pitches and token not in self._letters)
        self._all = frozenset(tokens)
        self._lines = tuple(token for token in tokens if token in BAR_LINES or token[:2] in _ENDINGS)
        self._costs: dict[State, int] = {}
        self._known: dict[State, dict[str, State]] = {}

    @property
    def start(self) -> State:
        """After meter and key."""
        return State()

    def moves(self, state: State) -> dict[str, State]:
        """Return the state after each token that is allowed."""
        found = self._known.get(state)
        if found is None:
            like = self._like(state)
            found = self._known[state] = self._moves(state) if like is None else self._moves_as(state, like)
        return found

    def _moves(self, state: State) -> dict[str, State]:
        alike = self._alike if self._are_alike(state) else ()
        ways = [(token, self.step(state, token)) for token in (self._apart if alike else self._tokens)]
        ways += [(token, after) for group in alike for after in [self.step(state, group[0])] for token in group]
        return {token: after for token, after in ways if after is not None}

    def _moves_as(self, state: State, like: State) -> dict[str, State]:
        """The moves of a state inside a bar, found by those of one that differs in the number of the bar only."""
        moved: dict[int, State] = {}
        found = {}
        for token, after in self.moves(like).items():
            if token in self._lines:
                continue
            if id(after) not in moved:
                moved[id(after)] = after._replace(bar=state.bar)
            found[token] = moved[id(after)]
        lines = ((token, self.step(state, token)) for token in self._lines)
        return found | {token: after for token, after in lines if after is not None}

    def _like(self, state: State) -> State | None:
        """A state in another bar, to which this one is equal in all but bar lines; ``None``: it is looked at itself."""
        bar, most = _INNER, self.form.bars or self.form.most_bars
        inner = most is not None and bar < state.bar < most - 1 and not state.ending and not state.in_upbeat
        return state._replace(bar=bar) if inner and state.place in ("inside", "note", "chord") else None

    def _are_alike(self, state: State) -> bool:
        """Whether it does not matter which pitch comes, so that what follows is found once for all of them."""
        return not self.form.last or (state.place not in ("open", "ended") and not self._is_watched(state))

    def step(self, state: State, token: str) -> State | None:
        """Return the state after a token; ``None``: it is not allowed."""
        after = self._step(state, token)
        return None if after is None or self.fewest(after) >= NEVER else after

    def settled(self, state: State) -> State:
        """The state when the pending note, if there is one, shall stay as it is."""
        return self._committed(state)._replace(sounded=False) if state.place == "note" else state

    def begin(self, prompt: Sequence[str]) -> State:
        """The state after the tokens that a tune shall begin with, header not included; a last note stays as it is.

        Raises:
            ConfigError: No such tune begins with them.
        """
        return self.settled(self.after(prompt))

    def after(self, tokens: Sequence[str]) -> State:
        """The state after some tokens; errors as of ``begin``."""
        state = self.start
        for place, token in enumerate(tokens):
            after = self.step(state, token)
            if after is None:
                raise ConfigError(
                    f"the start cannot begin such a tune: after {' '.join(tokens[:place]) or 'nothing'!r} no {token!r} "
                    "can come (tokens of the tune in C). Check its bars, its form and its range"
                )
            state = after
        return state

    def accepts(self, state: State) -> bool:
        """Whether a tune may end here."""
        if state.place == "title":
            return state.bar > 0 and not state.bare
        return not self.form.titled and self._is_whole(state)

    def _is_whole(self, state: State) -> bool:
        """Whether the music may end here."""
        if state.place != "ended" or (self.form.last and state.pitch not in self.form.last):
            return False
        return state.kind != "||" and (self.form.parts is None or self._is_last(state.part))

    # --- one token

    def _step(self, state: State, token: str) -> State | None:
        match state.place:
            case "open":
                return self._open(state, token)
            case "between":
                if token != "[2":
                    return None
                return state._replace(place="inside", ending=2, bar=state.ending_from, left=self.full, sounded=False)
            case "title":
                return self._title(state, token)
            case "ended":
                if token == TITLE:
                    return State(place="title") if self.form.titled and self._is_whole(state) else None
                if self._is_last(state.part) or state.kind == "|]":
                    return None
                free = self.form.parts is None and self.form.most_parts is None
                return self._open(State(part=1 if free else state.part + 1, upbeat=state.upbeat), token)
            case "chord":
                return self._chord(state, token)
            case "note":
                changed = self._change(state, token)
                return self._go_on(self._committed(state), token) if changed is None else changed
        return self._go_on(state, token)

    def _open(self, state: State, token: str) -> State | None:
        """The beginning of a part."""
        wanted = None if self.form.parts is None else self.form.parts[state.part]
        left = state.upbeat if state.upbeat > 0 else self.full
        begun = state._replace(place="inside", left=left, in_upbeat=state.upbeat != 0)
        if token == "|:":
            return None if wanted is False else begun._replace(repeated=True)
        return None if wanted else self._go_on(begun, token)

    def _change(self, state: State, token: str) -> State | None:
        """What makes the pending note another one; ``None``: the token does not."""
        if token in self._lengths and state.bare:
            if state.same and self._lengths[token] != state.same:  # two lengths in a broken rhythm are read in two ways
                return None
            return state._replace(length=self._lengths[token], bare=False)
        # Not between the last note of a tuplet and the next: written alike, they would not be equally long.
        if token[0] in "<>" and state.kind != "rest" and not state.dots and state.notes != 1:
            dots = len(token) if token[0] == ">" else -len(token)
            return self._committed(state, -dots)._replace(dots=dots, same=state.length)
        return None

    def _committed(self, state: State, longer: int = 0) -> State:
        """The state after the pending note has got its time, ``longer`` by the dots of a broken rhythm after it."""
        into, puts = (state.into, state.puts) if state.notes else (1, 1)
        taken = shortened(state.length, into, puts, state.dots or longer)
        left = state.left - taken if taken > 0 and state.same in (0, state.length) else -1
        notes = max(0, state.notes - 1)
        return state._replace(
            place="inside", left=left, notes=notes, into=into if notes else 1, puts=puts if notes else 1, dots=0,
            same=0, kind="", length=TICKS, bare=False, pitch=state.pitch if left == max(0, state.upbeat) else "",
            sounded=state.kind == "note",
        )  # fmt: skip

    def _go_on(self, state: State, token: str) -> State | None:
        """What follows inside a bar, when no note is pending."""
        if token in BAR_LINES:
            return None if state.notes or state.dots or state.left < 0 else self._bar_line(state, token)
        if token.startswith("[") and token[1:].isdecimal():
            return self._first_ending(state) if token == "[1" else None
        if state.left <= 0:
            return None
        pending = state._replace(place="note", bare=state.same != TICKS, length=TICKS)
        if token in self._pitches:
            return self._note(pending, token)
        if token == _TIE:
            may = state.sounded and not state.dots and not self._is_watched(state)
            return pending._replace(kind="note", pitch="") if may else None
        if token == "z" and not state.dots:
            return pending._replace(kind="rest", pitch="")
        if token == "[":
            return pending._replace(place="chord", kind="", pitch="")
        return self._tuplet(state, token)

    def _note(self, pending: State, token: str) -> State:
        """A note of some pitch, which is remembered where it may be the tune's last."""
        if not self._is_watched(pending):
            return pending._replace(kind="note", pitch="")
        plain = token.lstrip("^_=")
        if plain != token and plain in self.form.last:
            pending = pending._replace(altered=pending.altered | {plain})
        return pending._replace(kind="note", pitch="" if token in pending.altered else token)

    def _is_watched(self, state: State) -> bool:
        """Whether the tune may end with this bar, so that it matters which note comes last."""
        if not self.form.last or state.place == "title" or state.ending == 1:
            return False
        return (self.form.parts is None or self._is_last(state.part)) and self._may_end(state)

    def _title(self, state: State, token: str) -> State | None:
        """A letter of the title; spaces stand between words only."""
        is_space = token == _SPACE
        if state.bar >= _MOST_LETTERS or (is_space and (state.bare or not 0 < state.bar < _MOST_LETTERS - 1)):
            return None
        return state._replace(bar=state.bar + 1, bare=is_space) if is_space or token in self._letters else None

    def _tuplet(self, state: State, token: str) -> State | None:
        if token[0] != "(" or state.notes or state.dots:
            return None
        puts, _, into = token[1:].partition(":")
        if not puts.isdecimal() or not (into or "1").isdecimal():
            return None
        usual = tuplet_time(int(puts), compound=self.form.meter.is_compound)
        return state._replace(notes=int(puts), into=int(into or usual), puts=int(puts))

    def _chord(self, state: State, token: str) -> State | None:
        if token in self._pitches:
            more = state.kind + "+"
            return state._replace(kind=more) if len(more) <= _CHORD[-1] else None
        if token == "]" and len(state.kind) in _CHORD:
            return state._replace(place="note", kind="chord")
        return None

    # --- bar lines

    def _bar_line(self, state: State, token: str) -> State | None:
        if token == "|":
            return self._next_bar(state)
        if state.in_upbeat or state.left != state.upbeat or not self._may_end(state):
            return None
        if state.repeated and state.ending != 2:
            if token != ":|":
                return None
            if state.ending == 1:
                return state._replace(place="between", ending_to=state.bar + 1)
        elif token != ("|]" if self._ends_tune(state.part, token) else "||"):
            return None
        return State(place="ended", part=state.part, upbeat=state.upbeat, kind=token, pitch=state.pitch)

    def _next_bar(self, state: State) -> State | None:
        """A plain bar line: after an upbeat, or a whole bar that is not the last."""
        fresh = state._replace(left=self.full, in_upbeat=False, pitch="", altered=frozenset())
        if state.in_upbeat and state.upbeat > 0:
            return None if state.left else fresh
        if state.in_upbeat and 0 < state.left < self.full:
            return fresh._replace(upbeat=self.full - state.left)
        if state.left or self._must_end(state):
            return None
        free = not (self.form.bars or self.form.most_bars or state.ending)
        return fresh._replace(bar=_INNER if free else state.bar + 1, upbeat=0 if state.in_upbeat else state.upbeat)

    def _first_ending(self, state: State) -> State | None:
        fresh = state.left == self.full and state.bar > 0 and not state.in_upbeat
        if not fresh or not state.repeated or state.ending or state.kind or "[2" not in self._all:
            return None
        return state._replace(ending=1, ending_from=state.bar, sounded=False)

    def _is_last(self, part: int) -> bool:
        last = self.form.most_parts if self.form.parts is None else len(self.form.parts)
        return last is not None and part + 1 == last

    def _ends_tune(self, part: int, token: str) -> bool:
        if self.form.parts is None:
            return token == "|]" or self._is_last(part)
        return self._is_last(part)

    def _may_end(self, state: State) -> bool:
        """Whether this bar may be the last of its part."""
        if state.ending == 2:
            return state.bar + 1 == state.ending_to
        return self.form.bars is None or state.bar + 1 == self.form.bars

    def _must_end(self, state: State) -> bool:
        """Whether it has to be."""
        if state.ending == 2:
            return state.bar + 1 == state.ending_to
        most = self.form.bars or self.form.most_bars
        if most is None:
            return state.ending == 1 and state.bar + 1 - state.ending_from >= _MOST_OF_ENDING
        return state.bar + 1 >= most

    # --- how far it is to the end

    def fewest(self, state: State) -> int:
        """Return in how few tokens, at most, a tune can be brought to its end; ``NEVER`` where it cannot."""
        if state.place == "title":
            return int(state.bare or not state.bar)
        if not self._pitches and state.place != "ended":
            return NEVER
        return min(NEVER, self._music(state) + _FEWEST_OF_TITLE * self.form.titled)

    def _music(self, state: State) -> int:
        """The same for the music alone."""
        like = self._like(state)
        if like is not None:  # it has so many bars more to come
            more = state.bar - like.bar if self.form.bars else 0
            cost = self._music(like)
            return cost if cost >= NEVER else cost - more * (1 + self._filling.fewest(self.full))
        found = self._costs.get(state)
        if found is None:
            found = self._costs[state] = min(NEVER, self._fewest(state))
        return found

    def _fewest(self, state: State) -> int:
        match state.place:
            case "ended":
                if self._is_whole(state):
                    return 0
                return NEVER if state.kind == "|]" or self._is_last(state.part) else self._parts_after(state)
            case "open":
                return self._part(state.part, max(0, state.upbeat)) + self._parts_after(state)
            case "between":
                bars = state.ending_to - state.ending_from
                return 1 + self._bars(bars, state.upbeat) + self._parts_after(state)
            case "chord":
                missing = max(0, _CHORD[0] - len(state.kind))
                return missing + 1 + self._music(state._replace(place="note", kind="chord"))
            case "note":
                return self._from_note(state)
        return self._from_inside(state)

    def _from_note(self, state: State) -> int:
        ways = [self._music(self._committed(state))]
        if state.bare:
            ways += [1 + self._music(self._committed(state._replace(length=one))) for one in self._lengths.values()]
        if state.kind != "rest" and not state.dots:
            ways += [1 + self._music(after) for one in self._broken if (after := self._change(state, one)) is not None]
        return min(ways)

    def _from_inside(self, state: State) -> int:
        if state.left < 0:
            return NEVER
        whole = 1 + self._fill(state, 0)
        if state.in_upbeat:
            known = state.upbeat > 0
            bars = self._bars_left(state)
            return whole + self._bars(bars - (not known), max(0, state.upbeat)) + self._after(state, bars)
        ways = []
        if not self._must_end(state):
            more = max(1, self._bars_left(state) - 1)
            ways.append(whole + self._bars(more, state.upbeat) + self._after(state, 1 + more))
        if self._may_end(state) and state.left >= state.upbeat and self._can_close(state):
            ways.append(1 + self._fill(state, state.upbeat) + self._after(state, 1) + self._again(state))
        return min(ways, default=NEVER)

    def _can_close(self, state: State) -> bool:
        """Whether, if no note is to come in this part, the last one may be its last."""
        final = self._is_last(state.part) and (not state.repeated or state.ending != 1)
        if state.left > state.upbeat:
            return not final or self._can_be_last(state)
        return not final or not self.form.last or state.pitch in self.form.last

    def _fill(self, state: State, left_over: int) -> int:
        return self._filling.fewest(state.left - left_over, state.notes, state.into, state.puts, state.dots, state.same)

    def _bars_left(self, state: State) -> int:
        """Bars of the part from this one on, at least."""
        last = state.ending_to if state.ending == 2 else self.form.bars
        return max(1, last - state.bar) if last is not None else 1 + (state.in_upbeat and state.upbeat < 0)

    def _bars(self, bars: int, upbeat: int) -> int:
        """Tokens of so many whole bars, the last of which ends a part."""
        if bars < 1:
            return NEVER
        return (bars - 1) * (1 + self._filling.fewest(self.full)) + 1 + self._filling.fewest(self.full - upbeat)

    def _after(self, state: State, bars: int) -> int:
        """Tokens after the end of this part, or of its first ending, which has so many bars from this one on."""
        rest = self._parts_after(state) + NEVER * (not self._has_closing(state))
        if state.ending != 1:
            return rest
        return 1 + self._bars(bars + state.bar - state.ending_from, max(0, state.upbeat)) + rest

    def _again(self, state: State) -> int:
        """Tokens of one part more, if the tune may not end with the note that ends this one."""
        if self.form.parts is not None or not self.form.last or state.ending == 1:
            return 0
        ends = self._can_be_last(state) if state.left > state.upbeat else state.pitch in self.form.last
        return 0 if ends else self._part(None, max(0, state.upbeat))

    def _can_be_last(self, state: State) -> bool:
        """Whether there is a note that is to come in this bar and may be the tune's last."""
        return not self.form.last or bool(self.form.last - state.altered)

    def _has_closing(self, state: State) -> bool:
        """Whether there is the token that this part, or its first ending, ends with."""
        if state.repeated and state.ending != 2:
            return ":|" in self._all and (state.ending != 1 or self._closes(state.part))
        return self._closes(state.part)

    def _closes(self, part: int) -> bool:
        """Whether there is the token that a part without repeat, or a last ending, ends with."""
        if self.form.parts is None and not self._is_last(part):
            return not self._all.isdisjoint({"||", "|]"})
        return ("|]" if self._is_last(part) else "||") in self._all

    def _parts_after(self, state: State) -> int:
        if self.form.parts is None:
            again = state.place == "ended"  # and may not end here
            return self._part(None, max(0, state.upbeat)) * again
        return sum(self._part(part, max(0, state.upbeat)) for part in range(state.part + 1, len(self.form.parts)))

    def _part(self, part: int | None, upbeat: int) -> int:
        repeated = part is not None and self.form.parts is not None and self.form.parts[part]
        needs = {"|:", ":|"} if repeated else set()
        if not needs <= self._all or not (repeated or part is None or self._closes(part)):
            return NEVER
        lead = 1 + self._filling.fewest(upbeat) if upbeat else 0
        return repeated + lead + self._bars(self.form.bars or 1, upbeat)
