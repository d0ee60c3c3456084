"""What SDXL's kind is told of a picture's former size, against the sharpness of what it paints."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image
from scipy.ndimage import laplace

from benchmarks.fidelity.accuracy import EXAMPLE, ROW
from benchmarks.fidelity.finding import NUMBER, Chart, Finding, Row, at_most
from benchmarks.fidelity.scenes import unseen
from benchmarks.fidelity.studio import Studio
from pipelines.geometry import Size
from pipelines.recipe import SizeConditioning
from tools.starter.learn.views import View, paint_view
from tools.starter.world.questions import questions

XL = "starter-xl"
SIDES = (64, 96, 128, 192, 256)


def measure(studio: Studio, prompts: int = 4) -> Finding:
    """The same prompts and seeds, told another original size; beside painted scenes that were
    scaled down to it and up again, as the checkpoint saw them."""
    asked, drawn = questions(prompts), unseen(prompts)

    def paint(prompt: str, seed: int, side: int) -> Image.Image:
        return studio.paint(prompt, seed, checkpoint=XL, size_conditioning=told(side, side))

    made = [
        sharpness([paint(q.prompt, seed, side) for seed, q in enumerate(asked)]) for side in SIDES
    ]
    wanted = [
        sharpness([Image.fromarray(paint_view(each, View((side, side)))) for each in drawn])
        for side in SIDES
    ]
    lines = {
        which: [figure / figures[-1] for figure in figures]
        for which, figures in ((XL, made), ("painted scenes of that size", wanted))
    }
    claims = [at_most(f"{XL} told 64 px: sharpness over that at 256", lines[XL][0], 0.6, NUMBER)]
    chart = Chart("Told original size", "pixels", "sharpness", SIDES, lines)
    tile = f"{XL}, told: once 64 px", paint(EXAMPLE, 1, 64)
    return Finding(claims, chart, Row(ROW, EXAMPLE, [tile]))


def told(width: int, height: int, left: int = 0) -> SizeConditioning:
    """What the UNet is told: the original's size, and the crop's left edge."""
    native = Size(width=256, height=256)
    return SizeConditioning(
        original=Size(width=width, height=height), crop_left=left, target=native
    )


def sharpness(pictures: Sequence[Image.Image]) -> float:
    """Mean magnitude of the luma's Laplacian, levels of 255: edges and grain one pixel wide."""
    lumas = [np.asarray(picture.convert("L"), np.float64) for picture in pictures]
    return float(np.mean([np.abs(laplace(luma)).mean() for luma in lumas]))
