"""Apps whose pictures are recognised, and whose settings are not read."""

from __future__ import annotations

from collections.abc import Mapping

from pipelines.metadata import a1111
from pipelines.metadata.carriers import COMMENT
from pipelines.metadata.objects import load

_INVOKE = ("invokeai_graph", "invokeai_workflow", "sd-metadata", "Dream")


def maker(texts: Mapping[str, str]) -> str | None:
    """The app that wrote these texts in a form of its own; None where settings in A1111's format
    stand among them, or nothing that is known."""
    settings = texts.get(a1111.KEYWORD) or texts.get(COMMENT) or ""
    if load(settings) is not None:
        return "an app Gesso does not know"
    if a1111.KEYWORD in texts:
        return None
    if any(keyword in texts for keyword in _INVOKE):
        return "an old InvokeAI"
    if texts.get("Software", "").startswith("NovelAI"):
        return "NovelAI"
    return None
