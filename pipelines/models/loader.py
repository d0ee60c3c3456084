"""A checkpoint file becomes modules, at little more than the cost of reading its bytes.

The file is mapped, its names are converted, the modules are made without weights, and then take
the mapped tensors as they are. Only where device or dtype differ is anything copied.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from pipelines.errors import Cancelled, ModelFileError
from pipelines.library.header import unreadable
from pipelines.library.kinds import Family, TextEncoder, Variant
from pipelines.library.text import file_name
from pipelines.models.convert import text_name
from pipelines.models.skeleton import (
    alphas_cumprod,
    restore_buffers,
    text_skeleton,
    unet_skeleton,
    vae_skeleton,
)
from pipelines.models.weights import Parts, read_parts

if TYPE_CHECKING:
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    from pipelines.models.embeddings import Embedding
    from pipelines.models.hypernetworks import Hypernetwork

_LABELS = {"unet": "UNet", "vae": "VAE", "text_encoder_2": "OpenCLIP text encoder"}


@dataclass(frozen=True, eq=False)
class Encoder:
    """A text encoder and how its family uses it."""

    facts: TextEncoder
    module: CLIPTextModel | CLIPTextModelWithProjection


@dataclass(frozen=True, eq=False)
class LoadedCheckpoint:
    """A checkpoint ready to paint.

    All modules are in evaluation mode, without gradients, of `dtype` and on `device`.
    `alphas_cumprod` is the share of signal left at each training timestep: float64
    [timesteps], falling, on the CPU.

    On the CPU, weights whose dtype is the file's are the mapped file: it must not be
    overwritten in place as long as they live, only replaced.
    """

    family: Family
    variant: Variant
    unet: UNet2DConditionModel
    vae: AutoencoderKL
    encoders: tuple[Encoder, ...]
    alphas_cumprod: Tensor
    dtype: torch.dtype
    device: torch.device
    path: Path
    mapped: dict[str, Mapping[str, Tensor]] = field(default_factory=dict)
    embeddings: tuple[Embedding, ...] = ()
    hypernetworks: tuple[tuple[Hypernetwork, float], ...] = ()

    def originals(self, component: str, name: str) -> Tensor:
        """A weight as it lies in the mapped file, by its name in the component's module."""
        return self.mapped[component][name]

    def using(self, component: str) -> AbstractContextManager[object]:
        """Has a component on the device while it is used."""
        return nullcontext()

    def modules(self) -> dict[str, nn.Module]:
        """The modules by the name of their component: unet, vae, text_encoder, ..."""
        encoders = {encoder.facts.component: encoder.module for encoder in self.encoders}
        return {"unet": self.unet, "vae": self.vae, **encoders}


def _unheard(_done: int, _total: int) -> None:
    return None


def _never() -> bool:
    return False


def load_checkpoint(
    path: Path,
    family: Family,
    variant: Variant,
    *,
    dtype: torch.dtype,
    device: torch.device,
    progress: Callable[[int, int], None] = _unheard,
    stop: Callable[[], bool] = _never,
    allow_pickle: bool = False,
) -> LoadedCheckpoint:
    """Load a checkpoint: a file in the original layout, or a folder in diffusers' layout.

    `progress` hears `(done, total)` bytes of weights, about a hundred times; `stop` is asked
    between tensors. A pickled file (.ckpt) is read only with `allow_pickle`, and even then
    nothing in it is run. A folder brings its own configs, a file has those of its variant.

    Raises ModelFileError, or Cancelled.
    """
    before = _signature(path)
    # Weights made in inference mode could not be changed outside it: a LoRA must.
    with torch.inference_mode(False), torch.no_grad():
        parts = read_parts(path, family, variant, allow_pickle)
        _check_complete(parts, path)
        loaded = _weightless(path, family, variant, dtype, device)
        _fill(loaded, parts, progress, stop)
    if _signature(path) != before:
        raise ModelFileError(
            f"{file_name(path)} changed while it was being loaded.",
            "Wait until it is fully copied, then try again.",
        )
    return loaded


def _signature(path: Path) -> list[tuple[int, int, int]]:
    """What changes when somebody writes to a checkpoint."""
    try:
        files = sorted(path.rglob("*.safetensors")) if path.is_dir() else [path]
        statuses = [file.stat() for file in files]
    except (OSError, ValueError) as error:
        raise unreadable(file_name(path), error) from error
    return [(status.st_ino, status.st_size, status.st_mtime_ns) for status in statuses]


def _check_complete(parts: Parts, path: Path) -> None:
    missing = [_label(component) for component, tensors in parts.items() if not tensors]
    if missing:
        form = " as .safetensors" if path.is_dir() else ""
        raise ModelFileError(
            f"{file_name(path)} has no {' and no '.join(missing)}{form}.",
            "It is only part of a model: get the full checkpoint.",
        )


def _label(component: str) -> str:
    return _LABELS.get(component, "text encoder")


def _weightless(
    path: Path, family: Family, variant: Variant, dtype: torch.dtype, device: torch.device
) -> LoadedCheckpoint:
    """The checkpoint with modules that have shapes, but no weights yet."""
    configs = path if path.is_dir() else variant.folder
    encoders = (
        Encoder(facts, text_skeleton(configs, facts.component)) for facts in family.encoders
    )
    return LoadedCheckpoint(
        family=family,
        variant=variant,
        unet=unet_skeleton(configs),
        vae=vae_skeleton(configs),
        encoders=tuple(encoders),
        alphas_cumprod=alphas_cumprod(configs),
        dtype=dtype,
        device=device,
        path=path,
    )


def _fill(
    loaded: LoadedCheckpoint,
    parts: Parts,
    progress: Callable[[int, int], None],
    stop: Callable[[], bool],
) -> None:
    """Check all weights before the first is touched, then pour them into their modules."""
    modules = loaded.modules()
    weights = {
        component: _fitting(module, parts[component], component, loaded)
        for component, module in modules.items()
    }
    total = sum(tensor.nbytes for part in weights.values() for tensor in part.values())
    meter = _Meter(total, progress)
    for component, module in modules.items():
        _pour(weights[component], module, loaded, meter, stop)
        loaded.mapped[component] = weights[component]


def _fitting(
    module: nn.Module, tensors: dict[str, Tensor], component: str, checkpoint: LoadedCheckpoint
) -> dict[str, Tensor]:
    """A tensor for each weight of the module, under the module's names.

    Raises ModelFileError where one is missing, or not of the module's shape, or no real number.
    """
    wanted = dict(module.named_parameters())
    found = {key: tensors[text_name(key)] for key in wanted if text_name(key) in tensors}
    name, kind, label = file_name(checkpoint.path), checkpoint.variant.label, _label(component)
    missing = [key for key in wanted if key not in found]
    if missing:
        raise ModelFileError(
            f"{name} is damaged or no {kind} model: its {label} lacks {len(missing)} of "
            f"{len(wanted)} weights, first {missing[0]}.",
            "Copy or download it again; if it stays so, it is of a kind Gesso does not know.",
        )
    for key, tensor in found.items():
        if tensor.shape != wanted[key].shape:
            raise ModelFileError(
                f"{name} is no {kind} model: in its {label}, {key} is "
                f"{_shape(tensor)} and not {_shape(wanted[key])}.",
                "Choose the kind of model it is, or add a preset for it to presets/families.",
            )
        if not tensor.is_floating_point():
            raise ModelFileError(
                f"{name} stores the weights of its {label} as {tensor.dtype}, quantised.",
                "Get it in float16, bfloat16 or float32.",
            )
    return found


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape))


class _Meter:
    """Counts bytes, and speaks up at each further percent."""

    def __init__(self, total: int, progress: Callable[[int, int], None]) -> None:
        self._total = total
        self._progress = progress
        self._done = 0
        self._said = 0

    def add(self, count: int) -> None:
        self._done += count
        if self._done == self._total or (self._done - self._said) * 100 >= self._total:
            self._progress(self._done, self._total)
            self._said = self._done


def _pour(
    weights: dict[str, Tensor],
    module: nn.Module,
    checkpoint: LoadedCheckpoint,
    meter: _Meter,
    stop: Callable[[], bool],
) -> None:
    """Bring the weights to device and dtype, and let the module take them."""
    owners = dict(module.named_modules())
    for key, tensor in weights.items():
        if stop():
            raise Cancelled
        settled = _settled(tensor, checkpoint.dtype, checkpoint.device)
        owner, _, name = key.rpartition(".")
        owners[owner].register_parameter(name, nn.Parameter(settled, requires_grad=False))
        meter.add(tensor.nbytes)
    restore_buffers(module, checkpoint.device)
    module.eval()


def _settled(tensor: Tensor, dtype: torch.dtype, device: torch.device) -> Tensor:
    if device.type == "mps":  # It knows neither float64 nor float8.
        return tensor.to(dtype).to(device)
    # To the device first: it casts faster than the CPU, and fewer bytes travel.
    return tensor.to(device).to(dtype)
