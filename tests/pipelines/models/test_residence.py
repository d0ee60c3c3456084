"""Parts that come onto the device while they are used: here from RAM to RAM, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import nn

from pipelines.models.held import Held
from pipelines.models.loader import LoadedCheckpoint
from pipelines.models.lora import Change, Key, Lora, merge
from pipelines.models.residence import Residence, stream, unstream

CPU = torch.device("cpu")
Load = Callable[[str], LoadedCheckpoint]


@pytest.fixture
def load(shelf) -> Load:
    return lambda name: shelf.load(name, dtype=torch.bfloat16)


def places(module: nn.Module) -> list[int]:
    return [tensor.data_ptr() for tensor in (*module.parameters(), *module.buffers())]


def painted(models: LoadedCheckpoint) -> torch.Tensor:
    """One evaluation of the UNet."""
    generator = torch.Generator().manual_seed(3)
    latents = torch.randn(1, 4, 8, 8, generator=generator).to(models.dtype)
    text = torch.randn(1, 77, 32, generator=generator).to(models.dtype)
    with torch.inference_mode():
        return models.unet(latents, torch.tensor(500.0), text).sample


def decoded(models: LoadedCheckpoint) -> torch.Tensor:
    latents = torch.randn(1, 4, 4, 4, generator=torch.Generator().manual_seed(4))
    with torch.inference_mode(), models.using("vae"):
        return models.vae.decode(latents.to(models.dtype)).sample


def test_a_guest_is_on_the_device_while_it_is_used_and_at_home_after(load: Load) -> None:
    models = load("sd1")
    home, expected = places(models.vae), decoded(models)
    guests = replace(models, residence=Residence({"vae": models.vae}, CPU))
    with guests.using("vae"), guests.using("vae"):
        assert not set(places(models.vae)) & set(home), "a copy is used"
    assert places(models.vae) == home
    assert torch.equal(decoded(guests), expected)
    with guests.using("unet"):
        assert places(models.vae) == home, "the others stay where they are"


def test_a_guest_goes_home_after_an_error(load: Load) -> None:
    models = load("sd1")
    home = places(models.vae)
    guests = replace(models, residence=Residence({"vae": models.vae}, CPU))
    with pytest.raises(MemoryError), guests.using("vae"):
        raise MemoryError
    assert places(models.vae) == home


def test_a_streamed_unet_paints_the_same_and_can_be_changed_in_between(load: Load) -> None:
    models = load("sd1")
    plain = painted(models)
    stream(models.unet, CPU)
    assert torch.equal(painted(models), plain)
    unstream(models.unet)
    with torch.no_grad():
        models.unet.conv_out.bias.add_(1.0)
    changed = painted(models)
    stream(models.unet, CPU)
    assert torch.equal(painted(models), changed)
    assert not torch.equal(changed, plain)
    unstream(models.unet)
    assert torch.equal(painted(models), changed)


@pytest.mark.parametrize("mode", ["offload", "stream"])
def test_a_checkpoint_that_is_lowered_paints_the_same(load: Load, mode: str) -> None:
    models = load("sd1")
    expected, pixels = painted(models), decoded(models)
    held = Held("key", "tiny", models, CPU, shape="tiny")
    held.lower(mode)  # type: ignore[arg-type]
    assert held.mode == mode
    assert held.at_home == models.modules().keys() - ({"unet"} if mode == "offload" else set())
    assert torch.equal(painted(models), expected)
    assert torch.equal(decoded(models), pixels)
    assert held.item.shape is None, "no other checkpoint is put into modules that come and go"


def test_a_parked_checkpoint_wakes_as_it_was(load: Load) -> None:
    models = load("sd1")
    expected, held = painted(models), Held("key", "tiny", models, CPU)
    before = held.ram
    held.park()
    assert held.asleep
    assert held.ram == before
    held.wake()
    assert torch.equal(painted(models), expected)


def test_float8_storage_keeps_the_picture_nearly(load: Load) -> None:
    models = load("sd1")
    exact = painted(models)
    held = Held("key", "tiny", models, CPU)
    held.settle("offload", "float8_e4m3fn")
    assert held.storage == "float8_e4m3fn"
    near = painted(models)
    assert not torch.equal(near, exact)
    assert (near - exact).abs().mean() < 0.5 * exact.abs().mean()


def test_float8_storage_outlasts_a_lower_placement_and_a_lora(shelf) -> None:
    # In bfloat16 many weights of the float32 file would be rounded twice, and some to others.
    models = shelf.load("sd1", dtype=torch.bfloat16)
    held = Held("key", "tiny", models, CPU)
    held.settle("offload", "float8_e4m3fn")
    before = {name: weight.clone() for name, weight in models.unet.named_parameters()}
    expected = painted(models)
    held.lower("stream")
    assert held.storage == "float8_e4m3fn"
    assert torch.equal(painted(models), expected)
    held.rest()
    key = Key("unet", "mid_block.attentions.0.transformer_blocks.0.attn1.to_q.weight")
    touched = merge(models.modules(), models.originals, [(Lora({key: Louder()}), 1.0, 1.0)], ())
    assert not torch.equal(models.unet.get_parameter(key.name).float(), before[key.name].float())
    merge(models.modules(), models.originals, [], touched)
    for name, weight in models.unet.named_parameters():
        assert weight.dtype == before[name].dtype
        assert torch.equal(weight.float(), before[name].float()), name
    held.rise()
    assert torch.equal(painted(models), expected)


class Louder(Change):
    """Doubles a weight."""

    reads_weight = True

    def fits(self, shape: tuple[int, ...]) -> bool:
        return True

    def delta(self, weight: torch.Tensor) -> torch.Tensor:
        return weight
