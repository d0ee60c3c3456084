"""Files as a picture names them, and what they are called here.

    names = Names(catalog, differences)
    names.find("checkpoint", "dreamshaper_8", "879db523c3")
    names.prompt("a boat <lora:ink:0.8>", {("lora", "ink"): "0011aabbccdd"})

Each is looked for by its hash first. What is not here, is another file, or does not go with the
checkpoint is told in `differences`.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TypeVar

from app.studio.unfollowed import SHOWN, listed
from pipelines.catalog import Catalog, Checkpoint, Model
from pipelines.errors import StudioError, UnknownModel
from pipelines.library.kinds import Role
from pipelines.library.roles import said
from pipelines.library.search import is_hash
from pipelines.library.text import plain
from pipelines.metadata.beside import bare, stem
from pipelines.prompt.chunks import word_of
from pipelines.prompt.networks import (
    HypernetworkAsked,
    LoraAsked,
    parse_networks,
    with_tags,
    without_foreign,
    words_in,
)
from pipelines.recipe import NETWORK_LIMIT

Hashes = Mapping[tuple[str, str], str]
"""Hashes, or beginnings of them, by role and name."""

SHORT = 12
"""Digits of a hash that are told."""

_WITHOUT: Mapping[Role, str] = {
    "lora": "It is made without.",
    "hypernetwork": "It is made without.",
    "embedding": "The name is read as words.",
    "vae": "The checkpoint's own is used.",
}

_Asked = TypeVar("_Asked", LoraAsked, HypernetworkAsked)


class _Missing(NamedTuple):
    name: str
    digits: str
    error: UnknownModel


@dataclass
class Names:
    """Finds files by what a picture says of them; `chosen` is the checkpoint they are to go with,
    if it is known."""

    catalog: Catalog
    differences: list[str]
    chosen: Checkpoint | None = None
    _looked: bool = field(default=False, init=False)

    def find(self, role: Role, name: str | None, digits: str | None) -> Checkpoint | Model:
        """The file of that hash, else of that name. Raises StudioError."""
        digits = digits if digits and is_hash(digits) else None
        if digits is not None:
            # Of several files with the same weights the one of that name is meant.
            with contextlib.suppress(UnknownModel):
                known = self.catalog.library.find(name or digits, role)
                if known.hashes is not None and known.hashes.match(digits):
                    digits = known.hashes.sha256
            with contextlib.suppress(UnknownModel):
                return self._get(role, digits)
        found = self._named(role, name or digits or "")
        hashes = self.catalog.library.hashed(found.entry).hashes if digits else None
        if digits is not None and hashes is not None and not hashes.match(digits):
            ours = hashes.addnet if role == "lora" and hashes.addnet else hashes.short
            self.differences.append(
                f"The {said(role)} {found.ref.name} here is another file: its hash is {ours}, "
                f"the picture's was {digits[: len(ours)]}."
            )
        return found

    def checkpoint(self, name: str | None, digits: str | None) -> Checkpoint:
        """The checkpoint of that hash, else of that name. Raises StudioError."""
        found = self.find("checkpoint", name, digits)
        assert isinstance(found, Checkpoint)
        return found

    def vae(self, name: str, digits: str | None) -> str | None:
        """What a VAE is called here; None if it is not, or does not go with the checkpoint."""
        missing: list[_Missing] = []
        found = self._fitting("vae", name, digits, missing)
        self._tell("vae", missing)
        return found.ref.name if found is not None else None

    def prompt(self, text: str, hashes: Hashes) -> str:
        """The prompt with the tags of what is here alone, under the names it has here."""
        text, foreign = without_foreign(text)
        if foreign:
            shown = listed([plain(each, SHOWN) for each in foreign])
            self.differences.append(f"Not followed, of its tags: {shown}.")
        asked = parse_networks(text)
        kept = [
            *self._kept("lora", asked.loras, hashes),
            *self._kept("hypernetwork", asked.hypernetworks, hashes),
        ]
        if asked.unread:
            shown = listed([plain(tag, SHOWN) for tag in asked.unread])
            self.differences.append(f"Not understood, and left out: {shown}.")
        if kept == [*asked.loras, *asked.hypernetworks] and not asked.unread:
            return text
        return with_tags(asked.text, " ".join(use.tag for use in kept))

    def negative_prompt(self, text: str) -> str:
        """The negative prompt without tags, which do nothing there."""
        asked = parse_networks(text)
        if asked.text != text:
            self.differences.append("The tags in its negative prompt do nothing and are left out.")
        return asked.text

    def embeddings(
        self, texts: tuple[str, str], names: Iterable[str], hashes: Hashes
    ) -> tuple[str, str]:
        """Prompt and negative prompt with the words that name these embeddings here."""
        missing: list[_Missing] = []
        for name in islice(names, NETWORK_LIMIT):
            found = self._fitting("embedding", name, hashes.get(("embedding", bare(name))), missing)
            word = word_of(found.ref.name) if found is not None else stem(name)
            if word.casefold() != stem(name).casefold():
                first, second = (_renamed(text, stem(name), word) for text in texts)
                texts = first, second
        self._tell("embedding", missing)
        return texts

    def _kept(self, role: Role, uses: Sequence[_Asked], hashes: Hashes) -> Iterator[_Asked]:
        missing: list[_Missing] = []
        seen: set[Path] = set()
        for use in uses[:NETWORK_LIMIT]:
            found = self._fitting(role, use.name, hashes.get((role, bare(use.name))), missing)
            if found is None:
                continue
            if found.path in seen:
                self.differences.append(f"{found.ref.name} is named twice; its first tag counts.")
                continue
            seen.add(found.path)
            yield use.model_copy(update={"name": self._called(role, use.name, found)})
        self._tell(role, missing)
        if len(uses) > NETWORK_LIMIT:
            self.differences.append(f"Only the first {NETWORK_LIMIT} of {len(uses):,} tags count.")

    def _called(self, role: Role, name: str, found: Checkpoint | Model) -> str:
        """The name as it was said, where it means the same file here."""
        with contextlib.suppress(StudioError):
            if self.catalog.model(role, name, look=False).path == found.path:
                return name
        return found.ref.name

    def _fitting(
        self, role: Role, name: str, digits: str | None, missing: list[_Missing]
    ) -> Checkpoint | Model | None:
        try:
            found = self.find(role, name, digits)
        except UnknownModel as error:
            missing.append(_Missing(plain(name, SHOWN), digits or "", error))
            return None
        except StudioError as error:
            self.differences.append(f"{error} {_WITHOUT[role]}")
            return None
        why = self.catalog.why_not(found.entry, self.chosen) if self.chosen is not None else None
        if why is not None:
            self.differences.append(f"{found.ref.name}: {why} {_WITHOUT[role]}")
            return None
        return found

    def _tell(self, role: Role, missing: list[_Missing]) -> None:
        """One sentence for all that is not here."""
        if len(missing) == 1:
            [(_, digits, error)] = missing
            message = told_with_hash(error.message, digits)
            self.differences.append(f"{message} {error.cure} {_WITHOUT[role]}")
        elif missing:
            names = listed([told_with_hash(name, digits, "") for name, digits, _ in missing])
            self.differences.append(f"Not here: the {said(role)}s {names}. {_WITHOUT[role]}")

    def _get(self, role: Role, name: str) -> Checkpoint | Model:
        """As the catalog knows it; for what it does not the folders are looked into once."""
        if role == "checkpoint":
            return self.catalog.checkpoint(name)
        if not self._looked:
            with contextlib.suppress(UnknownModel):
                return self.catalog.model(role, name, look=False)
            self.catalog.rescan()
            self._looked = True
        return self.catalog.model(role, name, look=False)

    def _named(self, role: Role, name: str) -> Checkpoint | Model:
        """By name; where there is none in such a folder, by the name of the file alone."""
        try:
            return self._get(role, name)
        except UnknownModel:
            file = re.split(r"[\\/]", name)[-1]
            if file in ("", name):
                raise
            with contextlib.suppress(UnknownModel):
                return self._get(role, file)
            raise


def told_with_hash(text: str, digits: str, end: str = ".") -> str:
    """A sentence or a name with the hash of the file it is about, if that is known."""
    known = is_hash(digits) and digits[:SHORT] not in text
    return f"{text.removesuffix(end)} (hash {digits[:SHORT]}){end}" if known else text


def _renamed(text: str, word: str, new: str) -> str:
    for start, end, _ in reversed(words_in(text, [word])):
        text = text[:start] + new + text[end:]
    return text
