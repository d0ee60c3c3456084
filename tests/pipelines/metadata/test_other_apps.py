"""Apps with a form of their own: what is read of each, and what is told."""

import html
import json
import time

import pytest

from pipelines.errors import StudioError
from pipelines.geometry import Size
from pipelines.metadata import settings_of
from pipelines.metadata.a1111 import parse, to_draft
from tests.pipelines.metadata.pictures import png, read


def test_novelai():
    said = {
        "prompt": "a {boat}", "uc": "fog", "steps": 28, "scale": 5.0, "seed": 7, "width": 832,
        "height": 1216, "sampler": "k_euler_ancestral", "noise_schedule": "native", "strength": 1.0,
        "sm": False, "n_samples": 1,
    }  # fmt: skip
    found, draft = read(
        Software="NovelAI", Source="Stable Diffusion XL", Comment=json.dumps(said), Title="x"
    )
    assert (found.app, draft.prompt, draft.negative_prompt) == ("NovelAI", "a {boat}", "fog")
    assert (draft.steps, draft.guidance_scale, draft.seed) == (28, 5.0, 7)
    assert (draft.size, draft.sampler) == (Size(width=832, height=1216), "k_euler_ancestral")
    assert (draft.schedule, draft.checkpoint) == ("Automatic", None)
    assert found.ignored == ()


def test_swarmui():
    said = {
        "prompt": "a boat", "negativeprompt": "fog", "model": "SDXL/painter", "seed": 7,
        "steps": 20, "cfgscale": 7.0, "width": 1024, "height": 768, "sampler": "euler",
        "scheduler": "normal", "swarm_version": "0.9.1.1", "vae": "soft", "loras": ["ink", "a/b"],
        "loraweights": ["0.8"], "loratencweights": ["0.4"],
    }  # fmt: skip
    found, draft = read(parameters=json.dumps({"sui_image_params": said}))
    assert (found.app, draft.negative_prompt, draft.vae) == ("SwarmUI", "fog", "soft")
    assert draft.prompt == "a boat <lora:ink:0.4:0.8> <lora:a/b:1>"
    assert (draft.steps, draft.guidance_scale, draft.seed) == (20, 7.0, 7)
    assert (draft.size, draft.sampler, draft.checkpoint) == (
        Size(width=1024, height=768), "euler", "SDXL/painter"
    )  # fmt: skip
    assert found.ignored == ()


def xmp(text: str) -> str:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description><exif:UserComment><rdf:Alt>'
        f'<rdf:li xml:lang="x-default">{html.escape(text)}</rdf:li></rdf:Alt></exif:UserComment>'
        "</rdf:Description></x:xmpmeta>"
    )


def test_draw_things():
    said = {
        "c": 'a "boat" & more', "uc": "fog", "steps": 20, "scale": 7.5, "seed": 7, "strength": 1,
        "size": "512x768", "model": "sd_v1.5_f16.ckpt", "sampler": "DPM++ 2M Karras",
        "seed_mode": "Scale Alike", "v2": {"steps": 20},
        "lora": [{"model": "ink_lora_f16.ckpt", "weight": 0.6}],
    }  # fmt: skip
    found, draft = read(**{"XML:com.adobe.xmp": xmp(json.dumps(said))})
    assert (found.app, draft.negative_prompt) == ("Draw Things", "fog")
    assert draft.prompt == 'a "boat" & more <lora:ink_lora_f16.ckpt:0.6>'
    assert (draft.steps, draft.guidance_scale, draft.seed) == (20, 7.5, 7)
    assert (draft.size, draft.checkpoint) == (Size(width=512, height=768), "sd_v1.5_f16.ckpt")
    assert found.ignored == ()


@pytest.mark.parametrize(
    "text",
    [
        "<exif:UserComment>" * 300_000,
        "<exif:UserComment>" + "{" * 2_000_000 + "}</exif:UserComment>",
        xmp("&amp;" * 500_000),
        '<!DOCTYPE a [<!ENTITY b "c">]><exif:UserComment>{"c": "&b;"}</exif:UserComment>',
        xmp('{"c": 1, "size": [], "seed": {}}'),
    ],
)
def test_hostile_xml_is_not_parsed_as_xml(text):
    start = time.process_time()
    try:
        settings_of(png(**{"XML:com.adobe.xmp": text}))
    except StudioError as error:
        assert error.cure
    assert time.process_time() - start < 2


def test_sdnext_has_words_of_its_own_and_lines_after_the_settings():
    text = (
        "a boat\nNegative prompt: fog\nSteps: 20, Size: 512x768, Sampler: Euler a, Scheduler: "
        "Karras, Seed: 7, CFG scale: 6, CLiP-skip: 2, Model: painter, App: SD.Next, Parser: native"
        "\nDetailer: True, Refiner: None"
    )
    read = parse(text)
    assert (read.prompt, read.negative_prompt) == ("a boat", "fog")
    draft, ignored = to_draft(read)
    assert (draft.schedule, draft.clip_skip, draft.seed) == ("Karras", 2, 7)
    assert {"Detailer", "Refiner"} <= set(ignored)
    assert settings_of(png(parameters=text)).app == "SD.Next"


def test_a_prompt_about_steps_is_still_a_prompt():
    text = "Steps: a stair\nof stone"
    assert parse(text).prompt == text
