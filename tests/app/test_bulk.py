"""Bulk work: the shards of a command, joined, are the command; in files, in order, and on a Ray cluster."""

import importlib.util
import json
import re
import sys

import pytest

from ostinato.app import spreading
from ostinato.app.verbs import score
from ostinato.decode import scoring as scoring_decode
from ostinato.decode.shards import Shard


@pytest.fixture
def lines(tmp_path, monkeypatch):
    """A file of more items than are scored together."""
    monkeypatch.setattr(scoring_decode, "ITEMS", 16)
    monkeypatch.setattr("ostinato.training.evaluation.ITEMS", 16)
    path = tmp_path / "many.txt"
    path.write_text("\n".join(f"{a}{b}" for a in ("anna", "berte", "clis", "d") for b in "aeionrts" for _ in range(3)))
    return path


def joined(run, words, parts):
    outputs = []
    for number in range(1, parts + 1):
        status, out, err = run(*words, "--shard", f"{number}/{parts}")
        assert status == 0, err
        outputs.append(out)
    return outputs


@pytest.mark.parametrize("parts", [2, 3])
@pytest.mark.parametrize("json_", [["--json"], []])
def test_the_shards_of_generate_join_to_the_whole(run, item_run, monkeypatch, parts, json_):
    monkeypatch.setattr("ostinato.app.verbs.generate._TOGETHER", 4)
    words = ["generate", item_run, "--samples", 22, "--seed", 7, "--length", 9, "--temperature", 1.2, *json_]
    whole = run(*words)[1]
    assert "".join(joined(run, words, parts)) == whole
    assert len(whole.splitlines()) == 22


@pytest.mark.parametrize("json_", [["--json"], []])
def test_the_shards_of_score_join_to_the_whole(run, item_run, lines, json_):
    words = ["score", item_run, "--file", lines, *json_]
    whole = run(*words)[1]
    assert len(whole.splitlines()) == 96
    outputs = joined(run, words, 3)
    assert "".join(outputs) == whole
    assert all(outputs)


def test_the_shards_of_evaluate_join_to_the_whole_whatever_their_order(
    run, item_run, text_run, lines, corpora, tmp_path
):
    jobs = [
        ["evaluate", item_run, lines],
        ["evaluate", text_run, corpora / "cats.txt", "--protocol", "windows", "--windows", 600],
    ]
    for words in jobs:
        for number, out in enumerate(reversed(joined(run, words, 3))):
            (tmp_path / f"{number}.json").write_text(out)
        parts = [tmp_path / f"{number}.json" for number in range(3)]
        assert run("join", *parts, "--json")[1] == run(*words, "--json")[1]
        assert run("join", *parts)[1] == run(*words)[1]
        assert run("join", *parts[1:])[::2] == (2, run("join", *parts[1:])[2])
        assert "these shards do not join" in run("join", *parts[1:])[2]
        assert "these shards do not join" in run("join", parts[0], *parts)[2]


def test_shards_without_work_join_in_any_order(run, item_run, corpora, tmp_path):
    words = ["evaluate", item_run, corpora / "names.txt"]  # fewer items than go together
    for number, out in enumerate(joined(run, words, 3)):
        (tmp_path / f"{number}.json").write_text(out)
    for order in ("012", "210", "102"):
        assert run("join", *(tmp_path / f"{n}.json" for n in order), "--json")[1] == run(*words, "--json")[1]


def test_shards_of_different_jobs_do_not_join(run, text_run, corpora, tmp_path):
    words = ["evaluate", text_run, corpora / "cats.txt", "--protocol", "windows", "--windows", 600]
    (tmp_path / "a").write_text(joined(run, words, 2)[0])
    (tmp_path / "b").write_text(joined(run, [*words, "--seed", 2], 2)[1])
    assert run("join", tmp_path / "a", tmp_path / "b") == (
        2,
        "",
        "error: these shards do not join: they are of different models, texts or settings\n",
    )


def test_ray_and_its_parts_are_refused_where_they_make_no_sense(run, item_run, lines):
    no_input = "error: --ray needs a file that every part can read; standard input is there only once\n"
    assert run("score", item_run, "--ray") == (2, "", no_input)
    assert run("generate", item_run, "--prompt-file", "-", "--ray", "--seed", 1) == (2, "", no_input)
    assert run("evaluate", item_run, "-", "--ray") == (2, "", no_input)
    assert run("score", item_run, "--file", lines, "--parts", 3) == (
        2,
        "",
        "error: --parts is for --ray; with --shard the parts are counted there, such as 1/4\n",
    )
    both = run("score", item_run, "--file", lines, "--ray", "--shard", "1/2")
    assert both == (2, "", "error: --ray makes the shards itself; leave --shard out\n")


def test_more_shards_than_work_leave_some_with_nothing(run, item_run, lines):
    words = ["score", item_run, "--file", lines]
    assert "".join(joined(run, words, 9)) == run(*words)[1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--shard", "0/3"], "--shard '0/3' is not of the form PART/PARTS, such as 1/4 for the first of four"),
        (["--shard", "4/3"], "--shard '4/3' is not of the form PART/PARTS, such as 1/4 for the first of four"),
        (["--shard", "x"], "--shard 'x' is not of the form PART/PARTS, such as 1/4 for the first of four"),
        (["--shard", "1/3"], "the shards of one job need the same --seed, so that they join"),
    ],
)
def test_shards_that_make_no_sense_are_refused(run, item_run, words, message):
    assert run("generate", item_run, *words) == (2, "", f"error: {message}\n")


def test_what_goes_through_a_whole_text_has_no_shards(run, text_run, corpora):
    path = corpora / "cats.txt"
    assert run("evaluate", text_run, path, "--shard", "1/2")[2] == (
        "error: the contiguous protocol carries what it has read through the whole text, so no shard can do a part "
        "of it; use --protocol windows\n"
    )
    assert run("score", text_run, "--file", path, "--shard", "1/2")[2] == (
        "error: --shard cuts a file of items; a running text is one sequence that no shard can do a part of\n"
    )


def test_what_is_no_shard_does_not_join(run, tmp_path):
    (tmp_path / "x.json").write_text('{"protocol": "items"}')
    status, _, err = run("join", tmp_path / "x.json")
    assert status == 2
    assert err == f"error: {tmp_path / 'x.json'} is not what 'ostinato evaluate --shard' printed: KeyError('totals')\n"


@pytest.mark.parametrize("total", [0, 1, 5, 64])
@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_shards_are_consecutive_complete_and_even(total, count):
    places = range(3, 3 + 2 * total, 2)
    parts = [Shard(n, count).of(places) for n in range(1, count + 1)]
    assert [place for part in parts for place in part] == list(places)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_a_long_text_is_scored_in_pieces_to_the_same_number(run, text_run, corpora, monkeypatch):
    path = corpora / "cats.txt"
    short = run("score", text_run, "--file", path, "--per", "line")[1]
    told = json.loads(run("score", text_run, "--file", path, "--json")[1])
    monkeypatch.setattr(score, "_LONG", 100)
    long = run("score", text_run, "--file", path, "--per", "line")[1]
    number = re.compile(r"-?\d[\d,]*\.\d+")
    assert number.sub("", long) == number.sub("", short)
    for one, other in zip(number.findall(long), number.findall(short), strict=True):
        assert float(one) == pytest.approx(float(other), abs=2e-4)  # the last digit may be rounded the other way
    streamed = json.loads(run("score", text_run, "--file", path, "--json")[1])
    assert (streamed.pop("file"), streamed.pop("bound")) == ("cats.txt", told["bound"])
    for name, value in streamed.items():
        assert value == pytest.approx(told[name], rel=1e-6)


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands in for Python")
def test_a_part_whose_process_is_killed_is_lost_and_another_error_is_not(item_run, tmp_path, monkeypatch):
    monkeypatch.setattr(spreading.sys, "executable", str(tmp_path / "python"))
    for script, lost in (("kill -9 $$", True), ("echo 'error: no' >&2; exit 1", False)):
        (tmp_path / "python").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "python").chmod(0o755)
        if lost:
            with pytest.raises(spreading._LostPartError):
                spreading._run_part(b"", ["score"], "1/1")
        else:
            assert spreading._run_part(b"", ["score"], "1/1") == (1, b"", "error: no\n")


@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs the ray extra")
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_ray_cluster_does_the_shards_and_prints_the_same(run, item_run, lines):
    jobs = [
        ["generate", item_run, "--samples", 70, "--seed", 3, "--length", 5],
        ["evaluate", item_run, lines, "--json"],
        ["generate", item_run, "--samples", 2, "--seed", 3, "--length", 5, "--prompt", "an", "--threads", 1],
    ]
    for words in jobs:
        status, out, err = run(*words, "--ray", "--parts", 3)
        assert status == 0, err
        assert out == run(*words)[1]
    status, _, err = run("score", item_run, "--file", "nowhere.txt", "--ray", "--parts", 2)
    assert status == 1
    assert re.fullmatch(r"error: part [12] of 2 failed: there is no file 'nowhere.txt'\n", err)


def test_the_words_of_a_command_lose_the_options_of_ray():
    words = ["score", "RUN", "--ray", "auto", "--file", "x", "--parts=3", "--json", "--ray"]
    assert spreading.words_without(words, ("--ray", "--parts")) == ["score", "RUN", "--file", "x", "--json"]
