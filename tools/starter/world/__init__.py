"""The painted world: scenes with depth, weather, people and animals, and the truth about each.

`scene(seed)` decides everything, `paint(scene)` paints it; `captions(scene)` says it.
"""

from tools.starter.world.paint import Painting, paint
from tools.starter.world.scene import Scene, Thing, held_out, mirrored, scene
from tools.starter.world.truth import Pose, Truth
from tools.starter.world.words import caption, captions, say

__all__ = [
    "Painting",
    "Pose",
    "Scene",
    "Thing",
    "Truth",
    "caption",
    "captions",
    "held_out",
    "mirrored",
    "paint",
    "say",
    "scene",
]
