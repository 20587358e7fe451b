"""Constraints over tokens, in a search."""

import random

import numpy as np
import pytest
import torch

from ostinato.codecs import TokenCodec
from ostinato.decode.constraints import LayeredWalk, TokenWalk, token_walk
from ostinato.decode.pipeline import RuleSettings
from ostinato.errors import ConfigError
from ostinato.families.text.generation import Generation
from ostinato.families.text.network import LanguageModel
from ostinato.music import Meter
from ostinato.music.forms import problems
from ostinato.music.grammar import Grammar
from ostinato.music.states import Form
from ostinato.music.tokens import tune_of

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


@pytest.mark.parametrize("last", [frozenset(), frozenset({"C", "c"})])
@pytest.mark.parametrize("parts", [None, (True, False)])
def test_layers_are_put_together_as_the_automaton_moves(parts, last):
    grammar = Grammar(Form(Meter(6, 8), parts=parts, bars=3, last=last, titled=True), [*TOKENS, "T:", "`a"])
    tokens = ["other", *TOKENS, "T:", "`a"]
    walk = token_walk(grammar, tokens, len(tokens) + 1)
    assert isinstance(walk, LayeredWalk)
    source = random.Random(1)
    for _ in range(20):
        number, state = walk.begin(b""), grammar.begin([])
        for _ in range(80):
            (row,) = walk.move(np.array([number]))
            moves = grammar.moves(state)
            assert {tokens[symbol] for symbol in np.flatnonzero(row >= 0)} == set(moves)
            assert walk.accepts(np.array([number]))[0] == grammar.accepts(state)
            assert walk.fewest(np.array([number]))[0] == grammar.fewest(state)
            if not moves:
                break
            token = source.choice(sorted(moves))
            number, state = row[tokens.index(token)], moves[token]


def test_many_states_at_once_are_each_alone():
    grammar = Grammar(Form(Meter(2, 4), parts=(True,), bars=2), TOKENS)
    walk = token_walk(grammar, TOKENS, len(TOKENS))
    frontier, widest = np.array([walk.begin(b"")]), 0
    for _ in range(6):
        moved = walk.move(frontier)
        alone = [walk.move(frontier[place : place + 1])[0] for place in range(len(frontier))]
        np.testing.assert_array_equal(moved, alone)
        frontier = np.unique(moved[moved >= 0])
        widest = max(widest, len(frontier))
        frontier = frontier[:40]
    assert widest > 40


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
