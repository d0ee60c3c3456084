"""Ground truth from the same outlines that the picture was painted with."""

from dataclasses import dataclass

import numpy as np

from tools.starter.world.scene import Thing
from tools.starter.world.stage import Part, Stage
from tools.starter.world.vocabulary import ANIMAL_13, COCO_18, PEOPLE


@dataclass(frozen=True)
class Pose:
    """A person's or an animal's joints, float32 [18 or 13, 2], in pixels (x, y).

    `index` is the thing's number in `Truth.things`. Joints an animal lacks are NaN.
    """

    thing: Thing
    index: int
    joints: np.ndarray
    visible: np.ndarray | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """What each joint is called."""
        return COCO_18 if self.thing.kind in PEOPLE else ANIMAL_13


@dataclass(frozen=True)
class Truth:
    """What is known of every pixel. Styles and weather change none of it.

    `depth` float32 [h, w]: 0 at the lower edge of the picture, 1 at the horizon and beyond: one
    minus the disparity of a flat ground. A thing has its foot's depth all over.
    `normals` float32 [h, w, 3], unit length: x right, y up, z towards the viewer, as the sky's.
    `segments` uint8 [h, w]: indices into SEGMENTS. `things` uint8 [h, w]: 0, or 1 + the place of
    the thing in the scene. `edges` uint8 [h, w]: 255 on outlines that can be seen, antialiased.
    `poses`: of all people and animals; visible is 2 for a joint in sight of the viewer, 1 for one
    behind something else, 0 for one outside the picture or lacking (COCO's flags).
    """

    depth: np.ndarray
    normals: np.ndarray
    segments: np.ndarray
    things: np.ndarray
    edges: np.ndarray
    poses: tuple[Pose, ...]


def truth_of(st: Stage, horizon: float, poses: list[Pose]) -> Truth:
    """The truth of what was painted on `st`, its horizon at pixel row `horizon`."""
    ids = st.ids[..., 0].astype(np.intp) + 256 * st.ids[..., 1].astype(np.intp)
    parts = st.parts
    segments = np.array([p.segment for p in parts], np.uint8)[ids]
    things = np.array([p.thing for p in parts], np.uint8)[ids]
    rows = (np.arange(st.height, dtype=np.float32) + 0.5 - horizon) / (st.height - horizon)
    ground = np.broadcast_to(np.clip(1 - rows, 0, 1)[:, None], ids.shape)
    depth = np.array([np.nan if p.depth is None else p.depth for p in parts], np.float32)[ids]
    depth = np.where(np.isnan(depth), ground, depth).astype(np.float32)
    normals = np.array([p.normal for p in parts], np.float32)[ids]
    for index, part in enumerate(parts):
        if part.bounds is not None:
            _bulge(normals, ids == index, part)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    seen = tuple(Pose(p.thing, p.index, p.joints, _visible(p, things)) for p in poses)
    return Truth(depth, normals, segments, things, st.outlines[..., 0].copy(), seen)


def _bulge(normals: np.ndarray, mask: np.ndarray, part: Part) -> None:
    assert part.bounds
    left, top, right, bottom = part.bounds
    y, x = np.nonzero(mask)
    nx = (x + 0.5 - (left + right) / 2) / max((right - left) / 2, 1)
    ny = -(y + 0.5 - (top + bottom) / 2) / max((bottom - top) / 2, 1)
    nz = np.sqrt(np.clip(1 - nx**2 - ny**2, 0.02, 1))
    normals[y, x] = np.stack((nx, ny, nz), -1)


def _visible(pose: Pose, things: np.ndarray) -> np.ndarray:
    h, w = things.shape
    flags = np.zeros(len(pose.joints), np.uint8)
    for i, (x, y) in enumerate(pose.joints):
        if np.isfinite(x) and 0 <= x < w and 0 <= y < h:
            flags[i] = 2 if things[int(y), int(x)] == pose.index else 1
    return flags
