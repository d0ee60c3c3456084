"""Who the members are, and how much of everything their training takes."""

from dataclasses import dataclass

MEMBERS = ("starter", "starter-v", "starter-xl")
"""Each is a variant in presets/families. All but the first begin with the first one's UNet."""


@dataclass(frozen=True)
class Plan:
    """Numbers of scenes, steps and pictures in a step. The data depend on these and on nothing
    else; more steps may be planned later, and a run goes on with them."""

    scenes: int = 32_000
    learned_scenes: int = 16_384  # of those: what the UNets see, each with its mirror image
    unseen_scenes: int = 1_000
    probe_scenes: int = 12_000
    vae_steps: int = 16_000
    vae_batch: int = 8
    vae_decoder_steps: int = 4_000
    probe_steps: int = 3_000
    probe_batch: int = 32
    text_steps: int = 4_000
    text_batch: int = 128
    half_size_steps: int = 16_000
    unet_steps: int = 40_000
    unet_batch: int = 32
    questions: int = 64
    extra_scenes: int = 512
    extra_steps: int = 400
    decoder_steps: int = 6_000
