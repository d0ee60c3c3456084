"""Checkpoints in pickled form, read without running what is in them.

A pickle is a program. The one run here knows tensors, ordered dictionaries and numbers; every
other name it asks for becomes an inert object that swallows whatever is done to it.
"""

from __future__ import annotations

import pickle
import types
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch._utils import _rebuild_parameter, _rebuild_tensor_v2

from pipelines.errors import ModelFileError
from pipelines.library.text import file_name

_KNOWN = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor_v2,
    ("torch._utils", "_rebuild_parameter"): _rebuild_parameter,
}


def read_pickled(path: Path) -> dict[str, Tensor]:
    """The tensors of a `.ckpt` as torch.save has written it since 2020, mapped, not read.

    Whatever else is in the file is left behind. Raises ModelFileError.
    """
    name = file_name(path)
    _check_archive(path, name)
    try:
        content = torch.load(
            str(path),
            map_location="cpu",
            pickle_module=_restricted(),
            weights_only=False,
            mmap=True,
        )
    except Exception as error:  # a damaged pickle can raise anything
        raise ModelFileError(
            f"{name} is damaged: it cannot be unpickled.", "Copy or download the file again."
        ) from error
    tensors = dict.get(content, "state_dict", content) if isinstance(content, dict) else {}
    if not isinstance(tensors, dict):
        tensors = {}
    return {
        key: value.detach()
        for key, value in dict.items(tensors)
        if isinstance(key, str) and isinstance(value, Tensor)
    }


def _check_archive(path: Path, name: str) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [Path(member.filename).name for member in archive.infolist()]
            stored = all(m.compress_type == zipfile.ZIP_STORED for m in archive.infolist())
    except FileNotFoundError as error:
        raise ModelFileError(f"{name} is gone.", "Put it back, or choose another model.") from error
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise ModelFileError(
            f"{name} is damaged, or pickled in a form older than Stable Diffusion.",
            "Get the model as .safetensors.",
        ) from error
    if "constants.pkl" in members or "data.pkl" not in members or not stored:
        raise ModelFileError(
            f"{name} is not a checkpoint as torch.save writes it.", "Get it as .safetensors."
        )


class _Inert:
    """Stands for any object that is no tensor: takes all, does nothing."""

    def __init__(self, *_: object, **__: object) -> None: ...

    def __call__(self, *_: object, **__: object) -> _Inert:
        return self

    def __setstate__(self, _: object) -> None: ...

    def __setitem__(self, _: object, __: object) -> None: ...

    def append(self, _: object) -> None: ...

    def extend(self, _: object) -> None: ...

    def add(self, _: object) -> None: ...


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        return _KNOWN.get((module, name), _Inert)


def _restricted() -> types.ModuleType:
    """What torch.load takes for the pickle module."""
    module = types.ModuleType("restricted_pickle")
    module.Unpickler = _Unpickler  # type: ignore[attr-defined]
    return module
