"""A trained model in the hand: generate, score, evaluate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ostinato import codecs, config
from ostinato.codecs import Unknown
from ostinato.data import encode_texts
from ostinato.decode.rules import build_rules
from ostinato.decode.scoring import log_probs_of
from ostinato.errors import ConfigError, DamagedError
from ostinato.models import LanguageModel
from ostinato.recipes import find_recipe
from ostinato.recipes.language_model import build_model
from ostinato.runs import SavedModel, export, read_model
from ostinato.training import evaluation
from ostinato.training.evaluation import Evaluation, Protocol, Ticker
from ostinato.training.trainer import load_weights
from ostinato.workshop.device import choose_device
from ostinato.workshop.generation import Generation
from ostinato.workshop.results import Sample, Score, ScoredPart

_WINDOWS = 2_000


class Model:
    """A trained language model.

    Args:
        saved: What a run folder or a model file holds.
        device: Where to run: ``"cpu"``, ``"cuda"``, ``"mps"``, or ``"auto"``.

    Raises:
        ConfigError: The device is not there.
        DamagedError: Weights and settings do not fit each other.
    """

    def __init__(self, saved: SavedModel, *, device: str = "cpu") -> None:
        self.saved = saved
        recipe = find_recipe(saved.config["recipe"])
        self.settings = config.read(recipe.settings, saved.config["settings"], where=f"{saved.path}/config.json")
        self.codec = codecs.from_json(saved.codec)
        self.network: LanguageModel = build_model(self.settings, self.codec.size)
        try:
            load_weights(dict(self.network.named_parameters()), saved.weights)
        except ValueError as error:
            raise DamagedError(f"{saved.path} is damaged: weights and settings do not fit: {error}") from error
        self.network.to(choose_device(device)).eval()

    def generate(
        self,
        prompt: str = "",
        *,
        length: int = 500,
        seed: int | None = None,
        greedy: bool = False,
        temperature: float | None = None,
        top_k: int | None = None,
        top_p: float | None = None,
        min_p: float | None = None,
        rules: Sequence[str] | None = None,
        stop: Sequence[str] = (),
        unknown: Unknown = "error",
    ) -> Sample:
        """Write one text.

        Args:
            prompt: What to go on from; empty starts anew.
            length: Most symbols to write.
            seed: Same seed, same text; ``None`` takes a random one, which the sample tells.
            greedy: Take the most probable symbol each time; nothing is random.
            temperature: Above 0; below 1 is safer, above 1 is wilder.
            top_k: Draw among the k most probable symbols.
            top_p: Draw among the fewest most probable symbols that reach this probability.
            min_p: Draw among symbols at least this times as probable as the most probable one.
            rules: Order of these rules, if another than temperature, top-k, top-p, min-p.
            stop: Strings before which the text ends.
            unknown: What to do with symbols of the prompt that the model does not know.

        Raises:
            ConfigError: A value is out of range.
            UnknownSymbolError: The prompt has symbols that the model does not know.
        """
        pipeline = build_rules(temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p, order=rules)
        return self.generate_many(
            [prompt], length=length, seed=seed, greedy=greedy, rules=pipeline, stop=stop, unknown=unknown
        ).finish()[0]

    def stream(self, prompt: str = "", **options: Any) -> Iterator[str]:
        """Write one text and yield it piece by piece, never half a character; options as of ``generate``."""
        names = ("temperature", "top_k", "top_p", "min_p")
        rules = build_rules(**{n: options.pop(n, None) for n in names}, order=options.pop("rules", None))
        for pieces in self.generate_many([prompt], rules=rules, **options):
            if pieces[0]:
                yield pieces[0]

    def generate_many(self, prompts: Sequence[str], **options: Any) -> Generation:
        """Set up several texts to be written side by side; options as of ``Generation``."""
        return Generation(self.codec, self.network, prompts, **options)

    def score(self, text: str, *, unknown: Unknown = "error") -> Score:
        """Return how probable a text is, and each of its symbols.

        Raises:
            ConfigError: The text is empty.
            UnknownSymbolError: The text has symbols that the model does not know.
        """
        return self.score_many([text], unknown=unknown)[0]

    def score_many(self, texts: Sequence[str], *, unknown: Unknown = "error") -> list[Score]:
        """Score texts, each by itself from a fresh state, many side by side."""
        adapted = [self.codec.adapt(text, unknown) for text in texts]
        if self.codec.end is None and not all(adapted):
            raise ConfigError("there is nothing to score: the text is empty")
        encoded = encode_texts(self.codec, adapted)
        scores: dict[int, Score] = {}
        for number, values in log_probs_of(self.network, encoded):
            ids = encoded.ids[encoded.offsets[number] : encoded.offsets[number + 1]]
            scores[number] = self._score(adapted[number], ids, values)
        return [scores[number] for number in range(len(texts))]

    def evaluate(
        self,
        texts: Sequence[str],
        *,
        protocol: Protocol | None = None,
        windows: int | None = None,
        seed: int | None = None,
        unknown: Unknown = "error",
        tick: Ticker | None = None,
    ) -> Evaluation:
        """Measure the model on held-out text.

        Args:
            texts: One running text, or items.
            protocol: ``"contiguous"`` or ``"windows"`` for a model of running text, ``"items"`` for one
                of items; ``None`` takes the first that fits.
            windows: For the windows protocol: how many to draw (2,000).
            seed: For the windows protocol: chooses them (1).
            unknown: What to do with symbols that the model does not know.
            tick: Told of progress, in symbols.

        Raises:
            ConfigError: The protocol does not fit the model.
        """
        of_items = self.codec.end is not None
        protocol = protocol or ("items" if of_items else "contiguous")
        if of_items != (protocol == "items"):
            kind, ways = ("items", "items") if of_items else ("running text", "contiguous or windows")
            raise ConfigError(f"protocol {protocol!r} does not fit a model of {kind}; use {ways}")
        if protocol != "windows" and (windows is not None or seed is not None):
            raise ConfigError(f"windows and seed are for the windows protocol, not for {protocol}")
        adapted = [self.codec.adapt(text, unknown) for text in texts]
        encoded = encode_texts(self.codec, adapted)
        characters = sum(map(len, adapted)) + (len(adapted) if of_items else 0)
        if not len(encoded.ids):
            raise ConfigError("there is nothing to evaluate on: the text is empty")
        if protocol == "items":
            return evaluation.items(self.network, encoded, characters=characters, tick=tick)
        if protocol == "windows":
            count = _WINDOWS if windows is None else windows
            config.at_least("windows", count, 1)
            config.at_least("seed", 1 if seed is None else seed, 0)
            return evaluation.windows(
                self.network, encoded, characters=characters, count=count, seed=1 if seed is None else seed, tick=tick
            )
        return evaluation.contiguous(self.network, encoded, characters=characters, tick=tick)

    def export(self, path: str | Path) -> None:
        """Write the model into one file that ``load`` reads.

        Raises:
            RunError: The file exists, or cannot be written.
        """
        export(self.saved, Path(path))

    @property
    def parameters(self) -> int:
        """How many numbers were learned."""
        return sum(p.numel() for p in self.network.parameters())

    def _score(self, text: str, ids: np.ndarray[Any, Any], values: np.ndarray[Any, Any]) -> Score:
        pieces, end = self.codec.pieces, self.codec.end
        parts = [ScoredPart(pieces[i], v, 1, i == end) for i, v in zip(ids.tolist(), values.tolist(), strict=True)]
        return Score(text, float(values.sum(dtype=np.float64)), len(ids), parts, self.network.head.bound)


def load(path: str | Path, *, device: str = "cpu") -> Model:
    """Load a model from a run folder or from a file that ``export`` wrote.

    Raises:
        RunError: There is none, it is damaged, or of another format version.
    """
    return Model(read_model(Path(path)), device=device)
