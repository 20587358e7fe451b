"""The compiled network: its products against plain ones, its steps against PyTorch's, on every kind of processor."""

import math
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ostinato.cores.table import CORES
from ostinato.engine import packing
from ostinato.engine.block import fill_block
from ostinato.engine.cpu import choose_instructions, instructions_here
from ostinato.engine.engine import Engine
from ostinato.engine.kernels import Kernels
from ostinato.engine.packing import PRECISIONS, can_pack, pack, quantised
from ostinato.errors import ConfigError, DamagedError
from ostinato.families.text.network import LanguageModel

PACKED = [core for core in CORES if can_pack(core)]


def network(core, *, symbols=11, layers=2, size=37, embedding=9, scale=2.0, **options):
    torch.manual_seed(len(core) + layers)
    model = LanguageModel(
        symbols, core=core, layers=layers, hidden_size=size, embedding_size=embedding, **options
    ).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.mul_(0.7 if name.endswith("weight_hh") and "relu" in core else scale)
    return model


def packed(model, core, precision="fp32", **options):
    weights = {name: value.detach().numpy() for name, value in model.named_parameters()}
    layers = len(model.core.layers)
    return pack(weights, core=core, layers=layers, symbols=model.symbols, precision=precision, **options)


def engine(kernels, model, core, precision="fp32", *, threads=1, instructions=None, **options):
    one = packed(model, core, precision, **options)
    return Engine(one, threads=threads, instructions=instructions, folder=kernels)


def log_probs(model, ids):
    """What PyTorch says of one text."""
    inputs = torch.tensor([[model.symbols, *ids[:-1]]])
    with torch.inference_mode():
        found = model.log_probs(inputs)[0][0]
    return found.gather(1, torch.from_numpy(ids)[:, None])[:, 0].numpy()


def text(symbols, length, seed=0):
    return np.random.default_rng(seed).integers(0, symbols, length)


@pytest.mark.parametrize("instructions", instructions_here())
@given(rows=st.integers(1, 21), groups=st.integers(1, 40), panels=st.integers(1, 3), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_integer_products_are_exact_with_any_instructions(kernels, instructions, rows, groups, panels, seed):
    random = np.random.default_rng(seed)
    K = 4 * groups
    # Extremes often, so that whatever saturates is found out.
    weights = random.choice([-127, 127, *random.integers(-127, 128, 4)], (panels * 64, K)).astype(np.int8)
    levels = random.choice([-127, 127, *random.integers(-127, 128, 4)], (rows, K)).astype(np.int64)
    laid = weights.reshape(panels, 64, groups, 4).transpose(0, 2, 1, 3)
    arrays = {
        "weights": np.ascontiguousarray(laid).ravel(),
        "sums": (-128 * weights.sum(axis=1, dtype=np.int32)).astype(np.int32),
        "acts": (levels + 128).astype(np.uint8).ravel(),
        "product": np.zeros(panels * rows * 64, dtype=np.int32),
    }
    block = fill_block(arrays, {"rows": rows, "steps": 1, "count": groups}, "int8")
    Kernels(instructions, "int8", kernels)["multiply"](block)
    expected = levels @ weights.astype(np.int64).T
    assert (arrays["product"].reshape(panels, rows, 64) == expected.T.reshape(panels, 64, rows).swapaxes(1, 2)).all()


@pytest.mark.parametrize("instructions", instructions_here())
@given(rows=st.integers(1, 21), K=st.integers(1, 90), panels=st.integers(1, 3), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_float_products_do_not_depend_on_how_many_rows_go_together(kernels, instructions, rows, K, panels, seed):
    random = np.random.default_rng(seed)
    weights, x = random.standard_normal((panels, K, 64), np.float32), random.standard_normal((rows, K), np.float32)

    def product(some):
        arrays = {
            "weights": weights.ravel(),
            "sums": np.zeros(panels * 64, dtype=np.int32),
            "acts": np.ascontiguousarray(some).ravel(),
            "product": np.zeros(panels * len(some) * 64, dtype=np.float32),
        }
        Kernels(instructions, "fp32", kernels)["multiply"](
            fill_block(arrays, {"rows": len(some), "steps": 1, "count": K}, "fp32")
        )
        return arrays["product"].reshape(panels, len(some), 64)

    together = product(x)
    assert np.allclose(together, np.einsum("pkc,rk->prc", weights.astype(np.float64), x), atol=1e-4)
    alone = np.concatenate([product(x[row : row + 1]) for row in range(rows)], axis=1)
    assert (together == alone).all()


def test_weights_in_int8_are_a_scale_times_levels_and_off_by_half_a_level_at_most():
    rows = np.random.default_rng(0).standard_normal((64, 12)).astype(np.float32)
    rows[3] = 0
    rows[5] *= 1e30
    scale, levels = quantised(rows)
    assert levels.dtype == np.int8
    assert np.abs(levels).max(axis=1).tolist() == [127 if row != 3 else 0 for row in range(64)]
    assert (np.abs(scale[:, None] * levels - rows) <= 0.5001 * scale[:, None]).all()


@pytest.mark.parametrize("core", PACKED)
@pytest.mark.parametrize(
    ("layers", "size", "options"),
    [
        (1, 5, {}),
        (2, 37, {}),
        (1, 64, {"tied": True, "embedding": 64}),
        (2, 70, {"residual": True}),
        (4, 65, {"residual": True, "symbols": 130}),
    ],
)
def test_the_compiled_network_says_what_pytorch_says(kernels, core, layers, size, options):
    model = network(core, layers=layers, size=size, **options)
    ids = text(model.symbols, 90)
    kept = {name: options[name] for name in ("tied", "residual") if name in options}
    ((_, found),) = engine(kernels, model, core, **kept).log_probs([ids])
    assert np.allclose(found, log_probs(model, ids), atol=2e-5, rtol=1e-6)


@pytest.mark.parametrize("core", PACKED)
def test_without_a_table_for_the_first_layer_it_says_the_same(kernels, core, monkeypatch):
    model = network(core, embedding=70)
    ids = text(model.symbols, 60)
    ((_, folded),) = engine(kernels, model, core).log_probs([ids])
    monkeypatch.setattr(packing, "_LARGEST_TABLE", 0)
    ((_, found),) = engine(kernels, model, core).log_probs([ids])
    assert np.allclose(found, folded, atol=2e-5, rtol=1e-6)
    ((_, eighth),) = engine(kernels, model, core, "int8").log_probs([ids])
    assert np.abs(eighth - folded).mean() < 0.03 * np.abs(folded).mean()


@pytest.mark.parametrize("core", PACKED)
@pytest.mark.parametrize("residual", [False, True])
def test_int8_costs_little(kernels, core, residual):
    model = network(core, layers=3, size=64, residual=residual, scale=1.5)
    ids = text(model.symbols, 400)
    ((_, found),) = engine(kernels, model, core, "int8", residual=residual).log_probs([ids])
    expected = log_probs(model, ids)
    assert found.mean() == pytest.approx(expected.mean(), rel=0.005)
    assert 0 < np.abs(found - expected).mean() < 0.05


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("core", PACKED)
def test_all_instructions_give_the_same_bits(kernels, core, precision):
    model = network(core, layers=2, size=70, residual=True)
    texts = [text(model.symbols, 20 + 7 * row, row) for row in range(11)]
    best, *others = instructions_here()
    expected = dict(engine(kernels, model, core, precision, instructions=best, residual=True).log_probs(texts))
    for instructions in others:
        one = engine(kernels, model, core, precision, instructions=instructions, residual=True)
        for number, found in one.log_probs(texts):
            assert (found == expected[number]).all(), instructions


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("core", PACKED)
def test_a_batch_is_each_text_alone_and_threads_change_nothing(kernels, core, precision, monkeypatch):
    monkeypatch.setattr("ostinato.engine.threads._WORTH_A_TEAM", 1)
    model = network(core, layers=2, size=130)
    texts = [text(model.symbols, length, length) for length in (1, 40, 7, 40, 90, 3, 21, 22, 23)]
    alone = engine(kernels, model, core, precision)
    expected = [next(iter(alone.log_probs([each])))[1] for each in texts]
    for threads in (1, 2, 3):
        one = engine(kernels, model, core, precision, threads=threads)
        for number, found in one.log_probs(texts):
            assert (found == expected[number]).all()
        team = next(iter(one.log_probs([texts[4]])))[1]
        assert (team == expected[4]).all()


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("core", PACKED)
def test_extreme_weights_give_no_nan(kernels, core, precision):
    for scale in (0.0, 1e-30, 1e3, 1e12):
        model = network(core, layers=2, scale=scale)
        if "relu" in core and scale > 1:
            continue  # what is not bounded may overflow, in PyTorch too
        ids = text(model.symbols, 30)
        ((_, found),) = engine(kernels, model, core, precision).log_probs([ids])
        assert not np.isnan(found).any()
        if precision == "fp32" and scale < 1e12:
            assert np.allclose(found, log_probs(model, ids), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("core", PACKED)
def test_what_is_no_number_stays_none(kernels, core):
    one = packed(network(core), core)
    one.weights[5] = math.nan
    ((_, found),) = Engine(one, folder=kernels).log_probs([text(11, 30)])
    assert np.isnan(found[5:]).all()


@pytest.mark.parametrize("precision", PRECISIONS)
def test_weights_that_are_not_finite_are_refused(precision):
    model = network("gru")
    with torch.no_grad():
        model.core.layers[1].weight_hh[3, 4] = math.inf
    with pytest.raises(
        DamagedError, match=r"the model is damaged: core\.layers\.1\.weight_hh has numbers that are not"
    ):
        packed(model, "gru", precision)


def test_the_state_after_a_prompt_is_that_of_each_row(kernels):
    model = network("lstm")
    one = engine(kernels, model, "lstm")
    carried = one.start([[1, 2, 3], [], [1, 2, 3], [4]])
    for row, prompt in enumerate([[1, 2, 3], [], [1, 2, 3], [4]]):
        with torch.inference_mode():
            expected, state = model.log_probs(torch.tensor([[model.symbols, *prompt]]))
        found = torch.from_numpy(carried.logits[row, : model.symbols]).log_softmax(dim=-1)
        assert torch.allclose(found, expected[0, -1], atol=1e-5)
        assert np.allclose(carried.cell[1, row, :37], state[1].cell[0].numpy(), atol=1e-5)


def test_the_best_instructions_are_chosen_and_others_can_be_asked_for(monkeypatch):
    monkeypatch.delenv("OSTINATO_INSTRUCTIONS", raising=False)
    assert choose_instructions() == instructions_here()[0]
    assert instructions_here()[-1] == "portable"
    assert choose_instructions("portable") == "portable"
    monkeypatch.setenv("OSTINATO_INSTRUCTIONS", "portable")
    assert choose_instructions() == "portable"
    with pytest.raises(ConfigError, match=r"the instructions 'sse9' are not to be had here; there are .*portable"):
        choose_instructions("sse9")


def test_arm_code_has_the_dot_product_instruction():
    """Compiled for a processor that is not here, and read as assembly."""
    import llvmlite.binding as llvm
    from llvmlite import ir

    from ostinato.engine.compiled.tiles import write_tile

    module = ir.Module()
    numbers = [ir.IntType(64)] * 5
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), numbers), "tile")
    builder = ir.IRBuilder(function.append_basic_block())
    write_tile(builder, "neon-dot", "int8", 8, function.args)
    builder.ret_void()
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    machine = llvm.Target.from_triple("aarch64-unknown-linux-gnu").create_target_machine(features="+dotprod")
    assembly = machine.emit_assembly(llvm.parse_assembly(str(module)))
    assert assembly.count("sdot") >= 16


BITS = """
import hashlib, os, sys
import numpy as np
from ostinato.engine.engine import Engine
from ostinato.engine.packing import pack
random = np.random.default_rng(0)
shapes = {"embedding.weight": (12, 9), "head.weight": (11, 70), "head.bias": (11,)}
for layer, width in enumerate((9, 70)):
    shapes |= {f"core.layers.{layer}.weight_ih": (280, width), f"core.layers.{layer}.weight_hh": (280, 70)}
    shapes[f"core.layers.{layer}.bias"] = (280,)
weights = {name: random.standard_normal(shape).astype(np.float32) / 3 for name, shape in shapes.items()}
for precision in ("int8", "fp32"):
    packed = pack(weights, core="lstm", layers=2, symbols=11, precision=precision)
    ((_, found),) = Engine(packed, threads=1).log_probs([np.arange(300) % 11])
    print(precision, hashlib.sha256(found.tobytes()).hexdigest())
"""


@pytest.mark.skipif("avx2" not in instructions_here(), reason="needs a processor that runs older ones' code")
def test_code_for_an_older_processor_gives_the_same_bits():
    def told(**environment):
        done = subprocess.run(
            [sys.executable, "-c", BITS], capture_output=True, text=True, env={**os.environ, **environment}, check=True
        )
        return done.stdout

    older = {
        "NUMBA_CPU_NAME": "haswell",
        "NUMBA_CPU_FEATURES": "+avx,+avx2,+fma,+sse4.2",
        "OSTINATO_INSTRUCTIONS": "avx2",
    }
    assert told(**older) == told()
