"""Weights on their way into modules: checked, cast where they must be, and taken."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from pipelines.errors import Cancelled, ModelFileError
from pipelines.library.text import file_name
from pipelines.models.memory import MappedPages, Slab, cast_into, one_thread
from pipelines.models.names import text_name
from pipelines.models.skeleton import restore_buffers

Weights = Mapping[str, Mapping[str, Tensor]]
"""Mapped tensors by component and by their names in its module."""

_PAGES_KEPT = 2**28
"""Bytes of a file that may count as this process's memory while it is read."""

_LABELS = {"unet": "UNet", "vae": "VAE", "text_encoder_2": "OpenCLIP text encoder"}


def _unheard(_done: int, _total: int) -> None:
    return None


def _never() -> bool:
    return False


def label(component: str) -> str:
    """A component as the artist reads of it."""
    return _LABELS.get(component, "text encoder")


def fitting(
    module: nn.Module, tensors: Mapping[str, Tensor], component: str, path: Path, kind: str
) -> dict[str, Tensor]:
    """A tensor for each weight of the module, under the module's names. `kind` is what the file
    is taken for: "SD 1.5".

    Raises ModelFileError where one is missing, or not of the module's shape, or no real number.
    """
    wanted = dict(module.named_parameters())
    found = {key: tensors[text_name(key)] for key in wanted if text_name(key) in tensors}
    name, missing = file_name(path), [key for key in wanted if text_name(key) not in tensors]
    if missing:
        raise ModelFileError(
            f"{name} is damaged or no {kind} model: its {label(component)} lacks {len(missing)} "
            f"of {len(wanted)} weights, first {missing[0]}.",
            "Copy or download it again; if it stays so, it is of a kind Gesso does not know.",
        )
    for key, tensor in found.items():
        if tensor.shape != wanted[key].shape:
            raise ModelFileError(
                f"{name} is no {kind} model: in its {label(component)}, {key} is "
                f"{_shape(tensor)} and not {_shape(wanted[key])}.",
                "Choose the kind of model it is, or add a preset for it to presets/families.",
            )
        if not tensor.is_floating_point():
            raise ModelFileError(
                f"{name} stores the weights of its {label(component)} as {tensor.dtype}, "
                "quantised.",
                "Get it in float16, bfloat16 or float32.",
            )
    return found


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape))


@dataclass
class Filling:
    """How the weights of a file are brought to device and dtype.

    `spent` are the mapped weights that the modules were filled with before, if they were: what
    they hold beside those is memory to be filled again. `progress` hears `(done, total)` bytes,
    about a hundred times; `stop` is asked between tensors. Components that are `at_home` live in
    RAM wherever the others are.
    """

    path: Path
    dtype: torch.dtype
    device: torch.device
    progress: Callable[[int, int], None] = _unheard
    stop: Callable[[], bool] = _never
    spent: Weights = field(default_factory=dict)
    at_home: Collection[str] = ()

    def run(self, modules: Mapping[str, nn.Module], weights: Weights) -> None:
        """Let the modules take the weights; those the CPU can take as they are stay mapped.

        Raises Cancelled. After that, or any error, the modules are of no use.
        """
        # Weights made in inference mode could not be changed outside it: a LoRA must.
        with one_thread(), torch.inference_mode(False), torch.no_grad():
            self._run(modules, weights)

    def _run(self, modules: Mapping[str, nn.Module], weights: Weights) -> None:
        meter = _Meter(sum(t.nbytes for part in weights.values() for t in part.values()), self)
        for component, module in modules.items():
            slab = self._slab(component, module, weights[component])
            owners, parameters = dict(module.named_modules()), dict(module.named_parameters())
            for name, tensor in weights[component].items():
                if self.stop():
                    raise Cancelled
                if self._goes_into(component, name, parameters[name], tensor):
                    cast_into(parameters[name], tensor)
                else:
                    owner, _, last = name.rpartition(".")
                    settled = self._settled(tensor, self._device(component), slab)
                    taken = nn.Parameter(settled, requires_grad=False)
                    owners[owner].register_parameter(last, taken)
                meter.add(tensor.nbytes)
            restore_buffers(module, self._device(component))
            module.eval()

    def _slab(self, component: str, module: nn.Module, weights: Mapping[str, Tensor]) -> Slab:
        """Memory for what is cast on the CPU and has none yet."""
        cast = (
            weights[name].shape
            for name, parameter in module.named_parameters()
            if self._device(component).type == "cpu"
            and weights[name].dtype != self.dtype
            and not self._goes_into(component, name, parameter, weights[name])
        )
        return Slab(Slab.size_of(cast, self.dtype))

    def _device(self, component: str) -> torch.device:
        return torch.device("cpu") if component in self.at_home else self.device

    def _goes_into(self, component: str, name: str, parameter: Tensor, tensor: Tensor) -> bool:
        """Whether a weight is written into memory that the parameter has already."""
        device, before = self._device(component), self.spent.get(component, {}).get(name)
        return (
            before is not None
            and before.data_ptr() != parameter.data_ptr()
            and (parameter.device, parameter.dtype) == (device, self.dtype)
            and not (device.type == "cpu" and tensor.dtype == self.dtype)
        )

    def _settled(self, tensor: Tensor, device: torch.device, slab: Slab) -> Tensor:
        if device.type == "cpu":
            if tensor.dtype == self.dtype:
                return tensor
            target = slab.take(tensor.shape, self.dtype)
            cast_into(target, tensor)
            return target
        if device.type == "mps":  # It knows neither float64 nor float8.
            return tensor.to(self.dtype).to(device)
        # To the device first: it casts faster than the CPU, and fewer bytes travel.
        return tensor.to(device).to(self.dtype)


class _Meter:
    """Counts bytes, speaks up at each further percent, and lets go of pages of the file that were
    read: they would count as this process's memory."""

    def __init__(self, total: int, filling: Filling) -> None:
        self._total = total
        self._filling = filling
        self._pages = MappedPages(filling.path)
        self._done = self._said = self._let_go = 0

    def add(self, count: int) -> None:
        self._done += count
        if self._done == self._total or (self._done - self._said) * 100 >= self._total:
            self._filling.progress(self._done, self._total)
            self._said = self._done
        if self._done == self._total or self._done - self._let_go >= _PAGES_KEPT:
            self._pages.let_go()
            self._let_go = self._done
