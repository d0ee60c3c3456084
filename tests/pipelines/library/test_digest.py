"""What files tell of their making is shown in a few lines, whoever wrote it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.library.digest import LINE, TEXT, WORDS, digest
from pipelines.library.entry import Training


def test_a_file_that_tells_nothing_has_an_empty_digest() -> None:
    assert digest({}, {}, {}) == Training()


def test_what_kohya_wrote_is_gathered() -> None:
    found = digest(
        {
            "ss_output_name": "ink_v2",
            "ss_base_model_version": "sdxl_base_v1-0",
            "ss_network_module": "lycoris.kohya",
            "ss_network_args": '{"algo": "loha"}',
            "ss_network_dim": "16",
            "ss_network_alpha": "8",
            "ss_resolution": "(1024, 1024)",
            "ss_clip_skip": "2",
            "ss_tag_frequency": '{"10_ink": {"sky": 3, "brush": 9}, "5_more": {"sky": 4}}',
        },
        {},
        {},
    )
    assert found == Training(
        alias="ink_v2",
        base_model="sdxl_base_v1-0",
        network="loha 16/8",
        resolution="(1024, 1024)",
        clip_skip=2,
        tags=(("brush", 9), ("sky", 7)),
    )


def test_the_artists_own_words_win_over_the_files_and_the_sites() -> None:
    metadata = {"modelspec.title": "Ink", "modelspec.trigger_phrase": "ink phrase"}
    civitai = {
        "baseModel": "SDXL 1.0",
        "trainedWords": ["ink", "wash"],
        "model": {"name": "Ink Wash"},
    }
    assert digest(metadata, {}, civitai).trigger_words == ("ink", "wash")
    assert digest({}, {}, civitai).title == "Ink Wash"

    notes = {
        "activation text": "my ink, my ink, wash",
        "preferred weight": 0.7,
        "negative text": "photo",
        "notes": "two\nlines",
        "sd version": "SDXL",
        "vae": "soft.vae.pt",
        "description": "from a friend",
    }
    found = digest(metadata, notes, civitai)
    assert found.title == "Ink"
    assert found.trigger_words == ("my ink", "wash")
    assert found.weight == 0.7
    assert found.base_model == "SDXL"
    assert found.notes == "two\nlines"
    assert found.vae == "soft.vae.pt"


@pytest.mark.parametrize(("said", "kept"), [("-0.5", -0.5), (0, None), (99_999, None), ("", None)])
def test_a_weight_that_no_prompt_can_ask_for_is_none(said: Any, kept: float | None) -> None:
    assert digest({}, {"preferred weight": said}, {}).weight == kept


def test_hostile_text_stays_text_on_one_line_and_of_bounded_length() -> None:
    script = "<script>alert(1)</script>"
    found = digest(
        {
            "modelspec.title": script + "\n\x1b[31m\u202e\ud800" + "x" * 10_000,
            "modelspec.description": "line\x00one\r\nline two" + "y" * 100_000,
            "ss_tag_frequency": json.dumps({"a": {f"tag {i}": i + 1 for i in range(10_000)}}),
        },
        {"activation text": [f"word {i}" for i in range(10_000)]},
        {},
    )
    assert found.title.startswith(script + "\\x0a\\x1b[31m\\u202e\\ud800xxx")
    assert len(found.title) <= LINE * 6
    assert found.description.startswith("line\\x00one\nline two")
    assert len(found.description) <= TEXT * 6
    assert len(found.tags) == WORDS
    assert found.tags[0] == ("tag 9999", 10_000)
    assert len(found.trigger_words) == WORDS
    found.title.encode("utf-8")


_KEYS = st.sampled_from(
    ["ss_tag_frequency", "ss_network_args", "ss_network_module", "ss_clip_skip", "modelspec.title"]
)
_ANY: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)
_NOTES = st.dictionaries(
    st.sampled_from(
        ["activation text", "preferred weight", "notes", "trainedWords", "model", "baseModel"]
    ),
    _ANY,
)


@given(
    metadata=st.dictionaries(_KEYS, st.text() | _ANY.map(lambda value: json.dumps(value))),
    notes=_NOTES,
    civitai=_NOTES,
)
def test_nothing_that_files_say_raises(metadata: dict, notes: dict, civitai: dict) -> None:
    assert isinstance(digest(metadata, notes, civitai), Training)
