"""Compiled scans of training: outputs and gradients beside those of the steps themselves, in float64."""

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ostinato.cores import scans
from ostinato.cores.base import step_by_step, unroll
from ostinato.cores.capped_lstm import CappedLSTM
from ostinato.cores.elman import Elman
from ostinato.cores.gru import GRU
from ostinato.cores.lookup import Lookup
from ostinato.cores.lstm import LSTM, LSTMState
from ostinato.cores.state import tensors
from ostinato.engine import scanning
from ostinato.engine.cpu import has_bfloat16
from ostinato.engine.openmp import find_openmp
from ostinato.engine.threads import Threads
from ostinato.errors import EngineError

CORES = {
    "elman": lambda I, H: Elman(I, H),
    "elman-relu": lambda I, H: Elman(I, H, nonlinearity="relu"),
    "gru": GRU,
    "lstm": LSTM,
    "capped-lstm": CappedLSTM,
}
bfloat16 = pytest.mark.skipif(not has_bfloat16(), reason="needs products of bfloat16")
TYPES = [torch.float32, pytest.param(torch.bfloat16, marks=bfloat16)]


def made(name, rows, steps, inputs, width):
    torch.manual_seed(rows + 31 * steps)
    core = CORES[name](inputs, width).double()
    with torch.no_grad():
        for parameter in core.parameters():
            parameter.copy_(torch.randn_like(parameter) * (0.3 if parameter.ndim < 2 else parameter.shape[1] ** -0.5))
    xs = torch.randn(rows, steps, inputs, dtype=torch.float64)
    state = [torch.randn(rows, width, dtype=torch.float64) / 2 for _ in tensors(core.initial_state(rows))]
    return core, xs, state


def run(core, xs, leaves, forward, weigh):
    """Outputs, final state, and the gradients of a weighted sum of both."""
    xs, leaves = xs.clone().requires_grad_(), [leaf.clone().requires_grad_() for leaf in leaves]
    state = LSTMState(*leaves) if len(leaves) == 2 else leaves[0]
    ys, after = forward(core, xs, state)
    total = (ys * weigh[0]).sum() + sum((leaf * weigh[1]).sum() for leaf in tensors(after))
    core.zero_grad()
    total.backward()
    gradients = {name: parameter.grad for name, parameter in core.named_parameters()}
    gradients |= {"xs": xs.grad} | {f"state {n}": leaf.grad for n, leaf in enumerate(leaves)}
    return ys, tensors(after), gradients


def compare(name, rows, steps, inputs, width, dtype, lengths=None, ids=None):
    """Compare a scan with steps; with ``ids`` the inputs are these rows of a table of five."""
    core, xs, leaves = made(name, rows, steps, inputs, width)
    xs = xs if ids is None else torch.randn(5, inputs, dtype=torch.float64)
    weigh = torch.randn(rows, steps, width), torch.randn(rows, width)
    read = (lambda table: table) if ids is None else (lambda table: table[ids])
    expected = run(core, xs, leaves, lambda c, x, s: unroll(c, read(x), s, lengths, None), weigh)
    single = core.float()

    def forward(core, xs, state):
        if ids is not None:
            assert core.accepts_lookup(Lookup(xs, ids)) == (dtype == torch.float32)
            return core(Lookup(xs, ids), state, lengths=lengths)
        assert scans.can_scan(xs, core.weight_hh)
        return core(xs, state, lengths=lengths)

    with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
        found = run(single, xs.float(), [leaf.float() for leaf in leaves], forward, weigh)
    tolerance = 1e-4 if dtype == torch.float32 else 0.1
    assert found[0].dtype == dtype
    assert all(leaf.dtype == torch.float32 for leaf in found[1])
    pairs = [(found[0], expected[0]), *zip(found[1], expected[1], strict=True)]
    if name != "elman-relu" or dtype == torch.float32:  # a rounded sum may be on the other side of the corner
        pairs += [(found[2][key], expected[2][key]) for key in expected[2]]
    for a, b in pairs:
        assert (a.double() - b).norm().item() < tolerance * (1e-3 + b.norm().item())


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize("name", CORES)
@given(rows=st.integers(8, 30), steps=st.integers(1, 9), inputs=st.integers(1, 70), blocks=st.integers(1, 2))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_scan_and_its_gradients_are_those_of_the_steps(name, dtype, rows, steps, inputs, blocks):
    compare(name, rows, steps, inputs, 64 * blocks, dtype)


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize("lengths", [None, torch.tensor([4, 0, 1, 2, 3, 4, 4, 4, 4, 4, 4])], ids=["whole", "padded"])
@pytest.mark.parametrize("name", CORES)
def test_inputs_from_a_table_are_those_of_its_rows(name, lengths, dtype, monkeypatch):
    monkeypatch.setattr("ostinato.cores.lstm._UNITS", 0)  # the plain LSTM too, which is slower so when it is small
    ids = torch.randint(0, 4, (11, 4), generator=torch.Generator().manual_seed(3))  # the last row is never read
    compare(name, 11, 4, 7, 256, dtype, lengths, ids)


def test_a_table_is_multiplied_as_a_whole_only_where_that_is_less_work(monkeypatch):
    core, multiplied, times = CappedLSTM(6, 64), [], scans._times
    monkeypatch.setattr(scans, "_times", lambda x, *others: multiplied.append(len(x)) or times(x, *others))
    for symbols, product in ((8, 8), (9, 33)):
        lookup = Lookup(torch.randn(symbols, 6), torch.randint(0, symbols, (11, 3)))
        torch.testing.assert_close(core(lookup)[0], core(lookup.rows())[0])
        assert multiplied == [product, 33]
        multiplied.clear()


@pytest.mark.parametrize("name", CORES)
def test_rows_that_end_early_keep_their_state_and_give_no_gradient_after(name):
    compare(name, 9, 6, 5, 64, torch.float32, lengths=torch.tensor([6, 0, 1, 2, 3, 4, 5, 6, 6]))


@pytest.mark.parametrize("lengths", [None, torch.tensor([4, 0, 1, 2, 3, 4, 4, 4, 4, 4, 4])], ids=["whole", "padded"])
@pytest.mark.parametrize("name", CORES)
def test_threads_that_share_out_units_do_the_same(name, lengths, monkeypatch):
    """As they do where the weights are many: every thread needs what all of them did at the step before."""
    monkeypatch.setattr(scanning, "_MANY_BYTES", 0)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    compare(name, 11, 4, 7, 256, torch.float32, lengths)  # 1, 1 and 2 blocks of 64 units


@pytest.mark.parametrize("width", [64, 320])  # rows are shared out, and units
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_threads_change_nothing(threads, width, monkeypatch):
    core, xs, leaves = made("capped-lstm", 11, 5, 7, width)
    core, weigh = core.float(), (torch.ones(11, 5, width), torch.ones(11, width))

    def results():
        scans._runner.cache_clear()
        return run(core, xs.float(), [leaf.float() for leaf in leaves], lambda c, x, s: c(x, s), weigh)

    expected = results()
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    for library in (find_openmp, lambda folder: None):  # PyTorch's threads, and our own
        monkeypatch.setattr(scans, "find_openmp", library)
        found = results()
        assert torch.equal(found[0], expected[0])
        for key in ("xs", "state 0", "state 1"):
            assert torch.equal(found[2][key], expected[2][key])
    scans._runner.cache_clear()


ONE_THREAD = """
from pathlib import Path
import numpy as np, torch
from ostinato.cores.scans import scan_kernels
from ostinato.engine import layout
from ostinato.engine.openmp import find_openmp
from ostinato.engine.scanning import Scan
from ostinato.engine.threads import Threads
from ostinato.errors import EngineError
kernels, random = scan_kernels("fp32"), np.random.default_rng(0)
for width in (128, 576):
    weight, gates = (random.standard_normal(shape).astype(np.float32) for shape in ((width, width), (9, 4, width)))
    found = []
    for threads in (find_openmp(Path(torch.__file__).parent / "lib"), Threads(3)):
        arrays = {"gates": gates.copy(), "outputs": np.zeros((9, 5, width), np.float32)}
        run = lambda name, blocks, rounds: threads.run(kernels[name], blocks, rounds)
        Scan(layout.ELMAN_TANH, 9, 4, width, "fp32", 3, run).forward(weight, arrays)
        found.append(arrays["outputs"])
    print((found[0] == found[1]).all(), bool(found[0][:, 1:].all()))
"""


def test_with_fewer_threads_than_asked_for_no_block_is_left_out():
    """OpenMP may give fewer than it is asked for; here it gives one."""
    limited = {**os.environ, "OMP_THREAD_LIMIT": "1"}
    done = subprocess.run([sys.executable, "-c", ONE_THREAD], capture_output=True, text=True, check=True, env=limited)
    assert done.stdout == "True True\n" * 2


def test_what_cannot_be_scanned_goes_to_pytorch(monkeypatch):
    xs, weight = torch.zeros(9, 3, 4), torch.zeros(384, 128)
    assert scans.can_scan(xs, weight)
    assert not scans.can_scan(xs, weight[:, :100])
    assert not scans.can_scan(xs.double(), weight)
    assert not scans.can_scan(xs, weight.double())
    assert not scans.can_scan(xs[:0], weight)
    assert GRU(4, 64).double()(xs.double())[0].dtype == torch.float64
    assert GRU(4, 64).bfloat16()(xs.bfloat16())[0].dtype == torch.bfloat16
    with torch.autocast("cpu", torch.bfloat16):
        monkeypatch.setattr(scans, "has_bfloat16", lambda: False)
        assert not scans.can_scan(xs, weight)
        core = GRU(4, 64)
        assert core(xs)[0].shape == (9, 3, 64)


@pytest.mark.parametrize("name", CORES)
def test_what_is_no_number_stays_none(name):
    core, xs, _ = made(name, 9, 4, 5, 64)
    xs[3, 1, 2] = math.nan
    ys, _ = core.float()(xs.float())
    assert ys[3, 1:].isnan().all()
    assert not ys[:3].isnan().any()
    assert not ys[3, 0].isnan().any()


def test_what_overflows_on_padding_is_not_put_out():
    core = Elman(2, 64, nonlinearity="relu")
    with torch.no_grad():
        core.weight_hh.mul_(8)
    ys, state = core(torch.ones(9, 60, 2), lengths=torch.full((9,), 3))
    assert ys.isfinite().all()
    assert state.isfinite().all()


def test_without_an_openmp_of_its_own_pytorch_is_given_our_threads(tmp_path):
    assert find_openmp(tmp_path) is None
    (tmp_path / "libgomp.so.1").write_bytes(b"no library")
    assert find_openmp(Path(str(tmp_path))) is None
    assert Threads(2).count == 2


@pytest.mark.parametrize("name", ["elman", "gru", "capped-lstm"])
def test_second_derivatives_are_refused_by_scans_and_right_step_by_step(name):
    torch.manual_seed(1)
    core = CORES[name](8, 64)
    xs, direction = torch.randn(2, 5, 8), torch.randn(2, 5, 8)

    def outputs(inputs):
        return core(inputs)[0]

    with pytest.raises(EngineError, match="compiled scans have no second derivatives"):
        torch.autograd.functional.jvp(outputs, xs, direction)
    with step_by_step(core):
        _, product = torch.autograd.functional.jvp(outputs, xs, direction)
    difference = (outputs(xs + 1e-3 * direction) - outputs(xs - 1e-3 * direction)) / 2e-3
    torch.testing.assert_close(product, difference.detach(), rtol=1e-2, atol=1e-3)
    assert product.abs().max() > 0.01
    ys = outputs(xs.requires_grad_())  # the hooks are gone: the scan runs again
    with pytest.raises(EngineError):
        torch.autograd.grad(ys.sum(), xs, create_graph=True)
