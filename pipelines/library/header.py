"""What a model file says about itself before its weights are read."""

from __future__ import annotations

import contextlib
import json
import math
import os
import stat
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, NoReturn

from pipelines.errors import ModelFileError
from pipelines.library.text import file_name, plain

HEADER_LIMIT = 100_000_000
"""Bytes; the limit of the safetensors library."""

FIRST_READ = 1 << 16
"""Bytes that hold the whole header of most LoRAs."""

ELEMENT_BYTES: Mapping[str, int] = {
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1,
    "U16": 2, "I16": 2, "F16": 2, "BF16": 2,
    "U32": 4, "I32": 4, "F32": 4,
    "U64": 8, "I64": 8, "F64": 8,
}  # fmt: skip

PICKLED_SUFFIXES = frozenset((".ckpt", ".pt", ".pt2", ".pth", ".bin", ".pkl"))

_GET_AGAIN = "Copy or download the file again."


class TensorInfo(NamedTuple):
    """Name of the element type as safetensors writes it ("F16", "BF16", ...) and the shape."""

    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Header:
    """The tensors of a file by name, its free-text metadata, and the bytes its weights take."""

    tensors: Mapping[str, TensorInfo]
    metadata: Mapping[str, str] = field(default_factory=dict)
    data_bytes: int = 0

    def shape(self, name: str) -> tuple[int, ...] | None:
        """Shape of a tensor, or None when the file has no such tensor."""
        info = self.tensors.get(name)
        return info.shape if info else None

    def has(self, *prefixes: str) -> bool:
        """Whether any tensor's name starts with one of these."""
        return any(name.startswith(prefixes) for name in self.tensors)

    @property
    def dtype(self) -> str | None:
        """The element type that takes the most bytes."""
        if len(kinds := {info.dtype for info in self.tensors.values()}) == 1:
            return kinds.pop()
        sizes: Counter[str] = Counter()
        for info in self.tensors.values():
            sizes[info.dtype] += math.prod(info.shape) * ELEMENT_BYTES[info.dtype]
        return max(sizes, key=sizes.__getitem__, default=None)


def read_header(path: Path) -> Header:
    """Read the header of a safetensors file, and nothing of its weights.

    The layout is checked as the safetensors format defines it: tensors tile the rest of the
    file without gap or overlap, so a file that passes is as long as its header promises.
    Never blocks on a pipe or a device. Raises ModelFileError with a plain reason.
    """
    name = file_name(path)
    with opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        text = _header_text(file, size, name)
    return _parse(text, size - 8 - len(text), name)


def read_start(path: str | Path, count: int = 16) -> bytes:
    """The first bytes of a regular file. Raises ModelFileError when they cannot be read."""
    with opened(path) as file:
        return file.read(count)


def is_pickled(path: str | Path) -> bool:
    """Whether a model file is pickled: by its ending, unless it is a safetensors file under the
    name of a pickle. Raises ModelFileError when it cannot be read."""
    suffix = os.path.splitext(path)[1].lower()
    return suffix in PICKLED_SUFFIXES and _is_pickle(read_start(path))


@contextlib.contextmanager
def opened(path: str | Path) -> Iterator[BinaryIO]:
    """A regular file open for reading; never blocks on a pipe or a device.

    Whatever the system says against it, then or while reading, becomes a ModelFileError.
    """
    name = file_name(path)
    try:
        with open(path, "rb", buffering=0, opener=_open_without_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ModelFileError(f"{name} is not a file.", "Put the model file itself here.")
            yield file
    except (OSError, ValueError) as error:
        raise unreadable(name, error) from error


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def unreadable(name: str, error: OSError | ValueError) -> ModelFileError:
    """What the system's refusal to open a file means to the artist."""
    if isinstance(error, FileNotFoundError):
        return ModelFileError(f"{name} is gone.", "Put it back, or choose another model.")
    if isinstance(error, PermissionError):
        return ModelFileError(
            f"{name} may not be read by this user.", "Change the permissions of the file."
        )
    reason = (error.strerror if isinstance(error, OSError) else None) or "its name is not valid"
    return ModelFileError(
        f"{name} cannot be opened: {reason.lower()}.", "Check the disk it lies on, then try again."
    )


def _header_text(file: BinaryIO, size: int, name: str) -> bytes:
    start = file.read(FIRST_READ)
    length = int.from_bytes(start[:8], "little")
    if len(start) < 9 or start[8:9] != b"{" or length > HEADER_LIMIT:
        _refuse(start, size, name)
    if 8 + length > size:
        raise ModelFileError(f"{name} is incomplete: it ends within its header.", _GET_AGAIN)
    text = start[8 : 8 + length]
    while len(text) < length:
        more = file.read(length - len(text))
        if not more:
            raise ModelFileError(f"{name} shrank while it was read.", _GET_AGAIN)
        text += more
    return text


def _refuse(start: bytes, size: int, name: str) -> NoReturn:
    """Say what a file that is no safetensors file is instead."""
    if size == 0:
        raise ModelFileError(f"{name} is empty.", _GET_AGAIN)
    if start.startswith(b"version https://git-lfs"):
        raise ModelFileError(
            f"{name} is a Git LFS pointer, not the model itself.",
            "Fetch the model with `git lfs pull`, or download it in the browser.",
        )
    if start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        raise ModelFileError(
            f"{name} is a web page, not a model.",
            "Download it again; the site may want you to log in first.",
        )
    if _is_pickle(start):
        raise ModelFileError(
            f"{name} is a pickled file under the name of a safetensors file.",
            "Pickled files can run programs: get the model as .safetensors.",
        )
    if start.startswith(b"GGUF"):
        raise ModelFileError(
            f"{name} is a GGUF file, which Gesso does not read.", "Get it as .safetensors."
        )
    if not any(start):
        raise ModelFileError(f"{name} is still empty space, or was lost on the way.", _GET_AGAIN)
    raise ModelFileError(f"{name} is not a model file that Gesso can read.", _GET_AGAIN)


def _is_pickle(start: bytes) -> bool:
    """Whether these first bytes are of a pickle, or of a zip as torch.save writes it."""
    return start.startswith(b"PK\x03\x04") or (start[:1] == b"\x80" and start[1:2] in b"\2\3\4\5")


def _parse(text: bytes, data_bytes: int, name: str) -> Header:
    try:
        data = json.loads(text)
        metadata = data.pop("__metadata__", None) or {}
        texts = {key: value for key, value in metadata.items() if isinstance(value, str)}
        tensors, expected = _tensors(data)
    except _UnknownType as error:
        raise ModelFileError(
            f"{name} stores numbers as {plain(str(error), 20)}, which Gesso cannot read.",
            "Get it in float16, bfloat16 or float32.",
        ) from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ModelFileError(f"{name} is damaged: its header is not valid.", _GET_AGAIN) from error
    if expected > data_bytes:
        start = 8 + len(text)
        raise ModelFileError(
            f"{name} is incomplete: {start + data_bytes:,} of {start + expected:,} bytes.",
            _GET_AGAIN,
        )
    if expected < data_bytes:
        raise ModelFileError(f"{name} is damaged: it is longer than it should be.", _GET_AGAIN)
    return Header(tensors, texts, data_bytes)


class _UnknownType(Exception):
    pass


def _tensors(data: dict[str, Any]) -> tuple[dict[str, TensorInfo], int]:
    """The tensors, and the bytes they take. Raises ValueError if they leave gaps or overlap."""
    tensors: dict[str, TensorInfo] = {}
    known: dict[tuple[Any, ...], tuple[TensorInfo, int]] = {}
    spans: list[tuple[int, int]] = []
    position, in_order = 0, True
    for name, value in data.items():
        described = (value["dtype"], *value["shape"])
        info, size = known.get(described) or known.setdefault(described, _described(*described))
        begin, end = value["data_offsets"]
        if type(begin) is not int or end - begin != size:
            raise ValueError("not the size of its shape")
        tensors[name] = info
        spans.append((begin, end))
        in_order = in_order and begin == position
        position = end
    return tensors, position if in_order else _tiled(spans)


def _described(dtype: Any, *shape: Any) -> tuple[TensorInfo, int]:
    """A tensor, and the bytes it takes."""
    size = ELEMENT_BYTES.get(dtype)
    if size is None:
        raise _UnknownType(dtype)
    for side in shape:
        if type(side) is not int or side < 0:
            raise ValueError("not a shape")
        size *= side
    return TensorInfo(dtype, shape), size


def _tiled(spans: list[tuple[int, int]]) -> int:
    """Where the last of these ends, if together they leave no gap and overlap nowhere."""
    position = 0
    for begin, end in sorted(spans):
        if begin != position:
            raise ValueError("gap or overlap")
        position = end
    return position
