"""Who may ask, and from where: names of the host, a token, and pages of other sites.

Browsers send requests of any page to a server on this machine. So the name of the host has to be one of ours (DNS
rebinding), requests from other sites are refused unless they are a person following a link; and a token is needed,
which the page has in a cookie that other sites cannot use.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ostinato.app.web.errors import error_body

MOST_BYTES = 4_000_000  # of a request's body
_LOCAL = ("127.0.0.1", "localhost", "::1")
_OPEN = ("/health",)  # without a token
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Guard:
    """Middleware that refuses what may not be asked.

    Args:
        app: The application.
        token: The token.
        hosts: Further names of this host.
        origins: Other sites whose pages may ask, such as ``https://example.org``.
    """

    def __init__(self, app: ASGIApp, token: str, hosts: Sequence[str] = (), origins: Sequence[str] = ()) -> None:
        self._app, self._token = app, token
        self._hosts, self._origins = {*_LOCAL, *map(str.lower, hosts)}, set(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        friend = origin if origin in self._origins and _host(headers.get("host", "")) in self._hosts else None
        if friend is not None and scope["method"] == "OPTIONS":
            await Response(status_code=204)(scope, receive, self._with_headers(send, friend))
            return
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await refusal(scope, receive, self._with_headers(send, friend))
            return
        size = 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > MOST_BYTES:
                raise TooLargeError
            return message

        await self._app(scope, counted, self._with_headers(send, friend))

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        """Return the answer to a request that is refused; ``None``: it may pass."""
        if _host(headers.get("host", "")) not in self._hosts:
            return _refuse(400, "this server is not called by that name")
        is_page = scope["method"] == "GET" and scope["path"] == "/"
        origin, own = headers.get("origin"), headers.get("host", "").lower()
        if origin not in (None, *self._origins, f"http://{own}", f"https://{own}"):  # pages of other ports are others
            return _refuse(403, "pages of other sites may not ask")
        is_link = (
            is_page and headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
        )
        if headers.get("sec-fetch-site") in ("cross-site", "same-site") and not is_link and origin not in self._origins:
            return _refuse(403, "pages of other sites may not ask")
        if int(headers.get("content-length") or 0) > MOST_BYTES:
            return _refuse(413, f"a request has {MOST_BYTES:,} bytes at most")
        if scope["path"] in _OPEN:
            return None
        asked = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0] if is_page else ""
        if asked and self._is_right(asked):
            answer = RedirectResponse("/", status_code=303)
            answer.set_cookie(_cookie(scope), self._token, httponly=True, samesite="strict")
            return answer
        if self._is_right(_given(headers, _cookie(scope))):
            return None
        if is_page:
            told = "This studio needs its token, and this is not it: open the address that its terminal shows."
            return PlainTextResponse(told, status_code=401)
        return _refuse(401, "a token is needed: Authorization: Bearer TOKEN")

    def _is_right(self, token: str) -> bool:
        return hmac.compare_digest(token.encode(), self._token.encode())

    def _with_headers(self, send: Send, friend: str | None) -> Send:
        """Return ``send`` with our headers; pages of a ``friend``, another site, may read the answer."""

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["content-security-policy"] = _POLICY
                headers["x-content-type-options"] = "nosniff"
                headers["referrer-policy"] = "no-referrer"
                headers["cache-control"] = "no-store"
                headers["vary"] = "origin"
                if friend is not None:
                    headers["access-control-allow-origin"] = friend
                    headers["access-control-allow-methods"] = "GET, POST"
                    headers["access-control-allow-headers"] = "authorization, content-type"
                    headers["access-control-max-age"] = "600"
            await send(message)

        return told


class TooLargeError(Exception):
    """A request's body is too large."""


def _refuse(status: int, message: str) -> Response:
    return JSONResponse(error_body(message), status_code=status)


def _host(name: str) -> str:
    """Return the name of a host without its port."""
    try:
        return (urlsplit(f"//{name}").hostname or "").lower()
    except ValueError:
        return ""


def _cookie(scope: Scope) -> str:
    """Return the name of our cookie. All ports of a host share their cookies, and each may have a studio."""
    return f"ostinato-{(scope.get('server') or ('', 0))[1]}"


def _given(headers: Headers, name: str) -> str:
    """Return the token that a request brings."""
    kind, _, token = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return token.strip()
    return cookie_parser(headers.get("cookie", "")).get(name, "")
