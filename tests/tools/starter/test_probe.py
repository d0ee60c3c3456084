from tools.starter.data import HELD_OUT
from tools.starter.paint import paint
from tools.starter.probe import HEADS, WEIGHTS, load_probe, measure, questions, unseen_questions
from tools.starter.scene import Scene, draw_scene


def test_the_fixed_prompts_name_every_sky_ground_thing_and_colour():
    asked = questions()
    assert len(asked) == len({q.prompt for q in asked}) == 48
    for name in ("sky", "ground", "thing", "style"):
        assert {q.wanted[name] for q in asked} == set(HEADS[name]) - {"none"}
    assert {q.wanted["colour"] for q in asked} == set(HEADS["colour"]) - {"none"}


def test_unseen_questions_say_everything_about_their_scenes():
    for question in unseen_questions(20):
        assert question.wanted["thing"] in question.prompt
        assert question.wanted["colour"] in question.prompt
        assert question.wanted["style"] in (*question.prompt.split(", "), "painting")


def test_the_probe_reads_painted_scenes_it_never_saw():
    probe, hits = load_probe(), []
    for seed in range(HELD_OUT + 500, HELD_OUT + 560):
        scene = draw_scene(seed)
        seen = probe.read(paint(scene))
        hits += [seen[name] == getattr(scene, name) for name in HEADS]
    assert sum(hits) / len(hits) > 0.93
    assert WEIGHTS.stat().st_size < 2_000_000


def test_a_perfect_painter_scores_high_and_one_that_ignores_the_prompt_low():
    wanted = {q.prompt: q.wanted for q in questions()}

    def obey(prompt: str, seed: int):
        return paint(Scene(seed, **wanted[prompt], orb="none"))

    def ignore(prompt: str, seed: int):
        return paint(draw_scene(seed))

    probe = load_probe()
    assert measure(obey, probe, questions(), seeds=(0,))["overall"] > 0.93
    assert measure(ignore, probe, questions(), seeds=(0,))["overall"] < 0.45
