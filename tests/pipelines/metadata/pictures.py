"""Pictures that say how they were made."""

from io import BytesIO

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from pipelines.draft import Draft
from pipelines.metadata import Found, settings_of


def png(**texts: str) -> bytes:
    info, file = PngInfo(), BytesIO()
    for keyword, text in texts.items():
        info.add_itxt(keyword, text)
    Image.new("RGB", (8, 8)).save(file, "PNG", pnginfo=info)
    return file.getvalue()


def read(**texts: str) -> tuple[Found, Draft]:
    found = settings_of(png(**texts))
    assert isinstance(found.asked, Draft)
    return found, found.asked
