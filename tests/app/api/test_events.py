"""The event stream: whole snapshots, not too often, and an end when the server ends."""

import asyncio
import itertools
import json
import time

import pytest

from app.api import events
from app.api.events import PAUSE_SECONDS, PING, RETRY, EventStreams
from tests.app.conftest import ended
from tests.app.studio.test_service import draft


def read(studio, until, seconds: float = 30) -> list[tuple[float, str]]:
    """The messages of one stream with their times, until one fits."""

    async def follow() -> list[tuple[float, str]]:
        streams, received = EventStreams(studio), []
        async with asyncio.timeout(seconds):
            async for text in streams.stream():
                received.append((time.monotonic(), text))
                if until(text):
                    streams.close()
        return received

    return asyncio.run(follow())


def snapshot(text: str) -> dict:
    assert text.startswith("data: ")
    assert text.endswith("\n\n")
    assert text.count("\n") == 2, "a line break inside a message would cut it"
    return json.loads(text.removeprefix("data: "))


def test_a_new_stream_begins_with_everything_there_is(studio):
    job = ended(studio, studio.submit(draft(prompt="line one\nline two")).id)
    (_, retry), (_, first), *_ = read(studio, lambda text: text.startswith("data"))
    assert retry == RETRY
    shown = snapshot(first)
    assert set(shown) == {"version", "jobs", "engine"}
    assert shown["jobs"][0]["id"] == job.id
    assert shown["jobs"][0]["prompt"] == "line one\nline two"


def test_a_job_is_followed_to_its_end_at_ten_messages_a_second_at_most(studio):
    job = studio.submit(draft(steps=60)).id

    def over(text: str) -> bool:
        return text.startswith("data") and any(
            view["id"] == job and view["state"] == "done" for view in snapshot(text)["jobs"]
        )

    received = [(at, snapshot(text)) for at, text in read(studio, over)[1:]]
    times = [at for at, _ in received]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert min(gaps) >= PAUSE_SECONDS * 0.9
    versions = [shown["version"] for _, shown in received]
    assert versions == sorted(set(versions))
    assert received[-1][1]["jobs"][0]["fraction"] == 1.0


def test_a_quiet_stream_is_kept_alive(studio, monkeypatch):
    monkeypatch.setattr(events, "PING_SECONDS", 0.05)
    received = read(studio, lambda text: text == PING)
    assert received[-1][1] == PING


@pytest.mark.parametrize("streams", [8])
def test_many_pages_follow_the_same_studio(studio, streams):
    async def first_messages() -> list[str]:
        open_streams = EventStreams(studio)

        async def second_message() -> str:
            stream = open_streams.stream()
            await anext(stream)
            return await anext(stream)

        return await asyncio.gather(*(second_message() for _ in range(streams)))

    versions = {snapshot(text)["version"] for text in asyncio.run(first_messages())}
    assert versions == {studio.version}
