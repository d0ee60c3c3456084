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
    for number in range(40):
        for path in ("/gradio_api/run/predict", "/gradio_api/queue/join"):
            asked = {"data": [reference] * 20, "fn_index": number, "session_hash": "x"}
            answer = page.post(path, json=asked)
            assert answer.status_code in (403, 404)
            assert "a secret" not in answer.text
    assert page.get(f"/gradio_api/file={secret}").status_code == 404


def test_gradio_keeps_no_history_and_tells_nobody(page):
    config = page.get("/").text
    assert '"run_history":false' in config.replace(" ", "")
    assert '"analytics_enabled":false' in config.replace(" ", "")


def test_a_picture_is_made_over_the_api(page):
    made = page.post("/api/v1/jobs", json={"prompt": "a red house", "steps": 2}).json()["id"]
    with page.stream("GET", "/api/v1/events") as stream:
        for line in stream.iter_lines():
            if not line.startswith("data: "):
                continue
            jobs = json.loads(line[6:]).get("jobs", [])
            job = next((one for one in jobs if one["id"] == made), {"state": "unknown"})
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


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM])
def test_in_the_middle_of_a_job_it_ends_within_five_seconds(tiny_home, tmp_path, told):
    process = serve(port := free_port(), tiny_home, tmp_path)
    assert process.stdout.readline().startswith("Gesso is ready")
    with httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", trust_env=False) as client:
        asked = {"prompt": "long", "steps": 150, "count": 60, "size": "256x256"}
        job = client.post("/jobs", json=asked).json()["id"]
        deadline = time.monotonic() + 60
        while not client.get(f"/jobs/{job}/progress").json().get("step"):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        began = time.monotonic()
        process.send_signal(told)
        _, said = process.communicate(timeout=20)
    assert time.monotonic() - began < 5
    assert "Traceback" not in said
    assert not [file for file in (tmp_path / "outputs").rglob("*") if file.suffix == ".tmp"]


def test_an_open_server_names_its_address_in_the_network_with_the_token(tiny_home, tmp_path):
    token = "0123456789abcdef-of-a-test"
    process = serve(port := free_port(), tiny_home, tmp_path, "--token", token)
    try:
        assert process.stdout.readline() == f"Gesso is ready: http://127.0.0.1:{port}\n"
        link = process.stdout.readline().split()[-1]
        assert link == f"http://127.0.0.1:{port}/login#{token}"
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            assert client.get("/api/v1/jobs").status_code == 401
            assert client.get("/").headers["location"] == "/login"
            bearer = {"Authorization": f"Bearer {token}"}
            assert client.get("/api/v1/jobs", headers=bearer).status_code == 200
            client.post("/login", data={"token": "wrong-token-of-someone"})
        logged = "".join(file.read_text() for file in (tmp_path / "data" / "logs").iterdir())
        assert token not in logged
        assert "wrong-token" not in logged
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)


def test_without_a_token_it_does_not_open_to_the_network(tiny_home, tmp_path):
    refused = serve(free_port(), tiny_home, tmp_path, "--host", "0.0.0.0")
    _, said = refused.communicate(timeout=60)
    assert refused.returncode == 2
    assert "--token " in said
    assert "Traceback" not in said
