"""The stages of training over one work folder; each keeps its state and goes on from there."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from diffusers import AutoencoderKL
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor

from tools.starter.learn.configs import build, family
from tools.starter.learn.export import export
from tools.starter.learn.latents import round_trips, viewed_latents, whole_latents
from tools.starter.learn.loop import device, load_state
from tools.starter.learn.measure import Painter, measure
from tools.starter.learn.places import thing_places
from tools.starter.learn.plan import KIN, Plan
from tools.starter.learn.pool import paint_pool, scenes
from tools.starter.learn.probe import Probe, accuracy, load_probe, train_probe
from tools.starter.learn.text import Reader, text_weights, train_text
from tools.starter.learn.unet import train_unet
from tools.starter.learn.vae import decode, encode, psnr, standardise, train_vae
from tools.starter.learn.views import view_of, whole
from tools.starter.sheet import contact_sheet
from tools.starter.world.questions import UNSEEN, questions

PROBE_FIRST = 1_000_000
"""The probe's scenes start here: no member learns from them."""


class Workshop:
    """Everything lies in `work`: pools, latents, states, exported checkpoints, sheets."""

    def __init__(self, work: Path, plan: Plan) -> None:
        work.mkdir(parents=True, exist_ok=True)
        self.work, self.plan = work, plan

    def pictures(self) -> np.ndarray:
        return paint_pool(self.work / "pictures.npy", self.plan.scenes)

    def unseen(self) -> np.ndarray:
        return paint_pool(self.work / "unseen.npy", self.plan.unseen_scenes, UNSEEN, None)

    def vae(self) -> AutoencoderKL:
        """The shared autoencoder, trained now if it is not yet; its latents have spread 1.

        Once it is done it is never trained on, for all latents depend on it.
        """
        path, model = self.work / "vae.safetensors", build("starter", "vae")
        if not path.exists():
            pictures, drawn = self.pictures(), scenes(self.plan.scenes)
            trained = train_vae(
                pictures,
                drawn,
                self.work / "vae.pt",
                self.plan.vae_steps,
                self.plan.vae_batch,
            )
            standardise(trained, pictures[: min(1024, len(pictures))])
            save_file(trained.state_dict(), path)
            self._judge_vae(trained)
        model.load_state_dict(load_file(path))
        return model.eval().requires_grad_(False).to(device())

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
            seen = round_trips(
                vae, pictures[: plan.probe_scenes // 4], self.work / "probe_seen.npy"
            )
            drawn = scenes(plan.probe_scenes, PROBE_FIRST, None)
            state = self.work / "probe.pt"
            probe = train_probe(pictures, seen, drawn, state, plan.probe_steps, plan.probe_batch)
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
        """Where the things stand in what a UNet learns from."""
        if family(member).conditioning == "size":
            view, name = view_of, "views_places.npy"
        else:
            view, name = whole, "places.npy"
        return thing_places(self.plan.learned_scenes, view, self.work / name)

    def train(self, member: str) -> Path:
        """Everything a member needs, to the exported checkpoint."""
        plan, texts = self.plan, self._texts(member)
        for facts, path in zip(family(member).encoders, texts, strict=True):
            train_text(member, facts, path, plan.text_steps, plan.text_batch)
        train_unet(
            member,
            self.latents(member),
            self.places(member),
            scenes(plan.learned_scenes),
            Reader.load(member, texts),
            self._unet(member),
            plan.unet_steps,
            plan.half_size_steps,
            plan.unet_batch,
            self._kin(member),
        )
        return self.export(member)

    def _kin(self, member: str) -> Mapping[str, Tensor] | None:
        """The UNet this member's begins with, trained now if it is not yet; None for the first."""
        if member not in KIN:
            return None
        path = self._unet(KIN[member])
        if not path.exists():
            self.train(KIN[member])
        return load_state(path)["average"]

    def export(self, member: str) -> Path:
        """The member so far, as one file in its family's original layout."""
        paths = dict(zip(family(member).encoders, self._texts(member), strict=True))
        states = [load_state(path) for path in (*paths.values(), self._unet(member))]
        path = self._checkpoint(member)
        export(
            path,
            member,
            states[-1]["average"],
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
