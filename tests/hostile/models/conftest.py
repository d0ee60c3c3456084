"""A studio without an engine over a folder of the worst model files, behind its guarded API."""

import json
import os
import pickle
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from fastapi.testclient import TestClient

from app.settings import Settings
from app.studio.service import Studio
from tests.app.api.conftest import client_of
from tests.pipelines.library.files import aged, f16, head, lora, real, write

SCRIPT = "<img src=x onerror=alert(1)>"
RIGHT_TO_LEFT = "\u202egpj.exe"
LONG = "n" * 240
NAMES = (
    SCRIPT,
    RIGHT_TO_LEFT,
    "two\nlines",
    "quotes \" and ' and `",
    "emoji 🎨 and שלום",
    "{{value}} ${value}",
    "\x1b[31mred\x07",
    LONG,
    "caf\udce9",
    "=cmd|' calc'!A0",
    "a\\..\\up",
)


class Trap:
    """Runs a program when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.marker),)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder `models`, beside what its files must not reach."""
    home = tmp_path_factory.mktemp("hostile models")
    models = home / "models"
    for name in NAMES:
        write(models / "loras" / f"{name}.safetensors", lora())
    _damaged(models)
    _strange(models)
    _pickled(models, home / "sprung")
    for root in ("a", "b"):
        write(models / root / "twin.safetensors", lora())
    write(home / "outside" / "secret.safetensors", lora())
    (models / "leads out.safetensors").symlink_to(home / "outside" / "secret.safetensors")
    (models / "out").symlink_to(home / "outside")
    (models / "loop.safetensors").symlink_to(models / "loop.safetensors")
    (models / "dangling.safetensors").symlink_to(models / "nowhere")
    return home


def _damaged(models: Path) -> None:
    write(models / "truncated.safetensors", real("sd15"), missing=1000)
    start, _ = head(lora())
    two = {"a": f16(4), "b": f16(4)}
    overlapping = json.loads(head(two)[0][8:])
    overlapping["b"]["data_offsets"] = [4, 12]
    beyond = json.loads(head(two)[0][8:])
    beyond["b"]["data_offsets"] = [8, 1 << 40]
    for name, content in {
        "empty": b"",
        "endless header": struct.pack("<Q", 1 << 60) + b"{}",
        "200 MB header": struct.pack("<Q", 200_000_000) + b"{" + bytes(1000),
        "bad json": struct.pack("<Q", 9) + b'{"a": oh}',
        "deep json": struct.pack("<Q", 200_000) + b'{"a":' + b"[" * 199_995,
        "overlapping": _framed(overlapping) + bytes(12),
        "beyond": _framed(beyond) + bytes(16),
        "web page": b"<!DOCTYPE html><html>log in</html>",
        "lfs pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        "gguf": b"GGUF" + bytes(100),
        "zeros": bytes(5000),
        "only a beginning": start[:20],
    }.items():
        (models / f"{name}.safetensors").write_bytes(content)
        aged(models / f"{name}.safetensors")


def _framed(description: object) -> bytes:
    text = json.dumps(description).encode()
    return struct.pack("<Q", len(text)) + text


def _strange(models: Path) -> None:
    unknown = {"a": {"dtype": "F4_E2M1", "shape": [2], "data_offsets": [0, 1]}}
    (models / "four bits.safetensors").write_bytes(_framed(unknown) + b"\0")
    aged(models / "four bits.safetensors")
    write(models / "unheard of.safetensors", {"strange.tensor": f16(4)})
    told = {"ss_tag_frequency": "x" * 20_000_000, "modelspec.title": SCRIPT + "t" * 1000}
    write(models / "talkative.safetensors", lora(), told)
    write(models / "copying.safetensors", lora(), age=-3600)  # its clock is ahead of ours
    write(models / "coming.safetensors.part", lora())
    (models / "folder.safetensors").mkdir()
    os.mkfifo(models / "pipe.safetensors")
    os.mkfifo(models / "pipe.ckpt")
    with socket.socket(socket.AF_UNIX) as listening:
        here = Path.cwd()
        os.chdir(models)  # the name of a socket is short
        listening.bind("socket.safetensors")
        os.chdir(here)
    custom = models / "runs code"
    custom.mkdir()
    index = {"_class_name": ["pipeline", "Evil"], "unet": ["evil_module", "Evil"]}
    (custom / "model_index.json").write_text(json.dumps(index))
    (custom / "pipeline.py").write_text("raise SystemExit\n")
    for file in custom.iterdir():
        aged(file)


def _pickled(models: Path, marker: Path) -> None:
    for name in ("renamed.safetensors", "checkpoints/bomb.ckpt", "nowhere.pt"):
        path = models / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(pickle.dumps(Trap(marker)))
        aged(path)
    trapped = models / "embeddings" / "trapped.pt"
    trapped.parent.mkdir()
    torch.save({"string_to_param": {"*": torch.zeros(2, 768)}, "name": Trap(marker)}, trapped)
    aged(trapped)


@pytest.fixture(scope="session")
def studio(corpus: Path) -> Iterator[Studio]:
    settings = Settings(
        models=(corpus / "models",), outputs=corpus / "outputs", data=corpus / "data"
    )
    studio = Studio(settings)
    studio.catalog.library.wait(30)
    yield studio
    studio.close()


@pytest.fixture(scope="session")
def client(studio: Studio) -> TestClient:
    return client_of(studio)
