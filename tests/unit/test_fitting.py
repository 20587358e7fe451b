"""Settings that fit the machine: sizes by its speed, precision by processor and shape."""

import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import ostinato
from ostinato import config
from ostinato.families import RECIPES, Budget
from ostinato.families.text.report.facts import expected_seconds
from ostinato.training.device import StepTime, choose_precision, time_steps
from ostinato.training.ranks import Alone
from ostinato.workshop.build import Builder, Trial
from ostinato.workshop.plan import Amount
from ostinato.workshop.request import Prepared, RunRequest
from ostinato.workshop.sizes import fit

SYMBOLS = 1_000_000


class Machine:
    """A builder that trains so many symbols a second with 512 units, and others in proportion to their weights."""

    def __init__(self, speed, device="cpu"):
        self.speed, self.device = speed, device
        self.train, self.valid = SimpleNamespace(ids=np.zeros(SYMBOLS)), SimpleNamespace(ids=np.zeros(60_000))
        self.tried = []

    def trial(self, settings, *, measure):
        self.tried.append(settings.hidden_size)
        speed = self.speed * (1 if self.device == "cuda" else (512 / settings.hidden_size) ** 2)
        return Trial(replace(settings, precision="float32"), settings.batch_size * settings.window / speed)

    def products(self, settings):
        return settings.hidden_size * (4 * settings.hidden_size + 400) * settings.batch_size * settings.window

    def stream(self, settings):
        return SimpleNamespace(batches_per_epoch=SYMBOLS / (settings.batch_size * settings.window))


def fitted(machine, minutes=5.0, given=None, amount=None):
    recipe, given = RECIPES["char-lm"], given or {}
    budget = Budget(SYMBOLS, False, minutes, machine.device, compiled=False)
    settings = config.read(recipe.settings, {**recipe.sizes_for(budget, given), **given}, where="test")
    prepared = Prepared(settings, {}, machine.train, machine.valid, None, (), budget)
    order = RunRequest(Path("x"), amount=amount or Amount(minutes=minutes), settings=given)
    trial = fit(machine, prepared, order, Alone())
    return settings, (trial.settings, trial.seconds)


def test_on_the_usual_machine_nothing_changes():
    for speed in (45_000, 60_000, 75_000):
        before, (after, _) = fitted(Machine(speed))
        assert after == replace(before, precision="float32")


def test_a_slow_machine_gets_a_smaller_network_with_less_dropout():
    machine = Machine(4_000)
    before, (after, seconds) = fitted(machine)
    assert (before.hidden_size, before.dropout) == (512, 0.35)
    assert (after.hidden_size, after.dropout, after.activation_penalty) == (256, 0.0, 0.0)
    assert machine.tried == [512, 256]
    assert seconds == pytest.approx(16 * 48 / (4_000 * (512 / 256) ** 2))


def test_a_fast_one_gets_what_it_has_time_for_and_what_is_set_stays():
    _, (after, _) = fitted(Machine(300_000))
    assert (after.hidden_size, after.dropout) == (768, 0.5)
    _, (after, _) = fitted(Machine(300_000), given={"hidden_size": 64, "dropout": 0.2})
    assert (after.hidden_size, after.dropout, after.cooldown) == (64, 0.2, 0.4)


def test_where_no_time_is_given_the_machine_does_not_matter():
    before, (after, _) = fitted(Machine(1_000), amount=Amount(steps=10))
    assert after == replace(before, precision="float32")


def test_an_evaluation_is_timed_by_a_small_one_that_is_warm(monkeypatch):
    now, read = [0.0], []

    class Trainer:
        def __init__(self, symbols):
            self.symbols = symbols

        def evaluate(self):
            now[0] += 1e-4 * self.symbols + 3.0 * (not read)
            read.append(self.symbols)

    monkeypatch.setattr("ostinato.workshop.build.time.perf_counter", lambda: now[0])
    monkeypatch.setattr(Builder, "trainer", lambda self, settings: Trainer(settings.valid_symbols))
    settings = config.read(RECIPES["char-lm"].settings, {"hidden_size": 8, "core": "lstm"}, where="test")
    for there, seconds in ((60_000, 5.0), (30_000, 3.0), (1_000, 0.1)):
        read.clear()
        assert builder(there).evaluation_seconds(settings) == pytest.approx(seconds)
        assert max(read) == min(8192, there)


def test_a_report_is_given_more_time_where_there_is_more_to_read():
    def seconds(valid, train, end=None):
        given = builder(valid, train, end)
        return expected_seconds(given.codec, given.train, given.valid, 1e-5)

    few, many, large = (seconds(60_000, train) for train in (1_000, 10**6, 10**9))
    assert few + 1.0 < many < large == pytest.approx(seconds(60_000, 10**8))
    assert seconds(60_000, 1_000, end=0) < few - 0.9  # without windows
    assert seconds(10_000, 1_000) == pytest.approx(few - 0.5)


def builder(valid, train=SYMBOLS, end=None):
    """What the real one is asked of sizes and texts."""
    texts = [SimpleNamespace(ids=np.broadcast_to(0, count)) for count in (train, valid)]
    family = SimpleNamespace(size=lambda codec, data: len(data.ids))
    return Builder(family, SimpleNamespace(end=end), *texts, seed=1, device="cpu", base=None, ranks=Alone())


def test_precision_is_chosen_by_processor_and_shape_never_by_a_timing(monkeypatch):
    monkeypatch.setattr("ostinato.training.device.has_bfloat16", lambda: True)
    assert choose_precision("cpu", "lstm", 512) == "bfloat16"
    assert choose_precision("cpu", "lstm", 64) == "float32"
    assert choose_precision("cpu", "mogrifier", 512) == "float32"
    assert choose_precision("mps", "lstm", 512) == "float32"
    monkeypatch.setattr("ostinato.training.device.has_bfloat16", lambda: False)
    assert choose_precision("cpu", "lstm", 512) == "float32"


def test_the_same_command_resolves_to_the_same_settings_however_long_steps_take(corpora, tmp_path, monkeypatch):
    texts, times = str(corpora / "cats.txt"), iter(range(10**6))
    monkeypatch.setattr(
        "ostinato.workshop.build.time_steps", lambda step, device, too_long: StepTime(next(times) % 7 + 1.0, 1.0)
    )
    runs = [
        ostinato.train(texts, out=tmp_path / str(number), steps=3, settings={"hidden_size": 64}) for number in (1, 2)
    ]
    assert runs[0].settings == runs[1].settings
    assert runs[0].validation == runs[1].validation


def test_a_long_trial_step_is_not_made_seven_times(monkeypatch):
    now, made = [0.0], []
    monkeypatch.setattr("ostinato.training.device.time.perf_counter", lambda: now[0])
    monkeypatch.setattr("ostinato.training.device.time.thread_time", lambda: now[0] / 2)

    def step(seconds):
        made.append(seconds)
        now[0] += seconds

    def timed(seconds, too_long=math.inf):
        made.clear()
        took = time_steps(lambda: step(seconds), "cpu", too_long)
        assert took.share == pytest.approx(0.5)
        return took.seconds, len(made)

    assert timed(0.1) == (pytest.approx(0.1), 7)
    assert timed(5.0) == (pytest.approx(5.0), 2)
    assert timed(0.1, 0.05) == (pytest.approx(0.1), 3)
    assert timed(0.1, 0.01) == (pytest.approx(0.1), 1)  # far too long before it is warm


def test_the_capped_core_is_for_processors_that_compiled_code_is_fast_on():
    choose = RECIPES["char-lm"].sizes_for
    assert choose(Budget(SYMBOLS, False, 3), {})["core"] == "capped-lstm"
    assert choose(Budget(SYMBOLS, False, 3, compiled=False), {})["core"] == "lstm"
    assert choose(Budget(SYMBOLS, False, 3, device="cuda"), {})["core"] == "lstm"
