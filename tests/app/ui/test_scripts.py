"""The page's scripts, as far as they can be tried without a browser."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from app.api.doors import PICTURE_LIMIT
from app.ui.page import STATIC
from tests.node import NODE, node

pytestmark = pytest.mark.skipif(NODE is None, reason="needs Node")


@pytest.mark.parametrize("script", sorted(STATIC.glob("*.js")), ids=lambda path: path.name)
def test_every_script_can_be_parsed(script: Path) -> None:
    check = [str(NODE), "--check", "--input-type=module"]
    done = subprocess.run(check, input=script.read_text(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("script", sorted(STATIC.glob("*.js")), ids=lambda path: path.name)
def test_no_script_makes_markup_from_text(script: Path) -> None:
    for door in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert door not in script.read_text()


def test_a_stranger_finds_in_the_book_what_each_script_does() -> None:
    book = (STATIC.parents[2] / "docs" / "architecture.md").read_text("utf-8")
    table = book[book.index("| what | scripts |") : book.index("## Adding one")]
    listed = re.findall(r"`([\w-]+)`", table)
    assert sorted(listed) == sorted(script.stem for script in STATIC.glob("*.js"))


def test_seeds_beyond_the_numbers_of_a_browser_stay_exact() -> None:
    hostile = {"prompt": 'x","seed":1,"y', "seed": 2**64 - 1}
    read = node(
        f"""
        import {{ json }} from "./api.js";
        console.log(JSON.stringify(json({json.dumps(json.dumps(hostile))})));
        """
    )
    assert read == {"prompt": hostile["prompt"], "seed": str(2**64 - 1)}


def test_the_page_sends_no_file_that_the_guard_would_refuse() -> None:
    read = node(
        """
        globalThis.window = globalThis.document = {};
        import { LIMIT } from "./drop.js";
        console.log(LIMIT);
        """
    )
    assert read == PICTURE_LIMIT


@pytest.mark.parametrize(
    ("transfer", "said"),
    [
        ("{ files: [text, image] }", "one.png of 2"),
        ("{ files: [text] }", "notes.txt of 1"),
        ("{ files: [{ ...image, size: 2 ** 27 }] }", "one.png is too large to be read."),
        ("{ files: [text], items: [folder] }", "A folder is not read here."),
        ("{ files: [text, image], items: [folder, item] }", "one.png of 1"),
        ("{ files: [], items: [{ kind: 'string' }] }", "Gesso fetches nothing from other sites."),
    ],
)
def test_whatever_is_dropped_gives_one_picture_or_a_sentence(transfer: str, said: str) -> None:
    read = node(
        f"""
        globalThis.window = globalThis.document = {{}};
        import {{ brought }} from "./drop.js";
        const text = {{ name: "notes.txt", type: "text/plain", size: 1 }};
        const image = {{ name: "one.png", type: "image/png", size: 1 }};
        const item = {{ kind: "file", webkitGetAsEntry: () => ({{ isDirectory: false }}) }};
        const folder = {{ kind: "file", webkitGetAsEntry: () => ({{ isDirectory: true }}) }};
        const {{ file, count, error }} = brought({transfer});
        console.log(JSON.stringify(error ? error.message : `${{file.name}} of ${{count}}`));
        """
    )
    assert read == said


@pytest.mark.parametrize(
    ("job", "title", "detail"),
    [
        ({"state": "queued", "position": 3}, "Waiting", "2 jobs before it"),
        ({"state": "queued", "position": 2}, "Waiting", "1 job before it"),
        (
            {"phase": "loading", "loading": {"done": 1_200_000_000, "total": 6_900_000_000}},
            "Loading the model",
            "1.2 GB of 6.9 GB",
        ),
        (
            {"phase": "denoising", "step": 7, "steps": 20, "eta_seconds": 64.2},
            "Painting",
            "step 7 of 20 · about 1 min 4 s left",
        ),
        (
            {"phase": "denoising", "step": 1, "steps": 20, "count": 4, "pictures": ["a"]},
            "Painting",
            "picture 2 of 4 · step 1 of 20",
        ),
        ({"phase": "decoding", "eta_seconds": 0.2}, "Finishing", "about 1 s left"),
        ({"phase": "denoising", "stopping": "now"}, "Stopping", ""),
        (
            {"phase": "denoising", "stopping": "picture", "step": 3, "steps": 20, "eta_seconds": 9},
            "Finishing this picture",
            "step 3 of 20",
        ),
    ],
)
def test_progress_is_said_in_words(job: dict[str, Any], title: str, detail: str) -> None:
    whole = {"state": "running", "count": 1, "pictures": [], "eta_seconds": None, **job}
    said = node(
        f"""
        import {{ progress }} from "./words.js";
        console.log(JSON.stringify(progress({json.dumps(whole)})));
        """
    )
    assert said == {"title": title, "detail": detail}


def test_what_made_a_picture_names_the_files_beside_its_checkpoint() -> None:
    recipe = {
        "seed": 7, "size": {"width": 512, "height": 768}, "steps": 20, "guidance_scale": 7,
        "sampler": "Euler", "schedule": "Normal", "clip_skip": 1, "checkpoint": {"name": "painter"},
    }  # fmt: skip
    files = {
        "vae": {"name": "soft"},
        "loras": [
            {"model": {"name": "ink"}, "unet_weight": 0.8, "text_encoder_weight": 0.8},
            {"model": {"name": "glow"}, "unet_weight": 1, "text_encoder_weight": 0.5},
        ],
        "embeddings": [{"name": "mood"}],
        "hypernetworks": [{"model": {"name": "haze"}, "weight": -0.25}],
    }
    plain, full = node(
        f"""
        import {{ facts }} from "./words.js";
        const recipe = {json.dumps(recipe)};
        console.log(JSON.stringify([facts(recipe), facts({{...recipe, ...{json.dumps(files)}}})]));
        """
    )
    assert full[len(plain) :] == [
        ["VAE", "soft"],
        ["LoRAs", "ink 0.8, glow 0.5 / 1"],
        ["Embeddings", "mood"],
        ["Hypernetworks", "haze -0.25"],
    ]
