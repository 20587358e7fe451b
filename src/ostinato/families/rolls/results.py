"""Results of models of rolls."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostinato.families.rolls.measures import FrameNats, Hits
from ostinato.music.roll_copies import RollCopy
from ostinato.music.roll_facts import Facts
from ostinato.music.rolls import Frames
from ostinato.units import Bound, bits, describe_bound

_LITTLE = 0.02  # nats per frame


@dataclass(frozen=True)
class RollEvaluation:
    """Evaluation of a model on rolls, in nats per frame.

    Attributes:
        pieces: Number of rolls.
        frames: Number of frames.
        nats_per_frame: Mean over all frames of all rolls: the convention of Boulanger-Lewandowski et al. 2012.
        standard_error: Its standard error, by drawing pieces anew; ``None`` with fewer than two.
        nats_without_first: The same without the first frame of each roll.
        nats_by_piece: Mean over rolls of each one's mean.
        accuracy: TP / (TP + FP + FN) over notes; a note is predicted if its probability is over a half.
        copying_accuracy: The same of whoever expects each frame to be the one before.
        bound: Whether the losses are exact.
        estimate_error: Standard error of ``nats_per_frame`` that comes from estimating; 0 where it is exact.
        estimated_by: Method of the estimate; empty where they are exact.
        rise: Rise of ``nats_per_frame`` with four times the steps of the estimate, measured on some of the frames:
            ln Z is too low on the mean, and the more so the fewer steps there are; ``None``: it was not measured.
        rise_error: Standard error of ``rise``, as the estimates say.
    """

    pieces: int
    frames: int
    nats_per_frame: float
    standard_error: float | None
    nats_without_first: float | None
    nats_by_piece: float
    accuracy: float
    copying_accuracy: float
    bound: Bound = "exact"
    estimate_error: float = 0.0
    estimated_by: str = ""
    rise: float | None = None
    rise_error: float = 0.0

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks to be shown beside it."""
        if self.rise is None or self.rise < max(_LITTLE, 2 * self.rise_error):
            return ()
        return (
            f"the estimate of ln Z is too low, and the loss with it: with four times the steps it is {self.rise:.3f} "
            "nats higher, on some of the frames; take more --temperatures",
        )

    def plain(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)

    def describe(self) -> str:
        """Return losses and accuracies, with the conventions that they follow, in lines."""
        error = "" if self.standard_error is None else f" ± {self.standard_error:.3f}"
        how = describe_bound(self.bound)
        if self.bound == "estimate":
            how += f" by {self.estimated_by}, ± {self.estimate_error:.3f}"
            if self.rise is not None:
                how += f"; {self.rise:+.3f} with four times the steps"
        lines = [
            f"{self.pieces:,} piece{'s'[: self.pieces != 1]}, {self.frames:,} frames",
            f"{self.nats_per_frame:.3f}{error} nats per frame ({bits(self.nats_per_frame):.3f} bits; {how}), the mean "
            f"over all frames{'; ± by drawing pieces anew' * bool(error)}",
        ]
        if self.nats_without_first is not None:
            lines.append(
                f"{self.nats_without_first:.3f} without the first frame of each piece; {self.nats_by_piece:.3f} as the "
                "mean over pieces"
            )
        lines.append(
            f"accuracy {self.accuracy:.1%}, copying the frame before {self.copying_accuracy:.1%}: TP/(TP+FP+FN) over "
            "notes, predicted where the probability is over a half"
        )
        return "\n".join(lines)


@dataclass(frozen=True)
class Heard:
    """A roll with what a model says of it.

    Attributes:
        frames: The notes of each frame, [T, N].
        nats: -ln P of each frame given those before, [T].
        probabilities: Probability of each note given all before it, [T, N].
        copy: The longest run of frames that the training rolls have too; ``None``: they are not at hand.
        copied_from: Where that stands.
        known: Facts about the training rolls; ``None``: they are not at hand.
    """

    frames: Frames
    nats: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    copy: RollCopy | None = None
    copied_from: str = ""
    known: Facts | None = None


def evaluation_of(measured: FrameNats, copied: Hits, bound: Bound, estimated_by: str) -> RollEvaluation:
    """Return the evaluation that losses of frames make."""
    sums = np.array([one.sum() for one in measured.nats])
    counts = np.array([len(one) for one in measured.nats])
    frames, mean = int(counts.sum()), float(sums.sum() / counts.sum())
    rest = [one[1:] for one in measured.nats if len(one) > 1]
    return RollEvaluation(
        pieces=len(sums),
        frames=frames,
        nats_per_frame=mean,
        standard_error=_standard_error(sums, counts, mean),
        nats_without_first=float(np.concatenate(rest).mean()) if rest else None,
        nats_by_piece=float((sums / counts).mean()),
        accuracy=measured.hits.accuracy,
        copying_accuracy=copied.accuracy,
        bound=bound,
        estimate_error=math.sqrt(measured.variance) / frames,
        estimated_by=estimated_by,
    )


def _standard_error(sums: np.ndarray[Any, Any], counts: np.ndarray[Any, Any], mean: float) -> float | None:
    """Return the standard error of a ratio of sums over pieces."""
    pieces = len(sums)
    if pieces < 2:
        return None
    return float(np.sqrt(((sums - mean * counts) ** 2).sum() * pieces / (pieces - 1)) / counts.sum())


@dataclass(frozen=True)
class WrittenRoll:
    """A roll that a model wrote.

    Attributes:
        seed: Seed with which it alone is written again.
        lowest: Its lowest note, as a MIDI number.
        frames: Its frames, [T, N].
    """

    seed: int
    lowest: int
    frames: Frames

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks to be shown beside it: none."""
        return ()

    def plain(self) -> dict[str, Any]:
        """Return it as plain data: of each frame the notes that sound, as MIDI numbers."""
        sounding = [(np.flatnonzero(frame) + self.lowest).tolist() for frame in self.frames]
        return {"seed": self.seed, "frames": sounding}

    def describe(self) -> str:
        """Return it in lines, one for each frame."""
        return "\n".join(" ".join(map(str, notes)) for notes in self.plain()["frames"])
