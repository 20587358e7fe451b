"""The trainer: draws that depend on nothing but their key, rollbacks, averages, schedules, budgets."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import ostinato
from conftest import TEXT, TINY
from ostinato import codecs
from ostinato.batch import Batch
from ostinato.data import ContinuousStream, encode_texts
from ostinato.errors import ConfigError, TrainingError
from ostinato.models import Context, Dropout, LanguageModel, LanguageModelTask, Randomness
from ostinato.training.loop import Evaluated, RolledBack, Stepped, Stopped, train
from ostinato.training.schedule import Schedule
from ostinato.training.trainer import Trainer, TrainSettings
from ostinato.training.validation import Validation
from ostinato.workshop.budget import Amount, Clock

CODEC = codecs.learn("characters", [TEXT], end=False)
DATA = encode_texts(CODEC, [TEXT])


def make_trainer(*, dropout=None, core="lstm", patience=None, rate=1e-2, steps=40, **model):
    torch.manual_seed(0)
    network = LanguageModel(CODEC.size, core=core, layers=1, hidden_size=12, embedding_size=6, **model)
    task = LanguageModelTask(network, dropout or Dropout())
    stream = ContinuousStream(DATA, CODEC.begin, batch_size=4, window=8, seed=1, restart=0.1)
    settings = TrainSettings(rate, 0.0, 0.99, 1.0, 0.9, patience, seed=1)
    validation = Validation(DATA, CODEC.begin, items=False, limit=500)
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
    loss, _ = trainer.task.loss(trainer.stream.next(), trainer.task.initial_state(4), Context(Randomness(1, 0)))
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
    assert [e.step for e in events if isinstance(e, Evaluated)] == [5, 10, 12]
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
                result = type(result)(result.total * math.nan, result.count)
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
    trainer._validate = lambda task: 1.0
    events = list(train(trainer))
    assert events[-1] == Stopped(15, "patience")  # the first evaluation is the best, two more are not


def test_the_better_of_weights_and_average_is_noted():
    trainer = make_trainer()
    assert trainer.note_evaluation({"weights": 2.0, "average": 1.5})
    assert trainer.best == {"step": 0, "weights": "average", "nats_per_symbol": 1.5}
    assert not trainer.note_evaluation({"weights": 1.6, "average": 1.7})
    assert trainer.stale == 1


def test_a_validation_loss_that_is_not_finite_is_never_the_best():
    trainer = make_trainer()
    assert trainer.note_evaluation({"weights": math.nan, "average": 2.0})
    assert trainer.best["weights"] == "average"
    assert not trainer.note_evaluation({"weights": math.nan, "average": math.inf})
    assert trainer.note_evaluation({"weights": 1.0, "average": math.nan})
    assert trainer.best == {"step": 0, "weights": "weights", "nats_per_symbol": 1.0}


def test_patience_counts_from_the_start_of_a_schedule():
    trainer = make_trainer()
    trainer.note_evaluation({"weights": 1.0})
    trainer.note_evaluation({"weights": 3.0})
    assert trainer.stale == 1
    trainer.begin_schedule(100)
    for loss in (2.5, 2.0, 1.5):  # worse than the best so far, but falling
        assert not trainer.note_evaluation({"weights": loss})
    assert trainer.stale == 0
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
    clock = Clock(deadline=100.0, reserve=5.0, evaluation=5.0, now=lambda: now[0])
    assert clock.steps_left(0.08, 100) == int((100 - 5 - 5) / (0.08 + 5 / 100))
    planned = clock.steps_left(0.08, 100)
    assert clock.corrected(planned, 0.082, 100) == planned
    now[0] = 50.0
    assert clock.corrected(planned, 0.08, 100) == clock.steps_left(0.08, 100)
    now[0] = 200.0
    assert clock.steps_left(0.08, 100) == 0


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
    before = trainer.evaluate()["weights"]
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
    batch = Batch(ids[:, :-1], ids[:, 1:], np.array([6, 2, 4]), np.ones(3, dtype=bool))
    found = {}
    for penalty in (0.0, 2.0):
        task = LanguageModelTask(model, Dropout(output=0.5), penalty=penalty)
        for context in (Context(Randomness(1, 0)), Context()):
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
    whole = Validation(data, codec.begin, items=items, limit=2000)(task)
    monkeypatch.setattr("ostinato.training.validation._LOGITS", 256 * codec.begin * 5)
    cut = Validation(data, codec.begin, items=items, limit=2000)
    assert max(batch.inputs.shape[1] for batch in cut._batches) <= (5 if items else 40 * 8)
    assert cut(task) == pytest.approx(whole, rel=1e-6)
