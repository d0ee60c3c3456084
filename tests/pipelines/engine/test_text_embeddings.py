"""Textual inversions in a prompt: each word stands for its vectors, in each text encoder."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

from pipelines.engine.render import text_to_latents
from pipelines.engine.text import encode_pair
from pipelines.errors import WrongModel
from pipelines.models.embeddings import Embedding, read_embedding
from pipelines.models.loader import LoadedCheckpoint
from pipelines.recipe import ModelRef
from tests import tiny
from tests.pipelines.engine.test_equals_diffusers import recipe, theirs

PROMPT = "a red house in the style of zorple, a meadow"
NEGATIVE = "blurry zorple"
SCALE = 0.5


def vectors(name: str, count: int = 3) -> dict[str, torch.Tensor]:
    """Vectors for each text encoder of a tiny model, as large as those of its tokens."""
    generator = torch.Generator().manual_seed(count)
    return {
        encoder.facts.component: SCALE
        * torch.randn(count, encoder.module.config.hidden_size, generator=generator)
        for encoder in tiny.loaded(name).encoders
    }


def knowing(name: str, *embeddings: Embedding) -> LoadedCheckpoint:
    return replace(tiny.loaded(name), embeddings=embeddings)


def oracle(name: str, pipeline, tensors: dict[str, torch.Tensor]):
    """diffusers' pipeline with the vectors learnt as "zorple"; those of SDXL one by one."""
    for component, tensor in tensors.items():
        pipeline.load_textual_inversion(
            {"zorple": tensor},
            token="zorple",
            text_encoder=getattr(pipeline, component),
            tokenizer=getattr(pipeline, component.replace("text_encoder", "tokenizer")),
        )
    return pipeline


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("name", ["sd1", "sd2"])
def test_states_equal_diffusers(name: str, count: int) -> None:
    tensors = vectors(name, count)
    pipeline = oracle(name, tiny.pipeline(name), tensors)
    with torch.inference_mode():
        models = knowing(name, Embedding("Zorple", tensors))
        positive, negative = encode_pair(PROMPT, NEGATIVE, 1, models)
        expected = pipeline.encode_prompt(PROMPT, "cpu", 1, True, NEGATIVE)
        plain, _ = encode_pair(PROMPT, NEGATIVE, 1, tiny.loaded(name))
    assert torch.equal(positive.states, expected[0])
    assert torch.equal(negative.states, expected[1])
    assert not torch.allclose(positive.states, plain.states, atol=0.1)


@pytest.mark.parametrize("count", [1, 3])
def test_states_and_pooled_vector_of_sdxl_equal_diffusers(tmp_path, count: int) -> None:
    tensors = vectors("sdxl", count)
    by_name = dict(zip(("clip_l", "clip_g"), tensors.values(), strict=True))
    save_file(by_name, tmp_path / "zorple.safetensors")
    embedding = read_embedding(tmp_path / "zorple.safetensors", tiny.loaded("sdxl").family)
    pipeline = oracle("sdxl", tiny.pipeline("sdxl"), tensors)
    with torch.inference_mode():
        positive, negative = encode_pair(PROMPT, NEGATIVE, 1, knowing("sdxl", embedding))
        states, negative_states, pooled, negative_pooled = pipeline.encode_prompt(
            PROMPT, device="cpu", negative_prompt=NEGATIVE, num_images_per_prompt=1
        )
    assert torch.equal(positive.states, states)
    assert torch.equal(negative.states, negative_states)
    assert torch.equal(positive.pooled, pooled)
    assert torch.equal(negative.pooled, negative_pooled)


@pytest.mark.parametrize("name", ["sd1", "sdxl"])
def test_a_whole_picture_equals_diffusers(name: str, monkeypatch) -> None:
    tensors = vectors(name)
    refs = (ModelRef(name="styles/zorple"),)
    asked = recipe(name, prompt=PROMPT, negative_prompt=NEGATIVE, embeddings=refs)
    taught = oracle(name, tiny.pipeline(name), tensors)
    monkeypatch.setattr(tiny, "pipeline", lambda _: taught)
    expected = theirs(asked, name)
    with torch.inference_mode():
        models = knowing(name, Embedding("zorple", tensors))
        latents = text_to_latents(asked, models)
    torch.testing.assert_close(latents, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["sd1", "sd2", "sdxl"])
def test_what_is_not_in_the_prompt_changes_nothing_to_the_bit(name: str) -> None:
    text, other = "a red house, zorples", "zorple_2"
    with torch.inference_mode():
        plain = encode_pair(text, other, 1, tiny.loaded(name))
        models = knowing(name, Embedding("zorple", vectors(name)))
        encode_pair("zorple", "zorple", 1, models)
        with_embedding = encode_pair(text, other, 1, models)
        after = encode_pair(text, other, 1, tiny.loaded(name))
    for one, two, three in zip(plain, with_embedding, after, strict=True):
        assert torch.equal(one.states, two.states) and torch.equal(one.states, three.states)
        assert one.pooled is None or torch.equal(one.pooled, two.pooled)


def test_a_weight_applies_to_all_vectors() -> None:
    tensors = vectors("sd1", 2)
    one, two = ({key: each[k : k + 1] for key, each in tensors.items()} for k in (0, 1))
    both = knowing("sd1", Embedding("zorple", tensors))
    apart = knowing("sd1", Embedding("zor", one), Embedding("ple", two))
    with torch.inference_mode():
        weighted, _ = encode_pair("a (zorple:1.5) house", "", 1, both)
        expected, _ = encode_pair("a (zor:1.5) (ple:1.5) house", "", 1, apart)
        unlike, _ = encode_pair("a (zor:1.5) ple house", "", 1, apart)
    assert torch.equal(weighted.states, expected.states)
    assert not torch.equal(weighted.states, unlike.states)


def test_words_stand_in_any_chunk() -> None:
    tensors = vectors("sd1")
    models = knowing("sd1", Embedding("zorple", tensors))
    with torch.inference_mode():
        states = encode_pair("a cat BREAK zorple dog", "", 1, models)[0].states
        cat = encode_pair("a cat", "", 1, models)[0].states
        dog = encode_pair("zorple dog", "", 1, models)[0].states
    torch.testing.assert_close(states, torch.cat([cat, dog], dim=1), rtol=1e-5, atol=1e-5)


def test_the_pooled_vector_is_taken_at_the_end_of_the_text() -> None:
    models = knowing("sdxl", Embedding("zorple", vectors("sdxl", 3)))
    encoder = models.encoders[1].module
    states: list[torch.Tensor] = []
    handle = encoder.text_model.final_layer_norm.register_forward_hook(
        lambda _module, _inputs, output: states.append(output)
    )
    with torch.inference_mode(), handle:
        positive, _ = encode_pair("a zorple", "", 1, models)
        end = 1 + 1 + 3  # behind BOS, "a" and three vectors
        assert torch.equal(positive.pooled, encoder.text_projection(states[0][:, end]))


def test_half_precision_reads_the_vectors_in_its_own_dtype() -> None:
    models = knowing("sd1", Embedding("zorple", vectors("sd1")))
    encoder = replace(models.encoders[0], module=tiny.components("sd1")["text_encoder"].bfloat16())
    with torch.inference_mode():
        half, _ = encode_pair(PROMPT, "", 1, replace(models, encoders=(encoder,)))
        full, _ = encode_pair(PROMPT, "", 1, models)
    assert half.states.dtype == torch.bfloat16
    torch.testing.assert_close(half.states.float(), full.states, rtol=0.1, atol=0.1)


def test_one_of_the_wrong_width_is_refused() -> None:
    models = knowing("sd1", Embedding("zorple", {"text_encoder": torch.zeros(1, 48)}))
    with torch.inference_mode(), pytest.raises(WrongModel) as caught:
        encode_pair("zorple", "", 1, models)
    assert caught.value.message == (
        "zorple was made for a text encoder 48 wide; this model's is 32 wide."
    )
    assert caught.value.field == "embeddings"
