"""The run folder: whole or not at all, damage seen, no more kept than needed."""

import contextlib
import errno
import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

import ostinato
from conftest import TINY
from ostinato.disk import documents
from ostinato.disk.documents import FORMAT, read_document, write_document
from ostinato.disk.publishing import DRAFT, publishing
from ostinato.errors import DamagedError, RunError
from ostinato.runs import RunFolder, export, read_model
from ostinato.runs.arrays import parse_arrays, write_arrays


def test_a_folder_that_fails_half_way_leaves_nothing(tmp_path):
    def fail():
        with publishing(tmp_path / "run" / "step-000100") as draft:
            (draft / "weights.safetensors").write_bytes(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert list((tmp_path / "run").iterdir()) == []


def test_a_published_folder_is_whole_and_final(tmp_path):
    with publishing(tmp_path / "step-000100") as draft:
        (draft / "trainer.json").write_text("{}")
    assert (tmp_path / "step-000100" / "trainer.json").read_text() == "{}"
    with pytest.raises(RunError, match="never overwritten"), publishing(tmp_path / "step-000100"):
        pass


def test_a_document_reads_back_and_replaces_the_one_before(tmp_path):
    for data in ({"a": 1, "text": "é\u2028"}, {"b": [1.5, None]}):
        documents.write_document(tmp_path / "x.json", data)
        assert documents.read_document(tmp_path / "x.json") == data
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda b: b[: len(b) // 2], DamagedError, "is damaged: it is not whole JSON"),
        (lambda b: b"", DamagedError, "is damaged: it is not whole JSON"),
        (lambda b: b.replace(b'"a": 1', b'"a": 2'), DamagedError, "is damaged: its content does not match its digest"),
        (lambda b: b"\xff" + b, DamagedError, "is damaged: it is no longer text"),
        (lambda b: b"[]", DamagedError, "is damaged: it states no format version"),
        (
            lambda b: b.replace(f'"format": {FORMAT}'.encode(), b'"format": 77'),
            RunError,
            f"has format version 77; this version of ostinato reads {FORMAT}. "
            "Train it anew, or use the version of the code that wrote it",
        ),
    ],
)
def test_a_damaged_document_is_seen(tmp_path, change, error, message):
    path = tmp_path / "x.json"
    documents.write_document(path, {"a": 1})
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(error) as caught:
        documents.read_document(path)
    assert str(caught.value).startswith(f"{path} {message}")


PARTS = ["weights.safetensors", "average.safetensors", "optimizer.safetensors", "carried_state.safetensors"]


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("harm", [truncate, flip])
@pytest.mark.parametrize("name", ["config.json", "codec.json", "origin.json"])
def test_a_run_with_a_damaged_description_is_refused_by_name(text_run, harm, name):
    harm(text_run / name)
    for act in (ostinato.load, lambda path: ostinato.resume(path, minutes=1)):
        with pytest.raises(RunError) as caught:
            act(text_run)
        assert str(text_run / name) in str(caught.value)
        assert "damaged" in str(caught.value)


@pytest.mark.parametrize("harm", [truncate, flip])
def test_a_damaged_corpus_stops_resuming_but_not_generating(text_run, harm):
    harm(text_run / "corpus.safetensors")
    assert ostinato.load(text_run).generate(length=5, seed=1).symbols == 5
    with pytest.raises(DamagedError) as caught:
        ostinato.resume(text_run, minutes=1)
    assert str(caught.value) == (f"{text_run / 'corpus.safetensors'} is damaged: its content does not match its digest")


@pytest.mark.parametrize("harm", [truncate, flip])
def test_a_damaged_best_json_is_found_again_from_the_checkpoints(text_run, harm):
    before = read_model(text_run)
    harm(text_run / "best.json")
    after = read_model(text_run)
    assert after.weights.keys() == before.weights.keys()
    assert all(np.array_equal(after.weights[name], before.weights[name]) for name in before.weights)


@pytest.mark.parametrize("harm", [truncate, flip])
@pytest.mark.parametrize("name", [*PARTS, "trainer.json"])
def test_a_damaged_checkpoint_is_set_aside_and_the_one_before_is_used(corpora, tmp_path, harm, name):
    out = tmp_path / "run"
    training = ostinato.train(str(corpora / "cats.txt"), out=out, steps=9, settings=TINY)
    for event in training:
        if getattr(event, "step", 0) >= 6 and type(event).__name__ == "Saved":
            break
    steps = training.run.steps()
    harm(out / "checkpoints" / f"step-{steps[-1]:06d}" / name)
    again = ostinato.resume(out)
    assert again.trainer.step == steps[-2]
    assert "is damaged" in again.notes[0]
    assert f"Set aside as step-{steps[-1]:06d}.damaged; the checkpoint before it is used" in again.notes[0]
    again.to_end()
    assert RunFolder(out).finished() == {"step": 9, "reason": "done"}


def test_damaged_best_weights_are_told_and_others_used(text_run):
    best = json.loads((text_run / "best.json").read_text())
    flip(text_run / "checkpoints" / f"step-{best['step']:06d}" / f"{best['weights']}.safetensors")
    model = ostinato.load(text_run)
    assert "is damaged" in model.saved.warnings[0]
    assert "another checkpoint is used" in model.saved.warnings[0]


def test_with_no_whole_checkpoint_left_that_is_said(text_run):
    for step in RunFolder(text_run).steps():
        truncate(text_run / "checkpoints" / f"step-{step:06d}" / "trainer.json")
    with pytest.raises(RunError, match="has no whole checkpoint to load"):
        ostinato.load(text_run)
    with pytest.raises(RunError, match="has no whole checkpoint to go on from; train anew"):
        ostinato.resume(text_run, minutes=1)


@pytest.mark.parametrize("name", ["config.json", "codec.json", "origin.json"])
def test_another_version_is_refused_naming_both(text_run, name):
    path = text_run / name
    path.write_text(path.read_text().replace(f'"format": {FORMAT}', '"format": 2'))
    with pytest.raises(RunError, match=f"{name} has format version 2; this version of ostinato reads {FORMAT}"):
        ostinato.load(text_run)


def test_a_checkpoint_of_another_version_is_left_where_it_is(text_run):
    step = RunFolder(text_run).steps()[-1]
    path = text_run / "checkpoints" / f"step-{step:06d}" / "trainer.json"
    path.write_text(path.read_text().replace(f'"format": {FORMAT}', '"format": 2'))
    with pytest.raises(RunError, match="has format version 2"):
        ostinato.resume(text_run, minutes=1)
    assert RunFolder(text_run).steps()[-1] == step


def test_a_checkpoint_set_aside_twice_gets_another_name(text_run):
    run = RunFolder(text_run)
    step = run.steps()[-1]
    (text_run / "checkpoints" / f"step-{step:06d}.damaged").mkdir()
    truncate(text_run / "checkpoints" / f"step-{step:06d}" / "weights.safetensors")
    assert f"Set aside as step-{step:06d}.damaged-2" in run.load_latest()[1][0]


def test_a_best_checkpoint_that_is_gone_is_looked_for_anew(text_run):
    trainer = ostinato.resume(text_run, minutes=0.02).trainer
    trainer.best = {"step": 7, "weights": "weights", "nats_per_symbol": 0.1, "standard_error": None}
    trainer.step = 151
    RunFolder(text_run).save(trainer.snapshot())
    training = ostinato.resume(text_run, minutes=0.02)
    assert training.trainer.best is None
    assert training.notes[0].startswith("the best checkpoint so far, of step 7, is no longer there")
    training.to_end()
    best = documents.read_document(text_run / "best.json")
    assert best["step"] in RunFolder(text_run).steps()


def test_a_run_can_be_resumed_from_the_moment_it_is_there(corpora, tmp_path, monkeypatch):
    monkeypatch.setattr(RunFolder, "save", lambda *_: pytest.fail("the first checkpoint comes with the folder"))
    ostinato.train(str(corpora / "cats.txt"), out=tmp_path / "run", steps=2, settings=TINY)
    monkeypatch.undo()
    ostinato.resume(tmp_path / "run").to_end()


def test_missing_metrics_and_a_damaged_end_stop_nothing(text_run):
    (text_run / "metrics.jsonl").unlink()
    truncate(text_run / "finished.json")
    assert RunFolder(text_run).metrics() == []
    assert RunFolder(text_run).finished() is None


def test_damaged_metrics_stop_nothing(text_run):
    (text_run / "metrics.jsonl").write_bytes(b'{"step": 1\n\xff\xfe')
    assert RunFolder(text_run).metrics() == []
    assert ostinato.resume(text_run, minutes=0.02).trainer.step == 150


def test_the_last_two_checkpoints_and_the_best_are_kept(text_run):
    run = RunFolder(text_run)
    best = documents.read_document(text_run / "best.json")
    assert set(run.steps()) == {*run.steps()[-2:], best["step"]}
    assert not list((text_run / "checkpoints").glob(f"{DRAFT}*"))


def test_drafts_left_by_a_crash_are_swept_under_the_lock(text_run):
    (text_run / "checkpoints" / f"{DRAFT}step-000999-abc").mkdir()
    (text_run / ".best.json.abc").write_text("{")
    with RunFolder(text_run).locked():
        assert not list((text_run / "checkpoints").glob(".*"))
        assert not list(text_run.glob(".best*"))


def test_two_processes_cannot_train_one_run(text_run):
    hold = f"""
import sys, pathlib
from ostinato.runs import RunFolder
with RunFolder(pathlib.Path({str(text_run)!r})).locked():
    print("held", flush=True)
    sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(RunError) as caught:
            ostinato.resume(text_run, minutes=1)
        assert str(caught.value) == f"{text_run} is in use by another process that trains it; wait for it or stop it"
        other.kill()
    with RunFolder(text_run).locked():  # a killed process holds nothing
        pass


def test_a_run_is_never_overwritten(text_run, corpora):
    with pytest.raises(RunError) as caught:
        ostinato.train(str(corpora / "cats.txt"), out=text_run, steps=1, settings=TINY)
    assert str(caught.value) == (
        f"{text_run} exists already. Go on with it: 'ostinato resume {text_run}'; or choose another name: --out"
    )


def test_a_disk_that_fills_up_during_a_checkpoint_loses_nothing(corpora, tmp_path, monkeypatch):
    out = tmp_path / "run"
    training = ostinato.train(str(corpora / "cats.txt"), out=out, steps=9, settings=TINY)
    events = iter(training)
    while training.trainer.step < 4:
        next(events)
    kept = {p.name for p in (out / "checkpoints").iterdir()}

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(RunError) as caught:
            training.save()
    assert str(caught.value) == (
        f"{out} cannot be written: No space left on device. Everything saved before is whole. "
        f"Make room, then: ostinato resume {out}"
    )
    assert {p.name for p in (out / "checkpoints").iterdir()} == kept
    events.close()
    again = ostinato.resume(out)
    again.to_end()
    assert RunFolder(out).finished() == {"step": 9, "reason": "done"}


@pytest.mark.skipif(sys.platform == "win32", reason="limits on file sizes are a POSIX thing")
def test_a_write_the_system_refuses_ends_in_one_line_and_a_run_that_goes_on(corpora, tmp_path):
    out = tmp_path / "run"
    code = f"""
import resource, signal, sys
from ostinato.app.cli import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
import ostinato.workshop.run as training
begin = training.Training.__iter__
def limited(self):
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
    return begin(self)
training.Training.__iter__ = limited
sys.exit(main(["train", {str(corpora / "cats.txt")!r}, "--out", {str(out)!r}, "--steps", "8", "--threads", "1",
               "--set", "hidden_size=24", "--set", "batch_size=4", "--set", "window=16"]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == (
        f"error: {out} cannot be written: File too large. Everything saved before is whole. "
        f"Make room, then: ostinato resume {out}\n"
    )
    ostinato.resume(out).to_end()


def test_one_file_holds_everything_and_gives_the_same_text(text_run, tmp_path):
    model = ostinato.load(text_run)
    path = tmp_path / "model.safetensors"
    model.export(path)
    shutil.rmtree(text_run)
    again = ostinato.load(path)
    assert again.generate("the", length=40, seed=3).text == model.generate("the", length=40, seed=3).text
    assert again.score("the cat").log_prob == model.score("the cat").log_prob
    with pytest.raises(RunError, match="never overwritten"):
        model.export(path)


@pytest.mark.parametrize("place", [0.0, 0.001, 0.3, 0.6, 0.9, 0.999])
@pytest.mark.parametrize("cut", [True, False])
def test_a_damaged_model_file_is_refused(text_run, tmp_path, place, cut):
    path = tmp_path / "model.safetensors"
    ostinato.load(text_run).export(path)
    data = bytearray(path.read_bytes())
    at = int(place * len(data))
    if cut:
        del data[at:]
    else:
        data[at] ^= 1
    path.write_bytes(data)
    with pytest.raises(RunError, match=str(path)):
        ostinato.load(path)


def test_a_safetensors_file_of_others_is_refused(tmp_path):
    from safetensors.numpy import save_file

    path = tmp_path / "other.safetensors"
    save_file({"x": np.zeros(3)}, path)
    with pytest.raises(RunError, match="not one that 'ostinato export' wrote"):
        ostinato.load(path)


def test_what_is_no_run_is_refused_with_what_to_do(tmp_path):
    with pytest.raises(RunError) as caught:
        ostinato.load(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path} is not a run folder: it has no config.json. 'ostinato train CORPUS --out {tmp_path}' "
        "makes one; 'ostinato runs' lists those there are"
    )
    with pytest.raises(RunError, match="does not exist"):
        ostinato.load(tmp_path / "nothing")


def test_the_origin_names_data_and_versions_but_no_folders(text_run, corpora):
    origin = RunFolder(text_run).origin()
    assert [source["name"] for source in origin["sources"]] == ["cats.txt"]
    assert len(origin["sources"][0]["sha256"]) == 64
    assert set(origin["versions"]) == {"ostinato", "torch", "numpy"}
    assert str(corpora) not in (text_run / "origin.json").read_text()


def test_a_run_that_was_never_trained_is_no_model(corpora, tmp_path, run):
    out = tmp_path / "run"
    ostinato.train(str(corpora / "cats.txt"), out=out, steps=5, settings=TINY)  # set up, and left
    message = f"{out} was set up and never trained: its weights are as they were drawn. Train it: ostinato resume {out}"
    for command in (["generate", out], ["score", out, "cat"], ["evaluate", out, corpora / "cats.txt"],
                    ["export", out, tmp_path / "m.safetensors"]):  # fmt: skip
        assert run(*command) == (1, "", f"error: {message}\n")
    with pytest.raises(RunError, match="never trained"):
        ostinato.load(out)
    status, _, err = run("info", out)
    assert status == 0
    assert err == f"warning: {out} was set up and never trained: its weights are as they were drawn\n"
    ostinato.resume(out).to_end()
    assert run("generate", out, "--length", 3)[0] == 0


@pytest.fixture
def overflown(text_run, tmp_path):
    """A run whose best weights have a number that is none, with digests that fit; and the same as a model file."""
    model = read_model(text_run)
    weights = {name: array.copy() for name, array in model.weights.items()}
    weights["head.bias"][3] = np.nan
    file = tmp_path / "m.safetensors"
    export(replace(model, weights=weights), file)
    for step in RunFolder(text_run).steps():
        folder = text_run / "checkpoints" / f"step-{step:06d}"
        for kind in ("weights", "average"):
            arrays = read_arrays_unchecked(folder / f"{kind}.safetensors")
            arrays["head.bias"][3] = np.nan
            sha256 = write_arrays(folder / f"{kind}.safetensors", arrays)
            plain = read_document(folder / "trainer.json")
            plain["files"][kind] = sha256
            write_document(folder / "trainer.json", plain)
    return text_run, file


def read_arrays_unchecked(path):
    return {name: array.copy() for name, array in parse_arrays(path.read_bytes(), "").items()}


def test_weights_that_are_not_finite_are_refused_on_every_path(overflown, run):
    folder, file = overflown
    told = "has 1 numbers in head.bias that are not finite: no model is made of them"
    for command in (["generate"], ["score"], ["info"], ["export"]):
        more = {"score": ["cat"], "export": [file.with_name("n.safetensors")]}.get(command[0], [])
        assert run(*command, file, *more) == (1, "", f"error: {file} {told}\n")
        status, out, err = run(*command, folder, *more)
        assert (status, out) == (1, "")
        assert f"{told}; another checkpoint is used" in err
    with pytest.raises(RunError, match="no whole checkpoint to go on from"):
        ostinato.resume(folder, minutes=1)


def test_a_model_is_exported_as_safetensors_only(text_run, tmp_path, run):
    assert run("export", text_run, tmp_path / "m.onnx") == (
        2, "", f"error: a model is exported as one safetensors file, and {tmp_path / 'm.onnx'} ends in '.onnx'; "
        "name it m.safetensors\n",
    )  # fmt: skip


def test_a_recipe_that_is_not_that_of_the_base_is_refused(text_run, corpora, tmp_path, run):
    words = ["train", corpora / "cats.txt", "--from", text_run, "--steps", 1, "--out", tmp_path / "new"]
    assert run(*words, "--recipe", "word-lm") == (
        2, "", "error: the model to start from is one of recipe char-lm, so it cannot go on as word-lm; "
        "leave that out\n"
    )  # fmt: skip
    assert run(*words, "--recipe", "char-lm", "--no-report")[0] == 0


@pytest.mark.parametrize("name", ["metrics.jsonl", "samples", "checkpoints", "best.json", "checkpoints/step-000150"])
def test_a_run_is_never_written_through_a_link(text_run, tmp_path, name):
    outside = tmp_path / "outside"
    (text_run / name).rename(outside)
    (text_run / name).symlink_to(outside)
    before = sorted((path.name, path.stat().st_mtime_ns) for path in [outside, *outside.rglob("*")])
    with pytest.raises(RunError, match="is a link: a run is never written or deleted through one"):
        ostinato.resume(text_run, minutes=0.02)
    assert sorted((path.name, path.stat().st_mtime_ns) for path in [outside, *outside.rglob("*")]) == before


def sealed(path, **changed):
    """Write a document anew with other fields, and the digest that belongs to them."""
    write_document(path, {**read_document(path), **changed})


MISFIT = "do(es)? not fit|none of the codec"
DEEP = json.loads("[" * 900 + "]" * 900)
HOSTILE = [
    ("config.json", {"recipe": 7}, "recipe: input should be a valid string"),
    (
        "config.json",
        {"settings": {"hidden_size": 10**9}},
        "hidden_size must be at least 1 and at most 65536, got 1000000000",
    ),
    ("config.json", {"settings": [1]}, "settings: input should be"),
    ("config.json", {"validation": {}}, "validation.symbols"),
    ("config.json", {"recipe": "\x1b[2Jchar-lm"}, "unknown recipe"),
    ("origin.json", {"sources": [{"name": 1}]}, "sources.0.name: input should be a valid string"),
    ("origin.json", {"versions": DEEP}, "origin.json is not what ostinato writes"),
    ("codec.json", {"codec": "bytes", "end": False}, "do(es)? not fit|none of the codec"),
    (
        "codec.json",
        {"codec": "characters", "alphabet": "ab", "end": False, "nfc": False},
        "do(es)? not fit|none of the codec",
    ),
    ("best.json", {"step": "150"}, None),  # another checkpoint is used
    ("best.json", {"step": -150}, None),
    ("best.json", {"nats_per_symbol": "1.2"}, None),
    ("finished.json", {"reason": "\x1b[2Jdone"}, None),
    ("checkpoints/step-000150/trainer.json", {"plans": "soon"}, "plans"),
    ("checkpoints/step-000150/trainer.json", {"position": {"epoch": "a", "window": -5}}, "does not fit"),
    ("checkpoints/step-000150/trainer.json", {"files": {}}, "does not match its digest"),
]


@pytest.mark.parametrize(("name", "changed", "message"), HOSTILE, ids=range(len(HOSTILE)))
def test_a_document_that_is_whole_and_nonsense_gives_one_clear_error(text_run, run, name, changed, message):
    sealed(text_run / name, **changed)
    began = time.monotonic()
    said = []
    for command in (["info", text_run], ["generate", text_run, "--length", 3], ["resume", text_run, "--minutes", 0.02],
                    ["runs", text_run.parent]):  # fmt: skip
        status, out, err = run(*command)
        said.append(out + err)
        assert status in (0, 1, 2)
        assert "Traceback" not in err
        assert "\x1b" not in out + err
        assert not re.search(r"error: (Key|Type|Attribute|Recursion|Value)Error", err)
    assert message is None or any(re.search(message, told) for told in said), said
    assert time.monotonic() - began < 60


def test_runs_are_ranked_where_they_were_validated_on_the_same_symbols_only(corpora, tmp_path, run):
    folder = tmp_path / "runs"
    for name, corpus, steps in (("a", "cats.txt", 1), ("b", "cats.txt", 40), ("c", "names.txt", 1)):
        ostinato.train(str(corpora / corpus), out=folder / name, steps=steps, settings=TINY).to_end()
    told = run("runs", folder)[1].splitlines()
    assert told[0].startswith("validated on ")
    assert told[0].endswith(" symbols of cats.txt")
    assert [line.split()[0] for line in told[1:3]] == [str(folder / "b"), str(folder / "a")]  # the best first
    assert told[3].endswith(" symbols of names.txt")
    assert told[4].split()[0] == str(folder / "c")
    assert told[5].startswith("Only runs of one group can be compared")
    assert all("±" in line for line in (told[1], told[2], told[4]))
    shutil.rmtree(folder / "c")
    assert len(run("runs", folder)[1].splitlines()) == 2


def test_one_bad_run_does_not_empty_the_list(text_run, run):
    shutil.copytree(text_run, text_run.parent / "bad")
    sealed(text_run.parent / "bad" / "config.json", validation="none")
    status, out, err = run("runs", text_run.parent)
    assert status == 0
    assert text_run.name in out
    assert "/bad" not in out
    assert "bad/config.json is not what ostinato writes: validation" in err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")
@pytest.mark.parametrize("name", ["best.json", "codec.json", "checkpoints/step-000150/weights.safetensors"])
def test_a_pipe_in_place_of_a_file_is_not_waited_for(text_run, run, name):
    (text_run / name).unlink()
    os.mkfifo(text_run / name)
    status, _, err = run("info", text_run)
    assert status in (0, 1)
    assert name == "best.json" or "is no file: it is a folder, a pipe or a device" in err


def test_steps_are_numbers_as_we_write_them(text_run):
    before = RunFolder(text_run).steps()
    for name in ("step-٠٠٠٩٩٩", "step-1", "step-0009_99", "step--00999", "step-" + "9" * 400):
        with contextlib.suppress(OSError):
            (text_run / "checkpoints" / name).mkdir()
    assert RunFolder(text_run).steps() == before
    assert ostinato.load(text_run).saved.best["step"] <= 150


def test_a_model_file_with_other_fields_is_refused(text_run, tmp_path, run):
    model = read_model(text_run)
    for number, changed in enumerate(({"config": {}}, {"origin": {"sources": 1}}, {"best": {"step": "x"}})):
        file = tmp_path / f"{number}.safetensors"
        export(replace(model, **changed), file)
        status, _, err = run("info", file)
        assert status == 1
        assert "is not what ostinato writes" in err
