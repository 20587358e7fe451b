"""The API of the studio: its answers are those of Python."""

import contextlib
import json
import shutil
import signal
import subprocess
import sys
import threading
import time

import pytest
import requests

import ostinato
import ostinato.runs.series
from ostinato.app.web.requests import Completion
from ostinato.decode.pipeline import RuleSettings
from ostinato.decode.searching import SearchSettings
from ostinato.runs.shipped import SHIPPED

TOKEN = "a-token-of-tests"


def asked(client, path, **body):
    answer = client.post(path, json={"model": "cats", **body})
    return answer.status_code, answer.json()


def test_models_are_listed_by_name_with_what_they_can(client, runs):
    told = client.get("/v1/models").json()
    assert [one["id"] for one in told["data"]] == ["cats", "kept", "names", "tunes", "shakespeare"]
    assert "generate" in told["data"][0]["verbs"]
    assert str(runs) not in json.dumps(told)
    shutil.copytree(runs / "cats", runs / "later")
    try:
        assert len(client.get("/v1/models").json()["data"]) == 6  # one that came later
    finally:
        shutil.rmtree(runs / "later")


def test_a_model_that_is_shipped_needs_no_training(client, run, tmp_path, monkeypatch):
    assert SHIPPED["shakespeare"].stat().st_size <= 500_000
    told = client.get("/v1/models/shakespeare").json()
    assert (told["typed"], told["has_data"], len(told["digest"])) == ("shakespeare", False, 16)
    _, answer = asked(client, "/v1/completions", model="shakespeare", prompt="ROMEO:", max_tokens=30, seed=1)
    monkeypatch.chdir(tmp_path)  # as the command of that name
    status, out, _ = run("generate", "shakespeare", "--prompt", "ROMEO:", "--length", 30, "--seed", 1, "--json")
    assert status == 0
    assert json.loads(out)["text"] == answer["choices"][0]["text"]
    assert ostinato.load("shakespeare").generate("ROMEO:", length=30, seed=1).text == answer["choices"][0]["text"]


def test_all_about_one_model(client, runs):
    told = client.get("/v1/models/kept").json()
    assert told["steps"] == ostinato.runs.series.Series.in_run(runs / "kept").steps
    assert "word-position" in told["labels"]
    assert "gates" in told["options"]["inspect"]
    assert client.get("/v1/models/nothing").status_code == 400
    assert client.get("/v1/models/names").json()["digest"] != told["digest"]


CASES = [
    ({"seed": 3}, {"seed": 3}),
    ({"seed": 3, "temperature": 0.7, "top_p": 0.9}, {"seed": 3, "temperature": 0.7, "top_p": 0.9}),
    ({"temperature": 0}, {"greedy": True}),
    ({"beam": 3}, {"beam": 3}),
    ({"seed": 1, "stop": "."}, {"seed": 1, "stop": ["."]}),
    ({"seed": 1, "match": "[a-z ]+"}, {"seed": 1, "match": "[a-z ]+"}),
    ({"seed": 1, "precision": "fp32"}, {"seed": 1, "precision": "fp32"}),
    ({"seed": 1, "top_k": 2, "presence_penalty": 1.0}, {"seed": 1, "top_k": 2, "presence_penalty": 1.0}),
    ({"beam": 4, "n_best": 1, "length_power": 0.7}, {"beam": 4, "n_best": 1, "length_power": 0.7}),
    ({"beam": 4, "gnmt": 0.6, "patience": 1.5}, {"beam": 4, "gnmt": 0.6, "patience": 1.5}),
    ({"beam": 4, "diverse": 2, "strength": 0.3}, {"beam": 4, "diverse": 2, "strength": 0.3}),
    ({"beam": 4, "diverse": 2, "strength": 0.0}, {"beam": 4, "diverse": 2, "strength": 0.0}),
    ({"beam": 3, "draw": True, "seed": 2}, {"beam": 3, "draw": True, "seed": 2}),
    ({"best_of": 3, "by": "per-symbol", "seed": 2}, {"best_of": 3, "by": "per-symbol", "seed": 2}),
    ({"exact": True, "match": "cat|dog", "seed": 2}, {"exact": True, "match": "cat|dog", "seed": 2}),
    ({"min_p": 0.1, "seed": 2}, {"min_p": 0.1, "seed": 2}),
    ({"typical": 0.9, "seed": 2}, {"typical": 0.9, "seed": 2}),
    ({"epsilon": 0.01, "seed": 2}, {"epsilon": 0.01, "seed": 2}),
    ({"eta": 0.01, "seed": 2}, {"eta": 0.01, "seed": 2}),
    ({"mirostat": 1.5, "mirostat_rate": 0.2, "seed": 2}, {"mirostat": 1.5, "mirostat_rate": 0.2, "seed": 2}),
    (
        {"repetition_penalty": 1.3, "frequency_penalty": 0.2, "penalty_window": 9, "seed": 2},
        {"repetition_penalty": 1.3, "frequency_penalty": 0.2, "penalty_window": 9, "seed": 2},
    ),
    ({"no_repeat": 4, "seed": 2}, {"no_repeat": 4, "seed": 2}),
    (
        {"dry": 0.8, "dry_base": 1.5, "dry_allowed": 3, "seed": 2},
        {"dry": 0.8, "dry_base": 1.5, "dry_allowed": 3, "seed": 2},
    ),
    ({"ban": ["cat"], "seed": 2}, {"ban": ["cat"], "seed": 2}),
    ({"lexicon": ["cat", "dog"], "seed": 2}, {"lexicon": ["cat", "dog"], "seed": 2}),
    ({"brackets": "()", "max_line": 12, "seed": 2}, {"brackets": "()", "max_line": 12, "seed": 2}),
    ({"max_copy": 9, "seed": 2}, {"max_copy": 9, "seed": 2}),
]
ITEM_CASES = [{"min_length": 6}, {"no_end": True}, {"end_bias": 1.0}]


@pytest.mark.parametrize(("body", "options"), CASES, ids=str)
def test_texts_are_those_of_python(client, model, body, options):
    status, told = asked(client, "/v1/completions", prompt="the ", max_tokens=30, **body)
    assert status == 200
    sample = model.generate("the ", length=30, **options)
    assert told["choices"][0]["text"] == sample.text
    assert told["choices"][0]["finish_reason"] == ("length" if sample.ending == "length" else "stop")
    with client.stream(
        "POST", "/v1/completions", json={"model": "cats", "prompt": "the ", "max_tokens": 30, "stream": True, **body}
    ) as answer:
        lines = [line for line in answer.iter_lines() if line]
    assert lines[-1] == "data: [DONE]"
    events = [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]
    assert "".join(event["choices"][0]["text"] for event in events) == sample.text
    assert events[-1]["choices"][0]["finish_reason"] == told["choices"][0]["finish_reason"]
    assert events[0]["precision"] == told["precision"] == sample.precision


@pytest.mark.parametrize("body", ITEM_CASES, ids=str)
def test_items_are_those_of_python(client, runs, body):
    _, told = asked(client, "/v1/completions", model="names", max_tokens=20, seed=4, **body)
    assert told["choices"][0]["text"] == ostinato.load(runs / "names").generate(length=20, seed=4, **body).text


def test_several_best_and_samples_without_replacement_are_those_of_python(client, model):
    for body in ({"beam": 4, "n_best": 3}, {"beam": 3, "stochastic": True, "seed": 5}):
        _, told = asked(client, "/v1/completions", prompt="the ", max_tokens=9, **body)
        samples = model.generate_all(["the "], length=9, **body)
        assert [(one["text"], one["rank"]) for one in told["choices"]] == [(one.text, one.rank) for one in samples]


def test_every_option_of_python_is_there_and_tried():
    settings = {name for kind in (SearchSettings, RuleSettings) for name in kind.__dataclass_fields__}
    others = {
        "greedy": "temperature",
        "bias": "logit_bias",
        "automaton": "",
        "order": "",
    }  # as OpenAI names them, or none
    wanted = settings - others.keys()
    assert wanted <= Completion.model_fields.keys()
    tried = {name for body, _ in CASES for name in body} | {name for body in ITEM_CASES for name in body}
    assert wanted - {"stochastic"} <= tried


def test_a_stream_of_several_texts_has_all_of_them_and_tells_what_it_used(client, model):
    body = {"prompt": "the ", "n": 3, "max_tokens": 40, "seed": 6, "stream": True}
    before = client.get("/metrics").text
    with client.stream("POST", "/v1/completions", json={
        "model": "cats", **body, "stream_options": {"include_usage": True}
    }) as answer:  # fmt: skip
        events = [json.loads(line[6:]) for line in answer.iter_lines() if line.startswith("data: {")]
    texts = ["", "", ""]
    for choice in (choice for event in events for choice in event["choices"]):
        texts[choice["index"]] += choice["text"]
    assert texts == [one.text for one in model.generate_all(["the "], samples=3, length=40, seed=6)]
    assert events[-1]["usage"]["completion_tokens"] == sum(map(len, texts))
    written = [int(told.split("symbols_total ")[1].split()[0]) for told in (before, client.get("/metrics").text)]
    assert written[1] - written[0] >= 120


def test_beams_are_followed_to_the_texts_of_python(client, model):
    _, told = asked(client, "/v1/beams", prompt="the ", beam=4, max_tokens=12)
    best = model.generate_all(["the "], beam=4, n_best=4, length=12)
    assert told["best"] == [{"text": one.text, "log_prob": one.log_prob, "rank": one.rank} for one in best]
    assert len(told["steps"][0]) == 4
    assert all(len(text) == 1 for text, _ in told["steps"][0])
    body = {"model": "cats", "prompt": "the ", "beam": 4, "max_tokens": 12}
    with client.stream("POST", "/v1/beams", json=body, headers={"accept": "text/event-stream"}) as answer:
        events = [json.loads(line[6:]) for line in answer.iter_lines() if line.startswith("data: {")]
    assert [step for event in events[:-1] for step in event["steps"]] == told["steps"]
    assert events[-1]["best"] == told["best"]


def test_every_verb_answers(client, runs):
    text = "the cat sat on the mat. " * 20
    _, told = asked(client, "/v1/evaluate", text=text)
    measured = ostinato.load(runs / "cats").evaluate([text])
    assert told["bits_per_symbol"] == pytest.approx(measured.plain()["bits_per_symbol"], rel=1e-6)
    status, (tune,) = asked(client, "/v1/compose", model="tunes", seed=3, options={"key": "G", "bars": 4, "form": "A"})
    assert status == 200
    assert "K:G" in tune["abc"]
    assert asked(client, "/v1/compose", model="tunes", options={"out": "/tmp/x"})[0] == 400
    assert asked(client, "/v1/compose", model="tunes", options={"bars": "many"})[0] == 400
    assert client.get("/tokenizer_info").json()["eos_token"] is None  # the first model is of running text
    assert client.post("/tokenize", json={"prompt": "the"}).json()["count"] == 3


def test_several_prompts_and_texts_are_told_apart(client, model):
    _, told = asked(client, "/v1/completions", prompt=["the ", "a "], n=2, max_tokens=9, seed=5)
    expected = [sample.text for sample in model.generate_all(["the ", "a "], samples=2, length=9, seed=5)]
    assert [one["text"] for one in told["choices"]] == expected
    assert [one["index"] for one in told["choices"]] == [0, 1, 2, 3]
    assert told["usage"]["completion_tokens"] == sum(map(len, expected))
    _, told = asked(client, "/v1/completions", prompt="the ", echo=True, max_tokens=5, seed=1)
    assert told["usage"] == {"prompt_tokens": 4, "completion_tokens": 5, "total_tokens": 9}


def test_log_probabilities_with_echo_are_those_of_the_score(client, model):
    text = "the cat sat"
    _, told = asked(client, "/v1/completions", prompt=text, echo=True, max_tokens=0, logprobs=3)
    logs = told["choices"][0]["logprobs"]
    assert logs["tokens"] == list(text)
    assert sum(logs["token_logprobs"]) == pytest.approx(model.score(text).log_prob, abs=1e-4)
    assert logs["text_offset"] == list(range(len(text)))
    assert all(len(best) == 3 for best in logs["top_logprobs"])
    ids = model.codec.encode(text).tolist()
    _, by_ids = asked(client, "/v1/completions", prompt=ids, echo=True, max_tokens=0, logprobs=3)
    assert by_ids["choices"][0]["logprobs"] == logs
    _, told = asked(client, "/v1/completions", prompt=text, max_tokens=1, temperature=0, logprobs=1)
    (best,) = told["choices"][0]["logprobs"]["top_logprobs"]
    assert list(best) == [told["choices"][0]["text"]]


def test_biases_gaps_and_held_units_are_honoured(client, model):
    never = {str(model.codec.encode("e")[0]): -100.0}
    _, told = asked(client, "/v1/completions", prompt="th", max_tokens=60, seed=1, logit_bias=never)
    assert "e" not in told["choices"][0]["text"]
    _, told = asked(client, "/v1/completions", prompt="the ", suffix=" sat on", max_tokens=8, seed=1, n=2)
    best = model.infill("the ", " sat on", samples=64, length=8, seed=1, top=2)
    assert [one["text"] for one in told["choices"]] == [one.text for one in best]
    _, told = asked(client, "/v1/completions", prompt="the ", max_tokens=40, seed=1, hold=["0:3=1"])
    held = model.clamped(layer=0, unit=3, value=1.0)
    assert told["choices"][0]["text"] == held.generate("the ", length=40, seed=1).text


def test_next_scores_and_views_are_those_of_python(client, model):
    _, told = asked(client, "/v1/next", text="the c", count=4)
    symbol = model.inspect("the cx".replace("x", "a")).symbols(4)[-1]
    assert [one["text"] for one in told["guesses"]] == [text for text, _ in symbol.alternatives]
    assert len(told["model_digest"]) == 16
    assert asked(client, "/v1/next", text="")[0] == 200
    _, told = asked(client, "/v1/score", text="the cat", per="word")
    assert told == json.loads(json.dumps(model.score("the cat").plain("word")))
    _, told = asked(client, "/v1/inspect", text="the cat", views={"guesses": 2, "cells": "0:1"})
    assert told["views"]["guesses"] == json.loads(json.dumps(model.inspect("the cat").guesses(2).plain()))
    assert [view["name"] for view in told["page"]["views"]] == ["guesses", "cells"]
    _, told = asked(client, "/v1/inspect", text="the cat", views={"compare": "cats"})
    assert all(part["bits_gained"] == 0 for part in told["views"]["compare"])
    _, told = asked(client, "/v1/tokenize", prompt="the cat")
    assert asked(client, "/v1/detokenize", tokens=told["tokens"])[1] == {"prompt": "the cat"}


@pytest.mark.parametrize(
    ("path", "body", "status", "told"),
    [
        ("/v1/completions", {"model": "dogs"}, 400, "unknown model 'dogs' in the request"),
        ("/v1/completions", {"model": "../cats"}, 400, "unknown model"),
        ("/v1/completions", {"model": "/etc/passwd"}, 400, "unknown model"),
        ("/v1/completions", {"max_tokens": 10**9}, 400, "max_tokens"),
        ("/v1/completions", {"n": 99}, 400, "n: "),
        ("/v1/completions", {"wrong": 1}, 400, "wrong"),
        ("/v1/completions", {"prompt": "☃"}, 400, "☃"),
        ("/v1/completions", {"prompt": [99999]}, 400, "none of the model's"),
        ("/v1/completions", {"logit_bias": {"x": 1}}, 400, "is no id"),
        ("/v1/completions", {"match": "("}, 400, "match"),
        ("/v1/completions", {"hold": ["9:1=1"]}, 400, "there is no layer 9"),
        ("/v1/completions", {"stream": True, "prompt": "☃"}, 400, "☃"),
        ("/v1/score", {"text": ""}, 400, "the text is empty"),
        ("/v1/translate", {"texts": ["a"]}, 400, "'translate' does not work with"),
        ("/v1/inspect", {"text": "the", "views": {"nothing": 1}}, 400, "has no view 'nothing'"),
        ("/v1/inspect", {"text": "the", "views": {"find": "/tmp/x.py"}}, 400, "no file of labellers"),
        ("/v1/inspect", {"text": "the", "views": {"atlas": "upper,x.py:f"}}, 400, "no file of labellers"),
        ("/v1/inspect", {"text": "the", "views": {"compare": "/tmp/run"}}, 400, "unknown model '/tmp/run'"),
        ("/v1/inspect", {"text": "the", "views": {"compare": "../cats"}}, 400, "unknown model"),
        ("/v1/completions", {"prompt": ["a"] * 65}, 400, "64 prompts at most"),
        ("/v1/nothing", {}, 404, "nothing of that name"),
    ],
)  # fmt: skip
def test_what_cannot_be_answered_says_why(client, path, body, status, told):
    answer = client.post(path, json={"model": "cats", **body})
    assert (answer.status_code, told in answer.json()["error"]["message"]) == (status, True), answer.text
    assert "Traceback" not in answer.text


def test_the_document_of_the_api_names_every_path(client):
    told = client.get("/openapi.json").json()
    posts = {path for path, ways in told["paths"].items() if "post" in ways}
    for path in posts:
        assert client.post(path, json={}).status_code == 400
    schema = told["components"]["schemas"]["Completion"]["properties"]
    assert {"prompt", "max_tokens", "logit_bias", "hold"} <= schema.keys()
    assert "ostinato_requests_total" in client.get("/metrics").text


def test_several_ask_at_once_and_all_get_their_own(client, model):
    expected = {seed: model.generate("the ", length=40, seed=seed).text for seed in range(6)}
    told = {}

    def ask(seed):
        told[seed] = asked(client, "/v1/completions", prompt="the ", max_tokens=40, seed=seed)[1]["choices"][0]["text"]

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in expected]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert told == expected


def test_the_command_says_what_is_wrong(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, _, err = run("serve", "nothing-here", "--no-browser")
    assert (status, "nothing-here" in err) == (1, True)
    status, _, err = run("serve", "--token", "short")
    assert (status, "8 characters at least" in err) == (2, True)


@pytest.mark.xdist_group("signals")
def test_ctrl_c_ends_the_command_at_once_even_at_work(runs):
    words = [sys.executable, "-m", "ostinato", "serve", runs / "cats", "--no-browser", "--token", TOKEN]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        site = process.stderr.readline().split(" at ")[1].split("/?")[0]
        body = {"model": "cats", "text": "the cat sat on the mat. " * 200, "views": {"atlas": "word-position"}}
        bearer = {"authorization": f"Bearer {TOKEN}"}

        def ask():
            with contextlib.suppress(requests.RequestException):
                requests.post(f"{site}/v1/inspect", json=body, headers=bearer, timeout=60)

        assert site.startswith("http://127.0.0.1:")
        assert requests.get(f"{site}/health", timeout=60).json() == {"status": "ok"}
        threading.Thread(target=ask, daemon=True).start()
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) in (0, 130)
        assert "Traceback" not in process.stderr.read()
