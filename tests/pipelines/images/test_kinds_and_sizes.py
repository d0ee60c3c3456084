"""What a file is and how large, from its first bytes alone."""

import random
import struct
import time
import zipfile
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pipelines.errors import ImageFileError
from pipelines.images.kinds import kind_of
from pipelines.images.sizes import FOREIGN, Header, admit, header_of
from tests.pipelines.images.pictures import bomb, chunk, encoded, picture, with_chunks


@pytest.mark.parametrize("size", [(1, 1), (33, 17), (300, 8), (5, 4097)])
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {}),
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("WebP", {}),
        ("WebP", {"lossless": True}),
        ("WebP", {"exif": b"Exif\0\0"}),
        ("GIF", {}),
        ("BMP", {}),
    ],
)
def test_a_header_tells_kind_and_size(kind, options, size):
    data = encoded(picture(*size), kind, **options)
    assert header_of(data) == Header(kind, *size)


def test_a_header_tells_that_there_are_more_frames():
    frames = {"save_all": True, "append_images": [picture(), picture().rotate(180)]}
    first = picture().transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    for kind in ("PNG", "WebP", "GIF"):
        assert header_of(encoded(first, kind, **frames)) == Header(kind, 32, 16, animated=True)


def test_a_frame_beyond_the_screen_of_a_gif_counts():
    data = bytearray(encoded(picture(), "GIF"))
    frame = data.index(b",\0\0\0\0")
    data[frame + 5 : frame + 9] = struct.pack("<HH", 30_000, 20_000)
    assert header_of(bytes(data)) == Header("GIF", 30_000, 20_000)


def test_an_old_bmp_and_one_that_stands_on_its_head():
    old = b"BM" + bytes(12) + struct.pack("<IHH", 12, 640, 480)
    assert header_of(old) == Header("BMP", 640, 480)
    head = b"BM" + bytes(12) + struct.pack("<Iii", 40, 640, -480)
    assert header_of(head) == Header("BMP", 640, 480)


def archive(mimetype: str) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as stored:
        stored.writestr("mimetype", mimetype)
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (encoded(picture(), "TIFF"), "a TIFF"),
        (b'<?xml version="1.0"?><svg xmlns="x"/>', "an SVG"),
        (b"  <SVG onload=alert(1)>", "an SVG"),
        (b"%PDF-1.7", "a PDF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "an EPS"),
        (b"8BPS\0\1", "a Photoshop file"),
        (b"\0\0\0\x1cftypavif", "an AVIF"),
        (b"\0\0\0\x18ftypheic", "a HEIC"),
        (b"\0\0\0\x18ftypisom", "a video"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000"),
        (b"SIMPLE  =                    T", "a FITS"),
        (b"RIFF\0\0\0\0WAVE", "a sound or video"),
        (encoded(picture(), "ICO"), "an icon"),
        (archive("application/x-krita"), "a Krita file"),
        (archive("image/openraster"), "an OpenRaster file"),
        (archive("text/plain"), "a ZIP"),
        (b"\xef\xbb\xbf\n<!DOCTYPE html><img>", "a web page"),
        (b"\x20\0\0\0\0\0\0\0" + b'{"a": {}}', "a model file"),
        (b"", "empty"),
        (b"\0" * 4000, "no picture"),
        (b"hello", "no picture"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_any_other_kind_is_called_by_its_name(data, name):
    with pytest.raises(ImageFileError) as refused:
        kind_of(data)
    assert name in refused.value.message
    assert refused.value.cure


@pytest.mark.parametrize(
    ("width", "height", "said"),
    [
        (20_000, 10, "20000 x 10 pixels, and at most 8192 a side"),
        (8000, 8000, "at most 40 million"),
        (1, 1, "too small"),
    ],
)
def test_sizes_out_of_bounds_are_told_with_the_bound(width, height, said):
    with pytest.raises(ImageFileError) as refused:
        admit(width, height, FOREIGN)
    assert said in refused.value.message


def test_the_header_of_a_bomb_is_read_and_nothing_else():
    assert header_of(bomb(30_000)) == Header("PNG", 30_000, 30_000)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WebP", "GIF", "BMP"])
def test_a_file_cut_off_anywhere_has_a_header_or_none(kind):
    data = encoded(picture(), kind)
    for end in range(1, len(data)):
        try:
            header = header_of(data[:end])
        except ImageFileError as refused:
            assert refused.cure
        else:
            assert (header.width, header.height) == (32, 16)


@settings(max_examples=300, deadline=None)
@given(
    start=st.sampled_from(
        [encoded(picture(), kind)[:60] for kind in ("PNG", "JPEG", "WebP", "GIF", "BMP")]
    ),
    cut=st.integers(2, 60),
    rest=st.binary(max_size=80),
)
def test_any_bytes_after_a_true_beginning_are_read_or_refused(start, cut, rest):
    try:
        header = header_of(start[:cut] + rest)
    except ImageFileError:
        return
    assert header.width > 0 and header.height > 0


def test_a_million_tiny_parts_are_passed_quickly():
    whole = encoded(picture())
    header_of(with_chunks(whole, *[chunk(b"tEXt")] * 200_000))
    noise = random.Random(1).randbytes(255)
    gif = encoded(picture(), "GIF")[:-1] + b"!\xff" + (b"\xff" + noise) * 100_000 + b"\0;"
    assert not header_of(gif).animated
    started = time.process_time()
    header_of(with_chunks(whole, *[chunk(b"tEXt")] * 4_000_000))
    header_of(encoded(picture(), "GIF")[:-1] + b"!\xff" + b"\1a" * 20_000_000)
    assert time.process_time() - started < 2
