"""No file of this machine is ever named to Gradio.

Components that take files open what a value calls their path: `gr.Image` any picture, even where
Gradio believes itself launched, as long as the value lacks the mark of an upload. Our page brings
pictures through our own API, so a value with a path can only come from an attacker.
"""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.errors import Refused, answer


class Pathless:
    """Around the page: refuses calls of its functions that name a file."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            return await self._app(scope, receive, send)
        body = await Request(scope, receive).body()
        if names_a_file(body):
            refused = Refused("No path is taken from a page.", "Bring the file itself.")
            return await answer(refused, 403)(scope, receive, send)
        given: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return given.pop() if given else await receive()

        await self._app(scope, replay, send)


def names_a_file(body: bytes) -> bool:
    """Whether any object in a JSON text has a path. What is no JSON has none."""
    found = False

    def look(pairs: list[tuple[str, Any]]) -> None:
        nonlocal found
        found = found or any(name == "path" for name, _ in pairs)

    try:
        json.loads(body, object_pairs_hook=look)
    except (ValueError, RecursionError):
        return False
    return found
