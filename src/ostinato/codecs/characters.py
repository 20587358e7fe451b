"""Characters: one id for each Unicode code point that occurs in the corpus."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from ostinato.codecs.base import Changes, Codec, Ids, Unknown
from ostinato.errors import CodecError, UnknownSymbolError

_SHOWN = 5  # unknown symbols named in one error message
_NONE = 255  # in the table for ASCII: no known character


class CharacterCodec(Codec):
    """One id for each code point of a sorted alphabet.

    Args:
        alphabet: The known characters; order and repeats do not matter.
        end: Whether there is an end symbol.
        nfc: Whether a text is brought to Unicode's composed form first (``e`` + accent becomes ``é``);
            then ``decode(encode(text))`` is the composed form of ``text``.
    """

    name: ClassVar[str] = "characters"

    def __init__(self, alphabet: Iterable[str], *, end: bool = False, nfc: bool = False) -> None:
        self.alphabet = "".join(sorted(set(alphabet)))
        self.nfc = nfc
        if not self.alphabet:
            raise CodecError("a character codec needs at least one character, got an empty alphabet")
        super().__init__([character.encode() for character in self.alphabet], end=end, lossless=not nfc)
        points = _code_points(self.alphabet)
        # The id of every code point up to one after the last known one; -1 is unknown.
        self._ids = np.full(int(points[-1]) + 2, -1, dtype=np.int32)
        self._ids[points] = np.arange(len(points))
        # For ASCII text and few symbols, a table of bytes does it several times as fast.
        places = {ord(c): id_ for id_, c in enumerate(self.alphabet) if c.isascii()}
        small = len(self.alphabet) < _NONE
        self._ascii = bytes(places.get(point, _NONE) for point in range(256)) if small else None

    @classmethod
    def learn(cls, texts: Iterable[str], *, end: bool, nfc: bool) -> CharacterCodec:
        """Take the alphabet from a corpus."""
        seen: set[str] = set()
        for text in texts:
            seen |= set(unicodedata.normalize("NFC", text) if nfc else text)
        return cls(seen, end=end, nfc=nfc)

    def normal(self, text: str) -> str:
        return unicodedata.normalize("NFC", text) if self.nfc else text

    def encode(self, text: str) -> Ids:
        text = self.normal(text)
        if self._ascii is not None and text.isascii():
            quick = text.encode().translate(self._ascii)
            if bytes([_NONE]) not in quick:
                return np.frombuffer(quick, dtype=np.uint8).astype(np.int32)
        ids = self._ids[np.minimum(_code_points(text), len(self._ids) - 1)]
        if (ids < 0).any():
            raise UnknownSymbolError(self._complaint(text, np.flatnonzero(ids < 0).tolist()))
        known: Ids = ids
        return known

    def without_unknown(self, text: str, unknown: Unknown) -> tuple[str, Changes]:
        text = self.normal(text)
        strange = set(text) - set(self.alphabet)
        replaced = {ord(c): "" if unknown == "skip" else self._nearest(c) for c in strange}
        return text.translate(replaced), Changes(sum(map(text.count, strange)), len(text))

    def to_json(self) -> dict[str, Any]:
        return {"codec": self.name, "alphabet": self.alphabet, "end": self.end is not None, "nfc": self.nfc}

    def _nearest(self, character: str) -> str:
        """Return the known character most alike: without accent, in the other case, or of the same use; else none."""
        plain = unicodedata.normalize("NFKD", character)
        tries = [*plain, *plain.swapcase(), _SAME_USE.get(character, "")]
        if character.isspace():
            tries += [" ", "\n"]
        return next((t for t in tries if t and t in self.alphabet), "")

    def _complaint(self, text: str, wrong: list[int]) -> str:
        first = {text[i]: i for i in reversed(wrong)}
        places = sorted(first.items(), key=lambda item: item[1])
        named = ", ".join(f"{c!r} (U+{ord(c):04X}) at position {i}" for c, i in places[:_SHOWN])
        more = f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
        return (
            f"the text has {len(places)} symbol{'s'[: len(places) > 1]} outside the {len(self.alphabet)} "
            f"this model knows: {named}{more}. Ways out: change the text, or choose --unknown nearest "
            "(takes the most alike known symbol) or --unknown skip (leaves them out)"
        )


def _code_points(text: str) -> np.ndarray[Any, np.dtype[np.uint32]]:
    return np.frombuffer(text.encode("utf-32-le", errors="surrogatepass"), dtype="<u4")


# Typographic marks and the plain ones that stand in for them (Unicode's own decompositions lack these).
_SAME_USE = dict(zip("“”„«»‘’‚‹›–—−•\u2028\u2029", "\"\"\"\"\"'''''---*\n\n", strict=True))
