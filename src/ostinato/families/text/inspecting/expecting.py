"""Expectations of a language model at every place of a text, and the mass that rules would leave out there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ostinato.codecs import Codec
from ostinato.cores.table import CORES
from ostinato.decode.pipeline import RuleSettings
from ostinato.decode.places import Places
from ostinato.families.text.results import ScoredPart

if TYPE_CHECKING:
    from ostinato.families.text.model import TextModel

_SHORT = 10_000  # symbols that are read without PyTorch at most


def places_in(model: TextModel, ids: NDArray[np.int64], count: int) -> Places:
    """Return what a model expects at every place of a text: short ones by compiled code where it has the model."""
    engine = model.engines.to_score() if len(ids) <= _SHORT else None
    if engine is not None and not CORES[model.settings.core].has_output:
        from ostinato.families.text.inspecting.recording import record_ids

        return record_ids(model, ids).expected(count)
    from ostinato.decode.scoring import places_of

    return places_of(model.network, ids, count)


def named_symbols(codec: Codec, ids: NDArray[Any], log_probs: NDArray[Any]) -> list[tuple[str, float]]:
    """Return symbols as texts, each with its log-probability."""
    pieces, end = codec.pieces, codec.end
    parts = [ScoredPart(pieces[i], v, 1, i == end) for i, v in zip(ids.tolist(), log_probs.tolist(), strict=True)]
    return [(part.text, part.log_prob) for part in parts]


def removed_masses(model: TextModel, ids: NDArray[np.int64], rules: RuleSettings) -> list[float | None]:
    """Return the share of the probability that rules leave out at every place of a text.

    ``None`` stands for places after one where the text breaks a constraint.

    Raises:
        ConfigError: A rule does not fit the model.
    """
    import torch

    from ostinato.decode.constraints import Constraint
    from ostinato.decode.rules.base import At

    built = rules.build(model.codec, [""], len(ids), model.against_copying)
    memories = [rule.initial_state([[]]) for rule in built]
    network, is_bound = model.network, Constraint.name in rules.names()
    state, symbol, removed = network.initial_state(1), network.symbols, list[float | None]()
    with torch.inference_mode():
        for step, own in enumerate(ids.tolist()):
            logits, state = network.step(torch.tensor([symbol], device=network.device), state)
            log_probs = logits.double().cpu()
            ruled = log_probs
            for number, rule in enumerate(built):
                ruled, memories[number] = rule.apply(ruled, memories[number], At(step, len(ids)))
            kept = torch.isfinite(ruled)
            removed.append(float(log_probs.exp()[~kept].sum()))
            if is_bound and not kept[0, own]:
                break
            taken = torch.tensor([own])
            memories = [rule.advance(taken, memory) for rule, memory in zip(built, memories, strict=True)]
            symbol = own
    return [*removed, *[None] * (len(ids) - len(removed))]
