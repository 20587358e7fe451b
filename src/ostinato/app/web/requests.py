"""Requests of the API, checked as they come in; the OpenAPI document is made of them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

#: Caps, so that one request cannot hold the machine.
MOST_IN_ALL = 400_000
MOST_SYMBOLS, MOST_SAMPLES, MOST_GUESSES, MOST_CHARACTERS, MOST_PROMPTS = 20_000, 16, 50, 200_000, 64
_MOST_PATTERN, _MOST_WORDS, _MOST_BEAM_SYMBOLS = 1_000, 10_000, 400


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    model: str = Field(description="name of a model, as /v1/models lists it")


class Rules(_Request):
    """Settings that shape the distribution that is drawn from."""

    temperature: float = Field(1.0, ge=0, le=5, description="0: always the most probable symbol")
    top_p: float = Field(1.0, gt=0, le=1)
    top_k: int | None = Field(None, ge=1)
    min_p: float | None = Field(None, gt=0, le=1)
    typical: float | None = Field(None, gt=0, le=1)
    match: str | None = Field(
        None, max_length=_MOST_PATTERN, description="the new text matches this regular expression, as a whole"
    )


class Searching(Rules):
    """Further options of ``generate``, by the names that they have in Python; see the page of strategies."""

    beam: int | None = Field(None, ge=1, le=MOST_SAMPLES)
    n_best: int | None = Field(None, ge=1, le=MOST_SAMPLES)
    length_power: float | None = None
    gnmt: float | None = None
    patience: float | None = None
    diverse: int | None = Field(None, ge=1, le=MOST_SAMPLES)
    strength: float | None = None
    draw: bool = False
    stochastic: bool = False
    by: Literal["total", "per-symbol"] | None = None
    exact: bool = False
    epsilon: float | None = None
    eta: float | None = None
    mirostat: float | None = None
    mirostat_rate: float | None = None
    repetition_penalty: float | None = None
    penalty_window: int | None = Field(None, ge=1, le=MOST_SYMBOLS)
    no_repeat: int | None = Field(None, ge=1, le=MOST_SYMBOLS)
    dry: float | None = None
    dry_base: float | None = None
    dry_allowed: int | None = Field(None, ge=1, le=MOST_SYMBOLS)
    ban: list[str] = Field(default_factory=list, max_length=_MOST_WORDS)
    min_length: int | None = Field(None, ge=0, le=MOST_SYMBOLS)
    no_end: bool = False
    end_bias: float | None = None
    lexicon: list[str] | None = Field(None, max_length=_MOST_WORDS)
    brackets: str | None = Field(None, max_length=20)
    max_line: int | None = Field(None, ge=1, le=MOST_SYMBOLS)
    max_copy: int | None = Field(None, ge=1, le=MOST_SYMBOLS)


class Completion(Searching):
    """Write on from a prompt; the fields of OpenAI's completions, and ours."""

    prompt: str | list[str] | list[int] | list[list[int]] = Field("", description="text, texts, or ids of symbols")
    max_tokens: int = Field(16, ge=0, le=MOST_SYMBOLS, description="most symbols to write; 0 with echo: none")
    n: int = Field(1, ge=1, le=MOST_SAMPLES, description="texts for each prompt")
    best_of: int | None = Field(None, ge=1, le=MOST_SAMPLES)
    stream: bool = False
    stream_options: dict[str, Any] | None = Field(None, description="include_usage: a last event with counts")
    logprobs: int | None = Field(None, ge=0, le=MOST_GUESSES, description="likeliest symbols at every place, float32")
    echo: bool = Field(False, description="whether the prompt comes back too")
    stop: str | list[str] | None = None
    seed: int | None = Field(None, ge=0, le=2**53)
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    logit_bias: dict[str, float] | None = Field(None, description="nats by id of a symbol")
    suffix: str | None = Field(None, max_length=MOST_CHARACTERS, description="text after the gap: what fits both sides")
    user: str | None = None
    hold: list[str] = Field(
        default_factory=list, max_length=256, description="units that are held, such as cell:0:14=0.5"
    )
    precision: Literal["int8", "fp32"] | None = Field(None, description="of the weights; usual: int8 in compiled code")


class Beams(_Request):
    """Follow a beam search: the beginnings that compete after every symbol, and the texts that win."""

    prompt: str = Field("", max_length=MOST_CHARACTERS)
    beam: int = Field(5, ge=1, le=MOST_SAMPLES)
    max_tokens: int = Field(40, ge=1, le=_MOST_BEAM_SYMBOLS)
    length_power: float | None = None
    match: str | None = Field(None, max_length=_MOST_PATTERN)
    hold: list[str] = Field(default_factory=list, max_length=256)


class Scoring(_Request):
    """Score a text."""

    text: str = Field(max_length=MOST_CHARACTERS)
    per: Literal["symbol", "word", "line"] | None = None


class Next(Rules):
    """Ask for the symbols, and words, that may come next; with rules also for what they leave out."""

    text: str = Field("", max_length=MOST_CHARACTERS)
    count: int = Field(10, ge=1, le=MOST_GUESSES)
    words: int = Field(0, ge=0, le=MOST_GUESSES, description="likeliest words, summed over all ways to end them")
    hold: list[str] = Field(default_factory=list, max_length=256)


class Inspecting(_Request):
    """Views of a model while it reads a sequence."""

    text: str | None = Field(None, max_length=MOST_CHARACTERS, description="absent: the beginning of what was held out")
    views: dict[str, Any] = Field(default_factory=dict, description="values by the names of views; empty: the usual")
    options: dict[str, Any] = Field(default_factory=dict, description="further options of the command, such as hold")


class Evaluating(_Request):
    """Measure a model on a text that is held out, of the kind that it learned from."""

    text: str = Field(min_length=1, max_length=MOST_CHARACTERS)


class Composing(_Request):
    """Compose music; of folk tunes the options of the command too, such as rhythm, key, form and bars."""

    seed: int = Field(1, ge=0, le=2**53)
    tunes: int = Field(1, ge=1, le=MOST_SAMPLES)
    temperature: float = Field(1.0, gt=0, le=5)
    options: dict[str, Any] = Field(default_factory=dict, description="options of the command, by name")


class Texts(_Request):
    """Texts to translate or to label."""

    texts: list[str] = Field(min_length=1, max_length=256)
    beam: int | None = Field(None, ge=1, le=MOST_SAMPLES)


class Tokenizing(_Request):
    """A text to be cut into symbols; without a model by the first one that there is."""

    model: str = ""
    add_special_tokens: bool = Field(False, description="as other servers take it; there are none")
    prompt: str = Field(max_length=MOST_CHARACTERS)


class Detokenizing(_Request):
    """Ids of symbols to be made a text; without a model by the first one that there is."""

    model: str = ""
    tokens: list[int] = Field(max_length=MOST_CHARACTERS)
