"""The OpenAPI document, made of the types of requests."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from pydantic import BaseModel

from ostinato.app.web import requests

#: What can be posted where.
POSTS: dict[str, type[BaseModel]] = {
    "/v1/completions": requests.Completion,
    "/v1/score": requests.Scoring,
    "/v1/next": requests.Next,
    "/v1/inspect": requests.Inspecting,
    "/v1/translate": requests.Texts,
    "/v1/label": requests.Texts,
    "/v1/tokenize": requests.Tokenizing,
    "/v1/detokenize": requests.Detokenizing,
}
_GETS = {"/v1/models": "The models that there are.", "/health": "Whether the server is there."}


def document() -> dict[str, Any]:
    """Return the document."""
    schemas: dict[str, Any] = {}
    paths: dict[str, Any] = {
        path: {"get": {"summary": summary, "responses": _answers()}} for path, summary in _GETS.items()
    }
    for path, kind in POSTS.items():
        schema = kind.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= schema.pop("$defs", {})
        schemas[kind.__name__] = schema
        body = {"required": True, "content": _json({"$ref": f"#/components/schemas/{kind.__name__}"})}
        summary = (kind.__doc__ or "").strip().splitlines()[0]
        paths[path] = {"post": {"summary": summary, "requestBody": body, "responses": _answers()}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "ostinato", "version": version("ostinato")},
        "components": {"schemas": schemas, "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        "security": [{"token": []}],
        "paths": paths,
    }


def _answers() -> dict[str, Any]:
    told = {
        "400": "the request is wrong; the message says why", "401": "a token is needed",
        "404": "there is no such model", "503": "too many requests are waiting",
    }  # fmt: skip
    failures = {code: {"description": what, "content": _json({"type": "object"})} for code, what in told.items()}
    return {"200": {"description": "the answer", "content": _json({"type": "object"})}, **failures}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
