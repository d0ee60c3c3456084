"""The manager on tiny models: what stays, what leaves, and that nothing is left half done."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import torch
from safetensors.torch import save_file

from pipelines.catalog import Catalog
from pipelines.errors import Cancelled, ModelFileError, StudioError
from pipelines.events import Event, Loading, Notice
from pipelines.models.loader import LoadedCheckpoint
from pipelines.models.manager import ModelManager
from pipelines.models.model_set import LoraPart, ModelSet
from tests import tiny

CPU = torch.device("cpu")


def shelf(folder: Path) -> Catalog:
    """Two families, two more checkpoints of the first one's shape, and what goes with it."""
    models, presets = tiny.install(folder, ("sd1", "sdxl"))
    tensors = tiny.state_dict("sd1")
    vae = {
        key.removeprefix("first_stage_model."): tensor
        for key, tensor in tensors.items()
        if key.startswith("first_stage_model.")
    }
    for file, content in {
        "checkpoints/second": moved(tensors, 0.01),
        "checkpoints/third": moved(tensors, 0.02),
        "vae/fine": moved(vae, 0.03),
        "loras/warm": lora("to_q"),
        "loras/cold": lora("to_v"),
    }.items():
        path = models / f"{file}.safetensors"
        path.parent.mkdir(exist_ok=True)
        save_file(content, path, metadata={"format": "pt"})
    return Catalog.open([models], presets=[presets], settle=0.0)


def moved(tensors: dict[str, torch.Tensor], by: float) -> dict[str, torch.Tensor]:
    """Weights of the same shape, and others."""
    return {
        key: (tensor + by).contiguous() if tensor.is_floating_point() else tensor
        for key, tensor in tensors.items()
    }


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return shelf(tmp_path_factory.mktemp("manager"))


def lora(projection: str) -> dict[str, torch.Tensor]:
    """A LoRA of rank 2 for one projection of the first attention, as kohya's trainer writes it."""
    place = f"lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_{projection}"
    generator = torch.Generator().manual_seed(5)
    return {
        f"{place}.lora_down.weight": torch.randn(2, 32, generator=generator),
        f"{place}.lora_up.weight": torch.randn(32, 2, generator=generator),
        f"{place}.alpha": torch.tensor(2.0),
    }


def manager(dtype: torch.dtype = torch.bfloat16, ram_budget: int | None = None) -> ModelManager:
    return ModelManager(CPU, dtype, ram_budget)


def wish(catalog: Catalog, checkpoint: str = "tiny-sd1", **more: object) -> ModelSet:
    return ModelSet(catalog.checkpoint(checkpoint), **more)  # type: ignore[arg-type]


def loras(catalog: Catalog, *names: str) -> tuple[LoraPart, ...]:
    return tuple(LoraPart(catalog.model("lora", name), 1.0, 1.0) for name in names)


def ready(
    manager: ModelManager,
    wanted: ModelSet,
    on_event: Callable[[Event], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> LoadedCheckpoint:
    return manager.ready(wanted, on_event, stop)


def weights(models: LoadedCheckpoint) -> dict[str, torch.Tensor]:
    return {
        f"{component}.{name}": weight.detach().clone()
        for component, module in models.modules().items()
        for name, weight in module.named_parameters()
    }


def same(models: LoadedCheckpoint, expected: dict[str, torch.Tensor]) -> bool:
    found = weights(models)
    return found.keys() == expected.keys() and all(
        torch.equal(found[key], value) for key, value in expected.items()
    )


def test_what_is_ready_is_not_made_ready_again(catalog: Catalog) -> None:
    kept = manager()
    first, told = ready(kept, wish(catalog)), list[Event]()
    assert ready(kept, wish(catalog), told.append) is first
    assert told == []


def test_a_parked_checkpoint_comes_back_as_it_was_without_reading_anything(
    catalog: Catalog,
) -> None:
    kept = manager()
    unet = ready(kept, wish(catalog)).unet
    before = weights(ready(kept, wish(catalog)))
    ready(kept, wish(catalog, "tiny-sdxl"))
    told: list[Event] = []
    back = ready(kept, wish(catalog), told.append)
    assert back.unet is unet
    assert told == []
    assert same(back, before)


def test_the_least_recently_used_leaves_and_is_gone_at_once(catalog: Catalog) -> None:
    kept = manager()
    ready(kept, wish(catalog, "second"))
    ready(kept, wish(catalog, "tiny-sdxl"))
    # By its header a file takes a little more: there may be weights that nothing uses.
    kept = manager(ram_budget=kept.state()["ram_bytes"] + 2**14)
    gone = weakref.ref(ready(kept, wish(catalog)).unet)
    ready(kept, wish(catalog, "second"))
    ready(kept, wish(catalog, "tiny-sdxl"))
    assert gone() is None, "nothing has to be collected first"
    names = [row["name"] for row in kept.state()["models"]]
    assert names == ["tiny-sdxl", "second"]


def test_one_of_the_same_shape_takes_over_the_memory_of_the_one_that_leaves(
    catalog: Catalog,
) -> None:
    kept = manager(ram_budget=1)
    before = ready(kept, wish(catalog))
    places = {name: weight.data_ptr() for name, weight in before.unet.named_parameters()}
    expected = weights(ready(manager(), wish(catalog, "second")))
    after = ready(kept, wish(catalog, "second"))
    assert {name: w.data_ptr() for name, w in after.unet.named_parameters()} == places
    assert same(after, expected)


def test_fifty_swaps_hold_no_more_than_the_budget(catalog: Catalog) -> None:
    names = ("tiny-sd1", "second", "tiny-sdxl", "third")
    largest = 0
    for name in names:
        alone = manager()
        ready(alone, wish(catalog, name))
        largest = max(largest, alone.state()["ram_bytes"])
    kept, seen = manager(ram_budget=2 * largest), []
    for k in range(50):
        ready(kept, wish(catalog, names[k * k % 4 if k % 3 else k % 4]))
        assert kept.state()["ram_bytes"] <= 2 * largest
        seen.append(psutil.Process(os.getpid()).memory_info().rss)
    assert seen[-1] < max(seen[8:12]) + 2**24


def test_weights_of_the_working_dtype_stay_in_the_file(catalog: Catalog) -> None:
    kept = manager(torch.float32)
    models = ready(kept, wish(catalog))
    state = kept.state()
    assert state["ram_bytes"] == 0
    assert state["models"][0]["where"] == "file"
    weight = next(models.unet.parameters())
    assert weight.data_ptr() == models.originals("unet", "conv_in.weight").data_ptr()


def test_progress_is_told_in_bytes_under_the_file_s_name(catalog: Catalog) -> None:
    told: list[Event] = []
    vae, warm = catalog.model("vae", "fine"), loras(catalog, "warm")
    ready(manager(), wish(catalog, vae=vae, loras=warm), told.append)
    loading = [event for event in told if isinstance(event, Loading)]
    assert list(dict.fromkeys(event.what for event in loading)) == ["tiny-sd1", "fine", "warm"]
    for name in ("tiny-sd1", "fine", "warm"):
        done = [event.done for event in loading if event.what == name]
        assert done == sorted(done)
        assert done[-1] == next(e.total for e in loading if e.what == name)


def test_a_vae_of_its_own_is_kept_and_the_checkpoint_s_own_comes_back(catalog: Catalog) -> None:
    kept = manager()
    own = ready(kept, wish(catalog)).vae
    fine = ready(kept, wish(catalog, vae=catalog.model("vae", "fine")))
    assert fine.vae is not own
    assert fine.vae.config["scaling_factor"] == own.config["scaling_factor"]
    assert not torch.equal(fine.vae.decoder.conv_in.weight, own.decoder.conv_in.weight)
    assert fine.originals("vae", "decoder.conv_in.weight").shape == (32, 4, 3, 3)
    assert ready(kept, wish(catalog)).vae is own
    told: list[Event] = []
    again = ready(kept, wish(catalog, vae=catalog.model("vae", "fine")), told.append)
    assert again.vae is fine.vae
    assert told == []


def test_loras_leave_the_weights_of_the_file_behind(catalog: Catalog) -> None:
    kept = manager()
    before = weights(ready(kept, wish(catalog)))
    warm = weights(ready(kept, wish(catalog, loras=loras(catalog, "warm"))))
    assert any(not torch.equal(warm[key], before[key]) for key in before)
    cold = ready(kept, wish(catalog, loras=loras(catalog, "cold")))
    assert not same(cold, warm)
    assert same(ready(kept, wish(catalog, loras=loras(catalog, "warm"))), warm)
    assert same(ready(kept, wish(catalog)), before)


def test_a_parked_checkpoint_keeps_its_loras_until_it_is_wanted_without(catalog: Catalog) -> None:
    kept = manager()
    before = weights(ready(kept, wish(catalog)))
    warm = wish(catalog, loras=loras(catalog, "warm"))
    merged = weights(ready(kept, warm))
    ready(kept, wish(catalog, "second"))
    assert same(ready(kept, warm), merged)
    ready(kept, wish(catalog, "second"))
    assert same(ready(kept, wish(catalog)), before)


def test_a_checkpoint_that_takes_over_memory_takes_no_lora_with_it(catalog: Catalog) -> None:
    kept = manager(ram_budget=1)
    expected = weights(ready(manager(), wish(catalog, "second")))
    ready(kept, wish(catalog, loras=loras(catalog, "warm")))
    assert same(ready(kept, wish(catalog, "second")), expected)


STOPPED_AFTER = range(0, 260, 61)


@pytest.mark.parametrize("budget", [None, 1])
def test_a_cancel_at_any_point_leaves_the_next_request_right(
    catalog: Catalog, budget: int | None
) -> None:
    everything = wish(
        catalog,
        "second",
        vae=catalog.model("vae", "fine"),
        loras=loras(catalog, "warm", "cold"),
    )
    expected = weights(ready(manager(), everything))
    plain = weights(ready(manager(), wish(catalog)))
    cancelled = 0
    for after in STOPPED_AFTER:
        kept, asked = manager(ram_budget=budget), iter(range(after))
        ready(kept, wish(catalog, loras=loras(catalog, "warm")))
        try:
            ready(kept, everything, stop=lambda asked=asked: next(asked, None) is None)
        except Cancelled:
            cancelled += 1
        assert same(ready(kept, wish(catalog)), plain)
        assert same(ready(kept, everything), expected)
    assert cancelled > len(STOPPED_AFTER) // 2


@pytest.mark.parametrize("broken", ["second", "fine", "warm"])
def test_a_file_that_breaks_leaves_the_next_request_right(tmp_path: Path, broken: str) -> None:
    catalog = shelf(tmp_path)
    kept = manager(ram_budget=1)
    before = weights(ready(kept, wish(catalog)))
    wanted = wish(catalog, "second", vae=catalog.model("vae", "fine"), loras=loras(catalog, "warm"))
    file = next(tmp_path.rglob(f"{broken}.safetensors"))
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(ModelFileError):
        ready(kept, wanted)
    assert same(ready(kept, wish(catalog)), before)


def test_memory_that_runs_out_in_the_middle_leaves_the_next_request_right(
    catalog: Catalog,
) -> None:
    kept = manager()
    before = weights(ready(kept, wish(catalog)))

    def short(event: Event) -> None:
        raise MemoryError

    for wanted in (
        wish(catalog, "second"),
        wish(catalog, vae=catalog.model("vae", "fine")),
        wish(catalog, loras=loras(catalog, "warm")),
    ):
        with pytest.raises(MemoryError):
            ready(kept, wanted, short)
        assert kept.state()["checkpoint"] is None
        assert same(ready(kept, wish(catalog)), before)


def test_what_a_lora_has_for_nothing_here_is_left_out_and_told(tmp_path: Path) -> None:
    catalog = shelf(tmp_path)
    bundled = {**lora("to_k"), "bundle_emb.glow": torch.ones(2, 32)}
    save_file(bundled, tmp_path / "models" / "loras" / "bundle.safetensors")
    events: list[Event] = []
    models = manager()
    for _ in range(2):
        models.ready(wish(catalog, loras=loras(catalog, "bundle")), events.append, lambda: False)
    [notice] = [event.message for event in events if isinstance(event, Notice)]
    assert notice.startswith("Left out of bundle: 1 change of what")
    assert "bundle_emb.glow" in notice


def test_a_lora_of_another_family_is_refused_before_anything_is_touched(catalog: Catalog) -> None:
    kept = manager()
    models = ready(kept, wish(catalog))
    with pytest.raises(StudioError):
        ready(kept, wish(catalog, "tiny-sdxl", loras=loras(catalog, "warm")))
    assert ready(kept, wish(catalog)) is models


def test_the_state_tells_what_is_loaded_where(catalog: Catalog) -> None:
    kept = manager()
    ready(kept, wish(catalog))
    ready(kept, wish(catalog, "second", loras=loras(catalog, "warm")))
    state = kept.state()
    assert state["checkpoint"] == "second"
    assert [(r["name"], r["role"], r["where"], r["in_use"]) for r in state["models"]] == [
        ("second", "checkpoint", "device", True),
        ("tiny-sd1", "checkpoint", "ram", False),
        ("warm", "lora", "file", True),
    ]
    assert state["ram_bytes"] == sum(row["bytes"] for row in state["models"][:2])
    assert state["device_budget"] is None
    kept.free()
    assert kept.state()["models"] == []


def test_out_of_memory_the_idle_models_leave_first(catalog: Catalog) -> None:
    kept = manager()
    ready(kept, wish(catalog))
    models = ready(kept, wish(catalog, "second"))
    assert kept.lower("offload")
    assert [row["name"] for row in kept.state()["models"]] == ["second"]
    assert not kept.lower("stream"), "a processor has nothing more to give"
    assert ready(kept, wish(catalog, "second")).unet is models.unet


def test_a_unet_that_lost_its_numbers_computes_in_others_loras_included(catalog: Catalog) -> None:
    kept = manager()
    warm = wish(catalog, loras=loras(catalog, "warm"))
    ready(kept, warm)
    assert kept.recast("unet", torch.float32)
    recast = ready(kept, warm)
    exact = ready(manager(torch.float32), warm)
    assert recast.dtype == torch.float32
    for found, expected in zip(recast.unet.parameters(), exact.unet.parameters(), strict=True):
        assert torch.equal(found, expected)
    assert recast.vae.dtype == torch.bfloat16
