"""Facts about this machine: folders, port, device. No setting ever changes a picture.

Each comes from, in rising order: the default, `settings.toml` in the data folder, the environment
(`GESSO_PORT`, `GESSO_MODELS`, ...), the flags of the command line.
"""

from __future__ import annotations

import ipaddress
import os
import secrets
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from pipelines.errors import RequestError, StudioError
from pipelines.recipe import explain

FILE_NAME = "settings.toml"
PREFIX = "GESSO_"

TOKEN_LENGTH = 16
"""Characters a token has at least; guessing one of them takes for ever."""


BUDGET_LIMIT = 100_000
"""GB; more was not meant."""


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

    host: str = Field(
        default="127.0.0.1",
        description="Address to listen on; 0.0.0.0 opens Gesso to the network, with a token",
    )
    port: int = Field(default=7860, ge=1, le=65535, description="Port of the page")
    token: SecretStr | None = Field(
        default=None, description="Secret that every request must carry; better kept in a file"
    )
    token_file: Path | None = Field(
        default=None, description="File whose first line is the token, read by you alone"
    )
    allow_host: tuple[str, ...] = Field(
        default=(), description="Further name by which browsers may call Gesso"
    )
    models: tuple[Path, ...] = Field(
        default_factory=lambda: (home() / "models",),
        description="Folders of models, another app's too",
    )
    follow_links: bool = Field(
        default=False, description="Follow links that lead out of a folder of models: true or false"
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
    ram_budget: float | None = Field(
        default=None,
        gt=0,
        le=BUDGET_LIMIT,
        allow_inf_nan=False,
        description="GB of memory that loaded models may fill; auto: what the machine has",
    )
    device_budget: float | None = Field(
        default=None,
        gt=0,
        le=BUDGET_LIMIT,
        allow_inf_nan=False,
        description="GB of the graphics card that models may fill; auto: what the card has",
    )

    _given: frozenset[str] = PrivateAttr(frozenset())

    @property
    def given(self) -> frozenset[str]:
        """Names of the settings that the environment or the flags decided: no file changes them."""
        return self._given

    @property
    def ram_budget_bytes(self) -> int | None:
        """None: what the machine has."""
        return _bytes(self.ram_budget)

    @property
    def device_budget_bytes(self) -> int | None:
        """None: what the card has."""
        return _bytes(self.device_budget)

    @field_validator("ram_budget", "device_budget", mode="before")
    @classmethod
    def _automatic(cls, value: Any) -> Any:
        return None if value == "auto" else value

    @field_validator("models", "presets", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return tuple(value.split(os.pathsep)) if isinstance(value, str) else value

    @field_validator("models", "presets", "outputs", "data")
    @classmethod
    def _absolute(cls, value: Path | tuple[Path, ...]) -> Path | tuple[Path, ...]:
        return tuple(map(_in_full, value)) if isinstance(value, tuple) else _in_full(value)

    @field_validator("allow_host", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value

    @field_validator("host")
    @classmethod
    def _address(cls, value: str) -> str:
        if value != "localhost":
            try:
                return str(ipaddress.ip_address(value.strip("[]")))
            except ValueError:
                raise ValueError("use an address of this machine, or 0.0.0.0 for all") from None
        return value

    @model_validator(mode="before")
    @classmethod
    def _token_from_file(cls, values: Any) -> Any:
        file = values.get("token_file") if isinstance(values, dict) else None
        if isinstance(file, str | Path) and "token" not in values:
            return {**values, "token": read_token(Path(os.path.expanduser(file)))}
        return values

    @model_validator(mode="after")
    def _guarded(self) -> Self:
        if self.token is not None:
            _check_token(self.token.get_secret_value())
        elif not is_loopback(self.host) or self.allow_host:
            raise SettingsError(
                "Without a token, everybody in the network could use Gesso.",
                f"Give it a token, for instance this one, made just now: --token {new_token()}",
                "token",
            )
        return self

    @classmethod
    def load(cls, flags: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> Self:
        """The settings in force. `flags` are those given; raises SettingsError."""
        around = {
            name: environment[PREFIX + name.upper()]
            for name in cls.model_fields
            if environment.get(PREFIX + name.upper())
        }
        data = Path(os.path.expanduser({"data": home() / "data", **around, **flags}["data"]))
        try:
            settings = cls.model_validate(_rising(_read(data / FILE_NAME), around, flags))
            settings._given = frozenset((*around, *flags))
            return settings
        except ValidationError as error:
            complaint = explain(error)
            raise SettingsError(*_said(complaint), complaint.field) from error


def _bytes(gigabytes: float | None) -> int | None:
    return None if gigabytes is None else round(gigabytes * 1e9)


def _in_full(path: Path) -> Path:
    try:
        return path.expanduser().absolute()
    except RuntimeError:
        raise ValueError("nobody of this name has a home folder here") from None


def _rising(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Later layers win. A token and a file of one say the same, so either hides both."""
    said: dict[str, Any] = {}
    for layer in layers:
        if {"token", "token_file"} & layer.keys():
            said = {key: said[key] for key in said if key not in ("token", "token_file")}
        said |= layer
    return said


def new_token() -> str:
    """A token nobody guesses, 128 random bits; easily typed on a phone."""
    return secrets.token_hex(16)


def read_token(file: Path) -> str:
    """The first line of a file. Raises SettingsError."""
    try:
        with file.open(encoding="utf-8") as stream:
            return stream.readline(1000).strip()
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"The token cannot be read from {file}: {getattr(error, 'strerror', 'it is no text')}.",
            "Check its name with --token-file.",
            "token_file",
        ) from error


def _check_token(token: str) -> None:
    cure = f"Use a longer one, for instance this, made just now: --token {new_token()}"
    if len(token) < TOKEN_LENGTH:
        said = f"The token has {len(token)} characters; it needs at least {TOKEN_LENGTH}."
        raise SettingsError(said, cure, "token")
    if len(set(token)) < TOKEN_LENGTH // 2:
        raise SettingsError("The token repeats itself and is easily guessed.", cure, "token")
    if not all("!" <= character <= "~" for character in token):
        raise SettingsError(
            "The token has characters that a header cannot carry.",
            "Use letters without accents, digits and signs, no spaces.",
            "token",
        )


def is_wildcard(host: str) -> bool:
    """Whether this stands for all addresses of the machine."""
    return host in ("0.0.0.0", "::")


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
