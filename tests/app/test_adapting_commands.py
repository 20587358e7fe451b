"""Adapting on the command line: what is printed, what stays as it was, and what is refused."""

import hashlib
import json

import pytest

TEXT = "a log sat on a dog. a mat sat on a cat.\n" * 60


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mine.txt"
    path.write_text(TEXT)
    return path


def loss(out):
    return json.loads(out)["nats_per_symbol"]


def test_the_dynamic_protocol_names_itself_and_adapts(run, text_run, file):
    static = loss(run("evaluate", text_run, file, "--json")[1])
    status, out, _ = run("evaluate", text_run, file, "--protocol", "dynamic")
    assert status == 0
    assert out.startswith("dynamic: ")
    found = [
        loss(run("evaluate", text_run, file, "--protocol", "dynamic", *options, "--json")[1])
        for options in ([], ["--adapt-method", "sgd"], ["--counts"], ["--cache", 300], ["--counts", "--cache", 300])
    ]
    assert all(each < static - 0.05 for each in found)
    assert min(found[2:]) < found[0]


def test_a_text_is_read_first_and_the_run_stays_as_it_was(run, text_run, file):
    def digest():
        return [hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(text_run.rglob("*")) if p.is_file()]

    before = digest()
    plain, adapted = (
        json.loads(run("score", text_run, TEXT[:80], *options, "--json")[1])["log_prob"]
        for options in ([], ["--adapt", file])
    )
    assert adapted > plain + 5
    words = ["generate", text_run, "--length", 40, "--seed", 3, "--adapt", file]
    status, out, err = run(*words)
    assert status == 0
    assert "written by compiled code, int8" in err
    assert out == run(*words)[1] != run(*words[:-2])[1]
    assert digest() == before


def test_how_to_adapt_without_adapting_is_refused(run, text_run, file):
    status, _, err = run("generate", text_run, "--adapt-rate", 0.1)
    assert status == 2
    assert err == "error: --adapt-rate: how to adapt is for --adapt FILE, which is not given\n"
    status, _, err = run("evaluate", text_run, file, "--counts", "--adapt-segment", 5)
    assert (status, "--adapt-segment, --counts: how to adapt is for --protocol dynamic" in err) == (2, True)
    status, _, err = run("evaluate", text_run, file, "--protocol", "dynamic", "--shard", "1/2")
    assert (status, "no shard can do a part of it" in err) == (2, True)
    status, _, err = run("generate", text_run, "--adapt", file, "--adapt-rate", 0)
    assert (status, "leaves the model as it is" in err) == (2, True)
    status, _, err = run("score", text_run, "the", "--adapt", file.parent / "none.txt")
    assert (status, "none.txt" in err) == (1, True)
