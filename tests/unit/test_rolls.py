"""Piano rolls: their text, MIDI files, splits, batches, and heads held to enumeration and closed forms."""

import itertools
import json
from fractions import Fraction
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import scipy.io
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ostinato.app.cli import main
from ostinato.codecs import TokenCodec
from ostinato.data import encode_texts
from ostinato.errors import ConfigError, CorpusError
from ostinato.families.rolls.batches import Rolls, RollStream
from ostinato.families.rolls.measures import copying
from ostinato.families.rolls.reading import RollReading, read_rolls
from ostinato.music.roll_copies import longest_copy
from ostinato.music.roll_midi import read_midi_roll, write_midi_roll
from ostinato.music.roll_musicxml import write_musicxml_roll
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


def notes_of_musicxml(data, parts):
    """The frames of a MusicXML file, [T, 128], and how often a note begins that no tie leads to."""
    score, frames, begun = ET.fromstring(data), [], 0
    for measure in score.iter("measure"):
        at, last, rows = 0, 0, np.zeros((parts, 128), dtype=np.uint8)
        for element in measure:
            length = int(element.findtext("duration", "0")) // 4
            if element.tag == "backup":
                assert at == parts, "a staff fills its bar"
                at -= length
            if element.tag != "note":
                continue
            dotted = Fraction(3, 2) if element.find("dot") is not None else Fraction(1)
            assert Fraction(length, parts) == VALUES[element.findtext("type")] * dotted
            if element.find("chord") is None:
                last, at = at, at + length
            if element.find("rest") is None:
                pitch = element.find("pitch")
                note = 12 * (int(pitch.findtext("octave")) + 1) + "C D EF G A B".index(pitch.findtext("step"))
                note += int(pitch.findtext("alter", "0"))
                rows[last : last + length, note] = 1
                assert (note >= 60) == (element.findtext("staff") == "1")
                begun += "stop" not in [tie.get("type") for tie in element.findall("tie")]
        assert at == parts
        frames.append(rows)
    return np.concatenate(frames), begun


VALUES = {name: Fraction(1, 2**power) for power, name in enumerate(["whole", "half", "quarter", "eighth", "16th"])}


@settings(max_examples=50, deadline=None)
@given(FRAMES, st.sampled_from([4, 8, 16]))
def test_notation_has_every_note_with_its_length(frames, parts):
    read, begun = notes_of_musicxml(write_musicxml_roll(frames, Grid(parts=parts), title="<&>"), parts)
    np.testing.assert_array_equal(read[: len(frames), 21:109], frames)
    assert not read[len(frames) :].any()
    starts = np.diff(np.pad(frames.astype(int), ((1, 0), (0, 0))), axis=0) > 0
    assert begun == starts.sum()


def test_notation_needs_note_values():
    with pytest.raises(ConfigError, match="notation needs frames that are a 4th"):
        write_musicxml_roll(np.ones((2, 88), dtype=np.uint8), Grid(seconds=0.3))


def test_bars_are_those_of_the_file(tmp_path):
    import mido

    file = mido.MidiFile(ticks_per_beat=100)
    track = mido.MidiTrack()
    track.append(mido.MetaMessage("time_signature", numerator=3, denominator=4))
    track.append(mido.Message("note_on", note=60, velocity=90, time=200))
    track.append(mido.Message("note_off", note=60, time=400))
    file.tracks.append(track)
    file.save(tmp_path / "x.mid")
    data = (tmp_path / "x.mid").read_bytes()
    roll = read_midi_roll(data, Grid(parts=8), "x")
    assert (roll.quarters_in_bar, roll.first, len(roll.frames)) == (3, 4, 8)
    damaged = data.replace(b"\xff\x58\x04\x03", b"\xff\x58\x04\x00")
    assert read_midi_roll(damaged, Grid(parts=8), "x").quarters_in_bar == 4


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


def test_copying_expects_each_frame_to_be_the_one_before():
    frames = np.array([[1, 0], [1, 1], [0, 1], [0, 1]], dtype=np.uint8)
    hits = copying(Rolls(frames, np.array([0, 3, 4])))
    # frame by frame: nothing expected of 1; 1 of {0, 1}; {0, 1} of 1; nothing of 1
    assert (hits.both, hits.either) == (2, 6)


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
