"""Named data sets: found on disk by digest, downloaded from a server on this machine, checked, gone on with."""

import hashlib
import http.server
import io
import os
import re
import threading
import zipfile
from typing import ClassVar

import pytest

from ostinato.app.cli import main
from ostinato.data import read_corpus, reading
from ostinato.data.datasets import DATA_SETS, DataFile, DataSet
from ostinato.data.fetching import fetch, locate
from ostinato.errors import CorpusError

TEXT = b"To be, or not to be.\n" * 4000


class Server(http.server.BaseHTTPRequestHandler):
    """Serves ``content``, whole or from where it is asked for, and cuts the connection when told to."""

    content = TEXT
    cuts: ClassVar[list[int]] = []  # after how many bytes the next answers are cut
    ranges = True
    shrunk = False
    asked: ClassVar[list[str | None]] = []

    def do_GET(self):
        wanted = self.headers.get("Range")
        type(self).asked.append(wanted)
        if self.path == "/missing":
            self.send_error(404)
            return
        if wanted and self.shrunk:
            self.send_error(416)
            return
        first = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1]) if wanted and self.ranges else 0
        body = self.content[first:]
        self.send_response(206 if first else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: self.cuts.pop(0)] if self.cuts else body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr("pooch.core.time.sleep", lambda seconds: None)
    monkeypatch.setattr(Server, "content", TEXT)
    monkeypatch.setattr(Server, "ranges", True)
    Server.cuts, Server.asked = [], []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    monkeypatch.setenv("OSTINATO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("OSTINATO_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path


def data_set(url, content=TEXT, **options):
    file = DataFile("be.txt", url, len(content), hashlib.sha256(content).hexdigest(), None, **options)
    return DataSet("be", "a test", "text", "none", "nobody", (file,))


def test_a_download_is_checked_kept_and_not_repeated(server, places):
    told = []
    (path,) = fetch(data_set(f"{server}/be.txt"), progress=lambda *step: told.append(step))
    assert path == places / "cache/data/be/be.txt"
    assert path.read_bytes() == TEXT
    assert told[-1] == ("be.txt", len(TEXT), len(TEXT))
    assert fetch(data_set(f"{server}/be.txt")) == [path]
    assert len(Server.asked) == 1
    assert [p.name for p in path.parent.iterdir()] == ["be.txt"]


def test_a_wrong_checksum_is_an_error_and_nothing_is_kept(server, places):
    Server.content = TEXT.replace(b"not", b"NOT")
    with pytest.raises(CorpusError) as caught:
        fetch(data_set(f"{server}/be.txt"))
    digest = hashlib.sha256(TEXT).hexdigest()
    assert str(caught.value) == (
        f"data set 'be' needs be.txt, which is not on this machine, and what {server}/be.txt gave is another file: its "
        f"SHA-256 is not {digest}. Put the file (84,000 bytes, SHA-256 {digest}) into {places / 'cache/data/be'}, or "
        "anywhere under the folder that OSTINATO_DATA names, and give the same command again"
    )
    assert list((places / "cache/data/be").iterdir()) == []


def test_a_cut_connection_is_tried_again_from_where_it_was_cut(server):
    Server.cuts = [40_000, 1_000]
    (path,) = fetch(data_set(f"{server}/be.txt"))
    assert path.read_bytes() == TEXT
    assert Server.asked == [None, "bytes=36864-", "bytes=36864-"]


def test_a_download_cut_too_often_is_an_error_and_the_next_one_goes_on(server):
    Server.cuts = [10_000, 10_000, 10_000, 10_000]
    with pytest.raises(CorpusError, match=r"cannot be downloaded \(.*\)\. Put the file"):
        fetch(data_set(f"{server}/be.txt"))
    assert Server.asked[-1] == "bytes=24576-"
    (path,) = fetch(data_set(f"{server}/be.txt"))
    assert Server.asked[-1] == "bytes=32768-"
    assert path.read_bytes() == TEXT


def test_a_server_that_knows_no_ranges_is_asked_for_all_again(server):
    Server.ranges, Server.cuts = False, [40_000]
    (path,) = fetch(data_set(f"{server}/be.txt"))
    assert path.read_bytes() == TEXT


def test_a_file_that_became_shorter_on_the_server_is_begun_anew(server, monkeypatch, places):
    Server.cuts = [40_000]
    monkeypatch.setattr(Server, "shrunk", True)
    (path,) = fetch(data_set(f"{server}/be.txt"))
    assert path.read_bytes() == TEXT
    assert Server.asked == [None, "bytes=36864-", None]


def test_what_was_left_of_another_file_is_thrown_away(server, places):
    part = places / "cache/data/be/be.txt.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(TEXT + b"more")
    (path,) = fetch(data_set(f"{server}/be.txt"))
    assert path.read_bytes() == TEXT


def test_a_missing_file_and_a_missing_network_say_where_to_put_it(server):
    with pytest.raises(CorpusError, match=r"/missing cannot be downloaded \(HTTP status 404\)"):
        fetch(data_set(f"{server}/missing"))
    with pytest.raises(
        CorpusError, match=r"Put the file \(84,000 bytes, SHA-256 [0-9a-f]{64}\) into .*/data/be, or any"
    ):
        fetch(data_set("http://127.0.0.1:1/be.txt"))


def test_a_file_on_disk_is_found_by_its_digest_whatever_its_name(places):
    (places / "data/deep").mkdir(parents=True)
    (places / "data/deep/other name").write_bytes(TEXT)
    (places / "data/same size").write_bytes(b"x" * len(TEXT))
    assert fetch(data_set("http://127.0.0.1:1/be.txt")) == [places / "data/deep/other name"]
    repacked = data_set("http://127.0.0.1:1/x", b"gone", same=((len(TEXT), hashlib.sha256(TEXT).hexdigest()),))
    assert fetch(repacked) == [places / "data/deep/other name"]


def test_a_data_set_is_a_corpus_by_name_and_a_file_of_that_name_comes_first(server, monkeypatch, tmp_path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inside/be", TEXT)
    Server.content = packed.getvalue()
    sets = {"be": data_set(f"{server}/be.zip", packed.getvalue(), member="inside/be")}
    monkeypatch.setattr(reading, "DATA_SETS", sets)
    corpus = read_corpus(["be"], kind="text")
    assert corpus.texts == (TEXT.decode(),)
    assert corpus.sources == ({"name": "be", "bytes": len(TEXT), "sha256": hashlib.sha256(TEXT).hexdigest()},)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "be").write_text("my own text")
    assert read_corpus(["be"]).texts == ("my own text",)


def test_what_is_no_text_is_no_corpus():
    with pytest.raises(CorpusError, match=r"mnist is no text \(70,000 images of digits, 28×28\); fetch it"):
        read_corpus(["mnist"])


def test_the_registry_is_whole():
    for name, known in DATA_SETS.items():
        assert known.name == name
        assert known.licence
        assert known.citation
        for file in known.files:
            assert re.fullmatch("[0-9a-f]{64}", file.sha256)
            assert file.url.startswith(("https://", "http://"))
            assert file.size > 1000
    assert DATA_SETS["text8"].is_verified
    assert not DATA_SETS["names"].is_verified


def test_the_data_command_tells_fetches_prints_and_prunes(server, monkeypatch, capsys, places):
    known = data_set(f"{server}/be.txt")
    for module in ("ostinato.app.verbs.data", "ostinato.data.reading"):
        monkeypatch.setattr(f"{module}.DATA_SETS", {"be": known})
    assert main(["data", "be"]) == 0
    assert "not on this machine; --fetch downloads it" in capsys.readouterr().out
    assert main(["data", "be", "--fetch"]) == 0
    assert f"  {places / 'cache/data/be/be.txt'}\n" in capsys.readouterr().out
    assert main(["data", "be", "--print"]) == 0
    assert capsys.readouterr().out == TEXT.decode()
    assert main(["data"]) == 0
    assert re.search(r"be +84\.0 kB  here  a test \(digest unverified\)\n", capsys.readouterr().out)
    assert main(["data", "--cache"]) == 0
    assert "downloaded" in capsys.readouterr().out
    assert main(["data", "--prune", "be"]) == 0
    assert capsys.readouterr().out == "freed 84.0 kB\n"
    assert locate(known, known.files[0], {}) is None
    assert main(["data", "--prune", "be"]) == 2
    assert capsys.readouterr().err == (
        "error: --prune 'be': give 'all', a number of days, or a name in the cache: []\n"
    )
    old = places / "cache/kernels/0123/sample-avx2-int8.o"
    old.parent.mkdir(parents=True)
    old.write_bytes(bytes(2000))
    os.utime(old.parent, (0, 0))
    assert main(["data", "--prune", "30"]) == 0
    assert not old.exists()
