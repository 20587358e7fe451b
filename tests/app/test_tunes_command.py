"""Telling what tunebooks hold, from the command line."""

import json

GOOD = "X:1\nT:Good\nM:4/4\nL:1/8\nK:D\n|:DEFA BAFA|dBAF EDEF|D2FA dfed|BdAF D4:|\n\n"
WRONG = "X:2\nT:Wrong\nM:4/4\nL:1/8\nK:D\n|:DEFA BAFA|dBAF EDE|D2FA dfed|BdAF D4:|\n\n"
ODD = "X:3\nT:Odd\nM:4/4\nL:1/8\nK:D\n|:DE?A BAFA|\n\n"
AGAIN = GOOD.replace("X:1", "X:4").replace("Good", "Again")


def test_a_book_is_told_of(run, tmp_path):
    (tmp_path / "book.abc").write_text(GOOD + WRONG + ODD + AGAIN)
    status, out, _ = run("tunes", tmp_path / "book.abc")
    assert status == 0
    lines = out.splitlines()
    assert lines[0] == "4 tunes read, 1 kept, 1 of them different"
    assert set(lines[1:4]) == {"1 left out: wrong bars", "1 left out: not readable", "1 left out: known already"}
    assert lines[4] == "(--all names each of them)"
    assert lines[5].startswith("interior bars as long as the meter says: 5 of 6 (83.33%); tunes whose bars all are: 2")
    every = run("tunes", tmp_path / "book.abc", "--all")[1]
    assert "book.abc, line 8: 'Wrong': bar 2 lasts 7/8, not 1" in every
    assert "'Again': note for note 'Good'" in every


def test_tunes_are_judged_beside_those_of_a_run(run, tunes_run_once, corpora, tmp_path):
    (tmp_path / "book.abc").write_text(GOOD)
    picture = tmp_path / "counts.svg"
    words = [tmp_path / "book.abc", corpora / "tunes.abc", "--beside", tunes_run_once]
    status, out, err = run("tunes", *words, "--plot", picture)
    assert status == 0, err
    assert "how far these tunes are from those of the run, 0 to 1: pitches 0." in out
    assert out.count("nearest") == 61
    assert "degrees that follow each other" in picture.read_text()
    report, first, *_ = map(json.loads, run("tunes", *words, "--json")[1].splitlines())
    assert (report["read"], report["kept"], first["title"], first["problems"]) == (61, 61, "Good", [])
    copied = [json.loads(line) for line in run("tunes", *words, "--json")[1].splitlines()[2:]]
    assert all(one["distance"] == 0 for one in copied)


def test_what_cannot_be_told_says_why(run, text_run_once, tmp_path):
    (tmp_path / "book.abc").write_text(GOOD)
    for words, told, status in (
        (["--beside", text_run_once], "is no model of tunes", 2),
        (["--plot", tmp_path / "x.svg"], "name it with --beside RUN", 2),
    ):
        found, _, err = run("tunes", tmp_path / "book.abc", *words)
        assert (found, told in err) == (status, True), err
    found, _, err = run("tunes", tmp_path / "none.abc")
    assert (found, "none.abc cannot be read" in err) == (1, True)
