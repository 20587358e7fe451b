"""Every command and every Python example in the README and the docs is run, on small corpora and short budgets."""

import hashlib
import re
import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import zstandard

from conftest import write_tunes
from ostinato.app.cli import main
from ostinato.data import read_corpus
from ostinato.data.datasets import DATA_SETS
from rooms.rolls import chords
from torchrun import launch

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(console|python)\n(.*?)^```", re.M | re.S)
PROSE = (
    'It was the end of the day. The dog sat, a cat slept.\n\nA class is an object. "def" it said, Ada\'s É!\n\n' * 40
)
NAMES = "\n".join(f"{a}{b}{c}" for a in ("an", "Be", "cl", "e") for b in "nrt" for c in ("a", "e", "is", "on"))


def conllu_sentence(number):
    words = [("The", "DET", "dt"), (f"dog{number}", "NOUN", "nn"), ("ran", "VERB", "vb")]
    rows = [f"{n}\t{w}\t_\t{tag}\t{other}\t_\t0\t_\t_\t_\n" for n, (w, tag, other) in enumerate(words, 1)]
    return f"# sent_id = {number}\n{''.join(rows)}\n"


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with the files that the docs name."""
    monkeypatch.chdir(tmp_path)
    for name in ("notes.txt", "held-out.txt", "tinyshakespeare.txt", "chapters/one.txt", "essays/first.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(PROSE)
    (tmp_path / "notes.txt.zst").write_bytes(zstandard.compress(PROSE.encode()))
    (tmp_path / "names.txt").write_text(NAMES)
    write_tunes(tmp_path / "tunes.abc")
    for number, word in enumerate(["cat", "dog", "tree", "rock"] * 5):
        file = tmp_path / "classes" / ("pet" if word in ("cat", "dog") else "plain") / f"{number}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"the red {word} number {number}")
    (tmp_path / "corpus.conllu").write_text("".join(map(conllu_sentence, range(40))))
    words = {"big": "grand", "red": "rouge", "dog": "chien", "cat": "chat", "one": "un"}
    pairs = [f"{a} {b}\t{words[a]} {words[b]}" for a in words for b in words]
    (tmp_path / "pairs.tsv").write_text("\n".join(pairs) + "\n")
    (tmp_path / "sources.txt").write_text("big dog\nred cat\n")
    write_labelled(tmp_path)
    chords(tmp_path, None)
    # A data set of this name is on disk, with another text in it.
    (tmp_path / "data").mkdir()
    (tmp_path / "data/shakespeare").write_text(PROSE)
    monkeypatch.setenv("OSTINATO_DATA", str(tmp_path / "data"))
    known = DATA_SETS["tinyshakespeare"]
    here = replace(known.files[0], size=len(PROSE.encode()), sha256=hashlib.sha256(PROSE.encode()).hexdigest())
    monkeypatch.setitem(DATA_SETS, "tinyshakespeare", replace(known, files=(here,)))
    (tmp_path / "songs.csv").write_text("title,year\n" + "\n".join(f"song of {n},19{n}" for n in range(10, 60)))
    return tmp_path


def write_labelled(folder):
    """A file of each kind that recipes for labels read."""
    names = [f"{name} B-PER\nwent O\nto O\n{place} B-LOC\n. O\n" for name in ("Ada", "Bo") for place in ("Rome", "Ulm")]
    (folder / "tagged.txt").write_text("\n".join(names * 5))
    texts = [
        f"{a} {b} {c}\t{'pet' if c in ('cat', 'dog') else 'plant'}"
        for a in ("the", "one")
        for b in ("red", "big")
        for c in ("cat", "dog", "oak")
    ]
    (folder / "texts.tsv").write_text("\n".join(texts) + "\n")
    draw = np.random.default_rng(1)
    images, labels = draw.integers(0, 255, (30, 64), dtype=np.uint8), np.arange(30) % 2
    np.savez(folder / "images.npz", x_train=images, y_train=labels, x_test=images[:4], y_test=labels[:4])
    lines = []
    for number in range(1, 13):
        soundfile.write(folder / f"tone-{number}.wav", 0.1 * np.sin(np.arange(4000) * number / 10), 8000)
        lines.append(f"tone-{number}.wav\t{'low' if number < 7 else 'high'}")
    (folder / "tones.tsv").write_text("\n".join(lines) + "\n")


def shortened(command):
    """The same command on a budget of moments."""
    words = shlex.split(command.replace("torchrun --nproc-per-node 2 -m ", ""))
    if words[1] == "train":
        command = re.sub(r"--minutes \S+", "--steps 3 --set hidden_size=32", command)
    if words[1] == "train" and "--from" in words:
        command = command.replace(" --set hidden_size=32", "")
    command = command.replace("--seeds 1,2,3", "--seeds 1,2")
    if words[1] == "resume":
        command = re.sub(r"--minutes \S+", "--minutes 0.02", command)
    return command.replace("ostinato demo", "ostinato demo --minutes 0.1 --out runs/demo")


def run_command(command, capsys):
    command, _, file = shortened(command).partition(" > ")
    words = shlex.split(command)
    if words[0] == "torchrun":
        status, _, err = launch(int(words[2]), *words[5:])
        assert status == 0, f"{command}\n{err}"
        return
    assert words[0] == "ostinato", command
    capsys.readouterr()
    status = main(words[1:])
    out, err = capsys.readouterr()
    assert status == 0, f"{command}\n{err}"
    if file:
        Path(file).write_text(out)


def run_example(code, page, names):
    short = re.sub(r"(train\(.*)minutes=[\d.]+", r"\1steps=3, settings={'hidden_size': 32}", code)
    short = re.sub(r"(resume\(.*)minutes=[\d.]+", r"\1minutes=0.02", short)
    exec(compile(short, str(page), "exec"), names)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::FutureWarning")  # of Ray
@pytest.mark.parametrize("page", [p for p in PAGES if BLOCK.search(p.read_text())], ids=lambda p: p.name)
def test_every_command_and_example_works_as_written_in_their_order(page, place, capsys, monkeypatch):
    names = {}
    if page.stem == "large-corpora":  # what is large in life is large here as well
        monkeypatch.setitem(read_corpus.__kwdefaults__, "memory", 1000)
    for kind, block in BLOCK.findall(page.read_text(encoding="utf-8")):
        if kind == "python":
            run_example(block, page, names)
        for line in block.splitlines() if kind == "console" else []:
            if line.startswith("$ "):
                run_command(line[2:], capsys)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_nothing_is_left_to_be_filled_in(page):
    assert not re.search(r"\b[A-Z0-9]+_(TABLE|OUTPUT|LINE|GRADIENTS)\b", page.read_text(encoding="utf-8"))


def test_pages_link_to_what_is_there():
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


def test_nothing_says_to_install_a_name_that_is_not_published():
    said = [
        (path.name, line)
        for path in [*ROOT.rglob("*.md"), *(ROOT / "src").rglob("*.py")]
        if ".venv" not in path.parts
        for line in re.findall(r"(?:pip|uv) install[^\n]*", path.read_text(encoding="utf-8"))
        if re.search(r"install [^`]*\bostinato\b", line)
    ]
    assert said == []
    assert "\npip install ." in (ROOT / "README.md").read_text()
