"""The report on a run: its numbers beside those of others, its verdict, and its page."""

import lzma
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pyppmd
import pytest

import ostinato
from ostinato.engine.counting import CountModel
from ostinato.errors import ConfigError
from ostinato.families.report_page import learning_curves, report_page
from ostinato.families.text.report.baselines import measure_baselines
from ostinato.families.text.settings import LanguageModelSettings
from ostinato.families.verdict import read_curve
from ostinato.runs import RunFolder, read_model
from ostinato.units import bits


def record(step, train, valid, average=None, steps_of_an_epoch=40):
    names = ("train_nats_per_symbol", "valid_nats_per_symbol", "valid_average_nats_per_symbol")
    epochs = step / steps_of_an_epoch
    return {"step": step, "epochs": epochs, **dict(zip(names, (train, valid, average), strict=True))}


SETTINGS = LanguageModelSettings(dropout=0.2)
CURVES = {
    "learning by heart since step 200": [(100, 1.5, 1.6), (200, 1.2, 1.5), (300, 0.8, 1.55), (400, 0.5, 1.6)],
    "still learning": [(100, 2.0, 2.1), (200, 1.8, 1.9), (300, 1.7, 1.8), (400, 1.65, 1.75)],
    "as good as it gets with no more text": [(100, 1.5, 1.6), (200, 1.2, 1.505), (300, 1.1, 1.5), (400, 1.0, 1.5)],
    "as good as this network gets": [(100, 1.6, 1.6), (200, 1.51, 1.505), (300, 1.5, 1.5), (400, 1.5, 1.5)],
    "too short": [(100, 1.6, 1.6)],
}


@pytest.mark.parametrize("told", CURVES)
def test_the_verdict_says_what_the_curve_shows(told):
    verdict = read_curve([record(*point) for point in CURVES[told]], SETTINGS)
    assert verdict.summary.startswith(told)
    assert verdict.advice


def test_of_a_student_the_training_loss_says_nothing():
    points = [record(*point) for point in CURVES["as good as it gets with no more text"]]
    verdict = read_curve(points, SETTINGS, taught=True)
    assert verdict.summary == "as good as it gets with these settings"
    assert "training loss" not in " ".join(verdict.advice)


def test_advice_names_a_setting_that_can_be_set():
    advice = read_curve([record(*point) for point in CURVES["learning by heart since step 200"]], SETTINGS).advice
    assert advice[0] == "more dropout: --set dropout=0.35"
    assert LanguageModelSettings(dropout=0.35)


@pytest.mark.parametrize("settings", [LanguageModelSettings(core="jordan"), LanguageModelSettings(dropout=0.6)])
def test_no_dropout_is_advised_that_cannot_be_or_is_less(settings):
    advice = read_curve([record(*point) for point in CURVES["learning by heart since step 200"]], settings).advice
    assert advice == ("less time, or more text",)


def test_a_rise_in_fewer_than_two_passes_is_not_learning_by_heart():
    points = CURVES["learning by heart since step 200"]
    verdict = read_curve([record(*point, steps_of_an_epoch=250) for point in points], SETTINGS)
    assert verdict.summary == "going up and down: the validation loss was 0.144 bits lower at step 200"
    assert verdict.advice[0] == "more time: it read its text 1.6 times"


def test_who_does_no_better_on_what_was_read_does_not_know_it_by_heart():
    points = [(100, 1.6, 1.5), (200, 1.5, 1.4), (300, 1.5, 1.45), (400, 1.46, 1.45)]
    verdict = read_curve([record(*point) for point in points], SETTINGS)
    assert verdict.summary.startswith("going up and down")
    assert "more time" not in " ".join(verdict.advice)
    assert read_curve([record(*point) for point in points], SETTINGS, taught=True).summary.startswith(
        "learning by heart"
    )


def test_the_better_of_weights_and_average_counts():
    points = [(100, 1.5, 1.6, 1.55), (200, 1.4, 1.7, 1.5), (300, 1.3, 1.8, 1.45), (400, 1.2, 1.9, 1.40)]
    assert read_curve([record(*point) for point in points], SETTINGS).summary.startswith("still learning")


def test_yardsticks_are_what_others_say_of_the_same_text(text_run, text_model, corpora):
    train, valid = RunFolder(text_run).corpus()
    found = {yard.name: yard.value for yard in measure_baselines(text_model.codec, train, valid)}
    text = (corpora / "cats.txt").read_bytes()
    before = text[: len(train.ids)]
    assert text_model.codec.decode(train.ids.tolist()).encode() == before
    symbols = len(valid.ids)
    assert found["xz"] == pytest.approx(8 * (len(lzma.compress(text)) - len(lzma.compress(before))) / symbols)
    sizes = [len(pyppmd.compress(data, max_order=6, mem_size=2**26)) for data in (text, before)]
    assert found["PPMd of order 6"] == pytest.approx(8 * (sizes[0] - sizes[1]) / symbols)
    counts = CountModel(text_model.codec.size, order=5)
    counts.learn(train.ids)
    nats = -counts.log_probs(valid.ids)[np.arange(symbols), valid.ids].mean()
    assert found["counts of order 5"] == pytest.approx(nats / np.log(2))


def test_a_report_on_running_text(text_run):
    found = ostinato.load(text_run).report()
    best = read_model(text_run).best
    assert found.figures[0].name == "this model, validation, as in runs"
    assert found.figures[0].value == pytest.approx(bits(best["nats_per_symbol"]))
    assert found.figures[0].error == pytest.approx(bits(best["standard_error"]))
    assert [one.name for one in found.figures if one.is_own][1:] == ["this model, contiguous"]
    symbols = len(RunFolder(text_run).corpus()[1].ids)
    assert found.measured_on.startswith(f"the first {symbols:,} held-out symbols")
    (written,) = found.sections
    assert written.html.count("<pre>") == 3
    assert "Held-out texts of this length" in written.html
    assert list(found.records) == RunFolder(text_run).metrics()
    page = report_page(found)
    assert all(f"{figure.value:.3f}" in page for figure in found.figures)
    check_page(page)


def test_where_measuring_is_slow_less_is_measured(text_run, monkeypatch):
    for name, value in {"_LEAST": 64, "_TRIED": 32, "_SECONDS": 0.0}.items():
        monkeypatch.setattr(f"ostinato.families.text.report.facts.{name}", value)
    assert "On the first 64 held-out symbols" in report_page(ostinato.load(text_run).report())


def test_a_report_on_items(item_run):
    found = ostinato.load(item_run).report()
    assert [one.name for one in found.figures if one.is_own][1:] == ["this model, items"]
    assert found.sections[0].html.count("<pre>") == 12
    check_page(report_page(found))


class Tags(HTMLParser):
    """Counts what is open."""

    def __init__(self):
        super().__init__()
        self.open, self.links = [], []

    def handle_starttag(self, tag, attributes):
        self.links += [value for name, value in attributes if name in ("src", "href")]
        if tag not in ("meta", "p", "tr", "td", "th", "line", "polyline", "circle"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if self.open and self.open[-1] == tag:
            self.open.pop()


def check_page(page):
    """A page that needs nothing from elsewhere, and all of whose larger elements are closed."""
    tags = Tags()
    tags.feed(page)
    assert tags.links == []
    assert tags.open == []


def test_what_a_model_writes_cannot_break_the_page(text_run, monkeypatch):
    text = "<script>alert(1)</script>"
    model = ostinato.load(text_run)
    monkeypatch.setattr(type(model), "generate_all", lambda *given, **more: [SimpleNamespace(text=text)])
    monkeypatch.setattr("ostinato.families.text.report.facts.QUICK", 0)
    page = report_page(model.report())
    assert "&lt;script&gt;" in page
    assert "<script>" not in page


def test_curves_that_are_flat_or_missing_are_drawn_all_the_same():
    assert "no evaluations" in learning_curves([])
    assert "polyline" in learning_curves([record(10, 1.0, 1.0), record(20, 1.0, 1.0)])
    drawn = learning_curves([record(10, None, 1.0), record(20, 1.0, None, 1.2)])
    assert drawn.count("<polyline") == 3
    assert drawn.count("<circle") == 3
    assert "nan" not in drawn


def test_a_model_file_has_no_texts_to_report_on(text_model, tmp_path, run):
    file = tmp_path / "model.safetensors"
    text_model.export(file)
    with pytest.raises(ConfigError, match="holds no data to report on"):
        ostinato.load(file).report()
    status, _, err = run("report", file)
    assert (status, err.count("\n")) == (2, 1)


def test_training_ends_with_a_report_unless_told_otherwise(corpora, tmp_path, run):
    small = ["--steps", 8, "--set", "hidden_size=16", "--set", "batch_size=4", "--set", "window=16"]
    status, out, err = run("train", corpora / "cats.txt", *small, "--out", tmp_path / "with")
    assert status == 0
    assert "held-out symbols, as many as there was time for" in out + err
    assert (tmp_path / "with/report.html").exists()
    run("train", corpora / "cats.txt", *small, "--no-report", "--out", tmp_path / "without")
    assert not (tmp_path / "without/report.html").exists()
    status, out, _ = run("report", tmp_path / "without")
    assert status == 0
    assert "PPMd" in out
    assert (tmp_path / "without/report.html").exists()
