"""Keeps other web sites, other names for this machine, and strangers away from the studio.

A page anywhere on the web can make the artist's browser send requests to 127.0.0.1. Reading the
answers is what CORS prevents; sending is not, and a name that resolves to 127.0.0.1 after a while
(DNS rebinding) makes even reading possible. So: only known hosts are answered, only known
addresses are open, another site may do no more than link to the page, and the browser is told to
fetch nothing from elsewhere. Where the network can reach the studio, every request needs a token.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.bodies import Bodies, Gone
from app.api.doors import EVENTS, EVERY, LOGIN, PAGES, READ, Door, door
from app.api.errors import Refused, answer, nowhere, wrong_method
from app.api.hosts import Hosts
from app.api.login import Login
from app.api.places import Places, client_key
from app.api.token import Doorkeeper, Knock
from app.settings import Settings

LONGEST_PATH = 8000
LONGEST_QUERY = 8000
LONGEST_HEADERS = 64_000
"""Bytes of all headers together; other servers of this host may have left long cookies."""

STREAMS_EACH = 24
STREAMS_TOGETHER = 200
"""Event streams held open at once: by one client, and by all."""

HEADERS = {
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'self'",
            # Gradio starts from an inline script and compiles its templates.
            "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "media-src 'self' data: blob:",
            "connect-src 'self' data: blob:",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}

_ODD = re.compile(r"//|\\|[\x00-\x1f\x7f\ufffd]|(^|/)\.{1,2}(/|$)")
"""What no address of ours has, and what servers and files understand in different ways."""


class Guard:
    """ASGI middleware around the whole app, made for the settings of one server."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._hosts = Hosts(settings)
        self._keeper = None
        if settings.token is not None:
            self._keeper = Doorkeeper(settings.token.get_secret_value(), settings.port)
        self._bodies = Bodies()
        self._streams = Places(STREAMS_EACH, STREAMS_TOGETHER)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        if scope["type"] == "websocket":
            return await send({"type": "websocket.close", "code": 1008})
        headers, found = Headers(scope=scope), door(scope["path"])
        send = _sealed(send, found)
        refusal = self._refusal(scope, headers, found)
        if refusal is not None:
            return await refusal(scope, receive, send)
        assert found is not None
        with suppress(Gone):
            async with self._bodies.read(headers, receive, found.body) as whole:
                if isinstance(whole, Response):
                    return await whole(scope, receive, send)
                await self._pass(scope, headers, whole, send)

    async def _pass(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        client = _client(scope)
        if scope["path"] == LOGIN and self._keeper is not None:
            secure = self._is_https(headers)
            login = Login(self._keeper)
            said = await login.answer(Request(scope, receive), client, secure=secure)
            return await said(scope, receive, send)
        if scope["path"] != EVENTS:
            return await self._app(scope, receive, send)
        with self._streams.taken(client) as free:
            if free:
                return await self._app(scope, receive, send)
        cure = "Close some of Gesso's tabs or programs."
        said = _refuse(429, "Too many follow the events already.", cure, {"Retry-After": "5"})
        await said(scope, receive, send)

    def _refusal(self, scope: Scope, headers: Headers, found: Door | None) -> Response | None:
        path, method = scope["path"], scope["method"]
        if (malformed := _malformed(scope)) is not None:
            return malformed
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            cure = "Open the address that Gesso showed when it started, or name this one with "
            return _refuse(421, "This is not an address of Gesso.", cure + "--allow-host.")
        if not self._own(headers, method, path):
            return _refuse(403, "Another site sent this request.", "Use the page of Gesso itself.")
        if method not in EVERY:
            return _wrong_method(method, EVERY)
        if (stranger := self._stranger(scope, headers)) is not None:
            return stranger
        if found is None or (path == LOGIN and self._keeper is None):
            return answer(nowhere())
        return None if method in found.methods else _wrong_method(method, found.methods)

    def _own(self, headers: Headers, method: str, path: str) -> bool:
        """Whether our own page sent this, or a program that is no browser, or it is a link."""
        if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            return method in READ and path in PAGES and _is_link(headers)
        if method in READ:
            return True
        origin, host = headers.get("origin"), headers["host"].lower()
        return origin is None or origin.lower() == f"http://{host}" or self._is_https(headers)

    def _is_https(self, headers: Headers) -> bool:
        """Whether a browser speaks with a proxy that the artist put before Gesso."""
        host = headers["host"].lower()
        origin = headers.get("origin", "").lower()
        return self._hosts.behind_a_proxy(host) and origin == f"https://{host}"

    def _stranger(self, scope: Scope, headers: Headers) -> Response | None:
        """What one is told who comes without the token."""
        if self._keeper is None or scope["path"] == LOGIN:
            return None
        client = _client(scope)
        match self._keeper.knock(headers, client):
            case Knock.WELCOME:
                return None
            case Knock.TOO_MANY as knock:
                wait = str(self._keeper.attempts.wait(client))
                cure = f"Try again in {wait} s."
                return _refuse(429, f"{knock.value}.", cure, {"Retry-After": wait})
            case knock:
                if scope["path"] in PAGES and scope["method"] in READ:
                    return RedirectResponse(LOGIN, 303)
                cure = "Open the page and give the token there, or send it as a Bearer token."
                return _refuse(401, f"{knock.value}.", cure, {"WWW-Authenticate": "Bearer"})


def _malformed(scope: Scope) -> Response | None:
    """What is refused whoever asks for it."""
    path = scope["path"]
    if len(path) > LONGEST_PATH or len(scope["query_string"]) > LONGEST_QUERY:
        return _refuse(414, "The address is too long.", "Shorten it.")
    if sum(len(name) + len(value) for name, value in scope["headers"]) > LONGEST_HEADERS:
        cure = "Delete this site's cookies."
        return _refuse(431, "The headers of the request are too long.", cure)
    if not path.startswith("/") or _ODD.search(path):
        return answer(nowhere())
    return None


def _wrong_method(method: str, allowed: Iterable[str]) -> Response:
    names = ", ".join(allowed)
    return answer(wrong_method(method, names), 405, {"Allow": names})


def _is_link(headers: Headers) -> bool:
    """Whether the browser opens a page of its own for this, not a frame or a picture."""
    how = headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")
    return how == ("navigate", "document")


def _client(scope: Scope) -> str:
    address = scope.get("client")
    return client_key(address[0]) if address else ""


def _sealed(send: Send, found: Door | None) -> Send:
    """Adds what every answer tells the browser."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            fine = found is not None and message["status"] < 400
            headers.setdefault("Cache-Control", found.caching if found and fine else "no-store")
        await send(message)

    return sending


def _refuse(
    status: int, message: str, cure: str, headers: dict[str, str] | None = None
) -> Response:
    return answer(Refused(message, cure), status, headers)
