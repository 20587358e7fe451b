"""Models adapted to a user's text, and the counts mixed in when a model is measured while it adapts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from ostinato.codecs import Codec, Unknown
from ostinato.data import Corpus, Encoded, cache_folder
from ostinato.engine.counting import ORDER, CountModel
from ostinato.engine.kernels import Compiling
from ostinato.errors import ConfigError
from ostinato.families.text.measuring import encode_to_measure
from ostinato.families.text.members import Member
from ostinato.runs import SavedModel
from ostinato.runs.folder import RunFolder
from ostinato.training.adaptation import Adaptation

if TYPE_CHECKING:
    from ostinato.training.adapting import Segment
    from ostinato.training.evaluation import Ticker

_MOST_COUNTED = 2**23  # symbols of the training text: about 400 MB of counts of characters
_LARGE, _ORDER_OF_LARGE = 1024, 3  # symbols; from so many on, as of words, nearly every longer context is a new one


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
    """Return a saved model whose weights are adapted to texts.

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
    encoded = encode_to_measure(member.saved, codec, texts, unknown, None, None).encoded
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
    told = {"symbols": len(encoded.ids), **asdict(adaptation), "rate": adaptation.used_rate}
    saved = member.saved
    return replace(saved, weights=weights, origin={**saved.origin, "adapted": [*saved.origin.get("adapted", []), told]})


def counts_of(
    members: Sequence[Member], codec: Codec, adaptation: Adaptation | None, *, compiling: Compiling | None = None
) -> CountModel | None:
    """Return a count model of a run's training text; of a long text it reads the last 8 million symbols.

    For an ensemble it reads the first run's text. ``None`` if the adaptation has no counts.

    Raises:
        ConfigError: The first member is a model file, which holds no training text; or an ensemble is to have a
            neural cache.
        EngineError: Nothing can be compiled here.
    """
    if adaptation is None:
        return None
    if adaptation.cache and len(members) > 1:
        raise ConfigError(
            "a neural cache compares the outputs of one network, and an ensemble has none of its own; leave the cache "
            "out, or measure one of the runs"
        )
    if not adaptation.counts:
        return None
    saved = members[0].saved
    if saved.path.is_file():
        raise ConfigError(f"{saved.path} is a model file, which holds no training text to count; give the run folder")
    train: Encoded = RunFolder(saved.path).corpus()[0]
    order = ORDER if codec.size < _LARGE else _ORDER_OF_LARGE
    counts = CountModel(codec.size, order=order, end=codec.end, folder=cache_folder(), compiling=compiling)
    counts.learn(train.last(_MOST_COUNTED).ids)
    return counts
