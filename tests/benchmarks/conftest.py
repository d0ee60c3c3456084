"""A shelf of starter models that learnt nothing: every file in its place, of the real shape."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from pipelines.catalog import PRESETS
from tools.starter.learn.configs import build, family
from tools.starter.learn.export import scaled_vae, single_file
from tools.starter.learn.extras.hypernetwork import Hypernetwork
from tools.starter.learn.extras.lora import Adapter
from tools.starter.learn.extras.make import LORAS, MOOD, WORD
from tools.starter.learn.layout import vae_tensors
from tools.starter.learn.plan import MEMBERS
from tools.starter.learn.probe import Probe


@pytest.fixture(scope="session")
def untrained(tmp_path_factory) -> Path:
    """A folder of presets with checkpoints, LoRAs and the rest."""
    presets = tmp_path_factory.mktemp("presets")
    (presets / "families").symlink_to(PRESETS / "families")
    shelf = presets / "starter"
    for role in ("checkpoints", "loras", "embeddings", "hypernetworks", "vae"):
        (shelf / role).mkdir(parents=True)
    torch.manual_seed(0)
    for member in MEMBERS:
        save_file(_checkpoint(member), shelf / f"checkpoints/{member}.safetensors")
    for name, kind in LORAS.items():
        adapter = Adapter(build("starter", "unet"), kind, 2, 2.0)
        save_file(adapter.tensors(), shelf / f"loras/{name}.safetensors")
    word = {"emb_params": torch.randn(2, 128)}
    save_file(word, shelf / f"embeddings/{WORD}.safetensors")
    network = Hypernetwork(build("starter", "unet"))
    torch.save(network.file(MOOD, 1), shelf / f"hypernetworks/{MOOD}.pt")
    save_file(_vae(), shelf / "vae/starter-fine.safetensors")
    return presets


@pytest.fixture(scope="session")
def untrained_probe(tmp_path_factory) -> Path:
    """A judge who knows nothing."""
    path = tmp_path_factory.mktemp("probe") / "probe.safetensors"
    torch.manual_seed(0)
    save_file({name: t.half().contiguous() for name, t in Probe().state_dict().items()}, path)
    return path


def _checkpoint(member: str) -> dict[str, torch.Tensor]:
    texts = {e.component: build(member, e.component).state_dict() for e in family(member).encoders}
    return single_file(member, build(member, "unet").state_dict(), build(member, "vae"), texts)


def _vae() -> dict[str, torch.Tensor]:
    vae = scaled_vae("starter", build("starter", "vae"))
    tensors = vae_tensors(vae.state_dict(), len(vae.config.block_out_channels))
    return {
        name.removeprefix("first_stage_model."): tensor.detach().half().contiguous()
        for name, tensor in tensors.items()
    }
