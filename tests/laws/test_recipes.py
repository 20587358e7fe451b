"""Laws of every recipe: it reads its corpus, resumes byte for byte, is read back, and refuses what it lacks by name."""

import json
import shutil
from dataclasses import fields

import numpy as np
import pytest

import ostinato
from ostinato.app.commands import build_parser
from ostinato.errors import ConfigError
from ostinato.families import FAMILIES, RECIPES, Sources, verbs_of_all
from ostinato.families.options import descriptions_of
from ostinato.runs import RunFolder
from ostinato.units import describe_bound
from rooms import FILES, TOYS

SMALL = {
    "hidden_size": 16,
    "embedding_size": 8,
    "batch_size": 4,
    "precision": "float32",
    "patience": None,
    "average": 0.9,
}


def settings_of(recipe):
    names = {field.name for field in fields(RECIPES[recipe].settings)}
    return {name: value for name, value in SMALL.items() if name in names} | TOYS[recipe][1]


def training(recipe, corpus, out):
    given = {"recipe": recipe, "steps": 8, "settings": settings_of(recipe), "threads": 1}
    return ostinato.train(out=out, **given) if corpus is None else ostinato.train(str(corpus), out=out, **given)


@pytest.fixture(scope="module", params=RECIPES)
def trained(request, corpora, tmp_path_factory):
    """A recipe's name, its toy corpus, a finished run, and a folder."""
    folder = tmp_path_factory.mktemp(request.param)
    write = TOYS[request.param][0]
    corpus = None if write is None else write(folder, corpora)
    training(request.param, corpus, folder / "run").to_end()
    return request.param, corpus, folder / "run", folder


def held_out(recipe, corpus, folder):
    """A file to measure on."""
    if corpus is not None:
        return corpus
    made = RECIPES[recipe].generate_corpus({**settings_of(recipe)}, 1)
    columns = [*(column.texts for column in made.columns.values()), made.texts]
    (folder / "held.tsv").write_text("".join("\t".join(row) + "\n" for row in zip(*columns, strict=True)))
    return folder / "held.tsv"


def test_every_recipe_has_a_toy():
    assert TOYS.keys() == RECIPES.keys()
    assert set(FILES) == FAMILIES.keys()


def test_every_recipe_resumes_byte_for_byte(trained, tmp_path):
    recipe, corpus, run, _ = trained
    part = training(recipe, corpus, tmp_path / "part")
    for event in part:
        if event.step == 5:
            break
    part.save()
    ostinato.resume(tmp_path / "part").to_end()
    ends = [RunFolder(path).load(8).snapshot for path in (run, tmp_path / "part")]
    for kind in ("weights", "average", "optimizer", "carried_state"):
        first, second = (vars(end)[kind] for end in ends)
        assert first.keys() == second.keys()
        assert all(first[name].tobytes() == second[name].tobytes() for name in first), kind


def test_every_run_and_its_export_are_read_back(trained, tmp_path, run):
    recipe, _, folder, _ = trained
    model = ostinato.load(folder)
    assert model.recipe is RECIPES[recipe]
    assert model.verbs == RECIPES[recipe].family.verbs
    assert run("export", folder, tmp_path / "model.safetensors")[0] == 0
    again = ostinato.load(tmp_path / "model.safetensors", device="auto")
    assert type(again) is type(model)
    assert again.parameters == model.parameters
    assert all(np.array_equal(again.saved.weights[name], weight) for name, weight in model.saved.weights.items())


def test_every_model_refuses_a_verb_that_it_lacks_and_names_those_it_has(trained, run, tmp_path):
    recipe, _, folder, _ = trained
    model, family = ostinato.load(folder), RECIPES[recipe].family
    assert "evaluate" in family.verbs
    told = f"What works with it: {', '.join(family.verbs)}, info, resume, export"
    for verb in verbs_of_all() - set(family.verbs):
        with pytest.raises(ConfigError) as caught:
            getattr(model, verb)
        assert told in str(caught.value)
    words = {"generate": (), "translate": ("a",), "label": ("a",), "compose": ()}
    for verb in words.keys() - set(family.verbs):
        status, out, err = run(verb, folder, *words[verb])
        assert (status, out) == (2, "")
        assert told in err


def test_what_evaluate_prints_is_what_python_gives(trained, run):
    recipe, corpus, folder, place = trained
    path = held_out(recipe, corpus, place)
    model = ostinato.load(folder)
    result = model.evaluate_on(model.read(Sources([str(path)], part="test")), {}, lambda what, done, total: None)
    status, out, _ = run("evaluate", folder, path, "--json")
    assert status == 0
    assert json.loads(out) == json.loads(json.dumps(result.plain()))
    assert describe_bound(result.plain()["bound"]) in result.describe()
    assert run("evaluate", folder, path)[1] == result.describe() + "\n"


def test_every_run_is_reported_on_beside_baselines(trained, run, tmp_path):
    _, _, folder, _ = trained
    copy = shutil.copytree(folder, tmp_path / "run")
    found = ostinato.load(copy).report()
    own, others = ([one for one in found.figures if one.is_own is mine] for mine in (True, False))
    assert own
    assert others
    status, out, _ = run("report", copy)
    assert status == 0
    assert all(f"{figure.name}" in out for figure in found.figures)
    assert found.advice in out.replace("\n", " ")
    page = (copy / "report.html").read_text()
    assert all(f"<h2>{section.title}</h2>" in page for section in found.sections)
    assert ("src=" in page, "href=" in page) == (False, False)


def test_every_command_says_that_an_older_checkpoint_is_used(trained, run, tmp_path):
    recipe, corpus, folder, place = trained
    copy = shutil.copytree(folder, tmp_path / "run")
    best = json.loads((copy / "best.json").read_text())
    weights = (
        copy / "checkpoints" / f"step-{best['step']:06d}" / ("average" if best["weights"] == "average" else "weights")
    )
    weights.with_suffix(".safetensors").write_bytes(b"damaged")
    commands = {
        "generate": ("--length", 3), "translate": ("1+1",) if recipe == "addition" else ("big",),
        "label": ("the cat",) if recipe == "tag" else ("ab",), "evaluate": (held_out(recipe, corpus, place),),
    }  # fmt: skip
    for verb in commands.keys() & set(RECIPES[recipe].family.verbs):
        status, _, err = run(verb, copy, *commands[verb], *(["--unknown", "nearest"] if verb != "generate" else []))
        assert (status, "another checkpoint is used" in err) == (0, True), (verb, err)


def test_options_of_two_families_with_one_name_are_one_option():
    known = {}
    for family in FAMILIES.values():
        for verb, groups in family.options.items():
            for option in (option for group in groups for option in group.options):
                assert known.setdefault((verb, option.flag), option) == option


def test_a_recipe_that_makes_its_corpus_does_so_from_python_too(tmp_path):
    settings = settings_of("addition")
    for number, corpus in enumerate(((), [])):
        run = ostinato.train(corpus, recipe="addition", steps=1, out=tmp_path / str(number), settings=settings)
        assert any("54 sums of numbers of up to 1 digits" in note for note in run.notes)
    with pytest.raises(ConfigError, match="digits, examples say what addition makes by itself, and a corpus is given"):
        ostinato.train(str(tmp_path / "x.tsv"), recipe="addition", steps=1, out=tmp_path / "x", settings=settings)


def test_a_model_is_worth_looking_at(trained):
    recipe, _, run, _ = trained
    shown = repr(ostinato.load(run))
    assert shown.startswith(f"<{type(ostinato.load(run)).__name__} {run}: {recipe}, ")
    assert f"bits per {RECIPES[recipe].family.unit}>" in shown


def test_every_recipe_says_what_to_try_next(trained):
    recipe, _, run, _ = trained
    commands = RECIPES[recipe].family.next_commands(str(run))
    assert len(commands) >= 2
    for command in commands:
        verb, named = command.split()[1:3]
        assert (verb in RECIPES[recipe].family.verbs, named) == (True, str(run))
        assert build_parser([verb]).parse_known_args(command.split()[1:])[1] == []


def test_every_setting_of_every_recipe_is_described():
    for recipe in RECIPES.values():
        described = descriptions_of(recipe.settings)
        for field in fields(recipe.settings):
            assert described[field.name].endswith((".", ".)")), f"{recipe.name}: {field.name}"
            assert len(described[field.name].split()) >= 3, f"{recipe.name}: {field.name}"


def test_a_setting_given_as_an_option_says_how_it_is_given(tmp_path):
    with pytest.raises(ConfigError, match=r'hidden_size is a setting of recipe char-lm: settings={"hidden_size": 8}'):
        ostinato.train("python-docs", out=tmp_path / "run", hidden_size=8)
    with pytest.raises(ConfigError, match=r"unknown option 'sed' in ostinato\.train; did you mean 'seed'"):
        ostinato.train("python-docs", out=tmp_path / "run", sed=8)
    assert not (tmp_path / "run").exists()


def test_trainings_and_samples_are_worth_looking_at(corpora, tmp_path):
    begun = training("char-lm", corpora / "cats.txt", tmp_path / "run")
    assert repr(begun) == f"<Training {tmp_path / 'run'}: char-lm, step 0 of 8>"
    sample = begun.to_end().generate(length=100, seed=3)
    assert repr(begun).startswith(f"<Training {tmp_path / 'run'}: char-lm, step 8 of 8, best ")
    assert repr(sample).startswith(f"<Sample {sample.text[:60] + '…'!r}: 100 symbols, ")
    assert repr(sample).endswith("seed 3, ended by length>")


def test_every_model_can_be_looked_into(trained, run, tmp_path):
    _, _, folder, _ = trained
    inspection = ostinato.load(folder).inspect_on(None, {})
    views = []
    for name in inspection.looks().keys() - {"compare", "find", "atlas", "series"}:  # which need more than a model
        if name != "gates" or inspection.keeping:
            views.append(inspection.look(name))
    assert {"cells", "trajectory"} <= {view.name for view in views}
    for view in views:
        header, *rows = view.describe().splitlines()
        assert header.split("\t") == list(view.columns)
        assert len(rows) > 0, view.name
        assert json.loads(json.dumps(view.plain()))
    page = inspection.page(views)
    assert all(f'"{view.module or view.name}": modules[' in page for view in views)
    status, out, _ = run("inspect", folder, "--json")
    assert status == 0
    usual = inspection.look(inspection.usual).plain()
    assert json.loads(out.splitlines()[0]) == json.loads(json.dumps(usual[0]))
    assert run("inspect", folder, "--html", tmp_path / "x.html")[0] == 0
    assert (tmp_path / "x.html").read_text() == inspection.page()
