"""Additions to the starter, trained for two steps and read back by the studio's own readers."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from pipelines.models.embeddings import read_embedding
from pipelines.models.hypernetworks import attached, read_hypernetwork
from pipelines.models.lora import merge, read_lora
from tools.starter.learn.configs import build, family, variant
from tools.starter.learn.decoder import train_decoder
from tools.starter.learn.extras.embedding import train_embedding
from tools.starter.learn.extras.hypernetwork import train_hypernetwork
from tools.starter.learn.extras.lesson import Lesson, frozen
from tools.starter.learn.extras.lora import train_lora
from tools.starter.learn.text import Reader
from tools.starter.world.guests import GUESTS, paint_guest
from tools.starter.world.scene import scene
from tools.starter.world.words import brief

FACTS = family("starter").encoders[0]


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    return build("starter", "text_encoder").eval().requires_grad_(False)


@pytest.fixture(scope="module")
def read(encoder):
    reader = Reader(((FACTS, encoder),), zero_empty=False)
    return lambda captions, rng: reader(captions, rng)[0]


@pytest.fixture
def lesson():
    latents = np.random.default_rng(0).standard_normal((3, 4, 8, 8)).astype(np.float32)
    return Lesson([scene(seed) for seed in range(3)], latents, brief)


def unet():
    torch.manual_seed(0)
    return build("starter", "unet").eval()


def predicted(model, states):
    x = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        return model(x, torch.tensor([300]), states).sample


@pytest.mark.parametrize("style", GUESTS)
def test_a_guest_style_is_the_same_every_time_and_no_other_scene_has_its_picture(style):
    first, again = (paint_guest(scene(5), style, (64, 64)) for _ in range(2))
    assert first.shape == (64, 64, 3) and (first == again).all()
    assert (paint_guest(scene(6), style, (64, 64)) != first).any()


@pytest.mark.parametrize("kind", ["lora", "loha"])
def test_a_trained_lora_does_in_the_studio_what_it_did_in_training(kind, lesson, read, tmp_path):
    taught = frozen(unet())
    tensors = train_lora(taught, lesson, read, tmp_path / "x.pt", 2, kind)
    save_file(tensors, tmp_path / "x.safetensors")
    lora = read_lora(tmp_path / "x.safetensors", family("starter"), variant("starter"))
    assert not lora.skipped
    model = unet()
    before = {name: weight.clone() for name, weight in model.named_parameters()}
    merge({"unet": model}, lambda _, name: before[name], [(lora, 1.0, 1.0)], ())
    changed = [n for n, weight in model.named_parameters() if not torch.equal(weight, before[n])]
    assert len(changed) == len(lora.changes) > 50


def test_a_trained_word_changes_what_is_read(encoder, lesson, tmp_path):
    model = frozen(unet())
    state = tmp_path / "x.pt"
    tensors = train_embedding(model, encoder, FACTS, "picture view", lesson, state, 2)
    save_file(tensors, tmp_path / "moonglass.safetensors")
    word = read_embedding(tmp_path / "moonglass.safetensors", family("starter"))
    assert word.vectors["text_encoder"].shape == (2, 128)


def test_a_trained_hypernetwork_bends_the_prediction_and_lets_go_again(lesson, read, tmp_path):
    file = train_hypernetwork(frozen(unet()), lesson, read, tmp_path / "x.pt", 2, "winter")
    torch.save(file, tmp_path / "winter.pt")
    network, model, states = (
        read_hypernetwork(tmp_path / "winter.pt"),
        unet(),
        read(["a cat"], None),
    )
    plain = predicted(model, states)
    with attached(model, [(network, 1.0)]):
        assert not torch.equal(predicted(model, states), plain)
    assert torch.equal(predicted(model, states), plain)


def test_a_better_decoder_reads_the_same_latents(tmp_path):
    vae = build("starter", "vae").eval()
    pictures = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
    scenes = [scene(seed) for seed in range(2)]
    better = train_decoder(vae, pictures, scenes, tmp_path / "x.pt", 2, batch=2, crop=32)
    weights, former = better.state_dict(), vae.state_dict()
    same = {name for name in weights if torch.equal(weights[name], former[name])}
    assert {n for n in weights if n.startswith(("encoder", "quant"))} <= same
    assert any(n.startswith("decoder") for n in weights.keys() - same)
