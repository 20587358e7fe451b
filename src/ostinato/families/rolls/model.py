"""A trained model of rolls: evaluate, compose."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ostinato.codecs import TokenCodec
from ostinato.config import at_least
from ostinato.data import Corpus, Encoded
from ostinato.errors import ConfigError
from ostinato.families.base import Face, Progress, not_of
from ostinato.families.machine import EngineName, Machine
from ostinato.families.restoring import described, put_weights
from ostinato.families.rolls.batches import Rolls
from ostinato.families.rolls.expecting import expected_by_note
from ostinato.families.rolls.harmonising import Harmony, harmonise
from ostinato.families.rolls.measures import Effort, copying
from ostinato.families.rolls.results import Heard, RollEvaluation, evaluation_of
from ostinato.families.rolls.scoring import RollScore, RollScores
from ostinato.families.rolls.settings import RollSettings, build_network, notes_of
from ostinato.families.rolls.stepping.choosing import Steppers
from ostinato.families.rolls.writing import write_frames, write_within
from ostinato.music.roll_copies import CopyRuns, longest_copy
from ostinato.music.roll_facts import facts_of
from ostinato.music.rolls import Frames
from ostinato.runs import RunFolder, SavedModel, read_model

if TYPE_CHECKING:
    from ostinato.families.rolls.inspecting import RollInspection
    from ostinato.families.rolls.network import RollNetwork

_CHECKED = 200  # frames on which an estimate is held against one with more steps


class RollModel(Face):
    """A trained model of rolls.

    Args:
        saved: The contents of a run folder or a model file.
        machine: The device to run on.

    Raises:
        ConfigError: It is no model of rolls, or the device is not there.
    """

    codec: TokenCodec

    def __init__(self, saved: SavedModel, machine: Machine | None = None) -> None:
        recipe, settings, codec = described(saved)
        if not isinstance(settings, RollSettings) or not isinstance(codec, TokenCodec):
            raise not_of(saved, recipe, "a model of piano rolls")
        self.saved, self.recipe, self.settings, self.codec = saved, recipe, settings, codec
        self._machine = machine or Machine()
        self._device = self._machine.torch_device()
        self._steppers = Steppers(saved, settings, notes_of(codec), self._machine, lambda: self.network)

    @cached_property
    def network(self) -> RollNetwork:
        """The network in PyTorch; what compiled code does needs none."""
        self._machine.with_torch()
        network = build_network(self.settings, notes_of(self.codec))
        put_weights(network, self.saved)
        return network.to(self._device).eval()

    @classmethod
    def open(cls, path: str | Path, *, device: str = "cpu") -> RollModel:
        """Load a model of rolls from a run folder or from a file that ``export`` wrote.

        Raises:
            ConfigError: It is no model of rolls.
            RunError: There is none, it is damaged, or of another format version.
        """
        return cls(read_model(Path(path)), Machine(device))

    def evaluate_on(self, corpus: Corpus, options: Mapping[str, Any], progress: Progress) -> RollEvaluation:
        """Measure the model on the rolls of a corpus."""
        usual = Effort()
        effort = Effort(
            options.get("chains", usual.chains),
            options.get("temperatures", usual.temperatures),
            options.get("exact", False),
        )
        return self.evaluate(
            corpus, effort, frames=options.get("frames"), tick=lambda done, total: progress("measuring", done, total)
        )

    def evaluate(
        self,
        corpus: Corpus,
        effort: Effort | None = None,
        *,
        frames: int | None = None,
        tick: Callable[[int, int], None] | None = None,
    ) -> RollEvaluation:
        """Measure the model on rolls.

        Args:
            corpus: As ``read`` gives it.
            effort: The effort of estimates, of models whose likelihood is estimated.
            frames: Measure about so many frames, of pieces drawn at random; ``None``: all.
            tick: Called with the number of frames measured so far, and in all.

        Raises:
            ConfigError: Numbers are out of range, or ln Z cannot be enumerated.
        """
        effort = effort or Effort()
        at_least("--chains", effort.chains, 2)
        at_least("--temperatures", effort.temperatures, 1)
        if frames is not None:
            at_least("--frames", frames, 1)
        if self.settings.bound == "exact" and effort != Effort():
            raise ConfigError(
                f"chains, temperatures and exact are for recipe rnn-rbm, and the likelihood of {self.recipe.name} is "
                "exact; leave them out"
            )
        rolls = self.rolls(self.recipe.family.encode(self.codec, corpus, "error"))
        rolls = rolls if frames is None else _few(rolls, frames)
        result = self.evaluate_rolls(rolls, effort, tick)
        return result if result.bound == "exact" else self._with_rise(result, _few(rolls, _CHECKED), effort)

    def _with_rise(self, result: RollEvaluation, rolls: Rolls, effort: Effort) -> RollEvaluation:
        """Return a result with what it says of how much higher the loss is with four times the steps."""
        more = replace(effort, temperatures=4 * effort.temperatures)
        few, many = (self.evaluate_rolls(rolls, one) for one in (effort, more))
        error = math.hypot(few.estimate_error, many.estimate_error)
        return replace(result, rise=many.nats_per_frame - few.nats_per_frame, rise_error=error)

    def evaluate_rolls(
        self, rolls: Rolls, effort: Effort, tick: Callable[[int, int], None] | None = None
    ) -> RollEvaluation:
        """Measure the model on rolls as frames."""
        from ostinato.families.rolls.measuring import measure_frames

        measured = measure_frames(self.network, rolls, effort, tick)
        is_exact = self.settings.bound == "exact" or effort.exact
        how = f"annealed importance sampling, {effort.chains} chains of {effort.temperatures} steps"
        return evaluation_of(
            measured, copying(rolls), "exact" if is_exact else self.settings.bound, "" if is_exact else how
        )

    def rolls(self, data: Encoded) -> Rolls:
        """Return encoded rolls as frames."""
        return Rolls.of(data, notes_of(self.codec))

    def write(
        self, frames: int, *, rolls: int = 1, seed: int = 1, start: Frames | None = None, temperature: float = 1.0,
        max_copy: int | None = None, engine: EngineName = "auto", tick: Callable[[int, int], None] | None = None,
    ) -> Frames:  # fmt: skip
        """Write new rolls; of several the next ones have the next seeds.

        Args:
            frames: Number of frames T.
            rolls: Number of rolls.
            seed: Seed of the first.
            start: Frames to go on from, [S, N].
            temperature: Higher is wilder.
            max_copy: Most frames in a row that a training roll has too, in any key; ``None``: any number.
            engine: ``"compiled"``, ``"torch"``, or ``"auto"``: compiled code if it has this model.
            tick: Called with the number of frames written so far, and in all.

        Returns:
            The frames, [rolls, T, N].

        Raises:
            ConfigError: A number is out of range.
        """
        at_least("frames", frames, 1)
        at_least("rolls", rolls, 1)
        at_least("seed", seed, 0)
        if not temperature > 0:
            raise ConfigError(f"temperature must be above 0, got {temperature}")
        seeds = [seed + number for number in range(rolls)]
        if max_copy is not None:
            at_least("max_copy", max_copy, 1)
            return self._within(frames, seeds, max_copy, start=start, temperature=temperature, engine=engine, tick=tick)
        stepper = self._steppers.choose(rolls, engine)
        return write_frames(stepper, frames, seeds, start=start, temperature=temperature, tick=tick)

    def _within(
        self, frames: int, seeds: Sequence[int], most: int, *, start: Frames | None, temperature: float,
        engine: EngineName, tick: Callable[[int, int], None] | None,
    ) -> Frames:  # fmt: skip
        known = self._known()
        if known is None:
            raise ConfigError("max_copy needs the training data, which a run folder has and a model file has not")
        copies, written = CopyRuns(known.frames[:-1], known.numbers.offsets), []
        for number, seed in enumerate(seeds):
            stepper, fresh = self._steppers.choose(1, engine), copies.fresh()
            written.append(
                write_within(stepper, frames, seed, copies=fresh, most=most, start=start, temperature=temperature)
            )
            if tick is not None:
                tick((number + 1) * frames, len(seeds) * frames)
        return np.stack(written)

    def _known(self) -> Rolls | None:
        """Return the training rolls; ``None``: they are not at hand."""
        if not self.saved.path.is_dir():
            return None
        train, _ = RunFolder(self.saved.path).corpus()
        return self.rolls(train)

    def harmonise(
        self, given: NDArray[np.int8], *, particles: int = 1000, seed: int = 1, temperature: float = 1.0,
        engine: EngineName = "auto", tick: Callable[[int, int], None] | None = None,
    ) -> Harmony:  # fmt: skip
        """Draw the free notes of a roll, given the others; see ``harmonising.harmonise``.

        Raises:
            ConfigError: A number is out of range, or the likelihood is an estimate.
        """
        at_least("particles", particles, 2)
        at_least("seed", seed, 0)
        if not temperature > 0:
            raise ConfigError(f"temperature must be above 0, got {temperature}")
        if given.ndim != 2 or given.shape[1] != self.settings.notes or not len(given):
            raise ConfigError(f"given notes are [T, {self.settings.notes}] of 1, 0 and -1; got the shape {given.shape}")
        stepper = self._steppers.choose(particles, engine)
        return harmonise(stepper, given, particles=particles, seed=seed, temperature=temperature, tick=tick)

    def expected(self, frames: Frames) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return -ln P of each frame of a roll [T, N], [T], and the probability of each note, [T, N].

        A note's probability is that given the notes above it and all frames before; of an RNN-RBM, estimated, given
        the frames before alone.
        """
        if self.settings.bound == "exact":
            return expected_by_note(self._steppers.choose(1), frames)
        from ostinato.families.rolls.measuring import estimated

        return estimated(self.network, frames)

    def score(self, frames: Frames, place: str = "") -> RollScore:
        """Return how probable a roll [T, N] is, frame by frame and note by note; ``place`` names it."""
        nats, probabilities = self.expected(frames)
        return RollScore(frames, nats, probabilities, self.settings.lowest, self.settings.bound, place)

    def score_on(self, corpus: Corpus, options: Mapping[str, Any], progress: Progress) -> RollScores:
        """Score the rolls of a corpus."""
        listed = options.get("surprising", RollScores.listed)
        at_least("--surprising", listed, 1)
        rolls = self.rolls(self.recipe.family.encode(self.codec, corpus, "error"))
        scores = []
        for number in range(rolls.numbers.texts):
            scores.append(self.score(rolls.one(number), corpus.places[number]))
            progress("scoring", number + 1, rolls.numbers.texts)
        return RollScores(scores, listed)

    def inspect(self, frames: Frames) -> RollInspection:
        """Look inside the model while it reads a roll [T, N]."""
        from ostinato.families.rolls.inspecting import RollInspection

        return RollInspection(self, frames)

    def inspect_on(self, text: str | None, options: Mapping[str, Any]) -> RollInspection:
        """Look inside the model while it reads the first roll of a file; ``None``: of what the run held out."""
        from ostinato.families.rolls.inspecting import inspection_of

        return inspection_of(self, text, options)

    def heard(self, frames: Frames) -> Heard:
        """Return what the model says of a roll [T, N], and how much of it is copied from the training rolls."""
        nats, probabilities = self.expected(frames)
        known = self._known()
        if known is None:
            return Heard(frames, nats, probabilities)
        copy = longest_copy(frames, known.frames[:-1], known.numbers.offsets)
        place = f"training piece {copy.of + 1}, frame {copy.place + 1}"
        facts = facts_of([known.one(number) for number in range(known.numbers.texts)], self.settings.lowest)
        return Heard(frames, nats, probabilities, copy, place, facts)


def _few(rolls: Rolls, frames: int) -> Rolls:
    """Return rolls drawn at random, as many as have so many frames in all, or a few more."""
    order = np.random.default_rng(1).permutation(rolls.numbers.texts)
    count = int(np.searchsorted(np.cumsum(rolls.numbers.lengths[order]), frames)) + 1
    return rolls.select(sorted(order[:count].tolist()))
