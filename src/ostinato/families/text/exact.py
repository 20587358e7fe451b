"""Exact sampling under a constraint: from the model's own distribution given that the constraint is fulfilled.

Masking symbols one by one draws from another distribution: a beginning keeps the model's own probability, however
improbable it is that its continuation fulfils the constraint. Exact sampling corrects this.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, TypeAlias

import numpy as np

from ostinato.codecs import Codec, Unknown
from ostinato.config import at_least
from ostinato.decode.constraints import Constraint, SymbolTable
from ostinato.decode.noise import threefry
from ostinato.decode.pipeline import RuleSettings
from ostinato.decode.rules import At
from ostinato.decode.searching import SearchSettings
from ostinato.decode.stepping import LanguageModelStepper
from ostinato.errors import ConfigError
from ostinato.families.text.generation import Generation
from ostinato.families.text.results import Sample
from ostinato.models import SymbolModel

Method: TypeAlias = Literal["enumeration", "rejection"]

_MOST_TEXTS = 4096  # that are gone through one by one
_MOST_NUMBERS = 2**24  # of a step that lists them
_TOGETHER = 64  # tries made at once
_MOST_TRIES = 10_000  # for one sample


class ExactSampler:
    """Sampler from P(text | the constraint is fulfilled), by one of two methods.

    Enumeration, if at most 4,096 sequences of symbols fulfil the constraint: a beam search wide enough finds them all
    with their probabilities, and texts are drawn from these. Otherwise rejection: texts are drawn with the constraint,
    symbol by symbol, which gives a text y with probability P(y) / K(y), K(y) being the product of the masses kept;
    each is accepted with probability K(y) / K_1, K_1 >= K(y) being the mass kept at the first symbol, which is the
    same for all. So accepted texts are distributed as P given the constraint, exactly.

    Args:
        codec: The model's codec.
        network: The model's network.
        rules: The constraint.
        length: Most symbols of a text.
        unknown: Treatment of unknown symbols in prompts.
    """

    def __init__(
        self,
        codec: Codec,
        network: SymbolModel,
        rules: RuleSettings,
        *,
        length: int = 500,
        unknown: Unknown = "error",
    ) -> None:
        self._codec, self._network, self._rules = codec, network, rules
        self._length, self._unknown = length, unknown

    def method(self, prompt: str) -> Method:
        """Return the method that is used for a prompt."""
        SearchSettings(exact=True).check(self._rules, samples=1, seed=None, stop=())
        walk = self._rules.walk(self._codec)
        assert walk is not None
        adapted = self._codec.normal(self._codec.adapt(prompt, self._unknown))
        table = SymbolTable(walk, self._codec.size, self._codec.end, [adapted.encode()])
        table.check(self._length)
        if not table.is_whole:
            raise ConfigError(
                f"exact sampling needs all states of the constraint ({table.description}), which are too many here; "
                "leave exact out, or use a simpler constraint"
            )
        count = table.count(self._length)
        return "enumeration" if count <= _MOST_TEXTS and count * self._codec.size <= _MOST_NUMBERS else "rejection"

    def samples(self, prompts: Sequence[str], count: int, seed: int | None) -> list[Sample]:
        """Return ``count`` samples of each prompt; sample i depends on ``seed + i`` alone.

        Raises:
            ConfigError: The constraint cannot be fulfilled, or is so improbable that rejection would take too long.
        """
        at_least("samples", count, 1)
        first = secrets.randbelow(2**32) if seed is None else seed
        asked: dict[str, list[int]] = {}
        rows = [prompt for prompt in prompts for _ in range(count)]
        for row, prompt in enumerate(rows):
            asked.setdefault(prompt, []).append(first + row)
        by_seed: dict[int, Sample] = {}
        for prompt, seeds in asked.items():  # equal prompts together: texts are listed, or tried, once for all
            draw = self._enumerated if self.method(prompt) == "enumeration" else self._rejected
            by_seed |= {sample.seed: sample for sample in draw(prompt, seeds) if sample.seed is not None}
        return [by_seed[first + row] for row in range(len(rows))]

    def _enumerated(self, prompt: str, seeds: Sequence[int]) -> list[Sample]:
        settings = SearchSettings(beam=_MOST_TEXTS, n_best=_MOST_TEXTS)
        texts = self._generation(prompt, settings).finish()
        weights = np.exp(np.array([text.log_prob for text in texts]) - max(text.log_prob for text in texts))
        bars = weights.cumsum() / weights.sum()
        chosen = [int(np.searchsorted(bars, _coin(seed, 0), side="right")) for seed in seeds]
        return [_drawn(texts[min(number, len(texts) - 1)], seed) for number, seed in zip(chosen, seeds, strict=True)]

    def _rejected(self, prompt: str, seeds: Sequence[int]) -> list[Sample]:
        accepted: dict[int, Sample] = {}
        kept: list[float] = []
        tries = dict.fromkeys(seeds, 0)
        first = self._first_kept(prompt)
        done = 0  # attempts that every seed still waiting has made
        while done < _MOST_TRIES:
            waiting = [seed for seed in seeds if seed not in accepted][:_TOGETHER]
            if not waiting:
                return [accepted[seed] for seed in seeds]
            # Where few wait, each makes several attempts at once; the first that is accepted counts.
            many = max(1, _TOGETHER // len(waiting))
            tried = [(seed, tries[seed] + n) for seed in waiting for n in range(many)]
            texts = self._generation(
                prompt, SearchSettings(), [_word(seed, attempt) for seed, attempt in tried]
            ).finish()
            for (seed, attempt), text in zip(tried, texts, strict=True):
                assert text.log_kept is not None
                kept.append(math.exp(text.log_kept))
                if seed not in accepted and _coin(seed, attempt) < math.exp(text.log_kept - first):
                    accepted[seed] = _drawn(text, seed)
            for seed in waiting:
                tries[seed] += many
            done = max(tries.values())
        raise ConfigError(
            f"exact sampling gave up after {_MOST_TRIES:,} tries: by the model, a text fulfils the constraint with a "
            f"probability of about {float(np.mean(kept)):.1e}. Leave exact out, or ask for something more probable"
        )

    def _first_kept(self, prompt: str) -> float:
        """Return the log of the mass kept at the first symbol, which is the same for all texts."""
        adapted = self._codec.adapt(prompt, self._unknown)
        rules = self._rules.build(self._codec, [adapted], self._length)
        constraint = next(rule for rule in rules if isinstance(rule, Constraint))
        ids = [self._codec.encode(adapted).tolist()]
        log_probs, _ = LanguageModelStepper(self._network).start(ids)
        ruled, _ = constraint.apply(log_probs.double(), constraint.initial_state(ids), At(0, self._length))
        return float(ruled.logsumexp(dim=-1))

    def _generation(self, prompt: str, settings: SearchSettings, seeds: Sequence[int] | None = None) -> Generation:
        prompts = [prompt] * len(seeds or (0,))
        return Generation(
            self._codec,
            self._network,
            prompts,
            settings=settings,
            rules=self._rules,
            length=self._length,
            seed=seeds,
            unknown=self._unknown,
        )


def _coin(seed: int, attempt: int) -> float:
    """Return a uniform number for a seed and an attempt, independent of the numbers that draw symbols."""
    return (_word(seed, attempt, 1) >> 11) * 2.0**-53


def _word(seed: int, attempt: int, use: int = 2) -> int:
    def number(value: int) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
        return np.array([value % 2**64], dtype=np.uint64)

    words, _ = threefry(number(attempt), number(2**64 - use), number(seed), number(0))
    return int(words[0])


def _drawn(text: Sample, seed: int) -> Sample:
    return replace(text, seed=seed, rank=None)
