"""``translate``, and what else works on pairs, from the command line."""

import json
import random
import re
from dataclasses import replace

import numpy as np
import pytest
from rapidfuzz import fuzz

import ostinato
from ostinato.app.cli import main
from ostinato.data.columns import Ids
from ostinato.data.pairs import source_texts
from ostinato.errors import ConfigError
from ostinato.families.pairs.addition import generate
from ostinato.families.pairs.translator import Translator, with_source_words
from ostinato.runs import RunFolder

ENGLISH = {"one": "un", "two": "deux", "red": "rouge", "cat": "chat", "dog": "chien", "big": "grand"}


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    draw, path = random.Random(1), tmp_path_factory.mktemp("pairs") / "words.tsv"
    lines = set()
    for _ in range(600):
        words = [draw.choice(list(ENGLISH)) for _ in range(draw.randint(2, 3))]
        lines.add(" ".join(words) + "\t" + " ".join(ENGLISH[word] for word in words))
    path.write_text("\n".join(sorted(lines)) + "\n")
    return path


@pytest.fixture(scope="module")
def run(pairs, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "words"
    settings = ["codec=words", "hidden_size=32", "embedding_size=16", "batch_size=16", "learning_rate=0.01"]
    settings += ["dropout=0", "input_dropout=0", "decoder=multiplicative"]
    words = ["train", str(pairs), "--recipe", "translate", "--steps", "600", "--valid", "0.05", "--out", str(out)]
    words.append("--no-report")
    assert main([*words, *(word for one in settings for word in ("--set", one))]) == 0
    return out


def translated(capsys, *words):
    capsys.readouterr()
    status = main(["translate", *map(str, words)])
    return status, *capsys.readouterr()


def test_a_model_of_pairs_translates(run, capsys):
    assert translated(capsys, run, "big red dog") == (0, "grand rouge chien\n", "")
    status, out, _ = translated(capsys, run, "two cat", "--beam", 3, "--n-best", 2)
    assert status == 0
    (first, best), (second, _) = (line.split("\t") for line in out.splitlines())
    assert best == "deux chat"
    assert float(first) > float(second)


def test_sources_come_from_a_file_or_from_standard_input(run, tmp_path, capsys, monkeypatch):
    (tmp_path / "a.txt").write_text("one cat\r\ntwo dog\n")
    assert translated(capsys, run, "--file", tmp_path / "a.txt")[1] == "un chat\ndeux chien\n"
    (tmp_path / "c.txt").write_text("one cat\n\ntwo dog\n")
    assert f"line 2 of {tmp_path / 'c.txt'} is empty" in translated(capsys, run, "--file", tmp_path / "c.txt")[2]
    several = translated(capsys, run, "--file", tmp_path / "a.txt", "--file", tmp_path / "a.txt")[1]
    assert several == "un chat\ndeux chien\n" * 2
    assert translated(capsys, run, "one cat", "two dog")[1] == "un chat\ndeux chien\n"
    (status, _, told), path = translated(capsys, run, tmp_path / "a.txt"), tmp_path / "a.txt"
    assert status == 2
    assert told == f"error: {path} is a file, and a text is expected here; --file {path} reads what it holds\n"
    assert translated(capsys, run, "one cat", "--file", tmp_path / "a.txt")[0] == 2
    (tmp_path / "b.txt").write_text("\n")
    status, _, told = translated(capsys, run, "--file", tmp_path / "b.txt")
    assert (status, told) == (2, "error: there is nothing to translate: no line has any text\n")


def test_attention_is_shown_drawn_and_told(run, tmp_path, capsys):
    status, out, _ = translated(capsys, run, "big red dog", "--attention")
    lines = out.splitlines()
    assert status == 0
    assert lines[1].split() == ["big", "red", "dog"]
    assert [line.split()[0] for line in lines[2:]] == ["grand", "rouge", "chien", "end"]
    for name in ("a.svg", "a.png", "a.html"):
        assert translated(capsys, run, "big red dog", "--plot", tmp_path / name)[0] == 0
        assert (tmp_path / name).stat().st_size > 500
    page = (tmp_path / "a.html").read_text()
    assert "big red dog → grand rouge chien" in page
    assert '[" big", " red", " dog"]' in page
    assert '[" grand", " rouge", " chien", "<end>"]'.replace("<", "\\u003c") in page
    status, out, _ = translated(capsys, run, "big red dog", "--json")
    told = json.loads(out)
    assert told["symbols"] == [" grand", " rouge", " chien", ""]
    assert [len(row) for row in told["attention"]] == [3] * 4
    assert [sum(row) for row in told["attention"]] == pytest.approx([1] * 4, abs=1e-3)


def test_unknown_words_are_refused_left_out_or_replaced_by_what_was_attended_to(run, capsys):
    status, out, _ = translated(capsys, run, "big green dog")  # words have an id for what they do not know
    assert status == 0
    assert len(out.split()) == 3
    model = Translator.open(run)
    (best,) = model.translate(["big green dog"])[0]
    assert best.source_symbols == (" big", " green", " dog")
    symbols = tuple(" <unk>" if n == 1 else symbol for n, symbol in enumerate(best.symbols))
    attention = np.eye(len(symbols))[:, :3]
    replaced = with_source_words(replace(best, symbols=symbols, attention=attention))
    assert replaced.text.split()[1] == "green"
    status, _, told = translated(capsys, run, " ")
    assert (status, told) == (2, "error: there is nothing to translate: a source is empty\n")


def test_options_that_cannot_be_are_refused(run, capsys):
    for words, told in (
        (["--n-best", 2], "--n-best is for a beam; give --beam, such as --beam 4"),
        (["--beam", 2, "--n-best", 3], "n-best 3 is more than the beam of 2 can give"),
        (["--plot", "x.gif"], "--plot x.gif: a picture ends in one of .svg, .png, .pdf"),
    ):
        status, _, error = translated(capsys, run, "one", *words)
        assert status == 2
        assert told in error


def test_evaluate_says_what_fits_pairs(run, pairs, capsys):
    capsys.readouterr()
    assert main(["evaluate", str(run), str(pairs), "--beam", "2"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"teacher-forced: 0\.\d{4} nats per symbol", out)
    assert float(re.search(r"exact match ([\d.]+)%, character error", out)[1]) > 90
    assert re.search(r"BLEU [\d.]+  nrefs:1\|case:mixed\|eff:no\|tok:13a", out)
    assert float(re.search(r"chrF ([\d.]+)  nrefs:1\|case:mixed", out)[1]) > 90
    assert main(["evaluate", str(run), str(pairs), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["metrics"]["exact"] > 0.9
    assert found["symbols"] == sum(len(line.split("\t")[1].split()) + 1 for line in pairs.read_text().splitlines())
    (run.parent / "odd.tsv").write_text("big red dog\tgrand rouge Q\n")
    assert main(["evaluate", str(run), str(run.parent / "odd.tsv"), "--json"]) == 0
    odd = json.loads(capsys.readouterr().out)
    assert (odd["characters"], odd["metrics"]["exact"]) == (13, 0.0)
    assert main(["evaluate", str(run), str(pairs), "--protocol", "windows"]) == 2
    assert (
        "--protocol: for a language model or a model of tunes, and this is a model of pairs" in capsys.readouterr().err
    )


def test_a_run_of_pairs_is_exported_resumed_and_told_about(run, tmp_path, capsys):
    assert main(["export", str(run), str(tmp_path / "m.safetensors")]) == 0
    assert translated(capsys, tmp_path / "m.safetensors", "two cat")[1] == "deux chat\n"
    assert main(["info", str(run)]) == 0
    assert "translate, 1×32 gru" in capsys.readouterr().out
    for command in (["generate", str(run)], ["score", str(run), "one"]):
        assert main(command) == 2
        assert "it is a model of pairs (translate: " in capsys.readouterr().err
    assert (run / "samples").is_dir()
    assert " → " in next(iter(sorted((run / "samples").iterdir()))).read_text()


def test_resumed_training_of_pairs_gives_the_same_bytes(pairs, tmp_path):
    order = {
        "recipe": "translate",
        "settings": {"hidden_size": 8, "precision": "float32", "batch_size": 8},
        "steps": 12,
    }
    whole = ostinato.train(read(pairs), out=tmp_path / "whole", **order)
    for _ in whole:
        pass
    part = ostinato.train(read(pairs), out=tmp_path / "part", **order)
    for event in part:
        if getattr(event, "step", 0) >= 5:
            break
    part.save()
    for _ in ostinato.resume(tmp_path / "part"):
        pass
    weights = [
        (tmp_path / name / "checkpoints/step-000012/weights.safetensors").read_bytes() for name in ("whole", "part")
    ]
    assert weights[0] == weights[1]


def read(pairs):
    from ostinato.data.pairs import read_pairs

    return read_pairs([str(pairs)])


def test_pairs_need_two_columns_and_texts_need_no_pairs(tmp_path, capsys):
    (tmp_path / "a.tsv").write_text("one\tun\ntwo\n")
    assert main(["train", str(tmp_path / "a.tsv"), "--recipe", "translate", "--out", str(tmp_path / "r")]) == 1
    assert "a.tsv, line 2: a pair is source, tab, target; got 'two'" in capsys.readouterr().err
    assert main(["train", str(tmp_path / "a.tsv"), "--lower", "--out", str(tmp_path / "r")]) == 2
    assert "--lower: for a model of pairs or a model of labels, and this is a language model" in capsys.readouterr().err
    words = ["train", str(tmp_path / "a.tsv"), "--recipe", "translate", "--as", "items", "--out", str(tmp_path / "r")]
    assert main(words) == 2
    assert "--as: for a language model or a model of tunes, and this is a model of pairs" in capsys.readouterr().err


def test_addition_makes_its_own_sums(tmp_path, capsys):
    out = tmp_path / "add"
    words = ["train", "--recipe", "addition", "--steps", "3", "--out", str(out)]
    assert main([*words, "--set", "digits=2", "--set", "examples=500", "--set", "hidden_size=16"]) == 0
    assert "500 sums of numbers of up to 2 digits" in capsys.readouterr().out
    model = Translator.open(out)
    made = generate({"digits": 2, "examples": 500}, 1)
    pairs = zip(source_texts(made), made.texts, strict=True)
    for sum_, answer in pairs:  # as they are asked for: nothing is turned round
        assert sum(map(int, sum_.split("+"))) == int(answer)
    assert model.codec.source.decode(range(model.codec.source.size)) == "+0123456789"
    (tmp_path / "held.tsv").write_text("4+3\t7\n5+5\t10\n")
    words[-1] = str(tmp_path / "more")
    assert main([*words, "--from", str(out), "--valid", str(tmp_path / "held.tsv")]) == 0
    told = capsys.readouterr().out
    assert "500 sums of numbers of up to 2 digits" in told
    assert ", 2 pairs (5 target symbols) held out," in told
    words[-1] = str(tmp_path / "other")
    assert main([*words, "--pairs", "3"]) == 2
    assert "--pairs: for a corpus that is read, and addition makes its own" in capsys.readouterr().err
    assert main([*words, str(tmp_path / "held.tsv"), "--set", "digits=2"]) == 2
    assert "digits say what addition makes by itself, and a corpus is given" in capsys.readouterr().err
    assert main([*words, "--set", "digits=1", "--set", "examples=500"]) == 2
    assert "examples must be at most 54 (nearly all sums of 1 digits), got 500" in capsys.readouterr().err


def test_a_language_model_is_no_model_of_pairs(run, tmp_path, capsys):
    (tmp_path / "a.txt").write_text("to be or not to be, that is the question. " * 30)
    words = ["train", str(tmp_path / "a.txt"), "--steps", "2", "--out", str(tmp_path / "lm"), "--no-report"]
    assert main([*words, "--set", "hidden_size=8"]) == 0
    assert main(["evaluate", str(tmp_path / "lm"), str(tmp_path / "a.txt"), "--beam", "2"]) == 2
    assert (
        capsys.readouterr().err
        == "error: --beam: for a model of pairs or a model of labels, and this is a language model; leave it out\n"
    )
    with pytest.raises(ConfigError, match=r"is not a model of pairs: it is a language model \(char-lm: "):
        Translator.open(tmp_path / "lm")
    (tmp_path / "a.tsv").write_text("".join(f"{n}\t{n}\n" for n in range(99)))
    words = ["train", str(tmp_path / "a.tsv"), "--steps", "2", "--out", str(tmp_path / "x"), "--recipe", "translate"]
    capsys.readouterr()
    assert main([*words, "--teacher", str(run)]) == 2
    assert "only language models learn from teachers, and translate is none" in capsys.readouterr().err
    words = ["train", str(tmp_path / "a.txt"), "--steps", "2", "--out", str(tmp_path / "y"), "--teacher", str(run)]
    assert main(words) == 2
    assert "words is no language model, which teachers are" in capsys.readouterr().err


def test_training_goes_on_from_a_model_of_pairs(run, pairs, tmp_path, capsys):
    out = tmp_path / "more"
    assert main(["train", str(pairs), "--from", str(run), "--steps", "2", "--out", str(out)]) == 0
    assert translated(capsys, out, "big red dog")[1] == "grand rouge chien\n"


def test_a_model_of_small_letters_takes_large_ones_as_small(pairs, tmp_path, capsys):
    out = tmp_path / "small"
    words = ["train", str(pairs), "--recipe", "translate", "--steps", "2", "--out", str(out), "--lower"]
    assert main([*words, "--set", "hidden_size=8"]) == 0
    assert json.loads((out / "config.json").read_text())["settings"]["lower"] is True
    capsys.readouterr()
    assert main(["translate", str(out), "BIG Red"]) == 0
    (tmp_path / "held.tsv").write_text("BIG dog\tGRAND chien\n")
    assert main(["evaluate", str(out), str(tmp_path / "held.tsv"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["perplexity"] > 1
    assert found["nats_per_character"] > 0


@pytest.mark.parametrize("option", ["--pairs", "--longest"])
def test_limits_of_pairs_are_at_least_one(pairs, tmp_path, option, capsys):
    assert main(["train", str(pairs), "--recipe", "translate", "--out", str(tmp_path / "x"), option, "0"]) == 2
    assert f"{option} must be at least 1, got 0" in capsys.readouterr().err


def test_a_picture_of_no_known_kind_is_refused_before_anything_is_loaded(tmp_path, capsys):
    assert main(["translate", str(tmp_path / "nothing"), "a", "--plot", "a.txt"]) == 2
    assert "a picture ends in one of .svg, .png, .pdf, .html" in capsys.readouterr().err


def test_a_report_sets_translations_beside_the_source_and_a_similar_pair(run):
    model = ostinato.load(run)
    report = model.report()
    train, valid = RunFolder(run).corpus()
    values = {one.name: one.value for one in report.figures}
    sources, targets = (
        [[model.codec.source.decode(ids).strip() for ids in data.columns["source"].lists()] for data in (train, valid)],
        [[model.codec.decode(ids) for ids in Ids(data.ids, data.offsets).lists()] for data in (train, valid)],
    )
    nearest = [
        targets[0][max(range(len(sources[0])), key=lambda n: int(fuzz.ratio(one, sources[0][n])))] for one in sources[1]
    ]
    for name, texts in (("the source itself", sources[1]), ("target of the most similar source", nearest)):
        exact = np.mean([text == target for text, target in zip(texts, targets[1], strict=True)])
        assert values[f"{name}: exact"] == pytest.approx(100 * exact)
    assert values["this model: exact"] == 100
    assert "<mark>" not in report.sections[0].html


def test_a_bleu_of_0_is_explained(run, tmp_path, capsys):
    (tmp_path / "short.tsv").write_text("one cat\tun chat\n")
    capsys.readouterr()
    assert main(["evaluate", str(run), str(tmp_path / "short.tsv")]) == 0
    out, err = capsys.readouterr()
    assert ("exact match 100.00%" in out, "it is 0 where no four in a row are right" in err) == (True, True)
