"""Stopping and going on: the same bytes as if nothing had happened, however the process ended."""

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

import ostinato
from conftest import TINY
from ostinato.engine.watching import ThreadWatch
from ostinato.errors import ConfigError
from ostinato.runs import RunFolder
from ostinato.training.device import StepTime
from ostinato.training.loop import Evaluated, RolledBack, Stopped
from ostinato.workshop.plan import Clock
from ostinato.workshop.run import ThreadsChanged
from ostinato.workshop.threads import using_threads

PARTS = ["weights", "average", "optimizer", "carried_state"]


def last_bytes(run):
    folder = run / "checkpoints" / f"step-{RunFolder(run).steps()[-1]:06d}"
    return {part: (folder / f"{part}.safetensors").read_bytes() for part in PARTS}


def told(run):
    """What metrics.jsonl says, without what the clock says."""
    clocks = ("symbols_per_second", "unix_seconds")
    return [{k: v for k, v in record.items() if k not in clocks} for record in RunFolder(run).metrics()]


@pytest.mark.parametrize("corpus", ["cats.txt", "names.txt"])
@pytest.mark.parametrize("core", ["elman", "jordan", "lstm", "gru"])
@pytest.mark.parametrize("cut", [5, 6, 10])  # between evaluations, before one, before the last
def test_ten_steps_in_two_parts_are_ten_steps_byte_for_byte(corpora, tmp_path, corpus, core, cut):
    settings = {**TINY, "core": core, "dropout": 0.0 if core == "jordan" else 0.2, "recurrent_dropout": 0.1}
    source = str(corpora / corpus)
    ostinato.train(source, out=tmp_path / "whole", steps=10, settings=settings).to_end()
    first = ostinato.train(source, out=tmp_path / "cut", steps=10, settings=settings)
    for event in first:
        if getattr(event, "step", 0) == cut:
            first.save()
            break
    again = ostinato.resume(tmp_path / "cut")
    assert again.trainer.step == cut
    again.to_end()
    assert told(tmp_path / "cut") == told(tmp_path / "whole")
    assert last_bytes(tmp_path / "cut") == last_bytes(tmp_path / "whole")
    assert (tmp_path / "cut" / "best.json").read_bytes() == (tmp_path / "whole" / "best.json").read_bytes()


def test_what_was_written_after_the_checkpoint_is_cut_from_the_metrics(corpora, tmp_path):
    out = tmp_path / "run"
    training = ostinato.train(str(corpora / "cats.txt"), out=out, steps=16, settings=TINY)
    for event in training:
        if isinstance(event, Evaluated) and event.step == 6:
            break  # its line is written, its checkpoint is not
    assert [record["step"] for record in RunFolder(out).metrics()] == [2, 4, 6]
    ostinato.resume(out).to_end()
    assert [record["step"] for record in RunFolder(out).metrics()] == [2, 4, 6, 8, 10, 12, 14, 16]


def test_a_rollback_after_resuming_goes_back_to_the_last_evaluation(corpora, tmp_path):
    first = ostinato.train(str(corpora / "cats.txt"), out=tmp_path / "run", steps=16, settings=TINY)
    for event in first:
        if getattr(event, "step", 0) == 5:
            first.save()
            break
    again = ostinato.resume(tmp_path / "run")
    honest = again.trainer.task.loss
    calls = []

    def broken_once(batch, state, context):
        calls.append(context.training)
        result, after = honest(batch, state, context)
        return (result, after) if sum(calls) != 1 else (type(result)(result.total * float("nan"), result.count), after)

    again.trainer.task.loss = broken_once
    events = list(again)
    assert next(e for e in events if isinstance(e, RolledBack)) == RolledBack(5, 4, "loss nan", 0.5)
    assert Stopped(16, "done") in events


def test_more_minutes_are_evaluated_as_a_run_of_that_length_and_not_cut_short(corpora, tmp_path):
    settings = {**TINY, "patience": 10}  # more than the evaluations of any run, fewer than the steps of this one
    ostinato.train(str(corpora / "cats.txt"), out=tmp_path / "run", steps=8, settings=settings).to_end()
    again = ostinato.resume(tmp_path / "run", minutes=0.1)
    assert again.trainer.evaluate_every > 1
    events = list(again)
    assert events[-1].reason == "done"


def test_a_finished_run_goes_on_with_a_new_schedule_and_says_so_otherwise(text_run):
    with pytest.raises(ConfigError) as caught:
        ostinato.resume(text_run)
    assert str(caught.value) == (
        f"{text_run} is finished (step 150, done). To train it further: ostinato resume {text_run} --minutes 5"
    )
    training = ostinato.resume(text_run, minutes=0.05)
    at, progress, _ = training.trainer.schedule.plans[-1]
    assert at == 150
    assert training.trainer.schedule.is_falling(151)  # neither warm-up nor a flat part: what was learned stays
    assert progress == pytest.approx(1 - (1 - training.settings.warmup) * training.settings.cooldown)
    training.to_end()
    assert RunFolder(text_run).steps()[-1] > 150
    assert RunFolder(text_run).finished()["reason"] == "done"


def test_a_new_run_starts_from_the_weights_of_another(text_run, corpora, tmp_path):
    training = ostinato.train(str(corpora / "cats.txt"), out=tmp_path / "child", steps=3, base=text_run)
    assert training.codec.alphabet == ostinato.load(text_run).codec.alphabet
    first = next(event for event in training if isinstance(event, Evaluated))
    assert first.valid_nats_per_symbol < 1.6  # a new model starts at ln 14 = 2.6
    assert training.run.origin()["base"]["name"] == "cats"


def test_a_time_budget_is_planned_recorded_and_kept_to(corpora, tmp_path):
    before = time.monotonic()
    training = ostinato.train(str(corpora / "cats.txt"), out=tmp_path / "run", minutes=0.1, settings=TINY)
    training.to_end()
    assert time.monotonic() - before < 6 * 1.1 + 5
    checkpoint, _ = RunFolder(tmp_path / "run").load_latest()
    plans = checkpoint.snapshot.plain["plans"]
    assert plans[0][:2] == [0, 0.0]
    assert plans[-1][2] == checkpoint.snapshot.plain["step"]


def test_a_switch_of_threads_is_recorded_said_and_survives_a_plan_that_is_due_at_once(corpora, tmp_path, monkeypatch):
    training = ostinato.train(str(corpora / "cats.txt"), out=tmp_path / "run", minutes=0.1, settings=TINY)
    training._threads = ThreadWatch(
        2, 2, {1: 1.0, 2: 1e-9}, look=0.0
    )  # steps are far slower than planned: one is tried
    training.trainer.use_threads(2)
    monkeypatch.setattr(Clock, "is_due", lambda self: True)
    before = torch.get_num_threads()
    changes = [event for event in training if isinstance(event, ThreadsChanged)]
    assert torch.get_num_threads() == before
    checkpoint, _ = RunFolder(tmp_path / "run").load_latest()
    threads = checkpoint.snapshot.plain["threads"]
    assert threads[0] == [0, 2]
    assert any(count == 1 for _, count in threads)
    for change in changes:  # what was said is what the record says of the steps after it
        assert [count for step, count in threads if step <= change.step][-1] == change.threads
    plans = checkpoint.snapshot.plain["plans"]
    assert plans[-1][2] == checkpoint.snapshot.plain["step"]


@pytest.mark.parametrize(
    ("times", "said"),
    [
        ([StepTime(0.01, 0.6)], "other programs are busy on every core: 1 thread for now, and 2 are tried once one is"),
        (
            [StepTime(0.01, 1.0), StepTime(0.08, 1.0)],
            "another program seems to keep a core busy, so that 2 threads wait for it: 1 thread for now",
        ),
        ([StepTime(0.01, 1.0), StepTime(0.006, 1.0)], None),
    ],
)
def test_a_run_says_why_it_has_one_thread(times, said, corpora, tmp_path, monkeypatch):
    monkeypatch.setattr("ostinato.workshop.threads._SMALL", 0)  # as if every step were worth all cores
    left = iter(times)
    monkeypatch.setattr("ostinato.workshop.build.time_steps", lambda step, device, too_long: next(left))
    with using_threads(2):
        training = ostinato.train(str(corpora / "cats.txt"), out=tmp_path / "run", steps=3, settings=TINY)
    assert next(left, None) is None
    assert training.trainer.threads == [(0, 2 if said is None else 1)]
    busy = [note for note in training.notes if "busy" in note]
    assert (said in busy[0]) if said else not busy


def test_resume_follows_the_record_of_threads(corpora, tmp_path):
    out = tmp_path / "run"
    training = ostinato.train(str(corpora / "cats.txt"), out=out, steps=8, settings=TINY, threads=2)
    for event in training:
        if event.step == 4:
            break
    training.save()
    assert RunFolder(out).config()["threads"] == 2
    with using_threads(2):
        assert ostinato.resume(out).trainer.threads == [(0, 2)]
    with using_threads(1):  # on a machine with fewer cores
        assert ostinato.resume(out).trainer.threads == [(0, 2), (4, 1)]
    assert ostinato.resume(out, threads=1).trainer.threads == [(0, 2), (4, 1)]


def test_a_number_of_threads_that_was_given_stays_when_a_run_is_resumed(corpora, tmp_path, monkeypatch):
    monkeypatch.setattr("ostinato.workshop.threads._SMALL", 0)  # as if every step were worth all cores
    with using_threads(2):
        for name, given in (("given", {"threads": 1}), ("free", {})):
            training = ostinato.train(str(corpora / "cats.txt"), out=tmp_path / name, steps=8, settings=TINY, **given)
            for event in training:
                if event.step == 4:
                    break
            training.save()
        assert ostinato.resume(tmp_path / "given")._threads is None
        assert ostinato.resume(tmp_path / "given").trainer.threads == [(0, 1)]
        assert ostinato.resume(tmp_path / "free")._threads is not None


def test_a_run_that_was_stopped_at_its_last_step_goes_on_with_a_rate(corpora, tmp_path):
    training = ostinato.train(str(corpora / "cats.txt"), out=tmp_path / "run", steps=4, settings=TINY)
    for event in training:
        if event.step == 4:
            break
    training.save()  # before it is marked as finished
    assert RunFolder(tmp_path / "run").finished() is None
    again = ostinato.resume(tmp_path / "run", minutes=0.05)
    assert again.trainer.schedule.factor(again.trainer.step) > 0.5


def test_a_set_up_that_eats_the_budget_says_so(corpora, tmp_path):
    texts, late = str(corpora / "cats.txt"), time.monotonic() - 50
    given = {**TINY, "passes": None}
    training = ostinato.train(texts, out=tmp_path / "late", minutes=1, started=late, settings=given)
    assert re.search(r"warning: setting up took 5\d s of 60 s; [0-9,]+ training steps will fit", training.notes[-1])
    training = ostinato.train(texts, out=tmp_path / "over", minutes=0.5, started=late, settings=given)
    assert "1 training step will fit in what is left. Give more --minutes" in training.notes[-1]
    training.to_end()
    training = ostinato.train(texts, out=tmp_path / "fine", minutes=1, settings=given)
    assert not any("warning" in note for note in training.notes)


KILLER = '''
import os, random, signal, sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
import torch
import ostinato
from conftest import TINY
from ostinato.runs import RunFolder

torch.set_num_threads(1)
corpus, folder, kills, seed = {corpus!r}, Path({folder!r}), {kills}, {seed}
choose = random.Random(seed)

def forked(act):
    child = os.fork()
    if child == 0:
        try:
            act()
            os._exit(0)
        except BaseException as error:
            print("child failed:", repr(error), flush=True)
            os._exit(1)
    return child

def begin(out):
    ostinato.train(corpus, out=out, steps=40, settings=TINY)

def go_on(out, calls=None):
    """Train on; die at a given call of the functions that publish a checkpoint."""
    left = [calls]
    def counted(honest):
        def call(*arguments, **options):
            if left[0] is not None:
                left[0] -= 1
                if left[0] < 0:
                    os.kill(os.getpid(), signal.SIGKILL)
            return honest(*arguments, **options)
        return call
    for name in ("fsync", "replace", "rename", "open"):
        setattr(os, name, counted(getattr(os, name)))
    ostinato.resume(out).to_end()

def bytes_of(out):
    last = out / "checkpoints" / ("step-%06d" % RunFolder(out).steps()[-1])
    return [(p.name, p.read_bytes()) for p in [*sorted(last.glob("*.safetensors")), out / "best.json"]]

reference = folder / "reference"
os.waitpid(forked(lambda: begin(reference)), 0)
assert os.waitpid(forked(lambda: go_on(reference)), 0)[1] == 0
done, runs, inside = 0, 0, 0
while done < kills:
    out = folder / ("run-%d" % runs)
    runs += 1
    assert os.waitpid(forked(lambda: begin(out)), 0)[1] == 0
    while RunFolder(out).finished() is None:
        by_the_clock = done in (4, 9, 14)
        # About a dozen calls make a checkpoint, the first ones of a process take locks.
        calls = choose.choice([*range(5, 14), *range(5, 14), *range(16, 34)])
        calls = None if by_the_clock or done >= kills else calls
        child = forked(lambda: go_on(out, calls))
        if calls is None and done < kills:
            time.sleep(choose.uniform(0.05, 0.4))
            os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
        if os.WIFSIGNALED(status):
            done += 1
            inside += any((out / "checkpoints").glob(".draft-*"))  # died with a checkpoint half made
        else:
            assert status == 0, status
        run = RunFolder(out)
        for step in run.steps():
            run.load(step)  # every checkpoint there is, is whole
    assert bytes_of(out) == bytes_of(reference)
print("kills", done, "inside a checkpoint", inside, "runs", runs)
'''


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 and fork are POSIX things")
def test_twenty_kills_leave_no_half_checkpoint_and_the_same_weights(corpora, tmp_path):
    tests = str(Path(__file__).parents[1])
    corpus = str(corpora / "cats.txt")
    code = KILLER.format(tests=tests, corpus=corpus, folder=str(tmp_path), kills=20, seed=1)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    words = done.stdout.split()
    assert int(words[words.index("kills") + 1]) >= 20
    assert int(words[words.index("checkpoint") + 1]) >= 11  # most of them
