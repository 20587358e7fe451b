"""The command line as a user meets it: exact text, exit status, and what goes where."""

import io
import json
import math
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time

import pytest

import ostinato
from ostinato.app.cli import main
from ostinato.app.commands import COMMANDS, build_parser
from ostinato.app.verbs import generate
from ostinato.data import EMBEDDED
from ostinato.data.datasets import DATA_SETS
from ostinato.data.embedded import read_embedded
from ostinato.data.reading import names_of_corpora
from ostinato.disk.documents import FORMAT
from ostinato.runs import RunFolder

SMALL = ["--set", "hidden_size=16", "--set", "batch_size=4", "--set", "window=16", "--set", "precision=float32"]


def objects(text):
    return [json.loads(line) for line in text.splitlines()]


def test_generate_prints_the_prompt_and_streams_what_follows(run, text_run, text_model):
    status, out, err = run("generate", text_run, "--prompt", "the ", "--length", 30, "--seed", 5, "--temperature", 0.5)
    assert status == 0
    assert err.endswith("(written by compiled code, int8)\n")
    assert out == "the " + text_model.generate("the ", length=30, seed=5, temperature=0.5).text + "\n"


def test_generate_without_a_seed_tells_the_one_it_took(run, text_run):
    status, out, err = run("generate", text_run, "--length", 30)
    assert status == 0
    seed = err.removeprefix("(seed ").partition(",")[0]
    assert run("generate", text_run, "--length", 30, "--seed", seed)[1] == out


def test_several_samples_come_in_one_batch_and_each_can_be_made_again_alone(run, text_run):
    _, out, _ = run("generate", text_run, "--samples", 3, "--seed", 7, "--length", 20, "--json")
    samples = objects(out)
    assert [sample["seed"] for sample in samples] == [7, 8, 9]
    names = {"text", "prompt", "log_prob", "symbols", "seed", "finished", "ending", "rank", "weight", "log_kept"}
    names |= {"precision"}
    assert all(set(s) == names | {"removed", "novelty"} for s in samples)
    _, alone, _ = run("generate", text_run, "--seed", 9, "--length", 20, "--json")
    assert objects(alone)[0]["text"] == samples[2]["text"]
    _, told, _ = run("generate", text_run, "--samples", 2, "--seed", 7, "--length", 20)
    assert told == f"--- seed 7\n{samples[0]['text']}\n\n--- seed 8\n{samples[1]['text']}\n"


def test_every_line_of_a_file_can_be_a_prompt(run, text_run, tmp_path):
    path = tmp_path / "prompts.txt"
    path.write_text("the cat\nthe dog sat on\n")
    _, out, _ = run("generate", text_run, "--prompts", path, "--beam", 3, "--n-best", 2, "--length", 8, "--json")
    found = objects(out)
    assert [sample["prompt"] for sample in found] == ["the cat"] * 2 + ["the dog sat on"] * 2
    alone = objects(run("generate", text_run, "--prompt", "the cat", "--beam", 3, "--length", 8, "--json")[1])
    assert alone[0]["text"] == found[0]["text"]
    _, out, _ = run("generate", text_run, "--prompts", path, "--samples", 2, "--seed", 1, "--length", 8)
    assert [line for line in out.splitlines() if line.startswith("---")] == [f"--- seed {n}" for n in (1, 2, 3, 4)]


def test_the_rules_are_shown_in_their_order(run, text_run):
    options = ["--top-p", 0.9, "--temperature", 0.8, "--match", "a+"]
    _, out, _ = run("generate", text_run, *options, "--rules")
    assert out == "1 constraint: match 'a+'\n2 temperature: temperature '0.8'\n3 top-p: top-p 0.9\n"
    _, out, _ = run("generate", text_run, "--rules")
    assert out == "no rules are on\n"
    order = ["--rules", "temperature,constraint,top-p", "--seed", 1, "--length", 5]
    assert run("generate", text_run, *options, *order)[:2] == (0, "aaaaa\n")


def test_a_constraint_tells_what_it_removed(run, text_run):
    _, out, err = run("generate", text_run, "--match", "the [a-z]{3}", "--seed", 1)
    assert re.fullmatch(r"the [a-z]{3}\n", out)
    assert re.search(r"\(the constraint removed \d+\.\d% of the probability mass per symbol\)\n", err)
    (sample,) = objects(run("generate", text_run, "--match", "the [a-z]{3}", "--seed", 1, "--json")[1])
    assert sample["removed"] == pytest.approx(1 - math.exp(sample["log_kept"] / sample["symbols"]))
    assert (sample["ending"], sample["finished"]) == ("complete", True)
    _, out, err = run("generate", text_run, "--match", "the [a-z]{3}", "--seed", 1, "--exact", "--json")
    assert re.fullmatch(r"the [a-z]{3}", objects(out)[0]["text"])
    assert err == "(drawn exactly, by enumeration)\n"
    _, _, err = run("generate", text_run, "--match", "[a-z. ]*", "--length", 4, "--seed", 1, "--exact")
    assert err.startswith("(drawn exactly, by rejection)\n")


def test_a_lexicon_is_read_from_a_file(run, text_run, tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("cat\nthe on\n")
    _, out, _ = run(
        "generate", text_run, "--lexicon", path, "--ban", "  ", "--max-line", 20, "--seed", 1, "--length", 60
    )
    assert set(re.findall(r"\w+", out)) <= {"cat", "the", "on"}
    assert all(len(line) <= 20 for line in out.splitlines())


def test_what_got_stuck_says_so(run, text_run):
    status, out, err = run("generate", text_run, "--match", "a+", "--no-repeat", 2, "--length", 9, "--seed", 1)
    assert (status, out) == (0, "aa\n")
    assert "(stuck: the rules together left no symbol; loosen one of them)" in err


def test_samples_are_told_as_they_come_and_in_their_order(run, item_run, monkeypatch):
    told = []
    ready = generate._Teller.ready

    def watched(self, run):
        ready(self, run)
        told.append(self._row)

    monkeypatch.setattr(generate._Teller, "ready", watched)
    _, out, _ = run("generate", item_run, "--samples", 20, "--seed", 1)
    assert told == sorted(told)
    assert len(set(told)) > 2  # not all at once
    monkeypatch.setattr(generate._Teller, "ready", lambda self, run: None)
    assert run("generate", item_run, "--samples", 20, "--seed", 1)[1] == out


def test_items_are_printed_a_line_each(run, item_run):
    _, out, _ = run("generate", item_run, "--samples", 5, "--seed", 1)
    assert len(out.splitlines()) == 5
    _, out, _ = run("generate", item_run, "--samples", 5, "--seed", 1, "--json")
    assert all(sample["finished"] for sample in objects(out))


def test_a_prompt_may_come_from_a_file_and_be_cut_to_its_end(run, text_run, tmp_path):
    path = tmp_path / "prompt.txt"
    path.write_text("the dog sat on the ")
    whole = run("generate", text_run, "--prompt-file", path, "--greedy", "--length", 5)[1]
    assert whole.startswith("the dog sat on the ")
    tail = run("generate", text_run, "--prompt-file", path, "--prompt-tail", 4, "--greedy", "--length", 5)[1]
    assert len(tail) == 4 + 5 + 1
    assert tail.startswith("the ")


def test_a_stop_string_ends_a_text(run, text_run):
    _, out, _ = run("generate", text_run, "--seed", 1, "--stop", ".", "--stop", "\n", "--json")
    (sample,) = objects(out)
    assert sample["finished"]
    assert "." not in sample["text"]


def test_generate_can_be_piped_into_head(text_run):
    command = f"{sys.executable} -m ostinato generate {text_run} --seed 1 --length 300000 | head -c 10"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False)
    assert len(done.stdout) == 10
    assert "Traceback" not in done.stderr
    assert done.returncode == 141  # not 0: what was asked for is not done


@pytest.mark.xdist_group("signals")
@pytest.mark.parametrize("json_lines", [[], ["--json"]], ids=str)
def test_training_whose_output_nobody_reads_saves_and_says_how_to_go_on(corpora, tmp_path, json_lines):
    out = tmp_path / "run"
    words = [
        sys.executable,
        "-m",
        "ostinato",
        "train",
        corpora / "cats.txt",
        "--out",
        out,
        "--steps",
        2000,
        *json_lines,
    ]
    command = shlex.join(map(str, [*words, "--threads", 1, "--no-report", *SMALL])) + " | head -1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 141
    step = RunFolder(out).steps()[-1]
    assert 0 <= step < 2000
    last = done.stderr.splitlines()[-1]
    assert last == (
        f"nobody reads the output any more: stopped and saved at step {step}. To go on: ostinato resume {out}"
    )
    assert RunFolder(out).finished() is None
    assert ostinato.resume(out).trainer.step == step


def test_score_tells_one_line_or_every_part(run, text_run, text_model):
    result = text_model.score("the cat")
    status, out, _ = run("score", text_run, "the cat")
    assert status == 0
    assert out == (
        f"log probability {result.log_prob:.4f}, {result.bits_per_symbol:.4f} bits per symbol, "
        f"perplexity {result.perplexity:.3f}, 7 symbols (exact)\n"
    )
    _, out, _ = run("score", text_run, "the cat\nsat", "--per", "word")
    lines = [line.split("\t") for line in out.splitlines()[:-1]]
    assert [line[-1] for line in lines] == ["text", "the", " cat", "⏎sat"]
    assert len(run("score", text_run, "the\ncat\n", "--per", "line")[1].splitlines()) == 4


def test_score_as_json_carries_units_in_its_names(run, text_run):
    _, out, _ = run("score", text_run, "the cat", "--json", "--per", "symbol")
    (told,) = objects(out)
    assert set(told) >= {"text", "log_prob", "nats_per_symbol", "bits_per_symbol", "perplexity", "symbols", "parts"}
    assert told["nats_per_symbol"] == pytest.approx(-told["log_prob"] / 7)
    assert told["bits_per_symbol"] == pytest.approx(told["nats_per_symbol"] / math.log(2))
    assert told["perplexity"] == pytest.approx(math.exp(told["nats_per_symbol"]))
    assert sum(part["log_prob"] for part in told["parts"]) == pytest.approx(told["log_prob"])


def test_score_reads_files_and_standard_input(run, text_run, item_run, tmp_path, monkeypatch):
    path = tmp_path / "names.txt"
    path.write_text("anna\nbeta\n")
    assert [told["text"] for told in objects(run("score", item_run, "--file", path, "--json")[1])] == ["anna", "beta"]
    stdin = io.TextIOWrapper(io.BytesIO(b"the cat"))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert objects(run("score", text_run, "--json")[1])[0]["text"] == "the cat"


@pytest.mark.parametrize("protocol", ["contiguous", "windows"])
def test_evaluate_names_its_protocol(run, text_run, corpora, protocol):
    count = ["--windows", 50] if protocol == "windows" else []
    arguments = ["evaluate", text_run, corpora / "cats.txt", "--protocol", protocol, *count]
    status, out, _ = run(*arguments)
    assert status == 0
    assert out.startswith(f"{protocol}: ")
    (told,) = objects(run(*arguments, "--json")[1])
    assert set(told) >= {"protocol", "symbols", "nats_per_symbol", "bits_per_symbol", "perplexity", "standard_error"}
    assert told["symbols"] == (50 * 256 if protocol == "windows" else len((corpora / "cats.txt").read_text()))


def test_evaluate_scores_items_with_their_ends(run, item_run, corpora):
    (told,) = objects(run("evaluate", item_run, corpora / "names.txt", "--json")[1])
    assert told["protocol"] == "items"
    assert told["symbols"] == len((corpora / "names.txt").read_text()) + 1
    status, _, err = run("evaluate", item_run, corpora / "names.txt", "--protocol", "windows")
    assert (status, err) == (2, "error: protocol 'windows' does not fit a model of items; use items or dynamic\n")


def test_train_prints_lines_and_json_goes_to_standard_output_alone(run, corpora, tmp_path):
    arguments = ["train", corpora / "cats.txt", "--steps", 8, *SMALL]
    status, out, _ = run(*arguments, "--out", tmp_path / "a")
    assert status == 0
    assert "running text, 2,940 characters" in out
    assert "step 8/8" in out
    assert "bits per symbol" in out
    assert f"the run is in {tmp_path / 'a'}" in out
    status, out, err = run(*arguments, "--out", tmp_path / "b", "--json")
    assert status == 0
    assert [record["step"] for record in objects(out)] == list(range(1, 9))
    assert objects(out) == objects((tmp_path / "b" / "metrics.jsonl").read_text())
    assert "valid_nats_per_symbol" in objects(out)[0]
    assert "the run is in" in err


def test_a_run_is_named_after_its_corpus_and_never_takes_a_name_twice(run, corpora, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("cats", "cats-2"):
        run("train", corpora / "cats.txt", "--steps", 1, *SMALL)
        assert (tmp_path / "runs" / name / "config.json").exists()
    status, out, _ = run("runs")
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()] == ["runs/cats", "runs/cats-2"]
    assert [row["status"] for row in objects(run("runs", "--json")[1])] == ["finished", "finished"]


def test_info_tells_all_and_how_many_sampled_items_are_new(run, item_run):
    status, out, _ = run("info", item_run)
    assert status == 0
    assert "data: names.txt" in out
    assert "novelty: of 1,000 sampled items " in out
    (told,) = objects(run("info", item_run, "--json")[1])
    assert told["novelty"]["samples"] == 1000
    assert 0 <= told["novelty"]["new"] <= 1000
    assert told["parameters"] == ostinato.load(item_run).parameters
    assert told["training"]["status"] == "finished (done)"


def test_info_tells_about_several_runs(run, text_run, item_run):
    alone = [run("info", path)[1] for path in (text_run, item_run)]
    assert run("info", text_run, item_run)[1] == "\n".join(alone)
    assert [told["path"] for told in objects(run("info", text_run, item_run, "--json")[1])] == [
        str(text_run),
        str(item_run),
    ]
    status, out, err = run("info", text_run, item_run, "--plot", "x.svg")
    assert (status, out, "'ostinato compare RUN RUN --plot FILE'" in err) == (2, "", True)
    assert run("info", text_run, text_run / "nowhere")[:2] == (1, "")


def test_export_and_everything_from_the_file(run, text_run, tmp_path):
    path = tmp_path / "model.safetensors"
    assert run("export", text_run, path)[0] == 0
    assert run("info", path)[0] == 0
    same = [run("generate", source, "--seed", 3, "--length", 20)[1] for source in (text_run, path)]
    assert same[0] == same[1]


def test_recipes_and_data_are_listed(run):
    names = [line.split()[0] for line in run("recipes")[1].splitlines()]
    assert names == [
        *("char-lm", "word-lm", "folk", "folk-rnn"),
        *("translate", "addition", "tag", "classify", "ctc"),
        *("rnn-nade", "rnn-rbm", "rnn-bernoulli", "note-lstm"),
    ]
    assert "hidden_size = 512" in run("recipes", "char-lm")[1]
    told = run("data")[1]
    assert [line.split()[0] for line in told.splitlines()[1:3]] == ["python-docs", "python-stdlib"]
    assert "tinyshakespeare" in told
    assert run("data", "python-docs", "--print")[1] == read_embedded("python-docs")
    assert run("data", "shakespear") == (
        2,
        "",
        "error: unknown data set 'shakespear' in the command; did you mean 'tinyshakespeare'? Known: "
        + ", ".join(sorted([*EMBEDDED, *DATA_SETS]))
        + "\n",
    )


def test_the_demo_trains_and_shows(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, out, _ = run("demo", "--minutes", 0.15, "--out", tmp_path / "runs" / "demo")
    assert status == 0
    for told in ("temperature 0.4", "temperature 0.8", "temperature 1.1", "most surprising", "Three things"):
        assert told in out
    commands = [line for line in out.splitlines() if line.startswith(("  ostinato generate", "  ostinato score"))]
    assert len(commands) == 2
    for command in commands:
        assert run(*shlex.split(command)[1:])[0] == 0


@pytest.mark.xdist_group("signals")
def test_ctrl_c_saves_and_tells_how_to_go_on(corpora, tmp_path):
    out = tmp_path / "run"
    command = [sys.executable, "-m", "ostinato", "train", str(corpora / "cats.txt"), "--out", str(out)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        [*command, "--steps", "100000", *SMALL], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        checkpoint = out / "checkpoints" / "step-000000"
        for _ in range(300):
            if checkpoint.exists():
                break
            time.sleep(0.1)
        time.sleep(1.0)
        process.send_signal(signal.SIGINT)
        told, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    last = told.strip().splitlines()[-1]
    step = RunFolder(out).steps()[-1]
    assert step > 0
    assert last == f"stopped and saved at step {step}. To go on: ostinato resume {out}"


BAD = [
    (["--temperature", "0"], 2, "temperature must be a finite number above 0, got 0; for the most probable symbol at "
     "each step, use --greedy"),
    (["--top-p", "2"], 2, "top-p must be above 0 and at most 1, got 2"),
    (["--top-k", "0"], 2, "top-k must be at least 1, got 0; leave it out to keep all symbols"),
    (["--greedy", "--top-k", "3", "--samples", "2"], 2, "greedy search takes the most probable symbol, always; it "
     "cannot go with top-k, several samples"),
    (["--length", "0"], 2, "length must be at least 1, got 0"),
    (["--rules", "topk"], 2, "unknown rule 'topk' in --rules; did you mean 'top-k'? Known: bias, constraint, dry, end, "
     "epsilon, eta, max-copy, min-p, mirostat, no-repeat, presence-frequency, repetition, temperature, top-k, top-p, "
     "typical"),
    (["--bias", "z"], 2, "--bias must be SYMBOL=NATS, such as 'z=-2', got 'z'"),
    (["--bias", "zz=1"], 2, "bias: 'zz' is no symbol of this model's characters codec. Of words and subwords, give the "
     "space before as well; to ban what is longer than a symbol, use ban"),
    (["--min-length", "3"], 2, "min-length: this model writes running text, which has no end; use --length"),
    (["--beam", "4", "--temperature", "0.5"], 2, "a beam search draws nothing, and temperature is for drawing; "
     "leave it out, or add draw or stochastic"),
    (["--beam", "4", "--samples", "3"], 2, "a beam gives its best with n-best, not with several samples; use n-best "
     "3"),
    (["--watch"], 2, "--watch shows a beam search of one prompt in a terminal; give --beam, and no --json"),
    (["--pace", "1"], 2, "--pace slows --watch down, by 0 to 60 seconds a step; got 1"),
    (["--exact"], 2, "exact sampling is for constraints, and none is given; without one, sampling is exact"),
    (["--match", "a", "--stop", "b"], 2, "a stop string cuts the text before it, and what is left might not fulfil the "
     "constraint; leave stop out, or say in the constraint how the text ends"),
    (["--match", "Z"], 2, "no text of this model's symbols fulfils the constraint: the pattern 'Z'. Some characters it "
     "needs may not be in the model's vocabulary ('ostinato info RUN' tells)"),
    (["--mirostat", "2", "--top-k", "3"], 2, "mirostat chooses itself how much of the tail to cut; it cannot go with "
     "top-k: leave them out"),
    (["--stop", ""], 2, "a stop string must have at least one character, got an empty one"),
    (["--prompt", "QUEEN?"], 1, "the text has 5 symbols outside the 15 this model knows: 'Q' (U+0051) at position 0, "
     "'U' (U+0055) at position 1, 'E' (U+0045) at position 2, 'N' (U+004E) at position 4, '?' (U+003F) at position 5. "
     "Ways out: change the text, or choose --unknown nearest (takes the most alike known symbol) or --unknown skip "
     "(leaves them out)"),
    (["--device", "cpu:foo"], 2, "device 'cpu:foo' is not there; this machine has: cpu"),
    (["--device", "tpu"], 2, "device 'tpu' is not there; this machine has: cpu"),
    (["--threads", "0"], 2, "threads must be at least 1 and at most 1024, got 0"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "status", "message"), BAD, ids=[" ".join(bad[0]) for bad in BAD])
def test_bad_arguments_of_generate_end_in_one_clear_line(run, text_run, arguments, status, message):
    assert run("generate", text_run, *arguments) == (status, "", f"error: {message}\n")


def test_the_ways_out_of_unknown_symbols_work(run, text_run):
    for way in ("nearest", "skip"):
        assert run("generate", text_run, "--prompt", "THE QUEEN", "--unknown", way, "--seed", 1)[0] == 0
    assert run("generate", text_run, "--prompt", "THE!", "--unknown", "nearest", "--seed", 1)[1].startswith("the")


def test_a_prompt_of_ten_megabytes_is_refused_with_the_way_out(run, text_run, tmp_path):
    path = tmp_path / "long.txt"
    path.write_text("the cat. " * 1_111_112)
    assert run("generate", text_run, "--prompt-file", path) == (
        2,
        "",
        "error: the prompt has 10,000,008 symbols; at most 1,000,000 are read. What is that far back is forgotten "
        "anyway: give the prompt's end, for example with --prompt-tail 10000\n",
    )
    assert run("generate", text_run, "--prompt-file", path, "--prompt-tail", 2000, "--seed", 1, "--length", 5)[0] == 0


def test_a_long_prompt_is_read(run, text_run, tmp_path):
    path = tmp_path / "long.txt"
    path.write_text("the cat sat on the mat. " * 8_000)
    assert run("score", text_run, "the")[0] == 0
    assert run("generate", text_run, "--prompt-file", path, "--seed", 1, "--length", 5)[0] == 0


TRAINING = [
    ("empty.txt", b"", [], 1, "{} is empty: there is nothing to learn from"),
    ("one.txt", b"a" * 500, [], 1, "{} holds only one symbol, 'a': there is nothing to learn from"),
    ("binary.bin", b"\0\1\2", [], 1, "{} is binary, not text: byte 0 is zero. Give text files, or name its --encoding"),
    ("short.txt", b"abcabcabcabc", [], 1, "the training text has 10 symbols, fewer than batch_size + 1 = 2 windows of "
     "48. Give more text, or --set window=5 --set batch_size=1"),
    ("latin.txt", "é".encode("latin-1") * 9, [], 1, "{} is not utf-8: byte 0 is 0xe9. Name the right one (such as "
     "--encoding latin-1), or use --errors replace"),
    ("ok.txt", b"abc\n\nab" * 99, ["--set", "hiden_size=3"], 2, "unknown setting 'hiden_size' in --set; did you mean "
     "'hidden_size'? Known: activation_penalty, average, batch_size, beta2, clip, codec, cooldown, core, dropout, "
     "embedding_size, feedback, feedback_choice, feedback_k, feedback_least, feedback_per, feedback_slope, "
     "hidden_size, input_dropout, layers, learning_rate, momentum, nfc, optimizer, passes, patience, precision, "
     "recurrent_dropout, residual, restart, tied, unknown, valid_symbols, variational, vocabulary, warmup, "
     "weight_decay, window"),
    ("ok.txt", b"abc\n\nab" * 99, ["--set", "layers=0", "--set", "dropout=2"], 2, "layers must be at least 1 and at "
     "most 100, got 0 (in the settings given)\ndropout must be at least 0 and below 1, got 2.0 (in the settings "
     "given)"),
    ("ok.txt", b"abc\n\nab" * 99, ["--set", "core=jordan", "--set", "dropout=0.5"], 2, "core = 'jordan' puts out "
     "logits, which are never dropped; use input_dropout or recurrent_dropout (in the settings given)"),
    ("ok.txt", b"abc\n\nab" * 99, ["--seed", "-1"], 2, "seed must be at least 0, got -1"),
    ("ok.txt", b"abc\n\nab" * 99, ["--unknown", "skip"], 2, "--unknown is for a model that exists; it needs --from"),
    ("ok.txt", b"abc\n\nab" * 99, ["--recipe", "charlm"], 2, "unknown recipe 'charlm' in --recipe; did you mean "
     "'char-lm'? Known: addition, char-lm, classify, ctc, folk, folk-rnn, "
     "note-lstm, rnn-bernoulli, rnn-nade, rnn-rbm, tag, "
     "translate, word-lm"),
    ("ok.txt", b"abc\n\nab" * 99, ["--valid", "nothing.txt"], 2, "--valid 'nothing.txt' is neither a share such as 0.1 "
     "nor a file that exists"),
    ("ok.txt", b"abc\n\nab" * 99, ["--valid", "1.5"], 1, "the share for validation must be above 0 and below 1, "
     "got 1.5"),
    ("ok.txt", b"abc\n\nab" * 99, ["--minutes", "-1"], 2, "minutes must be above 0, got -1.0"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "data", "arguments", "status", "message"), TRAINING, ids=[f"{b[0]} {' '.join(b[2])}" for b in TRAINING]
)
def test_what_cannot_be_trained_on_ends_in_one_clear_line(run, tmp_path, name, data, arguments, status, message):
    path = tmp_path / name
    path.write_bytes(data)
    out = tmp_path / "run"
    told = run("train", path, "--out", out, *arguments)
    assert told == (status, "", f"error: {message.format(path)}\n")
    assert not out.exists()


def test_missing_files_and_runs_are_named(run, tmp_path):
    missing = tmp_path / "missing"
    status, _, err = run("train", missing)
    assert (status, err.splitlines()[0]) == (
        1,
        f"error: there is no file or folder '{missing}'. A corpus is a file, a folder, a glob in quotes, "
        "'-' for standard input, or one of: " + ", ".join(names_of_corpora()),
    )
    for command in ("generate", "score", "info", "resume"):
        words = [command, missing, *(["the"] if command == "score" else [])]
        assert run(*words) == (
            1,
            "",
            f"error: {missing} does not exist. 'ostinato train CORPUS --out {missing}' makes one; "
            "'ostinato runs' lists those there are\n",
        )


def test_a_run_of_another_version_names_both(run, text_run):
    path = text_run / "config.json"
    path.write_text(path.read_text().replace(f'"format": {FORMAT}', f'"format": {FORMAT - 1}'))
    assert run("generate", text_run) == (
        1,
        "",
        f"error: {path} has format version {FORMAT - 1}; this version of ostinato reads {FORMAT}. "
        "Train it anew, or use the version of the code that wrote it\n",
    )


def test_starting_from_weights_of_another_size_is_refused(run, text_run, corpora, tmp_path):
    status, _, err = run("train", corpora / "cats.txt", "--from", text_run, "--set", "embedding_size=9", "--steps", 1)
    assert (status, err) == (
        2,
        f"error: the weights of {text_run} do not fit these settings: embedding.weight has shape (16, 8), "
        "the model has (16, 9). Leave the settings of its sizes as they are, or train without --from\n",
    )


def test_a_kind_that_does_not_fit_the_base_is_refused(run, text_run, corpora, tmp_path):
    status, _, err = run("train", corpora / "names.txt", "--from", text_run, "--steps", 1, "--out", tmp_path / "x")
    assert (status, err) == (
        2,
        f"error: {text_run} is a model of running text, the corpus is items; force its kind with --as\n",
    )


def test_the_symbols_of_a_base_cannot_be_set(run, text_run, corpora):
    status, _, err = run("train", corpora / "cats.txt", "--from", text_run, "--set", "codec=bytes", "--steps", 1)
    assert (status, err) == (2, f"error: with --from the symbols are those of {text_run}; codec cannot be set\n")


def test_options_of_one_protocol_are_refused_with_another(run, text_run, corpora):
    status, _, err = run("evaluate", text_run, corpora / "cats.txt", "--windows", 5)
    assert (status, err) == (2, "error: windows and seed are for the windows protocol, not for contiguous\n")
    arguments = ["evaluate", text_run, corpora / "cats.txt", "--protocol", "windows"]
    assert run(*arguments, "--windows", 0)[2] == "error: windows must be at least 1, got 0\n"
    assert run(*arguments, "--seed", -1)[2] == "error: seed must be at least 0, got -1\n"


def test_an_empty_text_is_not_scored(run, text_run):
    assert run("score", text_run, "") == (2, "", "error: there is nothing to score: the text is empty\n")


def test_what_nobody_foresaw_still_ends_in_one_line(run, text_run, monkeypatch):
    import ostinato.workshop.holding

    def fail(*_, **__):
        raise RuntimeError("the sky fell\nin pieces")

    monkeypatch.setattr(ostinato.workshop.holding, "load", fail)
    assert run("generate", text_run) == (1, "", "error: RuntimeError: the sky fell (--debug shows where)\n")


DESCRIPTIONS = ["config.json", "codec.json", "origin.json"]
OTHERS = ["best.json", "finished.json", "novelty.json", "metrics.jsonl", "corpus.safetensors"]
PARTS = ["weights", "average", "optimizer", "carried_state"]


@pytest.mark.parametrize("cut", [True, False])
@pytest.mark.parametrize("command", ["generate", "resume"])
def test_every_file_of_a_run_may_be_damaged_and_one_line_says_what_follows(run, item_run, tmp_path, command, cut):
    """Whole descriptions are needed; without the rest there is a way, but for the corpus when training goes on."""
    arguments = ["--seed", 1] if command == "generate" else ["--minutes", 0.005, "--threads", 1]
    last = sorted((item_run / "checkpoints").iterdir())[-1].relative_to(item_run)
    names = [*DESCRIPTIONS, *OTHERS, last / "trainer.json", *(last / f"{part}.safetensors" for part in PARTS)]
    for number, name in enumerate(names):
        copy = shutil.copytree(item_run, tmp_path / str(number))
        path = copy / name
        broken = bytearray(path.read_bytes())
        broken = broken[: len(broken) // 2] if cut else broken
        broken[len(broken) // 2] ^= 1
        path.write_bytes(broken)
        status, out, err = run(command, copy, *arguments)
        fatal = name in DESCRIPTIONS or (name == "corpus.safetensors" and command == "resume")
        assert status == int(fatal), f"{path}: {out}{err}"
        if fatal:
            assert err.startswith(f"error: {path} is damaged: ")
            assert len(err.splitlines()) == 1


def test_two_processes_on_one_run_end_in_one_clear_line(run, text_run):
    code = (
        "import sys, pathlib; from ostinato.runs import RunFolder\n"
        f"with RunFolder(pathlib.Path({str(text_run)!r})).locked(): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        told = f"error: {text_run} is in use by another process that trains it; wait for it or stop it\n"
        assert run("resume", text_run, "--minutes", 1) == (1, "", told)
        other.kill()


def test_damage_is_told_by_every_command_that_reads_a_model(run, text_run):
    best = json.loads((text_run / "best.json").read_text())
    path = text_run / "checkpoints" / f"step-{best['step']:06d}" / f"{best['weights']}.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    for words in (["generate", text_run, "--seed", 1], ["score", text_run, "the"], ["info", text_run]):
        assert "is damaged" in run(*words)[2]


def test_a_score_shows_whole_characters_whatever_the_symbols_are(run, tmp_path):
    (tmp_path / "t.txt").write_text("le café était fermé.\n\n" * 50)
    settings = [*SMALL, "--set", "codec=bytes"]
    assert run("train", tmp_path / "t.txt", "--out", tmp_path / "r", "--steps", 1, *settings)[0] == 0
    (told,) = objects(run("score", tmp_path / "r", "café été", "--per", "word", "--json")[1])
    assert [part["text"] for part in told["parts"]] == ["café", " été"]
    assert [part["symbols"] for part in told["parts"]] == [5, 6]
    shown = ostinato.load(tmp_path / "r").score("é<")._repr_html_()
    assert ">é</span>" in shown
    assert ">&lt;</span>" in shown


def test_debug_shows_the_traceback(text_run):
    with pytest.raises(ostinato.ConfigError):
        main(["--debug", "generate", str(text_run), "--temperature", "0"])


def test_wrong_usage_is_status_two(run):
    assert run("generate")[0] == 2
    assert run("sing")[0] == 2
    assert run("--help")[0] == 0


def test_symbols_that_unknown_changes_are_counted_and_said(run, text_run, tmp_path):
    (tmp_path / "held.txt").write_text("the cat sat. " * 20 + "ÄÖ?")
    status, _, err = run("evaluate", text_run, tmp_path / "held.txt", "--unknown", "skip")
    assert status == 0
    assert err == "--unknown skip: 3 of 263 symbols are unknown to the model and were left out (1.1%)\n"
    status, _, err = run(
        "generate", text_run, "--prompt", "Thé cat", "--unknown", "nearest", "--length", 3, "--seed", 1
    )
    assert status == 0
    assert "--unknown nearest: 2 of 7 symbols are unknown to the model and were replaced by the nearest" in err
    assert "--unknown" not in run("score", text_run, "the cat", "--unknown", "skip")[2]


PTB = "no it was n't <unk> monday \n but while the new york stock exchange did n't fall <unk> \n" * 40


def test_a_model_of_plain_words_has_the_papers_perplexity_per_word_and_no_bits_per_character(run, tmp_path):
    (tmp_path / "ptb.txt").write_text(PTB)
    out = tmp_path / "run"
    words = ["train", tmp_path / "ptb.txt", "--recipe", "word-lm", "--as", "text", "--steps", 2, "--out", out]
    assert run(*words, "--set", "codec=plain-words", "--set", "hidden_size=16", "--no-report")[0] == 0
    (tmp_path / "test.txt").write_text("no it fell \n the exchange <unk> \n" * 50)
    status, told, _ = run("evaluate", out, tmp_path / "test.txt", "--json")
    result = json.loads(told)
    assert status == 0
    assert result["symbols"] == result["words"] == 50 * 8
    assert result["perplexity_per_word"] == pytest.approx(result["perplexity"])
    assert result["bits_per_character"] is None
    told = run("evaluate", out, tmp_path / "test.txt")[1]
    assert "(400 words: what white space separates, and every line end or end of an item)" in told
    assert "bits per character" not in told


def test_a_model_of_spelled_words_has_a_perplexity_per_word_too(run, tmp_path):
    (tmp_path / "text.txt").write_text(PTB)
    out = tmp_path / "run"
    words = ["train", tmp_path / "text.txt", "--recipe", "word-lm", "--as", "text", "--steps", 2, "--out", out]
    assert run(*words, "--set", "hidden_size=16", "--no-report")[0] == 0
    (tmp_path / "test.txt").write_text("no it fell\nthe exchange\n" * 50)
    result = json.loads(run("evaluate", out, tmp_path / "test.txt", "--json")[1])
    assert result["words"] == 50 * 7
    total = result["nats_per_symbol"] * result["symbols"]
    assert math.log(result["perplexity_per_word"]) == pytest.approx(total / (50 * 7))
    assert result["bits_per_character"] == pytest.approx(total / math.log(2) / (50 * 24))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_help_has_a_short_usage_the_most_used_options_first_and_examples_that_parse(command, run):
    status, told, _ = run(command.name, "--help")
    assert status == 0
    usage, _, rest = told.partition("\n\n")
    assert usage.startswith(f"usage: ostinato {command.name}")
    assert usage.endswith("[options]")
    assert len(usage.splitlines()) == 1
    own = rest.partition("options:\n")[2].partition("\n\n")[0]
    assert 1 <= len(re.findall(r"^  -", own, re.M)) <= 9  # --help among them, and what excludes each other
    examples = rest.partition("\nexamples:\n")[2].strip("\n").splitlines()
    assert examples
    for example in examples:
        words = shlex.split(example)
        assert words[:2] == ["ostinato", command.name]
        assert build_parser(words[1:]).parse_args(words[1:]).command == command.name
