"""The language model (embedding, a stack of cores, softmax), and the task of training one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ostinato.batch import SymbolBatch
from ostinato.cores.lookup import Lookup
from ostinato.cores.products import Product, plain
from ostinato.cores.stack import Stack
from ostinato.cores.state import where_rows
from ostinato.cores.table import new_core
from ostinato.errors import ConfigError
from ostinato.models.feedback import Feedback, run_fed_back
from ostinato.models.heads.softmax import SoftmaxHead
from ostinato.models.randomness import Randomness, factors
from ostinato.models.symbol_model import SymbolModel
from ostinato.models.task import Context, Loss


@dataclass(frozen=True)
class Dropout:
    """Dropout in training: a probability for each place where it applies; 0 is off.

    Attributes:
        input: Dropout of embedded inputs.
        output: Dropout of each layer's output.
        recurrent: Dropout of the weights from state to state (DropConnect).
        variational: Whether input and output masks are drawn once per window row, not at each step.

    Source: between layers: Zaremba et al. 2014, arXiv:1409.2329; one mask per sequence: Gal and Ghahramani
    2016, arXiv:1512.05287; DropConnect on recurrent weights: Merity et al. 2017, arXiv:1708.02182.
    """

    input: float = 0.0
    output: float = 0.0
    recurrent: float = 0.0
    variational: bool = True


class LanguageModel(SymbolModel):
    """P(next symbol | all symbols before), by a recurrent core.

        e_t = E[x_t]        y_t, s_t = core(e_t, s_{t-1})        P(x_{t+1}) = softmax(W y_t + b)

    Args:
        symbols: Number of symbols V that can be predicted; id V is the begin symbol, an input only.
        core: One of ``CORES``.
        layers: Number of stacked cores.
        hidden_size: Width H of each.
        embedding_size: Width E of an embedded symbol.
        residual: Whether layers from the second on add to their input.
        tied: Whether the output layer shares its weight with the embedding; needs E = H.

    Raises:
        ConfigError: The settings do not go together.

    Source: Mikolov et al. 2010 (recurrent language models); tying: Press and Wolf 2017, arXiv:1608.05859.
    """

    def __init__(
        self,
        symbols: int,
        *,
        core: str,
        layers: int,
        hidden_size: int,
        embedding_size: int,
        residual: bool = False,
        tied: bool = False,
    ) -> None:
        super().__init__()
        if tied and (embedding_size != hidden_size or core == "jordan"):
            raise ConfigError(
                f"tied = true needs embedding_size = hidden_size and an output layer to tie, "
                f"got embedding_size = {embedding_size}, hidden_size = {hidden_size}, core = {core!r}"
            )
        self.symbols = symbols
        self.embedding = nn.Embedding(symbols + 1, embedding_size)
        widths = [embedding_size] + [hidden_size] * (layers - 1)
        self.core = Stack(
            [new_core(core, I, hidden_size, symbols if n == layers - 1 else hidden_size) for n, I in enumerate(widths)],
            residual=residual,
        )
        if tied:  # N(0, 1) is right for a lookup; as an output layer it would start far too sure of itself
            nn.init.normal_(self.embedding.weight, std=hidden_size**-0.5)
        self.head = SoftmaxHead(
            hidden_size, symbols, tied_to=self.embedding if tied else None, identity=core == "jordan"
        )
        # What dropout may mask in each layer; Jordan layers end in logits, which are never dropped.
        self.output_sizes = (0 if core == "jordan" else hidden_size,) * layers

    def initial_state(self, batch_size: int) -> Any:
        return self.core.initial_state(batch_size)

    def output(
        self, inputs: Tensor, state: Any = None, *, lengths: Tensor | None = None, masks: Masks | None = None
    ) -> tuple[Tensor, Any]:
        """Return the core's outputs [B, T, H] and the final state, for input ids [B, T]."""
        embedded = Lookup(self.embedding.weight, inputs)
        if masks is None:
            return self.core(embedded, state, lengths=lengths)  # type: ignore[no-any-return]
        xs = embedded if masks.input is None else embedded.rows() * masks.input
        return self.core(xs, state, lengths=lengths, masks=masks.outputs)  # type: ignore[no-any-return]

    def step(self, symbols: Tensor, state: Any, *, product: Product = plain) -> tuple[Tensor, Any]:
        y, state = self.core.step(self.embedding(symbols), state, product=product)
        return self.head.log_probs(y), state


@dataclass(frozen=True)
class Masks:
    """Dropout masks of one window: factors 0 or 1/(1-p), or ``None`` for no dropout.

    Attributes:
        input: Mask of the embedded inputs, [B, 1 or T, E].
        outputs: Mask of each layer's output, [B, 1 or T, H].
    """

    input: Tensor | None
    outputs: tuple[Tensor | None, ...]


@dataclass(frozen=True)
class Outputs:
    """Outputs and targets of a batch.

    Attributes:
        outputs: Outputs of the core, [B, T, H].
        targets: Ids of the targets, [B, T].
        real: Mask of the places that are not padding, [B, T].
    """

    outputs: Tensor
    targets: Tensor
    real: Tensor


class LanguageModelTask:
    """Task of training a language model: the sum of -log P(target) over a batch's real places.

    Args:
        model: The model.
        dropout: Dropout in training.
        precision: ``"bfloat16"`` runs the matrix products of training steps in that type.
        penalty: Factor of a penalty in training on the mean square of the last layer's outputs, after dropout. The loss
            that is returned has the gradient of both, and the value without the penalty.
        feedback: Schedule by which the model's own symbols are read in training, in place of the true ones.

    Source: penalty: Merity, McCann and Socher 2017, arXiv:1708.01009 (activation regularisation).
    """

    def __init__(
        self,
        model: LanguageModel,
        dropout: Dropout,
        precision: Literal["float32", "bfloat16"] = "float32",
        penalty: float = 0.0,
        feedback: Feedback | None = None,
    ) -> None:
        self.feedback = feedback or Feedback()
        self.model = model
        self.dropout = dropout
        self.precision = precision
        self.penalty = penalty

    @property
    def module(self) -> nn.Module:
        return self.model

    def initial_state(self, batch_size: int) -> Any:
        return self.model.initial_state(batch_size)

    def loss(self, batch: SymbolBatch, state: Any, context: Context) -> tuple[Loss, Any]:
        read, state = self.read(batch, state, context)
        with self.in_precision(context):
            log_prob = self.model.head.log_prob(read.outputs, read.targets)
        return self.summed(log_prob, read, batch.count, context), state

    def summed(
        self, log_probs: Tensor, read: Outputs, count: int, context: Context, parts: Mapping[str, Tensor] | None = None
    ) -> Loss:
        """Return the sum of -log P over real places, in training with the penalty's gradient.

        Args:
            log_probs: log P of the targets, [B, T].
            read: Outputs that they were predicted from.
            count: Number of targets.
            context: Context of the call: training or evaluation.
            parts: Named parts of -log P, [B, T].
        """
        sums, named = -(log_probs * read.real).sum(dim=1), parts or {}
        told = {name: (values * read.real).sum(dim=1).detach() for name, values in named.items()}
        if not context.training or not self.penalty:
            return Loss(sums, count, told)
        sizes = read.outputs.float().square().mean(dim=-1)  # [B, T]
        penalty = self.penalty * (sizes * read.real).sum(dim=1)
        return Loss(sums + (penalty - penalty.detach()), count, told)

    def read(self, batch: SymbolBatch, state: Any, context: Context) -> tuple[Outputs, Any]:
        """Run the model over a batch; return its outputs and targets, and the final state."""
        device = self.model.device
        inputs, targets = (torch.from_numpy(ids).to(device) for ids in (batch.inputs, batch.targets))
        lengths = None if batch.lengths is None else torch.from_numpy(batch.lengths).to(device)
        fresh = torch.from_numpy(batch.fresh).to(device)
        state = where_rows(~fresh, state, self.initial_state(len(inputs)))
        random = context.random if context.training else None
        masks = None if random is None else self._masks(random, *inputs.shape)
        with self.in_precision(context):
            y, state = self._output(inputs, state, lengths, masks, random)
        real = torch.ones_like(inputs, dtype=torch.bool)
        if lengths is not None:
            real = torch.arange(inputs.shape[1], device=device) < lengths[:, None]
        return Outputs(y, targets, real), state

    def in_precision(self, context: Context) -> torch.autocast:
        """Return the context, for ``with``, that computes in the precision of training."""
        # Only training is ever run in less than float32: evaluation decides and is compared.
        enabled = context.training and self.precision == "bfloat16"
        return torch.autocast(self.model.device.type, torch.bfloat16, enabled=enabled)

    def _output(
        self, inputs: Tensor, state: Any, lengths: Tensor | None, masks: Masks | None, random: Randomness | None
    ) -> tuple[Tensor, Any]:
        if random is not None and self.feedback.schedule != "never":
            return self._fed_back(inputs, state, lengths, masks, random)
        if random is None or not self.dropout.recurrent:
            return self.model.output(inputs, state, lengths=lengths, masks=masks)
        weights = self._dropped_weights(random)
        y: tuple[Tensor, Any] = torch.func.functional_call(
            _Output(self.model), weights, (inputs, state), {"lengths": lengths, "masks": masks}
        )
        return y

    def _fed_back(
        self, inputs: Tensor, state: Any, lengths: Tensor | None, masks: Masks | None, random: Randomness
    ) -> tuple[Tensor, Any]:
        model = self.model
        mask, outputs = (None, None) if masks is None else (masks.input, masks.outputs)
        assert mask is None or mask.shape[1] == 1, "masks of single steps would have to be cut"

        def embed(symbols: Tensor) -> Tensor:
            embedded: Tensor = model.embedding(symbols)
            return embedded if mask is None else embedded * mask

        return run_fed_back(
            model.core, model.head, embed, inputs, state, lengths=lengths, masks=outputs, feedback=self.feedback,
            random=random,
        )  # fmt: skip

    def _dropped_weights(self, random: Randomness) -> dict[str, Tensor]:
        p = self.dropout.recurrent

        def dropped(name: str, weight: Tensor) -> Tensor:
            kept = random.kept(name, *weight.shape, p=p).to(weight.device)
            return weight * kept.to(weight.dtype).div_(1 - p)

        return {
            f"model.{name}": dropped(name, weight)
            for name, weight in self.model.named_parameters()
            if name.endswith(("weight_hh", "weight_sh"))
        }

    def _masks(self, random: Randomness, B: int, T: int) -> Masks:
        model, p = self.model, self.dropout
        places = 1 if p.variational else T
        device = model.device

        def mask(site: str, width: int, probability: float) -> Tensor | None:
            if not probability:
                return None
            return factors(random.rows(site, B, places, width), probability).to(device)

        outputs = tuple(mask(f"output {n}", H, p.output if H else 0.0) for n, H in enumerate(model.output_sizes))
        return Masks(mask("input", model.embedding.weight.shape[1], p.input), outputs)


class _Output(nn.Module):
    """Module whose forward is ``LanguageModel.output``, as ``functional_call`` needs it."""

    def __init__(self, model: LanguageModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, *args: Any, **kwargs: Any) -> tuple[Tensor, Any]:
        return self.model.output(*args, **kwargs)
