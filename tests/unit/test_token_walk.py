"""Constraints over tokens, in a search."""

import numpy as np
import pytest
import torch

from ostinato.codecs import TokenCodec
from ostinato.decode.constraints import TokenWalk
from ostinato.decode.pipeline import RuleSettings
from ostinato.errors import ConfigError
from ostinato.models import LanguageModel
from ostinato.music import Meter
from ostinato.music.forms import problems
from ostinato.music.grammar import Grammar
from ostinato.music.states import Form
from ostinato.music.tokens import tune_of
from ostinato.workshop.generation import Generation

TOKENS = ["C", "D", "E", "G", "c", "2", "4", "6", "/2", "3", ">", "(3", "-", "|", "|:", ":|", "||", "|]", "[1", "[2"]


class Alternating:
    """a and b in turn, at least two."""

    def begin(self, prompt):
        return (prompt[-1] if prompt else "b", len(prompt))

    def moves(self, state):
        last, count = state
        token = "a" if last == "b" else "b"
        return {token: (token, min(2, count + 1))}

    def accepts(self, state):
        return state[1] == 2

    def fewest(self, state):
        return 2 - state[1]


def test_a_walk_gives_numbers_to_states_as_they_come():
    walk = TokenWalk(Alternating(), ["a", "b", "c"], 4)
    (moved,) = walk.move(np.array([walk.begin(b"")]))
    assert (moved >= 0).tolist() == [True, False, False, False]
    (after,) = walk.move(moved[:1])
    assert (after >= 0).tolist() == [False, True, False, False]
    assert walk.accepts(np.array([0, moved[0], after[1]])).tolist() == [False, False, True]
    assert walk.fewest(np.array([0, moved[0], after[1]])).tolist() == [2, 1, 0]
    assert walk.begin(b"a ") == moved[0]


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    codec = TokenCodec(TOKENS, end=True)
    return codec, LanguageModel(codec.size, core="lstm", layers=1, hidden_size=16, embedding_size=8).eval()


@pytest.mark.parametrize("bars", [2, 4])
def test_every_tune_that_a_search_writes_adds_up(model, bars):
    codec, network = model
    grammar = Grammar(Form(Meter(6, 8), parts=(True, False), bars=bars), TOKENS)
    rules = RuleSettings(automaton=grammar, temperature=1.3)
    run = Generation(codec, network, [""] * 40, length=120, seed=1, rules=rules)
    found = run.finish()
    assert len({sample.text for sample in found}) == 40
    for sample in found:
        assert sample.ending in ("end", "length")  # at the length a tune has just come to its end
        assert problems(tune_of(["M:6/8", "K:maj", *sample.text.split()])) == []


def test_too_short_a_length_is_refused(model):
    codec, network = model
    rules = RuleSettings(automaton=Grammar(Form(Meter(6, 8), parts=(True,), bars=8), TOKENS))
    with pytest.raises(ConfigError, match=r"may need up to 25 symbols, but the length is 20"):
        Generation(codec, network, [""], length=20, seed=1, rules=rules)
