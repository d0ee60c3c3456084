from tools.starter.scene import draw_scene
from tools.starter.text import ATTRIBUTES, encode, labels, make_tokenizer


def test_the_tokenizer_is_clips():
    ids = encode(make_tokenizer(), ["a red house, hello!!", ""])
    assert ids.shape == (2, 77)
    assert ids[0, :8].tolist() == [49406, 320, 736, 1212, 267, 3306, 748, 49407]
    assert ids[1, 1:].eq(49407).all()


def test_labels_say_what_the_scene_is():
    scene = draw_scene(3)
    for (name, values), index in zip(ATTRIBUTES.items(), labels(scene), strict=True):
        assert values[index] == getattr(scene, name)
