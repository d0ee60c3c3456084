"""What is in a small model file, an embedding or a hypernetwork, whichever form it has."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors import SafetensorError, safe_open

from pipelines.errors import ModelFileError
from pipelines.library.header import read_header, unreadable
from pipelines.library.text import file_name
from pipelines.models.pickled import Contents, Value, read_nested


def read_contents(path: Path) -> Contents:
    """Tensors, mapped, and plain values of a .safetensors file or of a pickled one, of which
    nothing is run.

    In .safetensors the names of tensors carry the dots, the metadata the values, as JSON or text.
    Raises ModelFileError.
    """
    if path.suffix.lower() not in (".safetensors", ".sft"):
        return read_nested(path)
    header = read_header(path)
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {key: file.get_tensor(key) for key in header.tensors}
    except OSError as error:
        raise unreadable(file_name(path), error) from error
    except SafetensorError as error:
        raise ModelFileError(
            f"{file_name(path)} is damaged: it cannot be read.", "Copy or download the file again."
        ) from error
    return Contents(tensors, {key: _value(text) for key, text in header.metadata.items()})


def _value(text: str) -> Value:
    try:
        return json.loads({"True": "true", "False": "false", "None": "null"}.get(text, text))
    except (ValueError, RecursionError):
        return text
