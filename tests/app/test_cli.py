"""The command line as an artist uses it: real processes, and one sentence for every mistake."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from app import cli
from app.api import hosts
from app.settings import Settings
from pipelines.draft import Draft
from pipelines.events import Notice, Step
from pipelines.metadata import read_infotext, read_recipe
from pipelines.recipe import Recipe

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def machine(tiny_home, tmp_path, monkeypatch) -> Path:
    """The environment of a machine with the tiny models; returns a folder to work in."""
    monkeypatch.setenv("GESSO_MODELS", str(tiny_home / "models"))
    monkeypatch.setenv("GESSO_PRESETS", str(tiny_home / "presets"))
    monkeypatch.setenv("GESSO_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("GESSO_OUTPUTS", str(tmp_path / "outputs"))
    monkeypatch.setenv("GESSO_DEVICE", "cpu")
    monkeypatch.setenv("GESSO_THREADS", "1")
    return tmp_path


def render(folder: Path, *more: str) -> list[str]:
    tiny = ["--checkpoint", "tiny-sd1", "--steps", "2", "--dtype", "float32"]
    return ["render", "a red house", "--out", str(folder / "house.png"), *tiny, *more]


def refusal(capsys, arguments: list[str]) -> str:
    """What a command that fails by the artist's mistake says."""
    assert cli.main(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    return said.err.strip()


def test_a_prompt_becomes_a_file_that_carries_its_recipe(machine, capsys):
    assert cli.main(render(machine, "--seed", "7", "--size", "64x128")) == 0
    assert "house.png  seed 7" in capsys.readouterr().out
    recipe = read_recipe(machine / "house.png")
    assert (recipe.prompt, recipe.seed, str(recipe.size)) == ("a red house", 7, "64x128")
    with Image.open(machine / "house.png") as image:
        assert image.size == (64, 128)


@pytest.fixture
def beside(tiny_home, tmp_path) -> list[str]:
    """Flags that add a folder with a LoRA, a VAE and an embedding for the tiny checkpoint."""
    folder = tmp_path / "more"
    for kind in ("loras", "vae", "embeddings"):
        (folder / kind).mkdir(parents=True)
    dice = torch.Generator().manual_seed(1)
    layer = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k"
    lora = {
        f"{layer}.lora_down.weight": torch.randn(4, 32, generator=dice),
        f"{layer}.lora_up.weight": torch.randn(32, 4, generator=dice),
    }
    save_file(lora, folder / "loras" / "ink.safetensors")
    whole = load_file(tiny_home / "models" / "checkpoints" / "tiny-sd1.safetensors")
    prefix = "first_stage_model."
    vae = {k.removeprefix(prefix): v.flip(0) for k, v in whole.items() if k.startswith(prefix)}
    save_file(vae, folder / "vae" / "soft.safetensors")
    vectors = {"emb_params": torch.randn(2, 32, generator=dice)}
    save_file(vectors, folder / "embeddings" / "mood.safetensors")
    return ["--models", str(tiny_home / "models"), "--models", str(folder)]


def test_loras_and_a_vae_are_flags_and_stand_in_the_recipe(machine, beside, capsys):
    pixels = {}
    for name, more in {
        "plain": [],
        "nothing": ["--lora", "ink:0"],
        "lora": ["--lora", "ink:0.8"],
        "vae": ["--vae", "soft"],
        "both": ["--lora", "ink:0.8", "--vae", "soft", "--negative-prompt", "a Mood"],
    }.items():
        out = machine / f"{name}.png"
        flags = render(machine, "--seed", "7", "--size", "64x64", *beside, *more)
        flags[flags.index(str(machine / "house.png"))] = str(out)
        assert cli.main(flags) == 0, capsys.readouterr().err
        with Image.open(out) as image:
            pixels[name] = image.tobytes()
    assert pixels["nothing"] == pixels["plain"]
    assert len(set(pixels.values())) == 4

    recipe = read_recipe(machine / "both.png")
    [use] = recipe.loras
    assert (use.model.name, use.unet_weight, use.text_encoder_weight) == ("ink", 0.8, 0.8)
    assert recipe.vae is not None and recipe.vae.name == "soft"
    assert [ref.name for ref in recipe.embeddings] == ["mood"]
    refs = (recipe.checkpoint, recipe.vae, use.model, *recipe.embeddings)
    assert all(ref.sha256 for ref in refs) and use.model.addnet
    said = read_infotext(machine / "both.png")
    assert said.prompt == "a red house <lora:ink:0.8>"
    assert said.fields["Lora hashes"] == f"ink: {use.model.addnet}"
    assert said.fields["VAE hash"] == recipe.vae.sha256[:10]


@pytest.mark.slow
def test_what_was_done_otherwise_is_printed(capsys):
    with cli._bar(2) as show:
        show(Step(i=1, n=2))
        show(Notice(message="It was decoded in tiles."))
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "It was decoded in tiles.\n")


def test_the_same_command_in_a_new_process_gives_the_same_bytes(machine):
    cli.main(render(machine, "--seed", "7"))
    command = [sys.executable, "-m", "app.cli", *render(machine, "--seed", "7")]
    command[command.index(str(machine / "house.png"))] = str(machine / "again.png")
    subprocess.run(command, cwd=ROOT, env=os.environ, check=True, capture_output=True)
    assert (machine / "again.png").read_bytes() == (machine / "house.png").read_bytes()


@pytest.mark.parametrize("kind", ["png", "json"])
def test_a_recipe_taken_from_a_picture_or_a_file_gives_the_same_bytes(machine, kind):
    cli.main(render(machine, "--seed", "7"))
    source = machine / "house.png"
    if kind == "json":
        source = machine / "house.json"
        source.write_text(read_recipe(machine / "house.png").to_json())
    again = ["render", "--out", str(machine / "again.png"), "--recipe", str(source)]
    assert cli.main([*again, "--dtype", "float32"]) == 0
    assert (machine / "again.png").read_bytes() == (machine / "house.png").read_bytes()


def test_several_pictures_are_numbered_and_count_their_seeds_up(machine):
    assert cli.main(render(machine, "--seed", "7", "--count", "2")) == 0
    seeds = [read_recipe(machine / f"house-{k}.png").seed for k in (1, 2)]
    assert seeds == [7, 8]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--checkpoint", "no such model"], "no such model"),
        (["--checkpoint", "tiny-sd"], "Did you mean tiny-sd1?"),
        (["--size", "63x64"], "not a multiple of 8. Use 64."),
        (["--size", "big"], "WIDTHxHEIGHT"),
        (["--guidance-scale", "nan"], "Guidance scale cannot be nan"),
        (["--guidance-scale", "inf"], "Guidance scale"),
        (["--steps", "0"], "Steps cannot be"),
        (["--steps", "many"], "Steps cannot be 'many'"),
        (["--seed", "-2"], "out of range"),
        (["--seed", str(2**64)], "out of range"),
        (["--sampler", "Eulr"], "Did you mean 'Euler'?"),
        (["--count", "65"], "Count cannot be"),
        (["--vae", "gone"], "no VAE called gone"),
        (["--lora", "gone:1"], "no LoRA called gone"),
        (["--lora", "ink:much"], "LoRAs cannot be 'ink:much'. Write NAME:0.8"),
        (["--device", "toaster"], "Device cannot be 'toaster'"),
        (["--recipe", "x.json"], "Leave out the prompt, --steps, --checkpoint."),
    ],
)
def test_a_mistake_is_one_sentence_with_a_cure(machine, capsys, more, words):
    assert words in refusal(capsys, render(machine, *more))
    assert not (machine / "house.png").exists()


def test_a_prompt_too_long_is_refused_with_its_length(machine, capsys):
    arguments = render(machine)
    arguments[1] = "x" * 20_000
    assert "20,000 characters of 10,000" in refusal(capsys, arguments)


def test_without_a_prompt_or_a_recipe_there_is_nothing_to_paint(machine, capsys):
    assert "no prompt" in refusal(capsys, ["render", "--out", str(machine / "x.png")])


def test_a_file_that_is_there_is_not_painted_over(machine, capsys):
    (machine / "house.png").write_text("mine")
    assert "is there already" in refusal(capsys, render(machine))
    assert (machine / "house.png").read_text() == "mine"


def test_a_folder_that_cannot_be_written_is_told_before_the_painting(machine, capsys):
    (machine / "file").write_text("in the way")
    assert "Nothing can be saved" in refusal(capsys, render(machine / "file"))


def test_only_png_is_written(machine, capsys):
    arguments = [part.replace("house.png", "house.jpg") for part in render(machine)]
    assert "does not end in .png" in refusal(capsys, arguments)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("absent.json", None),
        ("absent.png", None),
        ("empty.json", b""),
        ("list.json", b"[]"),
        ("deep.json", b"[" * 100_000),
        ("newer.json", b'{"version": 99}'),
        ("empty.png", b""),
        ("text.png", b"not a picture"),
    ],
)
def test_a_file_that_holds_no_recipe_is_told_so(machine, capsys, name, content):
    if content is not None:
        (machine / name).write_bytes(content)
    arguments = ["render", "--out", str(machine / "x.png"), "--recipe", str(machine / name)]
    assert refusal(capsys, arguments)


def test_damaged_model_files_are_listed_with_their_reason(machine, capsys):
    checkpoints = machine / "mine" / "checkpoints"
    checkpoints.mkdir(parents=True)
    (checkpoints / "empty.safetensors").write_bytes(b"")
    (checkpoints / "page.safetensors").write_bytes(b"<!DOCTYPE html><html>not found</html>" * 99)
    for file in checkpoints.iterdir():
        os.utime(file, (1, 1))
    assert cli.main(["models", "--json", "--models", str(machine / "mine")]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    for name in ("empty", "page"):
        row = next(row for key, row in rows.items() if name in key)
        assert row["problem"]["message"]
        assert row["problem"]["cure"]
    assert cli.main(["models", "--models", str(machine / "mine")]) == 0
    assert rows_with_problems(capsys.readouterr().out) >= 2


def rows_with_problems(table: str) -> int:
    return sum(line.startswith("  ! ") for line in table.splitlines())


def test_models_are_listed_in_columns_and_looked_at_again_on_request(machine, capsys):
    for more in ([], ["--rescan"]):
        assert cli.main(["models", *more]) == 0
        table = capsys.readouterr().out.splitlines()
        assert table[0].split() == ["name", "role", "kind", "size", "dtype"]
        assert any("tiny-sd1" in line and "Tiny sd1" in line for line in table)


def test_the_doctor_finds_what_the_engine_runs_on(machine, capsys):
    cli.main(["doctor", "--json"])
    report = json.loads(capsys.readouterr().out)
    assert (report["engine"]["device"], report["engine"]["threads"]) == ("cpu", 1)
    assert "torch" in report["packages"]
    assert report["models"]["checkpoints"] >= 2
    assert report["memory"]["total"] > report["memory"]["available"] > 0
    assert all(problem["cure"] for problem in report["problems"])


def test_the_doctor_names_each_problem_with_its_cure_on_one_screen(machine, capsys):
    (machine / "file").write_text("in the way")
    flags = ["--models", str(machine / "absent"), "--outputs", str(machine / "file" / "x")]
    flags += ["--data", str(machine / "file" / "data")]
    assert cli.main(["doctor", *flags]) == 1
    said = capsys.readouterr().out
    assert rows(said, "! The models folder") == 1
    assert rows(said, "! Nothing can be saved in") == 2
    assert len(said.splitlines()) <= 24


def rows(text: str, start: str) -> int:
    return sum(line.startswith(start) for line in text.splitlines())


def test_every_field_of_a_draft_has_a_flag_with_the_fields_own_help(capsys):
    with pytest.raises(SystemExit):
        cli.main(["render", "--help"])
    help_text = " ".join(capsys.readouterr().out.split())
    for name in set(Draft.model_fields) - {"prompt", "size_conditioning"}:
        name = cli.REPEATED.get(name, name)
        assert "--" + name.replace("_", "-") in help_text
    assert (Recipe.model_fields["guidance_scale"].description or "") in help_text


def test_the_network_is_not_opened_without_a_token(machine, capsys, monkeypatch):
    monkeypatch.setenv("GESSO_HOST", "0.0.0.0")
    assert "--token" in refusal(capsys, ["serve", "--no-browser"])


def test_plain_gesso_means_serve(machine, capsys):
    assert "Port cannot be '0'" in refusal(capsys, ["--port", "0"])


def test_a_phone_is_shown_the_way_in_as_a_link_and_as_a_code_to_photograph(capsys, monkeypatch):
    token = "0123456789abcdef+of/a=test"
    settings = Settings(host="0.0.0.0", token=token)
    monkeypatch.setattr(hosts, "addresses", lambda: ["192.168.1.5", "2001:db8::5"])
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    cli._say_ready(settings, "http://127.0.0.1:7860")
    said = capsys.readouterr().out
    for address in ("127.0.0.1", "192.168.1.5", "[2001:db8::5]"):
        assert f"http://{address}:7860/login#0123456789abcdef%2Bof%2Fa%3Dtest" in said
    assert sum("▄" in line or "█" in line for line in said.splitlines()) > 10


def test_on_loopback_without_a_token_there_is_one_line(capsys):
    cli._say_ready(Settings(), "http://127.0.0.1:7860")
    assert capsys.readouterr().out == "Gesso is ready: http://127.0.0.1:7860\n"
