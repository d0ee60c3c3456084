"""Keeps other web sites, and other names for this machine, away from the studio.

A page anywhere on the web can make the artist's browser send requests to 127.0.0.1. Reading the
answers is what CORS prevents; sending is not, and a name that resolves to 127.0.0.1 after a while
(DNS rebinding) makes even reading possible. So: only known hosts are answered, nothing but a
read is taken from another origin, and the browser is told to fetch nothing from elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_LIMIT = 1_000_000
"""Bytes of a request to our own API; a draft with the longest prompts is far below."""

PICTURE_LIMIT = 64 * 2**20
"""Bytes of a picture that is brought to have its settings read."""

LONGER = {"/api/v1/reuse": PICTURE_LIMIT}
"""Addresses that take more."""

READS = ("GET", "HEAD")

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


def hosts(port: int) -> frozenset[str]:
    """What a browser on this machine may call the studio in its Host header."""
    names = ("127.0.0.1", "localhost", "[::1]")
    bare = names if port == 80 else ()
    return frozenset((*(f"{name}:{port}" for name in names), *bare))


class Guard:
    """ASGI middleware around the whole app. `allowed` are the Host headers that are answered."""

    def __init__(self, app: ASGIApp, allowed: Collection[str]) -> None:
        self._app = app
        self._allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        refusal = self._refusal(scope)
        if refusal is not None and scope["type"] == "websocket":
            return await send({"type": "websocket.close", "code": 1008})
        if refusal is not None:
            return await refusal(scope, receive, _with_headers(send))
        if scope["path"].startswith("/api/") and scope["type"] == "http":
            receive = _limited(receive, _limit(scope["path"]))
        await self._app(scope, receive, _with_headers(send))

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "").lower()
        if host not in self._allowed:
            return _refuse(421, "This is not an address of Gesso.", "Open http://127.0.0.1.")
        if scope.get("method") not in READS and not _own(headers, host):
            return _refuse(403, "Another site sent this request.", "Use the page of Gesso itself.")
        if _fetches_for_others(scope["path"]):
            return _refuse(403, "Gesso fetches nothing from elsewhere.", "Upload the file instead.")
        if _too_long(scope, headers):
            cure = "Choose a smaller file." if scope["path"] in LONGER else "Shorten the prompts."
            return _refuse(413, "The request is too long.", cure)
        return None


def _own(headers: Headers, host: str) -> bool:
    """Whether a browser sent this from our own page, or a program that is no browser did."""
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    return origin is None or origin.lower() == f"http://{host}"


def _fetches_for_others(path: str) -> bool:
    """Gradio would fetch any address for anyone, through these two routes of its."""
    _, mark, wanted = path.lower().partition("/file=")
    return (bool(mark) and ("://" in wanted or wanted.strip().startswith("http:"))) or (
        "/proxy=" in path.lower()
    )


def _too_long(scope: Scope, headers: Headers) -> bool:
    length, path = headers.get("content-length", "0"), scope["path"]
    return path.startswith("/api/") and (not length.isdigit() or int(length) > _limit(path))


def _limit(path: str) -> int:
    return LONGER.get(path, BODY_LIMIT)


def _limited(receive: Receive, left: int) -> Receive:
    """A body that comes in pieces, without a length said before, ends after `left` bytes."""

    async def limited() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        return message if left >= 0 else {"type": "http.disconnect"}

    return limited


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sending


def _refuse(status: int, message: str, cure: str) -> Response:
    said = {"kind": "Refused", "message": message, "cure": cure, "field": None}
    return Response(json.dumps(said), status, media_type="application/json")
