"""The page: prompts, tabs, and the stage on which pictures appear.

Gradio's part ends where a job is submitted. The stage follows jobs over our own event stream, so
a page that is closed or reloaded loses nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr
from fastapi import FastAPI
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from app.ui import entrance, panels
from app.ui.examples import examples
from app.ui.language import languages, say, serve, translations
from app.ui.tabs import Tab, View, tabs
from app.ui.theme import theme
from app.ui.wiring import (
    QUIET,
    Page,
    checkpoints,
    wire_checkpoint,
    wire_generate,
    wire_models,
    wire_presets,
    wire_reset,
    wire_reuse,
)
from pipelines.draft import Choice

if TYPE_CHECKING:
    from app.studio.service import Studio

STATIC = Path(__file__).parent / "static"

STYLES = (
    "ground.css",
    "widgets.css",
    "masthead.css",
    "popup.css",
    "segments.css",
    "search.css",
    "menu.css",
    "dialog.css",
    "parts.css",
    "stage.css",
    "lightbox.css",
    "details.css",
    "strip.css",
    "queue.css",
    "gallery.css",
    "compare.css",
    "toast.css",
    "form.css",
    "firstrun.css",
    "presets.css",
    "bar.css",
    "models.css",
    "models-view.css",
    "models-details.css",
    "shelf.css",
)
"""Style sheets in `static`, in the order in which they are read."""

HEAD = "\n".join(
    (
        *(f'<link rel="stylesheet" href="{panels.SCRIPTS}/{sheet}">' for sheet in STYLES),
        f'<script type="module" src="{panels.SCRIPTS}/page.js"></script>',
    )
)


def mount(app: FastAPI, studio: Studio, offered: Sequence[Tab | View] | None = None) -> gr.Blocks:
    """Serve the page at "/" of `app`, its scripts at "/gesso". Call it after all other routes.

    `offered`: the tabs; None for all of Gesso's.
    """
    blocks = build(studio, tabs() if offered is None else offered)
    serve(app, panels.SCRIPTS)
    app.mount(panels.SCRIPTS, _Static(directory=STATIC))
    app.add_middleware(entrance.Entrance, head=entrance.head(panels.SCRIPTS, languages(), STYLES))
    blocks.i18n_instance = translations()
    gr.mount_gradio_app(
        app,
        blocks,
        path="/",
        theme=theme(),
        head=HEAD,
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        show_error=False,
        max_file_size="64mb",
    )
    # Until it believes itself launched, a mounted Gradio serves any file of the machine.
    blocks.has_launched = True
    return blocks


class _Static(StaticFiles):
    """Files that a browser asks after each time, so that an update is seen at once."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


def build(studio: Studio, offered: Sequence[Tab | View]) -> gr.Blocks:
    """The page of this studio, with these tabs in their order; the first one has a form."""
    page = Page(studio, offered[0].name)
    with gr.Blocks(title="Gesso", analytics_enabled=False, fill_width=True) as blocks:
        header = panels.header()
        page.filled_for.render()
        page.working.render()
        with gr.Column(elem_id="studio"):
            _model_bar(page)
            generate, first, presets, answers = _compose(page)
            _tabs(page, offered, answers)
            starter = _is_starter(page.forms.shared.chosen)
            results = panels.results(starter=starter, examples=examples())
        panels.queue()
        wire_generate(page, generate, first, answers)
        wire_checkpoint(page, answers)
        wire_models(page, blocks, header)
        wire_reuse(page, results, answers)
        wire_presets(page, presets)
        _keep(page, [tab.name for tab in offered if isinstance(tab, View)])
    return blocks


def _model_bar(page: Page) -> None:
    """Which models paint, and what of them is in memory."""
    form = page.forms.shared
    with gr.Column(elem_id="model", elem_classes="card"):
        panels.model_fold()
        form.choice("checkpoint", checkpoints(page.studio), info=None)
        form.add("vae", panels.vae_picker(form.id("vae")))
        form.number("clip_skip")
        panels.memory()


def _compose(page: Page) -> tuple[gr.Button, gr.Button, gr.HTML, gr.HTML]:
    """What all working tabs share."""
    form = page.forms.shared
    with gr.Column(elem_id="compose", elem_classes="card"):
        form.text("prompt", lines=3, max_lines=8, info=None, placeholder=say("form.prompt.example"))
        form.text("negative_prompt", lines=1, max_lines=5, info=None)
        panels.shelf()
        answers = panels.answers()
        with gr.Row(elem_id="actions"):
            generate = gr.Button(
                say("form.generate"), variant="primary", elem_id="generate", interactive=True
            )
            gr.Button(say("form.stop"), elem_id="stop", interactive=True)
        with gr.Row(elem_id="asides"):
            gr.Button(say("form.reuse_file"), size="sm", elem_id="reuse-file", interactive=True)
            presets = panels.presets()
            first = gr.Button(
                say("form.first"), size="sm", elem_id="generate-first", interactive=True
            )
    return generate, first, presets, answers


def _tabs(page: Page, offered: Sequence[Tab | View], answers: gr.HTML) -> None:
    """The row of tabs, with what belongs to each."""
    with gr.Tabs(elem_id="tasks") as row:
        for tab in offered:
            with gr.Tab(tab.label, id=tab.name, elem_id=f"tab-{tab.name}") as item:
                _fill_tab(page, tab, answers)
            outputs = [page.working] if isinstance(tab, Tab) else None
            item.select(None, None, outputs, js=panels.chosen(tab.name), **QUIET)
    views = [tab.name for tab in offered if isinstance(tab, View)]
    panel = panels.tabs([tab.name for tab in offered], views, page.forms)
    panel.choose(None, None, row, js=panels.WANTED, **QUIET)


def _fill_tab(page: Page, tab: Tab | View, answers: gr.HTML) -> None:
    if isinstance(tab, View):
        with gr.Column(elem_classes="view"):
            tab.build(page.studio)
        return
    form = page.forms.tab(tab.name)
    with gr.Column(elem_classes="settings"):
        tab.build(page.studio, form)
        label, name = say("form.reset"), form.id("reset")
        reset = gr.Button(label, size="sm", elem_id=name, interactive=True)
    wire_reset(page, form, reset, answers)


def _keep(page: Page, views: list[str]) -> None:
    """The workspace hears of each change of a widget, and fills all of them."""
    kinds = {form.name: form.kinds for form in page.forms}
    page.studio.workspace.declare(kinds | {view: {} for view in views})
    for form in page.forms:
        for name, widget in form.widgets.items():
            widget.change(None, widget, None, js=panels.changed(form.name, name), **QUIET)
    kept = panels.workspace(page.forms)
    kept.fill(None, None, page.filled, js=panels.FILLING, **QUIET)


def _is_starter(chosen: Choice | None) -> bool:
    return chosen is not None and chosen.variant.name.startswith("starter")
