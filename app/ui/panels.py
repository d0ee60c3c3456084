"""The parts of the page that Gradio has no component for: `gr.HTML`, filled by `static/*.js`.

None of them has a `${value}` in its template: each change of value would build it anew.
"""

from __future__ import annotations

import json
import time
from typing import Any

import annotated_types
import gradio as gr

from app.ui.fields import facts
from app.ui.form import Forms
from pipelines.draft import AUTOMATIC
from pipelines.errors import StudioError
from pipelines.geometry import Size

SCRIPTS = "/gesso"
"""Where `static/` is served."""


def panel(name: str, call: str, value: str = "", *, script: str = "page", **props: Any) -> gr.HTML:
    """An element filled by `call`, a function that `static/<script>.js` exports."""
    return gr.HTML(
        value,
        html_template="",
        js_on_load=f"import('{SCRIPTS}/{script}.js').then((part) => part.{call})",
        apply_default_css=False,
        elem_id=name,
        **props,
    )


def header() -> gr.HTML:
    """Name, mark, state of the engine. Raises `models` when the model folders have changed."""
    return panel("header", "header(element, () => trigger('models'))")


def queue() -> gr.HTML:
    """The drawer with the queue, and its button in the header."""
    return panel("queue", "queue(element)", script="queue")


def script(name: str, call: str, *parameters: str) -> str:
    """What Gradio runs in the browser for an event: `call` of `static/<name>.js`."""
    return f"async ({', '.join(parameters)}) => (await import('{SCRIPTS}/{name}.js')).{call}"


WANTED = script("tabs", "wanting()")
FILLING = script("workspace", "filling()")
LOOKED = script("workspace", "looked(...values)", "...values")


def chosen(tab: str) -> str:
    """The script for a tab that is chosen now."""
    return script("tabs", f"chosen({json.dumps(tab)})")


def changed(form: str, field: str) -> str:
    """The script for a widget that holds another value now."""
    return script("workspace", f"changed({json.dumps(form)}, {json.dumps(field)}, value)", "value")


def tabs(names: list[str], views: list[str], forms: Forms) -> gr.HTML:
    """Unseen: keeps the chosen tab in the address. Raises `choose` to have another one chosen."""
    return panel(
        "tabs",
        "tabs(props, () => trigger('choose'))",
        script="tabs",
        names=names,
        views=views,
        fields={form.name: list(form.widgets) for form in forms if form is not forms.shared},
        prefixes={form.name: form.prefix for form in forms},
    )


def workspace(forms: Forms) -> gr.HTML:
    """Unseen: keeps the forms on the server. Raises `fill` to have `FILLING` fill them."""
    fields = {
        form.name: {name: (kind, form.widgets[name].value) for name, kind in form.kinds.items()}
        for form in forms
    }
    call = "workspace(props, () => trigger('fill'))"
    return panel("workspace", call, script="workspace", fields=fields)


def model_fold() -> gr.HTML:
    """What the model bar is folded to where there is little room: a line, which opens it."""
    return panel("model-fold", "fold(element)", script="bar")


def vae_picker(name: str) -> gr.HTML:
    """The list of VAEs, in an element of that id; its value is a draft's `vae`."""
    return panel(name, "vae(element, props, watch)", AUTOMATIC, script="bar-vae")


def memory() -> gr.HTML:
    """What is loaded where, and the button that frees all of it."""
    return panel("memory", "memory(element)", script="bar")


def shelf() -> gr.HTML:
    """The LoRAs below the prompts. What it changes stands in the prompt, which it edits by `type`
    of `static/fields.js` and hears of as `gesso:field`."""
    return panel("shelf", "shelf(element)", script="shelf")


def answers() -> gr.HTML:
    """The card beside the prompt; its value is made by `accepted` and `refused`."""
    return panel("answers", "answers(element, props, watch)")


def presets() -> gr.HTML:
    """A button, and the list it opens. Raises the event `save`: what some `fields` of the form hold
    is to be kept under a `name`; its value is then made by `saved` or `refused`."""
    call = "presets(element, props, watch, (asked) => trigger('save', asked))"
    return panel("presets", call, script="presets")


def results(*, starter: bool, examples: list[dict[str, str]]) -> gr.HTML:
    """Progress, picture, strip. Raises the event `reuse`: with `what` "values", the form is to be
    filled with them; with "checkpoint", the one in them is to be chosen; with "seed", the seed of
    a `picture` is asked for."""
    reuse = "(picture, what, values) => trigger('reuse', { picture, what, values })"
    call = f"results(element, props, {reuse})"
    return panel("results", call, starter=starter, examples=examples)


def size_picker(name: str, value: str, sizes: list[str]) -> gr.HTML:
    """Shapes, width, height and swap in an element of that id; its value is a size as text,
    `sizes` the shapes' names."""
    (step,) = (
        rule.multiple_of
        for rule in Size.model_fields["width"].metadata
        if isinstance(rule, annotated_types.MultipleOf)
    )
    bounds = {type(rule): rule for rule in Size.model_fields["width"].metadata}
    return panel(
        name,
        "size(element, props, watch)",
        value,
        title=facts("size").label,
        sizes=sizes,
        minimum=bounds[annotated_types.Ge].ge,
        maximum=bounds[annotated_types.Le].le,
        step=step,
    )


def accepted(job: str) -> str:
    """Generate was answered with a job."""
    return _answer(job=job)


def refused(error: StudioError) -> str:
    """Generate was answered with an error."""
    return _answer(error=error.to_dict())


def saved(name: str, former: dict[str, Any] | None) -> str:
    """A preset was kept, in place of one with the values `former`."""
    return _answer(saved=name, former=former)


def filled() -> str:
    """The form was filled as asked for; what was refused before is settled."""
    return _answer(filled=True)


def _answer(**answer: Any) -> str:
    # The time makes every answer another value, so that the page hears of each.
    return json.dumps({**answer, "at": time.monotonic_ns()})
