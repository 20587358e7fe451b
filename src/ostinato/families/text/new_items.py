"""Sampling items from a finished model and counting those that are new."""

from __future__ import annotations

import itertools
from typing import Any

from ostinato.codecs import Codec
from ostinato.data import Encoded
from ostinato.families.text.model import TextModel

_ITEMS = 1_000
_LOGITS = 2**20  # in one step of the search, so that memory stays bounded
_LONGEST = 200  # symbols of an item
_BLOCK = 2**16  # items decoded at once


def count_new_items(model: TextModel, train: Encoded) -> dict[str, Any]:
    """Sample 1,000 items; count those that are not among the training items, and the distinct ones."""
    at_once = max(1, min(_ITEMS, _LOGITS // model.codec.size))
    texts = []
    for first in range(0, _ITEMS, at_once):
        samples = min(at_once, _ITEMS - first)
        generation = model.generate_many([""], samples=samples, length=_LONGEST, seed=1 + first)
        texts += [sample.text for sample in generation.finish()]
    known = _among(set(texts), train, model.codec)
    return {
        "samples": len(texts),
        "new": sum(text not in known for text in texts),
        "distinct": len(set(texts)),
        "temperature": 1.0,
        "step": model.saved.best["step"],
    }


def _among(texts: set[str], items: Encoded, codec: Codec) -> set[str]:
    """Return the texts that are items; these are read in blocks, as there may be more than memory holds."""
    known: set[str] = set()
    for first in range(0, items.texts, _BLOCK):
        block = items.part(first, min(first + _BLOCK, items.texts))
        ids = block.ids.tolist()
        known |= texts & {codec.decode(ids[a:b]) for a, b in itertools.pairwise(block.offsets.tolist())}
    return known
