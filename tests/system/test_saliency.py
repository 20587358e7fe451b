"""Saliency against its definitions, gates against stepping, and gates that are held against gates that are replaced."""

import numpy as np
import pytest
import torch

import ostinato
from ostinato.cores.base import step_by_step
from ostinato.errors import ConfigError
from ostinato.families.text.inspecting.ablation import ablate
from ostinato.families.text.inspecting.recording import record
from ostinato.families.text.inspecting.saliency import gradients, occlusions
from ostinato.inspect.clamps import Clamp
from ostinato.inspect.finding import find_in
from ostinato.inspect.labels import label
from ostinato.inspect.taps import replaced

TEXT = "the cat sat on the mat. "


@pytest.fixture(params=["compiled", "torch"])
def model(request, text_run, monkeypatch):
    own = ostinato.load(text_run)
    if request.param == "torch":
        monkeypatch.setattr("ostinato.families.text.engines.Engines.to_score", lambda self: None)
    return own


def test_what_leaving_out_loses_is_what_the_shorter_text_scores(model):
    ids = model.codec.encode(TEXT).astype(np.int64)
    lost = occlusions(model, ids)
    assert not np.triu(lost).any()
    whole = np.array([part.log_prob for part in model.score(TEXT).parts])
    for j in (0, 3, 11):
        parts = model.score(TEXT[:j] + TEXT[j + 1 :]).parts
        shorter = np.array([part.log_prob for part in parts])
        expected = (whole[j + 1 :] - shorter[j:]) / np.log(2)
        np.testing.assert_allclose(lost[j + 1 :, j], expected, atol=2e-4)


def test_gradients_are_those_of_finite_differences(text_run):
    model = ostinato.load(text_run)
    network = model.network.double()
    ids = model.codec.encode(TEXT[:9]).astype(np.int64)
    with step_by_step(network):  # in float64 throughout
        slopes = gradients(model, ids)
    np.testing.assert_allclose(slopes, gradients(ostinato.load(text_run), ids), rtol=0.05, atol=0.01)
    assert not np.triu(slopes).any()
    whole = torch.from_numpy(np.concatenate([[network.symbols], ids]))
    embedded = network.embedding(whole[:-1]).detach()

    def nats(xs, t):
        with step_by_step(network):
            y, _ = network.core(xs[None])
        return -network.head.log_probs(y)[0, t, ids[t]].item()

    step = 1e-3  # the head works in float32
    for t, j in ((1, 0), (5, 2), (8, 7)):
        slope = []
        for unit in range(embedded.shape[1]):
            moved = [embedded.clone(), embedded.clone()]
            moved[0][j + 1, unit] += step
            moved[1][j + 1, unit] -= step
            slope.append((nats(moved[0], t) - nats(moved[1], t)) / (2 * step))
        assert slopes[t, j] == pytest.approx(np.linalg.norm(slope), rel=2e-3, abs=1e-5)


def test_gates_at_once_are_those_of_stepping(text_run, monkeypatch):
    own = ostinato.load(text_run)
    at_once = record(own, TEXT, taps=("*gate", "candidate"))
    monkeypatch.setattr("ostinato.families.text.engines.Engines.to_score", lambda self: None)
    stepped = record(ostinato.load(text_run), TEXT, taps=("*gate", "candidate"))
    assert set(at_once.parts) == set(stepped.parts) > {"hidden", "forget_gate", "candidate"}
    for part in at_once.parts:
        np.testing.assert_allclose(at_once.arrays[part], stepped.arrays[part], atol=1e-4)


def test_a_held_gate_is_one_that_is_replaced(text_run):
    own = ostinato.load(text_run)
    gate = Clamp(0, 3, 0.9, part="forget_gate")
    held = own.clamped(gate, Clamp(0, 5, 0.5, part="output_gate", scaled=True, first=2, end=9))
    assert held.engines.to_score() is None
    step = [0]

    def output(value):
        changed = value.clone()
        if 2 <= step[0] < 9:
            changed[:, 5] *= 0.5
        step[0] += 1
        return changed

    def forget(value):
        changed = value.clone()
        changed[:, 3] = 0.9
        return changed

    network, ids = own.network, own.codec.encode(TEXT)
    with torch.inference_mode(), replaced(network, {"forget_gate": forget, "output_gate": output}):
        inputs = torch.from_numpy(np.concatenate([[network.symbols], ids[:-1]]).astype(np.int64))[None]
        logs, _ = network.log_probs(inputs, None)
    expected = logs[0][torch.arange(len(ids)), torch.from_numpy(ids).long()].sum().item()
    assert held.score(TEXT).log_prob == pytest.approx(expected, abs=1e-3)
    assert held.score(TEXT).log_prob != pytest.approx(own.score(TEXT).log_prob, abs=1e-3)
    both = own.clamped(Clamp(0, 5, 1.0, part="cell"), Clamp(0, 5, 0.0, part="output_gate"))
    assert not both.record(TEXT, taps=["*gate"]).arrays["hidden"][:, 0, 5].any()  # an LSTM's hidden state is o tanh(c)
    assert (both.record(TEXT).arrays["cell"][:, 0, 5] == 1).all()
    with own.clamped(layer=0, unit=3, value=0.9, part="forget_gate") as alone:
        assert alone.score(TEXT).log_prob == pytest.approx(own.clamped(gate).score(TEXT).log_prob, abs=1e-6)
    assert own.clamped(layer=0, unit=3, value=1.0).score(TEXT).log_prob == pytest.approx(
        own.clamped(Clamp(0, 3, 1.0)).score(TEXT).log_prob
    )
    with pytest.raises(ConfigError, match="no value of the network is called 'forgot_gate'; near it are forget_gate"):
        own.clamped(layer=0, unit=3, value=1.0, part="forgot_gate")
    with pytest.raises(ConfigError, match="there is no unit 999"):
        own.clamped(layer=0, unit=999, value=1.0, part="forget_gate")


def test_the_ablation_of_a_gate_is_its_clamp_at_the_mean(text_run):
    own, text = ostinato.load(text_run), TEXT * 12
    recording = record(own, text, taps=("*gate",)).without({"hidden", "cell"})
    labels = {"word-position": label("word-position", text)}
    best = find_in(recording, labels, count=2)
    assert best[0].part.endswith("_gate")
    first, second = ablate(own, recording, best, labels)
    assert second is None  # of gates only those that come first
    mean = float(recording.arrays[best[0].part][:, best[0].layer, best[0].unit].mean())
    held = own.clamped(Clamp(best[0].layer, best[0].unit, mean, part=best[0].part))
    lost = (own.score(text).log_prob - held.score(text).log_prob) / np.log(2)
    place = np.concatenate([[0], labels["word-position"][:-1]])
    there = place > np.median(place)
    assert first.there * there.sum() + first.elsewhere * (~there).sum() == pytest.approx(lost, abs=0.05)
