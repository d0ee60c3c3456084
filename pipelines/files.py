"""What the disk is asked for beyond writing."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on disk when this returns, as `fsync` has a file's content.

    Without it, a file that was written and renamed can be gone after a loss of power. Where the
    system has no such thing (Windows), nothing happens.
    """
    with suppress(OSError):
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
