"""Diffusers folders: a checkpoint as one folder per component."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.errors import ModelFileError
from pipelines.library.header import Header, read_header
from pipelines.library.kinds import Shape
from pipelines.library.sidecars import read_json
from pipelines.library.text import file_name
from pipelines.recipe import PredictionType

LIBRARIES = frozenset(("diffusers", "transformers", "stable_diffusion"))
"""Where the classes of an honest `model_index.json` come from."""

TEXT_ENCODERS = ("text_encoder", "text_encoder_2", "text_encoder_3")


@dataclass(frozen=True)
class PipelineFolder:
    """What the configs of a diffusers folder say. `layouts` tells, for each text encoder there
    is, whose CLIP it is: OpenAI's own ("transformers") or OpenCLIP's ("open_clip")."""

    name: str
    shape: Shape
    layouts: Mapping[str, str]
    prediction: PredictionType | None
    dtype: str | None


def read_pipeline(folder: Path) -> PipelineFolder:
    """Read the configs and the headers of the weights, not the weights.

    Raises ModelFileError when the folder asks for code of its own, or is not complete.
    """
    name = file_name(folder)
    index = read_json(str(folder / "model_index.json"))
    if not index:
        raise ModelFileError(f"{name}/model_index.json cannot be read.", "Get the folder again.")
    _refuse_code(index, name)
    present = [key for key in TEXT_ENCODERS if _is_component(index.get(key))]
    unet = read_json(str(folder / "unet" / "config.json"))
    try:
        shape = Shape(
            unet["cross_attention_dim"], unet["in_channels"], unet["block_out_channels"][0]
        )
    except (KeyError, TypeError, IndexError) as error:
        raise ModelFileError(
            f"{name} is a diffusers folder without the UNet of a Stable Diffusion model.",
            "Choose an SD 1.x, SD 2.x or SDXL model.",
        ) from error
    headers = {part: _header(folder, part) for part in ("unet", "vae", *present)}
    scheduler = read_json(str(folder / "scheduler" / "scheduler_config.json"))
    stated = scheduler.get("prediction_type", "epsilon" if scheduler else None)
    return PipelineFolder(
        name=name,
        shape=shape,
        layouts={key: _layout(folder / key) for key in present},
        prediction=stated if stated in ("epsilon", "v_prediction") else None,
        dtype=headers["unet"].dtype,
    )


def _is_component(value: Any) -> bool:
    """Components are pairs of a library and a class; one that is left out is a pair of nulls."""
    return isinstance(value, list) and len(value) == 2 and value[0] is not None


def _refuse_code(index: Mapping[str, Any], name: str) -> None:
    libraries = [v[0] for k, v in index.items() if not k.startswith("_") and _is_component(v)]
    known = all(isinstance(library, str) and library in LIBRARIES for library in libraries)
    if not known or not isinstance(index.get("_class_name"), str):
        raise ModelFileError(
            f"{name} wants to run code of its own, which Gesso does not do.",
            "Get the model as a single .safetensors file.",
        )


def _layout(folder: Path) -> str:
    # OpenAI trained CLIP with the quick form of GELU, OpenCLIP with the exact one.
    activation = read_json(str(folder / "config.json")).get("hidden_act")
    return "transformers" if activation == "quick_gelu" else "open_clip"


def weight_files(component: Path) -> list[Path]:
    """The safetensors files of a component's folder, in full precision if it is there: one, or
    the shards of an index, or none. Raises ModelFileError for an index that makes no sense."""
    stem = "model" if component.name.startswith("text_encoder") else "diffusion_pytorch_model"
    for edition in ("", ".fp16"):
        single = component / f"{stem}{edition}.safetensors"
        if single.exists():
            return [single]
        index = component / f"{stem}.safetensors.index{edition}.json"
        if index.exists():
            return _shards(index)
    return []


def _shards(index: Path) -> list[Path]:
    weights = read_json(str(index)).get("weight_map")
    names = sorted(set(map(str, weights.values()))) if isinstance(weights, dict) else []
    if not names or any(Path(n).name != n or Path(n).suffix != ".safetensors" for n in names):
        raise ModelFileError(
            f"{file_name(index)} cannot be read.", "Copy or download the folder again."
        )
    return [index.with_name(name) for name in names]


def _header(folder: Path, component: str) -> Header:
    """Header of a component's weights; there may be several editions, of which all must do."""
    headers = [read_header(file) for file in sorted((folder / component).glob("*.safetensors"))]
    if not headers:
        raise ModelFileError(
            f"{file_name(folder)} has no {component} weights as .safetensors.",
            "Get the complete folder with safetensors files.",
        )
    return headers[0]
