"""Training without teacher forcing: now and then a model reads its own last symbol in place of the true one."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor

from ostinato.cores.base import Core
from ostinato.cores.state import where_rows
from ostinato.models.heads.softmax import SoftmaxHead
from ostinato.models.randomness import Randomness

Schedule: TypeAlias = Literal["never", "linear", "exponential", "inverse-sigmoid", "always"]


@dataclass(frozen=True)
class Feedback:
    """A schedule that says how often the true symbol is read, and how the symbol in its place is chosen.

    With i the training step, the true symbol is read with probability

        never: 1      linear: max(least, k - slope i)      exponential: k^i
        inverse-sigmoid: k / (k + exp(i / k))              always: 0

    Attributes:
        schedule: One of the schedules above.
        k: Constant of these schedules.
        slope: Slope of the linear schedule.
        least: Least probability of the linear schedule.
        choice: Whether its own symbol is drawn from its distribution or is the most probable one.
        per: Whether a coin is tossed for every symbol or for every sequence.

    Source: Bengio et al. 2015, arXiv:1506.03099.
    """

    schedule: Schedule = "never"
    k: float = 1.0
    slope: float = 0.0
    least: float = 0.0
    choice: Literal["sample", "argmax"] = "sample"
    per: Literal["symbol", "sequence"] = "symbol"

    def truth(self, step: int) -> float:
        """Return the probability of the true symbol at a training step."""
        match self.schedule:
            case "linear":
                return max(self.least, self.k - self.slope * step)
            case "exponential":
                return float(self.k**step)
            case "inverse-sigmoid":
                return 1 / (1 + math.exp(min(700.0, step / self.k)) / self.k)
            case "always":
                return 0.0
        return 1.0


def run_fed_back(
    core: Core[Any],
    head: SoftmaxHead,
    embed: Callable[[Tensor], Tensor],
    inputs: Tensor,
    state: Any,
    *,
    lengths: Tensor | None,
    masks: Any,
    feedback: Feedback,
    random: Randomness,
) -> tuple[Tensor, Any]:
    """Run a core over ids, some of which are replaced by the model's own choice at the step before.

    No gradient goes through that choice, which is made before any later symbol is read.

    Args:
        core: The core.
        head: The head, which makes a distribution of its outputs.
        embed: Embedding of ids [B, 1] as inputs [B, 1, I].
        inputs: The true ids, [B, T]; the first of each row stays.
        state: The state to start from.
        lengths: Number of real steps of each row, [B]; ``None``: all are real.
        masks: Masks of the outputs, as those of ``Core.forward``.
        feedback: The schedule.
        random: Source of coins and draws.

    Returns:
        Outputs [B, T, H] and the state after.
    """
    B, T = inputs.shape
    truth, device = feedback.truth(random.step), inputs.device
    coins = random.rows("coins", B, T if feedback.per == "symbol" else 1).expand(B, T).to(device) < truth
    noise = random.rows("own symbols", B, T).to(device)
    outputs, symbols = [], inputs[:, :1]
    for t in range(T):
        y, after = core(embed(symbols), state, masks=_at(masks, t))
        if lengths is not None:
            alive = lengths > t
            y, after = torch.where(alive[:, None, None], y, 0), where_rows(alive, after, state)
        outputs.append(y)
        state = after
        if t + 1 < T:
            own = _own(head, y[:, 0].detach(), noise[:, t], feedback)
            symbols = torch.where(coins[:, t + 1], inputs[:, t + 1], own)[:, None]
    return torch.cat(outputs, dim=1), state


@torch.no_grad()
def _own(head: SoftmaxHead, y: Tensor, noise: Tensor, feedback: Feedback) -> Tensor:
    return head.sample(y, noise) if feedback.choice == "sample" else head.log_probs(y).argmax(dim=-1)


def _at(masks: Any, t: int) -> Any:
    """Return the masks of one step, still with an axis of time."""
    if masks is None or isinstance(masks, Tensor):
        return None if masks is None else masks[:, min(t, masks.shape[1] - 1)][:, None]
    return tuple(_at(mask, t) for mask in masks)
