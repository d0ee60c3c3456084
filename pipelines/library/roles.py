"""What a file is for, by the names of its tensors; where they cannot be read, by its folder."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pipelines.library.header import Header
from pipelines.library.kinds import Role


class Mark(NamedTuple):
    """A role, and how tensors of such files begin or end; any one of them is enough."""

    role: Role
    begins: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()


LORA_ENDS = (
    # LoRA as kohya, peft and diffusers write it; LoCon's core
    ".lora_down.weight", ".lora_up.weight", ".lora_A.weight", ".lora_B.weight",
    ".lora.down.weight", ".lora.up.weight", "_lora.down.weight", "_lora.up.weight",
    ".lora_linear_layer.down.weight", ".lora_linear_layer.up.weight", ".lora_mid.weight",
    # LyCORIS: LoHa, LoKr, full, norm, OFT, BOFT, GLoRA, IA3
    ".hada_w1_a", ".hada_w1_b", ".lokr_w1", ".lokr_w1_a", ".lokr_w2", ".lokr_w2_a",
    ".diff", ".diff_b", ".w_norm", ".b_norm", ".oft_blocks", ".oft_diag",
    ".a1.weight", ".b1.weight", ".on_input",
)  # fmt: skip

MARKS: tuple[Mark, ...] = (
    Mark("ip_adapter", begins=("ip_adapter.", "image_proj.")),
    Mark(
        "controlnet",
        begins=(
            "control_model.",
            "lora_controlnet",
            "controlnet_cond_embedding.",
            "controlnet_mid_block.",
            "input_hint_block.",
            "zero_convs.",
        ),
    ),
    Mark("lora", ends=LORA_ENDS),
    Mark("checkpoint", begins=("model.diffusion_model.",)),
    Mark(
        "vae",
        begins=("decoder.conv_in.", "first_stage_model.decoder.conv_in.", "vae.decoder.conv_in."),
    ),
    Mark("clip_vision", begins=("vision_model.", "visual.")),
    Mark("face_restorer", begins=("stylegan_decoder.", "quantize.embedding.")),
    Mark(
        "text_encoder",
        begins=("text_model.", "text_encoders.", "encoder.block.", "transformer.resblocks."),
    ),
    Mark("unet", begins=("input_blocks.", "down_blocks.", "double_blocks.", "joint_blocks.")),
    Mark("t2i_adapter", begins=("adapter.",), ends=(".block1.weight",)),
    Mark("vae_approx", begins=("decoder.layers.", "taesd_decoder.", "decoder.1.", "3.conv.")),
    Mark("upscaler", begins=("conv_first.", "model.1.sub.", "body.0.", "feature.0.")),
)
"""Looked at in this order: an IP-Adapter may hold LoRAs, an old ControlNet a whole checkpoint."""

FOLDERS: Mapping[str, Role] = {
    "checkpoints": "checkpoint",
    "stable-diffusion": "checkpoint",
    "ckpt": "checkpoint",
    "main": "checkpoint",
    "unet": "unet",
    "diffusion_models": "unet",
    "text_encoder": "text_encoder",
    "text_encoders": "text_encoder",
    "clip": "text_encoder",
    "vae": "vae",
    "lora": "lora",
    "loras": "lora",
    "lycoris": "lora",
    "controlnet": "controlnet",
    "t2i_adapter": "t2i_adapter",
    "ip_adapter": "ip_adapter",
    "ip-adapter": "ip_adapter",
    "ipadapter": "ip_adapter",
    "embedding": "embedding",
    "embeddings": "embedding",
    "hypernetwork": "hypernetwork",
    "hypernetworks": "hypernetwork",
    "upscaler": "upscaler",
    "upscalers": "upscaler",
    "upscale_models": "upscaler",
    "spandrel_image_to_image": "upscaler",
    "esrgan": "upscaler",
    "realesrgan": "upscaler",
    "bsrgan": "upscaler",
    "swinir": "upscaler",
    "dat": "upscaler",
    "gfpgan": "face_restorer",
    "codeformer": "face_restorer",
    "clip_vision": "clip_vision",
    "vae_approx": "vae_approx",
    "vae-approx": "vae_approx",
}
"""Folder names, in lower case, of Gesso, A1111, Forge, ComfyUI, Fooocus and InvokeAI."""

_SAID: Mapping[Role, str] = {"lora": "LoRA", "vae": "VAE", "ip_adapter": "IP-Adapter"}

_EMBEDDING_NAME = re.compile(r"emb_params|clip_[lg]|string_to_(?:param|token)\..*|<[^<>]+>|\*")
_HYPERNETWORK_NAME = re.compile(r"\d+\.[01]\.linear(?:[12]|\.\d+)\.weight")


def role_of(header: Header, likely: Role = "unknown") -> Role:
    """What a file with these tensors is for; "unknown" if they are like nothing we know.

    One vector, or one list of them, may be anything: it is an embedding where `likely`, by its
    folder, it is one.
    """
    names = list(header.tensors)
    for mark in MARKS:
        if mark.begins and header.has(*mark.begins):
            return mark.role
        if mark.ends and any(name.endswith(mark.ends) for name in names):
            return mark.role
    if names and len(names) <= 8 and all(map(_EMBEDDING_NAME.fullmatch, names)):
        return "embedding"
    if any(map(_HYPERNETWORK_NAME.fullmatch, names)):
        return "hypernetwork"
    shapes = [info.shape for info in header.tensors.values()]
    if likely == "embedding" and len(shapes) == 1 and len(shapes[0]) in (1, 2):
        return "embedding"
    return "unknown"


def role_of_folder(parts: Sequence[str]) -> Role:
    """What files below these folders are for, by the nearest folder whose name says so."""
    for part in reversed(parts):
        role = FOLDERS.get(part.lower())
        if role is not None:
            return role
    return "unknown"


def said(role: Role) -> str:
    """A role in a sentence: "LoRA", "text encoder"."""
    return _SAID.get(role, role.replace("_", " "))
