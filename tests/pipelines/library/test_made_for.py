"""Which family a LoRA, an embedding, ... works with, and how wide its text is."""

from __future__ import annotations

import pytest

from pipelines.families import families, variants
from pipelines.library.accessories import made_for, named_family
from pipelines.library.header import TensorInfo
from pipelines.library.kinds import Role
from pipelines.library.roles import role_of
from tests.pipelines.library.files import PRESETS, VAE, Tensors, f16, header, lora

KEY = "lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k"
UNET = "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k"
TEXT = "text_model_encoder_layers_0_self_attn_q_proj"
OUTER = "lora_unet_down_blocks_0_attentions_0"

LORAS: dict[str, tuple[Tensors, str | None, int | None]] = {
    "kohya for SD 1": (lora(768), "sd1", 768),
    "kohya for SD 2": (lora(1024), "sd2", 1024),
    "kohya for SDXL": (lora(2048), "sdxl", 2048),
    "kohya for the starter": (lora(128), "sd1", 128),
    "the values alone": ({f"{KEY[:-1]}v.lora_down.weight": f16(4, 768)}, "sd1", 768),
    "peft": (
        {f"unet.{UNET}.lora_A.weight": f16(4, 2048), "unet.x.lora_B.weight": f16(4, 4)},
        "sdxl",
        2048,
    ),
    "peft, for any program": (
        {f"base_model.model.{UNET}.lora_A.weight": f16(4, 768)},
        "sd1",
        768,
    ),
    "diffusers": ({f"unet.{UNET}.lora.down.weight": f16(4, 1024)}, "sd2", 1024),
    "early diffusers": (
        {f"{UNET.replace('to_k', 'processor.to_k_lora')}.down.weight": f16(4, 768)},
        "sd1",
        768,
    ),
    "LoCon": (
        {**lora(768), f"{OUTER}_resnets_0_conv1.lora_down.weight": f16(4, 320, 3, 3)},
        "sd1",
        768,
    ),
    "LoHa": ({f"{KEY}.hada_w1_a": f16(320, 4), f"{KEY}.hada_w1_b": f16(4, 768)}, "sd1", 768),
    "LoKr": ({f"{KEY}.lokr_w1": f16(8, 16), f"{KEY}.lokr_w2": f16(80, 128)}, "sdxl", 2048),
    "LoKr in parts": (
        {
            f"{KEY}.lokr_w1": f16(8, 8),
            f"{KEY}.lokr_w2_a": f16(40, 4),
            f"{KEY}.lokr_w2_b": f16(4, 96),
        },
        "sd1",
        768,
    ),
    "full difference": ({f"{KEY}.diff": f16(320, 1024)}, "sd2", 1024),
    "DoRA": ({**lora(2048), f"{KEY}.dora_scale": f16(1, 2048)}, "sdxl", 2048),
    "GLoRA": ({f"{KEY}.a1.weight": f16(768, 4), f"{KEY}.a2.weight": f16(4, 768)}, "sd1", 768),
    "GLoRA, its older form": ({f"{KEY}.a1.weight": f16(4, 2048)}, "sdxl", 2048),
    "OFT": ({f"{KEY}.oft_blocks": f16(4, 8, 8)}, None, None),
    "OFT with the text encoder": (
        {f"{KEY}.oft_blocks": f16(4, 8, 8), f"lora_te_{TEXT}.oft_blocks": f16(96, 8, 8)},
        "sd1",
        768,
    ),
    "BOFT with the text encoder": ({f"lora_te_{TEXT}.oft_blocks": f16(3, 128, 8, 8)}, "sd2", 1024),
    "IA3": ({f"{KEY}.weight": f16(320), f"{KEY}.on_input": f16()}, None, None),
    "IA3 with the text encoder": (
        {
            f"{KEY}.weight": f16(320),
            f"{KEY}.on_input": f16(),
            f"lora_te_{TEXT}.weight": f16(1024),
            f"lora_te_{TEXT}.on_input": f16(),
        },
        "sd2",
        1024,
    ),
    "text encoder alone": ({f"lora_te_{TEXT}.lora_down.weight": f16(4, 1024)}, "sd2", 1024),
    "text encoder alone, its perceptron": (
        {"lora_te_text_model_encoder_layers_11_mlp_fc1.lora_down.weight": f16(4, 768)},
        "sd1",
        768,
    ),
    "text encoder alone, as diffusers wrote it": (
        {
            "text_encoder.text_model.encoder.layers.3.self_attn.v_proj"
            ".lora_linear_layer.down.weight": f16(4, 768)
        },
        "sd1",
        768,
    ),
    "text encoder alone, as diffusers wrote it first": (
        {"text_encoder.text_model.encoder.layers.3.self_attn.to_q_lora.down.weight": f16(4, 768)},
        "sd1",
        768,
    ),
    "first of two text encoders": (
        {f"lora_te1_{TEXT}.lora_down.weight": f16(4, 768)},
        "sdxl",
        None,
    ),
    "second of two text encoders": (
        {"lora_te2_text_model_encoder_layers_0_mlp_fc1.lora_down.weight": f16(4, 1280)},
        "sdxl",
        None,
    ),
    "both text encoders": (
        {
            f"lora_te1_{TEXT}.lora_down.weight": f16(4, 768),
            f"lora_te2_{TEXT}.lora_down.weight": f16(4, 1280),
        },
        "sdxl",
        2048,
    ),
    "both text encoders of the starter": (
        {
            f"lora_te1_{TEXT}.lora_down.weight": f16(4, 48),
            f"lora_te2_{TEXT}.lora_down.weight": f16(4, 96),
        },
        "sdxl",
        144,
    ),
    "parts that only SDXL has": (
        {"lora_unet_input_blocks_7_1_transformer_blocks_9_attn1_to_q.oft_blocks": f16(4, 8, 8)},
        "sdxl",
        None,
    ),
    "parts that SDXL has not, a convolution": (
        {f"{OUTER}_proj_in.lora_down.weight": f16(4, 320, 1, 1)},
        "sd1",
        None,
    ),
    "parts that SDXL has not, linear": (
        {f"{OUTER}_proj_in.lora_down.weight": f16(4, 320)},
        "sd2",
        None,
    ),
    "of Flux": (
        {
            "lora_unet_double_blocks_0_img_attn_proj.lora_down.weight": f16(4, 3072),
            f"lora_te1_{TEXT}.lora_down.weight": f16(4, 768),
        },
        None,
        None,
    ),
    "of SD 3": ({f"lora_te3_{TEXT}.lora_down.weight": f16(4, 4096)}, None, None),
    "of another transformer": (
        {"transformer.transformer_blocks.0.attn2.to_k.lora_A.weight": f16(4, 2048)},
        None,
        None,
    ),
}


@pytest.mark.parametrize("name", LORAS)
def test_a_lora_of_any_layout_tells_what_it_is_made_for(name: str) -> None:
    tensors, family, width = LORAS[name]
    assert role_of(header(tensors)) == "lora"
    assert _made_for("lora", tensors) == (family, width)


@pytest.mark.parametrize(
    ("tensors", "family", "width"),
    [
        ({"emb_params": f16(4, 768)}, "sd1", 768),
        ({"<rain>": f16(1024)}, "sd2", 1024),
        ({"string_to_token.*": f16(), "string_to_param.*": f16(2, 768)}, "sd1", 768),
        ({"clip_l": f16(2, 768), "clip_g": f16(2, 1280)}, "sdxl", 2048),
        ({"clip_g": f16(2, 1280)}, "sdxl", None),
        ({"clip_l": f16(1, 48), "clip_g": f16(1, 96)}, "sdxl", 144),
    ],
)
def test_an_embedding_is_as_wide_as_its_vectors(
    tensors: Tensors, family: str | None, width: int | None
) -> None:
    assert role_of(header(tensors)) == "embedding"
    assert _made_for("embedding", tensors) == (family, width)


@pytest.mark.parametrize(
    ("sizes", "family", "width"),
    [
        ((768, 320, 640, 1280), "sd1", 768),
        ((1024, 320, 640, 1280), "sd2", 1024),
        ((2048, 640, 1280), "sdxl", 2048),
        ((320, 640, 1280), None, None),
        ((1280,), None, None),
        ((768, 1024), None, None),
    ],
)
def test_a_hypernetwork_tells_by_the_one_of_its_sizes_that_is_a_texts(
    sizes: tuple[int, ...], family: str | None, width: int | None
) -> None:
    tensors = {
        f"{size}.{half}.linear.0.weight": f16(2 * size, size) for size in sizes for half in (0, 1)
    }
    assert role_of(header(tensors)) == "hypernetwork"
    assert _made_for("hypernetwork", tensors) == (family, width)


def test_a_vae_tells_the_shape_of_its_decoder() -> None:
    cut = {f"first_stage_model.{name}": info for name, info in VAE.items()}
    assert _made_for("vae", VAE) == _made_for("vae", cut) == (None, 512)


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("sdxl_vae.safetensors", "sdxl"),
        ("fixed-SDXL-vae.safetensors", "sdxl"),
        ("ponyV6_vae.safetensors", "sdxl"),
        ("vae-ft-mse-840000-ema-pruned.ckpt", "sd1"),
        ("sd15 soft.vae.pt", "sd1"),
        ("bright.vae.safetensors", None),
        ("classdxler.safetensors", None),
    ],
)
def test_the_name_of_a_vae_may_tell_its_family(name: str, family: str | None) -> None:
    assert named_family(name, families()) == family


@pytest.mark.parametrize(
    ("metadata", "family"),
    [
        ({"ss_base_model_version": "sd_v1"}, "sd1"),
        ({"ss_base_model_version": "sd_v2_768_v"}, "sd2"),
        ({"ss_v2": "True"}, "sd2"),
        ({"ss_base_model_version": "sdxl_base_v1-0"}, "sdxl"),
        ({"modelspec.architecture": "stable-diffusion-xl-v1-refiner/lora"}, "sdxl-refiner"),
        ({"modelspec.architecture": "flux-1-dev/lora"}, None),
    ],
)
def test_metadata_speaks_where_shapes_are_silent(
    metadata: dict[str, str], family: str | None
) -> None:
    tensors = {"lora_unet_x_ff_net_2.lora_down.weight": f16(4, 320)}
    assert _made_for("lora", tensors, **metadata)[0] == family


def test_shapes_win_over_metadata() -> None:
    assert _made_for("lora", lora(2048), ss_base_model_version="sd_v1")[0] == "sdxl"


def test_an_encoder_that_many_models_share_is_of_the_one_the_metadata_says() -> None:
    tensors = {f"lora_te1_{TEXT}.lora_down.weight": f16(4, 768)}
    assert _made_for("lora", tensors, ss_base_model_version="flux1")[0] is None


@pytest.mark.parametrize("shape", [(), (0,), (1,) * 9, (10**30, 10**30), (0, 10**30)])
def test_hostile_shapes_raise_nothing(shape: tuple[int, ...]) -> None:
    roles: list[Role] = ["lora", "embedding", "hypernetwork", "vae", "controlnet", "t2i_adapter"]
    for tensors, *_ in LORAS.values():
        broken = {name: TensorInfo("F16", shape) for name in (*tensors, *VAE, "clip_l", "clip_g")}
        for role in roles:
            _, width = _made_for(role, broken)
            assert width is None or 0 < width < 2**31


def _made_for(role: Role, tensors: Tensors, **metadata: str) -> tuple[str | None, int | None]:
    return made_for(role, header(tensors, **metadata), families(), variants([PRESETS]))
