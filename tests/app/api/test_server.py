"""`gesso serve` as an artist starts it: a real process, a real page, a real Ctrl+C."""

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.slow


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def serve(port: int, home: Path, data: Path, *more: str) -> subprocess.Popen:
    flags = ["--no-browser", "--port", str(port), "--device", "cpu", "--data", str(data / "data")]
    flags += ["--models", str(home / "models"), "--presets", str(home / "presets")]
    flags += ["--outputs", str(data / "outputs"), *more]
    command = [sys.executable, "-m", "app.cli", "serve", *flags]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, cwd=ROOT)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="module")
def port():
    return free_port()


@pytest.fixture(scope="module")
def page(tiny_home, folder, port):
    """A client of a server that said it is ready; afterwards it is told to end."""
    process = serve(port, tiny_home, folder)
    assert process.stdout.readline() == f"Gesso is ready: http://127.0.0.1:{port}\n"
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False)
    yield client
    with client.stream("GET", "/api/v1/events") as stream:
        lines = stream.iter_lines()
        next(lines)
        asked = time.monotonic()
        process.send_signal(signal.SIGINT)
        list(lines)  # until the server ends the stream
    process.communicate(timeout=10)
    assert time.monotonic() - asked < 5


def test_the_page_answers_when_it_says_so(page):
    answer = page.get("/")
    assert answer.status_code == 200
    assert "Gesso" in answer.text
    assert "default-src 'self'" in answer.headers["content-security-policy"]


def test_the_page_is_guarded_as_the_api_is(page):
    assert page.get("/", headers={"host": "rebind.example"}).status_code == 421
    evil = {"origin": "http://evil.example"}
    files = {"files": ("x.txt", b"hello")}
    assert page.post("/gradio_api/upload", headers=evil, files=files).status_code == 403
    assert page.post("/gradio_api/queue/join", headers=evil, json={}).status_code == 403


def test_no_file_of_this_machine_can_be_read_through_the_page(page, folder):
    secret = folder / "secret.txt"
    secret.write_text("a secret of the artist")
    reference = {"path": str(secret), "meta": {"_type": "gradio.FileData"}}
    config = page.get("/config").json()
    for number, _ in enumerate(config["dependencies"]):
        for path in ("/gradio_api/run/predict", "/gradio_api/queue/join"):
            asked = {"data": [reference] * 20, "fn_index": number, "session_hash": "x"}
            assert "a secret" not in page.post(path, json=asked).text
    assert page.get(f"/gradio_api/file={secret}").status_code in (403, 404)


def test_a_picture_is_made_over_the_api(page):
    made = page.post("/api/v1/jobs", json={"prompt": "a red house", "steps": 2}).json()["id"]
    with page.stream("GET", "/api/v1/events") as stream:
        for line in stream.iter_lines():
            if not line.startswith("data: "):
                continue
            job = next(j for j in json.loads(line[6:])["jobs"] if j["id"] == made)
            assert job["state"] != "failed", job["error"]
            if job["state"] == "done":
                break
    assert page.get(f"/api/v1/pictures/{job['pictures'][0]}.png").content[:4] == b"\x89PNG"


def test_a_port_in_use_is_a_sentence_with_a_free_one(page, port, tiny_home, tmp_path):
    second = serve(port, tiny_home, tmp_path)
    _, said = second.communicate(timeout=60)
    assert second.returncode == 2
    assert f"Port {port} is in use" in said
    assert "--port" in said
    assert "Traceback" not in said


def test_a_second_studio_on_the_same_data_is_a_sentence(page, tiny_home, folder):
    second = serve(free_port(), tiny_home, folder)
    _, said = second.communicate(timeout=60)
    assert second.returncode == 2
    assert "Another Gesso is already working in" in said
    assert "Traceback" not in said
