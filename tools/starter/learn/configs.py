"""The members' components, from the configs that ship with their variants."""

import json

from torch import nn

from pipelines.catalog import PRESETS
from pipelines.families import families, variants
from pipelines.library.kinds import Family, Variant


def read_config(member: str, component: str) -> dict:
    """The shipped config of "unet", "vae", "text_encoder", "text_encoder_2" or "scheduler"."""
    name = "scheduler_config.json" if component == "scheduler" else "config.json"
    return json.loads((PRESETS / "families" / member / component / name).read_text())


def build(member: str, component: str) -> nn.Module:
    """A freshly initialised component of a member."""
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    config = read_config(member, component)
    if component.startswith("text_encoder"):
        projects = config["architectures"] == ["CLIPTextModelWithProjection"]
        kind = CLIPTextModelWithProjection if projects else CLIPTextModel
        return kind(CLIPTextConfig(**config))
    kind = {"unet": UNet2DConditionModel, "vae": AutoencoderKL}[component]
    return kind.from_config(config)


def variant(member: str) -> Variant:
    """The variant that a member's configs make."""
    return next(v for v in variants([PRESETS]) if v.name == member)


def family(member: str) -> Family:
    """The family of a member's architecture."""
    return next(f for f in families() if f.name == variant(member).family)
