"""Generation of several texts at once; each piece is yielded as soon as it is certain."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from ostinato.codecs import Codec, Unknown
from ostinato.config import at_least
from ostinato.decode.compiled import compiled_writer
from ostinato.decode.constraints import Stops
from ostinato.decode.paths import Hypothesis
from ostinato.decode.pipeline import RuleSettings
from ostinato.decode.rules.copying import MaxCopy
from ostinato.decode.searching import SearchSettings
from ostinato.decode.text import TextStream
from ostinato.decode.writing import Writer
from ostinato.engine.engine import Engine
from ostinato.engine.interrupts import interrupted_after
from ostinato.errors import ConfigError
from ostinato.families.text.results import Beginning, Sample

if TYPE_CHECKING:
    from ostinato.models import SymbolModel

#: A longer prompt is refused: reading it would take minutes, and a recurrent state forgets it anyway.
MOST_PROMPT_SYMBOLS = 1_000_000
_LONGEST = 1_000_000_000
_GLIMPSE_SYMBOLS, _GLIMPSE_ITEMS, _GLIMPSE_TEMPERATURE = 160, 8, 0.8  # of a sample during training


class Generation:
    """Several texts being written at once.

    Every iteration yields, for each row, the piece of text that became certain: for a sample, the symbols drawn; for a
    beam, the text on which all beginnings that can still win agree. After leaving the loop, and after Ctrl-C, iterating
    again continues the texts. ``samples`` returns the results so far.

    Args:
        codec: The model's codec.
        network: The model's network, in evaluation mode, for the reference search; or a compiled engine.
        prompts: Texts to continue; each gives ``samples`` rows.
        settings: Settings of the search.
        rules: Settings of the rules.
        samples: Rows for each prompt.
        length: Most symbols of each row.
        seed: Row i draws with ``seed + i``, so each row can be made again alone; or the seed of each row.
        stop: Strings before which a text ends.
        unknown: Treatment of unknown symbols in prompts.
        reading: Called with the number of symbols of long prompts read so far, and in all.
        copied: Makes the rule against copying the training text, if that is at hand.
        pace: Most symbols of a row between two steps of the iteration; ``None``: as many as are written in a moment.

    Attributes:
        precision: Precision of the weights, ``"int8"`` or ``"fp32"``.
        longest: Number of certain symbols in the longest row.

    Raises:
        ConfigError: A value is out of range, or options do not go together.
        UnknownSymbolError: A prompt has symbols that the model does not know.
    """

    def __init__(
        self,
        codec: Codec,
        network: SymbolModel | Engine,
        prompts: Sequence[str],
        *,
        settings: SearchSettings | None = None,
        rules: RuleSettings | None = None,
        samples: int = 1,
        length: int = 500,
        seed: int | Sequence[int] | None = None,
        stop: Sequence[str] = (),
        unknown: Unknown = "error",
        reading: Callable[[int, int], None] | None = None,
        copied: Callable[[int], MaxCopy] | None = None,
        pace: int | None = None,
    ) -> None:
        at_least("samples", samples, 1)
        at_least("length", length, 1)
        at_least("pace", 1 if pace is None else pace, 1)
        if isinstance(seed, int):
            at_least("seed", seed, 0)
        if length > _LONGEST:
            raise ConfigError(f"length must be at most {_LONGEST:,} symbols, got {length:,}")
        prompts, stop = ((texts,) if isinstance(texts, str) else texts for texts in (prompts, stop))  # one text is one
        if not prompts:
            raise ConfigError("there is no prompt to go on from; an empty text is one too")
        self._settings, rules = settings or SearchSettings(), rules or RuleSettings()
        self._settings.check(rules, samples=samples, seed=seed, stop=stop)
        adapted = [codec.adapt(prompt, unknown) for prompt in prompts]
        encoded = [_prompt_ids(codec, prompt) for prompt in adapted]
        self._codec, self._pace = codec, pace
        self._prompts = [prompt for prompt in adapted for _ in range(samples)]
        self._ids = [ids for ids in encoded for _ in range(samples)]
        self._stop = tuple(codec.normal(text) for text in stop)
        if isinstance(seed, Sequence):
            self._seeds = tuple(seed)
            if len(seed) != len(self._prompts):
                raise ConfigError(f"there must be a seed for each of {len(self._prompts)} rows, got {len(seed)}")
        else:
            first = secrets.randbelow(2**32) if seed is None else seed
            self._seeds = tuple(first + row for row in range(len(self._prompts)))
        self._texts = [TextStream(codec, self._stop) for _ in self._prompts]
        self._is_plain = not rules.names() and not stop
        self.longest = 0
        self._undelivered: list[str] | None = None  # pieces that Ctrl-C came before
        self.precision = network.model.precision if isinstance(network, Engine) else "fp32"
        if isinstance(network, Engine):
            self._writer: Writer = compiled_writer(
                network,
                codec,
                self._prompts,
                self._ids,
                self._settings,
                rules,
                length=length,
                seeds=self._seeds,
                stop=self._stop,
                progress=reading,
            )
        else:
            self._writer = self._reference(network, rules, length, reading, copied)

    def __iter__(self) -> Iterator[list[str]]:
        return self

    def __next__(self) -> list[str]:
        if self._undelivered is None:
            with interrupted_after() if self._writer.has_begun else nullcontext():
                self._undelivered = self._write_on()
        pieces, self._undelivered = self._undelivered, None
        if pieces is None:
            raise StopIteration
        return pieces

    def _write_on(self) -> list[str] | None:
        """Continue writing; return the piece of each row, or ``None`` when all is written."""
        certain = self._writer.go_on(self._pace)
        if certain is not None:
            self.longest += max(map(len, certain))
            return [text.feed_all(symbols) for text, symbols in zip(self._texts, certain, strict=True)]
        rest = [text.flush() for text in self._texts]
        return rest if any(rest) else None

    def finish(self) -> list[Sample]:
        """Write everything to the end and return the samples."""
        for _ in self:
            pass
        return self.samples()

    def samples(self) -> list[Sample]:
        """Return the results so far: the sample of each row, or the best finished texts of each beam.

        For an unfinished beam it is the best beginning so far.
        """
        return [sample for row in range(self.rows) for sample in self.samples_of(row)]

    @property
    def rows(self) -> int:
        """Number of texts, or beams, being written."""
        return len(self._prompts)

    def is_done(self, row: int) -> bool:
        """Return whether a row's text, or all of its beam, has ended."""
        return not self._writer.is_live(row)

    def samples_of(self, row: int) -> list[Sample]:
        """Return the results of one row so far: one sample, or the best texts of a beam."""
        return self._of_stochastic(row) if self._settings.stochastic else self._of_row(row)

    def hypotheses(self, row: int) -> list[Hypothesis]:
        """Return all finished hypotheses of a row, best first."""
        return self._writer.ended(row)

    def beginnings(self, row: int = 0) -> list[Beginning]:
        """Return the beginnings that still compete in the beam of a row, best first, for watching it."""
        return [Beginning(self._codec.decode(symbols), score) for symbols, score in self._writer.live(row)]

    def _reference(
        self,
        network: SymbolModel,
        rules: RuleSettings,
        length: int,
        reading: Callable[[int, int], None] | None,
        copied: Callable[[int], MaxCopy] | None,
    ) -> Writer:
        from ostinato.decode.reference import ReferenceWriter  # compiled code needs no PyTorch
        from ostinato.decode.stepping import LanguageModelStepper

        pipeline = rules.build(self._codec, self._prompts, length, copied)
        if self._stop:
            pipeline.append(Stops(self._stop, self._codec.pieces))
        stepper, strategy = LanguageModelStepper(network, reading), self._settings.strategy(self._seeds, rules)
        return ReferenceWriter(stepper, self._ids, strategy, pipeline, length=length, end=self._codec.end)

    def _of_row(self, row: int) -> list[Sample]:
        """Return the sample of a row, or the best texts of its beam."""
        ended, live = self._writer.ended(row), self._writer.live(row)
        if not live:
            different = {hypothesis.symbols: hypothesis for hypothesis in reversed(ended)}  # groups can find the same
            best = [hypothesis for hypothesis in ended if different[hypothesis.symbols] is hypothesis]
            return [self._sample(row, hypothesis) for hypothesis in best[: self._settings.n_best or 1]]
        symbols, score = live[0]  # interrupted
        unfinished = Hypothesis(symbols, score, score, "length", None)
        return [self._sample(row, unfinished, text=self._texts[row].text if self._settings.beam is None else None)]

    def _of_stochastic(self, row: int) -> list[Sample]:
        """Return the k samples without replacement of a row, with their weights."""
        ended = [hypothesis for hypothesis in self._writer.ended(row) if hypothesis.ending != "stuck"]
        if not ended:  # all stuck, or interrupted
            return self._of_row(row)
        from ostinato.decode.strategies import importance_weights  # with PyTorch, as stochastic beams are

        assert self._settings.beam is not None
        chosen = ended[: self._settings.beam]
        # Where nothing is ruled out, the distribution drawn from is the model's own.
        weights = importance_weights([h.score for h in chosen], [h.rank for h in ended[: self._settings.beam + 1]])
        return [
            self._sample(row, hypothesis, weight=weight if self._is_plain else None)
            for hypothesis, weight in zip(chosen, weights, strict=True)
        ]

    def _sample(
        self, row: int, hypothesis: Hypothesis, *, text: str | None = None, weight: float | None = None
    ) -> Sample:
        stream = TextStream(self._codec, self._stop)
        stream.feed_all(hypothesis.symbols)
        if text is None:
            stream.flush()
        count = len(hypothesis.symbols)
        ending = "stop" if stream.stopped else hypothesis.ending
        return Sample(
            stream.text if text is None else text,
            self._prompts[row],
            hypothesis.score,
            count,
            self._seeds[row] if self._settings.is_random else None,
            ending in ("end", "stop", "complete"),
            ending,
            rank=None if self._settings.beam is None else hypothesis.rank,
            weight=weight,
            log_kept=hypothesis.kept,
            precision=self.precision,
        )


def _prompt_ids(codec: Codec, prompt: str) -> list[int]:
    ids: list[int] = codec.encode(prompt).tolist()
    if len(ids) > MOST_PROMPT_SYMBOLS:
        raise ConfigError(
            f"the prompt has {len(ids):,} symbols; at most {MOST_PROMPT_SYMBOLS:,} are read. "
            "What is that far back is forgotten anyway: give the prompt's end, for example with --prompt-tail 10000"
        )
    return ids


def glimpse(network: Any, codec: Codec, seed: int) -> str:
    """Return a short sample of a network in training: one text, or some items."""
    was_training = network.training
    network.eval()
    generation = Generation(
        codec,
        network,
        [""],
        samples=1 if codec.end is None else _GLIMPSE_ITEMS,
        length=_GLIMPSE_SYMBOLS,
        seed=seed,
        rules=RuleSettings(temperature=_GLIMPSE_TEMPERATURE),
    )
    texts = [sample.text for sample in generation.finish()]
    network.train(was_training)
    return "\n".join(texts)
