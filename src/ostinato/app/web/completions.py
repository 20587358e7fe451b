"""Completions as OpenAI's clients ask for them."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ostinato.app.web.requests import MOST_CHARACTERS, MOST_IN_ALL, MOST_PROMPTS, Beams, Completion, Rules, Searching
from ostinato.app.web.shelf import Held
from ostinato.app.web.work import Errand
from ostinato.errors import ConfigError
from ostinato.families.text.inspecting.expecting import named_symbols, places_in
from ostinato.inspect.clamps import parse_clamp

_WHOLE = ("best_of", "n_best", "stochastic", "exact")  # searches that give whole texts
_NOT_STREAMED = ("best_of", "exact")
#: Fields that have the names that options of ``generate`` have, and are handed on where they are given.
_SAME = (*Searching.model_fields.keys() - {*Rules.model_fields, "model"}, "best_of", "precision")
_DRAWN, _LONGEST_GAP = 64, 60  # texts that are tried for a gap, and its most symbols
_OF_GAPS = {"model", "prompt", "suffix", "max_tokens", "n", "seed", "echo", "stream", "stream_options", "user"}
_EVERY = 0.03  # seconds between two events of a stream


def completion(held: Held, request: Completion, errand: Errand) -> dict[str, Any]:
    """Return the answer to a request that is not streamed."""
    model, prompts, about = _begun(held, request)
    written = list(_choices(held, model, prompts, request, errand))
    return {
        **about,
        "choices": [{**choice, "index": number} for number, (choice, _) in enumerate(written)],
        "usage": _usage(model, prompts, [text for _, text in written]),
    }


def streamed(held: Held, request: Completion, errand: Errand) -> Iterator[dict[str, Any] | None]:
    """Yield the events of a request that is streamed, several symbols in each, and at the end what it used.

    ``None`` in between gives others a turn.
    """
    model, prompts, about = _begun(held, request)
    texts: dict[int, str] = {}
    is_whole = request.max_tokens == 0 or request.logprobs is not None or request.suffix is not None
    if is_whole or any(vars(request)[name] for name in _WHOLE):
        for number, (choice, text) in enumerate(_choices(held, model, prompts, request, errand)):
            texts[number] = text
            yield {**about, "choices": [{**choice, "index": number}]}
    else:
        if request.echo:
            rows = [prompt for prompt in prompts for _ in range(request.n)]
            yield {**about, "choices": [_piece(row, prompt) for row, prompt in enumerate(rows) if prompt]}
        for event in _pieces(held, model, prompts, request, errand):
            for choice in event:
                texts[choice["index"]] = texts.get(choice["index"], "") + choice["text"]
            yield {**about, "choices": event} if event else None
    if (request.stream_options or {}).get("include_usage"):
        yield {**about, "choices": [], "usage": _usage(model, prompts, list(texts.values()))}


def _begun(held: Held, request: Completion) -> tuple[Any, list[str], dict[str, Any]]:
    """Return the model, its units held, the prompts as texts, and what every answer says of the request."""
    held.model.check_verb("generate")
    with held.lock:
        model = with_held(held, request.hold)
        return model, _prompts(model, request), _about(model, request)


def with_held(held: Held, units: Sequence[str]) -> Any:
    """Return a model with units held, such as ``"cell:0:14=0.5"``; without any as it is. Its lock has to be taken."""
    return held.model.clamped(*map(parse_clamp, units)) if units else held.model


def beams(held: Held, request: Beams, errand: Errand) -> Iterator[dict[str, Any]]:
    """Yield the beginnings that compete after every symbol, several steps in each event, and in the end who won."""
    options = {"beam": request.beam, "n_best": request.beam, "length": request.max_tokens, "pace": 1}
    given = {name: value for name in ("length_power", "match") if (value := vars(request)[name]) is not None}
    with held.lock:
        generation = with_held(held, request.hold).generate_many([request.prompt], **options, **given)
    steps, last, is_done = list[Any](), 0.0, False
    while not is_done:
        with held.lock:
            is_done = next(generation, None) is None
            live = [[one.text, one.log_prob] for one in generation.beginnings()]
        errand.wrote(len(live))
        steps += [live] if live else []
        if steps and (is_done or time.monotonic() - last > _EVERY):
            last = time.monotonic()
            yield {"steps": steps}
            steps = []
    best = [{"text": one.text, "log_prob": one.log_prob, "rank": one.rank} for one in generation.samples()]
    yield {"best": best, "precision": generation.precision}


def _pieces(
    held: Held, model: Any, prompts: Sequence[str], request: Completion, errand: Errand
) -> Iterator[list[dict[str, Any]]]:
    """Yield, in each event, the next pieces of all texts, none to give others a turn; in the end how they ended."""
    with held.lock:
        options = _options(model, request)
        generation = model.generate_many(prompts, samples=request.n, length=request.max_tokens, **options)
    waiting, last, is_written = [""] * generation.rows, 0.0, False
    while not is_written:
        with held.lock:
            before, pieces = generation.longest, next(generation, None)
        is_written = pieces is None
        errand.wrote((generation.longest - before) * generation.rows)
        if pieces is not None:
            waiting = [text + piece for text, piece in zip(waiting, pieces, strict=True)]
        if not any(waiting):
            yield []
        elif is_written or time.monotonic() - last > _EVERY:
            last = time.monotonic()
            yield [_piece(row, text) for row, text in enumerate(waiting) if text]
            waiting = [""] * len(waiting)
    yield [_piece(row, "", _reason(sample)) for row, sample in enumerate(generation.samples())]


def _piece(row: int, text: str, reason: str | None = None) -> dict[str, Any]:
    return {"text": text, "index": row, "logprobs": None, "finish_reason": reason}


def _choices(
    held: Held, model: Any, prompts: Sequence[str], request: Completion, errand: Errand
) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield whole choices, each with the text that was written for it."""
    if request.suffix is not None:
        yield from _fillings(held, model, prompts, request, errand)
        return
    texts: list[tuple[str, str, Any]] = [("", "length", None) for _ in prompts]
    if request.max_tokens:
        options = {"samples": request.n, "length": request.max_tokens, **_options(model, request)}
        texts = [(one.text, _reason(one), one) for one in _samples(held, model, prompts, options, errand)]
    for number, (text, reason, sample) in enumerate(texts):
        prompt = prompts[number] if sample is None else sample.prompt
        told = None
        if request.logprobs is not None:
            with held.lock:
                told = _log_probs(model, prompt, text, request, ended=sample is not None and sample.ending == "end")
        own = {"text": prompt * request.echo + text, "logprobs": told, "finish_reason": reason}
        if sample is not None and sample.rank is not None:
            own |= {"log_prob": sample.log_prob, "rank": sample.rank}
        yield own, text


def _samples(held: Held, model: Any, prompts: Sequence[str], options: dict[str, Any], errand: Errand) -> list[Any]:
    """Return the texts; others may use the model between two pieces of them, and work for nobody stops."""
    if set(_NOT_STREAMED) & set(options):
        with held.lock:
            return list(model.generate_all(prompts, **options))
    with held.lock:
        generation, before = model.generate_many(prompts, **options), 0
    while True:
        with held.lock:
            if next(generation, None) is None:
                return list(generation.samples())
        errand.wrote((generation.longest - before) * generation.rows)
        before = generation.longest


def _fillings(
    held: Held, model: Any, prompts: Sequence[str], request: Completion, errand: Errand
) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield what fits a gap; the work grows with the square of its length.

    Raises:
        ConfigError: The gap is long, or a field is given that has no meaning for it.
    """
    if other := request.model_fields_set - _OF_GAPS:
        raise ConfigError(f"with a suffix, {min(other)} has no meaning; leave it out")
    if request.max_tokens > _LONGEST_GAP:
        raise ConfigError(f"a gap has {_LONGEST_GAP} symbols at most, got max_tokens {request.max_tokens:,}")
    for prompt in prompts:
        with held.lock:
            best = model.infill(
                prompt, request.suffix, samples=_DRAWN, length=max(1, request.max_tokens), seed=request.seed or 0,
                top=request.n,
            )  # fmt: skip
        errand.wrote(_DRAWN * request.max_tokens)
        for one in best:
            text = prompt * request.echo + one.text
            yield {"text": text, "logprobs": None, "finish_reason": "stop"}, one.text


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
    for ids, prompt in zip(texts, prompts, strict=False):
        if not isinstance(ids, str) and model.codec.encode(prompt).tolist() != list(ids):
            raise ConfigError(
                "prompt has ids that are not how this model cuts their text; send them as /v1/tokenize does"
            )
    if len(prompts) > MOST_PROMPTS:
        raise ConfigError(f"a request has {MOST_PROMPTS} prompts at most, got {len(prompts):,}")
    if sum(map(len, prompts)) > MOST_CHARACTERS:
        raise ConfigError(f"prompts have {MOST_CHARACTERS:,} characters at most in all")
    rows = len(prompts) * request.n * (request.best_of or 1) * (request.beam or 1)
    if rows * request.max_tokens > MOST_IN_ALL:
        raise ConfigError(
            f"{rows:,} texts of {request.max_tokens:,} symbols are {rows * request.max_tokens:,}, and a request writes "
            f"{MOST_IN_ALL:,} at most; take fewer, or shorter ones"
        )
    return prompts


def _is_given(value: Any) -> bool:
    return value is not None and value is not False and value != []


def shaping(request: Rules) -> dict[str, Any]:
    """Return the options of ``generate`` that shape what is drawn from, as a request asks for them."""
    given = {
        name: value for name in ("top_k", "min_p", "typical", "match") if (value := vars(request)[name]) is not None
    }
    if request.temperature not in (0, 1):
        given["temperature"] = request.temperature
    if request.top_p < 1:
        given["top_p"] = request.top_p
    return given


def _options(model: Any, request: Completion) -> dict[str, Any]:
    """Return the options of ``generate`` that a request asks for."""
    own = {name: vars(request)[name] for name in sorted(_SAME)}
    given = shaping(request) | {name: value for name, value in own.items() if _is_given(value)}
    if request.temperature == 0:
        if request.draw or request.stochastic:
            raise ConfigError("temperature 0 takes the most probable symbol, and draw and stochastic draw; choose one")
        if request.beam is None:
            given["greedy"] = True
    for name in ("presence_penalty", "frequency_penalty"):
        if vars(request)[name]:
            given[name] = vars(request)[name]
    if request.logit_bias:
        given["bias"] = {_symbol(model, number): value for number, value in request.logit_bias.items()}
    if request.stop:
        given["stop"] = [request.stop] if isinstance(request.stop, str) else request.stop
    is_random = not given.get("greedy") and (request.beam is None or request.draw or request.stochastic)
    return {**given, "seed": request.seed} if is_random and request.seed is not None else given


def _symbol(model: Any, number: str) -> str:
    if not number.isdecimal() or int(number) >= model.codec.size:
        raise ConfigError(f"logit_bias: {number!r} is no id of the model's {model.codec.size:,} symbols")
    return str(model.codec.pieces[int(number)].decode(errors="replace"))


def _log_probs(model: Any, prompt: str, text: str, request: Completion, *, ended: bool) -> dict[str, Any]:
    """Return the log-probabilities of symbols, in float32: of the text, with ``echo`` of the prompt before it too.

    The end of an item that ``ended`` is a symbol as well, as clients count it.
    """
    codec = model.codec
    before, after = codec.encode(prompt).tolist(), [*codec.encode(text).tolist(), *[codec.end] * ended]
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


def _about(model: Any, request: Completion) -> dict[str, Any]:
    name = f"cmpl-{secrets.token_hex(12)}"
    told = {"id": name, "object": "text_completion", "created": int(time.time()), "model": request.model}
    if not request.max_tokens or request.suffix is not None:  # nothing is drawn from; gaps are scored
        return {**told, "precision": "fp32"}
    options = _options(model, request)
    _, precision = model.written_by(**{name: options[name] for name in options if name not in ("seed", "stop")})
    return {**told, "precision": precision}


def _usage(model: Any, prompts: Sequence[str], texts: Sequence[str]) -> dict[str, int]:
    read, written = (sum(len(model.codec.encode(text)) for text in some) for some in (prompts, texts))
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def _reason(sample: Any) -> str:
    return "length" if sample.ending == "length" else "stop"
