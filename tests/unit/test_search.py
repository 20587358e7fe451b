"""Search against exhaustive enumeration, on a model small enough to enumerate."""

import itertools
import math

import numpy as np
import pytest
import torch

from ostinato.decode.noise import threefry, uniform
from ostinato.decode.rules import build_rules
from ostinato.decode.search import Greedy, Sample, search
from ostinato.models import SoftmaxHead, draw

END, SIZE, LONGEST = 0, 3, 4


class Tree:
    """A model that is a table with one line per history, so a state carried to the wrong row shows."""

    def __init__(self, seed):
        lines = torch.randn(SIZE ** (LONGEST + 2), SIZE, generator=torch.Generator().manual_seed(seed)).double()
        self.table = (2 * lines).log_softmax(dim=-1)

    def start(self, prompts):
        line = torch.tensor([prompt[-1] for prompt in prompts])
        return self.table[line], line

    def step(self, symbols, state):
        line = state * SIZE + symbols
        return self.table[line], line

    def score(self, symbols, first):
        line, score = first, 0.0
        for symbol in symbols:
            score += self.table[line, symbol].item()
            line = line * SIZE + symbol
        return score

    def everything(self, first):
        """Every sequence of at most LONGEST symbols with its log-probability; they share out probability 1."""
        for length in range(LONGEST + 1):
            for symbols in itertools.product(range(1, SIZE), repeat=length):
                whole = (*symbols, END)[:LONGEST]
                yield whole, self.score(whole, first)


def run(model, strategy, prompts, rules=(), length=LONGEST, end=END):
    """Rows of symbols up to the end symbol, and the last scores."""
    choices = list(search(model, prompts, strategy, rules, length=length, end=end))
    rows = torch.stack([choice.symbols for choice in choices], dim=1).tolist()
    cut = [tuple(row[: row.index(end) + 1] if end in row else row) for row in rows]
    return cut, choices[-1].scores.tolist()


def test_the_oracle_is_a_distribution():
    assert math.isclose(sum(math.exp(score) for _, score in Tree(0).everything(1)), 1.0)


@pytest.mark.parametrize("seed", range(5))
def test_greedy_takes_the_best_symbol_at_every_step(seed):
    model = Tree(seed)
    (found,), (score,) = run(model, Greedy(), [[1]])
    line, expected = 1, []
    while len(expected) < LONGEST and END not in expected:
        expected.append(int(model.table[line].argmax()))
        line = line * SIZE + expected[-1]
    assert found == tuple(expected)
    assert score == pytest.approx(model.score(found, 1))


def test_samples_occur_as_often_as_they_are_probable():
    model, draws = Tree(3), 20_000
    found, _ = run(model, Sample(tuple(range(draws))), [[1]] * draws)
    for symbols, score in model.everything(1):
        p = math.exp(score)
        assert abs(found.count(symbols) / draws - p) < 5 * math.sqrt(p * (1 - p) / draws) + 1e-9


@pytest.mark.parametrize("temperature", [None, 0.5, 3.0])
def test_a_score_is_the_models_own_whatever_the_temperature(temperature):
    model = Tree(4)
    rules = build_rules(temperature=temperature, top_k=2)
    found, scores = run(model, Sample(tuple(range(50))), [[1]] * 50, rules)
    assert scores == pytest.approx([model.score(symbols, 1) for symbols in found])


def test_a_sample_depends_on_its_seed_alone_not_on_the_batch_around_it():
    model = Tree(5)
    together, scores = run(model, Sample((7, 3, 9)), [[1], [2], [1]])
    for row, (seed, first) in enumerate([(7, 1), (3, 2), (9, 1)]):
        (alone,), (score,) = run(model, Sample((seed,)), [[first]])
        assert alone == together[row]
        assert score == pytest.approx(scores[row])


def test_rules_are_applied_in_order_and_what_they_forbid_is_never_drawn():
    model = Tree(6)
    found, _ = run(model, Sample(tuple(range(200))), [[1]] * 200, build_rules(top_k=1))
    assert set(found) == {run(model, Greedy(), [[1]])[0][0]}


def test_a_tempered_distribution_is_drawn_from():
    model, draws = Tree(7), 20_000
    found, _ = run(model, Sample(tuple(range(draws))), [[1]] * draws, build_rules(temperature=0.5), length=1)
    expected = (model.table[1] / 0.5).softmax(dim=-1).tolist()
    for symbol, p in enumerate(expected):
        assert abs(found.count((symbol,)) / draws - p) < 5 * math.sqrt(p * (1 - p) / draws)


def test_the_draw_inverts_the_distribution_function_in_id_order():
    probabilities = torch.tensor([[0.25, 0.0, 0.5, 0.25]]).double()
    for noise, expected in [(0.0, 0), (0.2499, 0), (0.25, 2), (0.7499, 2), (0.75, 3), (1 - 2**-53, 3)]:
        assert draw(probabilities.log(), torch.tensor([noise]).double()).item() == expected


def test_the_draw_never_falls_on_a_forbidden_last_symbol():
    logits = torch.tensor([[0.1, 0.2, -math.inf]]).double()
    assert draw(logits, torch.tensor([1 - 2**-53]).double()).item() == 1


def test_threefry_gives_the_known_answers_of_random123():
    def words(*values):
        return [np.array([value], dtype=np.uint64) for value in values]

    # kat_vectors of Random123 1.14: threefry2x64, 20 rounds
    for counter, key, answer in [
        ((0, 0), (0, 0), (0xC2B6E3A8C2C69865, 0x6F81ED42F350084D)),
        ((2**64 - 1,) * 2, (2**64 - 1,) * 2, (0xE02CB7C4D95D277A, 0xD06633D0893B8B68)),
        (
            (0x243F6A8885A308D3, 0x13198A2E03707344),
            (0xA4093822299F31D0, 0x082EFA98EC4E6C89),
            (0x263C7D30BB0F0AF1, 0x56BE8361D3311526),
        ),
    ]:
        found = threefry(*words(*counter), *words(*key))
        assert tuple(int(word[0]) for word in found) == answer


def test_noise_is_uniform_and_differs_by_seed_and_step():
    noise = np.concatenate([uniform(range(1000), step) for step in range(10)])
    assert ((noise >= 0) & (noise < 1)).all()
    assert len(set(noise.tolist())) == 10_000
    counts, _ = np.histogram(noise, bins=20, range=(0, 1))
    assert ((counts - 500) ** 2 / 500).sum() < 43.8  # chi-squared with 19 degrees, p = 0.001
    assert uniform([-1], 0) == uniform([2**64 - 1], 0)


def test_a_heads_own_draw_is_the_draw_from_its_distribution():
    torch.manual_seed(0)
    head = SoftmaxHead(4, 5)
    y, noise = torch.randn(200, 4), torch.linspace(0, 0.999, 200)
    found = head.sample(y, noise)
    assert torch.equal(found, draw(head.log_probs(y).double(), noise))
    assert set(found.tolist()) == set(range(5))
    assert torch.allclose(head.log_prob(y, found), head.log_probs(y).gather(1, found[:, None])[:, 0])
