"""Codecs: raw data to integer ids and back. No PyTorch here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from ostinato.codecs.base import Changes, Codec, Decoder, Ids, Unknown
from ostinato.codecs.byte import ByteCodec
from ostinato.codecs.characters import CharacterCodec
from ostinato.codecs.frames import FrameCodec
from ostinato.codecs.labels import LABEL_UNITS, LabelCodec
from ostinato.codecs.pairs import PairCodec
from ostinato.codecs.plain_words import PlainWordCodec
from ostinato.codecs.spelled import SpelledCodec
from ostinato.codecs.subwords import SubwordCodec
from ostinato.codecs.tokens import TokenCodec
from ostinato.codecs.words import WordCodec
from ostinato.errors import CodecError, unknown_name

__all__ = [
    "CODECS",
    "ByteCodec",
    "Changes",
    "CharacterCodec",
    "Codec",
    "Decoder",
    "FrameCodec",
    "Ids",
    "LabelCodec",
    "PairCodec",
    "PlainWordCodec",
    "SpelledCodec",
    "SubwordCodec",
    "TokenCodec",
    "Unknown",
    "WordCodec",
    "codec_names",
    "from_json",
    "learn",
    "register_codec",
]

T = TypeVar("T")

_REGISTERED: dict[str, Callable[[Iterable[str], bool], Codec]] = {}
CODECS = ("bytes", "characters", "plain-words", "subwords", "tokens", "words")


def learn(
    name: str, texts: Iterable[str], *, end: bool, nfc: bool = False, vocabulary: int = 10_000, unknown: str = "spell"
) -> Codec:
    """Build the codec called ``name`` from the texts of a corpus.

    Args:
        name: One of ``CODECS``.
        texts: The training texts.
        end: Whether texts are items that end.
        nfc: For characters: bring texts to Unicode's composed form.
        vocabulary: For words and subwords: the most symbols.
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
    if name == "tokens":
        return TokenCodec.learn(texts, end=end)
    if name == "plain-words":
        return PlainWordCodec.learn(texts, vocabulary=vocabulary, end=end)
    if name == "words":
        return WordCodec.learn(texts, vocabulary=vocabulary, spell=unknown == "spell", end=end)
    if name in _REGISTERED:
        return _REGISTERED[name](texts, end)
    raise unknown_name("codec", name, codec_names(), where="settings")


def register_codec(
    name: str, learn: Callable[[Iterable[str], bool], Codec], read: Callable[[dict[str, Any]], Codec]
) -> None:
    """Add a codec of somebody's own: language models take it by its name (``--set codec=NAME``).

    Args:
        name: Its name, which its description has as ``"codec"``.
        learn: Makes it of the training texts; the second argument says whether texts are items that end.
        read: Makes it of what ``to_json`` described.

    Raises:
        ValueError: There is a codec of this name.
    """
    if name in (*CODECS, PairCodec.name, *_BY_NAME):
        raise ValueError(f"there is a codec {name!r}")
    _REGISTERED[name], _BY_NAME[name] = learn, read


def codec_names() -> tuple[str, ...]:
    """Return the names of the codecs of language models, those that were registered included."""
    return (*CODECS, *_REGISTERED)


def from_json(data: dict[str, Any]) -> Codec:
    """Build the codec that ``to_json`` described.

    Raises:
        CodecError: The data describes no codec.
    """
    if isinstance(data, dict) and data.get("codec") == PairCodec.name:
        return PairCodec(from_json(_typed(data, "source", dict)), from_json(_typed(data, "target", dict)))
    if not isinstance(data, dict) or data.get("codec") not in (*CODECS, *_BY_NAME):
        told = str(data.get("codec")) if isinstance(data, dict) else str(data)
        raise CodecError(str(unknown_name("codec", told, CODECS, where="the description of a codec")))
    name: str = data["codec"]
    try:
        if name in _BY_NAME:
            return _BY_NAME[name](data)
        end = _typed(data, "end", bool)
        if name == "bytes":
            return ByteCodec(end=end)
        if name == "characters":
            return CharacterCodec(_typed(data, "alphabet", str), end=end, nfc=_typed(data, "nfc", bool))
        if name == "subwords":
            return SubwordCodec(json.dumps(_typed(data, "definition", dict)), end=end)
        if name == "tokens":
            return TokenCodec(_strings(data, "tokens"), end=end)
        if name == "plain-words":
            return PlainWordCodec(_strings(data, "words"), end=end)
        return WordCodec(_strings(data, "words"), spell=_typed(data, "spell", bool), end=end)
    except UnicodeEncodeError as error:
        raise CodecError(f"the description of a codec has what is no character: {error.object!r}") from error


def _labels(data: dict[str, Any]) -> Codec:
    if data.get("unit") not in LABEL_UNITS:
        raise CodecError(f"the description of a codec has no unit of {', '.join(LABEL_UNITS)}")
    return LabelCodec(_strings(data, "names"), unit=data["unit"], end=_typed(data, "end", bool))


def _spelled(data: dict[str, Any]) -> Codec:
    columns = _typed(data, "columns", list)
    named = [_strings({"columns": values}, "columns") for values in columns]
    return SpelledCodec(_strings(data, "words"), named, _typed(data, "characters", str))


def _frames(data: dict[str, Any]) -> Codec:
    mean, deviation = (_typed(data, name, list) for name in ("mean", "deviation"))
    if not all(isinstance(one, float) for one in [*mean, *deviation]):
        raise CodecError("the description of a codec has a mean or a deviation that is no list of numbers")
    return FrameCodec(mean, deviation)


#: Of sources and targets of labelled sequences, and those that were registered.
_BY_NAME: dict[str, Callable[[dict[str, Any]], Codec]] = {
    LabelCodec.name: _labels,
    SpelledCodec.name: _spelled,
    FrameCodec.name: _frames,
}


def _strings(data: dict[str, Any], name: str) -> list[str]:
    strings = _typed(data, name, list)
    if not all(isinstance(one, str) for one in strings):
        raise CodecError(f"the description of a codec has {name} that are no strings")
    return strings


def _typed(data: dict[str, Any], name: str, type_: type[T]) -> T:
    value = data.get(name)
    if not isinstance(value, type_):
        raise CodecError(f"the description of a codec has no {name} of type {type_.__name__}")
    return value
