"""What to do so that the wanted models are ready: a pure function, tested as a table."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

Key = Hashable
"""Which model: its role and its file's stamp."""


@dataclass(frozen=True)
class Item:
    """A model and the bytes it takes: of the device, and of RAM, while it may be used; of RAM
    while it is `parked`. Models of equal `shape` can take over each other's memory; None: none
    can. `asleep`: it is parked now."""

    key: Key
    device: int = 0
    ram: int = 0
    parked: int = 0
    shape: Hashable = None
    asleep: bool = False


@dataclass(frozen=True)
class Current:
    """What is loaded, least recently used first, and the patches merged into each of it."""

    items: Sequence[Item] = ()
    patches: Mapping[Key, Hashable] = field(default_factory=dict)


@dataclass(frozen=True)
class Wanted:
    """The models to be ready with the bytes they take in use, the one to be patched first, and
    its patches; () is none."""

    items: Sequence[Item]
    patches: Hashable = ()


class Budgets(NamedTuple):
    """Bytes for models. Without a memory of its own a device has no budget: nothing is parked."""

    ram: int
    device: int = 0


class Drop(NamedTuple):
    """Let go of a model."""

    key: Key


class Park(NamedTuple):
    """Move a model from the device to RAM."""

    key: Key


class Wake(NamedTuple):
    """Move a parked model to the device."""

    key: Key


class Load(NamedTuple):
    """Load a model, `into` the memory of one that is let go of if there is such a one."""

    key: Key
    into: Key | None = None


class Patch(NamedTuple):
    """Make these the patches of a model."""

    key: Key
    patches: Hashable


Step = Drop | Park | Wake | Load | Patch


def plan(current: Current, wanted: Wanted, budgets: Budgets) -> list[Step]:
    """The steps to what is wanted: what leaves first, then what comes, then patches.

    The least recently used leaves first, and only as much as must. What is wanted is brought in
    even where it is larger than a budget: then nothing else stays beside it.
    """
    present = {item.key: item for item in current.items}
    keys = {item.key for item in wanted.items}
    loads = [item for item in wanted.items if item.key not in present]
    wakes = [i for i in wanted.items if i.key in present and present[i.key].asleep]
    idle = [item for item in current.items if item.key not in keys]

    awake = [item for item in idle if not item.asleep]
    device = sum(item.device for item in (*wanted.items, *awake))
    parks = _leaving(awake, device - budgets.device, lambda item: item.device)

    def ram_of(item: Item) -> int:
        return item.parked if item.asleep or item in parks else item.ram

    ram = sum(item.ram for item in wanted.items) + sum(map(ram_of, idle))
    drops = _leaving(idle, ram - budgets.ram, ram_of)
    recycled = _recycled(loads, drops)
    return [
        *(Drop(item.key) for item in drops if item.key not in recycled.values()),
        *(Park(item.key) for item in parks if item not in drops),
        *(Wake(item.key) for item in wakes),
        *(Load(item.key, recycled.get(item.key)) for item in loads),
        *_patches(current, wanted),
    ]


def _leaving(items: Iterable[Item], excess: int, size: Callable[[Item], int]) -> list[Item]:
    """Those that must leave to free `excess` bytes; none that would free nothing."""
    leaving: list[Item] = []
    for item in items:
        if excess <= 0:
            break
        if size(item):
            leaving.append(item)
            excess -= size(item)
    return leaving


def _recycled(loads: Iterable[Item], drops: Sequence[Item]) -> dict[Key, Key]:
    """By what is loaded, the dropped one whose memory it takes over."""
    spare = [item for item in drops if not item.asleep and item.shape is not None]
    recycled: dict[Key, Key] = {}
    for load in loads:
        for item in spare:
            if item.shape == load.shape:
                recycled[load.key] = item.key
                spare.remove(item)
                break
    return recycled


def _patches(current: Current, wanted: Wanted) -> list[Patch]:
    key = wanted.items[0].key
    same = current.patches.get(key, ()) == wanted.patches
    return [] if same else [Patch(key, wanted.patches)]
