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


def data(kind: str, text: str) -> dict:
    assert text.startswith(f"event: {kind}\ndata: ")
    assert text.endswith("\n\n")
    assert text.count("\n") == 3, "a line break inside a message would cut it"
    return json.loads(text.removeprefix(f"event: {kind}\ndata: "))


def test_a_new_stream_begins_with_everything_there_is(studio):
    job = ended(studio, studio.submit(draft(prompt="line one\nline two")).id)
    (_, retry), (_, first), (_, second), *_ = read(
        studio, lambda t: t.startswith("event: progress")
    )
    assert retry == RETRY
    shown = data("jobs", first)
    assert set(shown) == {"version", "jobs", "queue", "pictures", "models"}
    assert shown["queue"] == {"paused": False, "waiting": 0, "interrupted": 0}
    assert shown["jobs"][0]["id"] == job.id
    assert shown["jobs"][0]["prompt"] == "line one\nline two"
    assert set(data("progress", second)) == {"version", "progress", "engine"}


def test_a_job_is_followed_to_its_end_at_ten_messages_a_second_at_most(studio):
    job = studio.submit(draft(steps=60)).id

    def over(text: str) -> bool:
        return text.startswith("event: jobs") and any(
            view["id"] == job and view["state"] == "done" for view in data("jobs", text)["jobs"]
        )

    received = read(studio, over)
    for kind in ("jobs", "progress"):
        told = [(at, data(kind, text)) for at, text in received if f"event: {kind}" in text]
        gaps = [later - earlier for (earlier, _), (later, _) in itertools.pairwise(told)]
        assert all(gap >= PAUSE_SECONDS * 0.9 for gap in gaps)
        versions = [shown["version"] for _, shown in told]
        assert versions == sorted(set(versions))
    steps = [shown["progress"]["step"] for _, shown in told]
    assert max(steps) > 1


def test_the_list_is_told_only_when_it_changes_and_not_at_every_step(studio):
    job = studio.submit(draft(steps=100, count=3)).id
    received = read(
        studio,
        lambda text: (
            text.startswith("event: jobs")
            and '"done"' in text
            and data("jobs", text)["jobs"][0]["id"] == job
            and data("jobs", text)["jobs"][0]["state"] == "done"
        ),
    )
    lists = [text for _, text in received if text.startswith("event: jobs")]
    progress = [text for _, text in received if text.startswith("event: progress")]
    # Two more pictures, two more changes of the list.
    assert len(lists) <= 8 < len(progress)


def test_a_quiet_stream_is_kept_alive(studio, monkeypatch):
    monkeypatch.setattr(events, "PING_SECONDS", 0.05)
    received = read(studio, lambda text: text == PING)
    assert received[-1][1] == PING


@pytest.mark.parametrize("streams", [8])
def test_many_pages_follow_the_same_studio(studio, streams):
    async def first_messages() -> list[str]:
        open_streams = EventStreams(studio)

        async def progress_message() -> str:
            stream = open_streams.stream()
            while not (text := await anext(stream)).startswith("event: progress"):
                pass
            return text

        return await asyncio.gather(*(progress_message() for _ in range(streams)))

    versions = {data("progress", text)["version"] for text in asyncio.run(first_messages())}
    assert versions == {studio.version}
