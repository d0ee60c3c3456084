"""Bodies are read before anything is done with them: whole, in time, within their limit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Message, Receive

from app.api.errors import Refused, answer

GRACE_SECONDS = 20.0
BYTES_PER_SECOND = 50_000
"""What a poor wireless network still brings; who is slower only keeps a place taken."""

LONG = 2**20
LONG_AT_ONCE = 4
"""Long bodies held in memory together; further ones wait for their turn."""


class TooLong(Exception):
    """More bytes than the address takes."""


class TooSlow(Exception):
    """A body that does not end."""


class Gone(Exception):
    """The client left in the middle."""


class Bodies:
    """Reads the bodies of one server's requests."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(LONG_AT_ONCE)

    @asynccontextmanager
    async def read(
        self, headers: Headers, receive: Receive, limit: int
    ) -> AsyncIterator[Receive | Response]:
        """A `receive` that gives the whole body at once, or the refusal.

        A long body has its turn until the block ends. Raises Gone if the client left.
        """
        if "content-length" not in headers and "transfer-encoding" not in headers:
            yield receive
            return
        async with self._turns if limit > LONG else nullcontext():
            yield await _read(headers, receive, limit)


async def _read(headers: Headers, receive: Receive, limit: int) -> Receive | Response:
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()):
        return answer(Refused("The length of the request is no number.", "Correct it."), 400)
    try:
        if int(length) > limit:
            raise TooLong
        return _again(await _whole(receive, limit), receive)
    except TooLong:
        return answer(Refused("The request is too long.", _shorter(limit)), 413)
    except TooSlow:
        cure = "Check the network, then try again."
        return answer(Refused("The request did not arrive in time.", cure), 408)


async def _whole(receive: Receive, limit: int) -> bytes:
    chunks: list[bytes] = []
    size, started = 0, time.monotonic()
    while True:
        left = started + GRACE_SECONDS + size / BYTES_PER_SECOND - time.monotonic()
        try:
            message = await asyncio.wait_for(receive(), max(0.0, left))
        except TimeoutError:
            raise TooSlow from None
        if message["type"] == "http.disconnect":
            raise Gone
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > limit:
            raise TooLong
        if not message.get("more_body"):
            return b"".join(chunks)


def _again(body: bytes, receive: Receive) -> Receive:
    """Gives the body once, then what the connection tells."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay


def _shorter(limit: int) -> str:
    megabytes = limit / 2**20
    return f"Choose a smaller file, below {megabytes:.0f} MB." if megabytes > 1 else "Shorten it."
