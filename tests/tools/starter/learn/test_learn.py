import numpy as np
import pytest
import torch
from torch import nn

from tools.starter.learn.configs import build, family, variant
from tools.starter.learn.export import scaled_vae, single_file, spread_one
from tools.starter.learn.loop import Training
from tools.starter.learn.places import SEGMENT, THING
from tools.starter.learn.plan import MEMBERS
from tools.starter.learn.student import Student, meaning
from tools.starter.learn.text import (
    Reader,
    bridge,
    keep_text,
    padded,
    text_weights,
    tokens,
    train_text,
)
from tools.starter.learn.unet import Noise, begin_with, understood
from tools.starter.learn.vae import psnr, reconstruction_loss, rescale, standardise
from tools.starter.learn.views import View, view_of
from tools.starter.world.scene import mirrored, scene
from tools.starter.world.vocabulary import COLOURS, POSES, SEGMENTS


def fresh(member: str) -> tuple[dict, nn.Module, dict]:
    torch.manual_seed(0)
    texts = {e.component: build(member, e.component) for e in family(member).encoders}
    states = {name: module.state_dict() for name, module in texts.items()}
    return build(member, "unet").state_dict(), build(member, "vae").eval(), states


def learn(run: Training, steps: int) -> None:
    for step in run.until(steps):
        x = torch.randn(8, 4, generator=torch.Generator().manual_seed(step))
        run.learn(((run.model(x) - x) ** 2).mean())


def linear() -> nn.Module:
    torch.manual_seed(0)
    return nn.Linear(4, 4)


def test_a_resumed_run_learns_what_an_uninterrupted_one_does(tmp_path):
    learn(whole := Training(tmp_path / "whole.pt", linear()), 6)
    # Interrupted: the six steps that are planned decide the learning rate of the first three.
    broken = Training(tmp_path / "broken.pt", linear(), save_every=0)
    for step in broken.until(6):
        if step == 3:
            break
        x = torch.randn(8, 4, generator=torch.Generator().manual_seed(step))
        broken.learn(((broken.model(x) - x) ** 2).mean())
    learn(resumed := Training(tmp_path / "broken.pt", linear()), 6)
    for part in ("model", "average"):
        a, b = getattr(whole, part), getattr(resumed, part)
        a, b = (a, b) if part == "model" else (a.model, b.model)
        assert all(torch.equal(x, y) for x, y in zip(a.parameters(), b.parameters(), strict=True))


@pytest.mark.parametrize("member", MEMBERS[1:])
def test_a_member_begins_with_what_the_first_has_learnt(member):
    torch.manual_seed(0)
    unet, kin = build(member, "unet"), build("starter", "unet").state_dict()
    before = {name: tensor.clone() for name, tensor in unet.state_dict().items()}
    begin_with(unet, kin)
    after = unet.state_dict()
    for name in ("conv_in.weight", "time_embedding.linear_1.weight", "conv_out.bias"):
        assert torch.equal(after[name], kin[name])
    block = "down_blocks.1.attentions.0"
    assert torch.equal(after[f"{block}.proj_in.weight"], kin[f"{block}.proj_in.weight"][..., 0, 0])
    keys = f"{block}.transformer_blocks.0.attn2.to_k.weight"  # of another width
    assert torch.equal(after[keys], before[keys])


def test_a_unet_that_understands_other_states_reads_the_same_in_them():
    torch.manual_seed(0)
    unet, bridge = build("starter", "unet").eval(), torch.randn(128, 128)
    other = build("starter", "unet").eval()
    other.load_state_dict(understood(unet.state_dict(), bridge))
    x, here = torch.randn(1, 4, 8, 8), torch.randn(1, 77, 128)
    with torch.no_grad():
        one = unet(x, torch.tensor([300]), here @ bridge.T).sample
        two = other(x, torch.tensor([300]), here).sample
    assert torch.allclose(one, two, atol=1e-4)


def test_a_bridge_leads_from_one_readers_states_to_anothers(tmp_path):
    [facts] = family("starter").encoders
    train_text("starter", facts, tmp_path / "a.pt", steps=1, batch=2)
    there = Reader.load("starter", [tmp_path / "a.pt"])
    assert torch.allclose(bridge(there, there, captions=8), torch.eye(128), atol=1e-2)


def test_words_that_no_caption_has_count_for_nothing(tmp_path):
    [facts] = family("starter").encoders
    train_text("starter", facts, tmp_path / "a.pt", steps=1, batch=2)
    weights = text_weights(tmp_path / "a.pt")
    [vectors] = (v for name, v in weights.items() if "token_embedding" in name)
    known, strange = tokens(["a red house by a lake at night", "quantum spreadsheet"])
    assert (vectors[known] != 0).any(1).all()
    assert (vectors[strange] == 0).all()


def test_an_encoder_that_is_kept_reads_as_it_did(tmp_path):
    [facts] = family("starter").encoders
    train_text("starter", facts, tmp_path / "a.pt", steps=1, batch=2)
    first = Reader.load("starter", [tmp_path / "a.pt"])
    keep_text(first.encoders[0][1], tmp_path / "b.pt")
    again = Reader.load("starter", [tmp_path / "b.pt"])
    (one, _), (two, _) = (r(["a red house"], np.random.default_rng(0)) for r in (first, again))
    assert torch.equal(one, two)


def test_what_a_place_means_is_told_of_its_segment_and_of_the_things_colour_and_pose():
    drawn = next(s for s in map(scene, range(100)) if len(s.things) == 2)
    places = np.zeros((2, 3, 4, 4), np.uint8)
    places[:, THING, 0, 0], places[:, SEGMENT, 0, 0] = 2, 9
    both = [drawn, mirrored(drawn)]
    for labels, seen in zip(meaning(places, both), both, strict=True):
        thing = seen.things[1]
        wanted = [9, COLOURS.index(thing.colour), POSES.index(thing.pose)]
        assert labels[:, 0, 0].tolist() == wanted
        assert labels[:, 1, 1].tolist() == [0, -100, -100]


def test_the_head_of_a_student_learns_what_places_mean_and_leaves_its_unet_as_it_is():
    torch.manual_seed(0)
    plain, x = build("starter", "unet").eval(), torch.randn(1, 4, 8, 8)
    student, states = Student(plain), torch.randn(1, 77, 128)
    with torch.no_grad():
        student.unet(x, torch.tensor([300]), states)
    labels = torch.zeros(1, 3, 8, 8, dtype=torch.int64)
    labels[:, 0, :4], labels[:, 1:, :4] = len(SEGMENTS) - 1, -100
    before = student.meaning_loss(labels).item()
    optimizer = torch.optim.Adam(student.heads.parameters(), 0.05)
    for _ in range(40):
        optimizer.zero_grad()
        student.meaning_loss(labels).backward()
        optimizer.step()
    assert student.meaning_loss(labels).item() < 0.5 * before
    assert all(p.grad is None for p in plain.parameters())


def test_a_place_that_counts_for_nothing_teaches_nothing():
    torch.manual_seed(0)
    noise, model = Noise.of("starter"), build("starter", "unet")
    clean, states = torch.randn(2, 4, 8, 8), torch.randn(2, 77, 128)
    left = torch.zeros(2, 1, 8, 8)
    left[..., :4] = 1

    def loss(where):
        return noise.loss(model, clean, states, {}, np.random.default_rng(0), where).item()

    assert loss(left) + loss(1 - left) == pytest.approx(loss(1.0), rel=1e-3)
    assert 0 < loss(left) < loss(1.0)


@pytest.mark.parametrize("member", MEMBERS)
def test_the_loader_brings_back_every_weight_of_an_exported_member(member, tmp_path):
    from safetensors.torch import save_file

    from pipelines.models.loader import load_checkpoint

    unet, vae, texts = fresh(member)
    path = tmp_path / "x.safetensors"
    save_file(single_file(member, unet, vae, texts), path)
    loaded = load_checkpoint(
        path, family(member), variant(member), dtype=torch.float16, device=torch.device("cpu")
    )
    wanted = {"unet": unet, "vae": scaled_vae(member, vae).state_dict(), **texts}
    for component, module in loaded.modules().items():
        plain = {k.removeprefix("text_model."): v for k, v in wanted[component].items()}
        for name, tensor in module.state_dict().items():
            assert torch.equal(tensor, plain[name.removeprefix("text_model.")].half()), name
    assert path.stat().st_size < 40_000_000


@pytest.mark.parametrize("member", MEMBERS)
def test_an_exported_member_is_known_by_its_tensors(member, tmp_path):
    from safetensors.torch import save_file

    from pipelines.catalog import PRESETS
    from pipelines.families import families, identify, variants
    from pipelines.library.header import read_header

    path = tmp_path / "no-name.safetensors"
    save_file(single_file(member, *fresh(member)), path)
    found = identify(read_header(path), path.name, families(), variants([PRESETS]))
    assert (found.family.name, found.variant.name) == (family(member).name, member)
    assert found.certain


def test_all_members_together_fit_into_their_budget():
    sizes = [sum(t.numel() * 2 for t in single_file(m, *fresh(m)).values()) for m in MEMBERS]
    assert sum(sizes) < 112_000_000


@torch.no_grad()
def test_rescaled_latents_decode_to_the_same_picture():
    vae = build("starter", "vae").eval()
    x = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    before = vae.encode(x).latent_dist
    picture = vae.decode(before.mode()).sample
    scale, shift = np.array([2.0, 0.5, 3.0, 1.0]), np.array([0.1, -0.2, 0.0, 1.0])
    rescale(vae, scale, shift)
    after = vae.encode(x).latent_dist
    factor, offset = (torch.tensor(v, dtype=torch.float32)[:, None, None] for v in (scale, shift))
    assert torch.allclose(after.mode(), (before.mode() - offset) * factor, atol=1e-5)
    assert torch.allclose(after.std, before.std * factor, atol=1e-5)
    assert torch.allclose(vae.decode(after.mode()).sample, picture, atol=1e-4)


@torch.no_grad()
def test_the_vae_of_a_file_comes_back_as_it_was_trained():
    vae = build("starter-xl", "vae").eval()
    x = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    back = spread_one(scaled_vae("starter-xl", vae))
    assert torch.allclose(vae.encode(x).latent_dist.mode(), back.encode(x).latent_dist.mode(),
                          atol=1e-5)  # fmt: skip


def test_standardised_latents_have_mean_0_and_spread_1():
    from tools.starter.learn.vae import encode

    vae = build("starter", "vae").eval()
    pictures = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), np.uint8)
    standardise(vae, pictures)
    latents = encode(vae, pictures)
    assert np.abs(latents.mean((0, 2, 3))).max() < 0.05
    assert np.abs(latents.std((0, 2, 3)) - 1).max() < 0.05


def test_psnr_and_the_loss_tell_near_from_far():
    a = np.full((1, 16, 16, 3), 100, np.uint8)
    assert psnr(a + np.uint8(1), a) == pytest.approx([48.13], abs=0.01)
    zero = torch.zeros(1, 3, 16, 16)
    assert reconstruction_loss(zero, zero) == 0
    assert reconstruction_loss(zero + 0.1, zero) < reconstruction_loss(zero + 0.2, zero)


def test_half_of_the_views_are_whole_and_mirrored_ones_begin_at_the_other_side():
    views = [view_of(seed) for seed in range(1000)]
    whole = [view for view in views if view == View((256, 256))]
    assert 450 < len(whole) < 550
    assert {view.mirrored().mirrored() for view in views} == set(views)
    assert View((320, 256), left=64).mirrored() == View((320, 256), left=0)
    assert View((128, 128)).mirrored() == View((128, 128))
    assert View((300, 280), left=7, top=9).time_ids == (280, 300, 9, 7, 256, 256)


def test_texts_are_read_as_the_pipelines_read_them():
    ids = padded(tokens(["a red house", ""]), pad=0)
    assert ids.shape == (2, 77)
    assert ids[0, :6].tolist() == [49406, 320, 736, 1212, 49407, 0]
    assert ids[1, :3].tolist() == [49406, 49407, 0]


def test_an_empty_text_is_now_and_then_all_zeros_to_starter_xl_alone(tmp_path):
    for member, zeros in (("starter", False), ("starter-xl", True)):
        encoders = family(member).encoders
        paths = [tmp_path / f"{member}.{facts.component}.pt" for facts in encoders]
        for facts, path in zip(encoders, paths, strict=True):
            train_text(member, facts, path, steps=1, batch=2)
        states, vectors = Reader.load(member, paths)([""] * 24, np.random.default_rng(0))
        empty = (states == 0).all(-1).all(-1)
        assert bool(empty.any()) == zeros
        assert not empty.all()
        assert vectors.shape[1] == (80 if zeros else 0)
