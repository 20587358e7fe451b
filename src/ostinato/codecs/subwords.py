"""Subwords: byte-level byte-pair encoding, learned from the corpus by the ``tokenizers`` library."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ostinato.codecs.base import Codec, Ids, pieces_of
from ostinato.errors import CodecError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_TOGETHER = 2**13  # characters


class SubwordCodec(Codec):
    """One id for each learned piece of text; any text can be written, down to single bytes.

    Args:
        definition: The tokenizer as the ``tokenizers`` library writes it in JSON.
        end: Whether there is an end symbol.

    Source: Sennrich, Haddow and Birch 2016, arXiv:1508.07909 (byte-pair encoding); Radford et al. 2019
    (over bytes, so that no text is unknown).
    """

    name: ClassVar[str] = "subwords"

    def __init__(self, definition: str, *, end: bool = False) -> None:
        from tokenizers import Tokenizer  # slow to import, and only needed here

        try:
            self._tokenizer: Tokenizer = Tokenizer.from_str(definition)
        except Exception as error:  # the library raises a bare Exception
            raise CodecError(f"the definition of the subwords cannot be read: {error}") from error
        self.definition = definition
        bytes_of = {character: value for value, character in _byte_characters().items()}
        symbols = [self._tokenizer.id_to_token(id_) for id_ in range(self._tokenizer.get_vocab_size())]
        super().__init__([bytes(bytes_of[c] for c in symbol or "") for symbol in symbols], end=end)

    @classmethod
    def learn(cls, texts: Iterable[str], *, vocabulary: int, end: bool) -> SubwordCodec:
        """Learn ``vocabulary`` pieces from a corpus; at least the 256 bytes are among them."""
        from tokenizers import Tokenizer, models, pre_tokenizers, trainers

        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        trainer = trainers.BpeTrainer(
            vocab_size=vocabulary, show_progress=False, initial_alphabet=sorted(_byte_characters().values())
        )
        # Short pieces, as the trainer holds many at once.
        tokenizer.train_from_iterator((piece for text in texts for piece in pieces_of(text, _TOGETHER)), trainer)
        return cls(tokenizer.to_str(), end=end)

    def encode(self, text: str) -> Ids:
        if len(text) <= _TOGETHER:
            return np.array(self._tokenizer.encode(text).ids, dtype=np.int32)
        # Several processors encode pieces of a long text at once, and short texts are quicker each.
        pieces = self._tokenizer.encode_batch_fast(list(pieces_of(text, _TOGETHER)))
        return np.concatenate([np.array(piece.ids, dtype=np.int32) for piece in pieces])

    def to_json(self) -> dict[str, Any]:
        return {"codec": self.name, "definition": json.loads(self.definition), "end": self.end is not None}


def _byte_characters() -> dict[int, str]:
    """Return the character for each byte of byte-level pieces: Latin-1 if printable, others from U+0100 up."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [value for value in range(256) if value not in printable]
    return {value: chr(value) for value in printable} | {value: chr(256 + n) for n, value in enumerate(others)}
