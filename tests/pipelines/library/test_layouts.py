"""Models are used where other programs keep them."""

from __future__ import annotations

import json
from pathlib import Path

from pipelines.families import families, variants
from pipelines.library.layouts import Folder, adopt
from pipelines.library.library import Library
from tests.pipelines.library.files import PRESETS, VAE, lora, real, write


def _made(root: Path, *folders: str) -> None:
    for folder in folders:
        (root / folder).mkdir(parents=True)


def test_a_plain_folder_stands_for_itself(tmp_path: Path) -> None:
    assert adopt(tmp_path) == [Folder(tmp_path)]
    assert adopt(tmp_path / "absent") == [Folder(tmp_path / "absent")]


def test_a1111_and_forge_keep_embeddings_beside_their_models(tmp_path: Path) -> None:
    _made(
        tmp_path,
        *(f"models/{name}" for name in ("Stable-diffusion", "Lora", "VAE", "ESRGAN", "karlo")),
        "embeddings",
        "venv/lib",
    )
    assert set(adopt(tmp_path)) == {
        Folder(tmp_path / "models/Stable-diffusion", "checkpoint"),
        Folder(tmp_path / "models/Lora", "lora"),
        Folder(tmp_path / "models/VAE", "vae"),
        Folder(tmp_path / "models/ESRGAN", "upscaler"),
        Folder(tmp_path / "embeddings", "embedding"),
    }


def test_comfyui_names_further_folders_in_yaml(tmp_path: Path) -> None:
    comfy, other = tmp_path / "ComfyUI", tmp_path / "webui"
    _made(comfy, "models/checkpoints", "models/loras", "models/configs")
    (comfy / "extra_model_paths.yaml").write_text(
        f"""
a111:
    base_path: {other}/
    is_default: true
    checkpoints: models/Stable-diffusion
    loras: |
        models/Lora
        models/LyCORIS
    configs: models/Stable-diffusion
mine:
    clip: {tmp_path}/encoders
    unknown_kind: somewhere
"""
    )
    expected = [
        Folder(comfy / "models/checkpoints", "checkpoint"),
        Folder(comfy / "models/loras", "lora"),
        Folder(other / "models/Stable-diffusion", "checkpoint"),
        Folder(other / "models/Lora", "lora"),
        Folder(other / "models/LyCORIS", "lora"),
        Folder(tmp_path / "encoders", "text_encoder"),
    ]
    assert adopt(comfy) == expected
    assert adopt(comfy / "extra_model_paths.yaml") == expected[2:]


def test_relative_paths_in_yaml_start_at_the_yaml(tmp_path: Path) -> None:
    (tmp_path / "paths.yaml").write_text("x:\n  base_path: shared\n  vae: v\n")
    assert adopt(tmp_path / "paths.yaml") == [Folder(tmp_path / "shared/v", "vae")]


def test_yaml_that_is_broken_or_hostile_stands_for_itself(tmp_path: Path) -> None:
    for text in (
        "a: [",
        "- 1",
        "a: 3\nb:\n  loras: [1, 2]\n  vae: 7\n",
        f"a: !!python/object/apply:os.mkdir ['{tmp_path}/sprung']",
        "a: &a [*a]",
    ):
        (tmp_path / "paths.yaml").write_text(text)
        assert adopt(tmp_path / "paths.yaml") == [Folder(tmp_path / "paths.yaml")]
    assert not (tmp_path / "sprung").exists()


def test_invokeai_sorts_by_base_and_only_contents_tell(tmp_path: Path) -> None:
    (tmp_path / "invokeai.yaml").write_text("schema_version: 4.0.2\n")
    assert adopt(tmp_path) == [Folder(tmp_path / "models")]
    (tmp_path / "invokeai.yaml").write_text("models_dir: /data/models\n")
    assert adopt(tmp_path) == [Folder(Path("/data/models"))]


def test_fooocus_names_its_folders_in_json(tmp_path: Path) -> None:
    config = {"path_checkpoints": ["a", "/b"], "path_loras": "../loras", "path_vae": 3}
    (tmp_path / "config.txt").write_text(json.dumps(config))
    assert adopt(tmp_path) == [
        Folder(tmp_path / "a", "checkpoint"),
        Folder(Path("/b"), "checkpoint"),
        Folder(tmp_path.parent / "loras", "lora"),
    ]


def test_the_models_of_four_programs_are_listed_together(tmp_path: Path) -> None:
    webui, comfy, invoke = (tmp_path / name for name in ("webui", "comfy", "invoke"))
    write(webui / "models/Stable-diffusion/anime/one.safetensors", real("sd15"))
    write(webui / "models/VAE/soft.vae.pt", VAE)
    write(webui / "venv/lib/torch/x.safetensors", lora())
    write(comfy / "models/checkpoints/two.safetensors", real("sdxl"))
    write(comfy / "models/loras/ink.safetensors", lora())
    (invoke / "models").mkdir(parents=True)
    (invoke / "invokeai.yaml").write_text("")
    write(invoke / "models/sd-2/main/three.safetensors", real("sd2-depth"))
    write(tmp_path / "mine/four.safetensors", real("sdxl-refiner"))

    library = Library([webui, comfy, invoke, tmp_path / "mine"], families(), variants([PRESETS]))
    library.scan()

    assert {(entry.role, entry.name) for entry in library.entries()} == {
        ("checkpoint", "anime/one"),
        ("vae", "soft.vae"),
        ("checkpoint", "two"),
        ("lora", "ink"),
        ("checkpoint", "sd-2/main/three"),
        ("checkpoint", "four"),
    }
