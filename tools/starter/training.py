"""What the first starter's training shares: modules from the shipped configs, and the loop."""

import json
from pathlib import Path

from torch import nn

from tools.starter.learn.loop import Optimizer, Training, learning_rate, load_state

__all__ = ["Optimizer", "Training", "build", "learning_rate", "load_state", "read_config"]

CONFIGS = Path(__file__).parents[2] / "presets" / "families" / "starter"


def read_config(component: str) -> dict:
    """The shipped config of "unet", "vae", "text_encoder" or "scheduler"."""
    name = "scheduler_config.json" if component == "scheduler" else "config.json"
    return json.loads((CONFIGS / component / name).read_text())


def write_scaling_factor(factor: float) -> None:
    """Put the measured scale of the latents into the shipped VAE config."""
    config = read_config("vae") | {"scaling_factor": factor}
    (CONFIGS / "vae" / "config.json").write_text(json.dumps(config, indent=1) + "\n")


def build(component: str) -> nn.Module:
    """A freshly initialised component of the starter."""
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel

    config = read_config(component)
    if component == "text_encoder":
        return CLIPTextModel(CLIPTextConfig(**config))
    kind = {"unet": UNet2DConditionModel, "vae": AutoencoderKL}[component]
    return kind.from_config(config)
