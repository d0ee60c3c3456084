"""Settings of any app's picture, from whichever kind of file carries them."""

import json
import struct
import time
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from pipelines.draft import Draft
from pipelines.errors import RecipeFileError, StudioError
from pipelines.geometry import Size
from pipelines.metadata import exif, save, settings_of
from pipelines.metadata.containers import JPEG
from pipelines.picture import Facts, Picture
from pipelines.recipe import Recipe

EXIF, COMMENT, MAKER_NOTE = 0x8769, 0x9286, 0x927C
TEXT = (
    "a boat, 小船\nNegative prompt: fog\nSteps: 20, Sampler: DPM++ 2M Karras, CFG scale: 7, "
    "Seed: 1, Size: 512x768, Model hash: 0123456789, Model: painter, Version: v1.10.1"
)


def png(**texts: str) -> bytes:
    info = PngInfo()
    for keyword, text in texts.items():
        info.add_itxt(keyword.replace("_dash_", "-"), text)
    return picture("PNG", pnginfo=info)


def picture(kind: str, **options) -> bytes:
    file = BytesIO()
    Image.new("RGB", (8, 8)).save(file, kind, **options)
    return file.getvalue()


def with_exif(kind: str, inner: dict | None = None, outer: dict | None = None) -> bytes:
    tags = Image.Exif()
    tags.update(outer or {})
    tags.get_ifd(EXIF).update(inner or {})
    return picture(kind, exif=tags)


def test_a_picture_of_our_own_gives_its_very_recipe(tmp_path):
    recipe = Recipe.model_validate(
        {"prompt": "a", "seed": 2**64 - 1, "size": "64x64", "checkpoint": {"name": "painter"}}
    )
    facts = Facts(device="cpu", dtype="float32", threads=1, versions={"gesso": "0.1"})
    save(Picture(Image.new("RGB", (64, 64)), recipe, facts), tmp_path / "one.png")
    found = settings_of((tmp_path / "one.png").read_bytes())
    assert (found.app, found.asked, found.facts) == ("Gesso", recipe, facts)
    assert found.ignored == ()


@pytest.mark.parametrize(
    "comment",
    [
        b"UNICODE\0" + TEXT.encode("utf-16-be"),
        b"UNICODE\0" + TEXT.encode("utf-16-le"),
        b"UNICODE\0" + TEXT.encode("utf-16"),
        b"UNICODE\0" + TEXT.encode("utf-16-be") + b"\0\0",
        b"ASCII\0\0\0" + TEXT.encode(),
        bytes(8) + TEXT.encode(),
        TEXT.encode(),
    ],
    ids=["big", "little", "marked", "ended", "ascii", "undefined", "bare"],
)
@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_a_jpeg_or_webp_says_the_same_as_a_png(kind, comment):
    found = settings_of(with_exif(kind, {COMMENT: comment}))
    assert found == settings_of(png(parameters=TEXT))
    assert isinstance(found.asked, Draft)
    assert (found.asked.prompt, found.asked.negative_prompt) == ("a boat, 小船", "fog")
    assert found.asked.size == Size(width=512, height=768)
    assert found.fields["Model hash"] == "0123456789"


@pytest.mark.parametrize(
    ("version", "app"),
    [
        ("v1.10.1", "A1111"),
        ("1.6.0", "A1111"),
        ("f2.0.1v1.10.1-previous-669-gdfdcbab6", "Forge"),
        ("neo", "Forge"),
        ("Gesso 0.1", "Gesso"),
        ("ComfyUI", "ComfyUI"),
        ("Fooocus v2.5.5", "Fooocus"),
        ("whatever", "another app"),
    ],
)
def test_the_version_names_the_app(version, app):
    text = f"a\nSteps: 1, Sampler: Euler, Seed: 2, Version: {version}"
    assert settings_of(png(parameters=text)).app == app


def test_other_dialects_are_told_by_their_marks():
    text = "a\nSteps: 1, Sampler: Euler, Seed: 2"
    assert settings_of(png(parameters=text + ", App: SD.Next")).app == "SD.Next"
    assert settings_of(png(parameters=text, fooocus_scheme="a1111")).app == "Fooocus"
    assert settings_of(png(parameters=text)).app == "another app"


FOOOCUS = json.dumps(
    {
        "prompt": "a", "negative_prompt": "fog", "full_prompt": ["a, cinematic"], "steps": 30,
        "styles": "['Fooocus V2']", "performance": "Speed", "resolution": "(1152, 896)",
        "guidance_scale": 4.0, "base_model": "juggernaut", "base_model_hash": "0123456789",
        "refiner_model": "None", "clip_skip": 2, "sampler": "dpmpp_2m_sde_gpu",
        "scheduler": "karras", "vae": "Default (model)", "seed": "18446744073709551615",
        "lora_combined_1": "ink : 0.5", "metadata_scheme": "fooocus", "version": "Fooocus v2.5.5",
    }
)  # fmt: skip
INVOKE = json.dumps(
    {
        "generation_mode": "txt2img", "positive_prompt": "a", "negative_prompt": None,
        "width": 512, "height": 768, "seed": 7, "rand_device": "cpu", "cfg_scale": 7.5,
        "steps": 30, "scheduler": "dpmpp_2m_k", "seamless_x": False, "clip_skip": 1,
        "model": {"key": "k", "hash": "blake3:00", "name": "painter"}, "app_version": "4.2.0",
        "loras": [{"model": {"name": "ink"}, "weight": 0.5}], "vae": {"name": "soft"},
    }
)  # fmt: skip


@pytest.mark.parametrize(
    ("data", "app"),
    [
        (png(sd_dash_metadata="{}"), "an old InvokeAI"),
        (png(Dream="a -s 50"), "an old InvokeAI"),
        (png(parameters="{}"), "an app Gesso does not know"),
        (png(Software="NovelAI", Comment="?"), "NovelAI"),
    ],
)
def test_a_picture_of_an_app_that_is_not_read_is_called_by_its_name(data, app):
    with pytest.raises(RecipeFileError) as refused:
        settings_of(data)
    assert f"made by {app}, whose settings" in refused.value.message
    assert refused.value.cure


@pytest.mark.parametrize(
    "data",
    [
        png(parameters=FOOOCUS, fooocus_scheme="fooocus"),
        with_exif("JPEG", {COMMENT: b"ASCII\0\0\0" + FOOOCUS.encode()}),
    ],
)
def test_fooocus_says_the_same_in_other_words(data):
    found = settings_of(data)
    draft = found.asked
    assert isinstance(draft, Draft)
    assert (found.app, draft.prompt) == ("Fooocus", "a <lora:ink:0.5>")
    assert (draft.negative_prompt, draft.vae) == ("fog", "None")
    assert (draft.sampler, draft.schedule) == ("dpmpp_2m_sde_gpu", "karras")
    assert (draft.steps, draft.guidance_scale, draft.seed) == (30, 4.0, 2**64 - 1)
    assert (draft.size, draft.clip_skip) == (Size(width=1152, height=896), 2)
    assert (draft.checkpoint, found.fields["Model hash"]) == ("juggernaut", "0123456789")
    assert found.ignored == ("Styles",)


def test_invokeai_says_the_same_in_other_words():
    found = settings_of(png(invokeai_metadata=INVOKE, invokeai_graph="{}"))
    draft = found.asked
    assert isinstance(draft, Draft)
    assert (found.app, draft.prompt) == ("InvokeAI", "a <lora:ink:0.5>")
    assert (draft.negative_prompt, draft.vae) == ("", "soft")
    assert (draft.sampler, draft.steps, draft.guidance_scale) == ("dpmpp_2m_k", 30, 7.5)
    assert (draft.seed, draft.size, draft.clip_skip) == (7, Size(width=512, height=768), 2)
    assert (draft.checkpoint, found.fields["RNG"]) == ("painter", "CPU")
    assert found.ignored == ()


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([*json.loads(FOOOCUS), *json.loads(INVOKE)]) | st.text(max_size=5),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner),
            max_leaves=4,
        ),
    ).map(json.dumps)
)
def test_any_object_is_read_or_refused(text):
    quietly(png(parameters=text))
    quietly(png(invokeai_metadata=text))


def test_settings_in_a1111_format_beside_another_apps_own_are_read():
    found = settings_of(png(parameters=TEXT, prompt='{"3": {}}'))
    assert found.asked.steps == 20


def test_a_prompt_that_begins_with_a_brace_is_a_prompt():
    text = "{red|blue} house\nSteps: 1, Sampler: Euler, Seed: 2"
    assert settings_of(png(parameters=text)).asked.prompt == "{red|blue} house"


@pytest.mark.parametrize(
    "data",
    [
        png(),
        png(parameters=""),
        png(prompt="no graph"),
        picture("JPEG"),
        picture("WEBP"),
        with_exif("JPEG", {COMMENT: b"ASCII\0\0\0Screenshot"}),
        with_exif("JPEG", {MAKER_NOTE: b"Nikon"}, {0x010F: "NIKON"}),
    ],
)
def test_a_picture_that_says_nothing_is_told(data):
    with pytest.raises(RecipeFileError, match="does not say how it was made"):
        settings_of(data)


@pytest.mark.parametrize(
    "data", [b"", b"GIF89a", b"<svg/>", b"RIFF0000WAVE", b"\x89PNG", TEXT.encode()]
)
def test_a_file_of_another_kind_is_told(data):
    with pytest.raises(RecipeFileError, match="not a PNG, JPEG or WebP"):
        settings_of(data)


# Files that mean harm


def quietly(data: bytes) -> None:
    """Reads, or refuses in words; never anything else, and never slowly."""
    start = time.process_time()
    try:
        found = settings_of(data)
    except StudioError as error:
        assert error.message and error.cure
    else:
        found.asked.model_dump_json().encode()
    assert time.process_time() - start < 3


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_a_file_cut_off_anywhere_is_read_or_refused(kind):
    data = with_exif(kind, {COMMENT: b"UNICODE\0" + TEXT.encode("utf-16-be")}, {0x0131: "Krita"})
    for end in range(len(data)):
        quietly(data[:end])


@settings(max_examples=300, deadline=None)
@given(
    kind=st.sampled_from(["JPEG", "WEBP"]),
    changes=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=8),
)
def test_a_file_with_changed_bytes_is_read_or_refused(kind, changes):
    data = bytearray(with_exif(kind, {COMMENT: TEXT.encode(), MAKER_NOTE: b"x" * 9}))
    for place, byte in changes:
        data[20 + place % (len(data) - 20)] = byte
    quietly(bytes(data))


@given(st.binary(max_size=200))
def test_any_bytes_are_an_exif(block):
    size = struct.pack("<I", len(block))
    data = b"RIFF\0\0\0\0WEBPEXIF" + size + block
    assert set(exif.read_texts(data)) <= {0x010E, 0x010F, 0x0110, 0x0131, 0x927C, 0x9286}


def tiff(*entries: tuple[int, int, int, int], body: bytes = b"") -> bytes:
    """A WebP whose EXIF has one directory of these entries and then `body`."""
    block = b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries))
    block += b"".join(struct.pack("<HHII", *entry) for entry in entries) + body
    return b"RIFF\0\0\0\0WEBPEXIF" + struct.pack("<I", len(block)) + block


@pytest.mark.parametrize(
    "data",
    [
        tiff(*[(COMMENT, 7, 8_000_000, 0)] * 65_535, body=b"x" * 8_000_000),
        tiff(*[(tag, 7, 7_000_000, 16) for tag in range(65_535)], body=b"x" * 8_000_000),
        tiff((EXIF, 4, 1, 8), (COMMENT, 7, 2**32 - 1, 2**32 - 1)),
        tiff((EXIF, 4, 1, 2**32 - 1)),
        JPEG[:2] + b"\xff\xe2\x00\x02" * 5_000_000,
        JPEG[:2] + b"\xff" * 20_000_000,
        b"RIFF\0\0\0\0WEBP" + b"VP8 \0\0\0\0" * 3_000_000,
        png(parameters="[" * 1_000_000),
        png(parameters="{" * 1_000_000),
        png(parameters='{"a":' * 100_000),
        png(parameters="a\nSteps: 1e999, Sampler: Euler, CFG scale: 1e999, Seed: 9e9, Size: 1x1"),
        png(parameters='a\nSteps: 1, Sampler: "\\ud800", Seed: 2, Model: "\\udfff"'),
        png(parameters="<script>alert(1)</script>\nSteps: 1, Sampler: <b>, Seed: 2, Model: ../x"),
        png(gesso='{"recipe": {"version": 1, "prompt": "\\ud800"}}'),
        png(gesso="[" * 1_000_000),
        png(invokeai_metadata="{" * 1_000_000),
        png(invokeai_metadata='{"seed": ' + "9" * 5000 + "}"),
        png(parameters='{"base_model": "\\ud800", "\\udfff": 1, "seed": [[[]]]}'),
    ],
    ids=lambda data: f"{data[:4]!r}{len(data)}",
)  # fmt: skip
def test_hostile_files_are_read_or_refused_at_once(data):
    quietly(data)
