"""The widgets of the page, made from the recipe's own fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import gradio as gr
from gradio.components import Component

from app.ui.fields import facts, read, sizes_of, starting_values
from pipelines.draft import Choice, Draft
from pipelines.library.kinds import Variant

_W = TypeVar("_W", bound=Component)


class Form:
    """The widgets of one tab, by field. They start with what suits the checkpoint `chosen`.

    `filled_for` is unseen and holds the name of the checkpoint whose starting values the widgets
    got last: what still equals them was not touched by the artist.
    """

    def __init__(self, chosen: Choice | None) -> None:
        self.chosen = chosen
        self.initial: dict[str, Any] = {}
        if chosen is not None:
            self.initial = {**starting_values(chosen.variant), "checkpoint": chosen.ref.name}
        self.widgets: dict[str, Any] = {}
        self.filled_for = gr.Textbox(self.initial.get("checkpoint"), visible=False, render=False)

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
        return self.add(name, gr.Number(precision=0, **self._common(name) | look))

    def choice(self, name: str, choices: Sequence[Any], **look: Any) -> gr.Dropdown:
        """A list to choose from: names, or pairs of label and name.

        A name that is not on the list may stand there: a recipe from elsewhere can bring one, and
        is answered with a sentence when it is asked for.
        """
        common = self._common(name) | look
        return self.add(name, gr.Dropdown(choices, allow_custom_value=True, **common))

    def add(self, name: str, widget: _W) -> _W:
        """A widget of another kind, under a field's name."""
        self.widgets[name] = widget
        return widget

    def by_name(self, values: tuple[Any, ...]) -> dict[str, Any]:
        """Values given in the order of `widgets`, by field."""
        return dict(zip(self.widgets, values, strict=True))

    def read(self, values: tuple[Any, ...]) -> Draft:
        """What the widgets hold, given in their order. Raises RequestError."""
        return read(self.by_name(values))

    def updates(self, values: Mapping[str, Any], variant: Variant | None = None) -> list[Any]:
        """An answer for all widgets in their order: new values for some fields, and the sizes
        that suit a variant."""
        answers = {name: gr.update(value=value) for name, value in values.items()}
        if variant is not None and "size" in self.widgets:
            answers["size"] = {**answers.get("size", gr.update()), "sizes": sizes_of(variant)}
        return [answers.get(name, gr.skip()) for name in self.widgets]

    def _common(self, name: str) -> dict[str, Any]:
        known = facts(name)
        return {
            "label": known.label,
            "info": known.help,
            "value": self.initial.get(name, known.default),
            "interactive": True,
            "elem_id": name.replace(".", "-"),
        }
