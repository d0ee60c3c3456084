"""What a machine would place where, told before anything is loaded."""

from __future__ import annotations

import gzip
import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from app.studio.forecast import as_text, forecast
from pipelines.catalog import Catalog
from pipelines.geometry import Size
from pipelines.models.placement import Machine

PUBLISHED = Path(__file__).parents[2] / "pipelines" / "models" / "published"
GB = 2**30
REFERENCE = Machine(16 * GB, 12 * GB)
"""The machine most artists have."""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Full-size checkpoints: true headers, and weights that are holes in the disk."""
    folder = tmp_path_factory.mktemp("full") / "checkpoints"
    folder.mkdir()
    for name in ("sd15", "sdxl", "sdxl-refiner"):
        header, end = {}, 0
        shapes = json.loads(gzip.decompress((PUBLISHED / f"{name}.json.gz").read_bytes()))
        for tensor, shape in shapes.items():
            if shape[:1] in (["I32"], ["I64"]):
                continue  # Counters and positions, which no module takes.
            size = 2 * math.prod(shape)
            header[tensor] = {"dtype": "F16", "shape": shape, "data_offsets": [end, end + size]}
            end += size
        text = json.dumps(header).encode()
        with (folder / f"{name}.safetensors").open("wb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            file.truncate(8 + len(text) + end)
    return folder.parent


@pytest.fixture(scope="module")
def catalog(models: Path) -> Catalog:
    return Catalog.open([models], settle=0.0)


def test_base_and_refiner_fit_the_reference_machine(catalog: Catalog) -> None:
    told = forecast(catalog, ["sdxl", "sdxl-refiner"], REFERENCE)
    assert [visit.checkpoint for visit in told.visits] == ["sdxl", "sdxl-refiner", "sdxl"]
    for visit in told.visits:
        assert visit.size == "1024x1024"
        assert visit.placement.mode != "stream"
        assert visit.placement.unet_storage == "float16"
        assert visit.device <= 12 * GB - GB
        assert visit.ram <= 10 * GB
    assert told.visits[1].steps == (
        "sdxl is parked in RAM",
        "sdxl-refiner is read from its file",
    )
    assert told.visits[2].steps == (
        "sdxl-refiner is parked in RAM",
        "sdxl comes back from RAM",
    )
    assert told.visits[0].placement.device == pytest.approx(6.9e9, rel=0.01)


@pytest.mark.parametrize(
    ("gpu", "size", "mode", "storage"),
    [
        (24, "1024x1024", "whole", "float16"),
        (12, "1024x1024", "whole", "float16"),
        (12, "1024x1536", "offload", "float16"),
        (8, "768x768", "offload", "float16"),
        (6, "512x512", "offload", "float16"),
        (5, "768x768", "offload", "float8_e4m3fn"),
        (3, "512x512", "stream", "float16"),
    ],
)
def test_a_smaller_card_is_used_as_well_as_can_be(
    catalog: Catalog, gpu: int, size: str, mode: str, storage: str
) -> None:
    machine = Machine(16 * GB, gpu * GB)
    [visit] = forecast(catalog, ["sdxl"], machine, Size.model_validate(size)).visits
    assert (visit.placement.mode, visit.placement.unet_storage) == (mode, storage)
    if mode != "stream":
        assert visit.device <= machine.device_budget


def test_a_processor_keeps_two_small_checkpoints_in_ram(catalog: Catalog) -> None:
    told = forecast(catalog, ["sd15", "sdxl"], Machine(16 * GB, dtype="bfloat16"))
    assert told.device_budget is None
    assert [visit.steps for visit in told.visits] == [
        ("sd15 is read from its file",),
        ("sdxl is read from its file",),
        (),
    ]
    assert told.visits[-1].ram == pytest.approx(6.94e9 + 2.13e9, rel=0.01)
    assert told.visits[-1].device == 0


def test_a_file_that_is_used_as_it_is_takes_no_ram(catalog: Catalog) -> None:
    [visit] = forecast(catalog, ["sd15"], Machine(4 * GB, dtype="float16")).visits
    assert visit.ram == 0


def test_the_command_tells_it_for_a_machine_that_is_not_at_hand(models: Path) -> None:
    command = [sys.executable, "-m", "app.cli", "doctor", "--plan", "sdxl", "sdxl-refiner"]
    told = subprocess.run(
        [*command, "--ram", "16", "--gpu", "12", "--models", str(models), "--data", str(models)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "With 16.0 GB of RAM and a GPU with 12.0 GB, in float16:" in told
    assert "sdxl-refiner, pictures of 1024x1024" in told


def test_it_reads_as_text(catalog: Catalog) -> None:
    told = as_text(forecast(catalog, ["sd15"], REFERENCE))
    assert "sd15, pictures of 512x512: whole. All of it fits." in told
