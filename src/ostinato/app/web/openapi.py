"""The OpenAPI document, made of what can be posted and of the types of requests."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from ostinato.app.web.answers import POSTS

_GETS = {
    "/v1/models": "The models that there are.",
    "/health": "Whether the server is there.",
    "/metrics": "Counts, as Prometheus reads them.",
    "/tokenizer_info": "The end of an item, where the first model has one.",
}
_ONE = "/v1/models/{model}"


def document() -> dict[str, Any]:
    """Return the document."""
    schemas: dict[str, Any] = {}
    paths: dict[str, Any] = {
        path: {"get": {"summary": summary, "responses": _answers(_text() if path == "/metrics" else None)}}
        for path, summary in _GETS.items()
    }
    name = {"name": "model", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    paths[_ONE] = {"get": {"summary": "All about one model.", "parameters": [name], "responses": _answers()}}
    for path, post in POSTS.items():
        schema = post.body.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= schema.pop("$defs", {})
        schemas[post.body.__name__] = schema
        body = {"required": True, "content": _json({"$ref": f"#/components/schemas/{post.body.__name__}"})}
        events = None if post.stream is None else {**_json({}), "text/event-stream": {"schema": {"type": "string"}}}
        paths[path] = {"post": {"summary": post.summary, "requestBody": body, "responses": _answers(events)}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "ostinato", "version": version("ostinato")},
        "components": {"schemas": schemas, "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        "security": [{"token": []}],
        "paths": paths,
    }


def _answers(content: dict[str, Any] | None = None) -> dict[str, Any]:
    told = {
        "400": "the request is wrong; the message says why", "401": "a token is needed",
        "403": "a page of another site asks", "404": "there is no such model", "413": "the request is too large",
        "503": "too many requests are waiting",
    }  # fmt: skip
    failures = {code: {"description": what, "content": _json({"type": "object"})} for code, what in told.items()}
    return {"200": {"description": "the answer", "content": content or _json({})}, **failures}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _text() -> dict[str, Any]:
    return {"text/plain": {"schema": {"type": "string"}}}
