"""Files beside the checkpoint: how they are found, named for good, and go with a checkpoint."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelines.catalog import Catalog
from pipelines.draft import Draft, expand
from pipelines.errors import ModelFileError, UnknownModel, WrongModel
from pipelines.recipe import ModelRef
from tests.pipelines.library.files import PRESETS, VAE, lora, real, small, write


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    write(folder / "checkpoints" / "painter.safetensors", real("sd15"))
    write(folder / "checkpoints" / "xl" / "big.safetensors", real("sdxl"))
    write(folder / "loras" / "ink.safetensors", lora())
    return folder


def _open(models: Path) -> Catalog:
    return Catalog.open([models], (PRESETS,))


def _named(models: Path, name: str, **metadata: str) -> Path:
    return write(models / "loras" / f"{name}.safetensors", lora(), metadata)


def test_a_file_is_found_by_name_ending_trainers_name_or_hash(models: Path) -> None:
    _named(models, "style/wash v2", ss_output_name="wash_final")
    catalog = _open(models)
    found = catalog.hashed(catalog.model("lora", "style/wash v2"))
    hashes = found.entry.hashes
    assert hashes is not None
    names = ("wash v2", "WASH V2.safetensors", "style\\wash v2", "wash_final", hashes.sha256)
    for name in (*names, hashes.short, hashes.addnet):
        assert catalog.model("lora", name).path == found.path
    assert found.ref == ModelRef(name="style/wash v2", sha256=hashes.sha256, addnet=hashes.addnet)
    assert [model.ref.name for model in catalog.models("lora")] == ["ink", "style/wash v2"]


def test_what_is_missing_or_of_another_kind_names_the_recipes_field(models: Path) -> None:
    catalog = _open(models)
    with pytest.raises(UnknownModel, match="no LoRA called inc") as unknown:
        catalog.model("lora", "inc")
    assert (unknown.value.field, unknown.value.cure) == ("loras", "Did you mean ink?")
    with pytest.raises(WrongModel, match="painter is not an embedding; it is") as wrong:
        catalog.model("embedding", "painter")
    assert wrong.value.field == "embeddings"
    write(models / "loras" / "short.safetensors", lora(), missing=5)
    with pytest.raises(ModelFileError, match="incomplete") as broken:
        catalog.model("lora", "short")
    assert broken.value.field == "loras"


def test_a_lora_dropped_in_is_found_unless_nobody_is_to_look(models: Path) -> None:
    catalog = _open(models)
    _named(models, "new")
    with pytest.raises(UnknownModel):
        catalog.model("lora", "new", look=False)
    assert catalog.model("lora", "new").ref.name == "new"


def test_a_lora_is_recalled_under_a_new_name_and_another_of_its_name_is_not(models: Path) -> None:
    catalog = _open(models)
    ref = catalog.hashed(catalog.model("lora", "ink")).ref
    (models / "loras" / "ink.safetensors").rename(models / "loras" / "brush.safetensors")
    catalog.rescan()
    catalog.hashed(catalog.model("lora", "brush"))
    assert catalog.recall_model("lora", ref).ref.name == "brush"

    _named(models, "ink", made="by another")
    (models / "loras" / "brush.safetensors").unlink()
    catalog.rescan()
    with pytest.raises(UnknownModel, match="not the file this recipe was made with") as caught:
        catalog.recall_model("lora", ref)
    assert caught.value.field == "loras"


def test_a_recipe_is_given_the_hashes_of_all_its_files(models: Path) -> None:
    small(models / "checkpoints", "house", "one")
    write(models / "vae" / "soft.safetensors", VAE)
    catalog = _open(models)
    [recipe] = expand(Draft(prompt="<lora:ink:0.5>", checkpoint="house", vae="soft"), catalog)
    assert recipe.loras[0].model.sha256 is None
    named = catalog.hashed_recipe(recipe)
    assert named.vae == catalog.model("vae", "soft").ref
    assert named.loras[0].model == catalog.model("lora", "ink").ref
    assert named.checkpoint == catalog.checkpoint("house").ref
    assert None not in (named.vae.sha256, named.loras[0].model.sha256, named.checkpoint.sha256)
    assert named.loras[0].unet_weight == 0.5
    assert catalog.hashed_recipe(named) == named

    (models / "loras" / "ink.safetensors").unlink()
    catalog.rescan()
    assert catalog.hashed_recipe(recipe).loras == recipe.loras


@pytest.mark.parametrize(
    "place",
    [
        "checkpoints/painter.vae.safetensors",
        "vae/painter.vae.safetensors",
        "vae/painter.safetensors",
        "vae/deep/painter.safetensors",
    ],
)
def test_a_vae_belongs_to_a_checkpoint_by_name(models: Path, place: str) -> None:
    catalog = _open(models)
    assert catalog.automatic_vae(catalog.checkpoint("painter")) is None
    path = write(models / place, VAE)
    write(models / "vae" / "painter2.safetensors", VAE)
    catalog.rescan()
    found = catalog.automatic_vae(catalog.checkpoint("painter"))
    assert found is not None and found.path == path
    [recipe] = expand(Draft(checkpoint="painter"), catalog)
    assert recipe.vae == found.ref
    [recipe] = expand(Draft(checkpoint="painter", vae="None"), catalog)
    assert recipe.vae is None


def test_the_vae_beside_a_checkpoint_comes_before_one_among_the_vaes(models: Path) -> None:
    write(models / "vae" / "painter.safetensors", VAE)
    beside = write(models / "checkpoints" / "painter.vae.safetensors", VAE)
    catalog = _open(models)
    found = catalog.automatic_vae(catalog.checkpoint("painter"))
    assert found is not None and found.path == beside


def test_the_vae_an_artist_noted_for_a_checkpoint_comes_first(models: Path) -> None:
    write(models / "checkpoints" / "painter.vae.safetensors", VAE)
    noted = write(models / "vae" / "soft.safetensors", VAE)
    sidecar = models / "checkpoints" / "painter.json"
    for note, expected in (("soft.safetensors", noted), ("None", None), ("gone", ...)):
        sidecar.write_text(json.dumps({"vae": note}))
        catalog = _open(models)
        found = catalog.automatic_vae(catalog.checkpoint("painter"))
        if expected is ...:
            assert found is not None and found.path.name == "painter.vae.safetensors"
        else:
            assert (found and found.path) == expected


def test_a_lora_of_another_family_says_why_it_does_not_go_with_a_checkpoint(models: Path) -> None:
    catalog = _open(models)
    entry = catalog.model("lora", "ink").entry
    assert catalog.why_not(entry, catalog.checkpoint("painter")) is None
    said = catalog.why_not(entry, catalog.checkpoint("big"))
    assert said == "Made for SD 1.x; this checkpoint is SDXL."
