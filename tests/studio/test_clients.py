"""Programs that were written for other servers, unchanged, against ours."""

import json
import math
import os
import subprocess
import sys

import pytest

from ostinato.app.web.server import application
from ostinato.app.web.shelf import Shelf

TOKEN = "a-token-of-tests"
INSTALL = "needs the extra 'clients': pip install 'ostinato[clients]'"


@pytest.fixture
def alone(serving, runs):
    """The address of a studio with one model, as clients that name none in some requests need it."""
    return serving(application(Shelf([runs / "cats"]), TOKEN))


def test_the_openai_package_writes_streams_and_tells_log_probabilities(alone, model):
    openai = pytest.importorskip("openai", reason=INSTALL)
    client = openai.OpenAI(base_url=f"{alone}/v1", api_key=TOKEN, max_retries=0)
    assert [one.id for one in client.models.list()] == ["cats"]
    assert client.models.retrieve("cats").owned_by == "ostinato"
    asked = {"model": "cats", "prompt": "the ", "max_tokens": 30, "seed": 4, "temperature": 0.7}
    expected = model.generate("the ", length=30, seed=4, temperature=0.7).text
    assert client.completions.create(**asked).choices[0].text == expected
    pieces = client.completions.create(**asked, stream=True, stream_options={"include_usage": True})
    told = list(pieces)
    assert "".join(choice.text for piece in told for choice in piece.choices) == expected
    assert told[-1].usage.completion_tokens == 30
    choice = client.completions.create(model="cats", prompt="the cat", max_tokens=0, echo=True, logprobs=2).choices[0]
    assert sum(choice.logprobs.token_logprobs) == pytest.approx(model.score("the cat").log_prob, abs=1e-5)
    with pytest.raises(openai.BadRequestError, match="unknown model"):
        client.completions.create(model="dogs", prompt="the ")
    with pytest.raises(openai.AuthenticationError):
        openai.OpenAI(base_url=f"{alone}/v1", api_key="wrong", max_retries=0).models.list()


def test_llm_writes_with_an_extra_model(alone, model, tmp_path):
    pytest.importorskip("llm", reason=INSTALL)
    (tmp_path / "extra-openai-models.yaml").write_text(
        "- model_id: cats\n  model_name: cats\n  api_key_name: ostinato\n  completion: true\n"
        f'  api_base: "{alone}/v1"\n'
    )
    (tmp_path / "keys.json").write_text(json.dumps({"ostinato": TOKEN}))
    words = ["-m", "cats", "the ", "-o", "max_tokens", "30", "-o", "seed", "4", "-o", "temperature", "0.7", "--no-log"]
    done = subprocess.run(
        [sys.executable, "-m", "llm", *words],
        env={**os.environ, "LLM_USER_PATH": str(tmp_path)}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == model.generate("the ", length=30, seed=4, temperature=0.7).text.strip()


def test_lm_eval_measures_what_score_says(alone, model, tmp_path):
    pytest.importorskip("lm_eval", reason=INSTALL)
    examples = [
        {"context": "the cat sat on the", "goal": " mat."},  # lm-eval moves a space at the end to what follows
        {"context": "the dog sat on the", "goal": " log."},
        {"context": "the cat", "goal": " sat on"},
    ]
    (tmp_path / "lines.jsonl").write_text("\n".join(map(json.dumps, examples)))
    (tmp_path / "mine.yaml").write_text(
        "task: mine\ndataset_path: json\n"
        f"dataset_kwargs:\n  data_files:\n    test: {tmp_path / 'lines.jsonl'}\n"
        "test_split: test\noutput_type: loglikelihood\n"
        "doc_to_text: '{{context}}'\ndoc_to_target: '{{goal}}'\ntarget_delimiter: ''\n"
        "metric_list:\n  - metric: perplexity\n    aggregation: perplexity\n    higher_is_better: false\n"
    )
    made = f"model=cats,base_url={alone}/v1/completions,tokenizer_backend=remote,auth_token={TOKEN},num_concurrent=1"
    done = subprocess.run(
        [sys.executable, "-m", "lm_eval", "--model", "local-completions", "--model_args", made, "--tasks", "mine",
         "--include_path", tmp_path, "--output_path", tmp_path / "out", "--log_samples"],
        env={**os.environ, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "1", "OPENAI_API_KEY": TOKEN},
        capture_output=True, text=True, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    (samples,) = (tmp_path / "out").rglob("samples_mine_*.jsonl")
    told = [json.loads(line) for line in samples.read_text().splitlines()]
    assert len(told) == len(examples)
    for sample in told:
        context, goal = sample["doc"]["context"], sample["doc"]["goal"]
        expected = model.score(context + goal).log_prob - model.score(context).log_prob
        assert float(sample["resps"][0][0][0]) == pytest.approx(expected, abs=1e-5, rel=1e-6)
    (results,) = (tmp_path / "out").rglob("results_*.json")
    measured = json.loads(results.read_text())["results"]["mine"]["perplexity,none"]
    mean = sum(float(sample["resps"][0][0][0]) for sample in told) / len(told)
    assert measured == pytest.approx(math.exp(-mean), rel=1e-6)
