"""Text to image: size, sampling and seed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, get_args

import gradio as gr

from app.ui.fields import NESTED, sizes_of
from app.ui.form import Form
from app.ui.language import say
from app.ui.panels import size_picker
from app.ui.tabs import Tab
from app.ui.wiring import QUIET, checkpoint_or_none
from pipelines.draft import AUTOMATIC, Choice
from pipelines.recipe import PredictionType
from pipelines.samplers import Sampler

if TYPE_CHECKING:
    from app.studio.service import Studio


def _build(studio: Studio, form: Form) -> None:
    sizes = sizes_of(form.chosen.variant if form.chosen else None)
    size = size_picker(form.id("size"), form.initial.get("size", ""), sizes)
    form.add("size", size)
    with gr.Row():
        _sampler(form, studio.catalog.samplers())
        names = [schedule.name for schedule in studio.catalog.schedules()]
        form.choice("schedule", names, min_width=120)
    with gr.Row():
        form.slider("steps", min_width=120)
        form.slider("guidance_scale", step=0.5, min_width=120)
    with gr.Row(elem_id=form.id("seed-row")):
        form.text("seed", placeholder=say("form.seed.empty"), max_lines=1, scale=3, min_width=120)
        gr.Button(
            say("form.seed.random"),
            elem_id=form.id("seed-random"),
            size="sm",
            min_width=72,
            interactive=True,
        )
        gr.Button(
            say("form.seed.last"),
            elem_id=form.id("seed-last"),
            size="sm",
            min_width=56,
            interactive=True,
        )
    form.slider("count")
    with gr.Accordion(say("form.advanced"), open=False):
        conditioning = _advanced(form)
    checkpoint = form["checkpoint"]
    checkpoint.change(partial(_suit, studio), checkpoint, [size, conditioning], **QUIET)


def _sampler(form: Form, samplers: list[Sampler]) -> None:
    fresh = f" · {say('form.stochastic')}"
    choices = [(s.name + fresh if s.stochastic else s.name, s.name) for s in samplers]
    known = {s.name for s in samplers}
    start = form.initial.get("sampler")

    def summary(name: str | None) -> str:
        return say(f"sampler.{name}.help" if name in known else "field.sampler.help")

    sampler = form.choice("sampler", choices, info=summary(start), min_width=120)
    sampler.change(lambda name: gr.update(info=summary(name)), sampler, sampler, **QUIET)


def _advanced(form: Form) -> gr.Row:
    form.choice("prediction_type", [AUTOMATIC, *get_args(PredictionType)], value=AUTOMATIC)
    with gr.Row(
        visible=_takes_size(form.chosen), elem_id=form.id("size_conditioning")
    ) as conditioning:
        form.text(NESTED + "original", placeholder=say("choice.automatic"))
        form.text(NESTED + "target", placeholder=say("choice.automatic"))
        form.number(NESTED + "crop_left")
        form.number(NESTED + "crop_top")
    return conditioning


def _suit(studio: Studio, name: str | None) -> list[Any]:
    """The sizes of the checkpoint chosen now, and whether it is told a size."""
    chosen = checkpoint_or_none(studio, name)
    if chosen is None:
        return [gr.skip(), gr.skip()]
    return [gr.update(sizes=sizes_of(chosen.variant)), gr.update(visible=_takes_size(chosen))]


def _takes_size(chosen: Choice | None) -> bool:
    return chosen is not None and chosen.family.conditioning == "size"


TAB = Tab(order=10, name="text-to-image", label=say("tab.text_to_image"), build=_build)
