"""What there is to choose from: model files, samplers, schedules.

catalog = Catalog.open([Path("models")])
chosen = catalog.checkpoint("dreamshaper_8")       # by name, part of it, or hash
chosen.ref, chosen.family, chosen.variant, chosen.path
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from pipelines import samplers
from pipelines.choices import Choice
from pipelines.chosen import Checkpoint, Model, Stamp
from pipelines.draft import OWN_VAE
from pipelines.errors import ModelFileError, StudioError, UnknownModel, WrongModel, about
from pipelines.families import families, variants
from pipelines.library.entry import Entry
from pipelines.library.fit import why_not
from pipelines.library.kinds import Family, Role, Variant
from pipelines.library.library import PATIENCE, SETTLE, Library
from pipelines.library.roles import said
from pipelines.library.search import by_name
from pipelines.recipe import HypernetworkUse, LoraUse, ModelRef, Recipe

__all__ = ["PRESETS", "STARTER", "Catalog", "Checkpoint", "Model", "Stamp"]

PRESETS = Path(__file__).resolve().parents[1] / "presets"
STARTER = "starter"
"""The bundled drop folder within a presets folder."""

_Use = TypeVar("_Use", LoraUse, HypernetworkUse)
_Chosen = TypeVar("_Chosen", bound=Model)


class Catalog:
    """Finds what a draft or a recipe names. May be used from any thread."""

    def __init__(
        self,
        library: Library,
        families: Sequence[Family],
        variants: Sequence[Variant],
        bundled: Sequence[Path] = (),
        follow: bool = False,
    ) -> None:
        self.library = library
        self._families = {family.name: family for family in families}
        self._variants = {variant.name: variant for variant in variants}
        self._bundled = list(bundled)
        self._follow = follow

    @classmethod
    def open(
        cls,
        folders: Sequence[Path] = (),
        presets: Sequence[Path] = (PRESETS,),
        cache: Path | None = None,
        settle: float = SETTLE,
        patience: float = PATIENCE,
        follow: bool = False,
        follow_links: bool = False,
    ) -> Catalog:
        """Scan `folders`, then the starter models bundled with `presets`.

        `cache` is a file that makes the next scan fast; `settle` the seconds for which a file
        must lie still before it is used; `patience` those after which the rest is read in the
        background. To `follow` is to scan nothing, but to take from the cache what the process
        that leads has found, and to look for oneself only if that is not enough.
        `follow_links`: those, too, that lead out of a folder.
        """
        known, shapes = families(), variants(presets)
        bundled = [folder / STARTER for folder in presets if (folder / STARTER).is_dir()]
        library = Library([*folders, *bundled], known, shapes, cache, settle, follow_links)
        if not follow:
            library.scan(patience)
        return cls(library, known, shapes, bundled, follow)

    @property
    def version(self) -> int:
        """Counts up whenever something else can be chosen."""
        return self.library.version

    def reopen(self, folders: Sequence[Path], patience: float = PATIENCE) -> None:
        """Look into these folders from now on, and into those of the starter models."""
        self.library.open([*folders, *self._bundled])
        self.rescan(patience)

    def rescan(self, patience: float = PATIENCE) -> bool:
        """Look at the folders again; whether anything changed. Cheap where nothing did."""
        return self.library.recall() if self._follow else self.library.scan(patience)

    def close(self) -> None:
        """Stop what runs in the background."""
        self.library.close()

    def checkpoints(self) -> list[Checkpoint]:
        """Those that can be used, the artist's own first, each part by name."""
        usable = [self._choice(e) for e in self.library.entries("checkpoint") if e.usable]
        return sorted(usable, key=self._is_bundled)

    def has_own(self) -> bool:
        """Whether there is any checkpoint beside the bundled ones."""
        return not all(map(self._is_bundled, self.checkpoints()))

    def checkpoint(self, name: str | None) -> Checkpoint:
        """By name, file name, an ending of its path, or hash. None is the artist's first
        checkpoint that paints from text, else the starter.

        Raises UnknownModel, WrongModel for a file of another role, and ModelFileError for one
        that cannot be used.
        """
        return self._choice(self._usable("checkpoint", name))

    def recall(self, ref: ModelRef) -> Checkpoint:
        """The very file a recipe names, by its hash if the recipe has it, else by its name.

        Raises as `checkpoint` does, and UnknownModel for another file of the same name.
        """
        return self._choice(self._recall("checkpoint", ref))

    def models(self, role: Role) -> list[Model]:
        """The files of a role that can be used, by name."""
        return [Model(entry) for entry in self.library.entries(role) if entry.usable]

    def model(self, role: Role, name: str, look: bool = True) -> Model:
        """A file that is no checkpoint, by name, file name, an ending of its path, the name its
        trainer gave it, or hash.

        To `look` is to look into the folders again for what is not known. Raises as `checkpoint`
        does; the error's field is the recipe's for this role.
        """
        if look:
            return Model(self._usable(role, name))
        with about(_field_of(role)):
            entry = self._known(role, name)
            entry.check()
        return Model(entry)

    def recall_model(self, role: Role, ref: ModelRef) -> Model:
        """The very file a recipe names. Raises as `model` does, and UnknownModel for another file
        of the same name."""
        return Model(self._recall(role, ref))

    def hashed(self, chosen: _Chosen) -> _Chosen:
        """The same with its hashes known, read now if need be (a folder has none)."""
        return replace(chosen, entry=self.library.hashed(chosen.entry))

    def hashed_recipe(self, recipe: Recipe) -> Recipe:
        """The recipe with the hashes of all its files, which name them for good; those that are
        not known are read now. A file that went meanwhile keeps the name it has."""

        def known(role: Role, ref: ModelRef) -> ModelRef:
            with contextlib.suppress(StudioError):
                found = self.hashed(Model(self._recall(role, ref))).ref
                hashes = found.model_dump(exclude={"name"}, exclude_none=True)
                return ref.model_copy(update=hashes)
            return ref

        def each(role: Role, uses: Sequence[_Use]) -> tuple[_Use, ...]:
            return tuple(u.model_copy(update={"model": known(role, u.model)}) for u in uses)

        files = {
            "checkpoint": known("checkpoint", recipe.checkpoint),
            "vae": known("vae", recipe.vae) if recipe.vae is not None else None,
            "loras": each("lora", recipe.loras),
            "embeddings": tuple(known("embedding", ref) for ref in recipe.embeddings),
            "hypernetworks": each("hypernetwork", recipe.hypernetworks),
        }
        return recipe.model_copy(update=files)

    def automatic_vae(self, checkpoint: Choice) -> Model | None:
        """The VAE that belongs to a checkpoint: the one its sidecar names, else `X.vae.*` beside
        `X`, else `X.vae.*` or `X.*` among the VAEs. None: the one in it."""
        noted, stem = checkpoint.entry.training.vae, checkpoint.entry.path.stem
        if noted == OWN_VAE:
            return None
        fitting = [m for m in self.models("vae") if self.why_not(m.entry, checkpoint) is None]
        found = by_name(noted, [model.entry for model in fitting]) if noted else []
        names = (f"{stem}.vae", stem)
        near = [model.entry for model in fitting if model.path.stem in names]
        near.sort(key=lambda entry: entry.path.parent != checkpoint.entry.path.parent)
        return next((Model(entry) for entry in (*found[:1], *near)), None)

    def why_not(self, entry: Entry, checkpoint: Choice) -> str | None:
        """Why a file does not go with a checkpoint, in a sentence; None if it does, or may."""
        families, variants = list(self._families.values()), list(self._variants.values())
        return why_not(entry, checkpoint.variant, families, variants)

    def sampler(self, name: str) -> str:
        """The canonical name. Raises UnknownChoice."""
        return samplers.sampler(name).name

    def schedule(self, name: str, sampler: str) -> str:
        """The canonical name; "Automatic" is the sampler's own. Raises UnknownChoice."""
        found = samplers.schedule(name).name
        return samplers.sampler(sampler).schedule if found == samplers.AUTOMATIC else found

    def samplers(self) -> list[samplers.Sampler]:
        """All samplers, by name."""
        return samplers.samplers()

    def schedules(self) -> list[samplers.Schedule]:
        """All schedules, "Automatic" first."""
        return samplers.schedules()

    def _usable(self, role: Role, name: str | None) -> Entry:
        entry = self._entry(role, name)
        if entry.pending:
            time.sleep(self.library.settle)
        if entry.pending or not self.library.is_current(entry):
            self.library.scan()
            entry = self._entry(role, name)
        with about(_field_of(role)):
            entry.check()
        return entry

    def _recall(self, role: Role, ref: ModelRef) -> Entry:
        if ref.sha256 is None:
            return self._usable(role, ref.name)
        with contextlib.suppress(UnknownModel):
            return self._usable(role, ref.sha256)
        found = self.library.hashed(self._usable(role, ref.name))
        if found.hashes is None or found.hashes.sha256 == ref.sha256:
            return found
        raise UnknownModel(
            f"{found.name} is here, but it is not the file this recipe was made with.",
            f"Put the file of sha256 {ref.sha256[:10]}... into one of the model folders.",
            _field_of(role),
        )

    def _entry(self, role: Role, name: str | None) -> Entry:
        """As known; what is not is looked for, first where it costs least."""
        looks = (self.library.recall, self.library.scan) if self._follow else (self.library.scan,)
        for look in looks:
            with contextlib.suppress(UnknownModel):
                return self._known(role, name)
            look()
        with about(_field_of(role)):
            try:
                return self._known(role, name)
            except UnknownModel:
                if name is not None:
                    self._refuse_other_role(role, name)
                raise

    def _known(self, role: Role, name: str | None) -> Entry:
        if name is None:
            return self._default()
        try:
            return self.library.find(name, role)
        except UnknownModel:
            entries = self.library.entries(role)
            called = [e for e in entries if name in e.told and e.training.alias == name]
            if len(called) != 1:
                raise
            return called[0]

    def _default(self) -> Entry:
        entries = self.library.entries("checkpoint")
        painters = [c.entry for c in self.checkpoints() if c.variant.task == "text-to-image"]
        pending = [entry for entry in entries if entry.pending]
        for entry in (*painters, *pending):
            return entry
        raise UnknownModel(
            "There is no checkpoint in the model folders.",
            "Put an SD 1.x, SD 2.x or SDXL checkpoint (.safetensors) into models/checkpoints.",
            "checkpoint",
        )

    def _refuse_other_role(self, role: Role, name: str) -> None:
        for entry in self.library.entries():
            if name in (entry.name, entry.stem, entry.path.name):
                if entry.problem is not None:
                    raise ModelFileError(*entry.problem)
                if entry.role == role:
                    return  # Several of them have this name, which has been said.
                raise WrongModel(
                    f"{entry.name} is not {_a(role)}; it is of the kind {said(entry.role)}.",
                    f"Choose {_a(role)} here.",
                )

    def _choice(self, entry: Entry) -> Checkpoint:
        assert entry.family is not None and entry.variant is not None
        return Checkpoint(entry, self._families[entry.family], self._variants[entry.variant])

    def _is_bundled(self, checkpoint: Checkpoint) -> bool:
        return any(folder in checkpoint.path.parents for folder in self._bundled)


def _field_of(role: Role) -> str:
    """The recipe's field that names files of a role."""
    return _FIELDS.get(role, role)


_FIELDS: Mapping[Role, str] = {
    "lora": "loras",
    "embedding": "embeddings",
    "hypernetwork": "hypernetworks",
}


def _a(role: Role) -> str:
    word = said(role)
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"
