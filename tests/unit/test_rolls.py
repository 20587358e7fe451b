"""Piano rolls: their text, MIDI files, splits, batches, and heads held to enumeration and closed forms."""

import itertools
import json

import numpy as np
import pytest
import scipy.io
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import ostinato
import ostinato.models.randomness
from ostinato.app.cli import main
from ostinato.codecs import TokenCodec
from ostinato.cores.stack import Stack
from ostinato.cores.table import new_core
from ostinato.data import encode_texts
from ostinato.errors import ConfigError, CorpusError
from ostinato.families.rolls.batches import Rolls, RollStream
from ostinato.families.rolls.harmonising import harmonise, upper_voice
from ostinato.families.rolls.heads.independent import IndependentHead
from ostinato.families.rolls.heads.nade import NadeHead
from ostinato.families.rolls.heads.partition import estimated_log_z, exact_log_z
from ostinato.families.rolls.heads.rbm import RbmHead
from ostinato.families.rolls.measuring import copying
from ostinato.families.rolls.network import RollNetwork
from ostinato.families.rolls.reading import RollReading, read_rolls
from ostinato.music.roll_copies import longest_copy
from ostinato.music.roll_midi import read_midi_roll, write_midi_roll
from ostinato.music.rolls import Grid, as_text, frames_of_ids, parse_grid, tokens_of, up_to_transposition

FRAMES = arrays.arrays(np.uint8, st.tuples(st.integers(1, 12), st.just(88)), elements=st.integers(0, 1))
READING = RollReading("8th", 21, 108)


@settings(max_examples=50, deadline=None)
@given(st.lists(FRAMES, min_size=1, max_size=3))
def test_rolls_are_text_and_back(rolls):
    codec = TokenCodec(tokens_of(21, 108), end=True)
    encoded = encode_texts(codec, [as_text(one) for one in rolls])
    frames, offsets = frames_of_ids(encoded.ids, encoded.offsets, 88)
    assert offsets.tolist() == np.cumsum([0, *map(len, rolls)]).tolist()
    np.testing.assert_array_equal(frames, np.concatenate(rolls))


@settings(max_examples=50, deadline=None)
@given(FRAMES, st.sampled_from([Grid(parts=4), Grid(parts=8), Grid(parts=16), Grid(seconds=0.3)]), st.floats(30, 240))
def test_midi_files_keep_notes_and_lengths(frames, grid, tempo):
    if not frames.any():
        return
    sounding = np.flatnonzero(frames.any(axis=1))
    roll = read_midi_roll(write_midi_roll(frames, grid, quarters_per_minute=tempo), grid, "x")
    np.testing.assert_array_equal(roll.frames[:, 21:109], frames[sounding[0] : sounding[-1] + 1])
    assert roll.quarters_per_minute == pytest.approx(tempo, rel=1e-4)


def test_what_a_file_says_of_drums_and_time(tmp_path):
    import mido

    file = mido.MidiFile(ticks_per_beat=100)
    track = mido.MidiTrack()
    track.append(mido.MetaMessage("set_tempo", tempo=600_000))
    track.append(mido.Message("note_on", channel=9, note=40, velocity=90, time=0))
    track.append(mido.Message("note_on", note=60, velocity=90, time=50))
    track.append(mido.Message("note_off", channel=9, note=40, time=0))
    track.append(mido.MetaMessage("set_tempo", tempo=1_200_000, time=50))
    track.append(mido.Message("note_on", note=60, velocity=0, time=100))
    file.tracks.append(track)
    file.save(tmp_path / "x.mid")
    data = (tmp_path / "x.mid").read_bytes()
    roll = read_midi_roll(data, Grid(parts=8), "x")
    assert (len(roll.frames), roll.drums, roll.quarters_per_minute) == (3, 1, 100)
    seconds = read_midi_roll(data, Grid(seconds=0.1), "x")  # half a quarter at 0.6 s, then a whole one at 1.2 s
    assert len(seconds.frames) == 15


@pytest.mark.parametrize("grid", ["8ths", "0s", "65th", "99s", "x", ""])
def test_a_grid_that_is_none_is_refused(grid):
    with pytest.raises(ConfigError, match="a frame is a part of a note"):
        parse_grid(grid)


def write_mat(path):
    draw = np.random.default_rng(0)
    parts = {}
    for name, count in (("train", 6), ("valid", 3), ("test", 4)):
        pieces = np.empty((1, count), dtype=object)
        for number in range(count):
            frames = np.zeros((int(draw.integers(5, 9)), 88))
            frames[np.arange(len(frames)), draw.integers(30, 50, len(frames))] = 1
            pieces[0, number] = frames
        parts[f"{name}data"] = pieces
    scipy.io.savemat(path, parts)


def test_a_file_with_an_official_split_is_learned_from_and_measured_by_its_parts(tmp_path, capsys):
    write_mat(tmp_path / "x.mat")
    corpus = read_rolls([str(tmp_path / "x.mat")], READING)
    assert (len(corpus.texts), len(corpus.valid.texts)) == (6, 3)
    assert len(read_rolls([str(tmp_path / "x.mat")], READING, part="test").texts) == 4
    words = ["train", str(tmp_path / "x.mat"), "--recipe", "rnn-bernoulli", "--steps", "2", "--no-report"]
    assert main([*words, "--out", str(tmp_path / "r"), "--set", "hidden_size=8", "--set", "precision=float32"]) == 0
    assert "the official split" in capsys.readouterr().out.replace("\n", " ")
    counts = {}
    for part in ("test", "valid", "train"):
        words = ["evaluate", str(tmp_path / "r"), str(tmp_path / "x.mat"), "--json"]
        assert main([*words, "--split", part]) == 0
        counts[part] = json.loads(capsys.readouterr().out)["pieces"]
    assert counts == {"test": 4, "valid": 3, "train": 6}
    assert main(["evaluate", str(tmp_path / "r"), str(tmp_path / "x.mat"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pieces"] == 4
    assert main(["evaluate", str(tmp_path / "r"), str(tmp_path / "x.mat"), "--split", "x"]) == 2


def test_transposed_pieces_stay_on_one_side(tmp_path):
    one = np.zeros((5, 88), dtype=np.uint8)
    one[[0, 1, 2, 3, 4], [40, 44, 47, 44, 40]] = 1
    np.save(tmp_path / "a.npy", one)
    np.save(tmp_path / "b.npy", np.roll(one, 5, axis=1))
    np.save(tmp_path / "c.npy", one[::-1] * 0 + np.roll(one, 1, axis=0))
    corpus = read_rolls([str(tmp_path)], READING)
    assert corpus.groups == (0, 0, 1)
    assert up_to_transposition(one) != up_to_transposition(one[:-1])
    assert any("stay on one side" in note for note in corpus.notes)


def test_what_cannot_be_read_is_said(tmp_path):
    (tmp_path / "x.mid").write_bytes(b"no music")
    with pytest.raises(CorpusError, match=r"x\.mid is no MIDI file"):
        read_rolls([str(tmp_path / "x.mid")], READING)
    np.save(tmp_path / "y.npy", np.ones((3, 7)))
    with pytest.raises(CorpusError, match=r"a roll is \[T, 88\]"):
        read_rolls([str(tmp_path / "y.npy")], READING)
    np.save(tmp_path / "y.npy", np.zeros((3, 88)))
    with pytest.raises(CorpusError, match="there is no piece to learn from"):
        read_rolls([str(tmp_path / "y.npy")], READING)
    np.save(tmp_path / "z.npy", np.eye(4, 88))
    corpus = read_rolls([str(tmp_path)], RollReading("8th", 22, 108))
    assert len(corpus.texts) == 1
    assert "1 files that cannot be read" in corpus.notes[-1]
    assert "1 notes of single frames outside 22 to 108" in corpus.notes[-1]
    assert "1 pieces without a note" in corpus.notes[-1]
    with pytest.raises(CorpusError, match="there is no file or folder"):
        read_rolls(["nowhere.mid"], READING)


def toy_rolls(count=5, notes=12):
    draw = np.random.default_rng(1)
    lengths = draw.integers(3, 9, count)
    frames = np.zeros((int(lengths.sum()), notes), dtype=np.uint8)
    frames[np.arange(len(frames)), draw.integers(3, 8, len(frames))] = 1
    return Rolls(frames, np.cumsum([0, *lengths]))


def test_a_stream_reads_every_frame_after_the_one_before_it_and_moves_whole_pieces():
    rolls = toy_rolls()
    stream = RollStream(rolls, batch_size=5, window=4, transpose=2, seed=3)
    assert stream.position() == {"epoch": 0, "group": 0, "start": 0}
    pieces = [[] for _ in range(5)]
    for _ in range(stream.batches_per_epoch):
        batch = stream.next()
        for row, length in enumerate(batch.lengths.tolist()):
            pieces[row] += batch.targets[row, :length].tolist()
            if length and batch.fresh[row]:
                assert not batch.inputs[row, 0].any()
            np.testing.assert_array_equal(batch.inputs[row, 1:length], batch.targets[row, : max(0, length - 1)])
    moved = {up_to_transposition(np.array(piece, dtype=np.uint8)) for piece in pieces}
    assert moved == {up_to_transposition(rolls.one(number)) for number in range(5)}
    assert sorted(map(len, pieces)) == sorted(rolls.numbers.lengths.tolist())
    seen = set()
    for _ in range(40):
        seen.add(tuple(rolls.shifts(2, np.random.default_rng(len(seen))).tolist()))
    assert {shift for one in seen for shift in one} == {-2, -1, 0, 1, 2}


def all_frames(notes):
    return torch.tensor(list(itertools.product([0.0, 1.0], repeat=notes)))


def heads(notes=8, size=5):
    torch.manual_seed(0)
    made = {
        "independent": IndependentHead(size, notes),
        "nade": NadeHead(size, notes, hidden=7),
        "rbm": RbmHead(size, notes, hidden=6, gibbs=3),
    }
    for head in made.values():
        for weight in head.parameters():
            torch.nn.init.normal_(weight, std=0.7)
    return made


@pytest.mark.parametrize("name", ["independent", "nade"])
def test_probabilities_of_all_frames_sum_to_one(name):
    head, y = heads()[name], torch.randn(3, 5, generator=torch.Generator().manual_seed(1))
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


@pytest.mark.parametrize("name", ["independent", "nade", "rbm"])
def test_drawn_frames_have_the_frequencies_of_the_model(name):
    head = heads(notes=4)[name] if name != "rbm" else RbmHead(5, 4, hidden=3, gibbs=20)
    y = torch.randn(1, 5, generator=torch.Generator().manual_seed(5))
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


def test_copying_expects_each_frame_to_be_the_one_before():
    frames = np.array([[1, 0], [1, 1], [0, 1], [0, 1]], dtype=np.uint8)
    hits = copying(Rolls(frames, np.array([0, 3, 4])))
    # frame by frame: nothing expected of 1; 1 of {0, 1}; {0, 1} of 1; nothing of 1
    assert (hits.both, hits.either) == (2, 6)


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
            y, _ = self.network.core(inputs)
            nats = self.network.head.nats(y.reshape(-1, 6), rolls.reshape(-1, 4))
        return -nats.reshape(len(rolls), -1).sum(dim=1).double()


@pytest.mark.parametrize("head", [IndependentHead(6, 4), NadeHead(6, 4, hidden=5)], ids=["independent", "nade"])
def test_particles_find_the_probability_of_given_notes_and_the_notes_beside_them(head):
    small = Small(head)
    given = np.array([[-1, -1, 1, 0], [-1, -1, 0, 1], [-1, 1, 0, 0]], dtype=np.int8)  # a voice on top
    free = np.argwhere(given == -1)
    rolls = np.repeat((given == 1)[None].astype(np.float32), 2 ** len(free), axis=0)
    for row, notes in zip(rolls, itertools.product([0, 1], repeat=len(free)), strict=True):
        row[free[:, 0], free[:, 1]] = notes
    logs = small.log_prob(torch.from_numpy(rolls))
    exact = torch.logsumexp(logs, 0).item()
    found = [harmonise(small.network, given, particles=8, seed=seed) for seed in range(600)]
    ratios = np.exp([one.log_given - exact for one in found])
    assert abs(ratios.mean() - 1) < 4 * ratios.std() / len(ratios) ** 0.5  # unbiased
    assert all((one.frames[given == 1] == 1).all() and (one.frames[given == 0] == 0).all() for one in found)
    drawn = [harmonise(small.network, given, particles=100, seed=seed).frames for seed in range(600)]
    keys = {row.astype(np.uint8).tobytes(): number for number, row in enumerate(rolls)}
    seen = np.bincount([keys[frames.tobytes()] for frames in drawn], minlength=len(rolls))
    expected = len(drawn) * (logs - exact).exp().numpy()
    common = expected > 5
    chi = ((seen - expected)[common] ** 2 / expected[common]).sum()
    assert chi < common.sum() + 5 * (2 * common.sum()) ** 0.5


def test_the_upper_voice_leaves_what_is_below_it_free():
    frames = np.array([[1, 0, 1, 0], [0, 0, 0, 0]], dtype=np.uint8)
    assert upper_voice(frames).tolist() == [[-1, -1, 1, 0], [-1, -1, -1, -1]]


def test_an_rnn_rbm_does_not_harmonise():
    with pytest.raises(ConfigError, match="likelihood is exact"):
        harmonise(Small(RbmHead(6, 4, hidden=3, gibbs=1)).network, np.zeros((2, 4), dtype=np.int8), particles=4, seed=1)


def longest_by_hand(frames, rolls):
    """All pairs of places, all lengths."""

    def same(one, other):
        sounding = [np.flatnonzero(part.any(axis=1)) for part in (one, other)]
        if sounding[0].tolist() != sounding[1].tolist():
            return False
        if not len(sounding[0]):
            return True
        shift = int(one[sounding[0][0]].argmax()) - int(other[sounding[0][0]].argmax())
        notes = [{(row, int(note)) for row, note in np.argwhere(part)} for part in (one, other)]
        return notes[0] == {(row, note + shift) for row, note in notes[1]}

    best = 0
    for roll in rolls:
        for a, b in itertools.product(range(len(frames)), range(len(roll))):
            length = 1
            while (
                a + length <= len(frames)
                and b + length <= len(roll)
                and same(frames[a : a + length], roll[b : b + length])
            ):
                best = max(best, length)
                length += 1
    return best


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000))
def test_the_longest_copy_is_found_in_any_key(seed):
    draw = np.random.default_rng(seed)

    def roll():
        frames = np.zeros((int(draw.integers(1, 9)), 6), dtype=np.uint8)
        for frame in frames:
            frame[draw.choice(6, int(draw.integers(0, 3)), replace=False)] = 1
        return frames

    frames, rolls = roll(), [roll(), roll()]
    copy = longest_copy(frames, np.concatenate(rolls), np.cumsum([0, *map(len, rolls)]))
    assert copy.length == longest_by_hand(frames, rolls)
    if copy.length:
        own = frames[copy.at : copy.at + copy.length]
        there = rolls[copy.of][copy.place : copy.place + copy.length]
        assert longest_by_hand(own, [there]) == copy.length
