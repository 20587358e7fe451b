"""The application: routes from requests to answers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import numpy as np
from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from ostinato.app.web.answers import POSTS, Asked, Post
from ostinato.app.web.errors import error_body
from ostinato.app.web.openapi import document
from ostinato.app.web.security import Guard, TooLargeError
from ostinato.app.web.shelf import Shelf
from ostinato.app.web.work import BusyError, Desk, Errand, LeftError
from ostinato.errors import OstinatoError, RunError
from ostinato.families import FAMILIES
from ostinato.inspect.joining import web_folder, web_modules

_KINDS = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_ROOM = "room-"  # how the names of modules of rooms begin


class Studio:
    """The answers of a server.

    Args:
        shelf: The models.
        desk: Does the work.
    """

    def __init__(self, shelf: Shelf, desk: Desk) -> None:
        self.shelf, self.desk = shelf, desk
        self._files = _static_files()
        own = [file.name for file in (files("ostinato.app.web") / "studio").iterdir() if file.name.endswith(".js")]
        self._first = sorted([*own, "lit-html.js", "model.js", "text.js"])

    async def page(self, request: Request) -> Response:
        """The page."""
        page = (files("ostinato.app.web") / "studio" / "index.html").read_text(encoding="utf-8")
        # Browsers fetch all modules at once, and not one level of imports after the other.
        links = [f'<link rel="modulepreload" href="/static/{name}">' for name in self._first]
        return Response(page.replace("<!-- modules -->", "\n".join(links)), media_type="text/html")

    async def static(self, request: Request) -> Response:
        """A module or a style, by its name alone."""
        name = request.path_params["name"]
        if name not in self._files:
            return JSONResponse(error_body("there is no such file"), status_code=404)
        kind = _KINDS[f".{name.rpartition('.')[2]}"]
        return Response(self._files[name].read_bytes(), media_type=kind)

    async def rooms(self, request: Request) -> Response:
        """The modules of all rooms of the page: those of the studio, and those that families bring."""
        return JSONResponse(sorted(name for name in self._files if name.startswith(_ROOM)))

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
        told = await self.desk.do(lambda _: self.shelf.describe())
        return JSONResponse({"object": "list", "data": told})

    async def model(self, request: Request) -> Response:
        """All about one model."""
        name = request.path_params["model"]
        return JSONResponse(_plain(await self.desk.do(lambda _: self.shelf.describe_one(name))))

    async def tokenizer_info(self, request: Request) -> Response:
        """The end of items in the first model, for clients that cut texts themselves."""
        end = await self.desk.do(lambda _: self.shelf.get(self.shelf.first()).model.codec.end)
        return JSONResponse({"eos_token": "" if end is not None else None, "bos_token": None, "pad_token": None})

    async def post(self, request: Request) -> Response:
        """Answer one of ``POSTS``."""
        post = POSTS[request.url.path]
        body: Any = await _parsed(request, post.body)

        def asked(errand: Errand) -> Asked:
            held = self.shelf.get(body.model or self.shelf.first())
            held.model.check_verb(post.verb)
            return Asked(self.shelf, held, body, errand)

        if post.stream is not None and "text/event-stream" in _accepted(request, body):
            return await self._events(request, post, asked)
        answer = await self.desk.do(
            lambda errand: post.answer(asked(errand)), slow=post.is_slow(body), is_gone=request.is_disconnected
        )
        return JSONResponse(_plain(answer))

    async def _events(self, request: Request, post: Post, asked: Any) -> Response:
        assert post.stream is not None
        stream = post.stream

        def make(errand: Errand) -> Any:
            yield from stream(asked(errand))  # models are loaded by a worker too

        events = self.desk.stream(make, request.is_disconnected)
        first = await anext(events, None)  # an error is told as one, before the stream begins
        return StreamingResponse(_sent(first, events, self.shelf.without_paths), media_type="text/event-stream")


def application(
    shelf: Shelf, token: str, *, hosts: Sequence[str] = (), origins: Sequence[str] = (), desk: Desk | None = None
) -> Starlette:
    """Return the application.

    Args:
        shelf: The models.
        token: The token that every request needs.
        hosts: Further names of this host.
        origins: Other sites whose pages may ask.
        desk: Does the work; ``None``: a new one.
    """
    desk = desk or Desk()
    studio = Studio(shelf, desk)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        desk.close()

    gets = {
        "/": studio.page, "/static/{name}": studio.static, "/rooms": studio.rooms, "/health": studio.health,
        "/metrics": studio.metrics, "/openapi.json": studio.openapi, "/v1/models": studio.models,
        "/v1/models/{model}": studio.model, "/tokenizer_info": studio.tokenizer_info,
    }  # fmt: skip

    def tell(request: Request, error: Exception) -> Response:
        return _tell(error, shelf.without_paths(str(error)))

    errors = (OstinatoError, BadRequestError, TooLargeError, LeftError)
    return Starlette(
        routes=[
            *(Route(path, answer, methods=["GET"]) for path, answer in gets.items()),
            *(Route(path, studio.post, methods=["POST"]) for path in POSTS),
        ],
        middleware=[Middleware(Guard, token=token, hosts=hosts, origins=origins)],
        exception_handlers={
            **dict.fromkeys(errors, tell), 404: _tell_status, 405: _tell_status, Exception: _tell_nothing,
        },
        lifespan=lifespan,
    )  # fmt: skip


class BadRequestError(Exception):
    """A request that is none; its text says why."""


def _accepted(request: Request, body: BaseModel) -> str:
    """Return what kinds of answers a request takes; one field asks for events as well."""
    return "text/event-stream" if vars(body).get("stream") else request.headers.get("accept", "")


async def _parsed(request: Request, kind: type[BaseModel]) -> BaseModel:
    try:
        given = json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise BadRequestError("the body is no JSON") from error
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise BadRequestError("a body is JSON and has to say so: content-type: application/json")
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the body"
        raise BadRequestError(f"{where}: {first['msg']}") from error


async def _sent(first: Any, events: AsyncIterator[Any], told: Callable[[str], str]) -> AsyncIterator[str]:
    if first is not None:
        yield f"data: {json.dumps(_plain(first))}\n\n"
    try:
        async for event in events:
            yield f"data: {json.dumps(_plain(event))}\n\n"
    except OstinatoError as error:  # the answer has begun, so it is told in it
        yield f"data: {json.dumps(error_body(told(str(error))))}\n\n"
    yield "data: [DONE]\n\n"


def _tell(error: Exception, message: str) -> Response:
    if isinstance(error, TooLargeError):
        return JSONResponse(error_body("the request is too large"), status_code=413)
    status = 503 if isinstance(error, BusyError | LeftError) else 404 if isinstance(error, RunError) else 400
    return JSONResponse(error_body(message), status_code=status)


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
