"""Beams, scores and pages of tunes."""

import json
import re
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from xml.etree import ElementTree as ET

import pytest

from ostinato.errors import ConfigError
from ostinato.families.tunes.page import tune_page
from ostinato.music import parse_tune
from ostinato.music.engraving import engrave
from ostinato.music.fluidsynth import FluidSynth, find_fluidsynth
from ostinato.music.judging import judge_tune
from ostinato.music.midi import write_midi
from ostinato.music.musicxml import note_id, write_musicxml
from ostinato.music.playing import played

TUNE = parse_tune(
    "X:1\nT:Up & <down>\nM:6/8\nL:1/8\nR:jig\nZ:made here\nK:Ador\n"
    "e|:c2d e>fg|A/B/cd e/f/ga|(3abc' [Ae]3-|[Ae]2z A3|[1 B5e:|[2 G5||e|A5|]"
)


def beams_of(text):
    tune = parse_tune(text)
    notes = ET.fromstring(write_musicxml(tune).decode().partition('dtd">\n')[2]).iter("note")
    return ["/".join(beam.text for beam in note.iter("beam")) for note in notes]


def test_short_notes_of_a_beat_hang_together():
    assert beams_of("X:1\nM:6/8\nL:1/8\nK:C\nabc def|a2b c2d|abz c>de|]") == [
        "begin", "continue", "end", "begin", "continue", "end", "", "", "", "",
        "begin", "end", "", "begin", "continue/backward hook", "end",
    ]  # fmt: skip
    assert beams_of("X:1\nM:4/4\nL:1/8\nK:C\nabcd efg/a/b|]") == [
        *["begin", "continue", "continue", "end"], "begin", "continue", "continue/begin", "continue/end", "end",
    ]  # fmt: skip
    assert beams_of("X:1\nM:3/4\nL:1/8\nK:C\nabcd ef|]") == ["begin", "end"] * 3


def test_an_upbeat_hangs_together_as_at_the_end_of_a_bar():
    assert beams_of("X:1\nM:6/8\nL:1/8\nK:C\nabcd|a6|]") == ["", "begin", "continue", "end", ""]


def test_tuplets_have_brackets():
    xml = write_musicxml(TUNE).decode()
    assert re.findall(r'<tuplet type="(\w+)"', xml) == ["start", "stop"]
    assert xml.count("<actual-notes>3") == 3


def test_every_note_that_sounds_is_in_the_score_under_its_id():
    svg = engrave(TUNE)
    assert svg.startswith("<svg")
    ids = set(re.findall(r'id="(n\d+(?:-\d+)?)"', svg))
    assert {note_id(tone.place) for tone in played(TUNE).tones()} <= ids


def test_a_page_needs_nothing_else_and_says_what_was_found():
    page = tune_page(TUNE, judge_tune(TUNE), [(0, 1.5), (1, 12.25)])
    assert not re.search(r'(?:src|href)="(?!data:|#)', page)
    assert "http" not in re.sub(r"http://www\.w3\.org/\S+|https://www\.verovio\.org\S*", "", page)
    assert "<h1>Up &amp; &lt;down&gt;</h1>" in page
    assert 'title="bar 1: 12.2 bits"' in page
    assert "made here" in page
    data = json.loads(re.search(r'id="tune">(.*?)</script>', page)[1])
    assert len(data["notes"]) == len(played(TUNE).tones())
    assert data["notes"][0] == [0.0, 0.125, 76, "n0"]
    assert data["end"] == pytest.approx(float(max(tone.start + tone.duration for tone in played(TUNE).tones())))


CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
QUIET = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--autoplay-policy=no-user-gesture-required",
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium or Chrome on the PATH")
def test_in_a_browser_the_score_is_seen_sound_starts_and_the_cursor_moves(tmp_path):
    probe = """<script>
      const score = document.querySelector("#score svg").getBoundingClientRect();
      document.getElementById("play").click();
      const seen = new Set();
      const look = setInterval(() => {
        const here = document.querySelector("#score .now");
        if (here) seen.add(here.id);
        if (seen.size < 3) return;
        clearInterval(look);
        fetch("/", {method: "POST", body: JSON.stringify({
          wide: score.width, high: score.height, scheduled: Number(document.body.dataset.scheduled), seen: [...seen],
          button: document.getElementById("play").textContent})});
      }, 10);
    </script></body>"""
    page = tune_page(TUNE, judge_tune(TUNE), [(0, 1.5)]).replace("</body>", probe)
    told = seen_in_browser(page, tmp_path)
    assert told["wide"] > 300
    assert told["high"] > 50
    assert told["scheduled"] >= 3
    assert told["seen"][:2] == ["n0", "n2"]
    assert told["button"] == "Stop"


def seen_in_browser(page, folder):
    """Open a page in a browser that nobody sees, and return what it posts."""
    told = Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(page.encode())

        def do_POST(self):
            told.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *words):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        command = [CHROMIUM, *QUIET, f"--user-data-dir={folder}", f"http://127.0.0.1:{server.server_port}/"]
        browser = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            return told.get(timeout=90)
        finally:
            browser.kill()
            browser.wait()
            server.shutdown()


def test_fluidsynth_plays_where_it_is_and_says_why_not(tmp_path, monkeypatch):
    program = tmp_path / "fluidsynth"
    program.write_text('#!/bin/sh\nwhile [ "$1" != "-F" ]; do shift; done\ncp "$4" "$2"\n')
    program.chmod(0o755)
    (tmp_path / "a.sf2").write_bytes(b"")
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.setattr("ostinato.music.fluidsynth._FOLDERS", (str(tmp_path / "none"), str(tmp_path)))
    found = find_fluidsynth()
    assert found == FluidSynth(str(program), tmp_path / "a.sf2")
    assert found.wav(write_midi(TUNE))[:4] == b"MThd"  # the stand-in copies what it is given
    program.write_text("#!/bin/sh\necho no such font >&2; exit 3\n")
    with pytest.raises(ConfigError, match=r"could not play it \(no such font\)"):
        found.wav(write_midi(TUNE))
    program.unlink()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_fluidsynth() is None
