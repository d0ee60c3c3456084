"""A draft or a recipe names a checkpoint; the catalog finds it, or says why it cannot."""

from __future__ import annotations

import pickle
import threading
import time
from pathlib import Path

import pytest

from pipelines.catalog import Catalog
from pipelines.draft import Draft, check, expand
from pipelines.errors import ModelFileError, UnknownChoice, UnknownModel, WrongModel
from pipelines.recipe import ModelRef, Recipe
from tests.pipelines.library.files import PRESETS, aged, lora, real, small, write


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    write(folder / "checkpoints" / "painter.safetensors", real("sd15"))
    write(folder / "checkpoints" / "xl" / "big.safetensors", real("sdxl"))
    write(folder / "checkpoints" / "filler.safetensors", real("sd15-inpaint"))
    write(folder / "loras" / "ink.safetensors", lora())
    return folder


def _open(*folders: Path, presets: tuple[Path, ...] = (PRESETS,), settle: float = 2.0) -> Catalog:
    return Catalog.open(folders, presets, settle=settle)


def _presets_with_starter(tmp_path: Path) -> Path:
    presets = tmp_path / "presets"
    (presets / "families").parent.mkdir()
    (presets / "families").symlink_to(PRESETS / "families")
    write(presets / "starter" / "checkpoints" / "beginner.safetensors", real("sd15"))
    return presets


def _labels(catalog: Catalog) -> list[str]:
    return [checkpoint.label for checkpoint in catalog.checkpoints()]


def test_a_checkpoint_is_chosen_by_name_and_tells_what_it_is(models: Path) -> None:
    chosen = _open(models, presets=(PRESETS,)).checkpoint("big")
    assert chosen.ref == ModelRef(name="xl/big")
    assert (chosen.family.name, chosen.variant.name) == ("sdxl", "sdxl")
    assert chosen.path == models / "checkpoints" / "xl" / "big.safetensors"
    assert chosen.label == "big · SDXL"


def test_the_artists_own_come_before_what_is_bundled(models: Path, tmp_path: Path) -> None:
    catalog = _open(models, presets=(_presets_with_starter(tmp_path),))
    assert _labels(catalog) == [
        "filler · SD 1.5 inpainting",
        "painter · SD 1.5",
        "big · SDXL",
        "beginner · SD 1.5",
    ]


def test_no_name_is_the_first_of_the_artists_own_that_paints_from_text(
    models: Path, tmp_path: Path
) -> None:
    presets = _presets_with_starter(tmp_path)
    assert _open(models, presets=(presets,)).checkpoint(None).ref.name == "painter"
    assert _open(presets=(presets,)).checkpoint(None).ref.name == "beginner"


def test_without_any_checkpoint_the_cure_says_where_to_put_one(tmp_path: Path) -> None:
    (tmp_path / "families").symlink_to(PRESETS / "families")
    with pytest.raises(UnknownModel, match="no checkpoint") as caught:
        _open(tmp_path / "none", presets=(tmp_path,)).checkpoint(None)
    assert "models/checkpoints" in caught.value.cure
    assert caught.value.field == "checkpoint"


def test_a_file_dropped_in_is_found_without_being_asked_to_look(models: Path) -> None:
    catalog = _open(models)
    write(models / "new.safetensors", real("sd2"))
    chosen = catalog.checkpoint("new")
    assert chosen.variant.name == "sd2-v"
    assert chosen.note is not None


def test_a_file_dropped_in_this_moment_is_waited_for(models: Path) -> None:
    write(models / "new.safetensors", real("sd15"), age=0)
    started = time.monotonic()
    chosen = _open(models, settle=0.4).checkpoint("new")
    assert chosen.variant.name == "sd15"
    assert time.monotonic() - started < 10


def test_an_unknown_name_is_met_with_the_nearest(models: Path) -> None:
    with pytest.raises(UnknownModel) as caught:
        _open(models).checkpoint("paintr")
    assert caught.value.cure == "Did you mean painter?"
    assert caught.value.field == "checkpoint"


def test_an_unknown_name_is_refused_while_a_file_is_still_being_copied(models: Path) -> None:
    for k in range(100):  # so that the copy has grown whenever a scan ends
        write(models / f"broken{k}.safetensors", {})
    catalog = _open(models)
    over = threading.Event()

    def copy() -> None:
        with open(models / "coming.safetensors", "wb", buffering=0) as file:
            while not over.is_set():
                file.write(b"x")

    copier = threading.Thread(target=copy)
    copier.start()
    try:
        with pytest.raises(UnknownModel):
            catalog.checkpoint("something else altogether")
    finally:
        over.set()
        copier.join()


def test_a_lora_is_no_checkpoint(models: Path) -> None:
    for name in ("ink", "ink.safetensors"):
        with pytest.raises(WrongModel, match="is not a checkpoint"):
            _open(models).checkpoint(name)


def test_a_file_that_cannot_be_used_gives_its_reason(models: Path) -> None:
    write(models / "checkpoints" / "short.safetensors", real("sd15"), missing=5)
    write(models / "loose.safetensors", {}, missing=0).write_bytes(b"<html>")
    aged(models / "loose.safetensors")
    (models / "old.ckpt").write_bytes(pickle.dumps({}))
    aged(models / "old.ckpt")
    catalog = _open(models)

    with pytest.raises(ModelFileError, match="incomplete"):
        catalog.checkpoint("short")
    with pytest.raises(ModelFileError, match="web page"):
        catalog.checkpoint("loose")
    with pytest.raises(ModelFileError, match="pickled"):
        catalog.checkpoint("old")
    assert {"short", "loose", "old"}.isdisjoint(c.ref.name for c in catalog.checkpoints())


def _recipe(catalog: Catalog, name: str) -> Recipe:
    [recipe] = expand(Draft(prompt="a red house", seed=1, checkpoint=name), catalog)
    return recipe


def test_a_recipe_finds_its_checkpoint_under_a_new_name(tmp_path: Path) -> None:
    path = small(tmp_path, "house", "one")
    catalog = _open(tmp_path)
    sha256 = catalog.hashed(catalog.checkpoint("house")).ref.sha256
    recipe = _recipe(catalog, "house")
    assert recipe.checkpoint == ModelRef(name="house", sha256=sha256)

    path.rename(tmp_path / "cottage.safetensors")
    catalog.rescan()
    catalog.hashed(catalog.checkpoint("cottage"))

    assert catalog.recall(recipe.checkpoint).ref == ModelRef(name="cottage", sha256=sha256)
    assert sha256 is not None
    assert catalog.checkpoint(sha256[:10]).ref.name == "cottage"
    check(recipe, catalog)


def test_another_file_of_the_same_name_is_not_the_recipes(tmp_path: Path) -> None:
    small(tmp_path, "house", "one")
    catalog = _open(tmp_path)
    catalog.hashed(catalog.checkpoint("house"))
    recipe = _recipe(catalog, "house")

    small(tmp_path, "house", "another")
    catalog.rescan()

    with pytest.raises(UnknownModel, match="not the file this recipe was made with"):
        catalog.recall(recipe.checkpoint)


def test_a_hash_not_made_yet_is_no_reason_to_refuse(tmp_path: Path) -> None:
    small(tmp_path, "house", "one")
    first = _open(tmp_path)
    first.hashed(first.checkpoint("house"))
    recipe = _recipe(first, "house")
    check(recipe, _open(tmp_path))


def test_samplers_and_schedules_are_known_by_their_names(models: Path) -> None:
    catalog = _open(models)
    assert catalog.sampler("euler") == "Euler"
    assert catalog.schedule("karras", "Euler") == "Karras"
    own = catalog.schedule("Automatic", "Euler")
    assert own in {schedule.name for schedule in catalog.schedules()}
    assert own != "Automatic"
    with pytest.raises(UnknownChoice):
        catalog.sampler("Eular")
    with pytest.raises(UnknownChoice):
        catalog.schedule("Karas", "Euler")
    assert "Euler" in {sampler.name for sampler in catalog.samplers()}


def test_an_inpainting_checkpoint_does_not_paint_from_text(models: Path) -> None:
    with pytest.raises(WrongModel, match="does not paint from text"):
        expand(Draft(checkpoint="filler"), _open(models))


def test_a_name_that_two_checkpoints_share_asks_which(tmp_path: Path) -> None:
    write(tmp_path / "checkpoints" / "a" / "twin.safetensors", real("sd15"))
    write(tmp_path / "checkpoints" / "b" / "twin.safetensors", real("sdxl"))
    with pytest.raises(UnknownModel, match="the name of several") as caught:
        _open(tmp_path).checkpoint("twin")
    assert "a/twin" in caught.value.cure and "b/twin" in caught.value.cure
