"""The stages of training over one work folder; each keeps its state and goes on from there."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor

from pipelines.models.loader import LoadedCheckpoint, load_checkpoint
from tools.starter.learn.configs import build, family, variant
from tools.starter.learn.decoder import train_decoder
from tools.starter.learn.export import export, spread_one
from tools.starter.learn.latents import round_trips, viewed_latents, whole_latents
from tools.starter.learn.loop import device, load_state
from tools.starter.learn.measure import Painter, measure
from tools.starter.learn.places import known_places
from tools.starter.learn.plan import Plan
from tools.starter.learn.pool import paint_pool, scenes
from tools.starter.learn.probe import Probe, accuracy, load_probe, train_probe
from tools.starter.learn.text import Reader, bridge, keep_text, text_weights, train_text
from tools.starter.learn.unet import train_unet, understood, unet_weights
from tools.starter.learn.vae import decode, encode, psnr, standardise, train_vae
from tools.starter.learn.views import view_of, whole
from tools.starter.sheet import contact_sheet
from tools.starter.world.questions import UNSEEN, questions

PROBE_FIRST = 1_000_000
"""The probe's scenes start here: no member learns from them."""

JUDGE = Path(__file__).parents[1] / "probe.safetensors"
"""The judge that ships."""


class Workshop:
    """Everything lies in `work`: pools, latents, states, exported checkpoints, sheets."""

    def __init__(self, work: Path, plan: Plan, begin: Path | None = None) -> None:
        work.mkdir(parents=True, exist_ok=True)
        self.work, self.plan, self._begin = work, plan, begin

    def pictures(self) -> np.ndarray:
        return paint_pool(self.work / "pictures.npy", self.plan.scenes)

    def unseen(self) -> np.ndarray:
        return paint_pool(self.work / "unseen.npy", self.plan.unseen_scenes, UNSEEN, None)

    def vae(self) -> AutoencoderKL:
        """The shared autoencoder, trained now if it is not yet; its latents have spread 1.

        Once it is done it is never trained on, for all latents depend on it. With no steps planned
        it is that of the starter to begin with, whose decoder may still be trained on.
        """
        path, model = self.work / "vae.safetensors", build("starter", "vae")
        if not path.exists():
            made = self._trained_vae() if self.plan.vae_steps else spread_one(self.starter().vae)
            if self.plan.vae_decoder_steps:
                made = self._refined(made)
            save_file(made.state_dict(), path)
            self._judge_vae(made)
        model.load_state_dict(load_file(path))
        return model.eval().requires_grad_(False).to(device())

    def _trained_vae(self) -> AutoencoderKL:
        plan, pictures, drawn = self.plan, self.pictures(), scenes(self.plan.scenes)
        first = spread_one(self.starter().vae).state_dict() if self._begin else None
        state, batch = self.work / "vae.pt", plan.vae_batch
        trained = train_vae(pictures, drawn, state, plan.vae_steps, batch, begin=first)
        standardise(trained, pictures[: min(1024, len(pictures))])
        return trained

    def _refined(self, vae: AutoencoderKL) -> AutoencoderKL:
        plan, pictures, drawn = self.plan, self.pictures(), scenes(self.plan.scenes)
        state = self.work / "vae-decoder.pt"
        return train_decoder(vae, pictures, drawn, state, plan.vae_decoder_steps, plan.vae_batch)

    def _judge_vae(self, vae: AutoencoderKL) -> None:
        painted = self.unseen()[:256]
        seen = decode(vae, encode(vae, painted))
        rates = psnr(seen, painted)
        print(f"VAE round trip of {len(painted)} unseen scenes: {rates.mean():.2f} dB PSNR")
        styles = [scene.style for scene in scenes(len(painted), UNSEEN, None)]
        for style in sorted(set(styles)):
            mean = rates[[s == style for s in styles]].mean()
            print(f"  {style}: {mean:.2f} dB")
        pairs = [Image.fromarray(x) for pair in zip(painted, seen, strict=True) for x in pair]
        contact_sheet(pairs[:64], 8).save(self.work / "vae.png")

    def probe(self) -> Probe:
        """The judge, trained now if it is not yet."""
        path = self.work / "probe.safetensors"
        if not path.exists():
            plan, vae = self.plan, self.vae()
            pictures = paint_pool(
                self.work / "probe.npy", plan.probe_scenes, PROBE_FIRST, held_out=None
            )
            half = pictures[: plan.probe_scenes // 2]
            seen = round_trips(vae, half, self.work / "probe_seen.npy")
            probe = train_probe(
                pictures,
                seen,
                scenes(plan.probe_scenes, PROBE_FIRST, None),
                self.work / "probe.pt",
                plan.probe_steps,
                plan.probe_batch,
                load_probe(JUDGE).state_dict() if self._begin else None,
            )
            save_file({k: v.half().contiguous() for k, v in probe.state_dict().items()}, path)
            self._judge_probe(load_probe(path), vae)
        return load_probe(path)

    def _judge_probe(self, probe: Probe, vae: AutoencoderKL) -> None:
        painted, drawn = self.unseen(), scenes(self.plan.unseen_scenes, UNSEEN, None)
        for name, pictures in (("painted", painted), ("seen", decode(vae, encode(vae, painted)))):
            print(f"probe on {name} scenes: {_percent(accuracy(probe, pictures, drawn))}")

    def latents(self, member: str) -> np.ndarray:
        """What a UNet learns from; one that is told sizes and crops has views of its own."""
        pictures = self.pictures()[: self.plan.learned_scenes]
        latents = whole_latents(self.vae(), pictures, self.work / "latents.npy")
        if family(member).conditioning == "size":
            return viewed_latents(self.vae(), latents, self.work / "views.npy")
        return latents

    def places(self, member: str) -> np.ndarray:
        """What stands where in what a UNet learns from."""
        if family(member).conditioning == "size":
            view, name = view_of, "views_places.npy"
        else:
            view, name = whole, "places.npy"
        return known_places(self.plan.learned_scenes, view, self.work / name)

    def train(self, member: str) -> Path:
        """Everything a member needs, to the exported checkpoint."""
        plan, reader = self.plan, self._reader(member)
        train_unet(
            member,
            self.latents(member),
            self.places(member),
            scenes(plan.learned_scenes),
            reader,
            self._unet(member),
            plan.unet_steps,
            plan.half_size_steps,
            plan.unet_batch,
            self._first_unet(member, reader),
        )
        return self.export(member)

    def _reader(self, member: str) -> Reader:
        """Its text encoders, trained now if they are not yet.

        With no steps planned the starter's is that of the starter to begin with.
        """
        plan, paths = self.plan, self._texts(member)
        for facts, path in zip(family(member).encoders, paths, strict=True):
            if plan.text_steps:
                train_text(member, facts, path, plan.text_steps, plan.text_batch)
            elif not path.exists():
                keep_text(self.starter().modules()[facts.component], path)
        return Reader.load(member, paths)

    def starter(self) -> LoadedCheckpoint:
        """What its kin and the additions build on: the starter to begin with, else this workshop's,
        trained now if it is not yet."""
        path = self._begin or self._checkpoint("starter")
        if not path.exists():
            self.train("starter")
        known = family("starter"), variant("starter")
        return load_checkpoint(path, *known, dtype=torch.float32, device=device())

    def _first_unet(self, member: str, reader: Reader) -> Mapping[str, Tensor] | None:
        """The weights that a UNet begins with; None: it begins from nothing."""
        if member == "starter" and self._begin is None:
            return None
        first = self.starter()
        return understood(first.unet.state_dict(), bridge(reader, Reader.of(first)))

    def export(self, member: str) -> Path:
        """The member so far, as one file in its family's original layout."""
        paths = dict(zip(family(member).encoders, self._texts(member), strict=True))
        states = [load_state(path) for path in (*paths.values(), self._unet(member))]
        path = self._checkpoint(member)
        export(
            path,
            member,
            unet_weights(self._unet(member)),
            self.vae(),
            {facts.component: text_weights(text) for facts, text in paths.items()},
            {
                "gesso.steps": ", ".join(str(state["step"]) for state in states),
                "gesso.training_seconds": str(round(sum(state["seconds"] for state in states))),
            },
        )
        print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")
        return path

    def judge(self, member: str) -> dict[str, float]:
        """A sheet of the exported member's pictures, and how often what was asked is in them."""
        asked = questions(self.plan.questions)
        painter = Painter(self._checkpoint(member))
        pictures = [painter.paint(question.prompt, seed=0) for question in asked]
        contact_sheet(pictures, 8).save(self.work / f"{member}.png")
        rates = measure(pictures, asked, self.probe())
        print(f"{member}: {_percent(rates)}")
        return rates

    def _checkpoint(self, member: str) -> Path:
        """Not the name of the shipped one, which the catalog finds as well."""
        return self.work / "models" / "checkpoints" / f"new-{member}.safetensors"

    def _texts(self, member: str) -> list[Path]:
        return [self.work / f"{member}.{e.component}.pt" for e in family(member).encoders]

    def _unet(self, member: str) -> Path:
        return self.work / f"{member}.unet.pt"


def _percent(rates: dict[str, float]) -> str:
    return ", ".join(f"{name} {100 * rate:.1f} %" for name, rate in rates.items())
