"""How fast texts are written on a CPU, beside what else is in use: one stream, many rows, beams, start, memory, loss.

python benchmarks/generation.py [--repeats 7] [--run RUN --text FILE]

Random weights, 65 symbols, embeddings as wide as the layers, drawing with temperature 0.8; every repeat measures all of
a group in turn, with the same number of threads, and medians are told. The limit of one core is what reading the
weights alone allows: our products with nothing around them. With a trained RUN and held-out text, the loss in int8 and
float32 is told too. Needs ostinato[bench].
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

import ostinato as face
from common import report
from ostinato.codecs import CharacterCodec
from ostinato.data import cache_folder
from ostinato.decode.pipeline import RuleSettings
from ostinato.decode.searching import SearchSettings
from ostinato.engine import layout
from ostinato.engine.block import dtype_of, fill_block
from ostinato.engine.engine import Engine
from ostinato.engine.packing import pack
from ostinato.families.text.generation import Generation
from ostinato.families.text.network import LanguageModel
from ostinato.runs import SavedModel, export

SYMBOLS, TEMPERATURE = 65, 0.8
ALPHABET = "".join(chr(point) for point in range(32, 127))[-SYMBOLS:]
_ROUND = 0.5  # seconds for which each runs in a repeat
COLD = """
import sys, time
from ostinato.app.cli import main
status = main(["generate", sys.argv[1], "--length", sys.argv[2], "--seed", "1"])
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(status, "torch" in sys.modules, int(peak) // 1024, file=sys.stderr)
"""

Steps = Callable[[int], object]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--run", help="a trained run, for the loss in int8")
    parser.add_argument("--text", help="held-out text for it")
    args = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        rows += group("one stream, LSTM 2x512", threads, args.repeats, one_stream("lstm", 512, threads), 50)
    torch.set_num_threads(1)
    rows += group("one stream, LSTM 2x128", 1, args.repeats, one_stream("lstm", 128, 1), 200)
    rows += group("one stream, GRU 2x512", 1, args.repeats, one_stream("gru", 512, 1), 50)
    rows += group("one stream, Elman 2x512", 1, args.repeats, one_stream("elman", 512, 1), 50)
    torch.set_num_threads(2)
    rows += group("64 rows, LSTM 2x512", 2, args.repeats, many_rows(64), 20, of=64)
    rows += group("beam of 8, LSTM 2x512", 2, args.repeats, beams(), 50)
    rows += starting(args.repeats)
    if args.run and args.text:
        rows += losses(args.run, args.text)
    report("generation", rows)


def group(
    name: str, threads: int, repeats: int, runs: dict[str, Steps], steps: int, of: int = 1
) -> list[dict[str, Any]]:
    """Time all runs of a group in turn, each for about as long."""
    found: dict[str, list[float]] = {what: [] for what in runs}
    for run in runs.values():
        run(20)  # what is made or loaded on the first call
    counts = {what: max(steps, int(_ROUND * steps / timed(run, steps))) for what, run in runs.items()}
    for _ in range(repeats):
        for what, run in runs.items():
            found[what].append(of * counts[what] / timed(run, counts[what]))
    medians = {what: statistics.median(values) for what, values in found.items()}
    ours = medians.get("ostinato, int8", 0.0)
    return [
        {"case": name, "threads": threads, "what": what, "per_second": round(value), "ours_is": round(ours / value, 2)}
        for what, value in medians.items()
    ]


def timed(run: Steps, steps: int) -> float:
    before = time.perf_counter()
    run(steps)
    return time.perf_counter() - before


def network(core: str, size: int) -> LanguageModel:
    torch.manual_seed(0)
    return LanguageModel(SYMBOLS, core=core, layers=2, hidden_size=size, embedding_size=size).eval()


def engine_of(model: LanguageModel, core: str, precision: str, threads: int) -> Engine:
    weights = {name: value.detach().numpy() for name, value in model.named_parameters()}
    packed = pack(weights, core=core, layers=2, symbols=SYMBOLS, precision=precision)
    return Engine(packed, threads=threads, folder=cache_folder())


def one_stream(core: str, size: int, threads: int) -> dict[str, Steps]:
    """All that can write one stream."""
    model = network(core, size)
    engines = {precision: engine_of(model, core, precision, threads) for precision in ("int8", "fp32")}
    runs: dict[str, Steps] = {
        f"ostinato, {precision}": partial(write, engine, {}, 1) for precision, engine in engines.items()
    }
    runs["limit of one core, int8"] = partial(products, engines["int8"])
    runs["ostinato, PyTorch"] = partial(write, model, {}, 1)
    runs["bare cells of PyTorch"] = Cells(core, size).run
    if core == "lstm":
        runs["nn.LSTM called with T = 1"] = Kernel(size).run
        runs["ONNX Runtime, int8"] = Onnx(model, size, threads, int8=True).run
        runs["ONNX Runtime, fp32"] = Onnx(model, size, threads, int8=False).run
    return runs


def many_rows(rows: int) -> dict[str, Steps]:
    model = network("lstm", 512)
    engines = {precision: engine_of(model, "lstm", precision, 2) for precision in ("int8", "fp32")}
    runs: dict[str, Steps] = {
        f"ostinato, {precision}": partial(write, engine, {}, rows) for precision, engine in engines.items()
    }
    runs["ostinato, PyTorch"] = partial(write, model, {}, rows)
    runs["bare cells of PyTorch, fp32"] = Cells("lstm", 512, rows).run
    runs["bare cells of PyTorch, bf16"] = Cells("lstm", 512, rows, torch.bfloat16).run
    return runs


def beams() -> dict[str, Steps]:
    model = network("lstm", 512)
    engines = {precision: engine_of(model, "lstm", precision, 2) for precision in ("int8", "fp32")}
    runs: dict[str, Steps] = {
        f"ostinato, {precision}": partial(write, engine, {"beam": 8}, 1) for precision, engine in engines.items()
    }
    runs["ostinato, PyTorch"] = partial(write, model, {"beam": 8}, 1)
    return runs


def write(network: Engine | LanguageModel, search: dict[str, Any], rows: int, steps: int) -> None:
    """Write with our own searches, whatever steps the network; text and all."""
    drawn = {} if search else {"seed": 1, "samples": rows}
    rules = RuleSettings() if search else RuleSettings(temperature=TEMPERATURE)
    settings = SearchSettings(**search)
    Generation(
        CharacterCodec(ALPHABET), network, [ALPHABET[:2]], length=steps, settings=settings, rules=rules, **drawn
    ).finish()


def products(engine: Engine, steps: int) -> None:
    """The products of a step alone: all its weights read once, for one row."""
    model, width = engine.model, int(engine.model.plan[layout.WIDTH])
    panels = model.weights.size // (64 * width)
    arrays = {
        "weights": model.weights,
        "sums": np.zeros(panels * 64, dtype=np.int32),
        "acts": np.zeros(width, dtype=dtype_of("acts", model.precision)),
        "product": np.zeros(panels * 64, dtype=dtype_of("product", model.precision)),
    }
    scalars = {"rows": 1, "steps": steps, "count": width // 4}
    engine.kernels["multiply"](fill_block(arrays, scalars, model.precision))


class Cells:
    """The loop that is usually written: nn.LSTMCell and the like, a linear layer, softmax, multinomial."""

    def __init__(self, core: str, size: int, rows: int = 1, dtype: torch.dtype = torch.float32) -> None:
        kind = {"lstm": nn.LSTMCell, "gru": nn.GRUCell, "elman": nn.RNNCell}[core]
        self.embedding = nn.Embedding(SYMBOLS, size).to(dtype)
        self.cells = [kind(size, size).to(dtype), kind(size, size).to(dtype)]
        self.output = nn.Linear(size, SYMBOLS).to(dtype)
        self.rows, self.has_cell = rows, core == "lstm"
        zero = torch.zeros(rows, size, dtype=dtype)
        self.first = (zero, zero) if self.has_cell else zero

    @torch.inference_mode()
    def run(self, steps: int) -> None:
        states: list[Any] = [self.first, self.first]
        symbol = torch.zeros(self.rows, dtype=torch.int64)
        for _ in range(steps):
            x = self.embedding(symbol)
            for layer, cell in enumerate(self.cells):
                states[layer] = cell(x, states[layer])
                x = states[layer][0] if self.has_cell else states[layer]
            weights = (self.output(x).float() / TEMPERATURE).softmax(dim=-1)
            symbol = torch.multinomial(weights, 1)[:, 0]


class Kernel:
    """nn.LSTM called for one step at a time."""

    def __init__(self, size: int) -> None:
        self.embedding, self.output = nn.Embedding(SYMBOLS, size), nn.Linear(size, SYMBOLS)
        self.lstm = nn.LSTM(size, size, 2, batch_first=True)

    @torch.inference_mode()
    def run(self, steps: int) -> None:
        state, symbol = None, torch.zeros(1, 1, dtype=torch.int64)
        for _ in range(steps):
            y, state = self.lstm(self.embedding(symbol), state)
            symbol = torch.multinomial((self.output(y[0]) / TEMPERATURE).softmax(dim=-1), 1)


class Onnx:
    """The same network in ONNX Runtime, one step a call, drawn from with NumPy."""

    def __init__(self, model: LanguageModel, size: int, threads: int, *, int8: bool) -> None:
        import onnxruntime

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.onnx"
            path.write_bytes(onnx_model(model, size))
            if int8:
                from onnxruntime.quantization import QuantType, quantize_dynamic

                whole, path = path, Path(folder) / "int8.onnx"
                quantize_dynamic(whole, path, weight_type=QuantType.QInt8)
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
            # Its threads wait busily for its next call, which is somebody else's turn here.
            options.add_session_config_entry("session.force_spinning_stop", "1")
            self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.size, self.random = size, np.random.default_rng(0)

    def run(self, steps: int) -> None:
        states = {name: np.zeros((1, 1, self.size), dtype=np.float32) for name in ("h0", "c0", "h1", "c1")}
        symbol = 0
        for _ in range(steps):
            given = {"id": np.array([[symbol]], dtype=np.int64), **states}
            logits, *after = self.session.run(None, given)
            states = dict(zip(states, after, strict=True))
            scaled = logits.ravel() / TEMPERATURE
            weights = np.exp(scaled - scaled.max())
            symbol = int(np.searchsorted(np.cumsum(weights), self.random.random() * weights.sum()))


def onnx_model(model: LanguageModel, size: int) -> bytes:
    """Our network as an ONNX graph of two LSTM nodes; ONNX orders gates i, o, f, c."""
    from onnx import TensorProto, helper, numpy_helper

    weights = {name: value.detach().numpy() for name, value in model.named_parameters()}

    def ordered(rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        i, f, g, o = np.split(rows, 4)
        return np.concatenate([i, o, f, g])

    constants, nodes = {"E": weights["embedding.weight"][:SYMBOLS]}, []
    nodes.append(helper.make_node("Gather", ["E", "id"], ["x0"]))
    for layer in range(2):
        own = {part: weights[f"core.layers.{layer}.{part}"] for part in ("weight_ih", "weight_hh", "bias")}
        bias = ordered(own["bias"])
        constants |= {
            f"W{layer}": ordered(own["weight_ih"])[None],
            f"R{layer}": ordered(own["weight_hh"])[None],
            f"B{layer}": np.concatenate([bias, np.zeros_like(bias)])[None],
        }
        inputs = [f"x{layer}", f"W{layer}", f"R{layer}", f"B{layer}", "", f"h{layer}", f"c{layer}"]
        outputs = [f"y{layer}", f"new_h{layer}", f"new_c{layer}"]
        nodes.append(helper.make_node("LSTM", inputs, outputs, hidden_size=size))
        nodes.append(helper.make_node("Squeeze", [f"y{layer}", "axis"], [f"x{layer + 1}"]))
    constants |= {"axis": np.array([1], dtype=np.int64), "O": np.ascontiguousarray(weights["head.weight"].T)}
    constants["b"] = weights["head.bias"]
    nodes += [helper.make_node("MatMul", ["x2", "O"], ["m"]), helper.make_node("Add", ["m", "b"], ["logits"])]
    state = partial(helper.make_tensor_value_info, elem_type=TensorProto.FLOAT, shape=[1, 1, size])
    given = [helper.make_tensor_value_info("id", TensorProto.INT64, [1, 1])]
    given += [state(name) for name in ("h0", "c0", "h1", "c1")]
    told = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 1, SYMBOLS])]
    told += [state(name) for name in ("new_h0", "new_c0", "new_h1", "new_c1")]
    stored = [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "language model", given, told, stored)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    return bytes(made.SerializeToString())


def starting(repeats: int) -> list[dict[str, Any]]:
    """From the command to the first symbol, and the memory of 10,000, with kernels compiled before."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        settings = {"hidden_size": 512, "layers": 2, "embedding_size": 512, "precision": "float32"}
        weights = {name: value.detach().numpy().copy() for name, value in network("lstm", 512).named_parameters()}
        config = {"recipe": "char-lm", "settings": settings, "seed": 1}
        codec = CharacterCodec(ALPHABET).to_json()
        export(SavedModel(path, config, codec, {"sources": []}, {"step": 0}, weights), path)
        cold(path, 1)
        seconds, told = [], (0, "True", 0)
        for _ in range(repeats):
            before = time.perf_counter()
            cold(path, 1)
            seconds.append(time.perf_counter() - before)
        told = cold(path, 10_000)
    assert told[1] == "False", "PyTorch was imported"
    return [
        {"case": "cold start to the end of one symbol", "what": "seconds", "value": statistics.median(seconds)},
        {"case": "10,000 symbols, LSTM 2x512", "what": "peak resident MB", "value": float(told[2])},
    ]


def cold(path: Path, length: int) -> tuple[int, str, int]:
    """Run the command in a process of its own: status, whether PyTorch was imported, peak memory in MB."""
    command = [sys.executable, "-c", COLD, str(path), str(length)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    status, torch_was_imported, memory = done.stderr.split("\n")[-2].split()
    return int(status), torch_was_imported, int(memory)


def losses(run: str, text: str) -> list[dict[str, Any]]:
    """The loss of a trained model on held-out text, contiguous, by weights."""
    model = face.load(run)
    ids = model.codec.encode(Path(text).read_text(encoding="utf-8")).astype(np.int64)
    found = {}
    for precision in ("fp32", "int8"):
        ((_, values),) = model.engines.get(precision).log_probs([ids])
        found[precision] = -float(values.mean())
    rows = [{"case": f"loss on {len(ids):,} symbols", "what": name, "value": value} for name, value in found.items()]
    difference = found["int8"] - found["fp32"]
    return [*rows, {"case": f"loss on {len(ids):,} symbols", "what": "int8 is worse by", "value": difference}]


if __name__ == "__main__":
    main()
