"""Views of a model of labels while it reads a sequence: the states of its encoder, and the labels that it expects."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ostinato.codecs import SpelledCodec, Unknown
from ostinato.codecs.spelled import words_of
from ostinato.config import at_least
from ostinato.cores.encoders import Bidirectional, Convolutional
from ostinato.data import Encoded
from ostinato.data.frames import Frames
from ostinato.data.pairs import SOURCE
from ostinato.errors import ConfigError
from ostinato.families.labels.rows import Labelled
from ostinato.inspect.guessing import ExpectedSymbol, guesses_view, text_facts
from ostinato.inspect.inspection import Inspection, Look
from ostinato.inspect.looking import cells
from ostinato.inspect.recording import Recording
from ostinato.inspect.stepped import arrays_of_taps
from ostinato.inspect.taps import check_gates, watched
from ostinato.inspect.views import View
from ostinato.runs import RunFolder
from ostinato.units import bits

if TYPE_CHECKING:
    from ostinato.families.labels.annotator import Annotator

_GUESSES = 5
_LEAST = 1e-12  # in place of a probability of nothing


class LabelInspection(Inspection):
    """A model of labels while it reads a sequence.

    A layer that reads both ways has the units that read forwards, then those that read backwards.

    Args:
        model: The model.
        source: A text, frames of one sequence, or one that is encoded already.
        unknown: Treatment of symbols that the model does not know.

    Raises:
        ConfigError: There is nothing to label.
        UnknownSymbolError: The text has symbols that the model does not know.
    """

    usual = "cells"

    def __init__(self, model: Annotator, source: str | Frames | Encoded, *, unknown: Unknown = "error") -> None:
        self.model = model
        sources = source if isinstance(source, Frames) else [str(source)]
        data = source if isinstance(source, Encoded) else model.encode_sources(sources, unknown)
        text = " ".join(model.sources_in(data)[0]) if isinstance(source, Encoded) else str(source)
        self._batch = Labelled(data).batch(np.arange(1))
        self.labelling = model.label_encoded(data, ["" if isinstance(source, Frames) else text])[0]
        self.symbols = self._symbols(source if isinstance(source, Frames) else text)
        self.title = f"Inside {model.saved.path.name}"
        if self._has_labels_of_places:
            self.usual = "guesses"
            self.on_page = ("guesses", "cells", "trajectory")

    @property
    def _has_labels_of_places(self) -> bool:
        return len(self.labelling.alternatives) == len(self.symbols)

    def _symbols(self, source: str | Frames) -> tuple[str, ...]:
        length = int(self._batch.source_lengths[0])
        if isinstance(source, Frames):
            return tuple(f"{number + 1} " for number in range(length))
        if isinstance(self.model.codec.source, SpelledCodec):
            return tuple(f"{word} " for word in words_of(source))
        ids = self._batch.sources[0, :length].tolist()
        return self.model.codec.source_symbols(source, ids)

    def looks(self) -> dict[str, Look]:
        own: dict[str, Look] = {}
        if self._has_labels_of_places:
            own["guesses"] = lambda count, _: self.guesses(_GUESSES if count is None else count)
        return {**own, **super().looks()}

    @cached_property
    def recording(self) -> Recording:
        """Every output of the encoder's layers over the sequence."""
        network: Any = self.model.network
        device = network.device
        sources, lengths = (
            torch.from_numpy(array).to(device) for array in (self._batch.sources, self._batch.source_lengths)
        )
        with torch.inference_mode():
            xs, places = network.input(sources, lengths)
            layers = [own[0].float().cpu().numpy() for own in network.encoder.layers_of(xs, places)]
        hidden = np.stack(layers, axis=1)  # [S, L, D]
        hidden = np.concatenate([np.zeros_like(hidden[:1]), hidden])
        if len(hidden) != len(self.symbols) + 1:
            raise ConfigError(
                f"the encoder has {len(hidden) - 1} places for {len(self.symbols)} symbols; a model that takes several "
                "together cannot be looked at symbol by symbol"
            )
        return Recording(self.symbols, np.arange(len(self.symbols)), {"hidden": hidden})

    @property
    def keeping(self) -> str:
        """Name of the gate by whose value a cell is multiplied from step to step; empty: there is none."""
        encoder: Any = self.model.network.encoder
        if isinstance(encoder, Convolutional):
            return ""
        core = encoder.forwards[0] if isinstance(encoder, Bidirectional) else encoder.core.layers[0]
        return str(core.keeps)

    def with_gates(self) -> Recording:
        """Return the gates: of the layers that read forwards, then of those that read backwards."""
        network = self.model.network
        if isinstance(network.encoder, Convolutional):
            raise ConfigError("a convolutional encoder has no gates of cells")
        check_gates(network.encoder)
        with torch.inference_mode(), watched(network, "encoder.*gate") as values:
            self.model.encode(self._batch)
        backwards = {name: list(reversed(steps)) if ".backwards." in name else steps for name, steps in values.items()}
        gates = {name: np.concatenate([own[:1], own]) for name, own in arrays_of_taps(backwards).items()}
        return Recording(self.symbols, np.arange(len(self.symbols)), gates)

    def layers_of_gates(self) -> tuple[str, ...]:
        encoder = self.model.network.encoder
        if not isinstance(encoder, Bidirectional):
            return ()
        ways = ("forwards", "backwards")
        return tuple(f"{layer} {way}" for way in ways for layer in range(len(encoder.forwards)))

    def expected(self, count: int = _GUESSES) -> list[ExpectedSymbol]:
        """Return every symbol with the label that it got, and the most probable ones."""
        at_least("--guesses", count, 1)
        told = []
        for symbol, label, alternatives in zip(
            self.symbols, self.labelling.labels, self.labelling.alternatives, strict=True
        ):
            shares = [share for _, share in alternatives]
            entropy = -sum(share * math.log(max(share, _LEAST)) for share in shares)
            rank = 1 + [name for name, _ in alternatives].index(label)
            logs = [(name, math.log(max(share, _LEAST))) for name, share in alternatives[:count]]
            text = f"{symbol.strip()}/{label} "
            told.append(ExpectedSymbol(text, math.log(max(shares[rank - 1], _LEAST)), rank, bits(entropy), logs))
        return told

    def guesses(self, count: int = _GUESSES) -> View:
        """Return the view of the labels that were expected at every place."""
        return guesses_view(self.expected(count), text_facts(self.expected()))

    def cells(self, units: str = "") -> View:
        """Return the view of units of the encoder; empty: of those that change most."""
        about = text_facts(self.expected()) if self._has_labels_of_places else None
        return cells(self.recording, units, about=about)


def inspection_of(model: Annotator, text: str | None, options: Mapping[str, Any]) -> LabelInspection:
    """Return the inspection that a command asks for: of a text, or of the first sequence that was held out.

    Raises:
        ConfigError: There is no held-out part, or the model reads frames.
    """
    unknown = options.get("unknown", "error")
    if text is not None and not model.reads_frames:
        return LabelInspection(model, text, unknown=unknown)
    if text is not None:
        raise ConfigError("this model reads frames, not texts; leave TEXT out: what the run held out is looked at")
    if not model.saved.path.is_dir():
        raise ConfigError("a model file has no held-out part; give a TEXT")
    _, held_out = RunFolder(model.saved.path).corpus()
    first = held_out.part(0, 1)
    column = first.columns[SOURCE]
    if isinstance(column, Frames):
        return LabelInspection(model, column, unknown=unknown)
    return LabelInspection(model, first, unknown=unknown)
