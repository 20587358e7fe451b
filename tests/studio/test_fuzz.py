"""Whatever is asked, the server says what is wrong and goes on: by its own OpenAPI document, and by many at once."""

import json
import os
import threading
import time

import hypothesis
import pytest
import requests
import schemathesis

TOKEN = "a-token-of-tests"
BEARER = {"authorization": f"Bearer {TOKEN}"}
REQUESTS = int(os.environ.get("OSTINATO_FUZZ_REQUESTS", 500))  # in all
STATUSES = {200, 400, 401, 403, 404, 413, 503}


def test_requests_of_every_form_are_answered(served):
    document = requests.get(f"{served}/openapi.json", headers=BEARER, timeout=30).json()
    operations = [one.ok() for one in schemathesis.openapi.from_dict(document).get_all_operations()]
    assert len(operations) >= 15
    statuses = {}

    def tried(operation):
        @hypothesis.given(case=operation.as_strategy())
        @hypothesis.settings(
            max_examples=-(-REQUESTS // len(operations)), deadline=None, derandomize=True, database=None,
            suppress_health_check=list(hypothesis.HealthCheck),
        )  # fmt: skip
        def ask(case):
            if isinstance(case.body, dict) and "model" in case.body and len(case.body["model"]) % 2 == 0:
                case.body["model"] = ("cats", "names", "tunes")[len(case.body) % 3]  # one that there is
            answer = case.call(base_url=served, headers=BEARER, timeout=60)
            statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
            assert answer.status_code in STATUSES, (case.path, case.body, answer.text)
            if answer.status_code != 200:
                assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
                assert "Traceback" not in answer.text

        ask()

    for operation in operations:
        tried(operation)
    assert statuses[200] > 20
    assert statuses[400] > 100


@pytest.mark.slow
def test_ten_clients_at_once_get_what_they_ask_for(served, model):
    expected = {seed: model.generate("the ", length=200, seed=seed).text for seed in range(10)}
    until, wrong, done = time.monotonic() + 5, [], [0] * 10

    def ask(seed):
        body = {"model": "cats", "prompt": "the ", "max_tokens": 200, "seed": seed, "stream": seed % 2 == 0}
        while time.monotonic() < until:
            answer = requests.post(f"{served}/v1/completions", json=body, headers=BEARER, timeout=60)
            if body["stream"]:
                told = [json.loads(line[6:]) for line in answer.text.split("\n\n") if line.startswith("data: {")]
                text = "".join(choice["text"] for event in told for choice in event["choices"])
            else:
                text = answer.json()["choices"][0]["text"]
            done[seed] += 1
            if text != expected[seed]:
                wrong.append((seed, text))

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(10)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert wrong == []
    assert min(done) >= 1
