"""What is no LoRA, or none for this model, is refused before anything is touched."""

import os
import re

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from pipelines.errors import ModelFileError, WrongModel
from tests.pipelines.models.lora import kinds
from tests.pipelines.models.lora.conftest import layers
from tests.pipelines.models.lora.kinds import Dice
from tests.pipelines.models.lora.spelling import dotted, kohya, peft

PLACE = "unet", "mid_block.attentions.0.transformer_blocks.0.attn1.to_q"
NAME = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q"


def refusal(read, loaded, path, kind=ModelFileError):
    with pytest.raises(kind) as caught:
        read(path, loaded)
    assert type(caught.value) is kind
    assert caught.value.message.startswith(path.name)
    assert caught.value.cure.endswith(".")
    return caught.value.message


def attention(loaded, *words):
    return {
        place: kinds.lora(tuple(layer.weight.shape), Dice(1)).parts
        for place, layer in layers(loaded, nn.Linear).items()
        if any(word in f"{place[0]}.{place[1]}" for word in words)
    }


@pytest.mark.parametrize("words", [("unet",), ("text_encoder",), ("unet", "text_encoder"),
                                   ("attn1",)])  # fmt: skip
@pytest.mark.parametrize(("spelling", "ending"), [(kohya, str), (dotted, peft)])
@pytest.mark.parametrize(
    ("made_for", "used_with"),
    [("sdxl", "sd1"), ("sd1", "sdxl"), ("sd2", "sd1"), ("sd1", "sd2"), ("sdxl", "sd2"),
     ("sd2", "sdxl")],
)  # fmt: skip
def test_a_lora_of_another_family_is_refused_with_the_reason(
    checkpoint, written, read, words, spelling, ending, made_for, used_with
):
    source = checkpoint(made_for)
    changes = attention(source, *words)
    path = written(changes, spelling, ending, encoders=len(source.encoders))
    if words == ("attn1",) and {made_for, used_with} == {"sd1", "sd2"}:
        assert read(path, checkpoint(used_with)).changes  # Not even the weights could tell.
        return
    if (
        spelling is dotted
        and words == ("text_encoder",)
        and (made_for, used_with) == ("sd1", "sdxl")
    ):
        assert read(path, checkpoint(used_with)).changes  # SDXL has the text encoder of SD 1.
        return
    message = refusal(read, checkpoint(used_with), path, WrongModel)
    assert f"not made for Tiny {used_with} models: " in message


def test_safetensors_under_the_name_of_a_pickle_are_what_they_are(checkpoint, written, read):
    path = written({PLACE: kinds.lora((64, 64), Dice(1)).parts}, name="style.pt")
    assert len(read(path, checkpoint("sd1")).changes) == 1


def test_names_that_mean_nothing_are_told_of_and_the_rest_is_read(checkpoint, written, read):
    loaded = checkpoint("sd1")
    parts = kinds.lora((64, 64), Dice(1)).parts
    path = written({PLACE: parts, ("", "first_stage_model.encoder"): parts},
                   lambda part, name, _: kohya(part, name, 1) if part else name)  # fmt: skip
    lora = read(path, loaded)
    assert [key.name for key in lora.changes] == [f"{PLACE[1]}.weight"]
    assert sorted(lora.skipped) == sorted(f"first_stage_model.encoder.{end}" for end in parts)


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        ({"lora_down.weight": torch.ones(2, 64)}, "do not fit together"),
        ({"lora_up.weight": torch.ones(64, 2)}, "do not fit together"),
        ({"lora_up.weight": torch.ones(64, 3), "lora_down.weight": torch.ones(2, 64)},
         "do not fit together"),
        ({"lora_up.weight": torch.tensor(1.0), "lora_down.weight": torch.ones(2, 64)},
         "do not fit together"),
        ({"lora_up.weight": torch.ones(64, 0), "lora_down.weight": torch.ones(0, 64)},
         "do not fit together"),
        ({"hada_w1_a": torch.ones(64, 2), "hada_w1_b": torch.ones(2, 64),
          "hada_w2_a": torch.ones(64, 2)}, "do not fit together"),
        ({"hada_w1_a": torch.ones(64, 2), "hada_w1_b": torch.ones(2, 64),
          "hada_w2_a": torch.ones(64, 2), "hada_w2_b": torch.ones(2, 32)}, "do not fit together"),
        ({"lokr_w1": torch.ones(8, 8)}, "do not fit together"),
        ({"oft_blocks": torch.ones(4, 16, 8)}, "do not fit together"),
        ({**kinds.lora((64, 64), Dice(1)).parts, "alpha": torch.tensor(float("nan"))}, "an alpha"),
        ({**kinds.lora((64, 64), Dice(1)).parts, "alpha": torch.ones(2)}, "an alpha"),
        ({"oft_blocks": torch.ones(2, 4, 16, 16)}, "(oft_blocks)"),
        ({"lora_embedding_A": torch.ones(2, 64)}, "(lora_embedding_A)"),
        ({**kinds.lora((64, 64), Dice(1)).parts, "bias_values": torch.ones(3)}, "(bias_values)"),
        ({**kinds.lora((64, 64), Dice(1)).parts, "rescale": torch.ones(64)}, "(rescale)"),
        ({"dora_scale": torch.ones(1, 64)}, "(dora_scale)"),
        ({"weight": torch.ones(64, 64)}, "(weight)"),
        ({**kinds.lora((64, 64), Dice(1)).parts,
          "lora_up.weight": torch.ones(64, 4, dtype=torch.int8)}, "(torch.int8)"),
        ({"lokr_w1": torch.ones(8, 8), "lokr_t1": torch.ones(8, 8)}, "(lokr_t1)"),
    ],
)  # fmt: skip
def test_what_is_not_understood_whole_is_refused_whole(checkpoint, written, read, tensors, said):
    loaded = checkpoint("sd1")
    good = "unet", "mid_block.attentions.0.transformer_blocks.0.attn1.to_k"
    path = written({good: kinds.lora((64, 64), Dice(1)).parts, PLACE: tensors})
    assert said in refusal(read, loaded, path)


@pytest.mark.parametrize(
    "tensors",
    [
        {"lora_up.weight": torch.ones(64, 2), "lora_down.weight": torch.ones(2, 32)},
        {"lora_up.weight": torch.ones(32, 2), "lora_down.weight": torch.ones(2, 64)},
        {"diff": torch.ones(64, 32)},
        {"diff": torch.ones(64, 64), "diff_b": torch.ones(64)},  # It has no bias.
        {"weight": torch.ones(32), "on_input": torch.tensor(1)},
        {"oft_blocks": torch.ones(4, 8, 8)},
        {**kinds.lora((64, 64), Dice(1)).parts, "dora_scale": torch.ones(1, 32)},
    ],
)
def test_a_change_of_another_shape_is_refused(checkpoint, written, read, tensors):
    message = refusal(read, checkpoint("sd1"), written({PLACE: tensors}), WrongModel)
    assert PLACE[1] in message


def test_a_module_that_is_changed_twice_is_refused(checkpoint, written, read):
    parts = kinds.lora((64, 64), Dice(1)).parts
    path = written({("", NAME): parts, ("", f"unet.{PLACE[1]}"): parts}, lambda _, name, __: name)
    assert "twice" in refusal(read, checkpoint("sd1"), path)


@pytest.mark.parametrize(
    "said", ["{", "[1]", '"text"', '{"unet.lora_alpha": "much"}', '{"unet.lora_alpha": [1]}',
             '{"unet.alpha_pattern": 3}', '{"unet.lora_alpha": NaN}'],
)  # fmt: skip
def test_a_header_that_is_not_as_peft_writes_it_is_refused(checkpoint, written, read, said):
    parts = kinds.lora_without_alpha((64, 64), Dice(1)).parts
    path = written({PLACE: parts}, metadata={"lora_adapter_metadata": said})
    refusal(read, checkpoint("sd1"), path)


def test_a_whole_checkpoint_is_no_lora(checkpoint, read, shelf):
    refusal(read, checkpoint("sd1"), shelf.file("sd1"))


def test_a_file_of_something_else_is_no_lora(checkpoint, read, tmp_path):
    save_file({"upscale.conv.weight": torch.ones(3)}, tmp_path / "other.safetensors")
    message = refusal(read, checkpoint("sd1"), tmp_path / "other.safetensors")
    assert "no LoRA that Gesso knows" in message


def test_a_truncated_file_is_refused(checkpoint, written, read):
    path = written({PLACE: kinds.lora((64, 64), Dice(1)).parts})
    for length in (path.stat().st_size - 1, 200, 9, 0):
        os.truncate(path, length)
        refusal(read, checkpoint("sd1"), path)


def test_a_file_that_is_gone_is_refused(checkpoint, read, tmp_path):
    assert "gone" in refusal(read, checkpoint("sd1"), tmp_path / "style.safetensors")


def test_a_pickled_lora_is_read_and_nothing_in_it_is_run(checkpoint, read, tmp_path):
    loaded = checkpoint("sd1")
    marker = tmp_path / "ran"

    class Evil:
        def __reduce__(self):
            return os.system, (f"touch {marker}",)

    parts = kinds.lora((64, 64), Dice(1)).parts
    torch.save(
        {f"{NAME}.{end}": tensor for end, tensor in parts.items()} | {"trainer": Evil()},
        tmp_path / "style.pt",
    )
    lora = read(tmp_path / "style.pt", loaded)
    assert [key.name for key in lora.changes] == [f"{PLACE[1]}.weight"]
    assert not marker.exists()


def test_a_hostile_name_is_told_in_one_harmless_line(checkpoint, read, tmp_path):
    name = f"lora_unet_<script>\n\u202e{'x' * 500}"
    save_file({f"{name}.lora_up.weight": torch.ones(2, 2)}, tmp_path / "a.safetensors")
    message = refusal(read, checkpoint("sd1"), tmp_path / "a.safetensors", WrongModel)
    assert len(message) < 250
    assert not re.search(r"[\n\u202e]", message)


def test_a_lora_of_the_same_family_but_another_width_is_refused(checkpoint, written, read):
    """SD 1.5's does not fit the small starter."""
    changes = {PLACE: kinds.lora((1280, 1280), Dice(1)).parts}
    refusal(read, checkpoint("sd1"), written(changes), WrongModel)
