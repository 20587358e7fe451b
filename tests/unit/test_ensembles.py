"""Several models as one: the mean of their probabilities, however it is asked for."""

import json
import math
import shutil

import numpy as np
import pytest
import torch

import ostinato
from conftest import TINY
from ostinato.cores.state import map_state
from ostinato.errors import ConfigError
from ostinato.families.text.network import LanguageModel
from ostinato.models import Ensemble
from ostinato.training.adaptation import Adaptation


@pytest.fixture(scope="session")
def other_run(corpora, tmp_path_factory):
    """Another core, other weights, the same symbols."""
    out = tmp_path_factory.mktemp("runs") / "others"
    ostinato.train(str(corpora / "cats.txt"), out=out, steps=80, seed=2, settings={**TINY, "core": "gru"}).to_end()
    return out


@pytest.fixture(scope="session")
def both(text_run_once, other_run):
    return ostinato.load(text_run_once, other_run)


def networks():
    torch.manual_seed(0)
    return [LanguageModel(5, core=core, layers=1, hidden_size=6, embedding_size=3).eval() for core in ("lstm", "gru")]


def test_the_mean_is_of_probabilities():
    members = networks()
    inputs = torch.randint(0, 5, (3, 7))
    found, _ = Ensemble(members).log_probs(inputs)
    expected = torch.stack([member.log_probs(inputs)[0].exp() for member in members]).mean(dim=0)
    torch.testing.assert_close(found.exp(), expected)


def test_steps_and_whole_sequences_agree_and_padding_changes_no_state():
    ensemble, inputs = Ensemble(networks()), torch.randint(0, 5, (2, 6))
    whole, after = ensemble.output(inputs)
    state = ensemble.initial_state(2)
    for t in range(6):
        log_probs, state = ensemble.step(inputs[:, t], state)
        torch.testing.assert_close(log_probs, whole[:, t])
    map_state(lambda a, b: torch.testing.assert_close(a, b) or a, state, after)
    _, short = ensemble.output(inputs, lengths=torch.tensor([6, 2]))
    _, alone = ensemble.output(inputs[1:, :2])
    map_state(lambda a, b: torch.testing.assert_close(a[1:], b) or a, short, alone)


def test_the_head_leaves_a_mean_as_it_is():
    ensemble = Ensemble(networks())
    y, _ = ensemble.output(torch.randint(0, 5, (2, 4)))
    torch.testing.assert_close(ensemble.head.log_probs(y), y)


def test_a_score_is_that_of_the_mean(both, text_run_once, other_run):
    text = "the dog sat on the mat."
    alone = [ostinato.load(run).score(text) for run in (text_run_once, other_run)]
    mean = sum(math.log(sum(math.exp(s.parts[n].log_prob) for s in alone) / 2) for n in range(len(text)))
    assert both.score(text).log_prob == pytest.approx(mean, abs=1e-3)
    assert both.parameters == sum(ostinato.load(run).parameters for run in (text_run_once, other_run))


def test_an_ensemble_writes_with_every_search(both):
    assert both.written_by() == ("torch", "fp32")
    assert both.generate("the", length=20, seed=4).text == both.generate("the", length=20, seed=4).text
    beam = both.generate("the", length=8, beam=3)
    assert both.rerank([beam.text], context="the")[0].log_prob == pytest.approx(beam.log_prob, abs=1e-4)
    with pytest.raises(ConfigError, match="one model, not several"):
        both.generate("the", engine="compiled")


def test_an_ensemble_is_measured_and_adapts(both, text_run_once, other_run):
    text = ["the cat sat on the log.\n" * 60]
    alone = [ostinato.load(run).evaluate(text).nats_per_symbol for run in (text_run_once, other_run)]
    # By Jensen's inequality the mean's loss is at most the mean loss.
    assert both.evaluate(text).nats_per_symbol <= np.mean(alone) + 1e-6
    assert both.evaluate(text, protocol="dynamic").nats_per_symbol < both.evaluate(text).nats_per_symbol
    adapted = both.adapted(text)
    assert len(adapted.members) == 2
    assert adapted.score(text[0]).log_prob > both.score(text[0]).log_prob


def test_what_does_not_go_together_says_why(both, text_run_once, item_run_once, tmp_path):
    with pytest.raises(ConfigError, match=r"do not have the same symbols.*same corpus"):
        ostinato.load(text_run_once, item_run_once)
    with pytest.raises(ConfigError, match="export the members"):
        both.export(tmp_path / "both.safetensors")
    with pytest.raises(ConfigError, match="leave the cache out"):
        both.evaluate(["the cat"], protocol="dynamic", adaptation=Adaptation(cache=100))


def test_the_command_line_takes_several_runs(run, both, text_run_once, other_run, corpora, tmp_path):
    first, second = (shutil.copytree(one, tmp_path / one.name) for one in (text_run_once, other_run))
    status, out, err = run("generate", first, second, "--prompt", "the", "--length", 20, "--seed", 4)
    assert (status, out) == (0, "the" + both.generate("the", length=20, seed=4).text + "\n")
    assert "written by PyTorch" in err
    _, out, _ = run("score", first, "the cat", "--with", second, "--json")
    assert json.loads(out)["log_prob"] == pytest.approx(both.score("the cat").log_prob)
    _, out, _ = run("evaluate", first, corpora / "cats.txt", "--with", second, "--json")
    expected = both.evaluate([(corpora / "cats.txt").read_text()]).nats_per_symbol
    assert json.loads(out)["nats_per_symbol"] == pytest.approx(expected)
