"""Which sizes the recipe for characters chooses."""

import itertools

import pytest

from ostinato import config
from ostinato.errors import ConfigError
from ostinato.families import RECIPES, Budget
from ostinato.families.text import char_lm

MINUTES = (0.1, 0.3, 1, 3, 10, 30, 100, 1000)


def chosen(symbols, minutes, *, items=False, device="cpu", speed=1.0):
    return RECIPES["char-lm"].sizes_for(Budget(symbols, items, minutes, device, speed=speed), {})


@pytest.mark.parametrize("table", [char_lm._TEXT, char_lm._TEXT_ON_GPU, char_lm._ITEMS])
def test_no_row_of_a_table_stands_behind_one_that_always_comes_first(table):
    for earlier, later in itertools.combinations(table, 2):
        assert any(ours < theirs for ours, theirs in zip(earlier[:3], later[:3], strict=True))


def test_every_budget_has_its_sizes():
    for symbols, minutes, items, device in itertools.product(
        (1, 10**4, 10**5, 3 * 10**5, 10**6, 10**7, 10**9), MINUTES, (False, True), ("cpu", "cuda")
    ):
        settings = chosen(symbols, minutes, items=items, device=device)
        assert 128 <= settings["hidden_size"] <= 1024
        assert 0 <= settings.get("dropout", 0) < 0.7


def test_more_time_makes_networks_wider_and_dropout_stronger():
    for symbols in (10**6, 10**7, 10**8):
        rows = [chosen(symbols, minutes) for minutes in MINUTES]
        for earlier, later in itertools.pairwise(rows):
            assert earlier["hidden_size"] <= later["hidden_size"]
            assert earlier.get("dropout", 0) <= later.get("dropout", 0)


def test_a_slow_machine_in_a_minute_gets_what_a_fast_one_gets_in_seconds():
    for items in (False, True):
        assert chosen(10**6, 1, items=items, speed=0.2) == chosen(10**6, 0.2, items=items)
    assert chosen(10**6, 1, speed=0.2)["hidden_size"] == 256


def test_little_text_gets_a_wide_network_only_where_there_is_time_for_its_passes():
    assert chosen(10**5, 0.5)["hidden_size"] < chosen(10**5, 1)["hidden_size"]
    assert chosen(2 * 10**5, 1)["hidden_size"] < chosen(2 * 10**5, 2)["hidden_size"]


def test_little_text_ends_before_it_is_known_by_heart():
    assert chosen(10**5, 0.5)["passes"] == 18
    assert chosen(10**5, 10)["passes"] == chosen(10**5, 1000)["passes"] == 15


def test_recurrent_weights_are_dropped_in_very_many_passes_where_there_are_any_and_they_can_be():
    recipe, long = RECIPES["char-lm"], Budget(10**6, False, 30)
    assert chosen(10**6, 30)["recurrent_dropout"] > 0
    assert "recurrent_dropout" not in chosen(10**6, 10)
    for given in ({"core": "min-gru"}, {"core": "min-lstm"}, {"feedback": "linear"}):
        settings = config.read(recipe.settings, {**recipe.sizes_for(long, given), **given}, where="here")
        assert settings.recurrent_dropout == 0
    for given in ({}, {"core": "elman"}, {"core": "jordan"}, {"core": "gru"}):
        settings = config.read(recipe.settings, {**recipe.sizes_for(long, given), **given}, where="here")
        assert settings.recurrent_dropout > 0


def test_a_core_that_is_no_name_is_left_to_the_settings_to_refuse():
    with pytest.raises(ConfigError, match="core"):
        config.read(
            RECIPES["char-lm"].settings,
            {**RECIPES["char-lm"].sizes_for(Budget(10**6, False, 30), {"core": 5}), "core": 5},
            where="here",
        )
