"""Names and tensors as the original single files of Stable Diffusion have them."""

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from pipelines.library.kinds import TextEncoder

_RESNET = (
    ("norm1", "in_layers.0"),
    ("conv1", "in_layers.2"),
    ("time_emb_proj", "emb_layers.1"),
    ("norm2", "out_layers.0"),
    ("conv2", "out_layers.3"),
    ("conv_shortcut", "skip_connection"),
)
_UNET_ENDS = (
    ("conv_in", "input_blocks.0.0"),
    ("time_embedding.linear_1", "time_embed.0"),
    ("time_embedding.linear_2", "time_embed.2"),
    ("add_embedding.linear_1", "label_emb.0.0"),
    ("add_embedding.linear_2", "label_emb.0.2"),
    ("conv_norm_out", "out.0"),
    ("conv_out", "out.2"),
)
_VAE = (
    ("group_norm", "norm"),
    ("to_q", "q"),
    ("to_k", "k"),
    ("to_v", "v"),
    ("to_out.0", "proj_out"),
    ("conv_norm_out", "norm_out"),
    ("conv_shortcut", "nin_shortcut"),
    ("mid_block.attentions.0", "mid.attn_1"),
    ("mid_block.resnets.0", "mid.block_1"),
    ("mid_block.resnets.1", "mid.block_2"),
    ("samplers.0.conv", "sample.conv"),
)
_OPEN_CLIP_ENDS = {
    "embeddings.token_embedding.weight": "token_embedding.weight",
    "embeddings.position_embedding.weight": "positional_embedding",
    "final_layer_norm.weight": "ln_final.weight",
    "final_layer_norm.bias": "ln_final.bias",
}
_OPEN_CLIP_BLOCK = {
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "self_attn.out_proj": "attn.out_proj",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
}


def unet_key(name: str, layers_per_block: int, blocks_with_attention: set[str]) -> str:
    """The original layout's name of a diffusers UNet tensor.

    `blocks_with_attention` holds the up blocks ("up_blocks.1", ...) that have attention.
    """
    for ours, theirs in _UNET_ENDS:
        if name.startswith(ours + "."):
            return theirs + name[len(ours) :]
    stride = layers_per_block + 1
    if match := re.match(r"mid_block\.(resnets|attentions)\.(\d)\.(.+)", name):
        part, index, rest = match.groups()
        place = 1 if part == "attentions" else 2 * int(index)
        return f"middle_block.{place}.{_resnet(part, rest)}"
    match = re.match(
        r"(down|up)_blocks\.(\d)\.(resnets|attentions|downsamplers|upsamplers)\.(\d)\.(.+)", name
    )
    if match is None:
        raise ValueError(f"no place for {name} in the original layout")
    way, block, part, index, rest = match.groups()
    if part == "downsamplers":
        return f"input_blocks.{(int(block) + 1) * stride}.0.op.{rest.removeprefix('conv.')}"
    if part == "upsamplers":
        slot = 2 if f"up_blocks.{block}" in blocks_with_attention else 1
        return f"output_blocks.{int(block) * stride + layers_per_block}.{slot}.{rest}"
    place = int(block) * stride + int(index) + (way == "down")
    side, slot = ("input" if way == "down" else "output"), int(part == "attentions")
    return f"{side}_blocks.{place}.{slot}.{_resnet(part, rest)}"


def _resnet(part: str, rest: str) -> str:
    if part == "resnets":
        for ours, theirs in _RESNET:
            if rest.startswith(ours + "."):
                return theirs + rest[len(ours) :]
    return rest


def vae_key(name: str, levels: int) -> str:
    """The original layout's name of a diffusers AutoencoderKL tensor."""
    name = re.sub(r"down_blocks\.(\d)\.", r"down.\1.", name)
    name = re.sub(r"up_blocks\.(\d)\.", lambda m: f"up.{levels - 1 - int(m[1])}.", name)
    name = name.replace(".resnets.", ".block.") if "mid_block" not in name else name
    for ours, theirs in _VAE:
        name = name.replace(ours, theirs)
    return name


def unet_tensors(tensors: Mapping[str, Tensor], layers_per_block: int) -> dict[str, Tensor]:
    """A diffusers UNet's tensors under their original names."""
    attention = {".".join(k.split(".")[:2]) for k in tensors if "attentions" in k and k[:2] == "up"}
    return {
        "model.diffusion_model." + unet_key(name, layers_per_block, attention): tensor
        for name, tensor in tensors.items()
    }


def vae_tensors(tensors: Mapping[str, Tensor], levels: int) -> dict[str, Tensor]:
    """A diffusers AutoencoderKL's tensors under their original names.

    There, attention is made of 1 x 1 convolutions.
    """
    out = {}
    for name, tensor in tensors.items():
        if ".attentions." in name and name.endswith("weight") and tensor.ndim == 2:
            tensor = tensor[:, :, None, None]
        out["first_stage_model." + vae_key(name, levels)] = tensor
    return out


def text_tensors(tensors: Mapping[str, Tensor], facts: TextEncoder) -> dict[str, Tensor]:
    """A transformers CLIP encoder's tensors under the names its family's files have."""
    plain = {name.removeprefix("text_model."): tensor for name, tensor in tensors.items()}
    if facts.layout == "transformers":
        return {f"{facts.prefix}text_model.{name}": tensor for name, tensor in plain.items()}
    return {facts.prefix + name: tensor for name, tensor in _open_clip(plain).items()}


def _open_clip(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """OpenCLIP keeps query, key and value in one matrix and multiplies by its projection."""
    out = {}
    for name, tensor in tensors.items():
        block = re.match(r"encoder\.layers\.(\d+)\.(.+)\.(weight|bias)", name)
        if name == "text_projection.weight":
            out["text_projection"] = tensor.T
        elif block is None:
            out[_OPEN_CLIP_ENDS[name]] = tensor
        else:
            index, part, kind = block.groups()
            start = f"transformer.resblocks.{index}."
            if part in _OPEN_CLIP_BLOCK:
                out[f"{start}{_OPEN_CLIP_BLOCK[part]}.{kind}"] = tensor
            elif part == "self_attn.q_proj":
                three = [tensors[name.replace("q_proj", f"{x}_proj")] for x in "qkv"]
                out[f"{start}attn.in_proj_{kind}"] = torch.cat(three)
    return out
