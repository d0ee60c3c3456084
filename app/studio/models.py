"""The model files as the page lists them: searched, sorted, what fits the checkpoint first.

page = studio.models.page(Wish(role="lora", text="ink", checkpoint="dreamshaper_8"))
page.rows[0]["fits"], page.rows[0]["trigger_words"]
"""

from __future__ import annotations

import contextlib
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

from app.studio.errors import NotFound
from app.studio.listing import labels_of, row_of
from app.studio.model_notes import ModelNotes
from app.studio.model_previews import Previews
from pipelines.catalog import Catalog
from pipelines.draft import Choice
from pipelines.errors import StudioError, UnknownModel
from pipelines.families import families
from pipelines.images import Door
from pipelines.library.entry import Entry, Training
from pipelines.library.kinds import Role
from pipelines.library.search import nearest
from pipelines.library.text import plain
from pipelines.prompt.chunks import named_words, word_of
from pipelines.prompt.networks import parse_networks

USED: frozenset[Role] = frozenset(("checkpoint", "vae", "lora", "embedding", "hypernetwork"))
"""What Gesso paints with; files of other kinds are only listed."""

Sort = Literal["name", "newest", "size", "family"]


@dataclass(frozen=True)
class Wish:
    """Which files are asked for, and in which order.

    Every word of `text` stands in a file's name, title, words, notes, kind or problem. With a
    `checkpoint`, what does not go with it comes last. With `problems_first`, what cannot be used
    for something that is wrong with it comes first, and what Gesso has no use for last.
    """

    role: Role | None = None
    family: str | None = None
    text: str = ""
    checkpoint: str | None = None
    sort: Sort = "name"
    problems_first: bool = False
    limit: int = 100
    offset: int = 0


class Page(NamedTuple):
    """Some rows of the list; how many there are in all, and of them that want to be put right."""

    rows: list[dict[str, Any]]
    total: int
    broken: int


class Models:
    """The files of a catalog with what the artist says of them. Safe to use from any thread."""

    def __init__(self, catalog: Catalog, data: Path, door: Door) -> None:
        """Raises StorageError when the notes in `data` may not be read."""
        self._catalog = catalog
        self._families = {family.name: family.label for family in families()}
        self.notes = ModelNotes(data / "model_notes.json")
        self.previews = Previews(data / "model-previews", door, self.notes)

    def page(self, wish: Wish) -> Page:
        """What is asked for, a page at a time. Names no path."""
        view = self._view(wish.checkpoint)
        words = wish.text.casefold().split()
        found = [e for e in self._entries(wish) if not words or self._has(e, words, view)]
        found.sort(key=_ORDERS[wish.sort])
        if wish.problems_first:
            found.sort(key=view.urgency)
        if view.checkpoint is not None:
            found.sort(key=lambda entry: not view.goes(entry))
        rows = [self._row(entry, view) for entry in found[wish.offset :][: wish.limit]]
        return Page(rows, len(found), sum(view.wants_care(entry) for entry in found))

    def counts(self) -> dict[str, Any]:
        """How many files there are of each role, and of each family by name, with its label."""
        entries = self._catalog.library.entries()
        by_family = Counter(entry.family for entry in entries if entry.family)
        labels = self._families
        return {
            "roles": dict(Counter(entry.role for entry in entries)),
            "families": [
                {"name": name, "label": labels.get(name, name), "count": by_family[name]}
                for name in sorted(by_family)
            ],
        }

    def find(self, role: Role, name: str) -> Entry:
        """The file of that very name or id, as rows give them, whatever is wrong with it. Raises
        NotFound."""
        entries = self._catalog.library.entries(role)
        for entry in entries:
            if entry.name == name:
                return entry
        for entry in entries:
            if _id(entry) == name:
                return entry
        raise NotFound(
            f"There is no file {plain(name, 100)} here any more.", "Look into the folders again."
        )

    def details(self, entry: Entry) -> dict[str, Any]:
        """Everything that is known of a file: its row, and what it tells of its making."""
        told = entry.training
        return {
            **self._row(entry, self._view(None)),
            "base_model": told.base_model,
            "description": told.description,
            "negative_prompt": told.negative_prompt,
            "author": told.author,
            "license": told.license,
            "network": told.network,
            "resolution": told.resolution,
            "clip_skip": told.clip_skip,
            "tags": told.tags,
            "own_preview": bool(self.previews.chosen(entry)),
        }

    def hashed(self, entry: Entry) -> Entry:
        """The file with its hashes, read now if need be. Raises ModelFileError."""
        return self._catalog.library.hashed(entry)

    def asked(self, prompts: Sequence[str], checkpoint: str | None) -> dict[str, Any]:
        """What the prompt and the negative prompt ask for: `loras` and `hypernetworks` by their
        tags, `embeddings` by their words, each once as `{name, model, near}`. Where `model` is
        null, `near` is the name that is meant perhaps, or null."""
        view = self._view(checkpoint)
        tags = parse_networks(prompts[0])
        return {
            "loras": self._named("lora", (tag.name for tag in tags.loras), view),
            "hypernetworks": self._named(
                "hypernetwork", (tag.name for tag in tags.hypernetworks), view
            ),
            "embeddings": self._worded([tags.text, *prompts[1:]], view),
        }

    def _named(self, role: Role, names: Iterable[str], view: _View) -> list[dict[str, Any]]:
        known = self._catalog.library.entries(role)
        told: list[dict[str, Any]] = []
        for name in dict.fromkeys(names):
            with contextlib.suppress(UnknownModel):
                model = self._row(self._catalog.library.find(name, role), view)
                told.append({"name": name, "model": model, "near": None})
                continue
            near = nearest(name, known)
            word = next((view.word(entry) for entry in known if entry.name == near), None)
            told.append({"name": name, "model": None, "near": word})
        return told

    def _worded(self, texts: Sequence[str], view: _View) -> list[dict[str, Any]]:
        entries = sorted(self._catalog.library.entries("embedding"), key=view.goes)
        # Of those of one name, one that goes with it.
        known = {word_of(entry.name): entry for entry in entries}
        found = dict.fromkeys(word for text in texts for word in named_words(text, known))
        return [{"name": w, "model": self._row(known[w], view), "near": None} for w in found]

    def _view(self, checkpoint: str | None) -> _View:
        choice: Choice | None = None
        if checkpoint:
            with contextlib.suppress(StudioError):  # any file goes with none at all
                choice = self._catalog.checkpoint(checkpoint)
        entries = self._catalog.library.entries()
        stems = Counter((entry.role, entry.stem.casefold()) for entry in entries)
        usable = frozenset(entry.path for entry in entries if entry.usable)
        return _View(self._catalog, choice, labels_of(self._catalog), stems, usable)

    def _entries(self, wish: Wish) -> list[Entry]:
        entries = self._catalog.library.entries(wish.role)
        return [entry for entry in entries if wish.family in (None, entry.family)]

    def _has(self, entry: Entry, words: list[str], view: _View) -> bool:
        note = self.notes.of(entry).text or ""
        said = [entry.name, entry.role, entry.family or "", view.labels.get(entry.path, "")]
        told = [*said, *(entry.problem or ()), note, entry.told]
        text = "\n".join(told).casefold()
        if not all(word in text for word in words):
            return False
        if not entry.told:
            return True
        # What the file tells is kept as JSON: read it only where its text has the words at all.
        told[-1] = "\n".join(_words(entry.training))
        text = "\n".join(told).casefold()
        return all(word in text for word in words)

    def _row(self, entry: Entry, view: _View) -> dict[str, Any]:
        told, note = entry.training, self.notes.of(entry)
        why_not = view.why_not(entry)
        return {
            **row_of(entry, view.labels),
            "id": _id(entry),
            "word": view.word(entry),
            "title": told.title,
            "trigger_words": told.trigger_words,
            "weight": told.weight,
            "notes": told.notes if note.text is None else note.text,
            "preview": self.previews.has(entry),
            "preview_version": note.preview or f"{entry.mtime_ns:x}",
            "fits": why_not is None,
            "why_not": why_not,
            "used": entry.role in USED,
            "convertible": entry.problem is None and view.wants_care(entry),
            "converted": view.is_converted(entry),
            "changed": datetime.fromtimestamp(entry.mtime_ns / 1e9, UTC).isoformat(),
        }


@dataclass(frozen=True)
class _View:
    """The list as it is seen from one checkpoint, or from none."""

    catalog: Catalog
    checkpoint: Choice | None
    labels: Mapping[Path, str]
    stems: Mapping[tuple[str, str], int]
    usable: frozenset[Path]

    def word(self, entry: Entry) -> str:
        """How a prompt calls it: as short as no other file is called."""
        return entry.stem if self.stems[entry.role, entry.stem.casefold()] == 1 else entry.name

    def why_not(self, entry: Entry) -> str | None:
        return self.catalog.why_not(entry, self.checkpoint) if self.checkpoint else None

    def goes(self, entry: Entry) -> bool:
        return entry.problem is None and self.why_not(entry) is None

    def is_converted(self, entry: Entry) -> bool:
        """Whether it is pickled, and what was made of it lies beside it."""
        pickled = entry.problem is None and not entry.usable
        return pickled and entry.path.with_suffix(".safetensors") in self.usable

    def wants_care(self, entry: Entry) -> bool:
        return not entry.usable and not self.is_converted(entry)

    def urgency(self, entry: Entry) -> int:
        """What is wrong with a file that would be used comes first, what has no use last."""
        if entry.role not in USED and entry.role != "unknown":
            return 3
        if self.is_converted(entry):
            return 2
        return 1 if entry.usable else 0


def _id(entry: Entry) -> str:
    """A name that every address can hold."""
    return hashlib.blake2b(entry.name.encode(), digest_size=12).hexdigest()


def _words(told: Training) -> Iterable[str]:
    tags = (tag for tag, _ in told.tags)
    return told.title, told.alias, told.base_model, told.notes, *told.trigger_words, *tags


_ORDERS: Mapping[Sort, Callable[[Entry], Any]] = {
    "name": lambda entry: (entry.stem.casefold(), entry.name),
    "newest": lambda entry: -entry.mtime_ns,
    "size": lambda entry: -entry.size_bytes,
    "family": lambda entry: (entry.family or "~", entry.stem.casefold()),
}
