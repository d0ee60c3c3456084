"""Pictures as files, made in no time: a few pixels, and a real recipe."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from PIL import Image

from pipelines.geometry import Size
from pipelines.metadata import save
from pipelines.picture import Facts, Picture
from pipelines.recipe import ModelRef, Recipe

FACTS = Facts(device="cpu", dtype="float32", threads=1, versions={"torch": "2.15.0"})


@cache
def png(prompt: str = "a red house", seed: int = 1, checkpoint: str = "tiny") -> bytes:
    """The bytes of a picture that carries this recipe."""
    recipe = Recipe(
        prompt=prompt,
        seed=seed,
        size=Size(width=64, height=64),
        checkpoint=ModelRef(name=checkpoint),
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.png"
        save(Picture(Image.new("RGB", (64, 64), "tan"), recipe, FACTS), path)
        return path.read_bytes()


def put(outputs: Path, picture: str, data: bytes | None = None, day: str | None = None) -> Path:
    """Drop a picture into the folder by hand: into that of the day in its id, or another one."""
    folder = outputs / (day or f"{picture[:4]}-{picture[4:6]}-{picture[6:8]}")
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{picture}.png"
    file.write_bytes(png() if data is None else data)
    return file
