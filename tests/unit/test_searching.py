"""Search settings: every combination that is refused, with its exact message; and what the Python face makes of it."""

import math

import pytest

from ostinato.decode.pipeline import RuleSettings
from ostinato.decode.searching import SearchSettings
from ostinato.decode.strategies import Lengths
from ostinato.errors import ConfigError
from ostinato.families.text.choosing import best_of, sort_options


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"n_best": 2, "draw": True},
            "n-best, draw is for a beam search, and none is asked for; give beam, such as beam 8",
        ),
        ({"gnmt": 0.0}, "gnmt is for a beam search, and none is asked for; give beam, such as beam 8"),
        ({"greedy": True, "beam": 4}, "greedy, beam are different searches; choose one"),
        ({"beam": 4, "best_of": 3, "exact": True}, "beam, best-of, exact are different searches; choose one"),
        ({"beam": 4, "diverse": 2, "draw": True}, "diverse, draw are different kinds of beam search; choose one"),
        ({"by": "total"}, "by is for best-of, which is not given"),
        ({"beam": 4, "strength": 1.0}, "strength is for diverse, which is not given"),
        ({"beam": 0}, "beam must be from 1 to 10000, got 0"),
        ({"beam": 4, "n_best": 5}, "n-best 5 is more than the beam of 4 can give; widen the beam"),
        ({"beam": 5, "diverse": 2}, "a beam of 5 cannot be shared out among 2 groups of equal size"),
        ({"beam": 4, "diverse": 2, "strength": -1.0}, "strength must be a number of nats from 0 on, got -1"),
        ({"beam": 4, "patience": 0.0}, "patience must be above 0, got 0"),
        (
            {"beam": 4, "length_power": 1.0, "gnmt": 0.6},
            "length-power and gnmt are two formulas for the same; choose one",
        ),
        (
            {"beam": 4, "diverse": 1},
            "diverse 1 is a single group, which has no other to avoid; leave it out, or give more",
        ),
        ({"best_of": 1}, "best-of 1 chooses among one; leave it out, or give more"),
        (
            {"beam": 4, "stochastic": True, "length_power": 1.0},
            "stochastic beam search gives exactly beam samples, without replacement; length-power would make them "
            "others: leave it out",
        ),
    ],
)
def test_settings_that_do_not_go_together_are_refused(options, message):
    with pytest.raises(ConfigError) as caught:
        SearchSettings(**options)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("search", "rules", "others", "message"),
    [
        (
            {"greedy": True},
            {"temperature": 0.5, "top_k": 3, "mirostat": None},
            {},
            "greedy search takes the most probable symbol, always; it cannot go with temperature, top-k",
        ),
        (
            {"greedy": True},
            {},
            {"seed": 1, "samples": 2},
            "greedy search takes the most probable symbol, always; it cannot go with a seed, several samples",
        ),
        (
            {"beam": 4},
            {"temperature": 0.5},
            {"seed": 3},
            "a beam search draws nothing, and temperature, a seed is for drawing; leave it out, or add draw or "
            "stochastic",
        ),
        ({"beam": 4}, {}, {"samples": 2}, "a beam gives its best with n-best, not with several samples; use n-best 2"),
        (
            {},
            {"match": "a"},
            {"stop": ["b"]},
            "a stop string cuts the text before it, and what is left might not fulfil the constraint; leave stop "
            "out, or say in the constraint how the text ends",
        ),
        (
            {"exact": True},
            {"match": "a", "temperature": 0.5, "top_k": 2},
            {},
            "exact sampling is from the model's own distribution, which temperature, top-k would change; leave it out",
        ),
        (
            {"exact": True},
            {},
            {},
            "exact sampling is for constraints, and none is given; without one, sampling is exact",
        ),
    ],
)
def test_a_search_that_does_not_go_with_the_rest_is_refused(search, rules, others, message):
    options = {"samples": 1, "seed": None, "stop": ()} | others
    with pytest.raises(ConfigError) as caught:
        SearchSettings(**search).check(RuleSettings(**rules), **options)
    assert str(caught.value) == message


@pytest.mark.parametrize("power", [-0.1, math.nan, 1e9])
def test_the_power_of_a_normalisation_has_a_range(power):
    with pytest.raises(ConfigError, match="the power of length normalisation must be at least 0 and under 100, got"):
        Lengths(power)


def test_options_by_name_are_sorted_to_where_they_belong():
    search, rules, others = sort_options({"beam": 3, "top_k": 2, "length": 5})
    assert (search.beam, rules.top_k, others) == (3, 2, {"length": 5})
    with pytest.raises(ConfigError, match=r"unknown option 'temprature' in generate; did you mean 'temperature'\?"):
        sort_options({"temprature": 1.0})


def test_the_best_of_several_is_by_the_score_that_is_asked_for(text_model):
    found = text_model.generate_all(["the "], samples=6, length=12, seed=4, stop=["."])
    assert best_of(found, 6, "total") == [max(found, key=lambda s: s.log_prob)]
    assert best_of(found, 3, "per-symbol") == [
        max(three, key=lambda s: s.log_prob / s.symbols) for three in (found[:3], found[3:])
    ]
    assert best_of(found, 6, lambda sample: -len(sample.text))[0].text == min((s.text for s in found), key=len)
    options = {"length": 12, "seed": 4, "stop": ["."], "best_of": 6}
    assert text_model.generate_all(["the "], **options) == best_of(found, 6, "total")
    shortest = text_model.generate("the ", by=lambda sample: -len(sample.text), **options)
    assert len(shortest.text) == min(len(sample.text) for sample in found)


def test_what_would_be_ignored_is_refused(text_model):
    for options, message in (
        ({"rules": RuleSettings(top_k=5), "temperature": 0.1}, "rules are given whole, so temperature belongs in them"),
        ({"settings": SearchSettings(), "beam": 3}, "settings are given whole, so beam belongs in them"),
        ({"samples": 3, "length": 2}, "generate gives one text, and 3 are asked for; use generate_all"),
        ({"end_bias": math.nan}, "end-bias must be a finite number of nats, got nan; no-end forbids the end"),
        ({"temperature": 1e-310}, "temperature must be at least 1e-06, got 1e-310; --greedy is colder still"),
        ({"ban": ["\udcff"]}, "'\\udcff' has what is no character: '\\udcff'"),
    ):
        with pytest.raises(ConfigError) as caught:
            text_model.generate(**options)
        assert str(caught.value) == message
    with pytest.raises(ConfigError, match="there is no prompt to go on from; an empty text is one too"):
        text_model.generate_all([])
    with pytest.raises(ConfigError, match="exact sampling is for constraints, and none is given"):
        text_model.exact_method("")


def test_a_stochastic_beam_that_is_stuck_or_interrupted_still_tells_what_it_has(text_model):
    (stuck,) = text_model.generate_all(["the "], beam=1, stochastic=True, no_repeat=1, match="[a]+", length=9, seed=1)
    assert stuck.ending == "stuck"
    run = text_model.generate_many(["the "], beam=3, stochastic=True, length=30, seed=1)
    next(iter(run))
    assert run.samples()[0].symbols == 1


def test_the_same_text_of_two_groups_is_given_once(text_model):
    found = text_model.generate_all(["the "], beam=4, diverse=2, strength=0.0, n_best=3, length=10)
    assert len({sample.text for sample in found}) == len(found)


def test_what_needs_whole_texts_cannot_be_streamed(text_model):
    for options in ({"best_of": 3}, {"exact": True, "match": "a"}):
        with pytest.raises(ConfigError, match="best_of and exact need whole texts; use generate_all"):
            text_model.generate_many([""], **options)


def test_a_beam_streams_the_text_that_it_ends_with(text_model):
    for options in (
        {"beam": 4},
        {"beam": 4, "length_power": 1.0},
        {"beam": 4, "diverse": 2},
        {"beam": 3, "stop": ["."]},
    ):
        streamed = "".join(text_model.stream("the ", length=30, **options))
        assert streamed == text_model.generate("the ", length=30, **options).text
        run = text_model.generate_many(["the "], length=30, **options)
        pieces = [step[0] for step in run]
        assert sum(1 for piece in pieces if piece) > 1  # it comes bit by bit


def test_a_beams_scores_are_those_of_the_same_text_scored(text_model, item_model):
    for model, prompt in ((text_model, "the "), (item_model, "")):
        for sample in model.generate_all([prompt], beam=6, n_best=4, length=20, precision="fp32"):
            whole = model.score(sample.prompt + sample.text).log_prob
            before = model.score(prompt).log_prob if prompt else 0.0
            if sample.ending == "end" or model is text_model:
                assert sample.log_prob == pytest.approx(whole - before, abs=1e-3)
            assert sample.rank == pytest.approx(sample.log_prob, abs=1e-6)


def test_stochastic_samples_differ_and_tell_their_weights(text_model):
    samples = text_model.generate_all(["the "], beam=5, stochastic=True, length=12, seed=1)
    assert len({sample.text for sample in samples}) == 5
    assert all(sample.weight > 0 for sample in samples)
    ruled = text_model.generate_all(["the "], beam=5, stochastic=True, length=12, seed=1, temperature=0.5)
    assert {sample.weight for sample in ruled} == {None}


def test_a_wider_beam_is_not_worse_here(text_model):
    scores = [text_model.generate("the ", beam=width, length=25).log_prob for width in (1, 4, 16)]
    assert scores == sorted(scores)
