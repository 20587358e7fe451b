"""Sources that are real vectors (frames): nothing to encode, but their width, mean and deviation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from ostinato.codecs.base import Codec, Ids
from ostinato.errors import CodecError, UnknownSymbolError


class FrameCodec(Codec):
    """Mean and deviation of the numbers in frames; models read ``(x - mean) / deviation``.

    Args:
        mean: Mean of each number of a frame, [D].
        deviation: Standard deviation of each number of a frame, above 0, [D].

    Raises:
        CodecError: There are no numbers, or not as many means as deviations; or some are not finite, or deviations
            not above 0.
    """

    name: ClassVar[str] = "frames"

    def __init__(self, mean: Sequence[float], deviation: Sequence[float]) -> None:
        finite = all(map(math.isfinite, [*mean, *deviation]))
        if not mean or len(mean) != len(deviation) or not finite or min(deviation) <= 0:
            raise CodecError("a codec of frames needs as many means as deviations, finite, the latter above 0")
        super().__init__([], end=False, lossless=False)
        self.mean, self.deviation = tuple(map(float, mean)), tuple(map(float, deviation))

    @property
    def width(self) -> int:
        """Width D of a frame."""
        return len(self.mean)

    @property
    def symbols(self) -> str:
        return f"frames of {self.width} numbers"

    def encode(self, text: str) -> Ids:
        """Return no ids: frames are no text.

        Raises:
            UnknownSymbolError: There is a text.
        """
        if text.strip():
            raise UnknownSymbolError(
                f"this model reads frames of {self.width} numbers (sound, images), and no text such as {text[:40]!r}"
            )
        return np.zeros(0, dtype=np.int32)

    def to_json(self) -> dict[str, Any]:
        return {"codec": self.name, "mean": list(self.mean), "deviation": list(self.deviation)}
