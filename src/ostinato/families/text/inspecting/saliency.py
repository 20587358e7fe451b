"""Saliency: what each earlier symbol of a text does for the prediction of each later one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ostinato.data import Encoded
from ostinato.units import bits

if TYPE_CHECKING:
    from ostinato.families.text.model import TextModel

_ROWS = 32  # targets whose gradients are taken together


def log_probs_of_ids(
    model: TextModel, texts: Sequence[NDArray[np.int64]]
) -> Iterator[tuple[int, NDArray[np.floating[Any]]]]:
    """Yield, for every text, its number and the natural log-probability of each of its symbols."""
    engine = model.engines.to_score()
    if engine is not None:
        return engine.log_probs(texts)
    from ostinato.decode.scoring import log_probs_of

    return log_probs_of(model.network, Encoded(np.concatenate(texts), np.cumsum([0, *map(len, texts)])))


def gradients(model: TextModel, ids: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how steeply each prediction changes with each earlier symbol, [T, T].

    Row t, column j has the Euclidean norm of the gradient of -ln P(x_t | x before t) by the embedded symbol x_j; 0
    where j ≥ t.

    Source: Simonyan, Vedaldi and Zisserman 2014, arXiv:1312.6034; of recurrent networks: Li et al. 2016,
    arXiv:1506.01066.
    """
    import torch

    network, T = model.network, len(ids)
    slopes = np.zeros((T, T))
    whole = torch.from_numpy(np.concatenate([[network.symbols], ids])).to(network.device)
    for first in range(0, T, _ROWS):
        targets = torch.arange(first, min(T, first + _ROWS), device=network.device)
        last = int(targets[-1]) + 1
        embedded = network.embedding(whole[:last]).detach()  # type: ignore[operator]
        rows = embedded.expand(len(targets), -1, -1).clone().requires_grad_()  # [B, t, E]
        with torch.backends.cudnn.flags(enabled=False):  # whose kernels have no gradients in evaluation mode
            y, _ = network.core(rows, None)  # type: ignore[operator]
        place = torch.arange(len(targets), device=network.device)
        nats = -network.head.log_prob(y[place, targets][:, None], whole[1:][targets][:, None])
        (slope,) = torch.autograd.grad(nats.sum(), rows)
        norms = slope.norm(dim=-1).double().cpu().numpy()  # [B, t]; the first is the begin symbol's
        slopes[first:last, : last - 1] = norms[:, 1:]
    return np.tril(slopes, -1)


def occlusions(model: TextModel, ids: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the bits by which each prediction gets worse without each earlier symbol, [T, T].

    Row t, column j has log2 P(x_t | x before t) - log2 P(x_t | the same without x_j); 0 where j ≥ t. Each is exact: the
    text without that symbol is read anew.

    Source: erasure: Li, Monroe and Jurafsky 2016, arXiv:1612.08220.
    """
    T = len(ids)
    texts = [np.concatenate([ids[:j], ids[j + 1 :]]) for j in range(T)]
    lost = np.zeros((T, T))
    for number, log_probs in log_probs_of_ids(model, [ids, *texts]):
        if number == 0:
            lost += np.asarray(log_probs, dtype=np.float64)[:, None]
        else:
            lost[number:, number - 1] -= np.asarray(log_probs, dtype=np.float64)[number - 1 :]
    return np.tril(bits(1.0) * lost, -1)
