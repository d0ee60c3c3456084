"""Server-sent events: one stream of whole snapshots, from which any page can draw itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from starlette.concurrency import run_in_threadpool

from app.studio.service import Studio

PAUSE_SECONDS = 0.1
"""At most ten snapshots a second: a slow page is told less often, never late."""

PING_SECONDS = 10.0

RETRY = "retry: 1000\n\n"
PING = ": ping\n\n"


class EventStreams:
    """The open streams of one server, which end when it shuts down."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._wakes: set[asyncio.Event] = set()
        self._closed = False
        self._last = (-1, "")

    async def stream(self) -> AsyncIterator[str]:
        """The text of one event stream, endless until `close`."""
        loop, wake = asyncio.get_running_loop(), asyncio.Event()
        self._wakes.add(wake)
        try:
            with self._studio.watching(lambda: loop.call_soon_threadsafe(wake.set)):
                yield RETRY
                sent = ""
                while not self._closed:
                    wake.clear()
                    # Two pieces of news at once wake twice, but make one snapshot.
                    if (message := await run_in_threadpool(self._message)) != sent:
                        yield message
                    sent = message
                    await asyncio.sleep(PAUSE_SECONDS)
                    while not self._closed and not await _within(PING_SECONDS, wake):
                        yield PING
        finally:
            self._wakes.discard(wake)

    def close(self) -> None:
        """End all streams. Call it from the server's event loop."""
        self._closed = True
        for wake in self._wakes:
            wake.set()

    def _message(self) -> str:
        """The present snapshot, made once for all streams."""
        if self._last[0] != self._studio.version:
            snapshot = self._studio.snapshot()
            text = json.dumps(snapshot, ensure_ascii=False, separators=(",", ":"))
            self._last = snapshot["version"], f"data: {text}\n\n"
        return self._last[1]


async def _within(seconds: float, event: asyncio.Event) -> bool:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True
