"""From a picture that someone brings back to the settings that make it again.

    reused = reuse(data, catalog)
    reused.draft            # what to ask for; Gesso's own pictures come back as they were
    reused.differences      # what is not here, or not as it was there

Nothing is replaced in silence: what cannot be had is left out of the draft and told.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from app.studio.named import Hashes, Names
from app.studio.unfollowed import SHOWN, unfollowed
from pipelines import samplers
from pipelines.catalog import Catalog
from pipelines.draft import AUTOMATIC, OWN_VAE, Draft
from pipelines.errors import StudioError, UnknownChoice, UnknownModel
from pipelines.images.kinds import kind_of
from pipelines.library.search import is_hash
from pipelines.library.text import plain
from pipelines.metadata import settings_of
from pipelines.metadata.beside import bare, embeddings, hashes
from pipelines.picture import Facts
from pipelines.prompt.networks import tags, with_tags
from pipelines.recipe import ModelRef, Recipe, explain

_RANGED = ("prompt", "negative_prompt", "seed", "steps", "guidance_scale", "clip_skip")
_ANY = {"seed": 0, "size": "512x512", "checkpoint": {"name": "any"}}
"""What makes a recipe of one more field."""
_SILENT: dict[str, Any] = {
    "clip_skip": 1,
    "prediction_type": None,
    "size_conditioning": None,
    "vae": None,
}
"""What an infotext means by saying nothing."""
_MACHINE = ("device", "dtype", "threads")


@dataclass(frozen=True)
class Reused:
    """The settings of a picture made by the app `source`, as far as they can be had here.

    Only the fields that `draft` sets are said by the picture.
    """

    source: str
    draft: Draft
    differences: tuple[str, ...]


def reuse(data: bytes, catalog: Catalog, here: Facts | None = None) -> Reused:
    """What to ask for to have the picture in `data` (PNG, JPEG, WebP) again.

    `here` is how a picture would be made now, if known. Raises ImageFileError when the data is no
    picture, RecipeFileError when it does not say its settings, RequestError when its recipe is
    damaged.
    """
    kind_of(data)
    found = settings_of(data)
    if isinstance(found.asked, Recipe):
        reading = _Reading(catalog, _said(draft_of(found.asked)))
        reading.checkpoint(found.asked.checkpoint.name, found.asked.checkpoint.sha256)
        reading.files(*_files_of(found.asked))
        reading.differences += _other_machine(found.facts, here)
    else:
        reading = _Reading(catalog, _SILENT | _said(found.asked))
        reading.checkpoint(found.fields.get("Model"), found.fields.get("Model hash"))
        reading.module(found.fields)
        reading.files(hashes(found.fields), embeddings(found.fields))
    reading.sampling()
    reading.ranges()
    reading.differences += unfollowed(found.app, found.asked.prompt, found.fields, found.ignored)
    return Reused(found.app, Draft(**reading.values), tuple(reading.differences))


def recall(asked: Draft, catalog: Catalog) -> Reused:
    """What a draft that was kept asks for here; what it leaves open stays open."""
    reading = _Reading(catalog, _said(asked))
    if asked.checkpoint is not None:
        reading.checkpoint(asked.checkpoint, None)
    reading.files({}, ())
    reading.sampling()
    said = {name: reading.values[name] for name in asked.model_fields_set & reading.values.keys()}
    return Reused("Gesso", Draft(**said), tuple(reading.differences))


def draft_of(recipe: Recipe) -> Draft:
    """The draft that asks for what was decided, seed included."""
    decided = {name: value for name, value in recipe if name in Draft.model_fields}
    named = {
        "prompt": with_tags(recipe.prompt, tags(recipe)),
        "checkpoint": recipe.checkpoint.name,
        "vae": recipe.vae.name if recipe.vae is not None else OWN_VAE,
    }
    del decided["loras"]  # the prompt names them
    return Draft.model_validate({**decided, **named})


def _files_of(recipe: Recipe) -> tuple[Hashes, list[str]]:
    """The hashes of a recipe's files, and the names of its embeddings."""
    named: list[tuple[str, ModelRef]] = [("lora", use.model) for use in recipe.loras]
    named += [("hypernetwork", use.model) for use in recipe.hypernetworks]
    named += [("embedding", ref) for ref in recipe.embeddings]
    known = {(role, bare(ref.name)): ref.sha256 for role, ref in named if ref.sha256}
    if recipe.vae is not None and recipe.vae.sha256:
        known["vae", ""] = recipe.vae.sha256
    return known, [ref.name for ref in recipe.embeddings]


@dataclass
class _Reading:
    """The values taken over so far, by field of a draft, and what was said of the others."""

    catalog: Catalog
    values: dict[str, Any]
    differences: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._names = Names(self.catalog, self.differences)

    def checkpoint(self, name: str | None, digits: str | None) -> None:
        """The file of that hash, else of that name. Without it, what belongs to it is left open."""
        self.values.pop("checkpoint", None)
        digits = digits if digits and is_hash(digits) else None
        if name is None and digits is None:
            self.differences.append("It does not say its checkpoint; the chosen one stays.")
            return
        try:
            chosen = self._names.checkpoint(name, digits)
        except UnknownModel as error:
            known = f" (hash {digits[:10]})" if name and digits else ""
            self.differences.append(f"{error.message.removesuffix('.')}{known}. {error.cure}")
        except StudioError as error:
            self.differences.append(str(error))
        else:
            self.values["checkpoint"], self._names.chosen = chosen.ref.name, chosen
            return
        self.values |= {"prediction_type": None, "size_conditioning": None}

    def files(self, known: Hashes, embeddings: Sequence[str]) -> None:
        """The files beside the checkpoint, by the names they have here."""
        sides = {"prompt", "negative_prompt"} & self.values.keys()
        if "prompt" in sides:
            self.values["prompt"] = self._names.prompt(self.values["prompt"], known)
        if "negative_prompt" in sides:
            negative = self._names.negative_prompt(self.values["negative_prompt"])
            self.values["negative_prompt"] = negative
        if len(sides) == 2:
            texts = self.values["prompt"], self.values["negative_prompt"]
            texts = self._names.embeddings(texts, embeddings, known)
            self.values["prompt"], self.values["negative_prompt"] = texts
        if "vae" in self.values:
            self.values["vae"] = self._vae(self.values["vae"], known.get(("vae", "")))

    def _vae(self, name: str | None, digits: str | None) -> str:
        """What the checkpoint has by itself is left to it."""
        chosen = self._names.chosen
        own = self.catalog.automatic_vae(chosen) if chosen is not None else None
        if name in (None, "", AUTOMATIC):
            return AUTOMATIC
        if name != OWN_VAE:
            found = self._names.vae(name, digits)
            return AUTOMATIC if own is not None and found == own.ref.name else found or OWN_VAE
        return AUTOMATIC if own is None else OWN_VAE

    def module(self, fields: Mapping[str, str]) -> None:
        """Forge says its VAE among the modules it loaded."""
        for key, name in fields.items():
            if re.fullmatch(r"Module \d+", key) and self.values.get("vae") is None:
                with contextlib.suppress(StudioError):
                    self.values["vae"] = self.catalog.model("vae", name, look=False).ref.name

    def sampling(self) -> None:
        """Sampler and schedule, which old files join to one name."""
        sampler, schedule = self.values.pop("sampler", None), self.values.pop("schedule", None)
        if sampler is not None:
            with self._told("sampler"):
                known, joined = samplers.split_joined(plain(sampler, SHOWN))
                self.values["sampler"] = known.name
                self.values["schedule"] = joined.name if joined else AUTOMATIC
        if schedule is not None:
            with self._told("schedule"):
                self.values["schedule"] = samplers.schedule(plain(schedule, SHOWN)).name

    @contextlib.contextmanager
    def _told(self, name: str) -> Iterator[None]:
        """A name that is not known is left out, and told."""
        try:
            yield
        except UnknownChoice as error:
            self.values.pop(name, None)
            self.differences.append(f"{error.message} The {name} stays as it is.")

    def ranges(self) -> None:
        """Leave out what no recipe can hold."""
        for name in filter(self.values.__contains__, _RANGED):
            try:
                Recipe.model_validate({**_ANY, name: self.values[name]})
            except ValidationError as error:
                self.differences.append(f"{explain(error)} It stays as it is.")
                del self.values[name]


def _said(draft: Draft) -> dict[str, Any]:
    return {name: getattr(draft, name) for name in draft.model_fields_set}


def _other_machine(there: Facts | None, here: Facts | None) -> list[str]:
    """One sentence on what was not the same when the picture was made."""
    if there is None or here is None:
        return []
    others = [
        f"{name} {plain(str(getattr(there, name)), SHOWN)} ({getattr(here, name)} here)"
        for name in _MACHINE
        if getattr(there, name) != getattr(here, name)
    ]
    others += _other_versions(there.versions, here.versions)
    if not others:
        return []
    return [f"It was made with {', '.join(others)}: it can come out slightly different."]


def _other_versions(there: Mapping[str, str], here: Mapping[str, str]) -> list[str]:
    return [
        f"{name} {plain(there[name], SHOWN)} ({version} here)"
        for name, version in here.items()
        if name in there and there[name] != version
    ]
