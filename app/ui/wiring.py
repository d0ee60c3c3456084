"""The page's handlers: what happens when the artist submits, chooses a checkpoint, reuses."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr

from app.ui import panels
from app.ui.fields import refill, starting_values, write
from app.ui.form import SHARED, Form, Forms
from pipelines.draft import Choice, Draft
from pipelines.errors import StudioError

if TYPE_CHECKING:
    from app.studio.service import Studio

QUIET: dict[str, Any] = {
    "queue": False,
    "show_progress": "hidden",
    "api_visibility": "private",
    "preprocess": False,
}
"""At once, unseen, and with the values as they are: checking them is the draft's work, so that
each mistake gets its sentence and its cure."""


def checkpoint_or_none(studio: Studio, name: str | None = None) -> Choice | None:
    """A checkpoint by name or hash (None: the default one), or None where it is not usable."""
    try:
        return studio.catalog.checkpoint(name)
    except StudioError:
        return None


def checkpoints(studio: Studio) -> list[tuple[str, str]]:
    """Labels and names of the checkpoints that can be used."""
    return [(choice.label, choice.ref.name) for choice in studio.catalog.checkpoints()]


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

    @property
    def filled(self) -> list[Any]:
        """What changes when the forms are filled."""
        return [self.filled_for, *self.forms.widgets]

    def unfilled(self) -> list[Any]:
        """An answer for `filled` that changes nothing."""
        return [gr.skip(), *self.forms.updates({})]


def wire_generate(page: Page, last: gr.Button, first: gr.Button, answers: gr.HTML) -> None:
    """Pressing `last` queues a job behind all others, `first` before them."""

    def submit(tab: str, *values: Any, first: bool) -> str:
        try:
            draft = page.forms.read(tab, values)
            return panels.accepted(page.studio.submit(draft, first=first).id)
        except StudioError as error:
            return panels.refused(error)

    inputs = [page.working, *page.forms.widgets]
    last.click(partial(submit, first=False), inputs, answers, **QUIET)
    first.click(partial(submit, first=True), inputs, answers, **QUIET)


def wire_checkpoint(page: Page, answers: gr.HTML) -> None:
    """Another checkpoint fills in what was left untouched; one that is no use is told of."""
    checkpoint, forms = page.forms.shared["checkpoint"], page.forms

    def choose(filled: str, *values: Any) -> list[Any]:
        return _chosen(page, filled, forms.held(values))

    def check(name: str) -> Any:
        try:
            page.studio.catalog.checkpoint(name)
        except StudioError as error:
            return panels.refused(error)
        return gr.skip()

    chosen = checkpoint.input(choose, page.filled, page.filled, **QUIET)
    chosen.then(None, forms.widgets, None, js=panels.LOOKED, **QUIET)
    checkpoint.change(check, checkpoint, answers, **QUIET)


def wire_models(page: Page, blocks: gr.Blocks, header: gr.HTML) -> None:
    """The list of checkpoints follows the folders: as they change, and when it is looked at."""
    checkpoint = page.forms.shared["checkpoint"]

    def listed() -> Any:
        return gr.update(choices=checkpoints(page.studio))

    def refresh() -> Any:
        page.studio.rescan()
        return listed()

    header.models(listed, None, checkpoint, **QUIET)
    checkpoint.focus(refresh, None, checkpoint, **QUIET)
    blocks.load(refresh, None, checkpoint, **QUIET)


def wire_reset(page: Page, form: Form, reset: gr.Button, answers: gr.HTML) -> None:
    """Pressing `reset` sets a tab's own widgets to what suits the checkpoint."""

    def start(name: str) -> list[Any]:
        chosen = checkpoint_or_none(page.studio, name)
        suited = starting_values(chosen.variant) if chosen else {}
        values = (suited.get(field, own.value) for field, own in form.widgets.items())
        return [panels.filled(), *(gr.update(value=value) for value in values)]

    outputs = [answers, *form.widgets.values()]
    reset.click(start, form["checkpoint"], outputs, **QUIET)


def wire_reuse(page: Page, results: gr.HTML, answers: gr.HTML) -> None:
    """`results` brings the settings of a picture, asks for its seed, or for another checkpoint."""

    def reuse(event: gr.EventData, tab: str, filled: str, *values: Any) -> list[Any]:
        try:
            if event.what == "checkpoint":
                name = page.studio.catalog.checkpoint(str(event.values["checkpoint"])).ref.name
                held = page.forms.held(values)
                held[SHARED]["checkpoint"] = name
                return [gr.skip(), *_chosen(page, filled, held)]
            if event.what == "values":
                return [gr.skip(), *_filled(page, tab, Draft.of(event.values))]
            seed = str(page.studio.gallery.recipe(str(event.picture)).seed)
        except StudioError as error:
            return [panels.refused(error), *page.unfilled()]
        changes = page.forms.place(tab, {"seed": seed})
        return [gr.skip(), gr.skip(), *page.forms.updates(changes)]

    results.reuse(reuse, [page.working, *page.filled], [answers, *page.filled], **QUIET)


def wire_presets(page: Page, presets: gr.HTML) -> None:
    """`presets` asks for some of what the form holds to be kept under a name."""

    def save(event: gr.EventData, tab: str, *values: Any) -> str:
        name, kept = str(event.name), page.studio.presets
        try:
            draft = page.forms.kept(tab, values, event.fields)
            former = kept.put(name, draft, replace=event.replace is True)
            return panels.saved(kept.get(name).name, former and former.values)
        except StudioError as error:
            return panels.refused(error)

    presets.save(save, [page.working, *page.forms.widgets], presets, **QUIET)


def _chosen(page: Page, filled: str, held: dict[str, dict[str, Any]]) -> list[Any]:
    """What changes when the checkpoint that the widgets hold is chosen: see `refill`."""
    asked = held[SHARED]["checkpoint"]
    old, new = (checkpoint_or_none(page.studio, name) for name in (filled, asked))
    if new is None:
        return page.unfilled()
    after = starting_values(new.variant)
    changes = {
        name: refill(own, starting_values(old.variant) if old else own, after)
        for name, own in held.items()
    }
    changes[SHARED]["checkpoint"] = asked
    return [new.ref.name, *page.forms.updates(changes)]


def _filled(page: Page, tab: str, draft: Draft) -> list[Any]:
    """The name the form is filled for, and the form filled with what a draft says."""
    chosen = checkpoint_or_none(page.studio, draft.checkpoint) if draft.checkpoint else None
    variant = chosen.variant if chosen else None
    name = chosen.ref.name if chosen else gr.skip()
    return [name, *page.forms.updates(page.forms.place(tab, write(draft, variant)))]
