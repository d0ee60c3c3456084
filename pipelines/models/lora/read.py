"""From a LoRA's file to its changes."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from itertools import accumulate, pairwise
from pathlib import Path

from pipelines.errors import ModelFileError, WrongModel
from pipelines.library.header import is_pickled
from pipelines.library.kinds import Family, Variant
from pipelines.library.text import file_name, plain
from pipelines.models.contents import read_contents
from pipelines.models.lora.build import PARTS, Parts, changes_of, peft_scale
from pipelines.models.lora.change import Change, Key, Lora
from pipelines.models.lora.factors import Rows, Transposed
from pipelines.models.lora.kinds import Added
from pipelines.models.lora.names import Names, Place, names_of
from pipelines.models.pickled import Contents, read_pickled

_STRANGERS = 10
"""One module in so many may be missing from a LoRA's own family: SD 2's last text layer is."""

_GET_AGAIN = "Copy or download the file again."


def read_lora(path: Path, family: Family, variant: Variant) -> Lora:
    """Read a LoRA made for this family and variant. Its tensors stay in the mapped file.

    Raises ModelFileError for a damaged file or one of a kind that is not supported, WrongModel
    for one that was made for another architecture.
    """
    contents = Contents(read_pickled(path), {}) if is_pickled(path) else read_contents(path)
    names = names_of(variant.folder, family.encoders)
    return _Reader(file_name(path), names, variant, contents).read()


class _Reader:
    """Reads one file; keeps what its sentences need."""

    def __init__(self, file: str, names: Names, variant: Variant, contents: Contents) -> None:
        self._file = file
        self._names = names
        self._variant = variant
        self._contents = contents

    def read(self) -> Lora:
        modules, strangers, skipped = self._modules()
        if len(strangers) * _STRANGERS > len(modules) + len(strangers):
            raise self._other_family(
                f"there is no {plain(strangers[0], 80)} in {self._variant.label}"
            )
        if not modules:
            raise ModelFileError(
                f"{self._file} holds no LoRA that Gesso knows.",
                "Choose a LoRA for Stable Diffusion, as .safetensors.",
            )
        changes: dict[Key, Change] = {}
        for name, parts in modules.items():
            for key, change in self._changes(name, parts):
                if key in changes:
                    raise self._damaged(f"it changes {key.name} twice")
                changes[key] = change
        return Lora(changes, tuple(skipped + strangers))

    def _modules(self) -> tuple[dict[str, Parts], list[str], list[str]]:
        """What there is for each module, by its name in the file; modules that this variant does
        not have; and names that are no module's."""
        modules: dict[str, Parts] = {}
        strangers: dict[str, None] = {}
        skipped: list[str] = []
        for written, tensor in self._contents.tensors.items():
            name, part = self._split(_current(written))
            if part is not None:
                if not tensor.is_floating_point() and part not in ("alpha", "on_input"):
                    raise self._unsupported(str(tensor.dtype))
                modules.setdefault(name, {})[part] = tensor
            elif self._names.claims(name):
                strangers[name] = None
            else:
                skipped.append(written)
        return modules, list(strangers), skipped

    def _split(self, written: str) -> tuple[str, str | None]:
        """The module that a tensor is for, and what it is for it; None if this variant has no
        such module."""
        words = written.split(".")
        for count in (1, 2, 3):
            name, end = ".".join(words[:-count]), ".".join(words[-count:])
            if self._names.find(name) is not None:
                if end not in PARTS:
                    raise self._unsupported(end)
                return name, PARTS[end]
        ends = (".".join(words[-count:]) for count in (3, 2, 1))
        known = next((end for end in ends if end in PARTS), "")
        return written.removesuffix(f".{known}"), None

    def _changes(self, name: str, parts: Parts) -> Iterator[tuple[Key, Change]]:
        """The changes of one module, checked against the shapes of its weights."""
        place = self._names.find(name)
        assert place is not None
        alpha = self._alpha(parts)

        def scale(rank: int | None) -> float:
            if rank is None:
                return 1.0
            if alpha is None:
                return peft_scale(self._contents.values, place.component, place.modules[0], rank)
            return alpha / rank

        try:
            changes = list(changes_of(parts, alpha, scale))
        except (LookupError, ValueError, RuntimeError) as error:
            raise self._damaged(f"its tensors for {plain(name, 80)} do not fit together") from error
        if parts:
            raise self._unsupported(next(end for end, part in PARTS.items() if part in parts))
        for weight, change in changes:
            yield from self._placed(place, weight, change)

    def _alpha(self, parts: Parts) -> float | None:
        if "alpha" not in parts:
            return None
        alpha = parts.pop("alpha")
        if alpha.numel() != 1 or alpha.is_complex() or not math.isfinite(alpha):
            raise self._damaged("an alpha is not a number")
        return float(alpha)

    def _placed(self, place: Place, weight: str, change: Change) -> Iterator[tuple[Key, Change]]:
        """A change of the module's own weight, or of the projections that are its rows."""
        keys = [Key(place.component, f"{module}.{weight}") for module in place.modules]
        shapes = [self._names.shapes.get(key, (0,)) for key in keys]
        changes = [change]
        if place.transposed or len(keys) > 1:
            if not isinstance(change, Added):
                raise self._unsupported(type(change).__name__)
            changes = _parted(change, shapes, place.transposed and weight == "weight")
        if not all(each.fits(shape) for each, shape in zip(changes, shapes, strict=True)):
            raise self._other_family(f"its change of {keys[0].name} has another shape")
        yield from zip(keys, changes, strict=True)

    def _damaged(self, why: str) -> ModelFileError:
        return ModelFileError(f"{self._file} is damaged: {why}.", _GET_AGAIN)

    def _unsupported(self, part: str) -> ModelFileError:
        return ModelFileError(
            f"{self._file} changes weights in a way Gesso does not know ({plain(part, 40)}).",
            "Choose a LoRA, LoCon, LoHa, LoKr, DoRA, IA3, GLoRA or OFT file.",
        )

    def _other_family(self, why: str) -> WrongModel:
        return WrongModel(
            f"{self._file} was not made for {self._variant.label} models: {why}.",
            "Choose a checkpoint it was made for, or leave it out.",
            "loras",
        )


def _parted(change: Added, shapes: list[tuple[int, ...]], transposed: bool) -> list[Added]:
    """A change of a weight that is kept the other way round, or as the rows of one."""
    matrix = Transposed(change.matrix) if transposed else change.matrix
    *stops, end = accumulate(shape[0] for shape in shapes)
    bounds = pairwise((0, *stops, max(end, matrix.rows)))
    return [Added(Rows(matrix, start, stop), change.scale) for start, stop in bounds]


def _current(name: str) -> str:
    """A name as diffusers has written it since 2023."""
    return re.sub(r"_lora\.(up|down)\.", r".lora.\1.", name.replace(".processor.", "."))
