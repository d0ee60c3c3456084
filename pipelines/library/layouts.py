"""The folders of other programs, used where they are.

Whether something is there is asked of `os.path`: `Path` raises where nobody may look.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from os.path import exists, isdir, isfile
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pipelines.library.kinds import Role
from pipelines.library.roles import FOLDERS
from pipelines.library.sidecars import read_json, read_yaml

Program = Literal["gesso", "a1111", "forge", "comfyui", "invokeai", "fooocus"]
"""Whose models a folder holds."""


class Folder(NamedTuple):
    """A folder to scan; `role` is what all in it is for, None if it holds all sorts."""

    path: Path
    role: Role | None = None


COMFY_PATHS = "extra_model_paths.yaml"
INVOKE_CONFIG = "invokeai.yaml"
FOOOCUS_CONFIG = "config.txt"

_FOOOCUS_KEYS: Mapping[str, Role] = {
    "path_checkpoints": "checkpoint",
    "path_loras": "lora",
    "path_embeddings": "embedding",
    "path_vae": "vae",
    "path_vae_approx": "vae_approx",
    "path_upscale_models": "upscaler",
    "path_controlnet": "controlnet",
    "path_clip_vision": "clip_vision",
}


def adopt(path: Path) -> list[Folder]:
    """The model folders that a path stands for, each once.

    The root of A1111 or Forge, ComfyUI, InvokeAI or Fooocus, or an `extra_model_paths.yaml`
    itself, stands for the folders where that program keeps its models; any other folder stands
    for itself.
    """
    root = Path(os.path.abspath(path.expanduser()))
    if root.suffix.lower() in (".yaml", ".yml"):
        found = list(_comfy_paths(root))
    else:
        found = [*_webui(root), *_comfy(root), *_invoke(root), *_fooocus(root)]
    found = found or [Folder(root)]
    return list({folder.path: folder for folder in reversed(found)}.values())[::-1]


def program_of(root: Path) -> Program | None:
    """The program whose own folder this is, or whose `extra_model_paths.yaml`; None: nobody's."""
    models = root / "models"
    if root.name == COMFY_PATHS and isfile(root):
        return "comfyui"
    if isfile(root / INVOKE_CONFIG):
        return "invokeai"
    if isdir(models / "Stable-diffusion"):
        return "forge" if isdir(root / "modules_forge") else "a1111"
    if not isdir(models / "checkpoints"):
        return None
    if isfile(root / "fooocus_version.py") or isfile(root / FOOOCUS_CONFIG):
        return "fooocus"
    if isdir(root / "presets" / "families"):
        return "gesso"
    marks = ("folder_paths.py", "comfy", COMFY_PATHS, COMFY_PATHS + ".example")
    return "comfyui" if any(exists(root / mark) for mark in marks) else None


def _webui(root: Path) -> Iterator[Folder]:
    """A1111 and Forge keep embeddings beside `models`, all else below it."""
    if isdir(root / "models" / "Stable-diffusion"):
        yield from _named_folders(root / "models")
        yield from _named_folders(root, only=("embeddings",))


def _comfy(root: Path) -> Iterator[Folder]:
    if isdir(root / "models" / "checkpoints"):
        yield from _named_folders(root / "models")
        yield from _comfy_paths(root / COMFY_PATHS)


def _comfy_paths(file: Path) -> Iterator[Folder]:
    """Sections of any name, each with a `base_path` and lines of `kind: folder`, of which one
    kind may have several, a line each."""
    for section in read_yaml(str(file)).values():
        if not isinstance(section, dict):
            continue
        base = file.parent / os.path.expandvars(_text(section.get("base_path"))).strip()
        for kind, folders in section.items():
            role = FOLDERS.get(str(kind).lower())
            for line in _text(folders).splitlines() if role else ():
                if line.strip():
                    yield Folder(_absolute(base.expanduser() / line.strip()), role)


def _invoke(root: Path) -> Iterator[Folder]:
    """InvokeAI sorts its models by base or by key, so only their contents tell what they are."""
    if isfile(root / INVOKE_CONFIG):
        config = read_yaml(str(root / INVOKE_CONFIG))
        yield Folder(_absolute(root / (_text(config.get("models_dir")) or "models")))


def _fooocus(root: Path) -> Iterator[Folder]:
    config = read_json(str(root / FOOOCUS_CONFIG))
    for key, role in _FOOOCUS_KEYS.items():
        value = config.get(key)
        for folder in value if isinstance(value, list) else [value]:
            if name := _text(folder):
                yield Folder(_absolute(root / name), role)


def _named_folders(parent: Path, only: tuple[str, ...] = ()) -> Iterator[Folder]:
    """The folders in `parent` whose names say what they are for."""
    try:
        names = sorted(os.listdir(parent))
    except OSError:
        return
    for name in names:
        role = FOLDERS.get(name.lower())
        if role and (not only or name.lower() in only) and isdir(parent / name):
            yield Folder(parent / name, role)


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))


def _text(value: Any) -> str:
    return value if isinstance(value, str) and "\0" not in value else ""
