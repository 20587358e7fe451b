"""Search against exhaustive enumeration, on a model small enough to enumerate."""

import itertools
import math

import numpy as np
import pytest
import torch

from ostinato.decode.noise import Uniform, threefry
from ostinato.decode.pipeline import RuleSettings
from ostinato.decode.reference import ReferenceWriter
from ostinato.decode.rules.base import Memoryless
from ostinato.decode.rules.symbols import LogitBias
from ostinato.decode.search import search
from ostinato.decode.searching import SearchSettings
from ostinato.decode.strategies import Beam, Greedy, Lengths, Sampling, StochasticBeam, importance_weights
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
    """All hypotheses of every prompt, best first."""
    writer = ReferenceWriter(model, prompts, strategy, rules, length=length, end=end)
    while writer.go_on() is not None:
        pass
    assert all(not writer.live(prompt) for prompt in range(len(prompts)))
    return [writer.ended(prompt) for prompt in range(len(prompts))]


def singles(model, strategy, prompts, rules=(), length=LONGEST, end=END):
    """The symbols and the scores of searches that give one hypothesis for each prompt."""
    found = run(model, strategy, prompts, rules, length, end)
    assert all(len(hypotheses) == 1 for hypotheses in found)
    return [h.symbols for (h,) in found], [h.score for (h,) in found]


def rules_of(**options):
    return list(RuleSettings(**options)._without_codec().values())


def test_the_oracle_is_a_distribution():
    assert math.isclose(sum(math.exp(score) for _, score in Tree(0).everything(1)), 1.0)


@pytest.mark.parametrize("seed", range(5))
def test_greedy_takes_the_best_symbol_at_every_step(seed):
    model = Tree(seed)
    (found,), (score,) = singles(model, Greedy(), [[1]])
    line, expected = 1, []
    while len(expected) < LONGEST and END not in expected:
        expected.append(int(model.table[line].argmax()))
        line = line * SIZE + expected[-1]
    assert found == tuple(expected)
    assert score == pytest.approx(model.score(found, 1))


def assert_frequencies(found, model):
    """Pearson's chi-squared test at 1 in 10,000; texts that are expected less than five times count as one."""
    expected = {symbols: len(found) * math.exp(score) for symbols, score in model.everything(1)}
    assert set(found) <= set(expected)
    pairs = [(count, found.count(symbols)) for symbols, count in expected.items()]
    often = [pair for pair in pairs if pair[0] >= 5]
    rest = [sum(column) for column in zip(*(pair for pair in pairs if pair[0] < 5), strict=True)]
    cells = [*often, rest] if rest and rest[0] > 0 else often
    statistic = sum((seen - count) ** 2 / count for count, seen in cells)
    degrees = len(cells) - 1
    # Wilson and Hilferty's approximation of the quantile.
    bar = degrees * (1 - 2 / (9 * degrees) + 3.72 * math.sqrt(2 / (9 * degrees))) ** 3
    assert statistic < bar, (statistic, degrees)


@pytest.mark.parametrize("seed", [3, 4])
def test_samples_occur_as_often_as_they_are_probable(seed):
    model, draws = Tree(seed), 20_000
    found, _ = singles(model, Sampling(tuple(range(draws))), [[1]] * draws)
    assert_frequencies(found, model)
    with pytest.raises(AssertionError):  # the test can fail
        assert_frequencies(found, Tree(seed + 10))


@pytest.mark.parametrize("temperature", [None, 0.5, 3.0])
def test_a_score_is_the_models_own_whatever_the_temperature(temperature):
    model = Tree(4)
    rules = rules_of(temperature=temperature, top_k=2)
    found, scores = singles(model, Sampling(tuple(range(50))), [[1]] * 50, rules)
    assert scores == pytest.approx([model.score(symbols, 1) for symbols in found])


def test_a_sample_depends_on_its_seed_alone_not_on_the_batch_around_it():
    model = Tree(5)
    together, scores = singles(model, Sampling((7, 3, 9)), [[1], [2], [1]])
    for row, (seed, first) in enumerate([(7, 1), (3, 2), (9, 1)]):
        (alone,), (score,) = singles(model, Sampling((seed,)), [[first]])
        assert alone == together[row]
        assert score == pytest.approx(scores[row])


def test_rules_are_applied_in_order_and_what_they_forbid_is_never_drawn():
    model = Tree(6)
    found, _ = singles(model, Sampling(tuple(range(200))), [[1]] * 200, rules_of(top_k=1))
    assert set(found) == {singles(model, Greedy(), [[1]])[0][0]}


def test_a_tempered_distribution_is_drawn_from():
    model, draws = Tree(7), 20_000
    found, _ = singles(model, Sampling(tuple(range(draws))), [[1]] * draws, rules_of(temperature=0.5), length=1)
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


ALL = sum(2**n for n in range(LONGEST)) + 2**LONGEST  # sequences of at most LONGEST symbols


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("lengths", [Lengths(), Lengths(1.0), Lengths(0.6, "gnmt")])
def test_a_wide_enough_beam_finds_every_sequence_in_order(seed, lengths):
    model = Tree(seed)
    (found,) = run(model, Beam(width=SIZE**LONGEST, lengths=lengths, best=ALL), [[1]])

    def worth(item):
        n = len(item[0])
        return item[1] / (n**lengths.power if lengths.formula == "power" else ((5 + n) / 6) ** lengths.power)

    expected = sorted(model.everything(1), key=worth, reverse=True)
    assert [h.symbols for h in found] == [symbols for symbols, _ in expected]
    assert [h.score for h in found] == pytest.approx([score for _, score in expected])
    assert [h.rank for h in found] == pytest.approx([worth(item) for item in expected])
    assert {h.ending for h in found} == {"end", "length"}


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("lengths", [Lengths(), Lengths(1.0), Lengths(0.6, "gnmt")])
@pytest.mark.parametrize(("width", "best"), [(2, 1), (3, 2), (27, 3)])
def test_stopping_early_changes_no_result(seed, lengths, width, best):
    model = Tree(seed)
    (stopped,) = run(model, Beam(width, lengths, best=best), [[1]])
    (patient,) = run(model, Beam(width, lengths, best=best, patience=1e5), [[1]])
    assert stopped[:best] == patient[:best]
    assert len(stopped) <= len(patient)


def test_stopping_early_saves_steps():
    model = Tree(1)
    steps = [
        sum(1 for _ in search(model, [[1]], Beam(4, patience=patience), (), length=LONGEST, end=END))
        for patience in (None, 1e5)
    ]
    assert sum(
        sum(1 for _ in search(Tree(seed), [[1]], Beam(4), (), length=LONGEST, end=END)) < LONGEST + 1
        for seed in range(10)
    )
    assert steps[0] <= steps[1]


def test_patience_stops_at_so_many_hypotheses():
    for seed in range(10):
        (found,) = run(Tree(seed), Beam(4, patience=0.5), [[1]])
        (longer,) = run(Tree(seed), Beam(4, patience=1e5), [[1]])
        assert len(found) >= 2
        assert len(found) <= len(longer)


@pytest.mark.parametrize("seed", range(20))
def test_a_beam_of_one_is_greedy(seed):
    model = Tree(seed)
    (found,) = run(model, Beam(1), [[1]])
    (greedy,), _ = singles(model, Greedy(), [[1]])
    assert found[0].symbols == greedy


def by_hand(model, first, width):
    """Plain beam search, written out slowly: the live beginnings after every step, and what has ended."""
    live, ended = [((), 0.0)], []
    for _ in range(LONGEST):
        candidates = sorted(
            (((*symbols, s), model.score((*symbols, s), first)) for symbols, _ in live for s in range(SIZE)),
            key=lambda item: -item[1],
        )
        ended += [item for item in candidates[:width] if item[0][-1] == END]
        live = [item for item in candidates if item[0][-1] != END][:width]
    return sorted(ended + live, key=lambda item: -item[1])


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("width", [2, 3, 5])
def test_a_narrow_beam_is_the_textbooks(seed, width):
    model = Tree(seed)
    (found,) = run(model, Beam(width, best=width, patience=1e5), [[1]])
    expected = by_hand(model, 1, width)
    assert [h.symbols for h in found] == [symbols for symbols, _ in expected]


@pytest.mark.parametrize(
    "strategy",
    [Beam(3), Beam(4, groups=2, strength=0.7), Beam(4, Lengths(1.0), best=3), Greedy()],
    ids=["beam", "diverse", "normalised", "greedy"],
)
def test_a_batch_of_prompts_is_each_alone(strategy):
    model = Tree(8)
    together = run(model, strategy, [[1], [2], [1, 2]])
    for row, prompt in enumerate([[1], [2], [1, 2]]):
        (alone,) = run(model, strategy, [prompt])
        assert [(h.symbols, h.rank) for h in alone] == [(h.symbols, h.rank) for h in together[row]]


@pytest.mark.parametrize("make", [lambda seeds: StochasticBeam(3, seeds), lambda seeds: Beam(3, seeds=seeds)])
def test_a_drawn_beam_depends_on_its_seed_alone(make):
    model = Tree(9)
    together = run(model, make((5, 6, 7)), [[1], [2], [1]])
    for row, (seed, first) in enumerate([(5, 1), (6, 2), (7, 1)]):
        (alone,) = run(model, make((seed,)), [[first]])
        assert [h.symbols for h in alone] == [h.symbols for h in together[row]]
    many = run(model, make(tuple(range(20))), [[1]] * 20)
    assert len({tuple(h.symbols for h in found) for found in many}) > 1


@pytest.mark.parametrize("seed", range(10))
def test_a_diverse_beam_of_strength_0_is_groups_of_plain_beams(seed):
    model = Tree(seed)
    (plain,) = run(model, Beam(2, best=2), [[1]])
    (groups,) = run(model, Beam(6, best=2, groups=3), [[1]])
    assert [h.symbols for h in groups] == [h.symbols for h in plain for _ in range(3)]


@pytest.mark.parametrize("seed", range(10))
def test_a_diverse_beam_takes_what_the_formula_says(seed):
    """Three groups of one: each takes the best symbol after its own history, less what earlier groups took."""
    model, strength = Tree(seed), 1.3
    (found,) = run(model, Beam(3, groups=3, strength=strength, patience=1e5), [[1]], end=None)
    histories = [(), (), ()]
    for _ in range(LONGEST):
        taken = [0] * SIZE
        for group, history in enumerate(histories):
            line = 1
            for symbol in history:
                line = line * SIZE + symbol
            worth = [model.table[line, s].item() - strength * taken[s] for s in range(SIZE)]
            best = max(range(SIZE), key=worth.__getitem__)
            taken[best] += 1
            histories[group] = (*history, best)
    assert sorted(h.symbols for h in found) == sorted(histories)
    assert [h.score for h in found] == pytest.approx([model.score(h.symbols, 1) for h in found])


def sampled_without_replacement(model, k, runs):
    return run(model, StochasticBeam(k, tuple(range(runs))), [[1]] * runs)


def test_stochastic_beams_hold_different_sequences_with_the_right_inclusion_probabilities():
    """Against the exact probability that a sequence is among k drawn without replacement."""
    model, k, runs = Tree(3), 2, 4000
    everything = dict(model.everything(1))
    p = {symbols: math.exp(score) for symbols, score in everything.items()}
    counts = dict.fromkeys(p, 0)
    firsts = dict.fromkeys(p, 0)
    searches = sampled_without_replacement(model, k, runs)
    assert_frequencies([found[0].symbols for found in searches], model)
    for found in searches:
        chosen = [h.symbols for h in found[:k]]
        assert len(set(chosen)) == k
        firsts[chosen[0]] += 1
        for symbols in chosen:
            counts[symbols] += 1
    for symbols, own in p.items():
        second = sum(q * own / (1 - q) for other, q in p.items() if other != symbols)
        for expected, count in ((own, firsts[symbols]), (own + second, counts[symbols])):
            assert abs(count / runs - expected) < 5 * math.sqrt(expected * (1 - expected) / runs) + 1e-9


@pytest.mark.parametrize("k", [1, 3, 8])
def test_the_estimator_of_stochastic_beams_is_unbiased(k):
    model, runs = Tree(4), 4000

    def f(symbols):
        return len(symbols) + 2.0 * (symbols[0] == 1)

    exact = sum(math.exp(score) * f(symbols) for symbols, score in model.everything(1))
    estimates, ones = [], []
    for found in sampled_without_replacement(model, k, runs):
        weights = importance_weights([h.score for h in found[:k]], [h.rank for h in found[: k + 1]])
        estimates.append(sum(w * f(h.symbols) for w, h in zip(weights, found[:k], strict=True)))
        ones.append(sum(weights))
    for values, truth in ((estimates, exact), (ones, 1.0)):
        error = np.std(values) / math.sqrt(runs)
        assert abs(np.mean(values) - truth) < 5 * error
    assert np.std(ones) > 0


def test_a_stochastic_beam_as_wide_as_the_world_holds_all_of_it():
    model = Tree(5)
    (found,) = run(model, StochasticBeam(ALL + 5, (1,)), [[1]])
    assert sorted(h.symbols for h in found) == sorted(symbols for symbols, _ in model.everything(1))
    weights = importance_weights([h.score for h in found], [h.rank for h in found])
    assert sum(weights) == pytest.approx(1.0)


def test_a_drawn_beam_of_one_is_sampling():
    model, runs = Tree(3), 4000
    found = [h[0].symbols for h in run(model, Beam(1, seeds=tuple(range(runs)), patience=1e5), [[1]] * runs)]
    assert_frequencies(found, model)


def test_what_all_that_can_win_agree_on_is_told_as_soon_as_it_is_certain():
    for seed in range(20):
        model, told = Tree(seed), []
        writer = ReferenceWriter(model, [[1]], Beam(3), (), length=LONGEST, end=END)
        while (certain := writer.go_on()) is not None:
            told += certain[0]
            best = writer.ended(0)[:1]
            assert all(symbols[: len(told)] == tuple(told) for symbols, _ in writer.live(0))
            assert all(h.symbols[: len(told)] == tuple(told) for h in best)
        assert tuple(told) == writer.ended(0)[0].symbols


def test_a_row_that_has_no_symbol_left_is_stuck_and_loses_to_all_others():
    class Ban(Memoryless):
        name = "ban"

        def may_exhaust(self, *, is_first):
            return True

        def apply(self, logits, state, at):
            return logits.masked_fill(torch.tensor([True, at.step > 0, at.step > 1]), -math.inf), state

    (found,) = run(Tree(1), Beam(3, best=3), [[1]], [Ban()])
    assert {h.ending for h in found} == {"stuck"}
    assert all(len(h.symbols) == 2 for h in found)
    ((hypothesis,),) = run(Tree(1), Sampling((1,)), [[1]], [Ban()])
    assert hypothesis.ending == "stuck"


# How probable <end>, a and z are after <end>, a, z, and at the beginning.
AFTER = torch.tensor([[1.0, 0, 0], [0.0001, 0.0001, 0.9998], [1, 0, 0], [0.5, 0.499, 0.001]]).double().log()


class Chain:
    """A model of three symbols: what follows each, written down."""

    def start(self, prompts):
        return AFTER[[3] * len(prompts)], torch.zeros(len(prompts))

    def step(self, symbols, state):
        return AFTER[symbols], torch.zeros(len(symbols))


def test_a_beam_whose_totals_may_rise_goes_on_to_the_end():
    """What ends at once is best until a bias lifts what comes two symbols later."""
    settings = RuleSettings(bias={"z": 2.0})
    assert settings.may_rise()
    rules = [LogitBias(((2, 2.0),))]
    strategy = SearchSettings(beam=3).strategy([], settings)
    (found,) = run(Chain(), strategy, [[]], rules)
    assert found[0].symbols == (1, 2, END)
    (careless,) = run(Chain(), Beam(3), [[]], rules)
    assert careless[0].symbols != found[0].symbols
    for options in ({"bias": {"z": -1.0}}, {"presence_penalty": 0.5}, {"end_bias": -1.0}):
        assert not RuleSettings(**options).may_rise()
    for options in ({"presence_penalty": -0.5}, {"frequency_penalty": -1.0}, {"end_bias": 1.0}):
        assert RuleSettings(**options).may_rise()


@pytest.mark.parametrize("seed", range(20))
def test_groups_that_avoid_each_other_stop_together(seed):
    model = Tree(seed)
    (stopped,) = run(model, Beam(6, best=3, groups=3, strength=2.0), [[1]])
    (patient,) = run(model, Beam(6, best=3, groups=3, strength=2.0, patience=1e5), [[1]])
    assert [h.symbols for h in stopped[:3]] == [h.symbols for h in patient[:3]]


def test_what_got_stuck_takes_no_place_in_a_stochastic_beam():
    class DeadEnds(Memoryless):
        name = "dead-ends"

        def may_exhaust(self, *, is_first):
            return True

        def apply(self, logits, state, at):
            return logits.masked_fill(
                torch.tensor([False, at.step == 1, at.step == 1]) & (logits < -0.5), -math.inf
            ), state

    for seed in range(10):
        (found,) = run(Tree(seed), StochasticBeam(3, (seed,)), [[1]], [DeadEnds()])
        whole = [h for h in found if h.ending != "stuck"]
        assert len(whole) >= min(3, len(whole))
        assert all(h.ending == "stuck" for h in found[len(whole) :])


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


def uniform(seeds, step):
    """The definition of the draw's noise: the first word of (step, 0) under (seed, 0), its upper 53 bits."""
    key = np.array([seed % 2**64 for seed in seeds], dtype=np.uint64)
    words, _ = threefry(np.full_like(key, step), np.zeros_like(key), key, np.zeros_like(key))
    return (words >> np.uint64(11)).astype(np.float64) * 2.0**-53


def test_noise_is_uniform_and_differs_by_seed_and_step():
    noise = np.concatenate([uniform(range(1000), step) for step in range(10)])
    assert ((noise >= 0) & (noise < 1)).all()
    assert len(set(noise.tolist())) == 10_000
    counts, _ = np.histogram(noise, bins=20, range=(0, 1))
    assert ((counts - 500) ** 2 / 500).sum() < 43.8  # chi-squared with 19 degrees, p = 0.001
    assert Uniform([-1]).at(0) == Uniform([2**64 - 1]).at(0)
    blocks = Uniform(range(5))
    for step in (0, 1, 63, 64, 200, 3):
        assert blocks.at(step).tolist() == uniform(range(5), step).tolist()


def test_a_heads_own_draw_is_the_draw_from_its_distribution():
    torch.manual_seed(0)
    head = SoftmaxHead(4, 5)
    y, noise = torch.randn(200, 4), torch.linspace(0, 0.999, 200)
    found = head.sample(y, noise)
    assert torch.equal(found, draw(head.log_probs(y).double(), noise))
    assert set(found.tolist()) == set(range(5))
    assert torch.allclose(head.log_prob(y, found), head.log_probs(y).gather(1, found[:, None])[:, 0])
