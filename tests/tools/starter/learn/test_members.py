"""Each member from nothing to a picture, in a few steps."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("skia", reason="painting needs the train extra", exc_type=ImportError)

import torch
from PIL import Image
from safetensors.torch import load_file

from pipelines import Catalog
from pipelines.engine.text import encode_pair
from pipelines.models.loader import load_checkpoint
from tools.starter.learn.configs import family, variant
from tools.starter.learn.measure import Painter, measure
from tools.starter.learn.places import SEGMENT, SHARE, THING, known_places
from tools.starter.learn.plan import MEMBERS, Plan
from tools.starter.learn.pool import paint_pool
from tools.starter.learn.text import Reader
from tools.starter.learn.views import View, paint_view, view_of
from tools.starter.learn.workshop import Workshop
from tools.starter.world.paint import paint
from tools.starter.world.questions import HEADS, questions
from tools.starter.world.scene import scene
from tools.starter.world.vocabulary import SEGMENTS

TINY = Plan(
    scenes=8,
    learned_scenes=8,
    unseen_scenes=4,
    probe_scenes=8,
    vae_steps=2,
    vae_batch=2,
    vae_decoder_steps=2,
    probe_steps=2,
    probe_batch=4,
    text_steps=2,
    text_batch=4,
    half_size_steps=1,
    unet_steps=2,
    unet_batch=2,
    questions=2,
)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("work"), TINY)


def test_a_pool_holds_the_painted_scenes_and_is_painted_once(tmp_path):
    pictures = paint_pool(tmp_path / "x.npy", 3, first=5)
    assert np.array_equal(pictures[2], paint(scene(7), truth=False).pixels)
    before = (tmp_path / "x.npy").stat().st_mtime_ns
    paint_pool(tmp_path / "x.npy", 3, first=5)
    assert (tmp_path / "x.npy").stat().st_mtime_ns == before
    with pytest.raises(SystemExit, match="holds 3 rows, not 4"):
        paint_pool(tmp_path / "x.npy", 4, first=5)


def test_a_view_is_whole_or_soft_or_a_part():
    drawn = scene(3)
    whole = paint_view(drawn, View((256, 256)))
    assert np.array_equal(whole, paint(drawn, truth=False).pixels)
    soft = paint_view(drawn, View((64, 64)))
    large = paint(drawn, (320, 288), truth=False).pixels
    assert np.array_equal(paint_view(drawn, View((320, 288), 64, 32)), large[32:, 64:])
    sharpness = [np.abs(np.diff(x.astype(float), axis=1)).mean() for x in (whole, soft)]
    assert sharpness[1] < 0.8 * sharpness[0]


def part(seed: int) -> View:
    return View((320, 288), 64, 32)


def test_places_are_what_stands_where_in_the_view(tmp_path):
    known = known_places(4, part, tmp_path / "places.npy")
    for seed, planes in enumerate(known):
        drawn = scene(seed)
        truth = paint(drawn, (320, 288)).truth
        things = truth.things[32:, 64:].reshape(32, 8, 32, 8)
        assert planes[SHARE].mean() / 255 == pytest.approx((things > 0).mean(), abs=0.01)
        for k, thing in enumerate(drawn.things, 1):
            covered = planes[THING] == k
            assert ((things == k).mean((1, 3))[covered] > 1 / 9).all()
            assert (planes[SEGMENT][covered] == SEGMENTS.index(thing.kind)).all()
        sky = truth.segments[32:, 64:].reshape(32, 8, 32, 8) == SEGMENTS.index("sky")
        assert (planes[SEGMENT][sky.all((1, 3))] == SEGMENTS.index("sky")).all()
    assert known[:, THING].any()


@pytest.mark.slow
@pytest.mark.parametrize("member", MEMBERS)
def test_a_member_is_trained_exported_loaded_and_paints(member, workshop):
    file = workshop.train(member)
    chosen = Catalog.open([file.parent]).checkpoint(file.name)
    assert chosen.variant.name == member
    picture = Painter(file).paint("a red house", seed=1, steps=2)
    assert picture.size == (256, 256)
    assert np.asarray(picture).std() > 0


@pytest.mark.slow
def test_latents_of_views_differ_from_those_of_whole_pictures_only_where_the_view_does(workshop):
    whole, viewed = workshop.latents("starter"), workshop.latents("starter-xl")
    differs = [not np.array_equal(a, b) for a, b in zip(whole, viewed, strict=True)]
    assert differs == [not view_of(seed).whole for seed in range(len(whole))]
    assert 0 < sum(differs) < len(differs)


@pytest.mark.slow
@pytest.mark.parametrize("member", MEMBERS)
def test_the_engine_reads_a_prompt_as_the_training_does(member, workshop):
    file = workshop.train(member)
    models = load_checkpoint(
        file, family(member), variant(member), dtype=torch.float32, device=torch.device("cpu")
    )
    text = "a red house on the left and a white cat, rain, at night"
    with torch.no_grad():
        engines, _ = encode_pair(text, "", 1, models)
    paths = [workshop.work / f"{member}.{e.component}.pt" for e in family(member).encoders]
    states, vectors = Reader.load(member, paths)([text], np.random.default_rng(0))
    assert torch.allclose(states, engines.states, atol=0.05)
    if engines.pooled is not None:
        assert torch.allclose(vectors, engines.pooled, atol=0.05)


@pytest.mark.slow
def test_the_judge_is_trained_and_sees_what_it_is_asked(workshop):
    probe, asked = workshop.probe(), questions(3)
    pictures = workshop.unseen()
    seen = probe.read(pictures)
    assert all(row[name] in HEADS[name] for row in seen for name in HEADS)
    rates = measure([Image.fromarray(p) for p in pictures[:3]], asked, probe)
    assert {"place", "time", "weather", "style", "count", "kind", "colour", "all"} <= rates.keys()
    assert all(0 <= rate <= 1 for rate in rates.values())


@pytest.mark.slow
def test_a_training_goes_on_from_a_starter_whose_encoders_it_keeps(workshop, tmp_path):
    first = workshop.train("starter")
    plan = replace(TINY, vae_steps=0, text_steps=0)
    later = load_file(Workshop(tmp_path, plan, begin=first).train("starter"))
    earlier = load_file(first)
    paints = ("first_stage_model.decoder.", "first_stage_model.post_quant_conv.")
    learns = ("model.diffusion_model.", *paints)
    kept = [name for name in earlier if not name.startswith(learns)]
    assert all(torch.allclose(later[n], earlier[n], rtol=2e-3, atol=1e-6) for n in kept)
    for part in learns[:2]:
        names = [name for name in earlier if name.startswith(part)]
        assert any(not torch.equal(later[name], earlier[name]) for name in names)
