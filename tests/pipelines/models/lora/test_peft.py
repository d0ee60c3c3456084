"""What diffusers makes of a LoRA with peft, Gesso makes of it, too."""

import itertools

import pytest
import torch
from torch import nn

from pipelines.models.lora import merge
from tests import tiny
from tests.pipelines.models.lora import kinds
from tests.pipelines.models.lora.conftest import layers
from tests.pipelines.models.lora.kinds import Dice
from tests.pipelines.models.lora.spelling import dotted, kohya, peft


def fused(name, path):
    """The weights of diffusers' pipeline with a LoRA fused into them, by component and name."""
    pipeline = tiny.pipeline(name)
    pipeline.load_lora_weights(str(path))
    components = ["unet", *(style.component for style in tiny.ENCODERS[name])]
    pipeline.fuse_lora(components=components, lora_scale=1.0)
    pipeline.unload_lora_weights()
    return {part: getattr(pipeline, part).state_dict() for part in components}


SOME = [("sd1", "kohya", True), ("sd2", "peft", False), ("sdxl", "kohya", True)]
ALL = itertools.product(("sd1", "sd2", "sdxl"), ("kohya", "peft"), (False, True))


@pytest.mark.parametrize(
    ("model", "layout", "convolutions"),
    [pytest.param(*case, marks=[] if case in SOME else pytest.mark.slow) for case in ALL],
)
def test_a_lora_changes_what_diffusers_changes(
    checkpoint, written, read, equal, model, layout, convolutions
):
    loaded = checkpoint(model)
    changes = {
        place: kinds.lora(tuple(layer.weight.shape), Dice(number)).parts
        for number, (place, layer) in enumerate(layers(loaded, nn.Linear, nn.Conv2d).items())
        # diffusers misses kohya's name of the size embedding.
        if (convolutions and "add_embedding" not in place[1]) or "attn" in place[1]
    }
    encoders = len(loaded.encoders)
    if layout == "peft":
        for parts in changes.values():
            parts.pop("alpha")
        path = written(changes, dotted, peft, encoders=encoders)
    else:
        path = written(changes, kohya, encoders=encoders)
    expected = fused(model, path)

    touched = merge(loaded.modules(), loaded.originals, [(read(path, loaded), 1, 1)], before=())

    assert len(touched) == len(changes)
    for component, weights in expected.items():
        for name, weight in loaded.modules()[component].state_dict().items():
            torch.testing.assert_close(weight, weights[name], rtol=1e-4, atol=1e-5)
    merge(loaded.modules(), loaded.originals, [], before=touched)
    equal(loaded, model)
