"""Whatever lies in a model folder, looking at it gives facts and nothing else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import ModelFileError
from pipelines.families import families, variants
from pipelines.library.entry import Entry, Facts
from pipelines.library.examine import Examiner
from pipelines.library.walk import walk
from tests.pipelines.library.files import PRESETS, VAE, Tensors, f16, head, lora, real

EXAMINER = Examiner(families(), variants([PRESETS]))

_NAMES = st.sampled_from(
    [
        "model.diffusion_model.input_blocks.0.0.weight",
        "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight",
        "model.diffusion_model.label_emb.0.0.weight",
        "cond_stage_model.transformer.x",
        "cond_stage_model.model.x",
        "conditioner.embedders.0.model.x",
        "first_stage_model.decoder.conv_in.weight",
        "v_pred",
        *lora(),
        *VAE,
        "emb_params",
        "clip_g",
        "ip_adapter.1.to_k_ip.weight",
        "conv_in.weight",
        "adapter.conv_in.weight",
    ]
)
_TENSORS = st.dictionaries(_NAMES, st.lists(st.integers(0, 3), max_size=4).map(lambda s: f16(*s)))
_METADATA = st.dictionaries(
    st.sampled_from(["modelspec.architecture", "modelspec.prediction_type", "ss_tag_frequency"]),
    st.text(max_size=20),
)
_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


def _examined(folder: Path) -> list[Facts]:
    return [EXAMINER.facts(found, None) for found in walk(str(folder))]


@given(tensors=_TENSORS, metadata=_METADATA, content=st.binary(max_size=30))
def test_any_tensors_and_sidecars_give_facts(
    folder: Path, tensors: Tensors, metadata: dict[str, str], content: bytes
) -> None:
    start, rest = head(tensors, metadata)
    (folder / "x.safetensors").write_bytes(start + bytes(rest))
    for suffix in ("json", "civitai.info", "yaml"):
        (folder / f"x.{suffix}").write_bytes(content)
    [facts] = _examined(folder)
    assert isinstance(facts, Facts)


@given(
    index=st.dictionaries(
        st.sampled_from(["_class_name", "unet", "vae", "text_encoder", "text_encoder_2"]), _JSON
    ),
    unet=st.dictionaries(
        st.sampled_from(["cross_attention_dim", "in_channels", "block_out_channels"]), _JSON
    ),
)
def test_any_diffusers_folder_gives_facts(
    tmp_path_factory: pytest.TempPathFactory, index: dict[str, Any], unet: dict[str, Any]
) -> None:
    models = tmp_path_factory.getbasetemp() / "folders"
    if not models.exists():
        shutil.copytree(PRESETS / "families" / "sd15", models / "x")
    (models / "x" / "model_index.json").write_text(json.dumps(index))
    (models / "x" / "unet" / "config.json").write_text(json.dumps(unet))
    [facts] = _examined(models)
    assert facts.problem is not None


def test_a_checkpoint_of_another_family_says_so(tmp_path: Path) -> None:
    tensors = {"model.diffusion_model.double_blocks.0.img_attn.qkv.weight": f16(9216, 3072)}
    start, rest = head({**tensors, **{f"first_stage_model.{k}": v for k, v in VAE.items()}})
    with (tmp_path / "flux.safetensors").open("wb") as file:
        file.write(start)
        file.truncate(len(start) + rest)
    [facts] = _examined(tmp_path)
    assert facts.role == "checkpoint"
    assert facts.problem is not None
    assert "family Gesso does not know" in facts.problem.message


def test_the_site_tells_the_family_of_what_shapes_leave_open(tmp_path: Path) -> None:
    start, rest = head({"lora_unet_x_ff_net_2.lora_down.weight": f16(4, 320)})
    (tmp_path / "ink.safetensors").write_bytes(start + bytes(rest))
    (tmp_path / "ink.civitai.info").write_text('{"baseModel": "Pony"}')
    [facts] = _examined(tmp_path)
    assert (facts.role, facts.family) == ("lora", "sdxl")


def test_real_names_with_no_weights_at_all_are_no_trouble(tmp_path: Path) -> None:
    for name in ("sd15", "sdxl"):
        tensors = {key: info._replace(shape=(0,)) for key, info in real(name).items()}
        (tmp_path / f"{name}.safetensors").write_bytes(head(tensors)[0])
    assert all(facts.problem is not None for facts in _examined(tmp_path))


def test_a_pickled_accessory_tells_as_much_as_a_safetensors_one(tmp_path: Path) -> None:
    torch.save({"string_to_param": {"*": torch.zeros(2, 768)}}, tmp_path / "a.pt")
    torch.save({1024: ({"linear.0.weight": torch.zeros(8, 1024)},) * 2}, tmp_path / "b.pt")
    vae = {name: torch.zeros(info.shape) for name, info in VAE.items()}
    torch.save({"state_dict": vae}, tmp_path / "c.sdxl.vae.pt")
    torch.save({name: torch.zeros(info.shape) for name, info in lora(2048).items()},
               tmp_path / "d.ckpt")  # fmt: skip

    facts = {Path(f.path).name[0]: EXAMINER.facts(f, None) for f in walk(str(tmp_path))}

    assert {name: (f.role, f.family, f.width) for name, f in facts.items()} == {
        "a": ("embedding", "sd1", 768),
        "b": ("hypernetwork", "sd2", 1024),
        "c": ("vae", "sdxl", 512),
        "d": ("lora", "sdxl", 2048),
    }
    assert all(f.pickled and f.problem is None for f in facts.values())
    assert all(Entry(**vars(f)).usable for f in facts.values())


def test_an_embedding_of_any_name_is_known_by_its_folder(tmp_path: Path) -> None:
    (tmp_path / "embeddings").mkdir()
    torch.save({"sks style": torch.zeros(1024)}, tmp_path / "embeddings" / "style.bin")
    [facts] = _examined(tmp_path)
    assert (facts.role, facts.family, facts.width) == ("embedding", "sd2", 1024)
    assert facts.problem is None


def test_a_pickled_checkpoint_is_known_and_yet_to_be_converted(tmp_path: Path) -> None:
    telling = "input_blocks.0.0.weight", "input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight"
    tensors = {
        name: torch.zeros(info.shape if name.endswith(telling) else (0,), dtype=torch.float16)
        for name, info in real("sd15").items()
    }
    torch.save({"state_dict": tensors, "epoch": 3}, tmp_path / "x.ckpt")
    [facts] = _examined(tmp_path)
    assert (facts.role, facts.variant, facts.dtype) == ("checkpoint", "sd15", "F16")
    with pytest.raises(ModelFileError, match="gesso convert"):
        Entry(**vars(facts)).check()


@pytest.mark.parametrize(
    ("tensors", "reason"),
    [
        ({**VAE, "decoder.conv_in.weight": f16(512, 16, 3, 3)}, "a VAE of another kind"),
        ({"lora_unet_single_blocks_0_linear1.lora_down.weight": f16(4, 3072)}, "such as Flux"),
    ],
)
def test_what_no_checkpoint_can_use_says_so(tmp_path: Path, tensors: Tensors, reason: str) -> None:
    start, rest = head(tensors)
    (tmp_path / "x.safetensors").write_bytes(start + bytes(rest))
    [facts] = _examined(tmp_path)
    assert facts.problem is not None and reason in facts.problem.message
