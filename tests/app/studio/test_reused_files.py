"""Bringing a picture back: its LoRAs, VAE, embeddings and hypernetworks, by the names they have
here."""

import json
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from app.studio.reuse import draft_of, recall, reuse
from pipelines.catalog import PRESETS, Catalog
from pipelines.draft import AUTOMATIC, OWN_VAE, Draft, expand
from pipelines.metadata import save
from pipelines.metadata.a1111 import parameters
from pipelines.picture import Facts, Picture
from pipelines.recipe import Recipe
from tests import tiny
from tests.pipelines.library import files

FACTS = Facts(device="cpu", dtype="float32", threads=1, versions={"gesso": "0.1"})
ROLES = ("lora", "vae", "embedding", "hypernetwork")


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    """A tiny SD 1 checkpoint and files of every role, all hashed."""
    models, presets = tiny.install(tmp_path_factory.mktemp("reused"), ("sd1", "sdxl"))
    for rank, name in enumerate(("ink", "sub/glow", "sub/glow too"), 1):
        tensors = files.lora(32, min(rank, 2))  # the last two have the same weights
        files.write(models / "loras" / f"{name}.safetensors", tensors, {"made": name})
    files.write(models / "loras" / "xl.safetensors", files.lora(80))
    vectors = {"emb_params": files.f16(2, 32)}
    files.write(models / "embeddings" / "mood.safetensors", vectors)
    layer = {"32.0.linear.0.weight": files.f16(64, 32), "32.0.linear.1.weight": files.f16(32, 64)}
    files.write(models / "hypernetworks" / "haze.safetensors", layer)
    vae = {"decoder.conv_in.weight": files.f16(32, 4, 3, 3)}
    files.write(models / "vae" / "soft.safetensors", vae)
    opened = Catalog.open([models], (PRESETS, presets), settle=0)
    for checkpoint in opened.checkpoints():
        opened.hashed(checkpoint)
    for role in ROLES:
        for model in opened.models(role):
            opened.hashed(model)
    yield opened
    opened.close()


def decide(catalog: Catalog, **asked: object) -> Recipe:
    [recipe] = expand(Draft.of({"checkpoint": "tiny-sd1", "seed": 7, **asked}), catalog)
    return recipe


def ours(recipe: Recipe, folder: Path) -> bytes:
    file = folder / "one.png"
    file.unlink(missing_ok=True)
    save(Picture(Image.new("RGB", (64, 64)), recipe, FACTS), file)
    return file.read_bytes()


def theirs(prompt: str, settings: str = "", negative: str = "") -> bytes:
    lines = [prompt, *([f"Negative prompt: {negative}"] if negative else [])]
    lines.append(f"Steps: 20, Seed: 5, Model: tiny-sd1, RNG: CPU{settings}")
    info, file = PngInfo(), BytesIO()
    info.add_itxt("parameters", "\n".join(lines))
    Image.new("RGB", (8, 8)).save(file, "PNG", pnginfo=info)
    return file.getvalue()


def digits(catalog: Catalog, role: str, name: str) -> str:
    """The hash by which A1111 names a file."""
    hashes = catalog.model(role, name).entry.hashes
    assert hashes is not None
    return hashes.addnet if role == "lora" else hashes.sha256[:12]


EVERYTHING = {
    "prompt": "a mood <lora:ink:0.8> <lora:sub/glow:0.2:1> <hypernet:haze:0.5>",
    "negative_prompt": "fog",
    "vae": "soft",
}


def test_a_picture_of_our_own_comes_back_with_all_its_files(catalog, tmp_path):
    recipe = decide(catalog, **EVERYTHING)
    reused = reuse(ours(recipe, tmp_path), catalog, FACTS)
    assert reused.differences == ()
    assert reused.draft.prompt == EVERYTHING["prompt"]
    assert reused.draft.vae == "soft"
    assert expand(reused.draft, catalog) == [recipe]
    assert expand(draft_of(recipe), catalog) == [recipe]


def test_our_own_settings_in_a1111s_words_lead_back_to_the_same_recipe(catalog):
    recipe = decide(catalog, **EVERYTHING)
    text = parameters(recipe, FACTS).replace("Gesso 0.1", "v1.10.1")
    info, file = PngInfo(), BytesIO()
    info.add_itxt("parameters", text)
    Image.new("RGB", (8, 8)).save(file, "PNG", pnginfo=info)
    reused = reuse(file.getvalue(), catalog)
    assert reused.differences == ()
    assert expand(reused.draft, catalog) == [recipe]


def test_files_that_were_renamed_are_found_by_their_hashes(catalog, tmp_path):
    recipe = decide(catalog, **EVERYTHING)
    text = recipe.to_json().replace('"ink"', '"old ink"').replace('"soft"', '"old soft"')
    text = text.replace('"haze"', '"old haze"').replace('"mood"', '"old mood"')
    text = text.replace('"a mood"', '"an (OLD MOOD:1.2)"')
    reused = reuse(ours(Recipe.from_json(text), tmp_path), catalog, FACTS)
    assert reused.differences == ()
    assert reused.draft.prompt == EVERYTHING["prompt"].replace("a mood", "an (mood:1.2)")
    assert reused.draft.vae == "soft"


def test_the_checkpoints_own_vae_is_left_to_it(catalog, tmp_path):
    assert reuse(ours(decide(catalog), tmp_path), catalog).draft.vae == AUTOMATIC
    assert reuse(theirs("a"), catalog).draft.vae == AUTOMATIC
    assert reuse(theirs("a", ", VAE: Automatic"), catalog).draft.vae == AUTOMATIC
    assert reuse(theirs("a", ", VAE: None"), catalog).draft.vae == AUTOMATIC


def test_a_vae_that_would_be_chosen_by_name_is_told_from_the_checkpoints_own(tmp_path):
    models, presets = tiny.install(tmp_path, ("sd1",))
    vae = {"decoder.conv_in.weight": files.f16(32, 4, 3, 3)}
    files.write(models / "vae" / "tiny-sd1.safetensors", vae)
    catalog = Catalog.open([models], (PRESETS, presets), settle=0)
    recipe = decide(catalog)
    assert recipe.vae is not None
    assert reuse(ours(recipe, tmp_path), catalog).draft.vae == AUTOMATIC
    own = decide(catalog, vae=OWN_VAE)
    reused = reuse(ours(own, tmp_path), catalog)
    assert reused.draft.vae == OWN_VAE
    assert expand(reused.draft, catalog) == [own]
    catalog.close()


def test_a_hash_renames_a_tag_to_the_local_files_name(catalog):
    known = f', Lora hashes: "old name: {digits(catalog, "lora", "glow")}, ink: 00112233"'
    reused = reuse(theirs("a <lora:old name:0.5>, b", known), catalog)
    assert reused.draft.prompt == "a, b <lora:sub/glow:0.5>"
    assert reused.differences == ()


def test_a_name_that_means_the_same_file_here_stays_as_it_was_written(catalog):
    known = f', Lora hashes: "glow: {digits(catalog, "lora", "glow")}"'
    reused = reuse(theirs("a <lora:glow:0.5>, b", known), catalog)
    assert reused.draft.prompt == "a <lora:glow:0.5>, b"
    assert len(expand(reused.draft, catalog)) == 1


def test_of_two_files_with_the_same_weights_the_one_of_that_name_is_meant(catalog):
    known = digits(catalog, "lora", "glow")
    assert known == digits(catalog, "lora", "glow too")
    for name in ("glow", "glow too"):
        reused = reuse(theirs(f"<lora:{name}:1>", f', Lora hashes: "{name}: {known}"'), catalog)
        assert (reused.draft.prompt, reused.differences) == (f"<lora:{name}:1>", ())


def test_a_hash_renames_the_word_of_an_embedding(catalog):
    known = f', TI hashes: "old-mood: {digits(catalog, "embedding", "mood")}"'
    reused = reuse(theirs("an (Old-Mood:1.2) boat", known, "old-mood, fog"), catalog)
    assert (reused.draft.prompt, reused.draft.negative_prompt) == (
        "an (mood:1.2) boat",
        "mood, fog",
    )
    assert reused.differences == ()


def test_a_vae_is_found_by_hash_or_name(catalog):
    known = digits(catalog, "vae", "soft")[:10]
    for said in (f"VAE hash: {known}, VAE: old.pt", "VAE: soft.safetensors", f"VAE hash: {known}"):
        reused = reuse(theirs("a", f", {said}"), catalog)
        assert (reused.draft.vae, reused.differences) == ("soft", ())


def test_forge_says_its_vae_among_its_modules(catalog):
    reused = reuse(theirs("a", ", Module 1: soft"), catalog)
    assert reused.draft.vae == "soft"


@pytest.mark.parametrize(
    ("prompt", "settings", "rest", "said"),
    [
        ("a <lora:inc:1> b", "", "a b", "no LoRA called inc. Did you mean ink? It is made without"),
        ("a <lora:gone:1>", ', Lora hashes: "gone: 0011aabbccdd"', "a", "gone (hash 0011aabbccdd)"),
        ("a <hypernet:gone:1>", "", "a", "no hypernetwork called gone"),
        ("a", ", Hypernet: gone, Hypernet strength: 0.5", "a", "no hypernetwork called gone"),
        ("a <lora:xl:1>", "", "a", "xl: Made for"),
        ("a <lora:ink:lots>", "", "a", "Not understood, and left out: <lora:ink:lots>."),
        ("a <lora:ink:2> <lora:ink:1>", "", "a <lora:ink:2>", "ink is named twice"),
        ("a <lora:ink:2:lbw=MIDD>", "", "a <lora:ink:2>", "Not followed, of its tags: lbw=MIDD."),
        ("a gone", ", TI: gone", "a gone", "no embedding called gone"),
        ("a", ", VAE: gone.pt", "a", "no VAE called gone.pt"),
        ("a", ", VAE: gone.pt", "a", "The checkpoint's own is used."),
    ],
)
def test_what_is_not_here_is_left_out_and_told(catalog, prompt, settings, rest, said):
    reused = reuse(theirs(prompt, settings), catalog)
    assert reused.draft.prompt == rest
    [sentence] = reused.differences
    assert said in sentence
    assert len(expand(reused.draft, catalog)) == 1


def test_many_that_are_not_here_are_told_in_one_sentence(catalog):
    prompt = "a " + " ".join(f"<lora:gone {n}:1>" for n in range(30))
    [said] = reuse(theirs(prompt), catalog).differences
    assert said.startswith("Not here: the LoRAs gone 0, gone 1,")
    assert said.endswith("and 18 more. It is made without.")


def test_another_file_of_the_same_name_is_used_and_told(catalog):
    reused = reuse(theirs("a <lora:ink:1>", ', Lora hashes: "ink: 0011aabbccdd"'), catalog)
    assert reused.draft.prompt == "a <lora:ink:1>"
    [said] = reused.differences
    assert digits(catalog, "lora", "ink") in said and "0011aabbccdd" in said


def test_tags_in_a_negative_prompt_do_nothing_and_are_told(catalog):
    reused = reuse(theirs("a", "", "fog <lora:ink:1>"), catalog)
    assert reused.draft.negative_prompt == "fog"
    [said] = reused.differences
    assert "do nothing" in said
    assert len(expand(reused.draft, catalog)) == 1


def test_loras_that_only_a_site_knows_are_told(catalog):
    resources = [
        {"type": "lora", "modelName": "Ink", "weight": 0.5},
        {"type": "checkpoint", "modelName": "Painter"},
    ]
    [said] = reuse(
        theirs("a", f", Civitai resources: {json.dumps(resources)}"), catalog
    ).differences
    assert said == "Made with more than its prompt names: Ink. It is made without."


def test_a_preset_keeps_its_prompt_as_it_was_typed(catalog):
    typed = "a cat,<lora:glow>  b <lora:ink:0.50>"
    kept = recall(Draft(prompt=typed, vae="soft"), catalog)
    assert (kept.draft.prompt, kept.draft.vae, kept.differences) == (typed, "soft", ())
    assert kept.draft.model_fields_set == {"prompt", "vae"}
    kept = recall(Draft(prompt="a <lora:gone>"), catalog)
    assert kept.draft.prompt == "a"
    assert "no LoRA called gone" in kept.differences[0]


@pytest.mark.parametrize(
    "prompt",
    [
        "a " + "<lora:gone:1>" * 20_000,
        "a " + " ".join(f"<lora:g{n}:1>" for n in range(20_000)),
        "a " + "<lora:ink:" + "1" * 900 + ">",
    ],
)
def test_hostile_numbers_of_tags_are_answered_at_once(catalog, prompt):
    start = time.process_time()
    reused = reuse(theirs(prompt, ", Lora hashes: " + json.dumps("a: 00112233, " * 9999)), catalog)
    assert time.process_time() - start < 5
    assert sum(map(len, reused.differences)) < 5000
    assert len(expand(reused.draft, catalog)) == 1
