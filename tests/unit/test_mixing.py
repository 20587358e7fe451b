"""Mixtures and the neural cache beside their equations, written with loops."""

import math

import numpy as np
import pytest

from ostinato.decode.mixing import Mixture, NeuralCache


def opinions(experts, places, symbols, seed=0):
    logits = np.random.default_rng(seed).standard_normal((experts, places, symbols))
    return logits - np.log(np.exp(logits).sum(axis=2, keepdims=True))


def test_a_mixture_is_its_equations():
    log_probs, ids = opinions(3, 20, 5), np.random.default_rng(1).integers(0, 5, size=20)
    mixture = Mixture(3, rate=0.1)
    found = mixture.read(log_probs, ids)
    weights = np.array([0.6, 0.2, 0.2])
    for place, symbol in enumerate(ids):
        mixed = np.exp((weights[:, None] * log_probs[:, place]).sum(axis=0))
        shares = mixed / mixed.sum()
        assert found[place] == pytest.approx(math.log(shares[symbol]))
        step = [own[symbol] - (shares * own).sum() for own in log_probs[:, place]]
        weights = weights + 0.1 * np.array(step)
    np.testing.assert_allclose(mixture.weights, weights)


def test_the_step_of_a_mixture_is_the_gradient_of_its_log_probability():
    log_probs, nudge = opinions(2, 1, 4), 1e-6
    values = []
    for change in (-nudge, nudge):
        mixture = Mixture(2, rate=0.0)
        mixture.weights[1] += change
        values.append(mixture.read(log_probs, np.array([2]))[0])
    mixture = Mixture(2, rate=1.0)
    mixture.read(log_probs, np.array([2]))
    assert mixture.weights[1] - 0.4 == pytest.approx((values[1] - values[0]) / (2 * nudge), rel=1e-5)


def test_one_opinion_stays_what_it_is():
    log_probs, ids = opinions(1, 6, 4), np.array([0, 1, 2, 3, 0, 1])
    np.testing.assert_allclose(Mixture(1, rate=0.0).read(log_probs, ids), log_probs[0, np.arange(6), ids])


def test_who_is_right_is_trusted_more():
    ids = np.random.default_rng(2).integers(0, 4, size=300)
    good = np.log(np.where(np.eye(4)[ids] > 0, 0.7, 0.1))
    mixture = Mixture(2, rate=0.02)
    found = mixture.read(np.stack([opinions(1, 300, 4)[0], good]), ids)
    assert mixture.weights[1] > 0.6 > 0.3 > mixture.weights[0]
    assert found[-50:].mean() > math.log(0.6)


def slow_cache(outputs, ids, symbols, size, flatness):
    found = []
    for t in range(len(ids)):
        scale = flatness / np.mean([y @ y for y in outputs[: t + 1]])
        shares = np.zeros(symbols)
        for i in range(max(0, t - size), t):
            shares[ids[i]] += math.exp(scale * (outputs[t] @ outputs[i]))
        even = np.full(symbols, 1 / symbols)
        found.append(0.99 * shares / shares.sum() + 0.01 * even if t else even)
    return np.log(found)


@pytest.mark.parametrize("size", [7, 40])
@pytest.mark.parametrize("cuts", [[], [1, 4, 5, 17]])
def test_the_neural_cache_is_its_equation_however_the_text_is_cut(cuts, size):
    random = np.random.default_rng(3)
    outputs, ids = random.standard_normal((30, 6)).astype(np.float32), random.integers(0, 4, size=30)
    cache = NeuralCache(4, size=size, flatness=2.0)
    parts = zip(np.split(outputs, cuts), np.split(ids, cuts), strict=True)
    found = np.concatenate([cache.log_probs(*part) for part in parts])
    np.testing.assert_allclose(found, slow_cache(outputs, ids, 4, size, 2.0), rtol=1e-5)


def test_the_neural_cache_forgets_what_is_older_than_its_size():
    outputs = np.ones((12, 3), dtype=np.float32)
    cache = NeuralCache(3, size=2)
    found = np.exp(cache.log_probs(outputs, np.array([0] * 8 + [1] * 4)))
    assert found[8, 0] > 0.99
    assert found[10, 1] > 0.99
