"""From a file to upright 8-bit sRGB pixels. Runs in the child alone: here Pillow decodes.

Alpha is kept where it says something, with the colours under it as they are.
"""

from __future__ import annotations

import hashlib
from io import BytesIO

from PIL import Image, ImageCms

from pipelines.errors import ImageFileError
from pipelines.images.bare import bare
from pipelines.images.sizes import Header, Limits, admit, damaged

_BAD_PROFILE = "Its colour profile does not fit and was passed over: colours are taken as sRGB."
_ANIMATED = "It is animated; only its first frame is used."
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What undoes each orientation of EXIF."""
_SPACES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
"""Pillow's modes for the colour spaces of profiles."""


def decode(data: bytes, header: Header, limits: Limits) -> tuple[Image.Image, list[str]]:
    """The picture, "RGB" or "RGBA", and what to tell of it. Raises ImageFileError."""
    source = bare(data, header.kind)
    notices = [*source.notices, *([_ANIMATED] if header.animated else [])]
    try:
        with Image.open(BytesIO(source.pixels), formats=[header.kind]) as opened:
            admit(*opened.size, limits)  # the decoder may have read another size
            opened.load()
            image = opened
    except (OSError, SyntaxError, ValueError, EOFError, OverflowError) as error:
        raise damaged(header.kind) from error
    except MemoryError as error:
        raise too_much(header.kind) from error
    colours, alpha = _parted(image)
    try:
        colours = _standard(colours, source.profile)
    except (ImageCms.PyCMSError, OSError, ValueError):
        notices.append(_BAD_PROFILE)
        colours = colours.convert("RGB")
    if alpha is not None:
        colours.putalpha(alpha)
    if source.orientation != 1:
        colours = colours.transpose(_UPRIGHT[source.orientation])
    colours.info = {}  # Pillow would write what it knows into the next file
    return colours, notices


def digest(image: Image.Image) -> str:
    """sha256 of mode, size and pixels: equal pictures have equal names, however they are packed."""
    return hashlib.sha256(
        f"{image.mode} {image.width}x{image.height}\n".encode() + image.tobytes()
    ).hexdigest()


def small(image: Image.Image, side: int) -> bytes:
    """A JPEG at most `side` pixels wide and high, on white."""
    scale = min(1.0, side / max(image.size))
    width, height = (max(1, round(length * scale)) for length in image.size)
    shown = image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3)
    if shown.mode == "RGBA":
        ground = Image.new("RGBA", shown.size, "white")
        shown = Image.alpha_composite(ground, shown).convert("RGB")
    file = BytesIO()
    shown.save(file, "JPEG", quality=85)
    return file.getvalue()


def too_much(kind: str) -> ImageFileError:
    """The memory that is granted does not suffice."""
    return ImageFileError(
        f"This {kind} takes more memory to open than a picture may.", "Make it smaller."
    )


def _parted(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """8-bit colours ("L", "RGB" or "CMYK"), and the alpha channel where it is not all opaque."""
    if image.mode.startswith("I;16"):
        # `convert` would cut off what is above 255.
        image = image.point(lambda value: value * (1 / 257) + 0.5).convert("L")
    elif image.mode == "PA" or _marks_transparent(image):
        image = image.convert("RGBA")
    if image.mode in ("LA", "RGBA"):
        *bands, alpha = image.split()
        colours = bands[0] if len(bands) == 1 else Image.merge("RGB", bands)
        return colours, None if alpha.getextrema() == (255, 255) else alpha
    return (image if image.mode in _SPACES.values() else image.convert("RGB")), None


def _marks_transparent(image: Image.Image) -> bool:
    """Whether a colour stands for transparency; that of 16 bits a channel is not in the pixels."""
    mark = image.info.get("transparency")
    if mark is None or image.mode == "P":
        return mark is not None
    return all(value < 256 for value in (mark if isinstance(mark, tuple) else (mark,)))


def _standard(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The colours in sRGB, as the profile says they were meant."""
    if profile is None:
        return image.convert("RGB")
    meant = ImageCms.getOpenProfile(BytesIO(profile))
    if "sRGB" in ImageCms.getProfileDescription(meant):
        return image.convert("RGB")  # without the rounding of a transform
    mode = _SPACES.get(profile[16:20].decode("latin-1").strip())  # ICC.1:2022, 7.2.6
    if mode is None or (mode == "CMYK") != (image.mode == "CMYK"):
        raise ValueError(f"a profile for {mode} on a picture of {image.mode}")
    converted = ImageCms.profileToProfile(
        image.convert(mode),
        meant,
        ImageCms.createProfile("sRGB"),
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        "RGB",
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    assert converted is not None  # only a transform in place gives nothing
    return converted
