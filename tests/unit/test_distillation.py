"""Learning from teachers: the loss, what is noted of them, and going on."""

import shutil

import numpy as np
import pytest
import torch
from rich.console import Console

import ostinato
from conftest import TINY
from ostinato.app.following import follow
from ostinato.batch import SymbolBatch
from ostinato.errors import ConfigError
from ostinato.families.text.distillation import Distillation
from ostinato.families.text.network import Dropout, LanguageModel, LanguageModelTask
from ostinato.models import Context, Randomness
from ostinato.runs import RunFolder


def network(seed):
    torch.manual_seed(seed)
    return LanguageModel(5, core="lstm", layers=1, hidden_size=6, embedding_size=3)


def batch_of(fresh, lengths=None):
    ids = np.random.default_rng(0).integers(0, 5, size=(2, 5))
    return SymbolBatch(ids[:, :-1], ids[:, 1:], lengths, np.array(fresh))


def test_the_loss_is_half_of_what_came_and_half_of_what_the_teacher_expects():
    student, teacher = network(0), network(1)
    task = Distillation(LanguageModelTask(student, Dropout()), teacher)
    batch = batch_of([True, True], lengths=np.array([4, 2]))
    loss, _ = task.loss(batch, task.initial_state(2), Context(Randomness(1, 0), training=True))
    inputs = torch.from_numpy(batch.inputs)
    log_p, q = student.log_probs(inputs)[0], teacher.log_probs(inputs)[0].exp()
    expected = 0.0
    for row, length in enumerate((4, 2)):
        for place in range(length):
            came = log_p[row, place, batch.targets[row, place]]
            expected -= 0.5 * came + 0.5 * (q[row, place] * log_p[row, place]).sum()
    assert loss.total.item() == pytest.approx(expected.item(), rel=1e-5)
    assert loss.count == 6
    loss.total.backward()
    assert all(parameter.grad is None for parameter in teacher.parameters())
    assert student.embedding.weight.grad is not None


def test_the_teacher_goes_on_where_it_was_and_starts_anew_with_fresh_rows():
    student, teacher = network(0), network(1)
    task = Distillation(LanguageModelTask(student, Dropout()), teacher)
    _, state = task.loss(batch_of([True, True]), task.initial_state(2), Context(Randomness(1, 0), training=True))
    _, (_, taught) = task.loss(batch_of([False, True]), state, Context(Randomness(1, 1), training=True))
    inputs = torch.from_numpy(batch_of([True, True]).inputs)
    _, going = teacher.output(inputs, teacher.output(inputs)[1])
    _, anew = teacher.output(inputs)
    for found, first, second in zip(taught[0], going[0], anew[0], strict=True):
        torch.testing.assert_close(found, torch.stack([first[0], second[1]]))


def test_evaluation_is_by_the_text_alone():
    task = Distillation(LanguageModelTask(network(0), Dropout()), network(1))
    alone = LanguageModelTask(network(0), Dropout())
    loss, _ = task.loss(batch_of([True, True]), task.initial_state(2), Context())
    expected, _ = alone.loss(batch_of([True, True]), alone.initial_state(2), Context())
    assert loss.total.item() == expected.total.item()


def test_a_run_learns_from_runs_notes_them_and_goes_on_with_the_same(text_run, corpora, tmp_path, run):
    out = tmp_path / "student"
    words = ["train", corpora / "cats.txt", "--teacher", text_run, "--steps", 20, "--out", out]
    words += [
        word for name, value in TINY.items() for word in ("--set", f"{name}={'null' if value is None else value}")
    ]
    assert run(*words)[0] == 0
    (noted,) = RunFolder(out).origin()["teachers"]
    assert noted["name"] == text_run.name
    status, _, err = run("resume", out, "--minutes", 0.05)
    assert status == 2
    assert f"resume {out} --teacher {text_run.name}" in err
    other = tmp_path / "other"
    ostinato.train(str(corpora / "cats.txt"), out=other, steps=2, seed=5, settings=TINY).to_end()
    assert "name the same ones again" in run("resume", out, "--minutes", 0.05, "--teacher", other)[2]
    assert run("resume", out, "--minutes", 0.05, "--teacher", text_run)[0] == 0
    assert "has no teachers" in run("resume", other, "--minutes", 0.05, "--teacher", text_run)[2]


def test_a_student_that_is_stopped_tells_how_to_go_on(text_run, corpora, tmp_path, capsys):
    training = ostinato.train(
        str(corpora / "cats.txt"), out=tmp_path / "student", steps=9, settings=TINY, teachers=(text_run,)
    )
    training.ask_to_stop()
    assert follow(training, Console(), teachers=(text_run,)) == 130
    told = " ".join(capsys.readouterr().out.split())
    assert f"ostinato resume {tmp_path / 'student'} --teacher {text_run}" in told


def test_a_student_comes_to_expect_what_its_teacher_expects(corpora, tmp_path):
    source, text = str(corpora / "cats.txt"), (corpora / "cats.txt").read_text()
    unsure = tmp_path / "unsure"  # a teacher that has hardly learned anything
    teacher = ostinato.train(source, out=unsure, steps=2, settings=TINY).to_end()
    ids = torch.from_numpy(teacher.codec.encode(text[:300]).astype(np.int64))[None]
    expected = teacher.network.log_probs(ids)[0]
    apart = {}
    for name, teachers in {"alone": (), "taught": (unsure,)}.items():
        training = ostinato.train(source, out=tmp_path / name, steps=60, seed=7, settings=TINY, teachers=teachers)
        found = training.to_end().network.log_probs(ids)[0]
        apart[name] = (expected.exp() * (expected - found)).sum(dim=-1).mean().item()
    assert apart["taught"] < 0.6 * apart["alone"]


def test_teachers_and_a_base_have_the_same_symbols(text_run, item_run, corpora, tmp_path):
    with pytest.raises(ConfigError, match="do not have the same symbols"):
        ostinato.train(
            str(corpora / "cats.txt"), out=tmp_path / "x", steps=2, base=text_run, teachers=(item_run,), settings=TINY
        )
    moved = shutil.copytree(text_run, tmp_path / "moved")
    with pytest.raises(ConfigError, match="is a model of running text"):
        ostinato.train(str(corpora / "names.txt"), out=tmp_path / "y", steps=2, teachers=(moved,), settings=TINY)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_every_precision_learns_without_dropout(precision):
    student = LanguageModel(5, core="capped-lstm", layers=1, hidden_size=64, embedding_size=8)
    task = Distillation(LanguageModelTask(student, Dropout(), precision), network(1))
    loss, _ = task.loss(batch_of([True, True]), task.initial_state(2), Context(Randomness(1, 0), training=True))
    loss.total.backward()
    assert torch.isfinite(student.core.layers[0].weight_hh.grad).all()


def test_the_symbols_are_the_teachers(text_run, corpora, tmp_path, run):
    words = ["train", corpora / "cats.txt", "--teacher", text_run, "--steps", 2, "--no-report", "--out", tmp_path / "a"]
    status, _, err = run(*words, "--set", "codec=words")
    assert (status, "with --teacher the symbols are those of" in err) == (2, True)
    (tmp_path / "odd.txt").write_text("the cat sat on the mät. " * 60)
    words[1] = tmp_path / "odd.txt"
    assert run(*words, "--set", "hidden_size=16", "--set", "batch_size=2", "--set", "window=8")[0] == 1
    small = ["--set", "hidden_size=16", "--set", "batch_size=2", "--set", "window=8", "--unknown", "skip"]
    assert run(*words, *small)[0] == 0
