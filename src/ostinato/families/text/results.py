"""Results of language models: samples and scores, as values."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from html import escape
from typing import Any, Literal, TypeAlias

from ostinato.units import Bound, bits, describe_bound, perplexity

_SHOWN = 60  # characters of a text in its representation
Unit: TypeAlias = Literal["symbol", "character", "word", "line"]


@dataclass(frozen=True, repr=False)
class Sample:
    """A generated text.

    Attributes:
        text: Text that the model wrote, without the prompt.
        prompt: Text that it continues.
        log_prob: Natural log-probability of the symbols drawn, by the model alone, without the rules.
        symbols: Number of symbols drawn: those of ``text``, and those of the end symbol or the stop string that ended
            it, which ``text`` leaves out.
        seed: Seed with which one sample alone, under the same rules, gives the same text. ``None`` for greedy search.
        finished: Whether it ended by itself, not at the length limit.
        ending: Kind of ending: ``"end"`` symbol, ``"stop"`` string, ``"complete"`` (the constraint is fulfilled and
            lets nothing follow), ``"length"``, or ``"stuck"``: the rules together left no symbol.
        rank: Score by which a beam search orders its texts: the log-probability after the rules, normalised for
            length; in stochastic beams perturbed by Gumbel noise. ``None`` for other searches.
        weight: Weight of the sample in an estimate of an expectation, for stochastic beams without rules.
        log_kept: With a constraint: natural log of the probability mass that it kept, multiplied over all symbols. The
            sample's probability under the constrained sampler is exp(log_prob - log_kept), if no other rule is on.
        novelty: Its overlap with the training text, if it was measured.
        precision: Precision of the weights that wrote it, ``"int8"`` or ``"fp32"``; ``log_prob`` is theirs too.
    """

    text: str
    prompt: str
    log_prob: float
    symbols: int
    seed: int | None
    finished: bool
    ending: str
    rank: float | None = None
    weight: float | None = None
    log_kept: float | None = None
    novelty: Novelty | None = None
    precision: str = "fp32"

    def __repr__(self) -> str:
        shown = self.text if len(self.text) <= _SHOWN else f"{self.text[:_SHOWN]}…"
        seed = "" if self.seed is None else f", seed {self.seed}"
        return f"<Sample {shown!r}: {self.symbols:,} symbols, {self.log_prob:.2f} nats{seed}, ended by {self.ending}>"

    def plain(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {**asdict(self), "removed": self.removed}

    def describe(self) -> str:
        """Return the text with its prompt."""
        return f"{self.prompt}{self.text}"

    @property
    def removed(self) -> float | None:
        """The share of the probability mass that the constraint removed per symbol, as a geometric mean."""
        return None if self.log_kept is None else -math.expm1(self.log_kept / max(1, self.symbols))


@dataclass(frozen=True)
class Beginning:
    """An unfinished text of a beam.

    Attributes:
        text: The text.
        log_prob: Natural log-probability of the text, by the model alone.
    """

    text: str
    log_prob: float


@dataclass(frozen=True)
class Novelty:
    """Overlap of a text with the training text.

    Attributes:
        longest_copy: Length in symbols of the longest run that stands there word for word.
        copied: That run.
        place: Place where it first stands: the number of its first symbol in the training text.
        seen: Share of the text's windows of n symbols that stand there, by length n; 0 if the text is shorter.
    """

    longest_copy: int
    copied: str
    place: int
    seen: dict[int, float]


@dataclass(frozen=True)
class Filling:
    """A text that may stand in a gap, or after a context.

    Attributes:
        text: The text.
        log_prob: Natural log-probability of it and of the text after the gap, given the text before; of an item, with
            its end.
        symbols: Number of symbols in this log-probability.
    """

    text: str
    log_prob: float
    symbols: int

    def plain(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {**asdict(self), "per_symbol": self.per_symbol}

    def describe(self) -> str:
        """Return the text."""
        return self.text

    @property
    def per_symbol(self) -> float:
        """Mean log-probability of a symbol."""
        return self.log_prob / max(1, self.symbols)


@dataclass(frozen=True)
class HeldOutOverlap:
    """Overlap of held-out text with the training text: the baseline for novelty.

    Attributes:
        pieces: Number of pieces of it that were compared.
        longest_copy: Mean length of their longest copies, in symbols.
        seen: Mean share of their windows of n symbols that stand in the training text, by length n.
    """

    pieces: int
    longest_copy: float
    seen: dict[int, float]


@dataclass(frozen=True)
class ScoredPart:
    """A symbol, a word or a line of a scored text.

    Attributes:
        data: The part in UTF-8; a single symbol may be part of a character.
        log_prob: Natural log-probability, given all before it.
        symbols: Number of symbols.
        is_end: Whether it is the end symbol.
    """

    data: bytes
    log_prob: float
    symbols: int
    is_end: bool = False

    def plain(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {"text": self.text, "log_prob": self.log_prob, "symbols": self.symbols}

    @property
    def text(self) -> str:
        """The part for people to read; a lone byte shows as ``\\xNN``, the end as ``<end>``."""
        return "<end>" if self.is_end else self.data.decode("utf-8", errors="backslashreplace")

    @property
    def bits_per_symbol(self) -> float:
        """Mean surprise of the part's symbols, in bits."""
        return bits(-self.log_prob / max(1, self.symbols))


@dataclass(frozen=True)
class Score:
    """Log-probability of a text.

    Attributes:
        text: The text.
        log_prob: Natural log-probability of the whole text; of an item, with its end.
        symbols: Number of symbols; of an item, with its end.
        parts: Its symbols, each with its own log-probability.
        bound: Whether ``log_prob`` is exact, a lower bound, or an estimate.
    """

    text: str
    log_prob: float
    symbols: int
    parts: Sequence[ScoredPart]
    bound: Bound = "exact"

    def plain(self, per: Unit | None = None) -> dict[str, Any]:
        """Return it as plain data, with its parts if ``per`` names their unit."""
        plain: dict[str, Any] = {
            "text": self.text,
            "log_prob": self.log_prob,
            "nats_per_symbol": self.nats_per_symbol,
            "bits_per_symbol": self.bits_per_symbol,
            "perplexity": self.perplexity,
            "symbols": self.symbols,
            "bound": self.bound,
        }
        return plain if per is None else plain | {"parts": [part.plain() for part in self.per(per)]}

    def describe(self) -> str:
        """Return the log-probability and its means, in a line."""
        return (
            f"log probability {self.log_prob:.4f}, {self.bits_per_symbol:.4f} bits per symbol, "
            f"perplexity {self.perplexity:.3f}, {self.symbols} symbols ({describe_bound(self.bound)})"
        )

    @property
    def nats_per_symbol(self) -> float:
        """Mean negative log-probability, in nats."""
        return -self.log_prob / max(1, self.symbols)

    @property
    def bits_per_symbol(self) -> float:
        """Mean negative log-probability, in bits."""
        return bits(self.nats_per_symbol)

    @property
    def perplexity(self) -> float:
        """Perplexity per symbol: the exponential of ``nats_per_symbol``."""
        return perplexity(self.nats_per_symbol)

    def _repr_html_(self) -> str:
        """Show the text in a notebook: the redder a character's background, the more bits it has (full red: 8)."""
        spans = (
            f'<span title="{part.bits_per_symbol:.2f} bits" '
            f'style="background: rgba(255, 60, 0, {min(1.0, part.bits_per_symbol / 8):.2f})">{escape(part.text)}</span>'
            for part in self.per("character")
        )
        return f'<pre style="white-space: pre-wrap">{"".join(spans)}</pre>'

    def per(self, unit: Unit) -> list[ScoredPart]:
        """Return the parts: symbols, whole characters, words (with the white space before them), or lines."""
        return list(grouped(self.parts, unit))


def grouped(parts: Iterable[ScoredPart], unit: Unit) -> Iterator[ScoredPart]:
    """Join symbols, as they come, into whole characters, words (with the white space before them), or lines."""
    group = _Group()
    for part in parts:
        if group.parts and _begins(unit, group, part):
            yield group.joined()
            group = _Group()
        group.take(part)
    if group.parts:
        yield group.joined()


class _Group:
    """Symbols of one part so far, and the state that decides whether the next one belongs to it."""

    def __init__(self) -> None:
        self.parts: list[ScoredPart] = []
        self.is_space = True
        self.rest = b""  # of a character that is not whole yet

    def take(self, part: ScoredPart) -> None:
        self.parts.append(part)
        self.is_space = self.is_space and part.data.isspace()
        self.rest += part.data
        if is_whole(self.rest):
            self.rest = b""

    def joined(self) -> ScoredPart:
        if len(self.parts) == 1:
            return self.parts[0]
        data = b"".join(part.data for part in self.parts)
        return ScoredPart(data, sum(p.log_prob for p in self.parts), sum(p.symbols for p in self.parts))


def _begins(unit: Unit, group: _Group, part: ScoredPart) -> bool:
    """Return whether a part starts a new unit after those of a group."""
    if unit == "symbol" or part.is_end:
        return True
    if unit == "line":
        return group.parts[-1].data.endswith(b"\n")
    if group.rest:
        return False
    return unit == "character" or (part.data[:1].isspace() and not group.is_space)


def is_whole(data: bytes) -> bool:
    """Return whether bytes end at the end of a character."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return error.reason != "unexpected end of data"
    return True
