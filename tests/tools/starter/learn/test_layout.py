"""Names of tensors in the original layouts, against diffusers' own converters and known names."""

import re

import pytest
import torch
from safetensors import safe_open

from tools.starter.learn.configs import build, read_config
from tools.starter.learn.export import export, scaled_vae, single_file
from tools.starter.learn.layout import unet_key, vae_key


@pytest.fixture(scope="module")
def components():
    torch.manual_seed(0)
    return {name: build("starter", name) for name in ("unet", "vae", "text_encoder")}


@pytest.fixture(scope="module")
def file(components):
    text = {"text_encoder": components["text_encoder"].state_dict()}
    return single_file("starter", components["unet"].state_dict(), components["vae"], text)


def test_diffusers_own_converters_bring_every_tensor_back(components, file):
    from diffusers.loaders.single_file_utils import (
        convert_ldm_unet_checkpoint,
        convert_ldm_vae_checkpoint,
    )

    wanted = {
        "unet": components["unet"].state_dict(),
        "vae": scaled_vae("starter", components["vae"]).state_dict(),
    }
    converters = {"unet": convert_ldm_unet_checkpoint, "vae": convert_ldm_vae_checkpoint}
    for name, convert in converters.items():
        back = convert(dict(file), read_config("starter", name))
        assert back.keys() == wanted[name].keys()
        assert all(torch.equal(back[k], v.half()) for k, v in wanted[name].items())


def test_full_size_names_are_those_of_stable_diffusion_1():
    known = {
        "conv_in.weight": "input_blocks.0.0.weight",
        "down_blocks.0.downsamplers.0.conv.bias": "input_blocks.3.0.op.bias",
        "down_blocks.2.attentions.1.transformer_blocks.0.attn2.to_k.weight": (
            "input_blocks.8.1.transformer_blocks.0.attn2.to_k.weight"
        ),
        "down_blocks.3.resnets.1.time_emb_proj.weight": "input_blocks.11.0.emb_layers.1.weight",
        "mid_block.resnets.1.conv2.weight": "middle_block.2.out_layers.3.weight",
        "up_blocks.0.upsamplers.0.conv.weight": "output_blocks.2.1.conv.weight",
        "up_blocks.1.upsamplers.0.conv.weight": "output_blocks.5.2.conv.weight",
        "up_blocks.3.resnets.2.conv_shortcut.bias": "output_blocks.11.0.skip_connection.bias",
        "conv_norm_out.weight": "out.0.weight",
    }
    attention = {"up_blocks.1", "up_blocks.2", "up_blocks.3"}
    assert {name: unet_key(name, 2, attention) for name in known} == known
    assert (
        vae_key("decoder.up_blocks.0.resnets.2.conv1.weight", 4)
        == "decoder.up.3.block.2.conv1.weight"
    )
    assert vae_key("encoder.mid_block.attentions.0.to_q.bias", 4) == "encoder.mid.attn_1.q.bias"
    assert (
        vae_key("decoder.up_blocks.1.upsamplers.0.conv.bias", 4)
        == "decoder.up.2.upsample.conv.bias"
    )


def test_names_follow_the_numbering_of_the_original_layout(file):
    shape = re.compile(
        r"(model\.diffusion_model\.(time_embed|input_blocks|middle_block|output_blocks|out)"
        r"|first_stage_model\.(encoder|decoder|quant_conv|post_quant_conv)"
        r"|cond_stage_model\.transformer\.text_model\.(embeddings|encoder|final_layer_norm))\."
    )
    assert all(shape.match(name) for name in file)


def test_an_unknown_tensor_is_refused():
    with pytest.raises(ValueError, match="no place for encoder_hid_proj"):
        unet_key("encoder_hid_proj.weight", 1, set())


def test_a_written_checkpoint_says_what_it_is(components, tmp_path):
    path, text = tmp_path / "x.safetensors", components["text_encoder"].state_dict()
    unet, vae = components["unet"].state_dict(), components["vae"]
    export(path, "starter", unet, vae, {"text_encoder": text}, {"a": "b"})
    with safe_open(path, "pt") as written:
        metadata = written.metadata()
        kinds = {written.get_slice(name).get_dtype() for name in written.keys()}  # noqa: SIM118
    assert kinds == {"F16"}
    assert metadata["modelspec.architecture"] == "stable-diffusion-v1"
    factor = read_config("starter", "vae")["scaling_factor"]
    assert float(metadata["gesso.vae_scaling_factor"]) == factor
    assert metadata["a"] == "b"
