"""Rules against their formulas, written out slowly."""

import math
import warnings

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ostinato.codecs import CharacterCodec
from ostinato.cores.state import select_rows
from ostinato.decode.pipeline import RuleSettings
from ostinato.decode.rules.base import At
from ostinato.decode.rules.repetition import CountPenalty, Dry, NoRepeat, RepetitionPenalty
from ostinato.decode.rules.shaping import parse_temperature
from ostinato.decode.rules.symbols import EndControl, LogitBias
from ostinato.decode.rules.truncation import Epsilon, Eta, MinP, Mirostat, TopK, TopP, Typical
from ostinato.errors import ConfigError
from ostinato.models import draw

NOW = At(0, 10)
rows = st.lists(st.floats(-8, 8), min_size=1, max_size=8)


def kept(rule, logits):
    ruled = rule.apply(torch.tensor([logits], dtype=torch.float64), (), NOW)[0][0]
    survivors = [i for i, value in enumerate(ruled.tolist()) if value > -math.inf]
    assert all(ruled[i].item() == logits[i] for i in survivors)
    return survivors


def softmax(logits):
    weights = [math.exp(value - max(logits)) for value in logits]
    return [weight / sum(weights) for weight in weights]


@given(logits=rows, k=st.integers(1, 10))
def test_top_k_keeps_exactly_k_with_ties_going_to_the_lower_id(logits, k):
    ranked = sorted(range(len(logits)), key=lambda i: (-logits[i], i))
    assert kept(TopK(k), logits) == sorted(ranked[:k])


@given(logits=rows, p=st.floats(0.01, 0.99))
def test_top_p_keeps_the_fewest_most_probable_that_reach_p(logits, p):
    probabilities = softmax(logits)
    ranked = sorted(range(len(logits)), key=lambda i: (-logits[i], i))
    survivors = kept(TopP(p), logits)
    assert survivors == sorted(ranked[: len(survivors)])
    mass = sum(probabilities[i] for i in survivors)
    assert mass >= p - 1e-9
    assert mass - probabilities[ranked[len(survivors) - 1]] < p + 1e-9


@given(logits=rows, share=st.floats(0.001, 1))
def test_min_p_keeps_what_is_probable_enough_beside_the_best(logits, share):
    probabilities = softmax(logits)
    for i in range(len(logits)):
        ratio = probabilities[i] / max(probabilities)
        if abs(ratio - share) > 1e-9:
            assert (i in kept(MinP(share), logits)) == (ratio > share)


def test_top_p_of_one_and_top_k_of_all_keep_everything():
    assert kept(TopP(1.0), [0.0, 1.0, -30.0]) == [0, 1, 2]
    assert kept(TopK(9), [0.0, 1.0, -30.0]) == [0, 1, 2]


def test_temperature_divides():
    assert apply(parse_temperature(2.0), [1.0, -4.0]).tolist() == [0.5, -2.0]


def apply(rule, logits, before=(), at=NOW):
    """What a rule makes of one row of logits, after these symbols."""
    state = rule.initial_state([list(before)])
    return rule.apply(torch.tensor([logits], dtype=torch.float64), state, at)[0][0]


def chain(options):
    return list(RuleSettings(**options)._without_codec().values())


def test_the_order_is_the_stated_one_unless_another_is_given():
    on = {"temperature": 0.5, "top_k": 3, "top_p": 0.9, "min_p": 0.1}
    assert RuleSettings(**on).names() == ("temperature", "top-k", "top-p", "min-p")
    order = ["min-p", "top-p", "top-k", "temperature"]
    assert RuleSettings(**on, order=order).names() == tuple(order)
    assert RuleSettings(top_p=0.9, order=order).names() == ("top-p",)
    built = RuleSettings(**on, order=order).build(CharacterCodec("abc"), [""], 5)
    assert [rule.name for rule in built] == order


def test_the_order_matters():
    logits = torch.tensor([[2.0, 1.0, 0.0]])
    survivors = []
    for order in (None, ["min-p", "temperature"]):
        ruled = logits
        for rule in RuleSettings(temperature=4.0, min_p=0.5, order=order).build(CharacterCodec("abc"), [""], 5):
            ruled, _ = rule.apply(ruled, (), NOW)
        survivors.append(int(ruled.isfinite().sum()))
    assert survivors == [3, 1]


def test_a_temperature_may_follow_a_schedule_in_straight_lines():
    schedule = parse_temperature("2:1.0,6:0.5,7:2")
    assert [schedule.at(step) for step in (0, 2, 4, 6, 7, 100)] == [1.0, 1.0, 0.75, 0.5, 2.0, 2.0]
    assert apply(schedule, [1.0, 3.0], at=At(4, 10)).tolist() == [1 / 0.75, 4.0]


def entropy(p):
    return -sum(x * math.log(x) for x in p)


@given(logits=rows, mass=st.floats(0.05, 0.95))
def test_typical_keeps_what_is_nearest_the_entropy_until_the_mass_is_reached(logits, mass):
    p = softmax(logits)
    distance = [abs(-math.log(x) - entropy(p)) for x in p]
    ranked = sorted(range(len(p)), key=distance.__getitem__)
    survivors = kept(Typical(mass), logits)
    assert max(distance[i] for i in survivors) <= distance[ranked[len(survivors) - 1]] + 1e-9
    assert sum(p[i] for i in survivors) >= mass - 1e-9
    assert sum(p[i] for i in ranked[: len(survivors) - 1]) < mass + 1e-9


@given(logits=rows, bar=st.floats(0.001, 0.9))
def test_epsilon_and_eta_keep_what_is_above_their_bars_and_the_best(logits, bar):
    p = softmax(logits)
    for rule, least in ((Epsilon(bar), bar), (Eta(bar), min(bar, math.sqrt(bar) * math.exp(-entropy(p))))):
        survivors = kept(rule, logits)
        for i, x in enumerate(p):
            if abs(x - least) > 1e-9 and abs(x - max(p)) > 1e-9:
                assert (i in survivors) == (x > least)
        assert p.index(max(p)) in survivors or max(p) in [p[i] for i in survivors]


def test_mirostat_follows_its_algorithm_step_by_step():
    """Three steps by hand: the bar starts at twice the target and moves by rate times the excess surprise."""
    rule, logits = Mirostat(2.0, 0.5), [math.log(x) for x in (0.5, 0.25, 0.15, 0.07, 0.03)]
    state, mu = rule.initial_state([[]]), 4.0
    for drawn in (1, 0, 0):
        ruled, state = rule.apply(torch.tensor([logits], dtype=torch.float64), state, NOW)
        allowed = {i for i in range(5) if -logits[i] / math.log(2) <= mu} | {0}
        assert {i for i, x in enumerate(ruled[0].tolist()) if x > -math.inf} == allowed
        state = rule.advance(torch.tensor([drawn]), state)
        mu -= 0.5 * (-logits[drawn] / math.log(2) - 2.0)
        assert state.mu.item() == pytest.approx(mu)


def test_mirostat_steers_long_runs_to_its_target():
    rule = Mirostat(1.5, 0.1)
    logits = torch.tensor([[math.log(x) for x in (0.3, 0.2, 0.2, 0.1, 0.1, 0.06, 0.04)]], dtype=torch.float64)
    state, surprises = rule.initial_state([[]]), []
    noise = torch.rand(4000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for number in noise:
        ruled, state = rule.apply(logits, state, NOW)
        symbols = draw(ruled, number[None])
        surprises.append(-logits[0, symbols.item()].item() / math.log(2))
        state = rule.advance(symbols, state)
    assert sum(surprises[500:]) / 3500 == pytest.approx(1.5, abs=0.25)


def test_the_repetition_penalty_divides_what_is_positive_and_multiplies_what_is_negative():
    found = apply(RepetitionPenalty(2.0, window=3), [3.0, -1.0, 4.0, -2.0, 1.0], before=[4, 0, 1, 1])
    assert found.tolist() == [1.5, -2.0, 4.0, -2.0, 1.0]  # 4 is out of the window


def test_presence_and_frequency_take_off_what_they_say():
    rule = CountPenalty(presence=0.5, frequency=0.25, window=4)
    assert apply(rule, [0.0] * 3, before=[0, 1, 1, 0, 1]).tolist() == [-0.75, -1.25, 0.0]
    assert apply(rule, [0.0] * 3).tolist() == [0.0] * 3


@given(before=st.lists(st.integers(0, 2), max_size=12), n=st.integers(1, 4))
def test_no_repeat_forbids_what_would_complete_a_sequence_that_stands_there(before, n):
    found = apply(NoRepeat(n), [0.0] * 3, before=before)
    grams = {tuple(before[i : i + n]) for i in range(len(before) - n + 1)}
    for symbol in range(3):
        last = tuple(before[len(before) - n + 1 :]) if n > 1 else ()
        forbidden = len(last) == n - 1 and (*last, symbol) in grams
        assert (found[symbol].item() == -math.inf) == forbidden


@given(before=st.lists(st.integers(0, 3), max_size=14), allowed=st.integers(1, 3))
def test_dry_punishes_by_the_longest_repeat_that_a_symbol_would_make_longer(before, allowed):
    breaker = 3
    found = apply(Dry(0.8, 1.5, allowed, breakers=(breaker,)), [0.0] * 4, before=before)
    longest = [0] * 4
    for place in range(len(before) - 1):
        size = 0
        while size <= place and before[place - size] == before[len(before) - 1 - size] != breaker:
            size += 1
        longest[before[place + 1]] = max(longest[before[place + 1]], size)
    expected = [-0.8 * 1.5 ** (n - allowed) if n >= allowed else 0.0 for n in longest]
    assert found.tolist() == pytest.approx(expected)


def test_rules_that_look_back_move_on_with_their_rows():
    for rule in (NoRepeat(2), RepetitionPenalty(1.5), CountPenalty(0.5), Dry(1.0), NoRepeat(2, window=5)):
        state = rule.initial_state([[0, 1], [1, 1, 2]])
        state = select_rows(state, torch.tensor([1, 1, 0]))
        state = rule.advance(torch.tensor([0, 2, 1]), state)
        logits = torch.zeros(3, 3, dtype=torch.float64)
        together, _ = rule.apply(logits, state, NOW)
        for row, before in enumerate(([1, 1, 2, 0], [1, 1, 2, 2], [0, 1, 1])):
            assert torch.equal(together[row], apply(rule, [0.0] * 3, before=before))


def test_a_bias_is_added_and_the_end_waits():
    assert apply(LogitBias(((1, 2.0), (2, -math.inf))), [0.0] * 3).tolist() == [0.0, 2.0, -math.inf]
    assert apply(EndControl(2, least=3, bias=1.0), [0.0] * 3, at=At(2, 9)).tolist() == [0.0, 0.0, -math.inf]
    assert apply(EndControl(2, least=3, bias=1.0), [0.0] * 3, at=At(3, 9)).tolist() == [0.0, 0.0, 1.0]
    assert apply(EndControl(2, least=None), [0.0] * 3, at=At(8, 9)).tolist() == [0.0, 0.0, -math.inf]


@pytest.fixture(scope="module")
def peers():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("transformers.generation.logits_process")


BEFORE = [1, 4, 1, 2, 7, 1, 4]


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(
    ("ours", "theirs", "options"),
    [
        (lambda: parse_temperature(0.7), "TemperatureLogitsWarper", {"temperature": 0.7}),
        (lambda: TopK(4), "TopKLogitsWarper", {"top_k": 4}),
        (lambda: TopP(0.8), "TopPLogitsWarper", {"top_p": 0.8}),
        (lambda: MinP(0.1), "MinPLogitsWarper", {"min_p": 0.1}),
        (lambda: Typical(0.6), "TypicalLogitsWarper", {"mass": 0.6}),
        (lambda: Epsilon(0.05), "EpsilonLogitsWarper", {"epsilon": 0.05}),
        (lambda: Eta(0.2), "EtaLogitsWarper", {"epsilon": 0.2}),
        (lambda: RepetitionPenalty(1.3, window=99), "RepetitionPenaltyLogitsProcessor", {"penalty": 1.3}),
        (lambda: NoRepeat(3), "NoRepeatNGramLogitsProcessor", {"ngram_size": 3}),
        (lambda: LogitBias(((3, 1.5),)), "SequenceBiasLogitsProcessor", {"sequence_bias": {(3,): 1.5}}),
        (lambda: EndControl(5, least=3), "MinNewTokensLengthLogitsProcessor", {"end": 5}),
    ],
)
def test_a_rule_agrees_with_the_one_of_transformers(peers, seed, ours, theirs, options):
    logits = 3 * torch.randn(1, 9, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    if "end" in options:
        other = peers.MinNewTokensLengthLogitsProcessor(len(BEFORE), 3, options["end"], device="cpu")
    else:
        other = getattr(peers, theirs)(**options)
    expected = other(torch.tensor([BEFORE]), logits.clone())[0]
    torch.testing.assert_close(apply(ours(), logits[0].tolist(), before=BEFORE), expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"temperature": 0.0},
            "temperature must be a finite number above 0, got 0; "
            "for the most probable symbol at each step, use --greedy",
        ),
        (
            {"temperature": math.nan},
            "temperature must be a finite number above 0, got nan; "
            "for the most probable symbol at each step, use --greedy",
        ),
        ({"top_p": 2.0}, "top-p must be above 0 and at most 1, got 2"),
        ({"top_p": 0.0}, "top-p must be above 0 and at most 1, got 0"),
        ({"top_k": 0}, "top-k must be at least 1, got 0; leave it out to keep all symbols"),
        ({"min_p": -1.0}, "min-p must be above 0 and at most 1, got -1"),
        (
            {"order": ["topp"]},
            "unknown rule 'topp' in --rules; did you mean 'top-p'? Known: bias, constraint, dry, end, epsilon, eta, "
            "max-copy, min-p, mirostat, no-repeat, presence-frequency, repetition, temperature, top-k, top-p, typical",
        ),
        ({"typical": 1.5}, "typical must be above 0 and at most 1, got 1.5"),
        ({"epsilon": 0.0}, "epsilon must be above 0 and at most 1, got 0"),
        ({"eta": -0.1}, "eta must be above 0 and at most 1, got -0.1"),
        ({"mirostat": 0.0}, "the target of mirostat must be above 0 bits, got 0"),
        ({"mirostat": 2.0, "mirostat_rate": 3.0}, "the rate of mirostat must be above 0 and at most 1, got 3"),
        ({"mirostat_rate": 0.3}, "mirostat-rate is for mirostat, which is not given"),
        (
            {"mirostat": 2.0, "top_k": 3, "min_p": 0.1},
            "mirostat chooses itself how much of the tail to cut; it cannot go with top-k, min-p: leave them out",
        ),
        (
            {"top_k": 1, "temperature": 0.5},
            "top-k 1 leaves one symbol, so temperature can change nothing; leave one or the other out",
        ),
        ({"repetition_penalty": 0.0}, "the repetition penalty must be above 0 (1 is off), got 0"),
        ({"repetition_penalty": 1.0}, "repetition-penalty 1 changes nothing; leave it out"),
        ({"presence_penalty": 0.0}, "presence-penalty 0 changes nothing; leave it out"),
        ({"frequency_penalty": math.inf}, "the frequency penalty must be a finite number, got inf"),
        (
            {"penalty_window": 5},
            "penalty-window is for repetition-penalty, presence-penalty, frequency-penalty, which is not given",
        ),
        (
            {"presence_penalty": 1.0, "penalty_window": 0},
            "a window must be from 1 to 1,000,000 symbols, got 0; leave it out for the usual one",
        ),
        ({"no_repeat": 0}, "no-repeat must be at least 1 symbol, got 0"),
        ({"dry": 0.0}, "the multiplier of dry must be above 0, got 0"),
        ({"dry": 1.0, "dry_base": 0.5}, "the base of dry must be at least 1, got 0.5"),
        ({"dry": 1.0, "dry_allowed": 0}, "the allowed length of dry must be at least 1, got 0"),
        ({"dry_base": 2.0}, "dry-base is for dry, which is not given"),
        (
            {"no_end": True, "min_length": 3},
            "no-end forbids the end altogether; it cannot go with min-length or end-bias",
        ),
        (
            {"temperature": "hot"},
            "temperature must be a number such as 0.8, or a schedule POSITION:TEMPERATURE,… such as 0:1.2,40:0.6; "
            "got 'hot'",
        ),
        ({"temperature": "5:1,5:2"}, "the positions of a temperature schedule must rise from 0 on, got [5, 5]"),
        (
            {"top_p": 0.5, "top_k": 2, "order": ["top-p"]},
            "--rules top-p must name each rule that is on exactly once; on are: top-k, top-p",
        ),
    ],
)
def test_what_is_out_of_range_is_refused_with_the_way_out(options, message):
    with pytest.raises(ConfigError) as caught:
        RuleSettings(**options)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_length": 3}, "min-length: this model writes running text, which has no end; use --length"),
        (
            {"max_copy": 3},
            "max-copy needs the training text, which is in a run folder and not in a model file; give the run folder",
        ),
        (
            {"bias": {"xy": 1.0}},
            "bias: 'xy' is no symbol of this model's characters codec. Of words and subwords, give the space before as "
            "well; to ban what is longer than a symbol, use ban",
        ),
        ({"bias": {"a": math.nan}}, "a bias must be a number of nats, or -inf to ban a symbol"),
        ({"ban": ["a", ""]}, "a banned string must have at least one character, got an empty one"),
    ],
)
def test_what_does_not_fit_the_model_is_refused(options, message):
    with pytest.raises(ConfigError) as caught:
        RuleSettings(**options).build(CharacterCodec("abc"), [""], 5)
    assert str(caught.value) == message


def test_min_length_is_at_most_the_length():
    with pytest.raises(ConfigError, match="min-length must be from 1 to the length, 5; got 6"):
        RuleSettings(min_length=6).build(CharacterCodec("abc", end=True), [""], 5)
