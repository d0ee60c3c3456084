"""The members that ship: whole, small, and of the shape their configs say."""

from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

import tools.starter
from pipelines.catalog import PRESETS
from tools.starter.learn.configs import build, family, read_config
from tools.starter.learn.export import single_file

FOLDER = PRESETS / "starter" / "checkpoints"
SHIPPED = sorted(path.stem for path in FOLDER.glob("*.safetensors"))


@pytest.mark.parametrize("member", SHIPPED)
def test_a_shipped_member_fits_its_configs(member):
    path = FOLDER / f"{member}.safetensors"
    tensors = load_file(path)
    torch.manual_seed(0)
    texts = {e.component: build(member, e.component).state_dict() for e in family(member).encoders}
    unet = build(member, "unet").state_dict()
    expected = single_file(member, unet, build(member, "vae"), texts)
    assert {k: v.shape for k, v in tensors.items()} == {k: v.shape for k, v in expected.items()}
    assert all(bool(v.isfinite().all()) for v in tensors.values())
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    factor = float(metadata["gesso.vae_scaling_factor"])
    assert read_config(member, "vae")["scaling_factor"] == pytest.approx(factor)
    assert metadata["modelspec.license"] == "Apache-2.0"
    assert path.with_suffix(".md").exists()


def test_a_training_can_go_on_from_the_half_trained_starter():
    shapes = {k: v.shape for k, v in load_file(FOLDER / "starter.safetensors").items()}
    begun = load_file(Path(tools.starter.__file__).parent / "begun.safetensors")
    assert {k: v.shape for k, v in begun.items()} == shapes
    assert all(bool(v.isfinite().all()) for v in begun.values())


def test_what_ships_is_small():
    sizes = [path.stat().st_size for path in FOLDER.parent.rglob("*") if path.is_file()]
    assert max(sizes) < 40_000_000
    assert sum(sizes) < 120_000_000
