"""Why a file does not go with a checkpoint, in one sentence."""

from __future__ import annotations

import pytest

from pipelines.families import families, variants
from pipelines.library.entry import Facts
from pipelines.library.fit import why_not
from pipelines.library.kinds import Role
from tests.pipelines.library.files import PRESETS

VARIANTS = {variant.name: variant for variant in variants([PRESETS])}

OTHER_SIZE = "Made for models of another size"
SD1, SD2, SDXL = ("sd1", 768), ("sd2", 1024), ("sdxl", 2048)


def _why(role: Role, made_for: tuple[str | None, int | None], checkpoint: str) -> str | None:
    facts = Facts(role, family=made_for[0], width=made_for[1])
    return why_not(facts, VARIANTS[checkpoint], families(), list(VARIANTS.values()))


@pytest.mark.parametrize("role", ["lora", "embedding", "hypernetwork", "controlnet"])
@pytest.mark.parametrize(
    ("made_for", "checkpoint", "reason"),
    [
        (SD1, "sd15", None),
        (SD1, "sd15-inpaint", None),
        (SD2, "sd2-depth", None),
        (SDXL, "sdxl-v", None),
        ((None, None), "sd15", None),
        (("sdxl", None), "sdxl", None),
        (SDXL, "sd15", "Made for SDXL; this checkpoint is SD 1.5."),
        (SD1, "sdxl", "Made for SD 1.x; this checkpoint is SDXL."),
        (SDXL, "sdxl-refiner", "Made for SDXL; this checkpoint is SDXL refiner."),
        (SD1, "starter", "Made for SD 1.5; this checkpoint is Gesso starter."),
        (("sd1", 128), "sd15", "Made for Gesso starter; this checkpoint is SD 1.5."),
        (("sdxl", 144), "sdxl", "Made for Gesso starter-xl; this checkpoint is SDXL."),
        ((None, 1152), "sd15", "Made for text 1152 wide; this checkpoint is SD 1.5."),
    ],
)
def test_what_reads_text_fits_by_family_and_width(
    role: Role, made_for: tuple[str | None, int | None], checkpoint: str, reason: str | None
) -> None:
    assert _why(role, made_for, checkpoint) == reason


@pytest.mark.parametrize(
    ("made_for", "checkpoint", "reason"),
    [
        ((None, 512), "sd15", None),
        ((None, 512), "sdxl", None),
        (("sd1", 512), "sd2", None),
        (("sdxl", 512), "sdxl-refiner", None),
        (("sdxl", 512), "sd15", "Made for SDXL; this checkpoint is SD 1.5."),
        (("sd1", 512), "sdxl", "Made for SD 1.x; this checkpoint is SDXL."),
        (
            (None, 512),
            "starter",
            "Made for models of another size; this checkpoint is Gesso starter.",
        ),
        ((None, 128), "sd15", "Made for models of another size; this checkpoint is SD 1.5."),
        ((None, 128), "starter-v", None),
        (("sd1", 128), "starter", None),
        (("sd1", 128), "starter-v", "Made for SD 1.x; this checkpoint is Gesso starter-v."),
    ],
)
def test_a_vae_fits_by_the_shape_and_scale_of_its_latents(
    made_for: tuple[str | None, int | None], checkpoint: str, reason: str | None
) -> None:
    assert _why("vae", made_for, checkpoint) == reason


@pytest.mark.parametrize("role", ["upscaler", "face_restorer", "vae_approx"])
def test_what_works_on_pictures_goes_with_every_checkpoint(role: Role) -> None:
    assert _why(role, SDXL, "sd15") is None
