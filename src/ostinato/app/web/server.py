"""The application: routes from requests to answers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, TypeVar

import numpy as np
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from ostinato.app.web.completions import completion, streamed
from ostinato.app.web.errors import error_body
from ostinato.app.web.openapi import document
from ostinato.app.web.requests import (
    Completion,
    Detokenizing,
    Inspecting,
    Next,
    Scoring,
    Texts,
    Tokenizing,
)
from ostinato.app.web.security import Guard, TooLargeError
from ostinato.app.web.shelf import Held, Shelf
from ostinato.app.web.work import BusyError, Desk
from ostinato.errors import ConfigError, OstinatoError, RunError
from ostinato.families import FAMILIES
from ostinato.inspect.joining import web_folder, web_modules
from ostinato.inspect.page import page_data

R = TypeVar("R")
_KINDS = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


class Studio:
    """The answers of a server.

    Args:
        shelf: The models.
        desk: Does the work.
    """

    def __init__(self, shelf: Shelf, desk: Desk) -> None:
        self.shelf, self.desk = shelf, desk
        self._files = _static_files()

    async def page(self, request: Request) -> Response:
        """The page."""
        return Response((files("ostinato.app.web") / "studio" / "index.html").read_bytes(), media_type="text/html")

    async def static(self, request: Request) -> Response:
        """A module or a style, by its name alone."""
        name = request.path_params["name"]
        if name not in self._files:
            return JSONResponse(error_body("there is no such file"), status_code=404)
        kind = _KINDS[f".{name.rpartition('.')[2]}"]
        return Response(self._files[name].read_bytes(), media_type=kind)

    async def health(self, request: Request) -> Response:
        """Whether the server is there."""
        return JSONResponse({"status": "ok"})

    async def metrics(self, request: Request) -> Response:
        """Counts, as Prometheus reads them."""
        desk = self.desk
        return PlainTextResponse(
            f"ostinato_requests_total {desk.requests}\nostinato_symbols_total {desk.symbols}\n"
            f"ostinato_requests_in_flight {desk.waiting}\n"
        )

    async def openapi(self, request: Request) -> Response:
        """Answer what can be asked."""
        return JSONResponse(document())

    async def models(self, request: Request) -> Response:
        """The models that there are."""
        return JSONResponse({"object": "list", "data": await self.desk.do(self.shelf.describe)})

    async def completions(self, request: Request) -> Response:
        """Write on from a prompt."""
        asked = await _parsed(request, Completion)
        held = await self.desk.do(lambda: self.shelf.get(asked.model))
        if not asked.stream:
            answer = await self.desk.do(lambda: completion(held, asked))
            self.desk.symbols += answer["usage"]["completion_tokens"]
            return JSONResponse(answer)
        events = self.desk.stream(lambda: streamed(held, asked))
        first = await anext(events, None)  # an error is told as one, before the stream begins
        return StreamingResponse(_sent(first, events), media_type="text/event-stream")

    async def score(self, request: Request) -> Response:
        """Answer how probable a text is."""

        def work(held: Held, asked: Scoring) -> Any:
            return held.model.score(asked.text).plain(asked.per)

        return await self._answer(request, Scoring, work, "score")

    async def next(self, request: Request) -> Response:
        """Answer what may come next."""

        def work(held: Held, asked: Next) -> Any:
            return {**next_symbols(held.model, asked.text, asked.count), "model_digest": held.digest}

        return await self._answer(request, Next, work, "generate")

    async def inspect(self, request: Request) -> Response:
        """Views of a model while it reads a sequence, for programs and for the page."""

        def work(held: Held, asked: Inspecting) -> Any:
            return _views(held, _without_paths(self.shelf, held, asked))

        return await self._answer(request, Inspecting, work, "inspect")

    async def translate(self, request: Request) -> Response:
        """The targets that a model of pairs finds."""

        def work(held: Held, asked: Texts) -> Any:
            from ostinato.decode.searching import SearchSettings

            search = None if asked.beam is None else SearchSettings(beam=asked.beam)
            return [best[0].plain() for best in held.model.translate(asked.texts, search)]

        return await self._answer(request, Texts, work, "translate")

    async def label(self, request: Request) -> Response:
        """The labels that a model finds."""

        def work(held: Held, asked: Texts) -> Any:
            return [one.plain() for one in held.model.label(asked.texts, beam=asked.beam)]

        return await self._answer(request, Texts, work, "label")

    async def tokenize(self, request: Request) -> Response:
        """Cut a text into symbols."""

        def work(held: Held, asked: Tokenizing) -> Any:
            return {"tokens": held.model.codec.encode(asked.prompt).tolist()}

        return await self._answer(request, Tokenizing, work, "generate")

    async def detokenize(self, request: Request) -> Response:
        """Make a text of ids of symbols."""

        def work(held: Held, asked: Detokenizing) -> Any:
            if not all(0 <= one < held.model.codec.size for one in asked.tokens):
                raise ConfigError(f"tokens are from 0 to {held.model.codec.size - 1}")
            return {"prompt": held.model.codec.decode(asked.tokens)}

        return await self._answer(request, Detokenizing, work, "generate")

    async def _answer(self, request: Request, kind: type[R], work: Callable[[Held, R], Any], verb: str) -> Response:
        asked: Any = await _parsed(request, kind)

        def whole() -> Any:
            held = self.shelf.get(asked.model)
            held.model.check_verb(verb)
            with held.lock:
                return work(held, asked)

        return JSONResponse(_plain(await self.desk.do(whole)))


def application(shelf: Shelf, token: str, *, hosts: Sequence[str] = (), origins: Sequence[str] = ()) -> Starlette:
    """Return the application.

    Args:
        shelf: The models.
        token: The token that every request needs.
        hosts: Further names of this host.
        origins: Other sites whose pages may ask.
    """
    desk = Desk()
    studio = Studio(shelf, desk)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        desk.close()

    posts = {
        "/v1/completions": studio.completions, "/v1/score": studio.score, "/v1/next": studio.next,
        "/v1/inspect": studio.inspect, "/v1/translate": studio.translate, "/v1/label": studio.label,
        "/v1/tokenize": studio.tokenize, "/v1/detokenize": studio.detokenize,
    }  # fmt: skip
    gets = {
        "/": studio.page, "/static/{name}": studio.static, "/health": studio.health, "/metrics": studio.metrics,
        "/openapi.json": studio.openapi, "/v1/models": studio.models,
    }  # fmt: skip
    return Starlette(
        routes=[
            *(Route(path, answer, methods=["GET"]) for path, answer in gets.items()),
            *(Route(path, answer, methods=["POST"]) for path, answer in posts.items()),
        ],
        middleware=[Middleware(Guard, token=token, hosts=hosts, origins=origins)],
        exception_handlers={
            OstinatoError: _tell, BadRequestError: _tell, TooLargeError: _tell, 404: _tell_status, 405: _tell_status,
            Exception: _tell_nothing,
        },
        lifespan=lifespan,
    )  # fmt: skip


def next_symbols(model: Any, text: str, count: int) -> dict[str, Any]:
    """Return the likeliest next symbols after a text, exactly."""
    from ostinato.families.text.inspecting.expecting import named_symbols
    from ostinato.families.text.inspecting.recording import record_ids

    ids = model.codec.encode(text).astype(np.int64)
    logits = record_ids(model, ids).arrays["logits"][-1].astype(np.float64)
    logs = logits - np.logaddexp.reduce(logits)
    best = np.argsort(-logs, kind="stable")[:count]
    guesses = [
        {"text": name, "probability": float(np.exp(value))}
        for name, value in named_symbols(model.codec, best, logs[best])
    ]
    entropy = float(-(np.exp(logs) * logs).sum() / np.log(2))
    return {"guesses": guesses, "entropy_bits": entropy, "precision": "fp32"}


def _without_paths(shelf: Shelf, held: Held, asked: Inspecting) -> Inspecting:
    """Return a request that names no file of this machine; another model is named as the shelf names it.

    Raises:
        ConfigError: It names a file to read or to run.
    """
    if asked.text is not None and held.model.recipe.family.takes_files:
        raise ConfigError("this model reads files, which a request cannot name; leave text out")
    views = dict(asked.views)
    if any(".py" in str(views.get(name)) for name in ("find", "atlas", "series")):
        raise ConfigError("a request names labels that we have, and no file of labellers")
    if "compare" in views:
        views["compare"] = shelf.place(str(views["compare"]))
    return asked.model_copy(update={"views": views})


def _views(held: Held, asked: Inspecting) -> Any:
    inspection = held.model.inspect_on(asked.text, {**asked.options, **asked.views})
    names = list(asked.views) or list(inspection.on_page)
    views = [inspection.look(name, asked.views.get(name), asked.options) for name in names]
    views += inspection.beside(views)
    return {
        "views": {view.name: view.plain() for view in views}, "page": page_data(views, inspection.title),
        "notes": list(inspection.notes),
    }  # fmt: skip


class BadRequestError(Exception):
    """A request that is none; its text says why."""


async def _parsed(request: Request, kind: type[R]) -> R:
    try:
        given = json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise BadRequestError("the body is no JSON") from error
    try:
        return kind.model_validate(given)  # type: ignore[attr-defined, no-any-return]
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the body"
        raise BadRequestError(f"{where}: {first['msg']}") from error


async def _sent(first: Any, events: AsyncIterator[Any]) -> AsyncIterator[str]:
    if first is not None:
        yield f"data: {json.dumps(_plain(first))}\n\n"
    async for event in events:
        yield f"data: {json.dumps(_plain(event))}\n\n"
    yield "data: [DONE]\n\n"


def _tell(request: Request, error: Exception) -> Response:
    if isinstance(error, TooLargeError):
        return JSONResponse(error_body("the request is too large"), status_code=413)
    status = 503 if isinstance(error, BusyError) else 404 if isinstance(error, RunError) else 400
    return JSONResponse(error_body(str(error)), status_code=status)


def _tell_status(request: Request, error: Any) -> Response:
    what = "there is nothing of that name" if error.status_code == 404 else "this is asked in another way"
    return JSONResponse(error_body(what), status_code=error.status_code)


def _tell_nothing(request: Request, error: Exception) -> Response:
    return JSONResponse(
        error_body("something went wrong inside; the server's own terminal says what", "server_error"), 500
    )


def _plain(value: Any) -> Any:
    """Return data as JSON can have it: numbers that are none as null."""
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _static_files() -> dict[str, Traversable]:
    """Return every module of ours by its name, with the styles; nothing else can be asked for."""
    packages = ["ostinato.inspect", *(f"ostinato.families.{name}" for name in FAMILIES)]
    served = {name: file for package in packages for name, file in web_modules(web_folder(package)).items()}
    own = files("ostinato.app.web") / "studio"
    served |= {file.name: file for file in own.iterdir() if file.name.endswith((".js", ".css"))}
    return {**served, "page.css": web_folder("ostinato.inspect") / "page.css"}
