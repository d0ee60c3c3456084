"""Where things are painted: colour and, where asked for, ground truth from the same outlines.

Lengths are in units: the shorter side of the picture is one unit. Inside `standing`, the origin is
the thing's foot and one unit is its own. x goes right, y goes down.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import skia

from tools.starter.world.light import Light, mix
from tools.starter.world.vocabulary import RGB, SEGMENTS

Point = tuple[float, float]
Normal = tuple[float, float, float]

FRONT: Normal = (0.0, 0.0, 1.0)
UP: Normal = (0.0, 1.0, 0.0)
SKY_DEPTH = 1.0
_EDGE = 0.0055
"""The width of the outlines in the edge map, in units; they lie around a part."""


@dataclass(frozen=True)
class Pen:
    """How a style lays colour: a tone for every colour, an outline, its width in units."""

    tone: Callable[[RGB], RGB] | None = None
    outline: RGB | None = None
    width: float = 0.0


@dataclass(frozen=True)
class Part:
    """What one painted shape is: class, thing (0: none), depth (None: the ground's), normal.

    A round part's normals are an ellipsoid's over `bounds` (left, top, right, bottom in pixels).
    """

    segment: int
    thing: int
    depth: float | None
    normal: Normal
    bounds: tuple[float, float, float, float] | None


class Stage:
    """A picture being painted: `pixels` uint8 [h, w, 4] RGBA.

    With `truth`, `ids` uint8 [h, w, 4] holds each pixel's index into `parts` (in R + 256 G) and
    `outlines` uint8 [h, w, 4] the visible outlines of the parts (in R).
    """

    def __init__(self, size: tuple[int, int], light: Light, pen: Pen, truth: bool) -> None:
        self.width, self.height = size
        self.unit = min(size)
        self.light, self.pen, self.truth = light, pen, truth
        self.pixels = np.zeros((self.height, self.width, 4), np.uint8)
        self._surfaces = [_surface(self.pixels)]
        self.canvas = self._surfaces[0].getCanvas()
        self.parts = [Part(0, 0, SKY_DEPTH, FRONT, None)]
        self.joints: list[np.ndarray] = []
        self._canvases = [self.canvas]
        if truth:
            self.ids, self.outlines = np.zeros_like(self.pixels), np.zeros_like(self.pixels)
            self._surfaces += [_surface(self.ids), _surface(self.outlines)]
            self._ids, self._lines = (s.getCanvas() for s in self._surfaces[1:])
            self._ids.clear(0xFF000000)
            self._lines.clear(0xFF000000)
            self._canvases += [self._ids, self._lines]
        self._segment, self._thing, self._depth = 0, 0, SKY_DEPTH
        self.distance, self.softness, self.side = 0.0, 0.0, 1
        self._only_colour = False
        self._flat: int | None = None
        self._toward: tuple[RGB, float] | None = None

    # Where and what

    @contextmanager
    def being(
        self, segment: str, depth: float | None = None, distance: float = 0.0, thing: int = 0
    ) -> Iterator[None]:
        """Paint parts of class `segment` at `depth` (None: on the ground), in `distance` of air."""
        before = self._segment, self._thing, self._depth, self.distance
        self._segment, self._thing = SEGMENTS.index(segment), thing
        self._depth, self.distance = depth, distance
        yield
        self._segment, self._thing, self._depth, self.distance = before

    @contextmanager
    def standing(self, x: float, y: float, scale: float, facing: int = 1) -> Iterator[None]:
        """Put the origin at pixel (x, y), one unit long `scale` pixels, mirrored if facing is -1.

        `side` says on which side, in the mirrored frame, the light stands.
        """
        self.side = facing * (1 if self.light.sun[0] * self.width > x else -1)
        for canvas in self._canvases:
            canvas.save()
            canvas.translate(x, y)
            canvas.scale(scale * facing, scale)
        yield
        for canvas in self._canvases:
            canvas.restore()

    @contextmanager
    def shadowed(self, slant: float, fall: float, darkness: float) -> Iterator[None]:
        """Paint what follows as one flat shadow lying on the ground, colour only."""
        self.canvas.saveLayerAlpha(None, int(255 * darkness))
        self.canvas.concat(skia.Matrix.MakeAll(1, -slant, 0, 0, -fall, 0, 0, 0, 1))
        before, self._only_colour, self._flat = self._only_colour, True, 0xFF0A1030
        yield
        self._only_colour, self._flat = before, None
        self.canvas.restore()

    @contextmanager
    def reflected(self, water: RGB, amount: float) -> Iterator[None]:
        """Paint what follows upside down, its colours drawn towards `water`, colour only."""
        self.canvas.save()
        self.canvas.scale(1, -1)
        before, self._only_colour, self._toward = self._only_colour, True, (water, amount)
        yield
        self._only_colour, self._toward = before, None
        self.canvas.restore()

    @contextmanager
    def clipped(self, path: skia.Path) -> Iterator[None]:
        """Paint only inside `path`."""
        for canvas in self._canvases:
            canvas.save()
            canvas.clipPath(path, skia.ClipOp.kIntersect, canvas is self.canvas)
        yield
        for canvas in self._canvases:
            canvas.restore()

    @contextmanager
    def clipped_to_world(self, path: skia.Path) -> Iterator[None]:
        """Paint colour only inside `path`, which is in pixels, whatever the frame is."""
        inverse = skia.Matrix()
        self.canvas.getTotalMatrix().invert(inverse)
        local = skia.Path(path)
        local.transform(inverse)
        self.canvas.save()
        self.canvas.clipPath(local, skia.ClipOp.kIntersect, True)
        yield
        self.canvas.restore()

    # Colours

    def colour(self, rgb: RGB, strength: float = 1.0, lit: bool = True, alpha: int = 255) -> int:
        """`rgb` as Skia's ARGB, under the light and in the style's tone.

        `lit` False is for what glows by itself.
        """
        if self._flat is not None:
            return self._flat
        if lit:
            rgb = (rgb[0] * strength, rgb[1] * strength, rgb[2] * strength)
            rgb = self.light.on(rgb, self.distance, self.softness)
        if self._toward:
            rgb = mix(rgb, *self._toward)
        if self.pen.tone:
            rgb = self.pen.tone(rgb)
        r, g, b = (max(0, min(255, int(v))) for v in rgb)
        return (alpha << 24) | (r << 16) | (g << 8) | b

    # Verbs

    def fill(
        self,
        path: skia.Path,
        colour: int,
        normal: Normal = FRONT,
        round: bool = False,
        shader: skia.Shader | None = None,
    ) -> None:
        """A solid part of the scene, with its truth."""
        paint = skia.Paint(AntiAlias=True, Color=colour)
        if shader is not None and self._flat is None:
            paint.setShader(shader)
        if self.pen.outline and not self._only_colour:
            self.canvas.drawPath(path, self._line(2 * self.pen.width, self.colour_of_outline()))
        self.canvas.drawPath(path, paint)
        if self.truth and not self._only_colour:
            self._ids.drawPath(path, skia.Paint(Color=self._register(path, normal, round)))
            self._lines.drawPath(path, self._line(2 * _EDGE, 0xFFFFFFFF))
            self._lines.drawPath(path, skia.Paint(AntiAlias=True, Color=0xFF000000))

    def limb(
        self, points: Sequence[Point], width: float, colour: int, curved: bool = False
    ) -> None:
        """A solid part drawn as a thick line with round ends, through or near its inner points."""
        path = _curve(points) if curved else _line(points)
        if self.pen.outline and not self._only_colour:
            wide = self._local(2 * self.pen.width)
            self.canvas.drawPath(path, _stroke(width + wide, self.colour_of_outline(), True))
        self.canvas.drawPath(path, _stroke(width, colour, True))
        if self.truth and not self._only_colour:
            part = self._register(path, FRONT, False)
            self._ids.drawPath(path, _stroke(width, part, False))
            wide = self._local(2 * _EDGE)
            self._lines.drawPath(path, _stroke(width + wide, 0xFFFFFFFF, True))
            self._lines.drawPath(path, _stroke(width, 0xFF000000, True))

    def shade(self, path: skia.Path, colour: int, shader: skia.Shader | None = None) -> None:
        """Light or decoration upon a part: colour only."""
        if self._flat is not None:
            return
        paint = skia.Paint(AntiAlias=True, Color=colour)
        if shader is not None:
            paint.setShader(shader)
        self.canvas.drawPath(path, paint)

    def mark(self, points: Sequence[Point], width: float, colour: int) -> None:
        """A line of light or decoration: colour only."""
        if self._flat is None:
            self.canvas.drawPath(_line(points), _stroke(width, colour, True))

    def note_joints(self, points: Sequence[Point]) -> None:
        """Remember a thing's joints (local points), in pixels: float32 [n, 2]."""
        if not self._only_colour:
            matrix = self.canvas.getTotalMatrix()
            mapped = [matrix.mapXY(x, y) for x, y in points]
            self.joints.append(np.array([(p.x(), p.y()) for p in mapped], np.float32))

    def colour_of_outline(self) -> int:
        """The outline's ink, paler with distance."""
        assert self.pen.outline
        rgb = mix(self.pen.outline, (255, 255, 255), 0.35 * self.distance)
        return 0xFF000000 | (int(rgb[0]) << 16) | (int(rgb[1]) << 8) | int(rgb[2])

    def _local(self, units: float) -> float:
        """Units of the picture as a length on the present canvas."""
        return units * self.unit / abs(self.canvas.getTotalMatrix().getScaleY() or 1)

    def _line(self, units: float, colour: int) -> skia.Paint:
        return _stroke(self._local(units), colour, True)

    def _register(self, path: skia.Path, normal: Normal, round: bool) -> int:
        bounds = None
        matrix = self.canvas.getTotalMatrix()
        if round:
            box = matrix.mapRect(path.computeTightBounds())
            bounds = (box.left(), box.top(), box.right(), box.bottom())
        if matrix.getScaleX() < 0:
            normal = (-normal[0], normal[1], normal[2])
        self.parts.append(Part(self._segment, self._thing, self._depth, normal, bounds))
        index = len(self.parts) - 1
        return 0xFF000000 | ((index & 255) << 16) | ((index >> 8) << 8)


def _line(points: Sequence[Point]) -> skia.Path:
    return skia.Path.Polygon([skia.Point(*p) for p in points], False)


def _curve(points: Sequence[Point]) -> skia.Path:
    path = skia.Path()
    path.moveTo(*points[0])
    for (x, y), (nx, ny) in pairwise(points[1:-1]):
        path.quadTo(x, y, (x + nx) / 2, (y + ny) / 2)
    path.quadTo(*points[-2], *points[-1])
    return path


def _surface(array: np.ndarray) -> skia.Surface:
    return skia.Surface(array, skia.kRGBA_8888_ColorType, skia.kPremul_AlphaType)


def _stroke(width: float, colour: int, smooth: bool) -> skia.Paint:
    return skia.Paint(
        AntiAlias=smooth,
        Color=colour,
        Style=skia.Paint.kStroke_Style,
        StrokeWidth=width,
        StrokeCap=skia.Paint.kRound_Cap,
        StrokeJoin=skia.Paint.kRound_Join,
    )
