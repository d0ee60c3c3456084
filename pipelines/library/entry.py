"""What the library knows of one model file."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pydantic import TypeAdapter, ValidationError

from pipelines.errors import ModelFileError
from pipelines.library.kinds import Role

READ_RESTRICTED: frozenset[Role] = frozenset(("embedding", "hypernetwork", "vae", "lora"))
"""What is used in pickled form as well: tensors are taken out of it, and nothing in it is run."""


class Problem(NamedTuple):
    """Why a file cannot be used, in one sentence, and what to do about it."""

    message: str
    cure: str

    @classmethod
    def of(cls, error: ModelFileError) -> Problem:
        """The problem that an error tells of."""
        return cls(error.message, error.cure)


class Hashes(NamedTuple):
    """The names by contents that other programs use, in lower-case hexadecimal.

    `sha256` is of the whole file, `legacy` the first 8 digits of the SHA-256 of 64 KiB at 1 MiB
    (what A1111 wrote before 2023), `body` the SHA-256 of all after a safetensors header, which
    survives edits of the metadata (kohya's "addnet" hash; empty for other files).
    """

    sha256: str
    legacy: str
    body: str = ""

    @property
    def short(self) -> str:
        """The 10 digits that infotexts give for checkpoints."""
        return self.sha256[:10]

    @property
    def addnet(self) -> str:
        """The 12 digits that infotexts give for LoRAs."""
        return self.body[:12]

    def match(self, digits: str) -> bool:
        """Whether `digits`, at least 8 of them, are one of these or its beginning."""
        text = digits.lower()
        whole = (self.sha256, self.body)
        return len(text) >= 8 and (text == self.legacy or any(h.startswith(text) for h in whole))


@dataclass(frozen=True)
class Training:
    """What a file or its sidecars tell about its making and use. Text from others: shown, never
    trusted; every length is capped. `alias` is what its trainer called it, `vae` the name of the
    VAE that the artist wants with a checkpoint; `cover`: its header holds a picture."""

    title: str = ""
    alias: str = ""
    vae: str = ""
    base_model: str = ""
    trigger_words: tuple[str, ...] = ()
    description: str = ""
    notes: str = ""
    negative_prompt: str = ""
    weight: float | None = None
    author: str = ""
    license: str = ""
    network: str = ""
    resolution: str = ""
    clip_skip: int | None = None
    tags: tuple[tuple[str, int], ...] = ()
    cover: bool = False

    def to_json(self) -> str:
        """As text; empty if nothing is told."""
        return (
            "" if self == Training() else _TRAINING.dump_json(self, exclude_defaults=True).decode()
        )


_TRAINING = TypeAdapter(Training)


@dataclass(frozen=True)
class Facts:
    """What the contents of a file tell: what the cache keeps.

    `dtype` is the element type of most of its bytes. `pickled`: only a restricted load may open
    it. `note` is a hint for the artist about a file that can be used. `told` is its `training` as
    JSON, which is read when it is asked for: of ten thousand files few ever are. `width` is that
    of the text a LoRA, an embedding, a hypernetwork or a ControlNet was made for (None: any, or
    unknown); of a VAE, the channels of its decoder's first layer.
    """

    role: Role
    family: str | None = None
    variant: str | None = None
    dtype: str | None = None
    pickled: bool = False
    note: str | None = None
    problem: Problem | None = None
    told: str = ""
    width: int | None = None

    @property
    def training(self) -> Training:
        """What the file or its sidecars tell about its making and use."""
        try:
            return _TRAINING.validate_json(self.told) if self.told else Training()
        except ValidationError:
            return Training()


@dataclass(frozen=True)
class Entry(Facts):
    """One model file, or one diffusers folder, as the library lists it.

    `name` is unique within its role: the path below its folder without the extension, safe to
    print and to store. `pending`: changed a moment ago and perhaps not complete.
    """

    name: str = ""
    file: str = ""
    size_bytes: int = 0
    mtime_ns: int = 0
    preview: Path | None = None
    hashes: Hashes | None = None
    pending: bool = False

    @functools.cached_property
    def path(self) -> Path:
        """The file, or the diffusers folder."""
        return Path(self.file)

    @property
    def stem(self) -> str:
        """The last part of the name: what infotexts call a model."""
        return self.name.rpartition("/")[2]

    @property
    def usable(self) -> bool:
        """Whether it can be loaded as it is."""
        return self.problem is None and not self._wants_conversion

    def check(self) -> None:
        """Raises ModelFileError when it cannot be loaded as it is."""
        if self.problem is not None:
            raise ModelFileError(*self.problem)
        if self._wants_conversion:
            raise ModelFileError(
                f"{self.name} is a pickled file, which could run a program when opened.",
                "Get it as .safetensors, or make it one, running nothing: gesso convert FILE.",
            )

    @property
    def _wants_conversion(self) -> bool:
        return self.pickled and self.role not in READ_RESTRICTED
