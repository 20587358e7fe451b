"""What a GPU has to do; written for machines that have one."""

import json

import pytest
import torch

import ostinato
from conftest import TINY
from ostinato import codecs
from ostinato.families.text.generation import Generation
from ostinato.families.text.network import LanguageModel
from ostinato.runs import RunFolder
from torchrun import launch

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
    # cuDNN copies our separate weights into one buffer at every call, and says so once.
    pytest.mark.filterwarnings("ignore:RNN module weights are not part of single contiguous chunk"),
]


@pytest.mark.parametrize("core", ["elman", "gru", "jordan", "lstm"])
def test_a_model_trained_on_a_gpu_loads_on_a_cpu_and_says_the_same(corpora, tmp_path, core):
    settings = {**TINY, "core": core}
    training = ostinato.train(
        str(corpora / "cats.txt"), out=tmp_path / "run", steps=20, settings=settings, device="cuda"
    )
    training.to_end()
    on_gpu, on_cpu = ostinato.load(tmp_path / "run", device="cuda"), ostinato.load(tmp_path / "run")
    assert on_gpu.score("the cat sat").log_prob == pytest.approx(on_cpu.score("the cat sat").log_prob, abs=1e-2)
    assert on_gpu.generate("the", length=20, greedy=True).symbols == 20


def test_searches_and_scores_on_a_gpu_are_those_on_a_cpu(text_run_once):
    on_gpu, on_cpu = ostinato.load(text_run_once, device="cuda"), ostinato.load(text_run_once)
    drawn = ({"match": "the [a-z]{3}", "seed": 1}, {"max_copy": 5, "seed": 1})
    for options in ({"beam": 4}, {"beam": 4, "diverse": 2}, *drawn):
        scores = [model.generate("the ", length=12, **options).log_prob for model in (on_gpu, on_cpu)]
        assert scores[0] == pytest.approx(scores[1], rel=2e-3)  # cuDNN multiplies in TF32
    assert on_gpu.inspect("the cat").score.log_prob == pytest.approx(on_cpu.score("the cat").log_prob, abs=1e-2)
    fillings = [model.fill("the ", " sat", ["cat", "dog"]) for model in (on_gpu, on_cpu)]
    assert [f.log_prob for f in fillings[0]] == pytest.approx([f.log_prob for f in fillings[1]], abs=1e-2)


def test_a_run_begun_on_a_gpu_goes_on_there(corpora, tmp_path):
    training = ostinato.train(str(corpora / "cats.txt"), out=tmp_path / "run", steps=10, settings=TINY, device="cuda")
    for event in training:
        if getattr(event, "step", 0) == 5:
            training.save()
            break
    again = ostinato.resume(tmp_path / "run")
    assert again.device == "cuda"
    again.to_end()
    assert again.trainer.step == 10


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA devices")
def test_two_gpus_learn_what_one_learns(corpora, tmp_path):
    ostinato.train(str(corpora / "cats.txt"), out=tmp_path / "one", steps=12, settings=TINY, device="cuda").to_end()
    words = [word for name, value in TINY.items() for word in ("--set", f"{name}={json.dumps(value)}")]
    status, _, err = launch(
        2, "train", corpora / "cats.txt", "--steps", 12, "--out", tmp_path / "two", "--device", "cuda", *words
    )
    assert status == 0, err
    one, two = (RunFolder(tmp_path / name).metrics() for name in ("one", "two"))
    assert [r["valid_nats_per_symbol"] for r in two] == pytest.approx(
        [r["valid_nats_per_symbol"] for r in one], rel=1e-3
    )


@pytest.mark.parametrize("core", ["elman", "gru", "lstm"])
def test_graphs_write_what_plain_steps_write(core, monkeypatch):
    codec = codecs.CharacterCodec("abcdefgh", end=True)
    torch.manual_seed(0)
    model = LanguageModel(codec.size, core=core, layers=2, hidden_size=64, embedding_size=16).eval().cuda()
    graphed = Generation(codec, model, ["", "ab"], samples=50, length=60, seed=1).finish()
    monkeypatch.setattr("ostinato.decode.stepping.GraphedStep", lambda step: step)
    plain = Generation(codec, model, ["", "ab"], samples=50, length=60, seed=1).finish()
    assert [sample.text for sample in graphed] == [sample.text for sample in plain]
