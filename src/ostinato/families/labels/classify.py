"""Classification: one label for a whole sequence of symbols, rows, or sounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ostinato.data.sound import LogMel
from ostinato.families.labels.family import LABELS
from ostinato.families.labels.reading import LabelReading
from ostinato.families.labels.reading.recordings import FRAMES
from ostinato.families.labels.settings import SequenceSettings, check_labelled
from ostinato.families.recipe import Budget, Recipe

if TYPE_CHECKING:
    from ostinato.cores.encoders import Encoder
    from ostinato.families.labels.heads import LabelHead


@dataclass(frozen=True)
class ClassifySettings(SequenceSettings):
    """Settings of a classifier.

    Attributes:
        pooling: Summary that the label is read from: the encoder's last state (last), the mean of all places, or their
            mean with weights that are learned (attention).
    """

    pooling: Literal["last", "mean", "attention"] = "attention"

    def reading(self) -> LabelReading:
        """Return the options of reading files."""
        return LabelReading("whole", frame=self.frame, sound=LogMel(self.bands, highest=self.highest))

    def build_head(self, encoder: Encoder, labels: int) -> LabelHead:
        """Build the distribution over labels."""
        from ostinato.families.labels.heads import WholeHead

        return WholeHead(encoder.memory_size, encoder.summary_size, labels, pooling=self.pooling)


def sizes_for(budget: Budget, given: Mapping[str, Any]) -> dict[str, Any]:
    """Choose sizes; numbers of a frame that was cut are all of one kind, so they are normalised together."""
    return {
        "hidden_size": 128, "batch_size": 32 if budget.texts < 10_000 else 64, "learning_rate": 2e-3, "dropout": 0.3,
        "weight_decay": 0.02, "cooldown": 0.7, "normalise": "each" if given.get("frame") is None else "together",
    }  # fmt: skip


RECIPE = Recipe(
    name="classify",
    summary="one label for a whole sequence: text, image rows, sound; 'label' says which",
    source="Elman 1990; attention: Yang et al. 2016, 'Hierarchical attention networks'",
    settings=ClassifySettings,
    sizes_for=sizes_for,
    prepare=check_labelled,
    endings=(".npz", *FRAMES),
    family=LABELS,
)
