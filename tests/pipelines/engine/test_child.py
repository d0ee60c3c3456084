"""What the engine's process answers, spoken to over its own two pipes."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines import Catalog, Draft, expand, read_recipe
from pipelines.engine.child import Child
from pipelines.engine.wire import read_frame, write_frame
from tests import tiny


class Parent:
    """Speaks to a child that serves in a thread, and hears it."""

    def __init__(self, folder: Path) -> None:
        models, presets = tiny.install(folder, ("sd1",))
        self.catalog = Catalog.open([models], [presets], settle=0)
        heard, said = os.pipe()
        self.commands = os.fdopen(said, "wb")
        answered, answers = os.pipe()
        self.answers = os.fdopen(answered, "rb")
        child = Child(self.catalog, os.fdopen(heard, "rb"), os.fdopen(answers, "wb"))
        self.thread = threading.Thread(target=child.serve, args=("cpu", "float32", None))
        self.thread.start()
        assert "hello" in self.hear()

    def say(self, do: str, **more: Any) -> None:
        write_frame(self.commands, {"do": do, **more})

    def hear(self) -> dict[str, Any]:
        frame = read_frame(self.answers)
        assert frame is not None, "it ended"
        return frame[0]

    def render(self, job: str, folder: Path, **changes: Any) -> None:
        draft = Draft.of({"prompt": "a red house", "seed": 1, "steps": 2})
        [recipe] = expand(draft, self.catalog)
        plain = recipe.model_dump(mode="json") | changes
        self.say("render", job=job, recipes=[plain], folder=str(folder))

    def events(self) -> list[dict[str, Any]]:
        """The events of one command, without the progress of loading."""
        told: list[dict[str, Any]] = []
        while "state" not in (frame := self.hear()):
            told.append(frame["event"])
        return [event for event in told if event["type"] != "loading"]


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parent]:
    parent = Parent(tmp_path_factory.mktemp("child"))
    yield parent
    parent.commands.close()
    parent.thread.join(10)
    assert not parent.thread.is_alive(), "it outlived its parent"


def test_a_job_is_told_from_the_prompt_to_the_file(parent: Parent, tmp_path: Path) -> None:
    parent.render("a", tmp_path)
    told = parent.events()
    assert [event["type"] for event in told] == [
        "encoding",
        *["step"] * 2,
        "decoding",
        "saved",
        "finished",
    ]
    assert read_recipe(tmp_path / f"{told[-2]['picture']}.png").seed == 1


def test_a_cancel_stops_the_run_it_follows(parent: Parent, tmp_path: Path) -> None:
    parent.render("first", tmp_path, steps=150)
    parent.render("second", tmp_path, steps=150)
    parent.say("cancel", job="second")
    parent.say("cancel", job="first")
    assert parent.events()[-1]["type"] == "cancelled"
    assert [event["type"] for event in parent.events()] == ["encoding", "cancelled"]


def test_a_cancel_that_comes_too_late_does_not_stop_the_next_run(
    parent: Parent, tmp_path: Path
) -> None:
    parent.render("again", tmp_path)
    assert parent.events()[-1]["type"] == "finished"
    parent.say("cancel", job="again")
    parent.render("again", tmp_path)
    assert parent.events()[-1]["type"] == "finished"


@pytest.mark.parametrize("name", ["gone", "x" * 300])
def test_a_folder_that_cannot_be_written_fails_the_job_and_no_more(
    parent: Parent, tmp_path: Path, name: str
) -> None:
    parent.render("a", tmp_path / name)
    assert parent.events()[-1]["kind"] == "StorageError"
    parent.render("b", tmp_path)
    assert parent.events()[-1]["type"] == "finished"


def test_a_recipe_of_another_version_fails_the_job_and_no_more(
    parent: Parent, tmp_path: Path
) -> None:
    parent.render("a", tmp_path, version=99)
    [failed] = parent.events()
    assert failed["kind"] == "RecipeFileError"


def test_what_is_no_command_ends_it(tmp_path: Path) -> None:
    parent = Parent(tmp_path)
    parent.commands.write(b"no frame at all")
    parent.commands.flush()
    parent.thread.join(10)
    assert not parent.thread.is_alive()
