"""How trainers name a module."""

from __future__ import annotations

from collections.abc import Callable

Spelling = Callable[[str, str, int], str]
"""From a component, a module's name in it and the number of text encoders to a LoRA's name."""


def dotted(component: str, module: str, encoders: int) -> str:
    """As diffusers and peft do. Text encoders have their `text_model.`, but not the projection."""
    if component == "unet":
        return f"unet.{module}"
    return f"{component}.{with_text_model(module)}"


def kohya(component: str, module: str, encoders: int) -> str:
    """As kohya's scripts do for SD 1 and SD 2, and for the text encoders of SDXL."""
    if component == "unet":
        return f"lora_unet_{module.replace('.', '_')}"
    which = {(1, "text_encoder"): "", (2, "text_encoder"): "1"}.get((encoders, component), "2")
    return f"lora_te{which}_{with_text_model(module).replace('.', '_')}"


def with_text_model(module: str) -> str:
    plain = module.removeprefix("text_model.")
    return plain if plain == "text_projection" else f"text_model.{plain}"
