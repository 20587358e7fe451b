"""``inspect``, and units that are held, from the command line."""

import io
import itertools
import json
import re
import subprocess
import sys

import numpy as np
import pytest
from playwright.sync_api import expect

import ostinato
from browsers import CHROMIUM
from ostinato.app.cli import main
from ostinato.app.looking import print_view
from ostinato.app.terminal.console import Console
from ostinato.errors import ConfigError
from ostinato.families.text.inspecting.ablation import atlas
from ostinato.families.text.inspecting.recording import record
from ostinato.families.tunes.labels import TUNE_LABELLERS
from ostinato.inspect.clamps import Clamp
from ostinato.inspect.labels import label
from ostinato.runs import RunFolder

TEXT = "the cat sat on the mat. "


def ran(capsys, *words):
    capsys.readouterr()
    status = main(list(map(str, words)))
    return status, *capsys.readouterr()


def test_guesses_are_those_of_the_score(text_run, text_model, capsys):
    status, out, _ = ran(capsys, "inspect", text_run, TEXT, "--guesses", 3, "--json")
    assert status == 0
    told = [json.loads(line) for line in out.splitlines()]
    assert [one["text"] for one in told] == list(TEXT)
    for one, expected in zip(told, text_model.inspect(TEXT).symbols(3), strict=True):
        assert one["log_prob"] == pytest.approx(expected.log_prob, abs=1e-3)
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
    words = ["inspect", text_run, "--file", tmp_path / "x.txt", "--find", "word-position", "--parts", "hidden,cell"]
    words += ["--json"]
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
    recording = record(model, "the ☃ cat", "skip", logits=False)
    assert recording.text == "the  cat"
    with pytest.raises(ConfigError, match="there are labels of 9"):
        atlas(model, recording, {"upper": label("upper", "the ☃ cat")})
    recording = record(model, "the cat", logits=False)
    (one, *_) = atlas(model, recording, {"all": np.ones(7)})
    assert one.effects["all"].there is not None
    (one, *_) = atlas(model, recording, {"none": np.zeros(7)})
    assert one.effects["none"].there is None
    out = ran(capsys, "inspect", text_run, "the cat", "--atlas", "upper")[1]
    assert out.splitlines()[1].split("\t")[2] == "–"


def test_of_items_the_first_is_looked_at(item_run, capsys):
    told = [json.loads(line) for line in ran(capsys, "inspect", item_run, "--json")[1].splitlines()]
    model = ostinato.load(item_run)
    name = "".join(one["text"] for one in told[:-1])
    assert told[-1]["text"] == "<end>"
    assert sum(one["log_prob"] for one in told) == pytest.approx(model.score(name).log_prob, abs=1e-3)


def test_cells_are_looked_for_in_as_many_tunes_as_are_needed(tunes_run_once, capsys):
    words = ["inspect", tunes_run_once, "--find", "bar-position,beat", "--parts", "cell", "--json"]
    status, out, err = ran(capsys, *words)
    assert (status, "items that were held out" in err) == (0, True)
    told = [json.loads(line) for line in out.splitlines()]
    assert {one["label"] for one in told} == {"bar-position", "beat"}
    model = ostinato.load(tunes_run_once)
    _, held_out = RunFolder(tunes_run_once).corpus()
    tunes = [model.codec.decode(held_out.ids[a : b - 1].tolist()) for a, b in itertools.pairwise(held_out.offsets)]
    best = told[0]
    place = {"layer": best["layer"], "unit": best["unit"], "part": "cell"}
    each = [model.record(tune).arrays["cell"][1:, best["layer"], best["unit"]] for tune in tunes]
    held = model.clamped(**place, value=float(np.concatenate([np.zeros(1), *each]).mean()))
    free, lost = (sum(one.score(tune).log_prob for tune in tunes) for one in (model, held))
    symbols = sum(map(len, each))
    labels = np.concatenate([np.append(0, of_symbols(model, tune)[:-1]) for tune in tunes])
    there = labels > np.median(labels)
    effect = best["ablation"]
    total = effect["there"] * there.sum() + effect["elsewhere"] * (~there).sum()
    assert len(labels) == symbols
    assert total == pytest.approx((free - lost) / np.log(2), abs=0.05)
    status, _, err = ran(capsys, "inspect", tunes_run_once, "M:4/4", "--find", "beat")
    assert (status, "labels of tunes in tokens, and this is none" in err) == (2, True)


def of_symbols(model, tune):
    return model.record(tune).labels_of(label("bar-position", model.record(tune).text, TUNE_LABELLERS))


def test_places_in_the_bar_are_those_of_the_notes():
    text = "M:6/8 K:maj C 2 D E 3 | (3 F G A B 2 |] "
    begins = label("bar-position", text, TUNE_LABELLERS)
    told = [begins[text.index(f" {token} ") + 1] for token in ("C", "D", "E", "|", "F", "G", "B")]
    assert told == pytest.approx([0, 2, 3, 6, 0, 2 / 3, 2])
    assert begins[text.index("2")] == 0  # a length belongs to its note
    beats = label("beat", text, TUNE_LABELLERS)
    assert [bool(beats[text.index(f" {note} ") + 1]) for note in "CDEFGB"] == [True, False, True, True, False, False]


def test_looking_inside_needs_no_torch(text_run):
    code = f"""
import sys
from ostinato.app.cli import main
from ostinato.app.looking import print_view
from ostinato.app.terminal.console import Console
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
        (["the cat", "--attention"], "--attention: for a model of pairs, and this is a language model"),
        (["the cat", "--series"], "kept no weights of its training"),
        (["the cat", "--series", "--hold", "0:1=1"], "leave --hold out"),
        (["the cat", "--per", "word"], "--per is for --surprising and --compare"),
        (["the cat", "--parts", "cell"], "--parts is for --find"),
        (["the cat", "--gates", "--top-k", "3"], "told by --guesses"),
        (["the cat", "--trajectory", "7"], "names no state; write LAYER"),
        (["the cat", "--surprising", "0"], "--surprising must be at least 1"),
        (["the cat", "--find", "mine.py"], "there is no file mine.py"),
        (["the cat", "--find", ","], "name at least one label"),
        (["the cat", "--find", "upper", "--parts", "gat"], "no value of the network is called 'gat'"),
        (["the cat" * 99, "--saliency"], "saliency looks at 400 symbols at most"),
        (["the cat", "--hold", "gate:0:1=1"], "no value of the network is called 'gate'; near it are"),
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


def test_text_that_rules_would_leave_out_is_told(text_run, text_model, capsys):
    words = ["inspect", text_run, TEXT, "--top-k", 2, "--json"]
    told = [json.loads(line) for line in ran(capsys, *words)[1].splitlines()]
    for one, symbol in zip(told, text_model.inspect(TEXT).symbols(2), strict=True):
        kept = sum(np.exp(value) for _, value in symbol.alternatives)
        assert one["removed"] == pytest.approx(1 - kept, abs=1e-4)
    told = [
        json.loads(line)
        for line in ran(capsys, "inspect", text_run, "the cat", "--match", "the .*", "--json")[1].splitlines()
    ]
    assert told[0]["removed"] > 0  # of all first letters only t is kept
    told = [
        json.loads(line)
        for line in ran(capsys, "inspect", text_run, "a cat", "--match", "the .*", "--json")[1].splitlines()
    ]
    assert ["removed" in one for one in told] == [True, False, False, False, False]
    assert ran(capsys, "inspect", text_run, "a cat", "--match", "the .*")[1].splitlines()[2].split("\t")[3] == "–"


def test_surprises_and_comparisons_are_told(text_run, text_run_once, tmp_path, capsys):
    out = ran(capsys, "inspect", text_run, "the cat sat ggg the mat.", "--surprising", 1)[1]
    assert out.splitlines()[1].split("\t")[2:] == ["11", " ggg", "the cat sat"]
    (told,) = map(
        json.loads, ran(capsys, "inspect", text_run, "the cat sat ggg", "--surprising", 1, "--json")[1].splitlines()
    )
    assert set(told) == {"text", "log_prob", "symbols", "position", "before"}
    words = ["inspect", text_run, "the cat", "--compare", text_run_once]
    out, err = ran(capsys, *words, "--html", tmp_path / "x.html")[1:]
    assert out.splitlines()[1].split("\t")[3] == "the"
    assert f"wrote {tmp_path / 'x.html'}" in err
    told = [json.loads(line) for line in ran(capsys, *words, "--json", "--per", "symbol")[1].splitlines()]
    assert [each["text"] for each in told] == list("the cat")
    assert all(each["bits_gained"] == 0 for each in told)


def test_a_labeller_of_ones_own_is_run(text_run, tmp_path, capsys):
    mine = tmp_path / "mine.py"
    mine.write_text(
        "import re\n\ndef vowel(text):\n    return [c in 'aeiou' for c in text]\n\n"
        "def odd(text):\n    raise KeyError(1)\n"
    )
    words = ["inspect", text_run, TEXT * 20, "--parts", "hidden", "--json"]
    told = [json.loads(line) for line in ran(capsys, *words, "--find", f"{mine}:vowel")[1].splitlines()]
    assert {one["label"] for one in told} == {"vowel"}
    assert told[0]["auc"] > 0.8
    status, _, err = ran(capsys, *words, "--find", str(mine))
    assert (status, "label 'odd': its labeller fails: KeyError" in err) == (2, True)
    status, _, err = ran(capsys, *words, "--find", f"{mine}:vowels")
    assert (status, "did you mean 'vowel'" in err) == (2, True)


def test_training_is_kept_and_looked_at(corpora, tmp_path, capsys):
    out = tmp_path / "run"
    words = ["train", corpora / "cats.txt", "--steps", 40, "--out", out, "--no-report", "--series", 5]
    words += ["--set", "hidden_size=16"]
    told = ran(capsys, *words, "--set", "batch_size=4", "--set", "window=16")[1]
    assert "weights are kept at up to 5 steps" in told
    kept = sorted(file.name for file in (out / "series").glob("*.safetensors"))
    assert len(kept) == 5
    assert (kept[0], kept[-1]) == ("step-000000.safetensors", "step-000040.safetensors")
    model = ostinato.load(out)
    words = ["inspect", out, TEXT * 20, "--series", "word-position"]
    steps = [json.loads(line) for line in ran(capsys, *words, "--json")[1].splitlines()]
    assert [one["step"] for one in steps] == [int(name[5:11]) for name in kept]
    assert steps[0]["bits_per_symbol"] > steps[-1]["bits_per_symbol"]
    best = model.inspect(TEXT * 20).series("word-position").plain()[-1]["units"][0]
    assert [one["units"][0]["unit"] for one in steps] == [best["unit"]] * 5
    table = ran(capsys, *words)[1].splitlines()
    assert table[0].startswith("step\tbits_per_symbol\tword-position ")
    status, _, err = ran(capsys, "train", corpora / "cats.txt", "--out", tmp_path / "y", "--series", 1)
    assert (status, "series must be at least 2" in err) == (2, True)


def test_a_unit_is_ablated_to_its_mean_over_what_was_held_out(text_run, capsys):
    model = ostinato.load(text_run)
    _, held_out = RunFolder(text_run).corpus()
    recording = model.record(model.codec.decode(held_out.ids.tolist()[:20_000]), taps=["*gate"])
    for part in ("hidden", "forget_gate"):
        mean = float(recording.arrays[part][:, 0, 3].mean())
        name = "" if part == "hidden" else f"{part}:"
        told = json.loads(ran(capsys, "score", text_run, TEXT, "--json", "--hold", f"{name}0:3=mean")[1])
        expected = model.clamped(layer=0, unit=3, value=mean, part=part).score(TEXT).log_prob
        assert told["log_prob"] == pytest.approx(expected, abs=1e-4)
    status, _, err = ran(capsys, "score", text_run, TEXT, "--hold", "0:999=mean")
    assert (status, "there is no unit 999" in err) == (2, True)


def test_measuring_takes_clamps(text_run, tmp_path, capsys):
    (tmp_path / "x.txt").write_text(TEXT * 10)
    words = ["evaluate", text_run, tmp_path / "x.txt", "--json"]
    free, held, same = (
        json.loads(ran(capsys, *words, *more)[1])["nats_per_symbol"]
        for more in ([], ["--hold", "0:3=1"], ["--hold", "0:3*1"])
    )
    score = ostinato.load(text_run).clamped(layer=0, unit=3, value=1.0).score(TEXT * 10)
    assert held == pytest.approx(-score.log_prob / score.symbols, abs=1e-4)
    assert same == pytest.approx(free, abs=1e-5)
    assert abs(held - free) > 1e-4
    status, _, err = ran(capsys, *words, "--hold", "0:3=1", "--protocol", "dynamic")
    assert (status, "choose a protocol other than dynamic" in err) == (2, True)


def test_views_in_a_terminal_are_in_colours_and_no_wider_than_it(text_model):
    told = io.StringIO()
    console = Console(file=told, force_terminal=True, width=60, color_system="truecolor")
    inspection = text_model.inspect("the cat sat\non the mat")
    for view in (inspection.guesses(5), inspection.cells("0:1"), inspection.surprising(3)):
        print_view(view, console, as_objects=False)
    text = re.sub("\x1b\\[[^m]*m", "", told.getvalue())
    assert max(map(len, text.splitlines())) <= 60
    assert "48;2;" in told.getvalue()  # a colour behind a symbol
    assert "⏎" in text


def opened(browser, file, place=""):
    """Open a page; return it, what it asked for, and its errors."""
    page, asked, errors = browser.new_page(), [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text))
    page.goto(f"file://{file}{place}")
    page.wait_for_selector("body[data-ready]")
    return page, asked, errors


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium or Chrome on the PATH")
def test_in_a_browser_units_are_flipped_and_texts_are_shown_and_not_run(text_run, tmp_path, capsys, browser):
    text = "the cat </script><script>document.title='ran'</script><!-- & <b>sat</b> on"
    words = ["inspect", text_run, text, "--unknown", "skip", "--html", tmp_path / "x.html"]
    assert ran(capsys, *words)[0] == 0
    model = ostinato.load(text_run)
    recording = model.record(text, unknown="skip")
    page, asked, errors = opened(browser, tmp_path / "x.html", "#cells/hidden:0:5@3")
    assert page.inner_text("#named") == "hidden 0:5"
    spans = page.locator("pre.text span")
    assert spans.count() == len(recording)
    assert spans.all_inner_texts() == list(recording.text)
    values = recording.arrays["hidden"][1:, 0, 5]
    colours = page.evaluate("[...document.querySelectorAll('pre.text span')].map((one) => one.style.backgroundColor)")
    for colour, value in zip(colours, values.tolist(), strict=True):
        assert ("(47," in colour) == (value > 0) or abs(value) < 0.02
    symbol = model.inspect(text, unknown="skip").symbols(1)[3]
    assert f"rank {symbol.rank}" in page.inner_text(".told")
    assert f"the unit is {values[3]:.2f}"[:-1] in page.inner_text(".told")
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#named") == "hidden 0:6"
    page.hover("pre.text span[data-place='7']")
    assert f"{recording.arrays['hidden'][8, 0, 6]:.2f}"[:-1] in page.inner_text(".told")
    page.evaluate(
        """() => {
          const spans = document.querySelectorAll("pre.text span");
          document.getSelection().setBaseAndExtent(spans[2].firstChild, 0, spans[6].firstChild, 1);
          document.querySelector("pre.text").dispatchEvent(new MouseEvent("mouseup", { bubbles: true }));
        }"""
    )
    page.wait_for_selector("[data-searched='2-6']")
    unit = int(page.inner_text("#named").split(":")[1])
    inside = np.isin(np.arange(len(recording)), range(2, 7))
    gaps = recording.arrays["hidden"][1:, 0].astype(float)  # [T, H]
    areas = [(gaps[inside, n][:, None] > gaps[~inside, n]).mean() for n in range(gaps.shape[1])]
    assert abs(areas[unit] - 0.5) == pytest.approx(max(abs(area - 0.5) for area in areas), abs=0.03)
    page.click("a[href='#guesses']")
    page.wait_for_selector("body[data-ready='guesses']")
    page.hover("pre.text span[data-place='3']")
    assert f"rank {symbol.rank}" in page.inner_text(".told")
    assert page.title() == "Inside cats"  # and not: ran
    assert errors == []
    assert [url.split(":")[0] for url in asked if not url.startswith("blob:")] == ["file"]


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium or Chrome on the PATH")
def test_in_a_browser_every_view_of_a_text_is_shown(corpora, tmp_path, capsys, browser):
    out, page_file = tmp_path / "run", tmp_path / "x.html"
    words = ["train", corpora / "cats.txt", "--steps", 40, "--out", out, "--no-report", "--series", 4]
    words += ["--set", "hidden_size=16"]
    assert ran(capsys, *words, "--set", "batch_size=4", "--set", "window=16")[0] == 0
    views = ["--guesses", "--surprising", "--cells", "--trajectory", "--gates", "--saliency"]
    views += ["--compare", out, "--per", "symbol"]
    views += ["--find", "word-position", "--atlas", "word-position", "--series", "word-position"]
    assert ran(capsys, "inspect", out, TEXT * 8, *views, "--html", page_file)[0] == 0
    page, asked, errors = opened(browser, page_file)
    names = [link.get_attribute("href") for link in page.locator("#tabs a").all()]
    assert len(names) == 10
    for name in names:
        page.click(f"a[href='{name}']")
        page.wait_for_selector(f"body[data-ready='{name[1:]}']")
        assert len(page.inner_text("#view")) > 40, name
    page.click("a[href='#saliency']")
    page.hover("pre.text span[data-place='9']")
    assert "Without" in page.inner_text("#view")
    page.click("a[href='#trajectory']")
    page.fill("input[type='range']", "3")
    page.click("#play")
    expect(page.locator("[data-step]")).to_have_attribute("data-step", re.compile(r"^([5-9]|\d\d+)$"))
    page.click("a[href='#find']")
    unit = page.locator("td button[data-unit]").first
    where = unit.get_attribute("data-unit")
    unit.click()
    page.wait_for_selector("body[data-ready='cells']")
    part, layer, number = where.split(":")
    assert page.inner_text("#named") == f"{part} {layer}:{number}"
    page.click("a[href='#series']")
    page.wait_for_selector("body[data-ready='series']")
    page.fill("input[type='range']", "0")
    assert page.inner_text("#step") == "0"
    assert errors == []
    assert asked == [f"file://{page_file}"]
    page, _, errors = opened(browser, page_file, "#cells/hidden:7:1")
    assert "There is no unit hidden:7:1" in page.inner_text("#notice")
    page, _, errors = opened(browser, page_file, "#nothing")
    assert "has no view" in page.inner_text("#notice")
    assert errors == []
