"""Filling a gap: texts scored between those before and after it, and texts proposed for it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ostinato.codecs import Codec, Unknown
from ostinato.families.text.results import Filling

if TYPE_CHECKING:
    from ostinato.models import SymbolModel

_LOOK_AHEAD = 100  # characters after a gap that decide what may stand in it


def fill(
    network: SymbolModel, codec: Codec, before: str, after: str, fillings: Sequence[str], unknown: Unknown
) -> list[Filling]:
    """Score texts for a gap: log P(filling, after | before), in the order given."""
    from ostinato.decode.scoring import gap_log_probs

    context, rest, *adapted = (codec.adapt(text, unknown) for text in (before, after, *fillings))
    end = [codec.end] * (codec.end is not None)
    alone = codec.encode(context).tolist()
    wholes = [codec.encode(context + filling + rest).tolist() + end for filling in adapted]
    # Symbols may reach over the borders, so whole texts are encoded; what all begin with is read once.
    shared = len(os.path.commonprefix([alone, *wholes]))  # noqa: RUF071 - it takes any sequences
    tails = [alone[shared:], *(whole[shared:] for whole in wholes)]
    first, *scores = gap_log_probs(network, alone[:shared], tails).tolist()
    return [
        Filling(filling, score - first, len(whole) - len(alone))
        for filling, score, whole in zip(adapted, scores, wholes, strict=True)
    ]


def propose(
    network: SymbolModel, codec: Codec, before: str, after: str, drawn: Sequence[str], unknown: Unknown
) -> list[Filling]:
    """Score all beginnings, the empty one included, of texts drawn to continue ``before``; best first.

    In running text only the next 100 characters of ``after`` count.
    """
    candidates = sorted({text[:size] for text in drawn for size in range(len(text) + 1)})
    decides = after if codec.end is not None else after[:_LOOK_AHEAD]
    fillings = fill(network, codec, before, decides, candidates, unknown)
    return sorted(fillings, key=lambda filling: (-filling.log_prob, filling.text))
