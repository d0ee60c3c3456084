"""The page in a real browser, over a real server with tiny real models."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--force-color-profile=srgb",
    "--font-render-hinting=none",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
SECONDS = 60


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)


class Server:
    """A studio that serves its page, in a process of its own."""

    def __init__(self, home: Path, models: Path | None, presets: Path, **environment: str) -> None:
        """`models` None: those that `settings.toml` in `home / "data"` names."""
        self.models = models
        self.outputs = home / "outputs"
        self._environment = {**os.environ, **environment}
        self._log = home / "server.log"
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}"
        flags = {
            "--port": port,
            "--models": models,
            "--presets": presets,
            "--outputs": home / "outputs",
            "--data": home / "data",
            "--device": "cpu",
            "--dtype": "float32",
            "--threads": 1,
        }
        self._command = [sys.executable, "-m", "app.cli", "serve", "--no-browser"]
        for flag, value in flags.items():
            if value is not None:
                self._command += [flag, str(value)]
        self.start()

    def start(self) -> None:
        """Returns when the page answers."""
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment,
            )
        deadline = time.monotonic() + SECONDS
        while not self._answers():
            assert self.process.poll() is None, self._log.read_text()
            assert time.monotonic() < deadline, self._log.read_text()
            time.sleep(0.1)

    def stop(self) -> None:
        """As Ctrl+C would, or not so gently if that takes too long."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def get(self, path: str) -> Any:
        """The API's answer."""
        return json.loads(self.bytes(path))

    def bytes(self, path: str) -> bytes:
        """The API's answer as it is."""
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}") as answer:
            return answer.read()

    def send(self, method: str, path: str, body: Any = None) -> Any:
        """What the API answers to a wish."""
        data, kind = json.dumps(body or {}).encode(), {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/api/v1/{path}", data, kind, method=method)
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read())

    def forget(self) -> None:
        """Begin with an empty workspace."""
        request = urllib.request.Request(f"{self.url}/api/v1/workspace", method="DELETE")
        urllib.request.urlopen(request).close()

    def job(self) -> dict[str, Any]:
        """The newest job."""
        return self.get("jobs")[0]

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(self.url).close()
        except OSError:
            return False
        return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    from tests import tiny

    home = tmp_path_factory.mktemp("browser")
    models, presets = tiny.install(home, ("sd1", "sdxl"))
    for file in models.rglob("*.safetensors"):
        os.utime(file, (time.time() - 60, time.time() - 60))
    running = Server(home, models, presets)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("no Chromium here")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser: Any, server: Server) -> Iterator[Callable[..., Any]]:
    """Opens the page: `open_page(width=390, height=844, color_scheme="dark")`.

    Its form has the defaults, unless `fresh=False` leaves it as the last page left it.

    Fails the test on any error of a script, any 4xx or 5xx answer and any request that leaves the
    machine.
    """
    troubles: list[str] = []
    contexts: list[Any] = []

    def opened(
        *, width: int = 1440, height: int = 900, script: str = "", fresh: bool = True, **look: Any
    ) -> Any:
        if fresh:
            server.forget()
        viewport = {"width": width, "height": height}
        context = browser.new_context(viewport=viewport, reduced_motion="reduce", **look)
        context.set_default_timeout(SECONDS * 1000)
        context.add_init_script(script)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: troubles.append(f"script: {error}"))
        page.on("response", lambda answer: _check_answer(answer, troubles))
        page.on("request", lambda request: _check_request(request, server.url, troubles))
        page.goto(server.url)
        page.wait_for_selector(".engine[data-state=ready]")
        page.wait_for_selector("body[data-workspace=found]")
        page.wait_for_selector("#steps input", state="attached")
        return page

    yield opened
    for context in contexts:
        for page in context.pages:
            _leave(page)
        context.close()
    assert not troubles


def _leave(page: Any) -> None:
    """Let the page send what it has not sent yet, so that no later test finds it in its form."""
    with contextlib.suppress(Exception):  # The page may be closed, or its server gone.
        page.goto("about:blank")
        page.wait_for_timeout(50)


def _check_answer(answer: Any, troubles: list[str]) -> None:
    if answer.status >= 400:
        troubles.append(f"{answer.status} {answer.request.method} {answer.url}")


def _check_request(request: Any, url: str, troubles: list[str]) -> None:
    if not request.url.startswith((url, "data:", "blob:")):
        troubles.append(f"leaves the machine: {request.url}")
