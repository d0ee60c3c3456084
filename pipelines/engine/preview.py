"""A glimpse of the picture at every step, for next to nothing.

A decoder is, to a first approximation, a linear map from the four latent channels to colour. The
map is not copied from anywhere: it is fitted to the decoder at hand, by least squares, when the
checkpoint is loaded. It costs about 2 ms a step; the decoder itself would cost seconds.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from pipelines.engine.decode import decode_pixels, to_image
from pipelines.engine.latents import CHANNELS
from pipelines.geometry import LATENT_FACTOR
from pipelines.models.loader import LoadedCheckpoint

_PROBE_SIDE = 8
_JPEG_QUALITY = 85


@dataclass(frozen=True)
class PreviewMap:
    """Colour = latents @ weight[:4] + weight[4], in -1..1."""

    weight: Tensor

    @classmethod
    def fit(cls, models: LoadedCheckpoint) -> PreviewMap:
        """Decode one small patchwork of smooth random latents and solve for the map."""
        generator = torch.Generator("cpu").manual_seed(0)
        coarse = torch.randn((1, CHANNELS, 4, 4), generator=generator)
        side = (_PROBE_SIDE, _PROBE_SIDE)
        latents = functional.interpolate(coarse, side, mode="bilinear").to(models.device)
        colours = functional.avg_pool2d(decode_pixels(latents, models), LATENT_FACTOR)
        known, wanted = _rows(latents.cpu()), _rows(colours.cpu())
        ones = torch.ones((len(known), 1))
        # gelsd, not the default: it copes with a decoder that ignores one of its channels. None
        # copes with NaN, which some VAEs give in half precision: that is for `decode` to tell.
        solution = torch.linalg.lstsq(
            torch.cat([known, ones], dim=1), wanted.nan_to_num(0.0, 0.0, 0.0), driver="gelsd"
        )
        return cls(solution.solution)

    def jpeg(self, denoised: Tensor) -> bytes:
        """A JPEG of one pixel per latent, for the page to stretch."""
        latents = denoised.float().cpu()
        colours = _rows(latents) @ self.weight[:CHANNELS] + self.weight[CHANNELS]
        pixels = colours.T.reshape(1, 3, *latents.shape[-2:]).nan_to_num()
        return _jpeg(to_image(pixels))


def _rows(planes: Tensor) -> Tensor:
    """[1, channels, h, w] to [h * w, channels]."""
    return planes[0].flatten(1).T.float()


def _jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return buffer.getvalue()
