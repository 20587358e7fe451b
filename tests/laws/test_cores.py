"""Laws that every core of the table obeys, whoever wrote it."""

from functools import partial

import pytest
import torch
from torch import nn

from ostinato.cores import linear
from ostinato.cores.base import unroll
from ostinato.cores.capped_lstm import CappedLSTM
from ostinato.cores.elman import Elman
from ostinato.cores.gru import GRU
from ostinato.cores.jordan import Jordan
from ostinato.cores.lookup import Lookup
from ostinato.cores.lstm import LSTM
from ostinato.cores.stack import Stack
from ostinato.cores.state import map_state, tensors
from ostinato.cores.table import CORES as CORE_NAMES
from ostinato.cores.table import new_core
from ostinato.families.text.settings import LanguageModelSettings, build_model, shapes

BATCH, TIME, WIDTH, HIDDEN = 4, 7, 3, 5
CORES = {name: partial(new_core, name, WIDTH, HIDDEN, 4) for name in CORE_NAMES} | {
    "jordan-decay": lambda: Jordan(WIDTH, HIDDEN, 4, decay=0.5),
    "stack": lambda: Stack([LSTM(WIDTH, HIDDEN), GRU(HIDDEN, 4), Elman(4, 4)]),
    "residual": lambda: Stack([LSTM(WIDTH, HIDDEN), LSTM(HIDDEN, HIDDEN), Elman(HIDDEN, HIDDEN)], residual=True),
    "jordan-stack": lambda: Stack([Elman(WIDTH, HIDDEN), Jordan(HIDDEN, 4, 3)]),
}
FUSED = [name for name, build in CORES.items() if build().scan is not None]


class Case:
    """A core, a batch of inputs for it, and where it starts."""

    def __init__(self, name, dtype=torch.float64):
        torch.manual_seed(0)
        self.core = CORES[name]().to(dtype)
        with torch.no_grad():
            for parameter in self.core.parameters():
                parameter.add_(torch.randn_like(parameter), alpha=0.2)  # biases too
        self.xs = torch.randn(BATCH, TIME, WIDTH, dtype=dtype)
        zero = self.core.initial_state(BATCH)
        self.start = map_state(lambda leaf: torch.rand_like(leaf) - 0.5, zero)

    def run(self, times=slice(None), rows=slice(None), state=None, **options):
        state = map_state(lambda leaf: leaf[rows], self.start) if state is None else state
        return self.core(self.xs[rows, times], state, **options)


@pytest.fixture(params=CORES)
def case(request):
    return Case(request.param)


def same(a, b, **tolerance):
    map_state(lambda x, y: torch.testing.assert_close(x, y, **tolerance) or x, a, b)


def test_every_state_tensor_has_the_batch_first(case):
    assert {len(leaf) for leaf in tensors(case.core.initial_state(BATCH))} == {BATCH}
    assert {len(leaf) for leaf in tensors(case.run()[1])} == {BATCH}


def test_forward_is_step_repeated(case):
    ys, final = case.run()
    state = case.start
    for t in range(TIME):
        y, state = case.core.step(case.xs[:, t], state)
        same(ys[:, t], y)
    same(final, state)


def test_inputs_that_are_looked_up_are_their_rows(case):
    lookup = Lookup(torch.randn(6, WIDTH, dtype=torch.float64), torch.randint(0, 6, (BATCH, TIME)))
    lengths = torch.tensor([7, 3, 0, 5])
    same(case.core(lookup, case.start, lengths=lengths), case.core(lookup.rows(), case.start, lengths=lengths))
    same(case.core(lookup), case.core(lookup.rows()))


@pytest.mark.parametrize("residual", [False, True])
def test_a_stack_looks_up_for_its_lowest_layer(residual):
    torch.manual_seed(0)
    stack = Stack([CappedLSTM(64, 64), LSTM(64, 64)], residual=residual)
    lookup = Lookup(torch.randn(6, 64), torch.randint(0, 6, (16, TIME)))
    assert stack.accepts_lookup(lookup)
    assert not Stack([Jordan(64, 64, 64), CappedLSTM(64, 64)]).accepts_lookup(lookup)
    masks = (torch.full((16, 1, 64), 0.5), None)
    same(stack(lookup, masks=masks), stack(lookup.rows(), masks=masks))
    tapped = stack.layers[0].output_gate.register_forward_hook(lambda *_: None)  # goes step by step then
    same(stack(lookup, masks=masks), stack(lookup.rows(), masks=masks))
    tapped.remove()


@pytest.mark.parametrize("name", FUSED)
@pytest.mark.parametrize("lengths", [None, [7, 3, 0, 5]])
def test_the_fused_kernel_agrees_with_step_in_float32(name, lengths):
    case = Case(name, torch.float32)
    lengths = None if lengths is None else torch.tensor(lengths)
    fast = case.run(lengths=lengths)
    slow = unroll(case.core, case.xs, case.start, lengths, None)
    same(fast, slow, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", FUSED)
def test_autocast_stays_near_and_carries_float32(name):
    case = Case(name, torch.float32)
    exact, _ = case.run()
    with torch.autocast("cpu", torch.bfloat16):
        near, state = case.run()
    same(near.float(), exact, rtol=0.05, atol=0.05)  # bfloat16 has 8 bits of mantissa
    assert {leaf.dtype for leaf in tensors(state)} == {torch.float32}


@pytest.mark.parametrize("cut", [1, 3, TIME - 1])
def test_cutting_the_sequence_and_carrying_the_state_changes_nothing(case, cut):
    ys, final = case.run()
    head, state = case.run(slice(cut))
    tail, end = case.run(slice(cut, None), state=state)
    same(ys, torch.cat([head, tail], dim=1))
    same(final, end)


def test_the_past_does_not_see_the_future(case):
    before = case.run()[0][:, :4].clone()
    case.xs[:, 4:] += 1.0
    same(case.run()[0][:, :4], before, rtol=0, atol=0)


def test_rows_do_not_see_each_other(case):
    ys, final = case.run()
    alone, end = case.run(rows=slice(2, 3))
    same(ys[2:3], alone)
    same(map_state(lambda leaf: leaf[2:3], final), end)


def test_padding_changes_no_real_step_and_no_final_state(case):
    lengths = torch.tensor([7, 3, 0, 5])
    case.xs[1, 3:] = 1e3  # whatever stands in the padding
    ys, final = case.run(lengths=lengths)
    for row, length in enumerate(lengths.tolist()):
        state = map_state(lambda leaf, row=row: leaf[row : row + 1], case.start)
        if length:
            alone, state = case.run(slice(length), slice(row, row + 1))
            same(ys[row : row + 1, :length], alone)
        same(map_state(lambda leaf, row=row: leaf[row : row + 1], final), state)
        assert ys[row, length:].abs().sum() == 0


def test_padding_gets_no_gradient(case):
    lengths = torch.tensor([7, 3, 1, 5])
    case.xs.requires_grad_()
    ys, _ = case.run(lengths=lengths)
    ys.sum().backward()
    for row, length in enumerate(lengths.tolist()):
        assert case.xs.grad[row, length:].abs().sum() == 0
        assert case.xs.grad[row, :length].abs().sum() > 0


@pytest.mark.parametrize("lengths", [None, [3, 1]])
def test_gradients_match_finite_differences(case, lengths):
    lengths = None if lengths is None else torch.tensor(lengths)
    start = map_state(lambda leaf: leaf[:2], case.start)
    xs = case.xs[:2, :3].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: case.core(x, start, lengths=lengths)[0], (xs,))
    weights = {n: p.detach().clone().requires_grad_() for n, p in case.core.named_parameters()}

    def of_weights(*values):
        named = dict(zip(weights, values, strict=True))
        return torch.func.functional_call(case.core, named, (xs.detach(), start), {"lengths": lengths})[0]

    assert torch.autograd.gradcheck(of_weights, tuple(weights.values()))


def test_weights_saved_and_loaded_give_the_same_outputs(case):
    other = Case("lstm").core if isinstance(case.core, LSTM) else None
    saved = {name: value.clone() for name, value in case.core.state_dict().items()}
    ys, _ = case.run()
    with torch.no_grad():
        for parameter in case.core.parameters():
            parameter.zero_()
    case.core.load_state_dict(saved, strict=True)
    same(case.run()[0], ys)
    assert other is None or other.state_dict().keys() == saved.keys()


@pytest.mark.parametrize("name", ["stack", "residual", "jordan-stack"])
@pytest.mark.parametrize("places", [1, TIME])
def test_masks_act_alike_in_scan_and_step_and_never_on_the_state(name, places):
    case = Case(name)
    torch.manual_seed(1)
    widths = [HIDDEN, 4, 4] if name == "stack" else [HIDDEN] * 3 if name == "residual" else [HIDDEN, 3]
    masks = tuple((torch.rand(BATCH, places, width) > 0.5).double() * 2 for width in widths)
    fast = case.run(masks=masks)
    slow = unroll(case.core, case.xs, case.start, None, masks)
    same(fast, slow)
    _, unmasked = case.run()
    _, first = case.run(masks=(masks[0], *[None] * (len(widths) - 1)))
    same(first[0], unmasked[0])  # the first layer's own state does not see its output's mask
    assert not torch.allclose(fast[0], case.run()[0])


@pytest.mark.parametrize("name", ["lstm", "gru", "elman", "stack"])
def test_a_tap_can_be_read_and_replaced_by_its_address(name):
    case = Case(name)
    address = {"lstm": "output_gate", "gru": "update_gate", "elman": "hidden", "stack": "layers.1.update_gate"}[name]
    seen = []
    tap = dict(case.core.named_modules())[address]
    exact, _ = case.run()
    with tap.register_forward_hook(lambda _module, _inputs, value: seen.append(value)):
        same(case.run()[0], exact)
    assert len(seen) == TIME
    with tap.register_forward_hook(lambda _module, _inputs, value: torch.zeros_like(value)):
        assert not torch.allclose(case.run()[0], exact)


def test_an_update_gate_held_at_one_keeps_the_past():
    case = Case("gru")
    with case.core.update_gate.register_forward_hook(lambda _module, _inputs, z: torch.ones_like(z)):
        _, state = case.run()
    same(state, case.start)


def copy_weights(ours, theirs, names):
    with torch.no_grad():
        for name, target in names.items():
            getattr(theirs, target).copy_(getattr(ours, name))


def test_lstm_is_the_lstm_of_torch():
    case = Case("lstm")
    theirs = nn.LSTMCell(WIDTH, HIDDEN).double()
    copy_weights(case.core, theirs, {"weight_ih": "weight_ih", "weight_hh": "weight_hh", "bias": "bias_ih"})
    nn.init.zeros_(theirs.bias_hh)
    same(tuple(case.core.step(case.xs[:, 0], case.start)[1]), theirs(case.xs[:, 0], tuple(case.start)))


def test_gru_is_the_gru_of_torch():
    case = Case("gru")
    theirs = nn.GRUCell(WIDTH, HIDDEN).double()
    copy_weights(case.core, theirs, {"weight_ih": "weight_ih", "weight_hh": "weight_hh", "bias": "bias_ih"})
    with torch.no_grad():
        theirs.bias_hh.zero_()
        theirs.bias_hh[2 * HIDDEN :] = case.core.candidate_bias
    same(case.core.step(case.xs[:, 0], case.start)[1], theirs(case.xs[:, 0], case.start))


@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
def test_elman_is_the_rnn_of_torch(nonlinearity):
    case = Case("elman" if nonlinearity == "tanh" else "elman-relu")
    theirs = nn.RNNCell(WIDTH, HIDDEN, nonlinearity=nonlinearity).double()
    copy_weights(case.core, theirs, {"weight_ih": "weight_ih", "weight_hh": "weight_hh", "bias": "bias_ih"})
    nn.init.zeros_(theirs.bias_hh)
    same(case.core.step(case.xs[:, 0], case.start)[1], theirs(case.xs[:, 0], case.start))


def test_jordan_by_hand():
    core = Jordan(1, 1, 2, decay=0.5).double()
    with torch.no_grad():
        core.weight_ih.fill_(1.0)
        core.weight_sh.copy_(torch.tensor([[2.0, -1.0]]))
        core.output.weight.copy_(torch.tensor([[1.0], [-1.0]]))
        core.output.bias.zero_()
    state = torch.tensor([[0.25, 0.75]], dtype=torch.float64)
    y, after = core.step(torch.tensor([[0.5]], dtype=torch.float64), state)
    h = torch.tanh(torch.tensor(0.5 + 2 * 0.25 - 0.75, dtype=torch.float64))
    same(y, torch.stack([h, -h])[None])
    same(after, 0.5 * state + torch.stack([h, -h]).softmax(0)[None])


def test_the_forget_gate_starts_open_and_relu_starts_as_the_identity():
    lstm = LSTM(3, 4)
    assert lstm.bias.tolist() == [0.0] * 4 + [1.0] * 4 + [0.0] * 8
    assert torch.equal(Elman(3, 4, nonlinearity="relu").weight_hh, torch.eye(4))


@pytest.mark.parametrize("steps", [1, 2, 3, 7, 8, 13])
def test_a_linear_recurrence_by_doubling_is_the_one_step_by_step(steps):
    keep, new = torch.rand(3, steps, 4, dtype=torch.float64), torch.randn(3, steps, 4, dtype=torch.float64)
    first = torch.randn(3, 4, dtype=torch.float64)
    torch.testing.assert_close(linear._by_doubling(keep, new, first), linear._step_by_step(keep, new, first))


@pytest.mark.parametrize("core", CORE_NAMES)
@pytest.mark.parametrize("layers", [1, 3])
def test_the_shapes_that_are_told_without_pytorch_are_those_of_the_network(core, layers):
    settings = LanguageModelSettings(core=core, layers=layers, hidden_size=6, embedding_size=4)
    found = {name: tuple(weight.shape) for name, weight in build_model(settings, 9).named_parameters()}
    assert shapes(settings, 9) == found
