"""Rules against their formulas, written out slowly."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ostinato.decode.rules import DEFAULT_ORDER, MinP, Temperature, TopK, TopP, build_rules
from ostinato.errors import ConfigError

rows = st.lists(st.floats(-8, 8), min_size=1, max_size=8)


def kept(rule, logits):
    ruled = rule.apply(torch.tensor([logits], dtype=torch.float64), ())[0]
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
    assert Temperature(2.0).apply(torch.tensor([[1.0, -4.0]]), ()).tolist() == [[0.5, -2.0]]


def test_the_order_is_the_stated_one_unless_another_is_given():
    on = {"temperature": 0.5, "top_k": 3, "top_p": 0.9, "min_p": 0.1}
    assert tuple(rule.name for rule in build_rules(**on)) == DEFAULT_ORDER
    order = ["min-p", "top-p", "top-k", "temperature"]
    assert [rule.name for rule in build_rules(**on, order=order)] == order
    assert [rule.name for rule in build_rules(top_p=0.9, order=order)] == ["top-p"]


def test_the_order_matters():
    logits = torch.tensor([[2.0, 1.0, 0.0]])
    hot_first = build_rules(temperature=4.0, min_p=0.5)
    hot_last = build_rules(temperature=4.0, min_p=0.5, order=["min-p", "temperature"])
    survivors = []
    for rules in (hot_first, hot_last):
        ruled = logits
        for rule in rules:
            ruled = rule.apply(ruled, ())
        survivors.append(int(ruled.isfinite().sum()))
    assert survivors == [3, 1]


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
            "unknown rule 'topp' in --rules; did you mean 'top-p'? Known: min-p, temperature, top-k, top-p",
        ),
        (
            {"top_p": 0.5, "top_k": 2, "order": ["top-p"]},
            "--rules top-p must name each rule that is on exactly once; on are: top-k, top-p",
        ),
    ],
)
def test_what_is_out_of_range_is_refused_with_the_way_out(options, message):
    with pytest.raises(ConfigError) as caught:
        build_rules(**options)
    assert str(caught.value) == message
