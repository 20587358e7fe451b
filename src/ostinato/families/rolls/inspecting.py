"""Views of a model of rolls while it reads a piece: its states, and the biases that the past gives each note."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from ostinato.data import Reading
from ostinato.errors import ConfigError
from ostinato.families.base import Sources
from ostinato.inspect.inspection import Inspection, Look
from ostinato.inspect.joining import web_folder
from ostinato.inspect.recording import Recording
from ostinato.inspect.stepped import arrays_of_states, arrays_of_taps
from ostinato.inspect.taps import check_gates, watched
from ostinato.inspect.views import MOST_ON_PAGE, View, cut_note
from ostinato.music.rolls import Frames, note_name
from ostinato.runs import RunFolder

if TYPE_CHECKING:
    from ostinato.families.rolls.model import RollModel

_EXPECTED = 5  # notes told of each frame


class RollInspection(Inspection):
    """A model of rolls while it reads a piece.

    Args:
        model: The model.
        frames: The notes of each frame, [T, N].
        notes: Remarks to be shown beside the views.
    """

    usual = "memory"
    on_page: tuple[str, ...] = ("memory", "cells", "trajectory")

    def __init__(self, model: RollModel, frames: Frames, notes: tuple[str, ...] = ()) -> None:
        self.model, self.frames, self.notes = model, frames, notes
        self.title = f"Inside {model.saved.path.name}"

    def looks(self) -> dict[str, Look]:
        return {"memory": lambda _, __: self.memory(), **super().looks()}

    @cached_property
    def recording(self) -> Recording:
        """Every state over the piece; a symbol is the chord of a frame."""
        return self._read[0]

    @property
    def keeping(self) -> str:
        """Name of the gate by whose value a cell is multiplied from step to step; empty: there is none."""
        stack: Any = self.model.network.core
        return str(stack.layers[0].keeps)

    def with_gates(self) -> Recording:
        """Return the recording with the gates."""
        check_gates(self.model.network)
        return self._recorded("core.layers.*gate")[0]

    @cached_property
    def biases(self) -> NDArray[np.float64]:
        """Logit that the past gives each note, before the notes of its own frame speak, [T, N]."""
        return self._read[1]

    @cached_property
    def _read(self) -> tuple[Recording, NDArray[np.float64]]:
        return self._recorded()

    def _recorded(self, *taps: str) -> tuple[Recording, NDArray[np.float64]]:
        network, states, read = self.model.network, [], []
        silence = torch.zeros(1, network.notes, device=network.device)
        frames = torch.from_numpy(self.frames).to(network.device).float()
        with torch.inference_mode(), watched(network, *taps) as values:
            state = network.initial_state(1)
            for frame in [silence, *frames[:, None]]:
                y, state = network.step(frame, state)
                states.append(state)
                read.append(y)
            biases = network.head.biases(torch.cat(read[:-1])).double().cpu().numpy()
        lowest = self.model.settings.lowest
        chords = tuple(
            "·".join(note_name(lowest + note) for note in np.flatnonzero(frame).tolist()) + " " for frame in self.frames
        )
        arrays = {**arrays_of_states(states), **arrays_of_taps(values)}
        return Recording(chords, np.arange(len(chords)), arrays), biases

    def memory(self) -> View:
        """Return the view of the biases that the past gives each note, beside the notes that sound."""
        biases, lowest, T = self.biases, self.model.settings.lowest, len(self.frames)
        names = [note_name(lowest + note) for note in range(self.frames.shape[1])]
        shares = 1 / (1 + np.exp(-biases))
        shown = slice(MOST_ON_PAGE)
        downwards = biases[shown].T[::-1].astype(np.float32)  # [N, T], the highest note first

        def expected(t: int) -> str:
            order = np.argsort(-shares[t], kind="stable")[:_EXPECTED].tolist()
            return "  ".join(f"{names[note]} {shares[t, note]:.1%}" for note in order)

        def sounding(t: int) -> list[int]:
            own: list[int] = np.flatnonzero(self.frames[t])[::-1].tolist()
            return own

        return View(
            name="memory",
            title="Biases",
            columns=("frame", "sounding", "led_to_expect"),
            rows=lambda: (
                (t + 1, " ".join(names[note] for note in sounding(t)) or "silence", expected(t)) for t in range(T)
            ),
            objects=lambda: (
                {
                    "frame": t + 1,
                    "sounding": [names[note] for note in sounding(t)],
                    "biases": dict(zip(names, np.round(biases[t], 4).tolist(), strict=True)),
                }
                for t in range(T)
            ),
            facts={
                "notes": names[::-1],
                "sounding": [[len(names) - 1 - note for note in sounding(t)] for t in range(T)[shown]],
            },
            arrays={"biases": downwards},
            notes=cut_note(T, "frames"),
            folders=(web_folder("ostinato.families.rolls"),),
        )


def inspection_of(model: RollModel, text: str | None, options: Mapping[str, Any]) -> RollInspection:
    """Return the inspection that a command asks for: of the first piece of a file, or of what the run held out.

    Raises:
        ConfigError: There is no held-out part.
        CorpusError: The file cannot be read.
    """
    if text is None and options.get("split"):
        raise ConfigError("--split is for a file with several parts; name one")
    if text is None:
        if not model.saved.path.is_dir():
            raise ConfigError("a model file has no held-out part; name a file of music")
        _, held_out = RunFolder(model.saved.path).corpus()
        rolls = model.rolls(held_out)
    else:
        corpus = model.read(Sources([text], Reading(), options, part="test"))
        rolls = model.rolls(model.recipe.family.encode(model.codec, corpus, "error"))
    pieces = rolls.numbers.texts
    return RollInspection(model, rolls.one(0), (f"(the first of {pieces:,} pieces)",) if pieces > 1 else ())
