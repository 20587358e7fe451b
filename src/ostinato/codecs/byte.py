"""Bytes: the 256 values of UTF-8 bytes. Knows every text there is, and needs no corpus."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ostinato.codecs.base import Codec, Ids


class ByteCodec(Codec):
    """One id for each of the 256 bytes of a text in UTF-8."""

    name: ClassVar[str] = "bytes"

    def __init__(self, *, end: bool = False) -> None:
        super().__init__([bytes([value]) for value in range(256)], end=end)

    def encode(self, text: str) -> Ids:
        return np.frombuffer(text.encode(), dtype=np.uint8).astype(np.int32)

    def to_json(self) -> dict[str, Any]:
        return {"codec": self.name, "end": self.end is not None}
