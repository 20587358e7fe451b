"""``generate`` in turns, and at several temperatures."""

import pytest

from ostinato.app.cli import main
from ostinato.app.interactive import Turn, talk
from ostinato.decode.pipeline import RuleSettings


@pytest.fixture
def said(text_model, monkeypatch, capsys):
    """What is printed when these lines are typed."""

    def run(*lines, **options):
        given = iter(lines)
        monkeypatch.setattr("builtins.input", lambda prompt: next(given, None) or _end())
        first = Turn("the cat", {"temperature": 0.5, "length": 12, "seed": 3, **options})
        capsys.readouterr()
        talk(text_model, first, RuleSettings(), {})
        return capsys.readouterr()

    def _end():
        raise EOFError

    return run


def written(model, prompt, seed, temperature=0.5, length=12):
    return model.generate(prompt, seed=seed, temperature=temperature, length=length).text


def test_a_turn_goes_on_from_all_that_was_written(said, text_model):
    out = said(" sat", "the", ":text").out.splitlines()
    first = written(text_model, "the cat sat", 3)
    second = written(text_model, f"the cat sat{first}the", 4)
    assert "\n".join(out) == f"{first}\n{second}\nthe cat sat{first}the{second}"


def test_commands_change_what_comes_next(said, text_model):
    out = said(":temperature 0.9", ":length 5", ":seed 7", " on").out
    assert out == written(text_model, "the cat on", 7, temperature="0.9", length=5) + "\n"
    first = written(text_model, "the cat sat", 3)
    assert said(" sat", ":back", ":text").out == f"{first}\nthe cat\n"
    assert said(":new", "the", ":quit", "never").out == written(text_model, "the", 3) + "\n"


def test_what_is_wrong_is_said_and_the_talk_goes_on(said, text_model):
    result = said(":what", ":length x", "Ж", ":temperature 0", " on", " sat")
    assert "there is no command :what; there are :temperature, :length" in result.err
    assert ":length takes a number, got 'x'" in result.err
    assert "Ж" in result.err or "U+0416" in result.err
    assert "temperature" in result.err.splitlines()[-1]


def test_the_command_talks(text_run, monkeypatch, capsys, text_model):
    lines = iter([" sat", ":quit"])
    monkeypatch.setattr("builtins.input", lambda prompt: next(lines))
    words = ["generate", str(text_run), "--interactive", "-p", "the cat", "-n", "8", "-s", "2", "-t", "0.7"]
    assert main(words) == 0
    assert capsys.readouterr().out == written(text_model, "the cat sat", 2, temperature=0.7, length=8) + "\n"
    assert main([*words, "--json"]) == 2
    assert "--interactive writes one text in turns" in capsys.readouterr().err


def test_several_temperatures_have_a_text_each(text_run, capsys, text_model):
    assert main(["generate", str(text_run), "-p", "the", "-n", "9", "-s", "2", "--temperatures", "0.3, 1.1"]) == 0
    texts = [written(text_model, "the", 2, temperature=t, length=9) for t in (0.3, 1.1)]
    assert capsys.readouterr().out == (f"--- temperature 0.3\nthe{texts[0]}\n\n--- temperature 1.1\nthe{texts[1]}\n")
    for wrong in (["--temperature", "1"], ["--json"], ["--greedy"]):
        assert main(["generate", str(text_run), "--temperatures", "0.3,1", *wrong]) == 2
        assert "--temperatures is for drawing, in place of --temperature" in capsys.readouterr().err
