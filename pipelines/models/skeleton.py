"""Modules without weights, made from component configs in milliseconds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from pipelines.errors import ModelFileError
from pipelines.library.text import file_name
from pipelines.samplers.base import rescale_to_zero_terminal_snr

if TYPE_CHECKING:
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTextModelWithProjection


def read_config(folder: Path, component: str) -> dict[str, Any]:
    """The config of a component: `<folder>/<component>/config.json`, or the scheduler's.

    Raises ModelFileError.
    """
    file = "scheduler_config.json" if component == "scheduler" else "config.json"
    try:
        config = json.loads((folder / component / file).read_bytes())
    except FileNotFoundError as error:
        raise ModelFileError(
            f"{file_name(folder)} has no {component}/{file}.",
            "Get the whole folder, with the configs of all its parts.",
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise _unusable(folder, component) from error
    if not isinstance(config, dict):
        raise _unusable(folder, component)
    return config


def unet_skeleton(folder: Path) -> UNet2DConditionModel:
    """The UNet of a config folder on the meta device: shapes, but no weights.

    This and its sisters choose the class themselves: code that a folder brings along is never
    run. They raise ModelFileError for a config that makes no module.
    """
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    with _weightless(folder, "unet") as config:
        return cast("UNet2DConditionModel", UNet2DConditionModel.from_config(config))


def vae_skeleton(folder: Path) -> AutoencoderKL:
    """The VAE of a config folder, likewise."""
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    with _weightless(folder, "vae") as config:
        return cast("AutoencoderKL", AutoencoderKL.from_config(config))


def text_skeleton(folder: Path, component: str) -> CLIPTextModel | CLIPTextModelWithProjection:
    """A text encoder of a config folder, likewise."""
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    with _weightless(folder, component) as config:
        projects = config.get("architectures") == ["CLIPTextModelWithProjection"]
        kind = CLIPTextModelWithProjection if projects else CLIPTextModel
        # With the end token's id of the published configs (2), a pooled vector is taken at the
        # largest id of a prompt, which is an embedding's as soon as there is one.
        return kind(CLIPTextConfig(**{**config, "eos_token_id": 49407}))


@contextmanager
def _weightless(folder: Path, component: str) -> Iterator[dict[str, Any]]:
    from transformers.initialization import no_init_weights

    config = read_config(folder, component)
    try:
        with torch.device("meta"), no_init_weights():
            yield config
    except (TypeError, ValueError, KeyError, AttributeError, RuntimeError) as error:
        raise _unusable(folder, component) from error


def restore_buffers(module: nn.Module, device: torch.device) -> None:
    """Give a module what is in no file: a text encoder counts its positions."""
    for part in module.modules():
        positions = part._buffers.get("position_ids")
        if positions is not None:
            part.position_ids = torch.arange(positions.shape[-1], device=device).expand(1, -1)


def alphas_cumprod(folder: Path) -> Tensor:
    """Share of signal left at each training timestep, float64 [timesteps], from the scheduler's
    config (Ho et al. 2020, section 2; "scaled_linear" is Rombach et al. 2022's, linear in the
    square root of beta).

    Raises ModelFileError.
    """
    config = read_config(folder, "scheduler")
    try:
        start, end = float(config["beta_start"]), float(config["beta_end"])
        power = {"linear": 1, "scaled_linear": 2}[config["beta_schedule"]]
        steps = int(config["num_train_timesteps"])
        betas = torch.linspace(start ** (1 / power), end ** (1 / power), steps, dtype=torch.float64)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise _unusable(folder, "scheduler") from error
    alphas = torch.cumprod(1 - betas**power, dim=0)
    if config.get("rescale_betas_zero_snr"):
        return torch.from_numpy(rescale_to_zero_terminal_snr(alphas.numpy()))
    return alphas


def _unusable(folder: Path, component: str) -> ModelFileError:
    return ModelFileError(
        f"The {component} config of {file_name(folder)} cannot be used.",
        "Get the folder again; its configs must be those of a Stable Diffusion model.",
    )
