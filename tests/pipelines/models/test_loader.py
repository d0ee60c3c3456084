"""A checkpoint file becomes modules: the right weights, in the right numbers, not copied."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import shutil
import sys
from pathlib import Path

import pytest
import torch
from diffusers import DDIMScheduler, EulerDiscreteScheduler
from safetensors.torch import load_file, save_file

from benchmarks.full_size import original_tensors
from pipelines.catalog import PRESETS
from pipelines.errors import Cancelled
from pipelines.models.skeleton import alphas_cumprod
from tests import tiny

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self/maps")


@pytest.mark.parametrize("name", tiny.ALL_NAMES)
def test_every_weight_of_every_family_arrives(shelf, equal, name):
    equal(shelf.load(name), name)


@pytest.mark.parametrize("name", tiny.ALL_NAMES)
def test_diffusers_loads_the_same_weights_from_the_same_file(shelf, name):
    loaded = shelf.load(name)
    oracle = tiny.PIPELINES[name].from_single_file(
        str(shelf.file(name)),
        config=str(shelf.configs(name)),
        local_files_only=True,
        torch_dtype=torch.float32,
        tokenizer=None,
        **({"tokenizer_2": None} if name.startswith("sdxl") else {}),
    )
    for component, module in loaded.modules().items():
        theirs = getattr(oracle, component).state_dict()
        for key, weight in module.state_dict().items():
            assert torch.equal(weight, theirs[key]), (component, key)


@pytest.mark.parametrize("variant", ["sd15", "sd2", "sdxl", "sdxl-refiner"])
def test_full_size_skeletons_want_the_names_and_shapes_that_published_files_have(variant):
    file = Path(__file__).with_name("published") / f"{variant}.json.gz"
    published = json.loads(gzip.decompress(file.read_bytes()))
    ours = {name: list(tensor.shape) for name, tensor in original_tensors(variant).items()}
    assert ours == {name: shape for name, shape in published.items() if name in ours}
    unused = re.compile(
        r"alphas_cumprod|betas|denoiser\.sigmas|model_ema\..*|.*\.position_ids|.*\.logit_scale"
        r"|cond_stage_model\.model\.(text_projection|transformer\.resblocks\.23\..*)"
    )
    assert all(unused.fullmatch(name) for name in published.keys() - ours.keys())


@pytest.mark.parametrize("name", tiny.NAMES)
def test_the_modules_compute_what_the_originals_compute(shelf, name):
    loaded, wanted = shelf.load(name), tiny.components(name)
    ids = torch.tensor([[49406, 320, 736, 1212, *[49407] * 73]])
    latents = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        for encoder in loaded.encoders:
            ours = encoder.module(ids, output_hidden_states=True)
            theirs = wanted[encoder.facts.component](ids, output_hidden_states=True)
            assert torch.equal(ours.hidden_states[-1], theirs.hidden_states[-1])
            assert torch.equal(ours[0], theirs[0])
        ours, theirs = loaded.vae.decode(latents).sample, wanted["vae"].decode(latents).sample
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("name", tiny.ALL_NAMES)
def test_nothing_is_left_without_numbers_or_ready_to_train(shelf, name):
    for module in shelf.load(name).modules().values():
        assert not any(tensor.is_meta for tensor in module.parameters())
        assert not any(tensor.is_meta for tensor in module.buffers())
        assert not any(tensor.requires_grad for tensor in module.parameters())
        assert not any(part.training for part in module.modules())


@pytest.mark.parametrize(
    ("stored", "wanted"),
    [
        (torch.float16, torch.float32),
        (torch.float16, torch.bfloat16),
        (torch.bfloat16, torch.float32),
        (torch.float32, torch.bfloat16),
        (torch.float8_e4m3fn, torch.bfloat16),
    ],
)
def test_weights_are_cast_to_the_wanted_numbers(shelf, tmp_path, stored, wanted):
    path = tiny.save_single_file("sd1", tmp_path / "model.safetensors", stored)
    loaded = shelf.load("sd1", path, dtype=wanted)
    assert loaded.dtype == wanted
    originals = tiny.components("sd1")
    for component, module in loaded.modules().items():
        assert module.dtype == wanted
        weights = originals[component].state_dict()
        for key, weight in module.state_dict().items():
            assert torch.equal(weight, weights[key].to(stored).to(wanted))


@linux_only
def test_weights_kept_in_their_numbers_are_the_mapped_file_itself(shelf):
    loaded = shelf.load("sdxl")
    spans = [
        tuple(int(end, 16) for end in line.split()[0].split("-"))
        for line in Path("/proc/self/maps").read_text().splitlines()
        if line.endswith(str(shelf.file("sdxl")))
    ]
    for component, module in loaded.modules().items():
        for key, weight in module.named_parameters():
            # The one matrix that is stored the other way round.
            copied = key == "text_projection.weight"
            mapped = any(start <= weight.data_ptr() < end for start, end in spans)
            assert mapped != copied, (component, key)


def test_painting_over_weights_leaves_the_file_alone(shelf, tmp_path):
    path = shutil.copy(shelf.file("sd1"), tmp_path / "model.safetensors")
    before = hashlib.sha256(path.read_bytes()).digest()
    loaded = shelf.load("sd1", path)
    loaded.unet.conv_in.weight.zero_()
    assert hashlib.sha256(path.read_bytes()).digest() == before


def test_weights_loaded_in_inference_mode_can_be_changed_outside_it(shelf):
    with torch.inference_mode():
        loaded = shelf.load("sd1", dtype=torch.bfloat16)
    loaded.unet.conv_in.weight.add_(1)
    loaded.vae.to(torch.float32)


def test_progress_counts_every_byte_that_is_used(shelf):
    heard: list[tuple[int, int]] = []
    loaded = shelf.load("sdxl", progress=lambda done, total: heard.append((done, total)))
    used = sum(p.nbytes for m in loaded.modules().values() for p in m.parameters())
    assert heard[-1] == (used, used)
    assert heard == sorted(set(heard))
    assert {total for _, total in heard} == {used}
    assert 10 < len(heard) <= 101


@linux_only
def test_a_load_stopped_halfway_leaves_nothing_behind(shelf, tmp_path):
    path = shutil.copy(shelf.file("sd1"), tmp_path / "stopped.safetensors")
    heard: list[int] = []
    with pytest.raises(Cancelled):
        shelf.load(
            "sd1",
            path,
            progress=lambda done, _: heard.append(done),
            stop=lambda: len(heard) >= 5,
        )
    assert len(heard) == 5
    assert "stopped.safetensors" not in Path("/proc/self/maps").read_text()


def test_alphas_are_those_of_the_scheduler_in_double_precision(shelf):
    alphas = shelf.load("sd1").alphas_cumprod
    assert alphas.dtype == torch.float64 and alphas.shape == (1000,)
    scheduler = DDIMScheduler.from_config(tiny.configs("sd1")["scheduler"])
    assert torch.allclose(alphas, scheduler.alphas_cumprod.double(), rtol=2e-5, atol=0)


def test_a_zero_terminal_snr_config_is_followed():
    alphas = alphas_cumprod(PRESETS / "families" / "sdxl-v")
    config = json.loads((PRESETS / "families/sdxl-v/scheduler/scheduler_config.json").read_text())
    oracle = EulerDiscreteScheduler.from_config(config).alphas_cumprod.double()
    assert alphas[-1] == 2.0**-24
    assert torch.allclose(alphas, oracle, rtol=1e-3, atol=1e-7)
    assert alphas[0].item() == pytest.approx(1 - 0.00085, rel=1e-15)


def test_each_vae_keeps_its_own_scale(shelf):
    assert shelf.load("sd1").vae.config.scaling_factor == 0.18215
    assert shelf.load("sdxl").vae.config.scaling_factor == 0.13025
    assert shelf.load("sdxl").vae.config.force_upcast


def test_the_pooled_vector_is_taken_at_the_end_token(shelf):
    for encoder in shelf.load("sdxl").encoders:
        assert encoder.module.config.eos_token_id == 49407


def test_an_extension_in_capitals_is_an_extension(shelf, equal, tmp_path):
    path = shutil.copy(shelf.file("sd1"), tmp_path / "MODEL.SAFETENSORS")
    equal(shelf.load("sd1", path), "sd1")


def test_text_encoders_named_as_in_old_anime_merges_load(shelf, equal, tmp_path):
    tensors = {
        name.replace("transformer.text_model.", "transformer."): tensor
        for name, tensor in load_file(shelf.file("sd1")).items()
    }
    save_file(tensors, tmp_path / "old.safetensors")
    equal(shelf.load("sd1", tmp_path / "old.safetensors"), "sd1")


def test_averaged_weights_beside_the_real_ones_are_ignored(shelf, equal, tmp_path):
    tensors = load_file(shelf.file("sd1"))
    averaged = {
        "model_ema." + name.removeprefix("model.").replace(".", ""): torch.zeros_like(tensor)
        for name, tensor in tensors.items()
        if name.startswith("model.diffusion_model.")
    }
    save_file(tensors | averaged, tmp_path / "ema.safetensors")
    equal(shelf.load("sd1", tmp_path / "ema.safetensors"), "sd1")


@pytest.mark.parametrize("name", tiny.ALL_NAMES)
def test_a_diffusers_folder_loads(shelf, equal, tmp_path, name):
    tiny.pipeline(name).save_pretrained(tmp_path / "model")
    equal(shelf.load(name, tmp_path / "model"), name)


def test_a_folder_in_shards_loads(shelf, equal, tmp_path):
    tiny.pipeline("sdxl").save_pretrained(tmp_path / "model", max_shard_size="1MB")
    assert len(list((tmp_path / "model" / "unet").glob("*.safetensors"))) > 2
    equal(shelf.load("sdxl", tmp_path / "model"), "sdxl")


def test_a_folder_with_only_half_precision_files_loads(shelf, tmp_path):
    tiny.pipeline("sd1").to(torch.float16).save_pretrained(tmp_path / "model", variant="fp16")
    weight = shelf.load("sd1", tmp_path / "model", dtype=torch.float16).unet.conv_in.weight
    assert torch.equal(weight, tiny.components("sd1")["unet"].conv_in.weight.half())


def test_a_folder_with_a_vae_of_2022_loads(shelf, equal, tmp_path):
    tiny.pipeline("sd1").save_pretrained(tmp_path / "model")
    file = tmp_path / "model" / "vae" / "diffusion_pytorch_model.safetensors"
    old = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    tensors = load_file(file)
    for new, name in old.items():
        tensors = {k.replace(f".{new}.", f".{name}."): v for k, v in tensors.items()}
    assert any("proj_attn" in key for key in tensors)
    save_file(tensors, file)
    equal(shelf.load("sd1", tmp_path / "model"), "sd1")


def test_a_folder_brings_its_own_configs(shelf, tmp_path):
    tiny.pipeline("sd1").save_pretrained(tmp_path / "model")
    file = tmp_path / "model" / "vae" / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"scaling_factor": 0.5}))
    assert shelf.load("sd1", tmp_path / "model").vae.config.scaling_factor == 0.5
