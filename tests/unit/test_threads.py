"""How many threads train: by shape, by a trial, and anew when another program takes a core."""

import subprocess
import sys

import pytest
import torch

from ostinato.engine.watching import ThreadWatch
from ostinato.workshop.threads import faster_threads, using_threads, usual_threads


class Machine:
    """A step takes ``work`` seconds of one core; beside a busy program threads wait for each other."""

    def __init__(self, work=0.02, busy=False):
        self.work, self.busy = work, busy

    def seconds(self, threads):
        if threads == 1:
            return self.work
        return self.work * 8 if self.busy else self.work / 1.6


def asked(machine):
    """What a trial asks of a machine: the seconds of a step, which need not be exact where they are too many."""
    return lambda threads, too_long: machine.seconds(threads)


def train(watch, machine, seconds):
    """Train so long; return the time that was taken, the steps that were made, and the decisions."""
    clock, steps, switches = 0.0, 0, []
    while clock < seconds:
        took = machine.seconds(watch.count)
        clock, steps = clock + took, steps + 1
        if (switch := watch.take(took)) is not None:
            switches.append(switch)
    return clock, steps, switches


def test_small_steps_have_one_thread_and_large_ones_all():
    assert usual_threads(10e6, 8) == 1
    assert usual_threads(200e6, 8) == 8
    assert usual_threads(200e6, 1) == 1


def test_a_trial_takes_one_thread_beside_a_busy_program_and_all_on_a_quiet_machine():
    assert faster_threads(2, asked(Machine()))[0] == 2
    assert faster_threads(2, asked(Machine(busy=True)))[0] == 1
    count, times = faster_threads(1, asked(Machine()))
    assert (count, set(times)) == (1, {1})
    assert faster_threads(2, lambda count, most: {2: 1.0, 1: 1.05}[count])[0] == 1  # more threads have to be worth it


@pytest.mark.parametrize("quiet_first", [0, 20])
def test_beside_a_busy_program_nearly_as_much_is_trained_as_with_one_thread(quiet_first):
    machine = Machine()
    watch = ThreadWatch(2, 2, {2: machine.seconds(2), 1: machine.seconds(1)})
    train(watch, machine, quiet_first)
    machine.busy = True
    clock, steps, switches = train(watch, machine, 300)
    assert [(s.before, s.threads) for s in switches] == [(2, 1)]
    assert switches[0].gain == pytest.approx(8)
    assert steps * machine.seconds(1) >= 0.93 * clock


def test_when_the_other_program_ends_all_threads_are_used_again():
    machine = Machine(busy=True)
    watch = ThreadWatch(2, 1, {1: machine.seconds(1), 2: machine.seconds(2)})
    train(watch, machine, 20)
    machine.busy = False
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
    busy = Machine(busy=True)
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
