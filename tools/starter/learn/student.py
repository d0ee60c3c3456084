"""A UNet while it learns, with a head that tells what each place of the picture is to show.

The noise that it is asked for says little, and noisily, of what a thing is; told outright, halfway
up, it is a clear lesson beside that one. The idea is that of Yu et al. (2024), who take what to
tell from the features of another network; the painted world knows the truth. The head is left
behind in the end.
"""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tools.starter.learn.places import SEGMENT, THING
from tools.starter.world.scene import Scene
from tools.starter.world.vocabulary import COLOURS, POSES, SEGMENTS

_CLASSES = (len(SEGMENTS), len(COLOURS), len(POSES))
_UNKNOWN = -100
"""What cross-entropy passes over: the colour and the pose of sky and ground."""


class Student(nn.Module):
    """`unet` is the member's own; `heads` read the features below its last block."""

    def __init__(self, unet: nn.Module) -> None:
        super().__init__()
        self.unet = unet
        width = unet.up_blocks[1].resnets[-1].conv2.out_channels
        self.heads = nn.Conv2d(width, sum(_CLASSES), 1)
        self._features = torch.empty(0)
        unet.up_blocks[1].register_forward_hook(self._keep)

    def _keep(self, _block: nn.Module, _inputs: object, features: Tensor) -> None:
        self._features = features

    def meaning_loss(self, labels: Tensor) -> Tensor:
        """Cross-entropy of segment, colour and pose after a forward pass; `labels` as `meaning`."""
        logits = self.heads(self._features.float())
        logits = F.interpolate(logits, size=labels.shape[-2:])
        parts = logits.split(_CLASSES, 1)
        losses = [
            F.cross_entropy(part, labels[:, k], ignore_index=_UNKNOWN, reduction="sum")
            / (labels[:, k] != _UNKNOWN).sum().clamp(min=1)
            for k, part in enumerate(parts)
        ]
        return torch.stack(losses).mean()


def meaning(places: np.ndarray, scenes: Sequence[Scene]) -> Tensor:
    """Classes of segment, colour and pose at each place: int64 [n, 3, h, w].

    `places` uint8 [n, 3, h, w] are those of `known_places`, turned as the scenes are.
    """
    colours, poses = np.full((2, len(scenes), 4), _UNKNOWN)
    for i, scene in enumerate(scenes):
        for k, thing in enumerate(scene.things, 1):
            colours[i, k], poses[i, k] = COLOURS.index(thing.colour), POSES.index(thing.pose)
    rows, thing = np.arange(len(scenes))[:, None, None], places[:, THING]
    known = [places[:, SEGMENT].astype(np.int64), colours[rows, thing], poses[rows, thing]]
    return torch.from_numpy(np.stack(known, 1))
