"""Trains a member's UNet on cached latents of captioned scenes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers.models.attention_processor import AttnProcessor
from torch import Tensor, nn

from pipelines.models.skeleton import alphas_cumprod
from tools.starter.learn.configs import build, read_config, variant
from tools.starter.learn.loop import Training, device, half, load_state
from tools.starter.learn.places import SHARE
from tools.starter.learn.student import Student, meaning
from tools.starter.learn.text import Reader
from tools.starter.learn.views import view_of
from tools.starter.world.scene import Scene, mirrored
from tools.starter.world.words import say

_SNR_CUT = 5.0
_THINGS_COUNT = 4.0
"""Times more than sky and ground; the best guess at each place stays the same."""
_MEANING = 0.1
"""Of the head's loss beside the denoiser's, which is about as large then."""
_EDGE = ("unet.conv_in", "unet.conv_out", "unet.time_embedding", "unet.add_embedding", "heads")


def train_unet(
    member: str,
    latents: np.ndarray,
    places: np.ndarray,
    scenes: Sequence[Scene],
    reader: Reader,
    path: Path,
    steps: int,
    half_size_steps: int = 0,
    batch: int = 32,
    kin: Mapping[str, Tensor] | None = None,
) -> None:
    """Train up to `steps`, resuming from `path` and writing there; `kin` are weights to begin with.

    `latents` [n, 2, 4, h, w], of spread 1, are those of each scene and of its mirror image.
    `places` uint8 [n, 3, h, w] are those of `known_places`: most of a picture is sky and ground,
    most of what is asked for is things, so these count several times. The first `half_size_steps`
    see latents averaged two by two, four times cheaper, and learn what belongs where; the rest
    learn the full size. All are also told what each place shows, see `Student`.
    """
    torch.manual_seed(2)
    unet = build(member, "unet")
    if kin:
        begin_with(unet, kin)
    run = Training(path, Student(unet), _EDGE, peak=1.5e-3, average=0.999)
    student, unet = run.model, run.model.unet
    if device().type == "cpu":
        unet.set_attn_processor(AttnProcessor())  # faster than fused attention there
    noise = Noise.of(member)
    sized = unet.config.addition_embed_type == "text_time"
    for step in run.until(steps):
        rng = np.random.default_rng((5, step))
        picks, flips = rng.integers(0, len(latents), batch), rng.integers(0, 2, batch)
        clean = torch.from_numpy(latents[picks, flips].astype(np.float32)).to(device())
        known = np.where(flips[:, None, None, None], places[picks, ..., ::-1], places[picks])
        weight = torch.from_numpy(_weights(known[:, SHARE])).to(device())
        if step < half_size_steps:
            clean, weight = F.avg_pool2d(clean, 2), F.avg_pool2d(weight, 2)
        seen = [mirrored(scenes[i]) if f else scenes[i] for i, f in zip(picks, flips, strict=True)]
        states, vectors = reader([say(scene, rng) for scene in seen], rng)
        told = {"text_embeds": vectors, "time_ids": _time_ids(picks, flips)} if sized else {}
        loss = noise.loss(unet, clean, states, told, rng, weight)
        run.learn(loss + _MEANING * student.meaning_loss(meaning(known, seen).to(device())))


def unet_weights(path: Path) -> dict[str, Tensor]:
    """The averaged UNet of the training at `path`, without its head."""
    state, prefix = load_state(path)["average"], "unet."
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}


def begin_with(model: nn.Module, kin: Mapping[str, Tensor]) -> None:
    """Take over the weights of another UNet that have the same name and size here.

    A projection by a 1 x 1 convolution is one by a matrix in another shape.
    """
    fit = {
        name: kin[name].reshape(own.shape)
        for name, own in model.state_dict().items()
        if name in kin and kin[name].squeeze().shape == own.squeeze().shape
    }
    model.load_state_dict(fit, strict=False)


def understood(unet: Mapping[str, Tensor], bridge: Tensor) -> dict[str, Tensor]:
    """A UNet's weights for one that reads other states: `bridge` [width here, width there]."""
    reads = ("attn2.to_k.weight", "attn2.to_v.weight")
    return {name: w @ bridge if name.endswith(reads) else w for name, w in unet.items()}


def _weights(shares: np.ndarray) -> np.ndarray:
    """How much each place counts, float32 [n, 1, h, w], on average once."""
    weight = 1 + _THINGS_COUNT * shares.astype(np.float32)[:, None] / 255
    return weight / weight.mean()


def _time_ids(picks: np.ndarray, flips: np.ndarray) -> Tensor:
    views = [view_of(int(i)) for i in picks]
    views = [view.mirrored() if f else view for view, f in zip(views, flips, strict=True)]
    ids = [view.time_ids for view in views]
    return torch.tensor(ids, dtype=torch.float32, device=device())


@dataclass(frozen=True, eq=False)
class Noise:
    """How much signal is left at each timestep of a member, [timesteps], and what it predicts."""

    signal: Tensor
    velocity: bool

    @classmethod
    def of(cls, member: str) -> "Noise":
        """That of the member's own config."""
        predicts = read_config(member, "scheduler").get("prediction_type", "epsilon")
        signal = alphas_cumprod(variant(member).folder).float().to(device())
        return cls(signal, predicts == "v_prediction")

    def loss(
        self,
        model: nn.Module,
        clean: Tensor,
        states: Tensor,
        told: dict[str, Tensor],
        rng: np.random.Generator,
        where: Tensor | float = 1.0,
    ) -> Tensor:
        """Squared error of the predicted noise, or velocity (Salimans & Ho 2022), weighted.

        The error in the picture counts as the root of the signal-to-noise ratio, which is cut off
        at 5: from t = 150 to 800 all timesteps then have losses alike, and what a thing is, which
        is settled amid much noise, is learned as eagerly as its grain. Weighted by the ratio itself
        (min-SNR, Hang et al. 2023) t = 200 counts ten times as much as t = 800. The weight of a
        place is `where`.
        """
        count = len(self.signal)
        spread = (np.arange(len(clean)) + rng.random(len(clean))) / len(clean)  # one in each part
        times = torch.from_numpy((spread * count).astype(np.int64)).to(clean.device)
        drawn = rng.standard_normal(tuple(clean.shape), np.float32)
        noise = torch.from_numpy(drawn).to(clean.device)
        alpha = self.signal[times][:, None, None, None]
        noisy = alpha.sqrt() * clean + (1 - alpha).sqrt() * noise
        wanted = alpha.sqrt() * noise - (1 - alpha).sqrt() * clean if self.velocity else noise
        with half():
            predicted = model(noisy, times, states, added_cond_kwargs=told or None).sample
        snr = (alpha / (1 - alpha)).flatten()
        weight = snr.clamp(max=_SNR_CUT).sqrt() / (snr + 1 if self.velocity else snr)
        error = where * (predicted.float() - wanted) ** 2
        return (weight * error.mean((1, 2, 3))).mean()
