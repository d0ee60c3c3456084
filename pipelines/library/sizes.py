"""How large the parts of a checkpoint are, by its headers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

from pipelines.library.header import Header, TensorInfo, read_header
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
    encoders = {encoder.component: encoder.prefix for encoder in family.encoders}
    prefixes = {"unet": UNET, "vae": VAE, **encoders}
    if isinstance(source, Path) and source.is_dir():
        return {
            component: sum(
                _numbers(read_header(file).tensors.values())
                for file in weight_files(source / component)
            )
            for component in prefixes
        }
    header = source if isinstance(source, Header) else read_header(source)
    return {
        component: _numbers(i for name, i in header.tensors.items() if name.startswith(prefix))
        for component, prefix in prefixes.items()
    }


def _numbers(infos: Iterable[TensorInfo]) -> int:
    """Without positions and other indices, which modules make for themselves."""
    return sum(math.prod(info.shape) for info in infos if info.dtype.startswith(("F", "BF")))
