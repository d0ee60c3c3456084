"""Every kind of change against its formula, in float64 and written another way."""

import pytest
import torch
from torch import nn

from pipelines.models.lora import merge
from tests.pipelines.models.lora import kinds
from tests.pipelines.models.lora.conftest import layers
from tests.pipelines.models.lora.kinds import CONVOLUTION, LINEAR, Dice

UNET_WEIGHT, TEXT_ENCODER_WEIGHT = 0.7, -0.4


def examples(loaded, kind, *types):
    """An example of this kind for each such layer of the checkpoint, no two alike."""
    return {
        place: kind(tuple(layer.weight.shape), Dice(number))
        for number, (place, layer) in enumerate(layers(loaded, *types).items())
    }


@pytest.mark.parametrize("model", ["sd1", pytest.param("sd2", marks=pytest.mark.slow), "sdxl"])
@pytest.mark.parametrize(
    ("kind", "types"),
    [(kind, (nn.Linear, nn.Conv2d)) for kind in LINEAR]
    + [(kind, (nn.Conv2d,)) for kind in CONVOLUTION],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_change_is_what_its_formula_says(checkpoint, written, read, equal, model, kind, types):
    loaded = checkpoint(model)
    wanted = examples(loaded, kind, *types)
    path = written({place: e.parts for place, e in wanted.items()}, encoders=len(loaded.encoders))
    lora = read(path, loaded)
    uses = [(lora, UNET_WEIGHT, TEXT_ENCODER_WEIGHT)]

    touched = merge(loaded.modules(), loaded.originals, uses, before=())

    assert lora.skipped == ()
    assert {(key.component, key.name) for key in touched} == {
        (component, f"{module}.weight") for component, module in wanted
    }
    for (component, module), example in wanted.items():
        strength = UNET_WEIGHT if component == "unet" else TEXT_ENCODER_WEIGHT
        original = loaded.originals(component, f"{module}.weight").double()
        expected = original + strength * (example.changed(original) - original)
        weight = loaded.modules()[component].get_parameter(f"{module}.weight")
        torch.testing.assert_close(weight.double(), expected, rtol=1e-4, atol=1e-5)
        assert not torch.allclose(expected, original, rtol=1e-2)

    merge(loaded.modules(), loaded.originals, [], before=touched)
    equal(loaded, model)


@pytest.mark.parametrize("kind", [kinds.lora, kinds.full, kinds.loha, kinds.lokr_whole, kinds.oft])
@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float16, torch.float64])
def test_factors_of_any_precision_are_computed_with_in_float32(
    checkpoint, written, read, kind, dtype
):
    loaded = checkpoint("sd1")
    place = "unet", "mid_block.attentions.0.transformer_blocks.0.attn1.to_q"
    parts = kind((64, 64), Dice(1)).parts
    exact, rounded = (
        read(written({place: given}, name=f"{number}.safetensors"), loaded)
        for number, given in enumerate(
            [{end: each.to(dtype).float() for end, each in parts.items()},
             {end: each.to(dtype) for end, each in parts.items()}]
        )
    )  # fmt: skip
    weight = loaded.originals(place[0], f"{place[1]}.weight")
    (key,) = exact.changes
    wanted, found = weight.clone(), weight.clone()
    exact.changes[key].add_to(wanted, weight, 0.5)
    rounded.changes[key].add_to(found, weight, 0.5)
    assert not torch.equal(wanted, weight)
    torch.testing.assert_close(found, wanted, rtol=1e-6, atol=1e-7)


def test_norms_and_biases_are_added_to(checkpoint, written, read, equal):
    loaded = checkpoint("sd1")
    norms = layers(loaded, nn.LayerNorm, nn.GroupNorm)
    linear = {k: v for k, v in layers(loaded, nn.Linear, nn.Conv2d).items() if v.bias is not None}
    dice = Dice(5)
    changes = {p: {"w_norm": dice(*n.weight.shape), "b_norm": dice(*n.bias.shape)}
               for p, n in norms.items()}  # fmt: skip
    changes |= {p: {"diff": dice(*n.weight.shape), "diff_b": dice(*n.bias.shape)}
                for p, n in linear.items()}  # fmt: skip

    touched = merge(
        loaded.modules(), loaded.originals, [(read(written(changes), loaded), 2, 2)], before=()
    )

    assert len(touched) == 2 * len(changes)
    for (component, module), (weight, bias) in ((p, c.values()) for p, c in changes.items()):
        for name, delta in (("weight", weight), ("bias", bias)):
            original = loaded.originals(component, f"{module}.{name}")
            changed = loaded.modules()[component].get_parameter(f"{module}.{name}")
            torch.testing.assert_close(changed, original + 2 * delta)
    merge(loaded.modules(), loaded.originals, [], before=touched)
    equal(loaded, "sd1")


def test_the_bias_of_a_lora_is_scaled_as_its_weight_is(checkpoint, written, read):
    loaded = checkpoint("sd1")
    place = "unet", "mid_block.attentions.0.transformer_blocks.0.attn1.to_out.0"
    parts = kinds.lora((64, 64), Dice(1)).parts
    bias = torch.arange(64.0)
    lora = read(written({place: {**parts, "lora_B.bias": bias}}), loaded)
    change = next(change for key, change in lora.changes.items() if key.name.endswith("bias"))
    torch.testing.assert_close(change.delta(torch.zeros(64)), bias * kinds.ALPHA / kinds.RANK)
