"""Laws of the grammar of tunes: whatever is drawn by it adds up, no way leads nowhere, and real tunes are taken."""

import random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ostinato.music import Broken, Meter, parse_meter, parse_tune, write_tune
from ostinato.music.filling import NEVER, TICKS, Filling
from ostinato.music.forms import normal, problems, sections
from ostinato.music.grammar import Grammar
from ostinato.music.states import Form
from ostinato.music.tokens import simplified, tokens_of, tune_of

TOKENS = [
    "C", "D", "E", "F", "G", "A", "B", "c", "d", "e", "f", "g", "a", "b", "c'", "^f", "_B", "z", "2", "3", "4",
    "6", "8", "/2", "/4", "3/2", "3/4", ">", "<", ">>", "(3", "(2", "(5:2", "(6", "-", "[", "]", "[1", "[2", "[3",
    "|", "||", "|]", "|:", ":|", "::", "[K:G]", "M:6/8", "K:maj", "{", "}", "~", "Z2", "5",
    "T:", "`a", "`B", "`_", "--",
]  # fmt: skip
PHASES = [Phase.explicit, Phase.reuse, Phase.generate]  # what is drawn from a seed cannot be made smaller
METERS = ["6/8", "4/4", "2/4", "3/4", "9/8", "12/8", "2/2", "3/2"]


def drawn(grammar, random_source, weight=lambda token: 1.0):
    """A tune by random tokens, of which the grammar says which are allowed."""
    state, tokens = grammar.start, []
    while not (grammar.accepts(state) and (len(tokens) > 60 or random_source.random() < 0.3)):
        ways = [(token, after) for token in TOKENS if (after := grammar.step(state, token)) is not None]
        if len(tokens) > 300:  # home, by the shortest way
            ways = [min(ways, key=lambda way: grammar.fewest(way[1]))]
        if not ways:
            assert grammar.accepts(state), (tokens, state)
            break
        token, state = random_source.choices(ways, [weight(token) for token, _ in ways])[0]
        tokens.append(token)
    return tokens


forms = st.builds(
    Form,
    meter=st.sampled_from(METERS).map(parse_meter),
    parts=st.one_of(st.none(), st.lists(st.booleans(), min_size=1, max_size=3).map(tuple)),
    most_parts=st.one_of(st.none(), st.integers(1, 4)),
    bars=st.one_of(st.none(), st.integers(2, 8)),
    most_bars=st.one_of(st.none(), st.integers(2, 12)),
    last=st.sampled_from([frozenset(), frozenset({"C", "c"})]),
    titled=st.booleans(),
)


@given(forms, st.integers(0, 2**32), st.booleans())
@settings(max_examples=60, deadline=None, phases=PHASES)
def test_whatever_is_drawn_adds_up(form, seed, music_like):
    odd = {"z": 0.2, "-": 0.2, "[": 0.2, "(5:2": 0.1, "(2": 0.1, "|": 8.0, "[1": 4.0} if music_like else {}
    tokens = drawn(Grammar(form, TOKENS), random.Random(seed), lambda token: odd.get(token, 1.0))
    tune = tune_of([f"M:{form.meter.name}", "K:maj", *tokens])
    assert problems(tune) == []
    assert bool(tune.title) == form.titled
    assert tune.title == " ".join(tune.title.split())
    assert normal(tune) == tune
    for place, element in enumerate(tune.body):  # both notes of a broken rhythm are written alike
        if isinstance(element, Broken):
            assert len({one.length for one in (tune.body[place - 1], tune.body[place + 1])}) == 1
    parts = sections(tune)
    if form.parts is not None:
        assert tuple(part.repeated for part in parts) == form.parts
    if form.parts is not None or form.most_parts:
        assert len(parts) <= (form.most_parts if form.parts is None else len(form.parts))
    for part in parts:
        assert part.length == form.bars if form.bars else part.length <= (form.most_bars or part.length)
        assert len({len(ending) for ending in part.endings}) <= 1
    if form.last:
        assert next(token for token in reversed(tokens) if token[0] in "ABCDEFGabcdefg^_=z]") in form.last
    assert parse_tune(write_tune(tune)).body == tune.body


@given(st.sampled_from(METERS), st.integers(0, 2**32))
@settings(max_examples=30, deadline=None, phases=PHASES)
def test_the_way_home_is_as_long_as_is_said_at_most(meter, seed):
    grammar = Grammar(Form(parse_meter(meter), parts=(True, False), bars=4), TOKENS)
    random_source, state = random.Random(seed), grammar.start
    for _ in range(random_source.randrange(60)):
        ways = [after for token in TOKENS if (after := grammar.step(state, token)) is not None]
        if not ways:
            break
        state = random_source.choice(ways)
    left = grammar.fewest(state)
    while not grammar.accepts(state):
        state = min(
            (after for token in TOKENS if (after := grammar.step(state, token)) is not None), key=grammar.fewest
        )
        assert grammar.fewest(state) <= left - 1
        left -= 1


TUNE = """X:1
M:4/4
L:1/8
K:Ador
|:e2dB A2Bd|e2dB ABcd|(3efe dB A2Bd|1gedB A4:|2gedB A2Bc||d4 B4|d>ef2- f2ed|[ce]2dB cBA2|gedB A4|]
"""


def refused(text):
    """Which token of a tune the grammar refuses first; ``None``: it takes all of them, and the end."""
    tokens = tokens_of(normal(simplified(parse_tune(text))))
    grammar = Grammar(Form(Meter(4, 4)), sorted({*tokens, "|:", "||"}))
    state = grammar.start
    for place, token in enumerate(tokens[2:]):
        state = grammar.step(state, token)
        if state is None:
            return place, token
    return None if grammar.accepts(state) else (len(tokens), "")


def test_real_tunes_are_taken_and_wrong_ones_are_not():
    assert refused(TUNE) is None
    assert refused(TUNE.replace("ABcd|(3", "ABc|(3"))[1] == "|"
    assert refused(TUNE.replace("ABcd|(3", "ABcde|(3"))[1] == "g"  # relative to C
    assert refused(TUNE.replace("2gedB", "2gedB A4|gedB"))[1] == "|"  # the endings differ in length
    assert refused(TUNE.replace("f2- f2", "f2- g2"))[1] == "--"  # a tie goes to the same note


def test_time_that_cannot_be_filled_is_known():
    filling = Filling([2 * TICKS, 3 * TICKS // 2])
    assert [filling.fewest(n * TICKS // 2) for n in (0, 1, 2, 3, 4, 5, 6, 9)] == [0, NEVER, 1, 2, 2, 3, 3, 5]
    assert filling.fewest(2 * TICKS, 3, 2, 3) == 3  # a triplet of eighths
    assert filling.fewest(TICKS // 2, 0, 1, 1, 1) == 1  # the second of a > b
    assert filling.fewest(TICKS // 2, 0, 1, 1, -1) == NEVER  # of a < b: it lasts 3/2 at least
    assert filling.fewest(-TICKS) == NEVER


@given(forms, st.integers(0, 2**32))
@settings(max_examples=20, deadline=None, phases=PHASES)
def test_moves_are_the_steps_that_are_allowed(form, seed):
    grammar, random_source = Grammar(form, TOKENS), random.Random(seed)
    plain, state = Grammar(form, TOKENS), grammar.start
    for _ in range(25):
        moves = grammar.moves(state)
        assert moves == {token: after for token in TOKENS if (after := plain.step(state, token)) is not None}
        if not moves:
            break
        state = random_source.choice(list(moves.values()))


def walked(grammar, text):
    state = grammar.start
    for token in text.split():
        state = grammar.step(state, token)
        assert state is not None, token
    return state


@pytest.mark.parametrize("last", [frozenset(), frozenset({"C", "c"})])
def test_a_free_form_with_an_upbeat_goes_on_for_bars(last):
    grammar = Grammar(Form(Meter(6, 8), last=last), TOKENS)
    state = walked(
        grammar, "|: C | D 3 E 3 | D 3 E 3 | [1 D 3 E 3 | D 3 c 2 :| [2 D 3 E 3 | D 3 c 2 || D | E 6 | c 3 c 2"
    )
    assert grammar.accepts(grammar.step(state, "|]"))
    without = [token for token in TOKENS if token not in "<>>"]
    assert walked(Grammar(Form(Meter(6, 8), last=last), without), "C | D 3 E 3 | D 3 E 3 |")


def test_a_form_needs_its_bar_lines():
    few = ["C", "4", "|", "|:", ":|"]
    repeated, plain = (Grammar(Form(Meter(4, 4), parts=(wanted,), bars=2), few) for wanted in (True, False))
    assert repeated.fewest(repeated.start) < NEVER
    assert plain.fewest(plain.start) == NEVER
    assert plain.moves(plain.start) == {}
    assert "[1" not in Grammar(Form(Meter(4, 4), parts=(True,), bars=2), [*few, "[1"]).moves(
        walked(repeated, "|: C 4 C 4 |")
    )


def test_a_sign_that_holds_keeps_a_note_from_being_the_tonic():
    tokens = [*TOKENS, "^c"]
    one, two = (
        Grammar(Form(Meter(4, 4), parts=(False,), bars=2, last=frozenset(last)), tokens) for last in ("c", "cC")
    )
    assert "^c" in one.moves(walked(one, "d 4"))
    assert "^c" not in one.moves(walked(one, "d 4 e 4 | d 4"))  # no c could follow in this bar
    assert "^c" in two.moves(walked(two, "d 4 e 4 | d 4"))
    assert "|]" in two.moves(walked(two, "d 4 e 4 | ^c 4 C 3 C"))
    assert "|]" not in two.moves(walked(two, "d 4 e 4 | ^c 4 C 3 c"))


def test_a_start_that_settles_keeps_its_last_note():
    grammar = Grammar(Form(Meter(6, 8)), TOKENS)
    state = walked(grammar, "|: G B d")
    assert {"2", "-", ">"} <= set(grammar.moves(state))
    assert {"2", "-", ">"}.isdisjoint(grammar.moves(grammar.settled(state)))
    assert grammar.begin(["|:", "G", "B", "d"]) == grammar.settled(state)
    assert grammar.begin(["M:6/8", "K:maj", "R:jig", "|:", "G", "B", "d"]) == grammar.settled(state)


def test_a_title_follows_whole_music_and_is_made_of_words():
    grammar = Grammar(Form(Meter(4, 4), parts=(False,), bars=2, titled=True), TOKENS)
    state = walked(grammar, "c 4 d 4 | c 4 d 4 |]")
    assert (grammar.accepts(state), set(grammar.moves(state)), grammar.fewest(state)) == (False, {"T:"}, 2)
    state = walked(grammar, "c 4 d 4 | c 4 d 4 |] T: `a `B `_")
    assert (grammar.accepts(state), set(grammar.moves(state)), grammar.fewest(state)) == (False, {"`a", "`B"}, 1)
    state = walked(grammar, "c 4 d 4 | c 4 d 4 |] T:" + " `a" * 48)
    assert (grammar.accepts(state), grammar.moves(state)) == (True, {})
    assert "T:" not in Grammar(Form(Meter(4, 4), parts=(False,), bars=2), TOKENS).moves(
        walked(grammar, "c 4 d 4 | c 4 d 4 |]")
    )


def test_a_tie_follows_a_note_and_nothing_else():
    grammar = Grammar(Form(Meter(4, 4), parts=(True,), bars=4), TOKENS)
    assert "-" in grammar.moves(walked(grammar, "|: c 4 d 4 |"))
    for before in ("", "|:", "|: c 4 z 4 |", "|: c 4 [ c e ] 4 |", "|: c 4 d 4 | [1", "|: c 4 d >"):
        assert "-" not in grammar.moves(walked(grammar, before))


def test_bar_lines_are_never_doubled():
    grammar = Grammar(Form(Meter(2, 4), parts=(False,), bars=2), TOKENS)
    state = grammar.start
    for token in ("c", "4", "|"):
        state = grammar.step(state, token)
    assert grammar.step(state, "|") is None
    assert grammar.step(state, "c") is not None
