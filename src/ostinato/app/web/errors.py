"""Errors as JSON, in the form that OpenAI's clients read; nothing of the inside leaks."""

from __future__ import annotations

from typing import Any


def error_body(message: str, kind: str = "invalid_request_error") -> dict[str, Any]:
    """Return the body of an answer that tells an error."""
    return {"error": {"message": message, "type": kind, "param": None, "code": None}}
