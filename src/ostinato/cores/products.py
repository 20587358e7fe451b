"""Products with weights: as they are, or laid out anew for many small products, as stepping a trained model needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor, nn

#: ``product(x, weight)`` is ``x weight^T``, for x [B, I] and weight [O, I].
Product: TypeAlias = Callable[[Tensor, Tensor], Tensor]

_ROWS = 8  # for how many the layout is chosen; it serves any number
_SMALL = 2**12  # numbers of a weight that is not worth it


def plain(x: Tensor, weight: Tensor) -> Tensor:
    """Return ``x weight^T``."""
    return x @ weight.T


class Packed:
    """Products with a module's weights in the layout of oneDNN's kernels.

    For a few rows, the product of a recurrent step is bound by reading the weights, and in their plain
    layout that takes three times as long. A weight that is on another device, not float32, or small is used as it
    is. The weights are copied: what changes them later is not seen.

    Args:
        module: The module whose weights are laid out.
    """

    def __init__(self, module: nn.Module) -> None:
        # The weights are kept too, so that nothing else can come to have their ids.
        self._weights = [w for w in module.parameters() if w.ndim == 2 and _can_pack(w)]
        self._packed = {
            id(w): torch.ops.mkldnn._reorder_linear_weight(w.detach().contiguous(), _ROWS) for w in self._weights
        }

    def __call__(self, x: Tensor, weight: Tensor) -> Tensor:
        """Return ``x weight^T``."""
        packed = self._packed.get(id(weight))
        if packed is None:
            return plain(x, weight)
        product: Tensor = torch.ops.mkldnn._linear_pointwise(x, packed, None, "none", [], "")
        return product


def _can_pack(weight: Tensor) -> bool:
    return (
        weight.device.type == "cpu"
        and weight.dtype == torch.float32
        and weight.numel() >= _SMALL
        and "mkldnn::_linear_pointwise" in _KERNELS
    )


# Not every build of PyTorch has them.
_KERNELS = {name for name in torch._C._dispatch_get_all_op_names() if name.startswith("mkldnn::_linear_pointwise")}
