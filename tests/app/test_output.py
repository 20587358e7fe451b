"""JSON of results: numbers that every reader understands, and one object a line whatever is in a text."""

import json
import math

import pytest

from ostinato.app.terminal.output import as_json
from ostinato.errors import EngineError


def test_numbers_that_are_not_finite_are_null_or_an_error():
    assert (
        as_json({"perplexity": math.inf, "log_prob": [-math.inf, 1.5]})
        == '{"perplexity": null, "log_prob": [null, 1.5]}'
    )
    with pytest.raises(EngineError, match="numbers overflow"):
        as_json({"a": [{"nats": math.nan}]})


def test_a_line_is_a_line_for_every_reader():
    text = "é\u2028b\u2029c\n"
    line = as_json({"text": text})
    assert line.splitlines() == [line]
    assert json.loads(line) == {"text": text}
    assert "é" in line


def test_settings_that_are_shown_are_those_that_are_used(run, corpora, tmp_path):
    told = run("recipes", "word-lm")[1]
    assert '\n  codec = "words" * ' in told
    assert "\n  tied = true * " in told
    assert "\n  learning_rate = 0.003 * " in told
    line = next(line for line in told.splitlines() if line.startswith("  warmup"))
    assert line.split("  ")[1] == "warmup = 0.05"
    assert line.endswith("  Share of the schedule in which the rate rises.")


def test_data_sets_say_what_reads_them(run):
    told = run("data")[1]
    parts = told.split("only fetched: no recipe of this version reads them:")
    assert "multi30k" in parts[0]
    assert "babi" in parts[1]
    assert "babi" not in parts[0]
    status, _, err = run("train", "babi", "--out", "x")
    assert status == 1
    assert "and no recipe" not in err
    assert "no recipe of this version reads it" in err
