"""Codecs: raw data to integer ids and back. No PyTorch here."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from ostinato.codecs.base import Codec, Decoder, Ids, Unknown
from ostinato.codecs.byte import ByteCodec
from ostinato.codecs.characters import CharacterCodec
from ostinato.codecs.subwords import SubwordCodec
from ostinato.codecs.words import WordCodec
from ostinato.errors import CodecError, unknown_name

__all__ = [
    "CODECS",
    "ByteCodec",
    "CharacterCodec",
    "Codec",
    "Decoder",
    "Ids",
    "SubwordCodec",
    "Unknown",
    "WordCodec",
    "from_json",
    "learn",
]

CODECS = ("bytes", "characters", "subwords", "words")


def learn(
    name: str, texts: Iterable[str], *, end: bool, nfc: bool = False, vocabulary: int = 10_000, unknown: str = "spell"
) -> Codec:
    """Build the codec called ``name`` from the texts of a corpus.

    Args:
        name: One of ``CODECS``.
        texts: The training texts.
        end: Whether texts are items that end.
        nfc: For characters: bring texts to Unicode's composed form.
        vocabulary: For words and subwords: how many symbols at most.
        unknown: For words: ``"spell"`` or ``"unk"``.

    Raises:
        ConfigError: No codec has this name.
    """
    if name == "bytes":
        return ByteCodec(end=end)
    if name == "characters":
        return CharacterCodec.learn(texts, end=end, nfc=nfc)
    if name == "subwords":
        return SubwordCodec.learn(texts, vocabulary=vocabulary, end=end)
    if name == "words":
        return WordCodec.learn(texts, vocabulary=vocabulary, spell=unknown == "spell", end=end)
    raise unknown_name("codec", name, CODECS, where="settings")


def from_json(data: dict[str, Any]) -> Codec:
    """Build the codec that ``to_json`` described.

    Raises:
        CodecError: The data describes no codec.
    """
    try:
        name, end = data["codec"], bool(data["end"])
        if name == "bytes":
            return ByteCodec(end=end)
        if name == "characters":
            return CharacterCodec(data["alphabet"], end=end, nfc=bool(data["nfc"]))
        if name == "subwords":
            return SubwordCodec(json.dumps(data["definition"]), end=end)
        if name == "words":
            return WordCodec(data["words"], spell=bool(data["spell"]), end=end)
    except (KeyError, TypeError) as error:
        raise CodecError(f"the description of a codec is incomplete: {error!r}") from error
    raise unknown_name("codec", str(name), CODECS, where="the description of a codec")
