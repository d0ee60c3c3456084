"""Outlines: polygons, smooth blobs, ovals, and gradients to fill them."""

from collections.abc import Sequence
from itertools import pairwise

import skia

from tools.starter.world.stage import Point


def polygon(*points: Point) -> skia.Path:
    """A closed polygon."""
    return skia.Path.Polygon([skia.Point(*p) for p in points], True)


def box(left: float, top: float, right: float, bottom: float) -> skia.Path:
    """A rectangle."""
    return skia.Path.Rect(skia.Rect(left, top, right, bottom))


def disc(x: float, y: float, r: float) -> skia.Path:
    """A circle."""
    return skia.Path.Circle(x, y, r)


def oval(x: float, y: float, rx: float, ry: float) -> skia.Path:
    """An ellipse about (x, y)."""
    return skia.Path.Oval(skia.Rect(x - rx, y - ry, x + rx, y + ry))


def blob(points: Sequence[Point]) -> skia.Path:
    """A smooth closed outline near `points`: quadratic B-spline (its points are the controls)."""
    path = skia.Path()
    (ax, ay), (bx, by) = points[-1], points[0]
    path.moveTo((ax + bx) / 2, (ay + by) / 2)
    for i, (x, y) in enumerate(points):
        nx, ny = points[(i + 1) % len(points)]
        path.quadTo(x, y, (x + nx) / 2, (y + ny) / 2)
    path.close()
    return path


def under(points: Sequence[Point], bottom: float) -> skia.Path:
    """What lies between a smooth line through about `points` (left to right) and row `bottom`."""
    path = skia.Path()
    path.moveTo(points[0][0], bottom)
    path.lineTo(*points[0])
    for (x, y), (nx, ny) in pairwise(points[1:]):
        path.quadTo(x, y, (x + nx) / 2, (y + ny) / 2)
    path.lineTo(*points[-1])
    path.lineTo(points[-1][0], bottom)
    path.close()
    return path


def union(paths: Sequence[skia.Path]) -> skia.Path:
    """Paths of one orientation (discs, ovals, boxes) as one."""
    out = skia.Path()
    for path in paths:
        out.addPath(path)
    return out


def down(top: float, bottom: float, *colours: int) -> skia.Shader:
    """A vertical gradient."""
    return skia.GradientShader.MakeLinear([(0, top), (0, bottom)], list(colours))


def glow(x: float, y: float, r: float, colour: int) -> skia.Shader:
    """A radial gradient from `colour` to nothing."""
    return skia.GradientShader.MakeRadial((x, y), r, [colour, colour & 0x00FFFFFF])
