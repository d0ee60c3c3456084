"""Files that are there whole or not at all, whatever ends the process or fills the disk."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path

from pipelines.files import sync_folder


def write_whole(file: Path, body: bytes) -> None:
    """Write a file, in a folder made if need be; who may read one that was there stays the same.

    It is on disk when this returns. Raises OSError, and then it is as it was.
    """
    file = Path(os.path.realpath(file))  # a link stays one
    file.parent.mkdir(parents=True, exist_ok=True)
    mode = stat.S_IMODE(file.stat().st_mode) if file.exists() else 0o666
    partial = file.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with open(partial, "xb", opener=lambda path, flags: os.open(path, flags, mode)) as stream:
            stream.write(body)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(partial, file)
        sync_folder(file.parent)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
