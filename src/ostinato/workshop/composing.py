"""Composing tunes: a model of tokens, and the grammar that lets every bar add up."""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

from ostinato.codecs import TokenCodec
from ostinato.config import at_least, one_of, raise_problems
from ostinato.decode.pipeline import RuleSettings
from ostinato.errors import AbcError, ConfigError
from ostinato.music import Key, Meter, Tune, parse_tune
from ostinato.music.elements import BAR_LINES
from ostinato.music.filling import NEVER
from ostinato.music.grammar import Form, Grammar
from ostinato.music.keys import C_MAJOR
from ostinato.music.meter import FOUR_FOUR
from ostinato.music.tokens import UNIT, simplified, tokens_of, tune_of
from ostinato.music.wishes import RANGES, can_be_moved, closing, moved, out_of_range, parse_form
from ostinato.runs.arrays import arrays_digest
from ostinato.workshop.model import Model

_AT_ONCE = 250  # tunes that are written side by side
_TOKENS_OF_A_BAR = 40  # at most, about
_MOST_TOKENS = 2000


@dataclass(frozen=True)
class Wish:
    """What tunes shall be like.

    Attributes:
        meter: Their meter.
        key: Their key.
        form: Such as ``"AABB"``; empty: as the model likes.
        bars: Of each part; 0: as many as the model likes.
        start: How they begin, in ABC notation, in their key, eighths as the unit.
        compass: An instrument of ``RANGES``; empty: any note.
        cadence: What the last note is, ``"tonic"`` or ``"dominant"``; empty: any.
        rhythm: The kind of dance, for the record.
        title: Of every tune; empty: rhythm, key and seed.
        temperature: Above 0.

    Raises:
        ConfigError: Something is out of range.
    """

    meter: Meter = FOUR_FOUR
    key: Key = C_MAJOR
    form: str = "AABB"
    bars: int = 8
    start: str = ""
    compass: str = ""
    cadence: str = ""
    rhythm: str = ""
    title: str = ""
    temperature: float = 1.0

    def __post_init__(self) -> None:
        raise_problems([one_of("range", self.compass, ("", *RANGES))])
        at_least("bars", self.bars, 0)
        if self.bars == 1:
            raise ConfigError("a part has at least 2 bars; bars 0 leaves it to the model")
        if self.form:
            parse_form(self.form)
        if self.key.explicit:
            raise ConfigError(
                f"{self.key.name}: the key of a tune is a tonic and a mode, without accidentals of its own"
            )


@dataclass(frozen=True)
class Composed:
    """A tune that was composed.

    Attributes:
        tune: The tune.
        seed: With this seed and the same wish, one tune alone is the same.
        log_prob: Of its tokens by the model alone, natural log.
        log_kept: Of the probability that the grammar left over, all tokens multiplied, natural log.
        tokens: How many tokens were written.
        precision: Of the weights: ``"int8"`` or ``"fp32"``.
    """

    tune: Tune
    seed: int
    log_prob: float
    log_kept: float
    tokens: int
    precision: str


class Composer:
    """Composes tunes that are as wished.

    Args:
        model: A model of tunes in tokens, as recipe ``folk`` trains it.
        wish: What they shall be like.

    Raises:
        ConfigError: The model is none of tunes, or does not know what is wished for, or the start cannot begin such a
            tune.
    """

    def __init__(self, model: Model, wish: Wish) -> None:
        if not isinstance(model.codec, TokenCodec) or model.codec.end is None:
            raise ConfigError(
                f"{model.saved.path} is no model of tunes, which 'ostinato train TUNES.abc --recipe folk' makes"
            )
        self._model, self.wish = model, wish
        self._digest = arrays_digest(model.saved.weights)[:12]
        known = model.codec.tokens
        header = [f"M:{wish.meter.name}", f"K:{wish.key.mode}"]
        if missing := [token for token in header if token not in known]:
            heard = sorted(token for token in known if token[:2] == missing[0][:2])
            raise ConfigError(f"the model has never seen a tune with {missing[0]}; it knows {', '.join(heard)}")
        out = out_of_range(known, wish.key, *RANGES[wish.compass]) if wish.compass else set()
        usable = [token for token in known if token not in out and can_be_moved(token, wish.key)]
        last = closing(usable, wish.cadence) if wish.cadence else frozenset()
        if wish.cadence and not last:
            raise ConfigError(
                f"in {wish.key.name} no {wish.cadence} is within the range; choose another range or cadence"
            )
        form = Form(
            wish.meter,
            parts=parse_form(wish.form) if wish.form else None,
            bars=wish.bars or None,
            last=last,
        )
        grammar = self._grammar = Grammar(form, usable)
        if grammar.fewest(grammar.start) >= NEVER:
            raise ConfigError(
                f"no tune of the form {wish.form!r} with {wish.bars} bars can be written with what the model knows: it "
                f"has the bar lines {' '.join(token for token in BAR_LINES if token in known)}"
            )
        self._start = self._start_tokens()
        self.prompt = " ".join([*header, *self._start])
        self._automaton = _Begun(grammar, _after(grammar, self._start))

    def tunes(
        self, count: int, seed: int | None = None, tick: Callable[[int, int], None] | None = None
    ) -> Iterator[Composed]:
        """Compose tunes, one after the other; tune i has the seed ``seed + i``.

        Args:
            count: How many.
            seed: Of the first; ``None`` draws one.
            tick: Told how many of them are done.
        """
        at_least("tunes", count, 1)
        first = secrets.randbelow(2**32) if seed is None else seed
        rules = RuleSettings(automaton=self._automaton, temperature=self.wish.temperature)
        parts = len(parse_form(self.wish.form)) if self.wish.form else 0
        length = parts * (self.wish.bars + 2) * _TOKENS_OF_A_BAR if parts and self.wish.bars else _MOST_TOKENS
        for at in range(0, count, _AT_ONCE):
            size = min(_AT_ONCE, count - at)
            found = self._model.generate_many(
                [self.prompt], samples=size, length=length, seed=first + at, rules=rules
            ).finish()
            for number, sample in enumerate(found, at + 1):
                tokens = [*self.prompt.split(), *sample.text.split()]
                assert sample.seed is not None
                self._check_whole(tokens, sample.seed)
                tune = replace(self._named(tune_of(tokens), sample.seed, sample.precision), number=number)
                kept = 0.0 if sample.log_kept is None else sample.log_kept
                yield Composed(tune, sample.seed, sample.log_prob, kept, sample.symbols, sample.precision)
            if tick is not None:
                tick(at + size, count)

    def _named(self, tune: Tune, seed: int, precision: str) -> Tune:
        """The tune in its key, with a title and how it was made."""
        wish, model = self.wish, self._digest
        kind = wish.rhythm or "tune"
        title = wish.title or f"{kind[:1].upper()}{kind[1:]} in {wish.key.name}, {seed}"
        asked = {"form": wish.form, "bars": wish.bars, "start": wish.start, "range": wish.compass,
                 "cadence": wish.cadence, "temperature": wish.temperature}  # fmt: skip
        told = ", ".join(f"{name} {value}" for name, value in asked.items() if value)
        made = f"composed by ostinato {version('ostinato')}: model {model}, seed {seed}, {precision}, {told}"
        here = moved(tune, wish.key)
        return replace(here, titles=(title,), rhythm=wish.rhythm, information=(("Z", made),))

    def _check_whole(self, tokens: list[str], seed: int) -> None:
        """Check that a tune has come to its end."""
        if not self._grammar.accepts(_after(self._grammar, tokens[2:], settle=False)):
            raise ConfigError(
                f"the tune of seed {seed} is longer than {_MOST_TOKENS} tokens; ask for fewer bars or parts"
            )

    def _start_tokens(self) -> list[str]:
        """The tokens of the bars that a tune shall begin with."""
        if not self.wish.start:
            return []
        wish = self.wish
        try:
            tune = parse_tune(f"X:1\nM:{wish.meter.name}\nL:{UNIT}\nK:{wish.key.name}\n{wish.start}")
        except AbcError as error:
            raise ConfigError(
                f"the start {wish.start!r} is no ABC notation: {str(error).partition(': ')[2]}"
            ) from error
        return tokens_of(simplified(tune))[2:]


def _after(grammar: Grammar, tokens: list[str], *, settle: bool = True) -> Any:
    """The state after tokens; the last note stays as it is, if it shall settle."""
    state = grammar.start
    for place, token in enumerate(tokens):
        after = grammar.step(state, token)
        if after is None:
            raise ConfigError(
                f"the start cannot begin such a tune: after {' '.join(tokens[:place]) or 'nothing'!r} no {token!r} can "
                "come (tokens of the tune in C). Check its bars, its form and its range"
            )
        state = after
    state = grammar.settled(state) if settle else state
    if grammar.fewest(state) >= NEVER:
        raise ConfigError("no tune of this form can go on from the start; check its bars")
    return state


@dataclass(frozen=True)
class _Begun:
    """A grammar from a state on."""

    grammar: Grammar
    start: Hashable

    def moves(self, state: Any) -> dict[str, Any]:
        return self.grammar.moves(state)

    def accepts(self, state: Any) -> bool:
        return self.grammar.accepts(state)

    def fewest(self, state: Any) -> int:
        return self.grammar.fewest(state)


def mass_removed(composed: Composed) -> float:
    """The share of probability that the grammar took from each token, on average (geometric mean)."""
    return 1 - math.exp(composed.log_kept / max(1, composed.tokens))
