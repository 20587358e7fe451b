"""A studio with a few small models, for requests and for a browser."""

import shutil
import threading

import pytest
import uvicorn
from starlette.testclient import TestClient

import ostinato
from ostinato.app.verbs.serve import _listening
from ostinato.app.web.server import application
from ostinato.app.web.shelf import Shelf

TINY = {"hidden_size": 24, "embedding_size": 8, "batch_size": 4, "window": 16, "precision": "float32", "patience": None}
TOKEN = "a-token-of-tests"
BEARER = {"authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="session")
def runs(text_run_once, item_run_once, tunes_run_once, corpora, tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    shutil.copytree(text_run_once, folder / "cats")
    shutil.copytree(item_run_once, folder / "names")
    shutil.copytree(tunes_run_once, folder / "tunes")
    steps = {"steps": 40, "series": 4, "seed": 2, "settings": TINY}
    ostinato.train(str(corpora / "cats.txt"), out=folder / "kept", **steps).to_end()
    return folder


@pytest.fixture
def client(runs):
    with TestClient(application(Shelf(folder=runs), TOKEN), base_url="http://127.0.0.1", headers=BEARER) as own:
        own.cookies.clear()
        yield own


@pytest.fixture
def model(runs):
    return ostinato.load(runs / "cats")


@pytest.fixture
def serving():
    """Serve an application in this process, and return its address."""
    running = []

    def serve(app):
        listening = _listening("127.0.0.1", 0)
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        running.append((server, thread))
        return f"http://127.0.0.1:{listening.getsockname()[1]}"

    yield serve
    for server, thread in running:
        server.should_exit = True
        thread.join()


@pytest.fixture
def served(serving, runs):
    """The address of a studio with the models of ``runs``."""
    return serving(application(Shelf(folder=runs), TOKEN))
