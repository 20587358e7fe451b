"""The automaton of a tune with some bars given and the others to be filled with music."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ostinato.errors import ConfigError
from ostinato.music.bars import Bar, bars
from ostinato.music.elements import BAR_LINES, BarLine, Ending, Field
from ostinato.music.filling import NEVER, TICKS
from ostinato.music.grammar import Grammar
from ostinato.music.states import Form, State
from ostinato.music.tokens import TIE, UNIT, token_places, tokens_of
from ostinato.music.tune import Tune

_NO_NOTE = ("z", "[")  # rests and chords: no tie follows them
_CLOSE = "|]"  # what the grammar of a single bar ends with


@dataclass(frozen=True)
class Part:
    """A stretch of a tune: given tokens, or a bar to be filled.

    Attributes:
        tokens: The given tokens; in a bar to be filled, those that stood there.
        ticks: Length of a bar to be filled; 0: the tokens are given.
    """

    tokens: tuple[str, ...]
    ticks: int = 0


class Place(NamedTuple):
    """A place in a tune that is being filled.

    Attributes:
        part: Index of the part.
        at: Number of its tokens that are there already.
        inside: State in a bar to be filled; ``None``: the part is given.
    """

    part: int
    at: int = 0
    inside: State | None = None


class Refill:
    """The automaton of a tune, some bars of which are filled anew.

    Args:
        tune: The tune, as ``simplified`` gave it, its form ``normal``.
        free: Numbers of the bars to be filled, as ``numbered_bars`` counts them.
        usable: Tokens that may fill them.

    Raises:
        ConfigError: There is no such bar, or one that cannot be filled.
    """

    def __init__(self, tune: Tune, free: Collection[int], usable: Sequence[str]) -> None:
        assert tune.meter is not None
        self.parts = parts_of(tune, free)
        form, tokens = Form(tune.meter, parts=(False,), bars=1), [*dict.fromkeys([*usable, _CLOSE])]
        self._grammar = Grammar(form, tokens)
        # A tie that is given after a bar needs a note before it.
        self._before_tie = Grammar(form, [token for token in tokens if token not in _NO_NOTE])
        self._after = [0]  # fewest tokens from each part on, from the last one
        for number in range(len(self.parts) - 1, -1, -1):
            self._after.append(min(NEVER, self._after[-1] + self._fewest_of(number)))
        self._after.reverse()
        if self._after[0] >= NEVER:
            raise ConfigError("a bar is of a length that cannot be filled with the notes that the model knows")

    def begin(self, prompt: Sequence[str]) -> Place:
        """Return the state after a prompt, which has all tokens before the first bar to be filled."""
        first = next((n for n, part in enumerate(self.parts) if part.ticks), len(self.parts))
        assert len(prompt) == sum(len(part.tokens) for part in self.parts[:first])
        return self._entered(first)

    def moves(self, state: Place) -> dict[str, Place]:
        """Return the state after each token that is allowed."""
        if state.part == len(self.parts):
            return {}
        part = self.parts[state.part]
        if state.inside is None:
            return {part.tokens[state.at]: self._given(state.part, state.at + 1)}
        moves = {}
        for token, inside in self._grammar_of(state.part).moves(state.inside).items():
            if token == _CLOSE:  # the bar is full: what is given goes on
                token, after = self.parts[state.part + 1].tokens[0], self._given(state.part + 1, 1)
            else:
                after = Place(state.part, 0, inside)
            moves[token] = after
        return moves

    def accepts(self, state: Place) -> bool:
        """Return whether the tune may end here."""
        return state.part == len(self.parts)

    def fewest(self, state: Place) -> int:
        """Return an upper bound on the fewest tokens to the end of the tune."""
        if state.part == len(self.parts):
            return 0
        if state.inside is None:
            return len(self.parts[state.part].tokens) - state.at + self._after[state.part + 1]
        # The grammar counts its bar line, which is the first of what is given next.
        return min(NEVER, self._grammar_of(state.part).fewest(state.inside) - 1 + self._after[state.part + 1])

    def _given(self, part: int, at: int) -> Place:
        return Place(part, at) if at < len(self.parts[part].tokens) else self._entered(part + 1)

    def _entered(self, part: int) -> Place:
        if part == len(self.parts) or not self.parts[part].ticks:
            return Place(part)
        return Place(part, 0, self._grammar_of(part).in_bar(self.parts[part].ticks))

    def _grammar_of(self, part: int) -> Grammar:
        """Return the grammar of a bar to be filled."""
        following = (token for token in self.parts[part + 1].tokens if token not in BAR_LINES)
        return self._before_tie if next(following, "") == TIE else self._grammar

    def _fewest_of(self, part: int) -> int:
        entered = self._entered(part)
        if entered.inside is None:
            return len(self.parts[part].tokens)
        return self._grammar_of(part).fewest(entered.inside) - 1


def numbered_bars(tune: Tune) -> dict[int, Bar]:
    """Return the bars of a tune by their numbers as players count: in written order, from 1; an upbeat is bar 0."""
    tune_bars = bars(tune)
    upbeat = bool(tune_bars) and tune_bars[0].meter is not None and tune_bars[0].length < tune_bars[0].meter
    return dict(enumerate(tune_bars, 0 if upbeat else 1))


def parts_of(tune: Tune, free: Collection[int]) -> list[Part]:
    """Cut a tune into given parts and bars to be filled; arguments and errors as of ``Refill``."""
    known, tokens, places = numbered_bars(tune), tokens_of(tune), token_places(tune)
    if missing := sorted(set(free) - set(known)):
        raise ConfigError(f"the tune has the bars {min(known)} to {max(known)}, and no bar {missing[0]}")
    parts: list[Part] = []
    done = 0
    for number in sorted(free):
        bar = known[number]
        first = bar.first
        while isinstance(tune.body[first], Ending | Field):
            first += 1
        if any(isinstance(element, Field) for element in tune.body[first : bar.last]):
            raise ConfigError(f"bar {number} changes key or meter inside, so it can only stay as it is")
        assert isinstance(tune.body[bar.last], BarLine), "a tune in its normal form ends with a bar line"
        parts += [Part(tuple(tokens[done : places[first]]))]
        ticks = bar.length / UNIT * TICKS
        if bar.rests or ticks.denominator != 1:
            raise ConfigError(f"bar {number} lasts {bar.length}, which can only stay as it is")
        parts += [Part(tuple(tokens[places[first] : places[bar.last]]), int(ticks))]
        done = places[bar.last]
    return [part for part in [*parts, Part(tuple(tokens[done:]))] if part.tokens]
