"""Grammar of tunes: tokens that may come next, so that bars are right, upbeats repaid, repeats balanced, the form kept.

The automaton is exact: a token is allowed only if the tune can still be brought to its end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ostinato.errors import ConfigError
from ostinato.music.bar_grammar import BarGrammar, Costs
from ostinato.music.elements import BAR_LINES
from ostinato.music.filling import NEVER, TICKS
from ostinato.music.states import Form, Inside, Outside, State
from ostinato.music.titles import LETTER, TITLE
from ostinato.music.tokens import music_begins

_EIGHTHS = 8  # in a whole note
_MOST_LETTERS = 48  # of a title
_FEWEST_OF_TITLE = 2  # its beginning and a letter
_MOST_OF_ENDING = 4  # bars, where nothing else limits them
_INNER = 1  # a bar that is neither the first nor the last of its part; it stands for all of these
_SPACE = LETTER + "_"
_NOTHING = Costs(0, 0, 0)
_NOWHERE: Mapping[str, Inside] = {}


class Grammar:
    """The automaton of a form over the tokens of a vocabulary.

    Args:
        form: Form that the tune shall have.
        tokens: The vocabulary; tokens that are no music of one voice are never allowed.
    """

    def __init__(self, form: Form, tokens: Sequence[str]) -> None:
        self.form = form
        self.full = int(form.meter.bar * _EIGHTHS * TICKS)
        self._bar = BarGrammar(form.meter, form.last, tokens)
        self._tokens = frozenset(tokens)
        self._lines = tuple(token for token in dict.fromkeys(tokens) if token in BAR_LINES or token == "[1")
        self._letters = tuple(sorted(token for token in self._tokens if token[0] == LETTER and token != _SPACE))
        self._costs: dict[Outside, Costs] = {}

    @property
    def start(self) -> State:
        """State after meter and key."""
        return State()

    def in_bar(self, ticks: int) -> State:
        """Return the state in the one bar of a form without upbeat, with some ticks of it left."""
        outside = Outside("bar", upbeat=0)
        return State(outside, self._entered(outside, ticks))

    def moves(self, state: State) -> dict[str, State]:
        """Return the state after each token that is allowed."""
        inside = {token: State(state.outside, after) for token, after in self.within(state.inside).items()}
        return {token: after for token, after in inside.items() if self._is_alive(after)} | self.across(*state)

    def within(self, inside: Inside | None) -> Mapping[str, Inside]:
        """Return the state inside the bar after each token that does not leave it; some may lead nowhere.

        The tokens are the same in every bar; whether a bar can end as it must depends on the bar (``fewest``).
        """
        return _NOWHERE if inside is None else self._bar.moves(inside)

    def across(self, outside: Outside, inside: Inside | None) -> dict[str, State]:
        """Return the state after each allowed token that ``within`` does not have."""
        match outside.place:
            case "open":
                moves = self._open(outside)
            case "bar":
                assert inside is not None
                moves = self._leave(outside, self._bar.settled(inside))
            case "between":
                moves = self._second_ending(outside)
            case "ended":
                moves = self._after_part(outside)
            case "title":
                moves = self._title(outside)
        return {token: after for token, after in moves.items() if self._is_alive(after)}

    def step(self, state: State, token: str) -> State | None:
        """Return the state after a token; ``None``: it is not allowed."""
        inside = self.within(state.inside).get(token)
        if inside is None:
            return self.across(*state).get(token)
        after = State(state.outside, inside)
        return after if self._is_alive(after) else None

    def settled(self, state: State) -> State:
        """Return the state when the pending note, if there is one, stays as it is."""
        if state.inside is None:
            return state
        return State(state.outside, self._bar.settled(state.inside)._replace(sounded=False))

    def begin(self, prompt: Sequence[str]) -> State:
        """Return the state after the tokens that a tune shall begin with; a last note stays as it is.

        A header, if they have one, is passed over unchecked.

        Raises:
            ConfigError: No such tune begins with them, or can go on from there.
        """
        has_header = bool(prompt) and prompt[0].startswith("M:")
        state = self.settled(self.after(prompt[music_begins(prompt) if has_header else 0 :]))
        if not self._is_alive(state):
            raise ConfigError("no tune of this form can go on from the start; check its bars")
        return state

    def after(self, tokens: Sequence[str]) -> State:
        """Return the state after some tokens without header; errors as of ``begin``."""
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
        """Return whether a tune may end here."""
        return self.ends(state.outside)

    def ends(self, outside: Outside) -> bool:
        """Return whether a tune may end here; the state inside the bar does not matter."""
        if outside.place == "title":
            return outside.bar > 0 and not outside.spaced
        return not self.form.titled and self._is_whole(outside)

    def fewest(self, state: State) -> int:
        """Return an upper bound on the fewest tokens to the end of a tune; ``NEVER``: it cannot be reached."""
        inside, outside = self.costs_within(state.inside), self.costs_across(state.outside)
        return min(NEVER, *(one + other for one, other in zip(inside, outside, strict=True)))

    def costs_within(self, inside: Inside | None) -> Costs:
        """Return the costs to the end of the bar, for each of its three ways to end."""
        return _NOTHING if inside is None else self._bar.costs(inside)

    def costs_across(self, outside: Outside) -> Costs:
        """Return the costs from the end of the bar to that of the tune, for each way in which the bar has ended."""
        costs = self._costs.get(outside)
        if costs is None:
            if outside.place == "bar":
                costs = self._costs_of_bar(outside)
            elif outside.place == "title":
                costs = Costs(whole=int(outside.spaced or not outside.bar))
            else:
                costs = Costs(whole=self._between_bars(outside))
            if self.form.titled and outside.place != "title":
                costs = costs.after(_FEWEST_OF_TITLE)
            self._costs[outside] = costs
        return costs

    # --- one token

    def _is_alive(self, state: State) -> bool:
        return self.fewest(state) < NEVER

    def _is_whole(self, outside: Outside) -> bool:
        """Return whether the music may end here."""
        if outside.place != "ended" or (self.form.last and outside.pitch not in self.form.last):
            return False
        return outside.line != "||" and (self.form.parts is None or self._is_last(outside.part))

    def _entered(self, outside: Outside, left: int, *, sounded: bool = False) -> Inside:
        """Return the state inside a bar at its beginning, or with some ticks of it left."""
        due = outside.upbeat if self._may_end(outside) and not outside.in_upbeat else -1
        return Inside(left, due, due >= 0 and self._is_watched(outside), sounded=sounded)

    def _open(self, outside: Outside) -> dict[str, State]:
        """Return the moves at the beginning of a part."""
        wanted = None if self.form.parts is None else self.form.parts[outside.part]
        left = outside.upbeat if outside.upbeat > 0 else self.full
        begun = outside._replace(place="bar", in_upbeat=outside.upbeat != 0)
        moves = {}
        if wanted is not True:
            inside = self._entered(begun, left)
            moves = {token: State(begun, after) for token, after in self.within(inside).items()}
        if wanted is not False and "|:" in self._tokens:
            repeated = begun._replace(repeated=True)
            moves["|:"] = State(repeated, self._entered(repeated, left))
        return moves

    def _after_part(self, outside: Outside) -> dict[str, State]:
        """Return the moves after a part: into another one, or the title."""
        moves = {}
        if TITLE in self._tokens and self.form.titled and self._is_whole(outside):
            moves[TITLE] = State(Outside("title"))
        if self._is_last(outside.part) or outside.line == "|]":
            return moves
        free = self.form.parts is None and self.form.most_parts is None
        return moves | self._open(Outside(part=1 if free else outside.part + 1, upbeat=outside.upbeat))

    def _is_watched(self, outside: Outside) -> bool:
        """Return whether the tune may end with this bar."""
        if not self.form.last or outside.ending == 1:
            return False
        return (self.form.parts is None or self._is_last(outside.part)) and self._may_end(outside)

    def _title(self, outside: Outside) -> dict[str, State]:
        """Return the moves in the title: letters, and spaces between words only."""
        letters = outside.bar
        if letters >= _MOST_LETTERS:
            return {}
        moves = dict.fromkeys(self._letters, State(outside._replace(bar=letters + 1, spaced=False)))
        if _SPACE in self._tokens and not outside.spaced and 0 < letters < _MOST_LETTERS - 1:
            moves[_SPACE] = State(outside._replace(bar=letters + 1, spaced=True))
        return moves

    # --- bar lines

    def _leave(self, outside: Outside, at: Inside) -> dict[str, State]:
        """Return the moves out of a bar: bar lines and endings."""
        if at.pending != "nothing" or at.notes or at.dots or at.left < 0:
            return {}
        lines = ((token, self._line(outside, at, token)) for token in self._lines)
        return {token: after for token, after in lines if after is not None}

    def _line(self, outside: Outside, at: Inside, token: str) -> State | None:
        if token == "|":
            return self._next_bar(outside, at)
        if token == "[1":
            return self._first_ending(outside, at)
        if at.left != at.due:
            return None
        if outside.repeated and outside.ending != 2:
            if token != ":|":
                return None
            if outside.ending == 1:
                return State(outside._replace(place="between", ending_to=outside.bar + 1))
        elif token != ("|]" if self._ends_tune(outside.part, token) else "||"):
            return None
        return State(Outside("ended", part=outside.part, upbeat=outside.upbeat, line=token, pitch=at.pitch))

    def _next_bar(self, outside: Outside, at: Inside) -> State | None:
        """Return the state after a plain bar line, which ends an upbeat or a whole bar but the last; else ``None``."""
        if outside.in_upbeat and (outside.upbeat > 0 or at.left):
            known = outside.upbeat > 0
            if at.left if known else at.left == self.full:
                return None
            after = outside._replace(in_upbeat=False, upbeat=outside.upbeat if known else self.full - at.left)
        elif at.left or self._must_end(outside):
            return None
        else:
            free = not (self.form.bars or self.form.most_bars or outside.ending)
            upbeat = 0 if outside.in_upbeat else outside.upbeat
            after = outside._replace(in_upbeat=False, bar=_INNER if free else outside.bar + 1, upbeat=upbeat)
        return State(after, self._entered(after, self.full, sounded=at.sounded))

    def _first_ending(self, outside: Outside, at: Inside) -> State | None:
        fresh = at.left == self.full and outside.bar > 0 and not outside.in_upbeat
        if not fresh or not outside.repeated or outside.ending or "[2" not in self._tokens:
            return None
        after = outside._replace(ending=1, ending_from=outside.bar)
        return State(after, self._entered(after, self.full))

    def _second_ending(self, outside: Outside) -> dict[str, State]:
        if "[2" not in self._tokens:
            return {}
        after = outside._replace(place="bar", ending=2, bar=outside.ending_from)
        return {"[2": State(after, self._entered(after, self.full))}

    def _is_last(self, part: int) -> bool:
        last = self.form.most_parts if self.form.parts is None else len(self.form.parts)
        return last is not None and part + 1 == last

    def _ends_tune(self, part: int, token: str) -> bool:
        if self.form.parts is None:
            return token == "|]" or self._is_last(part)
        return self._is_last(part)

    def _may_end(self, outside: Outside) -> bool:
        """Return whether this bar may be the last of its part."""
        if outside.ending == 2:
            return outside.bar + 1 == outside.ending_to
        return self.form.bars is None or outside.bar + 1 == self.form.bars

    def _must_end(self, outside: Outside) -> bool:
        """Return whether this bar has to be the last of its part."""
        if outside.ending == 2:
            return outside.bar + 1 == outside.ending_to
        most = self.form.bars or self.form.most_bars
        if most is None:
            return outside.ending == 1 and outside.bar + 1 - outside.ending_from >= _MOST_OF_ENDING
        return outside.bar + 1 >= most

    # --- how far it is to the end

    def _between_bars(self, outside: Outside) -> int:
        """Return the tokens needed from the beginning or end of a part, or from the end of a first ending."""
        match outside.place:
            case "ended":
                if self._is_whole(outside):
                    return 0
                hopeless = outside.line == "|]" or self._is_last(outside.part)
                return NEVER if hopeless else self._parts_after(outside)
            case "between":
                bars = outside.ending_to - outside.ending_from
                return 1 + self._bars(bars, outside.upbeat) + self._parts_after(outside)
        return self._part(outside.part, max(0, outside.upbeat)) + self._parts_after(outside)

    def _costs_of_bar(self, outside: Outside) -> Costs:
        """Return the costs from the bar line of this bar on."""
        bars = self._bars_left(outside)
        if outside.in_upbeat:
            known = outside.upbeat > 0
            return Costs(1 + self._bars(bars - (not known), max(0, outside.upbeat)) + self._after(outside, bars))
        whole = closing = ending = NEVER
        if not self._must_end(outside):
            more = max(1, bars - 1)
            whole = 1 + self._bars(more, outside.upbeat) + self._after(outside, 1 + more)
        if self._may_end(outside):
            closing = 1 + self._after(outside, 1)
            ending = closing + self._again(outside)
        return Costs(whole, closing, ending)

    def _again(self, outside: Outside) -> int:
        """Return the extra tokens needed if the note that ends this part is none that the tune may end with."""
        if not self.form.last or (outside.repeated and outside.ending == 1):
            return 0
        if self._is_last(outside.part):
            return NEVER
        return self._part(None, max(0, outside.upbeat)) if self.form.parts is None else 0

    def _bars_left(self, outside: Outside) -> int:
        """Return the least number of bars of the part from this one on."""
        last = outside.ending_to if outside.ending == 2 else self.form.bars
        return max(1, last - outside.bar) if last is not None else 1 + (outside.in_upbeat and outside.upbeat < 0)

    def _bars(self, bars: int, upbeat: int) -> int:
        """Return the tokens of ``bars`` whole bars, the last of which ends a part."""
        if bars < 1 or not self._bar.pitches:
            return NEVER
        filling = self._bar.filling
        return (bars - 1) * (1 + filling.fewest(self.full)) + 1 + filling.fewest(self.full - upbeat)

    def _after(self, outside: Outside, bars: int) -> int:
        """Return the tokens after the end of this part, or of its first ending: ``bars`` bars from this one on."""
        rest = self._parts_after(outside) + NEVER * (not self._has_closing(outside))
        if outside.ending != 1:
            return rest
        return 1 + self._bars(bars + outside.bar - outside.ending_from, max(0, outside.upbeat)) + rest

    def _has_closing(self, outside: Outside) -> bool:
        """Return whether the vocabulary has the token that ends this part, or its first ending."""
        if outside.repeated and outside.ending != 2:
            return ":|" in self._tokens and (outside.ending != 1 or self._closes(outside.part))
        return self._closes(outside.part)

    def _closes(self, part: int) -> bool:
        """Return whether the vocabulary has the token that ends a part without repeat, or a last ending."""
        if self.form.parts is None and not self._is_last(part):
            return not self._tokens.isdisjoint({"||", "|]"})
        return ("|]" if self._is_last(part) else "||") in self._tokens

    def _parts_after(self, outside: Outside) -> int:
        if self.form.parts is None:
            again = outside.place == "ended"  # and may not end here
            return self._part(None, max(0, outside.upbeat)) * again
        return sum(self._part(part, max(0, outside.upbeat)) for part in range(outside.part + 1, len(self.form.parts)))

    def _part(self, part: int | None, upbeat: int) -> int:
        repeated = part is not None and self.form.parts is not None and self.form.parts[part]
        needs = {"|:", ":|"} if repeated else set()
        if not needs <= self._tokens or not (repeated or part is None or self._closes(part)):
            return NEVER
        lead = 1 + self._bar.filling.fewest(upbeat) if upbeat else 0
        return repeated + lead + self._bars(self.form.bars or 1, upbeat)
