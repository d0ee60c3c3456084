"""The VAE with the better decoder, beside the checkpoint's own."""

from __future__ import annotations

import numpy as np

from benchmarks.fidelity.finding import DECIBELS, Chart, Claim, Finding, at_least
from benchmarks.fidelity.round_trip import psnr, round_trip
from benchmarks.fidelity.scenes import painted, unseen
from benchmarks.fidelity.studio import Studio
from tools.starter.world.vocabulary import STYLES

FINE = "starter-fine"
PROMPT = "a green tree on the left, a red house on the right, a meadow, daytime, a clear sky"


def measure(studio: Studio, scenes: int = 64) -> Finding:
    """Painted scenes encoded and decoded by each, and one recipe that differs in its VAE alone."""
    studio.require("vae", FINE)
    drawn = unseen(scenes)
    pictures = [painted(each) for each in drawn]
    rates = {}
    for name, vae in (("the starter's own", "None"), (FINE, FINE)):
        seen = round_trip(studio.models(vae=vae), pictures)
        rates[name] = np.array([psnr(a, b) for a, b in zip(seen, pictures, strict=True)])
    own, fine = (rate.mean() for rate in rates.values())
    changed = psnr(studio.paint(PROMPT, vae=FINE), studio.paint(PROMPT, vae="None"))
    claims = [
        at_least("VAE of the starter: round trip of unseen scenes", own, 28.0, DECIBELS),
        at_least(f"{FINE}: what it gains", fine - own, 0.5, DECIBELS),
        Claim(f"{FINE} chosen: the same picture, otherwise decoded", f"{changed:.1f} dB",
              "25 to 60 dB", 25 < changed < 60),
    ]  # fmt: skip
    styles = [style for style in STYLES if any(each.style == style for each in drawn)]
    chart = Chart(
        "VAE: round trip of unseen scenes",
        "",
        "PSNR in dB",
        styles,
        {
            name: [float(rate[[e.style == style for e in drawn]].mean()) for style in styles]
            for name, rate in rates.items()
        },
    )
    return Finding(claims, chart)
