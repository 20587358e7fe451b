"""Rolls walked through frame by frame: given notes by particles, and compiled code against PyTorch."""

import itertools

import numpy as np
import pytest
import torch

from ostinato.cores.stack import Stack
from ostinato.cores.table import new_core
from ostinato.disk.places import cache_folder
from ostinato.errors import ConfigError
from ostinato.families.rolls.given import given_bars, given_notes
from ostinato.families.rolls.harmonising import harmonise
from ostinato.families.rolls.heads.independent import IndependentHead
from ostinato.families.rolls.heads.nade import NadeHead
from ostinato.families.rolls.heads.rbm import RbmHead
from ostinato.families.rolls.heads.recurrent import NoteRecurrence
from ostinato.families.rolls.network import RollNetwork
from ostinato.families.rolls.stepping.by_engine import RollEngine, pack_rolls
from ostinato.families.rolls.stepping.by_torch import TorchStepper
from ostinato.families.rolls.writing import write_frames, write_within
from ostinato.music.roll_copies import CopyRuns, longest_copy


class Small:
    """A network of 4 notes that reads and predicts, with weights large enough to matter."""

    def __init__(self, head):
        torch.manual_seed(12)
        self.network = RollNetwork(Stack([new_core("gru", 4, 6, 6)]), head, 4).eval()
        for weight in self.network.parameters():
            torch.nn.init.normal_(weight, std=0.9)

    def log_prob(self, rolls):
        """Natural log-probability of rolls, [R, T, N]."""
        inputs = torch.nn.functional.pad(rolls, (0, 0, 1, 0))[:, :-1]
        with torch.inference_mode():
            y, _ = self.network.read(inputs, None)
            nats = self.network.head.nats(y.reshape(-1, y.shape[-1]), rolls.reshape(-1, 4))
        return -nats.reshape(len(rolls), -1).sum(dim=1).double()


@pytest.mark.parametrize(
    "head",
    [
        IndependentHead(6, 4),
        NadeHead(6, 4, hidden=5),
        NoteRecurrence(6, 4, core="gru", units=5, features=2),
    ],
    ids=["independent", "nade", "recurrent"],
)
def test_particles_find_the_probability_of_given_notes_and_the_notes_beside_them(head):
    small = Small(head)
    given = np.array([[-1, -1, 1, 0], [-1, -1, 0, 1], [-1, 1, 0, 0]], dtype=np.int8)  # a voice on top
    free = np.argwhere(given == -1)
    rolls = np.repeat((given == 1)[None].astype(np.float32), 2 ** len(free), axis=0)
    for row, notes in zip(rolls, itertools.product([0, 1], repeat=len(free)), strict=True):
        row[free[:, 0], free[:, 1]] = notes
    logs = small.log_prob(torch.from_numpy(rolls))
    exact = torch.logsumexp(logs, 0).item()
    found = [harmonise(TorchStepper(small.network, 8), given, particles=8, seed=seed) for seed in range(600)]
    ratios = np.exp([one.log_given - exact for one in found])
    assert abs(ratios.mean() - 1) < 4 * ratios.std() / len(ratios) ** 0.5  # unbiased
    assert all((one.frames[given == 1] == 1).all() and (one.frames[given == 0] == 0).all() for one in found)
    drawn = [harmonise(TorchStepper(small.network, 100), given, particles=100, seed=seed).frames for seed in range(600)]
    keys = {row.astype(np.uint8).tobytes(): number for number, row in enumerate(rolls)}
    seen = np.bincount([keys[frames.tobytes()] for frames in drawn], minlength=len(rolls))
    expected = len(drawn) * (logs - exact).exp().numpy()
    common = expected > 5
    chi = ((seen - expected)[common] ** 2 / expected[common]).sum()
    assert chi < common.sum() + 5 * (2 * common.sum()) ** 0.5


def test_the_upper_voice_leaves_what_is_below_it_free():
    frames = np.array([[1, 0, 1, 0], [0, 0, 0, 0]], dtype=np.uint8)
    assert given_notes(frames, "soprano", 60).tolist() == [[-1, -1, 1, 0], [-1, -1, -1, -1]]


def test_an_rnn_rbm_does_not_harmonise():
    stepper = TorchStepper(Small(RbmHead(6, 4, hidden=3, gibbs=1)).network, 4)
    with pytest.raises(ConfigError, match="likelihood is exact"):
        harmonise(stepper, np.zeros((2, 4), dtype=np.int8), particles=4, seed=1)


def compiled_and_reference(head, core, layers, rows):
    """The same network with large weights, walked through by compiled code and by PyTorch."""
    torch.manual_seed(14)
    name = {IndependentHead: "independent", NadeHead: "nade", NoteRecurrence: "recurrent"}[type(head)]
    stack = Stack([new_core(core, 70 if layer else 20, 70, 70) for layer in range(layers)])
    network = RollNetwork(stack, head, 20).eval()
    for weight in network.parameters():
        torch.nn.init.normal_(weight, std=0.15)
    weights = {own: weight.detach().numpy() for own, weight in network.named_parameters()}
    packed = pack_rolls(weights, head=name, core=core, layers=layers, notes=20)
    return RollEngine(packed, cache_folder()).stepper(rows), TorchStepper(network, rows)


@pytest.mark.parametrize("core", ["lstm", "capped-lstm", "gru", "elman"])
@pytest.mark.parametrize("name", ["independent", "nade", "recurrent"])
def test_compiled_code_writes_the_notes_of_the_reference(name, core):
    head = {
        "independent": lambda: IndependentHead(70, 20),
        "nade": lambda: NadeHead(70, 20, hidden=9),
        "recurrent": lambda: NoteRecurrence(70, 20, core=core, units=10, features=3),
    }[name]()
    both = compiled_and_reference(head, core, layers=1 + (core == "lstm"), rows=3)
    draw = np.random.default_rng(15)
    for number in range(40):
        known = np.array([-1, 1, 0], dtype=np.int8)[draw.integers(0, 3, 20)] if number % 3 == 0 else None
        uniform = draw.random((3, 20), dtype=np.float32)
        compiled, reference = (one.step(uniform, known, 0.8, expects=True) for one in both)
        np.testing.assert_array_equal(compiled.frames, reference.frames)
        np.testing.assert_allclose(compiled.log_given, reference.log_given, atol=1e-4)
        np.testing.assert_allclose(compiled.probabilities, reference.probabilities, atol=1e-4)
        assert (known is None) == (not compiled.log_given.any())
        for one in both:
            if number == 11:
                one.select(np.array([2, 2, 0]))
            if number == 20:
                one.put(np.eye(20, dtype=np.uint8)[4])


def test_voices_ranges_and_bars_stay():
    frames = np.array([[1, 0, 1, 0], [0, 1, 0, 0]], dtype=np.uint8)
    assert given_notes(frames, "bass", 60).tolist() == [[1, -1, -1, -1], [0, 1, -1, -1]]
    assert given_notes(frames, "notes", 60).tolist() == [[1, -1, 1, -1], [-1, 1, -1, -1]]
    assert given_notes(frames, "61-62", 60).tolist() == [[-1, 0, 1, -1], [-1, 1, 0, -1]]
    assert given_bars(frames, frozenset({2}), 1).tolist() == [[-1] * 4, [0, 1, 0, 0]]
    upbeat = np.eye(4, dtype=np.uint8)[[0, 1, 2, 3, 0]]
    assert given_bars(upbeat, frozenset({1}), 4, 3)[:, 0].tolist() == [1, -1, -1, -1, -1]
    assert given_bars(upbeat, frozenset({2}), 4, 3)[:, 0].tolist() == [-1, 0, 0, 0, 1]
    for voice in ("tenor", "61-99", "62-61", "-3"):
        with pytest.raises(ConfigError, match=r"that the model knows|says not which notes stay"):
            given_notes(frames, voice, 60)
    with pytest.raises(ConfigError, match="the bars 1 to 2; there is no bar 3"):
        given_bars(frames, frozenset({3}), 1)


@pytest.mark.parametrize("compiled", [True, False])
def test_a_roll_copies_no_more_than_it_may_and_is_else_as_it_would_be(compiled):
    stepper = compiled_and_reference(NadeHead(70, 20, hidden=9), "gru", 1, 1)[not compiled]
    free = write_frames(stepper, 40, [5])[0]
    known, offsets = free[10:30], np.array([0, 20])
    stepper = compiled_and_reference(NadeHead(70, 20, hidden=9), "gru", 1, 1)[not compiled]
    written = write_within(stepper, 40, 5, copies=CopyRuns(known, offsets), most=6)
    assert longest_copy(written, known, offsets).length == 6
    np.testing.assert_array_equal(written[:16], free[:16])
    assert (written[16] != free[16]).any()
    everything = np.array(list(itertools.product([0, 1], repeat=4)), dtype=np.uint8)
    stepper = TorchStepper(Small(IndependentHead(6, 4)).network, 1)
    with pytest.raises(ConfigError, match="200 draws in a row would have copied more than 0 frames"):
        write_within(stepper, 9, 5, copies=CopyRuns(everything, np.array([0, 16])), most=0)
