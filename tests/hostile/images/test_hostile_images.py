"""Pictures that mean harm, or are only broken: each is answered by one sentence and a cure.

The bytes go over the real route, and nothing but the answer may be left of them.
"""

import base64
import io
import json
import random
import struct
import time
import zlib

import psutil
import pytest
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from tests.pipelines.images.pictures import (
    bomb,
    camera,
    chunk,
    encoded,
    picture,
    png,
    with_chunks,
)

API = "/api/v1"
PLAIN = picture(64, 64)


def brought(client, data: bytes) -> dict:
    """The answer to a picture that is taken in."""
    answer = client.post(f"{API}/assets", content=data)
    assert answer.status_code == 201, answer.text
    return answer.json()


def kept(client, data: bytes) -> Image.Image:
    """The picture as it is kept."""
    shown = client.get(f"{API}/assets/{brought(client, data)['id']}.png")
    assert shown.headers["content-type"] == "image/png"
    assert shown.headers["x-content-type-options"] == "nosniff"
    image = Image.open(io.BytesIO(shown.content))
    image.load()
    assert image.mode in ("RGB", "RGBA") and image.info == {}
    return image


def refused(client, data: bytes, status: int = 422, path: str = "assets") -> str:
    """The sentence with which a picture is refused, at once."""
    start = time.perf_counter()
    answer = client.post(f"{API}/{path}", content=data)
    assert answer.status_code == status, answer.text
    assert time.perf_counter() - start < 5
    said = answer.json()
    for sentence in (said["message"], said["cure"]):
        assert sentence and sentence.isprintable() and len(sentence) < 300
    return said["message"]


# Bombs


@pytest.mark.parametrize("side", [13_000, 30_000, 2**31 - 1])
def test_a_picture_that_would_unpack_to_gigabytes_is_refused_from_its_header(client, memory, side):
    data = bomb(min(side, 30_000))
    data = data[:16] + struct.pack(">II", side, side) + data[24:]
    assert f"{side} x {side}" in refused(client, data)


@pytest.mark.parametrize("kind", ["JPEG", "WebP", "GIF", "BMP"])
def test_a_small_file_that_only_says_that_it_is_huge_is_refused(client, memory, kind):
    data = bytearray(encoded(PLAIN, kind, **({"lossless": False} if kind == "WebP" else {})))
    if kind == "JPEG":
        at = data.index(b"\xff\xc0") + 5
        data[at : at + 4] = struct.pack(">HH", 60_000, 60_000)
    elif kind == "WebP":
        data[26:30] = struct.pack("<HH", 16383, 16383)
    elif kind == "GIF":
        data[6:10] = struct.pack("<HH", 65_535, 65_535)
    else:
        data[18:26] = struct.pack("<ii", 2**30, -(2**30))
    assert "too large" in refused(client, bytes(data))


def test_a_frame_that_is_larger_than_its_screen_is_refused(client, memory):
    data = bytearray(encoded(PLAIN, "GIF"))
    at = data.index(b",\0\0\0\0") + 5
    data[at : at + 4] = struct.pack("<HH", 65_535, 65_535)
    assert "too large" in refused(client, bytes(data))


def test_two_headers_do_not_deceive(client, memory):
    second = chunk(b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 1, 0, 0, 0, 0))
    data = encoded(PLAIN)
    refused(client, data[:33] + second + data[33:])


def packed(megabytes: int) -> bytes:
    packer, block = zlib.compressobj(9), bytes(2**20)
    return b"".join(packer.compress(block) for _ in range(megabytes)) + packer.flush()


@pytest.mark.parametrize("head", [b"zTXta\0\0", b"iTXta\0\1\0\0\0", b"iCCPa\0\0"])
def test_a_bomb_in_a_text_does_not_keep_the_picture_from_being_opened(client, memory, head):
    data = with_chunks(encoded(PLAIN), chunk(head[:4], head[4:] + packed(300)))
    assert kept(client, data).tobytes() == PLAIN.tobytes()


def test_three_thousand_frames_are_one_picture(client, memory):
    frames = [Image.new("1", (64, 64), n % 2) for n in range(300)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:] * 10)
    assert brought(client, data)["notices"] == ["It is animated; only its first frame is used."]


# Files that are not what they say


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WebP", "GIF", "BMP"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_truncated_file_is_a_sentence(client, kind, share):
    data = encoded(Image.effect_noise((99, 99), 90).convert("RGB"), kind)
    assert "damaged or cut off" in refused(client, data[: int(len(data) * share)])


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"\0", "no picture"),
        (b"\x89PNG\r\n\x1a\n", "damaged or cut off"),
        (b"\xff\xd8\xff\xe0", "damaged or cut off"),
        (b"RIFF\x10\0\0\0WEBP", "damaged or cut off"),
        (b"BM", "damaged or cut off"),
        (b"GIF89a", "damaged or cut off"),
        (b'<svg xmlns="x" onload="alert(1)"><image href="file:///etc/passwd"/></svg>', "an SVG"),
        (b"<!doctype html><script>alert(1)</script>", "a web page"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n(/etc/passwd) (r) file", "an EPS"),
        (b"%PDF-1.7 /OpenAction", "a PDF"),
        (b"8BPS\0\1" + bytes(99), "a Photoshop file"),
        (b"SIMPLE  =                    T", "a FITS file"),
        (encoded(PLAIN, "TIFF"), "a TIFF"),
        (encoded(PLAIN, "ICO"), "an icon"),
        (encoded(PLAIN, "PPM"), "no picture"),
        (b"\0\0\0\x18ftypheic" + bytes(99), "a HEIC"),
        (b"PK\3\4" + bytes(99), "a ZIP archive"),
        (b"#!/bin/sh\nrm -rf /", "no picture"),
        (base64.b64encode(encoded(PLAIN)), "no picture"),
        (b"data:image/png;base64," + base64.b64encode(encoded(PLAIN)), "no picture"),
        (json.dumps({"image": "http://169.254.169.254/"}).encode(), "no picture"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_whatever_is_not_opened_is_called_by_its_name(client, data, said):
    assert said in refused(client, data)


def test_what_a_sender_calls_its_file_counts_for_nothing(client):
    for kind in ("text/html", "image/svg+xml", "application/json", "multipart/form-data"):
        answer = client.post(
            f"{API}/assets", content=encoded(PLAIN), headers={"content-type": kind}
        )
        assert answer.status_code == 201


def test_a_picture_that_is_a_program_too_is_kept_without_the_program(client):
    both = encoded(PLAIN, comment=b"x") + b"<script>alert(1)</script>PK\3\4"
    shown = client.get(f"{API}/assets/{brought(client, both)['id']}.png")
    assert b"script" not in shown.content and b"PK" not in shown.content


# Honest pictures of every sort


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_upright(client, orientation):
    wide = picture(64, 32)
    image = kept(client, encoded(wide, exif=camera(orientation)))
    assert image.size == ((32, 64) if orientation > 4 else (64, 32))


def test_alpha_is_kept_and_shown_on_white(client):
    clear = PLAIN.convert("RGBA")
    clear.putalpha(0)
    added = brought(client, encoded(clear))
    assert added["has_alpha"]
    small = client.get(f"{API}/assets/{added['id']}/thumbnail").content
    assert min(Image.open(io.BytesIO(small)).getpixel((9, 9))) > 250


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "CMYK"])
def test_every_mode_becomes_colours(client, mode):
    if mode == "I;16":
        rows = (b"\0" + b"".join(struct.pack(">H", 1028 * x) for x in range(64))) * 64
        image = kept(client, png(64, 64, 16, 0, rows))
        assert [image.getpixel((x, 5))[0] for x in range(64)] == [4 * x for x in range(64)]
    elif mode == "CMYK":
        data = encoded(Image.new("CMYK", (64, 64), (0, 0, 0, 0)), "JPEG")
        assert min(kept(client, data).getpixel((9, 9))) > 250
    else:
        assert kept(client, encoded(PLAIN.convert(mode))).size == (64, 64)


@pytest.mark.parametrize("kind", ["PNG", "GIF", "WebP"])
def test_an_animation_is_its_first_frame(client, kind):
    data = encoded(PLAIN, kind, save_all=True, append_images=[PLAIN.rotate(90)])
    assert brought(client, data)["notices"] == ["It is animated; only its first frame is used."]


@pytest.mark.parametrize(
    ("size", "said"),
    [((1, 1), "too small"), ((20_000, 10), "at most 8192 a side"), ((64, 7), "too small")],
)
def test_an_odd_shape_is_told_with_its_bound(client, size, said):
    assert said in refused(client, encoded(Image.new("RGB", size)))


@pytest.mark.parametrize(
    "options",
    [
        {"icc_profile": b"not a profile" * 99},
        {"icc_profile": bytes(3_000_000)},
        {"icc_profile": ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()},
        {"exif": b"Exif\0\0II*\0\xff\xff\xff\x7f"},
        {"exif": b"Exif\0\0" + b"\xff" * 60_000},
    ],
    ids=["garbage", "huge", "other space", "beyond the end", "noise"],
)
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WebP"])
def test_a_broken_profile_or_exif_costs_one_notice(client, kind, options):
    (notice,) = brought(client, encoded(PLAIN, kind, **options))["notices"]
    assert "was passed over" in notice


def test_an_exif_that_points_at_itself_ends(client):
    block = b"Exif\0\0II*\0\x08\0\0\0\x02\0"
    block += struct.pack("<HHII", 0x8769, 4, 1, 8) * 2 + struct.pack("<I", 8)
    assert kept(client, encoded(PLAIN, "JPEG", exif=block)).size == (64, 64)


# What pictures say


def with_text(**texts: str) -> bytes:
    info = PngInfo()
    for keyword, text in texts.items():
        info.add_itxt(keyword, text)
    return encoded(PLAIN, pnginfo=info)


@pytest.mark.parametrize(
    "text",
    [
        "a\nSteps: 1e999, Sampler: ../../x, Seed: -1, CFG scale: nan, Size: 0x0, Model: <img>",
        "a\nSteps: 5, Sampler: Euler, Seed: __import__('os').system('id'), Model: ${jndi:ldap://x}",
        "Negative prompt: only\nSteps: 5, Sampler: Euler, Seed: 3",
        'a\nSteps: 5, Sampler: Euler, Seed: 3, Model: absent, Lora hashes: "ghost: 00"',
        "a <lora:ghost:1>\nSteps: 5, Sampler: Euler, Seed: 3, Model: absent",
        "\ud7ff\u202e\u200b\nSteps: 5, Sampler: \u202egpj, Seed: 3",
    ],
)
def test_settings_are_taken_as_far_as_they_go_and_the_rest_is_listed(client, text):
    answer = client.post(f"{API}/reuse", content=with_text(parameters=text))
    assert answer.status_code == 200
    said = answer.json()
    assert said["differences"]
    assert all(sentence.isprintable() for sentence in said["differences"])
    assert "steps" not in said["values"] or 1 <= said["values"]["steps"] <= 150


@pytest.mark.parametrize(
    "data",
    [
        with_text(gesso="{"),
        with_text(gesso="[" * 100_000),
        with_text(gesso='{"recipe": {"version": 1, "steps": 1e999}}'),
        with_text(prompt="{}"),
        bomb(13_000),
        encoded(PLAIN, "JPEG"),
        encoded(PLAIN, "GIF"),
        encoded(PLAIN, "TIFF"),
        b"",
    ],
    ids=lambda data: f"{len(data)}",
)
def test_a_picture_that_says_nothing_usable_is_a_sentence(client, memory, data):
    refused(client, data, path="reuse")


@pytest.mark.parametrize("path", ["assets", "reuse"])
def test_a_hundred_megabytes_of_anything_are_refused_before_they_are_read(client, path):
    refused(client, b"{" * (100 * 2**20), 413, path)


# Damage of every kind


def mutated(data: bytes, chance: random.Random) -> bytes:
    """The file with a few bytes changed, a part cut out, or a part doubled."""
    damaged = bytearray(data)
    for _ in range(chance.randint(1, 12)):
        damaged[chance.randrange(len(damaged))] = chance.choice([0, 255, chance.randrange(256)])
    start = chance.randrange(len(damaged))
    match chance.randrange(4):
        case 0:
            del damaged[start : start + chance.randint(1, 200)]
        case 1:
            damaged[start:start] = damaged[start : start + chance.randint(1, 200)]
    return bytes(damaged)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WebP", "GIF", "BMP"])
def test_no_damage_ends_the_server_and_each_is_answered(client, studio, kind):
    chance = random.Random(kind)
    image = Image.effect_noise((120, 90), 70).convert("RGB").quantize(16).convert("RGB")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    more = {} if kind in ("GIF", "BMP") else {"exif": camera(6), "icc_profile": profile}
    whole = encoded(image, kind, **more)
    before = psutil.Process().memory_info().rss
    answers = []
    for _ in range(300):
        answer = client.post(f"{API}/assets", content=mutated(whole, chance))
        answers.append(answer.status_code)
        assert answer.status_code in (201, 422), answer.text
        assert answer.status_code == 201 or answer.json()["cure"]
    assert {201, 422} <= set(answers)
    assert psutil.Process().memory_info().rss - before < 100 * 2**20
    assert kept(client, whole).size == ((90, 120) if more else (120, 90))
