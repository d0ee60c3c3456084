"""Names are shown as they are, but for what could deceive or break a line."""

from __future__ import annotations

import os

from hypothesis import given
from hypothesis import strategies as st

from pipelines.library.names import NAME_LIMIT, candidates
from pipelines.library.text import decoded, file_name, plain


def test_letters_of_every_script_emoji_and_markup_stay() -> None:
    for text in ("ink.safetensors", "مرحبا", "日本語", "👩‍🎨 paints", "<b>bold</b>", "é"):
        assert plain(text) == text


def test_control_characters_and_direction_overrides_are_written_out() -> None:
    assert plain("a\nb\x1b[0m\x7f\x85\u2028\u202e") == "a\\x0ab\\x1b[0m\\x7f\\x85\\u2028\\u202e"


def test_what_is_too_long_ends_in_an_ellipsis() -> None:
    assert plain("abcdef", 6) == "abcdef"
    assert plain("abcdef", 5) == "abcd…"


@given(st.text() | st.binary().map(os.fsdecode))
def test_any_text_becomes_one_line_that_can_be_stored(text: str) -> None:
    shown = plain(decoded(text))
    shown.encode("utf-8")
    assert len(shown.splitlines()) <= 1


def test_a_file_is_called_by_its_last_part() -> None:
    assert file_name("/models/caf\udce9.ckpt") == "caf\\xe9.ckpt"


@given(st.lists(st.text(min_size=1, max_size=300), min_size=1, max_size=4))
def test_there_is_always_a_further_name_and_it_fits_in_a_recipe(parts: list[str]) -> None:
    names = candidates("/models", tuple(parts))
    first = [next(names) for _ in range(6)]
    assert all(1 <= len(name) <= NAME_LIMIT for name in first)
    assert len(set(first)) >= 3


def test_names_get_longer_as_they_must() -> None:
    names = candidates("/disk/models/", ("loras", "anime", "ink.safetensors"))
    assert [next(names) for _ in range(5)] == [
        "anime/ink",
        "anime/ink.safetensors",
        "models/anime/ink.safetensors",
        "models/anime/ink.safetensors (2)",
        "models/anime/ink.safetensors (3)",
    ]


def test_only_the_ending_of_a_model_file_is_left_out_of_its_name() -> None:
    assert next(candidates("/models", ("painter v1.5",))) == "painter v1.5"
    assert next(candidates("/models", ("painter v1.5.safetensors",))) == "painter v1.5"
    assert next(candidates("/models", ("x.safetensors.part",))) == "x.safetensors.part"
