"""The optimisers, beside their formulas written out slowly; and a run with each goes on byte for byte."""

import numpy as np
import pytest
import torch

import ostinato
from ostinato.errors import ConfigError
from ostinato.runs import RunFolder
from ostinato.training.optimizers import OPTIMIZERS, new_optimizer
from ostinato.training.settings import TrainSettings

RATE, DECAY, MOMENTUM = 0.1, 0.02, 0.9
SMALL = {"hidden_size": 12, "embedding_size": 6, "batch_size": 4, "window": 8, "precision": "float32", "patience": None}


def settings(name, **given):
    usual = {
        "learning_rate": RATE, "weight_decay": DECAY, "beta2": 0.99, "clip": 1.0, "average": 0.0, "patience": None,
        "seed": 1,
    }  # fmt: skip
    return TrainSettings(**{**usual, "optimizer": name, "momentum": MOMENTUM, **given})


def slow_rmsprop(weights, gradients):
    n, m, move = (np.zeros_like(weights) for _ in range(3))
    for g in gradients:
        n, m = 0.95 * n + 0.05 * g * g, 0.95 * m + 0.05 * g
        move = MOMENTUM * move - RATE * g / np.sqrt(n - m * m + 1e-4)
        weights = weights * (1 - RATE * DECAY) + move
    return weights


def slow_momentum(weights, gradients):
    move = np.zeros_like(weights)
    for g in gradients:
        move = MOMENTUM * move - RATE * g
        weights = weights * (1 - RATE * DECAY) + move
    return weights


def slow_adagrad(weights, gradients):
    total = np.zeros_like(weights)
    for g in gradients:
        total = total + g * g
        weights = weights * (1 - RATE * DECAY) - RATE * g / (np.sqrt(total) + 1e-10)
    return weights


@pytest.mark.parametrize(
    ("name", "slow"), [("rmsprop", slow_rmsprop), ("sgd", slow_momentum), ("adagrad", slow_adagrad)]
)
def test_an_optimizer_moves_as_its_formula_says_and_is_restored(name, slow):
    draw = np.random.default_rng(1)
    first, gradients = draw.standard_normal((3, 4)), draw.standard_normal((6, 3, 4))
    weights = torch.from_numpy(first.copy()).requires_grad_()
    optimizer = new_optimizer({"w": weights}, settings(name))
    for number, gradient in enumerate(gradients):
        if number == 3:  # another one goes on from its state
            arrays, optimizer = optimizer.arrays(), new_optimizer({"w": weights}, settings(name))
            optimizer.restore(arrays)
        weights.grad = torch.from_numpy(gradient.copy())
        optimizer.step(RATE)
    np.testing.assert_allclose(weights.detach().numpy(), slow(first, gradients), rtol=1e-12)
    optimizer.clear_gradients()
    assert weights.grad is None


def test_vectors_do_not_decay_and_what_has_no_gradient_stays():
    vector, still = torch.ones(3, requires_grad=True), torch.ones(2, 2, requires_grad=True)
    optimizer = new_optimizer({"v": vector, "s": still}, settings("sgd"))
    vector.grad = torch.zeros(3)
    optimizer.step(RATE)
    assert torch.equal(vector, torch.ones(3))
    assert torch.equal(still, torch.ones(2, 2))
    assert set(optimizer.arrays()) == {"move.v"}


def test_an_unknown_optimizer_is_refused_by_name():
    with pytest.raises(ConfigError, match="'adam'"):
        new_optimizer({}, settings("adam"))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_run_learns_and_resumes_byte_for_byte(name, corpora, tmp_path):
    rate = {"adamw": 1e-2, "rmsprop": 1e-2, "sgd": 0.5, "adagrad": 0.1}[name]
    order = {
        "steps": 60, "threads": 1, "settings": {**SMALL, "optimizer": name, "learning_rate": rate, "weight_decay": 0.0},
    }  # fmt: skip
    whole = ostinato.train(str(corpora / "cats.txt"), out=tmp_path / "whole", **order)
    losses = [event.nats_per_symbol for event in whole if type(event).__name__ == "Stepped"]
    assert np.mean(losses[-5:]) < 0.9 * losses[0]
    part = ostinato.train(str(corpora / "cats.txt"), out=tmp_path / "part", **order)
    for event in part:
        if event.step == 31:
            break
    part.save()
    ostinato.resume(tmp_path / "part").to_end()
    ends = [RunFolder(tmp_path / run).load(60).snapshot for run in ("whole", "part")]
    for kind in ("weights", "optimizer", "average"):
        first, second = (vars(end)[kind] for end in ends)
        assert all(first[name].tobytes() == second[name].tobytes() for name in first)
