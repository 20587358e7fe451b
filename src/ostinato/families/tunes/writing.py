"""Writing tunes in tokens by a model and an automaton; a tune that copies too much is taken back to a bar line."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from ostinato.decode.constraints import Remembered, TokenAutomaton
from ostinato.decode.pipeline import RuleSettings
from ostinato.errors import ConfigError
from ostinato.families.text.model import TextModel
from ostinato.families.text.results import Sample
from ostinato.music.copying import Melodies
from ostinato.music.elements import BAR_LINES
from ostinato.music.likeness import melody
from ostinato.music.tokens import token_places, tune_of

_MOST_TRIES = 400  # of a tune
_PATIENCE = 3  # tries from one bar line, before it is another one


@dataclass(frozen=True)
class CopyLimit:
    """Limit on copying.

    Attributes:
        melodies: Melodies that copies are looked up in.
        time: Longest run of notes that may be copied, in whole notes.
    """

    melodies: Melodies
    time: Fraction


@dataclass
class Written:
    """A tune in tokens, unfinished or finished.

    Attributes:
        seed: Seed of its draws.
        tokens: Header, and music so far.
        sample: Latest continuation by the model.
        tries: Number of times that it was taken back.
    """

    seed: int
    tokens: list[str]
    sample: Sample | None = None
    tries: int = 0
    _bar: int = field(default=-1, repr=False)  # the bar line that it was taken back to last
    _stuck: int = field(default=0, repr=False)

    @property
    def draw_seed(self) -> int:
        """The seed of the next try: first the tune's own, then others that follow from it."""
        if not self.tries:
            return self.seed
        return int.from_bytes(hashlib.blake2b(f"{self.seed}/{self.tries}".encode(), digest_size=6).digest(), "big")

    def take_back(self, all_tokens: Sequence[str], note: int, least: int) -> None:
        """Cut the tune before the bar of a token; after several tries from there, before an earlier bar."""
        ends = [place + 1 for place, token in enumerate(all_tokens[:note]) if token in BAR_LINES and place >= least]
        place = len(ends) - 1
        self._stuck = self._stuck + 1 if place == self._bar else 0
        self._bar = place
        back = place - self._stuck // _PATIENCE
        self.tokens = list(all_tokens[: ends[back] if back >= 0 else least])
        self.tries += 1


def write_tunes(
    model: TextModel,
    automaton: TokenAutomaton | Remembered,
    prompts: Sequence[Sequence[str]],
    seeds: Sequence[int],
    *,
    temperature: float = 1.0,
    length: int = 2000,
    limit: CopyLimit | None = None,
    tick: Callable[[int, int], None] | None = None,
) -> list[Written]:
    """Write tunes side by side; each depends on its seed and prompt alone.

    Args:
        model: A model of tunes.
        automaton: Automaton of the tunes allowed, from their header on.
        prompts: Tokens that each begins with.
        seeds: Seed of each.
        temperature: Sampling temperature, above 0.
        length: Most tokens after the prompt.
        limit: Limit on copying; ``None``: no limit.
        tick: Called with the number of tunes finished so far, and in all.

    Raises:
        ConfigError: A tune copies too much again and again.
    """
    rules = RuleSettings(automaton=automaton, temperature=temperature)
    written = [Written(seed, list(prompt)) for seed, prompt in zip(seeds, prompts, strict=True)]
    pending = list(zip(written, map(len, prompts), strict=True))
    while pending:
        texts, draws = [" ".join(one.tokens) for one, _ in pending], [one.draw_seed for one, _ in pending]
        samples = model.generate_many(texts, length=length, seed=draws, rules=rules).finish()
        again = []
        for (one, least), sample in zip(pending, samples, strict=True):
            one.sample, tokens = sample, [*one.tokens, *sample.text.split()]
            note = None if limit is None else _copied_token(tokens, limit)
            if note is None:
                one.tokens = tokens
                continue
            if note < least or one.tries == _MOST_TRIES:
                raise ConfigError(_hopeless(one, given=note < least))
            one.take_back(tokens, note, least)
            again.append((one, least))
        pending = again
        if tick is not None:
            tick(len(written) - len(pending), len(written))
    return written


def _copied_token(tokens: Sequence[str], limit: CopyLimit) -> int | None:
    """Return the place of the token whose note makes a copied run too long; ``None`` if there is none."""
    tune = tune_of(tokens)
    note = limit.melodies.too_long(tune, limit.time)
    return None if note is None else token_places(tune)[melody(tune)[note].place]


def _hopeless(one: Written, *, given: bool) -> str:
    if given:
        return "what the tune shall begin with is itself copied for more bars than allowed; allow more, or change it"
    return (
        f"the tune of seed {one.seed} copied too much in {_MOST_TRIES} tries; allow more bars, raise the temperature, "
        "or take a model that has learned its tunes less by heart"
    )
