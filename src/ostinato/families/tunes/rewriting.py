"""Bars of a tune written anew, both sides given: a model's candidates, weighted by how well the rest fits."""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from rapidfuzz.distance import Levenshtein

from ostinato.config import at_least
from ostinato.decode.constraints import Remembered
from ostinato.errors import ConfigError
from ostinato.families.text.model import TextModel
from ostinato.families.tunes.composing import Composed, known_tokens, made_by, usable_tokens
from ostinato.families.tunes.writing import Written, write_tunes
from ostinato.music import Tune
from ostinato.music.forms import normal
from ostinato.music.likeness import melody
from ostinato.music.refilling import Refill, numbered_bars
from ostinato.music.tokens import music_begins, simplified, tokens_of, tune_of
from ostinato.music.wishes import moved
from ostinato.runs.arrays import arrays_digest

_CANDIDATES = 32
_MORE = (0.7, 1.0, 1.6)  # bars as a multiple of the share that is asked for


@dataclass(frozen=True)
class Change:
    """A change of a tune: the bars to write anew.

    Attributes:
        locked: Numbers of the bars that stay; ``None``: ``distance`` decides.
        distance: Share of the notes to change, about: the bars to write anew are drawn, and the candidate nearest to
            this share is taken.
        instrument: Instrument of ``RANGES`` that can play new notes; empty: any note.
        temperature: Sampling temperature, above 0.

    Raises:
        ConfigError: A value is out of range.
    """

    locked: frozenset[int] | None = None
    distance: float | None = None
    instrument: str = ""
    temperature: float = 1.0

    def __post_init__(self) -> None:
        if (self.locked is None) == (self.distance is None):
            raise ConfigError("say either which bars stay (--lock) or how far the tune shall be changed (--vary)")
        if self.distance is not None and not 0 < self.distance <= 1:
            raise ConfigError(f"the distance must be above 0 and at most 1, got {self.distance:g}")


class Rewriter:
    """Rewriter of some bars of a tune.

    Candidates are drawn given the music before them; every given token after them is forced. So the probability mass
    that the automaton kept measures how well the given music fits a candidate; and a candidate drawn in proportion to
    it is a sample from the model given both sides, the closer the more candidates there are (importance resampling).

    Args:
        model: A model of tunes.
        tune: The tune to be changed.
        change: The bars to write anew.

    Raises:
        ConfigError: The model is not one of tunes, the tune cannot be written in its tokens, or there are no such bars.
    """

    def __init__(self, model: TextModel, tune: Tune, change: Change) -> None:
        known = known_tokens(model)
        self._model, self._tune, self._change = model, tune, change
        simple = normal(simplified(tune))
        if not set(tokens_of(simple)[: music_begins(tokens_of(simple))]) <= set(known):
            simple = replace(simple, rhythm="")  # a dance that the model does not know is no reason to refuse
        self._simple = simple
        self._usable = usable_tokens(known, tune.key, change.instrument)
        if unknown := sorted({token for token in tokens_of(self._simple) if token not in known}):
            raise ConfigError(f"the model has never seen {', '.join(unknown)}, which the tune has (in C)")
        self._bars = numbered_bars(self._simple)
        if not melody(tune):
            raise ConfigError("the tune has no notes, so there is nothing to keep or to change")
        if change.locked is not None:
            self._check(change.locked)

    def tunes(self, count: int, seed: int) -> Iterator[Composed]:
        """Write the tune anew; result i has the seed ``seed + i`` and depends on nothing else."""
        at_least("tunes", count, 1)
        for number in range(count):
            composed = self._rewritten(seed + number)
            yield replace(composed, tune=replace(composed.tune, number=number + 1))

    def _rewritten(self, seed: int) -> Composed:
        candidates = [one for free in self._free(seed) for one in self._candidates(free, seed)]
        one = self._chosen(candidates, seed)
        sample = one.sample
        assert sample is not None
        tune = self._named(tune_of(one.tokens), seed, sample.precision)
        return Composed(
            tune, seed, tuple(one.tokens), sample.precision, sample.log_prob, sample.log_kept, sample.symbols, 0
        )

    def _candidates(self, free: Collection[int], seed: int) -> list[Written]:
        refill = Refill(self._simple, free, self._usable)
        first = next(n for n, part in enumerate(refill.parts) if part.ticks)
        prompt = [token for part in refill.parts[:first] for token in part.tokens]
        length = 4 * sum(len(part.tokens) for part in refill.parts) + 64
        return write_tunes(
            self._model, Remembered(refill), [prompt] * _CANDIDATES, _seeds(seed, _CANDIDATES),
            temperature=self._change.temperature, length=length,
        )  # fmt: skip

    def _chosen(self, found: Sequence[Written], seed: int) -> Written:
        wanted = self._change.distance
        if wanted is not None:
            return min(found, key=lambda one: abs(distance(self._simple, tune_of(one.tokens)) - wanted))
        kept = [one.sample.log_kept or 0.0 for one in found if one.sample is not None]
        weights = [math.exp(value - max(kept)) for value in kept]
        return random.Random(seed).choices(found, weights)[0]

    def _free(self, seed: int) -> list[list[int]]:
        """Return the bars to write anew; for a distance several choices, as rewritten bars keep some of their notes."""
        if self._change.locked is not None:
            return [[number for number in self._bars if number not in self._change.locked]]
        assert self._change.distance is not None
        order = [number for number, bar in self._bars.items() if not bar.rests]
        random.Random(seed).shuffle(order)
        counts = {max(1, round(self._change.distance * len(order) * more)) for more in _MORE}
        return [sorted(order[:count]) for count in sorted(counts)]

    def _check(self, locked: Collection[int]) -> None:
        if missing := sorted(set(locked) - set(self._bars)):
            raise ConfigError(f"the tune has the bars {min(self._bars)} to {max(self._bars)}, and no bar {missing[0]}")
        if set(locked) == set(self._bars):
            raise ConfigError("all bars are to stay, so there is nothing to write anew")

    def _named(self, tune: Tune, seed: int, precision: str) -> Tune:
        change = self._change
        what = (
            f"--vary {change.distance:g}"
            if change.locked is None
            else "--lock " + ",".join(map(str, sorted(change.locked)))
        )
        command = f"--from FILE {what} --seed {seed} --temperature {change.temperature:g}"
        made = made_by(arrays_digest(self._model.saved.weights)[:12], precision, command)
        old = self._tune
        return replace(
            moved(replace(tune, titles=()), old.key), titles=old.titles, rhythm=old.rhythm, composer=old.composer,
            tempo=old.tempo, information=(*old.information, ("Z", made)),
        )  # fmt: skip


def distance(one: Tune, other: Tune) -> float:
    """Return the share of notes that differ, in pitch or length, between two tunes in one key (Levenshtein)."""
    return Levenshtein.normalized_distance(*([(tone.midi, tone.duration) for tone in melody(t)] for t in (one, other)))


def _seeds(seed: int, count: int) -> list[int]:
    """Return the seeds of the candidates, which follow from the tune's."""
    digests = (hashlib.blake2b(f"{seed}:{n}".encode(), digest_size=6).digest() for n in range(count))
    return [int.from_bytes(digest, "big") for digest in digests]
