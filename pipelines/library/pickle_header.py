"""What a pickled model file says about itself, told without torch and without running it."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from pipelines.errors import ModelFileError
from pipelines.library.header import Header, opened
from pipelines.library.pickle_machine import Damaged, Machine, StoredTensor
from pipelines.library.text import file_name

PIECE_LIMIT = 1 << 22
"""Bytes of the list of members of a zip file, and of the pickle in it; those of SDXL have half a
million each."""

TENSORS_LIMIT = 50_000
DEPTH_LIMIT = 8
NAME_LIMIT = 500

WRAPPERS = ("state_dict", "params_ema", "params")
"""Where trainers keep the weights, beside what else they note."""

_GET_AGAIN = "Copy or download the file again."


def read_pickle_header(path: Path) -> Header:
    """The names, element types and shapes of the tensors in a file that torch.save wrote.

    Names are joined with dots: `768.0.linear.0.weight` is in the first of what stands under 768.
    Of a file with a `state_dict` that alone counts. Every tensor is as large as the numbers that
    the file holds for it, or left out. Raises ModelFileError.
    """
    name = file_name(path)
    with opened(path) as file:
        try:
            with zipfile.ZipFile(_Bounded(file)) as archive:
                return _read(archive, name)
        except Damaged as error:
            raise ModelFileError(f"{name} is damaged: {error}.", _GET_AGAIN) from error
        except (zipfile.BadZipFile, struct.error, ValueError, EOFError, RuntimeError) as error:
            raise _no_archive(file, name) from error


def _no_archive(file: BinaryIO, name: str) -> ModelFileError:
    file.seek(0)
    if file.read(2) == b"PK":
        return ModelFileError(f"{name} is incomplete or damaged.", _GET_AGAIN)
    return ModelFileError(
        f"{name} is pickled in a form older than Stable Diffusion.", "Get it as .safetensors."
    )


class _Bounded(io.RawIOBase):
    """A file of which no piece can be read that is longer than that of an honest one."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def seekable(self) -> bool:
        return True

    def seek(self, position: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(position, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int = -1) -> bytes:
        if size > PIECE_LIMIT:
            raise Damaged("its contents are too long")
        return self._file.read(size if size >= 0 else PIECE_LIMIT)


def _read(archive: zipfile.ZipFile, name: str) -> Header:
    members = {info.filename: info for info in archive.infolist()}
    programs = [path for path in members if path.endswith("/data.pkl") and path.count("/") == 1]
    if len(programs) != 1 or any(info.compress_type for info in members.values()):
        raise ModelFileError(
            f"{name} is not a model as torch.save writes it.", "Get it as .safetensors."
        )
    if members[programs[0]].file_size > PIECE_LIMIT:
        raise Damaged("its contents are too long")
    machine = Machine(archive.read(programs[0]))
    tensors = dict(_tensors(_unwrapped(machine.run()), machine.spend))
    data = programs[0].removesuffix("data.pkl") + "data/"
    places = {tensor.key: tensor.storage_bytes for tensor in tensors.values()}
    for tensor in tensors.values():
        member = members.get(data + tensor.key)
        if member is None or member.file_size < tensor.storage_bytes:
            raise Damaged("numbers of its tensors are missing")
    infos = {key: tensor.info for key, tensor in tensors.items()}
    return Header(infos, {}, sum(places.values()))


def _unwrapped(root: Any) -> Any:
    for wrapper in WRAPPERS:
        if isinstance(root, dict) and isinstance(inner := root.get(wrapper), dict):
            return inner
    return root


def _tensors(root: Any, spend: Callable[[int], None]) -> Iterator[tuple[str, StoredTensor]]:
    """Every tensor within `root`, and its name there."""
    waiting: list[tuple[tuple[str, ...], Any]] = [((), root)]
    count = 0
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, StoredTensor):
            name, count = ".".join(place), count + 1
            if len(name) > NAME_LIMIT or count > TENSORS_LIMIT:
                raise Damaged("it has too many tensors, or too long names")
            yield name, value
        elif isinstance(value, dict | list | tuple) and len(place) < DEPTH_LIMIT:
            spend(len(value))
            inner = value.items() if isinstance(value, dict) else enumerate(value)
            # A ParameterDict has its tensors in an attribute of this name.
            below = [(place if k == "_parameters" else (*place, str(k)), v) for k, v in inner]
            waiting += reversed(below)
