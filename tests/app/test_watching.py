"""Seeing how work goes: TensorBoard's event files, pictures of the learning curves, beams that compete."""

import importlib.util
import io
import json
import re
import sys

import pytest
from rich.console import Console

from ostinato.app.cli import main
from ostinato.app.terminal.beams import beams
from ostinato.runs import RunFolder
from ostinato.units import bits

SMALL = ["--set", "hidden_size=16", "--set", "batch_size=4", "--set", "window=16", "--set", "precision=float32"]


@pytest.mark.skipif(importlib.util.find_spec("tensorboard") is None, reason="needs the tensorboard extra")
@pytest.mark.filterwarnings("ignore")
def test_tensorboard_sees_the_losses_of_a_run_and_of_its_resumption(run, corpora, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    out = tmp_path / "r"
    assert run("train", corpora / "cats.txt", "--steps", 40, "--out", out, *SMALL, "--tensorboard")[0] == 0
    assert run("resume", out, "--minutes", 0.02, "--tensorboard")[0] == 0
    seen = EventAccumulator(str(out / "tensorboard"))
    seen.Reload()
    told = {event.step: event.value for event in seen.Scalars("validation/bits_per_symbol")}
    known = {record["step"]: bits(record["valid_nats_per_symbol"]) for record in RunFolder(out).metrics()}
    assert told == pytest.approx(known, rel=1e-6)
    assert max(told) > 40
    assert [event.step for event in seen.Scalars("train/learning_rate")][:2] == [20, 40]
    assert "sample/text_summary" in seen.Tags()["tensors"]


@pytest.mark.parametrize("name", ["TensorBoard", "matplotlib"])
def test_a_missing_extra_is_told_with_the_way_to_get_it(run, text_run, corpora, tmp_path, monkeypatch, name):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    if name == "matplotlib":
        told = run("info", text_run, "--plot", tmp_path / "x.svg")
        assert told == (2, "", "error: --plot needs matplotlib: pip install '.[plot]' in the checkout\n")
    else:
        words = ["train", corpora / "cats.txt", "--steps", 2, "--out", tmp_path / "r", *SMALL, "--tensorboard"]
        status, _, err = run(*words)
        assert (status, err.splitlines()[-1]) == (
            2,
            "error: --tensorboard needs TensorBoard: pip install '.[tensorboard]' in the checkout",
        )
        assert not (tmp_path / "r").exists()


@pytest.mark.parametrize("ending", ["svg", "png", "pdf"])
def test_the_learning_curves_of_a_run_are_drawn(run, text_run, tmp_path, ending):
    picture = tmp_path / f"curves.{ending}"
    status, out, err = run("info", text_run, "--plot", picture, "--json")
    assert status == 0
    assert err == f"{picture}: learning curves of {text_run}\n"
    begins = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}[ending]
    assert picture.read_bytes().startswith(begins)
    if ending == "svg":
        best = bits(json.loads(out)["best"]["nats_per_symbol"])
        drawn = picture.read_text()
        assert f"best {best:.3f}" in drawn
        for word in ("bits per symbol", "training steps", "validation, averaged weights", "cats"):
            assert word in drawn


def test_what_cannot_be_drawn_is_told(run, text_run, tmp_path):
    told = run("info", text_run, "--plot", tmp_path / "x.gif")
    assert told == (2, "", f"error: --plot {tmp_path / 'x.gif'}: a picture ends in one of .svg, .png, .pdf\n")
    run("export", text_run, tmp_path / "m.safetensors")
    status, _, err = run("info", tmp_path / "m.safetensors", "--plot", tmp_path / "x.svg")
    assert status == 2
    assert err.startswith("error: --plot draws the course of training, which a model file such as")
    metrics = text_run / "metrics.jsonl"
    lines = metrics.read_bytes()
    metrics.write_bytes(lines[:-400] + lines[-400:].replace(b"best_nats", b"bast_nats"))
    status, out, _ = run("runs", text_run.parent)
    assert status == 0
    assert "cats" in out
    (text_run / "metrics.jsonl").write_text('7\n{"a": 1}\n')
    assert run("info", text_run, "--plot", tmp_path / "x.svg")[2] == (
        f"error: {text_run} has no evaluations to draw yet\n"
    )
    assert run("info", text_run)[0] == 0


def test_beams_are_shown_as_they_compete(text_model):
    run = text_model.generate_many(["the "], beam=4, length=30, pace=1)
    for step, _ in enumerate(run, start=1):
        if step == 12:
            break
    found = run.beginnings()
    assert [each.log_prob for each in found] == sorted((each.log_prob for each in found), reverse=True)
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(beams(found, 12, 30))
    told = console.export_text()
    assert "12 of at most 30 symbols" in told
    assert all(each.text.replace("\n", "⏎") in told for each in found)
    shares = [int(share) for share in re.findall(r"(\d+)%", told)]
    assert len(shares) == 4
    assert 97 <= sum(shares) <= 103


def test_a_watched_beam_leaves_its_text_behind(text_run, monkeypatch, capsys):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    words = ["generate", str(text_run), "--prompt", "the ", "--beam", "3", "--length", "20"]
    assert main(words) == 0
    plain = capsys.readouterr().out
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert main([*words, "--watch", "--pace", "0"]) == 0
    shown = capsys.readouterr().out
    assert shown.endswith(plain)
    assert "of at most 20 symbols" in shown  # the last beginnings stay
    slept = []
    monkeypatch.setattr("time.sleep", slept.append)
    assert main([*words, "--watch", "--pace", "0.5"]) == 0
    assert slept.count(0.5) >= 2
