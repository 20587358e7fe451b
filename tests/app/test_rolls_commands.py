"""``compose`` and what else works on piano rolls, from the command line."""

import io
import json
import subprocess
import sys
import wave

import numpy as np
import pytest

import ostinato
from ostinato.app.cli import main
from ostinato.music.roll_midi import read_midi_roll, write_midi_roll
from ostinato.music.roll_sound import notes_of_frames
from ostinato.music.rolls import Grid, frames_of_ids, note_name, tokens_of
from rooms.rolls import chords

SMALL = ["hidden_size=16", "batch_size=8", "conditional_size=8", "precision=float32", "window=16", "dropout=0"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder of chords, and a run that has learned them."""
    folder = tmp_path_factory.mktemp("rolls")
    chords(folder, None)
    words = ["train", str(folder / "rolls"), "--recipe", "rnn-nade", "--out", str(folder / "run"), "--steps", "60"]
    words.append("--no-report")
    assert main([*words, *(word for one in SMALL for word in ("--set", one))]) == 0
    return folder


def ran(capsys, *words):
    capsys.readouterr()
    status = main(list(map(str, words)))
    return status, *capsys.readouterr()


def notes_in(text):
    tokens = tokens_of(21, 108)
    ids = np.array([tokens.index(token) for token in text.split()])
    return frames_of_ids(ids, np.array([0, len(ids)]), 88)[0]


def test_a_roll_is_the_same_in_every_file_and_of_the_same_seed(place, tmp_path, capsys):
    words = ["compose", place / "run", "--seconds", "6", "--seed", "3"]
    outs = [word for ending in ("mid", "npy", "wav", "svg") for word in ("--out", tmp_path / f"x.{ending}")]
    status, _, err = ran(capsys, *words, *outs)
    assert (status, err.count("20 frames, 6.0 s")) == (0, 4)
    (about,) = [json.loads(line) for line in ran(capsys, *words, "--json")[1].splitlines()]
    frames = notes_in(about["roll"])
    assert (about["seed"], about["frames"], about["frame_seconds"]) == (3, 20, 0.3)
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy")[:, 21:109], frames)
    sounding = np.flatnonzero(frames.any(axis=1))
    midi = read_midi_roll((tmp_path / "x.mid").read_bytes(), Grid(parts=8), "x")
    np.testing.assert_array_equal(midi.frames[:, 21:109], frames[sounding[0] : sounding[-1] + 1])
    notes = notes_of_frames(frames, 0.3)
    assert (tmp_path / "x.svg").read_text().count('class="note"') == len(notes)
    with wave.open(io.BytesIO((tmp_path / "x.wav").read_bytes())) as file:
        sound = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(float)
        rate = file.getframerate()
    before_first = sound[: int((notes[0].start - 0.01) * rate)] if notes[0].start > 0.01 else np.zeros(1)
    assert not before_first.any()
    assert np.abs(sound[int(notes[0].start * rate) :][: rate // 10]).max() > 1000
    assert ran(capsys, *words, "--out", tmp_path / "x.mid")[0] == 2  # never overwritten
    two = ran(capsys, *words, "--json", "--tunes", 2)[1].splitlines()
    assert json.loads(two[0]) == about
    assert json.loads(two[1])["seed"] == 4


def test_a_page_shows_the_roll_and_needs_nothing_from_elsewhere(place, tmp_path, capsys):
    words = ["compose", place / "run", "--seconds", "6", "--seed", "3", "--out", tmp_path / "x.html"]
    assert ran(capsys, *words)[0] == 0
    page = (tmp_path / "x.html").read_text()
    assert "http" not in page.replace("http://www.w3.org", "")
    assert ("this roll" in page, "training rolls" in page) == (True, True)
    assert "in any key" in page or "No frame of it is among the training rolls" in page
    playback = json.loads(page.partition('id="roll">')[2].partition("</script>")[0])
    frames = notes_in(json.loads(ran(capsys, *words[:-2], "--json")[1])["roll"])
    assert playback["frames"] == len(frames)
    assert sum(note[1] for note in playback["notes"]) == frames.sum()
    assert page.count("frame ") >= len(frames)  # a bar of surprise for each


def test_a_midi_file_given_to_a_recipe_for_text_says_which_reads_it(tmp_path, capsys):
    (tmp_path / "x.mid").write_bytes(write_midi_roll(np.eye(5, 88, dtype=np.uint8), Grid(parts=8)))
    status, _, err = ran(capsys, "train", tmp_path / "x.mid", "--steps", "1", "--out", tmp_path / "r")
    assert status == 1
    assert "x.mid looks like a file for rnn-nade or rnn-rbm or rnn-bernoulli or note-lstm: --recipe rnn-nade" in err


def test_a_roll_goes_on_from_a_file(place, tmp_path, capsys):
    begin = np.zeros((4, 88), dtype=np.uint8)
    begin[:, [40, 44, 47]] = 1
    (tmp_path / "begin.mid").write_bytes(write_midi_roll(begin, Grid(parts=8)))
    out = ran(capsys, "compose", place / "run", "--start", tmp_path / "begin.mid", "--bars", 1, "--seed", 1, "--json")[
        1
    ]
    frames = notes_in(json.loads(out)["roll"])
    assert len(frames) == 4 + 8
    np.testing.assert_array_equal(frames[:4], begin)


def test_a_voice_is_harmonised(place, tmp_path, capsys):
    melody = np.zeros((8, 88), dtype=np.uint8)
    melody[np.arange(8), [47, 49, 51, 49, 47, 47, 45, 47]] = 1
    (tmp_path / "melody.mid").write_bytes(write_midi_roll(melody, Grid(parts=8)))
    words = ["compose", place / "run", "--keep", tmp_path / "melody.mid", "--particles", 200, "--seed", 1, "--json"]
    status, out, err = ran(capsys, *words)
    assert status == 0
    frames = notes_in(json.loads(out)["roll"])
    highest = [int(np.flatnonzero(frame)[-1]) for frame in frames]
    assert highest == [int(frame.argmax()) for frame in melody]
    assert frames.sum() > 8  # there is more than the melody
    assert "given notes: log P about -" in err
    assert "of the particles count on the mean over frames" in err


def chord_file(folder):
    frames = np.zeros((16, 88), dtype=np.uint8)
    for row, root in zip(frames, [40, 42, 44, 42] * 4, strict=True):
        row[[root, root + 4, root + 7]] = 1
    (folder / "piece.mid").write_bytes(write_midi_roll(frames, Grid(parts=8)))
    return frames


def test_a_voice_of_a_piece_and_bars_of_it_stay(place, tmp_path, capsys):
    piece = chord_file(tmp_path)
    words = ["compose", place / "run", "--from", tmp_path / "piece.mid", "--particles", 50, "--seed", 1, "--json"]
    rolls = {}
    for name, more in {
        "bass": ["--keep", "bass"],
        "bars": ["--lock", "2"],
        "both": ["--keep", "bass", "--lock", "1"],
    }.items():
        status, out, err = ran(capsys, *words, *more)
        assert (status, "of the particles count" in err) == (0, True)
        rolls[name] = notes_in(json.loads(out)["roll"])
        assert rolls[name].shape == piece.shape
    for name in ("bass", "both"):
        assert rolls[name].argmax(axis=1).tolist() == piece.argmax(axis=1).tolist()
    np.testing.assert_array_equal(rolls["bars"][8:], piece[8:])
    np.testing.assert_array_equal(rolls["both"][:8], piece[:8])
    assert (rolls["bars"][:8] != piece[:8]).any()


def test_short_notes_are_told_and_another_grid_keeps_them(place, tmp_path, capsys):
    quick = np.zeros((16, 88), dtype=np.uint8)
    quick[np.arange(16), 45 + np.arange(16)] = 1
    (tmp_path / "quick.mid").write_bytes(write_midi_roll(quick, Grid(parts=16)))
    words = ["compose", place / "run", "--keep", tmp_path / "quick.mid", "--particles", 20, "--seed", 1, "--json"]
    _, _, err = ran(capsys, *words)
    assert "16 notes are shorter than a frame (8th)" in err
    status, out, err = ran(capsys, *words, "--grid", "16th", "--out", tmp_path / "x.mid")
    assert (status, "shorter" in err) == (0, False)
    frames = notes_in(json.loads(out)["roll"])
    assert [int(np.flatnonzero(frame)[-1]) for frame in frames] == (45 + np.arange(16)).tolist()
    again = read_midi_roll((tmp_path / "x.mid").read_bytes(), Grid(parts=16), "x")
    np.testing.assert_array_equal(again.frames[:, 21:109], frames)


def test_no_more_is_copied_than_may_be(place, tmp_path, capsys):
    model = ostinato.load(place / "run")
    start = np.load(place / "rolls" / "3.npy")[:3]
    words = ["compose", place / "run", "--start", place / "rolls" / "3.npy", "--seconds", 9, "--seed", 1, "--json"]
    frames = notes_in(json.loads(ran(capsys, *words, "--max-copy", 1)[1])["roll"])
    whole = len(np.load(place / "rolls" / "3.npy"))
    assert model.heard(frames[whole:]).copy.length <= 1
    assert model.heard(np.concatenate([start, frames[whole:]])).copy.length == 3  # the beginning stays
    assert ran(capsys, "export", place / "run", tmp_path / "m.safetensors")[0] == 0
    status, _, err = ran(capsys, "compose", tmp_path / "m.safetensors", "--max-copy", 2)
    assert (status, "needs the training data" in err) == (2, True)


def test_notation_is_written(place, tmp_path, capsys):
    words = ["compose", place / "run", "--bars", 2, "--seed", 1, "--out", tmp_path / "x.musicxml"]
    assert ran(capsys, *words)[0] == 0
    assert (tmp_path / "x.musicxml").read_text().count("<measure") == 2


def test_composing_and_its_page_need_no_torch(place, tmp_path):
    code = f"""
import sys
from ostinato.app.cli import main
words = ["--seconds", "3", "--seed", "1", "--out", {str(tmp_path / "x.html")!r}, "--out", {str(tmp_path / "x.mid")!r}]
assert main(["compose", {str(place / "run")!r}, *words]) == 0
sys.exit("torch" in sys.modules and 7)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--from", "nowhere.mid"], "say which stay: --keep soprano, or --lock 1-4"),
        (["--keep", "bass"], "--keep bass is a voice of the piece that --from names"),
        (["--lock", "1"], "name the piece: --from FILE"),
        (["--max-copy", "0"], "max_copy must be at least 1"),
        (["--seconds", "0"], "--seconds must be above 0"),
        (["--seconds", "3", "--bars", "2"], "--seconds and --bars both say how long it is"),
        (["--particles", "5"], "--particles is for --keep"),
        (["--keep", "nowhere.mid"], "there is no file 'nowhere.mid'"),
        (["--start", "C D E"], "there is no file 'C D E'"),
        (["--out", "x.pdf"], "its ending says how to write it; of rolls there are .mid"),
        (["--rhythm", "jig"], "--rhythm: for a model of tunes, and this is a model of piano rolls"),
        (["--temperature", "0"], "temperature must be above 0"),
    ],
)
def test_what_cannot_be_composed_says_why(place, capsys, words, told):
    status, out, err = ran(capsys, "compose", place / "run", *words)
    assert (status, out, told in err) == (2, "", True), err


def test_a_voice_outside_the_range_is_refused(place, tmp_path, capsys):
    low = np.zeros((4, 128), dtype=np.uint8)
    low[:, 5] = low[:, 60] = 1
    np.save(tmp_path / "low.npy", low)
    status, _, err = ran(capsys, "compose", place / "run", "--keep", tmp_path / "low.npy")
    assert (status, "has notes outside the 21 to 108 that the model knows" in err) == (2, True)


def test_the_convention_of_a_likelihood_is_printed_with_it(place, capsys):
    status, out, _ = ran(capsys, "evaluate", place / "run", place / "rolls")
    assert status == 0
    for word in (
        "nats per frame",
        "exact",
        "over all frames",
        "without the first frame",
        "mean over pieces",
        "copying the frame before",
    ):
        assert word in out.replace("\n", " ")
    told = json.loads(ran(capsys, "evaluate", place / "run", place / "rolls", "--json")[1])
    assert told["bound"] == "exact"
    assert told["standard_error"] > 0
    few = json.loads(ran(capsys, "evaluate", place / "run", place / "rolls", "--frames", 50, "--json")[1])
    assert few["frames"] <= 50 < told["frames"]
    assert ran(capsys, "evaluate", place / "run", place / "rolls", "--exact")[0] == 2


def test_what_files_hold_is_told(place, tmp_path, capsys):
    piece = chord_file(tmp_path)
    np.save(tmp_path / "higher.npy", np.roll(piece, 2, axis=1))
    (tmp_path / "broken.mid").write_bytes(b"no music")
    status, out, _ = ran(capsys, "rolls", tmp_path)
    assert status == 0
    for told in (
        "2 pieces, 32 frames, 3.00 notes a frame (at most 3), MIDI notes 61 to 74",
        "1 files that cannot be read",
        "pieces of 16 to 16 frames, 16 in the middle",
        "3 100.0%",
        "100.0%  0 4 7",
        "equal in some key:",
        "higher.npy",
    ):
        assert told in out, out
    about = json.loads(ran(capsys, "rolls", tmp_path, "--json")[1])
    assert (about["frames"], about["polyphony"], about["chords"]) == (32, [0, 0, 0, 32], [[[0, 4, 7], 32]])
    assert sum(about["pitch_classes"]) == 96
    assert ran(capsys, "rolls", tmp_path / "broken.mid")[0] == 1


def test_a_score_sums_up_and_names_the_most_surprising_places(place, tmp_path, capsys):
    piece = chord_file(tmp_path)
    odd = piece.copy()
    odd[9, 80] = 1  # a note that was never heard
    np.save(tmp_path / "odd.npy", odd)
    told = json.loads(ran(capsys, "score", place / "run", tmp_path / "odd.npy", "--json")[1])
    assert told["log_prob"] == pytest.approx(-sum(told["nats"]), abs=0.01)
    assert told["place"].endswith("odd.npy")
    evaluated = json.loads(ran(capsys, "evaluate", place / "run", tmp_path / "odd.npy", "--json")[1])
    assert told["nats_per_frame"] == pytest.approx(evaluated["nats_per_frame"], abs=1e-4)
    status, out, _ = ran(capsys, "score", place / "run", "--file", tmp_path / "odd.npy", "--surprising", 1)
    assert status == 0
    assert f"{told['nats_per_frame']:.3f} per frame (exact)" in out
    losses = ostinato.load(place / "run").score(odd).nats_of_notes()
    frame, note = np.unravel_index(losses.argmax(), losses.shape)
    listed = out.splitlines()[-1].split()
    assert listed[:3] == ["1", str(frame + 1), f"{losses.max():.2f}"]
    assert note_name(21 + int(note)) in listed
    np.testing.assert_allclose(losses.sum(axis=1), told["nats"], atol=1e-3)
    for words in ([tmp_path / "odd.npy", "--per", "word"], [], [tmp_path / "odd.npy", "--surprising", 0]):
        assert ran(capsys, "score", place / "run", *words)[0] == 2
