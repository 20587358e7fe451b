"""Who may ask the studio, how much, and what can be reached."""

import shutil

import pytest
from starlette.testclient import TestClient

from ostinato.app.web.server import application
from ostinato.app.web.shelf import Shelf

TOKEN = "a-token-of-tests"
BEARER = {"authorization": f"Bearer {TOKEN}"}


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
        ({**BEARER, "origin": "http://127.0.0.1"}, 200),
        ({**BEARER, "origin": "http://127.0.0.1:8000", "host": "127.0.0.1:8000"}, 200),
        ({**BEARER, "origin": "http://127.0.0.1:8000"}, 403),  # another port is another site
        ({**BEARER, "origin": "http://["}, 403),
        ({**BEARER, "host": "my-box"}, 200),
        ({"cookie": f'prefs={{"x": 1}}; a/b=1; ostinato-80={TOKEN}'}, 200),
        ({"cookie": f"ostinato-81={TOKEN}"}, 401),  # of the studio at another port
        ({**BEARER, "sec-fetch-site": "cross-site"}, 403),
        ({**BEARER, "sec-fetch-site": "same-site", "sec-fetch-mode": "cors"}, 403),
        ({**BEARER, "sec-fetch-site": "same-origin"}, 200),
        ({**BEARER, "origin": "https://friend.example", "sec-fetch-site": "cross-site"}, 200),
    ],
    ids=str,
)
def test_who_may_ask(runs, headers, status):
    app = application(Shelf(folder=runs), TOKEN, hosts=["My-Box"], origins=["https://friend.example"])
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
        assert "open the address that its terminal shows" in client.get("/?token=wrong", headers=link).text
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


def test_pages_of_a_site_that_is_allowed_may_read_answers_and_no_others(runs):
    friend = "https://friend.example"
    app = application(Shelf(folder=runs), TOKEN, origins=[friend])
    with TestClient(app, base_url="http://127.0.0.1") as client:
        asks = {"access-control-request-method": "POST", "sec-fetch-site": "cross-site"}
        answer = client.options("/v1/score", headers={"origin": friend, **asks})
        assert answer.status_code == 204
        assert answer.headers["access-control-allow-origin"] == friend
        assert "authorization" in answer.headers["access-control-allow-headers"]
        body = {"model": "cats", "text": "the cat"}
        answer = client.post("/v1/score", json=body, headers={**BEARER, "origin": friend})
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, friend)
        answer = client.options("/v1/score", headers={"origin": "https://evil.example", **asks})
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers
        answer = client.options("/v1/score", headers={"origin": friend, "host": "evil.example", **asks})
        assert answer.status_code == 400


@pytest.mark.parametrize(
    "views",
    [
        {"find": 3},
        {"cells": True},
        {"guesses": True},
        {"guesses": "many"},
        {"guesses": 10**9},
        {"cells": ["a"]},
        {"saliency": "x"},
    ],
    ids=str,
)
def test_views_with_values_of_another_kind_are_refused_or_answered_and_break_nothing(client, views):
    answer = client.post("/v1/inspect", json={"model": "cats", "text": "the cat", "views": views})
    assert answer.status_code in (200, 400)


def test_numbers_are_no_flags_and_a_pasted_text_is_no_file(client):
    answer = client.post("/v1/inspect", json={"model": "cats", "text": "the cat", "views": {"guesses": True}})
    assert (answer.status_code, "of the kind int" in answer.json()["error"]["message"]) == (400, True)
    answer = client.post("/v1/compose", json={"model": "tunes", "options": {"bars": True}})
    assert (answer.status_code, "of the kind int" in answer.json()["error"]["message"]) == (400, True)
    answer = client.post("/v1/evaluate", json={"model": "cats", "text": "☃" * 50})
    assert answer.status_code == 400
    assert "pasted.txt" not in answer.text


def test_options_of_looking_inside_are_those_that_there_are(client):
    for options in ({"progress": 1}, {"hold": "cell:0:1=1"}, {"temperature": [1]}, {"unknown": 3}):
        answer = client.post("/v1/inspect", json={"model": "cats", "text": "the cat", "options": options})
        assert answer.status_code == 400, options


def test_posts_of_other_sites_are_refused_whatever_they_bring(client):
    body = {"model": "cats", "text": "the cat"}
    assert client.post("/v1/score", json=body).status_code == 200
    for headers in (
        {"origin": "https://evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"},
        {"origin": "https://evil.example", "host": "evil.example"},
    ):
        answer = client.post("/v1/score", json=body, headers=headers)
        assert answer.status_code in (400, 403)
        assert "log_prob" not in answer.text


def test_what_is_asked_for_in_all_is_capped(client):
    body = {"model": "cats", "prompt": ["the "] * 60, "n": 16, "max_tokens": 20_000}
    answer = client.post("/v1/completions", json=body)
    assert (answer.status_code, "400,000 at most" in answer.json()["error"]["message"]) == (400, True)


def test_models_that_were_not_used_for_longest_leave_memory(runs, monkeypatch):
    shelf = Shelf([runs / name for name in ("cats", "kept", "names", "tunes")])
    monkeypatch.setattr("ostinato.app.web.shelf._HELD", 2)
    first = shelf.get("cats")
    shelf.get("kept")
    assert shelf.get("cats") is first
    shelf.get("names")  # "kept" leaves
    assert [path.name for path in shelf._held] == ["cats", "names"]
    assert shelf.get("kept").digest != first.digest


def test_answers_name_no_path_of_this_machine(client, runs):
    broken = runs / "broken"
    shutil.copytree(runs / "cats", broken)
    (broken / "config.json").write_text("{")
    try:
        answers = [
            client.get("/v1/models/broken"),
            client.get("/v1/models/cats"),
            client.post("/v1/completions", json={"model": "shakespeare", "max_copy": 5}),
            client.post("/v1/inspect", json={"model": "cats", "text": "the", "views": {"series": ""}}),
            client.post("/v1/translate", json={"model": "cats", "texts": ["a"]}),
        ]
    finally:
        shutil.rmtree(broken)
    assert [one.status_code for one in answers] == [404, 200, 400, 400, 400]
    for one in answers:
        assert str(runs) not in one.text
        assert "/" + "shipped" not in one.text


def test_gaps_and_fields_without_a_meaning_are_refused(client):
    gap = {"model": "cats", "prompt": "the ", "suffix": " sat", "max_tokens": 8}
    assert client.post("/v1/completions", json=gap).status_code == 200
    for more in ({"max_tokens": 20_000}, {"temperature": 0.5}, {"stop": "x"}, {"beam": 3}, {"logprobs": 1}):
        assert client.post("/v1/completions", json={**gap, **more}).status_code == 400, more
    drawn = {"model": "cats", "beam": 3, "draw": True, "temperature": 0}
    assert client.post("/v1/completions", json=drawn).status_code == 400
    assert client.post("/v1/inspect", json={"model": "cats", "text": "a", "options": {"guesses": 2}}).status_code == 400
    other = {"model": "cats", "text": "the cat", "views": {"compare": "nothing"}}
    assert client.post("/v1/inspect", json=other).status_code == 400
    plain = {"content-type": "text/plain"}
    assert client.post("/v1/score", content='{"model": "cats", "text": "the"}', headers=plain).status_code == 400


def test_weights_that_a_run_has_learned_since_are_the_ones_that_answer(runs, item_run_once):
    copied = runs / "learning"
    shutil.copytree(runs / "cats", copied)
    try:
        shelf = Shelf([copied])
        before = shelf.get("learning")
        assert shelf.get("learning") is before
        assert before.aside.digest == before.digest
        shutil.rmtree(copied)
        shutil.copytree(runs / "kept", copied)
        assert shelf.get("learning").digest != before.digest
    finally:
        shutil.rmtree(copied)
