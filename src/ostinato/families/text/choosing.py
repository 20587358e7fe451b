"""Which texts are asked for: options by name, sorted to where they belong; and choosing among texts that are there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import partial
from typing import Any

from ostinato.decode.pipeline import RuleSettings, spelled
from ostinato.decode.searching import By, SearchSettings
from ostinato.errors import ConfigError, unknown_name
from ostinato.families.text.results import Filling, Sample

_SEARCH = {field.name for field in fields(SearchSettings)}
_RULES = {field.name for field in fields(RuleSettings)}
_OTHERS = {"samples", "length", "seed", "stop", "unknown", "reading", "copied", "pace", "engine", "precision"}


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
    """Return the best of each ``count`` samples that stand side by side; the earlier one of equally good ones.

    Args:
        samples: All of them.
        count: How many compete.
        by: By log-probability of the whole or per symbol, or by any score of a sample.
    """
    score = by if callable(by) else partial(score_of, by=by)
    groups = [samples[start : start + count] for start in range(0, len(samples), count)]
    return [max(group, key=lambda sample: (sample.ending != "stuck", score(sample))) for group in groups]


def score_of(found: Sample | Filling, by: By) -> float:
    """Return the log-probability of a text, in all or per symbol."""
    return found.log_prob if by == "total" else found.log_prob / max(1, found.symbols)
