"""A checkpoint file becomes modules, at little more than the cost of reading its bytes.

The file is mapped, its names are converted, the modules are made without weights, and then take
the mapped tensors as they are. Only where device or dtype differ is anything copied.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from pipelines.errors import ModelFileError
from pipelines.library.header import unreadable
from pipelines.library.kinds import Family, TextEncoder, Variant
from pipelines.library.text import file_name
from pipelines.models.filling import Filling, Weights, fitting, label
from pipelines.models.residence import Residence
from pipelines.models.skeleton import alphas_cumprod, text_skeleton, unet_skeleton, vae_skeleton
from pipelines.models.weights import Parts, read_parts, read_vae

if TYPE_CHECKING:
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    from pipelines.models.embeddings import Embedding
    from pipelines.models.hypernetworks import Hypernetwork


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

    `unet_storage` is the dtype the UNet's weights are kept in between the uses of a layer, if that
    is another one.

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
    mapped: Weights = field(default_factory=dict)
    embeddings: tuple[Embedding, ...] = ()
    hypernetworks: tuple[tuple[Hypernetwork, float], ...] = ()
    residence: Residence | None = None
    unet_storage: str | None = None

    def originals(self, component: str, name: str) -> Tensor:
        """A weight as it lies in the mapped file, by its name in the component's module."""
        return self.mapped[component][name]

    def using(self, component: str) -> AbstractContextManager[object]:
        """Has a component on the device while it is used."""
        return self.residence.using(component) if self.residence else nullcontext()

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
    into: LoadedCheckpoint | None = None,
    at_home: Collection[str] = (),
) -> LoadedCheckpoint:
    """Load a checkpoint: a file in the original layout, or a folder in diffusers' layout.

    `progress` hears `(done, total)` bytes of weights, about a hundred times; `stop` is asked
    between tensors. A pickled file (.ckpt) is read only with `allow_pickle`, and even then
    nothing in it is run. A folder brings its own configs, a file has those of its variant.
    `into` is a checkpoint of the same variant whose modules and memory are taken over: whatever
    happens, it is of no use afterwards. Components that are `at_home` stay in RAM.

    Raises ModelFileError, or Cancelled.
    """
    with _unchanged(path), torch.inference_mode(False), torch.no_grad():
        parts = read_parts(path, family, variant, allow_pickle)
        _check_complete(parts, path)
        empty = _weightless(path, family, variant, dtype, device, into)
        modules = empty.modules()
        weights = {
            component: fitting(module, parts[component], component, path, variant.label)
            for component, module in modules.items()
        }
        spent = into.mapped if into else {}
        Filling(path, dtype, device, progress, stop, spent, at_home).run(modules, weights)
    return replace(empty, mapped=weights)


@dataclass(frozen=True, eq=False)
class LoadedVae:
    """A VAE of a file of its own. `mapped` are its weights as they lie in the file."""

    vae: AutoencoderKL
    mapped: dict[str, Tensor]


def load_vae(
    path: Path,
    variant: Variant,
    *,
    dtype: torch.dtype,
    device: torch.device,
    progress: Callable[[int, int], None] = _unheard,
    stop: Callable[[], bool] = _never,
    at_home: Collection[str] = (),
) -> LoadedVae:
    """Load a VAE for checkpoints of a variant, whose config it takes: a file in the original or
    in diffusers' layout, pickled or not (nothing in it is run), or a whole checkpoint.

    Raises ModelFileError, or Cancelled.
    """
    with _unchanged(path), torch.inference_mode(False), torch.no_grad():
        vae = vae_skeleton(variant.folder)
        tensors = read_vae(path, variant.folder)
        weights = fitting(vae, tensors, "vae", path, f"{variant.label} VAE")
        filling = Filling(path, dtype, device, progress, stop, at_home=at_home)
        filling.run({"vae": vae}, {"vae": weights})
    return LoadedVae(vae, weights)


@contextmanager
def _unchanged(path: Path) -> Iterator[None]:
    """Refuse a file that somebody writes to while it is being loaded."""
    before = _signature(path)
    yield
    if _signature(path) != before:
        raise ModelFileError(
            f"{file_name(path)} changed while it was being loaded.",
            "Wait until it is fully copied, then try again.",
        )


def _signature(path: Path) -> list[tuple[int, int, int]]:
    """What changes when somebody writes to a checkpoint."""
    try:
        files = sorted(path.rglob("*.safetensors")) if path.is_dir() else [path]
        statuses = [file.stat() for file in files]
    except (OSError, ValueError) as error:
        raise unreadable(file_name(path), error) from error
    return [(status.st_ino, status.st_size, status.st_mtime_ns) for status in statuses]


def _check_complete(parts: Parts, path: Path) -> None:
    missing = [label(component) for component, tensors in parts.items() if not tensors]
    if missing:
        form = " as .safetensors" if path.is_dir() else ""
        raise ModelFileError(
            f"{file_name(path)} has no {' and no '.join(missing)}{form}.",
            "It is only part of a model: get the full checkpoint.",
        )


def _weightless(
    path: Path,
    family: Family,
    variant: Variant,
    dtype: torch.dtype,
    device: torch.device,
    into: LoadedCheckpoint | None,
) -> LoadedCheckpoint:
    """The checkpoint with modules that have shapes, but not yet its weights."""
    if into is not None:
        return replace(into, path=path, dtype=dtype, mapped={})
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
