"""What would be placed where: `gesso doctor --plan`, for this machine or for one described.

Nothing is loaded: headers tell the sizes, and the very functions that the engine plans by do the
rest. Sizes are bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from pipelines.catalog import Catalog, Checkpoint
from pipelines.geometry import Size
from pipelines.models.model_set import ModelSet
from pipelines.models.needs import Needs, checkpoint_key
from pipelines.models.placement import Machine, Placement
from pipelines.models.plan import Budgets, Current, Drop, Item, Load, Park, Step, Wake, Wanted, plan


@dataclass(frozen=True)
class Visit:
    """One checkpoint painting, after those before it: its placement, what has to be done for it,
    and what all that is kept takes then."""

    checkpoint: str
    size: str
    placement: Placement
    steps: tuple[str, ...]
    ram: int
    device: int


@dataclass
class Forecast:
    """Checkpoints painting one after the other on a machine."""

    machine: Machine
    ram_budget: int
    device_budget: int | None
    visits: list[Visit] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def forecast(
    catalog: Catalog,
    names: Sequence[str],
    machine: Machine,
    size: Size | None = None,
    ram_budget: int | None = None,
    device_budget: int | None = None,
) -> Forecast:
    """Have these checkpoints paint in turn, and the first once more; without names the catalog's
    first one. `size`: of the pictures; None: each variant's own. Budgets that are None are those
    the engine would choose.

    Raises UnknownModel, WrongModel, ModelFileError.
    """
    ram_budget = machine.ram_budget if ram_budget is None else ram_budget
    if machine.device_bytes == 0:
        device_budget = None
    elif device_budget is None:
        device_budget = machine.device_budget
    told = Forecast(machine, ram_budget, device_budget)
    chosen = [catalog.checkpoint(name) for name in names or (None,)]
    turns = chosen if len(chosen) == 1 else [*chosen, chosen[0]]
    needs = Needs(machine.dtype, device_budget)
    kept: dict[Any, tuple[str, Item, Placement]] = {}
    for checkpoint in turns:
        told.visits.append(_visit(checkpoint, size, needs, kept, told))
    return told


def _visit(
    checkpoint: Checkpoint,
    size: Size | None,
    needs: Needs,
    kept: dict[Any, tuple[str, Item, Placement]],
    told: Forecast,
) -> Visit:
    size = size or checkpoint.variant.sizes[0]
    wanted = ModelSet(checkpoint)
    placed, item = needs.placement(checkpoint, size), needs.checkpoint(wanted, size)
    current = Current([each for _, each, _ in kept.values()])
    steps = plan(current, Wanted([item]), Budgets(told.ram_budget, told.device_budget or 0))
    names = {key: name for key, (name, _, _) in kept.items()} | {item.key: checkpoint.ref.name}
    for step in steps:
        _apply(step, kept)
    kept.pop(item.key, None)
    weights = Item(item.key, placed.device, placed.ram, placed.parked, item.shape)
    kept[checkpoint_key(wanted)] = checkpoint.ref.name, weights, placed
    items = [each for _, each, _ in kept.values()]
    return Visit(
        checkpoint.ref.name,
        str(size),
        placed,
        tuple(_sentence(step, names) for step in steps),
        sum(each.parked if each.asleep else each.ram for each in items),
        sum(each.device for each in items) - placed.device + placed.peak
        if told.device_budget is not None
        else 0,
    )


def _apply(step: Step, kept: dict[Any, tuple[str, Item, Placement]]) -> None:
    match step:
        case Drop(key):
            del kept[key]
        case Load(_, into) if into is not None:
            del kept[into]
        case Park(key):
            name, item, placed = kept[key]
            kept[key] = name, Item(key, 0, 0, item.parked, item.shape, True), placed


def _sentence(step: Step, names: dict[Any, str]) -> str:
    match step:
        case Drop(key):
            return f"{names[key]} is let go of"
        case Park(key):
            return f"{names[key]} is parked in RAM"
        case Wake(key):
            return f"{names[key]} comes back from RAM"
        case Load(key, None):
            return f"{names[key]} is read from its file"
        case Load(key, into):
            return f"{names[key]} is read from its file into the memory of {names[into]}"
    raise AssertionError(step)


def as_text(told: Forecast) -> str:
    """The forecast for a terminal."""
    gpu = f"a GPU with {_gb(told.machine.device_bytes)}" if told.device_budget else "no GPU"
    lines = [f"With {_gb(told.machine.ram_bytes)} of RAM and {gpu}, in {told.machine.dtype}:"]
    lines.append(f"  for models {_gb(told.ram_budget)} of RAM" + _of_device(told.device_budget))
    for visit in told.visits:
        placed = visit.placement
        lines += ["", f"{visit.checkpoint}, pictures of {visit.size}: {placed.mode}. {placed.why}"]
        if placed.unet_storage != placed.dtype:
            lines.append(f"  UNet kept in {placed.unet_storage}")
        lines += [f"  {sentence}" for sentence in visit.steps]
        weights = f"  weights: {_gb(placed.ram)} in RAM"
        if told.device_budget is not None:
            weights += f", {_gb(placed.device)} on the device; with a picture {_gb(placed.peak)}"
        together = f"  in all: {_gb(visit.ram)} of RAM"
        if told.device_budget is not None:
            together += f", {_gb(visit.device)} of the device at its fullest"
        lines += [weights, together]
    return "\n".join(lines)


def _of_device(budget: int | None) -> str:
    return "" if budget is None else f", {_gb(budget)} of the GPU with all that a picture takes"


def _gb(size: int) -> str:
    return f"{size / 2**30:.1f} GB"
