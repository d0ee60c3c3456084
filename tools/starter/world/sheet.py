"""Contact sheets of painted scenes: python -m tools.starter.world.sheet out.png --seeds 64."""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from tools.starter.sheet import contact_sheet
from tools.starter.world.paint import Painting, paint
from tools.starter.world.scene import scene
from tools.starter.world.truth import Pose
from tools.starter.world.vocabulary import SEGMENTS, STYLES

_BONES = ((1, 0), (1, 2), (2, 3), (3, 4), (1, 5), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11))
_BONES += ((11, 12), (12, 13))
_LIMBS = (
    (0, 2),
    (2, 3),
    (3, 4),
    (2, 5),
    (5, 6),
    (2, 7),
    (7, 8),
    (3, 9),
    (9, 10),
    (3, 11),
    (11, 12),
)


def views(painting: Painting) -> list[np.ndarray]:
    """The picture and its truth, each uint8 [h, w, 3]: depth, normals, segments, edges, poses."""
    truth = painting.truth
    assert truth
    depth = np.repeat((255 * (1 - truth.depth)).astype(np.uint8)[..., None], 3, -1)
    normals = ((truth.normals + 1) * 127.5).astype(np.uint8)
    colours = np.random.default_rng(4).integers(40, 256, (len(SEGMENTS), 3)).astype(np.uint8)
    edges = np.repeat(truth.edges[..., None], 3, -1)
    bones = Image.fromarray(painting.pixels // 3)
    for pose in truth.poses:
        _draw_bones(ImageDraw.Draw(bones), pose)
    return [painting.pixels, depth, normals, colours[truth.segments], edges, np.asarray(bones)]


def _draw_bones(pen: ImageDraw.ImageDraw, pose: Pose) -> None:
    assert pose.visible is not None
    points = [tuple(map(float, joint)) for joint in pose.joints]
    for a, b in _BONES if len(points) == 18 else _LIMBS:
        if pose.visible[a] and pose.visible[b]:
            pen.line((*points[a], *points[b]), (90, 200, 255), 2)
    for (x, y), seen in zip(points, pose.visible, strict=True):
        if seen:
            pen.ellipse(
                (x - 2, y - 2, x + 2, y + 2), (255, 240, 80) if seen == 2 else (255, 60, 60)
            )


def main() -> None:
    """Write a contact sheet."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seeds", type=int, default=64, help="how many scenes")
    parser.add_argument("--first", type=int, default=0, help="the first scene's seed")
    parser.add_argument("--truth", action="store_true", help="a row of truth for each scene")
    parser.add_argument("--held-out", action="store_true", help="only held-out combinations")
    parser.add_argument("--style", choices=STYLES, help="all scenes in this style")
    parser.add_argument("--size", type=int, nargs=2, default=(256, 256), metavar=("W", "H"))
    options = parser.parse_args()
    pictures = []
    for seed in range(options.first, options.first + options.seeds):
        drawn = scene(seed, options.held_out)
        drawn = replace(drawn, style=options.style) if options.style else drawn
        painting = paint(drawn, tuple(options.size), options.truth)
        pictures += views(painting) if options.truth else [painting.pixels]
        print(seed, painting.caption)
    columns = 6 if options.truth else min(8, options.seeds)
    contact_sheet([Image.fromarray(picture) for picture in pictures], columns).save(options.out)


if __name__ == "__main__":
    main()
