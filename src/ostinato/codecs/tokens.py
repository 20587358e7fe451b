"""Tokens that white space separates, as folk-rnn writes tunes: one id for each that occurs in the corpus."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any, ClassVar

import numpy as np

from ostinato.codecs.base import Changes, Codec, Ids, Unknown
from ostinato.errors import CodecError, UnknownSymbolError

_SHOWN = 5  # unknown tokens named in one error message


class TokenCodec(Codec):
    """One id for each token; decoding puts a space after each.

    Args:
        tokens: The known tokens, without white space in them.
        end: Whether there is an end symbol.
    """

    name: ClassVar[str] = "tokens"
    spells_words: ClassVar[bool] = False

    def __init__(self, tokens: Sequence[str], *, end: bool = False) -> None:
        if not tokens or any(token.split() != [token] for token in tokens) or len(set(tokens)) != len(tokens):
            raise CodecError("a token codec needs tokens that differ, each without white space in it, at least one")
        self.tokens = tuple(tokens)
        super().__init__([f"{token} ".encode() for token in tokens], end=end, lossless=False)
        self._ids = {token: id_ for id_, token in enumerate(tokens)}

    @classmethod
    def learn(cls, texts: Iterable[str], *, end: bool) -> TokenCodec:
        """Take the tokens of a corpus."""
        return cls(sorted({token for text in texts for token in text.split()}), end=end)

    def normal(self, text: str) -> str:
        """Return a text with one space after each token."""
        return "".join(f"{token} " for token in text.split())

    def encode(self, text: str) -> Ids:
        tokens = text.split()
        try:
            return np.fromiter((self._ids[token] for token in tokens), dtype=np.int32, count=len(tokens))
        except KeyError:
            raise UnknownSymbolError(self._complaint(tokens)) from None

    def without_unknown(self, text: str, unknown: Unknown) -> tuple[str, Changes]:
        tokens = text.split()
        kept = [token if token in self._ids else self._nearest(token, unknown) for token in tokens]
        changes = Changes(sum(token not in self._ids for token in tokens), len(tokens))
        return "".join(f"{token} " for token in kept if token), changes

    def to_json(self) -> dict[str, Any]:
        return {"codec": self.name, "tokens": list(self.tokens), "end": self.end is not None}

    def _nearest(self, token: str, unknown: Unknown) -> str:
        close = get_close_matches(token, self.tokens, n=1, cutoff=0.0) if unknown == "nearest" else []
        return close[0] if close else ""

    def _complaint(self, tokens: Sequence[str]) -> str:
        places = {token: place for place, token in reversed(list(enumerate(tokens))) if token not in self._ids}
        named = sorted(places.items(), key=lambda item: item[1])
        shown = ", ".join(f"{token!r} at position {place}" for token, place in named[:_SHOWN])
        more = f" and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
        return (
            f"the text has {len(named)} token{'s'[: len(named) > 1]} outside the {len(self.tokens)} this model knows: "
            f"{shown}{more}. Ways out: change the text, or choose --unknown nearest (takes the most alike known "
            "token) or --unknown skip (leaves them out)"
        )
