"""A model that has read a user's text and adapted to it, and one that is measured while it adapts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ostinato.codecs import Codec, Unknown
from ostinato.data import Corpus, Encoded, cache_folder
from ostinato.engine.counting import CountModel
from ostinato.engine.kernels import Compiling
from ostinato.errors import ConfigError
from ostinato.runs import SavedModel
from ostinato.runs.folder import RunFolder
from ostinato.training.adaptation import Adaptation
from ostinato.workshop.measuring import encode_to_measure
from ostinato.workshop.members import Member

if TYPE_CHECKING:
    from ostinato.training.adapting import Segment
    from ostinato.training.evaluation import Ticker

_MOST_COUNTED = 2**23  # symbols of the training text: about 400 MB of counts


def adapted_weights(
    member: Member,
    codec: Codec,
    texts: Sequence[str] | Corpus,
    adaptation: Adaptation,
    *,
    device: str,
    unknown: Unknown,
    tick: Ticker | None,
) -> SavedModel:
    """Return a saved model with the weights that its network has after reading texts.

    Raises:
        ConfigError: There is no text, or the adaptation would change nothing.
        UnknownSymbolError: A text has symbols that the model does not know.
    """
    from ostinato.training.adapting import Adapter

    if adaptation.is_mixed:
        raise ConfigError(
            "counts and cache are opinions beside a network, for the dynamic protocol; leave them out here"
        )
    if not adaptation.used_rate:
        raise ConfigError("a rate of 0 leaves the model as it is; leave the text to adapt to out instead")
    encoded, _, _ = encode_to_measure(codec, texts, unknown, None, None)
    if not len(encoded.ids):
        raise ConfigError("there is nothing to adapt to: the text is empty")
    adapter, done = Adapter(member.network(device), adaptation), 0

    def read() -> Iterator[Segment]:
        return adapter.read_items(encoded) if codec.end is not None else adapter.read(encoded.ids)

    adapter.look_ahead(read())  # or a short text would change nothing
    for segment in read():
        done += len(segment.ids)
        if tick is not None:
            tick(done, len(encoded.ids))
    weights = {name: weight.detach().cpu().numpy() for name, weight in adapter.network.named_parameters()}
    return replace(member.saved, weights=weights)


def counts_of(saved: SavedModel, codec: Codec, *, compiling: Compiling | None = None) -> CountModel:
    """Return a model of counts that has read what a run was trained on, of a long text the last 8 million symbols.

    Raises:
        ConfigError: It is a model file, which holds no training text.
        EngineError: Nothing can be compiled here.
    """
    if saved.path.is_file():
        raise ConfigError(f"{saved.path} is a model file, which holds no training text to count; give the run folder")
    train: Encoded = RunFolder(saved.path).corpus()[0]
    counts = CountModel(codec.size, end=codec.end, folder=cache_folder(), compiling=compiling)
    counts.learn(train.last(_MOST_COUNTED).ids)
    return counts
