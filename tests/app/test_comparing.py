"""``compare`` and ``sweep``: runs beside each other."""

import json
import os
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ostinato.app.cli import main
from ostinato.runs import RunFolder
from ostinato.units import bits

TINY = ["--set", "hidden_size=8", "--set", "embedding_size=4", "--set", "batch_size=4", "--set", "window=16"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a text and two runs that differ in their core and their seed."""
    place = tmp_path_factory.mktemp("compared")
    (place / "t.txt").write_text("to be or not to be, that is the question. " * 60)
    for core, seed in (("lstm", "1"), ("gru", "2")):
        words = ["train", str(place / "t.txt"), "--steps", "6", "--no-report", "--out", str(place / core), *TINY]
        assert main([*words, "--set", f"core={core}", "--seed", seed]) == 0
    return place


def compared(capsys, *words):
    capsys.readouterr()
    status = main(["compare", *map(str, words)])
    return status, *capsys.readouterr()


def test_settings_that_differ_and_losses_stand_beside_each_other(folder, capsys):
    status, out, _ = compared(capsys, folder / "lstm", folder / "gru")
    assert status == 0
    head, *rows = [line.split() for line in out.splitlines()]
    assert head[:4] == ["core", "seed", "weights", "step"]
    assert [row[:3] for row in rows] == [["lstm", '"lstm"', "1"], ["gru", '"gru"', "2"]]
    assert "hidden_size" not in out
    found = json.loads(compared(capsys, folder / "lstm", folder / "gru", "--json")[1])
    assert found["is_comparable"]  # of different seeds, but validated on the same
    by_folder = compared(capsys, folder, "--json")[1]  # a folder of runs stands for them
    assert {Path(name).name for name in json.loads(by_folder)["runs"]} == {"lstm", "gru"}
    status, _, err = compared(capsys, folder / "lstm", folder / "nothing")
    assert (status, f"there is no run and no file '{folder / 'nothing'}'" in err) == (2, True)
    assert [best["nats_per_symbol"] for best in found["best"]] == [
        RunFolder(folder / name).metrics()[-1]["best_nats_per_symbol"] for name in ("lstm", "gru")
    ]


def test_runs_are_measured_on_the_same_file_as_evaluate_does(folder, capsys):
    (folder / "held.txt").write_text("that is not the question, or to be. " * 20)
    found = json.loads(compared(capsys, folder / "lstm", folder / "gru", folder / "held.txt", "--json")[1])
    for name, plain in zip(("lstm", "gru"), found["evaluations"], strict=True):
        assert main(["evaluate", str(folder / name), str(folder / "held.txt"), "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == plain
    shown = compared(capsys, folder / "lstm", folder / "gru", folder / "held.txt")[1]
    nats = [plain["nats_per_symbol"] for plain in found["evaluations"]]
    assert all(
        f"{bits(one):.4f} ± {bits(plain['standard_error']):.4f}" in shown
        for one, plain in zip(nats, found["evaluations"], strict=True)
    )


def test_curves_of_runs_are_one_picture(folder, capsys, tmp_path):
    pytest.importorskip("matplotlib")
    assert compared(capsys, folder / "lstm", folder / "gru", "--plot", tmp_path / "c.svg")[0] == 0
    picture = (tmp_path / "c.svg").read_text()
    assert picture.count(">lstm<") == picture.count(">gru<") == 1
    assert main(["export", str(folder / "gru"), str(tmp_path / "gru.safetensors")]) == 0
    status, _, err = compared(capsys, folder / "lstm", tmp_path / "gru.safetensors", "--plot", tmp_path / "d.svg")
    assert (status, "is a model file, which holds none" in err) == (2, True)


def test_one_run_is_not_compared(folder, capsys):
    status, _, err = compared(capsys, folder / "lstm", folder / "t.txt")
    assert (status, "compare needs two runs" in err) == (2, True)


def swept(capsys, folder, *words):
    capsys.readouterr()
    status = main(["sweep", str(folder / "t.txt"), "--steps", "4", *TINY[2:], *map(str, words)])
    return status, *capsys.readouterr()


def test_a_sweep_trains_every_combination_once_and_ranks_them(folder, capsys, tmp_path):
    words = ("--set", "hidden_size=4,8", "--set", "core=lstm", "--seeds", "1,2", "--out", tmp_path / "sw")
    status, out, err = swept(capsys, folder, *words)
    assert status == 0, err
    names = {f"hidden_size={size}_seed={seed}" for size in (4, 8) for seed in (1, 2)}
    table, _, below = out.partition("mean over seeds")
    rows, means = table.splitlines()[1:], below.splitlines()[1:]
    assert {line.split()[0] for line in rows} == names
    assert {path.name for path in (tmp_path / "sw").iterdir() if path.is_dir()} == names
    losses = [float(line.split()[1]) for line in rows]
    assert losses == sorted(losses)
    for line in means:
        size = line.split()[0].removeprefix("hidden_size=").removesuffix(":")
        runs = [RunFolder(tmp_path / "sw" / name) for name in names if f"={size}_" in name]
        own = [bits(run.metrics()[-1]["best_nats_per_symbol"]) for run in runs]
        assert f": {statistics.fmean(own):.3f} ± {statistics.stdev(own) / 2**0.5:.3f} (2 seeds)" in line
    assert len(means) == 2
    assert len({str(RunFolder(tmp_path / "sw" / name).config()["validation"]) for name in names}) == 1
    about = RunFolder(tmp_path / "sw" / "hidden_size=4_seed=2").config()
    assert (about["settings"]["hidden_size"], about["settings"]["core"], about["seed"]) == (4, "lstm", 2)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "sw").rglob("metrics.jsonl")}
    status, again, err = swept(capsys, folder, *words, "--json")
    assert (status, "4 of them done" in err) == (0, True)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert [json.loads(line)["path"].rpartition("/")[2] for line in again.splitlines()] == [
        line.split()[0] for line in rows
    ]
    for other in (("--set", "hidden_size=4,8", "--set", "core=gru", *words[4:]), (*words, "--set", "window=8")):
        status, _, err = swept(capsys, folder, *other)
        assert (status, "has a sweep of other settings that do not vary" in err) == (2, True)
    (folder / "t.txt").write_text((folder / "t.txt").read_text() + "more")
    status, _, err = swept(capsys, folder, *words)
    assert (status, "has a sweep of other files" in err) == (2, True)


def test_a_sweep_says_at_once_what_is_wrong(folder, capsys, tmp_path):
    out = ("--out", tmp_path / "sw")
    assert "nothing differs" in swept(capsys, folder, *out)[2]
    assert "did you mean 'core'" in swept(capsys, folder, "--set", "cor=lstm,gru", *out)[2]
    assert "dropout must be" in swept(capsys, folder, "--set", "dropout=0,2", *out)[2]
    assert "a sweep has --seeds, such as --seeds 3,4" in swept(capsys, folder, "--seed", "3", "--seeds", "1,2", *out)[2]
    assert not (tmp_path / "sw").exists()
    status, _, err = swept(capsys, folder, "--set", "core=lstm,gru", "--valid", "missing.txt", *out)
    assert (status, "missing.txt" in err) == (1, True)
    assert swept(capsys, folder, "--set", "core=lstm,gru", *out)[0] == 0  # what never began binds nobody


@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal")
def test_a_sweep_that_is_stopped_goes_on_where_it_was(folder, tmp_path):
    words = ["sweep", str(folder / "t.txt"), "--steps", "4000", *TINY, "--set", "core=lstm,gru"]
    words += ["--out", str(tmp_path / "sw")]
    begun = subprocess.Popen(
        [sys.executable, "-m", "ostinato", *words], start_new_session=True, stderr=subprocess.DEVNULL
    )
    runs = [tmp_path / "sw" / f"core={core}" for core in ("lstm", "gru")]
    deadline = time.monotonic() + 120
    while not all((run / "config.json").exists() for run in runs) and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(2)
    os.killpg(begun.pid, signal.SIGINT)
    assert begun.wait(60) == 130
    steps = [max(RunFolder(run).steps(), default=0) for run in runs]
    assert all(0 < step < 4000 for step in steps)
    assert [RunFolder(run).finished() for run in runs] == [None, None]
