"""Makes the starter from nothing: `python -m tools.starter.train_first all --work DIR`.

Every stage keeps its state in the work folder and goes on from there when called again:
paint -> vae -> cache -> text -> unet -> train-probe -> export -> sheet -> probe.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from tools.starter import probe as probing
from tools.starter.data import HELD_OUT, paint_pool
from tools.starter.export import export
from tools.starter.paint import paint
from tools.starter.sample import Starter
from tools.starter.scene import draw_scene
from tools.starter.sheet import contact_sheet
from tools.starter.text import load_text_encoder, text_weights, train_text
from tools.starter.training import build, load_state, write_scaling_factor
from tools.starter.unet import cache_latents, scaling_factor, train_unet
from tools.starter.vae import round_trip, round_trip_psnr, train_vae

SCENES = 8000
HELD_OUT_SCENES = 256
VAE_STEPS, TEXT_STEPS = 1000, 350
HALF_SIZE_STEPS, UNET_STEPS = 800, 2100
CHECKPOINT = (
    Path(__file__).parents[2] / "presets" / "starter" / "checkpoints" / "starter.safetensors"
)


class Workshop:
    """The stages over one work folder."""

    def __init__(self, work: Path) -> None:
        work.mkdir(parents=True, exist_ok=True)
        self.work = work
        self.vae, self.text, self.unet = work / "vae.pt", work / "text.pt", work / "unet.pt"

    def pictures(self) -> np.ndarray:
        return paint_pool(self.work / "pictures.npy", SCENES)

    def held_out(self) -> np.ndarray:
        return paint_pool(self.work / "pictures-held.npy", HELD_OUT_SCENES, HELD_OUT)

    def paint(self) -> None:
        sheet = contact_sheet([paint(draw_scene(seed)) for seed in range(64)], 8)
        sheet.save(self.work / "painted.png")
        self.pictures()
        self.held_out()

    def train_vae(self) -> None:
        train_vae(self.pictures(), self.vae, VAE_STEPS)

    def cache(self) -> None:
        if not (self.work / "latents.npy").exists():
            cache_latents(self.trained("vae"), self.pictures(), self.work / "latents.npy")

    def latents(self) -> np.ndarray:
        return np.load(self.work / "latents.npy")

    def train_text(self) -> None:
        train_text(self.text, TEXT_STEPS)

    def train_unet(self) -> None:
        train_unet(
            self.latents(), self.text, self.unet, UNET_STEPS, half_size_steps=HALF_SIZE_STEPS
        )

    def trained(self, component: str) -> torch.nn.Module:
        """The averaged weights of "vae" or "unet" so far."""
        model = build(component)
        model.load_state_dict(load_state(self.work / f"{component}.pt")["average"])
        return model.eval()

    def starter(self) -> Starter:
        scaling = scaling_factor(self.latents())
        return Starter(
            self.trained("unet"), self.trained("vae"), load_text_encoder(self.text), scaling
        )

    def sheet(self) -> None:
        """64 pictures of the probe's prompts, for eyes."""
        starter, pictures = self.starter(), []
        prompts = [question.prompt for question in probing.questions()]
        prompts = (prompts + prompts)[:64]
        for i in range(0, 64, 8):
            pictures += starter.paint(prompts[i : i + 8], range(i, i + 8))
        contact_sheet(pictures, 8).save(self.work / "sheet.png")

    def export(self) -> None:
        states = {path.stem: load_state(path) for path in (self.vae, self.text, self.unet)}
        steps = ", ".join(f"{name} {state['step']}" for name, state in states.items())
        seconds = round(sum(state["seconds"] for state in states.values()))
        scaling = scaling_factor(self.latents())
        export(
            CHECKPOINT,
            states["unet"]["average"],
            states["vae"]["average"],
            text_weights(self.text),
            scaling,
            {"gesso.steps": steps, "gesso.training_seconds": str(seconds)},
        )
        write_scaling_factor(scaling)
        picture = self.starter().paint(["a red house, a meadow, a clear day"], [0])[0]
        picture.save(CHECKPOINT.with_suffix(".preview.png"))
        print(f"{CHECKPOINT}: {CHECKPOINT.stat().st_size / 1e6:.1f} MB; {steps}; {seconds} s")

    def train_probe(self) -> None:
        """Train the probe if there is none; print its own accuracy on unseen scenes."""
        vae = self.trained("vae")
        if not probing.WEIGHTS.exists():
            seen = 600
            small = np.concatenate(
                [
                    probing.shrink(self.pictures()),
                    probing.shrink(round_trip(vae, self.pictures()[:seen])),
                ]
            )
            labels = probing.scene_labels(range(SCENES))
            probing.train_probe(small, torch.cat([labels, labels[:seen]]))
        probe, held = probing.load_probe(), self.held_out()
        wanted = probing.scene_labels(range(HELD_OUT, HELD_OUT + HELD_OUT_SCENES))
        for name, pictures in (("painted", held), ("round trip", round_trip(vae, held))):
            rates = probing.probe_accuracy(probe, probing.shrink(pictures), wanted)
            print(f"probe on {name} scenes: {_percent(rates)}")
        print(f"VAE round trip: {round_trip_psnr(vae, held):.2f} dB PSNR")

    def probe(self) -> None:
        """Judge the starter so far, through the small sampling loop."""
        starter, probe = self.starter(), probing.load_probe()

        def generate(prompt: str, seed: int) -> Image.Image:
            return starter.paint([prompt], [seed])[0]

        print(f"starter: {_percent(probing.measure(generate, probe, probing.questions()))}")


def _percent(rates: dict[str, float]) -> str:
    return ", ".join(f"{name} {100 * rate:.1f} %" for name, rate in rates.items())


STAGES = {
    "paint": Workshop.paint,
    "vae": Workshop.train_vae,
    "cache": Workshop.cache,
    "text": Workshop.train_text,
    "unet": Workshop.train_unet,
    "train-probe": Workshop.train_probe,
    "export": Workshop.export,
    "sheet": Workshop.sheet,
    "probe": Workshop.probe,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage", choices=[*STAGES, "all"])
    parser.add_argument("--work", type=Path, required=True, help="folder for everything in between")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    workshop = Workshop(options.work)
    for name, stage in STAGES.items():
        if options.stage in (name, "all"):
            stage(workshop)


if __name__ == "__main__":
    main()
