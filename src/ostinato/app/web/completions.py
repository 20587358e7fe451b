"""Completions as OpenAI's clients ask for them."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ostinato.app.web.requests import MOST_CHARACTERS, MOST_PROMPTS, Completion
from ostinato.app.web.shelf import Held
from ostinato.errors import ConfigError
from ostinato.families.text.inspecting.expecting import named_symbols, places_in
from ostinato.inspect.clamps import parse_clamp

_PLAIN = ("top_k", "min_p", "typical", "match", "beam", "best_of", "precision")
_DRAWN = 64  # texts that are tried for a gap
_EVERY = 0.03  # seconds between two events of a stream


def completion(held: Held, request: Completion) -> dict[str, Any]:
    """Return the answer to a request that is not streamed."""
    model, prompts = _model(held, request), _prompts(held.model, request)
    with held.lock:
        choices = list(_choices(model, prompts, request))
    return {
        **_about(request),
        "choices": [{**choice, "index": number} for number, choice in enumerate(choices)],
        "usage": _usage(model, prompts, [choice["text"] for choice in choices]),
    }


def streamed(held: Held, request: Completion) -> Iterator[dict[str, Any]]:
    """Yield the events of a request that is streamed, several symbols in each."""
    model, prompts = _model(held, request), _prompts(held.model, request)
    about = _about(request)
    if request.max_tokens == 0 or request.logprobs is not None or request.suffix is not None or request.best_of:
        with held.lock:
            choices = list(_choices(model, prompts, request))
        for number, choice in enumerate(choices):
            yield {**about, "choices": [{**choice, "index": number}]}
        return
    with held.lock:
        generation = model.generate_many(
            prompts, samples=request.n, length=request.max_tokens, **_options(model, request)
        )
    waiting, last = [""] * generation.rows, 0.0
    if request.echo:
        waiting = [prompt for prompt in prompts for _ in range(request.n)]
    while True:
        with held.lock:
            pieces = next(generation, None)
        if pieces is not None:
            waiting = [before + piece for before, piece in zip(waiting, pieces, strict=True)]
        if pieces is None or time.monotonic() - last > _EVERY:
            last = time.monotonic()
            yield from (
                {**about, "choices": [{"text": text, "index": row, "logprobs": None, "finish_reason": None}]}
                for row, text in enumerate(waiting)
                if text
            )
            waiting = [""] * len(waiting)
        if pieces is None:
            break
    for row, sample in enumerate(generation.samples()):
        yield {
            **about, "choices": [{"text": "", "index": row, "logprobs": None, "finish_reason": _reason(sample)}]
        }  # fmt: skip


def _choices(model: Any, prompts: Sequence[str], request: Completion) -> Iterator[dict[str, Any]]:
    if request.suffix is not None:
        yield from _fillings(model, prompts, request)
        return
    if request.max_tokens == 0:
        texts = [("", "length") for _ in prompts]
    else:
        options = {"samples": request.n, "length": request.max_tokens, **_options(model, request)}
        texts = [(sample.text, _reason(sample)) for sample in model.generate_all(prompts, **options)]
    for number, (text, reason) in enumerate(texts):
        prompt = prompts[number * len(prompts) // len(texts)]
        told = None if request.logprobs is None else _log_probs(model, prompt, text, request)
        yield {"text": prompt * request.echo + text, "logprobs": told, "finish_reason": reason}


def _fillings(model: Any, prompts: Sequence[str], request: Completion) -> Iterator[dict[str, Any]]:
    for prompt in prompts:
        best = model.infill(
            prompt, request.suffix, samples=_DRAWN, length=max(1, request.max_tokens), seed=request.seed or 0,
            top=request.n,
        )  # fmt: skip
        for one in best:
            yield {"text": prompt * request.echo + one.text, "logprobs": None, "finish_reason": "stop"}


def _model(held: Held, request: Completion) -> Any:
    held.model.check_verb("generate")
    return held.model.clamped(*map(parse_clamp, request.hold)) if request.hold else held.model


def _prompts(model: Any, request: Completion) -> list[str]:
    """Return the prompts as texts."""
    given: Any = request.prompt
    if isinstance(given, list) and given and isinstance(given[0], int):
        given = [given]
    texts = [given] if isinstance(given, str) else list(given)
    size = model.codec.size
    for ids in texts:
        if not isinstance(ids, str) and not all(0 <= one < size for one in ids):
            raise ConfigError(f"prompt has an id that is none of the model's {size:,} symbols")
    prompts = [one if isinstance(one, str) else model.codec.decode(one) for one in texts] or [""]
    if len(prompts) > MOST_PROMPTS:
        raise ConfigError(f"a request has {MOST_PROMPTS} prompts at most, got {len(prompts):,}")
    if sum(map(len, prompts)) > MOST_CHARACTERS:
        raise ConfigError(f"prompts have {MOST_CHARACTERS:,} characters at most in all")
    return prompts


def _options(model: Any, request: Completion) -> dict[str, Any]:
    """Return the options of ``generate`` that a request asks for."""
    given = {name: value for name in _PLAIN if (value := vars(request)[name]) is not None}
    if request.temperature == 0 and request.beam is None:
        given["greedy"] = True
    elif request.temperature not in (0, 1):
        given["temperature"] = request.temperature
    if request.top_p < 1:
        given["top_p"] = request.top_p
    for name in ("presence_penalty", "frequency_penalty"):
        if vars(request)[name]:
            given[name] = vars(request)[name]
    if request.logit_bias:
        given["bias"] = {_symbol(model, number): value for number, value in request.logit_bias.items()}
    if request.stop:
        given["stop"] = [request.stop] if isinstance(request.stop, str) else request.stop
    is_random = not given.get("greedy") and request.beam is None
    return {**given, "seed": request.seed} if is_random and request.seed is not None else given


def _symbol(model: Any, number: str) -> str:
    if not number.isdecimal() or int(number) >= model.codec.size:
        raise ConfigError(f"logit_bias: {number!r} is no id of the model's {model.codec.size:,} symbols")
    return str(model.codec.pieces[int(number)].decode(errors="replace"))


def _log_probs(model: Any, prompt: str, text: str, request: Completion) -> dict[str, Any]:
    """Return the log-probabilities of symbols, in float32: of the text, with ``echo`` of the prompt before it too."""
    codec = model.codec
    before, after = codec.encode(prompt).tolist(), codec.encode(text).tolist()
    ids = np.array([*before, *after], dtype=np.int64)
    skipped = 0 if request.echo else len(before)
    if not len(ids):
        return {"tokens": [], "token_logprobs": [], "top_logprobs": [], "text_offset": []}
    places = places_in(model, ids, max(1, request.logprobs or 0))
    names = [name for name, _ in named_symbols(codec, ids, places.log_probs)]
    offsets = np.cumsum([0, *map(len, names)])[:-1].tolist()
    best = [
        dict(named_symbols(codec, *row)) for row in zip(places.best, places.best_log_probs.astype(float), strict=True)
    ]
    return {
        "tokens": names[skipped:],
        "token_logprobs": places.log_probs.astype(float).tolist()[skipped:],
        "top_logprobs": best[skipped:] if request.logprobs else None,
        "text_offset": [offset - offsets[skipped] if skipped < len(offsets) else 0 for offset in offsets[skipped:]],
        "precision": "fp32",
    }


def _about(request: Completion) -> dict[str, Any]:
    name = f"cmpl-{secrets.token_hex(12)}"
    return {"id": name, "object": "text_completion", "created": int(time.time()), "model": request.model}


def _usage(model: Any, prompts: Sequence[str], texts: Sequence[str]) -> dict[str, int]:
    read, written = (sum(len(model.codec.encode(text)) for text in some) for some in (prompts, texts))
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def _reason(sample: Any) -> str:
    return "length" if sample.ending == "length" else "stop"
