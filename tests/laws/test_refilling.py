"""Laws of tunes with bars to be filled: what is given stays, what is drawn adds up, and no way leads nowhere."""

import random

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from test_grammar import METERS, TOKENS, drawn

from ostinato.errors import ConfigError
from ostinato.music import parse_meter, parse_tune
from ostinato.music.forms import normal, problems
from ostinato.music.grammar import Grammar
from ostinato.music.refilling import Refill, numbered_bars, parts_of
from ostinato.music.states import Form
from ostinato.music.tokens import simplified, token_places, tokens_of, tune_of

MUSIC = {"z": 0.2, "-": 0.3, "[": 0.2, "(5:2": 0.1, "(2": 0.1, "|": 8.0, "[1": 4.0}


@given(st.sampled_from(METERS), st.integers(0, 2**32))
@example("9/8", 9593)  # a bar that begins with a tie follows one that is filled
@settings(max_examples=40, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
def test_what_is_given_stays_and_the_rest_adds_up(meter, seed):
    source = random.Random(seed)
    tokens = drawn(Grammar(Form(parse_meter(meter), most_bars=6), TOKENS), source, lambda token: MUSIC.get(token, 1.0))
    tune = tune_of([f"M:{meter}", "K:maj", *tokens])
    bars = numbered_bars(tune)
    free = {number for number in bars if source.random() < 0.5} or {min(bars)}
    refill = Refill(tune, free, TOKENS)
    before = [part for part in refill.parts if not part.ticks]
    assert [token for part in parts_of(tune, free) for token in part.tokens] == tokens_of(tune)
    found = [] if refill.parts[0].ticks else list(refill.parts[0].tokens)
    place = refill.begin(found)
    while not refill.accepts(place):
        moves = refill.moves(place)
        assert moves, (found, place)
        assert min(map(refill.fewest, moves.values())) < refill.fewest(place) < 10_000
        if len(found) > 400:  # home, by the shortest way
            moves = dict([min(moves.items(), key=lambda move: refill.fewest(move[1]))])
        token = source.choice(list(moves))
        place = moves[token]
        found.append(token)
    assert refill.moves(place) == {}
    changed = tune_of(found)
    assert problems(changed) == problems(tune) == []
    new = [part.tokens for part in parts_of(changed, free) if not part.ticks]
    assert new == [part.tokens for part in before]


TUNE = parse_tune("X:1\nM:6/8\nL:1/8\nK:C\ng|:c3 e3|g3 c'3|[1 e2f gab|c5:|[2 c'3 g3|c5||")


def test_before_a_tie_there_is_a_note():
    tune = normal(simplified(parse_tune("X:1\nM:2/4\nL:1/8\nK:C\nc4-|c2 d2|]")))
    refill = Refill(tune, [1], ["c", "e", "2", "4", "z", "[", "]", "|"])
    assert set(refill.moves(refill.begin(refill.parts[0].tokens))) == {"c", "e"}
    free = Refill(tune, [2], ["c", "e", "2", "4", "z", "[", "]", "|"])
    assert set(free.moves(free.begin(free.parts[0].tokens))) == {"c", "e", "z", "["}


def test_bars_are_counted_as_players_do():
    simple = normal(simplified(TUNE))
    assert list(numbered_bars(simple)) == [0, 1, 2, 3, 4, 5, 6]
    parts = parts_of(simple, [3])
    assert " ".join(parts[1].tokens) == "e 2 f g a b"
    assert parts[0].tokens[-1] == "[1"
    with pytest.raises(ConfigError, match="the tune has the bars 0 to 6, and no bar 7"):
        parts_of(simple, [3, 7])
    changes = normal(simplified(parse_tune("X:1\nM:6/8\nL:1/8\nK:C\nc3 e3|g3 [K:G] c'3|c6|]")))
    with pytest.raises(ConfigError, match="bar 2 changes key or meter inside"):
        parts_of(changes, [2])
    odd = normal(simplified(parse_tune("X:1\nM:6/8\nL:1/8\nK:C\nc3 e3|Z|c6|]")))
    with pytest.raises(ConfigError, match="bar 2 lasts 3/4, which can only stay"):
        parts_of(odd, [2])
    with pytest.raises(ConfigError, match="cannot be filled"):
        Refill(simple, [0], ["2", "|"])
    assert Refill(simple, [1], ["c", "2"]).parts[1].ticks == 6 * 80_640


def test_places_of_tokens_are_those_of_elements():
    simple = simplified(parse_tune("X:1\nM:6/8\nL:1/8\nR:jig\nK:C\nc3- c2-[ce]|(3efg z3|]"))
    tokens, places = tokens_of(simple), token_places(simple)
    assert places[0] == 3
    assert places[-1] == len(tokens)
    assert [tokens[place] for place in places[:-1]] == ["c", "-", "[", "|", "(3", "e", "f", "g", "z", "|]"]
