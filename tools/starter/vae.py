"""Trains the starter's autoencoder on crops of painted scenes, and measures it."""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL

from tools.starter.training import Training, build

KL_WEIGHT = 3e-4
EDGE = (
    "encoder.conv_in",
    "encoder.conv_out",
    "decoder.conv_in",
    "decoder.conv_out",
    "quant_conv",
    "post_quant_conv",
)


def train_vae(
    pictures: np.ndarray,
    path: Path,
    steps: int,
    batch: int = 8,
    crop: int = 128,
    peak: float = 2e-3,
) -> None:
    """Train up to `steps` on crops, resuming from `path` and writing there."""
    torch.manual_seed(0)
    run = Training(path, build("vae"), EDGE, peak)
    for step in run.until(steps):
        rng = np.random.default_rng((3, step))
        target = _crops(pictures, rng, batch, crop)
        with torch.autocast("cpu", torch.bfloat16):
            posterior = run.model.encode(target).latent_dist
            output = run.model.decode(posterior.sample()).sample.float()
        run.learn(reconstruction_loss(output, target) + KL_WEIGHT * _kl(posterior))


def _crops(pictures: np.ndarray, rng: np.random.Generator, batch: int, crop: int) -> torch.Tensor:
    size = pictures.shape[1]
    out = np.empty((batch, crop, crop, 3), np.uint8)
    for i in range(batch):
        y, x = rng.integers(0, (size - crop) // 8 + 1, 2) * 8
        piece = pictures[rng.integers(len(pictures)), y : y + crop, x : x + crop]
        out[i] = piece[:, ::-1] if rng.random() < 0.5 else piece
    return to_tensor(out)


def to_tensor(pictures: np.ndarray) -> torch.Tensor:
    """uint8 (n, h, w, 3) to float32 (n, 3, h, w) in -1..1."""
    return torch.from_numpy(np.array(pictures)).permute(0, 3, 1, 2).contiguous().float() / 127.5 - 1


def reconstruction_loss(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """L1 + MSE, and L1 of the gradients at three scales, so that edges are sharp."""
    loss = F.l1_loss(output, target) + 2 * F.mse_loss(output, target)
    error = output - target
    for scale in range(3):
        dx, dy = error.diff(dim=-1).abs().mean(), error.diff(dim=-2).abs().mean()
        loss = loss + 0.5 * (dx + dy)
        if scale < 2:
            error = F.avg_pool2d(error, 2)
    return loss


def _kl(posterior) -> torch.Tensor:
    mean, logvar = posterior.mean.float(), posterior.logvar.float()
    return 0.5 * (mean**2 + logvar.exp() - 1 - logvar).mean()


@torch.inference_mode()
def round_trip(model: AutoencoderKL, pictures: np.ndarray) -> np.ndarray:
    """Encode and decode uint8 pictures (n, h, w, 3)."""
    out = []
    for i in range(0, len(pictures), 8):
        with torch.autocast("cpu", torch.bfloat16):
            latents = model.encode(to_tensor(np.ascontiguousarray(pictures[i : i + 8]))).latent_dist
            decoded = model.decode(latents.mode()).sample.float()
        pixels = ((decoded + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
        out.append(pixels.permute(0, 2, 3, 1).numpy())
    return np.concatenate(out)


def round_trip_psnr(model: AutoencoderKL, pictures: np.ndarray) -> float:
    """Mean PSNR in dB over `pictures`."""
    error = round_trip(model, pictures).astype(np.float32) - pictures
    return float(np.mean(10 * np.log10(255**2 / (error**2).mean((1, 2, 3)))))
