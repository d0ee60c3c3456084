"""One evaluation of the model: denoise(x, sigma) -> x0."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

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
    through the UNet as one pair, or with `split` one after the other, unless a scale of 1 makes the
    negative one irrelevant. Raises Cancelled as soon as `stop` says so.
    """

    models: LoadedCheckpoint
    sigmas: ModelSigmas
    positive: Conditioning
    negative: Conditioning
    guidance_scale: float
    prediction_type: PredictionType
    size: SizeConditioning | None
    stop: Callable[[], bool]
    split: bool = False
    batches: list[dict[str, Any]] = field(init=False)
    """What the UNet is told of the texts, for each time it runs."""

    def __post_init__(self) -> None:
        texts = [self.negative, self.positive] if self.guided else [self.positive]
        batches = [[text] for text in texts] if self.split else [texts]
        self.batches = [self._gather(batch) for batch in batches]

    def __call__(self, x: Tensor, sigma: float) -> Tensor:
        if self.stop():
            raise Cancelled
        scale = 1.0 / math.sqrt(sigma**2 + 1.0)  # to unit variance, as the UNet was trained
        inputs = (x * scale).to(self.models.dtype)
        timestep = torch.tensor(self.sigmas.timestep(sigma), device=x.device)
        output = torch.cat([self._run(inputs, timestep, batch) for batch in self.batches])
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

    def _run(self, inputs: Tensor, timestep: Tensor, told: dict[str, Any]) -> Tensor:
        count = len(told["encoder_hidden_states"])
        inputs = inputs.expand(count, -1, -1, -1)
        return self.models.unet(inputs, timestep, **told).sample.float()

    def _gather(self, texts: Sequence[Conditioning]) -> dict[str, Any]:
        device, dtype = self.models.device, self.models.dtype
        told: dict[str, Any] = {
            "encoder_hidden_states": torch.cat([text.states for text in texts]).to(device, dtype)
        }
        if self.size is not None:
            vectors = [text.pooled for text in texts if text.pooled is not None]
            time_ids = torch.tensor([_time_ids(self.size)], dtype=torch.float32)
            told["added_cond_kwargs"] = {
                "text_embeds": torch.cat(vectors).to(device, dtype),
                "time_ids": time_ids.to(device).repeat(len(texts), 1),
            }
        return told


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
