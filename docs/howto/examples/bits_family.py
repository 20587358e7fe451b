"""A family of its own: models of bits. One file, one call of ``register``."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

import ostinato
from ostinato.codecs import CharacterCodec, Codec
from ostinato.data import Corpus, Encoded, build_stream
from ostinato.families import FAMILIES, RECIPES, Face, Family, Machine, Recipe, Sources, register
from ostinato.families.restoring import described, put_weights
from ostinato.families.settings import TrainingSettings
from ostinato.models import Context, Loss
from ostinato.runs import SavedModel


@dataclass(frozen=True)
class BitSettings(TrainingSettings):
    """Settings of a model of bits.

    Attributes:
        window: Bits that are read at once.
    """

    window: int = 8


class BitNetwork(nn.Module):
    """P(next bit | last bit), by a table; row 2 is for the first bit."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.zeros(3, 2))


class BitTask:
    """The task of learning the table."""

    def __init__(self, network: BitNetwork) -> None:
        self.module = network

    def initial_state(self, batch_size: int) -> Any:
        return ()

    def loss(self, batch: Any, state: Any, context: Context) -> tuple[Loss, Any]:
        inputs, targets = torch.from_numpy(batch.inputs), torch.from_numpy(batch.targets)  # [B, T]
        log_probs = self.module.table[inputs].log_softmax(dim=-1)  # [B, T, 2]
        rows = -log_probs.gather(-1, targets[..., None])[..., 0].sum(dim=1)  # [B]
        return Loss(rows, batch.count), state


class BitModel(Face):
    """A trained model of bits, as ``ostinato.load`` gives it."""

    def __init__(self, saved: SavedModel) -> None:
        self.saved = saved
        self.recipe, self.settings, self.codec = described(saved)
        self.network = BitNetwork()
        put_weights(self.network, saved)

    def toss(self, after: str) -> float:
        """Return the probability of a 1 after a bit."""
        row = self.network.table[int(self.codec.encode(after)[0])]
        return row.softmax(dim=0)[1].item()


class BitFamily(Family):
    """Models of bits."""

    name, article, unit = "bits", "a model of bits", "bit"
    verbs = ("toss",)

    def read(self, sources: Sources, recipe: Recipe, given: Mapping[str, Any]) -> Corpus:
        return Corpus("text", ("".join(Path(name).read_text().strip() for name in sources.names),))

    def learn_codec(self, settings: Any, train_part: Corpus, valid_part: Corpus, alphabet: frozenset[str]) -> Codec:
        return CharacterCodec("01")

    def stream(self, settings: Any, codec: Codec, data: Encoded, *, seed: int) -> Any:
        sizes = {"batch_size": settings.batch_size, "window": settings.window}
        return build_stream(data, codec.begin, items=False, seed=seed, restart=0.0, **sizes)

    def network(self, settings: Any, codec: Codec) -> nn.Module:
        return BitNetwork()

    def task(self, settings: Any, network: Any) -> BitTask:
        return BitTask(network)

    def measure(self, settings: Any, codec: Codec, data: Encoded, seed: int, ranks: Any) -> Any:
        from ostinato.training.validation import Validation  # with PyTorch

        return Validation(data, codec.begin, items=False, limit=settings.valid_symbols, seed=seed, ranks=ranks)

    def targets(self, codec: Codec, data: Encoded) -> int:
        return len(data.ids)

    def size(self, codec: Codec, data: Encoded) -> int:
        return len(data.ids)

    def describe_data(self, codec: Codec, data: Encoded) -> str:
        return f"{len(data.ids):,} bits"

    def describe_network(self, settings: Any) -> str:
        return "a table"

    def open(self, saved: SavedModel, others: Sequence[SavedModel], machine: Machine) -> BitModel:
        return BitModel(saved)

    def glimpse(self, network: Any, codec: Codec, data: Encoded, seed: int) -> str:
        return codec.decode(data.ids[:16].tolist())


RECIPE = Recipe(
    name="bits",
    summary="a table of bits",
    source="this page",
    settings=BitSettings,
    family=BitFamily(),
    sizes_for=lambda budget, given: {"batch_size": 4, "learning_rate": 0.1},
    generate_corpus=lambda settings, seed: Corpus("text", ("01" * 500,), made_by=("bits", str(seed))),
)

register(RECIPE)
try:
    with tempfile.TemporaryDirectory() as folder:
        model = ostinato.train(recipe="bits", out=Path(folder) / "run", steps=40).to_end()
        assert model.toss(after="0") > 0.9
        assert model.toss(after="1") < 0.1
        assert ostinato.load(Path(folder) / "run").verbs == ("toss",)
finally:
    del RECIPES["bits"], FAMILIES["bits"]  # only for the time of this example
