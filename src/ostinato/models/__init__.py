"""Tasks, heads and assemblies, which make trainable models of cores."""

from ostinato.models.ensemble import Ensemble
from ostinato.models.feedback import Feedback
from ostinato.models.heads.softmax import SoftmaxHead, draw
from ostinato.models.randomness import Randomness
from ostinato.models.symbol_model import SymbolModel
from ostinato.models.task import Context, Loss, Task

__all__ = [
    "Context",
    "Ensemble",
    "Feedback",
    "Loss",
    "Randomness",
    "SoftmaxHead",
    "SymbolModel",
    "Task",
    "draw",
]
