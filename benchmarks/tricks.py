"""What the literature says helps, each as a change of a run that is set up, to be measured one by one."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ostinato.batch import SymbolBatch
from ostinato.cores.base import last_states, masked, to_float32
from ostinato.cores.lookup import Inputs, Lookup
from ostinato.cores.lstm import LSTM, LSTMState
from ostinato.cores.norm_lstm import NormLSTM
from ostinato.families.text.network import LanguageModelTask, Masks, _Output
from ostinato.models.task import Context, Loss
from ostinato.training.adamw import AdamW
from ostinato.training.snapshot import Arrays
from ostinato.workshop.run import Training


def apply(name: str, training: Training) -> None:
    """Change a training run by a trick, ``name`` or ``name=value``."""
    name, _, value = name.partition("=")
    TRICKS[name](training, *([float(value)] if value else []))


# --- optimisers


def beta1(training: Training, value: float = 0.0) -> None:
    """No momentum (NNCP; Mogrifier's RMSprop)."""
    optimizer = training.trainer._optimizer
    optimizer._betas = (value, optimizer._betas[1])


class Both:
    """Two optimisers that look like one; the second one's rate has its own factor. A run with them is not resumed."""

    def __init__(self, first: Any, second: Any, factor: float) -> None:
        self._first, self._second, self._factor = first, second, factor

    def clear_gradients(self) -> None:
        self._first.clear_gradients()
        self._second.zero_grad(set_to_none=True)

    def step(self, rate: float) -> None:
        self._first.step(rate)
        for group in self._second.param_groups:
            group["lr"] = rate * self._factor
        self._second.step()

    def arrays(self) -> Arrays:
        return {}

    def restore(self, arrays: Arrays) -> None:
        """Keep what there is."""


def muon(training: Training, factor: float = 1.0) -> None:
    """Muon on the recurrent weights, a gate's block at a time (Jordan et al. 2024)."""
    trainer, settings = training.trainer, training.trainer.settings
    theirs, rest = _recurrent(training)
    adamw = AdamW(rest, weight_decay=settings.weight_decay, beta2=settings.beta2)
    trainer._optimizer = Both(adamw, _Muon(list(theirs.values()), settings.weight_decay), factor)


class _Muon(torch.optim.Optimizer):
    def __init__(self, parameters: list[Tensor], decay: float) -> None:
        super().__init__(parameters, {"lr": 1e-3, "decay": decay})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for p in group["params"]:
                state = self.state[p]
                state["m"] = p.grad.lerp(state["m"], 0.95) if "m" in state else 0.05 * p.grad
                update = p.grad.lerp(state["m"], 0.95)
                blocks = update.reshape(-1, p.shape[1], p.shape[1])
                flat = _orthogonal(blocks).reshape(p.shape)
                p.mul_(1 - group["lr"] * group["decay"])
                p.add_(flat, alpha=-group["lr"] * 0.2 * p.shape[1] ** 0.5)  # as large as Adam's


def _orthogonal(G: Tensor) -> Tensor:
    """Newton-Schulz iterations towards the nearest orthogonal matrix."""
    X = G.bfloat16()
    X = X / (X.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(5):
        A = X @ X.mT
        X = 3.4445 * X + (-4.7750 * A + 2.0315 * A @ A) @ X
    return X.float()


def soap(training: Training, every: float = 10) -> None:
    """SOAP on the recurrent weights, on the side of the state: Adam in the eigenbasis of G'G (Vyas et al. 2024)."""
    trainer, settings = training.trainer, training.trainer.settings
    theirs, rest = _recurrent(training)
    adamw = AdamW(rest, weight_decay=settings.weight_decay, beta2=settings.beta2)
    own = _Soap(list(theirs.values()), settings.weight_decay, settings.beta2, int(every))
    trainer._optimizer = Both(adamw, own, 1.0)


class _Soap(torch.optim.Optimizer):
    def __init__(self, parameters: list[Tensor], decay: float, beta2: float, every: int) -> None:
        super().__init__(parameters, {"lr": 1e-3})
        self._decay, self._beta2, self._every = decay, beta2, every

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for p in group["params"]:
                p.mul_(1 - group["lr"] * self._decay)
                p.sub_(self._direction(self.state[p], p.grad), alpha=group["lr"])

    def _direction(self, state: dict[str, Any], G: Tensor) -> Tensor:
        if not state:
            gram, zero = G.T @ G, torch.zeros_like(G)
            state |= {"n": 0, "gram": gram, "basis": torch.linalg.eigh(gram)[1], "m": zero, "v": zero.clone()}
        state["n"] += 1
        n = state["n"]
        if n % self._every == 0:
            state["gram"].lerp_(G.T @ G, 0.05)
            basis = torch.linalg.qr(state["gram"] @ state["basis"])[0]  # one round of power iteration
            state["m"] = state["m"] @ (state["basis"].T @ basis)
            state["basis"] = basis
        turned = G @ state["basis"]
        state["m"].lerp_(turned, 0.1)
        state["v"].mul_(self._beta2).addcmul_(turned, turned, value=1 - self._beta2)
        m, v = state["m"] / (1 - 0.9**n), state["v"] / (1 - self._beta2**n)
        return m / (v.sqrt() + 1e-8) @ state["basis"].T


def _recurrent(training: Training) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The recurrent weights by name, and all others."""
    parameters = training.trainer._parameters
    theirs: dict[str, Tensor] = {name: p for name, p in parameters.items() if name.endswith("weight_hh")}
    return theirs, {name: p for name, p in parameters.items() if name not in theirs}


# --- schedules and averages


def cosine(training: Training) -> None:
    """The rate falls as a cosine (Loshchilov and Hutter 2017), as the program's did when these were tried."""
    cosine_power(training, 1.0)


def cosine_power(training: Training, power: float = 1.5) -> None:
    """Between the cosine and steeper ones."""
    _shape(training, lambda p: (0.5 * (1 + np.cos(np.pi * p))) ** power)


def _shape(training: Training, of_progress: Callable[[float], float]) -> None:
    schedule = training.trainer.schedule

    def factor(step: int) -> float:
        progress = schedule.progress(step + 0.5)
        if progress < schedule.warmup:
            return progress / schedule.warmup
        return float(of_progress((progress - schedule.warmup) / (1 - schedule.warmup)))

    schedule.factor = factor  # type: ignore[method-assign]


def tail_average(training: Training, share: float = 0.2) -> None:
    """The plain mean of the weights over the last share of training (as ASGD)."""
    trainer = training.trainer

    def follow(self: Any) -> None:
        first = int((1 - share) * self.schedule.steps)
        count = max(1, self.step - first)
        with torch.no_grad():
            torch._foreach_lerp_(list(self._average.values()), list(self._parameters.values()), 1 / count)

    trainer._follow = types.MethodType(follow, trainer)  # type: ignore[method-assign]


# --- regularisation


class _Task(LanguageModelTask):
    embedding_dropout = 0.0
    alpha = beta = 0.0

    def loss(self, batch: SymbolBatch, state: Any, context: Context) -> tuple[Loss, Any]:
        kept: list[Tensor] = []
        self._kept = kept
        found, state = super().loss(batch, state, context)
        if context.training and self.alpha + self.beta and kept:
            dropped, raw = kept
            extra = self.alpha * dropped.float().square().mean()
            extra = extra + self.beta * (raw[:, 1:] - raw[:, :-1]).float().square().mean()
            found = Loss(found.rows + extra * found.count / len(found.rows), found.count)
        return found, state

    def _output(self, inputs: Tensor, state: Any, lengths: Any, masks: Masks | None, random: Any) -> Any:
        if random is None:
            return super()._output(inputs, state, lengths, masks, random)
        embedding = self.model.embedding
        if self.embedding_dropout:
            V = embedding.weight.shape[0]
            keep = random.kept("symbols", V, 1, p=self.embedding_dropout).float() / (1 - self.embedding_dropout)
            thinned = {"model.embedding.weight": embedding.weight * keep}
            told = {"lengths": lengths, "masks": masks}
            return torch.func.functional_call(_Output(self.model), thinned, (inputs, state), told)
        if self.alpha + self.beta and masks is not None:
            raw, state = super()._output(
                inputs, state, lengths, Masks(masks.input, (*masks.outputs[:-1], None)), random
            )
            dropped = masked(raw, masks.outputs[-1])
            self._kept += [dropped, raw]
            return dropped, state
        return super()._output(inputs, state, lengths, masks, random)


def _with_task(training: Training, **values: float) -> None:
    old = training.trainer.task
    task = _Task(old.model, old.dropout, old.precision)  # type: ignore[attr-defined]
    for name, value in values.items():
        setattr(task, name, value)
    training.trainer.task = task


def embedding_dropout(training: Training, p: float = 0.1) -> None:
    """Whole symbols are dropped for a window (Gal and Ghahramani 2016; AWD-LSTM)."""
    _with_task(training, embedding_dropout=p)


def ar(training: Training, alpha: float = 2.0) -> None:
    """Activation regularisation (Merity et al. 2017)."""
    _with_task(training, alpha=alpha)


def tar(training: Training, beta: float = 1.0) -> None:
    """Temporal activation regularisation (Merity et al. 2017)."""
    _with_task(training, beta=beta)


# --- windows and batches


class _Pieces:
    """A stream of windows of varying length, made of pieces of a stream of short ones."""

    def __init__(self, training: Training, lengths: Callable[[float, np.random.Generator], int]) -> None:
        stream = training.trainer.stream
        self._stream, self._lengths, self._training = stream, lengths, training
        self._piece = 8
        self._restart, stream._restart = stream._restart, 0.0  # type: ignore[attr-defined]
        stream._window = self._piece  # type: ignore[attr-defined]
        stream._start_epoch(0, 0)  # type: ignore[attr-defined]
        self._random = np.random.default_rng(training.trainer.settings.seed)

    def next(self) -> SymbolBatch:
        trainer = self._training.trainer
        count = max(1, self._lengths(trainer.schedule.progress(trainer.step), self._random) // self._piece)
        pieces = [self._stream.next()]
        while len(pieces) < count:
            ahead = self._stream.next()
            pieces.append(ahead)
            if ahead.fresh.any():  # a new epoch: its first piece may stand in the middle, once in a while
                break
        fresh = pieces[0].fresh | (self._random.random(len(pieces[0].fresh)) < self._restart)
        inputs = np.concatenate([piece.inputs for piece in pieces], axis=1)
        inputs[fresh, 0] = self._training.codec.begin
        return SymbolBatch(inputs, np.concatenate([piece.targets for piece in pieces], axis=1), None, fresh)

    def position(self) -> dict[str, int]:
        return self._stream.position()

    def seek(self, position: dict[str, int]) -> None:
        self._stream.seek(position)

    @property
    def batches_per_epoch(self) -> int:
        return self._stream.batches_per_epoch // 6


def random_window(training: Training) -> None:
    """Window lengths drawn anew, 16 to 80 (AWD-LSTM's idea, wider)."""
    training.trainer.stream = _Pieces(training, lambda p, random: int(random.integers(16, 81)))  # type: ignore[assignment]


def growing_window(training: Training) -> None:
    """Short windows first: 24, growing to 72."""
    training.trainer.stream = _Pieces(training, lambda p, random: int(24 + 48 * p) + 4)  # type: ignore[assignment]


def growing_batch(training: Training) -> None:
    """8 rows in the first third of the symbols, 16 in the second, 32 in the third."""
    trainer, stream = training.trainer, training.trainer.stream
    S = trainer.schedule.steps
    parts = [(8, int(S * 2 / 3)), (16, int(S / 3)), (32, int(S / 6))]
    trainer.schedule.plans[-1] = (0, 0.0, sum(n for _, n in parts))
    ends = np.cumsum([n for _, n in parts]).tolist()
    old = trainer.advance

    def advance() -> tuple[float, int, float]:
        rows = next((b for (b, _), end in zip(parts, ends, strict=True) if trainer.step < end), 32)
        if rows != stream._batch_size:  # type: ignore[attr-defined]
            stream._batch_size = rows  # type: ignore[attr-defined]
            stream._start_epoch(stream._epoch + 1, 0)  # type: ignore[attr-defined]
            trainer._state = None
        return old()

    trainer.advance = advance  # type: ignore[method-assign]


# --- gates


class _Gated(LSTM):
    kind = "capped"

    def takes(self, xs: Lookup) -> bool:
        return False

    def scan(self, xs: Inputs, state: LSTMState, lengths: Any, masks: Any) -> tuple[Tensor, LSTMState]:
        assert isinstance(xs, Tensor)
        outputs, cells = [], state.cell
        hidden = state.hidden
        for sums in F.linear(xs, self.weight_ih, self.bias).unbind(dim=1):
            i, f, g, o = (sums + F.linear(hidden, self.weight_hh)).chunk(4, dim=-1)
            f = f.sigmoid()
            i = {"tied": 1 - f, "capped": torch.minimum(i.sigmoid(), 1 - f), "loop": i.sigmoid()}[self.kind]
            cells = f * cells + i * g.tanh()
            hidden = o.sigmoid() * (cells if self.kind == "no-tanh" else cells.tanh())
            outputs.append(hidden)
        ys, after = last_states(torch.stack(outputs, dim=1), state.hidden, lengths, masks)
        return ys, LSTMState(after, to_float32(cells))


def _gated(kind: str) -> Callable[[Training], None]:
    def change(training: Training) -> None:
        plain = [module for module in training.trainer.task.module.modules() if type(module) is LSTM]
        assert plain, "other gates are for the plain LSTM"
        for module in plain:
            module.__class__ = type("Gated", (_Gated,), {"kind": kind})

    return change


class _CappedNorm(NormLSTM):
    def _after(self, of_inputs: Tensor, of_hidden: Tensor, state: LSTMState) -> tuple[Tensor, LSTMState]:
        normed = F.layer_norm(of_hidden, of_hidden.shape[-1:], self.hidden_gain)
        i, f, g, o = (of_inputs + normed).chunk(4, dim=-1)
        f = f.sigmoid()
        c = f * state.cell + torch.minimum(i.sigmoid(), 1 - f) * g.tanh()
        h = o.sigmoid() * F.layer_norm(c, c.shape[-1:], self.cell_gain, self.cell_bias).tanh()
        return h, LSTMState(h, c)


def capped_norm(training: Training) -> None:
    """The capped gates in the layer-normalised LSTM."""
    normed = [module for module in training.trainer.task.module.modules() if type(module) is NormLSTM]
    assert normed, "this is for the layer-normalised LSTM"
    for module in normed:
        module.__class__ = _CappedNorm


TRICKS: dict[str, Callable[..., None]] = {
    "beta1": beta1,
    "muon": muon,
    "soap": soap,
    "cosine": cosine,
    "cosine-power": cosine_power,
    "tail-average": tail_average,
    "embedding-dropout": embedding_dropout,
    "ar": ar,
    "tar": tar,
    "random-window": random_window,
    "growing-window": growing_window,
    "growing-batch": growing_batch,
    "capped": _gated("capped"),
    "tied-gates": _gated("tied"),
    "loop": _gated("loop"),
    "capped-norm": capped_norm,
}
