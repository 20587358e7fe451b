"""Ablation: units of a language model held at their means, and the bits that this loses, here and there in a text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ostinato.decode.pipeline import RuleSettings
from ostinato.decode.searching import SearchSettings
from ostinato.engine.engine import Engine
from ostinato.errors import ConfigError
from ostinato.families.text.model import TextModel
from ostinato.inspect.clamps import PARTS
from ostinato.inspect.finding import FoundUnit
from ostinato.inspect.labels import Labels, is_question
from ostinato.inspect.recording import Recording
from ostinato.units import bits

_AGAIN = 32  # units of an atlas that are measured in float32
Tick: TypeAlias = Callable[[int, int], None]


@dataclass(frozen=True)
class Ablated:
    """Effect of a unit that is held at its mean.

    Attributes:
        there: Bits per symbol that are lost where the label is: of yes and no, where it is so; of numbers, where it is
            over its median.
        elsewhere: Bits per symbol that are lost elsewhere. ``None``: there is no such place.
    """

    there: float | None
    elsewhere: float | None


@dataclass(frozen=True)
class AtlasRow:
    """A unit of the causal map.

    Attributes:
        layer: Its layer.
        unit: Its number.
        bits: Bits per symbol that are lost without it.
        effects: The effect where each label is, and elsewhere, by the name of the label.
        precision: Precision in which it was measured.
    """

    layer: int
    unit: int
    bits: float
    effects: Mapping[str, Ablated]
    precision: str


def ablate(
    model: TextModel, recording: Recording, units: Sequence[FoundUnit], labels: Mapping[str, Labels]
) -> list[Ablated | None]:
    """Return the effect of each unit, held at its mean over a text, on the loss of the text where its label is.

    Hidden states and cells are held by compiled code. Gates are held by PyTorch, which takes long: only those that
    come first of their label are, of the others there is nothing.

    Args:
        model: The model.
        recording: Its recording of the text, with the parts that the units are of.
        units: The units.
        labels: The labels of each character of the text, by name.

    Raises:
        ConfigError: Compiled code does not have the model's core.
    """
    engine = _engine(model)
    means = np.array([recording.arrays[one.part][:, one.layer, one.unit].mean() for one in units], dtype=np.float32)
    lost = np.zeros((len(units), len(recording)))
    states = [n for n, one in enumerate(units) if one.part in PARTS]
    first = {one.label: n for n, one in reversed(list(enumerate(units)))}
    gates = [n for n in first.values() if units[n].part not in PARTS]
    if states:
        numbers = [engine.unit_numbers(PARTS[units[n].part], units[n].layer, np.array([units[n].unit])) for n in states]
        lost[states] = _lost(engine, recording, np.concatenate(numbers), means[states])
    if gates:
        held = [_without_gates(model, ids, [units[n] for n in gates], means[gates]) for ids in recording.sequences()]
        lost[gates] = _free(engine, recording) - np.concatenate(held, axis=1)
    return [
        _effect(lost[n], _before(recording, labels[one.label]), is_question=is_question(labels[one.label]))
        if n in (*states, *gates)
        else None
        for n, one in enumerate(units)
    ]


def _without_gates(
    model: TextModel, text: NDArray[np.int64], units: Sequence[FoundUnit], values: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return the log-probabilities of a text with one unit of a gate held in each row, [U, T]."""
    import torch

    from ostinato.cores.products import Packed
    from ostinato.inspect.taps import Replace, replaced

    network, product = model.network, Packed(model.network)

    def holding(rows: list[int]) -> Replace:
        def hold(value: torch.Tensor) -> torch.Tensor:
            held = value.clone()
            for row in rows:
                held[row, units[row].unit] = float(values[row])
            return held

        return hold

    rows: dict[str, list[int]] = {}
    for row, one in enumerate(units):
        rows.setdefault(f"core.layers.{one.layer}.{one.part}", []).append(row)
    ids = np.concatenate([[network.symbols], text])
    log_probs = np.zeros((len(units), len(text)))
    state = network.initial_state(len(units))
    with torch.inference_mode(), replaced(network, {name: holding(own) for name, own in rows.items()}):
        for step, symbol in enumerate(ids[:-1].tolist()):
            symbols = torch.full((len(units),), symbol, device=network.device)
            logs, state = network.step(symbols, state, product=product)
            log_probs[:, step] = logs[:, int(ids[step + 1])].double().cpu().numpy()
    return log_probs


def atlas(
    model: TextModel, recording: Recording, labels: Mapping[str, Labels], tick: Tick | None = None
) -> list[AtlasRow]:
    """Return the effect of every hidden unit, held at its mean, on the loss of a text, the strongest first.

    All are measured with 8-bit weights, the strongest again in float32.

    Args:
        model: The model.
        recording: Its recording of the text.
        labels: Labels of each character of the text, by name.
        tick: Called with the number of units measured so far, and in all.

    Raises:
        ConfigError: Compiled code does not have the model's core.
    """
    engine = _engine(model)
    means = recording.arrays["hidden"].mean(axis=0).astype(np.float32)  # [L, H]
    numbers = np.concatenate([engine.unit_numbers(0, layer, np.arange(means.shape[1])) for layer in range(len(means))])
    lost, precisions = _lost(model.engines.get("int8"), recording, numbers, means.ravel(), tick), ["int8"] * means.size
    order = np.argsort(-np.abs(lost.mean(axis=1)), kind="stable")
    again = order[:_AGAIN]
    lost[again] = _lost(engine, recording, numbers[again], means.ravel()[again])
    for unit in again.tolist():
        precisions[unit] = "fp32"
    places = {name: (_before(recording, own), is_question(own)) for name, own in labels.items()}
    order = np.argsort(-np.abs(lost.mean(axis=1)), kind="stable")
    return [
        AtlasRow(
            layer=unit // means.shape[1],
            unit=unit % means.shape[1],
            bits=bits(float(lost[unit].mean())),
            effects={name: _effect(lost[unit], own, is_question=asked) for name, (own, asked) in places.items()},
            precision=precisions[unit],
        )
        for unit in order.tolist()
    ]


def _engine(model: TextModel) -> Engine:
    engine = model.engines.to_score()
    if engine is None:
        reason = model.engines.missing(SearchSettings(), RuleSettings()) or "nothing can be compiled here"
        raise ConfigError(f"units are ablated by compiled code alone, and {reason}")
    return engine


def _lost(
    engine: Engine,
    recording: Recording,
    numbers: NDArray[np.int64],
    values: NDArray[np.float32],
    tick: Tick | None = None,
) -> NDArray[np.float64]:
    """Return the nats that are lost at each symbol with each unit held, [U, T]."""
    held = [engine.sweep(ids, numbers, values, tick) for ids in recording.sequences()]
    return _free(engine, recording) - np.concatenate(held, axis=1)


def _free(engine: Engine, recording: Recording) -> NDArray[np.float64]:
    """Return the log-probability of each symbol with nothing held, [T]."""
    sequences = recording.sequences()
    told = dict(engine.log_probs(sequences))
    return np.concatenate([told[number] for number in range(len(sequences))])


def _before(recording: Recording, labels: Labels) -> Labels:
    """Return the label of the text that each symbol follows, [T], of labels of characters; 0 before the first."""
    before = np.concatenate([[0.0], recording.labels_of(labels)[:-1]])
    before[list(recording.starts)] = 0.0
    return before


def _effect(lost: NDArray[np.float64], before: Labels, *, is_question: bool) -> Ablated:
    there = before > (0 if is_question else np.median(before))
    return Ablated(*(bits(float(lost[some].mean())) if some.any() else None for some in (there, ~there)))
