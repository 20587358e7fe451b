"""Options of ``generate``, sorted into those of search, rules and the rest; and the choice of the best samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import partial
from typing import Any, Literal, TypedDict

from ostinato.codecs import Unknown
from ostinato.decode.pipeline import RuleSettings, spelled
from ostinato.decode.rules.copying import MaxCopy
from ostinato.decode.searching import By, SearchSettings
from ostinato.errors import ConfigError, unknown_name
from ostinato.families.text.results import Filling, Sample


class WriterOptions(TypedDict, total=False):
    """Options that decide which engine writes: all fields of ``SearchSettings`` and ``RuleSettings``, and some more.

    Attributes:
        settings: All fields of the search at once.
        rules: All fields of the rules at once.
        engine: ``"compiled"``, ``"torch"``, or ``"auto"``: compiled code where it can.
        precision: Precision of compiled code.
    """

    greedy: bool
    beam: int | None
    n_best: int | None
    length_power: float | None
    gnmt: float | None
    patience: float | None
    diverse: int | None
    strength: float | None
    draw: bool
    stochastic: bool
    best_of: int | None
    by: By | Callable[[Any], float] | None
    exact: bool
    temperature: float | str | None
    top_k: int | None
    top_p: float | None
    min_p: float | None
    typical: float | None
    epsilon: float | None
    eta: float | None
    mirostat: float | None
    mirostat_rate: float | None
    repetition_penalty: float | None
    presence_penalty: float | None
    frequency_penalty: float | None
    penalty_window: int | None
    no_repeat: int | None
    dry: float | None
    dry_base: float | None
    dry_allowed: int | None
    bias: Mapping[str, float] | None
    ban: Sequence[str]
    min_length: int | None
    no_end: bool
    end_bias: float | None
    match: str | None
    lexicon: Sequence[str] | None
    brackets: str | None
    max_line: int | None
    automaton: Any
    max_copy: int | None
    order: Sequence[str] | None
    settings: SearchSettings
    rules: RuleSettings
    engine: Literal["auto", "compiled", "torch"]
    precision: Literal["int8", "fp32"] | None


class GenerateOptions(WriterOptions, total=False):
    """Options of ``TextModel.generate``.

    Attributes:
        samples: Texts for each prompt.
        length: Most symbols of each (500).
        seed: Text i draws with ``seed + i``; or the seed of each text.
        stop: Strings before which a text ends.
        unknown: Treatment of unknown symbols in prompts.
        reading: Called with the number of symbols of long prompts read so far, and in all.
        copied: Makes the rule against copying the training text.
        pace: Most symbols of a text between two pieces of a stream; ``None``: as many as are written in a moment.
    """

    samples: int
    length: int
    seed: int | Sequence[int] | None
    stop: Sequence[str]
    unknown: Unknown
    reading: Callable[[int, int], None] | None
    copied: Callable[[int], MaxCopy]
    pace: int | None


_SEARCH = {field.name for field in fields(SearchSettings)}
_RULES = {field.name for field in fields(RuleSettings)}
_OTHERS = GenerateOptions.__annotations__.keys() - _SEARCH - _RULES - {"settings", "rules"}


def sort_options(options: Mapping[str, Any]) -> tuple[SearchSettings, RuleSettings, dict[str, Any]]:
    """Sort options by name into those of the search, those of the rules, and the rest.

    ``settings`` and ``rules`` may be given whole instead.

    Raises:
        ConfigError: There is no such option, or some do not go together.
    """
    given = dict(options)
    settings, rules = given.pop("settings", None), given.pop("rules", None)
    for name in given:
        if name not in _SEARCH | _RULES | _OTHERS:
            raise unknown_name("option", name, _SEARCH | _RULES | _OTHERS, where="generate")
    search = {name: given.pop(name) for name in list(given) if name in _SEARCH}
    ruled = {name: given.pop(name) for name in list(given) if name in _RULES}
    for whole, named, what in ((settings, search, "settings"), (rules, ruled, "rules")):
        if whole is not None and named:
            raise ConfigError(f"{what} are given whole, so {spelled(list(named))} belongs in them")
    return settings or SearchSettings(**search), rules or RuleSettings(**ruled), given


def best_of(samples: Sequence[Sample], count: int, by: By | Callable[[Sample], float]) -> list[Sample]:
    """Return the best of every ``count`` successive samples; of equally good ones, the first.

    Args:
        samples: All samples.
        count: Number of samples that compete.
        by: The log-probability of the whole, or per symbol, or any score of a sample.
    """
    score = by if callable(by) else partial(score_of, by=by)
    groups = [samples[start : start + count] for start in range(0, len(samples), count)]
    return [max(group, key=lambda sample: (sample.ending != "stuck", score(sample))) for group in groups]


def score_of(found: Sample | Filling, by: By) -> float:
    """Return the log-probability of a text, in all or per symbol."""
    return found.log_prob if by == "total" else found.log_prob / max(1, found.symbols)
