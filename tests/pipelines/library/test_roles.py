"""What a file is for, and which family it works with, follows from its tensors."""

from __future__ import annotations

import pytest

from pipelines.families import families, variants
from pipelines.library.accessories import made_for
from pipelines.library.roles import role_of, role_of_folder
from tests.pipelines.library.files import PRESETS, VAE, Tensors, f16, header, real

_UNET_KEY = "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k"
_BARE_KEY = "input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight"

OTHERS: dict[str, tuple[Tensors, str, str | None]] = {
    "VAE": (VAE, "vae", None),
    "VAE cut from a checkpoint": (
        {f"first_stage_model.{name}": info for name, info in VAE.items()},
        "vae",
        None,
    ),
    "ControlNet, original": (
        {f"control_model.{_BARE_KEY}": f16(320, 768), "control_model.zero_convs.0.weight": f16(1)},
        "controlnet",
        "sd1",
    ),
    "ControlNet, bare": (
        {"input_hint_block.0.weight": f16(16, 3, 3, 3), _BARE_KEY: f16(320, 1024)},
        "controlnet",
        "sd2",
    ),
    "ControlNet, diffusers": (
        {
            "controlnet_cond_embedding.conv_in.weight": f16(16, 3, 3, 3),
            f"{_UNET_KEY}.weight": f16(640, 2048),
        },
        "controlnet",
        "sdxl",
    ),
    "Control-LoRA": (
        {"lora_controlnet": f16(0), _BARE_KEY.replace("weight", "down"): f16(4, 2048)},
        "controlnet",
        "sdxl",
    ),
    "ControlNet with its whole checkpoint": (
        {**real("sd15"), "control_model.input_hint_block.0.weight": f16(16, 3, 3, 3)},
        "controlnet",
        "sd1",
    ),
    "T2I-Adapter": (
        {"body.0.block1.weight": f16(320, 320, 3, 3), "conv_in.weight": f16(320, 192, 3, 3)},
        "t2i_adapter",
        "sd1",
    ),
    "T2I-Adapter, diffusers": (
        {
            "adapter.body.0.resnets.0.block1.weight": f16(320, 320, 3, 3),
            "adapter.conv_in.weight": f16(320, 768, 3, 3),
        },
        "t2i_adapter",
        "sdxl",
    ),
    "IP-Adapter": (
        {"image_proj.proj.weight": f16(3072, 1024), "ip_adapter.1.to_k_ip.weight": f16(320, 768)},
        "ip_adapter",
        "sd1",
    ),
    "IP-Adapter with LoRAs in it": (
        {
            "ip_adapter.0.to_q_lora.down.weight": f16(128, 320),
            "ip_adapter.1.to_k_ip.weight": f16(640, 2048),
        },
        "ip_adapter",
        "sdxl",
    ),
    "embedding": ({"emb_params": f16(4, 768)}, "embedding", "sd1"),
    "embedding for SD 2": ({"<rain>": f16(1024)}, "embedding", "sd2"),
    "embedding for SDXL": (
        {"clip_l": f16(2, 768), "clip_g": f16(2, 1280)},
        "embedding",
        "sdxl",
    ),
    "ESRGAN": ({"model.0.weight": f16(64, 3, 3, 3), "model.1.sub.0.RDB1.conv1.0.weight": f16(1)},
               "upscaler", None),
    "SwinIR": ({"conv_first.weight": f16(180, 3, 3, 3)}, "upscaler", None),
    "Real-ESRGAN compact": ({"body.0.weight": f16(64, 3, 3, 3)}, "upscaler", None),
    "hypernetwork": ({"768.0.linear.0.weight": f16(1536, 768)}, "hypernetwork", "sd1"),
    "first hypernetwork": ({"768.0.linear1.weight": f16(1536, 768)}, "hypernetwork", "sd1"),
    "CLIP vision": ({"vision_model.embeddings.class_embedding": f16(1024)}, "clip_vision", None),
    "text encoder": ({"text_model.final_layer_norm.weight": f16(768)}, "text_encoder", None),
    "UNet, diffusers": (
        {"down_blocks.0.resnets.0.conv1.weight": f16(1), f"{_UNET_KEY}.weight": f16(320, 768)},
        "unet",
        "sd1",
    ),
    "UNet of Flux": ({"double_blocks.0.img_attn.qkv.weight": f16(9216, 3072)}, "unet", None),
    "TAESD": ({"decoder.layers.0.weight": f16(64, 4, 3, 3)}, "vae_approx", None),
    "anything else": ({"weight": f16(3), "bias": f16(3)}, "unknown", None),
    "nothing": ({}, "unknown", None),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_every_other_file_is_what_its_tensors_say(name: str) -> None:
    tensors, role, family = OTHERS[name]
    found = role_of(header(tensors))
    assert found == role
    assert made_for(found, header(tensors), families(), variants([PRESETS])).family == family


@pytest.mark.parametrize("shape", [(768,), (3, 768)])
def test_vectors_of_any_name_are_an_embedding_in_a_folder_of_them(shape: tuple[int, ...]) -> None:
    lone = header({"sks style": f16(*shape)})
    assert role_of(lone, "embedding") == "embedding"
    assert role_of(lone) == role_of(lone, "lora") == "unknown"
    others = header({"sks style": f16(2, 2, 768)}), header({"a": f16(768), "b": f16(768)})
    assert {role_of(other, "embedding") for other in others} == {"unknown"}


@pytest.mark.parametrize(
    "name", ["sd15", "sd15-inpaint", "sd2", "sd2-depth", "sdxl", "sdxl-refiner"]
)
def test_real_checkpoints_are_checkpoints(name: str) -> None:
    assert role_of(header(real(name))) == "checkpoint"


@pytest.mark.parametrize(
    ("parts", "role"),
    [
        (("Stable-diffusion", "anime"), "checkpoint"),
        (("models", "Lora"), "lora"),
        (("loras", "vae"), "vae"),
        (("sdxl", "controlnet", "canny"), "controlnet"),
        (("anime",), "unknown"),
        ((), "unknown"),
    ],
)
def test_the_nearest_folder_that_says_so_gives_the_role(parts: tuple[str, ...], role: str) -> None:
    assert role_of_folder(parts) == role
