"""Checkpoints are told by the names and shapes of their tensors; sisters by what they say."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import pytest

from pipelines import samplers
from pipelines.errors import ModelFileError
from pipelines.families import families, identify, variants
from pipelines.library.header import TensorInfo
from pipelines.library.kinds import Variant
from tests.pipelines.library.files import PRESETS, f16, header, real

VARIANTS = variants([PRESETS])

REAL = {
    "sd15": ("sd1", "sd15"),
    "sd15-inpaint": ("sd1", "sd15-inpaint"),
    "sd2": ("sd2", "sd2-v"),
    "sd2-depth": ("sd2", "sd2-depth"),
    "sdxl": ("sdxl", "sdxl"),
    "sdxl-refiner": ("sdxl-refiner", "sdxl-refiner"),
}


def _identify(tensors: dict[str, TensorInfo], name: str = "x.safetensors", **metadata: str):
    return identify(header(tensors, **metadata), name, families(), VARIANTS)


@pytest.mark.parametrize("name", REAL)
def test_real_checkpoints_are_identified(name: str) -> None:
    family, variant, _ = _identify(real(name))
    assert (family.name, variant.name) == REAL[name]


@pytest.mark.parametrize("name", REAL)
def test_no_two_families_claim_the_same_file(name: str) -> None:
    assert sum(f.shape_of(header(real(name))) is not None for f in families()) == 1


@pytest.mark.parametrize(
    ("name", "variant", "certain"),
    [
        ("v2-1_512-ema-pruned.safetensors", "sd2", True),
        ("512-base-ema.safetensors", "sd2", True),
        ("v2-1_768-ema-pruned.safetensors", "sd2-v", True),
        ("rain_V-Pred.safetensors", "sd2-v", True),
        ("rain.safetensors", "sd2-v", False),
    ],
)
def test_sisters_of_sd2_are_told_by_name_or_left_uncertain(
    name: str, variant: str, certain: bool
) -> None:
    found = _identify(real("sd2"), name)
    assert (found.variant.name, found.certain) == (variant, certain)


@pytest.mark.parametrize(
    ("metadata", "variant"),
    [
        ({"modelspec.prediction_type": "epsilon"}, "sd2"),
        ({"modelspec.prediction_type": "v"}, "sd2-v"),
        ({"modelspec.architecture": "stable-diffusion-v2-512"}, "sd2"),
        ({"modelspec.architecture": "stable-diffusion-v2-768-v"}, "sd2-v"),
    ],
)
def test_metadata_tells_sisters_apart(metadata: dict[str, str], variant: str) -> None:
    found = _identify(real("sd2"), **metadata)
    assert (found.variant.name, found.certain) == (variant, True)


def test_what_is_stated_wins_over_the_name() -> None:
    found = identify(
        header(real("sd2")), "768-v.safetensors", families(), VARIANTS, prediction="epsilon"
    )
    assert (found.variant.name, found.certain) == ("sd2", True)


@pytest.mark.parametrize(("name", "plain"), [("sd15", "sd15"), ("sdxl", "sdxl")])
def test_marker_tensors_announce_v_prediction(name: str, plain: str) -> None:
    assert _identify(real(name)).variant.name == plain
    assert _identify(real(name)).certain
    for marker in ("v_pred", "ztsnr"):
        found = _identify({**real(name), marker: f16(0)})
        assert found.variant.prediction_type == "v_prediction"
        assert found.certain


def test_inpainting_models_with_nine_channels_are_known_in_every_family() -> None:
    for name in ("sd15", "sd2", "sdxl"):
        tensors = real(name)
        first = "model.diffusion_model.input_blocks.0.0.weight"
        tensors[first] = f16(320, 9, 3, 3)
        assert _identify(tensors).variant.task == "inpaint"


def test_a_shape_that_no_variant_has_is_refused_with_its_numbers() -> None:
    tensors = real("sd15")
    tensors["model.diffusion_model.input_blocks.0.0.weight"] = f16(320, 8, 3, 3)
    with pytest.raises(ModelFileError, match=r"SD 1\.x.*\(8 channels in, 320 .* 768 wide"):
        _identify(tensors)


def test_a_checkpoint_without_its_text_encoder_is_refused() -> None:
    tensors = {k: v for k, v in real("sd15").items() if not k.startswith("cond_stage_model")}
    with pytest.raises(ModelFileError, match="family Gesso does not know"):
        _identify(tensors)


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(ModelFileError):
        _identify({"model.diffusion_model.double_blocks.0.img_attn.qkv.weight": f16(9216, 3072)})


def test_families_are_found_by_being_there() -> None:
    assert [family.name for family in families()] == ["sd1", "sd2", "sdxl", "sdxl-refiner"]


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_a_variant_says_what_its_configs_say(variant: Variant) -> None:
    unet = _config(variant, "unet/config.json")
    scheduler = _config(variant, "scheduler/scheduler_config.json")
    family = {family.name: family for family in families()}[variant.family]

    assert variant.context_dim == unet["cross_attention_dim"]
    assert variant.in_channels == unet["in_channels"]
    assert variant.model_channels == unet["block_out_channels"][0]
    assert variant.prediction_type == scheduler.get("prediction_type", "epsilon")
    for encoder in family.encoders:
        config = _config(variant, f"{encoder.component}/config.json")
        quick = config["hidden_act"] == "quick_gelu"
        assert quick == (encoder.layout == "transformers")
        assert config["eos_token_id"] == 49407


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_a_variants_defaults_are_names_that_exist(variant: Variant) -> None:
    assert samplers.sampler(variant.defaults.sampler).name == variant.defaults.sampler
    assert samplers.schedule(variant.defaults.schedule).name == variant.defaults.schedule
    assert len(set(variant.sizes)) == len(variant.sizes)


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_a_variants_sizes_lie_around_its_native_one(variant: Variant) -> None:
    native = variant.sizes[0]
    assert native.width == native.height
    for size in variant.sizes:
        assert 0.6 * native.area <= size.area <= 1.6 * native.area
        assert size.swapped() in variant.sizes


def test_sisters_of_one_shape_can_be_told_apart() -> None:
    for one, other in combinations(VARIANTS, 2):
        if (one.family, one.shape) == (other.family, other.shape):
            assert one.prediction_type != other.prediction_type
            assert one.hints or other.hints
            assert not set(one.hints) & set(other.hints)


def test_a_later_presets_folder_replaces_a_variant(tmp_path: Path) -> None:
    folder = tmp_path / "families" / "sd15"
    folder.mkdir(parents=True)
    data = json.loads((PRESETS / "families" / "sd15" / "variant.json").read_text())
    (folder / "variant.json").write_text(json.dumps({**data, "label": "My own"}))

    found = {variant.name: variant for variant in variants([PRESETS, tmp_path])}

    assert found["sd15"].label == "My own"
    assert found["sd15"].folder == folder
    assert len(found) == len(VARIANTS)


@pytest.mark.parametrize("content", ["", "[]", '{"family": "sd1"}', '{"colour": "red"}'])
def test_a_broken_variant_is_named(tmp_path: Path, content: str) -> None:
    folder = tmp_path / "families" / "mine"
    folder.mkdir(parents=True)
    (folder / "variant.json").write_text(content)
    with pytest.raises(ModelFileError, match=r"mine/variant\.json"):
        variants([tmp_path])


def _config(variant: Variant, name: str) -> dict:
    return json.loads((variant.folder / name).read_text())
