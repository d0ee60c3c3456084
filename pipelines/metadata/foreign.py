"""Apps whose pictures are recognised, and whose settings are not read."""

from __future__ import annotations

import json
from collections.abc import Mapping

from pipelines.metadata import a1111
from pipelines.metadata.carriers import COMMENT

_INVOKE = ("invokeai_metadata", "invokeai_graph", "invokeai_workflow", "sd-metadata", "Dream")


def maker(texts: Mapping[str, str]) -> str | None:
    """The app that wrote these texts in a form of its own; None where settings in A1111's format
    stand among them, or nothing that is known."""
    settings = texts.get(a1111.KEYWORD) or texts.get(COMMENT) or ""
    if _is_object(settings):
        return _maker_of_object(texts, settings)
    if a1111.KEYWORD in texts:
        return None
    if any(keyword in texts for keyword in _INVOKE):
        return "InvokeAI"
    if texts.get("Software", "").startswith("NovelAI"):
        return "NovelAI"
    if any(texts.get(keyword, "").lstrip().startswith("{") for keyword in ("prompt", "workflow")):
        return "ComfyUI"
    return None


def _maker_of_object(texts: Mapping[str, str], settings: str) -> str:
    if texts.get("fooocus_scheme") == "fooocus" or '"base_model"' in settings:
        return "Fooocus"
    return "SwarmUI" if '"sui_image_params"' in settings else "an app Gesso does not know"


def _is_object(text: str) -> bool:
    """Whether this is a JSON object; a prompt may begin with a brace as well."""
    if not text.lstrip().startswith("{"):
        return False
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
