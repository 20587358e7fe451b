"""TensorBoard: the course of a training run as event files inside the run folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ostinato.training.loop import Evaluated, Stepped
from ostinato.units import bits
from ostinato.workshop.run import Sampled, Training, TrainingEvent

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

_EVERY = 20  # training steps between two points of a curve


class TensorBoardLog:
    """Writes what happens in training where ``tensorboard --logdir RUN/tensorboard`` shows it.

    A resumed run goes on in its own curves; what was written after the checkpoint is hidden.

    Args:
        training: The run.
    """

    def __init__(self, training: Training) -> None:
        from torch.utils.tensorboard import SummaryWriter  # slow to import, and only needed here

        folder = str(training.run.path / "tensorboard")
        self._writer: SummaryWriter = SummaryWriter(folder, purge_step=training.trainer.step + 1)
        self._training = training

    def __enter__(self) -> TensorBoardLog:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def take(self, event: TrainingEvent) -> None:
        """Write one event."""
        if isinstance(event, Stepped) and event.step % _EVERY == 0:
            self._write(event.step, "train/bits_per_symbol", bits(event.nats_per_symbol))
            self._write(event.step, "train/gradient_norm", event.gradient_norm)
            self._write(event.step, "train/symbols_per_second", self._training.symbols_per_second)
            trainer = self._training.trainer
            rate = trainer.settings.learning_rate * trainer.scale * trainer.schedule.factor(event.step - 1)
            self._write(event.step, "train/learning_rate", rate)
        elif isinstance(event, Evaluated):
            self._write(event.step, "validation/bits_per_symbol", bits(event.valid_nats_per_symbol))
            if event.average_nats_per_symbol is not None:
                self._write(event.step, "validation/average_bits_per_symbol", bits(event.average_nats_per_symbol))
            self._writer.flush()
        elif isinstance(event, Sampled):
            self._writer.add_text("sample", f"```\n{event.text}\n```", event.step)

    def _write(self, step: int, name: str, value: float) -> None:
        self._writer.add_scalar(name, value, step)
