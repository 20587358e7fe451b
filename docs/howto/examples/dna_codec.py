"""A codec for nucleotides: three letters at a time where there are three, single ones elsewhere."""

import itertools
from typing import Any, ClassVar

import numpy as np

from ostinato.codecs import Codec, Ids
from ostinato.errors import UnknownSymbolError

LETTERS = "ACGT\n"
CODONS = ["".join(letters) for letters in itertools.product("ACGT", repeat=3)]


class CodonCodec(Codec):
    """The 64 codons, and single letters for what is left over."""

    name: ClassVar[str] = "codons"

    def __init__(self, *, end: bool = False) -> None:
        symbols = [*CODONS, *LETTERS]
        super().__init__([symbol.encode() for symbol in symbols], end=end)
        self._ids = {symbol: id_ for id_, symbol in enumerate(symbols)}

    def encode(self, text: str) -> Ids:
        wrong = next((place for place, letter in enumerate(text) if letter not in LETTERS), None)
        if wrong is not None:
            raise UnknownSymbolError(f"{text[wrong]!r} at position {wrong} is none of {LETTERS!r}")
        ids: list[int] = []
        for line in text.splitlines(keepends=True):
            whole = len(line.rstrip("\n")) // 3 * 3
            ids += [self._ids[line[place : place + 3]] for place in range(0, whole, 3)]
            ids += [self._ids[letter] for letter in line[whole:]]
        return np.array(ids, dtype=np.int32)

    def to_json(self) -> dict[str, Any]:
        return {"codec": self.name, "end": self.end is not None}


codec = CodonCodec()
ids = codec.encode("ACGTACG\nTT\n")
assert codec.decode(ids.tolist()) == "ACGTACG\nTT\n"
assert len(ids) == 2 + 1 + 1 + 2 + 1
decoder = codec.decoder()
assert "".join(map(decoder.feed, ids.tolist())) + decoder.flush() == "ACGTACG\nTT\n"
