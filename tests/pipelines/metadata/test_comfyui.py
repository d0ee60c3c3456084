"""ComfyUI's graphs: what is read of the usual ones, and what is told of others."""

import copy
import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.draft import OWN_VAE
from pipelines.errors import RecipeFileError, StudioError
from pipelines.geometry import Size
from pipelines.metadata import settings_of
from pipelines.prompt.networks import HypernetworkAsked, LoraAsked, parse_networks
from tests.pipelines.metadata.pictures import png, read

GRAPH = {
    "3": {
        "class_type": "KSampler",
        "inputs": {
            "seed": 2**64 - 1, "steps": 24, "cfg": 6.5, "sampler_name": "dpmpp_2m",
            "scheduler": "karras", "denoise": 1, "model": ["4", 0], "positive": ["6", 0],
            "negative": ["7", 0], "latent_image": ["5", 0],
        },
    },
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "painter.safetensors"}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 768}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a boat", "clip": ["4", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "fog", "clip": ["4", 1]}},
    "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
    "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0]}},
}  # fmt: skip


def graph(**changes: dict) -> str:
    """The usual graph, with inputs of nodes changed and nodes put in: `n3={"steps": 1}`."""
    nodes = copy.deepcopy(GRAPH)
    for name, change in changes.items():
        if "class_type" in change:
            nodes[name[1:]] = change
        else:
            nodes[name[1:]]["inputs"] |= change
    return json.dumps(nodes)


def test_the_usual_workflow_is_read_whole():
    found, draft = read(prompt=graph(), workflow="{}")
    assert (found.app, draft.prompt, draft.negative_prompt) == ("ComfyUI", "a boat", "fog")
    assert (draft.seed, draft.steps, draft.guidance_scale) == (2**64 - 1, 24, 6.5)
    assert (draft.sampler, draft.schedule) == ("dpmpp_2m", "karras")
    assert (draft.size, draft.checkpoint) == (Size(width=512, height=768), "painter.safetensors")
    assert found.ignored == ()


def test_a_lora_and_a_clip_skip_on_the_way_are_seen():
    lora = {"lora_name": "ink.safetensors", "model": ["4", 0], "clip": ["4", 1]}
    skip = {"class_type": "CLIPSetLastLayer", "inputs": {"stop_at_clip_layer": -2}}
    chained = graph(
        n3={"model": ["10", 0]}, n10={"class_type": "LoraLoader", "inputs": lora}, n11=skip
    )
    found, draft = read(prompt=chained)
    assert (draft.checkpoint, draft.clip_skip) == ("painter.safetensors", 2)
    assert draft.prompt == "a boat <lora:ink.safetensors:1>"
    assert found.ignored == ()


def test_what_changes_the_model_comes_back_as_tags_in_the_order_it_was_put_on():
    first = {"lora_name": "sub\\ink.safetensors", "model": ["4", 0], "clip": ["4", 1]}
    first |= {"strength_model": 0.8, "strength_clip": ["20", 0]}
    second = {"hypernetwork_name": "wash.pt", "strength": 0.5, "model": ["10", 0]}
    third = {
        "model": ["11", 0],
        "lora_1": {"on": True, "lora": "glow.safetensors", "strength": 0.3},
        "lora_2": {"on": False, "lora": "off.safetensors", "strength": 1},
        "lora_3": {"on": True, "lora": "dim.safetensors", "strength": -0.2, "strengthTwo": 0.1},
    }
    last = {"lora_name": "only.safetensors", "strength_model": 0.4, "model": ["12", 0]}
    found, draft = read(
        prompt=graph(
            n3={"model": ["13", 0]},
            n10={"class_type": "LoraLoader", "inputs": first},
            n11={"class_type": "HypernetworkLoader", "inputs": second},
            n12={"class_type": "Power Lora Loader (rgthree)", "inputs": third},
            n13={"class_type": "LoraLoaderModelOnly", "inputs": last},
            n20={"class_type": "PrimitiveNode", "inputs": {"value": 0.6}},
        )
    )
    networks = parse_networks(draft.prompt)
    assert networks.text == "a boat"
    assert networks.loras == (
        LoraAsked(name="sub\\ink.safetensors", weight=0.8, text_encoder_weight=0.6),
        LoraAsked(name="glow.safetensors", weight=0.3),
        LoraAsked(name="dim.safetensors", weight=-0.2, text_encoder_weight=0.1),
        LoraAsked(name="only.safetensors", weight=0.4, text_encoder_weight=0.0),
    )
    assert networks.hypernetworks == (HypernetworkAsked(name="wash.pt", weight=0.5),)
    assert draft.checkpoint == "painter.safetensors"
    assert found.ignored == ()


def test_the_vae_is_the_one_the_picture_was_decoded_with():
    decode = {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["33", 0]}}
    loader = {"class_type": "VAELoader", "inputs": {"vae_name": "soft.safetensors"}}
    assert read(prompt=graph(n8=decode, n33=loader))[1].vae == "soft.safetensors"
    own = {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}}
    assert read(prompt=graph(n8=own))[1].vae == OWN_VAE
    assert read(prompt=graph(n8=own, n33=loader))[1].vae == OWN_VAE


def test_embeddings_are_named_by_their_words():
    text = "a (embedding:sub/ink.pt:1.2), embedding:glow"
    found, draft = read(prompt=graph(n6={"text": text}))
    assert draft.prompt == "a (ink:1.2), glow"
    assert found.fields["TI"] == "ink, glow"
    assert found.ignored == ()


def test_words_and_numbers_may_stand_in_nodes_of_their_own():
    found, draft = read(
        prompt=graph(
            n3={"seed": ["20", 0]},
            n6={"text": ["21", 0]},
            n20={"class_type": "PrimitiveInt", "inputs": {"value": 5}},
            n21={"class_type": "String", "inputs": {"string": "two boats"}},
        )
    )
    assert (draft.seed, draft.prompt) == (5, "two boats")
    assert set(found.ignored) == {"PrimitiveInt", "String"}


def test_a_picture_it_began_with_a_controlnet_and_an_upscaler_are_told():
    guided = {"class_type": "ControlNetApply", "inputs": {"conditioning": ["6", 0]}}
    found, draft = read(
        prompt=graph(
            n3={"positive": ["30", 0], "latent_image": ["31", 0], "denoise": 0.6},
            n30=guided,
            n31={"class_type": "VAEEncode", "inputs": {}},
            n32={"class_type": "UpscaleModelLoader", "inputs": {}},
        )
    )
    assert draft.prompt == "a boat"
    assert {"Denoising strength", "ControlNet", "Hires upscaler"} <= set(found.ignored)
    assert draft.size is None


def test_an_empty_negative_side_stays_empty():
    zero = {"class_type": "ConditioningZeroOut", "inputs": {"conditioning": ["6", 0]}}
    _, draft = read(prompt=graph(n3={"negative": ["40", 0]}, n40=zero))
    assert draft.negative_prompt == ""


def test_words_that_cannot_be_found_are_told_and_not_guessed():
    combined = {"class_type": "ConditioningCombine", "inputs": {"conditioning_1": ["6", 0]}}
    found, draft = read(prompt=graph(n3={"positive": ["50", 0]}, n50=combined))
    assert draft.prompt == ""
    assert "Words of the positive side" in found.ignored


@pytest.mark.parametrize(
    ("texts", "why"),
    [
        ({"prompt": graph(n60=GRAPH["3"])}, "it has 2 samplers"),
        ({"prompt": graph(n3={"class_type": "Fancy"}).replace('"KSampler"', '"Fancy"')}, "no samp"),
        ({"prompt": "{}"}, "no samplers"),
        ({"workflow": '{"nodes": []}'}, "the drawing of its nodes alone"),
    ],
)
def test_a_workflow_that_is_not_the_usual_one_is_told_and_not_guessed(texts, why):
    with pytest.raises(RecipeFileError) as refused:
        settings_of(png(**texts))
    assert why in refused.value.message
    assert "ComfyUI" in refused.value.cure


@pytest.mark.parametrize(
    "hostile",
    [
        graph(n6={"text": ["6", 0]}),
        graph(n3={"positive": ["3", 0], "negative": ["3", 0], "model": ["3", 0]}),
        graph(n3={"model": [["4"], 0], "seed": {"a": 1}, "steps": [[]], "cfg": "1e999"}),
        graph(n4={"ckpt_name": {"x": 1}, "lora_name": ["4", 0]}),
        graph(n5={"width": "wide", "height": None}),
        json.dumps({"3": {"class_type": "KSampler", "inputs": None}}),
        json.dumps({"3": {"class_type": ["KSampler"], "inputs": {}}, "4": 7}),
        graph().replace('"a boat"', '"\\ud800"'),
        json.dumps({**GRAPH, **{str(n): {"class_type": f"x{n}"} for n in range(100, 50_000)}}),
    ],
)
def test_a_hostile_graph_is_read_or_refused_at_once(hostile):
    start = time.process_time()
    try:
        settings_of(png(prompt=hostile)).asked.model_dump_json().encode()
    except StudioError as error:
        assert error.message and error.cure
    assert time.process_time() - start < 2


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=5,
)


@settings(max_examples=200, deadline=None)
@given(
    node=st.sampled_from(sorted(GRAPH)),
    key=st.sampled_from(["seed", "text", "model", "positive", "latent_image", "ckpt_name", "cfg"]),
    value=ANY | st.sampled_from([[name, 0] for name in GRAPH]),
)
def test_whatever_stands_in_a_graph_it_is_read_or_refused(node, key, value):
    try:
        settings_of(png(prompt=graph(**{f"n{node}": {key: value}}))).asked.model_dump_json()
    except StudioError as error:
        assert error.cure
