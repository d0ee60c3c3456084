"""Where a checkpoint's tensors are, and what the modules call them.

Tensors lie in the mapped file: nothing is read here but headers and configs.
"""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from pipelines.errors import ModelFileError
from pipelines.library.header import is_pickled, read_header
from pipelines.library.kinds import Family, TextEncoder, Variant
from pipelines.library.pipeline_folder import weight_files
from pipelines.library.text import file_name
from pipelines.library.unet import UNET, VAE
from pipelines.models.contents import mapped
from pipelines.models.names import (
    text_from_original,
    text_name,
    unet_from_original,
    vae_from_original,
    vae_name,
)
from pipelines.models.pickled import read_pickled
from pipelines.models.skeleton import read_config

SCALES = (".scale_weight", ".weight_scale", "scaled_fp8")
"""Ends of names by which float8 files say that their weights are not to be taken as they are."""

_VAE_PARTS = ("encoder.", "decoder.", "quant_conv.", "post_quant_conv.")
_DIFFUSERS_VAE = ("encoder.down_blocks.", "decoder.up_blocks.")

Parts = dict[str, dict[str, Tensor]]
"""Tensors by component and by their names in its module, a text encoder's without `text_model.`;
a component that the file does not have is empty."""


def read_parts(path: Path, family: Family, variant: Variant, allow_pickle: bool) -> Parts:
    """The parts of a checkpoint: of a folder in diffusers' layout, or of a single file in the
    original layout.

    Raises ModelFileError.
    """
    if path.is_dir():
        return _read_folder(path, family)
    return _read_single_file(path, family, variant.folder, allow_pickle)


def _read_single_file(path: Path, family: Family, configs: Path, allow_pickle: bool) -> Parts:
    encoders = {facts.component: facts for facts in family.encoders}
    prefixes = {"unet": UNET, "vae": VAE} | {
        component: facts.prefix for component, facts in encoders.items()
    }
    if not is_pickled(path):
        tensors = _mapped(path, tuple(prefixes.values()))
    elif allow_pickle:
        tensors = read_pickled(path)
    else:
        raise ModelFileError(
            f"{file_name(path)} is a pickled file, which could run programs.",
            "Get it as .safetensors, or make it one, running nothing: gesso convert FILE.",
        )
    parts: Parts = {}
    for component, prefix in prefixes.items():
        part = {key: tensor for key, tensor in tensors.items() if key.startswith(prefix)}
        try:
            parts[component] = _converted(component, part, encoders.get(component), configs)
        except (LookupError, ValueError, RuntimeError) as error:
            raise ModelFileError(
                f"{file_name(path)} is damaged: tensors of its {component} are missing or not of "
                "the right shape.",
                "Copy or download the file again.",
            ) from error
    return parts


def read_vae(path: Path, configs: Path) -> dict[str, Tensor]:
    """The tensors of a VAE, by their names in its module: from a file of its own, in the original
    layout or in diffusers', or from a whole checkpoint.

    Raises ModelFileError.
    """
    tensors = read_pickled(path) if is_pickled(path) else _mapped(path)
    plain = {
        key.removeprefix(VAE): tensor
        for key, tensor in tensors.items()
        if key.removeprefix(VAE).startswith(_VAE_PARTS)
    }
    if not plain:
        raise ModelFileError(f"{file_name(path)} holds no VAE.", "Choose a VAE's file.")
    if any(key.startswith(_DIFFUSERS_VAE) for key in plain):
        return {vae_name(key): tensor for key, tensor in plain.items()}
    original = {f"{VAE}{key}": tensor for key, tensor in plain.items()}
    try:
        return vae_from_original(original, read_config(configs, "vae"))
    except (LookupError, ValueError, RuntimeError) as error:
        raise ModelFileError(
            f"{file_name(path)} is damaged: tensors of the VAE are missing or not of the right "
            "shape.",
            "Copy or download the file again.",
        ) from error


def _converted(
    component: str, tensors: dict[str, Tensor], facts: TextEncoder | None, configs: Path
) -> dict[str, Tensor]:
    if not tensors:
        return {}
    if facts is not None:
        return text_from_original(tensors, facts)
    convert = unet_from_original if component == "unet" else vae_from_original
    return convert(tensors, read_config(configs, component))


def _read_folder(folder: Path, family: Family) -> Parts:
    texts = [facts.component for facts in family.encoders]
    renames = {"unet": str, "vae": vae_name} | dict.fromkeys(texts, text_name)
    return {
        component: {
            rename(key): tensor
            for file in weight_files(folder / component)
            for key, tensor in _mapped(file).items()
        }
        for component, rename in renames.items()
    }


def _mapped(path: Path, prefixes: tuple[str, ...] = ("",)) -> dict[str, Tensor]:
    """The tensors of a safetensors file whose names start so, where they can be taken as they
    are."""
    header = read_header(path)
    if any(key.endswith(SCALES) for key in header.tensors):
        raise ModelFileError(
            f"{file_name(path)} holds float8 weights with scales of their own, which Gesso does "
            "not read yet.",
            "Get the model in float16 or bfloat16.",
        )
    return mapped(path, header, prefixes)
