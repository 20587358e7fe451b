"""Plug-ins: a file or a package that registers recipes of its own."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = (Path(__file__).parents[2] / "docs/howto/examples/tiny_recipe.py").read_text().partition("if __name__")[0]


def ran(*words, cwd, **environment):
    command = [sys.executable, "-m", "ostinato", *map(str, words)]
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


def recipe_alone(text):
    """The example up to its registration."""
    head, _, _ = text.partition("register(RECIPE)")
    return head + "register(RECIPE)\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory, corpora):
    folder = tmp_path_factory.mktemp("plugins")
    (folder / "mine.py").write_text(recipe_alone(EXAMPLE))
    words = ["train", corpora / "cats.txt", "--recipe", "tiny", "--steps", "3", "--out", "run", "--no-report"]
    status, out, err = ran("--plugin", "mine.py", *words, cwd=folder)
    assert status == 0, out + err
    assert "next: ostinato --plugin mine.py generate run" in out
    return folder


def test_a_file_brings_its_recipe_for_one_call_and_its_run_says_so(place):
    plugin = json.loads((place / "run" / "origin.json").read_text())["plugin"]
    assert plugin["name"] == "mine.py"
    assert len(plugin["sha256"]) == 64
    assert "tiny" in ran("recipes", "--plugin", "mine.py", cwd=place)[1]
    assert "tiny" not in ran("recipes", cwd=place)[1]
    assert ran("generate", "run", "--plugin=mine.py", "-n", "5", "-s", "1", cwd=place)[0] == 0
    assert "plug-in: mine.py, SHA-256" in ran("info", "run", "--plugin", "mine.py", cwd=place)[1]


def test_a_run_never_loads_its_plugin_unasked_and_says_what_it_needs(place):
    status, _, err = ran("generate", "run", "-n", "5", cwd=place)
    assert (status, err) == (2, "error: run is of recipe 'tiny', which its plug-in brings: give --plugin mine.py\n")
    status, _, err = ran("train", "x.txt", "--recipe", "tiny", cwd=place)
    assert (status, "unknown recipe 'tiny'" in err, "That of a plug-in needs --plugin FILE" in err) == (2, True, True)
    (place / "other.py").write_text((place / "mine.py").read_text() + "# changed\n")
    status, _, err = ran("--plugin", "other.py", "generate", "run", "-n", "5", "-s", "1", cwd=place)
    assert status == 0
    assert "warning: run was trained with the plug-in mine.py (SHA-256" in err
    assert "and loaded is other.py" in err


def test_a_core_of_ones_own_is_trained_and_written_with(tmp_path, corpora):
    core = (Path(__file__).parents[2] / "docs/howto/examples/leaky_core.py").read_text().partition("# It stacks")[0]
    shapes = 'lambda I, H, O: {"weight_ih": (H, I), "weight_hh": (H, H), "bias": (H,), "leak": (H,)}'
    register = f"from ostinato.cores.table import register_core\nregister_core('leaky', Leaky, {shapes})\n"
    (tmp_path / "leaky.py").write_text(core + register)
    words = ["train", corpora / "cats.txt", "--steps", "3", "--out", "run", "--no-report"]
    small = [word for one in ("core=leaky", "hidden_size=16", "batch_size=4", "window=16") for word in ("--set", one)]
    status, out, err = ran("--plugin", "leaky.py", *words, *small, cwd=tmp_path)
    assert status == 0, out + err
    assert json.loads((tmp_path / "run" / "origin.json").read_text())["plugin"]["name"] == "leaky.py"
    assert ran("--plugin", "leaky.py", "generate", "run", "-n", "5", "-s", "1", cwd=tmp_path)[0] == 0
    status, _, err = ran("generate", "run", "-n", "5", cwd=tmp_path)
    assert (status, err) == (2, "error: run is of core 'leaky', which its plug-in brings: give --plugin leaky.py\n")


def test_a_codec_of_ones_own_is_learned_with(tmp_path):
    codec = (Path(__file__).parents[2] / "docs/howto/examples/dna_codec.py").read_text().partition("codec = Codon")[0]
    register = "lambda texts, end: CodonCodec(end=end), lambda data: CodonCodec(end=data['end'])"
    (tmp_path / "dna.py").write_text(
        f"{codec}from ostinato.codecs import register_codec\nregister_codec('codons', {register})\n"
    )
    (tmp_path / "dna.txt").write_text("".join("ACGT"[n * n % 7 % 4] for n in range(3000)) + "\n")
    words = ["train", "dna.txt", "--as", "text", "--steps", "3", "--out", "run", "--no-report"]
    small = [word for one in ("codec=codons", "hidden_size=16", "batch_size=4", "window=16") for word in ("--set", one)]
    status, out, err = ran("--plugin", "dna.py", *words, *small, cwd=tmp_path)
    assert status == 0, out + err
    status, out, _ = ran("--plugin", "dna.py", "generate", "run", "-n", "9", "-s", "1", cwd=tmp_path)
    assert (status, set(out) <= set("ACGT\n")) == (0, True)
    status, _, err = ran("generate", "run", cwd=tmp_path)
    assert (status, err) == (2, "error: run is of codec 'codons', which its plug-in brings: give --plugin dna.py\n")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "there is no plug-in 'bad.py'"),
        ("x = 1\n", "the plug-in bad.py registers no recipe, core or codec"),
        ("1 / 0\n", "the plug-in bad.py cannot be loaded: ZeroDivisionError"),
        ("from ostinato.families import RECIPES, register\nregister(RECIPES['tag'])\n", "there is a recipe 'tag'"),
    ],
)
def test_a_plugin_that_is_none_ends_in_one_line(tmp_path, text, told):
    if text is not None:
        (tmp_path / "bad.py").write_text(text)
    status, _, err = ran("--plugin", "bad.py", "recipes", cwd=tmp_path)
    assert (status, told in err, len(err.splitlines())) == (2, True, 1)


def test_an_installed_package_brings_its_recipe_by_an_entry_point(place, tmp_path):
    (tmp_path / "mine_installed.py").write_text((place / "mine.py").read_text())
    about = tmp_path / "mine-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[ostinato.families]\nmine = mine_installed\n")
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    assert "tiny" in ran("recipes", cwd=place, PYTHONPATH=path)[1]
    assert ran("generate", "run", "-n", "5", "-s", "1", cwd=place, PYTHONPATH=path)[0] == 0


@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs the ray extra")
@pytest.mark.slow
def test_plugins_go_along_to_the_processes_of_a_ray_cluster(place, corpora):
    words = ["sweep", corpora / "cats.txt", "--recipe", "tiny", "--seeds", "1,2", "--steps", "2", "--out", "swept"]
    status, out, err = ran("--plugin", place / "mine.py", *words, "--ray", cwd=place)
    assert status == 0, err
    assert {line.split()[0] for line in out.splitlines()[1:3]} == {"seed=1", "seed=2"}
