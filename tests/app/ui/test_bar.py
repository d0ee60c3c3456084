"""What the model bar says, and what of it goes into the draft."""

import json
from typing import Any

import pytest

from app.ui.fields import AUTOMATIC, kept, read, write
from pipelines.draft import OWN_VAE
from tests.node import NODE, node

LOADED: dict[str, Any] = {
    "checkpoint": "dreams",
    "models": [],
    "ram_bytes": 2_100_000_000,
    "ram_budget": 12_000_000_000,
    "device_bytes": 0,
    "device_budget": None,
    "placement": "whole",
    "loading": None,
}
ON_A_CARD = {**LOADED, "device_bytes": 6_900_000_000, "device_budget": 11_000_000_000}

MAPPED = {"name": "dreams", "role": "checkpoint", "where": "file", "bytes": 4 * 10**9}
IN_ITS_FILE = {**LOADED, "ram_bytes": 0, "models": [{**MAPPED, "in_use": True}]}


def engine(models: dict[str, Any] | None, state: str = "ready") -> dict[str, Any]:
    return {"state": state, "device": "cpu", "models": models}


@pytest.mark.skipif(NODE is None, reason="needs Node")
@pytest.mark.parametrize(
    ("shown", "name", "text", "part"),
    [
        (engine(None, "starting"), "", "No model loaded", 0),
        (engine({**LOADED, "checkpoint": None}), "", "No model loaded", 0),
        (engine(None, "free"), "", "No model loaded", 0),
        (engine(LOADED), "", "2.1 GB of 12 GB", 0.175),
        (engine({**LOADED, "ram_budget": None}), "", "2.1 GB", 0),
        (engine(IN_ITS_FILE), "", "4.0 GB from the file", 0),
        (engine(ON_A_CARD), "", "6.9 GB of 11 GB · RAM 2.1 GB", 6.9 / 11),
        (
            engine({**LOADED, "loading": {"what": "next", "done": 10**9, "total": 4 * 10**9}}),
            "next",
            "1.0 GB of 4.0 GB",
            0.25,
        ),
    ],
)
def test_the_line_says_what_is_loaded_in_bytes(
    shown: dict[str, Any], name: str, text: str, part: float
) -> None:
    said = node(
        f"""
        import {{ line }} from "./bar-words.js";
        console.log(JSON.stringify(line({json.dumps(shown)})));
        """
    )
    assert (said["name"], said["text"], said["part"]) == (name, text, pytest.approx(part))


@pytest.mark.skipif(NODE is None, reason="needs Node")
@pytest.mark.parametrize(
    ("models", "where", "used", "said"),
    [
        (LOADED, "device", True, "RAM"),
        (ON_A_CARD, "device", True, "Graphics card"),
        (ON_A_CARD, "ram", True, "RAM"),
        (ON_A_CARD, "ram", False, "kept ready, not in use"),
        (LOADED, "file", True, "read from its file"),
    ],
)
def test_where_a_model_lies_is_said_in_words(
    models: dict[str, Any], where: str, used: bool, said: str
) -> None:
    model = {"where": where, "in_use": used}
    heard = node(
        f"""
        import {{ whereabouts }} from "./bar-words.js";
        console.log(JSON.stringify(whereabouts({json.dumps(models)}, {json.dumps(model)})));
        """
    )
    assert heard == said


@pytest.mark.parametrize(("shown", "asked"), [(AUTOMATIC, None), (OWN_VAE, OWN_VAE), ("a", "a")])
def test_the_vae_that_is_shown_is_the_vae_that_is_asked_for(shown: str, asked: str | None) -> None:
    assert read({"vae": shown}).vae == asked
    assert write(kept({"vae": shown}, ["vae"])) == {"vae": shown}
