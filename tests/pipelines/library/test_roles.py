"""What a file is for, and which family it works with, follows from its tensors."""

from __future__ import annotations

import pytest

from pipelines.families import families, variants
from pipelines.library.accessories import family_of
from pipelines.library.header import TensorInfo
from pipelines.library.roles import role_of, role_of_folder
from tests.pipelines.library.files import PRESETS, VAE, Tensors, f16, header, lora, real

_KEY = "lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k"
_UNET_KEY = "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k"
_BARE_KEY = "input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight"
_TEXT_KEY = "lora_te_text_model_encoder_layers_0_self_attn_q_proj"

LORAS: dict[str, tuple[Tensors, str | None]] = {
    "kohya for SD 1": (lora(768), "sd1"),
    "kohya for SD 2": (lora(1024), "sd2"),
    "kohya for SDXL": (lora(2048), "sdxl"),
    "peft": (
        {f"unet.{_UNET_KEY}.lora_A.weight": f16(4, 2048), "unet.x.lora_B.weight": f16(4, 4)},
        "sdxl",
    ),
    "early diffusers": (
        {f"{_UNET_KEY.replace('to_k', 'processor.to_k_lora')}.down.weight": f16(4, 768)},
        "sd1",
    ),
    "text encoder alone": ({f"{_TEXT_KEY}.lora_down.weight": f16(4, 1024)}, "sd2"),
    "second text encoder": (
        {"lora_te2_text_model_encoder_layers_0_mlp_fc1.lora_down.weight": f16(4, 1280)},
        "sdxl",
    ),
    "LoHa": ({f"{_KEY}.hada_w1_a": f16(320, 4), f"{_KEY}.hada_w1_b": f16(4, 768)}, "sd1"),
    "LoKr": ({f"{_KEY}.lokr_w1": f16(8, 16), f"{_KEY}.lokr_w2": f16(80, 128)}, "sdxl"),
    "LoKr in parts": (
        {
            f"{_KEY}.lokr_w1": f16(8, 8),
            f"{_KEY}.lokr_w2_a": f16(40, 4),
            f"{_KEY}.lokr_w2_b": f16(4, 96),
        },
        "sd1",
    ),
    "full difference": ({f"{_KEY}.diff": f16(320, 1024)}, "sd2"),
    "DoRA": ({**lora(2048), f"{_KEY}.dora_scale": f16(1, 2048)}, "sdxl"),
    "OFT": ({f"{_KEY}.oft_blocks": f16(4, 8, 8)}, None),
    "IA3": ({f"{_KEY}.weight": f16(320), f"{_KEY}.on_input": f16()}, None),
    "of Flux": (
        {
            "lora_unet_double_blocks_0_img_attn_proj.lora_down.weight": f16(4, 3072),
            f"{_TEXT_KEY.replace('te_', 'te1_')}.lora_down.weight": f16(4, 768),
        },
        None,
    ),
}


@pytest.mark.parametrize("name", LORAS)
def test_a_lora_of_any_form_is_one_and_tells_its_family(name: str) -> None:
    tensors, family = LORAS[name]
    assert role_of(header(tensors)) == "lora"
    assert family_of("lora", header(tensors), families(), variants([PRESETS])) == family


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
    "hypernetwork": ({"768.0.linear.0.weight": f16(1536, 768)}, "hypernetwork", None),
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
    assert family_of(found, header(tensors), families(), variants([PRESETS])) == family


@pytest.mark.parametrize(
    "name", ["sd15", "sd15-inpaint", "sd2", "sd2-depth", "sdxl", "sdxl-refiner"]
)
def test_real_checkpoints_are_checkpoints(name: str) -> None:
    assert role_of(header(real(name))) == "checkpoint"


@pytest.mark.parametrize(
    ("metadata", "family"),
    [
        ({"ss_base_model_version": "sd_v1"}, "sd1"),
        ({"ss_base_model_version": "sd_v2_768_v"}, "sd2"),
        ({"ss_base_model_version": "sdxl_base_v1-0"}, "sdxl"),
        ({"modelspec.architecture": "stable-diffusion-xl-v1-refiner/lora"}, "sdxl-refiner"),
        ({"modelspec.architecture": "flux-1-dev/lora"}, None),
    ],
)
def test_metadata_speaks_where_shapes_are_silent(
    metadata: dict[str, str], family: str | None
) -> None:
    tensors = {"lora_unet_x_ff_net_2.lora_down.weight": f16(4, 320)}
    found = family_of("lora", header(tensors, **metadata), families(), variants([PRESETS]))
    assert found == family


def test_shapes_win_over_metadata() -> None:
    claimed = header(lora(2048), ss_base_model_version="sd_v1")
    assert family_of("lora", claimed, families(), variants([PRESETS])) == "sdxl"


def test_hostile_shapes_raise_nothing() -> None:
    for shape in ((), (0,), (1,) * 9):
        for tensors, *_ in (*LORAS.values(), *OTHERS.values()):
            broken = header({name: TensorInfo("F16", shape) for name in tensors})
            family_of(role_of(broken), broken, families(), variants([PRESETS]))


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
