"""Long bodies are held in memory a few at a time, until each is dealt with."""

import asyncio
from contextlib import AsyncExitStack

from starlette.datastructures import Headers

from app.api.bodies import LONG, LONG_AT_ONCE, Bodies

HEADERS = Headers({"content-length": "3"})


async def arrived() -> dict[str, object]:
    return {"type": "http.request", "body": b"abc", "more_body": False}


def test_a_long_body_has_its_turn_until_its_request_is_dealt_with():
    async def bring() -> None:
        bodies = Bodies()
        async with AsyncExitStack() as held:
            for _ in range(LONG_AT_ONCE):
                await held.enter_async_context(bodies.read(HEADERS, arrived, LONG + 1))
            late = asyncio.create_task(held.enter_async_context(waiting(bodies, LONG + 1)))
            async with waiting(bodies, LONG) as short:
                assert (await short())["body"] == b"abc", "a short one waits for nobody"
            await asyncio.sleep(0)
            assert not late.done()
            late.cancel()
        async with waiting(bodies, LONG + 1) as whole:
            assert (await whole())["body"] == b"abc"

    def waiting(bodies: Bodies, limit: int):
        return bodies.read(HEADERS, arrived, limit)

    asyncio.run(bring())
