"""Cells that know something: planted ones are found by name, by chance none is; labels are what they say."""

import numpy as np
import pytest
import torch

from ostinato.codecs import CharacterCodec
from ostinato.engine.engine import Engine
from ostinato.engine.packing import pack
from ostinato.errors import ConfigError, RunError
from ostinato.families.text.network import LanguageModel
from ostinato.inspect.clamps import Clamp, clamp_arrays, parse_clamp
from ostinato.inspect.finding import find_units
from ostinato.inspect.labels import LABELLERS, label, labels_by
from ostinato.inspect.recording import Recording

LETTERS = CharacterCodec("abc “”()\n")
QUOTES, BRACKETS, RAMP = 2, 5, 7  # planted units


def text_of(seed, length=3000):
    """Words in lines, with quotations and nested brackets."""
    draw, parts, depth, is_open = np.random.default_rng(seed), [], 0, False
    while len(parts) < length:
        kind = draw.choice(8)
        if kind == 0:
            parts.append("”" if is_open else "“")
            is_open = not is_open
        elif kind == 1 and depth < 5:
            parts.append("(")
            depth += 1
        elif kind == 2 and depth:
            parts.append(")")
            depth -= 1
        elif kind == 3:
            parts.append("\n")
        parts += draw.choice(list("abc "), 3).tolist()
    return "".join(parts)


def planted():
    """An LSTM with one cell for quotations, one for brackets and one for the place in a line; the others are random."""
    torch.manual_seed(1)
    V, H, sure = LETTERS.size, 12, 30.0
    model = LanguageModel(V, core="lstm", layers=1, hidden_size=H, embedding_size=V).eval()
    core, at = model.core.layers[0], {character: LETTERS.encode(character)[0] for character in "“”()\n"}
    i, f, g, o = (slice(n * H, (n + 1) * H) for n in range(4))
    with torch.no_grad():
        model.embedding.weight.zero_()
        model.embedding.weight[:V] = torch.eye(V)
        for unit in (QUOTES, BRACKETS, RAMP):
            for gate in (i, f, g, o):
                core.weight_ih[gate][unit] = core.weight_hh[gate][unit] = 0
            core.bias[i][unit], core.bias[f][unit], core.bias[g][unit], core.bias[o][unit] = -sure, sure, 0, sure
        core.weight_ih[i][QUOTES, at["“"]], core.weight_ih[g][QUOTES, at["“"]] = 2 * sure, sure
        core.weight_ih[f][QUOTES, at["”"]] = -2 * sure
        for bracket, step in (("(", 0.1), (")", -0.1)):
            core.weight_ih[i][BRACKETS, at[bracket]], core.weight_ih[g][BRACKETS, at[bracket]] = 2 * sure, step
        core.bias[i][RAMP], core.bias[g][RAMP] = sure, 0.01
        core.weight_ih[i][RAMP, at["\n"]] = core.weight_ih[f][RAMP, at["\n"]] = -2 * sure
    return model


def recorded(model, text, kernels):
    weights = {name: value.detach().numpy() for name, value in model.named_parameters()}
    packed = pack(weights, core="lstm", layers=1, symbols=LETTERS.size, precision="fp32")
    ids = LETTERS.encode(text).astype(np.int64)
    one = Engine(packed, folder=kernels).record(ids)
    return Recording(tuple(text), ids, {"hidden": one.hidden, "cell": one.cell, "logits": one.logits})


def test_planted_cells_are_found_first_by_name(kernels):
    text = text_of(3)
    values, places = recorded(planted(), text, kernels).of_units()
    names = ("quotes", "brackets", "line-position")
    best = {one.label: one for one in find_units(values, places, {n: label(n, text) for n in names}, count=1)}
    assert (best["quotes"].part, best["quotes"].unit) in {("cell", QUOTES), ("hidden", QUOTES)}
    assert (best["quotes"].measure, best["quotes"].score) == ("auc", pytest.approx(1, abs=1e-6))
    assert (best["brackets"].unit, best["brackets"].score > 0.99) == (BRACKETS, True)
    assert (best["line-position"].unit, best["line-position"].score > 0.99) == (RAMP, True)
    for one in best.values():
        assert one.is_above_chance
        assert abs(one.control - (0.5 if one.measure == "auc" else 0)) < 0.05


def test_by_chance_hardly_ever_a_unit_knows_anything():
    alarms, seeds = 0, 200
    for seed in range(seeds):
        draw = np.random.default_rng(seed)
        steps = draw.standard_normal((15, 600))
        values = np.array([np.convolve(own, np.ones(9) / 9, mode="same") for own in steps])  # as slow as states are
        labels = (np.convolve(draw.standard_normal(600), np.ones(15), mode="same") > 0).astype(float)
        places = [("hidden", 0, unit) for unit in range(15)]
        best = find_units([values], places, {"nothing": labels}, count=1, seed=seed)
        alarms += best[0].is_above_chance
    assert alarms <= 5  # expected: one or two of 200; six or more would be rarer than once in 100


def test_the_direction_of_a_unit_is_that_of_the_first_half():
    labels = np.tile([0.0, 1.0, 1.0, 0.0, 1.0], 60)
    values = np.stack([-labels, labels, np.arange(300) % 7])
    one, other = find_units([values], [("hidden", 0, unit) for unit in range(3)], {"x": labels}, count=2)
    assert {(one.unit, one.sign), (other.unit, other.sign)} == {(0, -1), (1, 1)}
    assert one.score == other.score == 1


def test_labels_are_what_they_say():
    assert label("quotes", 'a "b" c').tolist() == [0, 0, 1, 1, 0, 0, 0]
    assert label("brackets", "(a[b])").tolist() == [1, 1, 2, 2, 1, 0]
    assert label("indent", "a\n  b c\n").tolist() == [0, 0, 1, 2, 2, 2, 2, 0]
    assert label("line-position", "ab\nc").tolist() == [1, 2, 0, 1]
    assert label("word-position", "ab c").tolist() == [1, 2, 0, 1]
    assert label("comment", "a # b\nc").tolist() == [0, 0, 1, 1, 1, 0, 0]
    assert label("string", "x = 'a\\'b' # 'c\n'").tolist() == [0] * 4 + [1] * 5 + [0] * 7 + [1]
    assert label("string", "'''a'b\n'''c").tolist() == [1] * 7 + [0] * 4
    assert label("string", "'a\nb").tolist() == [1, 1, 0, 0]
    assert label("url", "a http://b c").tolist() == [0, 0] + [1] * 8 + [0, 0]
    assert label("speaker", "To be:\nI am.\n\nA").tolist() == [1] * 6 + [0] * 8 + [1]
    assert label("speaker", "a.b\n\nC d").tolist() == [1, 0, 0, 0, 0, 1, 1, 1]
    assert label("upper", "aB").tolist() == [0, 1]
    assert label("digits", "a1").tolist() == [0, 1]
    for name in LABELLERS:
        assert label(name, 'a "(B\n 1) # http://x\n').shape == (21,)


@pytest.mark.parametrize(
    ("labeller", "told"),
    [
        (lambda text: [1, 2], "gave the shape"),
        (lambda text: ["x" for _ in text], "a label is a number"),
        (lambda text: [float("nan") for _ in text], "a finite number for each"),
    ],
)
def test_a_labeller_that_gives_no_labels_is_refused(labeller, told):
    with pytest.raises(ConfigError, match=told):
        labels_by(labeller, "abcd", "mine")


def test_a_label_that_never_changes_and_one_that_is_unknown_are_refused():
    with pytest.raises(ConfigError, match="'x' hardly changes in this text"):
        find_units([np.zeros((2, 100))], [("hidden", 0, 0), ("hidden", 0, 1)], {"x": np.zeros(100)})
    with pytest.raises(ConfigError, match="did you mean 'quotes'"):
        label("quote", "abc")


def test_a_recording_is_cut_and_kept(kernels, tmp_path):
    whole = recorded(planted(), text_of(4, 50), kernels)
    part = whole[10:20]
    assert (len(part), part.symbols) == (10, whole.symbols[10:20])
    np.testing.assert_array_equal(part.arrays["cell"], whole.arrays["cell"][10:21])
    part.save(tmp_path / "x.safetensors")
    again = Recording.load(tmp_path / "x.safetensors")
    assert again.symbols == part.symbols
    for name, array in part.to_numpy().items():
        np.testing.assert_array_equal(again.to_numpy()[name], array)
    (tmp_path / "y").write_bytes(b"nothing")
    with pytest.raises(RunError, match="holds no recording"):
        Recording.load(tmp_path / "y")
    with pytest.raises(ConfigError, match="one run of symbols"):
        whole[::2]


def test_clamps_are_read_and_checked():
    assert parse_clamp("1:37=-1") == Clamp(1, 37, -1.0)
    assert parse_clamp("cell:0:2*0.5@3-9") == Clamp(0, 2, 0.5, part="cell", scaled=True, first=3, end=10)
    assert parse_clamp("0:1=mean@2-3") == Clamp(0, 1, 0.0, ablated=True, first=2, end=4)
    assert [parse_clamp(f"0:1={number}").value for number in (".5", "+1", "1e-3")] == [0.5, 1, 1e-3]
    with pytest.raises(ConfigError, match="step 2 comes before step 3"):
        parse_clamp("0:1=1@3-2")
    for odd in ("1:37", "x", "1:37=", "hidden:1=2"):
        with pytest.raises(ConfigError, match="holds no unit"):
            parse_clamp(odd)
    sizes = {"layers": 2, "units": 5, "has_cell": False}
    for clamp, told in (
        (Clamp(2, 0, 1), "the layers 0 to 1"),
        (Clamp(0, 5, 1), "the units 0 to 4"),
        (Clamp(0, 0, 1, part="cell"), "no part 'cell' of a state that can be held"),
        (Clamp(0, 0, float("nan")), "held at a number"),
    ):
        with pytest.raises(ConfigError, match=told):
            clamp_arrays([clamp], **sizes)
