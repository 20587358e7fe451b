"""A family in one file: registered by one call, it trains, resumes, loads and answers its verbs like all others."""

import json
from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import nn

import ostinato
from ostinato.app.commands import COMMANDS, Command
from ostinato.app.options import groups
from ostinato.app.process import load_model
from ostinato.codecs import CharacterCodec
from ostinato.data import Corpus, build_stream
from ostinato.errors import ConfigError, CorpusError
from ostinato.families import FAMILIES, RECIPES, Face, Family, Recipe, register
from ostinato.families.options import Option, OptionGroup
from ostinato.families.restoring import described, put_weights
from ostinato.families.settings import TrainingSettings
from ostinato.models import Loss
from ostinato.runs import RunFolder
from ostinato.training.validation import Validation

DOUBLE = Option("--double", "count every bit twice", "flag")


@dataclass(frozen=True)
class BitSettings(TrainingSettings):
    """Settings of a model of bits.

    Attributes:
        window: Bits read at once.
    """

    window: int = 8
    precision: str = "float32"


class BitNetwork(nn.Module):
    """P(next bit | last bit): a table."""

    def __init__(self):
        super().__init__()
        self.table = nn.Parameter(torch.zeros(3, 2))


class BitTask:
    """Learning the table."""

    def __init__(self, network):
        self.module = network

    def initial_state(self, batch_size):
        return ()

    def loss(self, batch, state, context):
        logits = self.module.table[torch.from_numpy(batch.inputs)]
        rows = nn.functional.cross_entropy(
            logits.flatten(0, 1), torch.from_numpy(batch.targets).flatten(), reduction="none"
        )
        return Loss(rows.view(batch.targets.shape).sum(dim=1), batch.count), state


@dataclass(frozen=True)
class BitResult:
    """How many ones there are expected."""

    ones: float
    notes: tuple[str, ...] = ()
    bound: str = "exact"

    def plain(self) -> dict[str, Any]:
        return {"ones": self.ones, "bound": self.bound}

    def describe(self) -> str:
        return f"{self.ones:.2f} ones (exact)"


class BitModel(Face):
    """A trained model of bits."""

    def __init__(self, saved):
        self.saved = saved
        self.recipe, self.settings, self.codec = described(saved)
        self.network = BitNetwork()
        put_weights(self.network, saved)

    def toss(self, after="0"):
        """Return the probability that a 1 follows."""
        row = self.network.table[int(self.codec.encode(after)[0])]
        return row.softmax(dim=0)[1].item()

    def evaluate_on(self, corpus, options, progress):
        ones = "".join(corpus.texts).count("1") * (2 if options.get("double") else 1)
        return BitResult(ones)


class BitFamily(Family):
    """Models of bits."""

    name, article, unit = "bits", "a model of bits", "bit"
    verbs = ("toss", "evaluate")
    options: ClassVar = {"train": (OptionGroup("bits", (DOUBLE,)),), "evaluate": (OptionGroup("bits", (DOUBLE,)),)}

    def read(self, sources, recipe, given):
        if not sources.names:
            raise CorpusError("no corpus given")
        text = "".join(Path(name).read_text().strip() for name in sources.names)
        return Corpus("text", (text * (2 if sources.options.get("double") else 1),))

    def learn_codec(self, settings, train_part, valid_part, alphabet):
        return CharacterCodec("01")

    def stream(self, settings, codec, data, *, seed):
        return build_stream(
            data,
            codec.begin,
            items=False,
            batch_size=settings.batch_size,
            window=settings.window,
            seed=seed,
            restart=0.0,
        )

    def network(self, settings, codec):
        return BitNetwork()

    def task(self, settings, network):
        return BitTask(network)

    def measure(self, settings, codec, data, seed, ranks):
        return Validation(data, codec.begin, items=False, limit=settings.valid_symbols, seed=seed, ranks=ranks)

    def targets(self, codec, data):
        return len(data.ids)

    def size(self, codec, data):
        return len(data.ids)

    def describe_data(self, codec, data):
        return f"{len(data.ids):,} bits"

    def describe_network(self, settings):
        return "a table"

    def open(self, saved, others, machine):
        return BitModel(saved)

    def glimpse(self, network, codec, data, seed):
        return "0101"


RECIPE = Recipe(
    name="bits",
    summary="a table of bits",
    source="this test",
    settings=BitSettings,
    family=BitFamily(),
    sizes_for=lambda budget, given: {"batch_size": 4, "learning_rate": 0.1},
    generate_corpus=lambda settings, seed: Corpus("text", ("01" * 300,), made_by=("bits", str(seed))),
)


def toss_module():
    """The module of the verb: arguments, act, examples."""
    module = ModuleType("toss")
    module.EXAMPLES = "ostinato toss runs/bits"

    def arguments(command: ArgumentParser) -> None:
        groups.run(command)
        groups.machine(command, default_device="cpu")

    def act(args):
        print(round(load_model(args).toss(), 2))
        return 0

    module.arguments, module.act = arguments, act
    return module


@pytest.fixture
def family(monkeypatch):
    register(RECIPE)
    monkeypatch.setitem(__import__("sys").modules, "toss_verb", toss_module())
    monkeypatch.setattr("ostinato.app.commands.COMMANDS", [*COMMANDS, Command("toss", "toss a coin", "toss_verb")])
    yield
    del RECIPES["bits"], FAMILIES["bits"]


def test_a_family_registered_by_one_call_does_all_that_others_do(family, run, tmp_path, text_run):
    (tmp_path / "bits.txt").write_text("0110" * 200)
    words = ["train", tmp_path / "bits.txt", "--recipe", "bits", "--steps", 40, "--double", "--threads", 1]
    status, out, err = run(*words, "--out", tmp_path / "run")
    assert status == 0, err
    assert "1,440 bits to learn from, 160 bits held out" in out
    assert "bits per bit" in out
    model = ostinato.load(tmp_path / "run")
    assert isinstance(model, BitModel)
    status, out, err = run("toss", tmp_path / "run")
    assert (status, out) == (0, f"{round(model.toss(), 2)}\n"), err
    assert run("info", tmp_path / "run")[0] == 0
    assert "bits per bit" in run("runs", tmp_path)[1]
    status, out, _ = run("evaluate", tmp_path / "run", tmp_path / "bits.txt", "--double", "--json")
    assert (status, json.loads(out)) == (0, {"ones": 1600, "bound": "exact"})  # read twice, counted twice
    assert run("export", tmp_path / "run", tmp_path / "bits.safetensors")[0] == 0
    assert ostinato.load(tmp_path / "bits.safetensors").toss() == model.toss()
    # What it lacks is refused by name, in words and in Python; and so is its option elsewhere.
    assert "What works with it: toss, evaluate, info, resume, export" in run("generate", tmp_path / "run")[2]
    with pytest.raises(ConfigError, match="What works with it: toss, evaluate"):
        print(model.generate)
    assert "'toss' does not work with" in run("toss", text_run)[2]
    assert (
        "--double: for a model of bits, and this is a language model"
        in run("evaluate", text_run, tmp_path / "bits.txt", "--double")[2]
    )


def test_its_corpus_is_made_and_it_resumes_byte_for_byte(family, tmp_path):
    order = {"recipe": "bits", "steps": 12, "threads": 1, "settings": {"average": 0.9, "patience": None}}
    ostinato.train(out=tmp_path / "whole", **order).to_end()
    part = ostinato.train(out=tmp_path / "part", **order)
    for event in part:
        if event.step == 5:
            break
    part.save()
    ostinato.resume(tmp_path / "part").to_end()
    ends = [RunFolder(tmp_path / name).load(12).snapshot for name in ("whole", "part")]
    assert all(np.array_equal(ends[0].weights[name], ends[1].weights[name]) for name in ends[0].weights)
    assert ostinato.load(tmp_path / "whole").toss() > 0.6  # after a 0 a 1 follows


def test_a_name_is_registered_once():
    with pytest.raises(ValueError, match="there is a recipe 'char-lm'"):
        register(RECIPES["char-lm"])
