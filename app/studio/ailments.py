"""What may be wrong with the machine around Gesso: one check each, each problem with its cure."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

import psutil

from app.settings import Settings
from pipelines.engine.obituary import tail
from pipelines.errors import StudioError
from pipelines.library.entry import Problem
from pipelines.prompt.tokenizer import tokenizer

TESTED = ("torch", "diffusers", "transformers", "safetensors", "gradio", "pillow")
TESTED_WITH = Path(__file__).resolve().parents[2] / "constraints.txt"
NETWORK_DISKS = frozenset(
    ("nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "afpfs", "9p", "fuse.sshfs", "davfs")
)
OWN_ADDRESS = frozenset(("*", "127.0.0.1", "127.0.0.0/8", "127.*"))
"""Any of these in NO_PROXY lets programs reach this machine's own pages."""

FILES_NEEDED = 1024
CRASH_DAYS = 1.0
_CRASH = re.compile(r"^(\S+ \S+) ERROR pipelines\.engine\.remote: (.*) \(exit code -?\d+\)", re.M)


def packages(
    installed: Mapping[str, str], needed: Iterable[str], tested: Path = TESTED_WITH
) -> Iterator[Problem]:
    """Packages that are missing, or of versions nobody has tried; `tested` is a file of those."""
    for name in needed:
        if name not in installed:
            yield Problem(f"The package {name} is not installed.", "Install Gesso again.")
    for name, version in _tested_versions(tested).items():
        if name in installed and _first_two(installed[name]) != _first_two(version):
            yield Problem(
                f"{name} is {installed[name]}, and Gesso is tested with {version}.",
                f"If something fails: pip install {name}=={version}",
            )


def data_folder(settings: Settings) -> Iterator[Problem]:
    """A disk that keeps no queue well, another Gesso, and a damaged cache."""
    if (kind := _kind_of_disk(settings.data)) in NETWORK_DISKS:
        yield Problem(
            f"The data folder {settings.data} lies on a network disk ({kind}).",
            "The queue may be lost there: choose a folder on this machine with --data.",
        )
    if _says(settings.data / "jobs.sqlite", "SELECT 1 FROM sqlite_master", "locked"):
        yield Problem(
            f"Another Gesso is working in {settings.data}.",
            "That is well if you started it; else end it, or choose another --data folder.",
        )
    elif not _is_free(settings.host, settings.port):
        yield Problem(
            f"Another program listens on port {settings.port}.",
            f"End it, or start Gesso with another port: gesso --port {settings.port + 1}",
        )
    cache = settings.data / "library.sqlite"
    if _says(cache, "PRAGMA quick_check", ""):
        yield Problem(
            f"The cache of model files {cache} is damaged.",
            "Delete it; it is made anew when Gesso starts.",
        )


def surroundings(environment: Mapping[str, str] = os.environ) -> Iterator[Problem]:
    """Limits and variables that get in the way."""
    with contextlib.suppress(ImportError):
        import resource  # not on Windows

        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        if 0 <= soft < FILES_NEEDED:
            yield Problem(
                f"Only {soft} files may be open at once.",
                f"Allow more before starting Gesso: ulimit -n {4 * FILES_NEEDED}",
            )
    said = {name.lower(): value for name, value in environment.items()}
    passing = {name.strip() for name in said.get("no_proxy", "").split(",")}
    if (said.get("http_proxy") or said.get("all_proxy")) and not passing & OWN_ADDRESS:
        yield Problem(
            "A proxy is set that also catches this machine's own pages.",
            "Let 127.0.0.1 pass: export NO_PROXY=localhost,127.0.0.1",
        )
    try:
        tokenizer()
    except StudioError as error:
        yield Problem(error.message, error.cure)
    except OSError:
        yield Problem(
            "The vocabulary that prompts are read with cannot be read.",
            "Install it again: pip install --force-reinstall open_clip_torch",
        )


def engine(settings: Settings, told: Mapping[str, object]) -> Iterator[Problem]:
    """What the engine said when it was ready, and how it ended last."""
    if told.get("device") == "cpu" and settings.device == "auto" and shutil.which("nvidia-smi"):
        yield Problem(
            "There is an NVIDIA card, but this torch does not use it.",
            "Install torch for CUDA: the selector on pytorch.org says how.",
        )
    crashes = _CRASH.findall(tail(settings.data / "logs" / "gesso.log", 200_000))
    if crashes and _age_days(crashes[-1][0]) < CRASH_DAYS:
        when, said = crashes[-1]
        yield Problem(
            f"At {when.partition(',')[0]}: {said}",
            f"If that happens again, {settings.data / 'logs' / 'engine.log'} tells more.",
        )


def _tested_versions(file: Path) -> dict[str, str]:
    """Versions by name, of the packages that matter; none in an installed Gesso."""
    with contextlib.suppress(OSError):
        lines = (line.partition("==") for line in file.read_text(encoding="utf-8").splitlines())
        return {name.lower(): version for name, _, version in lines if name.lower() in TESTED}
    return {}


def _first_two(version: str) -> list[str]:
    return re.findall(r"\d+", version)[:2]


def _kind_of_disk(path: Path) -> str:
    """The file system of the disk that a path lies on, "" if the system does not tell."""
    with contextlib.suppress(OSError):
        disks = psutil.disk_partitions(all=True)
        around = [disk for disk in disks if path.is_relative_to(disk.mountpoint)]
        return max(around, key=lambda disk: len(disk.mountpoint)).fstype.lower() if around else ""
    return ""


def _says(database: Path, query: str, complaint: str) -> bool:
    """Whether an SQLite file answers with an error that has `complaint` in it, if it is there."""
    if not database.is_file():
        return False
    try:
        with contextlib.closing(
            sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=0.2)
        ) as connection:
            answer = connection.execute(query).fetchone()
    except sqlite3.DatabaseError as error:
        busy = "locked" in str(error)
        return complaint in str(error) if complaint else not busy
    return not complaint and answer != ("ok",)


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _age_days(written: str) -> float:
    with contextlib.suppress(ValueError):
        then = datetime.strptime(written, "%Y-%m-%d %H:%M:%S,%f").timestamp()
        return (time.time() - then) / 86_400
    return float("inf")
