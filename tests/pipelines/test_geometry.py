"""Sizes of pictures."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pipelines.geometry import Size


@pytest.mark.parametrize("text", ["512x768", " 512 X 768 ", "512×768", "512*768"])  # noqa: RUF001
def test_a_size_is_read_from_text(text):
    assert Size.model_validate(text) == Size(width=512, height=768)


@pytest.mark.parametrize("text", ["", "512", "x", "512x", "-8x64", "512x768x3", "a" * 10_000])
def test_other_text_is_no_size(text):
    with pytest.raises(ValidationError, match="WIDTHxHEIGHT"):
        Size.model_validate(text)


@pytest.mark.parametrize("side", [0, 8, 56, 63, 65, 4097, 4104, 99999])
def test_a_side_is_a_multiple_of_8_from_64_to_4096(side):
    with pytest.raises(ValidationError):
        Size(width=side, height=64)
    with pytest.raises(ValidationError):
        Size.model_validate(f"64x{side}")


def test_rows_come_before_columns_in_latents():
    assert Size(width=512, height=768).latent == (96, 64)


def test_portrait_for_landscape():
    assert Size(width=512, height=768).swapped() == Size(width=768, height=512)
    assert Size(width=512, height=768).area == 512 * 768


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_the_nearest_size_can_be_rendered_and_is_near(width, height):
    size = Size.nearest(width, height)
    for side, wanted in ((size.width, width), (size.height, height)):
        assert abs(side - min(4096, max(64, wanted))) <= 4


@given(st.integers(8, 512), st.integers(8, 512))
def test_a_size_reads_what_it_prints(columns, rows):
    size = Size(width=8 * columns, height=8 * rows)
    assert Size.model_validate(str(size)) == size
    assert Size.nearest(size.width, size.height) == size
