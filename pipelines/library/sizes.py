"""How large the parts of a checkpoint are, by its headers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

from pipelines.library.header import ELEMENT_BYTES, Header, TensorInfo, read_header
from pipelines.library.kinds import Family
from pipelines.library.pipeline_folder import weight_files
from pipelines.library.unet import UNET, VAE

Source = Header | Path
"""The header of a single-file checkpoint, the file itself, or a diffusers folder."""


def component_numbers(source: Source, family: Family) -> dict[str, int]:
    """Parameters of each component ("unet", "vae", "text_encoder", ...), as they are stored; an
    encoder may have a layer that its family does not use. Components that are missing have 0.

    Raises ModelFileError when a header cannot be read.
    """
    tensors = _tensors(source, family)
    return {component: sum(map(_numbers, infos)) for component, infos in tensors.items()}


def component_bytes(
    source: Source, family: Family, dtype_bytes: int | None = None
) -> dict[str, int]:
    """Bytes of each component in an element type of `dtype_bytes`; None: in that of the file.

    Raises ModelFileError when a header cannot be read.
    """
    return {
        component: sum(_numbers(i) * (dtype_bytes or ELEMENT_BYTES[i.dtype]) for i in infos)
        for component, infos in _tensors(source, family).items()
    }


def _tensors(source: Source, family: Family) -> dict[str, list[TensorInfo]]:
    encoders = {encoder.component: encoder.prefix for encoder in family.encoders}
    prefixes = {"unet": UNET, "vae": VAE, **encoders}
    if isinstance(source, Path) and source.is_dir():
        return {
            component: [
                info
                for file in weight_files(source / component)
                for info in _floating(read_header(file).tensors.values())
            ]
            for component in prefixes
        }
    header = source if isinstance(source, Header) else read_header(source)
    return {
        component: _floating(i for name, i in header.tensors.items() if name.startswith(prefix))
        for component, prefix in prefixes.items()
    }


def _floating(infos: Iterable[TensorInfo]) -> list[TensorInfo]:
    """Without positions and other indices, which modules make for themselves."""
    return [info for info in infos if info.dtype.startswith(("F", "BF"))]


def _numbers(info: TensorInfo) -> int:
    return math.prod(info.shape)
