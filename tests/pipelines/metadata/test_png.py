"""Text chunks of PNG files, whole and broken."""

import struct
import zlib
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from pipelines.errors import RecipeFileError
from pipelines.metadata.png import SIGNATURE, TEXT_LIMIT, read_texts


def block(kind, body, length=None):
    length = len(body) if length is None else length
    return struct.pack(">I", length) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def texts(*blocks):
    return read_texts(BytesIO(SIGNATURE + b"".join(blocks)))


def pillow_png(add):
    info = PngInfo()
    add(info)
    file = BytesIO()
    Image.new("RGB", (4, 4)).save(file, "PNG", pnginfo=info)
    return file.getvalue()


def test_all_three_kinds_are_read():
    def add(info):
        info.add_text("latin", "café")
        info.add_text("packed", "a" * 1000, zip=True)
        info.add_itxt("wide", "日本 🎨", lang="ja", tkey="題")
        info.add_itxt("wide packed", "🎨" * 1000, zip=True)

    assert read_texts(BytesIO(pillow_png(add))) == {
        "latin": "café",
        "packed": "a" * 1000,
        "wide": "日本 🎨",
        "wide packed": "🎨" * 1000,
    }


def test_the_last_text_of_a_keyword_counts():
    assert texts(block(b"tEXt", b"a\x001"), block(b"tEXt", b"a\x002")) == {"a": "2"}


def test_text_after_the_pixels_is_read_and_after_the_end_is_not():
    data = pillow_png(lambda info: None)
    end = block(b"IEND", b"")
    late = block(b"tEXt", b"a\x00b")
    assert data.endswith(end)
    assert read_texts(BytesIO(data.removesuffix(end) + late + end)) == {"a": "b"}
    assert read_texts(BytesIO(data + late)) == {}


def test_a_wrong_checksum_does_not_hide_a_text():
    broken = block(b"tEXt", b"a\x00b")[:-4] + b"\0\0\0\0"
    assert texts(broken) == {"a": "b"}


def test_a_file_cut_off_gives_what_came_before():
    whole = SIGNATURE + block(b"tEXt", b"a\x00b") + block(b"tEXt", b"c\x00d")
    for end in range(len(SIGNATURE), len(whole) + 1):
        found = read_texts(BytesIO(whole[:end]))
        assert found in ({}, {"a": "b"}, {"a": "b", "c": "d"})
    assert found == {"a": "b", "c": "d"}


def test_a_length_that_lies_is_the_end_of_the_file():
    assert texts(block(b"tEXt", b"a\x00b"), block(b"tEXt", b"c\x00d", length=2**31)) == {"a": "b"}
    assert texts(block(b"IDAT", b"", length=2**32 - 1)) == {}


def test_bombs_are_passed_over():
    bomb = zlib.compress(b"a" * (TEXT_LIMIT + 1))
    assert texts(
        block(b"zTXt", b"bomb\x00\x00" + bomb),
        block(b"iTXt", b"bomb\x00\x01\x00\x00\x00" + bomb),
        block(b"tEXt", b"heavy\x00" + b"a" * TEXT_LIMIT),
        block(b"tEXt", b"a\x00b"),
    ) == {"a": "b"}


def test_many_large_texts_stop_at_a_total():
    packed = zlib.compress(b"a" * TEXT_LIMIT)
    found = texts(*(block(b"zTXt", b"%d\x00\x00" % k + packed) for k in range(50)))
    assert 0 < sum(map(len, found.values())) <= 4 * TEXT_LIMIT


def test_damaged_packing_is_passed_over():
    packed = zlib.compress(b"hello")
    assert texts(
        block(b"zTXt", b"cut\x00\x00" + packed[:-4]),
        block(b"zTXt", b"junk\x00\x00junk"),
        block(b"zTXt", b"no separator"),
        block(b"iTXt", b"short\x00"),
        block(b"tEXt", b"a\x00b"),
    ) == {"short": "", "a": "b"}


@pytest.mark.parametrize("data", [b"", b"\x89PN", b"\xff\xd8\xff\xe0JFIF", b"<svg/>", b"PK\3\4"])
def test_another_kind_of_file_is_named_as_such(data):
    with pytest.raises(RecipeFileError, match="not a PNG"):
        read_texts(BytesIO(data))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([b"tEXt", b"zTXt", b"iTXt", b"IDAT", b"IEND", b"abcd"]),
            st.binary(max_size=40),
            st.none() | st.integers(0, 2**32 - 1),
        ),
        max_size=6,
    )
)
def test_no_bytes_after_the_signature_raise(blocks):
    texts(*(block(*each) for each in blocks))
