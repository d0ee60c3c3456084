"""From something found in a folder to the facts about it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pipelines.errors import ModelFileError
from pipelines.families import identify, identify_pipeline
from pipelines.library.accessories import (
    is_of_another_architecture,
    made_for,
    named_family,
    stated_family,
    vae_shape,
)
from pipelines.library.digest import digest
from pipelines.library.entry import Facts, Problem
from pipelines.library.header import Header, is_pickled, read_header
from pipelines.library.kinds import Family, Role, Variant
from pipelines.library.pickle_header import read_pickle_header
from pipelines.library.pipeline_folder import read_pipeline
from pipelines.library.roles import role_of, role_of_folder
from pipelines.library.sidecars import read_json, stated_in_config
from pipelines.library.text import decoded, file_name
from pipelines.library.unet import VAE
from pipelines.library.walk import Found

_READ_BY_OTHERS: frozenset[Role] = frozenset(("upscaler", "face_restorer"))
UNSURE = "If the picture is brown noise, choose the other Prediction: the file does not say."

_STATES: Mapping[str, tuple[str, str]] = {
    "partial": ("is still being downloaded or copied.", "Wait until it is complete."),
    "broken link": ("is a link to a file that is not there.", "Put the file back, or remove it."),
    "outside link": (
        "is a link that leads out of the model folder.",
        "Take the folder it leads to as a model folder, too, or set follow_links = true in "
        "settings.toml.",
    ),
    "gone": ("vanished while the folder was read.", "Put it back if you still need it."),
    "folder": ("is a folder, not a model file.", "Put the model file itself here."),
    "device": ("is a pipe or a device, not a file.", "Remove it from the model folder."),
    "closed folder": ("cannot be opened.", "Check its permissions and the disk it lies on."),
}


@dataclass(frozen=True)
class Examiner:
    """Knows the families and variants, and looks at one thing at a time."""

    families: Sequence[Family]
    variants: Sequence[Variant]

    def facts(self, found: Found, role: Role | None) -> Facts:
        """Everything its header, its sidecars and, for what cannot be read, its folder tell.

        `role` is what the scanned folder as a whole is for, if that is known. Never raises: what
        is wrong with a file is its `problem`.
        """
        likely = role_of_folder(found.parts[:-1])
        likely = role or "unknown" if likely == "unknown" else likely
        try:
            if found.state == "pipeline":
                return self._pipeline(found)
            if found.state != "file":
                message, cure = _STATES[found.state]
                raise ModelFileError(f"{file_name(found.path)} {message}", cure)
            if is_pickled(found.path):
                return self._pickled(found, likely)
            return self._file(found, likely, read_header(Path(found.path)))
        except ModelFileError as error:
            return Facts(likely, problem=Problem.of(error))

    def _file(self, found: Found, likely: Role, header: Header, pickled: bool = False) -> Facts:
        role = role_of(header, likely)
        training = digest(header.metadata, *_notes(found))
        facts = Facts(role, dtype=header.dtype, pickled=pickled, told=training.to_json())
        try:
            if role == "checkpoint":
                return self._checkpoint(found, header, facts)
            if role == "unknown":
                raise ModelFileError(
                    f"{file_name(found.path)} holds tensors of a kind Gesso does not know.",
                    "Choose an SD 1.x, SD 2.x or SDXL model.",
                )
            self._check(role, header, file_name(found.path))
        except ModelFileError as error:
            kept = likely if role == "unknown" else role
            return replace(facts, role=kept, problem=Problem.of(error))
        family, width = made_for(role, header, self.families, self.variants)
        family = family or stated_family([training.base_model], self.families)
        if role == "vae" and family is None:
            family = named_family(decoded(found.parts[-1]), self.families)
        return replace(facts, family=family, width=width)

    def _pickled(self, found: Found, likely: Role) -> Facts:
        """Where only another program reads such files, what it is for is what its folder says."""
        suffix = os.path.splitext(found.path)[1].lower()
        if likely == "unknown" and suffix == ".ckpt":
            likely = "checkpoint"
        try:
            header = read_pickle_header(Path(found.path))
            facts = self._file(found, likely, header, pickled=True)
        except ModelFileError as error:
            facts = Facts(likely, pickled=True, problem=Problem.of(error))
        if facts.problem is not None and facts.role in _READ_BY_OTHERS:
            facts = replace(facts, problem=None)
        return facts

    def _check(self, role: Role, header: Header, name: str) -> None:
        """Raises ModelFileError for what no checkpoint that Gesso knows can use."""
        if role in ("lora", "controlnet", "ip_adapter") and is_of_another_architecture(header):
            raise ModelFileError(
                f"{name} is made for a model of another kind, such as Flux or SD 3.",
                "Choose one that is made for SD 1.x, SD 2.x or SDXL.",
            )
        known = {variant.vae[:2] for variant in self.variants if variant.vae is not None}
        if role == "vae" and vae_shape(header) not in known:
            raise ModelFileError(
                f"{name} is a VAE of another kind than those of Stable Diffusion.",
                "Choose a VAE that is made for SD 1.x, SD 2.x or SDXL.",
            )

    def _checkpoint(self, found: Found, header: Header, facts: Facts) -> Facts:
        name = decoded(found.parts[-1])
        says = stated_in_config(found.sidecar(".yaml"))
        family, variant, certain = identify(header, name, self.families, self.variants, says)
        if not header.has(VAE):
            raise ModelFileError(
                f"{file_name(name)} has no VAE in it.", "Get the complete checkpoint."
            )
        note = None if certain else UNSURE
        return replace(facts, family=family.name, variant=variant.name, note=note)

    def _pipeline(self, found: Found) -> Facts:
        pipeline = read_pipeline(Path(found.path))
        family, variant, certain = identify_pipeline(pipeline, self.families, self.variants)
        note = None if certain else UNSURE
        return Facts("checkpoint", family.name, variant.name, pipeline.dtype, note=note)


def _notes(found: Found) -> tuple[Mapping[str, object], Mapping[str, object]]:
    return read_json(found.sidecar(".json")), read_json(found.sidecar(".civitai.info"))
