"""Facts about this machine: folders, port, device. No setting ever changes a picture.

Each comes from, in rising order: the default, `settings.toml` in the data folder, the environment
(`GESSO_PORT`, `GESSO_MODELS`, ...), the flags of the command line.
"""

from __future__ import annotations

import ipaddress
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from pipelines.errors import RequestError, StudioError
from pipelines.recipe import explain

FILE_NAME = "settings.toml"
PREFIX = "GESSO_"


class SettingsError(StudioError):
    """A setting that cannot be used; says where it was given."""


def home() -> Path:
    """Where `models/`, `outputs/` and `data/` stand unless said otherwise.

    A checkout of Gesso keeps them beside its code; an installed Gesso in `Gesso` in the artist's
    home folder.
    """
    checkout = Path(__file__).resolve().parent.parent
    if (checkout / "pyproject.toml").is_file():
        return checkout
    return Path.home() / "Gesso"


class Settings(BaseModel):
    """Where things are and what they run on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(default="127.0.0.1", description="Address to listen on: loopback only")
    port: int = Field(default=7860, ge=1, le=65535, description="Port of the page")
    models: tuple[Path, ...] = Field(
        default_factory=lambda: (home() / "models",),
        description="Folders of models, another app's too",
    )
    presets: tuple[Path, ...] = Field(
        default=(), description="Folders of configurations for further models"
    )
    outputs: Path = Field(
        default_factory=lambda: home() / "outputs", description="Folder of finished pictures"
    )
    data: Path = Field(
        default_factory=lambda: home() / "data",
        description="Folder of the queue, thumbnails, caches and logs",
    )
    device: str = Field(
        default="auto",
        pattern=r"^(auto|cpu|mps|cuda(:\d+)?|xpu(:\d+)?)$",
        description="Where to render",
    )
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        default="auto", description="Number format of the weights"
    )
    threads: int | None = Field(
        default=None, ge=1, le=1024, description="CPU threads of the engine; none given: automatic"
    )

    @field_validator("models", "presets", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return tuple(value.split(os.pathsep)) if isinstance(value, str) else value

    @field_validator("models", "presets", "outputs", "data")
    @classmethod
    def _absolute(cls, value: Path | tuple[Path, ...]) -> Path | tuple[Path, ...]:
        if isinstance(value, tuple):
            return tuple(path.expanduser().absolute() for path in value)
        return value.expanduser().absolute()

    @field_validator("host")
    @classmethod
    def _loopback(cls, value: str) -> str:
        if not is_loopback(value):
            raise ValueError(f"{value} would open Gesso to the network; use 127.0.0.1")
        return value

    @classmethod
    def load(cls, flags: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> Self:
        """The settings in force. `flags` are those given; raises SettingsError."""
        given = {
            name: environment[PREFIX + name.upper()]
            for name in cls.model_fields
            if environment.get(PREFIX + name.upper())
        } | dict(flags)
        data = Path(given["data"]) if "data" in given else home() / "data"
        try:
            return cls.model_validate(_read(data / FILE_NAME) | given)
        except ValidationError as error:
            complaint = explain(error)
            raise SettingsError(*_said(complaint), complaint.field) from error


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address or name."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _read(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as stream:
            return tomllib.load(stream)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"The settings in {file} cannot be read: {error}.", "Correct the file, or remove it."
        ) from error


def _said(complaint: RequestError) -> tuple[str, str]:
    where = f"{FILE_NAME}, {PREFIX}{(complaint.field or '').upper()} or the flags"
    return complaint.message, f"{complaint.cure} It comes from {where}."
