"""The progress of training: a bar in a terminal, plain lines elsewhere."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn

from ostinato.app.terminal.console import Console
from ostinato.app.terminal.output import shown
from ostinato.training.loop import Evaluated, RolledBack, Stepped, Stopped
from ostinato.units import bits
from ostinato.workshop.opening import counted
from ostinato.workshop.run import Sampled, ThreadsChanged, Training, TrainingEvent

_SMOOTH = 0.05
_SAMPLE_LINES = 6


class TrainingView:
    """Show what a training run does.

    Args:
        console: Where to.
        training: The run.
        samples: Whether samples are shown.
    """

    def __init__(self, console: Console, training: Training, *, samples: bool = True) -> None:
        self._console, self._training, self._samples = console, training, samples
        self._unit = training.family.unit
        self._loss: float | None = None
        self._valid = ""
        self._bar = Progress(
            TextColumn("[bold]{task.fields[loss]}"),
            BarColumn(bar_width=None),
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            TextColumn("{task.fields[valid]}"),
            TextColumn("{task.fields[speed]}"),
            TextColumn("{task.fields[left]}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task(
            "", total=training.trainer.schedule.steps, loss="…", valid="", speed="", left=""
        )

    def __enter__(self) -> TrainingView:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, event: TrainingEvent) -> None:
        """Show one event."""
        if isinstance(event, Stepped):
            self._stepped(event)
        elif isinstance(event, Evaluated):
            self._evaluated(event)
        elif isinstance(event, Sampled) and self._samples:
            self._console.print(
                _indented(event.text),
                style="dim italic",
                highlight=False,
                markup=False,
                soft_wrap=not self._console.is_terminal,
            )
        elif isinstance(event, RolledBack):
            self._console.print(
                f"{event.what} at step {event.step}: back to step {event.to_step}, "
                f"learning rate × {event.scale:g} from here on",
                style="yellow",
            )
        elif isinstance(event, ThreadsChanged):
            self._console.print(
                f"steps took {event.gain:.1f} times as long with {counted(event.before, 'thread')} as with "
                f"{event.threads}: going on with {counted(event.threads, 'thread')} from step {event.step:,}",
                style="yellow",
                highlight=False,
                soft_wrap=not self._console.is_terminal,
            )
        elif isinstance(event, Stopped) and event.reason == "patience":
            self._console.print("validation has not improved for a while: stopping early")

    def _stepped(self, event: Stepped) -> None:
        loss = event.nats_per_symbol
        self._loss = loss if self._loss is None else self._loss + _SMOOTH * (loss - self._loss)
        if self._console.is_terminal:
            speed = f"{self._training.symbols_per_second / 1000:.1f}k {self._unit}s/s"
            told = f"{bits(self._loss):.3f} bits"
            self._bar.update(
                self._task, completed=event.step, total=event.steps, loss=told, valid=self._valid, speed=speed,
                left=f"{_duration(self._training.seconds_left)} left",
            )  # fmt: skip

    def _evaluated(self, event: Evaluated) -> None:
        valid = min(event.valid_nats_per_symbol, event.average_nats_per_symbol or math.inf)
        self._valid = f"valid {bits(valid):.3f}"
        left = ""
        if event.step < event.steps and not self._console.is_terminal:
            left = f", about {_duration(self._training.seconds_left)} left"
        train = bits(event.train_nats_per_symbol)
        self._console.print(
            f"step {event.step:,}/{event.steps:,} ({self._training.epochs:.2f} epochs): "
            f"train {train:.3f}{_parts(event.train_parts)}, validation [bold]{bits(valid):.3f}[/]"
            f"{_parts(event.valid_parts)} bits per {self._unit}{_figures(self._training.metrics)}"
            f"{' (best)' if event.is_best else ''}, {self._training.symbols_per_second:,.0f} {self._unit}s/s{left}",
            highlight=False,
            soft_wrap=not self._console.is_terminal,
        )


def print_notes(console: Console, training: Training) -> None:
    """Print what was chosen and found while setting up."""
    for note in training.notes:
        console.print(escape(shown(note)), highlight=False, soft_wrap=not console.is_terminal)


def _parts(parts: Mapping[str, float]) -> str:
    """Return the parts of a loss in bits, in brackets, where it has any."""
    told = ", ".join(f"{name} {bits(value):.3f}" for name, value in parts.items())
    return f" ({told})" if told else ""


def _figures(metrics: Mapping[str, Any]) -> str:
    """Return the figures that an evaluation has besides its loss."""
    return "".join(f", {name} {value:.1%}" for name, value in metrics.get("valid_figures", {}).items())


def _indented(text: str) -> str:
    lines = shown(text.strip("\n")).splitlines()[:_SAMPLE_LINES]
    return "\n".join(f"    {line}" for line in lines)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.1f} min"
