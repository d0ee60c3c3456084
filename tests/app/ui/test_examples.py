from app.ui.examples import FOLDER, examples


def test_every_example_shows_what_its_prompt_made():
    offered = examples()
    assert len(offered) == 6
    assert len({one["prompt"] for one in offered}) == len(offered)
    assert all((FOLDER.parent / one["picture"]).exists() for one in offered)
