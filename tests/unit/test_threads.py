"""How many threads train: by shape, by a trial, and anew when another program takes a core."""

import subprocess
import sys

import pytest
import torch

from ostinato.app.process import threads_to_measure
from ostinato.engine import cpu
from ostinato.engine.watching import ThreadWatch
from ostinato.training.device import StepTime
from ostinato.workshop.threads import faster_threads, using_threads, usual_threads


class Machine:
    """Two cores, of which a step takes ``work`` seconds of one; threads wait for each other beside busy programs."""

    def __init__(self, work=0.02, busy=0):
        self.work, self.busy = work, busy

    def seconds(self, threads):
        if threads == 1:
            return self.work / self.share()
        return self.work * (0.6, 8, 90)[self.busy]

    def share(self):
        """For which part of the time one thread has a core."""
        return 2 / 3 if self.busy == 2 else 1.0


def asked(machine):
    """What a trial asks of a machine: the time of a step, which need not be exact where it is too long."""
    return lambda threads, too_long: StepTime(machine.seconds(threads), machine.share())


def train(watch, machine, seconds):
    """Train so long; return the time that was taken, the steps that were made, and the decisions."""
    clock, steps, switches = 0.0, 0, []
    while clock < seconds:
        took = machine.seconds(watch.count)
        clock, steps = clock + took, steps + 1
        if (switch := watch.take(took, on_core=took * machine.share())) is not None:
            switches.append(switch)
    return clock, steps, switches


def test_small_steps_have_one_thread_and_large_ones_all():
    assert usual_threads(10e6, 8) == 1
    assert usual_threads(200e6, 8) == 8
    assert usual_threads(200e6, 1) == 1


def test_a_trial_takes_one_thread_beside_a_busy_program_and_all_on_a_quiet_machine():
    assert faster_threads(2, asked(Machine()))[0] == 2
    assert faster_threads(2, asked(Machine(busy=1)))[0] == 1
    count, times = faster_threads(1, asked(Machine()))
    assert (count, set(times)) == (1, {1})
    times = {2: StepTime(1.0, 1.0), 1: StepTime(1.05, 1.0)}
    assert faster_threads(2, lambda count, most: times[count])[0] == 1  # more threads have to be worth it


def test_where_one_thread_does_not_get_a_core_for_itself_more_are_not_tried():
    count, times = faster_threads(2, asked(Machine(busy=2)))
    assert (count, set(times)) == (1, {1})


@pytest.mark.parametrize("busy", [1, 2])
@pytest.mark.parametrize("quiet_first", [0, 20])
@pytest.mark.parametrize("work", [0.002, 0.02, 0.1])
def test_beside_busy_programs_nearly_as_much_is_trained_as_with_one_thread(busy, quiet_first, work):
    machine = Machine(work)
    watch = ThreadWatch(2, 2, {2: machine.seconds(2), 1: machine.seconds(1)})
    train(watch, machine, quiet_first)
    machine.busy = busy
    slow = machine.seconds(2) / machine.seconds(1)
    clock, steps, switches = train(watch, machine, 300)
    assert [(s.before, s.threads) for s in switches] == [(2, 1)]
    assert switches[0].gain == pytest.approx(slow)
    assert steps * machine.seconds(1) >= 0.9 * clock


def test_two_steps_that_stall_are_enough_to_try_one_thread():
    machine = Machine(0.1)
    watch = ThreadWatch(2, 2, {2: machine.seconds(2), 1: machine.seconds(1)})
    machine.busy = 2
    for _ in range(2):
        assert watch.count == 2
        watch.take(machine.seconds(2))
    assert watch.count == 1


def test_a_single_step_that_stalls_changes_nothing():
    machine = Machine()
    watch = ThreadWatch(2, 2, {2: machine.seconds(2), 1: machine.seconds(1)})
    watch.take(3600.0)  # a laptop that slept
    _, _, switches = train(watch, machine, 60)
    assert switches == []
    assert watch.count == 2


def test_more_threads_are_not_tried_again_while_one_does_not_get_a_core_for_itself():
    machine = Machine(busy=2)
    watch = ThreadWatch(2, 1, {1: machine.seconds(1)})
    clock, steps, _ = train(watch, machine, 300)
    assert steps * machine.seconds(1) == pytest.approx(clock)


def test_when_the_other_programs_end_all_threads_are_used_again():
    for busy in (1, 2):
        machine = Machine(busy=busy)
        watch = ThreadWatch(2, 1, {1: machine.seconds(1)})
        train(watch, machine, 20)
        machine.busy = 0
        _, _, switches = train(watch, machine, 100)
        assert [(s.before, s.threads) for s in switches] == [(1, 2)]


def test_a_machine_that_is_slow_with_any_number_is_left_alone():
    machine = Machine()
    watch = ThreadWatch(2, 2, {2: machine.seconds(2), 1: machine.seconds(1)})
    machine.work *= 5
    clock, steps, switches = train(watch, machine, 300)
    assert switches == []
    assert steps * machine.seconds(2) > 0.99 * clock


def test_threads_are_put_back():
    before = torch.get_num_threads()
    with using_threads(before + 2):
        assert torch.get_num_threads() == before + 2
    assert torch.get_num_threads() == before
    with using_threads(None):
        assert torch.get_num_threads() == before


def test_where_one_thread_was_never_measured_it_is_tried_soon():
    busy = Machine(busy=1)
    watch = ThreadWatch(2, 2)
    _, _, switches = train(watch, busy, 20)
    assert [(s.before, s.threads) for s in switches] == [(2, 1)]
    quiet = ThreadWatch(2, 2)
    clock, steps, switches = train(quiet, Machine(), 60)
    assert switches == []
    assert steps * Machine().seconds(2) > 0.99 * clock


FORKS = """
import os, sys, time
import torch
import ostinato
torch.set_num_threads(2)
folder, corpus = sys.argv[1:]
options = {"settings": {"hidden_size": 128, "core": "capped-lstm"}, "threads": 2}
ostinato.train(corpus, out=folder + "/r", steps=3, **options).to_end()
model = ostinato.load(folder + "/r")
model.generate("a", length=5, seed=1, engine="torch")
works = {
    "compiled": lambda: model.generate("a", length=5, seed=1, engine="compiled"),
    "torch": lambda: model.generate("a", length=5, seed=1, engine="torch"),
    "train": lambda: ostinato.train(corpus, out=folder + "/child", steps=3, **options).to_end(),
}
for name, work in works.items():
    child = os.fork()
    if not child:
        work()
        os._exit(7)
    ended = (0, 0)
    for _ in range(600):
        ended = os.waitpid(child, os.WNOHANG)
        if ended[0]:
            break
        time.sleep(0.1)
    else:
        os.kill(child, 9)
        os.waitpid(child, 0)
    print(name, os.waitstatus_to_exitcode(ended[1]) if ended[0] else "hangs", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
def test_a_process_forked_after_threads_were_used_works(corpora, tmp_path):
    command = [sys.executable, "-W", "ignore", "-c", FORKS, str(tmp_path), str(corpora / "cats.txt")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["compiled 7", "torch 7", "train 7"], done.stderr


def test_free_cores_are_those_that_were_idle(monkeypatch):
    seen = iter([{0: 10.0, 1: 20.0}, {0: 10.0, 1: 20.05}])
    monkeypatch.setattr("ostinato.engine.cpu._idle", lambda: next(seen))
    assert cpu.free_cores(0.05) == pytest.approx(1)
    monkeypatch.setattr("ostinato.engine.cpu._idle", lambda: None)
    assert cpu.free_cores() == cpu.cores_here()


def test_beside_a_busy_program_pytorch_measures_with_one_thread(monkeypatch):
    monkeypatch.setattr("ostinato.app.process.cores_here", lambda: 2)
    for free, threads in ((2.0, None), (1.0, 1)):
        monkeypatch.setattr("ostinato.app.process.free_cores", lambda free=free: free)
        assert threads_to_measure(None) == threads
        assert threads_to_measure(2) == 2
