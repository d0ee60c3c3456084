"""What a file is, by its first bytes; its name and what its sender calls it count for nothing."""

from __future__ import annotations

from pipelines.errors import ImageFileError

OPENED = ("PNG", "JPEG", "WebP", "GIF", "BMP")
"""Kinds that Gesso opens."""

_STARTS = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "a TIFF or camera raw file"),
    (b"MM\0*", "a TIFF or camera raw file"),
    (b"II+\0", "a TIFF or camera raw file"),
    (b"MM\0+", "a TIFF or camera raw file"),
    (b"8BPS", "a Photoshop file"),
    (b"%PDF", "a PDF"),
    (b"%!PS", "an EPS"),
    (b"\xc5\xd0\xd3\xc6", "an EPS"),
    (b"\0\0\1\0", "an icon file"),
    (b"\xff\x0a", "a JPEG XL"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000"),
    (b"SIMPLE  =", "a FITS file"),
    (b"v/1\x01", "an OpenEXR file"),
    (b"#?RADIANCE", "a Radiance HDR file"),
    (b"gimp xcf", "a GIMP file"),
    (b"DDS ", "a DDS texture"),
    (b"qoif", "a QOI picture"),
    (b"\x1aE\xdf\xa3", "a video"),
    (b"PK\3\4", "a ZIP archive"),
)
_BRANDS = {
    b"avif": "an AVIF", b"avis": "an AVIF",
    b"heic": "a HEIC", b"heix": "a HEIC", b"hevc": "a HEIC", b"heim": "a HEIC", b"heis": "a HEIC",
    b"mif1": "a HEIC", b"msf1": "a HEIC",
}  # fmt: skip
_LAYERED = {b"image/openraster": "an OpenRaster file", b"application/x-krita": "a Krita file"}
_NO_PICTURES = {
    "a web page": "Open the picture alone, save it, and bring that.",
    "a model file": "Put it into the folder of its kind under models/.",
}
"""What to do with files that were never meant as pictures."""
_TEXT = 1024
"""Bytes in which a text says what it is."""


def kind_of(data: bytes) -> str:
    """One of `OPENED`. Raises ImageFileError, which calls any other kind by its name."""
    kind = _by_signature(data) or _by_text(data[:_TEXT].lower())
    if kind in OPENED:
        return kind
    if not data:
        raise ImageFileError("This file is empty.", "Save or download it again.")
    if kind is None:
        raise ImageFileError("This is no picture.", "Choose a picture file.")
    if kind in _NO_PICTURES:
        raise ImageFileError(f"This is {kind}, not a picture.", _NO_PICTURES[kind])
    raise ImageFileError(
        f"This is {kind}, which Gesso does not open.",
        "Save it as PNG, JPEG or WebP, and bring that.",
    )


def _by_signature(data: bytes) -> str | None:
    if data[:4] == b"RIFF":
        return "WebP" if data[8:12] == b"WEBP" else "a sound or video"
    if data[4:8] == b"ftyp":
        return _BRANDS.get(data[8:12], "a video")
    if data[:4] == b"PK\3\4" and data[30:38] == b"mimetype":
        named = (name for mark, name in _LAYERED.items() if data[38:].startswith(mark))
        return next(named, "a ZIP archive")
    if data[8:10] == b'{"' and data[4:8] == b"\0\0\0\0":  # safetensors
        return "a model file"
    return next((kind for start, kind in _STARTS if data.startswith(start)), None)


def _by_text(start: bytes) -> str | None:
    if b"<svg" in start:
        return "an SVG"
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"<!doctype html", b"<html")):
        return "a web page"
    return None
