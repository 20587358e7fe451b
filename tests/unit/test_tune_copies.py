"""What a tune has from a corpus."""

import random
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from ostinato.music import parse_tune
from ostinato.music.copying import Melodies
from ostinato.music.likeness import intervals
from ostinato.music.transposing import transpose

HEADER = "X:1\nM:4/4\nL:1/8\nK:D\n"
ONE = parse_tune(HEADER + "DEFA BAFA|dBAF EDEF|D2FA dfed|BdAF E2D2|]")
OTHER = parse_tune(HEADER + "fgaf gfeg|faaf bgec|]")


def test_the_longest_run_is_found_in_any_key_and_rhythm():
    corpus = Melodies(list(map(intervals, [OTHER, ONE])))
    tune = parse_tune("X:1\nM:4/4\nL:1/8\nK:G\ng2g2 f2e2|DEGc ecGF|B4 G2G2|c2dfe dBG2|]")
    assert corpus.longest(tune) is None
    # The first seven notes of the second bar, in other lengths.
    copied = transpose(parse_tune(HEADER + "A2F2 D2F2|d3BA2F2|EDED F4|A8|]"), "G")
    found = corpus.longest(copied)
    assert (found.notes, found.source, found.source_first) == (7, 1, 8)
    assert found.first == 4
    assert found.time == Fraction(11, 8)


def test_a_tune_is_copied_from_itself_whole():
    corpus = Melodies(list(map(intervals, [ONE, OTHER])))
    found = corpus.runs(transpose(ONE, "A"))
    assert (found[0].notes, found[0].first, found[0].source) == (29, 0, 0)
    assert len(found) == 1


def test_of_equal_runs_the_first_source_is_named():
    assert Melodies([intervals(ONE), intervals(ONE)]).longest(ONE).source == 0
    assert Melodies([]).longest(ONE) is None


def slow(tune, corpus):
    """The longest copied run of intervals from each one on, by looking everywhere."""
    steps = intervals(tune)
    return [
        max(
            next((n for n in range(len(steps) - at + 1) if steps[at : at + n + 1] != other[place : place + n + 1]
                  or at + n >= len(steps) or place + n >= len(other)), 0)
            for other in corpus for place in range(len(other))
        )
        for at in range(len(steps))
    ]  # fmt: skip


@given(st.lists(st.lists(st.integers(-2, 2), min_size=1, max_size=30), min_size=1, max_size=4), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_runs_are_those_that_a_slow_search_finds(corpus, seed):
    random_source = random.Random(seed)
    letters = [random_source.choice("DEFGAB") for _ in range(24)]
    tune = parse_tune(HEADER + "|".join("".join(letters[at : at + 8]) for at in (0, 8, 16)) + "|]")
    corpus = [*corpus, intervals(tune)[5:17]]
    melodies, lengths = Melodies(corpus), slow(tune, corpus)
    found = melodies.runs(tune)
    assert {(run.first, run.notes) for run in found} <= {(at, length + 1) for at, length in enumerate(lengths)}
    assert melodies.longest(tune).notes == max(lengths) + 1
    for run in found:
        there = corpus[run.source][run.source_first : run.source_first + run.notes - 1]
        assert intervals(tune)[run.first : run.first + run.notes - 1] == there


def test_the_note_with_which_a_copy_is_too_long_is_told():
    melodies = Melodies([intervals(ONE)])
    assert melodies.too_long(ONE, Fraction(2)) == 16  # sixteen eighths are two bars
    assert melodies.too_long(ONE, Fraction(100)) is None
    assert melodies.too_long(OTHER, Fraction(1)) is None


def test_the_nearest_tune_is_told_with_its_distance():
    melodies = Melodies([intervals(OTHER), intervals(ONE)])
    assert (melodies.nearest(transpose(ONE, "A")).source, melodies.nearest(ONE).distance) == (1, 0.0)
    changed = parse_tune(HEADER + "DEFA BAFA|dBAF EDEF|D2FA dfed|BdAG E2D2|]")
    assert melodies.nearest(changed).distance == 2 / 28
    assert Melodies([]).nearest(ONE) is None
