"""Plain diffusers as it is fastest: accelerate and peft installed, its configs local."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers import EulerDiscreteScheduler, StableDiffusionPipeline
from PIL import Image

from benchmarks.models.ours import PROMPT, STEPS, synchronize

GUIDANCE = 7.0


def load(path: Path, config: Path, dtype: torch.dtype, device: torch.device) -> Any:
    """`from_single_file`, with the sampler that ours has in the pictures that are compared."""
    pipeline = StableDiffusionPipeline.from_single_file(
        str(path), config=str(config), torch_dtype=dtype, local_files_only=True
    )
    pipeline.scheduler = EulerDiscreteScheduler.from_config(pipeline.scheduler.config)
    pipeline.safety_checker = None
    pipeline.set_progress_bar_config(disable=True)
    pipeline = pipeline.to(device)
    synchronize(device)
    return pipeline


def load_lora(pipeline: Any, path: Path) -> None:
    """Beside the weights, as diffusers does it unless told otherwise."""
    pipeline.load_lora_weights(str(path.parent), weight_name=path.name, adapter_name=path.stem)
    synchronize(pipeline.device)


def paint(pipeline: Any, seed: int, side: int, prompt: str = PROMPT) -> Image.Image:
    """A whole picture."""
    return pipeline(
        prompt=prompt,
        num_inference_steps=STEPS,
        guidance_scale=GUIDANCE,
        height=side,
        width=side,
        generator=torch.Generator().manual_seed(seed),
    ).images[0]
