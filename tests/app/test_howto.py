"""The pages on extending ostinato, followed to the letter in a copy of the package."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import ostinato

ROOT = Path(__file__).parents[2]
HOWTO = ROOT / "docs" / "howto"


@pytest.fixture
def package(tmp_path):
    """A copy of the package's source, to be changed."""
    ignored = shutil.ignore_patterns("__pycache__")
    return Path(shutil.copytree(Path(ostinato.__file__).parent, tmp_path / "src" / "ostinato", ignore=ignored))


def ostinato_of(package, *words):
    """Run the copy; return what it prints."""
    options = {"cwd": package.parents[1], "env": {**os.environ, "PYTHONPATH": str(package.parent)}}
    command = [sys.executable, "-m", "ostinato", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def add_line(file, before, line):
    """Add one line to a table, before another line."""
    text = file.read_text()
    assert text.count(before) == 1
    file.write_text(text.replace(before, f"{line}\n{before}"))


def test_a_core_is_one_file_and_one_line(package, corpora):
    page = (HOWTO / "add-a-core.md").read_text()
    example = (HOWTO / "examples/leaky_core.py").read_text()
    (package / "cores/leaky.py").write_text(example[: example.index("# It stacks")])
    (line,) = re.findall(r'`("leaky": CoreEntry\(.*\))`', page)
    add_line(package / "cores/table.py", '    "lstm": CoreEntry(', f"    {line},")
    settings = ["--set", "core=leaky", "--set", "hidden_size=16", "--set", "embedding_size=8"]
    words = ["train", corpora / "cats.txt", "--steps", 3, "--no-report", "--out", "run", *settings]
    assert "1×16 leaky" in ostinato_of(package, *words)
    assert ostinato_of(package, "generate", "run", "--length", 5, "--seed", 1)
    # The shapes that the line states are those of the network: loading checks them without PyTorch.
    assert "leaky" in ostinato_of(package, "info", "run")


def test_a_recipe_is_one_file_and_one_line(package, corpora):
    page = (HOWTO / "add-a-recipe.md").read_text()
    example = (HOWTO / "examples/tiny_recipe.py").read_text()
    (package / "families/text/tiny.py").write_text(example[: example.index("register(RECIPE)")])
    (line,) = re.findall(r'`("text\.tiny",)`', page)
    add_line(package / "families/__init__.py", '    "text.word_lm",', f"    {line}")
    assert "a narrow GRU over bytes" in ostinato_of(package, "recipes")
    words = ["train", corpora / "cats.txt", "--recipe", "tiny", "--steps", 3, "--no-report", "--out", "run"]
    assert "1×64 gru" in ostinato_of(package, *words)
    assert ostinato_of(package, "generate", "run", "--length", 5, "--seed", 1)
