"""What the browser gets before Gradio's first script: language, look, and the page's ground.

Gradio adds its `head` only once it has started, which is too late to choose the language it
speaks in, and shows a blank page until then.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

STATIC = Path(__file__).parent / "static"


def head(root: str, languages: Sequence[str], sheets: Sequence[str]) -> str:
    """The markup that stands first in the page's head; `root` is where `static` is served."""
    script = (STATIC / "entrance.js").read_text("utf-8")
    style = (STATIC / "entrance.css").read_text("utf-8")
    preloads = [f'<link rel="preload" as="style" href="{root}/{sheet}">' for sheet in sheets]
    return "\n".join(
        (
            f'<script data-languages="{" ".join(languages)}">{script}</script>',
            f"<style>{style}</style>",
            '<meta name="color-scheme" content="light dark">',
            f'<link rel="icon" type="image/svg+xml" href="{root}/mark.svg">',
            *preloads,
            f'<link rel="modulepreload" href="{root}/page.js">',
        )
    )


class Entrance:
    """ASGI middleware that puts `head` first into the page at "/"."""

    def __init__(self, app: ASGIApp, head: str) -> None:
        self._app = app
        self._head = b"<head>" + head.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/" or scope["method"] != "GET":
            return await self._app(scope, receive, send)
        page = _Page(send, self._head)
        await self._app({**scope, "headers": _uncompressed(scope)}, receive, page.send)


class _Page:
    """Holds the answer back until it is whole, because its length changes."""

    def __init__(self, send: Send, head: bytes) -> None:
        self._send = send
        self._head = head
        self._start: Message = {}
        self._body = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        self._body += message.get("body", b"")
        if not message.get("more_body"):
            await self._finish()

    async def _finish(self) -> None:
        if Headers(raw=self._start["headers"]).get("content-type", "").startswith("text/html"):
            self._body = self._body.replace(b"<head>", self._head, 1)
        headers = MutableHeaders(raw=self._start["headers"])
        headers["content-length"] = str(len(self._body))
        await self._send({**self._start, "headers": headers.raw})
        await self._send({"type": "http.response.body", "body": self._body})


def _uncompressed(scope: Scope) -> list[tuple[bytes, bytes]]:
    return [header for header in scope["headers"] if header[0] != b"accept-encoding"]
