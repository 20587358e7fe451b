"""The learning rate over time: up, flat, and down to the end of the plan, which may change on the way."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Schedule:
    """Progress of a run, and the share of the learning rate that follows from it.

    A plan says: from step ``at``, which is at ``progress`` (0 to 1) of the schedule, the end is step
    ``steps``. Plans are recorded and never changed, so a replay follows the record and not the clock.

    Attributes:
        warmup: Share of the schedule in which the rate rises from 0.
        cooldown: Share of the rest in which it falls in a straight line to 0, at the end; 1: it falls at once.
        plans: ``(at, progress, steps)`` of every plan made, in order.
    """

    warmup: float
    cooldown: float = 1.0
    plans: list[tuple[int, float, int]] = field(default_factory=list)

    @property
    def steps(self) -> int:
        """The step at which training ends, by the present plan."""
        return self.plans[-1][2]

    def progress(self, step: float) -> float:
        """Return the progress of the schedule at a step, from 0 to 1."""
        at, progress, steps = self.plans[-1]
        return min(1.0, progress + (1 - progress) * (step - at) / max(1, steps - at))

    def is_falling(self, step: int) -> bool:
        """Return whether the learning rate has begun to fall before a step."""
        return self.progress(step) > self._fall

    @property
    def _fall(self) -> float:
        """The progress from which on the learning rate falls."""
        return 1 - (1 - self.warmup) * self.cooldown

    def factor(self, step: int) -> float:
        """Return the factor of the learning rate in a step, counted from 0.

        Source: Hägele et al. 2024, arXiv:2405.18392 (constant rate and cooldown).
        """
        progress = self.progress(step + 0.5)  # the middle of the step: neither the first nor the last stands still
        if progress < self.warmup:
            return progress / self.warmup
        return min(1.0, (1 - progress) / (1 - self.warmup) / self.cooldown)

    def begin(self, at: int, steps: int, *, falling: bool = False) -> None:
        """Start a new schedule at a step, from its beginning or from where the learning rate begins to fall."""
        self.plans.append((at, self._fall if falling else 0.0, max(steps, at)))

    def replan(self, at: int, steps: int) -> None:
        """Move the end of the schedule; its past stays as it was."""
        self.plans.append((at, self.progress(at), max(steps, at)))
