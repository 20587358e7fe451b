"""Laws of encoders and of the decoders that read what they made. Adding one means adding one line to a table."""

import pytest
import torch

from ostinato.cores.attention import AdditiveAttention, MultiplicativeAttention
from ostinato.cores.base import unroll
from ostinato.cores.conv_decoder import ConvolutionalDecoder
from ostinato.cores.decoders import FromLastState, WithSummary
from ostinato.cores.elman import Elman
from ostinato.cores.encoders import Bidirectional, Convolutional, OneWay
from ostinato.cores.gru import GRU
from ostinato.cores.lstm import LSTM
from ostinato.cores.stack import Stack
from ostinato.cores.state import map_state, select_rows, tensors
from ostinato.cores.table import CORES as CORE_NAMES
from ostinato.cores.table import new_core

BATCH, SOURCE, TIME, WIDTH, HIDDEN = 4, 6, 5, 3, 4
LENGTHS = torch.tensor([6, 2, 1, 4])

ENCODERS = {
    "one-way": lambda: OneWay(LSTM(WIDTH, HIDDEN), HIDDEN),
    "reversed": lambda: OneWay(Stack([GRU(WIDTH, 5), LSTM(5, HIDDEN)]), HIDDEN, reverse=True),
    "convolutional": lambda: Convolutional(WIDTH, HIDDEN, layers=2),
    "bidirectional-2": lambda: Bidirectional(
        [(GRU(WIDTH, HIDDEN), GRU(WIDTH, HIDDEN)), (LSTM(2 * HIDDEN, HIDDEN), LSTM(2 * HIDDEN, HIDDEN))], HIDDEN
    ),
} | {
    f"bidirectional-{name}": lambda name=name: Bidirectional(
        [(new_core(name, WIDTH, HIDDEN, HIDDEN), new_core(name, WIDTH, HIDDEN, HIDDEN))], HIDDEN
    )
    for name in CORE_NAMES
}
#: Encoder and decoder.
DECODERS = {
    "last-state": lambda: (OneWay(LSTM(WIDTH, HIDDEN), HIDDEN), FromLastState(LSTM(WIDTH, HIDDEN), HIDDEN)),
    "last-state-stack": lambda: (
        OneWay(Stack([LSTM(WIDTH, HIDDEN), GRU(HIDDEN, HIDDEN)]), HIDDEN, reverse=True),
        FromLastState(Stack([LSTM(WIDTH, HIDDEN), GRU(HIDDEN, HIDDEN)]), HIDDEN),
    ),
    "summary": lambda: (
        OneWay(GRU(WIDTH, HIDDEN), HIDDEN),
        WithSummary(GRU(WIDTH + HIDDEN, HIDDEN), WIDTH, HIDDEN, HIDDEN),
    ),
    "additive-gru": lambda: (_both_ways(), _additive(GRU)),
    "additive-lstm": lambda: (_both_ways(), _additive(LSTM)),
    "multiplicative": lambda: (
        _both_ways(),
        MultiplicativeAttention(
            LSTM(WIDTH + HIDDEN, HIDDEN), memory_size=2 * HIDDEN, summary_size=2 * HIDDEN, output_size=HIDDEN
        ),
    ),
    "convolutional": lambda: (
        Convolutional(WIDTH, HIDDEN, layers=2),
        ConvolutionalDecoder(WIDTH, HIDDEN, layers=2, places=4),
    ),
}


def _both_ways():
    return Bidirectional([(GRU(WIDTH, HIDDEN), GRU(WIDTH, HIDDEN))], HIDDEN)


def _additive(core):
    sizes = {"memory_size": 2 * HIDDEN, "summary_size": 2 * HIDDEN, "output_size": HIDDEN, "attention_size": 5}
    return AdditiveAttention(core(WIDTH + 2 * HIDDEN, HIDDEN), WIDTH, **sizes)


def stirred(module, dtype=torch.float64):
    """With no parameter at zero, where mistakes hide."""
    module = module.to(dtype)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.2)
    return module


def same(a, b, **tolerance):
    map_state(lambda x, y: torch.testing.assert_close(x, y, **tolerance) or x, a, b)


@pytest.fixture(params=ENCODERS)
def encoder(request):
    torch.manual_seed(0)
    return stirred(ENCODERS[request.param]())


@pytest.fixture
def sources():
    return torch.randn(BATCH, SOURCE, WIDTH, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def test_an_encoder_says_how_wide_it_is(encoder, sources):
    source = encoder(sources, LENGTHS)
    assert source.memory.shape == (BATCH, SOURCE, encoder.memory_size)
    assert source.summary.shape == (BATCH, encoder.summary_size)
    assert source.real.sum(dim=1).tolist() == LENGTHS.tolist()
    assert {len(leaf) for leaf in tensors(source)} == {BATCH}


def test_padding_never_enters_an_encoder(encoder, sources):
    other = torch.where(torch.arange(SOURCE)[None, :, None] < LENGTHS[:, None, None], sources, 1e3)
    same(encoder(sources, LENGTHS), encoder(other, LENGTHS))
    assert not encoder(sources, LENGTHS).memory[1, 2:].any()


def test_a_batch_of_sources_is_each_alone(encoder, sources):
    together = encoder(sources, LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        alone = encoder(sources[row : row + 1, :length], torch.tensor([length]))
        same(together.memory[row : row + 1, :length], alone.memory, rtol=0, atol=1e-12)
        same(together.summary[row : row + 1], alone.summary, rtol=0, atol=1e-12)
        same(select_rows(together.state, torch.tensor([row])), alone.state, rtol=0, atol=1e-12)


def test_a_bidirectional_encoder_is_the_same_from_the_other_end(sources):
    torch.manual_seed(0)
    one, other = stirred(GRU(WIDTH, HIDDEN)), stirred(GRU(WIDTH, HIDDEN))
    lengths = torch.full((BATCH,), SOURCE)
    right = Bidirectional([(one, other)], HIDDEN)(sources, lengths).memory
    left = Bidirectional([(other, one)], HIDDEN)(sources.flip(1), lengths).memory.flip(1)
    same(right, torch.cat([left[..., HIDDEN:], left[..., :HIDDEN]], dim=-1))


class Case:
    """A decoder, what it reads of a source, and inputs for it."""

    def __init__(self, name):
        torch.manual_seed(0)
        self.encoder, self.decoder = map(stirred, DECODERS[name]())
        self.sources = torch.randn(BATCH, SOURCE, WIDTH, dtype=torch.float64)
        self.xs = torch.randn(BATCH, TIME, WIDTH, dtype=torch.float64)
        self.start = self.begun(self.sources, LENGTHS)

    def begun(self, sources, lengths):
        return self.decoder.initial_state(len(sources), self.encoder(sources, lengths))


@pytest.fixture(params=DECODERS)
def case(request):
    return Case(request.param)


def test_every_state_tensor_of_a_decoder_has_the_batch_first(case):
    assert {len(leaf) for leaf in tensors(case.start)} == {BATCH}
    assert {len(leaf) for leaf in tensors(case.decoder(case.xs, case.start)[1])} == {BATCH}
    empty = case.decoder.initial_state(2)
    assert case.decoder.step(case.xs[:2, 0], empty)[0].shape == (2, case.decoder.output_size)


def test_forward_of_a_decoder_is_step_repeated(case):
    ys, final = case.decoder(case.xs, case.start)
    state = case.start
    for t in range(TIME):
        y, state = case.decoder.step(case.xs[:, t], state)
        same(ys[:, t], y)
    same(final, state)


@pytest.mark.parametrize("lengths", [[5, 0, 3, 1], [2, 5, 5, 4]])
def test_targets_of_different_lengths_go_side_by_side(case, lengths):
    lengths = torch.tensor(lengths)
    same(case.decoder(case.xs, case.start, lengths=lengths), unroll(case.decoder, case.xs, case.start, lengths, None))


def test_cut_and_carried_a_decoder_goes_on_as_before(case):
    ys, final = case.decoder(case.xs, case.start)
    first, state = case.decoder(case.xs[:, :2], case.start)
    second, after = case.decoder(case.xs[:, 2:], state)
    same(torch.cat([first, second], dim=1), ys)
    same(final, after)


def test_padding_of_the_source_is_never_read(case):
    for row, length in enumerate(LENGTHS.tolist()):
        alone = case.begun(case.sources[row : row + 1, :length], torch.tensor([length]))
        ys, _ = case.decoder(case.xs[row : row + 1], alone)
        same(case.decoder(case.xs, case.start)[0][row : row + 1], ys, rtol=0, atol=1e-12)


def test_rows_of_a_decoder_can_be_put_in_another_order(case):
    order = torch.tensor([2, 0, 0, 3])
    ys, _ = case.decoder(case.xs, case.start)
    same(case.decoder(case.xs[order], select_rows(case.start, order))[0], ys[order])


def test_what_a_decoder_says_now_does_not_depend_on_what_comes(case):
    later = case.xs.clone()
    later[:, 3:] += 1
    same(case.decoder(later, case.start)[0][:, :3], case.decoder(case.xs, case.start)[0][:, :3])


@pytest.mark.parametrize("name", ["additive-gru", "multiplicative", "convolutional"])
def test_attention_is_a_distribution_over_the_real_places(name):
    case = Case(name)
    _, state = case.decoder(case.xs, case.start)
    same(state.weights.sum(dim=1), torch.ones(BATCH, dtype=state.weights.dtype))
    assert not state.weights[~state.real].any()


def test_gradients_of_decoder_and_encoder_match_finite_differences(case):
    def run(sources, xs):
        return case.decoder(xs, case.begun(sources, LENGTHS))[0]

    sources, xs = case.sources.requires_grad_(), case.xs[:, :3].detach().requires_grad_()
    assert torch.autograd.gradcheck(run, (sources, xs))


def test_additive_attention_by_hand():
    torch.manual_seed(0)
    encoder, decoder = stirred(_both_ways()), stirred(_additive(GRU))
    source = encoder(torch.randn(1, 3, WIDTH, dtype=torch.float64), torch.tensor([3]))
    state, x = decoder.initial_state(1, source), torch.randn(1, WIDTH, dtype=torch.float64)
    h, s = source.memory[0], state.output[0]
    same(s, (decoder.first.weight @ source.summary[0] + decoder.first.bias).tanh())
    energies = [
        sum(
            decoder.score[k]
            * (decoder.query.weight[k] @ s + decoder.query.bias[k] + decoder.key.weight[k] @ h[j]).tanh()
            for k in range(5)
        )
        for j in range(3)
    ]
    weights = torch.stack(energies).exp() / torch.stack(energies).exp().sum()
    context = sum(weights[j] * h[j] for j in range(3))
    new, _ = decoder.core.step(torch.cat([x[0], context])[None], state.core)
    both = decoder.readout.both.weight @ torch.cat([new[0], x[0], context]) + decoder.readout.both.bias
    y, after = decoder.step(x, state)
    same(after.weights[0], weights)
    same(y[0], torch.maximum(both[:HIDDEN], both[HIDDEN:]))
    same(after.output, new)


def test_a_core_that_goes_on_from_the_last_state_is_one_core_over_both():
    torch.manual_seed(0)
    core = stirred(Elman(WIDTH, HIDDEN))
    encoder, decoder = OneWay(core, HIDDEN), FromLastState(core, HIDDEN)
    source, xs = torch.randn(2, 3, WIDTH, dtype=torch.float64), torch.randn(2, 4, WIDTH, dtype=torch.float64)
    ys, _ = decoder(xs, decoder.initial_state(2, encoder(source, torch.tensor([3, 3]))))
    same(ys, core(torch.cat([source, xs], dim=1))[0][:, 3:])
