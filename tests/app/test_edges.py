"""What a hostile or unlucky caller gives: names, streams, numbers, files; each gets one clear answer soon."""

import os
import subprocess
import sys
import time
import tracemalloc

import pytest

from ostinato.codecs import CharacterCodec
from ostinato.data.corpus import lines
from ostinato.decode.pipeline import RuleSettings
from ostinato.errors import ConfigError
from ostinato.music.abc_reading import read_tunebook
from ostinato.music.bar_numbers import parse_bars

SMALL = ["--steps", "2", "--set", "hidden_size=16", "--no-report", "--threads", "1"]


def ran(*words, **options):
    command = [sys.executable, "-m", "ostinato", *words]
    return subprocess.run(command, capture_output=True, check=False, **options)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have only names that are text")
def test_names_that_are_no_utf8_work_and_are_shown_spelled_out(corpora, tmp_path):
    source, out = os.fsencode(tmp_path) + b"/c\xfe.txt", os.fsencode(tmp_path) + b"/r\xfd"
    with open(source, "w") as file:
        file.write((corpora / "cats.txt").read_text())
    done = ran("train", source, "--out", out, *SMALL)
    assert done.returncode == 0, done.stderr
    assert rb"/r\xfd" in done.stdout
    told = ran("info", out).stdout
    assert rb"data: c\xfe.txt" in told
    assert rb"/r\xfd" in ran("runs", str(tmp_path)).stdout
    assert ran("info", out, "--json").stdout.count(b"\n") == 1
    assert ran("evaluate", out, source).returncode == 0


def test_the_locale_c_is_enough(text_run):
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = ran("generate", str(text_run), "--prompt", "thé", "--unknown", "nearest", "--length", "3", env=environment)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="a shell closes streams there in another way")
def test_closed_streams_get_nothing_that_is_not_theirs(text_run):
    def shell(words):
        return subprocess.run(
            ["bash", "-c", f"{sys.executable} -m ostinato {words}"], capture_output=True, text=True, check=False
        )

    done = shell(f"generate {text_run} --length 3 >&-")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: standard output is closed, so there is nowhere to print to; use >/dev/null\n"
    done = shell("generate nowhere --length 3 2>&-")
    assert (done.returncode, done.stdout) == (1, "")
    done = shell(f"generate {text_run} --length 3 --seed 1 2>&-")
    assert done.returncode == 0
    assert "seed" not in done.stdout
    assert shell(f"score {text_run} the <&-").returncode == 0


HUGE = "9" * 40
NUMBERS = [
    (["--max-copy", HUGE], "max-copy must be a number with fewer than 19 digits"),
    (["--threads", "100000"], "threads must be at least 1 and at most 1024, got 100000"),
    (["--seed", HUGE], "seed must be a number with fewer than 19 digits"),
    (["--seed", "-5"], "seed must be at least 0, got -5"),
    (["--samples", HUGE], "samples must be a number with fewer than 19 digits"),
    (["--length", HUGE], "length must be a number with fewer than 19 digits"),
    (["--repetition-penalty", "1.1", "--penalty-window", HUGE],
     f"a window must be from 1 to 1,000,000 symbols, got {HUGE}; leave it out for the usual one"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "message"), NUMBERS, ids=range(len(NUMBERS)))
def test_huge_numbers_are_refused(run, text_run, words, message):
    status, out, err = run("generate", text_run, "--length", 3, *words)
    assert (status, out) == (2, "")
    assert err.splitlines()[-1] == f"error: {message}"  # where nothing is kept yet, it is compiled before


@pytest.mark.parametrize("name", ["hidden_size", "embedding_size", "layers", "vocabulary"])
def test_sizes_that_no_machine_has_are_refused_before_memory_is_asked_for(run, corpora, tmp_path, name):
    status, _, err = run(
        "train", corpora / "cats.txt", "--out", tmp_path / "r", "--set", f"{name}={HUGE}", "--steps", 1
    )
    assert status == 2
    assert f"{name} must be a number with fewer than 19 digits" in err
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize("number", ["9" * 4300, "9" * 100_000])
def test_long_numbers_in_a_tune_are_problems_of_that_tune(number):
    for line in (f"A{number}B", f"A/{number}", f"(3:{number}abc", f"z{number}", f"[K:D]A{number}"):
        (read,) = read_tunebook(["X:1", "M:4/4", "L:1/8", "K:D", line])
        assert read.problems
    for field in (f"M:{number}/4", f"L:1/{number}", f"Q:{number}", f"X:{number}"):
        list(read_tunebook(["X:1", field, "K:D", "ABcd"]))


def test_brackets_that_never_close_take_no_longer_than_their_line():
    def seconds(count):
        began = time.process_time()
        list(read_tunebook(["X:1", "M:4/4", "L:1/8", "K:D", "[K:D" * count]))
        return time.process_time() - began

    assert seconds(20_000) < 5  # quadratic, it would take minutes


def test_bars_that_no_tune_has_are_refused():
    assert parse_bars("1-4,7") == {1, 2, 3, 4, 7}
    for text in ("1-99999999999", "9" * 5000, "4-1", "x"):
        with pytest.raises(ConfigError, match="does not say which bars") as caught:
            parse_bars(text)
        assert len(str(caught.value)) < 250


def test_only_a_line_feed_ends_a_line(run, text_run, tmp_path):
    text = "the cat\u2028sat\u2029on\x0bthe\x0cmat\x85."
    assert list(lines([text, "\nb", "\n\n"])) == [text, "b", ""]
    codec = CharacterCodec("abc\u2028")
    assert codec.decode(codec.encode("a\u2028b")) == "a\u2028b"
    (tmp_path / "p.txt").write_text("the\u2028cat\nthe dog\n")
    status, out, _ = run("generate", text_run, "--prompts", tmp_path / "p.txt", "--length", 2, "--unknown", "skip",
                         "--json", "--seed", 1)  # fmt: skip
    assert status == 0
    assert len(out.splitlines()) == 2
    (tmp_path / "r.txt").write_text("the cat\u2028\nthe dog\n")
    told = run("rerank", text_run, tmp_path / "r.txt", "--unknown", "skip")[1]
    assert len(told.splitlines()) == 1 + 2  # the columns' names come first


def test_values_that_mean_nothing_are_refused_and_one_string_is_one_item(text_model, item_model):
    with pytest.raises(ConfigError, match="unknown must be 'error', 'nearest' or 'skip', got 'bad'"):
        text_model.generate("the", length=3, unknown="bad")
    with pytest.raises(ConfigError, match="unknown must be"):
        text_model.score("the", unknown="bad")
    assert RuleSettings(ban="cat").ban == ("cat",)
    assert RuleSettings(lexicon="cat").lexicon == ("cat",)
    whole = text_model.generate("the ", length=60, seed=1)
    assert text_model.generate("the ", length=60, seed=1, stop="t sat").text == (
        text_model.generate("the ", length=60, seed=1, stop=["t sat"]).text
    )
    assert text_model.generate("the ", length=60, seed=1, ban="zq").text == whole.text
    assert len(text_model.generate_many("the ", length=3, seed=1).finish()) == 1


def test_a_page_is_written_whole_or_not_at_all(run, text_run, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    status, _, err = run("inspect", text_run, "the cat sat", "--html", tmp_path / "h.html")
    assert status == 1
    assert err == f"error: {tmp_path / 'h.html'} cannot be written: No space left on device\n"
    assert list(tmp_path.glob("*.html*")) == []


def test_a_long_text_keeps_few_bytes_for_each_symbol(text_model):
    length = 400_000
    run = text_model.generate_many(["the "], length=length, seed=1, engine="compiled")
    next(run)
    tracemalloc.start()
    for _ in run:
        pass
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held / length < 40
