"""Guesses of what comes next after a text: symbols, whole words, and what rules leave out; exact, in float32."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ostinato.config import at_least
from ostinato.decode.pipeline import RuleSettings
from ostinato.families.text.inspecting.expecting import named_symbols
from ostinato.families.text.inspecting.reading import Reader
from ostinato.families.text.inspecting.words import NextWord, next_words
from ostinato.units import bits

if TYPE_CHECKING:
    from ostinato.families.text.model import TextModel

#: Rules that make symbols more or less probable, and leave none out: without others no rule has to be built.
_SHAPING = {
    "temperature", "repetition_penalty", "presence_penalty", "frequency_penalty", "penalty_window", "dry", "dry_base",
    "dry_allowed", "bias", "end_bias",
}  # fmt: skip
_LENGTH = 1000  # symbols that a text may still get, for rules that ask


@dataclass(frozen=True)
class NextSymbol:
    """A symbol that may come next.

    Attributes:
        text: The symbol; empty: the end of an item.
        probability: Its probability, by the model alone.
        kept: Whether the rules let it through.
    """

    text: str
    probability: float
    kept: bool = True


@dataclass(frozen=True)
class Coming:
    """Guesses of what comes next after a text.

    Attributes:
        symbols: The likeliest symbols, likeliest first.
        entropy: Entropy of the next symbol, in bits.
        removed: Share of the probability that the rules leave out; ``None``: there are none that do.
        words: The likeliest words, likeliest first; empty: none were asked for, or every symbol is a word.
        rest: Share of the probability that all other words have.
        notes: Remarks to be shown beside it.
    """

    symbols: tuple[NextSymbol, ...]
    entropy: float
    removed: float | None = None
    words: tuple[NextWord, ...] = ()
    rest: float | None = None
    notes: tuple[str, ...] = ()

    def plain(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "guesses": [vars(one) for one in self.symbols],
            "entropy_bits": self.entropy,
            "removed": self.removed,
            "words": [vars(one) for one in self.words],
            "words_rest": self.rest,
            "precision": "fp32",
        }

    def describe(self) -> str:
        """Return it in lines: the symbols, then the words."""
        lines = [f"{one.probability:8.4f}  {one.text!r}{'' if one.kept else '  (left out)'}" for one in self.symbols]
        return "\n".join([*lines, *(f"{one.probability:8.4f}  {one.word}" for one in self.words)])


def coming(
    model: TextModel, reader: Reader, text: str, *, count: int, words: int, rules: RuleSettings | None = None
) -> Coming:
    """Return what may come next after a text.

    Args:
        model: The model.
        reader: Its reader, which may remember some of the text.
        text: As for ``TextModel.coming``, and the others too.
        count: Number of symbols.
        words: Number of words.
        rules: Rules.
    """
    at_least("count", count, 1)
    at_least("words", words, 0)
    ids = model.codec.encode(text).tolist()
    state = reader.start(ids)
    (log_probs,) = reader.log_probs(state)
    cuts = rules is not None and set(rules.on()) - _SHAPING
    kept = _kept(model, text, ids, log_probs, rules) if rules is not None and cuts else None
    best = np.argsort(-log_probs, kind="stable")[:count]
    symbols = tuple(
        NextSymbol("" if one == model.codec.end else name, float(np.exp(value)), kept is None or bool(kept[one]))
        for one, (name, value) in zip(best.tolist(), named_symbols(model.codec, best, log_probs[best]), strict=True)
    )
    told, rest = next_words(reader, model.codec, text, state, words) if words else ((), None)
    shares = np.exp(log_probs)
    removed = None if kept is None else float(shares[~kept].sum())
    # 0 log 0 is 0, which a model may well give
    entropy = bits(float(-(shares * np.where(shares > 0, log_probs, 0)).sum()))
    return Coming(symbols, entropy, removed, told, rest)


def _kept(
    model: TextModel, text: str, ids: Sequence[int], log_probs: NDArray[np.float64], rules: RuleSettings
) -> NDArray[np.bool_]:
    """Return which symbols the rules let through as the first of what is written, [V]."""
    import torch

    from ostinato.decode.rules.base import At

    ruled = torch.from_numpy(log_probs)[None]
    for rule in rules.build(model.codec, [text], _LENGTH, model.against_copying):
        ruled, _ = rule.apply(ruled, rule.initial_state([ids]), At(0, _LENGTH))
    kept: NDArray[np.bool_] = torch.isfinite(ruled[0]).numpy()
    return kept
