"""Conditioning: chunks, weights and clip skip, in the encoders' own numbers."""

from __future__ import annotations

import pytest
import torch

from pipelines.engine.text import encode_pair
from pipelines.errors import RequestError
from tests import tiny

LONG = ", ".join(f"a {colour} house" for colour in ["red", "blue", "green"] * 12)


def test_a_plain_prompt_is_what_the_encoder_says() -> None:
    models = tiny.loaded("sd1")
    with torch.inference_mode():
        positive, negative = encode_pair("a red house", "", 1, models)
        expected, empty = tiny.pipeline("sd1").encode_prompt("a red house", "cpu", 1, True, "")
    assert torch.equal(positive.states, expected)
    assert torch.equal(negative.states, empty)


def test_a_long_prompt_takes_more_chunks_and_the_negative_follows() -> None:
    with torch.inference_mode():
        positive, negative = encode_pair(LONG, "grey", 1, tiny.loaded("sd1"))
    assert positive.states.shape[1] > 77
    assert positive.states.shape == negative.states.shape


def test_weights_change_the_states_but_not_their_mean() -> None:
    models = tiny.loaded("sd1")
    with torch.inference_mode():
        plain, _ = encode_pair("a red house", "", 1, models)
        stressed, _ = encode_pair("a (red:1.4) house", "", 1, models)
    assert not torch.allclose(plain.states, stressed.states)
    torch.testing.assert_close(plain.states.mean(), stressed.states.mean(), rtol=1e-3, atol=1e-5)


def test_a_weight_of_one_changes_nothing() -> None:
    models = tiny.loaded("sd1")
    with torch.inference_mode():
        plain, _ = encode_pair("a red house", "", 1, models)
        weighted, _ = encode_pair("a (red:1.0) house", "", 1, models)
    assert torch.equal(plain.states, weighted.states)


@pytest.mark.parametrize("text", ["(cat:" + "9" * 400 + ")", "(" * 9000 + "cat"])
def test_weights_beyond_all_numbers_are_refused(text: str) -> None:
    models = tiny.loaded("sd1")
    with torch.inference_mode(), pytest.raises(RequestError, match="too large") as caught:
        encode_pair("a cat", text, 1, models)
    assert caught.value.cure == "Keep them between -10 and 10."


@pytest.mark.parametrize("weight", [-10, -1, 0, 10])
def test_weights_may_be_negative_zero_and_large(weight: float) -> None:
    with torch.inference_mode():
        positive, _ = encode_pair(f"a (red:{weight}) house", "", 1, tiny.loaded("sd1"))
    assert positive.states.isfinite().all()


def test_skipping_more_layers_than_there_are_stops_at_the_embeddings() -> None:
    models = tiny.loaded("sd1")
    with torch.inference_mode():
        all_skipped, _ = encode_pair("a house", "", 12, models)
    assert all_skipped.states.isfinite().all()


def test_sdxl_joins_both_encoders_and_pools_the_second() -> None:
    models = tiny.loaded("sdxl")
    with torch.inference_mode():
        positive, negative = encode_pair("a red house", "grey", 1, models)
    width = sum(encoder.module.config.hidden_size for encoder in models.encoders)
    assert positive.states.shape == (1, 77, width)
    assert positive.pooled is not None and negative.pooled is not None
    assert positive.pooled.shape == negative.pooled.shape
