"""LoRAs into the weights, and out of them again.

Every weight is made anew from the checkpoint's file, never from what it was before: what comes
out depends on the LoRAs in use alone, and without any the weights are the file's, bit for bit.
Nothing is kept but the mapped file.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import torch
from torch import Tensor, nn

from pipelines.errors import Cancelled, WrongModel
from pipelines.models.lora.change import Change, Key, Lora
from pipelines.models.memory import cast_into, one_thread

Originals = Callable[[str, str], Tensor]
"""A weight by component and name, as it is mapped from the checkpoint's file, in any dtype."""

Use = tuple[Lora, float, float]
"""A LoRA, and how strongly it changes the UNet and the text encoders."""


def _never() -> bool:
    return False


def merge(
    modules: Mapping[str, nn.Module],
    originals: Originals,
    uses: Sequence[Use],
    before: Collection[Key],
    stop: Callable[[], bool] = _never,
) -> frozenset[Key]:
    """Make the weights those of the file plus the changes of `uses`; returns the keys touched.

    `before` are the keys touched by the call before this one. `stop` is asked between weights.
    If it says yes (Cancelled), or anything fails, all weights are the file's again. Raises
    WrongModel, and touches nothing, where a change does not fit its weight.
    """
    wanted = _by_weight(uses)
    touched = sorted({*before, *wanted})
    with one_thread(), torch.inference_mode(False), torch.no_grad():
        weights = _Weights(modules, originals)
        weights.check(wanted)
        try:
            for key in touched:
                if stop():
                    raise Cancelled
                if key in wanted:
                    weights.change(key, wanted[key])
                else:
                    weights.restore(key)
        except BaseException:
            for key in touched:
                weights.restore(key)
            raise
    return frozenset(wanted)


def _by_weight(uses: Iterable[Use]) -> dict[Key, list[tuple[Change, float]]]:
    """The changes of each weight, in the order of the LoRAs."""
    found: dict[Key, list[tuple[Change, float]]] = {}
    for lora, unet_weight, text_encoder_weight in uses:
        for key, change in lora.changes.items():
            strength = unet_weight if key.component == "unet" else text_encoder_weight
            if strength:
                found.setdefault(key, []).append((change, strength))
    return found


class _Weights:
    """The parameters of a checkpoint, and what they are in its file."""

    def __init__(self, modules: Mapping[str, nn.Module], originals: Originals) -> None:
        self._parameters = {
            component: dict(module.named_parameters()) for component, module in modules.items()
        }
        self._originals = originals
        self._scratch = torch.empty(0)

    def check(self, wanted: Mapping[Key, Sequence[tuple[Change, float]]]) -> None:
        for key, changes in wanted.items():
            parameter = self._parameters.get(key.component, {}).get(key.name)
            if parameter is None or not all(c.fits(tuple(parameter.shape)) for c, _ in changes):
                raise WrongModel(
                    f"A LoRA does not fit this checkpoint: it changes {key.name} of its "
                    f"{key.component}.",
                    "Choose a LoRA or a checkpoint of another family.",
                    "loras",
                )

    def restore(self, key: Key) -> None:
        parameter, original = self._pair(key)
        if _interchangeable(parameter, original):
            parameter.data = original
        else:
            cast_into(parameter, original)

    def change(self, key: Key, changes: Sequence[tuple[Change, float]]) -> None:
        parameter, original = self._pair(key)
        if parameter.data_ptr() == original.data_ptr():
            parameter.data = torch.empty_like(original)
        own = parameter.dtype == torch.float32 and parameter.is_contiguous()
        total = parameter.data if own else self._room_for(parameter)
        total.copy_(original)
        for change, strength in changes:
            change.add_to(total, original, strength)
        if not own:
            parameter.copy_(total)

    def _pair(self, key: Key) -> tuple[Tensor, Tensor]:
        """A parameter, and what it is in the file, on its device."""
        parameter = self._parameters[key.component][key.name]
        # A device casts faster than the CPU, and fewer bytes travel.
        return parameter, self._originals(*key).to(parameter.device)

    def _room_for(self, parameter: Tensor) -> Tensor:
        """Room for a weight in float32, the same for one after the other."""
        count = parameter.numel()
        if self._scratch.numel() < count or self._scratch.device != parameter.device:
            self._scratch = torch.empty(count, device=parameter.device)
        return self._scratch[:count].view(parameter.shape)


def _interchangeable(parameter: Tensor, original: Tensor) -> bool:
    """Whether the mapped tensor can serve as the parameter itself."""
    return (
        parameter.device.type == "cpu"
        and parameter.dtype == original.dtype
        and parameter.stride() == original.stride()
    )
