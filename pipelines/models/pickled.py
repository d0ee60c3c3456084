"""Model files in pickled form, read without running what is in them.

A pickle is a program. The one run here knows tensors, dictionaries and numbers; every other name
it asks for becomes an inert object that swallows whatever is done to it.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import types
import zipfile
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor
from torch._utils import _rebuild_parameter, _rebuild_tensor_v2

from pipelines.errors import ModelFileError
from pipelines.library.text import file_name

Value = str | int | float | bool | None | list["Value"]

_DEEPEST = 6
"""Dictionaries within dictionaries that are looked into; a hypernetwork has three."""
_LONGEST = 1 << 24
"""Bytes of a pickled program; that of SDXL has half a million."""

_PROTOCOL = 4
_REMEMBERS = ("PUT", "BINPUT", "LONG_BINPUT")


@dataclass(frozen=True)
class Contents:
    """What is in a small model file: tensors by where they stand, the steps joined by dots
    (`768.0.linear.0.weight`), and the numbers, texts and lists of them at the top."""

    tensors: dict[str, Tensor]
    values: dict[str, Value]


def read_pickled(path: Path) -> dict[str, Tensor]:
    """The weights of a checkpoint or VAE as torch.save has written it since 2020, mapped, not
    read: the `state_dict` of a trainer's file, else the dictionary with the most tensors.

    Whatever else is in the file is left behind. Raises ModelFileError.
    """
    content = _unpickled(path)
    named = dict.get(content, "state_dict")
    return _tensors(named if isinstance(named, dict) else _fullest(content))


def read_nested(path: Path) -> Contents:
    """All tensors of an embedding or hypernetwork, mapped, and the plain values beside them.

    Raises ModelFileError.
    """
    content = _unpickled(path)
    values = {
        key: _plain(value)
        for key, value in dict.items(content)
        if isinstance(key, str) and _is_plain(value)
    }
    return Contents(dict(_walk(content, (), set())), values)


def _unpickled(path: Path) -> dict[Any, Any]:
    """The dictionary in the file; an empty one where it holds anything else."""
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
    return content if isinstance(content, dict) else {}


def _fullest(content: dict[Any, Any]) -> dict[Any, Any]:
    """The dictionary with the most tensors: this one, or one right inside it."""
    inside = [value for value in dict.values(content) if isinstance(value, dict)]
    return max([content, *inside], key=lambda each: len(_tensors(each)))


def _tensors(content: dict[Any, Any]) -> dict[str, Tensor]:
    return {
        key: value.detach()
        for key, value in dict.items(content)
        if isinstance(key, str) and isinstance(value, Tensor) and _is_whole(value)
    }


def _is_whole(tensor: Tensor) -> bool:
    """Whether the file holds all its numbers. A pickle can claim a terabyte and repeat one."""
    return tensor.numel() * tensor.element_size() <= tensor.untyped_storage().nbytes()


def _walk(content: Any, steps: tuple[str, ...], seen: set[int]) -> Iterator[tuple[str, Tensor]]:
    """The tensors below, each container looked into once: a pickle can hold itself."""
    if isinstance(content, Tensor):
        if _is_whole(content):
            yield ".".join(steps), content.detach()
        return
    if id(content) in seen or len(steps) > _DEEPEST:
        return
    seen.add(id(content))
    if isinstance(content, dict):
        items = [(key, value) for key, value in dict.items(content) if _is_short(key)]
    elif isinstance(content, list | tuple):
        items = list(enumerate(content))
    else:
        return
    for key, value in items:
        yield from _walk(value, (*steps, str(key)), seen)


def _is_plain(value: object) -> bool:
    return all(map(_is_short, value)) if isinstance(value, list | tuple) else _is_short(value)


def _is_short(value: object) -> bool:
    """Whether it is a text or a number. A pickle can hold one with a billion digits, which takes
    hours to write out."""
    if isinstance(value, int):
        return abs(value) < 1 << 63
    return isinstance(value, str | float | None)


def _plain(value: Any) -> Value:
    return list(value) if isinstance(value, list | tuple) else value


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
            f"{name} is not a model as torch.save writes it.", "Get it as .safetensors."
        )


def _check_program(program: bytes) -> None:
    """Raise ValueError for what torch does not write, and Python's unpickler would answer by
    taking memory without bound: it makes room for as many objects as the largest number one is
    remembered by, and for arrays of any length that is named."""
    if len(program) > _LONGEST:
        raise ValueError("too long")
    for opcode, argument, _ in pickletools.genops(program):
        if opcode.proto > _PROTOCOL or (
            opcode.name in _REMEMBERS and isinstance(argument, int) and argument > len(program)
        ):
            raise ValueError(f"{opcode.name} {argument}")


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


class _Parameters(dict[Any, Any]):
    """Stands for torch's ParameterDict, in which the first embeddings kept their vectors."""

    def __setstate__(self, state: object) -> None:
        inner = dict.get(state, "_parameters") if isinstance(state, dict) else None
        if isinstance(inner, dict):
            dict.update(self, inner)


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: IO[bytes], **options: Any) -> None:
        program = file.read()
        _check_program(program)
        super().__init__(io.BytesIO(program), **options)

    def find_class(self, module: str, name: str) -> Any:
        # A pickle may set attributes of what it is given: functions are wrapped anew each time.
        match module, name:
            case "collections", "OrderedDict":
                return OrderedDict
            case "torch._utils", "_rebuild_tensor_v2":
                return lambda *arguments: _rebuild_tensor_v2(*arguments)
            case "torch._utils", "_rebuild_parameter":
                return lambda *arguments: _rebuild_parameter(*arguments)
            case "torch.nn.modules.container", "ParameterDict":
                return _Parameters
        return _Inert


def _restricted() -> types.ModuleType:
    """What torch.load takes for the pickle module."""
    module = types.ModuleType("restricted_pickle")
    module.Unpickler = _Unpickler  # type: ignore[attr-defined]
    return module
