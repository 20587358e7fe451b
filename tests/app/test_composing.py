"""Composing from the command line, on a model that has learned from a few tunes."""

import json
import re
import shlex

import pytest

import ostinato
from conftest import SMALL_FOLK
from ostinato.data import Corpus, read_corpus
from ostinato.errors import ConfigError
from ostinato.families.tunes import folk
from ostinato.families.tunes.composing import Composer, Wish
from ostinato.music import parse_key, parse_meter, parse_tune, read_tunebook
from ostinato.music.forms import problems, sections
from ostinato.music.midi import write_midi
from ostinato.music.musicxml import write_musicxml
from ostinato.music.sound import write_wav
from ostinato.music.sounding import tones


@pytest.fixture
def tunes_run(tunes_run_once):
    return tunes_run_once


def composed(run, tunes_run, *words):
    status, out, err = run("compose", tunes_run, "--seed", 1, *words)
    assert (status, err.count("error")) == (0, 0)
    return [found.tune for found in read_tunebook(out.split("\n"))]


def test_a_tune_is_as_wished(run, tunes_run):
    words = ["--rhythm", "jig", "--key", "A", "--mode", "dor", "--form", "AAB", "--bars", 4, "--tunes", 12]
    found = composed(run, tunes_run, *words, "--range", "fiddle", "--cadence", "tonic", "--start", "|:eAA ABd|")
    assert len({tune.body for tune in found}) == 12
    for number, tune in enumerate(found):
        assert problems(tune) == []
        assert (tune.meter, tune.key, tune.rhythm) == (parse_meter("6/8"), parse_key("Ador"), "jig")
        assert [(part.repeated, part.length) for part in sections(tune)] == [(True, 4), (False, 4)]
        midi = [tone.midi for tone in tones(tune)]
        assert midi[:6] == [76, 69, 69, 69, 71, 74]
        assert midi[-1] % 12 == parse_key("A").tonic
        assert 55 <= min(midi) <= max(midi) <= 88
        assert 0 < len(tune.title) <= 48
        made = dict(tune.information)["Z"]
        assert (
            f", int8: compose RUN --seed {1 + number} --rhythm jig --meter 6/8 --key Ador --form AAB --bars 4" in made
        )
        assert made.endswith("--start '|:eAA ABd|' --range fiddle --cadence tonic")


def test_the_record_of_a_tune_is_the_command_that_makes_it_again(run, tunes_run):
    words = ["--key", "Gdor", "--meter", "6/8", "--bars", 4, "--tunes", 3, "--start", "|:Gd", "--temperature", 1.2]
    tune = composed(run, tunes_run, *words)[2]
    again = shlex.split(dict(tune.information)["Z"].partition(": compose RUN ")[2])
    status, out, _ = run("compose", tunes_run, *again)
    assert (status, parse_tune(out).body, parse_tune(out).title) == (0, tune.body, tune.title)
    assert composed(run, tunes_run, "--bars", 4, "--title", "Mine")[0].title == "Mine"


def test_the_same_seed_is_the_same_tune_alone_and_in_a_batch(run, tunes_run):
    many = composed(run, tunes_run, "--tunes", 5)
    status, out, _ = run("compose", tunes_run, "--seed", 4)
    assert status == 0
    assert parse_tune(out).body == many[3].body


def test_a_free_form_adds_up_too(run, tunes_run):
    for tune in composed(run, tunes_run, "--form", "", "--bars", 0, "--tunes", 20, "--meter", "6/8"):
        assert problems(tune) == []


def test_tunes_go_to_a_file_and_objects_to_standard_output(run, tunes_run, tmp_path):
    status, out, err = run("compose", tunes_run, "--tunes", 3, "--seed", 2, "--out", tmp_path / "new.abc", "--json")
    assert (status, err.splitlines()[-1]) == (0, f"{tmp_path / 'new.abc'}: 3 tunes")
    told = [json.loads(line) for line in out.splitlines()]
    assert [one["seed"] for one in told] == [2, 3, 4]
    assert (tmp_path / "new.abc").read_text() == "\n".join(one["abc"] for one in told)
    assert all(one["log_prob"] < 0 and one["log_kept"] < 0 for one in told)


def test_tunes_become_midi_musicxml_and_sound(run, tunes_run, tmp_path):
    for ending in ("mid", "musicxml", "wav"):
        words = ["--sound", "strings", "--out", tmp_path / f"new.{ending}"]
        status, out, err = run("compose", tunes_run, "--tunes", 2, "--seed", 2, *words)
        assert (status, out) == (0, "")
        assert err.count("1 tune") == 2
    found = composed(run, tunes_run, "--tunes", 2, "--seed", 2)
    assert (tmp_path / "new-2.mid").read_bytes() == write_midi(found[1])
    assert (tmp_path / "new-1.musicxml").read_bytes() == write_musicxml(found[0])
    assert (tmp_path / "new-2.wav").read_bytes() == write_wav(found[1])
    status, _, err = run("compose", tunes_run, "--tunes", 2, "--seed", 2, "--out", tmp_path / "new.mid")
    assert (status, "never overwritten" in err) == (2, True)


def test_the_mass_that_is_removed_is_what_the_grammar_forbids(tunes_run):
    composer = Composer(ostinato.load(tunes_run), Wish(key=parse_key("G"), bars=4))
    removed = [one.removed for one in composer.tunes(5, seed=1)]
    assert all(0 < share < 1 for share in removed)


def test_tunes_are_judged_and_the_best_come_first(run, tunes_run):
    words = ["--tunes", 12, "--seed", 1, "--bars", 4, "--json"]
    told = [json.loads(line) for line in run("compose", tunes_run, *words)[1].splitlines()]
    assert {"problems", "copied_bars", "copied_from", "nearest", "passed"} <= told[0]["judgement"].keys()
    bars = [int(number) for number in told[0]["bits_by_bar"]]
    assert bars == list(range(bars[0], bars[0] + len(bars)))
    assert len(bars) >= 8
    best = [json.loads(line) for line in run("compose", tunes_run, *words, "--best", 4)[1].splitlines()]
    ranked = sorted(told, key=lambda one: (-len(one["judgement"]["passed"]), one["bits_per_token"]))
    assert [one["seed"] for one in best] == [one["seed"] for one in ranked[:4]]
    assert (tunes_run / "tunes.json").exists()


def test_without_its_run_folder_a_model_judges_by_the_tune_alone(run, tunes_run, tmp_path):
    file = tmp_path / "tunes.safetensors"
    assert run("export", tunes_run, file)[0] == 0
    status, out, _ = run("compose", file, "--seed", 1, "--bars", 4, "--json")
    judgement = json.loads(out)["judgement"]
    assert (status, judgement["copied_bars"], judgement["problems"]) == (0, None, [])
    status, _, err = run("compose", file, "--seed", 1, "--max-copy-bars", 2)
    assert (status, "holds no tunes to compare with" in err) == (2, True)


def test_several_files_are_written_by_one_command(run, tunes_run, tmp_path):
    outs = [word for ending in ("abc", "svg", "html") for word in ("--out", tmp_path / f"t.{ending}")]
    status, _, err = run("compose", tunes_run, "--tunes", 2, "--seed", 1, "--bars", 4, *outs)
    assert status == 0, err
    assert sorted(file.name for file in tmp_path.iterdir()) == ["t-1.html", "t-1.svg", "t-2.html", "t-2.svg", "t.abc"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--meter", "9/8"], "the model has never seen a tune with M:9/8; it knows M:4/4, M:6/8"),
        (["--key", "Dlyd"], "the model has never seen a tune with K:lyd"),
        (["--meter", "none"], "has no bars"),
        (["--form", "ABA"], "parts in their order, each once or twice"),
        (["--form", "AAABB"], "has A more often"),
        (["--bars", "1"], "at least 2 bars"),
        (["--rhythm", "gigue"], "unknown rhythm 'gigue' in --rhythm"),
        (["--max-copy-bars", "-1"], "max-copy-bars must be at least 0"),
        (["--best", "3"], "--best must be from 1 to --tunes, which is 1"),
        (["--lock", "1-4"], "--lock and --vary change a tune that exists"),
        (["--key", "D =c"], "without accidentals of its own"),
        (["--range", "tuba"], "range must be one of"),
        (["--start", "ABc d|"], "the start cannot begin such a tune: after 'nothing'"),
        (["--start", "|:DFA d3 f3"], "after '|: C E G c 3 e' no '3' can come"),
        (["--start", "A?"], "is no ABC notation"),
        (["--tunes", "0"], "tunes must be at least 1"),
        (["--out", "x.mp3"], "there are .abc, .mid, .midi, .musicxml, .svg, .wav, .html"),
    ],
)
def test_what_cannot_be_composed_says_why(run, tunes_run, words, told):
    status, _, err = run("compose", tunes_run, *words)
    assert (status, told in err) == (2, True), err


def test_only_models_of_tunes_compose(run, item_run_once):
    status, _, err = run("compose", item_run_once)
    assert (status, "it is a language model (char-lm" in err) == (2, True)


def test_a_corpus_without_tunes_is_refused(run, corpora, tmp_path):
    status, _, err = run("train", corpora / "cats.txt", "--recipe", "folk", "--steps", 2, "--out", tmp_path / "x")
    assert (status, "there is no tune to learn from" in err) == (1, True)


def test_tunebooks_and_tokens_can_be_measured(run, tunes_run, corpora):
    status, out, _ = run("evaluate", tunes_run, corpora / "tunes.abc", "--json")
    assert (status, json.loads(out)["protocol"]) == (0, "items")
    model = ostinato.load(tunes_run)
    book = read_corpus([str(corpora / "tunes.abc")])
    assert model.evaluate(book, protocol="dynamic").nats_per_symbol < model.evaluate(book).nats_per_symbol
    tokens = Corpus("items", tuple(folk.prepare(book, {}).texts))
    assert model.evaluate(tokens).nats_per_symbol == model.evaluate(book).nats_per_symbol


def test_settings_of_one_tune_stand_on_one_side(corpora, tmp_path):
    book = (corpora / "tunes.abc").read_text().replace("Tune ", "Again ")
    moved = tmp_path / "moved.abc"
    # The same tunes once more, with another last note each: other items, the same tunes.
    moved.write_text(re.sub(r"[A-Ga-g](?=[^A-Ga-g]*\|\])", "B", book))
    training = ostinato.train(
        [str(corpora / "tunes.abc"), str(moved)], out=tmp_path / "run", recipe="folk", steps=1, settings=SMALL_FOLK
    )
    assert any("60 of them different" in note for note in training.notes)
    train, valid = (
        [training.codec.decode(part.part(n, n + 1).ids.tolist())[:40] for n in range(part.texts)]
        for part in training.run.corpus()
    )
    assert not set(train) & set(valid)
    assert len(train) + len(valid) > 100
    with pytest.raises(ConfigError, match="unknown recipe"):
        ostinato.train(str(moved), out=tmp_path / "other", recipe="folks", steps=1)
