"""HTTP/1.1 as uvicorn speaks it, with the patience and the manners of Gesso.

What is wrong before there is a request to route (malformed, endless or enormous headers, too many
connections) is refused in the form of every other error.
"""

from __future__ import annotations

import asyncio
import http
import sys

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from app.api.errors import Refused, answer
from app.api.places import client_key

HEAD_SECONDS = 15.0
"""Within which the first line and all headers of a request must have come."""

CONNECTIONS_EACH = 100
CONNECTIONS_TOGETHER = 500

REFUSALS = {
    400: Refused("The request is not well-formed HTTP.", "Correct it."),
    408: Refused("The request did not arrive in time.", "Check the network, then try again."),
    431: Refused("The headers of the request are too long.", "Delete this site's cookies."),
    503: Refused("Too many connections are open.", "Close some of Gesso's tabs or programs."),
}


class Protocol(H11Protocol):
    """One connection."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self._crowded():
            return self._refuse(503)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._forget_deadline()
        elif self._deadline is None:
            self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_deadline()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Called while the error of the parser is being handled, which knows a better status."""
        status = getattr(sys.exception(), "error_status_hint", 400)
        self._refuse(status if status in REFUSALS else 400)

    def _crowded(self) -> bool:
        mine = self._key()
        same = sum(one._key() == mine for one in self.connections if isinstance(one, Protocol))
        return same > CONNECTIONS_EACH or len(self.connections) > CONNECTIONS_TOGETHER

    def _key(self) -> str:
        return client_key(self.client[0]) if self.client else ""

    def _expect_head(self) -> None:
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._refuse, 408)

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, status: int) -> None:
        """Answer and hang up; just hang up in the middle of another answer."""
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        silent = self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE)
        if silent and not self.transport.is_closing():
            more = {"Connection": "close", "Cache-Control": "no-store"}
            said = answer(REFUSALS[status], status, more)
            reason = http.HTTPStatus(status).phrase.encode()
            for event in (
                h11.Response(status_code=status, headers=said.raw_headers, reason=reason),
                h11.Data(data=bytes(said.body)),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
