"""The widgets of the page, made from the recipe's own fields.

A `Form` holds the widgets of one working tab, or those that all tabs share; `Forms` is all of
them together, which is how Gradio's handlers see the page.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeVar

import gradio as gr
from gradio.components import Component

from app.ui.fields import facts, kept, read, starting_values
from app.ui.language import say
from pipelines.draft import AUTOMATIC, Choice, Draft

SHARED = "shared"
"""Name of the form above the tabs."""

_W = TypeVar("_W", bound=Component)


class Form:
    """The widgets of one tab, by field. They start with what suits the checkpoint `chosen`.

    An element's id is its field's name (`steps`, `size_conditioning-target`) in the shared form
    and in the first tab; in every other tab the tab's name stands before it (`inpaint-steps`), so
    that no two are alike. `id` gives it; scripts ask `field` of `static/fields.js`.
    """

    def __init__(
        self, name: str, chosen: Choice | None, *, shared: Form | None = None, prefix: str = ""
    ) -> None:
        self.name = name
        self.chosen = chosen
        self.shared = shared
        self.prefix = prefix
        self.initial: dict[str, Any] = {}
        if chosen is not None:
            self.initial = {**starting_values(chosen.variant), "checkpoint": chosen.ref.name}
        self.widgets: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        """The widget of a field, the tab's own or a shared one."""
        if self.shared is not None and name not in self.widgets:
            return self.shared[name]
        return self.widgets[name]

    @property
    def kinds(self) -> dict[str, Literal["text", "number"]]:
        """What each of the form's own widgets holds."""
        numbers = (gr.Slider, gr.Number)
        return {
            name: "number" if isinstance(widget, numbers) else "text"
            for name, widget in self.widgets.items()
        }

    def id(self, name: str) -> str:
        """The id of the element of a field, or of any other that the tab has."""
        return self.prefix + name.replace(".", "-")

    def text(self, name: str, **look: Any) -> gr.Textbox:
        """A box for text."""
        return self.add(name, gr.Textbox(**self._common(name) | look))

    def slider(self, name: str, *, step: float = 1, **look: Any) -> gr.Slider:
        """A slider over the field's range."""
        known = facts(name)
        assert known.minimum is not None and known.maximum is not None, name
        return self.add(
            name,
            gr.Slider(
                known.minimum,
                known.maximum,
                step=step,
                buttons=[],
                **self._common(name) | look,
            ),
        )

    def number(self, name: str, **look: Any) -> gr.Number:
        """A box for a whole number."""
        known = facts(name)
        bounds = {"minimum": known.minimum, "maximum": known.maximum}
        return self.add(name, gr.Number(precision=0, **bounds, **self._common(name) | look))

    def choice(self, name: str, choices: Sequence[Any], **look: Any) -> gr.Dropdown:
        """A list to choose from: names, or pairs of label and name.

        A name that is not on the list may stand there: a recipe from elsewhere can bring one, and
        is answered with a sentence when it is asked for.
        """
        common = self._common(name) | look
        shown = [(say("choice.automatic"), it) if it == AUTOMATIC else it for it in choices]
        return self.add(name, gr.Dropdown(shown, allow_custom_value=True, **common))

    def add(self, name: str, widget: _W) -> _W:
        """A widget of another kind, under a field's name."""
        self.widgets[name] = widget
        return widget

    def _common(self, name: str) -> dict[str, Any]:
        known = facts(name)
        return {
            "label": say(f"field.{name}.label"),
            "info": say(f"field.{name}.help") if known.help else "",
            "value": self.initial.get(name, known.default),
            "interactive": True,
            "elem_id": self.id(name),
        }


class Forms:
    """The shared form and those of the working tabs.

    Values of the page are kept by form and field: `{"shared": {"prompt": ...}, "inpaint": ...}`.
    """

    def __init__(self, shared: Form) -> None:
        self.shared = shared
        self._forms = {shared.name: shared}

    def tab(self, name: str) -> Form:
        """A new form for the working tab of that name."""
        prefix = "" if len(self._forms) == 1 else f"{name}-"
        form = Form(name, self.shared.chosen, shared=self.shared, prefix=prefix)
        self._forms[name] = form
        return form

    def __iter__(self) -> Iterator[Form]:
        return iter(self._forms.values())

    def __getitem__(self, name: str) -> Form:
        return self._forms[name]

    @property
    def widgets(self) -> list[Any]:
        """Every widget of the page, once, in the order in which handlers get their values."""
        return [widget for form in self for widget in form.widgets.values()]

    def held(self, values: Sequence[Any]) -> dict[str, dict[str, Any]]:
        """Values given in the order of `widgets`, by form and field."""
        rest = iter(values)
        held = {form.name: {name: next(rest) for name in form.widgets} for form in self}
        assert not list(rest)
        return held

    def read(self, tab: str, values: Sequence[Any]) -> Draft:
        """What the shared form and that of a tab hold. Raises RequestError."""
        return read(self._of(tab, values))

    def kept(self, tab: str, values: Sequence[Any], names: Collection[str]) -> Draft:
        """The same of these fields alone, to be kept. Raises RequestError."""
        return kept(self._of(tab, values), names)

    def _of(self, tab: str, values: Sequence[Any]) -> dict[str, Any]:
        held = self.held(values)
        return held[self.shared.name] | held[tab]

    def place(self, tab: str, values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """Values of fields by the form that has them; those of a tab come before shared ones."""
        forms = (self._forms[tab], self.shared)
        placed: dict[str, dict[str, Any]] = {form.name: {} for form in forms}
        for name, value in values.items():
            owner = next((form.name for form in forms if name in form.widgets), None)
            if owner is not None:
                placed[owner][name] = value
        return placed

    def updates(self, changes: Mapping[str, Mapping[str, Any]]) -> list[Any]:
        """An answer for all `widgets`: new values for some fields, by form."""
        return [
            gr.update(value=changes[form.name][name])
            if name in changes.get(form.name, {})
            else gr.skip()
            for form in self
            for name in form.widgets
        ]
