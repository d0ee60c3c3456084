"""Pictures that were brought in, kept by what they show for as long as anything refers to them.

    added = assets.add(data)        # through the door of pipelines.images
    assets.path(added.asset.id)     # an upright 8-bit sRGB PNG without metadata

`data/assets/` holds `<id>.png`, its small version `<id>.jpg`, and last `<id>.json`, with which an
asset is there. The id is the sha256 of mode, size and pixels, not of a file: the same picture is
the same asset in whatever file it came, on every machine, and a recipe can call it by its name.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from app.studio.errors import NotFound
from app.studio.whole import write_whole
from pipelines.errors import StorageError
from pipelines.images import Door, Opened

ASSET_ID = re.compile(r"[0-9a-f]{64}")
QUOTA = 4 * 2**30
"""Bytes that assets may take in all; what is referred to stays in any case."""

_ABANDONED_SECONDS = 3600
_PARTS = (".png", ".jpg", ".json")


@dataclass(frozen=True)
class Asset:
    """A picture that is kept."""

    id: str
    width: int
    height: int
    has_alpha: bool


@dataclass(frozen=True)
class Added:
    """An asset, and what was passed over in the file it came in."""

    asset: Asset
    notices: tuple[str, ...]


class Assets:
    """The store in one folder. Safe to use from any thread.

    Past `quota` bytes the asset that was not used for longest goes first, but none of those whose
    ids `keep()` gives.
    """

    def __init__(
        self, folder: Path, door: Door, keep: Callable[[], Collection[str]], quota: int = QUOTA
    ) -> None:
        self._folder = folder
        self._door = door
        self._keep = keep
        self._quota = quota
        self._lock = threading.Lock()

    def add(self, data: bytes) -> Added:
        """Keep the picture in a file's bytes.

        Raises ImageFileError when it cannot be opened, StorageError when it cannot be written.
        """
        temporary = self._folder / f".{secrets.token_hex(8)}.part"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with open(temporary, "xb") as file:
                opened = self._door.open(data, file)
                file.flush()
                os.fsync(file.fileno())
            asset = Asset(opened.id, opened.width, opened.height, opened.has_alpha)
            with self._lock:
                self._put(asset, temporary, opened)
                self._make_room(asset.id)
        except OSError as error:
            raise StorageError(
                f"The picture cannot be kept: {error.strerror or error}.",
                "Free some space, or choose another folder with --data.",
            ) from error
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
        return Added(asset, opened.notices)

    def info(self, asset: str) -> Asset:
        """What is known of an asset. Raises NotFound, also for anything that is no id."""
        if ASSET_ID.fullmatch(asset):
            with suppress(OSError, ValueError, TypeError):
                return Asset(**json.loads(self._file(asset, ".json").read_bytes()))
        raise NotFound("This picture is not kept any more.", "Bring it again.")

    def path(self, asset: str) -> Path:
        """The PNG of an asset, which counts as used now. Raises NotFound."""
        self.info(asset)
        with suppress(OSError):
            os.utime(self._file(asset, ".json"))
        return self._file(asset, ".png")

    def thumbnail(self, asset: str) -> Path:
        """A JPEG of an asset, at most 384 pixels wide and high. Raises NotFound."""
        self.info(asset)
        return self._file(asset, ".jpg")

    def _file(self, asset: str, suffix: str) -> Path:
        return self._folder / f"{asset}{suffix}"

    def _put(self, asset: Asset, png: Path, opened: Opened) -> None:
        os.replace(png, self._file(asset.id, ".png"))
        for suffix, body in ((".jpg", opened.thumbnail), (".json", _json(asset))):
            write_whole(self._file(asset.id, suffix), body)

    def _make_room(self, newest: str) -> None:
        """Remove what was used longest ago until the rest fits."""
        sizes: Counter[str] = Counter()
        used: dict[str, float] = {}
        for entry in os.scandir(self._folder):
            stem, suffix = os.path.splitext(entry.name)
            with suppress(FileNotFoundError):  # a picture that is being refused meanwhile
                found = entry.stat()
                if suffix in _PARTS and ASSET_ID.fullmatch(stem):
                    sizes[stem] += found.st_size
                    used[stem] = max(used.get(stem, 0.0), found.st_mtime)
                elif suffix == ".part" and time.time() - found.st_mtime > _ABANDONED_SECONDS:
                    os.unlink(entry)
        total = sizes.total()
        if total <= self._quota:
            return
        kept = {newest, *self._keep()}
        for asset in sorted(used.keys() - kept, key=used.__getitem__):
            if total <= self._quota:
                break
            self._remove(asset)
            total -= sizes[asset]

    def _remove(self, asset: str) -> None:
        for suffix in reversed(_PARTS):  # an asset without its .json is none
            with suppress(OSError):
                self._file(asset, suffix).unlink(missing_ok=True)


def ids_in(text: str) -> set[str]:
    """Whatever in a text may be the id of an asset, however it is referred to."""
    return set(re.findall(rf"(?<![0-9a-f]){ASSET_ID.pattern}(?![0-9a-f])", text))


def _json(asset: Asset) -> bytes:
    return json.dumps(asdict(asset)).encode()
