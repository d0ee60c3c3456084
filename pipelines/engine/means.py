"""By what means a picture is made, and what lesser ones there are when they fail. Pure.

out of memory    while decoding: in tiles, then in smaller ones
                 while denoising: negative and positive prompt one after the other
                 anywhere: idle models off the device, then weights streamed to it
not a number     while decoding: the VAE in float32
                 while denoising: the UNet in bfloat16, then in float32
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import torch

from pipelines.errors import InvalidNumbers, StudioError
from pipelines.geometry import LATENT_FACTOR
from pipelines.models.manager import Rung
from pipelines.recipe import Recipe

TILES = (64, 32)
"""Sides of the tiles that are tried, in latents."""

Stage = Literal["encode", "denoise", "decode"]


@dataclass(frozen=True)
class Means:
    """Nothing is out of the ordinary in them as they stand here.

    `tile`: decode in tiles of so many latents on a side. `split`: the guidance pair goes through
    the UNet one after the other. `placement`: how far the manager lowered what it holds.
    `float8`: the UNet's weights are kept so, because it had no room otherwise.
    """

    tile: int | None = None
    split: bool = False
    placement: Rung | None = None
    vae_float32: bool = False
    unet_dtype: torch.dtype | None = None
    float8: bool = False


class Measure(NamedTuple):
    """Something that was done otherwise: as a fact, and as a sentence."""

    fact: str
    sentence: str


def measures(means: Means, stage: Stage) -> tuple[Measure, ...]:
    """What is out of the ordinary in one stage."""
    found: list[Measure] = []
    if means.placement is not None:
        found.append(_PLACED[means.placement])
    if stage == "denoise" and means.split:
        found.append(_SPLIT)
    if stage == "denoise" and means.unet_dtype is not None:
        found.append(_unet_in(str(means.unet_dtype).removeprefix("torch.")))
    if stage == "denoise" and means.float8:
        found.append(_FLOAT8)
    if stage == "decode" and means.vae_float32:
        found.append(_VAE_FLOAT32)
    if stage == "decode" and means.tile is not None:
        found.append(_tiled(means.tile * LATENT_FACTOR))
    return tuple(found)


def lesser(
    means: Means, stage: Stage, error: StudioError, recipe: Recipe, dtype: torch.dtype
) -> Iterator[Means]:
    """What to try after a stage ended with OutOfMemory or InvalidNumbers, the least loss first.
    `dtype` is the one that is computed in as a rule."""
    if isinstance(error, InvalidNumbers):
        yield from _in_wider_numbers(means, stage, dtype)
        return
    if stage == "decode":
        side = means.tile or max(recipe.size.latent)
        yield from (replace(means, tile=tile) for tile in TILES if tile < side)
    if stage == "denoise" and recipe.guidance_scale != 1.0 and not means.split:
        yield replace(means, split=True)
    if means.placement is None:
        yield replace(means, placement="offload")
    if means.placement != "stream":
        yield replace(means, placement="stream")


def _in_wider_numbers(means: Means, stage: Stage, dtype: torch.dtype) -> Iterator[Means]:
    if stage == "decode" and dtype != torch.float32 and not means.vae_float32:
        yield replace(means, vae_float32=True)
    if stage == "denoise":
        tried = means.unet_dtype or dtype
        wider = {torch.float16: (torch.bfloat16, torch.float32), torch.bfloat16: (torch.float32,)}
        yield from (replace(means, unet_dtype=each) for each in wider.get(tried, ()))


_PLACED: dict[Rung, Measure] = {
    "offload": Measure(
        "idle models offloaded",
        "There was not enough memory: models that were not in use at the moment made room.",
    ),
    "stream": Measure(
        "weights streamed",
        "There was not enough memory: weights were brought to the device layer by layer, "
        "which takes longer.",
    ),
}
_SPLIT = Measure(
    "split guidance",
    "There was not enough memory for both prompts at once: the UNet took one after the other, "
    "which takes longer.",
)
_FLOAT8 = Measure(
    "UNet kept in float8",
    "The UNet does not fit the device's memory: its weights were kept in float8, which changes "
    "the picture a little.",
)
_VAE_FLOAT32 = Measure(
    "VAE in float32", "The VAE lost its numbers (NaN) in half precision: it decoded in float32."
)


def _unet_in(dtype: str) -> Measure:
    sentence = f"The UNet lost its numbers (NaN) in half precision: it painted in {dtype}."
    return Measure(f"UNet in {dtype}", sentence)


def _tiled(side: int) -> Measure:
    return Measure(
        f"tiles of {side} pixels",
        "There was not enough memory to decode the picture as a whole: it was decoded in tiles of "
        f"{side} pixels.",
    )
