"""Tasks, heads and assemblies: what makes a trainable model out of cores."""

from ostinato.models.distillation import Distillation
from ostinato.models.ensemble import Ensemble
from ostinato.models.feedback import Feedback
from ostinato.models.heads import SoftmaxHead, draw
from ostinato.models.labeller import Labeller, LabelTask
from ostinato.models.language_model import CORES, Dropout, LanguageModel, LanguageModelTask
from ostinato.models.randomness import Randomness
from ostinato.models.seq2seq import Seq2Seq, Seq2SeqTask
from ostinato.models.symbol_model import SymbolModel
from ostinato.models.task import Context, Loss, Task

__all__ = [
    "CORES",
    "Context",
    "Distillation",
    "Dropout",
    "Ensemble",
    "Feedback",
    "LabelTask",
    "Labeller",
    "LanguageModel",
    "LanguageModelTask",
    "Loss",
    "Randomness",
    "Seq2Seq",
    "Seq2SeqTask",
    "SoftmaxHead",
    "SymbolModel",
    "Task",
    "draw",
]
