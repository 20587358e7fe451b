"""Composing tunes, with a model of tokens and a grammar by which every bar adds up."""

from __future__ import annotations

import math
import secrets
import shlex
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from importlib.metadata import version
from typing import Any

from ostinato.codecs import TokenCodec
from ostinato.config import at_least, one_of, raise_problems
from ostinato.decode.constraints import Remembered
from ostinato.errors import AbcError, ConfigError, unknown_name
from ostinato.families.text.model import TextModel
from ostinato.families.tunes.known import collection_of
from ostinato.families.tunes.writing import CopyLimit, Written, write_tunes
from ostinato.music import Key, Meter, Tune, parse_tune, write_tune
from ostinato.music.dances import DANCES, dance_of
from ostinato.music.elements import BAR_LINES
from ostinato.music.filling import NEVER
from ostinato.music.grammar import Grammar
from ostinato.music.keys import C_MAJOR
from ostinato.music.meter import FOUR_FOUR
from ostinato.music.states import Form
from ostinato.music.titles import TITLE
from ostinato.music.tokens import UNIT, header_tokens, music_begins, simplified, tokens_of, tune_of
from ostinato.music.wishes import RANGES, can_be_moved, closing, moved, out_of_range, parse_form
from ostinato.runs.arrays import arrays_digest

_AT_ONCE = 250  # tunes that are written side by side
_TOKENS_OF_A_BAR = 40  # at most, about
_TOKENS_OF_A_TITLE = 50
_MOST_TOKENS = 2000
_REPEAT = "|:"


@dataclass(frozen=True)
class Wish:
    """Requirements for tunes.

    Attributes:
        meter: Their meter.
        key: Their key.
        form: Their form, such as ``"AABB"``; empty: the model's choice.
        bars: Bars of each part; 0: the model's choice.
        start: Notes that they begin with, in ABC notation, in their key, eighths as the unit.
        instrument: Instrument of ``RANGES`` that can play them; empty: any note.
        cadence: Last note, ``"tonic"`` or ``"dominant"``; empty: any.
        rhythm: Kind of dance, one of ``DANCES``; empty: as the meter has it.
        title: Title of every tune; empty: the model's own, or rhythm, key and seed.
        temperature: Sampling temperature, above 0.
        max_copy_bars: Longest run of notes, in bars, that may be copied from a tune that the model has learned from, in
            any key and rhythm; 0: any.

    Raises:
        ConfigError: Something is out of range.
    """

    meter: Meter = FOUR_FOUR
    key: Key = C_MAJOR
    form: str = "AABB"
    bars: int = 8
    start: str = ""
    instrument: str = ""
    cadence: str = ""
    rhythm: str = ""
    title: str = ""
    temperature: float = 1.0
    max_copy_bars: float = 0

    def __post_init__(self) -> None:
        raise_problems([one_of("range", self.instrument, tuple(RANGES)) if self.instrument else None])
        at_least("bars", self.bars, 0)
        at_least("max-copy-bars", self.max_copy_bars, 0)
        if self.bars == 1:
            raise ConfigError("a part has at least 2 bars; bars 0 leaves it to the model")
        if self.form:
            parse_form(self.form)
        if self.rhythm and dance_of(self.rhythm) != self.rhythm:
            raise unknown_name("rhythm", self.rhythm, DANCES, where="--rhythm")
        if self.key.explicit:
            raise ConfigError(
                f"{self.key.name}: the key of a tune is a tonic and a mode, without accidentals of its own"
            )


@dataclass(frozen=True)
class Composed:
    """A composed tune.

    Attributes:
        tune: The tune.
        seed: Seed with which, under the same wish, one tune alone is the same.
        tokens: Its header, music and title as tokens, on C.
        precision: Precision of the weights that wrote it, ``"int8"`` or ``"fp32"``.
        log_prob: Natural log-probability of the tokens written, by the model alone; ``None`` if some were taken back.
        log_kept: Natural log of the product, over all tokens, of the mass that the grammar kept; ``None`` likewise.
        written: Number of tokens written.
        taken_back: Number of times that it was taken back to a bar line, as it copied too much.
    """

    tune: Tune
    seed: int
    tokens: tuple[str, ...]
    precision: str
    log_prob: float | None
    log_kept: float | None
    written: int
    taken_back: int

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks to be shown beside it: none."""
        return ()

    def plain(self) -> dict[str, Any]:
        """Return it as plain data."""
        names = ("seed", "precision", "log_prob", "log_kept", "taken_back")
        return {"abc": write_tune(self.tune), **{name: vars(self)[name] for name in names}, "tokens": self.written}

    def describe(self) -> str:
        """Return it in ABC notation."""
        return write_tune(self.tune)

    @property
    def removed(self) -> float | None:
        """The share of the probability mass that the grammar removed per token, as a geometric mean."""
        return None if self.log_kept is None else -math.expm1(self.log_kept / max(1, self.written))


class Composer:
    """Composer of tunes that fulfil a wish.

    Args:
        model: A model of tunes in tokens, as recipe ``folk`` trains it.
        wish: Requirements for the tunes.
        tick: Called with the number of training tunes read so far, and in all, if copies are limited.

    Raises:
        ConfigError: The model is not one of tunes, or does not know what is wished for, or the start cannot begin such
            a tune.
    """

    def __init__(self, model: TextModel, wish: Wish, tick: Callable[[int, int], None] | None = None) -> None:
        known = known_tokens(model)
        self._model, self.wish = model, wish
        self._digest = arrays_digest(model.saved.weights)[:12]
        self._header = known_header(known, wish)
        usable = usable_tokens(known, wish.key, wish.instrument)
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
            titled=TITLE in known,
        )
        grammar = self._grammar = Grammar(form, usable)
        if grammar.fewest(grammar.start) >= NEVER:
            raise ConfigError(
                f"no tune of the form {wish.form!r} with {wish.bars} bars can be written with what the model knows: it "
                f"has the bar lines {' '.join(token for token in BAR_LINES if token in known)}"
            )
        self.prompt = self._beginning(known)
        self._automaton = Remembered(grammar)
        self._limit = None
        if wish.max_copy_bars:
            melodies = collection_of(model.saved.path, model.codec, tick).melodies
            self._limit = CopyLimit(melodies, Fraction(wish.max_copy_bars) * wish.meter.bar)

    def tunes(
        self, count: int, seed: int | None = None, tick: Callable[[int, int], None] | None = None
    ) -> Iterator[Composed]:
        """Compose tunes, one after the other; tune i has the seed ``seed + i``.

        Args:
            count: Number of tunes.
            seed: Seed of the first; ``None`` draws one.
            tick: Called with the number of tunes written so far, and in all.
        """
        at_least("tunes", count, 1)
        first = secrets.randbelow(2**32) if seed is None else seed
        parts = len(parse_form(self.wish.form)) if self.wish.form else 0
        length = parts * (self.wish.bars + 2) * _TOKENS_OF_A_BAR if parts and self.wish.bars else _MOST_TOKENS
        for at in range(0, count, _AT_ONCE):
            size = min(_AT_ONCE, count - at)
            written = write_tunes(
                self._model, self._automaton, [self.prompt] * size, range(first + at, first + at + size),
                temperature=self.wish.temperature, length=length + _TOKENS_OF_A_TITLE, limit=self._limit,
                tick=None if tick is None else _after(tick, at, count),
            )  # fmt: skip
            for number, one in enumerate(written, at + 1):
                yield self._composed(one, number)

    def _composed(self, one: Written, number: int) -> Composed:
        self._check_whole(one)
        sample = one.sample
        assert sample is not None
        tune = replace(self._named(tune_of(one.tokens), one.seed, sample.precision), number=number)
        straight = one.tries == 0
        return Composed(
            tune, one.seed, tuple(one.tokens), sample.precision, sample.log_prob if straight else None,
            sample.log_kept if straight else None, sample.symbols, one.tries,
        )  # fmt: skip

    def _named(self, tune: Tune, seed: int, precision: str) -> Tune:
        """Return the tune in its key, with a title and a note of how it was made."""
        wish = self.wish
        kind = wish.rhythm or "tune"
        title = wish.title or tune.title or f"{kind[:1].upper()}{kind[1:]} in {wish.key.name}, {seed}"
        made = made_by(self._digest, precision, f"--seed {seed} {self.command}".strip())
        here = moved(tune, wish.key)
        return replace(here, titles=(title,), rhythm=wish.rhythm, information=(("Z", made),))

    @property
    def command(self) -> str:
        """The options of ``ostinato compose`` that express this wish, without the seed."""
        wish = self.wish
        told: dict[str, object] = {
            "rhythm": wish.rhythm, "meter": wish.meter.name, "key": wish.key.name, "form": wish.form, "bars": wish.bars,
            "start": wish.start, "range": wish.instrument, "cadence": wish.cadence, "title": wish.title,
            "temperature": wish.temperature, "max-copy-bars": wish.max_copy_bars,
        }  # fmt: skip
        usual = {"rhythm": "", "start": "", "range": "", "cadence": "", "title": "", "temperature": 1.0,
                 "max-copy-bars": 0}  # fmt: skip
        return " ".join(f"--{n} {shlex.quote(_plain(v))}" for n, v in told.items() if usual.get(n) != v)

    def _check_whole(self, one: Written) -> None:
        """Check that a tune is complete: it ended, or the grammar accepts it as it stopped at the length limit."""
        assert one.sample is not None
        if one.sample.ending == "end":
            return
        if not self._grammar.accepts(self._grammar.after(one.tokens[len(self._header) :])):
            raise ConfigError(
                f"the tune of seed {one.seed} is longer than {_MOST_TOKENS} tokens; ask for fewer bars or parts"
            )

    def _beginning(self, known: Container[str]) -> list[str]:
        """Return the header and the start; where a part is to be repeated, its sign may be left out there.

        Raises:
            ConfigError: No such tune begins so.
        """
        start = self._start_tokens()
        begins = [[*self._header, *start]]
        if start and start[0] not in BAR_LINES and _REPEAT in known:
            begins.append([*self._header, _REPEAT, *start])
        for prompt in begins[1:]:
            with suppress(ConfigError):
                self._grammar.begin(prompt)
                return prompt
        self._grammar.begin(begins[0])  # what cannot begin such a tune is refused now
        return begins[0]

    def _start_tokens(self) -> list[str]:
        """Return the tokens of the bars that a tune is to begin with."""
        if not self.wish.start:
            return []
        wish = self.wish
        try:
            tune = parse_tune(f"X:1\nM:{wish.meter.name}\nL:{UNIT}\nK:{wish.key.name}\n{wish.start}")
        except AbcError as error:
            raise ConfigError(
                f"the start {wish.start!r} is no ABC notation: {str(error).partition(': ')[2]}"
            ) from error
        tokens = tokens_of(simplified(tune))
        return tokens[music_begins(tokens) :]


def _after(tick: Callable[[int, int], None], before: int, count: int) -> Callable[[int, int], None]:
    """Return a callback that also counts the tunes written before."""
    return lambda done, total: tick(before + done, count)


def known_tokens(model: TextModel) -> tuple[str, ...]:
    """Return the tokens that a model of tunes knows.

    Raises:
        ConfigError: The model is not one of tunes.
    """
    if not isinstance(model.codec, TokenCodec) or model.codec.end is None:
        raise ConfigError(
            f"{model.saved.path} is no model of tunes, which 'ostinato train TUNES.abc --recipe folk' makes"
        )
    return model.codec.tokens


def known_header(known: Sequence[str], wish: Wish) -> list[str]:
    """Return the header tokens of tunes that fulfil a wish; a dance that the model does not know is left out.

    Raises:
        ConfigError: The model has never seen the meter or the mode.
    """
    header = header_tokens(wish.meter, wish.key.mode, wish.rhythm)
    if missing := [token for token in header[:2] if token not in known]:
        heard = sorted(token for token in known if token[:2] == missing[0][:2])
        raise ConfigError(f"the model has never seen a tune with {missing[0]}; it knows {', '.join(heard)}")
    return [token for token in header if token in known]


def usable_tokens(known: Sequence[str], key: Key, instrument: str) -> list[str]:
    """Return the tokens that a tune in a key may have, on an instrument of ``RANGES`` or, if it is empty, on any."""
    out = out_of_range(known, key, *RANGES[instrument]) if instrument else set()
    return [token for token in known if token not in out and can_be_moved(token, key)]


def made_by(digest: str, precision: str, command: str) -> str:
    """Return the record of how a tune was made: with the same model, its command makes the tune again."""
    return f"composed by ostinato {_version()}, model {digest}, {precision}: compose RUN {command}"


@cache
def _version() -> str:
    """Return our version, looked up once, as that reads a file."""
    return version("ostinato")


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
