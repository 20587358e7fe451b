"""Distillation: training on the text and on a teacher's predictions."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from ostinato.batch import SymbolBatch
from ostinato.cores.state import where_rows
from ostinato.families.text.network import LanguageModelTask
from ostinato.models.symbol_model import SymbolModel
from ostinato.models.task import Context, Loss

_SHARE = 0.5


class Distillation:
    """A language model's task with half of its loss from a teacher's predictions.

        loss = - sum over places of [ (1 - a) log P(x) + a sum_s Q(s) log P(s) ]        a = 0.5

    with the teacher's probabilities Q. The teacher reads the same rows, its state carried beside the learner's.
    Evaluation uses the text alone.

    Args:
        task: The learner's own task.
        teacher: One model or an ensemble; it is not trained.

    Source: Hinton, Vinyals and Dean 2015, arXiv:1503.02531, sec. 2, at temperature 1.
    """

    def __init__(self, task: LanguageModelTask, teacher: SymbolModel) -> None:
        self._task, self._teacher = task, teacher.eval()

    @property
    def module(self) -> nn.Module:
        return self._task.module

    def initial_state(self, batch_size: int) -> tuple[Any, Any]:
        return self._task.initial_state(batch_size), self._teacher.initial_state(batch_size)

    def loss(self, batch: SymbolBatch, state: tuple[Any, Any], context: Context) -> tuple[Loss, tuple[Any, Any]]:
        own, taught = state
        if not context.training:
            loss, own = self._task.loss(batch, own, context)
            return loss, (own, taught)
        read, own = self._task.read(batch, own, context)
        expected, taught = self._expected(batch, taught)
        with self._task.in_precision(context):
            log_probs = self._task.model.head.log_probs(read.outputs)
        came = log_probs.gather(-1, read.targets[..., None])[..., 0]
        agreed = (expected * log_probs).sum(dim=-1)
        values = (1 - _SHARE) * came + _SHARE * agreed  # [B, T]
        parts = {"text": -came, "teacher": -agreed}
        return self._task.summed(values, read, batch.count, context, parts), (own, taught)

    @torch.no_grad()
    def _expected(self, batch: SymbolBatch, state: Any) -> tuple[torch.Tensor, Any]:
        teacher = self._teacher
        inputs, fresh = (torch.from_numpy(array).to(teacher.device) for array in (batch.inputs, batch.fresh))
        lengths = None if batch.lengths is None else torch.from_numpy(batch.lengths).to(teacher.device)
        state = where_rows(~fresh, state, teacher.initial_state(len(inputs)))
        with torch.autocast(teacher.device.type, torch.bfloat16, enabled=self._task.precision == "bfloat16"):
            y, state = teacher.output(inputs, state, lengths=lengths)
        return teacher.head.log_probs(y.float()).exp(), state
