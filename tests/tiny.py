"""Tiny real models of every family: a few thousandths of the size, nothing left out.

    tiny.pipeline("sdxl")                diffusers' own pipeline over random weights: the oracle
    tiny.save_single_file("sd1", path)   the very same weights, as an artist's file has them
    tiny.install(tmp_path)               all of them in a drop folder, with their presets

Weights are random but the same each time; no two tensors are alike, so no mix-up goes unseen.
The tokenizer and its vocabulary are the real ones, so real prompts work. Pictures are 64x64.
"""

from __future__ import annotations

import functools
import gzip
import importlib.util
import json
import tempfile
import zlib
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    DiffusionPipeline,
    EulerDiscreteScheduler,
    StableDiffusionInpaintPipeline,
    StableDiffusionPipeline,
    StableDiffusionXLImg2ImgPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from pipelines.catalog import Catalog
from pipelines.models.loader import LoadedCheckpoint, load_checkpoint
from tests.original_layout import text_to_original, unet_to_original, vae_to_original

NAMES = ("sd1", "sd2", "sd2-v", "sdxl")
"""The text-to-image models. `sd1-inpaint` and `sdxl-refiner` are there as well."""

ALL_NAMES = (*NAMES, "sd1-inpaint", "sdxl-refiner")

SIDE = 64


class TextStyle(NamedTuple):
    """Where a text encoder stands in the original file, and which token fills its chunks."""

    component: str
    prefix: str
    layout: Literal["transformers", "open_clip"]
    pad: str


CLIP_L = TextStyle(
    "text_encoder", "cond_stage_model.transformer.text_model.", "transformers", "<|endoftext|>"
)
OPEN_CLIP_H = TextStyle("text_encoder", "cond_stage_model.model.", "open_clip", "!")
XL_CLIP_L = CLIP_L._replace(prefix="conditioner.embedders.0.transformer.text_model.")
XL_OPEN_CLIP_G = TextStyle("text_encoder_2", "conditioner.embedders.1.model.", "open_clip", "!")
REFINER_G = XL_OPEN_CLIP_G._replace(prefix="conditioner.embedders.0.model.")

ENCODERS: dict[str, tuple[TextStyle, ...]] = {
    "sd1": (CLIP_L,),
    "sd1-inpaint": (CLIP_L,),
    "sd2": (OPEN_CLIP_H,),
    "sd2-v": (OPEN_CLIP_H,),
    "sdxl": (XL_CLIP_L, XL_OPEN_CLIP_G),
    "sdxl-refiner": (REFINER_G,),
}

FAMILY = {"sd1-inpaint": "sd1", "sd2-v": "sd2"}

_FIRST_CROSS = {
    "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"],
    "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D"],
}
_LAST_CROSS = {
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D"],
    "up_block_types": ["CrossAttnUpBlock2D", "UpBlock2D"],
}
_SD1_UNET = {**_FIRST_CROSS, "cross_attention_dim": 32, "attention_head_dim": 4}
_SD2_UNET = {
    **_FIRST_CROSS,
    "cross_attention_dim": 48,
    "attention_head_dim": [2, 4],
    "use_linear_projection": True,
    "upcast_attention": True,
}
_SDXL_UNET = {
    **_LAST_CROSS,
    "cross_attention_dim": 80,
    "attention_head_dim": [2, 4],
    "use_linear_projection": True,
    "transformer_layers_per_block": [1, 2],
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 8,
    "projection_class_embeddings_input_dim": 6 * 8 + 48,
}
_UNETS: dict[str, dict[str, Any]] = {
    "sd1": _SD1_UNET,
    "sd1-inpaint": {**_SD1_UNET, "in_channels": 9},
    "sd2": _SD2_UNET,
    "sd2-v": _SD2_UNET,
    "sdxl": _SDXL_UNET,
    "sdxl-refiner": {
        **_SDXL_UNET,
        "cross_attention_dim": 48,
        "projection_class_embeddings_input_dim": 5 * 8 + 48,
    },
}
PIPELINES = {
    "sd1": StableDiffusionPipeline,
    "sd1-inpaint": StableDiffusionInpaintPipeline,
    "sd2": StableDiffusionPipeline,
    "sd2-v": StableDiffusionPipeline,
    "sdxl": StableDiffusionXLPipeline,
    "sdxl-refiner": StableDiffusionXLImg2ImgPipeline,
}
"""diffusers' pipeline class for each tiny model."""


def configs(name: str) -> dict[str, dict[str, Any]]:
    """The component configs of a tiny model, as they stand in its preset folder."""
    xl = name.startswith("sdxl")
    unet = {
        "_class_name": "UNet2DConditionModel",
        "in_channels": 4,
        "block_out_channels": [32, 64],
        "layers_per_block": 1,
        "norm_num_groups": 32,
        "sample_size": SIDE // 8,
        **_UNETS[name],
    }
    vae = {
        "_class_name": "AutoencoderKL",
        "block_out_channels": [32] * 4,
        "down_block_types": ["DownEncoderBlock2D"] * 4,
        "up_block_types": ["UpDecoderBlock2D"] * 4,
        "layers_per_block": 1,
        "latent_channels": 4,
        "sample_size": SIDE,
        "scaling_factor": 0.13025 if xl else 0.18215,
        "force_upcast": xl,
    }
    scheduler = {
        "_class_name": "EulerDiscreteScheduler" if xl else "DDIMScheduler",
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "num_train_timesteps": 1000,
        "steps_offset": 1,
        "prediction_type": "v_prediction" if name == "sd2-v" else "epsilon",
        **({"timestep_spacing": "leading"} if xl else {"clip_sample": False}),
        **({} if xl else {"set_alpha_to_one": False}),
    }
    encoders = {style.component: _text_config(style) for style in ENCODERS[name]}
    return {"unet": unet, "vae": vae, "scheduler": scheduler, **encoders}


def _text_config(style: TextStyle) -> dict[str, Any]:
    open_clip = style.layout == "open_clip"
    width = 48 if open_clip else 32
    projected = style.component == "text_encoder_2"
    return {
        "architectures": ["CLIPTextModelWithProjection" if projected else "CLIPTextModel"],
        "model_type": "clip_text_model",
        "hidden_size": width,
        "intermediate_size": 2 * width,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "hidden_act": "gelu" if open_clip else "quick_gelu",
        "projection_dim": width,
        "max_position_embeddings": 77,
        "vocab_size": 49408,
        "bos_token_id": 49406,
        "eos_token_id": 49407,
        "pad_token_id": 1,
    }


def components(name: str) -> dict[str, nn.Module]:
    """Fresh modules of a tiny model in float32, by component: unet, vae, text_encoder, ..."""
    made: dict[str, nn.Module] = {}
    for component, config in configs(name).items():
        if component == "unet":
            module = UNet2DConditionModel.from_config(config)
        elif component == "vae":
            module = AutoencoderKL.from_config(config)
        elif component == "scheduler":
            continue
        elif config["architectures"] == ["CLIPTextModelWithProjection"]:
            module = CLIPTextModelWithProjection(CLIPTextConfig(**config))
        else:
            module = CLIPTextModel(CLIPTextConfig(**config))
        _fill(module, seed=zlib.crc32(f"{name}/{component}".encode()))
        made[component] = module.eval().requires_grad_(False)
    return made


@torch.no_grad()
def _fill(module: nn.Module, seed: int) -> None:
    """Random weights that keep signals near unit size; norms and biases are random as well."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in module.named_parameters():
        noise = torch.randn(tensor.shape, generator=generator)
        if "embedding.weight" in name:
            tensor.copy_(noise)
        elif tensor.ndim > 1:
            tensor.copy_(noise / tensor[0].numel() ** 0.5)
        elif name.endswith("weight"):
            tensor.copy_(1 + 0.1 * noise)
        else:
            tensor.copy_(0.1 * noise)


def pipeline(name: str) -> DiffusionPipeline:
    """diffusers' own pipeline over `components(name)`, in float32 on the CPU."""
    kind = PIPELINES[name]
    scheduler = configs(name)["scheduler"]
    schedulers = {"DDIMScheduler": DDIMScheduler, "EulerDiscreteScheduler": EulerDiscreteScheduler}
    tokenizers = {
        style.component.replace("text_encoder", "tokenizer"): tokenizer(style.pad)
        for style in ENCODERS[name]
    }
    more: dict[str, Any] = {"safety_checker": None, "feature_extractor": None}
    if kind in (StableDiffusionXLPipeline, StableDiffusionXLImg2ImgPipeline):
        more = {"add_watermarker": False}
    else:
        more["requires_safety_checker"] = False
    if name == "sdxl-refiner":
        more |= {"text_encoder": None, "tokenizer": None, "requires_aesthetics_score": True}
        more["force_zeros_for_empty_prompt"] = False
    made = kind(
        **components(name),
        **tokenizers,
        scheduler=schedulers[scheduler["_class_name"]].from_config(scheduler),
        **more,
    )
    made.set_progress_bar_config(disable=True)
    return made


def tokenizer(pad: str = "<|endoftext|>") -> CLIPTokenizer:
    """The CLIP tokenizer, filling up with `pad`.

    The padding is set after construction: given to the constructor, "!" would become a special
    token wherever it stands in a prompt.
    """
    vocabulary, merges = _vocabulary()
    made = CLIPTokenizer(vocab=dict(vocabulary), merges=list(merges), model_max_length=77)
    made.pad_token = pad
    return made


@functools.cache
def _vocabulary() -> tuple[dict[str, int], list[tuple[str, str]]]:
    found = importlib.util.find_spec("open_clip")
    assert found is not None and found.origin is not None
    file = Path(found.origin).with_name("bpe_simple_vocab_16e6.txt.gz")
    lines = gzip.decompress(file.read_bytes()).decode().split("\n")[1:48895]
    merges = [(first, second) for first, second in (line.split() for line in lines)]
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    letters = [chr(byte) for byte in printable] + [chr(256 + i) for i in range(len(others))]
    words = [*letters, *(f"{letter}</w>" for letter in letters)]
    words += ["".join(pair) for pair in merges] + ["<|startoftext|>", "<|endoftext|>"]
    return {word: i for i, word in enumerate(words)}, merges


def state_dict(name: str) -> dict[str, Tensor]:
    """Every tensor of the original single file, float32, with what real files carry besides."""
    made = components(name)
    config = configs(name)
    tensors = unet_to_original(made["unet"].state_dict(), config["unet"]["layers_per_block"])
    tensors |= vae_to_original(made["vae"].state_dict(), blocks=4)
    for style in ENCODERS[name]:
        tensors |= text_to_original(made[style.component].state_dict(), style.prefix, style.layout)
        tensors |= _beside(name, style)
    if not name.startswith("sdxl"):
        tensors["alphas_cumprod"] = torch.linspace(1, 0, 1000)
        tensors["model_ema.decay"] = torch.tensor(0.9999)
        tensors["model_ema.diffusion_modelinput_blocks00weight"] = torch.zeros(32, 4, 3, 3)
    return tensors


def _beside(name: str, style: TextStyle) -> dict[str, Tensor]:
    """What stands beside a text encoder's weights and is not used."""
    if style.layout == "transformers":
        return {f"{style.prefix}embeddings.position_ids": torch.arange(77)[None]}
    beside = {f"{style.prefix}logit_scale": torch.tensor(4.6)}
    if name.startswith("sd2"):
        # SD 2 was trained on the last layer but one, and ships the last one too.
        block = f"{style.prefix}transformer.resblocks.3."
        beside[f"{block}attn.in_proj_weight"] = torch.zeros(144, 48)
        beside[f"{block}attn.in_proj_bias"] = torch.zeros(144)
        beside[f"{block}ln_1.weight"] = torch.zeros(48)
        beside[f"{style.prefix}text_projection"] = torch.zeros(48, 48)
    return beside


def save_single_file(name: str, path: Path, dtype: torch.dtype = torch.float32) -> Path:
    """Write a tiny model as one file in the original layout; returns `path`."""
    tensors = {
        key: (value.to(dtype) if value.is_floating_point() else value).contiguous().clone()
        for key, value in state_dict(name).items()
    }
    metadata = {"modelspec.prediction_type": "v"} if name == "sd2-v" else {}
    save_file(tensors, path, metadata={"format": "pt", **metadata})
    return path


def save_preset(name: str, folder: Path) -> Path:
    """Write the component configs and `variant.json` into `folder`; returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    for component, config in configs(name).items():
        file = "scheduler_config.json" if component == "scheduler" else "config.json"
        (folder / component).mkdir(exist_ok=True)
        (folder / component / file).write_text(json.dumps(config, indent=1))
    (folder / "model_index.json").write_text(json.dumps(_model_index(name), indent=1))
    unet = configs(name)["unet"]
    tasks = {"sd1-inpaint": "inpaint", "sdxl-refiner": "refine"}
    variant = {
        "name": f"tiny-{name}",
        "family": FAMILY.get(name, name),
        "label": f"Tiny {name}",
        "context_dim": unet["cross_attention_dim"],
        "in_channels": unet["in_channels"],
        "model_channels": unet["block_out_channels"][0],
        "prediction_type": configs(name)["scheduler"]["prediction_type"],
        "hints": ["sd2-v"] if name == "sd2-v" else [],
        "sizes": [{"width": SIDE, "height": SIDE}, {"width": 2 * SIDE, "height": SIDE}],
        "defaults": {"steps": 4, "sampler": "Euler"},
        "task": tasks.get(name, "text-to-image"),
    }
    (folder / "variant.json").write_text(json.dumps(variant, indent=1))
    return folder


def _model_index(name: str) -> dict[str, Any]:
    index: dict[str, Any] = {
        "_class_name": PIPELINES[name].__name__,
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
        "scheduler": ["diffusers", configs(name)["scheduler"]["_class_name"]],
        "text_encoder": [None, None],
        "tokenizer": [None, None],
    }
    for style in ENCODERS[name]:
        architecture = configs(name)[style.component]["architectures"][0]
        index[style.component] = ["transformers", architecture]
        index[style.component.replace("text_encoder", "tokenizer")] = [
            "transformers",
            "CLIPTokenizer",
        ]
    if not name.startswith("sdxl"):
        return {**index, "safety_checker": [None, None], "feature_extractor": [None, None]}
    return {**index, "requires_aesthetics_score": True} if name == "sdxl-refiner" else index


def install(tmp: Path, names: tuple[str, ...] = NAMES) -> tuple[Path, Path]:
    """Put tiny models where the catalog finds them: `(models folder, presets folder)`.

    The files are `checkpoints/tiny-<name>.safetensors`, the presets `families/tiny-<name>/`.
    """
    models, presets = tmp / "models", tmp / "presets"
    (models / "checkpoints").mkdir(parents=True)
    for name in names:
        save_single_file(name, models / "checkpoints" / f"tiny-{name}.safetensors")
        save_preset(name, presets / "families" / f"tiny-{name}")
    return models, presets


@functools.cache
def loaded(name: str) -> LoadedCheckpoint:
    """The same weights as our own loader makes them, in float32 on the CPU."""
    with tempfile.TemporaryDirectory() as folder:
        models, presets = install(Path(folder), (name,))
        chosen = Catalog.open([models], presets=[presets]).checkpoint(f"tiny-{name}")
        return load_checkpoint(
            chosen.path,
            chosen.family,
            chosen.variant,
            dtype=torch.float32,
            device=torch.device("cpu"),
        )
