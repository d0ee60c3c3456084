"""The doctor finds what is wrong with a machine, and says what to do, on one screen."""

from __future__ import annotations

import socket
import time
from datetime import datetime, timedelta
from pathlib import Path

import psutil
import pytest

from app.settings import Settings
from app.studio import ailments, doctor
from app.studio.doctor import PACKAGES, Report, as_text, quick
from app.studio.queue import Queue
from pipelines.library.entry import Problem
from pipelines.picture import versions


def _port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data", models=(), port=_port())


def _messages(problems: object) -> str:
    return "\n".join(f"{problem.message} {problem.cure}" for problem in problems)  # type: ignore[attr-defined]


def test_a_machine_that_is_well_has_no_ailments(settings: Settings, tmp_path: Path) -> None:
    tested = tmp_path / "constraints.txt"
    installed = versions(*PACKAGES)
    tested.write_text("\n".join(f"{name}=={number}" for name, number in installed.items()))
    assert not list(ailments.packages(installed, PACKAGES, tested))
    assert not list(ailments.data_folder(settings))
    assert not list(ailments.surroundings({"HOME": "/home/me"}))
    assert not list(ailments.engine(settings, {"device": "cuda"}))


def test_missing_and_untested_packages_are_named(tmp_path: Path) -> None:
    tested = tmp_path / "constraints.txt"
    tested.write_text("# The versions.\ngradio==6.31.0\npillow==12.3.0\ntorch==2.15.0\nodd==1\n")
    installed = {"gradio": "7.0.1", "torch": "2.15.1+cu130"}
    said = _messages(ailments.packages(installed, ("gradio", "torch", "pillow"), tested))
    assert "The package pillow is not installed." in said
    assert "gradio is 7.0.1, and Gesso is tested with 6.31.0." in said
    assert "pip install gradio==6.31.0" in said
    assert "torch" not in said
    assert not list(ailments.packages(installed, ("torch",), tmp_path / "none"))


def test_the_tested_versions_of_this_checkout_are_known() -> None:
    said = _messages(ailments.packages(dict.fromkeys(ailments.TESTED, "0.0"), ()))
    assert all(f"{name} is 0.0" in said for name in ailments.TESTED)


def test_a_port_in_use_is_told_with_another_one(settings: Settings) -> None:
    with socket.socket() as taken:
        taken.bind((settings.host, settings.port))
        taken.listen()
        said = _messages(ailments.data_folder(settings))
    assert f"port {settings.port}." in said
    assert f"--port {settings.port + 1}" in said


def test_another_gesso_on_the_same_data_is_told_once(settings: Settings) -> None:
    settings.data.mkdir()
    running = Queue(settings.data / "jobs.sqlite")
    with socket.socket() as taken:
        taken.bind((settings.host, settings.port))
        taken.listen()
        [problem] = ailments.data_folder(settings)
    running.close()
    assert "Another Gesso is working" in problem.message
    assert not list(ailments.data_folder(settings))


def test_a_damaged_cache_is_to_be_deleted(settings: Settings) -> None:
    settings.data.mkdir()
    (settings.data / "library.sqlite").write_bytes(b"not a database" * 1000)
    [problem] = ailments.data_folder(settings)
    assert "library.sqlite is damaged" in problem.message
    assert "Delete it" in problem.cure


def test_a_network_disk_is_no_place_for_a_queue(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = type(psutil.disk_partitions(all=True)[0])
    mounts = [("nas:/x", str(settings.data.parent), "nfs4"), ("/dev/a", "/", "ext4")]
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: [kinds(*m, "") for m in mounts])
    assert "network disk (nfs4)" in _messages(ailments.data_folder(settings))


@pytest.mark.parametrize(
    ("around", "ill"),
    [
        ({"HTTP_PROXY": "http://proxy:3128"}, True),
        ({"all_proxy": "socks5://proxy", "no_proxy": "example.org"}, True),
        ({"http_proxy": "http://proxy", "NO_PROXY": "localhost, 127.0.0.1"}, False),
        ({"http_proxy": "http://proxy", "no_proxy": "*"}, False),
        ({"https_proxy": "http://proxy"}, False),
        ({"http_proxy": ""}, False),
    ],
)
def test_a_proxy_that_catches_our_own_page_is_told(around: dict[str, str], ill: bool) -> None:
    said = _messages(ailments.surroundings(around))
    assert ("NO_PROXY=localhost,127.0.0.1" in said) == ill


def test_few_open_files_are_told() -> None:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, hard))
    try:
        said = _messages(ailments.surroundings({}))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert "Only 200 files may be open at once." in said
    assert "ulimit -n 4096" in said


def test_the_last_crash_of_the_engine_is_told_for_a_day(settings: Settings) -> None:
    log = settings.data / "logs" / "gesso.log"
    log.parent.mkdir(parents=True)

    def crashed(ago: timedelta) -> str:
        when = (datetime.now() - ago).strftime("%Y-%m-%d %H:%M:%S,000")
        log.write_text(
            f"2020-01-01 00:00:00,000 ERROR pipelines.engine.remote: Old. (exit code 1)\n"
            f"{when} ERROR pipelines.engine.remote: The engine crashed. (exit code -11)\nmore\n"
            f"{when} INFO somebody: else (exit code 3)\n"
        )
        return _messages(ailments.engine(settings, {}))

    assert "The engine crashed." in crashed(timedelta(hours=1))
    assert crashed(timedelta(days=2)) == ""


def test_the_quick_look_starts_nothing_and_uses_the_running_engine(studio) -> None:
    deadline = time.monotonic() + 60
    while studio.engine()["state"] != "ready":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    report = quick(studio)
    assert {child.pid for child in psutil.Process().children(recursive=True)} <= before
    assert (report.engine["device"], report.engine["dtype"]) == ("cpu", "float32")
    assert report.models["checkpoints"] >= 2
    assert {folder["use"] for folder in report.folders} == {"models", "pictures", "data"}
    assert all(problem["cure"] for problem in report.to_dict()["problems"])


def test_whatever_is_found_fits_on_one_screen() -> None:
    folders = [{"use": "models", "path": "/m" * 200, "ok": True} for _ in range(50)]
    problems = [Problem("It is broken " * 20, "Mend it. " * 20) for _ in range(50)]
    report = Report("3.11", "p" * 300, {"torch": "2"}, {}, {"total": 1, "available": 1})
    report.folders, report.problems = folders, problems
    report.models = {"files": 1, "checkpoints": 1, "broken": 0}
    lines = as_text(report).splitlines()
    assert len(lines) <= doctor.LINES
    assert max(map(len, lines)) <= doctor.COLUMNS
    assert lines[-1].endswith("more: gesso doctor --json")
