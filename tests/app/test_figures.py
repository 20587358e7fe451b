"""The scripts that draw the figures of the documentation, run with few steps: what they draw is no row of zeros."""

import math
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def script(monkeypatch):
    """Import a benchmark; what it reports is caught, not written."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))

    def load(name, *words):
        module = __import__(name)
        rows = []
        monkeypatch.setattr(module, "report", lambda title, found: rows.extend(found))
        monkeypatch.setattr(sys, "argv", [f"{name}.py", *map(str, words)])
        return module, rows

    return load


def test_gradients_shrink_with_the_lag_and_are_never_nothing(script, tmp_path, monkeypatch):
    gradients, rows = script("gradients", "--steps", 2, "--out", tmp_path / "g.svg")
    monkeypatch.setattr(gradients, "PLACES", 1)
    monkeypatch.setattr(gradients, "ITERATIONS", 3)
    monkeypatch.setattr(gradients, "LAGS", (1, 5, 20))
    gradients.main()
    assert [(row["core"], row["weights"]) for row in rows] == [
        (core, weights) for core in ("elman", "gru", "lstm") for weights in ("new", "trained")
    ]
    for row in rows:
        assert all(0 < row[f"lag_{lag}"] < 30 and math.isfinite(row[f"lag_{lag}"]) for lag in (1, 5, 20)), row
        if row["weights"] == "new":
            assert row["lag_1"] > row["lag_5"] > row["lag_20"]
    assert (tmp_path / "g.svg").read_text().count("<path") > 6


def test_scheduled_sampling_lands_near_its_closed_form(script, tmp_path, monkeypatch):
    two_symbols, rows = script("two_symbols", tmp_path / "s.svg")
    monkeypatch.setattr(two_symbols, "_STEPS", 60)
    two_symbols.main()
    assert len(rows) == 9
    assert rows[0]["kl_nats"] < 0.05 < 0.2 < rows[-1]["kl_nats"]
    assert (tmp_path / "s.svg").read_text().count("<path") > 6
