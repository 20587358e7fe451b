import dataclasses
from dataclasses import dataclass

import pytest

from ostinato import config
from ostinato.cores.table import CORES
from ostinato.errors import ConfigError
from ostinato.families import RECIPES, Budget
from ostinato.families.text.family import TextFamily
from ostinato.families.text.settings import LanguageModelSettings


@dataclass(frozen=True)
class Settings:
    recipe: str
    hidden_size: int = 128
    learning_rate: float = 2e-3
    patience: int | None = None
    sizes: tuple[int, ...] = ()

    def __post_init__(self):
        config.at_least("hidden_size", self.hidden_size, 1)


def test_what_is_written_reads_back():
    settings = Settings("char-lm", 64, patience=3, sizes=(1, 2))
    assert config.read(Settings, config.write(settings), where="config.json") == settings


def test_every_problem_is_told_at_once():
    with pytest.raises(ConfigError) as caught:
        config.read(
            Settings, {"hiden_size": 64, "hidden_size": "two", "learning_rate": True, "patience": 1.5}, where="a.json"
        )
    assert str(caught.value).splitlines() == [
        "unknown setting 'hiden_size' in a.json; did you mean 'hidden_size'? "
        "Known: hidden_size, learning_rate, patience, recipe, sizes",
        "setting 'recipe' is missing in a.json and has no default",
        "hidden_size = 'two' in a.json: input should be a valid integer",
        "learning_rate = True in a.json: input should be a valid number",
        "patience = 1.5 in a.json: input should be a valid integer",
    ]


def test_a_range_check_says_where():
    with pytest.raises(ConfigError, match=r"hidden_size must be at least 1, got 0 \(in a.json\)"):
        config.read(Settings, {"recipe": "x", "hidden_size": 0}, where="a.json")


def test_assignments_are_read_as_json_where_they_are_json():
    assert config.parse_assignments(
        ["recipe=gru", "hidden_size=3", "patience=null", "learning_rate=1e-3"], Settings
    ) == {
        "recipe": "gru",
        "hidden_size": 3,
        "patience": None,
        "learning_rate": 1e-3,
    }


def test_an_assignment_that_is_none_is_refused():
    with pytest.raises(ConfigError, match="--set 'hidden_size' is not of the form NAME=VALUE"):
        config.parse_assignments(["hidden_size"], Settings)


@pytest.mark.parametrize(
    ("assignment", "hint"),
    [
        ("lr=0.1", "did you mean 'learning_rate'?"),
        ("n_layer=3", "did you mean 'layers'?"),
        ("cor=gru", "did you mean 'core'?"),
    ],
)
def test_an_unknown_setting_is_shown_the_one_that_was_meant(assignment, hint):
    with pytest.raises(ConfigError) as caught:
        config.parse_assignments([assignment], LanguageModelSettings)
    assert hint in str(caught.value)


def test_a_value_in_other_letters_is_shown_the_one_that_was_meant():
    assert (
        config.one_of("core", "LSTM", ("gru", "lstm"))
        == "core must be one of gru, lstm; got 'LSTM'; did you mean 'lstm'?"
    )
    assert config.one_of("core", "xyz", ("gru", "lstm")) == "core must be one of gru, lstm; got 'xyz'"
    assert config.one_of("core", "gru", ("gru", "lstm")) is None


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("items", [False, True])
@pytest.mark.parametrize("minutes", [0.1, 1, 5, 100])
def test_every_recipe_chooses_settings_that_can_be_read_for_every_budget(name, items, minutes):
    recipe = RECIPES[name]
    # What reads its corpus itself makes items of it, and so do all families but that of texts.
    items = items or recipe.prepare is not None or not isinstance(recipe.family, TextFamily)
    for symbols in (50, 2_000, 100_000, 1_000_000, 100_000_000):
        chosen = recipe.sizes_for(Budget(symbols, items, minutes), {})
        settings = config.read(recipe.settings, chosen, where="choose")
        assert items or settings.batch_size * settings.window <= max(64, symbols)


def test_a_tied_recipe_follows_the_width_that_is_set():
    for given in ({"hidden_size": 32}, {"core": "jordan"}):
        chosen = RECIPES["word-lm"].sizes_for(Budget(10_000, False, 1), given)
        config.read(LanguageModelSettings, {**chosen, **given}, where="test")


def test_settings_name_every_core_there_is():
    for core in CORES:
        assert config.read(LanguageModelSettings, {"core": core}, where="test").core == core
    with pytest.raises(ConfigError, match=r"core must be one of capped-lstm, elman, .*got 'lstn'"):
        config.read(LanguageModelSettings, {"core": "lstn"}, where="test")


def test_names_that_others_rely_on_are_there():
    names = {field.name for field in dataclasses.fields(LanguageModelSettings)}
    assert names >= {
        "core",
        "layers",
        "hidden_size",
        "embedding_size",
        "batch_size",
        "window",
        "learning_rate",
        "dropout",
    }


def test_tying_what_cannot_be_tied_is_refused():
    with pytest.raises(ConfigError, match="tied = true needs embedding_size = hidden_size"):
        LanguageModelSettings(tied=True, hidden_size=8, embedding_size=4)


def test_dropping_recurrent_weights_that_are_not_there_is_refused():
    with pytest.raises(ConfigError, match="has no recurrent weights"):
        LanguageModelSettings(core="min-gru", recurrent_dropout=0.2)
