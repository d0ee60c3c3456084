"""What the engine's process answers, spoken to over its own two pipes."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import load_file

from pipelines import Catalog, Draft, expand, read_recipe
from pipelines.engine.child import Child
from pipelines.engine.wire import AFRESH, read_frame, write_frame
from tests import tiny

ENDS = ("finished", "cancelled", "failed")


class Parent:
    """Speaks to a child that serves in a thread, and hears it."""

    def __init__(self, folder: Path) -> None:
        self.models, presets = tiny.install(folder, ("sd1",))
        self.catalog = Catalog.open([self.models], [presets], settle=0)
        heard, said = os.pipe()
        self.commands = os.fdopen(said, "wb")
        answered, answers = os.pipe()
        self.answers = os.fdopen(answered, "rb")
        self._out = os.fdopen(answers, "wb")
        self._child = Child(self.catalog, os.fdopen(heard, "rb"), self._out)
        self.code: int | None = None
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()
        assert "hello" in self.hear()

    def _serve(self) -> None:
        with self._out:
            self.code = self._child.serve("cpu", "float32", None)

    def say(self, do: str, **more: Any) -> None:
        write_frame(self.commands, {"do": do, **more})

    def hear(self) -> dict[str, Any]:
        frame = read_frame(self.answers)
        assert frame is not None, "it ended"
        return frame[0]

    def render(self, job: str, folder: Path, count: int = 1, **changes: Any) -> None:
        """Pictures of the seeds 1, 2, ... under the names `<job>-1`, `<job>-2`, ..."""
        draft = Draft.of({"prompt": "a red house", "seed": 1, "steps": 2, "count": count})
        pictures = [
            {
                "index": k,
                "file": str(folder / f"{job}-{recipe.seed}.png"),
                "recipe": recipe.model_dump(mode="json") | changes,
            }
            for k, recipe in enumerate(expand(draft, self.catalog))
        ]
        self.say("render", job=job, count=count, pictures=pictures)

    def events(self) -> list[dict[str, Any]]:
        """The events of one job, without the progress of loading."""
        told: list[dict[str, Any]] = [{"type": "loading"}]
        while told[-1]["type"] not in ENDS:
            told.append(self.event())
        return [event for event in told if event["type"] != "loading"]

    def event(self, *types: str) -> dict[str, Any]:
        """The next event, or the next of one of the types."""
        while "event" not in (frame := self.hear()) or (
            types and frame["event"]["type"] not in types
        ):
            pass
        return frame["event"]


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
    assert (told[-2]["picture"], told[-2]["index"], told[-2]["count"]) == ("a-1", 0, 1)
    assert read_recipe(tmp_path / "a-1.png").seed == 1


def test_a_cancel_stops_the_run_it_follows(parent: Parent, tmp_path: Path) -> None:
    parent.render("first", tmp_path, steps=150)
    parent.render("second", tmp_path, steps=150)
    parent.say("cancel", job="second")
    parent.say("cancel", job="first")
    assert parent.events()[-1]["type"] == "cancelled"
    told = [event["type"] for event in parent.events()]
    assert told in (["cancelled"], ["encoding", "cancelled"])


def test_a_cancel_that_comes_too_late_does_not_stop_the_next_run(
    parent: Parent, tmp_path: Path
) -> None:
    parent.render("again", tmp_path)
    assert parent.events()[-1]["type"] == "finished"
    for wish in ("cancel", "finish"):
        (tmp_path / wish).mkdir()
        parent.say(wish, job="again")
        parent.render("again", tmp_path / wish, count=2)
        assert parent.events()[-1]["type"] == "finished"


def test_finishing_ends_the_job_after_the_picture_it_is_at(parent: Parent, tmp_path: Path) -> None:
    parent.render("f", tmp_path, count=3, steps=30)
    parent.event("step")
    parent.say("finish", job="f")
    told = parent.events()
    assert [event["type"] for event in told if event["type"] != "step"] == [
        "decoding",
        "saved",
        "cancelled",
    ]
    assert [file.name for file in tmp_path.iterdir()] == ["f-1.png"]


def test_skipping_drops_one_picture_and_goes_on_with_the_next(
    parent: Parent, tmp_path: Path
) -> None:
    parent.render("s", tmp_path, count=3, steps=60)
    parent.event("step")
    parent.say("skip", job="s", picture="s-1")
    parent.say("skip", job="s", picture="s-3")
    told = [event for event in parent.events() if event["type"] != "step"]
    assert [event.get("picture") for event in told if "picture" in event] == ["s-1", "s-2", "s-3"]
    assert [event["type"] for event in told if event["type"] in ("skipped", "saved")] == [
        "skipped",
        "saved",
        "skipped",
    ]
    assert told[-1]["type"] == "finished"
    assert [file.name for file in tmp_path.iterdir()] == ["s-2.png"]


def test_a_picture_that_is_there_already_is_not_painted_again(
    parent: Parent, tmp_path: Path
) -> None:
    (tmp_path / "p-1.png").write_bytes(b"made before everything was killed")
    parent.render("p", tmp_path, count=2, prompt="not painted before")
    told = [event["type"] for event in parent.events()]
    assert told == ["saved", "encoding", "step", "step", "decoding", "saved", "finished"]
    assert (tmp_path / "p-1.png").read_bytes() == b"made before everything was killed"
    assert read_recipe(tmp_path / "p-2.png").seed == 2


def test_what_is_loaded_is_told_while_it_comes_and_before_it_is_used(tmp_path: Path) -> None:
    parent = Parent(tmp_path)
    empty = parent.hear()["state"]
    assert (empty["checkpoint"], empty["loading"]) == (None, None)
    parent.render("l", tmp_path)
    frames: list[dict[str, Any]] = []
    while not frames or frames[-1].get("event", {}).get("type") != "encoding":
        frames.append(parent.hear())
    states = [frame["state"] for frame in frames if "state" in frame]
    bytes_ready = [state["loading"]["done"] for state in states if state["loading"]]
    assert bytes_ready == sorted(bytes_ready)
    assert len(bytes_ready) > 1
    last = states[-1]
    assert (last["checkpoint"], last["loading"]) == ("tiny-sd1", None)
    parent.events()
    parent.commands.close()
    parent.thread.join(10)


def test_what_was_loaded_beforehand_is_not_on_its_way_any_more(tmp_path: Path) -> None:
    parent = Parent(tmp_path)
    parent.say("preload", checkpoint="tiny-sd1")
    loading: dict[str, Any] | None = None
    while loading is None or loading["done"] < loading["total"]:
        loading = parent.hear()["state"]["loading"]
    parent.commands.close()
    while (frame := read_frame(parent.answers)) is not None:
        loading = frame[0]["state"]["loading"]
    assert loading is None
    parent.thread.join(10)


def test_a_pickled_checkpoint_becomes_safetensors(parent: Parent, tmp_path: Path) -> None:
    source = parent.models / "checkpoints" / "tiny-sd1.safetensors"
    pickled = parent.models / "checkpoints" / "old.ckpt"
    torch.save({"state_dict": load_file(source)}, pickled)
    parent.say("rescan", models=[str(parent.models)])
    parent.say("convert", job="c", checkpoint="old")
    assert [event["type"] for event in parent.events()] == ["finished"]
    converted = load_file(pickled.with_suffix(".safetensors"))
    assert converted.keys() == load_file(source).keys()
    parent.say("convert", job="d", checkpoint="no such file")
    assert parent.events()[-1]["kind"] == "UnknownModel"


def test_a_failed_device_is_told_and_ends_the_process_with_its_own_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = Parent(tmp_path)

    def broken(*_: Any, **__: Any) -> None:
        raise torch.AcceleratorError("CUDA error: device-side assert triggered")

    monkeypatch.setattr(UNet2DConditionModel, "forward", broken)
    parent.render("a", tmp_path)
    assert parent.events()[-1]["kind"] == "DeviceFailed"
    parent.thread.join(10)
    assert parent.code == AFRESH
    parent.commands.close()


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
