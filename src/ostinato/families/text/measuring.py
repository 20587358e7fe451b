"""Measuring a model on held-out text: the protocol, and the text encoded for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ostinato import config
from ostinato.codecs import Codec, Unknown
from ostinato.codecs.plain_words import count_words
from ostinato.data import Cache, Corpus, Encoded, cache_folder, encode_texts
from ostinato.decode.shards import Shard
from ostinato.engine.counting import CountModel
from ostinato.errors import ConfigError
from ostinato.families import find_recipe
from ostinato.runs import SavedModel
from ostinato.runs.arrays import arrays_digest
from ostinato.training.adaptation import Adaptation

if TYPE_CHECKING:
    from ostinato.models import SymbolModel
    from ostinato.training.evaluation import Losses, Protocol, Ticker

_WINDOWS = 2_000
_OF_WORDS = ("words", "plain-words")  # codecs


@dataclass(frozen=True)
class Measuring:
    """A protocol of measurement, with its options.

    Attributes:
        protocol: Name of the protocol.
        windows: Number of windows drawn, in the windows protocol.
        seed: Seed of these windows.
        shard: Part that is measured; ``None``: all.
        adaptation: Adaptation to the text while it is read, in the dynamic protocol.
    """

    protocol: Protocol
    windows: int
    seed: int
    shard: Shard | None
    adaptation: Adaptation

    @classmethod
    def of(
        cls,
        codec: Codec,
        protocol: Protocol | None,
        *,
        windows: int | None,
        seed: int | None,
        shard: Shard | None,
        adaptation: Adaptation | None = None,
    ) -> Measuring:
        """Return the protocol with defaults filled in; arguments as for ``TextModel.measure``.

        Raises:
            ConfigError: The arguments do not go together.
        """
        of_items = codec.end is not None
        protocol = protocol or ("items" if of_items else "contiguous")
        if protocol != "dynamic" and of_items != (protocol == "items"):
            kind, ways = (
                ("items", "items or dynamic") if of_items else ("running text", "contiguous, windows or dynamic")
            )
            raise ConfigError(f"protocol {protocol!r} does not fit a model of {kind}; use {ways}")
        if protocol != "windows" and (windows is not None or seed is not None):
            raise ConfigError(f"windows and seed are for the windows protocol, not for {protocol}")
        if protocol != "dynamic" and adaptation is not None:
            raise ConfigError(f"adapting is for the dynamic protocol, not for {protocol}")
        if protocol in ("contiguous", "dynamic") and shard is not None:
            other = "use --protocol windows" if not of_items else "use --protocol items"
            raise ConfigError(
                f"the {protocol} protocol carries what it has read through the whole text, so no shard can do a part "
                f"of it; {other}"
            )
        config.at_least("windows", 1 if windows is None else windows, 1)
        config.at_least("seed", 1 if seed is None else seed, 0)
        return cls(
            protocol,
            _WINDOWS if windows is None else windows,
            1 if seed is None else seed,
            shard,
            adaptation or Adaptation(),
        )

    def measure(
        self,
        network: SymbolModel,
        texts: Encoded,
        characters: int,
        tick: Ticker | None,
        counts: CountModel | None = None,
        *,
        items: bool = False,
    ) -> Losses:
        """Measure the losses.

        Args:
            network: The model, in evaluation mode.
            texts: Held-out texts.
            characters: Number of their characters, ends included.
            tick: Called with the number of symbols measured so far, and in all.
            counts: A count model of the training text, if the adaptation has one.
            items: Whether the texts are items.

        Raises:
            ConfigError: There is no text.
        """
        from ostinato.training import dynamic, evaluation  # with PyTorch

        if not len(texts.ids):
            raise ConfigError("there is nothing to evaluate on: the text is empty")
        if self.protocol == "items":
            return evaluation.items(network, texts, characters=characters, shard=self.shard, tick=tick)
        if self.protocol == "dynamic":
            return dynamic.dynamic(
                network, texts, self.adaptation, counts=counts, items=items, characters=characters, tick=tick
            )
        if self.protocol == "windows":
            return evaluation.windows(
                network,
                texts,
                characters=characters,
                count=self.windows,
                seed=self.seed,
                shard=self.shard,
                tick=tick,
            )
        return evaluation.contiguous(network, texts, characters=characters, tick=tick)


@dataclass(frozen=True)
class HeldOut:
    """Texts to measure on.

    Attributes:
        encoded: Their symbols.
        characters: Number of their characters, ends included.
        words: Number of their words, as the papers count them, ends included; ``None`` if the symbols are no words.
        sha256: Digest of the symbols.
    """

    encoded: Encoded
    characters: int
    words: int | None
    sha256: str

    def counted(self, losses: Losses, codec: Codec) -> Losses:
        """Return losses on a share of these texts, with the characters and words of that share."""
        # Windows are drawn: their text is a share of this one, as their characters are.
        share = 1.0 if losses.characters is None else losses.characters / max(1, self.characters)
        words = None if self.words is None else round(share * self.words)
        return replace(losses, characters=losses.characters if codec.lossless else None, words=words)


def encode_to_measure(
    saved: SavedModel,
    codec: Codec,
    texts: Sequence[str] | Corpus,
    unknown: Unknown,
    cache: Path | None,
    encoding: Ticker | None,
) -> HeldOut:
    """Encode texts to measure on; a corpus is prepared as the model's recipe prepares one for training."""
    prepare = find_recipe(saved.config["recipe"]).prepare
    if isinstance(texts, Corpus) and prepare is not None:
        texts = prepare(texts, saved.config["settings"])
    if isinstance(texts, Corpus) and not texts.is_held:
        store = Cache(cache or cache_folder())
        pinned = store.encoded(codec, {"text": texts}, unknown=unknown, progress=encoding)
        encoded, characters, digest = pinned.parts["text"], pinned.characters["text"], pinned.sha256
    else:
        adapted = [codec.adapt(text, unknown) for text in (texts.texts if isinstance(texts, Corpus) else texts)]
        encoded, characters = encode_texts(codec, adapted), sum(map(len, adapted))
        digest = arrays_digest({"ids": encoded.ids, "offsets": encoded.offsets})
    ends = encoded.texts if codec.end is not None else 0
    words = None
    if codec.name in _OF_WORDS:
        words = ends + sum(map(count_words, texts.texts if isinstance(texts, Corpus) else texts))
    return HeldOut(encoded, characters + ends, words, digest)
