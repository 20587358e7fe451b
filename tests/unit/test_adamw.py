"""AdamW: the bits of PyTorch's own class, a state that goes to arrays and back, and no compiler imported."""

import json
import subprocess
import sys

import numpy as np
import torch

from conftest import TINY
from ostinato.training.adamw import AdamW

SHAPES = {"matrix": (5, 3), "vector": (7,), "late": (2, 2), "never": (4,)}


def parameters():
    torch.manual_seed(1)
    return {name: torch.randn(shape, requires_grad=True) for name, shape in SHAPES.items()}


def gradients(step):
    generator = torch.Generator().manual_seed(step)
    found = {name: torch.randn(shape, generator=generator) for name, shape in SHAPES.items()}
    del found["never"]
    if step < 2:
        del found["late"]
    return found


def give(to, step):
    for name, gradient in gradients(step).items():
        to[name].grad = gradient


def test_steps_have_the_bits_of_pytorchs_own_class():
    ours, theirs = parameters(), parameters()
    optimizer = AdamW(ours, weight_decay=0.1, beta2=0.98)
    groups = [
        {"params": [p for p in theirs.values() if (p.ndim > 1) == is_matrix], "weight_decay": decay}
        for is_matrix, decay in ((True, 0.1), (False, 0.0))
    ]
    other = torch.optim.AdamW(groups, betas=(0.9, 0.98), fused=True)
    for step in range(6):
        rate = 0.1 / (1 + step)
        for group in other.param_groups:
            group["lr"] = rate
        for moved, of in ((ours, optimizer.clear_gradients), (theirs, other.zero_grad)):
            of()
            assert all(p.grad is None for p in moved.values())
            give(moved, step)
        optimizer.step(rate)
        other.step()
        for name in SHAPES:
            assert torch.equal(ours[name], theirs[name]), (step, name)
    assert torch.equal(ours["never"], parameters()["never"])
    assert not torch.equal(ours["late"], parameters()["late"])


def test_the_state_goes_to_arrays_and_back():
    went_on, resumed = parameters(), parameters()
    first = AdamW(went_on, weight_decay=0.1, beta2=0.98)
    assert first.arrays() == {}
    for step in range(3):
        give(went_on, step)
        first.step(0.1)
    kept = first.arrays()
    moved = ("matrix", "vector", "late")
    assert kept.keys() == {f"{key}.{name}" for name in moved for key in ("step", "exp_avg", "exp_avg_sq")}
    assert [int(kept[f"step.{name}"]) for name in moved] == [3, 3, 1]
    second = AdamW(resumed, weight_decay=0.1, beta2=0.98)
    second.restore(kept)
    with torch.no_grad():
        for name, parameter in resumed.items():
            parameter.copy_(went_on[name])
    for values, optimizer in ((went_on, first), (resumed, second)):
        give(values, 3)
        optimizer.step(0.1)
    for name, array in second.arrays().items():
        np.testing.assert_array_equal(array, first.arrays()[name])
    assert all(torch.equal(went_on[name], resumed[name]) for name in SHAPES)
    assert int(kept["step.matrix"]) == 3  # a copy


def test_training_does_not_import_pytorchs_compiler(corpora, tmp_path):
    """It takes two seconds of every start, and nothing here uses it."""
    words = [word for name, value in TINY.items() for word in ("--set", f"{name}={json.dumps(value)}")]
    command = ["train", str(corpora / "cats.txt"), *words, "--steps", "3", "--out", str(tmp_path / "run")]
    code = f"""
import sys
from ostinato.app.cli import main
assert main({command!r}) == 0
assert "torch" in sys.modules
assert "torch._dynamo" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
