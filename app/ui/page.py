"""The page: prompts, tabs, and the stage on which pictures appear.

Gradio's part ends where a job is submitted. The stage follows jobs over our own event stream, so
a page that is closed or reloaded loses nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from fastapi import FastAPI
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from app.ui import panels
from app.ui.fields import refill, starting_values, write, write_draft
from app.ui.form import Form
from app.ui.tabs import tabs
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

PROMPT_HINT = "a red house, a meadow, a clear day"


def mount(app: FastAPI, studio: Studio) -> gr.Blocks:
    """Serve the page at "/" of `app`, its scripts at "/gesso". Call it after all other routes."""
    blocks = build(studio)
    app.mount(panels.SCRIPTS, _Static(directory=STATIC))
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


def build(studio: Studio) -> gr.Blocks:
    """The page of this studio."""
    form = Form(checkpoint_or_none(studio))
    with gr.Blocks(title="Gesso", analytics_enabled=False, fill_width=True) as blocks:
        panels.header()
        form.filled_for.render()
        with gr.Column(elem_id="studio"):
            with gr.Column(elem_id="compose", elem_classes="card"):
                form.text("prompt", lines=3, max_lines=8, info=None, placeholder=PROMPT_HINT)
                form.text("negative_prompt", lines=1, max_lines=5, info=None)
                answers = panels.answers()
                with gr.Row(elem_id="actions"):
                    generate = gr.Button(
                        "Generate", variant="primary", elem_id="generate", interactive=True
                    )
                    gr.Button("Stop", elem_id="stop", interactive=True)
                gr.Button(
                    "Reuse from a file\u2026", size="sm", elem_id="reuse-file", interactive=True
                )
            with gr.Column(elem_id="model", elem_classes="card"):
                form.choice("checkpoint", _checkpoints(studio), info=None)
            with gr.Tabs(elem_id="tasks"):
                for tab in tabs():
                    with gr.Tab(tab.label), gr.Column(elem_classes="settings"):
                        tab.build(studio, form)
            results = panels.results(starter=_only_starter(form.chosen))
        _wire_generate(studio, form, generate, answers)
        _wire_checkpoint(studio, form, blocks)
        _wire_reuse(studio, form, results, answers)
    return blocks


def _wire_generate(studio: Studio, form: Form, generate: gr.Button, answers: gr.HTML) -> None:
    def submit(*values: Any) -> str:
        try:
            return panels.accepted(studio.submit(form.read(values)).id)
        except StudioError as error:
            return panels.refused(error)

    generate.click(submit, list(form.widgets.values()), answers, **QUIET)


def _wire_checkpoint(studio: Studio, form: Form, blocks: gr.Blocks) -> None:
    checkpoint = form.widgets["checkpoint"]
    widgets = list(form.widgets.values())

    def choose(filled: str, *values: Any) -> list[Any]:
        held = form.by_name(values)
        old, new = (checkpoint_or_none(studio, name) for name in (filled, held["checkpoint"]))
        if new is None:
            return [gr.skip(), *form.updates({})]
        before = starting_values(old.variant) if old else held
        updates = form.updates(refill(held, before, starting_values(new.variant)), new.variant)
        return [new.ref.name, *updates]

    def refresh() -> Any:
        studio.catalog.rescan()
        return gr.update(choices=_checkpoints(studio))

    checkpoint.input(choose, [form.filled_for, *widgets], [form.filled_for, *widgets], **QUIET)
    checkpoint.focus(refresh, None, checkpoint, **QUIET)
    blocks.load(refresh, None, checkpoint, **QUIET)


def _wire_reuse(studio: Studio, form: Form, results: gr.HTML, answers: gr.HTML) -> None:
    def reuse(event: gr.EventData) -> list[Any]:
        try:
            if event.what == "values":
                return [gr.skip(), *_filled(studio, form, Draft.of(event.values))]
            recipe = studio.recipe_of(str(event.picture))
        except StudioError as error:
            return [panels.refused(error), gr.skip(), *form.updates({})]
        if event.what == "seed":
            return [gr.skip(), gr.skip(), *form.updates({"seed": str(recipe.seed)})]
        return _reused(studio, form, recipe)

    outputs = [answers, form.filled_for, *form.widgets.values()]
    results.reuse(reuse, None, outputs, **QUIET)


def _reused(studio: Studio, form: Form, recipe: Recipe) -> list[Any]:
    """The form filled from a recipe. A checkpoint that is not here is told, the rest is filled."""
    try:
        chosen = studio.catalog.recall(recipe.checkpoint)
    except StudioError as error:
        values = write(recipe)
        del values["checkpoint"]
        return [panels.refused(error), gr.skip(), *form.updates(values)]
    values = write(recipe, chosen.variant) | {"checkpoint": chosen.ref.name}
    return [panels.cleared(), chosen.ref.name, *form.updates(values, chosen.variant)]


def _filled(studio: Studio, form: Form, draft: Draft) -> list[Any]:
    """The name the form is filled for, and the form filled with what a draft says."""
    chosen = checkpoint_or_none(studio, draft.checkpoint) if draft.checkpoint else None
    variant = chosen.variant if chosen else None
    name = chosen.ref.name if chosen else gr.skip()
    return [name, *form.updates(write_draft(draft, variant), variant)]


def _checkpoints(studio: Studio) -> list[tuple[str, str]]:
    """Labels and names of the checkpoints that can be used."""
    return [(choice.label, choice.ref.name) for choice in studio.catalog.checkpoints()]


def _only_starter(chosen: Choice | None) -> bool:
    return chosen is not None and chosen.variant.name == "starter"
