"""Views of a model of pairs while it writes a target: its attention, its guesses, its decoder's states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from ostinato.codecs import Unknown
from ostinato.config import at_least
from ostinato.cores.attention import Attending
from ostinato.cores.conv_decoder import Convolving
from ostinato.cores.decoders import Summarised
from ostinato.data.columns import Ids
from ostinato.data.pairs import SOURCE
from ostinato.errors import ConfigError
from ostinato.families.pairs.results import Translation
from ostinato.families.pairs.stepping import padded
from ostinato.inspect.guessing import ExpectedSymbol, guesses_view, text_facts
from ostinato.inspect.inspection import Inspection, Look
from ostinato.inspect.joining import web_folder
from ostinato.inspect.looking import cells
from ostinato.inspect.page import page
from ostinato.inspect.recording import Recording
from ostinato.inspect.stepped import arrays_of_states, arrays_of_taps
from ostinato.inspect.taps import check_gates, watched
from ostinato.inspect.views import View, visible
from ostinato.runs import RunFolder
from ostinato.units import bits

if TYPE_CHECKING:
    from ostinato.families.pairs.translator import Translator

_GUESSES, _STRONGEST = 5, 3


class PairInspection(Inspection):
    """A model of pairs while it writes a target.

    Args:
        model: The model.
        source: The source.
        target: The target; ``None``: the one that the model finds.
        unknown: Treatment of symbols that the model does not know.

    Raises:
        ConfigError: The source is empty.
        UnknownSymbolError: A text has symbols that the model does not know.
    """

    def __init__(
        self, model: Translator, source: str, target: str | None = None, *, unknown: Unknown = "error"
    ) -> None:
        self.model = model
        self.source = source.strip().lower() if model.settings.lower else source.strip()
        if target is None:
            target = model.translate([source], unknown=unknown, attention=False)[0][0].text
        target = target.lower() if model.settings.lower else target
        adapted = model.codec.source.adapt(self.source, unknown)
        if not adapted:
            raise ConfigError("there is nothing to look at: the source is empty")
        self.source_ids: list[int] = model.codec.encode_source(adapted).tolist()
        end = model.codec.end
        assert end is not None
        self.ids = np.append(model.codec.encode(model.codec.adapt(target, unknown)), end).astype(np.int64)
        self.source_symbols = model.codec.source_symbols(adapted, self.source_ids)
        self.title = f"Inside {model.saved.path.name}: {self.source}"
        self.usual = "attention" if model.has_attention else "guesses"
        self.on_page = (*(["attention"] if model.has_attention else []), "guesses", *(["cells"] * self._has_units))

    @property
    def _has_units(self) -> bool:
        return self.model.settings.decoder != "convolutional"

    def looks(self) -> dict[str, Look]:
        own: dict[str, Look] = {
            "attention": lambda _, __: self.attention(),
            "guesses": lambda count, _: self.guesses(_GUESSES if count is None else count),
        }
        return {**own, **(super().looks() if self._has_units else {})}

    @cached_property
    def recording(self) -> Recording:
        """Every state of the decoder over the target, what was expected, and the attention."""
        return self._recorded()

    @property
    def keeping(self) -> str:
        """Name of the gate by whose value a cell is multiplied from step to step; empty: there is none."""
        stack: Any = self.model.network.decoder.core
        return str(stack.layers[0].keeps)

    def with_gates(self) -> Recording:
        """Return the recording with the gates of the decoder's core."""
        check_gates(self.model.network.decoder)
        return self._recorded("decoder.core.*gate")

    def _recorded(self, *taps: str) -> Recording:
        network, states, weights, expected = self.model.network, [], [], []
        with torch.inference_mode():
            state = network.begin(network.encode(*padded([self.source_ids], network.device)))
            with watched(network, *taps) as values:
                for symbol in [network.symbols, *self.ids.tolist()]:
                    log_probs, state = network.step(torch.tensor([symbol], device=network.device), state)
                    states.append(state)
                    expected.append(log_probs[0].float().cpu().numpy())
                    if isinstance(state, Attending | Convolving):
                        weights.append(state.weights[0].float().cpu().numpy())
        arrays = arrays_of_states([_core(state) for state in states]) if self._has_units else {}
        arrays |= {**arrays_of_taps(values), "logits": np.stack(expected)}
        if weights:
            arrays["attention"] = np.stack(weights[:-1])  # row t is of the step that predicts symbol t
        pieces, end = self.model.codec.pieces, self.model.codec.end
        symbols = tuple("" if one == end else pieces[one].decode(errors="replace") for one in self.ids.tolist())
        return Recording(symbols, self.ids, arrays)

    def symbols(self, count: int = _GUESSES) -> list[ExpectedSymbol]:
        """Return every symbol of the target with its rank, the entropy, and the most probable symbols in its place."""
        at_least("--guesses", count, 1)
        places, codec = self.recording.expected(count), self.model.codec
        names = ["<end>" if number == codec.end else piece.decode(errors="replace")
                 for number, piece in enumerate(codec.pieces)]  # fmt: skip
        return [
            ExpectedSymbol(
                names[own], float(places.log_probs[t]), int(places.ranks[t]), bits(float(places.entropies[t])),
                [(names[n], float(v)) for n, v in zip(places.best[t], places.best_log_probs[t], strict=True)],
            )
            for t, own in enumerate(self.ids.tolist())
        ]  # fmt: skip

    @cached_property
    def _facts(self) -> dict[str, Any]:
        return text_facts(self.symbols())

    def guesses(self, count: int = _GUESSES) -> View:
        """Return the view of what was expected at every place of the target."""
        return guesses_view(self.symbols(count), self._facts)

    def cells(self, units: str = "") -> View:
        """Return the view of units of the decoder; empty: of those that change most."""
        return cells(self.recording, units, about=self._facts)

    def attention(self) -> View:
        """Return the view of the attention of every target symbol to the source.

        Raises:
            ConfigError: The decoder has no attention.
        """
        if not self.model.has_attention:
            raise ConfigError(f"decoder = {self.model.settings.decoder!r} has no attention to show")
        return attention_view(self.source_symbols, self.recording.symbols, self.recording.arrays["attention"])


def attention_view(source: Sequence[str], target: Sequence[str], weights: NDArray[np.floating[Any]]) -> View:
    """Return the view of the attention [T, S] of target symbols to source symbols; the end is an empty symbol."""
    targets = [one or "<end>" for one in target]

    def strongest(t: int) -> str:
        order = np.argsort(-weights[t], kind="stable")[:_STRONGEST].tolist()
        return "  ".join(f"{visible(source[s].strip() or ' ')} {weights[t, s]:.2f}" for s in order)

    return View(
        name="attention",
        title="Attention",
        columns=("target", "attends_to"),
        rows=lambda: ((visible(one.strip() or " "), strongest(t)) for t, one in enumerate(targets)),
        objects=lambda: (
            {"target": one, "source": list(source), "weights": np.round(weights[t], 5).tolist()}
            for t, one in enumerate(targets)
        ),
        facts={"source": list(source), "target": targets},
        arrays={"weights": weights.astype(np.float32)},
        folders=(web_folder("ostinato.families.pairs"),),
    )


def attention_page(translation: Translation) -> str:
    """Return the attention of a translation as one page."""
    assert translation.attention is not None
    view = attention_view(translation.source_symbols, translation.symbols, translation.attention)
    return page([view], title=f"{translation.source} → {translation.text}")


def inspection_of(model: Translator, text: str | None, options: Mapping[str, Any]) -> PairInspection:
    """Return the inspection that a command asks for: of a source, or of the first pair that was held out.

    Raises:
        ConfigError: There is no held-out part.
    """
    unknown, target = options.get("unknown", "error"), options.get("target")
    if text is not None:
        return PairInspection(model, text, target, unknown=unknown)
    if not model.saved.path.is_dir():
        raise ConfigError("a model file has no held-out part; give a TEXT, the source")
    _, held_out = RunFolder(model.saved.path).corpus()
    column = held_out.columns[SOURCE]
    assert isinstance(column, Ids)
    source = model.codec.source.decode(next(iter(column.lists()))).strip()
    first = model.codec.decode(held_out.ids[: int(held_out.offsets[1]) - 1].tolist())
    return PairInspection(model, source, target or first, unknown=unknown)


def _core(state: Any) -> Any:
    """Return the state of a decoder's core."""
    return state.core if isinstance(state, Attending | Summarised) else state
