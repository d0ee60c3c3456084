"""Whether a LoRA, an embedding, a hypernetwork, a VAE or a ControlNet goes with a checkpoint."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.library.entry import Facts
from pipelines.library.kinds import Family, Variant

READS_TEXT = frozenset(
    ("lora", "embedding", "hypernetwork", "controlnet", "ip_adapter", "t2i_adapter")
)
"""Roles of what is made for one family, and for text of one width."""


def why_not(
    facts: Facts, variant: Variant, families: Sequence[Family], variants: Sequence[Variant]
) -> str | None:
    """One sentence that says why a file does not go with a checkpoint of this variant; None if it
    does, or if nothing about the file says otherwise.

    "Made for SDXL; this checkpoint is SD 1.5."
    """
    if facts.role == "vae":
        made_for = _vae_of_others(facts, variant, families, variants)
    elif facts.role in READS_TEXT:
        made_for = _text_of_others(facts, variant, families, variants)
    else:
        made_for = None
    return f"Made for {made_for}; this checkpoint is {variant.label}." if made_for else None


def _text_of_others(
    facts: Facts, variant: Variant, families: Sequence[Family], variants: Sequence[Variant]
) -> str | None:
    if facts.family not in (None, variant.family):
        return _label(facts.family, families)
    if facts.width in (None, variant.context_dim):
        return None
    alike = [other.label for other in variants if other.context_dim == facts.width]
    return min(alike, key=len) if alike else f"text {facts.width} wide"


def _vae_of_others(
    facts: Facts, variant: Variant, families: Sequence[Family], variants: Sequence[Variant]
) -> str | None:
    """Latents are exchanged where the decoder's shape and the scaling factor are the same, by
    whichever families; which one a VAE is of is known only where its name tells."""
    if variant.vae is None or facts.width is None:
        return None
    alike = [v for v in variants if v.vae is not None and v.vae.decoder_channels == facts.width]
    kin = [v.vae for v in alike if facts.family in (None, v.family)]
    if variant.vae in kin:
        return None
    if variant.vae.decoder_channels != facts.width:
        return "models of another size"
    return _label(facts.family, families)


def _label(name: str | None, families: Sequence[Family]) -> str:
    return next((family.label for family in families if family.name == name), str(name))
