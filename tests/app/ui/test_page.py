"""The page is built from the studio it belongs to, and opens no doors."""

import json
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.studio.service import Studio
from app.ui.form import Form
from app.ui.page import STATIC, build, mount
from app.ui.tabs import Tab, View, tabs


@pytest.fixture(scope="module")
def still(settings_in, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """A studio whose engine was never started: a page needs none to be built."""
    studio = Studio(settings_in(tmp_path_factory.mktemp("still")))
    yield studio
    studio.close()


@pytest.fixture(scope="module")
def app(still: Studio) -> FastAPI:
    app = FastAPI()
    app.state.blocks = mount(app, still)
    return app


@pytest.fixture(scope="module")
def blocks(app: FastAPI) -> gr.Blocks:
    return app.state.blocks


@pytest.fixture(scope="module")
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app) as client:
        yield client


def test_every_tab_has_its_own_label_and_place() -> None:
    found = tabs()
    assert found[0].name == "text-to-image"
    for what in ("order", "name", "label"):
        assert len({getattr(tab, what) for tab in found}) == len(found)


def other_form(studio: Studio, form: Form) -> None:
    form.slider("steps")
    form.text("seed")


OTHER = Tab(order=11, name="other", label="Other", build=other_form)
WALL = View(order=12, name="wall", label="Wall", build=lambda _: gr.HTML("all of it"))


@pytest.fixture(scope="module")
def with_more_tabs(still: Studio) -> gr.Blocks:
    return build(still, [*tabs(), OTHER, WALL])


def test_two_tabs_may_have_the_same_field_and_no_two_elements_the_same_id(
    with_more_tabs: gr.Blocks,
) -> None:
    ids = [b.elem_id for b in with_more_tabs.blocks.values() if getattr(b, "elem_id", None)]
    assert len(ids) == len(set(ids))
    assert {"prompt", "checkpoint", "steps", "other-steps", "tab-other", "tab-wall"} <= set(ids)


def test_what_is_submitted_is_the_form_of_the_tab_that_is_chosen(still: Studio) -> None:
    app = FastAPI()
    blocks = mount(app, still, [*tabs(), OTHER])
    by_id = {block.elem_id: key for key, block in blocks.blocks.items() if block.elem_id}
    (handler,) = [fn for fn in blocks.fns.values() if (by_id["generate"], "click") in fn.targets]
    values = {component._id: component.value for component in handler.inputs}
    values |= {by_id["steps"]: 5000, by_id["other-steps"]: 6000}
    with TestClient(app) as client:
        for tab, steps in (("text-to-image", 5000), ("other", 6000)):
            data = [tab, *list(values.values())[1:]]
            body = {"data": data, "fn_index": handler._id}
            (answer,) = client.post("/gradio_api/run/predict", json=body).json()["data"]
            assert json.loads(answer)["error"]["field"] == "steps"
            assert str(steps) in json.loads(answer)["error"]["message"]


def test_the_form_starts_with_what_suits_the_checkpoint(blocks: gr.Blocks) -> None:
    values = {block.elem_id: getattr(block, "value", None) for block in blocks.blocks.values()}
    assert values["checkpoint"] == "tiny-sd1"
    assert (values["steps"], values["sampler"], values["size"]) == (4, "Euler", "64x64")


def test_every_widget_says_that_it_can_be_used(blocks: gr.Blocks) -> None:
    """Left to guess, Gradio greys out some of them."""
    kinds = (gr.Textbox, gr.Slider, gr.Number, gr.Dropdown, gr.Button)
    widgets = [b for b in blocks.blocks.values() if isinstance(b, kinds) and b.visible]
    assert len(widgets) > 10
    assert [widget.elem_id for widget in widgets if widget.interactive is not True] == []


def test_no_handler_is_a_public_endpoint(client: TestClient) -> None:
    assert client.get("/gradio_api/info").json() == {
        "named_endpoints": {},
        "unnamed_endpoints": {},
    }


def test_the_mounted_page_reads_no_file_for_anyone(blocks: gr.Blocks, client: TestClient) -> None:
    assert blocks.has_launched
    secret = Path(__file__)
    answer = client.get(f"/gradio_api/file={secret}")
    assert answer.status_code in (403, 404)


def test_the_page_refers_to_nothing_outside_this_machine(client: TestClient) -> None:
    config = json.dumps(client.get("/config").json())
    assert "fonts.googleapis" not in config
    assert "huggingface.co" not in client.get("/theme.css").text


def test_scripts_and_styles_are_asked_after_each_time(client: TestClient) -> None:
    for file in filter(Path.is_file, STATIC.rglob("*")):
        answer = client.get(f"/gesso/{file.relative_to(STATIC).as_posix()}")
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-cache"
    assert client.get("/gesso/../page.py").status_code == 404
