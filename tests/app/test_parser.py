"""What people type: short options, names of other tools, near misses, and runs by their name."""

import io
import json
import os
import shlex

import pytest

from ostinato.app.cli import main
from ostinato.app.commands import COMMANDS, build_parser
from ostinato.app.parser import ELSEWHERE, SHORT


@pytest.fixture
def house(text_run, tmp_path, monkeypatch):
    """A folder in which a run stands in runs/, as most have it."""
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "book").symlink_to(text_run)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(capsys, *words):
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    assert ended.value.code == 2
    return capsys.readouterr().err.splitlines()[-1].partition("error: ")[2]


def test_short_options_are_the_same_everywhere():
    parser = build_parser()
    subparsers = next(action for action in parser._actions if action.dest == "command").choices
    for name, command in subparsers.items():
        table = command._option_string_actions
        for short, long in SHORT.items():
            assert (short in table) == (long in table), (name, short)
            if short in table:
                assert table[short] is table[long]
    assert set(subparsers) == {command.name for command in COMMANDS}


def test_names_of_other_tools_are_those_of_some_command_and_never_hide_ours():
    tables = [
        command._option_string_actions
        for command in next(action for action in build_parser()._actions if action.dest == "command").choices.values()
    ]
    for name, ours in ELSEWHERE.items():
        assert any(ours in table for table in tables), ours
        assert not any(name in table for table in tables if ours in table), name


@pytest.mark.parametrize(
    "words",
    [
        "--length 12 --seed 3 --temperature 0.7 --samples 2 --top-k 5",
        "--max-new-tokens 12 --seed 3 --temp 0.7 --num-samples 2 --top_k=5",
        "-length 12 -seed 3 -temperature 0.7 --num_return_sequences 2 --top_k 5",
        "-n 12 -s 3 -t 0.7 --samples 2 --top-k 5",
        "-n12 -s3 -t0.7 --sam 2 --top-k 5",
    ],
)
def test_options_may_be_named_as_other_tools_do(house, capsys, words):
    assert main(["generate", "book", *words.split()]) == 0
    named = capsys.readouterr().out
    assert main(["generate", "runs/book", *["-n", "12", "-s", "3", "-t", "0.7", "--samples", "2", "--top-k", "5"]]) == 0
    assert named == capsys.readouterr().out


def test_words_after_two_hyphens_stay_as_they_are():
    parser = build_parser()
    assert parser.parse_args(["train", "--", "--max_iters"]).corpus == ["--max_iters"]
    args, rest = parser.parse_known_args(["train", "--steps", "3", "--", "--max_iters"])
    assert (args.corpus, args.steps, rest) == (["--max_iters"], 3, [])


def test_what_excludes_another_does_so_wherever_it_stands(house, capsys, tmp_path):
    (tmp_path / "t.txt").write_text("the cat")
    for words in (["the cat", "--file", "t.txt"], ["--file", "t.txt", "the cat"]):
        assert "not allowed with argument" in refused(capsys, "score", "book", *words)


def test_a_long_prompt_and_a_broken_link_end_in_one_line(house, capsys, tmp_path):
    assert refused(capsys, "generate", "a long prompt " * 50).endswith(
        "is given by --prompt '" + "a long prompt " * 50 + "'"
    )
    assert refused(capsys, "info", "my run") == "argument RUN: there is no run 'my run'"
    (tmp_path / "runs" / "book" / "broken").symlink_to("nowhere")
    try:
        assert refused(capsys, "generate").startswith("give a run folder; the newest one is runs/book")
    finally:
        (tmp_path / "runs" / "book" / "broken").unlink()


def test_arguments_may_stand_after_options(house, capsys):
    assert main(["score", "book", "the cat"]) == 0
    told = capsys.readouterr().out
    assert main(["score", "book", "--unknown", "error", "the cat"]) == 0
    assert capsys.readouterr().out == told
    assert (
        refused(capsys, "score", "book", "--unknown", "error", "the cat", "sat on")
        == "too many arguments: 'sat on'. Put a text of several words between quotes"
    )


def test_what_is_near_is_suggested(house, capsys):
    assert (
        refused(capsys, "generate", "book", "--sampels", "3") == "there is no option --sampels; did you mean --samples?"
    )
    assert refused(capsys, "score", "book", "--zzz") == (
        "there is no option --zzz; 'ostinato score --help' lists those there are"
    )


def test_a_setting_given_as_an_option_says_how_it_is_set(house, capsys):
    assert (
        refused(capsys, "train", "a.txt", "--hidden-size", "64") == "--hidden-size is a setting: --set hidden_size=64"
    )
    assert refused(capsys, "train", "a.txt", "--n_layer=3") == "--n_layer is a setting: --set layers=3"
    assert refused(capsys, "train", "a.txt", "--lr") == "--lr is a setting: --set learning_rate=VALUE"


def test_a_prompt_without_its_option_says_so(house, capsys):
    assert refused(capsys, "generate", "Once upon a time").endswith("is given by --prompt 'Once upon a time'")
    assert refused(capsys, "generate", "book", "Once").endswith("is given by --prompt Once")


def test_a_run_nearly_named_is_suggested_and_so_is_a_command(house, capsys):
    assert refused(capsys, "info", "bok") == "argument RUN: there is no run bok; did you mean runs/book?"
    assert refused(capsys, "generat", "book") == "there is no command 'generat'; did you mean 'ostinato generate'?"
    assert refused(capsys, "sample", "book").endswith("did you mean 'ostinato generate'?")
    assert refused(capsys, "zzz") == "there is no command 'zzz'; 'ostinato --help' lists them"


def test_options_of_other_tools_with_one_hyphen_are_no_short_ones(house, capsys):
    assert refused(capsys, "train", "a.txt", "-seq_length", "32") == "--seq_length is a setting: --set window=32"
    assert main(["generate", "book", "--start", "the", "-n5", "-s3"]) == 0


def test_what_runs_is_given_is_a_folder_of_runs(house, capsys):
    assert main(["runs", "runs/book"]) == 2
    assert capsys.readouterr().err == "error: runs/book is a run itself: ostinato info runs/book tells about it\n"
    assert main(["runs", "nothere"]) == 1
    assert capsys.readouterr().err == "error: there is no folder nothere\n"


def test_a_hyphen_scores_standard_input(house, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"the cat")))
    assert main(["score", "book", "-", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["symbols"] == 7


def test_without_a_run_the_newest_is_named(house, capsys, tmp_path):
    assert refused(capsys, "generate") == "give a run folder; the newest one is runs/book: ostinato generate runs/book"
    (tmp_path / "runs" / "book").unlink()
    assert refused(capsys, "info") == "give a run folder; 'ostinato train CORPUS' makes one"


def test_a_run_here_goes_before_one_in_runs(house, capsys, tmp_path):
    (tmp_path / "book").write_text("no run")
    assert main(["info", "book"]) == 1
    os.unlink(tmp_path / "book")
    assert main(["info", "book"]) == 0
    capsys.readouterr()


def test_training_ends_with_what_to_try_next(house, capsys, tmp_path):
    (tmp_path / "t.txt").write_text("to be or not to be, that is the question. " * 30)
    words = ["train", "t.txt", "--steps", "2", "--out", "my runs", "--no-report", "--set", "hidden_size=8"]
    assert main(words) == 0
    told = capsys.readouterr().out
    line = next(line for line in told.splitlines() if line.startswith("next: "))
    command = shlex.split(line.removeprefix("next: "))
    assert command[:3] == ["ostinato", "generate", "my runs"]
    assert main([*command[1:], "-n", "5"]) == 0


def test_a_file_for_another_recipe_says_which(house, corpora, capsys, tmp_path):
    words = [
        "train",
        str(corpora / "tunes.abc"),
        "--steps",
        "2",
        "--out",
        "abc",
        "--no-report",
        "--set",
        "hidden_size=8",
    ]
    assert main(words) == 0
    assert "tunes.abc looks like a file for folk or folk-rnn: --recipe folk" in capsys.readouterr().out
    (tmp_path / "a.wav").write_bytes(b"RIFF\0\0\0\0")
    assert main(["train", "a.wav", "--out", "x"]) == 1
    err = capsys.readouterr().err
    assert "a.wav is binary" in err
    assert "a.wav looks like a file for classify or ctc: --recipe classify" in err


def test_addition_takes_as_many_examples_as_its_digits_have(house, capsys, tmp_path):
    words = ["train", "--recipe", "addition", "--steps", "2", "--out", "add", "--set", "hidden_size=8"]
    assert main([*words, "--set", "digits=2"]) == 0
    assert "5,024 sums of numbers of up to 2 digits" in capsys.readouterr().out
