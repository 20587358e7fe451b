"""Bars of a tune written anew, and copies that are taken back."""

import json
import math
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from itertools import product

import pytest

import ostinato
from ostinato.decode.constraints import Remembered
from ostinato.errors import ConfigError
from ostinato.families.tunes.composing import Composer, Wish
from ostinato.families.tunes.rewriting import Change, Rewriter, distance
from ostinato.families.tunes.surprise import surprises
from ostinato.families.tunes.writing import CopyLimit, write_tunes
from ostinato.music import parse_key, parse_tune, write_tune
from ostinato.music.bar_numbers import parse_bars
from ostinato.music.copying import Melodies
from ostinato.music.forms import normal, problems
from ostinato.music.likeness import intervals
from ostinato.music.refilling import Refill, numbered_bars, parts_of
from ostinato.music.tokens import simplified, tokens_of, tune_of

TUNE = """X:1
T:A tune
R:jig
M:6/8
L:1/8
K:Ador
|: e | cAA cAA | e2d c2B | A2c e2c | A3 A2 :| |: e | f2e c2e | d2c B2c | dBG E2G | A3 A2 :|
"""


@pytest.fixture(scope="module")
def model(tunes_run_once):
    return ostinato.load(tunes_run_once)


def bar_tokens(tune):
    simple = normal(simplified(tune))
    known = parts_of(simple, numbered_bars(simple))
    return dict(zip(numbered_bars(simple), (part.tokens for part in known if part.ticks), strict=True))


def test_locked_bars_stay_and_all_others_are_new_and_add_up(run, tunes_run_once, tmp_path):
    file = tmp_path / "tune.abc"
    file.write_text(TUNE)
    words = ["--from", file, "--lock", "0-2,5", "--seed", 1, "--tunes", 3]
    status, out, err = run("compose", tunes_run_once, *words)
    assert status == 0, err
    old, found = bar_tokens(parse_tune(TUNE)), [parse_tune(text) for text in out.split("\n\n")]
    assert len({tune.body for tune in found}) == 3
    for tune in found:
        new = bar_tokens(tune)
        assert problems(tune) == []
        assert [new[n] == old[n] for n in (0, 1, 2, 5)] == [True] * 4
        assert sum(new[n] != old[n] for n in (3, 4, 6, 7, 8, 9)) > 3
        assert (tune.title, tune.rhythm, tune.key) == ("A tune", "jig", parse_key("Ador"))
        assert "compose RUN --from FILE --lock 0,1,2,5 --seed" in dict(tune.information)["Z"]
    alone = run("compose", tunes_run_once, *words[:-3], 3)[1]
    assert parse_tune(alone).body == found[2].body


def test_a_tune_is_varied_about_as_far_as_asked(model):
    tune = parse_tune(TUNE)
    simple = simplified(tune)
    means = []
    for wanted in (0.2, 0.5, 0.9):
        found = list(Rewriter(model, tune, Change(distance=wanted)).tunes(4, seed=1))
        away = [distance(normal(simple), tune_of(list(one.tokens))) for one in found]
        means.append(sum(away) / 4)
        assert all(problems(one.tune) == [] for one in found)
    assert means[:2] == pytest.approx([0.2, 0.5], abs=0.12)
    assert means[2] > means[1] + 0.1


def test_what_follows_decides_as_much_as_what_stands_before(model):
    """New bars are drawn from the model given both sides: beside all that can stand there, listed."""
    tune = parse_tune("X:1\nM:6/8\nL:1/8\nK:C\n|:c3 e3|g3 c3|e2G cde|c3 c3:|")
    rewriter = Rewriter(model, tune, Change(locked=frozenset({1, 3, 4})))
    rewriter._usable = ["c", "g", "3"]  # few, so that they can be listed
    simple = normal(simplified(tune))
    first, _, last = (list(part.tokens) for part in parts_of(simple, [2]))
    lengths = [(3, 3), (3, 1, 1, 1), (1, 3, 1, 1), (1, 1, 3, 1), (1, 1, 1, 3), (1,) * 6]
    contents = [
        tuple(token for pitch, length in zip(pitches, one, strict=True) for token in (pitch, "3")[: 1 + (length == 3)])
        for one in lengths
        for pitches in product("cg", repeat=len(one))
    ]
    scores = model.score_many([" ".join([*first, *one, *last]) for one in contents])
    best = max(score.log_prob for score in scores)
    wanted = {one: math.exp(score.log_prob - best) for one, score in zip(contents, scores, strict=True)}
    total = sum(wanted.values())
    count = 300
    drawn = Counter(
        tuple(one.tokens[len(first) : len(one.tokens) - len(last)]) for one in rewriter.tunes(count, seed=1)
    )
    assert set(drawn) <= set(wanted)
    apart = sum(abs(drawn[one] / count - share / total) for one, share in wanted.items()) / 2
    assert apart < 0.32  # 300 draws of 132 kinds that are all alike would be about 0.27 apart by chance
    # The weights are exact: what candidates were drawn with sums to one over all that there are.
    refill = Refill(simple, [2], rewriter._usable)
    many = write_tunes(model, Remembered(refill), [first] * 4000, range(4000))
    shares = {tuple(one.tokens): math.exp(one.sample.log_prob - one.sample.log_kept) for one in many}
    assert len(shares) == len(contents)
    assert sum(shares.values()) == pytest.approx(1, abs=1e-4)


def test_a_copy_is_taken_back_to_a_bar_line(model):
    composer = Composer(model, Wish(key=parse_key("G"), bars=4))
    (before,) = composer.tunes(1, seed=5)
    melodies = Melodies([intervals(before.tune)])
    limit = CopyLimit(melodies, Fraction(3, 2))
    found = write_tunes(model, composer._automaton, [composer.prompt] * 3, [5, 6, 5], length=900, limit=limit)
    assert found[0].tokens == found[2].tokens != list(before.tokens)
    assert found[0].tries > 0
    assert found[0].tokens[:6] == list(before.tokens[:6])  # the first bar may be copied
    for one in found:
        tune = tune_of(one.tokens)
        assert problems(tune) == []
        assert melodies.too_long(tune, Fraction(3, 2)) is None
    longest = melodies.longest(tune_of(found[0].tokens))
    assert longest is None or longest.time <= Fraction(3, 2)


def test_copies_are_limited_by_the_tunes_of_the_run(run, tunes_run_once):
    words = ["--seed", 3, "--tunes", 40, "--bars", 8, "--json"]
    status, out, _ = run("compose", tunes_run_once, *words, "--max-copy-bars", 0.5)
    assert status == 0
    told = [json.loads(line) for line in out.splitlines()]
    assert all(one["judgement"]["copied_bars"] <= 0.5 for one in told)
    free = [json.loads(line) for line in run("compose", tunes_run_once, *words)[1].splitlines()]
    copying = [one["judgement"]["copied_bars"] > 0.5 for one in free]
    assert [one["taken_back"] > 0 for one in told] == copying  # those that copy too much, and no others
    assert any(copying)
    assert all((one["log_prob"] is None) == (one["taken_back"] > 0) for one in told)


def test_a_start_that_is_a_copy_is_refused(run, tunes_run_once, corpora):
    known = next(iter(ostinato.music.read_tunebook((corpora / "tunes.abc").read_text().splitlines()))).tune
    bars = write_tune(replace(known, titles=())).splitlines()[-1].split("|")
    start = "|:" + "|".join(bars[1:4]) if bars[0] == "" else "|".join(bars[:3])
    words = ["--key", known.key.name, "--meter", known.meter.name, "--start", start.replace("::", ":") + "|"]
    status, _, err = run(
        "compose", tunes_run_once, *words, "--form", "", "--bars", 0, "--max-copy-bars", 1, "--seed", 1
    )
    assert (status, "is itself copied" in err or "cannot begin" in err) == (2, True), err


def test_bars_that_surprise_add_up_to_the_tune(model):
    (one,) = Composer(model, Wish(key=parse_key("G"), bars=4)).tunes(1, seed=5)
    (found,) = surprises(model, [one.tokens])
    score = model.score(" ".join(one.tokens))
    own = tokens_of(normal(simplified(one.tune)))
    assert found.log_prob == pytest.approx(sum(part.log_prob for part in score.parts[2 : len(own)]))
    opening = sum(part.log_prob for part, token in zip(score.parts, own, strict=False) if token == "|:")
    assert sum(bits for _, bits in found.bars) == pytest.approx((opening - found.log_prob) / math.log(2))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--lock", "1-99"], "the tune has the bars 0 to 9, and no bar 10"),
        (["--lock", "0-9"], "all bars are to stay"),
        (["--lock", "4-2"], "'4-2' does not say which bars"),
        (["--vary", "2"], "the distance must be above 0 and at most 1, got 2"),
        (["--lock", "1", "--title", "x"], "--title is for new tunes"),
        ([], "say either which bars stay"),
    ],
)
def test_what_cannot_be_changed_says_why(run, tunes_run_once, tmp_path, words, told):
    (tmp_path / "tune.abc").write_text(TUNE)
    status, _, err = run("compose", tunes_run_once, "--from", tmp_path / "tune.abc", *words)
    assert (status, told in err) == (2, True), err


def test_files_that_hold_no_single_tune_are_refused(run, tunes_run_once, tmp_path):
    (tmp_path / "two.abc").write_text(TUNE + "\n" + TUNE)
    (tmp_path / "odd.abc").write_text(TUNE.replace("cAA", "c?A"))
    (tmp_path / "key.abc").write_text(TUNE.replace("f2e c2e", "f2e [K:D] c2e"))
    for name, status, told in (
        ("two.abc", 2, "has 2 tunes; --from needs a file with one"),
        ("odd.abc", 2, "odd.abc: "),
        ("key.abc", 2, "the model has never seen [K:F]"),
        ("none.abc", 1, "cannot be read"),
    ):
        found, _, err = run("compose", tunes_run_once, "--from", tmp_path / name, "--vary", 0.3)
        assert (found, told in err) == (status, True), err


def test_numbers_of_bars_are_read():
    assert parse_bars("1-4, 7,9-9") == {1, 2, 3, 4, 7, 9}
    for text in ("", "a", "1-", "-3", "1--2", "4-2"):
        with pytest.raises(ConfigError, match="does not say which bars"):
            parse_bars(text)
