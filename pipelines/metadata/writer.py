"""From a picture to a file that carries its recipe.

A picture is written under a temporary name, synced, and only then given its own: whoever lists
the folder sees whole pictures, and no picture ever replaces another.
"""

from __future__ import annotations

import errno
import os
import secrets
from contextlib import suppress
from pathlib import Path

from PIL.PngImagePlugin import PngInfo

from pipelines.errors import StorageError
from pipelines.files import sync_folder
from pipelines.metadata import a1111, gesso
from pipelines.picture import Picture

_COMPRESSION = 4
"""A megapixel takes 0.16 s and is 12 to 16 % smaller than at level 1 (0.08 s); 6 can take 0.5 s
and gains nothing on a picture with grain."""
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
_GONE = (errno.ENOENT, errno.ENOTDIR)


def save(picture: Picture, path: str | os.PathLike[str]) -> None:
    """Write a PNG with the recipe and facts (keyword `gesso`) and A1111's `parameters`.

    All or nothing: raises StorageError when the folder is missing, read-only or full, or when
    `path` is taken, and leaves no trace.
    """
    path = Path(path)
    temporary = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with open(temporary, "xb") as file:
            picture.image.save(file, "PNG", pnginfo=_texts(picture), compress_level=_COMPRESSION)
            file.flush()
            os.fsync(file.fileno())
        _name(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        raise _explain(error, path) from error
    finally:
        _remove(temporary)


def _texts(picture: Picture) -> PngInfo:
    texts = PngInfo()
    texts.add_itxt(gesso.KEYWORD, gesso.write(picture.recipe, picture.facts))
    # tEXt where the text is Latin-1, as A1111's readers expect, else iTXt.
    texts.add_text(a1111.KEYWORD, a1111.parameters(picture.recipe, picture.facts))
    return texts


def _name(temporary: Path, path: Path) -> None:
    """Give a finished file its name, unless that is taken."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:  # exFAT and some network drives know no second name for a file
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from None
        os.rename(temporary, path)


def _remove(temporary: Path) -> None:
    with suppress(OSError):  # the folder may have gone, and the file with it
        temporary.unlink(missing_ok=True)


def _explain(error: OSError, path: Path) -> StorageError:
    folder = path.parent.name or str(path.parent)
    if error.errno in _FULL:
        return StorageError(
            f"The picture could not be saved: the disk of {folder!r} is full.",
            "Free some space, then make it again with the same seed.",
        )
    if error.errno in _FORBIDDEN:
        return StorageError(
            f"The picture could not be saved: {folder!r} may not be written to.",
            "Allow writing there, or set another folder for pictures.",
        )
    if error.errno in _GONE:
        return StorageError(
            f"The picture could not be saved: there is no folder {folder!r}.",
            "Make it, plug its drive in again, or set another folder for pictures.",
        )
    if error.errno == errno.EEXIST:
        return StorageError(
            f"The picture could not be saved: there is a file {path.name!r} already.",
            "Choose another name.",
        )
    return StorageError(
        f"The picture could not be saved in {folder!r}: {error.strerror or error}.",
        "Check the disk, or set another folder for pictures.",
    )
