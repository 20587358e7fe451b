"""Requests of the API, checked as they come in; the OpenAPI document is made of them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

#: Caps, so that one request cannot hold the machine.
MOST_SYMBOLS, MOST_SAMPLES, MOST_GUESSES, MOST_CHARACTERS, MOST_PROMPTS = 20_000, 16, 50, 200_000, 64


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")

    model: str = Field(description="name of a model, as /v1/models lists it")


class Completion(_Request):
    """Write on from a prompt; the fields of OpenAI's completions, and ours."""

    prompt: str | list[str] | list[int] | list[list[int]] = Field("", description="text, texts, or ids of symbols")
    max_tokens: int = Field(16, ge=0, le=MOST_SYMBOLS, description="most symbols to write; 0 with echo: none")
    temperature: float = Field(1.0, ge=0, le=5, description="0: always the most probable symbol")
    top_p: float = Field(1.0, gt=0, le=1)
    n: int = Field(1, ge=1, le=MOST_SAMPLES, description="texts for each prompt")
    best_of: int | None = Field(None, ge=1, le=MOST_SAMPLES)
    stream: bool = False
    logprobs: int | None = Field(None, ge=0, le=MOST_GUESSES, description="likeliest symbols at every place, float32")
    echo: bool = Field(False, description="whether the prompt comes back too")
    stop: str | list[str] | None = None
    seed: int | None = Field(None, ge=0, le=2**53)
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    logit_bias: dict[str, float] | None = Field(None, description="nats by id of a symbol")
    suffix: str | None = Field(None, description="text after the gap: what is written fits both sides")
    user: str | None = None
    top_k: int | None = Field(None, ge=1)
    min_p: float | None = Field(None, ge=0, le=1)
    typical: float | None = Field(None, gt=0, le=1)
    match: str | None = Field(None, description="the new text matches this regular expression, as a whole")
    beam: int | None = Field(None, ge=1, le=MOST_SAMPLES)
    hold: list[str] = Field(default_factory=list, description="units that are held, such as cell:0:14=0.5")
    precision: Literal["int8", "fp32"] | None = None


class Scoring(_Request):
    """Score a text."""

    text: str = Field(max_length=MOST_CHARACTERS)
    per: Literal["symbol", "word", "line"] | None = None


class Next(_Request):
    """Ask for the symbols that may come next."""

    text: str = Field("", max_length=MOST_CHARACTERS)
    count: int = Field(10, ge=1, le=MOST_GUESSES)


class Inspecting(_Request):
    """Views of a model while it reads a sequence."""

    text: str | None = Field(None, max_length=MOST_CHARACTERS, description="absent: the beginning of what was held out")
    views: dict[str, Any] = Field(default_factory=dict, description="values by the names of views; empty: the usual")
    options: dict[str, Any] = Field(default_factory=dict, description="further options of the command, such as hold")


class Texts(_Request):
    """Texts to translate or to label."""

    texts: list[str] = Field(min_length=1, max_length=256)
    beam: int | None = Field(None, ge=1, le=MOST_SAMPLES)


class Tokenizing(_Request):
    """A text to be cut into symbols."""

    prompt: str = Field(max_length=MOST_CHARACTERS)


class Detokenizing(_Request):
    """Ids of symbols to be made a text."""

    tokens: list[int] = Field(max_length=MOST_CHARACTERS)
