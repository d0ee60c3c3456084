"""A picture decoded in tiles is the picture decoded as a whole: no seam, no other colour."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from pipelines import Catalog
from pipelines.engine.decode import decode_pixels
from pipelines.models.loader import LoadedCheckpoint, load_checkpoint
from tests.pipelines.engine.trouble import short_of_memory

LEVEL = 1 / 127.5
"""The step between two 8-bit levels, in -1..1."""


@pytest.fixture(scope="module")
def starter() -> LoadedCheckpoint:
    chosen = Catalog.open().checkpoint("starter")
    return load_checkpoint(
        chosen.path,
        chosen.family,
        chosen.variant,
        dtype=torch.float32,
        device=torch.device("cpu"),
    )


def latents(height: int, width: int) -> Tensor:
    return 0.7 * torch.randn(1, 4, height, width, generator=torch.Generator().manual_seed(0))


@torch.inference_mode()
@pytest.mark.parametrize(("height", "width"), [(24, 24), (8, 40), (19, 17)])
def test_tiles_leave_no_trace_on_the_starter(
    starter: LoadedCheckpoint, height: int, width: int
) -> None:
    before = {name: tensor.clone() for name, tensor in starter.vae.state_dict().items()}
    whole = decode_pixels(latents(height, width), starter)
    tiled = decode_pixels(latents(height, width), starter, tile=8)
    assert tiled.shape == whole.shape == (1, 3, 8 * height, 8 * width)
    assert (tiled - whole).abs().max() < LEVEL / 100
    for name, tensor in starter.vae.state_dict().items():
        assert torch.equal(tensor, before[name])


@torch.inference_mode()
def test_no_more_than_a_tile_and_its_border_is_worked_at(starter: LoadedCheckpoint) -> None:
    last = starter.vae.decoder.conv_out
    room = last.in_channels * (8 * 8 + 2) ** 2
    with pytest.raises(torch.OutOfMemoryError), short_of_memory(last, room):
        decode_pixels(latents(16, 16), starter)
    with short_of_memory(last, room):
        decode_pixels(latents(16, 16), starter, tile=8)


@torch.inference_mode()
def test_a_picture_that_one_tile_covers_is_decoded_as_ever(starter: LoadedCheckpoint) -> None:
    whole = decode_pixels(latents(16, 12), starter)
    assert torch.equal(decode_pixels(latents(16, 12), starter, tile=16), whole)


@torch.inference_mode()
def test_half_precision_keeps_within_its_own_rounding(starter: LoadedCheckpoint) -> None:
    starter.vae.to(torch.bfloat16)
    try:
        whole = decode_pixels(latents(16, 16), starter)
        tiled = decode_pixels(latents(16, 16), starter, tile=8)
    finally:
        starter.vae.to(torch.float32)
    assert (tiled - whole).abs().mean() < LEVEL / 2
