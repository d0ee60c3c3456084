"""The judge: a small classifier that tells a picture's attributes, one head for each of HEADS."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn

from tools.starter.learn.loop import Training, device, half
from tools.starter.learn.text import attribute_loss
from tools.starter.learn.vae import to_tensor
from tools.starter.world.questions import HEADS, labels
from tools.starter.world.scene import Scene, mirrored

SIDE = 256
_WIDTHS = (24, 48, 96, 144, 192)
_GRID = (4, 6)
"""Rows and columns of places that the heads look at: two columns for each third of a picture."""


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1),
            nn.GroupNorm(8, width),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.GroupNorm(8, width),
        )

    def forward(self, x: Tensor) -> Tensor:
        return F.silu(x + self.layers(x))


class Probe(nn.Module):
    """Pictures [n, 3, 256, 256] in -1..1 to one row of logits over all HEADS, side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, _WIDTHS[0], 5, stride=2, padding=2)
        self.stages = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(a, b, 3, stride=2, padding=1), nn.GroupNorm(8, b), nn.SiLU(), _Residual(b)
            )
            for a, b in pairwise(_WIDTHS)
        )
        self.narrow = nn.Conv2d(_WIDTHS[-1], 48, 1)
        places = _GRID[0] * _GRID[1] * 48
        self.out = nn.Linear(places + _WIDTHS[-1], sum(map(len, HEADS.values())))

    def forward(self, pictures: Tensor) -> Tensor:
        x = F.silu(self.first(pictures))
        for stage in self.stages:
            x = stage(x)
        places = F.adaptive_avg_pool2d(F.silu(self.narrow(x)), _GRID).flatten(1)
        return self.out(torch.cat([places, x.mean((2, 3))], 1))

    @torch.inference_mode()
    def read(self, pictures: np.ndarray) -> list[dict[str, str]]:
        """What the probe sees in uint8 pictures [n, 256, 256, 3]: a value for each head."""
        seen = []
        for i in range(0, len(pictures), 32):
            parts = [
                p.argmax(-1).tolist() for _, p in split_heads(self(to_tensor(pictures[i : i + 32])))
            ]
            for row in zip(*parts, strict=True):
                seen.append({n: HEADS[n][k] for n, k in zip(HEADS, row, strict=True)})
        return seen


def split_heads(logits: Tensor) -> Iterator[tuple[str, Tensor]]:
    """Each head's name and its part of the last dimension."""
    sizes = [len(values) for values in HEADS.values()]
    return zip(HEADS, logits.split(sizes, -1), strict=True)


def load_probe(path: Path) -> Probe:
    """The probe at `path`, ready to read."""
    probe = Probe()
    probe.load_state_dict({k: v.float() for k, v in load_file(path).items()})
    return probe.eval().to(device())


def train_probe(
    pictures: np.ndarray,
    seen: np.ndarray,
    scenes: Sequence[Scene],
    path: Path,
    steps: int,
    batch: int = 32,
    begin: Mapping[str, Tensor] | None = None,
) -> Probe:
    """Train on pictures of `scenes`; `seen` are the first of them through the autoencoder.

    They are mirrored, moved, dimmed and covered with noise, for a checkpoint's pictures differ from
    painted ones in more than what is asked. Resumes from `path` and writes there; `begin` are the
    weights of an earlier judge to begin with, which then changes slowly.
    """
    torch.manual_seed(3)
    probe = Probe()
    if begin:
        probe.load_state_dict(begin)
    run = Training(path, probe, ("first", "out"), peak=5e-4 if begin else 2e-3, average=0.998)
    painted = len(pictures)
    for step in run.until(steps):
        rng = np.random.default_rng((6, step))
        picks = rng.integers(0, painted + len(seen), batch)
        flips = rng.random(batch) < 0.5
        rows = [pictures[i] if i < painted else seen[i - painted] for i in picks]
        rows = [row[:, ::-1] if flip else row for row, flip in zip(rows, flips, strict=True)]
        drawn = [scenes[i % painted] for i in picks]
        drawn = [mirrored(one) if flip else one for one, flip in zip(drawn, flips, strict=True)]
        x = _disturbed(np.stack(rows), rng)
        with half():
            logits = run.model(x)
        wanted = torch.from_numpy(np.stack([labels(scene) for scene in drawn])).to(x.device)
        run.learn(attribute_loss(logits.float()[:, None], wanted))
    return run.average.model


def _disturbed(pictures: np.ndarray, rng: np.random.Generator) -> Tensor:
    dy, dx = rng.integers(-6, 7, 2)
    ys, xs = (np.clip(np.arange(SIDE) + d, 0, SIDE - 1) for d in (dy, dx))
    x = to_tensor(pictures[:, ys][:, :, xs])
    gain = torch.from_numpy(rng.uniform(0.92, 1.08, (len(x), 1, 1, 1)).astype(np.float32))
    noise = torch.from_numpy(rng.standard_normal(tuple(x.shape), np.float32))
    level = torch.from_numpy(rng.uniform(0, 0.08, (len(x), 1, 1, 1)).astype(np.float32))
    return x * gain.to(x.device) + (noise * level).to(x.device)


def accuracy(probe: Probe, pictures: np.ndarray, scenes: Sequence[Scene]) -> dict[str, float]:
    """How often each head is right on pictures of known scenes."""
    seen = probe.read(pictures)
    return {
        name: float(
            np.mean([s[name] == d.attributes[name] for s, d in zip(seen, scenes, strict=True)])
        )
        for name in HEADS
    }


def as_array(pictures: Sequence[Image.Image]) -> np.ndarray:
    """Pictures as the probe reads them: uint8 [n, 256, 256, 3]."""
    small = [p.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX) for p in pictures]
    return np.stack([np.asarray(p) for p in small])
