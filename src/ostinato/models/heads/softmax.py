"""The softmax head: a distribution over symbols."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ostinato.cores.base import uniform_
from ostinato.models.heads.base import Head


class SoftmaxHead(Head):
    """A distribution over V symbols: softmax of logits ``W y + b``.

    Args:
        input_size: Width H of a core's output.
        symbols: Number V of symbols.
        tied_to: An embedding whose first V vectors, of width H, are the rows of W; ``None``: W is the head's own.
        identity: Whether the core's outputs are the logits already (Jordan).
    """

    def __init__(
        self, input_size: int, symbols: int, *, tied_to: nn.Embedding | None = None, identity: bool = False
    ) -> None:
        super().__init__()
        self.symbols = symbols
        self.tied_to = tied_to
        own = tied_to is None and not identity
        self.weight = nn.Parameter(uniform_(torch.empty(symbols, input_size), input_size)) if own else None
        self.bias = None if identity else nn.Parameter(torch.zeros(symbols))

    def logits(self, y: Tensor) -> Tensor:
        """Return logits [..., V] of a core's output [..., H]."""
        if self.bias is None:
            return y
        weight = self.weight if self.tied_to is None else self.tied_to.weight[: self.symbols]
        assert weight is not None
        return F.linear(y, weight, self.bias)

    def log_probs(self, y: Tensor) -> Tensor:
        """Return the natural log-probability of every symbol, [..., V] float32, for a core's output [..., H]."""
        return self.logits(y).float().log_softmax(dim=-1)

    def log_prob(self, y: Tensor, target: Tensor) -> Tensor:
        """Return the natural log-probability of the targets, [...] float32; ``y`` [..., H], ``target`` [...] ids."""
        logits = self.logits(y)
        flat = F.cross_entropy(logits.float().flatten(0, -2), target.flatten(), reduction="none")
        return -flat.reshape(target.shape)

    def sample(self, y: Tensor, noise: Tensor) -> Tensor:
        """Draw a symbol for each row by inverting the distribution function in id order.

        Args:
            y: A core's output, [B, H].
            noise: One uniform number in [0, 1) for each row, [B].

        Returns:
            Ids [B].
        """
        return draw(self.log_probs(y).double(), noise)


def draw(log_probs: Tensor, noise: Tensor) -> Tensor:
    """Invert the distribution function in id order, in float64.

    Args:
        log_probs: Log-probabilities, [B, V] float64; ``-inf`` is never drawn. They need not be normalised.
        noise: One uniform number in [0, 1) for each row, [B].

    Returns:
        Ids [B]: the first id whose cumulated probability exceeds the noise.
    """
    weights = (log_probs - log_probs.max(dim=-1, keepdim=True).values).exp()
    cumulated = weights.cumsum(dim=-1)
    # Not above the last id of positive weight, should rounding leave the total under the noise.
    bar = (noise.double() * cumulated[:, -1]).clamp(max=cumulated[:, -1].nextafter(cumulated[:, -1] * 0))
    return (cumulated <= bar[:, None]).sum(dim=-1)
