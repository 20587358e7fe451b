"""The types of the public face: the examples of the docs pass mypy, and wrong options are refused by it."""

from dataclasses import fields
from pathlib import Path

import pytest
from mypy import api
from test_docs import BLOCK, PAGES

from ostinato.decode.pipeline import RuleSettings
from ostinato.decode.searching import SearchSettings
from ostinato.families.text.choosing import GenerateOptions, sort_options
from ostinato.workshop.request import RunOptions, RunRequest

ROOT = Path(__file__).parents[2]
WRONG = """
import ostinato
from ostinato import TextModel

model = TextModel.open("runs/book")
model.generate("It was", temprature=0.7)
model.generate("It was", top_k="many")
model.translate(["a"])
ostinato.train("book.txt", out="runs/book", recipie="char-lm")
"""


def problems_of(files):
    """What mypy says of files that use the package."""
    options = ["--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(ROOT / ".mypy_cache")]
    out, err, _ = api.run([*options, "--no-error-summary", *map(str, files)])
    assert not err
    return [line for line in out.splitlines() if ": error:" in line]


@pytest.mark.slow
def test_the_examples_of_the_docs_pass_mypy_and_wrong_options_do_not(tmp_path):
    files = []
    for page in PAGES:
        blocks = [block for kind, block in BLOCK.findall(page.read_text(encoding="utf-8")) if kind == "python"]
        if blocks:
            files.append(tmp_path / f"{page.stem.replace('-', '_').lower()}_page.py")
            files[-1].write_text("\n".join(blocks))
    assert len(files) > 5
    (tmp_path / "wrong_options.py").write_text(WRONG)
    told = problems_of([*files, tmp_path / "wrong_options.py"])
    assert [line for line in told if "wrong_options.py" not in line] == []
    wrong = sorted({int(line.split(":")[1]) for line in told})
    assert wrong == [6, 7, 8, 9], told


def test_the_typed_options_are_those_that_there_are():
    named = {field.name for cls in (SearchSettings, RuleSettings) for field in fields(cls)}
    options = GenerateOptions.__annotations__.keys()
    assert named <= options
    assert options - named == {
        "settings", "rules", "engine", "precision", "samples", "length", "seed", "stop", "unknown", "reading", "copied",
        "pace",
    }  # fmt: skip
    assert sort_options({"samples": 2, "top_k": 3})[2] == {"samples": 2}
    assert RunOptions.__annotations__.keys() == {field.name for field in fields(RunRequest)} - {"out", "amount", "base"}
