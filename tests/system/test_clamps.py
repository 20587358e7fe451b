"""Units that are held, and recordings: compiled code against PyTorch, and against weights that do the same."""

import numpy as np
import pytest
import torch

from ostinato.codecs import CharacterCodec
from ostinato.decode.pipeline import RuleSettings
from ostinato.decode.searching import SearchSettings
from ostinato.engine.cpu import cores_here
from ostinato.engine.engine import Engine
from ostinato.engine.packing import pack
from ostinato.families.text.generation import Generation
from ostinato.families.text.network import LanguageModel
from ostinato.inspect.clamps import Clamp, clamp_arrays
from ostinato.inspect.held_cores import held_network

LETTERS = CharacterCodec("abcdefgh ().\n")
CELLED = ("lstm", "capped-lstm")
TEXT = np.array(
    [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3, 8, 4, 6, 2, 6, 4, 3, 3, 8, 3, 2, 7], dtype=np.int64
)


def network_of(core, layers=2, size=70):
    torch.manual_seed(len(core))
    model = LanguageModel(LETTERS.size, core=core, layers=layers, hidden_size=size, embedding_size=8).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.mul_(0.9 if name.endswith("weight_hh") else 2.0)
    return model


def engine_of(model, core, kernels, precision="fp32", threads=2):
    weights = {name: value.detach().numpy() for name, value in model.named_parameters()}
    layers = len(model.core.layers)
    packed = pack(weights, core=core, layers=layers, symbols=LETTERS.size, precision=precision)
    return Engine(packed, threads=threads, folder=kernels)


def clamps_for(core, layers=2, size=70):
    clamps = [
        Clamp(0, 3, 0.9),
        Clamp(1, 65, -1.0, first=4),
        Clamp(1, 2, 0.5, scaled=True),
        Clamp(0, 40, 0.0, first=2, end=9),
    ]
    if core in CELLED:
        clamps += [Clamp(1, 66, 1.7, part="cell"), Clamp(0, 7, -0.3, part="cell", scaled=True, first=3)]
    return clamp_arrays(clamps, layers=layers, units=size, has_cell=core in CELLED)


@pytest.mark.parametrize("core", ["elman", "elman-relu", "gru", "lstm", "capped-lstm"])
@pytest.mark.parametrize("search", [{}, {"greedy": True}, {"beam": 4}], ids=str)
def test_what_is_held_in_compiled_code_is_held_as_in_the_reference(kernels, core, search):
    model, clamps = network_of(core), clamps_for(core)
    options = {"length": 60, "settings": SearchSettings(**search), "seed": None if search else 5}
    writers = (held_network(model, clamps), engine_of(model, core, kernels).held(clamps))
    (expected,), (written,) = (Generation(LETTERS, writer, ["abc"], **options).finish() for writer in writers)
    (free,) = Generation(LETTERS, model, ["abc"], **options).finish()
    assert written.text == expected.text
    assert written.log_prob == pytest.approx(expected.log_prob, abs=1e-3)
    assert written.log_prob != pytest.approx(free.log_prob, abs=1e-3)


def torch_log_probs(network, text):
    with torch.inference_mode():
        inputs = torch.from_numpy(np.concatenate([[LETTERS.size], text[:-1]]))[None]
        log_probs, _ = network.log_probs(inputs, None)
    return log_probs[0][torch.arange(len(text)), torch.from_numpy(text)].double().numpy()


@pytest.mark.parametrize("core", ["gru", "lstm", "capped-lstm"])
def test_scores_with_held_units_are_those_of_the_reference_and_a_sweep_holds_one_at_a_time(kernels, core):
    model, engine = network_of(core), engine_of(network_of(core), core, kernels)
    clamps = clamps_for(core)
    ((_, scored),) = engine.held(clamps).log_probs([TEXT])
    np.testing.assert_allclose(scored, torch_log_probs(held_network(model, clamps), TEXT), atol=2e-4)
    layers, units = np.array([0, 1, 1, 0]), np.array([3, 65, 0, 69])
    numbers = np.array([engine.unit_numbers(0, *one)[()] for one in zip(layers, units, strict=True)])
    values = np.array([0.5, -0.7, 0.0, 1.5], dtype=np.float32)
    swept = engine.sweep(TEXT, numbers, values)
    for row, (layer, unit, value) in enumerate(zip(layers, units, values, strict=True)):
        one = clamp_arrays([Clamp(int(layer), int(unit), float(value))], layers=2, units=70, has_cell=core in CELLED)
        ((_, alone),) = engine.held(one).log_probs([TEXT])
        np.testing.assert_allclose(swept[row], alone, atol=1e-4)


def test_a_beam_that_is_narrow_for_a_while_holds_units_at_the_same_steps(kernels):
    model = network_of("lstm")
    held = [Clamp(layer, unit, 1.0, first=6, end=12) for layer in (0, 1) for unit in range(0, 60, 2)]
    clamps = clamp_arrays(held, layers=2, units=70, has_cell=True)
    options = {"length": 20, "settings": SearchSettings(beam=5), "rules": RuleSettings(match="abc[a-h ]{12}")}
    writers = (held_network(model, clamps), engine_of(model, "lstm", kernels).held(clamps))
    (expected,), (written,) = (Generation(LETTERS, writer, ["a"], **options).finish() for writer in writers)
    assert written.text == expected.text
    assert written.log_prob == pytest.approx(expected.log_prob, abs=1e-3)


def test_a_team_of_threads_holds_and_records_what_one_thread_does(kernels):
    model = network_of("lstm", size=300)
    clamps = clamps_for("lstm", size=300)
    one, team = (engine_of(model, "lstm", kernels, threads=threads) for threads in (1, 2))
    if cores_here() > 1:
        assert team.threads.share(team.model, 1, "read").team == 2
    for _ in range(5):
        ((_, first),) = one.held(clamps).log_probs([TEXT])
        ((_, second),) = team.held(clamps).log_probs([TEXT])
        np.testing.assert_array_equal(first, second)
        np.testing.assert_array_equal(one.held(clamps).record(TEXT).hidden, team.held(clamps).record(TEXT).hidden)


def test_a_sweep_holds_cells_too(kernels):
    engine = engine_of(network_of("lstm"), "lstm", kernels)
    number = engine.unit_numbers(1, 1, np.array([66]))
    (swept,) = engine.sweep(TEXT, number, np.array([0.8], dtype=np.float32))
    clamps = clamp_arrays([Clamp(1, 66, 0.8, part="cell")], layers=2, units=70, has_cell=True)
    ((_, alone),) = engine.held(clamps).log_probs([TEXT])
    np.testing.assert_allclose(swept, alone, atol=1e-4)


@pytest.mark.parametrize("precision", ["int8", "fp32"])
@pytest.mark.parametrize("core", ["elman-relu", "gru", "capped-lstm"])
def test_a_unit_that_is_held_where_it_is_changes_nothing(kernels, core, precision):
    model = network_of(core)
    engine = engine_of(model, core, kernels, precision)
    same = clamp_arrays([Clamp(0, 3, 1.0, scaled=True)], layers=2, units=70, has_cell=core in CELLED)
    ((_, free),) = engine.log_probs([TEXT])
    ((_, held),) = engine.held(same).log_probs([TEXT])
    np.testing.assert_array_equal(held, free)
    whole, held = engine.record(TEXT), engine.held(same).record(TEXT)
    np.testing.assert_array_equal(whole.hidden, held.hidden)


@pytest.mark.parametrize("core", ["elman", "lstm"])
@pytest.mark.parametrize("layer", [0, 1])
def test_a_unit_held_at_nothing_is_one_whose_outgoing_weights_are_nothing(kernels, core, layer):
    model, unit = network_of(core), 66
    clamps = clamp_arrays([Clamp(layer, unit, 0.0)], layers=2, units=70, has_cell=core in CELLED)
    ((_, held),) = engine_of(model, core, kernels).held(clamps).log_probs([TEXT])
    with torch.no_grad():
        model.core.layers[layer].weight_hh[:, unit] = 0
        (model.core.layers[1].weight_ih if layer == 0 else model.head.weight)[:, unit] = 0
    expected = torch_log_probs(model, TEXT)
    np.testing.assert_allclose(held, expected, atol=1e-4)


@pytest.mark.parametrize("core", ["elman", "gru", "lstm", "capped-lstm"])
def test_a_recording_has_the_states_and_the_guesses_of_the_reference(kernels, core):
    model = network_of(core)
    recorded = engine_of(model, core, kernels).record(TEXT)
    state, hidden, cells, guesses = model.initial_state(1), [], [], []
    with torch.inference_mode():
        for symbol in [LETTERS.size, *TEXT.tolist()]:
            log_probs, state = model.step(torch.tensor([symbol]), state)
            hidden.append([one[0] if isinstance(one, torch.Tensor) else one.hidden[0] for one in state])
            cells.append([one.cell[0] for one in state if not isinstance(one, torch.Tensor)])
            guesses.append(log_probs[0])
    np.testing.assert_allclose(recorded.hidden, torch.stack([torch.stack(one) for one in hidden]), atol=1e-4)
    np.testing.assert_allclose(torch.from_numpy(recorded.logits).log_softmax(-1), torch.stack(guesses), atol=1e-3)
    if core in CELLED:
        np.testing.assert_allclose(recorded.cell, torch.stack([torch.stack(one) for one in cells]), atol=1e-4)
    else:
        assert recorded.cell is None


@pytest.mark.parametrize("value", [3.0, -2.5])
def test_a_unit_may_be_held_beyond_what_it_could_be_by_itself(kernels, value):
    model = network_of("lstm")
    clamps = clamp_arrays([Clamp(1, 3, value)], layers=2, units=70, has_cell=True)
    values = [
        next(engine_of(model, "lstm", kernels, precision).held(clamps).log_probs([TEXT]))[1]
        for precision in ("int8", "fp32")
    ]
    np.testing.assert_allclose(values[0], values[1], atol=0.35)
    np.testing.assert_allclose(values[1], torch_log_probs(held_network(model, clamps), TEXT), atol=2e-4)
