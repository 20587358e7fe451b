"""Recordings of language models: every state over a text, its gates, and what was expected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ostinato.codecs import Unknown
from ostinato.cores.table import CORES
from ostinato.data import encode_texts
from ostinato.errors import ConfigError
from ostinato.inspect.clamps import PARTS
from ostinato.inspect.recording import Recording
from ostinato.runs import RunFolder

if TYPE_CHECKING:
    from ostinato.engine.engine import Recorded
    from ostinato.families.text.model import TextModel
    from ostinato.models import SymbolModel

_ROWS = 1024  # places whose gates are computed together


def record(
    model: TextModel, text: str, unknown: Unknown = "error", *, taps: Sequence[str] = (), logits: bool = True
) -> Recording:
    """Return every state of a language model over a text, and its guesses.

    Compiled code does it where it has the core, without PyTorch; else PyTorch does, step by step.

    Args:
        model: The model.
        text: The text.
        unknown: Treatment of symbols that the model does not know.
        taps: Patterns of further values to record, such as ``"*gate"`` or ``"forget_gate"``, by PyTorch.
        logits: Whether to record what was expected.

    Raises:
        ConfigError: The text is empty, the model is an ensemble, or a pattern matches nothing.
        UnknownSymbolError: The text has symbols that the model does not know.
    """
    return record_ids(model, ids_of(model, text, unknown), taps=taps, logits=logits)


def ids_of(model: TextModel, text: str, unknown: Unknown) -> NDArray[np.int64]:
    """Return the ids of a text, of an item with its end.

    Raises:
        ConfigError: The text is empty.
        UnknownSymbolError: It has symbols that the model does not know.
    """
    ids: NDArray[np.int64] = encode_texts(model.codec, [model.codec.adapt(text, unknown)]).ids.astype(np.int64)
    if not len(ids):
        raise ConfigError("there is nothing to look at: the text is empty")
    return ids


def record_all(
    model: TextModel, texts: Sequence[NDArray[np.int64]], *, taps: Sequence[str] = (), logits: bool = True
) -> Recording:
    """Return the recording of encoded texts, each read from a fresh state, one behind the other."""
    first, *others = [record_ids(model, ids, taps=taps, logits=logits) for ids in texts]
    if not others:
        return first
    arrays = {
        name: np.concatenate([array, *(other.arrays[name][1:] for other in others)])
        for name, array in first.arrays.items()
    }
    symbols = tuple(symbol for one in (first, *others) for symbol in one.symbols)
    starts = np.cumsum([0, *map(len, texts)])[:-1].tolist()
    return Recording(symbols, np.concatenate(list(texts)), arrays, tuple(starts))


def record_ids(model: TextModel, ids: NDArray[np.int64], *, taps: Sequence[str] = (), logits: bool = True) -> Recording:
    """Return the recording of a text that is encoded; the others are as for ``record``."""
    check_single(model)
    engine = model.engines.to_score()
    if engine is None or (taps and model.engines.is_held):
        arrays = _by_steps(model.network, ids, taps, logits=logits)
    else:
        arrays = _by_engine(engine.record(ids, logits=logits))
        if wanted := [pattern for pattern in taps if pattern not in arrays]:
            arrays |= _taps_at_once(model.network, ids, arrays, wanted)
    return Recording(symbols_of(model, ids), ids, arrays)


def symbols_of(model: TextModel, ids: NDArray[np.int64]) -> tuple[str, ...]:
    """Return the texts of symbols; that of the end of an item is empty."""
    pieces, end = model.codec.pieces, model.codec.end
    return tuple("" if one == end else pieces[one].decode(errors="backslashreplace") for one in ids.tolist())


def check_single(model: TextModel) -> None:
    """Check that a model is one, whose core's state is its output.

    Raises:
        ConfigError: It is an ensemble, or its core has an output of its own.
    """
    if len(model.members) > 1:
        raise ConfigError("states are looked at in one model, and this is an ensemble; open its members one by one")
    if CORES[model.settings.core].has_output:
        raise ConfigError(
            f"units of the core {model.settings.core!r} cannot be looked at: its state is not what its units put out"
        )


def held_out(model: TextModel, symbols: int, *, several: bool) -> tuple[str | list[str], str]:
    """Return the beginning of the held-out part, and a remark on how much of it that is; of items several, if asked."""
    path = model.saved.path
    if not path.is_dir():
        raise ConfigError("a model file has no held-out part; give a TEXT or --file FILE")
    _, held_out = RunFolder(path).corpus()
    if model.codec.end is None:
        count = min(symbols, len(held_out.ids))
        note = f"(the first {count:,} of {len(held_out.ids):,} symbols that were held out)"
        return model.codec.decode(held_out.ids[:symbols].tolist()), note
    ends = held_out.offsets.tolist()
    count = max(1, int(np.searchsorted(held_out.offsets[1:], symbols, side="right"))) if several else 1
    items = [model.codec.decode(held_out.ids[ends[n] : ends[n + 1] - 1].tolist()) for n in range(count)]
    return items, f"(the first {count:,} of {len(ends) - 1:,} items that were held out)"


def _by_engine(recorded: Recorded) -> dict[str, NDArray[np.float32]]:
    parts = {"hidden": recorded.hidden, "cell": recorded.cell, "logits": recorded.logits}
    return {name: array for name, array in parts.items() if array is not None}


def _by_steps(
    network: SymbolModel, ids: NDArray[np.int64], taps: Sequence[str], *, logits: bool
) -> dict[str, NDArray[np.float32]]:
    import torch

    from ostinato.inspect.stepped import arrays_of_states, arrays_of_taps
    from ostinato.inspect.taps import watched

    patterns = [pattern for pattern in taps if pattern not in PARTS]
    state, states, guesses = network.initial_state(1), [], []
    with torch.inference_mode(), watched(network, *patterns) as values:
        for symbol in (network.symbols, *ids.tolist()):
            log_probs, state = network.step(torch.tensor([symbol], device=network.device), state)
            states.append(state)
            guesses += [log_probs[0].float().cpu().numpy()] if logits else []
    expected = {"logits": np.stack(guesses)} if logits else {}
    return {**arrays_of_states(states), **arrays_of_taps(values), **expected}


def _taps_at_once(
    network: SymbolModel, ids: NDArray[np.int64], arrays: dict[str, NDArray[Any]], taps: Sequence[str]
) -> dict[str, NDArray[Any]]:
    """Return what taps tell at every step: as all states are known, many steps are rows of one."""
    import torch

    from ostinato.inspect.stepped import arrays_of_taps, fields_of
    from ostinato.inspect.taps import watched

    symbols = np.concatenate([[network.symbols], ids])
    first = network.initial_state(1)
    parts = []
    with torch.inference_mode():
        for start in range(0, len(symbols), _ROWS):
            rows = symbols[start : start + _ROWS]
            before = {name: _before(arrays[name], start, len(rows)) for name in arrays if name in PARTS}
            state = tuple(
                one._replace(**{part: torch.from_numpy(own[:, layer]) for part, own in before.items()})
                if fields_of(one)
                else torch.from_numpy(before["hidden"][:, layer])
                for layer, one in enumerate(first)
            )
            with watched(network, *taps) as values:
                network.step(torch.from_numpy(rows), state)
            parts.append(arrays_of_taps(values))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _before(array: NDArray[Any], start: int, count: int) -> NDArray[Any]:
    """Return the states before some steps, [count, L, H], of those after every step; before the first there is none."""
    padded = np.concatenate([np.zeros_like(array[:1]), array[:-1]])
    return np.ascontiguousarray(padded[start : start + count])
