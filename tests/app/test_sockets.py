"""Nothing leaves the machine: what both processes of a studio connect to and look up, watched.

`sitecustomize` is imported by every Python process before anything else, the engine's included; it
writes down each call that opens a connection, sends a datagram or asks for a name.
"""

from __future__ import annotations

import ipaddress
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.app.api.test_server import free_port

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow

WATCH = """
import json, os, sys

_log = open(os.environ["WATCHED"], "a", buffering=1)

def _watch(event, arguments):
    if event.startswith("socket.") and event != "socket.__new__" or event == "subprocess.Popen":
        told = [part for part in arguments if isinstance(part, (str, bytes, int, tuple, list))]
        _log.write(json.dumps([os.getpid(), event, told], default=str) + "\\n")

_log.write(json.dumps([os.getpid(), "start", sys.orig_argv]) + "\\n")
sys.addaudithook(_watch)
"""

ASKS_FOR_A_NAME = (
    "socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo"
)  # fmt: skip
SENDS = ("socket.connect", "socket.sendto", "socket.sendmsg")


@pytest.fixture
def watched(tiny_home: Path, tmp_path: Path):
    """A client of a server whose every socket is written down, and a reader of what was."""
    (tmp_path / "hook").mkdir()
    (tmp_path / "hook" / "sitecustomize.py").write_text(WATCH)
    (tmp_path / "tmp").mkdir()
    port, log = free_port(), tmp_path / "watched.jsonl"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("HF_", "GR"))},
        "PYTHONPATH": str(tmp_path / "hook"),
        "WATCHED": str(log),
        "TMPDIR": str(tmp_path / "tmp"),
        "HOME": str(tmp_path / "home"),
    }
    flags = ["--no-browser", "--port", str(port), "--device", "cpu", "--threads", "1"]
    for name in ("models", "presets"):
        flags += [f"--{name}", str(tiny_home / name)]
    for name in ("data", "outputs"):
        flags += [f"--{name}", str(tmp_path / name)]
    command = [sys.executable, "-m", "app.cli", "serve", *flags]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE)
    assert process.stdout
    assert b"ready" in process.stdout.readline()
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as client:
        yield client, lambda: [json.loads(line) for line in log.read_text().splitlines()]
    process.send_signal(signal.SIGTERM)
    process.wait(10)


def is_local(address: object) -> bool:
    """Whether an address is loopback, or a path on this machine."""
    host = address[0] if isinstance(address, list) else address
    if host in (None, "", "localhost") or str(host).startswith("/"):
        return True
    try:
        return ipaddress.ip_address(str(host)).is_loopback
    except ValueError:
        return False


def test_a_session_with_a_picture_speaks_with_nobody_and_asks_for_no_name(watched, tmp_path):
    client, read = watched
    assert client.get("/").status_code == 200
    for path in ("openapi.json", "choices", "jobs", "pictures", "health", "models"):
        assert client.get(f"/api/v1/{path}").status_code in (200, 404)
    job = client.post("/api/v1/jobs", json={"prompt": "a red house", "steps": 2}).json()["id"]
    deadline = time.monotonic() + 120
    while (state := client.get(f"/api/v1/jobs/{job}").json()["state"]) != "done":
        assert state not in ("failed", "cancelled")
        assert time.monotonic() < deadline
        time.sleep(0.1)
    picture = client.get("/api/v1/pictures").json()[0]["id"]
    for part in (".png", "/thumbnail", "/recipe"):
        assert client.get(f"/api/v1/pictures/{picture}{part}").status_code == 200

    events = read()
    started = [arguments for _, event, arguments in events if event == "start"]
    assert any("app.cli" in program for program in started)
    assert any("pipelines.engine.child" in program for program in started), "the engine is watched"
    asked = [(event, told) for _, event, told in events if event in ASKS_FOR_A_NAME]
    assert [one for one in asked if not is_local(one[1][0] if one[1] else None)] == []
    sent = [(event, told) for _, event, told in events if event in SENDS]
    assert sent, "the watch sees connections"
    assert [one for one in sent if not is_local(one[1][-1])] == []
    bound = [told[-1] for _, event, told in events if event == "socket.bind"]
    assert bound, "the watch sees sockets"
    assert all(is_local(address) for address in bound)

    left = [file for file in (tmp_path / "tmp").rglob("*") if "gradio" in str(file)]
    assert left == [], "Gradio writes into the data folder only"
