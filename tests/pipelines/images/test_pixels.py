"""Whatever a picture is packed in, the same upright 8-bit sRGB pixels come out of it."""

import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image, ImageChops, ImageCms

from pipelines.errors import ImageFileError
from pipelines.images import FOREIGN
from pipelines.images.pixels import decode, digest, small
from pipelines.images.sizes import header_of
from tests.pipelines.images.pictures import camera, chunk, encoded, picture, png, with_chunks

PLAIN = picture()


def opened(data: bytes) -> Image.Image:
    return decode(data, header_of(data), FOREIGN)[0]


def notices(data: bytes) -> list[str]:
    return decode(data, header_of(data), FOREIGN)[1]


def differ(one: Image.Image, other: Image.Image) -> int:
    """The largest difference of any channel of any pixel."""
    assert (one.mode, one.size) == (other.mode, other.size)
    extrema = ImageChops.difference(one, other).getextrema()
    return max(high for _, high in (extrema if isinstance(extrema[0], tuple) else [extrema]))


@pytest.mark.parametrize(
    ("kind", "mode", "options"),
    [
        ("PNG", "RGB", {}),
        ("PNG", "P", {}),
        ("GIF", "P", {}),
        ("BMP", "RGB", {}),
        ("BMP", "P", {}),
        ("WebP", "RGB", {"lossless": True}),
    ],
)
def test_every_lossless_kind_gives_the_very_pixels(kind, mode, options):
    image = opened(encoded(PLAIN.quantize(4) if mode == "P" else PLAIN, kind, **options))
    expected = PLAIN.quantize(4).convert("RGB") if mode == "P" else PLAIN
    assert differ(image, expected) == 0


@pytest.mark.parametrize("options", [{"progressive": True}, {"progressive": False}])
def test_a_jpeg_is_near(options):
    data = encoded(PLAIN, "JPEG", quality=98, subsampling=0, **options)
    assert differ(opened(data), PLAIN) < 12


@pytest.mark.parametrize("mode", ["1", "L"])
def test_grey_and_black_and_white_become_colours(mode):
    image = opened(encoded(PLAIN.convert(mode)))
    assert differ(image, PLAIN.convert(mode).convert("RGB")) == 0


def test_cmyk_is_not_turned_to_its_negative():
    cmyk = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    red, green, blue = opened(encoded(cmyk, "JPEG", quality=95)).getpixel((8, 8))
    assert red > 240 and green < 15 and blue < 15


# 16 bits


def test_sixteen_bits_of_grey_are_scaled_and_not_cut_off():
    values = range(0, 65536, 257)
    rows = b"\0" + b"".join(struct.pack(">H", value) for value in values)
    image = opened(png(256, 8, 16, 0, rows * 8))
    assert [image.getpixel((x, 0)) for x in range(256)] == [(x, x, x) for x in range(256)]


@pytest.mark.parametrize(("colour", "channels"), [(2, 3), (4, 2), (6, 4)])
def test_sixteen_bits_a_channel_are_scaled(colour, channels):
    rows = b"".join(
        b"\0" + b"".join(struct.pack(">H", 257 * x) * channels for x in range(256))
        for _ in range(8)
    )
    image = opened(png(256, 8, 16, colour, rows))
    assert image.mode == ("RGB" if channels == 3 else "RGBA")
    assert [set(image.getpixel((x, 3))) for x in range(256)] == [{x} for x in range(256)]


# Alpha


def test_alpha_is_kept_and_so_are_the_colours_under_it():
    image = PLAIN.copy()
    image.putalpha(Image.linear_gradient("L").crop((0, 0, *image.size)))
    for data in (encoded(image), encoded(image, "WebP", lossless=True, exact=True)):
        assert opened(data).tobytes() == image.tobytes()
    assert image.getpixel((0, 0))[3] == 0 and image.getpixel((0, 0))[0] == 200


def test_an_alpha_that_is_opaque_everywhere_is_no_alpha():
    assert opened(encoded(PLAIN.convert("RGBA"))).mode == "RGB"


def test_grey_with_alpha():
    image = Image.merge("LA", [PLAIN.convert("L"), Image.linear_gradient("L").resize(PLAIN.size)])
    assert opened(encoded(image)).tobytes() == image.convert("RGBA").tobytes()


def test_a_transparent_colour_of_a_palette_is_alpha():
    image = PLAIN.quantize(4)
    image.info["transparency"] = image.getpixel((0, 0))
    for kind in ("PNG", "GIF"):
        result = opened(encoded(image, kind, transparency=image.info["transparency"]))
        assert result.getpixel((0, 0))[3] == 0
        assert result.getpixel((31, 15))[3] == 255


def test_a_transparent_colour_without_a_palette_is_alpha():
    result = opened(encoded(PLAIN, transparency=(200, 30, 40)))
    assert result.getpixel((0, 0)) == (200, 30, 40, 0)
    assert result.getpixel((31, 15))[3] == 255
    deep = with_chunks(
        png(8, 8, 16, 2, (b"\0" + b"\xab\xcd" * 24) * 8), chunk(b"tRNS", b"\xab\xcd" * 3)
    )
    assert opened(deep).mode == "RGB"


# How the camera was held


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WebP"])
def test_every_orientation_comes_out_upright(kind, orientation):
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }  # fmt: skip
    stored = PLAIN.transpose(turns[orientation]) if orientation > 1 else PLAIN
    options = {"quality": 100} if kind == "JPEG" else {"lossless": True} if kind == "WebP" else {}
    data = encoded(stored, kind, exif=camera(orientation), **options)
    image = opened(data)
    assert image.size == PLAIN.size
    for corner in ((2, 2), (29, 2), (2, 13), (29, 13)):
        pair = zip(image.getpixel(corner), PLAIN.getpixel(corner), strict=True)
        assert all(abs(one - other) < 60 for one, other in pair)


@pytest.mark.parametrize(
    "block",
    [
        b"Exif\0\0",
        b"Exif\0\0garbage and more",
        b"Exif\0\0II*\0\xff\xff\xff\xff",
        b"Exif\0\0MM\0*\0\0\0\x08",
        b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x63\0\0\0\x08\0\0\0",
    ],
)
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WebP"])
def test_a_broken_exif_costs_a_notice_at_most(kind, block):
    assert opened(encoded(PLAIN, kind, exif=block)).size == PLAIN.size
    assert all("EXIF" in notice for notice in notices(encoded(PLAIN, kind, exif=block)))


def test_an_exif_that_leads_back_to_itself_is_read_once():
    looping = b"Exif\0\0II*\0\x08\0\0\0\x01\0" + struct.pack("<HHII", 0x8769, 4, 1, 8)
    looping += struct.pack("<I", 8)
    assert notices(encoded(PLAIN, "JPEG", exif=looping)) == []


# Colour profiles


def profile(space: str = "sRGB") -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile(space))


def swapped() -> bytes:
    """A valid profile under which red and green have changed places."""
    data = bytearray(profile().tobytes())
    (count,) = struct.unpack_from(">I", data, 128)
    tags = {bytes(data[at : at + 4]): at for at in range(132, 132 + 12 * count, 12)}
    red, green = tags[b"rXYZ"] + 4, tags[b"gXYZ"] + 4
    data[red : red + 8], data[green : green + 8] = data[green : green + 8], data[red : red + 8]
    return bytes(data).replace(b"\0s\0R\0G\0B", b"\0t\0e\0s\0t")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WebP"])
def test_colours_come_out_as_the_profile_means_them(kind):
    options = {"lossless": True} if kind == "WebP" else {"quality": 100} if kind == "JPEG" else {}
    red = Image.new("RGB", (16, 16), (255, 0, 0))
    data = encoded(red, kind, icc_profile=swapped(), **options)
    assert notices(data) == []
    found = opened(data).getpixel((8, 8))
    assert found[1] > 240 and found[0] < 15


@pytest.mark.parametrize("kind", ["PNG", "WebP"])
def test_srgb_itself_changes_no_pixel_and_is_not_written_again(kind):
    options = {"lossless": True} if kind == "WebP" else {}
    image = opened(encoded(PLAIN, kind, icc_profile=profile().tobytes(), **options))
    assert differ(image, PLAIN) == 0
    assert image.info == {}


def test_alpha_survives_a_profile():
    image = PLAIN.convert("RGBA")
    image.putalpha(77)
    result = opened(encoded(image, icc_profile=swapped()))
    assert result.mode == "RGBA" and result.getpixel((0, 0))[3] == 77


@pytest.mark.parametrize(
    "broken",
    [b"x" * 10, b"x" * 5000, profile().tobytes()[:200], profile("LAB").tobytes(), bytes(5 * 2**20)],
    ids=["short", "garbage", "cut off", "another space", "huge"],
)
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WebP"])
def test_a_profile_that_cannot_be_used_costs_a_notice(kind, broken):
    options = {"lossless": True} if kind == "WebP" else {"quality": 100} if kind == "JPEG" else {}
    if kind == "JPEG" and len(broken) > 2**20:
        pytest.skip("a JPEG's 255 segments of a profile hold more than Pillow writes here")
    data = encoded(PLAIN, kind, icc_profile=broken, **options)
    assert "profile" in " ".join(notices(data))
    assert differ(opened(data), opened(encoded(PLAIN, kind, **options))) == 0


# Bombs in what is not pixels


def packed(size: int) -> bytes:
    packer = zlib.compressobj(9)
    block = bytes(2**20)
    return b"".join(packer.compress(block) for _ in range(size >> 20)) + packer.flush()


BOMB = packed(200 * 2**20)


@pytest.mark.parametrize(
    "bad",
    [
        chunk(b"zTXt", b"a\0\0" + BOMB),
        chunk(b"iTXt", b"a\0\1\0\0\0" + BOMB),
        chunk(b"zTXt", b"a\0\0not packed at all"),
        chunk(b"tEXt", b"a\0" + b"x" * 5_000_000),
        chunk(b"iCCP", b"a\0\0" + BOMB),
        chunk(b"eXIf", b"II*\0" + b"\xff" * 3_000_000),
        chunk(b"tIME", b"?"),
        chunk(b"pHYs", b"?"),
        chunk(b"gAMA"),
        chunk(b"tEXt", b"a\0b")[:-1] + b"!",
    ],
    ids=["zTXt", "iTXt", "bad zTXt", "long", "iCCP", "eXIf", "tIME", "pHYs", "gAMA", "checksum"],
)
def test_what_is_not_pixels_does_not_keep_the_pixels_from_being_seen(bad):
    assert differ(opened(with_chunks(encoded(PLAIN), bad)), PLAIN) == 0


# Frames, and files that are not whole


@pytest.mark.parametrize("kind", ["PNG", "GIF", "WebP"])
def test_the_first_frame_of_an_animation_counts_and_that_is_told(kind):
    turned = PLAIN.transpose(Image.Transpose.ROTATE_180)
    options = {"lossless": True} if kind == "WebP" else {}
    data = encoded(PLAIN, kind, save_all=True, append_images=[turned, PLAIN], **options)
    assert notices(data) == ["It is animated; only its first frame is used."]
    assert differ(opened(data), opened(encoded(PLAIN, kind, **options))) == 0


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WebP", "BMP"])
def test_a_file_that_is_cut_off_is_a_sentence(kind):
    noise = Image.effect_noise((200, 200), 90).convert("RGB")
    data = encoded(noise, kind)
    for share in (0.3, 0.6, 0.9):
        with pytest.raises(ImageFileError) as refused:
            opened(data[: int(len(data) * share)])
        assert "damaged or cut off" in refused.value.message
        assert refused.value.cure


def test_equal_pixels_have_equal_names_and_others_do_not():
    assert digest(opened(encoded(PLAIN))) == digest(opened(encoded(PLAIN, "BMP")))
    assert digest(opened(encoded(PLAIN))) != digest(opened(encoded(PLAIN.rotate(180))))
    wide, high = (Image.new("RGB", size) for size in ((16, 8), (8, 16)))
    assert digest(wide) != digest(high)


def test_a_small_version_fits_and_shows_what_is_transparent_on_white():
    clear = Image.new("RGBA", (600, 300), (255, 0, 0, 0))
    shown = Image.open(BytesIO(small(clear, 100)))
    assert shown.size == (100, 50)
    assert min(shown.getpixel((50, 25))) > 250
    assert Image.open(BytesIO(small(picture(8000, 8), 100))).size == (100, 1)
    assert Image.open(BytesIO(small(picture(20, 10), 100))).size == (20, 10)
