"""The hashes by which programs name a model."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from pipelines.library.entry import Hashes
from pipelines.library.header import HEADER_LIMIT, opened

CHUNK = 1 << 20

LEGACY_START, LEGACY_LENGTH = 0x100000, 0x10000


def hash_file(path: Path, stop: Callable[[], bool] = lambda: False) -> Hashes | None:
    """Read a whole file once and make all its hashes.

    None when stopped, or when the file changed meanwhile. Raises ModelFileError when it cannot
    be read.
    """
    whole, body, legacy = hashlib.sha256(), hashlib.sha256(), hashlib.sha256()
    with opened(path) as file:
        before = os.fstat(file.fileno())
        header = _header_bytes(file.read(9))
        file.seek(LEGACY_START)
        legacy.update(file.read(LEGACY_LENGTH))
        file.seek(0)
        position = 0
        while chunk := file.read(CHUNK):
            if stop():
                return None
            whole.update(chunk)
            body.update(memoryview(chunk)[max(0, header - position) :])
            position += len(chunk)
        after = os.fstat(file.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        return None
    return Hashes(whole.hexdigest(), legacy.hexdigest()[:8], body.hexdigest() if header else "")


def _header_bytes(start: bytes) -> int:
    """Bytes before the weights of a safetensors file; 0 for any other file."""
    length = int.from_bytes(start[:8], "little")
    return 8 + length if start[8:9] == b"{" and length <= HEADER_LIMIT else 0
