"""Taps, projections, statistics of gates, and views as data."""

import numpy as np
import pytest
import torch

from ostinato.cores.lstm import LSTM
from ostinato.cores.stack import Stack
from ostinato.errors import ConfigError
from ostinato.inspect.gating import remembered, saturation
from ostinato.inspect.looking import cells, gates, levels, trajectory
from ostinato.inspect.page import page
from ostinato.inspect.projecting import project
from ostinato.inspect.recording import Recording
from ostinato.inspect.taps import matching, replaced, tap_names, watched
from ostinato.inspect.views import View


def stack():
    torch.manual_seed(1)
    return Stack([LSTM(5, 7), LSTM(7, 7)]).eval()


def test_a_watched_network_gives_what_it_gives_unwatched_and_tells_its_gates():
    core, xs = stack(), torch.randn(2, 6, 5)
    with torch.inference_mode():
        expected, _ = core(xs)
        with watched(core, "*gate") as values:
            told, _ = core(xs)
    torch.testing.assert_close(told, expected, atol=1e-5, rtol=0)
    assert len(values) == 6
    gates_of_time = values["layers.0.forget_gate"]
    assert len(gates_of_time) == 6
    layer = core.layers[0]
    first = xs[:, 0] @ layer.weight_ih.T + layer.bias
    torch.testing.assert_close(gates_of_time[0], first.chunk(4, dim=-1)[1].sigmoid())
    assert not core._is_tapped()  # nothing is left behind
    with torch.inference_mode(), watched(core, "hidden", "cell") as values:
        outputs, state = core(xs)
    torch.testing.assert_close(torch.stack(values["layers.1.hidden"], dim=1), outputs)
    torch.testing.assert_close(values["layers.0.cell"][-1], state[0].cell)


def test_a_replaced_gate_is_gone_on_with():
    core, xs = stack(), torch.randn(1, 5, 5)
    with torch.inference_mode(), replaced(core, {"layers.1.output_gate": torch.zeros_like}):
        told, _ = core(xs)
    assert not told.any()
    with torch.inference_mode(), replaced(core, {"forget_gate": lambda value: None}):
        same, _ = core(xs)
    torch.testing.assert_close(same, core(xs)[0], atol=1e-5, rtol=0)


def test_a_pattern_that_matches_nothing_names_the_near_ones():
    names = tap_names(stack())
    assert matching(names, "forget_gate") == ["layers.0.forget_gate", "layers.1.forget_gate"]
    assert len(matching(names, "*gate")) == 6
    with pytest.raises(ConfigError, match="no value of the network is called 'forgetgate'; near it are forget_gate"):
        matching(names, "forgetgate")
    with pytest.raises(ConfigError, match="this network has none"):
        matching([], "*gate")


def test_projection_finds_the_directions_of_the_variance():
    draw = np.random.default_rng(1)
    basis, _ = np.linalg.qr(draw.standard_normal((8, 8)))
    scales = np.array([9.0, 4, 2, 1, 0.5, 0.2, 0.1, 0.05])
    states = draw.standard_normal((4000, 8)) * scales @ basis.T + 3
    projection = project(states, 3)
    for number in range(3):
        assert abs(projection.components[number] @ basis[:, number]) > 0.99
    np.testing.assert_allclose(projection.explained, (scales**2 / (scales**2).sum())[:3], rtol=0.1)
    np.testing.assert_allclose(projection.points.mean(axis=0), 0, atol=1e-9)
    whole = project(states, 8)
    assert sum(whole.explained) == pytest.approx(1)
    np.testing.assert_allclose(whole.points @ whole.components + states.mean(axis=0), states, atol=1e-9)
    with pytest.raises(ConfigError, match="have no 9 components"):
        project(states, 9)


@pytest.mark.parametrize(("share", "steps"), [(0.5, 2), (0.9, 10), (0.99, 100), (0.0, 1)])
def test_a_cell_that_keeps_a_share_remembers_for_the_steps_until_one_over_e(share, steps):
    T = 2000
    spans = remembered(np.full((T, 1, 1), share))
    whole = np.minimum(steps, T - np.arange(T)).mean()
    assert spans[0, 0] == pytest.approx(whole, rel=1e-6)


def test_gates_are_counted_shut_and_open():
    values = np.zeros((10, 1, 3))
    values[:, 0, 1], values[:5, 0, 2] = 1.0, 0.95
    found = saturation({"forget_gate": values}, "forget_gate")
    np.testing.assert_allclose(found.shut[0, 0], [1, 0, 0.5])
    np.testing.assert_allclose(found.wide[0, 0], [0, 1, 0.5])
    (row,) = gates(found).rows()
    assert row[:6] == ("forget_gate", "0", "50.0%", "50.0%", 1, 1)


def recording():
    draw = np.random.default_rng(2)
    hidden = draw.standard_normal((7, 2, 4)).astype(np.float32)
    return Recording(tuple("abc d\n"), np.arange(6), {"hidden": hidden, "cell": 2 * hidden})


def test_views_are_plain_data_columns_and_pages():
    own = recording()
    view = cells(own, "1:2,cell:0:1")
    assert view.describe().splitlines()[0] == "1:2\tcell:0:1\ttext"
    assert [one["unit"] for one in view.plain()] == ["1:2", "cell:0:1"]
    np.testing.assert_allclose(view.plain()[0]["values"], own.arrays["hidden"][1:, 1, 2], atol=1e-5)
    assert view.describe().splitlines()[4].endswith("\t␣")
    packed = view.arrays["cell"] / 127 * view.arrays["cell_scale"][..., None]  # [L, H, T]
    gap = np.abs(packed - own.arrays["cell"][1:].transpose(1, 2, 0)) / view.arrays["cell_scale"][..., None]
    assert gap.max() < 1 / 250
    way = trajectory(own, project(own.arrays["hidden"][:, 1]), "hidden 1")
    assert len(way.plain()) == 7
    for told in (page([view, way], title="<b>&"), view._repr_html_(), own._repr_html_()):
        assert "<b>&" not in told
        assert "http://" not in told.replace("http://www.w3.org/", "")
        assert "default-src 'none'" in told.replace("&#x27;", "'")


def test_units_and_parts_that_are_not_there_are_refused():
    own = recording()
    for word, told in (
        ("2:0", "no layer 2"), ("0:4", "no unit 4"), ("gate:0:1", "no part 'gate'"), ("x", "names no unit"),
        ("0:-1", "names no unit"), ("a:b:0:1", "names no unit"),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=told):
            cells(own, word)


def test_levels_keep_the_largest_value_of_each_unit():
    packed, scales = levels(np.array([[[-3.0, 1.5], [0.1, 0.05], [0.0, 0.0]]]))
    assert packed.tolist() == [[[-127, 64], [127, 64], [0, 0]]]
    np.testing.assert_allclose(scales, [[3.0, 0.1, 1.0]])


def test_shared_facts_are_written_once():
    shared = {"symbols": ["needle"]}
    views = [View(name, name, (), list, list, module="guesses", facts={"text": shared}) for name in ("a", "b")]
    assert page(views, title="x").count("needle") == 1
