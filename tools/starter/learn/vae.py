"""The autoencoder that all members share: trained on crops of painted scenes, and measured."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from torch import Tensor

from tools.starter.learn.configs import build
from tools.starter.learn.loop import Training, device, half
from tools.starter.world.scene import Scene

KL_WEIGHT = 3e-4
STYLE_WEIGHTS = {"stained glass": 3.0, "ink drawing": 2.5}
"""How much more often than others a style is seen: fine dark lines are the hardest to keep."""

_EDGE = (
    "encoder.conv_in",
    "encoder.conv_out",
    "decoder.conv_in",
    "decoder.conv_out",
    "quant_conv",
    "post_quant_conv",
)


def train_vae(
    pictures: np.ndarray,
    scenes: Sequence[Scene],
    path: Path,
    steps: int,
    batch: int = 8,
    crop: int = 128,
    begin: Mapping[str, Tensor] | None = None,
) -> AutoencoderKL:
    """Train up to `steps` on crops, resuming from `path` and writing there; the average of it.

    `pictures` are those of `scenes`, uint8 [n, h, w, 3]; `begin` are weights to begin with. Every
    second step decodes latents of half the size, which are to be those of the picture at half its
    size: such latents are easier to learn (Kouzelis et al. 2025).
    """
    torch.manual_seed(0)
    model = build("starter", "vae")
    if begin:
        model.load_state_dict(begin)
    run = Training(path, model, _EDGE, peak=2e-3, average=0.999)
    chances = style_chances(scenes)
    for step in run.until(steps):
        rng = np.random.default_rng((3, step))
        picks = rng.choice(len(pictures), batch, p=chances)
        target = crops(pictures, picks, rng, crop)
        with half():
            posterior = run.model.encode(target).latent_dist
            latents = posterior.sample()
            if step % 2:
                latents, target = F.avg_pool2d(latents, 2), F.avg_pool2d(target, 2)
            output = run.model.decode(latents).sample.float()
        run.learn(reconstruction_loss(output, target) + KL_WEIGHT * _kl(posterior))
    return run.average.model


def style_chances(scenes: Sequence[Scene]) -> np.ndarray:
    """How likely each scene's picture is to be seen, as STYLE_WEIGHTS says: in all 1."""
    weights = np.array([STYLE_WEIGHTS.get(scene.style, 1.0) for scene in scenes])
    return weights / weights.sum()


def crops(pictures: np.ndarray, picks: np.ndarray, rng: np.random.Generator, crop: int) -> Tensor:
    """Squares of `crop` px out of the picked pictures, half of them mirrored; as `to_tensor`."""
    size = pictures.shape[1]
    out = np.empty((len(picks), crop, crop, 3), np.uint8)
    for i, pick in enumerate(picks):
        y, x = rng.integers(0, (size - crop) // 8 + 1, 2) * 8
        piece = pictures[pick, y : y + crop, x : x + crop]
        out[i] = piece[:, ::-1] if rng.random() < 0.5 else piece
    return to_tensor(out)


def to_tensor(pictures: np.ndarray) -> Tensor:
    """uint8 [n, h, w, 3] to float32 [n, 3, h, w] in -1..1, on the device."""
    pixels = torch.from_numpy(np.array(pictures)).to(device())
    return pixels.permute(0, 3, 1, 2).contiguous().float() / 127.5 - 1


def to_pictures(pixels: Tensor) -> np.ndarray:
    """float [n, 3, h, w] in -1..1 to uint8 [n, h, w, 3]."""
    whole = ((pixels.float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return whole.permute(0, 2, 3, 1).cpu().numpy()


def reconstruction_loss(output: Tensor, target: Tensor) -> Tensor:
    """L1 + MSE, and L1 of the gradients at three scales, so that edges are sharp."""
    loss = F.l1_loss(output, target) + 2 * F.mse_loss(output, target)
    error = output - target
    for scale in range(3):
        dx, dy = error.diff(dim=-1).abs().mean(), error.diff(dim=-2).abs().mean()
        loss = loss + 0.5 * (dx + dy)
        if scale < 2:
            error = F.avg_pool2d(error, 2)
    return loss


def _kl(posterior) -> Tensor:
    mean, logvar = posterior.mean.float(), posterior.logvar.float()
    return 0.5 * (mean**2 + logvar.exp() - 1 - logvar).mean()


@torch.inference_mode()
def encode(vae: AutoencoderKL, pictures: np.ndarray) -> np.ndarray:
    """The most likely latents of uint8 pictures [n, h, w, 3]: float32 [n, 4, h / 8, w / 8]."""
    out = []
    for i in range(0, len(pictures), 16):
        with half():
            mean = vae.encode(to_tensor(pictures[i : i + 16])).latent_dist.mode()
        out.append(mean.float().cpu().numpy())
    return np.concatenate(out)


@torch.inference_mode()
def decode(vae: AutoencoderKL, latents: np.ndarray) -> np.ndarray:
    """The pictures of unscaled latents: uint8 [n, h, w, 3]."""
    out = []
    for i in range(0, len(latents), 8):
        with half():
            batch = torch.from_numpy(latents[i : i + 8]).to(device())
            out.append(to_pictures(vae.decode(batch).sample))
    return np.concatenate(out)


def psnr(seen: np.ndarray, painted: np.ndarray) -> np.ndarray:
    """Peak signal to noise in dB of each picture of `seen`; uint8 [n, h, w, 3] both."""
    error = (seen.astype(np.float32) - painted) ** 2
    return 10 * np.log10(255**2 / error.mean((1, 2, 3)))


@torch.no_grad()
def standardise(vae: AutoencoderKL, pictures: np.ndarray) -> None:
    """Change the weights so that the latents of `pictures` have mean 0 and spread 1 per channel.

    Nothing else changes: what the encoder's last layer gains the decoder's first one takes back.
    """
    latents = encode(vae, pictures)
    rescale(vae, 1 / latents.std((0, 2, 3)), latents.mean((0, 2, 3)))


@torch.no_grad()
def rescale(vae: AutoencoderKL, scale: np.ndarray, shift: np.ndarray | float = 0.0) -> None:
    """Make each channel of the latents `(latent - shift) * scale`, and the decoder expect that."""
    weight = vae.quant_conv.weight
    factor = torch.as_tensor(scale, dtype=weight.dtype, device=weight.device)
    offset = torch.as_tensor(shift, dtype=weight.dtype, device=weight.device).expand_as(factor)
    mean, logvar = slice(0, len(factor)), slice(len(factor), None)
    vae.quant_conv.bias[mean] = (vae.quant_conv.bias[mean] - offset) * factor
    vae.quant_conv.weight[mean] *= factor[:, None, None, None]
    vae.quant_conv.bias[logvar] += 2 * factor.log()
    back = vae.post_quant_conv
    back.bias += back.weight[..., 0, 0] @ offset
    back.weight /= factor[:, None, None]
