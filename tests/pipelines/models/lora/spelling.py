"""How trainers name a module, the ends of its tensors' names aside."""

from __future__ import annotations

import re
from collections.abc import Callable

Spelling = Callable[[str, str, int], str]
"""From a component, a module's name in it and the number of text encoders to a LoRA's name."""


def dotted(component: str, module: str, encoders: int) -> str:
    """As diffusers and peft do. Text encoders have their `text_model.`, but not the projection."""
    return f"unet.{module}" if component == "unet" else f"{component}.{with_text_model(module)}"


def kohya(component: str, module: str, encoders: int) -> str:
    """As kohya's scripts do for SD 1 and SD 2, and for the text encoders of SDXL."""
    if component == "unet":
        return f"lora_unet_{module.replace('.', '_')}"
    which = {(1, "text_encoder"): "", (2, "text_encoder"): "1"}.get((encoders, component), "2")
    return f"lora_te{which}_{with_text_model(module).replace('.', '_')}"


def comfy(component: str, module: str, encoders: int) -> str:
    """As ComfyUI saves text encoders."""
    letter = "l" if component == "text_encoder" else "g"
    if component == "unet":
        return f"diffusion_model.{module}"
    return f"text_encoders.clip_{letter}.transformer.{with_text_model(module)}"


def peft(name: str) -> str:
    """The name of a tensor, which ends as kohya's do, as peft ends it."""
    return name.replace(".lora_up.", ".lora_B.").replace(".lora_down.", ".lora_A.")


def early(name: str) -> str:
    """As diffusers ended it before it used peft."""
    return name.replace(".lora_", ".lora_linear_layer.")


def processor(name: str) -> str:
    """As the first LoRAs of diffusers had it: in processors of the attention."""
    name = re.sub(r"\.(to_[qkv]|to_out)(?:\.0)?\.lora_", r".processor.\1_lora.", name)
    return re.sub(r"self_attn\.(q|k|v|out)_proj\.lora_", r"self_attn.to_\1_lora.", name)


def as_it_is(name: str) -> str:
    return name


def with_text_model(module: str) -> str:
    plain = module.removeprefix("text_model.")
    return plain if plain == "text_projection" else f"text_model.{plain}"
