"""The engine's memory over HTTP, and the VAEs that go with a checkpoint."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from safetensors.torch import load_file, save_file

from app.settings import Settings
from app.studio.service import Studio
from tests import tiny
from tests.app.api.conftest import client_of
from tests.app.conftest import ended

API = "/api/v1"
PREFIX = "first_stage_model."


@pytest.fixture(scope="module")
def with_vaes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A studio that was never started, with a VAE beside each of two checkpoints."""
    home = tmp_path_factory.mktemp("vaes")
    models, presets = tiny.install(home, ("sd1", "sdxl"))
    for name in ("sd1", "sdxl"):
        tensors = load_file(models / "checkpoints" / f"tiny-{name}.safetensors")
        own = {key.removeprefix(PREFIX): t for key, t in tensors.items() if key.startswith(PREFIX)}
        save_vae(own, models / "vae" / f"{name}-soft.safetensors")
        save_vae(own, models / "vae" / f"tiny-{name}.vae.safetensors")
    studio = Studio(
        Settings(models=(models,), presets=(presets,), outputs=home / "o", data=home / "data")
    )
    studio.catalog.library.wait()
    yield client_of(studio)
    studio.close()


def save_vae(tensors: dict, file: Path) -> None:
    file.parent.mkdir(exist_ok=True)
    save_file(tensors, file)
    os.utime(file, (time.time() - 60, time.time() - 60))


@pytest.mark.parametrize(("checkpoint", "other"), [("tiny-sd1", "sdxl"), ("tiny-sdxl", "sd1")])
def test_the_vaes_that_go_with_a_checkpoint_come_first_and_the_others_say_why_not(
    with_vaes: TestClient, checkpoint: str, other: str
) -> None:
    answer = with_vaes.get(f"{API}/choices/vaes?checkpoint={checkpoint}").json()
    assert answer["automatic"] == f"{checkpoint}.vae"
    fits = [vae["name"] for vae in answer["vaes"] if vae["why_not"] is None]
    assert [vae["name"] for vae in answer["vaes"]][:2] == fits
    reasons = {vae["name"]: vae["why_not"] for vae in answer["vaes"] if vae["why_not"]}
    assert reasons.keys() == {f"{other}-soft", f"tiny-{other}.vae"}
    assert all("Made for" in why for why in reasons.values())


def test_with_a_checkpoint_that_is_not_here_any_vae_may_go(with_vaes: TestClient) -> None:
    answer = with_vaes.get(f"{API}/choices/vaes?checkpoint=gone").json()
    assert answer["automatic"] is None
    assert [vae["why_not"] for vae in answer["vaes"]] == [None] * 4


@pytest.mark.slow
def test_memory_is_freed_and_the_next_job_gets_an_engine_of_its_own(client, studio) -> None:
    draft = {"checkpoint": "tiny-sd1", "steps": 1}
    job = client.post(f"{API}/jobs", json=draft).json()["id"]
    ended(studio, job)
    engine = client.get(f"{API}/engine").json()
    assert (engine["state"], engine["models"]["checkpoint"]) == ("ready", "tiny-sd1")
    freed = client.post(f"{API}/engine/free").json()
    assert (freed["state"], freed["models"], freed["checkpoint"]) == ("free", None, None)
    again = client.post(f"{API}/jobs", json=draft).json()["id"]
    assert ended(studio, again).state == "done"
    assert client.get(f"{API}/engine").json()["state"] == "ready"
