"""Writing `settings.toml`, which is the artist's own: comments and all else in it stay."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import tomlkit
from tomlkit.exceptions import TOMLKitError

from app.settings import FILE_NAME, SettingsError
from app.studio.whole import write_whole
from pipelines.errors import StorageError


def write_models(data: Path, folders: Sequence[Path]) -> None:
    """Let these be the model folders from the next start on.

    Raises SettingsError when the file is not TOML or a folder cannot be named in it, and
    StorageError when it cannot be written; then it is as it was.
    """
    file = data / FILE_NAME
    document = _read(file)
    listed = tomlkit.array().multiline(True)
    for folder in folders:
        listed.append(_text(folder))
    document["models"] = listed
    try:
        write_whole(file, tomlkit.dumps(document).encode())
    except OSError as error:
        raise StorageError(
            f"The settings cannot be written to {file}: {error.strerror}.",
            "Make room on the disk, or check the permissions of the folder.",
        ) from error


def _text(folder: Path) -> str:
    try:
        os.fspath(folder).encode()
    except UnicodeEncodeError as error:
        raise SettingsError(
            "The name of this folder is not valid text.", "Rename the folder, then try again."
        ) from error
    return os.fspath(folder)


def _read(file: Path) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return tomlkit.document()
    except (OSError, ValueError, TOMLKitError) as error:
        raise SettingsError(
            f"The settings in {file} cannot be read: {error}.", "Correct the file, or remove it."
        ) from error
