"""The trainer: draws that depend on nothing but their key, rollbacks, averages, schedules, budgets."""

import itertools
import json
import math
import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import ostinato
from conftest import TEXT, TINY
from ostinato import codecs
from ostinato.batch import SymbolBatch
from ostinato.data import ContinuousStream, Encoded, encode_texts
from ostinato.errors import ConfigError, TrainingError
from ostinato.families.text.network import Dropout, LanguageModel, LanguageModelTask
from ostinato.models import Context, Loss, Randomness
from ostinato.training.loop import Evaluated, RolledBack, Stepped, Stopped, train
from ostinato.training.ranks import Alone
from ostinato.training.schedule import Schedule
from ostinato.training.settings import TrainSettings
from ostinato.training.trainer import Trainer
from ostinato.training.validation import Measured, Validation, mean_loss
from ostinato.units import bits
from ostinato.workshop.plan import Amount, Clock

CODEC = codecs.learn("characters", [TEXT], end=False)
DATA = encode_texts(CODEC, [TEXT])


def make_trainer(*, dropout=None, core="lstm", patience=None, rate=1e-2, steps=40, **model):
    torch.manual_seed(0)
    network = LanguageModel(CODEC.size, core=core, layers=1, hidden_size=12, embedding_size=6, **model)
    task = LanguageModelTask(network, dropout or Dropout())
    stream = ContinuousStream(DATA, CODEC.begin, batch_size=4, window=8, seed=1, restart=0.1)
    settings = TrainSettings(rate, 0.0, 0.99, 1.0, 0.9, patience, seed=1)
    validation = Validation(DATA, CODEC.begin, items=False, limit=500, seed=1)
    trainer = Trainer(task, stream, validation, settings, Schedule(0.1))
    trainer.evaluate_every = 5
    trainer.begin_schedule(steps)
    return trainer


@pytest.mark.parametrize("width", [1, 5, 8, 17])
def test_a_rows_draws_depend_on_seed_step_row_and_site_alone(width):
    one = Randomness(seed=3, step=7)
    wide, narrow = one.rows("mask", 4, width), one.rows("mask", 2, width)
    assert torch.equal(wide[:2], narrow)
    assert torch.equal(Randomness(3, 7, first_row=2).rows("mask", 2, width), wide[2:])
    others = [Randomness(4, 7).rows("mask", 4, width), Randomness(3, 8).rows("mask", 4, width)]
    others += [one.rows("other", 4, width)]
    assert all(not torch.equal(wide, other) for other in others)
    assert wide.min() >= 0
    assert wide.max() < 1


@pytest.mark.parametrize("width", [1, 4, 7])
def test_normal_draws_depend_on_their_key_alone_and_are_normal(width):
    one = Randomness(seed=3, step=7)
    wide = one.normals("noise", 4, width)
    assert torch.equal(one.normals("noise", 2, width), wide[:2])
    assert torch.equal(Randomness(3, 7, first_row=2).normals("noise", 2, width), wide[2:])
    assert not torch.equal(one.normals("other", 4, width), wide)
    many = one.normals("noise", 500, 41, 20).double()
    assert many.shape == (500, 41, 20)
    moments = [(many**power).mean().item() for power in (1, 2, 3, 4)]
    assert moments == pytest.approx([0, 1, 0, 3], abs=0.02)
    assert (many.abs() > 1.959964).double().mean().item() == pytest.approx(0.05, abs=0.002)
    first, last = many[:, 0, 0], many[:, 40, 19]  # the two halves of a row are made of the same uniform numbers
    assert abs((first * last).mean().item()) < 0.15


@pytest.mark.parametrize("p", [0.0, 0.2, 0.5, 0.97])
def test_what_is_kept_of_a_weight_depends_on_seed_step_and_site_alone(p):
    one = Randomness(seed=3, step=7, first_row=4)
    kept = one.kept("weight", 211, 97, p=p)
    assert (kept.dtype, kept.shape) == (torch.bool, (211, 97))
    assert abs(kept.float().mean().item() - (1 - p)) < 0.01
    assert torch.equal(Randomness(3, 7).kept("weight", 211, 97, p=p), kept)
    others = [Randomness(4, 7).kept("weight", 211, 97, p=p), Randomness(3, 8).kept("weight", 211, 97, p=p)]
    others += [one.kept("other", 211, 97, p=p)]
    assert all(torch.equal(kept, other) == (p == 0) for other in others)


@pytest.mark.parametrize("variational", [True, False])
def test_dropout_keeps_the_mean_and_its_masks_stand_as_long_as_they_should(variational):
    dropout = Dropout(input=0.3, output=0.5, variational=variational)
    task = make_trainer(dropout=dropout).task
    masks = task._masks(Randomness(1, 0), 50, 20)
    assert masks.input.shape == (50, 1 if variational else 20, 6)
    assert masks.outputs[0].shape == (50, 1 if variational else 20, 12)
    assert masks.outputs[0].unique().tolist() == [0.0, 2.0]
    assert abs(masks.outputs[0].mean().item() - 1) < 0.1


def test_recurrent_dropout_drops_weights_from_state_to_state_and_learns_the_others():
    trainer = make_trainer(dropout=Dropout(recurrent=0.5))
    weights = trainer.task._dropped_weights(Randomness(1, 0))
    assert list(weights) == ["model.core.layers.0.weight_hh"]
    dropped = weights["model.core.layers.0.weight_hh"] == 0
    assert 0.4 < dropped.float().mean() < 0.6
    whole = trainer.task.model.core.layers[0].weight_hh
    assert torch.equal(weights["model.core.layers.0.weight_hh"], torch.where(dropped, 0.0, 2 * whole))
    loss, _ = trainer.task.loss(
        trainer.stream.next(), trainer.task.initial_state(4), Context(Randomness(1, 0), training=True)
    )
    loss.total.backward()
    gradient = trainer.task.model.core.layers[0].weight_hh.grad
    assert (gradient[dropped] == 0).all()
    assert (gradient[~dropped] != 0).any()


def test_evaluation_drops_nothing():
    trainer = make_trainer(dropout=Dropout(input=0.5, output=0.5, recurrent=0.5))
    assert trainer.evaluate() == trainer.evaluate()


def test_a_batch_of_fresh_rows_forgets_what_was_carried():
    task = make_trainer().task
    batch = ContinuousStream(DATA, CODEC.begin, batch_size=4, window=8, seed=1).next()
    zero = task.initial_state(4)
    odd = tuple(type(s)(*(leaf + 1 for leaf in s)) for s in zero)
    assert task.loss(batch, odd, Context())[0].total.item() == task.loss(batch, zero, Context())[0].total.item()


def test_training_yields_steps_evaluations_and_an_end():
    events = list(train(make_trainer(steps=12)))
    assert [e.step for e in events if isinstance(e, Stepped)] == list(range(1, 13))
    assert [e.step for e in events if isinstance(e, Evaluated)] == [5, 12]  # 10 is too near the end
    assert events[-1] == Stopped(12, "done")


def test_snapshot_and_restore_change_nothing():
    straight, cut = make_trainer(dropout=Dropout(output=0.3)), make_trainer(dropout=Dropout(output=0.3))
    for _ in range(10):
        straight.advance()
    for _ in range(4):
        cut.advance()
    again = make_trainer(dropout=Dropout(output=0.3))
    again.restore(cut.snapshot())
    for _ in range(6):
        again.advance()
    one, other = straight.snapshot(), again.snapshot()
    assert one.plain == other.plain
    for part in ("weights", "average", "optimizer", "carried_state"):
        assert getattr(one, part).keys() == getattr(other, part).keys()
        assert all(np.array_equal(v, getattr(other, part)[k]) for k, v in getattr(one, part).items())


def test_the_average_follows_the_weights():
    trainer = make_trainer()
    before = {n: v.clone() for n, v in trainer._average.items()}
    trainer.advance()
    decay = min(0.9, 2 / 11)
    for name, value in trainer.task.module.named_parameters():
        torch.testing.assert_close(trainer._average[name], decay * before[name] + (1 - decay) * value.detach())


def test_swapping_the_average_in_and_out_leaves_the_weights():
    trainer = make_trainer()
    trainer.advance()
    before = trainer.snapshot()
    with trainer.averaged():
        inside = trainer.snapshot().weights
    assert all(np.array_equal(v, before.average[k]) for k, v in inside.items())
    assert all(np.array_equal(v, before.weights[k]) for k, v in trainer.snapshot().weights.items())


def poison(trainer, at):
    """Make the loss of some training steps not a number, as a broken gradient would."""
    honest, calls = trainer.task.loss, []

    def loss(batch, state, context):
        result, after = honest(batch, state, context)
        if context.training:
            calls.append(trainer.step)
            if len(calls) in at:
                result = type(result)(result.rows * math.nan, result.count)
        return result, after

    trainer.task.loss = loss


def test_a_loss_that_is_not_finite_goes_back_with_a_smaller_step():
    trainer = make_trainer(steps=12)
    poison(trainer, {8})
    events = list(train(trainer))
    assert [e for e in events if isinstance(e, RolledBack)] == [RolledBack(7, 5, "loss nan", 0.5)]
    assert events[-1] == Stopped(12, "done")
    assert trainer.scale == 0.5
    assert all(np.isfinite(v).all() for v in trainer.snapshot().weights.values())


def test_after_three_rollbacks_training_stops_and_says_what_to_try():
    trainer = make_trainer(steps=12)
    poison(trainer, set(range(3, 100)))
    with pytest.raises(TrainingError) as caught:
        list(train(trainer))
    assert str(caught.value) == (
        "loss nan at step 0, after 3 rollbacks with ever smaller steps. Try --set learning_rate=0.001"
    )


def test_patience_stops_when_validation_does_not_improve():
    trainer = make_trainer(patience=2, steps=1000)
    trainer._validate = lambda task: Measured(1.0)
    events = list(train(trainer))
    # The rate falls from step 100 on; the evaluation after that is the best of this fall, two more are not.
    assert events[-1] == Stopped(110, "patience")


def note(trainer, **losses):
    return trainer.note_evaluation({kind: Measured(loss, loss / 100) for kind, loss in losses.items()})


def falling(trainer):
    """The same trainer where its learning rate has begun to fall."""
    trainer.step = trainer.schedule.steps // 2
    return trainer


def test_the_better_of_weights_and_average_is_noted():
    trainer = falling(make_trainer())
    assert note(trainer, weights=2.0, average=1.5)
    assert trainer.best == {"step": 20, "weights": "average", "nats_per_symbol": 1.5, "standard_error": 0.015}
    assert not note(trainer, weights=1.6, average=1.7)
    assert trainer.evaluations_without_best == 1


def test_a_validation_loss_that_is_not_finite_is_never_the_best():
    trainer = make_trainer()
    assert note(trainer, weights=math.nan, average=2.0)
    assert trainer.best["weights"] == "average"
    assert not note(trainer, weights=math.nan, average=math.inf)
    assert note(trainer, weights=1.0, average=math.nan)
    assert trainer.best == {"step": 0, "weights": "weights", "nats_per_symbol": 1.0, "standard_error": 0.01}


def test_patience_counts_from_where_the_rate_of_a_schedule_begins_to_fall():
    trainer = make_trainer()
    for loss in (1.0, 3.0, 2.0):  # the rate is still rising
        note(trainer, weights=loss)
    assert trainer.evaluations_without_best == 0
    falling(trainer)
    note(trainer, weights=3.0)
    note(trainer, weights=4.0)
    assert trainer.evaluations_without_best == 1
    trainer.begin_schedule(100)
    trainer.step += 1
    for loss in (2.5, 2.0, 1.5):  # worse than the best so far, but falling
        assert not note(trainer, weights=loss)
    assert trainer.evaluations_without_best == 0
    assert trainer.best["nats_per_symbol"] == 1.0


def test_the_schedule_rises_and_falls_to_nothing():
    schedule = Schedule(0.1)
    schedule.begin(0, 100)
    assert schedule.factor(0) == pytest.approx(0.05)
    assert schedule.factor(9) == pytest.approx(0.95)
    assert schedule.factor(54) + schedule.factor(55) == pytest.approx(1.0)
    assert 0 < schedule.factor(99) < 1e-2
    flat = Schedule(0.1, cooldown=0.5)
    flat.begin(0, 100)
    assert [flat.factor(step) for step in (10, 54)] == [1.0, 1.0]
    assert flat.factor(77) == pytest.approx(0.5, abs=1e-9)
    assert 0 < flat.factor(99) < 0.02
    flat.begin(100, 200, falling=True)  # a finished run goes on: neither warm-up nor a flat part
    assert flat.factor(100) == pytest.approx(1.0, abs=0.01)
    assert flat.factor(150) == pytest.approx(0.5, abs=0.01)
    assert flat.is_falling(101)
    only = Schedule(0.1)
    only.begin(0, 1)
    assert only.factor(0) > 0.3


@given(
    first=st.integers(10, 1000),
    moves=st.lists(st.tuples(st.floats(0.1, 0.9), st.integers(1, 1000)), max_size=4),
)
def test_a_moved_end_keeps_the_schedule_continuous_and_ends_there(first, moves):
    schedule = Schedule(0.1)
    schedule.begin(0, first)
    for share, extra in moves:
        at = int(share * schedule.steps)
        if at < schedule.plans[-1][0]:
            continue
        before = schedule.progress(at)
        schedule.replan(at, at + extra)
        assert schedule.progress(at) == pytest.approx(before)
    assert schedule.progress(schedule.steps) == pytest.approx(1.0)


def test_a_clock_turns_time_into_steps_and_moves_the_end_only_when_it_is_off():
    now = [0.0]
    clock = Clock(deadline=100.0, budget=100.0, reserve=5.0, evaluation=5.0, now=lambda: now[0])
    assert clock.steps_left(0.08, 100) == int((100 - 5 - 5) / (0.08 + 5 / 100))
    planned = clock.steps_left(0.08, 100)
    assert clock.corrected(planned, 0.082, 100) == planned
    now[0] = 50.0
    assert clock.corrected(planned, 0.08, 100) == clock.steps_left(0.08, 100)
    now[0] = 200.0
    assert clock.steps_left(0.08, 100) == 0


@pytest.mark.parametrize("budget", [30.0, 120.0, 1800.0])
def test_plans_are_due_every_few_seconds_at_first_and_every_twentieth_of_the_budget_later(budget):
    now = [0.0]
    clock = Clock(deadline=budget, budget=budget, reserve=1.0, evaluation=0.1, now=lambda: now[0])
    due = []
    while now[0] < budget:
        if clock.is_due():
            due.append(now[0])
        now[0] += 0.05
    gaps = [b - a for a, b in itertools.pairwise([0.0, *due])]
    assert gaps[0] <= 2.1
    assert max(gaps) <= budget / 20 + 0.1
    assert len(due) >= 19


@pytest.mark.parametrize(
    ("seconds", "evaluations"),
    [(0.1, 8), (0.5, 8), (1.0, 4), (3.0, 2), (8.0, 2), (15.0, 1), (500.0, 1)],
)
def test_evaluations_take_a_twentieth_of_the_time_and_where_they_are_dear_there_are_fewer(seconds, evaluations):
    clock = Clock(deadline=90.0, budget=90.0, reserve=10.0, evaluation=seconds, now=lambda: 0.0)
    assert clock.share_out() == evaluations
    assert clock.between == pytest.approx(max(0.0, 80.0 - evaluations * seconds) / evaluations)


def test_when_evaluations_take_longer_more_time_is_kept_for_the_end():
    clock = Clock(deadline=100.0, budget=100.0, reserve=4.0, evaluation=0.5, now=lambda: 0.0)
    clock.note_evaluation(1.0)
    assert clock.reserve == 4.0
    clock.note_evaluation(3.0)
    assert clock.reserve == 12.0
    clock.note_evaluation(50.0)
    assert clock.reserve == 25.0
    clock.note_evaluation(1.0)
    assert (clock.reserve, clock.evaluation) == (4.0, 1.0)


def test_the_numbers_of_threads_are_recorded_with_their_steps_and_gone_back_to():
    trainer = make_trainer()
    trainer.use_threads(2)
    trainer.use_threads(2)
    before = trainer.snapshot()
    trainer.advance()
    trainer.use_threads(1)
    trainer.use_threads(2)  # in the same step: as before
    assert trainer.threads == [(0, 2)]
    trainer.use_threads(1)
    assert trainer.snapshot().plain["threads"] == [[0, 2], [1, 1]]
    trainer.restore(before)
    assert trainer.threads == [(0, 2)]


def test_running_text_is_validated_in_blocks_that_are_spread_over_all_of_it():
    ids = np.arange(100_000) % 7
    for seed in (1, 2):
        batches = Validation(Encoded(ids, np.array([0, len(ids)])), 7, items=False, limit=6400, seed=seed)._batches
        assert sum(batch.count for batch in batches) == 6400
    places = Encoded(np.arange(100_000), np.array([0, 100_000]))
    starts = [
        Validation(places, 100_000, items=False, limit=16_640, seed=seed)._batches[0].targets[:, 0]
        for seed in (1, 1, 2)
    ]
    assert starts[0].tolist() == starts[1].tolist() != starts[2].tolist()
    assert len(starts[0]) == 64
    share = 100_000 // 64
    assert [start // share for start in starts[0].tolist()] == list(range(64))


def test_a_small_held_out_part_is_validated_on_whole():
    whole = Validation(DATA, CODEC.begin, items=False, limit=50_000, seed=1)
    other = Validation(DATA, CODEC.begin, items=False, limit=50_000, seed=2)
    assert len(DATA.ids) - 64 < whole.symbols <= len(DATA.ids)
    assert whole.sha256 == other.sha256


def test_items_to_validate_on_are_drawn_from_all_of_them_by_the_seed():
    texts = [f"{number:04d}" for number in range(1000)]
    codec = codecs.learn("characters", texts, end=True)
    data = encode_texts(codec, texts)
    parts = [Validation(data, codec.begin, items=True, limit=500, seed=seed) for seed in (1, 1, 2)]
    assert parts[0].symbols == 500
    assert parts[0].sha256 == parts[1].sha256 != parts[2].sha256
    first = [codec.decode(row[:4].tolist()) for batch in parts[0]._batches for row in batch.targets]
    assert 300 < np.mean([int(text) for text in first]) < 700


def test_a_standard_error_is_that_of_a_mean_over_texts():
    lengths, losses = np.array([3, 5, 2, 7]), np.array([4.0, 9.0, 1.0, 6.0])

    class Fixed:
        module = torch.nn.Identity()

        def initial_state(self, rows):
            return ()

        def loss(self, batch, state, context):
            share = torch.tensor(losses[batch.inputs[:, 0]]) / torch.tensor(lengths[batch.inputs[:, 0]])
            return Loss(share * torch.from_numpy(batch.lengths), batch.count), state

    rows = np.arange(4)[:, None].repeat(7, axis=1)
    first = SymbolBatch(rows[:, :4], rows[:, :4], np.minimum(lengths, 4), np.ones(4, dtype=bool))
    second = SymbolBatch(rows[:, 4:], rows[:, 4:], np.maximum(lengths - 4, 0), np.zeros(4, dtype=bool))
    measured = mean_loss(Fixed(), [first, second], Alone())
    mean = losses.sum() / lengths.sum()
    assert measured.nats == pytest.approx(mean)
    residuals = losses - mean * lengths
    assert measured.standard_error == pytest.approx(np.sqrt((residuals**2).sum() * 4 / 3) / lengths.sum())


@pytest.mark.parametrize(
    ("amount", "message"),
    [
        ({"minutes": 1, "steps": 5}, "give one of minutes, epochs and steps, not minutes and steps"),
        ({"steps": -5}, "steps must be above 0, got -5"),
        ({"minutes": math.inf}, "minutes must be above 0, got inf"),
        ({"minutes": 0}, "minutes must be above 0, got 0"),
    ],
)
def test_an_amount_that_makes_no_sense_is_refused(amount, message):
    with pytest.raises(ConfigError) as caught:
        Amount(**amount)
    assert str(caught.value) == message


@pytest.mark.parametrize("core", ["elman", "elman-relu", "jordan", "lstm", "gru"])
def test_every_core_learns(core):
    trainer = make_trainer(core=core, steps=80)
    before = trainer.evaluate()["weights"].nats
    list(train(trainer))
    assert trainer.best["nats_per_symbol"] < 0.75 * before


def test_a_tied_model_shares_one_weight_and_learns():
    torch.manual_seed(0)
    network = LanguageModel(CODEC.size, core="gru", layers=2, hidden_size=12, embedding_size=12, tied=True)
    names = dict(network.named_parameters())
    assert list(names).count("embedding.weight") == 1
    assert "head.weight" not in names
    y = torch.randn(2, 12)
    torch.testing.assert_close(network.head.logits(y), y @ network.embedding.weight[: CODEC.size].T + network.head.bias)
    with pytest.raises(ConfigError, match="tied = true needs"):
        LanguageModel(5, core="gru", layers=1, hidden_size=12, embedding_size=6, tied=True)


def test_little_text_is_not_read_more_often_than_is_good_for_it(corpora, tmp_path):
    settings = {**TINY, "passes": 2}
    training = ostinato.train(str(corpora / "cats.txt"), out=tmp_path / "run", minutes=5, settings=settings)
    assert training.trainer.schedule.steps == 2 * training.trainer.stream.batches_per_epoch
    assert training.notes[-1] == "2 passes are all that so little text is good for; time will be left"
    training.to_end()
    assert training.epochs == pytest.approx(2.0, abs=0.1)
    again = ostinato.resume(tmp_path / "run", minutes=0.2)  # who asks for more gets more
    assert again.trainer.schedule.steps > training.trainer.schedule.steps


def test_epochs_count_what_was_read(corpora, tmp_path):
    training = ostinato.train(str(corpora / "cats.txt"), out=tmp_path / "run", epochs=2, settings=TINY)
    assert training.trainer.schedule.steps == 2 * training.trainer.stream.batches_per_epoch
    training.to_end()
    assert training.epochs == pytest.approx(2.0, abs=0.1)


def test_the_penalty_is_in_the_gradient_and_not_in_the_value():
    torch.manual_seed(0)
    model = LanguageModel(5, core="lstm", layers=1, hidden_size=8, embedding_size=4)
    ids = np.random.default_rng(0).integers(0, 5, size=(3, 7))
    batch = SymbolBatch(ids[:, :-1], ids[:, 1:], np.array([6, 2, 4]), np.ones(3, dtype=bool))
    found = {}
    for penalty in (0.0, 2.0):
        task = LanguageModelTask(model, Dropout(output=0.5), penalty=penalty)
        for context in (Context(Randomness(1, 0), training=True), Context()):
            model.zero_grad()
            loss, _ = task.loss(batch, task.initial_state(3), context)
            loss.total.backward()
            found[penalty, context.training] = loss.total.item(), model.core.layers[0].weight_hh.grad.clone()
            if context.training:
                read, _ = task.read(batch, task.initial_state(3), context)
    values, gradients = ({key: pair[n] for key, pair in found.items()} for n in (0, 1))
    assert values[0.0, True] == values[2.0, True]
    assert values[0.0, False] == values[2.0, False]
    torch.testing.assert_close(gradients[0.0, False], gradients[2.0, False])
    model.zero_grad()
    (2.0 * (read.outputs[read.real].square().sum() / 8)).backward()
    torch.testing.assert_close(
        gradients[2.0, True] - gradients[0.0, True], model.core.layers[0].weight_hh.grad, rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("items", [False, True])
def test_validation_in_fewer_places_at_a_time_gives_the_same_loss(items, monkeypatch):
    codec = codecs.learn("characters", [TEXT], end=items)
    data = encode_texts(codec, TEXT.split("\n") if items else [TEXT])
    task = LanguageModelTask(
        LanguageModel(codec.size, core="lstm", layers=1, hidden_size=8, embedding_size=4), Dropout()
    )
    whole = Validation(data, codec.begin, items=items, limit=2000, seed=1)(task)
    monkeypatch.setattr("ostinato.training.validation._LOGITS", 256 * codec.begin * 5)
    cut = Validation(data, codec.begin, items=items, limit=2000, seed=1)
    assert max(batch.inputs.shape[1] for batch in cut._batches) <= (5 if items else 40 * 8)
    assert cut(task).nats == pytest.approx(whole.nats, rel=1e-6)
    assert cut(task).standard_error == pytest.approx(whole.standard_error, rel=1e-2)


def test_a_task_is_told_whether_it_trains_and_how_far_the_schedule_is(monkeypatch):
    trainer, contexts = make_trainer(steps=10), []
    loss_of = trainer.task.loss

    def watched(batch, state, context):
        contexts.append(context)
        return loss_of(batch, state, context)

    monkeypatch.setattr(trainer.task, "loss", watched)
    for _ in range(10):
        trainer.advance()
    assert [context.progress for context in contexts] == pytest.approx([step / 10 for step in range(10)])
    assert all(context.training and context.random is not None for context in contexts)
    contexts.clear()
    trainer.evaluate()
    assert all(context == Context() for context in contexts)
    assert not Context().training


def test_nothing_is_dropped_where_nothing_may_be_drawn_or_nothing_is_trained():
    task = make_trainer(dropout=Dropout(input=0.5, output=0.5)).task
    batch = ContinuousStream(DATA, CODEC.begin, batch_size=4, window=8, seed=1, restart=0.1).next()
    contexts = [Context(), Context(training=True), Context(Randomness(1, 0))]
    plain = [task.loss(batch, task.initial_state(4), context)[0].total.item() for context in contexts]
    assert plain == [plain[0]] * 3
    dropped = task.loss(batch, task.initial_state(4), Context(Randomness(1, 0), training=True))[0].total.item()
    assert dropped != plain[0]


def test_parts_of_a_loss_are_in_the_record_and_the_progress_and_add_up(text_run, corpora, tmp_path, run):
    words = ["train", corpora / "cats.txt", "--steps", 6, "--no-report"]
    words += [word for name, value in TINY.items() for word in ("--set", f"{name}={value}".replace("None", "null"))]
    _, told, _ = run(*words, "--out", tmp_path / "plain")
    assert "teacher" not in told
    _, told, _ = run(*words, "--teacher", text_run, "--out", tmp_path / "run")
    parts = re.findall(r"train ([\d.]+) \(text ([\d.]+), teacher ([\d.]+)\), validation [\d.]+ bits", told)
    assert len(parts) > 1
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    for line, (_, text, teacher) in zip(lines, parts, strict=True):
        means = line["train_parts"]
        assert [bits(means[name]) for name in ("text", "teacher")] == pytest.approx(
            [float(text), float(teacher)], abs=6e-4
        )
        assert line["train_nats_per_symbol"] == pytest.approx((means["text"] + means["teacher"]) / 2, rel=1e-4)
        assert line["valid_parts"] == {}


def test_parts_are_summed_over_the_rows_and_means_over_the_targets():
    class Parted:
        module = torch.nn.Linear(1, 1)

        def initial_state(self, batch_size):
            return ()

        def loss(self, batch, state, context):
            rows = torch.ones(batch.rows) * 3
            return Loss(rows, batch.count, {"kl": rows / 3, "rest": rows * 2 / 3}), state

    measured = Validation(DATA, CODEC.begin, items=False, limit=500, seed=1)(Parted())
    assert measured.parts["rest"] == pytest.approx(2 * measured.parts["kl"])
    assert measured.nats == pytest.approx(sum(measured.parts.values()))
