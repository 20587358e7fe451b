"""``inspect``, and units that are held, from the command line."""

import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from ostinato.families.text.ablation import atlas

import ostinato
from ostinato.app.cli import main
from ostinato.errors import ConfigError
from ostinato.inspect.clamps import Clamp
from ostinato.inspect.labels import label

TEXT = "the cat sat on the mat. "


def ran(capsys, *words):
    capsys.readouterr()
    status = main(list(map(str, words)))
    return status, *capsys.readouterr()


def test_guesses_are_those_of_the_score(text_run, text_model, capsys):
    status, out, _ = ran(capsys, "inspect", text_run, TEXT, "--guesses", 3, "--json")
    assert status == 0
    told = [json.loads(line) for line in out.splitlines()]
    examined = text_model.examine(TEXT, alternatives=3)
    assert [one["text"] for one in told] == list(TEXT)
    for one, expected in zip(told, examined.symbols, strict=True):
        assert one["log_prob"] == pytest.approx(expected.part.log_prob, abs=1e-3)
        assert one["entropy_bits"] == pytest.approx(expected.entropy, abs=1e-3)
        assert one["guesses"][0]["probability"] == pytest.approx(np.exp(expected.alternatives[0][1]), abs=1e-3)
    lines = ran(capsys, "inspect", text_run, TEXT)[1].splitlines()
    assert lines[0].split("\t") == ["log_prob", "rank", "entropy_bits", "text", "guesses"]
    assert len(lines) == 1 + len(TEXT)


def test_without_a_text_the_held_out_part_is_looked_at(text_run, capsys):
    lines = ran(capsys, "inspect", text_run, "--guesses", 1)[1].splitlines()[1:]
    assert 10 < len(lines) <= 1000


def test_cells_are_the_states(text_run, text_model, capsys):
    status, out, _ = ran(capsys, "inspect", text_run, TEXT, "--cells", "0:3,0:0", "--json")
    assert status == 0
    hidden = text_model.record(TEXT).arrays["hidden"]
    for line, unit in zip(out.splitlines(), (3, 0), strict=True):
        np.testing.assert_allclose(json.loads(line)["values"], hidden[1:, 0, unit], atol=1e-4)
    table = ran(capsys, "inspect", text_run, TEXT, "--cells", "0:3")[1].splitlines()
    assert table[0] == "0:3\ttext"
    assert float(table[1].split("\t")[0]) == pytest.approx(hidden[1, 0, 3], abs=1e-3)


def test_cells_that_tell_a_label_are_found_and_ablated(text_run, tmp_path, capsys):
    (tmp_path / "x.txt").write_text(TEXT * 40)
    words = ["inspect", text_run, "--file", tmp_path / "x.txt", "--find", "word-position", "--json"]
    told = [json.loads(line) for line in ran(capsys, *words)[1].splitlines()]
    assert [one["label"] for one in told] == ["word-position"] * 5
    scores = [one["r2"] for one in told]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > told[0]["control"] + 0.1
    assert {"there", "elsewhere"} == told[0]["ablation"].keys()
    best = told[0]
    model = ostinato.load(text_run)
    text = TEXT * 40
    recording = model.record(text)
    mean = float(recording.arrays[best["part"]][:, best["layer"], best["unit"]].mean())
    held = model.clamped(Clamp(best["layer"], best["unit"], mean, part=best["part"]))
    lost = (model.score(text).log_prob - held.score(text).log_prob) / np.log(2)
    place = np.concatenate([[0], label("word-position", text)[:-1]])
    there = place > np.median(place)
    told_lost = best["ablation"]["there"] * there.sum() + best["ablation"]["elsewhere"] * (~there).sum()
    assert told_lost == pytest.approx(lost, abs=0.05)
    assert ran(capsys, *words[:-1])[1].splitlines()[0].startswith("label\tunit\tsign\tmeasure\tscore")


def test_an_atlas_has_every_unit_and_what_single_clamps_lose(text_run, capsys):
    words = ["inspect", text_run, TEXT * 3, "--atlas", "word-position", "--json"]
    told = [json.loads(line) for line in ran(capsys, *words)[1].splitlines()]
    model = ostinato.load(text_run)
    assert sorted((one["layer"], one["unit"]) for one in told) == [
        (layer, unit) for layer in range(model.settings.layers) for unit in range(model.settings.hidden_size)
    ]
    assert [abs(one["bits"]) for one in told] == sorted((abs(one["bits"]) for one in told), reverse=True)
    means = model.record(TEXT * 3).arrays["hidden"].mean(axis=0)
    free = model.score(TEXT * 3).log_prob
    for one in (told[0], told[5]):
        held = model.clamped(Clamp(one["layer"], one["unit"], float(means[one["layer"], one["unit"]])))
        lost = (free - held.score(TEXT * 3).log_prob) / np.log(2) / len(TEXT * 3)
        assert one["precision"] == "fp32"
        assert one["bits"] == pytest.approx(lost, abs=1e-4)
    assert {"word-position"} == told[0]["effects"].keys()
    table = ran(capsys, *words[:-1])[1].splitlines()
    assert table[0].split("\t") == ["unit", "bits", "word-position", "elsewhere", "precision"]


def test_a_held_unit_changes_what_is_written_and_scored_and_nothing_where_it_is_free(text_run, text_model, capsys):
    words = ["generate", text_run, "--length", 60, "--seed", 1, "--precision", "fp32"]
    free = ran(capsys, *words)[1]
    assert ran(capsys, *words, "--hold", "0:3*1")[1] == free
    held = ran(capsys, *words, "--hold", "0:3=1", "--hold", "0:4=-1", "--hold", "0:5=1")[1]
    assert held != free
    assert ran(capsys, *words, "--hold", "0:3=1@70-80")[1] == free
    slow = [*words[:-1], "fp32", "--engine", "torch"]
    assert ran(capsys, *slow, "--hold", "0:3=1", "--hold", "0:4=-1", "--hold", "0:5=1")[1] == held
    scores = [
        json.loads(ran(capsys, "score", text_run, TEXT, "--json", *more)[1])["log_prob"]
        for more in ([], ["--hold", "0:3=1"])
    ]
    assert scores[0] == pytest.approx(text_model.score(TEXT).log_prob, abs=1e-3)
    assert abs(scores[0] - scores[1]) > 1e-3


def test_what_pytorch_records_is_what_compiled_code_does(text_run, monkeypatch):
    model = ostinato.load(text_run)
    held = model.clamped(Clamp(0, 3, 1.0), Clamp(0, 5, -0.5))
    compiled = [one.record(TEXT) for one in (model, held)]
    monkeypatch.setattr("ostinato.families.text.engines.Engines.to_score", lambda self: None)
    for one, expected in zip((model, held), compiled, strict=True):
        again = one.record(TEXT)
        assert again.parts == expected.parts
        for part in again.parts:
            np.testing.assert_allclose(again.arrays[part], expected.arrays[part], atol=1e-4)


def test_units_are_held_one_after_the_other(text_run, tmp_path):
    model, first, second = ostinato.load(text_run), Clamp(0, 3, 1.0), Clamp(0, 4, -1.0)
    both = model.clamped(first, second).score(TEXT).log_prob
    assert model.clamped(first).clamped(second).score(TEXT).log_prob == both
    assert model.clamped(second).score(TEXT).log_prob != both
    with pytest.raises(ConfigError, match="is not exported"):
        model.clamped(first).export(tmp_path / "x.safetensors")
    with pytest.raises(ConfigError, match="is not adapted"):
        model.clamped(first).adapted([TEXT])


def test_labels_are_those_of_the_symbols_or_refused(text_run, capsys):
    model = ostinato.load(text_run)
    with pytest.raises(ConfigError, match="without unknown characters"):
        atlas(model, "the ☃ cat", {"upper": label("upper", "the ☃ cat")}, "skip")
    (one, *_) = atlas(model, "the cat", {"all": np.ones(7)})
    assert one.effects["all"].there is not None
    (one, *_) = atlas(model, "the cat", {"none": np.zeros(7)})
    assert one.effects["none"].there is None
    out = ran(capsys, "inspect", text_run, "the cat", "--atlas", "upper")[1]
    assert out.splitlines()[1].split("\t")[2] == "–"


def test_of_items_the_first_is_looked_at(item_run, capsys):
    told = [json.loads(line) for line in ran(capsys, "inspect", item_run, "--json")[1].splitlines()]
    model = ostinato.load(item_run)
    name = "".join(one["text"] for one in told[:-1])
    assert told[-1]["text"] == "(end)"
    assert sum(one["log_prob"] for one in told) == pytest.approx(model.score(name).log_prob, abs=1e-3)
    status, _, err = ran(capsys, "inspect", item_run, "--find", "upper")
    assert (status, "give one of them as TEXT" in err) == (2, True)


def test_looking_inside_needs_no_torch(text_run):
    code = f"""
import sys
from ostinato.app.cli import main
run = {str(text_run)!r}
for words in (["--guesses", "2"], ["--cells", "0:1"], ["--cells", "0:1", "--hold", "0:1=1"]):
    assert main(["inspect", run, "the cat", *words]) == 0
sys.exit("torch" in sys.modules and 7)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["the cat", "--cells", "9:1"], "there is no layer 9"),
        (["the cat", "--cells", "0:9999"], "there is no unit 9999"),
        (["the cat", "--cells", "nine"], "names no unit"),
        (["the cat", "--cells", "0:1", "--guesses"], "are different views"),
        (["the cat", "--guesses", "0"], "--guesses must be at least 1"),
        (["the cat", "--find", "quote"], "did you mean 'quotes'"),
        (["the cat", "--find", "quotes"], "hardly changes in this text"),
        (["the cat", "--find", "quotes,upper"], "none of the labels quotes, upper changes enough"),
        (["the cat", "--find", "upper", "--hold", "0:1=1"], "leave --hold out"),
        (["the cat", "--hold", "0:1"], "holds no unit"),
        ([""], "the text is empty"),
        (["the ☃"], "☃"),
    ],
)
def test_what_cannot_be_looked_at_says_why(text_run, capsys, words, told):
    status, out, err = ran(capsys, "inspect", text_run, *words)
    assert (status, out, told in err) == (1 if "☃" in told else 2, "", True), err


CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium or Chrome on the PATH")
def test_in_a_browser_the_page_shows_any_unit_and_runs_nothing_of_the_text(text_run, tmp_path, capsys):
    text = "the cat </script><script>document.title='ran'</script><!-- & <b>sat</b> on"
    words = ["inspect", text_run, text, "--unknown", "skip", "--html", tmp_path / "x.html"]
    assert ran(capsys, *words)[0] == 0
    model = ostinato.load(text_run)
    recording = model.record(text, unknown="skip")
    page = (tmp_path / "x.html").read_text()
    assert "default-src 'none'" in page
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
        "--disable-background-networking", "--disable-component-update", f"--user-data-dir={tmp_path / 'browser'}",
        "--virtual-time-budget=4000", "--dump-dom", f"file://{tmp_path / 'x.html'}#hidden:0:5@3",
    ]  # fmt: skip
    seen = subprocess.run(command, capture_output=True, text=True, timeout=90, check=True).stdout
    assert 'data-ready="yes"' in seen
    assert ">hidden 0:5<" in seen
    spans = re.findall(r'<span tabindex="-1" data-place="\d+" style="background-color: rgba?\(([^)]*)\)', seen)
    assert len(spans) == len(recording)
    values = recording.arrays["hidden"][1:, 0, 5]
    greens = [colour.split(",")[0].strip() == "47" for colour in spans]
    for is_green, value in zip(greens, values.tolist(), strict=True):
        assert is_green == (value > 0) or abs(value) < 0.02
    expected = model.examine(text, alternatives=1, unknown="skip").symbols[3]
    assert f"rank {expected.rank}" in seen
    assert f"the unit is {values[3]:.1f}"[:-1] in seen
    assert "<title>Inside" in seen  # and not: ran
