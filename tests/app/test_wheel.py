"""The wheel works where the checkout is not: it carries everything, and the first page of the docs runs with it."""

import os
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from test_docs import BLOCK, shortened

ROOT = Path(__file__).parents[2]


def run(*words, **options):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, f"{shlex.join(map(str, words))}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip"]
    run(*pip, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_carries_every_file_of_the_package(wheel):
    inside = set(zipfile.ZipFile(wheel).namelist())
    package = ROOT / "src" / "ostinato"
    files = [path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert {path.relative_to(package.parent).as_posix() for path in files} <= inside
    assert "ostinato/py.typed" in inside


@pytest.mark.slow
def test_the_wheel_runs_elsewhere_as_the_first_page_says(wheel, tmp_path):
    target = tmp_path / "site"
    run(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", target, wheel)
    place = tmp_path / "elsewhere"
    place.mkdir()
    options = {"cwd": place, "env": {**os.environ, "PYTHONPATH": str(target)}}
    where = run(sys.executable, "-c", "import ostinato; print(ostinato.__file__)", **options)
    assert Path(where.strip()).is_relative_to(target)
    ostinato = [sys.executable, "-m", "ostinato"]
    assert "demo" in run(*ostinato, "--help", **options)
    assert "The model lies in" in run(*ostinato, "demo", "--minutes", 0.2, "--out", "runs/first", **options)
    page = (ROOT / "docs/tutorial/first-model.md").read_text(encoding="utf-8")
    commands = [line[2:] for kind, block in BLOCK.findall(page) if kind == "console" for line in block.splitlines()]
    assert len(commands) > 5
    for command in commands:
        words = shlex.split(shortened(command))
        if words[:2] != ["ostinato", "demo"]:
            run(*ostinato, *words[1:], **options)
