"""Finding model files below a folder."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator, Mapping
from typing import NamedTuple

MODEL_SUFFIXES = frozenset(
    (".safetensors", ".sft", ".ckpt", ".pt", ".pt2", ".pth", ".bin", ".pkl", ".gguf")
)
PARTIAL_SUFFIXES = frozenset(
    (".part", ".partial", ".tmp", ".crdownload", ".download", ".incomplete", ".aria2", ".!ut")
)
ALWAYS_PARTIAL = frozenset((".crdownload", ".part"))
"""Endings of a browser's download, whatever stands before them."""

PIPELINE_INDEX = "model_index.json"

SIDECARS = (".json", ".civitai.info", ".yaml")
PREVIEWS = tuple(
    f"{middle}.{suffix}"
    for suffix in ("png", "jpg", "jpeg", "webp", "gif")
    for middle in ("", ".preview")
)


class Stamp(NamedTuple):
    """By what a file is known to be unchanged: its length, its time, and its sidecars'."""

    size: int
    mtime_ns: int
    sidecars: str = ""


class Found(NamedTuple):
    """Something that lies where a model would, before it is opened.

    `parts` are the folders below the scanned one and the file's own name. `state` is "file" for
    a regular file, "pipeline" for a diffusers folder, else why there is nothing to open.
    `preview` is the picture beside it, `changed_ns` when anything about the file changed, its
    permissions too (0 where the system does not tell).
    """

    path: str
    parts: tuple[str, ...]
    stamp: Stamp
    state: str = "file"
    preview: str | None = None
    changed_ns: int = 0

    def looks_like(self, other: Found) -> bool:
        """Whether they are the same but for `changed_ns`."""
        return self[:-1] == other[:-1]

    @property
    def is_model(self) -> bool:
        """Whether there is something to open."""
        return self.state in ("file", "pipeline")

    def sidecar(self, suffix: str) -> str | None:
        """Path of the file beside it that has this ending instead, if there is one."""
        if f"{suffix}:" not in self.stamp.sidecars:
            return None
        return os.path.splitext(self.path)[0] + suffix


def walk(folder: str, follow_links: bool = False) -> Iterator[Found]:
    """Every model file and diffusers folder below `folder`, each folder once.

    Links within `folder` are followed; those that lead out of it only with `follow_links`. What
    cannot be read is given as well, with its state. Opens no file.
    """
    root = "" if follow_links else os.path.realpath(folder)
    waiting: list[tuple[str, tuple[str, ...]]] = [(folder, ())]
    visited: set[tuple[int, int]] = set()
    while waiting:
        path, parts = waiting.pop()
        try:
            entries = _listed_once(path, visited)
        except OSError:
            if os.path.lexists(path):
                yield Found(path, parts, Stamp(0, 0), "closed folder")
            continue
        if PIPELINE_INDEX in entries:
            yield _pipeline(path, parts or (os.path.basename(path),))
            continue
        beside = {name: entry for name, entry in entries.items() if not is_model(name)}
        for name, entry in entries.items():
            below = (*parts, name)
            if _leads_out(entry, root):
                if name not in beside or _is_folder(entry):
                    yield Found(entry.path, below, Stamp(0, 0), "outside link")
            elif name in beside and _is_folder(entry):
                waiting.append((entry.path, below))
            elif name not in beside or is_partial(name):
                yield _file(entry, below, beside)


def _listed_once(path: str, visited: set[tuple[int, int]]) -> dict[str, os.DirEntry[str]]:
    """What is in a folder and not hidden; nothing if this folder has been visited before."""
    status = os.stat(path)
    if (status.st_dev, status.st_ino) in visited:
        return {}
    visited.add((status.st_dev, status.st_ino))
    with os.scandir(path) as listing:
        shown = [entry for entry in listing if not entry.name.startswith(".")]
    return {entry.name: entry for entry in sorted(shown, key=lambda entry: entry.name)}


def _leads_out(entry: os.DirEntry[str], root: str) -> bool:
    """Whether this is a link that leads somewhere out of `root`, the real path of a folder."""
    if not entry.is_symlink():
        return False
    target = os.path.realpath(entry.path)
    within = target == root or target.startswith(os.path.join(root, ""))
    return not within and os.path.exists(target)


def is_model(name: str) -> bool:
    """Whether the ending, in any case, is one that models have."""
    return _split(name)[1] in MODEL_SUFFIXES


def is_partial(name: str) -> bool:
    """Whether the name is that of a model on its way here."""
    stem, suffix = _split(name)
    return suffix in ALWAYS_PARTIAL or (suffix in PARTIAL_SUFFIXES and is_model(stem))


def _split(name: str) -> tuple[str, str]:
    """A name without its ending, and the ending with its dot in lower case: as `splitext`, at a
    third of its time."""
    dot = name.rfind(".")
    return (name[:dot], name[dot:].lower()) if dot > 0 else (name, "")


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _file(
    entry: os.DirEntry[str], parts: tuple[str, ...], beside: Mapping[str, os.DirEntry[str]]
) -> Found:
    try:
        status = entry.stat()
    except OSError:
        state = "broken link" if entry.is_symlink() else "gone"
        return Found(entry.path, parts, Stamp(0, 0), state)
    stem, suffix = _split(entry.name)
    stamp = Stamp(status.st_size, status.st_mtime_ns, _sidecar_stamp(stem, beside))
    if stat.S_ISDIR(status.st_mode):
        if os.path.exists(os.path.join(entry.path, PIPELINE_INDEX)):
            return _pipeline(entry.path, parts)
        return Found(entry.path, parts, stamp, "folder")
    if not stat.S_ISREG(status.st_mode):
        return Found(entry.path, parts, stamp, "device")
    partial = suffix not in MODEL_SUFFIXES or entry.name + ".aria2" in beside
    ends = PREVIEWS if beside else ()
    preview = next((beside[stem + end].path for end in ends if stem + end in beside), None)
    changed = status.st_ctime_ns if os.name == "posix" else 0
    return Found(entry.path, parts, stamp, "partial" if partial else "file", preview, changed)


def _sidecar_stamp(stem: str, beside: Mapping[str, os.DirEntry[str]]) -> str:
    stamps = []
    for suffix in SIDECARS if beside else ():
        if stem + suffix in beside:
            with contextlib.suppress(OSError):
                status = beside[stem + suffix].stat()
                stamps.append(f"{suffix}:{status.st_size}:{status.st_mtime_ns}")
    return " ".join(stamps)


def _pipeline(path: str, parts: tuple[str, ...]) -> Found:
    """A diffusers folder: its size is that of all its files, its time that of the latest."""
    size = latest = 0
    for folder, _, files in os.walk(path):
        for name in files:
            with contextlib.suppress(OSError):
                status = os.stat(os.path.join(folder, name))
                size += status.st_size
                latest = max(latest, status.st_mtime_ns)
    return Found(path, parts, Stamp(size, latest), "pipeline")
