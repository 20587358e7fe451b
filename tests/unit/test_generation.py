"""Writing several texts: pieces, going on, and what a sample says of itself."""

import pytest

from ostinato.decode.pipeline import RuleSettings
from ostinato.decode.searching import SearchSettings
from ostinato.errors import ConfigError


def test_leaving_the_loop_and_finishing_gives_the_same_as_never_leaving(text_model):
    whole = text_model.generate_many(["the "], length=40, seed=3).finish()
    run = text_model.generate_many(["the "], length=40, seed=3, pace=1)
    for number, _ in enumerate(run):
        if number == 7:
            break
    assert run.samples()[0].symbols == 8
    assert run.finish() == whole


def test_pieces_joined_are_the_texts(text_model):
    run = text_model.generate_many(["the ", "a"], samples=2, length=30, seed=3, stop=["og"])
    pieces = list(run)
    for row, sample in enumerate(run.samples()):
        assert "".join(step[row] for step in pieces) == sample.text


def test_symbols_and_log_prob_count_the_stop_string_that_was_drawn(text_model):
    (sample,) = text_model.generate_many(
        ["the cat sat on the m"], length=60, settings=SearchSettings(greedy=True), stop=[" t"], precision="fp32"
    ).finish()
    assert sample.finished
    assert sample.symbols == len(sample.text) + len(" t")
    whole, before = text_model.score(sample.prompt + sample.text + " t"), text_model.score(sample.prompt)
    assert sample.log_prob == pytest.approx(whole.log_prob - before.log_prob, abs=1e-3)


def test_rows_of_one_call_are_rows_of_calls_of_their_own(text_model):
    rules = RuleSettings(temperature=0.7)
    together = text_model.generate_many(["the ", "on"], samples=2, length=25, seed=10, rules=rules).finish()
    for row, prompt in enumerate(["the ", "the ", "on", "on"]):
        (alone,) = text_model.generate_many([prompt], length=25, seed=10 + row, rules=rules).finish()
        assert (alone.text, alone.seed) == (together[row].text, together[row].seed)


@pytest.mark.parametrize(
    ("options", "others"), [({"seed": 1}, "a seed"), ({"samples": 3, "rules": RuleSettings(top_k=2)}, "top-k, several")]
)
def test_greedy_goes_with_nothing_random(text_model, options, others):
    with pytest.raises(ConfigError, match=f"it cannot go with {others}"):
        text_model.generate_many([""], settings=SearchSettings(greedy=True), **options)


def test_an_interrupted_text_does_not_say_what_its_constraint_removed(text_model):
    run = text_model.generate_many(["the "], length=30, seed=1, match="[a-z ]*", pace=1)
    for step, _ in enumerate(run):
        if step == 5:
            break
    (sample,) = run.samples()
    assert (sample.symbols, sample.log_kept, sample.removed, sample.finished) == (6, None, None, False)
    (sample,) = run.finish()
    assert sample.log_kept < 0
    assert 0 < sample.removed < 1
