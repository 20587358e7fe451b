"""Writing texts: several at once, a symbol at a time, each piece given out as soon as it is certain."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence

from ostinato.codecs import Codec, Unknown
from ostinato.config import at_least
from ostinato.decode.rules import Rules
from ostinato.decode.search import Greedy, Strategy, search
from ostinato.decode.search import Sample as DrawStrategy
from ostinato.decode.stepping import LanguageModelStepper
from ostinato.decode.text import TextStream
from ostinato.errors import ConfigError
from ostinato.models import LanguageModel
from ostinato.workshop.results import Sample

#: A longer prompt is refused: reading it would take minutes, and a recurrent state forgets it anyway.
MOST_PROMPT_SYMBOLS = 1_000_000


class Generation:
    """Several texts being written at once, a symbol at a time.

    Iterating yields, for each step, the piece of text that became certain in each row. Leaving the
    loop keeps what was made, and iterating again goes on. ``samples`` tells the results so far.

    Args:
        codec: The model's codec.
        network: The model's network, in evaluation mode.
        prompts: What to go on from; each gives ``samples`` rows.
        samples: Rows for each prompt.
        length: Most symbols of each row.
        seed: Row i draws with ``seed + i``, so each row can be made again alone.
        greedy: Take the most probable symbol each time.
        rules: The pipeline, in order.
        stop: Strings before which a text ends.
        unknown: What to do with unknown symbols of prompts.
        reading: Told how much of long prompts has been read.

    Raises:
        ConfigError: A value is out of range.
        UnknownSymbolError: A prompt has symbols that the model does not know.
    """

    def __init__(
        self,
        codec: Codec,
        network: LanguageModel,
        prompts: Sequence[str],
        *,
        samples: int = 1,
        length: int = 500,
        seed: int | None = None,
        greedy: bool = False,
        rules: Rules = (),
        stop: Sequence[str] = (),
        unknown: Unknown = "error",
        reading: Callable[[int, int], None] | None = None,
    ) -> None:
        at_least("samples", samples, 1)
        at_least("length", length, 1)
        if greedy:
            _check_greedy(samples, seed, rules)
        adapted = [codec.adapt(prompt, unknown) for prompt in prompts]
        encoded = [_prompt_ids(codec, prompt) for prompt in adapted]
        self._codec, self._network = codec, network
        self._prompts = [prompt for prompt in adapted for _ in range(samples)]
        self._ids = [ids for ids in encoded for _ in range(samples)]
        self._length, self._rules, self._reading = length, rules, reading
        first = secrets.randbelow(2**32) if seed is None else seed
        self._seeds = None if greedy else tuple(first + row for row in range(len(self._prompts)))
        self._texts = [TextStream(codec, stop) for _ in self._prompts]
        self._log_probs = [0.0] * len(self._prompts)
        self._counts = [0] * len(self._prompts)
        self._ended = [False] * len(self._prompts)
        self._writing = self._write()

    def __iter__(self) -> Iterator[list[str]]:
        return self._writing

    def finish(self) -> list[Sample]:
        """Write everything to the end and return the samples."""
        for _ in self:
            pass
        return self.samples()

    def samples(self) -> list[Sample]:
        """Return what has been written, row by row."""
        return [
            Sample(
                text.text,
                self._prompts[row],
                self._log_probs[row],
                self._counts[row],
                None if self._seeds is None else self._seeds[row],
                self._ended[row],
            )
            for row, text in enumerate(self._texts)
        ]

    def _write(self) -> Iterator[list[str]]:
        strategy: Strategy = Greedy() if self._seeds is None else DrawStrategy(self._seeds)
        stepper = LanguageModelStepper(self._network, self._reading)
        steps = search(stepper, self._ids, strategy, self._rules, length=self._length, end=self._codec.end)
        for choice in steps:
            symbols, scores = choice.symbols.tolist(), choice.scores.tolist()
            pieces = [self._take(row, symbols[row], scores[row]) for row in range(len(symbols))]
            yield pieces
            if all(self._ended):
                break
        rest = [text.flush() for text in self._texts]
        if any(rest):
            yield rest

    def _take(self, row: int, symbol: int, score: float) -> str:
        if self._ended[row]:
            return ""
        self._log_probs[row] = score
        self._counts[row] += 1
        piece = self._texts[row].feed(symbol)
        self._ended[row] = symbol == self._codec.end or self._texts[row].stopped
        return piece


def _check_greedy(samples: int, seed: int | None, rules: Rules) -> None:
    others = [rule.name for rule in rules] + ["a seed"] * (seed is not None) + ["several samples"] * (samples > 1)
    if others:
        told = ", ".join(others)
        raise ConfigError(f"greedy search takes the most probable symbol, always; it cannot go with {told}")


def _prompt_ids(codec: Codec, prompt: str) -> list[int]:
    ids: list[int] = codec.encode(prompt).tolist()
    if len(ids) > MOST_PROMPT_SYMBOLS:
        raise ConfigError(
            f"the prompt has {len(ids):,} symbols; at most {MOST_PROMPT_SYMBOLS:,} are read. "
            "What is that far back is forgotten anyway: give the prompt's end, for example with --prompt-tail 10000"
        )
    return ids
