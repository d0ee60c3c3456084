"""What leaves, what comes and what is patched, as a table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.models.plan import (
    Budgets,
    Current,
    Drop,
    Item,
    Load,
    Park,
    Patch,
    Step,
    Wake,
    Wanted,
    plan,
)


def on_cpu(key: str, size: int, shape: str | None = None) -> Item:
    """A model on a processor, where parking costs nothing and changes nothing."""
    return Item(key, ram=size, parked=size, shape=shape)


def on_gpu(key: str, size: int, shape: str | None = None, asleep: bool = False) -> Item:
    """A model on a card with a memory of its own, or parked in RAM."""
    return Item(key, 0 if asleep else size, 0, size, shape, asleep)


A, B, C = on_cpu("a", 4), on_cpu("b", 4), on_cpu("c", 4)
SAME_A, SAME_B, SAME_C = (on_cpu(key, 4, "sd15") for key in "abc")
VAE = on_cpu("vae", 1)
CARD_A, CARD_B = on_gpu("a", 4), on_gpu("b", 4)

TABLE: dict[str, tuple[Current, Wanted, Budgets, list[Step]]] = {
    "nothing is loaded yet": (Current(), Wanted([A]), Budgets(10), [Load("a")]),
    "all is there already": (Current([A, B]), Wanted([A]), Budgets(10), []),
    "two fit": (Current([A]), Wanted([B]), Budgets(8), [Load("b")]),
    "the least recently used leaves": (
        Current([B, A]),
        Wanted([C]),
        Budgets(8),
        [Drop("b"), Load("c")],
    ),
    "no more leaves than must": (
        Current([on_cpu("x", 1), A]),
        Wanted([B]),
        Budgets(8),
        [Drop("x"), Load("b")],
    ),
    "one of the same shape gives its memory": (
        Current([SAME_A, SAME_B]),
        Wanted([SAME_C]),
        Budgets(8),
        [Load("c", into="a")],
    ),
    "one of another shape does not": (
        Current([on_cpu("x", 4, "sdxl"), SAME_B]),
        Wanted([SAME_C]),
        Budgets(8),
        [Drop("x"), Load("c")],
    ),
    "memory is not taken from one that may stay": (
        Current([SAME_A]),
        Wanted([SAME_C]),
        Budgets(8),
        [Load("c")],
    ),
    "a model larger than the budget comes alone": (
        Current([A, B]),
        Wanted([on_cpu("huge", 40)]),
        Budgets(8),
        [Drop("a"), Drop("b"), Load("huge")],
    ),
    "what is mapped takes no room, so it need not leave": (
        Current([on_cpu("mapped", 0), A, B]),
        Wanted([C]),
        Budgets(8),
        [Drop("a"), Load("c")],
    ),
    "a VAE of its own comes beside the checkpoint": (
        Current([A]),
        Wanted([A, VAE]),
        Budgets(8),
        [Load("vae")],
    ),
    "what is wanted together does not push itself out": (
        Current([A, VAE]),
        Wanted([A, on_cpu("vae-2", 6)]),
        Budgets(8),
        [Drop("vae"), Load("vae-2")],
    ),
    "LoRAs are merged last": (
        Current([A]),
        Wanted([B], patches="loras"),
        Budgets(4),
        [Drop("a"), Load("b"), Patch("b", "loras")],
    ),
    "LoRAs that are in already stay": (
        Current([A], {"a": "loras"}),
        Wanted([A], patches="loras"),
        Budgets(4),
        [],
    ),
    "LoRAs that are wanted no more are taken out": (
        Current([A], {"a": "loras"}),
        Wanted([A]),
        Budgets(4),
        [Patch("a", ())],
    ),
    "on a card the other one is parked": (
        Current([CARD_A]),
        Wanted([CARD_B]),
        Budgets(ram=8, device=6),
        [Park("a"), Load("b")],
    ),
    "both stay on a card that holds them": (
        Current([CARD_A]),
        Wanted([CARD_B]),
        Budgets(ram=8, device=8),
        [Load("b")],
    ),
    "one parked comes back for one that goes": (
        Current([on_gpu("a", 4, asleep=True), CARD_B]),
        Wanted([CARD_A]),
        Budgets(ram=8, device=6),
        [Park("b"), Wake("a")],
    ),
    "what RAM cannot hold is dropped, not parked": (
        Current([CARD_A]),
        Wanted([CARD_B]),
        Budgets(ram=2, device=6),
        [Drop("a"), Load("b")],
    ),
    "parked longest, dropped first": (
        Current([on_gpu("old", 4, asleep=True), CARD_A]),
        Wanted([CARD_B]),
        Budgets(ram=6, device=6),
        [Drop("old"), Park("a"), Load("b")],
    ),
    "a card gives memory on, too": (
        Current([on_gpu("a", 4, "sd15")]),
        Wanted([on_gpu("b", 4, "sd15")]),
        Budgets(ram=2, device=6),
        [Load("b", into="a")],
    ),
}


@pytest.mark.parametrize("case", TABLE)
def test_what_is_done(case: str) -> None:
    current, wanted, budgets, steps = TABLE[case]
    assert plan(current, wanted, budgets) == steps


ITEMS = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.integers(0, 9), st.booleans()),
    unique_by=lambda item: item[0],
)


@given(ITEMS, st.sampled_from("abcdefg"), st.integers(0, 9), st.integers(0, 30), st.integers(0, 20))
def test_a_card_and_its_ram_never_hold_more_than_they_may(
    held: list[tuple[str, int, bool]], key: str, size: int, ram: int, device: int
) -> None:
    items = [on_gpu(k, n, asleep=asleep) for k, n, asleep in held]
    sizes = {item.key: item.parked for item in items}
    size = sizes.setdefault(key, size)
    where = {item.key: "ram" if item.asleep else "device" for item in items}
    for step in plan(Current(items), Wanted([on_gpu(key, size)]), Budgets(ram, device)):
        match step:
            case Drop(gone):
                del where[gone]
            case Park(gone):
                where[gone] = "ram"
            case Wake(come):
                where[come] = "device"
            case Load(come, into):
                where.pop(into, None)
                where[come] = "device"
    assert where[key] == "device"
    there = sum(sizes[k] for k, place in where.items() if place == "device")
    assert there <= max(device, size)
    assert sum(sizes[k] for k, place in where.items() if place == "ram") <= ram


@given(ITEMS, st.sampled_from("abcdefg"), st.integers(0, 9), st.integers(0, 30))
def test_ram_never_holds_more_than_the_budget_or_the_one_model(
    held: list[tuple[str, int, bool]], key: str, size: int, budget: int
) -> None:
    items = [on_cpu(k, n, "same" if same else None) for k, n, same in held]
    sizes = {item.key: item.ram for item in items}
    size = sizes.setdefault(key, size)
    there = set(sizes) - ({key} if key not in {item.key for item in items} else set())
    for step in plan(Current(items), Wanted([on_cpu(key, size, "same")]), Budgets(budget)):
        assert not isinstance(step, Park | Wake)
        there.discard(step.into if isinstance(step, Load) else step.key)
        if isinstance(step, Load):
            there.add(step.key)
        assert isinstance(step, Drop) or sum(sizes[k] for k in there) <= max(budget, size)
    assert key in there
