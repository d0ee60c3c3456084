"""Server-sent events: one stream from which any page can draw itself.

`event: jobs` carries the whole list, whenever it changes; `event: progress` the job that runs and
the engine. Each message is complete in itself, so that a slow page may miss some.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.concurrency import run_in_threadpool

from app.studio.service import Studio

PAUSE_SECONDS = 0.1
"""At most ten messages of a kind a second: a slow page is told less often, never late."""

PING_SECONDS = 10.0

RETRY = "retry: 1000\n\n"
PING = "event: ping\ndata: {}\n\n"
"""An event rather than a comment: a page can tell a quiet studio from a line that is dead."""


class EventStreams:
    """The open streams of one server, which end when it shuts down."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._wakes: set[asyncio.Event] = set()
        self._closed = False
        self._jobs = _Message("jobs", lambda: studio.changes, studio.list_snapshot)
        self._progress = _Message("progress", lambda: studio.version, studio.progress_snapshot)

    async def stream(self) -> AsyncIterator[str]:
        """The text of one event stream, endless until `close`."""
        loop, wake = asyncio.get_running_loop(), asyncio.Event()
        self._wakes.add(wake)
        try:
            with self._studio.watching(lambda: loop.call_soon_threadsafe(wake.set)):
                yield RETRY
                sent: tuple[str, ...] = ()
                while not self._closed:
                    wake.clear()
                    # Two pieces of news at once wake twice, but make one message.
                    messages = await run_in_threadpool(self._messages)
                    for message in messages:
                        if message not in sent:
                            yield message
                    sent = messages
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

    def _messages(self) -> tuple[str, str]:
        return self._jobs.text(), self._progress.text()


class _Message:
    """A message made once for all streams, and again when its version has changed."""

    def __init__(
        self, kind: str, version: Callable[[], int], snapshot: Callable[[], dict[str, Any]]
    ) -> None:
        self._kind = kind
        self._version = version
        self._snapshot = snapshot
        self._last = (-1, "")

    def text(self) -> str:
        version = self._version()
        last, text = self._last
        if last != version:
            # Asked for before it is made: news in between make it again.
            data = json.dumps(self._snapshot(), ensure_ascii=False, separators=(",", ":"))
            text = f"event: {self._kind}\ndata: {data}\n\n"
            self._last = version, text
        return text


async def _within(seconds: float, event: asyncio.Event) -> bool:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return False
    return True
