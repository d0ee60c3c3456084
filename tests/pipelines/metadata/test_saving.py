"""A picture on disk carries its recipe, and saving never harms what is there."""

import errno
import json
import os
import stat
import sys
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from pipelines.errors import RecipeFileError, RequestError, StorageError
from pipelines.metadata import read_facts, read_infotext, read_recipe, save
from pipelines.picture import Facts, Picture
from pipelines.recipe import ModelRef, Recipe
from tests.trouble import full_disk, unprivileged

FACTS = Facts(
    seconds=1.25, device="cpu", dtype="bfloat16", threads=2, versions={"gesso": "0.1", "torch": "2"}
)
RECIPE = Recipe.model_validate(
    {
        "prompt": "a red house, 日本 🎨\nBREAK (a meadow:1.2)",
        "negative_prompt": 'fog, "quotes": {[',
        "seed": 2**64 - 1,
        "guidance_scale": 6.1,
        "size": "64x96",
        "checkpoint": {"name": "mine/painter.safetensors", "sha256": "ab" * 32},
        "prediction_type": "v_prediction",
        "size_conditioning": {"original": "64x96", "crop_top": 3, "target": "128x128"},
    }
)


def picture(recipe=RECIPE):
    image = Image.effect_noise((64, 96), 80).convert("RGB")
    return Picture(image, recipe, FACTS)


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "one.png"
    save(picture(), path)
    return path


def test_the_recipe_comes_back_equal(saved):
    assert read_recipe(saved) == RECIPE
    assert read_recipe(str(saved)) == RECIPE
    assert read_recipe(saved.read_bytes()) == RECIPE


def test_the_facts_come_back_without_the_time_it_took(saved):
    assert read_facts(saved) == FACTS.model_copy(update={"seconds": None})


def test_other_apps_find_their_text(saved):
    infotext = read_infotext(saved)
    assert infotext.prompt == RECIPE.prompt
    assert infotext.negative_prompt == RECIPE.negative_prompt
    assert infotext.fields["Model hash"] == "ab" * 5


def test_the_pixels_are_untouched(tmp_path):
    made = picture()
    save(made, tmp_path / "one.png")
    with Image.open(tmp_path / "one.png") as image:
        assert image.mode == "RGB"
        assert image.tobytes() == made.image.tobytes()


def test_a_path_may_be_text(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save(picture(), "one.png")
    assert read_recipe("one.png") == picture().recipe


def test_the_same_picture_is_the_same_bytes(tmp_path):
    made = picture()
    save(made, tmp_path / "one.png")
    save(made, tmp_path / "two.png")
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


@settings(max_examples=50, deadline=None)
@given(
    prompt=st.text(max_size=50),
    seed=st.integers(0, 2**64 - 1),
    scale=st.floats(0, 30),
    name=st.text(min_size=1, max_size=20),
)
def test_any_recipe_comes_back_equal(tmp_path_factory, prompt, seed, scale, name):
    recipe = Recipe.model_validate(
        {
            "prompt": prompt,
            "seed": seed,
            "guidance_scale": scale,
            "size": "64x96",
            "checkpoint": ModelRef(name=name),
        }
    )
    path = tmp_path_factory.mktemp("any") / "one.png"
    save(picture(recipe), path)
    assert read_recipe(path) == recipe


def test_a_json_file_is_a_recipe_too(tmp_path):
    path = tmp_path / "recipe.json"
    path.write_text(RECIPE.to_json(), encoding="utf-8-sig")
    assert read_recipe(path) == RECIPE


# What cannot be read


def png_with(**texts):
    info = PngInfo()
    for keyword, text in texts.items():
        info.add_itxt(keyword, text)
    file = BytesIO()
    Image.new("RGB", (4, 4)).save(file, "PNG", pnginfo=info)
    return file.getvalue()


def test_a_picture_without_a_recipe_says_so():
    with pytest.raises(RecipeFileError, match="no Gesso recipe") as caught:
        read_recipe(png_with())
    assert caught.value.cure
    with pytest.raises(RecipeFileError, match="does not say how"):
        read_infotext(png_with())


def test_a_picture_of_another_app_is_told_from_one_that_says_nothing():
    with pytest.raises(RecipeFileError, match="A1111"):
        read_recipe(png_with(parameters="a cat\nSteps: 1, Sampler: x, Seed: 2"))


@pytest.mark.parametrize(
    "text",
    ["", "no json", "[]", "null", '"recipe"', "{}", '{"recipe": 1}', "[" * 100_000, "1" * 5000],
)
def test_a_damaged_recipe_is_refused(text):
    with pytest.raises(RecipeFileError):
        read_recipe(png_with(gesso=text))
    with pytest.raises(RecipeFileError):
        read_facts(png_with(gesso=text))


def test_a_recipe_of_a_newer_gesso_asks_for_an_update():
    text = json.dumps({"recipe": {"version": 99}})
    with pytest.raises(RecipeFileError, match="newer Gesso"):
        read_recipe(png_with(gesso=text))


def test_a_field_out_of_range_is_named():
    recipe = json.loads(RECIPE.to_json()) | {"steps": 10_000}
    with pytest.raises(RequestError) as caught:
        read_recipe(png_with(gesso=json.dumps({"recipe": recipe})))
    assert caught.value.field == "steps"


def test_a_file_cut_off_never_raises_anything_else(saved):
    data = saved.read_bytes()
    for end in range(0, len(data), 97):
        try:
            assert read_recipe(data[:end]) == RECIPE
        except RecipeFileError:
            assert end < 2_000  # the texts stand before the pixels


@pytest.mark.parametrize("name", ["nothing.png", ".", "nul\0.png"])
def test_a_file_that_cannot_be_opened(tmp_path, name):
    with pytest.raises(RecipeFileError, match="cannot be opened"):
        read_recipe(f"{tmp_path}/{name}")


# What cannot be written


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_picture_never_replaces_another(saved):
    before = saved.read_bytes()
    with pytest.raises(StorageError, match=r"'one\.png' already"):
        save(picture(), saved)
    assert saved.read_bytes() == before
    assert names(saved.parent) == ["one.png"]


def test_a_missing_folder(tmp_path):
    with pytest.raises(StorageError, match="there is no folder 'gone'") as caught:
        save(picture(), tmp_path / "gone" / "one.png")
    assert "folder" in caught.value.cure


def test_a_file_in_place_of_the_folder(saved):
    with pytest.raises(StorageError, match="there is no folder"):
        save(picture(), saved / "two.png")


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX limits")
def test_a_full_disk_leaves_no_partial_file(tmp_path):
    with full_disk(1000), pytest.raises(StorageError, match="is full") as caught:
        save(picture(), tmp_path / "one.png")
    assert "space" in caught.value.cure
    assert names(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX permissions")
def test_a_read_only_folder(tmp_path):
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        with unprivileged(), pytest.raises(StorageError, match="may not be written to"):
            save(picture(), tmp_path / "one.png")
    finally:
        tmp_path.chmod(stat.S_IRWXU)
    assert names(tmp_path) == []


@pytest.fixture
def no_hard_links(monkeypatch):
    """A drive formatted for cameras: no file has two names."""

    def link(source, target):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)


def test_a_drive_without_hard_links(tmp_path, no_hard_links):
    save(picture(), tmp_path / "one.png")
    assert read_recipe(tmp_path / "one.png") == RECIPE
    before = (tmp_path / "one.png").read_bytes()
    with pytest.raises(StorageError, match="already"):
        save(picture(), tmp_path / "one.png")
    assert (tmp_path / "one.png").read_bytes() == before
    assert names(tmp_path) == ["one.png"]
