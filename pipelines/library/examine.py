"""From something found in a folder to the facts about it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pipelines.errors import ModelFileError
from pipelines.families import identify, identify_pipeline
from pipelines.library.accessories import family_of, stated_family
from pipelines.library.digest import digest
from pipelines.library.entry import Facts, Problem
from pipelines.library.header import Header, is_pickle, read_header, read_start
from pipelines.library.kinds import Family, Role, Variant
from pipelines.library.pipeline_folder import read_pipeline
from pipelines.library.roles import role_of, role_of_folder
from pipelines.library.sidecars import read_json, stated_in_config
from pipelines.library.text import decoded, file_name
from pipelines.library.walk import Found

PICKLED_SUFFIXES = frozenset((".ckpt", ".pt", ".pt2", ".pth", ".bin", ".pkl"))
VAE = "first_stage_model."
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
            if _is_pickled(found.path):
                return self._pickled(found, likely)
            return self._safetensors(found, likely)
        except ModelFileError as error:
            return Facts(likely, problem=Problem.of(error))

    def _safetensors(self, found: Found, likely: Role) -> Facts:
        header = read_header(Path(found.path))
        role = role_of(header)
        training = digest(header.metadata, *_notes(found))
        facts = Facts(role, dtype=header.dtype, told=training.to_json())
        try:
            if role == "checkpoint":
                return self._checkpoint(found, header, facts)
            if role == "unknown":
                raise ModelFileError(
                    f"{file_name(found.path)} holds tensors of a kind Gesso does not know.",
                    "Choose an SD 1.x, SD 2.x or SDXL model.",
                )
        except ModelFileError as error:
            kept = likely if role == "unknown" else role
            return replace(facts, role=kept, problem=Problem.of(error))
        family = family_of(role, header, self.families, self.variants)
        family = family or stated_family([training.base_model], self.families)
        return replace(facts, family=family)

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

    def _pickled(self, found: Found, role: Role) -> Facts:
        suffix = os.path.splitext(found.path)[1].lower()
        if role == "unknown" and suffix == ".ckpt":
            role = "checkpoint"
        training = digest({}, *_notes(found))
        family = stated_family([training.base_model], self.families)
        problem = None
        if role == "unknown":
            problem = Problem(
                f"{file_name(found.path)} is a pickled file whose kind cannot be told unopened.",
                "Move it into the folder of its kind, such as vae or embeddings.",
            )
        return Facts(role, family, pickled=True, told=training.to_json(), problem=problem)

    def _pipeline(self, found: Found) -> Facts:
        pipeline = read_pipeline(Path(found.path))
        family, variant, certain = identify_pipeline(pipeline, self.families, self.variants)
        note = None if certain else UNSURE
        return Facts("checkpoint", family.name, variant.name, pipeline.dtype, note=note)


def _notes(found: Found) -> tuple[Mapping[str, object], Mapping[str, object]]:
    return read_json(found.sidecar(".json")), read_json(found.sidecar(".civitai.info"))


def _is_pickled(path: str) -> bool:
    """By its ending, unless it is a safetensors file under the name of a pickle."""
    suffix = os.path.splitext(path)[1].lower()
    return suffix in PICKLED_SUFFIXES and is_pickle(read_start(path))
