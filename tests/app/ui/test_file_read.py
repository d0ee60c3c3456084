"""No component of Gradio reads a file of this machine for anyone, mounted as our page is.

A mounted Gradio that does not believe itself launched opens any path that a request names. Each
kind of component that takes files is asked for some, in the ways in which a page calls functions.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.api.pathless import Pathless, names_a_file
from app.studio.service import Studio
from app.ui import page

KINDS: dict[str, Callable[[], Any]] = {
    "File": gr.File,
    "several files": lambda: gr.File(file_count="multiple"),
    "File as bytes": lambda: gr.File(type="binary"),
    "UploadButton": gr.UploadButton,
    "DownloadButton": gr.DownloadButton,
    "Image": lambda: gr.Image(type="filepath"),
    "Image as pixels": lambda: gr.Image(type="pil"),
    "ImageEditor": lambda: gr.ImageEditor(type="filepath"),
    "ImageSlider": lambda: gr.ImageSlider(type="filepath"),
    "AnnotatedImage": gr.AnnotatedImage,
    "Gallery": lambda: gr.Gallery(type="filepath"),
    "Audio": lambda: gr.Audio(type="filepath"),
    "Video": gr.Video,
    "Model3D": gr.Model3D,
    "Chatbot": gr.Chatbot,
    "MultimodalTextbox": gr.MultimodalTextbox,
    "FileExplorer": lambda: gr.FileExplorer(root_dir=str(Path(__file__).parent)),
    "HTML": gr.HTML,
    "JSON": gr.JSON,
    "State": gr.State,
    "BrowserState": gr.BrowserState,
    "Dataframe": gr.Dataframe,
    "Textbox": gr.Textbox,
}


def contents(value: Any) -> str:
    """What a careless function would do with its input: open every path in it."""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, dict):
        return "".join(map(contents, value.values()))
    if isinstance(value, list | tuple):
        return "".join(map(contents, value))
    if hasattr(value, "tobytes"):
        return f"PIXELS {value.tobytes()[:9]!r}"
    return ""


@pytest.fixture(scope="module")
def studio(settings_in, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """A studio whose engine was never started."""
    still = Studio(settings_in(tmp_path_factory.mktemp("probed")))
    yield still
    still.close()


@pytest.fixture(scope="module")
def secrets(studio: Studio, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Files that are there and must not be read, whatever they are."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("private")
    text, picture = folder / "secret.txt", folder / "secret.png"
    text.write_text("a secret of the artist")
    Image.new("RGB", (9, 9), "red").save(picture)
    (studio.settings.outputs / "2026").mkdir(parents=True)
    own = studio.settings.outputs / "2026" / "own.png"
    own.write_bytes(picture.read_bytes())
    database = next(studio.settings.data.glob("*.sqlite"))
    found = [text, picture, own, database, Path("/etc/passwd"), Path("/proc/self/environ")]
    return [str(file) for file in found if file.exists()]


@pytest.fixture(scope="module", params=[False, True], ids=["mounted", "as served"])
def probe(request: pytest.FixtureRequest, studio: Studio) -> Iterator[TestClient]:
    """A page with one function per kind of component, mounted by the code that mounts ours, and
    the same behind what our server puts before it."""
    with gr.Blocks() as blocks:
        for make in KINDS.values():
            component = make()
            read = gr.Button()
            echo = gr.Textbox()
            read.click(contents, component, echo, queue=False)
            read.click(contents, component, echo, queue=True)
            read.click(lambda value: value, component, component, queue=False)
    app, real = FastAPI(), page.build
    page.build = lambda *_: blocks
    try:
        page.mount(app, studio)
    finally:
        page.build = real
    with TestClient(Pathless(app) if request.param else app) as client:
        client.guarded = request.param
        yield client


def shapes(path: str, *, marked: bool) -> Iterator[Any]:
    """A path in each form in which a component would take it; `marked` as an upload's is."""
    file: dict[str, Any] = {"path": path, "orig_name": "x.png"}
    if marked:
        file["meta"] = {"_type": "gradio.FileData"}
    by_url = {**file, "path": "x", "url": f"file://{path}"}
    yield from (file, by_url, path, [file], [file, file], [[file, "label"]])
    yield {"background": file, "layers": [file], "composite": file}
    yield {"image": file, "annotations": []}
    yield {"video": file, "subtitles": None}
    yield [{"image": file, "caption": None}]
    yield {"text": "", "files": [file]}
    yield [{"role": "user", "content": [{"type": "file", "file": file}], "metadata": None}]
    yield [["..", "..", "..", "..", "..", "..", *Path(path).parts[1:]]]


TOLD = ("a secret of the artist", "root:x:", "PATH=", "SQLite format", "PIXELS")


def leaks(answer: Any) -> list[str]:
    return [mark for mark in TOLD if mark in answer.text]


@pytest.mark.slow
def test_no_kind_of_component_reads_a_file_over_run(probe: TestClient, secrets: list[str]) -> None:
    found = []
    for number in range(3 * len(KINDS)):
        for path in secrets:
            shaped = values(probe, path)
            for value in shaped if path in secrets[:2] else (next(shaped),):
                body = {"data": [value], "fn_index": number, "session_hash": "x"}
                answer = probe.post("/gradio_api/run/predict", json=body)
                if leaks(answer) or _served(probe, answer):
                    found.append((list(KINDS)[number // 3], path, str(value)[:60]))
    assert found == []


def values(probe: TestClient, path: str) -> Iterator[Any]:
    """What Gradio checks when it believes itself launched; behind our server, all the rest, too."""
    yield from shapes(path, marked=True)
    if probe.guarded:
        yield from shapes(path, marked=False)


def _served(probe: TestClient, answer: Any) -> bool:
    """Whether an answer names a copy of a file that may then be fetched."""
    if answer.status_code != 200:
        return False
    links = [part for part in json.dumps(answer.json()).split('"') if "/file=" in part]
    return any(probe.get(link).status_code == 200 for link in links if link.startswith("/"))


@pytest.mark.parametrize("way", ["join", "call"])
def test_nor_over_the_queue(probe: TestClient, secrets: list[str], way: str) -> None:
    names = [entry["api_name"] for entry in probe.get("/config").json()["dependencies"]]
    for kind, number in zip(KINDS, range(1, 3 * len(KINDS), 3), strict=True):
        for path in (secrets[0], secrets[1]):
            value = next(shapes(path, marked=True))
            session = f"{way}-{number}"
            if way == "join":
                body = {"data": [value], "fn_index": number, "session_hash": session}
                joined = probe.post("/gradio_api/queue/join", json=body)
                events = f"/gradio_api/queue/data?session_hash={session}"
            else:
                call = f"/gradio_api/call/{names[number]}"
                joined = probe.post(call, json={"data": [value]})
                events = f"{call}/{joined.json().get('event_id')}"
            assert joined.status_code == (403 if probe.guarded else 200)
            told = joined if probe.guarded else probe.get(events)
            assert leaks(joined) == leaks(told) == [], kind


@pytest.mark.slow
def test_the_page_itself_reads_none_either(studio: Studio, secrets: list[str]) -> None:
    app = FastAPI()
    blocks = page.mount(app, studio)
    with TestClient(app) as client:
        for number, function in blocks.fns.items():
            for path in secrets[:2]:
                for value in (*shapes(path, marked=True), *shapes(path, marked=False)):
                    body = {"data": [value] * len(function.inputs), "fn_index": number,
                            "event_data": {"what": "settings", "picture": value, "values": value},
                            "session_hash": "x"}  # fmt: skip
                    answer = client.post("/gradio_api/run/predict", json=body)
                    assert leaks(answer) == []
                    assert not _served(client, answer)


TAKES_FILES = (
    gr.File, gr.UploadButton, gr.Image, gr.ImageEditor, gr.ImageSlider, gr.AnnotatedImage,
    gr.Gallery, gr.Audio, gr.Video, gr.Model3D, gr.Chatbot, gr.MultimodalTextbox, gr.FileExplorer,
)  # fmt: skip


def test_our_page_has_no_component_that_takes_files(studio: Studio) -> None:
    """Pictures are brought through our own API, which knows of no paths."""
    blocks = page.mount(FastAPI(), studio)
    assert [one for one in blocks.blocks.values() if isinstance(one, TAKES_FILES)] == []


@pytest.mark.parametrize(
    ("body", "is_one"),
    [
        (b'{"data": [{"path": "/etc/passwd"}]}', True),
        (b'{"data": [[{"a": {"\\u0070ath": "x"}}]]}', True),
        (b'{"path": 1, "path": 2}', True),
        ('{"data": [{"path": "x"}]}'.encode("utf-16"), True),
        (b'{"data": ["path", {"paths": "x"}]}', False),
        (b"", False),
        (b'{"path', False),
        (b"[" * 100_000, False),
    ],
)
def test_a_path_is_found_however_it_is_written(body: bytes, is_one: bool) -> None:
    assert names_a_file(body) is is_one


def test_the_probe_would_see_it(secrets: list[str], tmp_path_factory) -> None:
    """The same page, mounted as Gradio's own guide says, is read through."""
    with gr.Blocks() as blocks:
        file, echo = gr.File(type="binary"), gr.Textbox()
        gr.Button().click(contents, file, echo, queue=False)
    app = gr.mount_gradio_app(FastAPI(), blocks, path="/")
    with TestClient(app) as client:
        body = {"data": [next(shapes(secrets[0], marked=True))], "fn_index": 0, "session_hash": "x"}
        answer = client.post("/gradio_api/run/predict", json=body)
    assert leaks(answer) == ["a secret of the artist"], "Gradio has mended this: say so in docs"
