"""Where a checkpoint is placed, decided from headers before anything is loaded.

No torch here: `gesso doctor --plan` shows the same for machines that are not at hand. Sizes are
bytes, numbers are counts of weights or activations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pipelines.geometry import LATENT_FACTOR, Size
from pipelines.library.kinds import Family, Variant
from pipelines.library.sizes import Source, component_numbers

Mode = Literal["whole", "offload", "stream"]
MODES: tuple[Mode, ...] = ("whole", "offload", "stream")
"""From the best to the last."""

FLOAT8 = "float8_e4m3fn"
DTYPE_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2, FLOAT8: 1}
STORED = {"F32": "float32", "BF16": "bfloat16", "F16": "float16"}
"""Element types of files, as safetensors writes them."""

_SYSTEM_RAM = 6 * 2**30
_DRIVER = 2**30
"""What a GPU's driver, its kernels and the desktop take, about."""

_UNET_NUMBERS = 26
"""Activations of the UNet at their peak, per latent pixel, picture of the pair, and channel of its
first layer. Counted over the published configs at any size: 26 for SD 1 and 2, 16 for SDXL."""

_VAE_NUMBERS = 768
"""Activations of the decoder at their peak, per pixel. Counted likewise: six times the 128
channels of its last block."""

_WORKSPACE = 1.25
"""What convolutions want beside that, and what is lost between blocks, as a factor."""


@dataclass(frozen=True)
class Machine:
    """What there is to compute with. `device_bytes` is a GPU's own memory; 0: it shares the RAM,
    as a processor does."""

    ram_bytes: int
    device_bytes: int = 0
    dtype: str = "float16"

    @property
    def ram_budget(self) -> int:
        """RAM for models when nobody says otherwise: all but 6 GiB, at least half."""
        return max(self.ram_bytes // 2, self.ram_bytes - _SYSTEM_RAM)

    @property
    def device_budget(self) -> int:
        """Likewise of the GPU, activations included: all but 1 GiB, at least half."""
        return max(self.device_bytes // 2, self.device_bytes - _DRIVER)


@dataclass(frozen=True)
class Placement:
    """How a checkpoint is placed.

    whole: all of it on the device. offload: text encoders and VAE come onto it while they are
    used, and so does the UNet where `device` is 0. stream: the UNet's layers do so, too, one after
    the other. `unet_storage` is the dtype its weights are kept in. `device` and `ram` are bytes of
    weights there while it is in use, `parked` bytes of RAM when it is not, `peak` the bytes of the
    device that a picture takes.
    """

    mode: Mode
    dtype: str
    unet_storage: str
    device: int
    ram: int
    parked: int
    peak: int
    why: str


def place(
    numbers: Mapping[str, int],
    variant: Variant,
    dtype: str,
    budget: int | None,
    size: Size,
    mapped: bool = False,
) -> Placement:
    """The best placement within `budget` bytes of the device; None: the device shares the RAM.

    `numbers` are the weights by component, `dtype` is what is computed in. `mapped`: the file's
    dtype is that one, so that in shared memory nothing is held beside the file.
    What is exact is tried first; float8 storage, which is not, before streaming, which is slow.
    """
    each = DTYPE_BYTES[dtype]
    weights = {component: count * each for component, count in numbers.items()}
    total = sum(weights.values())
    if budget is None:
        held = 0 if mapped else total
        return Placement("whole", dtype, dtype, 0, held, held, 0, "The device shares the RAM.")
    unet, vae = weights["unet"], weights["vae"]
    text = sum(bytes_ for name, bytes_ in weights.items() if name not in ("unet", "vae"))
    painting, decoding = activations(variant, dtype, size)
    upcast = vae * (2 if _decodes_in_float32(variant, dtype) else 1)

    def in_turn(unet: int) -> int:
        return max(text, unet + painting, decoding + upcast)

    if (all_in := total + max(painting, decoding + upcast - vae)) <= budget:
        return Placement("whole", dtype, dtype, total, 0, total, all_in, "All of it fits.")
    if (peak := unet + max(text, painting, decoding + upcast)) <= budget:
        why = "It fits without what is idle."
        return Placement("offload", dtype, dtype, unet, total - unet, total, peak, why)
    if (peak := in_turn(unet)) <= budget:
        why = "Its parts fit one at a time."
        return Placement("offload", dtype, dtype, 0, total, total, peak, why)
    if (peak := in_turn(unet // each)) <= budget:
        less = total - unet + unet // each
        why = "The UNet fits in float8 alone."
        return Placement("offload", dtype, FLOAT8, 0, less, less, peak, why)
    why = "The UNet does not fit."
    return Placement("stream", dtype, dtype, 0, total, total, in_turn(unet // 8), why)


def activations(variant: Variant, dtype: str, size: Size) -> tuple[int, int]:
    """Bytes that the UNet, on a guidance pair, and the decoder take beside their weights."""
    latent = size.area // LATENT_FACTOR**2
    painting = 2 * latent * _UNET_NUMBERS * variant.model_channels * DTYPE_BYTES[dtype]
    each = 4 if _decodes_in_float32(variant, dtype) else DTYPE_BYTES[dtype]
    decoding = size.area * _VAE_NUMBERS * each
    return int(painting * _WORKSPACE), int(decoding * _WORKSPACE)


def _decodes_in_float32(variant: Variant, dtype: str) -> bool:
    """SDXL's decoder overflows float16."""
    return dtype == "float16" and variant.family.startswith("sdxl")


def place_file(
    source: Source,
    stored: str | None,
    family: Family,
    variant: Variant,
    dtype: str,
    budget: int | None,
    size: Size,
) -> Placement:
    """The same for a checkpoint's file or folder, of which only headers are read. `stored` is the
    element type of its weights as safetensors writes it ("F16").

    Raises ModelFileError.
    """
    mapped = STORED.get(stored or "") == dtype
    numbers = component_numbers(source, family)
    return place(numbers, variant, dtype, budget, size, mapped)
