"""Tunes as they are played, as MIDI, MusicXML and sound: the same notes in each."""

import io
import wave
from fractions import Fraction
from xml.etree import ElementTree as ET

import mido
import numpy as np
import pytest

from ostinato.errors import ConfigError
from ostinato.music import Field, parse_tune
from ostinato.music.midi import TICKS_OF_A_QUARTER, write_midi
from ostinato.music.musicxml import DIVISIONS, write_musicxml
from ostinato.music.playing import played
from ostinato.music.sound import RATE, write_wav
from ostinato.music.sounding import tones
from ostinato.music.tempo import whole_notes_per_minute

TUNE = """X:1
T:Wisp & Whistle
R:jig
M:6/8
L:1/8
Z:made for a test
K:G
D|:G>AB (3dBd g|[ce]3 z2 ^c|1 d3-d2A:|2 d3-|d2 c/B/||
[K:Amin]A2c e2^g|a6|]
"""


def midi_notes(data):
    """Start, end and number of every note, in quarters."""
    file = mido.MidiFile(file=io.BytesIO(data))
    now, sounding, found = 0, {}, []
    for message in file.tracks[0]:
        now += message.time
        if message.type == "note_on":
            assert message.note not in sounding
            sounding[message.note] = now
        elif message.type == "note_off":
            found.append((Fraction(sounding.pop(message.note), file.ticks_per_beat), message.note))
    assert not sounding
    return sorted(found)


def test_repeats_and_endings_are_played_in_their_turn():
    tune = parse_tune(TUNE)
    found = played(tune)
    letters = "".join(
        tune.body[tone.place].pitch.letter for tone in found.tones() if hasattr(tune.body[tone.place], "pitch")
    )
    assert letters == "DGABDBDGCDAGABDBDGCDCBACEGA"
    assert [type(one) for one in found.tune.body if isinstance(one, Field)] == [Field]


def test_what_a_repeat_goes_back_over_has_the_key_that_it_had():
    tune = parse_tune("X:1\nM:4/4\nL:1/4\nK:C\n|:F4|[K:D]F4:|")
    assert [tone.midi for tone in played(tune).tones()] == [65, 66, 65, 66]
    again = parse_tune("X:1\nM:4/4\nL:1/4\nK:C\n|:F4|[L:1/8]F8:|")
    assert [tone.duration for tone in played(again).tones()] == [1, 1, 1, 1]


def test_an_ending_is_played_as_often_as_it_is_marked():
    tune = parse_tune("X:1\nM:2/4\nL:1/4\nK:C\n|:CD|[1,3EF:|[2GA:|[4-5B2|]")
    letters = [tune.body[tone.place].pitch.letter for tone in played(tune).tones()]
    assert "".join(letters) == "CDEF" "CDGA" "CDEF" "CDB" "CDB"  # fmt: skip


def test_a_midi_file_has_each_meter_where_it_begins():
    tune = parse_tune("X:1\nM:6/8\nL:1/8\nK:C\n|:c3 c3|[M:2/4]c2 c2:|")
    now, found = 0, []
    for message in mido.MidiFile(file=io.BytesIO(write_midi(tune))).tracks[0]:
        now += message.time
        if message.type == "time_signature":
            found.append((Fraction(now, TICKS_OF_A_QUARTER), message.numerator, message.denominator))
    assert found == [(0, 6, 8), (3, 2, 4), (5, 6, 8), (8, 2, 4)]


def test_a_midi_file_has_the_notes_of_the_tune():
    tune = parse_tune(TUNE)
    expected = sorted((tone.start * 4, tone.midi) for tone in played(tune).tones())
    assert midi_notes(write_midi(tune)) == expected
    messages = list(mido.MidiFile(file=io.BytesIO(write_midi(tune))).tracks[0])
    assert messages[0].name == "Wisp & Whistle"
    assert next(m for m in messages if m.type == "time_signature").numerator == 6
    tempo = next(m for m in messages if m.type == "set_tempo").tempo
    assert 60e6 / tempo == pytest.approx(115 * 1.5, rel=1e-4)  # quarters a minute


@pytest.mark.parametrize(
    ("header", "whole"),
    [("M:6/8\nR:jig", Fraction(345, 8)), ("M:4/4", 30), ("M:2/2\nR:reel", 50), ("M:4/4\nQ:1/8=200", 25),
     ('M:6/8\nQ:"lively" 100', Fraction(300, 8)), ("M:none", 30)],
)  # fmt: skip
def test_the_tempo_is_what_is_written_or_usual(header, whole):
    assert whole_notes_per_minute(parse_tune(f"X:1\n{header}\nK:C\nC")) == whole


def test_musicxml_has_the_notes_the_ties_and_the_repeats():
    tune = parse_tune(TUNE)
    root = ET.fromstring(write_musicxml(tune))
    assert root.find("work/work-title").text == "Wisp & Whistle"
    found, now = [], 0
    steps = dict(zip("CDEFGAB", (0, 2, 4, 5, 7, 9, 11), strict=True))
    for note in root.iter("note"):
        duration = Fraction(int(note.find("duration").text), 4 * DIVISIONS)
        if note.find("chord") is not None:
            now -= duration
        pitch = note.find("pitch")
        if pitch is not None:
            step, alter, octave = (pitch.findtext(name) or "0" for name in ("step", "alter", "octave"))
            midi = 12 * (int(octave) + 1) + steps[step] + int(alter)
            if note.find("tie[@type='stop']") is None:
                found.append((now, midi))
        now += duration
    assert found == [(tone.start, tone.midi) for tone in tones(tune)]
    lengths = [
        sum(int(n.findtext("duration")) for n in m.iter("note") if n.find("chord") is None)
        for m in root.iter("measure")
    ]
    assert [Fraction(length, DIVISIONS // 2) for length in lengths] == [1, 6, 6, 6, 3, 3, 6, 6]
    assert [(r.get("direction")) for r in root.iter("repeat")] == ["forward", "backward"]
    assert [(e.get("number"), e.get("type")) for e in root.iter("ending")] == [
        ("1", "start"), ("1", "stop"), ("2", "start"), ("2", "stop"),
    ]  # fmt: skip
    assert [k.text for k in root.iter("fifths")] == ["1", "0"]
    assert [t.findtext("actual-notes") for t in root.iter("time-modification")] == ["3"] * 3
    starts, stops = (len(root.findall(f".//tie[@type='{kind}']")) for kind in ("start", "stop"))
    assert starts == stops == 2


def test_accents_stand_on_beats_after_an_upbeat():
    tune = parse_tune("X:1\nM:6/8\nL:1/8\nK:C\nA|cde fga|c3 c2|]")
    track = mido.MidiFile(file=io.BytesIO(write_midi(tune))).tracks[0]
    assert [message.velocity for message in track if message.type == "note_on"] == [80, 96, 80, 80, 96, 80, 80, 96, 96]


def test_a_tie_brings_its_sign_over_the_bar_line():
    tune = parse_tune("X:1\nM:4/4\nL:1/4\nK:C\n^c4-|c2 c2|]")
    assert [(tone.midi, tone.duration) for tone in tones(tune)] == [(73, Fraction(3, 2)), (72, Fraction(1, 2))]
    alters = [note.findtext("pitch/alter") for note in ET.fromstring(write_musicxml(tune)).iter("note")]
    assert alters == ["1", "1", None]


def test_a_key_between_two_bar_lines_is_written_and_so_are_bars_of_rest():
    root = ET.fromstring(write_musicxml(parse_tune("X:1\nM:2/4\nL:1/8\nK:D\nA4||\nK:Gm\n|:Z2|G4:|")))
    assert [key.text for key in root.iter("fifths")] == ["2", "-2"]
    assert [int(note.findtext("duration")) // DIVISIONS for note in root.iter("note")] == [2, 4, 2]


def test_what_midi_has_not_is_refused():
    with pytest.raises(ConfigError, match="notes 0 to 127"):
        write_midi(parse_tune("X:1\nM:4/4\nK:C\nC,,,,,,|]"))


def test_the_sound_has_the_pitches_in_their_order():
    tune = parse_tune("X:1\nM:4/4\nL:1/4\nQ:1/4=120\nK:C\nA2 a2|E4|]")
    with wave.open(io.BytesIO(write_wav(tune))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE)
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(float)
    assert len(samples) == 5 * RATE  # four seconds, and one to fade
    assert np.abs(samples).max() == pytest.approx(0.8 * 32767, abs=1)
    for second, frequency in ((0.1, 440.0), (1.1, 880.0), (2.1, 329.6)):
        part = samples[int(second * RATE) :][: RATE // 2]
        peak = np.abs(np.fft.rfft(part * np.hanning(len(part)))).argmax() * RATE / len(part)
        assert peak == pytest.approx(frequency, abs=2.5)
    assert np.abs(samples[-RATE // 10 :]).max() == 0


def test_a_tune_without_notes_is_silent():
    tune = parse_tune("X:1\nM:4/4\nK:C\nz8|]")
    assert len(midi_notes(write_midi(tune))) == 0
    assert b"<rest" in write_musicxml(tune)
    assert len(write_wav(tune)) > 1000
