"""Measures a starter: how often the named sky, ground, thing, colour and style are in its pictures.

A small classifier, trained on painted scenes (and on the same scenes through the autoencoder, since
that is how a starter's pictures look), judges pictures made from a fixed list of prompts.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from tools.starter.data import HELD_OUT
from tools.starter.scene import COLOURS, GROUNDS, SKIES, STYLES, THINGS, draw_scene, full_caption
from tools.starter.training import Optimizer, learning_rate

WEIGHTS = Path(__file__).with_name("probe.safetensors")
SIDE = 96
HEADS = {
    "sky": SKIES,
    "ground": GROUNDS,
    "thing": THINGS,
    "colour": (*COLOURS, "none"),
    "style": STYLES,
}


@dataclass(frozen=True)
class Question:
    """A prompt and the attributes a picture of it must show."""

    prompt: str
    wanted: dict[str, str]


def questions() -> list[Question]:
    """The 48 fixed prompts: 40 plain, over all skies, grounds, things and colours; 8 in a style."""
    out = []
    for i in range(48):
        sky, ground = SKIES[i % 5], GROUNDS[(i + i // 6) % 6]
        thing, colour = THINGS[(i + i // 4) % 4], COLOURS[(2 * i + i // 9) % 9]
        if thing == "boat":
            ground = "sea"
        style = STYLES[1 + i % 3] if i >= 40 else "painting"
        place = {"sea": "the sea", "mountains": "mountains", "hills": "hills", "snow": "snow"}
        time = {"clear day": "a clear day", "cloudy": "a cloudy day"}
        article = "an" if colour == "orange" else "a"
        prompt = (
            f"{article} {colour} {thing}, {place.get(ground, 'a ' + ground)}, {time.get(sky, sky)}"
        )
        prompt += f", {style}" if i >= 40 else ""
        out.append(
            Question(
                prompt,
                {"sky": sky, "ground": ground, "thing": thing, "colour": colour, "style": style},
            )
        )
    return out


def unseen_questions(count: int = 64) -> list[Question]:
    """Every attribute of scenes that were never painted for training, said in a caption's words."""
    out, seed = [], HELD_OUT + 1000
    while len(out) < count:
        scene = draw_scene(seed)
        seed += 1
        if scene.thing != "none":
            wanted = {name: getattr(scene, name) for name in HEADS}
            out.append(Question(full_caption(scene), wanted))
    return out


class Probe(nn.Module):
    """Pictures (n, 3, 96, 96) in 0..1 to one row of logits over all HEADS, side by side."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 32, 64, 96, 128, 128)
        self.stages = nn.ModuleList(
            nn.Sequential(nn.Conv2d(a, b, 3, stride=2, padding=1), nn.GroupNorm(8, b), nn.SiLU())
            for a, b in pairwise(widths)
        )
        self.out = nn.Linear(128 * 9, sum(map(len, HEADS.values())))

    def forward(self, pictures: Tensor) -> Tensor:
        x = pictures * 2 - 1
        for stage in self.stages:
            x = stage(x)
        return self.out(x.flatten(1))

    @torch.inference_mode()
    def read(self, picture: Image.Image) -> dict[str, str]:
        """The attributes that the probe sees in a picture of any size."""
        small = picture.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX)
        logits = self(_to_unit(np.asarray(small)[None]))[0]
        return {name: HEADS[name][int(part.argmax())] for name, part in split_heads(logits)}


def split_heads(logits: Tensor) -> Iterator[tuple[str, Tensor]]:
    """Each head's name and its part of the last dimension."""
    at = 0
    for name, values in HEADS.items():
        yield name, logits[..., at : at + len(values)]
        at += len(values)


def load_probe(path: Path = WEIGHTS) -> Probe:
    probe = Probe()
    probe.load_state_dict({k: v.float() for k, v in load_file(path).items()})
    return probe.eval()


def _to_unit(pictures: np.ndarray) -> Tensor:
    return torch.from_numpy(pictures.copy()).permute(0, 3, 1, 2).float() / 255


def shrink(pictures: np.ndarray) -> np.ndarray:
    """uint8 pictures (n, h, w, 3) at the probe's size."""
    return np.stack(
        [
            np.asarray(Image.fromarray(p).resize((SIDE, SIDE), Image.Resampling.BOX))
            for p in pictures
        ]
    )


def scene_labels(seeds: range) -> Tensor:
    """Classes (n, heads) of the scenes of `seeds`."""
    scenes = [draw_scene(seed) for seed in seeds]
    return torch.tensor(
        [[values.index(getattr(scene, name)) for name, values in HEADS.items()] for scene in scenes]
    )


def train_probe(
    pictures: np.ndarray, labels: Tensor, path: Path = WEIGHTS, steps: int = 700, batch: int = 48
) -> Probe:
    """Train on small pictures (n, 96, 96, 3) with noise, shifts and mirrors; write to `path`."""
    torch.manual_seed(3)
    probe = Probe()
    optimizer = Optimizer(probe, ("out",))
    for step in range(steps):
        rng = np.random.default_rng((6, step))
        picks = rng.integers(0, len(pictures), batch)
        x = _to_unit(np.roll(pictures[picks], tuple(rng.integers(-4, 5, 2)), (1, 2)))
        x = x.flip(-1) if rng.random() < 0.5 else x
        x = x * rng.uniform(0.92, 1.08) + 0.03 * torch.randn_like(x)
        wanted = labels[picks]
        loss = sum(
            (
                F.cross_entropy(part, wanted[:, i])
                for i, (_, part) in enumerate(split_heads(probe(x)))
            ),
            torch.zeros(()),
        )
        loss.backward()
        optimizer.step(learning_rate(step, steps, 2e-3))
        if step % 100 == 0:
            print(f"probe step {step} loss {loss.item():.3f}", flush=True)
    save_file({k: v.to(torch.float16).contiguous() for k, v in probe.state_dict().items()}, path)
    return load_probe(path)


@torch.inference_mode()
def probe_accuracy(probe: Probe, pictures: np.ndarray, labels: Tensor) -> dict[str, float]:
    """The probe's own hits on small pictures with known classes."""
    hits = [
        (part.argmax(-1) == labels[:, i]).float().mean().item()
        for i, (_, part) in enumerate(split_heads(probe(_to_unit(pictures))))
    ]
    return dict(zip(HEADS, hits, strict=True))


def measure(
    generate: Callable[[str, int], Image.Image],
    probe: Probe,
    asked: Sequence[Question],
    seeds: Sequence[int] = (0, 1),
) -> dict[str, float]:
    """How often each named attribute is in the pictures that `generate(prompt, seed)` makes.

    "overall" is the mean over sky, ground, thing and colour; style counts in styled prompts only.
    """
    hits: dict[str, list[bool]] = {name: [] for name in HEADS}
    for question in asked:
        for seed in seeds:
            seen = probe.read(generate(question.prompt, seed))
            for name, wanted in question.wanted.items():
                if name != "style" or wanted != "painting":
                    hits[name].append(seen[name] == wanted)
    rates = {name: float(np.mean(h)) for name, h in hits.items()}
    named = ("sky", "ground", "thing", "colour")
    return {**rates, "overall": sum(rates[name] for name in named) / len(named)}


def main() -> None:
    """Judge a checkpoint through Gesso's own engine."""
    from pipelines import Catalog, Draft, Engine, expand

    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--checkpoint", default="starter", help="a model's name, as in the page")
    parser.add_argument("--seeds", type=int, default=2, help="pictures for each prompt")
    parser.add_argument("--unseen", action="store_true", help="ask for unseen scenes instead")
    options = parser.parse_args()
    catalog = Catalog.open()
    engine = Engine(catalog)

    def generate(prompt: str, seed: int) -> Image.Image:
        draft = Draft(prompt=prompt, seed=seed, checkpoint=options.checkpoint)
        [recipe] = expand(draft, catalog)
        return engine.render(recipe).image

    asked = unseen_questions() if options.unseen else questions()
    rates = measure(generate, load_probe(), asked, range(options.seeds))
    print(", ".join(f"{name} {100 * rate:.1f} %" for name, rate in rates.items()))


if __name__ == "__main__":
    main()
