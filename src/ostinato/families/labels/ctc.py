"""Label sequences without alignment to a longer sequence: speech, handwriting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from ostinato.data.sound import LogMel
from ostinato.errors import CorpusError
from ostinato.families.labels.family import LABELS
from ostinato.families.labels.reading import LabelReading
from ostinato.families.labels.reading.recordings import FRAMES
from ostinato.families.labels.rows import Labelled
from ostinato.families.labels.settings import SequenceSettings, check_labelled
from ostinato.families.recipe import Budget, Recipe

if TYPE_CHECKING:
    from ostinato.cores.encoders import Encoder
    from ostinato.families.labels.heads import LabelHead


@dataclass(frozen=True)
class CtcSettings(SequenceSettings):
    """Settings of a model of label sequences without alignment.

    Attributes:
        labels: Unit of a target that is one label: words or characters.
    """

    codec_settings: ClassVar[tuple[str, ...]] = (*SequenceSettings.codec_settings, "labels")
    labels: Literal["words", "characters"] = "words"

    def reading(self) -> LabelReading:
        """Return the options of reading files."""
        return LabelReading(
            self.labels, frame=self.frame, sound=LogMel(self.bands, highest=self.highest), stack=self.stack
        )

    def check_lengths(self, rows: Labelled) -> None:
        """Check that each sequence has a place for each of its labels, and for a blank between equal ones."""
        places = rows.places(self.stack)
        needed = rows.places_needed()
        short = np.flatnonzero(places < needed)
        if len(short):
            n = int(short[0])
            raise CorpusError(
                f"{len(short):,} sequences are too short for their labels, the first of them number {n + 1:,}: it has "
                f"{places[n]} places, and {rows.target_lengths[n]} labels need {needed[n]} (one each, and one "
                "between two that are equal). Leave them out, or give more frames a second (or a smaller stack)"
            )

    def build_head(self, encoder: Encoder, labels: int) -> LabelHead:
        """Build the distribution over labels."""
        from ostinato.families.labels.ctc_head import PathHead

        return PathHead(encoder.memory_size, labels)


def sizes_for(budget: Budget, given: Mapping[str, Any]) -> dict[str, Any]:
    """Choose sizes and a low learning rate: at first everything is blank."""
    return {
        "hidden_size": 128, "batch_size": 32, "learning_rate": 2e-3, "dropout": 0.2, "weight_decay": 0.01,
        "cooldown": 0.7, "normalise": "each" if given.get("frame") is None else "together",
    }  # fmt: skip


RECIPE = Recipe(
    name="ctc",
    summary="label sequences without alignment: speech, handwriting; 'label' finds them",
    source="Graves et al. 2006, 'Connectionist temporal classification'",
    settings=CtcSettings,
    sizes_for=sizes_for,
    prepare=check_labelled,
    endings=(".npz", *FRAMES),
    family=LABELS,
)
