"""Batches of piano rolls: frames with the frames before them, transposed at random in training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ostinato.batch import Batch, SymbolBatch
from ostinato.data import Encoded, Stream, cut_window
from ostinato.data.streams import DocumentStream
from ostinato.music.rolls import Frames, frames_of_ids

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ostinato.batch import Flags, Ids

_KEY = 0x524F4C  # keeps draws of transpositions apart from all others of the same seed
_WINDOW, _ROWS = 256, 64  # of batches to measure on


@dataclass(frozen=True)
class RollBatch(Batch):
    """B rolls of T frames each.

    Attributes:
        inputs: The frame before each, [B, T, N] of 0 and 1; silence before the first.
        targets: The frames to predict, [B, T, N].
        lengths: Number of real frames of each row, [B].
        fresh: Rows that start anew, [B].
    """

    inputs: Frames
    targets: Frames
    lengths: Ids
    fresh: Flags

    @property
    def rows(self) -> int:
        return len(self.fresh)

    @property
    def targets_of_rows(self) -> Ids:
        return self.lengths

    @property
    def starts(self) -> bool:
        return bool(self.fresh.any())

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        return {field.name: self.__dict__[field.name] for field in fields(self)}

    def part(self, rows: slice) -> Self:
        cut: dict[str, Any] = {name: array[rows] for name, array in self.arrays().items()}
        return replace(self, **cut)


class Rolls:
    """Rolls as frames.

    Args:
        frames: The frames of all, one roll after another, [F, N] of 0 and 1.
        offsets: Start of each, then the end of the last one, [rolls + 1].

    Attributes:
        frames: All frames, one roll after another, then a silent one, [F + 1, N].
        numbers: The number of each frame, as encoded items: what streams cut.
        silence: Number of the silent frame, which is read before the first.
    """

    def __init__(self, frames: Frames, offsets: NDArray[np.int64]) -> None:
        self.silence = len(frames)
        self.frames: Frames = np.concatenate([frames, np.zeros((1, frames.shape[1]), dtype=np.uint8)])
        self.numbers = Encoded(np.arange(self.silence), offsets)

    @classmethod
    def of(cls, data: Encoded, notes: int) -> Rolls:
        """Return rolls that are encoded as ids of ``ostinato.music.rolls.tokens_of`` for N notes."""
        return cls(*frames_of_ids(data.ids, data.offsets, notes))

    def one(self, number: int) -> Frames:
        """Return the frames of one roll, [T, N]."""
        return self.frames[self.numbers.offsets[number] : self.numbers.offsets[number + 1]]

    def batch(self, numbers: SymbolBatch, shifts: Ids | None = None) -> RollBatch:
        """Return the batch of numbered frames.

        Args:
            numbers: The numbers of frames and of those before them.
            shifts: Semitones up that each roll is moved, [rolls]; ``None``: none.
        """
        assert numbers.lengths is not None
        inputs, targets = self.frames[numbers.inputs], self.frames[numbers.targets]
        if shifts is not None:
            rolls = np.searchsorted(self.numbers.offsets, numbers.targets[:, 0], side="right") - 1
            for row, shift in enumerate(shifts[rolls].tolist()):
                if shift:  # it stays within the range, so nothing comes in at the other end
                    inputs[row], targets[row] = (np.roll(one, shift, axis=1) for one in (inputs[row], targets[row]))
        return RollBatch(inputs, targets, numbers.lengths, numbers.fresh)

    def shifts(self, most: int, random: np.random.Generator) -> Ids:
        """Draw how many semitones up or down each roll is moved, at most ``most`` and within the range, [rolls]."""
        lowest, highest = self._ranges()
        notes = self.frames.shape[1]
        down, up = np.minimum(most, lowest), np.minimum(most, notes - 1 - highest)
        return random.integers(-down, up + 1)

    def _ranges(self) -> tuple[Ids, Ids]:
        """Return the lowest and the highest note of each roll."""
        sounding = np.logical_or.reduceat(self.frames[:-1], self.numbers.offsets[:-1], axis=0)  # [rolls, N]
        return sounding.argmax(axis=1), sounding.shape[1] - 1 - sounding[:, ::-1].argmax(axis=1)

    def select(self, chosen: Sequence[int]) -> Rolls:
        """Return some of the rolls."""
        parts = [self.one(number) for number in chosen]
        return Rolls(np.concatenate(parts), np.cumsum([0, *map(len, parts)]))

    def batches(self, rows: NDArray[np.int64]) -> list[RollBatch]:
        """Return some rolls in batches to measure on, those of about equal length together."""
        return [batch for _, batch in self.numbered_batches(rows)]

    def numbered_batches(self, rows: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], RollBatch]]:
        """Yield these batches, each with the numbers of its rolls, [B]."""
        lengths = self.numbers.lengths
        order = rows[np.argsort(lengths[rows], kind="stable")]
        for first in range(0, len(order), _ROWS):
            some = order[first : first + _ROWS]
            for start in range(0, int(lengths[some].max()), _WINDOW):
                yield some, self.batch(cut_window(self.numbers, some, self.silence, start, _WINDOW))


class RollStream(Stream):
    """Rolls in an order drawn anew for each epoch, each transposed by a number of semitones drawn anew.

    Args:
        rolls: The rolls.
        batch_size: Rolls B in a batch.
        window: Most frames T of a batch; of longer rolls the state is carried.
        transpose: Most semitones that a roll is moved up or down.
        seed: Seed of orders and transpositions.
    """

    def __init__(self, rolls: Rolls, *, batch_size: int, window: int, transpose: int, seed: int) -> None:
        self._rolls, self._transpose, self._seed = rolls, transpose, seed
        self._numbers = DocumentStream(rolls.numbers, rolls.silence, batch_size=batch_size, window=window, seed=seed)
        self._shifts: tuple[int, Ids] | None = None  # of an epoch

    def next(self) -> RollBatch:
        epoch = self._numbers.position()["epoch"]
        return self._rolls.batch(self._numbers.next(), self._of_epoch(epoch) if self._transpose else None)

    def position(self) -> dict[str, int]:
        return self._numbers.position()

    def seek(self, position: dict[str, int]) -> None:
        self._numbers.seek(position)

    @property
    def batches_per_epoch(self) -> int:
        return self._numbers.batches_per_epoch

    def _of_epoch(self, epoch: int) -> Ids:
        if self._shifts is None or self._shifts[0] != epoch:
            random = np.random.default_rng([self._seed, epoch, _KEY])
            self._shifts = epoch, self._rolls.shifts(self._transpose, random)
        return self._shifts[1]
