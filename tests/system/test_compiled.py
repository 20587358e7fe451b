"""Compiled searches write what the reference search writes, rule for rule; with int8 weights, what these say."""

import itertools
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import pytest
import torch

import ostinato
from ostinato import codecs
from ostinato.app.cli import main
from ostinato.decode.compiled import NOT_COMPILED_RULES, NOT_COMPILED_SEARCHES
from ostinato.decode.pipeline import DEFAULT_ORDER, RuleSettings
from ostinato.decode.searching import SearchSettings
from ostinato.engine.cpu import cores_here
from ostinato.engine.engine import Engine
from ostinato.engine.kernels import code_digest
from ostinato.engine.packing import pack
from ostinato.engine.threads import Threads
from ostinato.errors import ConfigError, EngineError
from ostinato.families.text.generation import Generation
from ostinato.families.text.network import LanguageModel

LETTERS = codecs.CharacterCodec("abcdefgh ().\n")
ITEMS = codecs.CharacterCodec("abcdefgh ().\n", end=True)
PROMPTS = ["", "abc", "abcabcabc (a", "h"]


def both(kernels, codec, core="lstm", layers=2, *, threads=1, precision="fp32", size=24):
    """A random network, far from uniform, in PyTorch and packed."""
    torch.manual_seed(len(core))
    model = LanguageModel(codec.size, core=core, layers=layers, hidden_size=size, embedding_size=8).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.mul_(0.9 if name.endswith("weight_hh") else 2.0)
    weights = {name: value.detach().numpy() for name, value in model.named_parameters()}
    packed = pack(weights, core=core, layers=layers, symbols=codec.size, precision=precision)
    return model, Engine(packed, threads=threads, folder=kernels)


def assert_same(run, reference):
    """All that two generations tell is the same; numbers but for rounding."""
    for found, expected in zip(run.finish(), reference.finish(), strict=True):
        assert found.text == expected.text
        told = ("prompt", "symbols", "seed", "finished", "ending")
        assert [vars(found)[name] for name in told] == [vars(expected)[name] for name in told]
        for name in ("log_prob", "rank", "log_kept"):
            number, exact = vars(found)[name], vars(expected)[name]
            assert number is exact is None or number == pytest.approx(exact, abs=1e-3, rel=1e-5), name
    for row in range(run.rows):
        pairs = list(zip(run.hypotheses(row), reference.hypotheses(row), strict=True))
        assert all(a.symbols == b.symbols and a.ending == b.ending for a, b in pairs)


@pytest.mark.parametrize("core", ["elman", "elman-relu", "gru", "lstm", "capped-lstm"])
def test_the_same_seed_gives_the_same_10_000_symbols(kernels, core):
    model, engine = both(kernels, LETTERS, core, threads=2)
    options = {"length": 10_000, "seed": 5, "rules": RuleSettings(temperature=0.9)}
    (expected,) = Generation(LETTERS, model, ["abc"], **options).finish()
    (found,) = Generation(LETTERS, engine, ["abc"], **options).finish()
    assert len(expected.text) == 10_000
    assert found.text == expected.text


RULES = [
    {},
    {"temperature": 0.7},
    {"temperature": "0:2.0,10:0.4,30:1.1"},
    {"top_k": 3},
    {"top_k": 1},
    {"top_p": 0.6},
    {"min_p": 0.2},
    {"typical": 0.5},
    {"epsilon": 0.08},
    {"eta": 0.1},
    {"repetition_penalty": 1.7},
    {"repetition_penalty": 0.6, "penalty_window": 3},
    {"presence_penalty": 0.8, "frequency_penalty": 0.3, "penalty_window": 7},
    {"frequency_penalty": -0.4},
    {"bias": {"a": 1.5, "b": -2.0, "\n": float("-inf")}},
    {"ban": ["ab", "c", "(("]},
    {"brackets": "()"},
    {"max_line": 9},
    {"match": "[abc]{3,20}( [d-h]+)*\\."},
    {"lexicon": ["bad", "cab", "deaf", "face"]},
    {"temperature": 1.3, "top_k": 8, "top_p": 0.9, "min_p": 0.02},
    {"repetition_penalty": 1.2, "temperature": 0.8, "top_p": 0.8, "order": ["top-p", "repetition", "temperature"]},
    {"ban": ["a"], "temperature": 0.5, "typical": 0.9, "order": ["temperature", "constraint", "typical"]},
]
OF_ITEMS = [{"min_length": 12}, {"no_end": True}, {"end_bias": 2.0}, {"match": "(ab|cd)*e?", "end_bias": -1.0}]


@pytest.mark.parametrize("rules", RULES, ids=str)
@pytest.mark.parametrize("search", [{}, {"greedy": True}], ids=str)
@pytest.mark.parametrize("codec", [LETTERS, ITEMS], ids=["text", "items"])
def test_every_compiled_rule_does_what_the_reference_does(kernels, rules, search, codec):
    if search and {"temperature", "top_k", "top_p", "min_p", "epsilon", "eta"} & rules.keys():
        pytest.skip("greedy search refuses what changes nothing")
    check(kernels, codec, search, rules, samples=3)


WORDS = ["the cat sat on the mat, the dog on the log.\n" * 9, "a b c d e f (g) h"]


@pytest.mark.parametrize("name", ["bytes", "words", "subwords"])
@pytest.mark.parametrize("search", [{}, {"beam": 3, "n_best": 2}], ids=str)
@pytest.mark.parametrize("end", [False, True])
def test_every_codec_gives_what_the_reference_gives(kernels, name, search, end):
    codec = codecs.learn(name, WORDS, end=end, vocabulary=270)
    model, engine = both(kernels, codec, "gru")
    for rules in ({}, {"ban": ["at", " d"], "repetition_penalty": 1.3}, {"max_line": 12}):
        given = {"settings": SearchSettings(**search), "rules": RuleSettings(**rules), "length": 30, "stop": ["og"]}
        given |= {} if search else {"seed": 2, "samples": 3}
        assert_same(*(Generation(codec, network, ["", "the c"], **given) for network in (engine, model)))


@pytest.mark.parametrize("rules", OF_ITEMS, ids=str)
@pytest.mark.parametrize("search", [{}, {"beam": 3, "n_best": 2}], ids=str)
def test_rules_about_the_end_do_what_the_reference_does(kernels, rules, search):
    check(kernels, ITEMS, search, rules)


BEAMS = [
    {"beam": 1},
    {"beam": 5},
    {"beam": 4, "n_best": 3},
    {"beam": 4, "length_power": 0.8},
    {"beam": 6, "gnmt": 0.6, "n_best": 6},
    {"beam": 3, "patience": 1.0},
    {"beam": 4, "patience": 0.5},
]


@pytest.mark.parametrize("search", BEAMS, ids=str)
@pytest.mark.parametrize("rules", [RULES[0], *RULES[10:20]], ids=str)
@pytest.mark.parametrize("codec", [LETTERS, ITEMS], ids=["text", "items"])
def test_every_compiled_beam_finds_what_the_reference_finds(kernels, search, rules, codec):
    check(kernels, codec, search, rules)


def check(kernels, codec, search, rules, samples=1):
    model, engine = both(kernels, codec)
    for stop in ((), ("ab", "h.")):
        if stop and {"match", "lexicon", "brackets"} & rules.keys():
            continue
        given = {"settings": SearchSettings(**search), "rules": RuleSettings(**rules), "length": 40, "stop": stop}
        given |= {} if search else {"seed": 3, "samples": samples}
        runs = [Generation(codec, network, PROMPTS, **given) for network in (engine, model)]
        assert_same(*runs)


class Growing:
    """As many b's as there were a's before them, again and again: more states than can be gone through."""

    start = (0, False)
    characters = "ab"
    interrupts = False  # once, as soon as it is asked

    def step(self, state, character):
        if self.interrupts:
            self.interrupts = False
            raise KeyboardInterrupt
        count, falling = state
        if character == "a":
            return (count + 1, False) if not falling or count == 0 else None
        return (count - 1, True) if count else None

    def accepts(self, state):
        return state == (0, True)

    def fewest(self, state):
        return state[0] if state != (0, False) else 2


@pytest.mark.parametrize("codec", [ITEMS, LETTERS], ids=["items", "text"])
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("search", [{}, {"beam": 3}], ids=str)
def test_a_table_that_is_filled_as_it_is_needed_is_filled(kernels, search, threads, codec):
    model, engine = both(kernels, codec, threads=threads)
    given = {"settings": SearchSettings(**search), "rules": RuleSettings(automaton=Growing()), "length": 30}
    given |= {} if search else {"seed": 1, "samples": 9}
    assert_same(*(Generation(codec, network, ["", "ab"], **given) for network in (engine, model)))


@pytest.mark.parametrize("search", [{}, {"beam": 3}], ids=str)
def test_an_interruption_while_a_table_is_filled_loses_nothing(kernels, search):
    _, engine = both(kernels, LETTERS)
    given = {"settings": SearchSettings(**search), "length": 40} | ({} if search else {"seed": 1})
    whole = Generation(LETTERS, engine, ["ab"], rules=RuleSettings(automaton=Growing()), **given).finish()
    automaton = Growing()
    run = Generation(LETTERS, engine, ["ab"], rules=RuleSettings(automaton=automaton), **given)
    automaton.interrupts = True
    with pytest.raises(KeyboardInterrupt):
        run.finish()
    assert not run.is_done(0)
    assert whole[0].text.startswith(run.samples()[0].text) or search
    assert run.finish() == whole


@pytest.mark.skipif(cores_here() < 2, reason="a team of two needs two cores")
@pytest.mark.parametrize("search", [{}, {"beam": 4}], ids=str)
@pytest.mark.xdist_group("signals")
def test_ctrl_c_waits_for_what_is_running_and_nothing_is_lost(kernels, search, monkeypatch):
    _, engine = both(kernels, ITEMS, threads=2, size=130)
    monkeypatch.setattr("ostinato.engine.threads._WORTH_A_TEAM", 1)
    monkeypatch.setattr(engine.threads, "note", lambda *_: None)  # it would find that so little is not worth a team
    given = {"settings": SearchSettings(**search), "rules": RuleSettings(no_end=True), "length": 200}
    given |= {} if search else {"seed": 1, "samples": 3}
    whole = Generation(ITEMS, engine, ["ab"], **given).finish()
    run, plain, calls = Generation(ITEMS, engine, ["ab"], **given), engine.threads.run, []

    def pressed(kernel, blocks):
        calls.append(len(blocks))
        signal.raise_signal(signal.SIGINT)
        plain(kernel, blocks)

    with monkeypatch.context() as patched:
        patched.setattr(engine.threads, "run", pressed)
        for _ in range(3):
            with pytest.raises(KeyboardInterrupt):
                next(run)
            next(run)  # what was written meanwhile
    assert calls == [2, 2, 2]
    assert not run.is_done(0)
    assert run.finish() == whole


@pytest.mark.parametrize("compiled", [False, True], ids=["reference", "compiled"])
@pytest.mark.parametrize("search", [{}, {"greedy": True}, {"beam": 3}], ids=str)
@pytest.mark.xdist_group("signals")
def test_whoever_reads_the_pieces_gets_every_one_however_often_ctrl_c_is_pressed(kernels, search, compiled):
    model, engine = both(kernels, LETTERS)
    given = {"settings": SearchSettings(**search), "length": 60, "pace": 1} | ({} if search else {"seed": 1})
    network = engine if compiled else model
    whole = Generation(LETTERS, network, ["ab"], **given).finish()
    run = Generation(LETTERS, network, ["ab"], **given)
    write, pieces, calls, presses = run._writer.go_on, [], itertools.count(), 0

    def pressed(steps):
        if next(calls) % 2 == 0:  # at every other symbol, and while the prompt is read
            signal.raise_signal(signal.SIGINT)
        return write(steps)

    run._writer.go_on = pressed
    while True:
        try:
            pieces.append(next(run)[0])
        except KeyboardInterrupt:
            presses += 1
        except StopIteration:
            break
    assert presses > 5
    assert "".join(pieces) == whole[0].text
    assert run.samples() == whole


def test_a_kernel_that_fails_in_one_thread_is_told_and_the_threads_go_on():
    threads = Threads(3)
    blocks = [np.array([number]) for number in range(3)]
    done = []

    def kernel(block):
        if block[0] == 2 and len(done) < 3:
            raise ValueError("no")
        done.append(int(block[0]))

    with pytest.raises(ValueError, match="no"):
        threads.run(kernel, blocks)
    threads.run(kernel, blocks)
    done.clear()
    done.extend([9, 9, 9])
    threads.run(kernel, blocks)
    assert sorted(done) == [0, 1, 2, 9, 9, 9]


@pytest.mark.xdist_group("signals")
def test_threads_that_work_are_waited_for_whatever_is_raised_meanwhile():
    threads, done = Threads(2), []

    def kernel(block):
        if block[0] == 0:
            signal.raise_signal(signal.SIGINT)  # in the thread that called
        else:
            time.sleep(0.3)
            done.append("other")

    def slowly(block):
        time.sleep(0.3 * block[0])
        done.append(int(block[0]))

    with pytest.raises(KeyboardInterrupt):
        threads.run(kernel, [np.array([0]), np.array([1])])
    assert done == ["other"]
    timer = threading.Timer(0.1, signal.raise_signal, [signal.SIGINT])  # while the first waits for the second
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        threads.run(
            lambda block: time.sleep(0.3 * block[0]) or done.append(int(block[0])), [np.array([0]), np.array([1])]
        )
    assert sorted(map(str, done)) == ["0", "1", "other"]


def test_an_engine_can_be_copied_and_used_by_many_threads_and_after_a_fork(kernels, monkeypatch):
    monkeypatch.setattr("ostinato.engine.threads._WORTH_A_TEAM", 1)
    _, engine = both(kernels, LETTERS, threads=2, size=130)

    def write(one=engine):
        return Generation(LETTERS, one, ["ab"], length=50, seed=1).finish()[0].text

    expected, found = write(), []
    assert write(pickle.loads(pickle.dumps(engine))) == expected
    others = [threading.Thread(target=lambda: found.append(write())) for _ in range(6)]
    for other in others:
        other.start()
    for other in others:
        other.join()
    assert found == [expected] * 6
    if hasattr(os, "fork"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of forking with threads, which is what is tried
            child = os.fork()
        if not child:
            os._exit(0 if write() == expected else 1)
        assert os.waitpid(child, 0)[1] == 0


def test_two_texts_of_one_symbol_add_their_biases(kernels):
    codec = codecs.CharacterCodec("ab\u00e9", nfc=True)
    model, engine = both(kernels, codec)
    rules = RuleSettings(bias={"\u00e9": -6.0, "e\u0301": 6.5})
    assert_same(*(Generation(codec, network, [""], length=40, seed=1, rules=rules) for network in (engine, model)))


def test_what_a_constraint_keeps_is_told_however_little_it_is(kernels):
    model, engine = both(kernels, LETTERS)
    rules = RuleSettings(bias={"a": -800.0}, match="a{3}", order=["bias", "constraint"])
    runs = [Generation(LETTERS, network, [""], length=9, seed=1, rules=rules) for network in (engine, model)]
    assert_same(*runs)
    assert -3000 < runs[0].samples()[0].log_kept < -2000


def test_numbers_that_overflow_are_an_error_and_no_text(kernels):
    torch.manual_seed(0)
    model = LanguageModel(LETTERS.size, core="elman-relu", layers=1, hidden_size=24, embedding_size=8)
    weights = {name: value.detach().numpy() * 30 for name, value in model.named_parameters()}
    packed = pack(weights, core="elman-relu", layers=1, symbols=LETTERS.size, precision="fp32")
    for search in ({}, {"beam": 3}):
        run = Generation(LETTERS, Engine(packed, folder=kernels), [""], length=200, settings=SearchSettings(**search))
        with pytest.raises(EngineError, match="the model's numbers overflow while it writes"):
            run.finish()


def test_where_nothing_can_be_compiled_pytorch_writes(text_run, tmp_path):
    code = f"""
import ostinato, sys
from ostinato.errors import EngineError
told = []
model = ostinato.load({str(text_run)!r}, compiling=told.append)
assert model.generate("the", length=5, seed=1).precision == "fp32"
assert model.score("the").log_prob < 0
assert len(told) == 2 and "cannot be compiled here" in told[1] and "PyTorch is used instead" in told[1], told
try:
    model.generate("the", length=5, engine="compiled")
except EngineError as error:
    print(error)
"""
    done = python(code, OSTINATO_CACHE=str(tmp_path / "empty"), NUMBA_DISABLE_JIT="1")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("'read' cannot be compiled here: ")


def test_bad_numbers_are_refused(text_model, text_run):
    for options, message in (
        ({"pace": 0}, "pace must be at least 1"),
        ({"length": 10**12}, "length must be at most 1,000,000,000 symbols"),
        ({"seed": [1, 2, 3]}, "there must be a seed for each of 1 rows, got 3"),
    ):
        with pytest.raises(ConfigError, match=message):
            text_model.generate_many(["the"], **options)
    with pytest.raises(ConfigError, match="threads must be at least 1"):
        ostinato.load(text_run, threads=0).generate("the", length=3)
    assert text_model.generate("the", length=3, seed=1, top_k=10**20).symbols == 3


@pytest.mark.parametrize("precision", ["fp32", "int8"])
@pytest.mark.parametrize("search", [{}, {"beam": 4}], ids=str)
def test_threads_and_the_batch_around_change_nothing(kernels, precision, search, monkeypatch):
    monkeypatch.setattr("ostinato.engine.threads._WORTH_A_TEAM", 1)
    rules = RuleSettings(ban=["ab"], repetition_penalty=1.3)

    def written(threads, prompts, seed, samples):
        _, engine = both(kernels, ITEMS, "gru", threads=threads, precision=precision, size=130)
        drawn = {} if search else {"seed": seed, "samples": samples}
        run = Generation(ITEMS, engine, prompts, length=60, rules=rules, settings=SearchSettings(**search), **drawn)
        return [sample.text for sample in run.finish()]

    together = written(1, PROMPTS, 0, 5)
    assert [written(threads, PROMPTS, 0, 5) for threads in (2, 3)] == [together] * 2
    if search:
        assert [written(2, [prompt], 0, 1)[0] for prompt in PROMPTS] == together
    else:
        alone = [written(2, [prompt], 5 * number + i, 1)[0] for number, prompt in enumerate(PROMPTS) for i in range(5)]
        assert alone == together


def test_pieces_of_a_stream_are_the_text_and_any_pace_gives_the_same(text_model):
    whole = text_model.generate("the ", length=700, seed=1)
    assert "".join(text_model.stream("the ", length=700, seed=1)) == whole.text
    run = text_model.generate_many(["the "], length=700, seed=1, pace=1)
    steps = list(run)
    assert len(steps) == 700
    assert all(len(pieces[0]) == 1 for pieces in steps)
    assert run.samples()[0].text == whole.text


def test_texts_are_written_in_int8_unless_fp32_is_asked_for_and_say_so(text_model):
    usual = text_model.generate("the ", length=30, seed=1)
    assert usual.precision == "int8"
    exact = text_model.generate("the ", length=30, seed=1, precision="fp32")
    reference = text_model.generate("the ", length=30, seed=1, engine="torch")
    assert exact.precision == reference.precision == "fp32"
    assert exact.text == reference.text
    assert exact.log_prob == pytest.approx(reference.log_prob, abs=1e-4)
    before = text_model.score("the ").log_prob
    assert usual.log_prob == pytest.approx(text_model.score("the " + usual.text).log_prob - before, abs=1)


def test_what_does_not_compile_is_written_by_pytorch(text_model):
    options = {"no_repeat": 4, "dry": 1.0, "mirostat": 2.0, "max_copy": 5}
    for name in NOT_COMPILED_RULES:
        sample = text_model.generate("the ", length=10, seed=1, **{name: options[name]})
        assert sample.precision == "fp32"
    assert text_model.generate_all(["the "], length=10, beam=3, stochastic=True)[0].precision == "fp32"
    compiled = {"constraint", "end", "bias", "repetition", "presence-frequency", "temperature", "top-k", "top-p"}
    compiled |= {"min-p", "typical", "epsilon", "eta"}
    assert compiled | {name.replace("_", "-") for name in NOT_COMPILED_RULES} == set(DEFAULT_ORDER)
    assert set(NOT_COMPILED_SEARCHES) < set(vars(SearchSettings()))


def test_what_compiled_code_cannot_do_is_told(text_model, tmp_path, corpora):
    message = "compiled code cannot do this: only the reference search has no-repeat; use engine torch or auto"
    with pytest.raises(ConfigError, match=message):
        text_model.generate("the", no_repeat=3, engine="compiled")
    with pytest.raises(
        ConfigError, match="precision int8 is for compiled code, and engine torch is asked for; use fp32"
    ):
        text_model.generate("the", engine="torch", precision="int8")
    with pytest.raises(ConfigError, match="engine must be one of auto, compiled, torch; got 'numba'"):
        text_model.generate("the", engine="numba")
    with pytest.raises(ConfigError, match="precision must be one of int8, fp32; got 'int4'"):
        text_model.generate("the", precision="int4")
    settings = {"hidden_size": 8, "embedding_size": 4, "precision": "float32", "core": "jordan"}
    ostinato.train(str(corpora / "cats.txt"), out=tmp_path / "j", steps=2, settings=settings).to_end()
    model = ostinato.load(tmp_path / "j")
    assert model.generate("the", length=5, seed=1).precision == "fp32"
    with pytest.raises(ConfigError, match="the core 'jordan' is not among those it has"):
        model.generate("the", engine="compiled")


def python(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def test_compiled_code_is_kept_and_then_neither_numba_nor_pytorch_is_needed(text_run, tmp_path):
    code = f"""
import sys
from ostinato.app.cli import main
run = {str(text_run)!r}
assert main(["generate", run, "--prompt", "the", "--length", "30", "--seed", "1"]) == 0
assert main(["generate", run, "--prompt", "the", "--length", "30", "--beam", "3", "--match", "[a-z ]+"]) == 0
assert main(["score", run, "the cat sat"]) == 0
assert main(["novelty", run, "--length", "50", "--samples", "2"]) == 0
print([name for name in ("torch", "numba") if name in sys.modules])
"""
    first = python(code, OSTINATO_CACHE=str(tmp_path / "cache"))
    assert first.returncode == 0, first.stderr
    assert "(compiling 'sample' for " in first.stderr
    assert first.stdout.endswith("['numba']\n")
    second = python(code, OSTINATO_CACHE=str(tmp_path / "cache"))
    assert "compiling" not in second.stderr
    assert second.stdout == first.stdout.replace("['numba']", "[]")
    (kept,) = (tmp_path / "cache" / "kernels" / code_digest()).glob("sample-*.o")
    for damage in (lambda data: data[:-100], lambda data: data.replace(b"sample", b"simple", 1)):
        kept.write_bytes(damage(kept.read_bytes()))
        third = python(code, OSTINATO_CACHE=str(tmp_path / "cache"))
        assert third.stdout == first.stdout
        assert third.stderr.count("compiling") == 1


_OWN = """
from ostinato.engine.compiled.options import compiled
from ostinato.engine.compiled.target import numbers_at

@compiled
def add_up(target, block):
    values, total = numbers_at(block[0], block[1], "float64"), numbers_at(block[2], block[3], "float64")
    for n in range(len(values)):
        total[0] += block[4] * values[n]
"""
_USE = """
import sys
from pathlib import Path
import numpy as np
from ostinato.engine.block import block_of
from ostinato.engine.cpu import choose_instructions
from ostinato.engine.kernels import Kernels
kernels = Kernels(choose_instructions(), "fp32", Path(sys.argv[1]), lambda what: print("compiling"))
values, total = np.arange(5.0), np.zeros(1)
kernels["own_code:add_up"](block_of([values, total], [3]))
print(total[0], "numba" in sys.modules)
"""


def test_compiled_code_outside_the_engine_is_kept_until_its_file_changes(tmp_path):
    def used():
        words = [sys.executable, "-c", _USE, str(tmp_path / "cache")]
        path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
        env = {**os.environ, "PYTHONPATH": path}
        ran = subprocess.run(words, env=env, capture_output=True, text=True, check=True)
        return ran.stdout.split()

    (tmp_path / "own_code.py").write_text(_OWN)
    assert used() == ["compiling", "30.0", "True"]
    assert used() == ["30.0", "False"]
    (tmp_path / "own_code.py").write_text(_OWN.replace("block[4] *", "block[4] +"))
    assert used() == ["compiling", "25.0", "True"]


def test_a_cache_that_cannot_be_written_is_done_without(text_run, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    code = f"""
from ostinato.app.cli import main
assert main(["generate", {str(text_run)!r}, "--length", "10", "--seed", "1", "--json"]) == 0
"""
    done = python(code, OSTINATO_CACHE=str(tmp_path / "file"))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["precision"] == "int8"


def test_the_command_says_what_writes(text_run, run):
    command = ("generate", str(text_run), "--length", "5", "--seed", "1", "--prompt", "the")
    assert run(*command)[2].endswith("(written by compiled code, int8)\n")
    assert run(*command, "--precision", "fp32")[2].endswith("(written by compiled code, fp32)\n")
    assert run(*command, "--engine", "torch")[2].endswith("(written by PyTorch, fp32)\n")
    assert run(*command, "--precision", "fp32")[1] == run(*command, "--engine", "torch")[1]
    status, _, told = run(*command, "--no-repeat", "3", "--engine", "compiled")
    assert status == 2
    assert "only the reference search has no-repeat" in told
    assert main(["generate", str(text_run), "--length", "5", "--threads", "1"]) == 0
