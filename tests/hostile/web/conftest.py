"""A whole server, page and all, spoken to byte by byte. Its engine is never started."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from app.api.server import listen, server
from app.studio.service import Studio
from tests.app.conftest import settings_in, tiny_home

__all__ = ["served", "settings_in", "tiny_home"]

PATIENCE = 10.0


class Answer(NamedTuple):
    """What came back: status 0 where the connection just ended."""

    status: int
    headers: dict[str, str]
    body: bytes

    def said(self) -> dict[str, str | None]:
        """The refusal, which must have the one form."""
        error = json.loads(self.body)
        assert set(error) == {"kind", "message", "cure", "field"}
        assert error["message"].endswith(".")
        assert error["cure"]
        return error


class Served:
    """A server that listens on loopback."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.port = studio.settings.port
        self.host = f"127.0.0.1:{self.port}"

    def connect(self) -> socket.socket:
        """A connection of our own."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def raw(self, request: bytes) -> Answer:
        """What the server answers to these very bytes."""
        with self.connect() as connection:
            connection.sendall(request)
            return read(connection)

    def ask(self, method: str, target: str, body: bytes = b"", **headers: str) -> Answer:
        """One request, well formed but for what is given."""
        lines = {"Host": self.host, "Connection": "close"}
        lines |= {"Content-Length": str(len(body))} if body else {}
        lines |= {name.replace("_", "-"): value for name, value in headers.items()}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return self.raw(f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body)


def read(connection: socket.socket) -> Answer:
    """One answer, to its end."""
    received = b""
    try:
        while not _whole(received) and (data := connection.recv(65536)):
            received += data
    except ConnectionError:
        pass
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return Answer(int(first.split(" ")[1]) if first else 0, headers, body)


def _whole(received: bytes) -> bool:
    head, end, body = received.partition(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length: "):
            return bool(end) and len(body) >= int(line.partition(b": ")[2])
        if line.startswith(b"content-type: text/event-stream"):
            return bool(end)
    return False


@pytest.fixture(scope="session")
def served(settings_in, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The server of a studio whose engine sleeps."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    studio = Studio(settings_in(tmp_path_factory.mktemp("hostile"), port=port))
    with listen("127.0.0.1", port) as listening:
        running = server(studio)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]})
        thread.start()
        while not running.started:
            time.sleep(0.02)
        yield Served(studio)
        running.should_exit = True
        thread.join(PATIENCE)
    studio.close()
