"""The documentation site: built with warnings as errors; every example file in it runs; every command is described."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLES = sorted((DOCS / "howto/examples").glob("*.py"))


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "-q", "-E", "-b", "html", DOCS, tmp_path],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "reference/python.html").read_text(encoding="utf-8")
    for name in ("ostinato.train", "ostinato.TextModel.generate", "ostinato.errors.DamagedError"):
        assert f'id="{name}"' in page
    assert raw_equations(tmp_path) == []
    assert (tmp_path / "systems/char-lm.html").read_text(encoding="utf-8").count("<math") > 10


def raw_equations(site):
    """Dollar signs and TeX that a reader would see, outside code: equations that were not turned into MathML."""
    found = []
    for page in sorted(site.rglob("*.html")):
        text = page.read_text(encoding="utf-8")
        # In an equation, TeX that was not understood stands with its backslash.
        equations = re.findall(r"(?s)<math\b.*?</math>", text)
        found += [(page.relative_to(site).as_posix(), equation) for equation in equations if "\\" in equation]
        shown = re.sub(r"(?s)<(script|style|pre|code|math|svg)\b.*?</\1>", " ", text)
        shown = re.sub(r"<[^>]*>", " ", shown)
        found += [
            (page.relative_to(site).as_posix(), place) for place in re.findall(r".{0,30}(?:\$|\\[a-z]+).{0,30}", shown)
        ]
    return found


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_file_runs(example):
    runpy.run_path(str(example))


def test_every_example_file_is_shown_on_a_page():
    shown = {
        name for page in DOCS.rglob("*.md") for name in re.findall(r"literalinclude} examples/(\S+)", page.read_text())
    }
    assert shown == {path.name for path in EXAMPLES}


def test_every_page_is_in_the_table_of_contents():
    listed = set(re.findall(r"^((?:tutorial|howto|systems|reference|design)/\S+|platforms|reliability)$",
                            (DOCS / "index.md").read_text(), re.M))  # fmt: skip
    pages = {page.relative_to(DOCS).with_suffix("").as_posix() for page in DOCS.rglob("*.md")} - {"index"}
    assert listed == pages


def test_the_references_of_commands_and_settings_are_what_the_program_says():
    made = runpy.run_path(str(DOCS / "reference/make_settings.py"))
    assert (DOCS / "reference/settings.md").read_text(encoding="utf-8") == made["page"]()
    made = runpy.run_path(str(DOCS / "reference/make_command_line.py"))
    assert (DOCS / "reference/command-line.md").read_text(encoding="utf-8") == made["page"]()
    assert "## evaluate" in made["page"]()


def test_the_lectures_example_finds_what_the_lecture_says(capsys, tmp_path):
    example = runpy.run_path(str(DOCS / "howto/examples/lecture.py"))
    example["main"]()
    told = dict(re.split(r":\s+", line, maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert told["greedy"] == "let's go let's go let's go let's go   (0.051)"
    assert told["beam of two"] == "let's go through time <end>   (0.288)"
    assert example["share_of_go"]() == pytest.approx(0.8, abs=0.02)  # eight times in ten
    assert example["share_of_go"](0.5) == pytest.approx(0.64 / 0.68, abs=0.02)
    example["draw"](tmp_path / "tree.svg")
    assert "</svg>" in (tmp_path / "tree.svg").read_text()
    assert len((tmp_path / "tree.svg").read_bytes()) > len((DOCS / "systems/decoding.svg").read_bytes()) / 2
