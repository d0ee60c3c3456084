"""One evaluation of the model: denoise(x, sigma) -> x0."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from pipelines.engine.text import Conditioning
from pipelines.errors import Cancelled
from pipelines.models.loader import LoadedCheckpoint
from pipelines.recipe import PredictionType, SizeConditioning
from pipelines.samplers import ModelSigmas


@dataclass
class Denoiser:
    """Holds everything that shapes one picture, and is called with latents and a noise level.

    `x` is [1, 4, h, w] in float32 with x = x0 + sigma * noise; the result is the estimate of x0.
    Guidance is classifier-free (Ho and Salimans 2022): the negative and the positive prompt go
    through the UNet as one pair, unless a scale of 1 makes the negative one irrelevant.
    Raises Cancelled as soon as `stop` says so.
    """

    models: LoadedCheckpoint
    sigmas: ModelSigmas
    positive: Conditioning
    negative: Conditioning
    guidance_scale: float
    prediction_type: PredictionType
    size: SizeConditioning | None
    stop: Callable[[], bool]
    unet_arguments: dict[str, object] = field(init=False)

    def __post_init__(self) -> None:
        self.unet_arguments = self._gather()

    def __call__(self, x: Tensor, sigma: float) -> Tensor:
        if self.stop():
            raise Cancelled
        scale = 1.0 / math.sqrt(sigma**2 + 1.0)  # to unit variance, as the UNet was trained
        inputs = (x * scale).to(self.models.dtype)
        timestep = torch.tensor(self.sigmas.timestep(sigma), device=x.device)
        if self.guided:
            inputs = inputs.expand(2, -1, -1, -1)
        output = self.models.unet(inputs, timestep, **self.unet_arguments).sample.float()
        if self.guided:
            negative, positive = output.chunk(2)
            output = negative + self.guidance_scale * (positive - negative)
        if self.prediction_type == "v_prediction":
            # Salimans and Ho 2022, appendix D: v = alpha * noise - sigma * x0, unit variance.
            return x * scale**2 - output * (sigma * scale)
        return x - sigma * output

    @property
    def guided(self) -> bool:
        """Whether the negative prompt matters."""
        return self.guidance_scale != 1.0

    def _gather(self) -> dict[str, object]:
        parts = [self.negative, self.positive] if self.guided else [self.positive]
        dtype = self.models.dtype
        arguments: dict[str, object] = {
            "encoder_hidden_states": torch.cat([part.states for part in parts]).to(dtype)
        }
        if self.size is not None:
            vectors = [part.pooled for part in parts if part.pooled is not None]
            time_ids = torch.tensor([_time_ids(self.size)], dtype=torch.float32)
            arguments["added_cond_kwargs"] = {
                "text_embeds": torch.cat(vectors).to(dtype),
                "time_ids": time_ids.to(self.models.device).repeat(len(parts), 1),
            }
        return arguments


def _time_ids(size: SizeConditioning) -> list[int]:
    """SDXL's six numbers, height before width (Podell et al. 2023)."""
    return [
        size.original.height,
        size.original.width,
        size.crop_top,
        size.crop_left,
        size.target.height,
        size.target.width,
    ]
