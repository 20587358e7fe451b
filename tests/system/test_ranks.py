"""Two processes learn what one learns: the same rows, the same losses, the same checkpoints for whoever goes on."""

import json
import os
import re
import signal
import sys
import time
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest

import ostinato
from conftest import TINY
from ostinato.app.process import with_processes
from ostinato.batch import SymbolBatch
from ostinato.errors import ConfigError, LostRankError
from ostinato.runs import RunFolder
from ostinato.training import ranks
from ostinato.training.ranks import Alone
from torchrun import launch, start

pytestmark = pytest.mark.xdist_group("signals")
SETTINGS = [word for name, value in TINY.items() for word in ("--set", f"{name}={json.dumps(value)}")]


def losses(path):
    return [
        (record["step"], record["train_nats_per_symbol"], record["valid_nats_per_symbol"])
        for record in RunFolder(path).metrics()
    ]


@pytest.mark.slow
def test_two_processes_learn_running_text_as_one_and_either_goes_on_for_the_other(corpora, tmp_path):
    dropout = ["--set", "dropout=0.3", "--set", "recurrent_dropout=0.2", "--set", "input_dropout=0.1"]
    train = ["train", corpora / "cats.txt", *SETTINGS, *dropout]
    alone = ostinato.train(
        str(corpora / "cats.txt"),
        out=tmp_path / "one",
        steps=24,
        settings={**TINY, "dropout": 0.3, "recurrent_dropout": 0.2, "input_dropout": 0.1},
    )
    alone.to_end()
    status, out, err = launch(2, *train, "--steps", 24, "--out", tmp_path / "two")
    assert status == 0, err
    assert out.count("done: best validation") == 1  # one speaks for both
    np.testing.assert_allclose(losses(tmp_path / "two"), losses(tmp_path / "one"), rtol=2e-5)
    one, two = (RunFolder(tmp_path / name).load(24).snapshot for name in ("one", "two"))
    for name, array in one.weights.items():
        np.testing.assert_allclose(two.weights[name], array, atol=2e-4)
    for name, array in one.carried_state.items():
        assert two.carried_state[name].shape == array.shape
        np.testing.assert_allclose(two.carried_state[name], array, atol=2e-4)
    # The checkpoint knows nothing of the number of processes: three rows here, one there.
    further = [RunFolder(tmp_path / name) for name in ("one", "two")]
    for count, run in zip((2, 1), further, strict=True):
        status, _, err = launch(count, "resume", run.path, "--minutes", "0.05", "--threads", 1)
        assert status == 0, err
        assert run.steps()[-1] > 24
        assert run.finished()["reason"] == "done"


@pytest.mark.slow
def test_two_processes_learn_items_as_one_although_their_symbols_differ_in_number(corpora, tmp_path):
    settings = {**TINY, "batch_size": 5, "window": 3}
    ostinato.train(str(corpora / "names.txt"), out=tmp_path / "one", steps=15, settings=settings).to_end()
    words = ["--set", "batch_size=5", "--set", "window=3"]
    status, _, err = launch(
        2, "train", corpora / "names.txt", *SETTINGS, *words, "--steps", 15, "--out", tmp_path / "two"
    )
    assert status == 0, err
    np.testing.assert_allclose(losses(tmp_path / "two"), losses(tmp_path / "one"), rtol=2e-5)
    assert RunFolder(tmp_path / "two").novelty()["samples"] == 1000


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="finds the processes in /proc")
def test_when_one_process_is_killed_the_others_say_so_and_the_run_goes_on(corpora, tmp_path):
    process = start(2, "train", corpora / "cats.txt", *SETTINGS, "--steps", 400_000, "--out", tmp_path / "run",
                    "--set", "valid_symbols=100")  # fmt: skip
    run, deadline = tmp_path / "run", time.monotonic() + 90
    while not (run / "checkpoints").is_dir() and time.monotonic() < deadline:
        time.sleep(0.2)
    time.sleep(2)
    workers = [pid for pid in children(process.pid) if "ostinato" in Path(f"/proc/{pid}/cmdline").read_text()]
    assert len(workers) == 2
    os.kill(workers[1], signal.SIGKILL)
    _, err = process.communicate(timeout=90)
    assert process.returncode != 0
    told = r"^error: another process of this training is gone, so it cannot go on \(.+\)\. Everything up to step 0 is"
    assert re.search(told, err, re.M), err
    assert f"-m ostinato resume {run}" in err
    assert ostinato.resume(run, minutes=0.02).to_end().parameters > 0


def test_who_cannot_go_on_is_not_ended_politely_before_it_says_why(monkeypatch):
    """torchrun ends the others a tenth of a second after the first loss, and leaving takes gloo a while."""
    found = {}

    class Leaving(Rank):
        def close(self):
            found["handler"] = signal.getsignal(signal.SIGTERM)

    monkeypatch.setattr(ranks, "Together", lambda rank, count, device: Leaving(rank, count))
    for name, value in {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    args, before = Namespace(threads=None), signal.getsignal(signal.SIGTERM)
    try:
        with with_processes(args, "cpu"):
            pass
        assert found.pop("handler") == before
        with pytest.raises(LostRankError), with_processes(args, "cpu"):
            raise LostRankError("the other one is gone")
        assert found["handler"] == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.slow
def test_what_is_wrong_is_told_once_and_ends_all(corpora, tmp_path):
    status, _, err = launch(2, "train", corpora / "cats.txt", *SETTINGS, "--set", "batch_size=1", "--steps", 3,
                              "--out", tmp_path / "run")  # fmt: skip
    assert status != 0
    assert err.count("error: batches of 1 rows cannot be divided among 2 processes; --set batch_size=2 or more") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="finds the processes in /proc")
def test_ctrl_c_stops_all_after_the_same_step_with_a_checkpoint(corpora, tmp_path):
    run = tmp_path / "run"
    process = start(2, "train", corpora / "cats.txt", *SETTINGS, "--steps", 400_000, "--out", run)
    deadline = time.monotonic() + 90
    while not (run / "checkpoints").is_dir() and time.monotonic() < deadline:
        time.sleep(0.2)
    time.sleep(2)
    for pid in children(process.pid):
        if "ostinato" in Path(f"/proc/{pid}/cmdline").read_text():
            os.kill(pid, signal.SIGINT)
    out, _ = process.communicate(timeout=90)
    step = RunFolder(run).steps()[-1]
    assert step > 0
    assert f"stopped and saved at step {step}. To go on: ostinato resume {run}" in out


def children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


class Rank(Alone):
    """One of several processes, as far as rows go."""

    def __init__(self, rank, count):
        super().__init__()
        self.rank, self.count = rank, count


@pytest.mark.parametrize(("rows", "count"), [(1, 1), (7, 2), (16, 3), (5, 5)])
def test_the_parts_of_a_batch_are_the_batch(rows, count):
    ids = np.arange(rows * 4).reshape(rows, 4)
    batch = SymbolBatch(ids, ids + 1, np.arange(rows) % 4, np.arange(rows) % 2 == 0)
    parts = [Rank(n, count).part(batch) for n in range(count)]
    for name in ("inputs", "targets", "lengths", "fresh"):
        assert np.array_equal(np.concatenate([getattr(part, name) for part in parts]), getattr(batch, name))
    assert sum(part.count for part in parts) == batch.count
    sizes = [len(part.fresh) for part in parts]
    assert max(sizes) - min(sizes) <= 1


def test_more_processes_than_rows_are_refused():
    with pytest.raises(ConfigError, match="batches of 2 rows cannot be divided among 3 processes"):
        Rank(0, 3).check_rows(2)


@pytest.mark.slow
def test_two_processes_learn_tags_as_one_although_one_has_only_short_sentences(tmp_path):
    (tmp_path / "tags.txt").write_text("".join("a X\n" * (1 + n % 7) + "b Y\n\n" for n in range(30)))
    settings = {"hidden_size": 6, "batch_size": 4, "precision": "float32", "patience": None, "dropout": 0.2}
    ostinato.train(str(tmp_path / "tags.txt"), out=tmp_path / "one", recipe="tag", steps=8, settings=settings).to_end()
    words = [word for name, value in settings.items() for word in ("--set", f"{name}={json.dumps(value)}")]
    status, _, err = launch(
        2, "train", tmp_path / "tags.txt", "--recipe", "tag", *words, "--steps", 8, "--out", tmp_path / "two"
    )
    assert status == 0, err
    np.testing.assert_allclose(losses(tmp_path / "two"), losses(tmp_path / "one"), rtol=2e-5)
