"""The studio: what the API answers, who may ask, and the page in a browser."""

import json
import shutil
import threading
import time

import pytest
import uvicorn
from playwright.sync_api import expect, sync_playwright
from starlette.testclient import TestClient

import ostinato
from ostinato.app.verbs.serve import _listening
from ostinato.app.web.server import application
from ostinato.app.web.shelf import Shelf

TOKEN = "a-token-of-tests"
BEARER = {"authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def runs(text_run_once, item_run_once, tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    shutil.copytree(text_run_once, folder / "cats")
    shutil.copytree(item_run_once, folder / "names")
    return folder


@pytest.fixture
def client(runs):
    with TestClient(application(Shelf(folder=runs), TOKEN), base_url="http://127.0.0.1", headers=BEARER) as own:
        own.cookies.clear()
        yield own


@pytest.fixture
def model(runs):
    return ostinato.load(runs / "cats")


def asked(client, path, **body):
    answer = client.post(path, json={"model": "cats", **body})
    return answer.status_code, answer.json()


def test_models_are_listed_by_name_with_what_they_can(client, runs):
    told = client.get("/v1/models").json()
    assert [one["id"] for one in told["data"]] == ["cats", "names"]
    assert "generate" in told["data"][0]["verbs"]
    assert str(runs) not in json.dumps(told)
    shutil.copytree(runs / "cats", runs / "later")
    try:
        assert len(client.get("/v1/models").json()["data"]) == 3  # one that came later
    finally:
        shutil.rmtree(runs / "later")


@pytest.mark.parametrize(
    ("body", "options"),
    [
        ({"seed": 3}, {"seed": 3}),
        ({"seed": 3, "temperature": 0.7, "top_p": 0.9}, {"seed": 3, "temperature": 0.7, "top_p": 0.9}),
        ({"temperature": 0}, {"greedy": True}),
        ({"beam": 3}, {"beam": 3}),
        ({"seed": 1, "stop": "."}, {"seed": 1, "stop": ["."]}),
        ({"seed": 1, "match": "[a-z ]+"}, {"seed": 1, "match": "[a-z ]+"}),
        ({"seed": 1, "precision": "fp32"}, {"seed": 1, "precision": "fp32"}),
        ({"seed": 1, "top_k": 2, "presence_penalty": 1.0}, {"seed": 1, "top_k": 2, "presence_penalty": 1.0}),
    ],
    ids=str,
)
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


def test_several_prompts_and_texts_are_told_apart(client, model):
    _, told = asked(client, "/v1/completions", prompt=["the ", "a "], n=2, max_tokens=9, seed=5)
    expected = [sample.text for sample in model.generate_all(["the ", "a "], samples=2, length=9, seed=5)]
    assert [one["text"] for one in told["choices"]] == expected
    assert [one["index"] for one in told["choices"]] == [0, 1, 2, 3]
    assert told["usage"]["completion_tokens"] == sum(map(len, expected))


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


def test_a_body_that_is_none_and_one_that_is_too_large_are_refused(client):
    assert client.post("/v1/score", content=b"{").status_code == 400
    assert client.post("/v1/score", content=b"[" * 100_000).status_code == 400
    assert client.post("/v1/score", content=b" " * 5_000_000).status_code == 413

    def pieces():
        for _ in range(60):
            yield b" " * 100_000

    assert client.post("/v1/score", content=pieces()).status_code == 413
    assert client.get("/v1/score").status_code == 405


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"authorization": "Bearer wrong"}, 401),
        ({"authorization": "Bearer é".encode("latin-1").decode("latin-1")}, 401),
        (BEARER, 200),
        ({**BEARER, "host": "127.0.0.1:9999"}, 200),
        ({**BEARER, "host": "localhost"}, 200),
        ({**BEARER, "host": "[::1]:80"}, 200),
        ({**BEARER, "host": "evil.example"}, 400),
        ({**BEARER, "host": "127.0.0.1.evil.example"}, 400),
        ({**BEARER, "host": ""}, 400),
        ({**BEARER, "origin": "http://evil.example"}, 403),
        ({**BEARER, "origin": "null"}, 403),
        ({**BEARER, "origin": "http://127.0.0.1:8000"}, 200),
        ({**BEARER, "sec-fetch-site": "cross-site"}, 403),
        ({**BEARER, "sec-fetch-site": "same-site", "sec-fetch-mode": "cors"}, 403),
        ({**BEARER, "sec-fetch-site": "same-origin"}, 200),
        ({**BEARER, "origin": "https://friend.example", "sec-fetch-site": "cross-site"}, 200),
    ],
    ids=str,
)
def test_who_may_ask(runs, headers, status):
    app = application(Shelf(folder=runs), TOKEN, origins=["https://friend.example"])
    with TestClient(app, base_url="http://127.0.0.1") as client:
        raw = {name: value.encode("latin-1") for name, value in headers.items()}
        answer = client.get("/v1/models", headers=raw)
        assert answer.status_code == status
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        if status != 200:
            assert "cats" not in answer.text


def test_a_link_of_another_site_opens_the_page_and_its_token_becomes_a_cookie(runs):
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    with TestClient(application(Shelf(folder=runs), TOKEN), base_url="http://127.0.0.1") as client:
        assert client.get("/", headers=link).status_code == 401
        assert client.get("/v1/models", headers=link).status_code == 403
        answer = client.get(f"/?token={TOKEN}", headers=link, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert client.get("/").status_code == 200
        assert client.get("/v1/models").status_code == 200
        assert client.get("/health", headers={"authorization": ""}).json() == {"status": "ok"}
    with TestClient(application(Shelf(folder=runs), TOKEN), base_url="http://127.0.0.1") as client:
        assert client.get(f"/v1/models?token={TOKEN}").status_code == 401  # an address is no place for it but once


def test_only_our_own_files_are_served_and_links_out_of_the_folder_are_no_models(client, runs, tmp_path):
    for name in ("studio.js", "lit-html.js", "cells.js", "attention.js", "memory.js", "page.css", "studio.css"):
        assert client.get(f"/static/{name}").status_code == 200, name
    for name in ("../server.py", "%2e%2e/server.py", "..%2fserver.py", "server.py", "vendored.json", "index.html"):
        assert client.get(f"/static/{name}").status_code == 404, name
    shutil.copytree(runs / "cats", tmp_path / "elsewhere")
    (runs / "linked").symlink_to(tmp_path / "elsewhere")
    try:
        assert "linked" not in client.get("/v1/models").text
    finally:
        (runs / "linked").unlink()


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
    status, _, err = run("serve", "--no-browser")
    assert (status, "there is no model: train one first" in err) == (2, True)
    status, _, err = run("serve", "--token", "short")
    assert (status, "8 characters at least" in err) == (2, True)


CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)


@pytest.fixture
def served(runs):
    """The address of a server that runs in this process."""
    listening = _listening("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(application(Shelf(folder=runs), TOKEN), log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium or Chrome on the PATH")
def test_in_a_browser_a_person_types_and_the_text_rewrites_itself(served, model):
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page, elsewhere, errors = browser.new_page(), [], []
        page.on("request", lambda one: elsewhere.append(one.url) if not one.url.startswith((served, "data:")) else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text))
        page.goto(f"{served}/?token={TOKEN}")
        page.wait_for_selector("body[data-ready='write']")
        page.fill("textarea", "the c")
        page.wait_for_selector("[data-next='the c']")
        expected = model.inspect("the ca").symbols(1)[-1].alternatives[0][0]
        assert page.locator("#guesses b").first.inner_text() == expected
        page.press("textarea", "Tab")
        assert page.input_value("textarea") == "the c" + expected
        page.fill("textarea", "the ")
        page.fill("input[name='length']", "50")
        page.fill("input[name='seed']", "7")
        page.fill("input[name='temperature']", "0.5")
        written = page.locator(".written")
        expect(written).to_have_text("the " + model.generate("the ", length=50, seed=7, temperature=0.5).text)
        assert "--seed 7" in page.inner_text("code")
        page.fill("input[name='hold']", "0:3")
        page.press("input[name='hold']", "Enter")
        page.fill("input[name='value']", "1")
        held = model.clamped(layer=0, unit=3, value=1.0)
        expect(written).to_have_text("the " + held.generate("the ", length=50, seed=7, temperature=0.5).text)
        link = page.url  # which shows somebody else the same
        other = browser.new_page()
        other.goto(f"{served}/?token={TOKEN}")
        other.goto(link)
        other.wait_for_selector("body[data-ready='write']")
        other.click("#write")
        expect(other.locator(".written")).to_have_text(written.inner_text())
        page.fill("textarea", "the ☃")
        expect(page.locator("#notice")).to_contain_text("☃")
        page.fill("textarea", "")
        page.click("#rooms a:has-text('Inside')")
        page.wait_for_selector("[data-view='guesses']")
        page.click("#tabs a:has-text('Cells')")
        page.wait_for_selector("[data-view='cells']")
        page.keyboard.press("ArrowRight")
        assert page.inner_text("#named").startswith("hidden 0:")
        assert elsewhere == []
        assert [error for error in errors if "400" not in error] == []
        browser.close()


def test_serving_ends_in_good_order(runs, tmp_path):
    listening = _listening("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(application(Shelf(folder=runs), TOKEN), log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    server.should_exit = True
    thread.join(10)
    assert not thread.is_alive()
