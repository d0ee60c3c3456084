"""What the page says, in every language it speaks.

A language is a file in `words/`: flat keys, the first part of a key being the part of the page.
What fields and samplers say of themselves in English stands on them and nowhere else. Gradio and
our own scripts (`static/language.js`) read the same catalogues.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
from fastapi import FastAPI, HTTPException, Response
from gradio.i18n import I18nData

from app.ui.fields import NESTED, facts
from pipelines import samplers
from pipelines.draft import Draft
from pipelines.recipe import Recipe, SizeConditioning

WORDS = Path(__file__).parent / "words"
ENGLISH = "en"


def say(key: str) -> str:
    """The text of `key`, as a label, help, placeholder or choice of a Gradio component."""
    return str(I18nData(key))


def languages() -> list[str]:
    """The codes of the languages the page speaks."""
    return sorted(path.stem for path in WORDS.glob("*.json"))


def words(language: str) -> dict[str, str]:
    """The catalogue of one of the `languages`."""
    own = json.loads((WORDS / f"{language}.json").read_text("utf-8"))
    return dict(_own_words()) | own if language == ENGLISH else own


def translations() -> gr.I18n:
    """All catalogues, for Gradio."""
    return gr.I18n(**{language: words(language) for language in languages()})


def serve(app: FastAPI, root: str) -> None:
    """Answer `<root>/words/<language>.json` with a catalogue, for our own scripts."""
    catalogues = {language: json.dumps(words(language)) for language in languages()}

    @app.get(root + "/words/{language}.json", include_in_schema=False)
    def catalogue(language: str) -> Response:
        if language not in catalogues:
            raise HTTPException(404)
        headers = {"Cache-Control": "no-cache"}
        return Response(catalogues[language], headers=headers, media_type="application/json")


def _own_words() -> Iterator[tuple[str, str]]:
    """`field.<name>.label` and `.help` of every field with a widget, `sampler.<name>.help`."""
    for name in _fields():
        known = facts(name)
        yield f"field.{name}.label", known.label
        if known.help:
            yield f"field.{name}.help", known.help
    for sampler in samplers.samplers():
        yield f"sampler.{sampler.name}.help", sampler.summary


def _fields() -> Iterator[str]:
    yield from (name for name in Recipe.model_fields if name not in ("version", NESTED[:-1]))
    yield from (name for name in Draft.model_fields if name not in Recipe.model_fields)
    yield from (NESTED + name for name in SizeConditioning.model_fields)
