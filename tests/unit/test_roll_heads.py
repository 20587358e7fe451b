"""Heads of piano rolls, held to enumeration and closed forms."""

import itertools

import numpy as np
import pytest
import torch

import ostinato
import ostinato.models.randomness
from ostinato.errors import ConfigError
from ostinato.families.rolls.heads.independent import IndependentHead
from ostinato.families.rolls.heads.nade import NadeHead
from ostinato.families.rolls.heads.partition import estimated_log_z, exact_log_z
from ostinato.families.rolls.heads.rbm import RbmHead
from ostinato.families.rolls.heads.recurrent import NoteRecurrence


def all_frames(notes):
    return torch.tensor(list(itertools.product([0.0, 1.0], repeat=notes)))


def heads(notes=8, size=5):
    torch.manual_seed(0)
    made = {
        "independent": IndependentHead(size, notes),
        "nade": NadeHead(size, notes, hidden=7),
        "recurrent": NoteRecurrence(size, notes, core="lstm", units=6, features=3),
        "rbm": RbmHead(size, notes, hidden=6, gibbs=3),
    }
    for head in made.values():
        for weight in head.parameters():
            torch.nn.init.normal_(weight, std=0.7)
    return made


def vectors(head, count, seed):
    """Vectors y for a head of width 5, [count, Y]."""
    draw = torch.Generator().manual_seed(seed)
    y = torch.randn(count, 5, generator=draw)
    if head.reads_frame_before:
        y = torch.cat([y, (torch.rand(count, head.notes, generator=draw) < 0.4).float()], dim=1)
    return y


@pytest.mark.parametrize("name", ["independent", "nade", "recurrent"])
def test_probabilities_of_all_frames_sum_to_one(name):
    head = heads()[name]
    y = vectors(head, 3, seed=1)
    frames = all_frames(8)
    for one in y:
        total = head.nats(one.expand(len(frames), -1), frames).neg().exp().sum()
        assert total.item() == pytest.approx(1, abs=1e-4)


def test_the_machine_with_its_exact_partition_function_sums_to_one():
    head, frames = heads()["rbm"], all_frames(8)
    y = torch.randn(1, 5, generator=torch.Generator().manual_seed(2))
    log_z = head.log_z(y, torch.Generator(), chains=1, temperatures=1, exact=True).log_z
    rows = y.expand(len(frames), -1)
    assert (-head.free_energy(rows, frames) - log_z).exp().sum().item() == pytest.approx(1, abs=1e-4)


def nade_by_a_loop(head, y, frame):
    """The paper's loop over notes, the highest first."""
    a, nats = head.hidden_bias(y), 0.0
    for note in reversed(range(head.notes)):
        logit = head.note_bias(y)[note] + head.out_of[note] @ torch.sigmoid(a)
        nats = nats - torch.nn.functional.logsigmoid(logit if frame[note] else -logit)
        a = a + head.into[note] * frame[note]
    return nats


def test_running_sums_are_the_loop_over_notes():
    head = heads()["nade"]
    draw = torch.Generator().manual_seed(3)
    y, frames = torch.randn(6, 5, generator=draw), (torch.rand(6, 8, generator=draw) < 0.5).float()
    frames[0] = 0
    frames[1] = 1
    expected = torch.stack([nade_by_a_loop(head, *one) for one in zip(y, frames, strict=True)])
    torch.testing.assert_close(head.nats(y, frames), expected)
    head.nats(y, frames).sum().backward()
    fast = head.into.grad.clone()
    head.zero_grad()
    expected = torch.stack([nade_by_a_loop(head, *one) for one in zip(y, frames, strict=True)])
    expected.sum().backward()
    torch.testing.assert_close(fast, head.into.grad, rtol=1e-4, atol=1e-5)


def test_notes_are_drawn_as_by_the_loop_with_the_same_numbers():
    head, draw = heads()["nade"], torch.Generator().manual_seed(4)
    y, uniform = torch.randn(40, 5, generator=draw), torch.rand(40, 8, generator=draw)
    drawn = head.sample(y, uniform)
    for own, numbers, frame in zip(y, uniform, drawn, strict=True):
        a = head.hidden_bias(own)
        for place, note in enumerate(reversed(range(8))):
            p = torch.sigmoid(head.note_bias(own)[note] + head.out_of[note] @ torch.sigmoid(a))
            assert bool(frame[note]) == bool(numbers[place] < p)
            a = a + head.into[note] * frame[note]


def test_a_note_recurrence_knows_a_chord_in_every_key():
    head, draw = heads(notes=40)["recurrent"], torch.Generator().manual_seed(11)
    torch.nn.init.zeros_(head.note_features.weight)
    torch.nn.init.zeros_(head.note_features.bias)
    torch.nn.init.zeros_(head.note_bias.weight)
    torch.nn.init.zeros_(head.note_bias.bias)
    before, frame = torch.zeros(2, 40), torch.zeros(2, 40)
    before[0, [15, 19, 22]], frame[0, [14, 17, 22]] = 1.0, 1.0
    before[1, 3:], frame[1, 3:] = before[0, :-3], frame[0, :-3]  # three semitones up
    y = torch.cat([torch.randn(1, 5, generator=draw).expand(2, -1), before], dim=1)
    expected = head.conditionals(y, frame, torch.Generator())
    torch.testing.assert_close(expected[0, 5:28], expected[1, 8:31], rtol=1e-2, atol=1e-3)  # far from both ends
    assert (expected[0, 10:25] - expected[1, 10:25]).abs().max() > 0.01


def test_the_notes_that_a_recurrence_draws_are_those_whose_probabilities_it_states():
    head = heads()["recurrent"]
    y, uniform = vectors(head, 50, seed=12), torch.rand(50, 8, generator=torch.Generator().manual_seed(13))
    drawn = head.sample(y, uniform)
    stated = head.conditionals(y, drawn, torch.Generator()).flip(-1)
    assert torch.equal(drawn.flip(-1).bool(), uniform < stated)
    parts = torch.where(drawn == 1, stated.flip(-1), 1 - stated.flip(-1))
    torch.testing.assert_close(head.nats(y, drawn), -parts.log().sum(dim=1), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["independent", "nade", "recurrent", "rbm"])
def test_drawn_frames_have_the_frequencies_of_the_model(name):
    head = heads(notes=4)[name] if name != "rbm" else RbmHead(5, 4, hidden=3, gibbs=20)
    y = vectors(head, 1, seed=5)
    count, frames = 20_000, all_frames(4)
    uniform = torch.rand(count, head.draws, generator=torch.Generator().manual_seed(6))
    with torch.no_grad():
        drawn = head.sample(y.expand(count, -1), uniform)
        if name == "rbm":
            log_z = head.log_z(y, torch.Generator(), chains=1, temperatures=1, exact=True).log_z
            p = (-head.free_energy(y.expand(16, -1), frames) - log_z).exp()
        else:
            p = head.nats(y.expand(16, -1), frames).neg().exp()
    seen = np.bincount((drawn.numpy() @ [8, 4, 2, 1]).astype(int), minlength=16)
    chi = ((seen - count * p.numpy()) ** 2 / (count * p.numpy())).sum()
    assert chi < 45  # 15 degrees of freedom: beyond once in 10,000


def machines(count, notes=8, hidden=6):
    draw = torch.Generator().manual_seed(7)
    weights = torch.randn(notes, hidden, generator=draw)
    return weights, torch.randn(count, notes, generator=draw), torch.randn(count, hidden, generator=draw)


def test_the_estimate_of_a_partition_function_is_right_and_its_error_bar_covers_it():
    weights, visible, hidden = machines(200)
    exact = exact_log_z(weights, visible, hidden).log_z
    by_frames = torch.stack(
        [torch.logsumexp(all_frames(8) @ b_v + torch.nn.functional.softplus(all_frames(8) @ weights + b_h).sum(1), 0)
         for b_v, b_h in zip(visible, hidden, strict=True)]
    )  # fmt: skip
    torch.testing.assert_close(exact, by_frames, rtol=1e-5, atol=1e-4)
    found = estimated_log_z(
        weights, visible, hidden, chains=64, temperatures=200, generator=torch.Generator().manual_seed(8)
    )
    assert ((found.log_z - exact).abs() < 0.01 * exact.abs()).float().mean() > 0.9
    covered = ((found.log_z - exact).abs() < 2 * found.standard_error).float().mean().item()
    assert 0.9 <= covered <= 1


def test_contrastive_divergence_comes_nearer_to_the_gradient_with_more_steps():
    torch.manual_seed(9)
    frames, y = (torch.rand(400, 6) < 0.4).float(), torch.zeros(400, 5)
    states = all_frames(6)

    def head_of(gibbs):
        torch.manual_seed(10)
        head = RbmHead(5, 6, hidden=4, gibbs=gibbs)
        torch.nn.init.normal_(head.weights, std=1.5)
        return head

    exact = head_of(1)
    rows = y[:1].expand(len(states), -1)
    loss = exact.free_energy(y, frames).mean() + torch.logsumexp(-exact.free_energy(rows, states), 0)
    loss.backward()

    def likeness(gibbs):
        head, total = head_of(gibbs), 0.0
        for step in range(60):
            random = ostinato.models.randomness.Randomness(1, step)
            head.training_loss(y, frames, (400, 1), random).mean().backward()
        total = torch.nn.functional.cosine_similarity(head.weights.grad.flatten(), exact.weights.grad.flatten(), dim=0)
        return total.item()

    near, nearer = likeness(1), likeness(20)
    assert nearer > near
    assert nearer > 0.95


def test_too_many_hidden_units_are_not_enumerated():
    with pytest.raises(ConfigError, match=r"30 hidden units have 2\^30 states"):
        exact_log_z(torch.zeros(4, 30), torch.zeros(1, 4), torch.zeros(1, 30))
