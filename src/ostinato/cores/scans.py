"""Layers over whole sequences on a CPU: products by oneDNN, the recurrence by compiled code, gradients written out.

PyTorch has a fused kernel for the LSTM only, and adds up the gradients of the other cores' weights step by step. Here
every product that does not depend on the step before is done for all steps at once.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ostinato.cores.lookup import Inputs, Lookup
from ostinato.disk.places import cache_folder
from ostinato.engine.cpu import choose_instructions, has_bfloat16
from ostinato.engine.kernels import Compiling, Kernels
from ostinato.engine.layout import PANEL
from ostinato.engine.openmp import find_openmp
from ostinato.engine.scanning import Run, Scan
from ostinato.engine.threads import Threads
from ostinato.errors import EngineError

#: The kernels that a scan runs.
SCAN_KERNELS = ("lay_out", "scan", "scan_back")
_READS = 4  # of each row of a table of inputs, from which products with the table itself are faster
_PRECISIONS = {torch.float32: "fp32", torch.bfloat16: "bf16"}


def product_dtype(xs: Inputs) -> torch.dtype:
    """Return the type that autocast wants products in, or that of the inputs."""
    return torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else xs.dtype


def can_scan(xs: Inputs, weight_hh: Tensor) -> bool:
    """Return whether compiled code can run a layer with weights [G H, H] over these inputs, [B, T, I]."""
    dtype = product_dtype(xs)
    if xs.device.type != "cpu" or dtype not in _PRECISIONS or not xs.numel():
        return False
    if weight_hh.dtype != torch.float32 or weight_hh.shape[1] % PANEL:
        return False
    return (dtype == torch.float32 or has_bfloat16()) and _is_ready(_PRECISIONS[dtype])


def can_look_up(xs: Lookup, weight_hh: Tensor) -> bool:
    """Return whether scanning a lookup as it is works and pays: rows of its table are read several times.

    Measured for float32; gradients of rows would have to be summed in bfloat16 else.
    """
    is_read_often = xs.numel() >= _READS * len(xs.table)
    return is_read_often and product_dtype(xs) == torch.float32 and can_scan(xs, weight_hh)


def scan_kernels(precision: str, compiling: Compiling | None = None) -> Kernels:
    """Return the loaded kernels of scans in ``"fp32"`` or ``"bf16"``; ``compiling`` is called before one is compiled.

    Raises:
        EngineError: They cannot be compiled here.
    """
    kernels = Kernels(choose_instructions(), precision, cache_folder(), compiling)
    for name in SCAN_KERNELS:
        kernels[name]
    return kernels


@cache
def _is_ready(precision: str) -> bool:
    try:
        scan_kernels(precision)
    except EngineError:
        return False
    return True


def scan(
    kind: int,
    xs: Inputs,
    hidden: Tensor,
    cell: Tensor | None,
    weights: tuple[Tensor, Tensor, Tensor],
    candidate_bias: Tensor | None = None,
) -> tuple[Tensor, Tensor | None]:
    """Run a layer over sequences; ``can_scan`` says where that can be done.

    Args:
        kind: Kind of core (``ostinato.engine.layout``).
        xs: Inputs, [B, T, I], or a lookup of them, if ``can_look_up`` allows it.
        hidden: State before the first step, [B, H] float32.
        cell: Cell of an LSTM before the first step, [B, H] float32.
        weights: From inputs to gates [G H, I], from state to gates [G H, H], and biases [G H].
        candidate_bias: Bias of a GRU's candidate, [H].

    Returns:
        The hidden state after every step, [B, T, H] in the type of the products, and the cell, float32.
    """
    weight_ih, weight_hh, bias = weights
    states: tuple[Tensor, Tensor | None] = _Scan.apply(  # type: ignore[no-untyped-call]
        kind, _sums(xs, weight_ih, bias), hidden, cell, weight_hh, bias, candidate_bias
    )
    return states


def _sums(xs: Inputs, weight_ih: Tensor, bias: Tensor) -> Tensor:
    """Return the inputs' share of the gates' sums, [B, T, G H]."""
    if isinstance(xs, Lookup):
        return F.embedding(xs.ids, _sums(xs.table, weight_ih, bias))
    sums: Tensor = _Sums.apply(xs.to(product_dtype(xs)), weight_ih, bias)  # type: ignore[no-untyped-call]
    return sums


class _Sums(torch.autograd.Function):
    """A linear layer, and its gradients but for that of the biases, which the scan has at hand."""

    @staticmethod
    def forward(ctx: Any, xs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(xs, weight)
        return _times(xs.flatten(0, -2), weight, bias).view(*xs.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, d_sums: Tensor) -> tuple[Tensor | None, ...]:
        _refuse_second_derivatives()
        xs, weight = ctx.saved_tensors
        flat = d_sums.flatten(0, -2)
        d_xs = _times(flat, weight.T).view(xs.shape) if ctx.needs_input_grad[0] else None
        return d_xs, _columns_times(flat, xs.flatten(0, -2)), None


class _Scan(torch.autograd.Function):
    """The scan, and its gradients. It turns the sums that it is given into gates, in their place."""

    @staticmethod
    def forward(
        ctx: Any,
        kind: int,
        sums: Tensor,
        hidden: Tensor,
        cell: Tensor | None,
        weight_hh: Tensor,
        bias: Tensor,  # which the sums hold already; here for its gradient
        candidate_bias: Tensor | None,
    ) -> tuple[Tensor, Tensor | None]:
        ctx.set_materialize_grads(False)
        (B, T, _), H = sums.shape, hidden.shape[1]
        outputs = sums.new_empty(B, T + 1, H)
        outputs[:, 0] = hidden
        saved = {"gates": sums, "outputs": outputs}
        if cell is not None:
            saved["cells"] = cell.new_empty(B, T + 1, H)
            saved["cells"][:, 0] = cell
        if candidate_bias is not None:
            saved |= {"backs": sums.new_empty(B, T, H), "bias": candidate_bias.detach().contiguous()}
        layer = _scan_of(kind, B, T, H, sums.dtype)
        layer.forward(weight_hh.detach().contiguous().numpy(), {name: _view(part) for name, part in saved.items()})
        ctx.layer, ctx.names = layer, tuple(saved)
        ctx.save_for_backward(weight_hh, *saved.values())
        return outputs[:, 1:], saved["cells"][:, 1:] if cell is not None else None

    @staticmethod
    def backward(ctx: Any, d_outputs: Tensor | None, d_cells: Tensor | None) -> tuple[Tensor | None, ...]:
        _refuse_second_derivatives()
        weight_hh, *parts = ctx.saved_tensors
        saved = dict(zip(ctx.names, parts, strict=True))
        before = saved["outputs"][:, :-1].flatten(0, 1)
        d_gates = torch.empty_like(saved["gates"])
        arrays = {**saved, "d_gates": d_gates}
        if "backs" in saved:
            arrays["d_backs"] = torch.empty_like(d_gates)
        if d_outputs is not None:
            arrays["d_outputs"] = d_outputs.to(d_gates.dtype).contiguous()
        if d_cells is not None:
            arrays["d_states"] = d_cells.contiguous()
        d_hidden, d_cell, d_biases = ctx.layer.backward(
            weight_hh.detach().contiguous().numpy(), {name: _view(part) for name, part in arrays.items()}
        )
        wants, gates = ctx.needs_input_grad, d_gates.shape[-1]
        return (
            None,
            d_gates,
            torch.from_numpy(d_hidden) if wants[2] else None,
            torch.from_numpy(d_cell) if wants[3] else None,
            _columns_times(arrays.get("d_backs", d_gates).flatten(0, 1), before),
            torch.from_numpy(d_biases[:gates]),
            torch.from_numpy(d_biases[gates:]) if "backs" in saved else None,
        )


def _refuse_second_derivatives() -> None:
    """Raise where gradients are to be differentiated again; PyTorch's own guard lets ``jvp`` answer zero instead.

    Raises:
        EngineError: They are.
    """
    if torch.is_grad_enabled():
        raise EngineError(
            "compiled scans have no second derivatives (create_graph=True, jvp, hvp); run the model step by step "
            "meanwhile: with ostinato.cores.base.step_by_step(model): …"
        )


def _scan_of(kind: int, rows: int, steps: int, width: int, dtype: torch.dtype) -> Scan:
    threads = torch.get_num_threads()
    return Scan(kind, rows, steps, width, _PRECISIONS[dtype], threads, _runner(_PRECISIONS[dtype], threads))


@cache
def _runner(precision: str, count: int) -> Run:
    """Return a function that runs kernels, on PyTorch's own threads where that can be done."""
    kernels = scan_kernels(precision)
    threads = find_openmp(Path(torch.__file__).parent / "lib") or Threads(count)
    return lambda name, blocks, rounds: threads.run(kernels[name], blocks, rounds)


def _view(tensor: Tensor) -> NDArray[Any]:
    """Return a tensor's numbers; of bfloat16, the bits."""
    if tensor.dtype == torch.bfloat16:
        return tensor.view(torch.uint16).numpy()
    return tensor.numpy()


def _times(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return ``x weight^T + bias``, for x [R, I], weight [O, I] and bias [O], in the type of ``x``."""
    weight, bias = weight.detach().to(x.dtype), None if bias is None else bias.detach().to(x.dtype)
    if "mkldnn::_linear_pointwise" not in _KERNELS:
        return torch.nn.functional.linear(x, weight, bias)
    # Twice as fast in float32 as PyTorch's usual library, on some processors.
    product: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return product


def _columns_times(a: Tensor, b: Tensor) -> Tensor:
    """Return ``a^T b`` in float32, for a [R, O] and b [R, I]: the gradient of a weight [O, I]."""
    if a.dtype != torch.float32 or not _is_onednn_faster() or "mkldnn::_linear_pointwise" not in _KERNELS:
        return (a.T @ b).float()
    weight = a.new_empty(a.shape[1], b.shape[1]).to_mkldnn()
    by_rows: Tensor = torch.ops.aten.mkldnn_linear_backward_weights(a.to_mkldnn(), b.to_mkldnn(), weight, False)[0]
    return by_rows.to_dense()


def _is_onednn_faster() -> bool:
    """Whether oneDNN is faster than the usual library for these: with AVX-512 it is; with AVX2, half as fast."""
    return choose_instructions().startswith("avx512")


# Not every build of PyTorch has them.
_KERNELS = {name for name in torch._C._dispatch_get_all_op_names() if name.startswith("mkldnn::_linear_pointwise")}
