"""Judging tunes: what adds up, fits, and is new; and what a population of tunes has in common."""

import json
from fractions import Fraction

import pytest

from ostinato.music import parse_tune
from ostinato.music.collection import Collection, collect, rhythms_of, usual_rhythms
from ostinato.music.dances import DANCES, dance_of
from ostinato.music.judging import CHECKS, judge_tune
from ostinato.music.population import difference, population
from ostinato.music.transposing import transpose

HEADER = "X:1\nT:{}\nM:4/4\nL:1/8\nK:D\n"
ONE = parse_tune(HEADER.format("One") + "|:DEFA BAFA|dBAF EDEF|D2FA dfed|BdAF D4:|")
OTHER = parse_tune(HEADER.format("Other") + "|:f3g afed|c2eg gefe|fgaf gfed|edcA D4:|")


def test_a_good_tune_passes_all_checks():
    found = judge_tune(ONE, collect([OTHER]))
    assert found.passed == CHECKS
    assert (found.problems, found.interior, found.right) == ((), 2, 2)
    assert (found.lowest, found.highest, found.playable) == (62, 78, ("fiddle", "whistle", "flute", "pipes"))
    assert (found.in_scale, found.final, found.points) == (1.0, "1", 7)
    assert (found.copied_bars, found.nearest) == (0.0, "Other")


def test_what_is_wrong_is_told():
    tune = parse_tune(HEADER.format("Bad") + "|:DEFA BAFA|^G_BAF EDE|D,,2FA d''fed|BdAF E4:|")
    found = judge_tune(tune)
    assert found.passed == ("in its scale", "usual rhythms", "copies little", "far from all")
    assert (found.interior, found.right, found.final) == (2, 1, "2")
    assert (found.lowest, found.highest, found.playable) == (38, 98, ())
    assert found.in_scale == pytest.approx(25 / 27)
    assert any("lasts 7/8, not 1" in problem for problem in found.problems)


def test_a_copy_is_found_in_any_key_and_its_source_is_named():
    found = judge_tune(transpose(ONE, "G"), collect([OTHER, ONE]))
    assert (found.copied_bars, found.copied_from, found.nearest, found.distance) == (4.0, "One", "One", 0.0)
    assert {"copies little", "far from all"}.isdisjoint(found.passed)


def test_rhythms_of_bars_are_those_of_the_meter():
    assert rhythms_of(ONE)[2] == "1/4 1/8 1/8 1/8 1/8 1/8 1/8"
    known = collect([ONE])
    assert usual_rhythms(ONE, known) == 1.0
    assert usual_rhythms(OTHER, known) == 0.75  # three of its four bars
    waltz = parse_tune(HEADER.format("Waltz").replace("4/4", "3/4") + "d2 e2 f2|d6|]")
    assert usual_rhythms(waltz, known) == 0.0


def test_a_collection_is_plain_data():
    collection = collect([ONE, OTHER])
    again = Collection.from_json(json.loads(json.dumps(collection.to_json())))
    assert again == collection
    assert again.melodies.longest(ONE).source == 0


def test_a_population_is_counted_and_two_are_compared():
    tune = parse_tune("X:1\nM:4/4\nL:1/4\nK:G\nG A B2|d2 G2|]")
    found = population([tune, tune])
    assert found.tunes == 2
    assert found.pitches == {"1": 4, "2": 2, "3": 2, "5": 2}
    assert found.intervals == {"2": 4, "3": 2, "-7": 2}
    assert found.durations == {"1/4": 4, "1/2": 6}
    assert found.transitions == {"1 2": 2, "2 3": 2, "3 5": 2, "5 1": 2}
    assert found.finals == {"1": 2}
    assert set(difference(found, population([tune])).values()) == {0.0}
    apart = difference(found, population([parse_tune("X:1\nM:4/4\nL:1/4\nK:G\nG A B2|d2 d2|]")]))
    assert apart["finals"] == 1.0
    assert apart["pitches"] == pytest.approx(float(Fraction(1, 5)))


def test_names_of_dances_are_brought_together():
    assert [dance_of(name) for name in ("Reel", " slipjig", "Double  jig", "CLOG", "", "gigue")] == [
        "reel", "slip jig", "jig", "hornpipe", "", "",
    ]  # fmt: skip
    assert all(dance_of(name) == name for name in DANCES)
