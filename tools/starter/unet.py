"""Trains the starter's UNet to predict noise in the cached latents of captioned scenes."""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers.models.attention_processor import AttnProcessor
from torch import Tensor, nn
from transformers import CLIPTokenizer

from tools.starter.scene import caption, draw_scene
from tools.starter.text import encode, load_text_encoder, make_tokenizer
from tools.starter.training import Training, build, read_config
from tools.starter.vae import to_tensor

MIN_SNR = 5.0


def cache_latents(vae: nn.Module, pictures: np.ndarray, path: Path) -> None:
    """Encode pictures and their mirror images: float16 (2 n, 4, 32, 32), mirrors last, unscaled."""
    part = path.with_suffix(".part.npy")
    count = len(pictures)
    shape = (2 * count, 4, pictures.shape[1] // 8, pictures.shape[2] // 8)
    out = np.lib.format.open_memmap(part, "w+", np.float16, shape)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        for i in range(0, count, 16):
            batch = to_tensor(np.ascontiguousarray(pictures[i : i + 16]))
            for offset, view in ((0, batch), (count, batch.flip(-1))):
                mean = vae.encode(view).latent_dist.mode().float()
                out[offset + i : offset + i + len(view)] = mean.numpy()
    out.flush()
    part.rename(path)


def alphas_cumprod() -> Tensor:
    """Signal power at each of the 1000 timesteps (scaled-linear betas, Rombach et al. 2022)."""
    config = read_config("scheduler")
    betas = (
        torch.linspace(
            config["beta_start"] ** 0.5, config["beta_end"] ** 0.5, config["num_train_timesteps"]
        )
        ** 2
    )
    return (1 - betas).cumprod(0)


def train_unet(
    latents: np.ndarray,
    text: Path,
    path: Path,
    steps: int,
    batch: int = 32,
    half_size_steps: int = 0,
    peak: float = 1.5e-3,
) -> None:
    """Train up to `steps`, resuming from `path` and writing there.

    The first `half_size_steps` see latents averaged two by two, four times cheaper, and learn what
    belongs where; the rest learn the full size. `latents` is unscaled (2 n, 4, h, w), mirrors last.
    The loss is weighted by min-SNR (Hang et al. 2023).
    """
    torch.manual_seed(2)
    scaling = scaling_factor(latents)
    tokenizer, text_encoder = make_tokenizer(), load_text_encoder(text)
    run = Training(path, build("unet"), ("conv_in", "conv_out", "time_embedding"), peak)
    run.model.set_attn_processor(AttnProcessor())  # twice as fast as fused attention on a CPU
    signal = alphas_cumprod()
    for step in run.until(steps):
        rng = np.random.default_rng((5, step))
        picks = rng.integers(0, len(latents), batch)
        clean = torch.from_numpy(latents[picks].astype(np.float32)) * scaling
        if step < half_size_steps:
            clean = F.avg_pool2d(clean, 2)
        context = _read_captions(picks % (len(latents) // 2), rng, tokenizer, text_encoder)
        run.learn(_denoising_loss(run.model, clean, context, signal, rng))


def scaling_factor(latents: np.ndarray) -> float:
    """What brings the latents to unit spread, as Stable Diffusion scales its own."""
    return 1 / float(np.asarray(latents[:512], np.float32).std())


@torch.inference_mode()
def _read_captions(
    seeds: np.ndarray, rng: np.random.Generator, tokenizer: CLIPTokenizer, text_encoder: nn.Module
) -> Tensor:
    texts = [caption(draw_scene(int(seed)), rng) for seed in seeds]
    with torch.autocast("cpu", torch.bfloat16):
        return text_encoder(encode(tokenizer, texts)).last_hidden_state.float()


def _denoising_loss(
    model: nn.Module, clean: Tensor, context: Tensor, signal: Tensor, rng: np.random.Generator
) -> Tensor:
    times = torch.from_numpy(rng.integers(0, len(signal), len(clean)))
    noise = torch.from_numpy(rng.standard_normal(tuple(clean.shape), np.float32))
    alpha = signal[times][:, None, None, None]
    noisy = alpha.sqrt() * clean + (1 - alpha).sqrt() * noise
    with torch.autocast("cpu", torch.bfloat16):
        predicted = model(noisy, times, context.clone()).sample
    snr = (alpha / (1 - alpha)).flatten()
    weight = snr.clamp(max=MIN_SNR) / snr
    return (weight * ((predicted.float() - noise) ** 2).mean((1, 2, 3))).mean()
