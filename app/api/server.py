"""The server: the API, the guard around everything, and the page at "/"."""

from __future__ import annotations

import errno
import http.client
import os
import shutil
import socket
import threading
import webbrowser
from collections.abc import Callable
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Security
from fastapi.security import HTTPBearer
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api import errors
from app.api.events import EventStreams
from app.api.guard import Guard
from app.api.hosts import in_url, reached_at
from app.api.pathless import Pathless
from app.api.protocol import Protocol
from app.api.reference import reference
from app.api.routes import PREFIX, routes, tags
from app.api.routes.described import DescribedAPI
from app.settings import Settings
from app.studio.errors import PortInUse
from app.studio.service import Studio
from pipelines.picture import versions

CLOSE_SECONDS = 2
PORTS_TRIED = 100
TEMPORARY = "gradio"
"""Folder of what Gradio writes; emptied at each start."""


def prepare_environment(data: Path) -> None:
    """Settings that Gradio and the hub's client read when they are imported.

    What the environment says of Gradio (sharing, served folders, a root path) is taken out: it
    would open what the guard keeps shut. Its temporary files have a folder in `data`.
    """
    for name in [name for name in os.environ if name.startswith("GRADIO_")]:
        del os.environ[name]
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_TEMP_DIR"] = str(data / TEMPORARY)
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"


def build_app(studio: Studio, streams: EventStreams) -> Guard:
    """API and page of a studio, with the guard around both."""
    prepare_environment(studio.settings.data)
    shutil.rmtree(studio.settings.data / TEMPORARY, ignore_errors=True)
    from app.ui import mount  # Gradio takes two seconds, while the engine starts

    page = FastAPI(title="Gesso", docs_url=None, redoc_url=None, openapi_url=None)
    errors.install(page)
    mount(page, studio)
    for route in page.routes:
        if isinstance(route, Mount) and isinstance(route.app, FastAPI):  # Gradio
            errors.install(route.app)
    return Guard(_Faces(build_api(studio, streams), Pathless(page)), studio.settings)


def build_api(studio: Studio, streams: EventStreams) -> FastAPI:
    """The native API alone, with the page that describes it."""
    # The interactive docs of FastAPI load scripts from elsewhere.
    app = DescribedAPI(
        title="Gesso",
        version=versions("gesso").get("gesso", "0"),
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        openapi_url=f"{PREFIX}/openapi.json",
        openapi_tags=tags(),
        # What the guard asks for, told to those who read the description.
        dependencies=[Security(HTTPBearer(auto_error=False))] if studio.settings.token else [],
    )
    app.include_router(routes(studio, streams))
    app.include_router(reference())
    errors.install(app)
    return app


class _Faces:
    """The API below /api, the page everywhere else."""

    def __init__(self, api: ASGIApp, page: ASGIApp) -> None:
        self._api = api
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        below = scope["type"] == "http" and (scope["path"] + "/").startswith("/api/")
        await (self._api if below else self._page)(scope, receive, send)


def listen(host: str, port: int) -> socket.socket:
    """A bound socket: nobody takes the port while the page is being built. Raises PortInUse."""
    try:
        return _bind(host, port)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise PortInUse(
                f"Gesso cannot listen on {host}:{port}: {error.strerror}.",
                "Choose another port with --port.",
            ) from error
        free = _free_port(host, port)
        raise PortInUse(
            f"Port {port} is in use, perhaps by another Gesso.",
            f"Open http://{in_url(host)}:{port}, or start this one with --port {free}.",
        ) from error


def run(
    studio: Studio, listening: socket.socket, *, browser: bool, ready: Callable[[str], None]
) -> None:
    """Start a studio and serve it until Ctrl+C. `ready(url)` is called when the page answers."""
    studio.catalog.library.gentle = True
    studio.start()
    serving = server(studio)
    arguments = (studio, browser, ready)
    threading.Thread(target=_announce, args=arguments, daemon=True).start()
    serving.run(sockets=[listening])


def server(studio: Studio) -> uvicorn.Server:
    """The server of a studio, page and all, that has not begun yet."""
    streams = EventStreams(studio)
    config = uvicorn.Config(
        build_app(studio, streams),
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        http=Protocol,
        ws="none",
        timeout_graceful_shutdown=CLOSE_SECONDS,
    )
    return _Server(config, streams)


class _Server(uvicorn.Server):
    """Ends the event streams first: they would keep a closing server waiting."""

    def __init__(self, config: uvicorn.Config, streams: EventStreams) -> None:
        super().__init__(config)
        self._streams = streams

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._streams.close()
        await super().shutdown(sockets)


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            # On Windows this would share the port instead of reusing one just left.
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(128)
    except OSError:
        listening.close()
        raise
    return listening


def _free_port(host: str, port: int) -> int:
    for candidate in range(port + 1, min(port + PORTS_TRIED, 65536)):
        try:
            _bind(host, candidate).close()
        except OSError:
            continue
        return candidate
    return port + 1


def _announce(studio: Studio, browser: bool, ready: Callable[[str], None]) -> None:
    """Wait until the page itself answers, then say so, and let the model files be read."""
    try:
        url, answers = _answered(studio.settings)
    finally:
        studio.catalog.library.gentle = False
    if not answers:
        return
    ready(url)
    if browser:
        webbrowser.open(url)


def _answered(settings: Settings) -> tuple[str, bool]:
    """The page's address, and whether it answered as it should, once it has."""
    url, _ = reached_at(settings)
    where = url.removeprefix("http://")
    connection = http.client.HTTPConnection(where)
    headers = {"Host": where}
    if settings.token is not None:
        headers["Authorization"] = f"Bearer {settings.token.get_secret_value()}"
    connection.request("GET", "/", headers=headers)
    answer = connection.getresponse()
    connection.close()
    return url, answer.status == 200
