"""Small models that many tests look at; each is trained once in a session."""

import random
import shutil
import signal
from dataclasses import replace

import pytest
import torch

import ostinato
from browsers import CHROMIUM
from ostinato.app.cli import main
from ostinato.data import cache_folder
from ostinato.music import parse_key, parse_meter, write_tune
from ostinato.music.grammar import Grammar
from ostinato.music.states import Form
from ostinato.music.tokens import tune_of
from ostinato.music.transposing import transpose

TINY = {"hidden_size": 24, "embedding_size": 8, "batch_size": 4, "window": 16, "precision": "float32", "patience": None}
TEXT = "the cat sat on the mat. the dog sat on the log.\n\n" * 60
SMALL_FOLK = {"hidden_size": 32, "batch_size": 8, "window": 64, "precision": "float32", "patience": None}
NAMES = sorted({a + b + c for a in ("an", "be", "cl", "da") for b in ("n", "r", "t") for c in ("a", "e", "is", "on")})


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c():
    """A shell that starts the tests in the background has them ignore Ctrl-C, and some tests press it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _own_places(tmp_path_factory, request):
    """Nothing is read from, or left in, the places of whoever runs the tests; parallel workers share one cache."""
    base = tmp_path_factory.getbasetemp()
    run = base.parent if hasattr(request.config, "workerinput") else base
    with pytest.MonkeyPatch.context() as changed:
        changed.setenv("OSTINATO_CACHE", str(run / "cache"))
        changed.delenv("OSTINATO_DATA", raising=False)
        yield


@pytest.fixture(scope="session")
def kernels(_own_places):
    """Where compiled code is kept while the tests run."""
    return cache_folder()


def write_tunes(path, count=60):
    """Tunes that the grammar lets by, of random notes; none is like another."""
    tokens = [
        "C",
        "E",
        "G",
        "B",
        "c",
        "d",
        "e",
        "f",
        "g",
        "a",
        "2",
        "3",
        "/2",
        ">",
        "(3",
        "|",
        "|:",
        ":|",
        "||",
        "|]",
        "z",
    ]
    written = []
    for number in range(count):
        source = random.Random(number)
        meter, key = source.choice(["6/8", "4/4"]), source.choice(["D", "G", "Ador"])
        grammar = Grammar(Form(parse_meter(meter), parts=(True, False), bars=4), tokens)
        state, found = grammar.start, []
        while not grammar.accepts(state):
            token, state = source.choice(list(grammar.moves(state).items()))
            found.append(token)
        tune = tune_of([f"M:{meter}", f"K:{parse_key(key).mode}", *found])
        tune = transpose(tune, key[0])
        written.append(write_tune(replace(tune, number=number + 1, titles=(f"Tune {number + 1}",))))
    path.write_text("\n".join(written))


@pytest.fixture(scope="session")
def corpora(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpora")
    write_tunes(folder / "tunes.abc")
    (folder / "cats.txt").write_text(TEXT)
    (folder / "names.txt").write_text("\n".join(NAMES))
    return folder


@pytest.fixture(scope="session")
def text_run_once(corpora, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "cats"
    ostinato.train(str(corpora / "cats.txt"), out=out, steps=150, settings=TINY).to_end()
    return out


@pytest.fixture(scope="session")
def item_run_once(corpora, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "names"
    ostinato.train(str(corpora / "names.txt"), out=out, steps=60, settings=TINY).to_end()
    return out


@pytest.fixture(scope="session")
def tunes_run_once(corpora, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "tunes"
    training = ostinato.train(str(corpora / "tunes.abc"), out=out, recipe="folk", steps=60, settings=SMALL_FOLK)
    assert any("60 tunes read, 60 kept" in note for note in training.notes)
    training.to_end()
    return out


@pytest.fixture
def text_run(text_run_once, tmp_path):
    """A copy of a finished run of running text, to read or to damage."""
    return shutil.copytree(text_run_once, tmp_path / "cats")


@pytest.fixture
def item_run(item_run_once, tmp_path):
    """A copy of a finished run of items."""
    return shutil.copytree(item_run_once, tmp_path / "names")


@pytest.fixture(scope="session")
def text_model(text_run_once):
    return ostinato.load(text_run_once)


@pytest.fixture(scope="session")
def item_model(item_run_once):
    return ostinato.load(item_run_once)


@pytest.fixture
def run(capsys):
    """Run a command; return its exit status, standard output and standard error."""

    def call(*words):
        try:
            status = main([str(word) for word in words])
        except SystemExit as ended:  # argparse
            status = ended.code
        told = capsys.readouterr()
        return status, told.out, told.err

    return call


@pytest.fixture(scope="module")
def browser():
    """A browser, without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        launched = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def rng():
    return random.Random(0)
