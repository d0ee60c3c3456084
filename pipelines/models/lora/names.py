"""What LoRAs call the modules of a checkpoint.

Trainers name a module as diffusers and transformers do (`down_blocks.0...`) or as the original
checkpoints do (`input_blocks.1...`), behind a prefix of their own, and kohya's write underscores
for dots. Read with underscores throughout, each component has one table of names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from torch import nn

from pipelines.library.kinds import TextEncoder
from pipelines.models.lora.change import Key
from pipelines.models.names import text_name
from pipelines.models.skeleton import text_skeleton, unet_skeleton

_PREFIXES = {
    "lora_unet_": "unet",
    "oft_unet_": "unet",
    "unet_": "unet",
    "lycoris_": "unet",
    "diffusion_model_": "unet",
    "base_model_model_": "unet",
    "model_diffusion_model_": "unet",
    "text_encoder_": "text_encoder",
    "text_encoder_2_": "text_encoder_2",
    "text_encoders_clip_l_transformer_": "text_encoder",
    "text_encoders_clip_h_transformer_": "text_encoder",
    "text_encoders_clip_g_transformer_": "text_encoder_2",
    "lora_te2_": "text_encoder_2",
}
"""By which a module's name says what component it is in; `lora_te_` means the only text encoder,
`lora_te1_` the first of two."""

_RESNET = {
    "norm1": "in_layers_0",
    "conv1": "in_layers_2",
    "time_emb_proj": "emb_layers_1",
    "norm2": "out_layers_0",
    "conv2": "out_layers_3",
    "conv_shortcut": "skip_connection",
}
_UNET_ENDS = {
    "conv_in": "input_blocks_0_0",
    "conv_norm_out": "out_0",
    "conv_out": "out_2",
    "time_embedding.linear_1": "time_embed_0",
    "time_embedding.linear_2": "time_embed_2",
    "add_embedding.linear_1": "label_emb_0_0",
    "add_embedding.linear_2": "label_emb_0_2",
}
_OPEN_CLIP = {
    "embeddings.token_embedding": "token_embedding",
    "embeddings.position_embedding": "positional_embedding",
    "final_layer_norm": "ln_final",
}
_OPEN_CLIP_LAYER = {
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "self_attn.out_proj": "attn_out_proj",
    "mlp.fc1": "mlp_c_fc",
    "mlp.fc2": "mlp_c_proj",
}


@dataclass(frozen=True)
class Place:
    """Where a change goes: a module, or the three projections that OpenCLIP keeps as the rows of
    one. `transposed`: its weight is kept the other way round."""

    component: str
    modules: tuple[str, ...]
    transposed: bool = False


@dataclass(frozen=True)
class Names:
    """What LoRAs call a variant's modules, and the shapes of its weights."""

    shapes: Mapping[Key, tuple[int, ...]]
    places: Mapping[str, Place]
    prefixes: tuple[str, ...]

    def find(self, name: str) -> Place | None:
        """The place that a LoRA calls by this name, if the variant has it."""
        return self.places.get(_plain(name))

    def claims(self, name: str) -> bool:
        """Whether a name is of a UNet or a text encoder, be it this variant's or not."""
        return _plain(name).startswith(self.prefixes)


@lru_cache(maxsize=8)  # Of configs that no one changes: a value, and it takes up to a second.
def names_of(configs: Path, encoders: tuple[TextEncoder, ...]) -> Names:
    """The names of the modules that these component configs make, with a family's text encoders.

    Raises ModelFileError where they make none.
    """
    modules: dict[str, nn.Module] = {"unet": unet_skeleton(configs)}
    for encoder in encoders:
        modules[encoder.component] = text_skeleton(configs, encoder.component)
    shapes = {
        Key(component, name): tuple(parameter.shape)
        for component, module in modules.items()
        for name, parameter in module.named_parameters()
    }
    tables = {component: _table(component, shapes) for component in modules}
    prefixes = _prefixes(encoders)
    places = dict(tables["unet"])
    for prefix, component in prefixes.items():
        for name, place in tables.get(component, {}).items():
            places[prefix + name] = place
    for encoder in encoders:
        projection = f"{_plain(encoder.prefix)}text_projection"
        if encoder.layout == "open_clip" and projection in places:
            # OpenCLIP multiplies by it from the right, transformers has a linear layer.
            places[projection] = replace(places[projection], transposed=True)
    return Names(shapes, places, tuple(prefixes))


def _prefixes(encoders: tuple[TextEncoder, ...]) -> dict[str, str]:
    """The component that each prefix means; it may be one of other families."""
    first, *more = (encoder.component for encoder in encoders)
    named = {_plain(encoder.prefix): encoder.component for encoder in encoders}
    only, one_of_two = ("", first) if more else (first, "")
    return {**_PREFIXES, **named, "lora_te_": only, "lora_te1_": one_of_two}


def _plain(name: str) -> str:
    return name.replace(".", "_")


def _table(component: str, shapes: Iterable[Key]) -> dict[str, Place]:
    """The modules of a component by each of their names."""
    weights = dict.fromkeys(key.name for key in shapes if key.component == component)
    modules = list(dict.fromkeys(name.rpartition(".")[0] for name in weights))
    named = _unet_names(modules) if component == "unet" else _text_names(modules)
    return {name: Place(component, places) for name, places in named}


def _unet_names(modules: Iterable[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    modules = list(modules)
    resnets = [re.match(r"down_blocks\.0\.resnets\.(\d+)", name) for name in modules]
    per_block = 2 + max(int(found[1]) for found in resnets if found)
    attentive = {name.partition(".attentions")[0] for name in modules if ".attentions" in name}
    for name in modules:
        yield _plain(name), (name,)
        yield _original_unet_name(name, per_block, attentive), (name,)
        if name.endswith(".to_out.0"):
            yield _plain(name.removesuffix(".0")), (name,)


def _original_unet_name(name: str, per_block: int, attentive: set[str]) -> str:
    """A UNet module's name in the original layout. It counts blocks through: `per_block` of each
    resolution, down or up; the way down begins with the first convolution."""
    if name in _UNET_ENDS:
        return _UNET_ENDS[name]
    side, *rest = name.split(".")
    if side == "mid_block":
        place = {"resnets.0": 0, "attentions.0": 1, "resnets.1": 2}[".".join(rest[:2])]
        return f"middle_block_{place}_{_inner(rest[0], rest[2:])}"
    block, kind, layer, *inner = rest
    down = side == "down_blocks"
    where = "input_blocks" if down else "output_blocks"
    first = int(block) * per_block + down
    last = first + per_block - 1
    if kind == "downsamplers":
        return f"{where}_{last}_0_op"
    if kind == "upsamplers":
        return f"{where}_{last}_{2 if f'{side}.{block}' in attentive else 1}_conv"
    return f"{where}_{first + int(layer)}_{int(kind == 'attentions')}_{_inner(kind, inner)}"


def _inner(kind: str, parts: list[str]) -> str:
    name = "_".join(parts)
    return _RESNET[name] if kind == "resnets" else name


def _text_names(modules: Iterable[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for module in modules:
        name = text_name(module)
        yield _plain(name), (module,)
        yield f"text_model_{_plain(name)}", (module,)
        if name in _OPEN_CLIP:
            yield _OPEN_CLIP[name], (module,)
        elif match := re.fullmatch(r"encoder\.layers\.(\d+)\.(.+)", name):
            yield from _layer_names(module, match[1], match[2])


def _layer_names(module: str, layer: str, part: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    block = f"transformer_resblocks_{layer}_"
    attention, _, projection = part.rpartition(".")
    if part in _OPEN_CLIP_LAYER:
        yield block + _OPEN_CLIP_LAYER[part], (module,)
    elif projection == "q_proj":
        start = module.removesuffix(projection)
        yield f"{block}attn_in_proj", tuple(f"{start}{each}_proj" for each in "qkv")
    if attention == "self_attn":  # As diffusers named its attention until 2023.
        old = "to_" + projection.removesuffix("_proj")
        yield f"text_model_encoder_layers_{layer}_self_attn_{old}", (module,)
