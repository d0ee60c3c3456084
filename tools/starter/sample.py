"""A small sampling loop, to look at a starter in training before any engine can load it."""

from collections.abc import Sequence

import torch
from diffusers import AutoencoderKL, EulerDiscreteScheduler, UNet2DConditionModel
from PIL import Image
from transformers import CLIPTextModel

from tools.starter.text import encode, make_tokenizer
from tools.starter.training import read_config


class Starter:
    """The three components, sampled by Euler steps with classifier-free guidance in bfloat16."""

    def __init__(
        self,
        unet: UNet2DConditionModel,
        vae: AutoencoderKL,
        text_encoder: CLIPTextModel,
        scaling_factor: float,
    ) -> None:
        self._unet = unet.eval().to(torch.bfloat16)
        self._vae = vae.eval().to(torch.bfloat16)
        self._text_encoder = text_encoder.eval().to(torch.bfloat16)
        self._scaling = scaling_factor
        self._tokenizer = make_tokenizer()

    @torch.inference_mode()
    def paint(
        self,
        prompts: Sequence[str],
        seeds: Sequence[int],
        steps: int = 20,
        guidance: float = 5.0,
        side: int = 32,
    ) -> list[Image.Image]:
        """One picture of `8 * side` pixels for each prompt, from the noise of its own seed."""
        scheduler = EulerDiscreteScheduler.from_config(
            read_config("scheduler"), timestep_spacing="linspace"
        )
        scheduler.set_timesteps(steps)
        context = self._text_encoder(encode(self._tokenizer, ["", *prompts])).last_hidden_state
        context = torch.cat([context[:1].expand(len(prompts), -1, -1), context[1:]])
        noise = [
            torch.randn(4, side, side, generator=torch.Generator().manual_seed(s)) for s in seeds
        ]
        x = torch.stack(noise) * scheduler.init_noise_sigma
        for time in scheduler.timesteps:
            pair = scheduler.scale_model_input(torch.cat([x, x]), time).bfloat16()
            empty, asked = self._unet(pair, time, context).sample.float().chunk(2)
            x = scheduler.step(empty + guidance * (asked - empty), time, x).prev_sample
        decoded = self._vae.decode((x / self._scaling).bfloat16()).sample.float()
        pixels = ((decoded + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)
        return [Image.fromarray(p) for p in pixels.numpy()]
