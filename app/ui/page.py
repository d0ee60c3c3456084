"""The page: prompts, tabs, and the stage on which pictures appear.

Gradio's part ends where a job is submitted. The stage follows jobs over our own event stream, so
a page that is closed or reloaded loses nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from fastapi import FastAPI
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from app.ui import entrance, panels
from app.ui.fields import refill, starting_values, write, write_draft
from app.ui.form import SHARED, Form, Forms
from app.ui.language import languages, say, serve, translations
from app.ui.tabs import Tab, View, tabs
from app.ui.theme import theme
from app.ui.wiring import QUIET, checkpoint_or_none
from pipelines.draft import Choice, Draft
from pipelines.errors import StudioError
from pipelines.recipe import Recipe

if TYPE_CHECKING:
    from app.studio.service import Studio

STATIC = Path(__file__).parent / "static"

STYLES = ("gesso.css",)
"""Style sheets in `static`, in the order in which they are read."""

HEAD = "\n".join(
    (
        '<meta name="color-scheme" content="light dark">',
        f'<link rel="icon" type="image/svg+xml" href="{panels.SCRIPTS}/mark.svg">',
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


class Page:
    """What the handlers of a page share: its studio, its forms, and two values unseen.

    `filled_for` is the name of the checkpoint whose starting values the widgets got last: what
    still equals them was not touched by the artist. `working` is the working tab chosen last.
    """

    def __init__(self, studio: Studio, working: str) -> None:
        self.studio = studio
        self.forms = Forms(Form(SHARED, checkpoint_or_none(studio)))
        filled_for = self.forms.shared.initial.get("checkpoint")
        self.filled_for = gr.Textbox(filled_for, visible=False, render=False)
        self.working = gr.Textbox(working, visible=False, render=False)


def build(studio: Studio, offered: Sequence[Tab | View]) -> gr.Blocks:
    """The page of this studio, with these tabs in their order; the first one has a form."""
    page = Page(studio, offered[0].name)
    with gr.Blocks(title="Gesso", analytics_enabled=False, fill_width=True) as blocks:
        panels.header()
        page.filled_for.render()
        page.working.render()
        with gr.Column(elem_id="studio"):
            generate, answers = _compose(page)
            _tabs(page, offered)
            results = panels.results(starter=_only_starter(page.forms.shared.chosen))
        _wire_generate(page, generate, answers)
        _wire_checkpoint(page, blocks)
        _wire_reuse(page, results, answers)
    return blocks


def _compose(page: Page) -> tuple[gr.Button, gr.HTML]:
    """What all working tabs share."""
    form = page.forms.shared
    with gr.Column(elem_id="compose", elem_classes="card"):
        form.text("prompt", lines=3, max_lines=8, info=None, placeholder=say("form.prompt.example"))
        form.text("negative_prompt", lines=1, max_lines=5, info=None)
        answers = panels.answers()
        with gr.Row(elem_id="actions"):
            generate = gr.Button(
                say("form.generate"), variant="primary", elem_id="generate", interactive=True
            )
            gr.Button(say("form.stop"), elem_id="stop", interactive=True)
        gr.Button(say("form.reuse_file"), size="sm", elem_id="reuse-file", interactive=True)
    with gr.Column(elem_id="model", elem_classes="card"):
        form.choice("checkpoint", _checkpoints(page.studio), info=None)
    return generate, answers


def _tabs(page: Page, offered: Sequence[Tab | View]) -> None:
    """The row of tabs, with what belongs to each."""
    with gr.Tabs(elem_id="tasks") as row:
        for tab in offered:
            with gr.Tab(tab.label, id=tab.name, elem_id=f"tab-{tab.name}") as item:
                _fill_tab(page, tab)
            outputs = [page.working] if isinstance(tab, Tab) else None
            item.select(None, None, outputs, js=panels.tab_chosen(tab.name), **QUIET)
    views = [tab.name for tab in offered if isinstance(tab, View)]
    panel = panels.tabs([tab.name for tab in offered], views, page.forms)
    panel.choose(None, None, row, js=panels.TAB_WANTED, **QUIET)


def _fill_tab(page: Page, tab: Tab | View) -> None:
    if isinstance(tab, View):
        with gr.Column(elem_classes="view"):
            tab.build(page.studio)
    else:
        with gr.Column(elem_classes="settings"):
            tab.build(page.studio, page.forms.tab(tab.name))


def _wire_generate(page: Page, generate: gr.Button, answers: gr.HTML) -> None:
    def submit(tab: str, *values: Any) -> str:
        try:
            return panels.accepted(page.studio.submit(page.forms.read(tab, values)).id)
        except StudioError as error:
            return panels.refused(error)

    generate.click(submit, [page.working, *page.forms.widgets], answers, **QUIET)


def _wire_checkpoint(page: Page, blocks: gr.Blocks) -> None:
    checkpoint, forms = page.forms.shared["checkpoint"], page.forms

    def choose(filled: str, *values: Any) -> list[Any]:
        held = forms.held(values)
        asked = held[SHARED]["checkpoint"]
        old, new = (checkpoint_or_none(page.studio, name) for name in (filled, asked))
        if new is None:
            return [gr.skip(), *forms.updates({})]
        after = starting_values(new.variant)
        changes = {
            name: refill(own, starting_values(old.variant) if old else own, after)
            for name, own in held.items()
        }
        return [new.ref.name, *forms.updates(changes, new.variant)]

    def refresh() -> Any:
        page.studio.catalog.rescan()
        return gr.update(choices=_checkpoints(page.studio))

    outputs = [page.filled_for, *forms.widgets]
    checkpoint.input(choose, outputs, outputs, **QUIET)
    checkpoint.focus(refresh, None, checkpoint, **QUIET)
    blocks.load(refresh, None, checkpoint, **QUIET)


def _wire_reuse(page: Page, results: gr.HTML, answers: gr.HTML) -> None:
    def reuse(event: gr.EventData, tab: str) -> list[Any]:
        try:
            if event.what == "values":
                return [gr.skip(), *_filled(page, tab, Draft.of(event.values))]
            recipe = page.studio.recipe_of(str(event.picture))
        except StudioError as error:
            return [panels.refused(error), gr.skip(), *page.forms.updates({})]
        if event.what == "seed":
            seed = page.forms.place(tab, {"seed": str(recipe.seed)})
            return [gr.skip(), gr.skip(), *page.forms.updates(seed)]
        return _reused(page, tab, recipe)

    outputs = [answers, page.filled_for, *page.forms.widgets]
    results.reuse(reuse, page.working, outputs, **QUIET)


def _reused(page: Page, tab: str, recipe: Recipe) -> list[Any]:
    """The form filled from a recipe. A checkpoint that is not here is told, the rest is filled."""
    forms = page.forms
    try:
        chosen = page.studio.catalog.recall(recipe.checkpoint)
    except StudioError as error:
        values = write(recipe)
        del values["checkpoint"]
        return [panels.refused(error), gr.skip(), *forms.updates(forms.place(tab, values))]
    values = write(recipe, chosen.variant) | {"checkpoint": chosen.ref.name}
    changes = forms.place(tab, values)
    return [panels.cleared(), chosen.ref.name, *forms.updates(changes, chosen.variant)]


def _filled(page: Page, tab: str, draft: Draft) -> list[Any]:
    """The name the form is filled for, and the form filled with what a draft says."""
    chosen = checkpoint_or_none(page.studio, draft.checkpoint) if draft.checkpoint else None
    variant = chosen.variant if chosen else None
    name = chosen.ref.name if chosen else gr.skip()
    changes = page.forms.place(tab, write_draft(draft, variant))
    return [name, *page.forms.updates(changes, variant)]


def _checkpoints(studio: Studio) -> list[tuple[str, str]]:
    """Labels and names of the checkpoints that can be used."""
    return [(choice.label, choice.ref.name) for choice in studio.catalog.checkpoints()]


def _only_starter(chosen: Choice | None) -> bool:
    return chosen is not None and chosen.variant.name == "starter"
