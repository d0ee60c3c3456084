"""What is in a model file, whichever form it has."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor

from pipelines.errors import ModelFileError
from pipelines.library.header import Header, is_pickled, read_header, unreadable
from pipelines.library.text import file_name
from pipelines.models.pickled import Contents, Value, read_nested


def read_contents(path: Path) -> Contents:
    """Tensors, mapped, and plain values of a .safetensors file or of a pickled one, of which
    nothing is run.

    In .safetensors the names of tensors carry the dots, the metadata the values, as JSON or text.
    Raises ModelFileError.
    """
    if is_pickled(path):
        return read_nested(path)
    header = read_header(path)
    values = {key: _value(text) for key, text in header.metadata.items()}
    return Contents(mapped(path, header), values)


def mapped(path: Path, header: Header, prefixes: tuple[str, ...] = ("",)) -> dict[str, Tensor]:
    """The tensors of a safetensors file whose names start so, mapped into memory.

    `header` is the file's: to read it is to check the file's length, and reading a map past the
    end of its file kills the process. Raises ModelFileError.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return {key: file.get_tensor(key) for key in header.tensors if key.startswith(prefixes)}
    except OSError as error:
        raise unreadable(file_name(path), error) from error
    except SafetensorError as error:
        raise ModelFileError(
            f"{file_name(path)} is damaged: it cannot be read.", "Copy or download the file again."
        ) from error


def _value(text: str) -> Value:
    try:
        return json.loads({"True": "true", "False": "false", "None": "null"}.get(text, text))
    except (ValueError, RecursionError):
        return text
