"""Addition of numbers written as characters: the first task of sequence-to-sequence models."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from ostinato import config
from ostinato.config import out_of_range
from ostinato.data import Corpus
from ostinato.data.pairs import corpus_of_pairs
from ostinato.families.pairs.family import PAIRS
from ostinato.families.pairs.settings import PairSettings, going_together
from ostinato.families.pairs.translate import prepare
from ostinato.families.recipe import Budget, Recipe

_OWN = ("digits", "examples")
_EXAMPLES = 50_000


@dataclass(frozen=True)
class AdditionSettings(PairSettings):
    """Settings of a model that adds: those of every model of pairs, and two more.

    Attributes:
        digits: Most digits of a number.
        examples: Number of sums for training and validation together: 50,000, or all that there are.
    """

    digits: int = 3
    examples: int = _EXAMPLES

    def problems(self) -> Iterator[str | None]:
        """Yield the problems of the settings; ``None`` is no problem."""
        values = asdict(self)
        for name in ("digits", "examples"):
            yield out_of_range(name, values[name], least=1)
        if self.digits >= 1 and self.examples > (most := _most(self.digits)):
            yield f"examples must be at most {most:,} (nearly all sums of {self.digits} digits), got {self.examples:,}"
        yield from super().problems()


def generate(settings: Mapping[str, Any], seed: int) -> Corpus:
    """Generate sums such as ``"123+7"`` with the target ``"130"``, no two of the same numbers.

    Each number has 1 to ``digits`` digits, every count equally often.

    Args:
        settings: ``digits`` and ``examples``, if they are set.
        seed: Seed of the numbers.

    Source: the Keras example ``addition_rnn``.
    """
    own = {name: settings[name] for name in _OWN if name in settings}
    read_settings = config.read(AdditionSettings, {**_examples(own), **own}, where="the settings given")
    draw, known, pairs = random.Random(seed), set[tuple[int, int]](), list[tuple[str, str]]()
    while len(pairs) < read_settings.examples:
        a, b = (_number(draw, read_settings.digits) for _ in range(2))
        if (min(a, b), max(a, b)) in known:
            continue
        known.add((min(a, b), max(a, b)))
        pairs.append((f"{a}+{b}", f"{a + b}"))
    made = f"sums of numbers of up to {read_settings.digits} digits"
    made_by = ("addition", str(read_settings.digits), str(len(pairs)), str(seed))
    return replace(corpus_of_pairs(pairs), notes=(f"{len(pairs):,} {made}",), made_by=made_by)


def sizes_for(budget: Budget, given: Mapping[str, Any]) -> dict[str, Any]:
    """Choose sizes without dropout: there is nothing to learn by heart but sums."""
    return {
        **_examples(given),
        "hidden_size": 128, "embedding_size": 32, "attention_size": 64, "batch_size": 64, "learning_rate": 4e-3,
        "weight_decay": 0.0, "cooldown": 0.5, "patience": None,
        **going_together(given),
    }  # fmt: skip


def _number(draw: random.Random, digits: int) -> int:
    count = draw.randint(1, digits)
    return int("".join(draw.choice("0123456789") for _ in range(count)))


def _examples(given: Mapping[str, Any]) -> dict[str, int]:
    """Return the number of examples for the digits that are given: the usual one, or as many as there are."""
    digits = given.get("digits", 3)
    return {"examples": min(_EXAMPLES, _most(digits))} if isinstance(digits, int) and digits >= 1 else {}


def _most(digits: int) -> int:
    """Return how many different sums can be drawn: nearly all are found by drawing; the last ones never."""
    numbers = int(10 ** min(digits, 9))
    return numbers * (numbers + 1) // 2 * 199 // 200


RECIPE = Recipe(
    name="addition",
    summary="numbers added as characters; it makes its own examples",
    source="Sutskever, Vinyals and Le 2014, arXiv:1409.3215; the Keras example addition_rnn",
    settings=AdditionSettings,
    sizes_for=sizes_for,
    prepare=prepare,
    generate_corpus=generate,
    generator_settings=_OWN,
    family=PAIRS,
)
