"""What the API says of itself: routes and groups in the words of their docstrings."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field


class ErrorBody(BaseModel):
    """What every refusal says."""

    kind: str = Field(description="Name of the error")
    message: str = Field(description="What happened, in one sentence")
    cure: str = Field(description="What to do now")
    field: str | None = Field(description="Field of the request that is meant")


ERRORS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ErrorBody, "description": "Not done, and why"},
    "5XX": {"model": ErrorBody, "description": "Not done, and why"},
}


class DescribedRoute(APIRoute):
    """A route whose summary is the first sentence of its docstring, and whose description the
    rest."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **more: Any) -> None:
        first, rest = _said(endpoint)
        more["summary"] = more.get("summary") or first
        super().__init__(path, endpoint, **more)
        # Left to itself, it is the whole docstring.
        self.description = rest


class DescribedAPI(FastAPI):
    """An app whose description has every schema where references look for it."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            document = super().openapi()
            _gather(document, document.setdefault("components", {}).setdefault("schemas", {}))
        return super().openapi()


def _gather(part: Any, schemas: dict[str, Any]) -> None:
    """Move definitions that stand inside other schemas to the common ones."""
    if isinstance(part, dict):
        for name, schema in part.pop("$defs", {}).items():
            schemas.setdefault(name, schema)
            _gather(schema, schemas)
        if isinstance(reference := part.get("$ref"), str):
            part["$ref"] = reference.replace("#/$defs/", "#/components/schemas/")
    for inner in list(part.values() if isinstance(part, dict) else part):
        if isinstance(inner, dict | list):
            _gather(inner, schemas)


def group_router(group: ModuleType) -> APIRouter:
    """An empty router for a group of routes."""
    return APIRouter(tags=[group_name(group)], route_class=DescribedRoute, responses=ERRORS)


def group_name(group: ModuleType) -> str:
    """The name of a group of routes: that of its module."""
    return group.__name__.rpartition(".")[2]


def tag(group: ModuleType) -> dict[str, str]:
    """Name and description of a group, for the OpenAPI document."""
    return {"name": group_name(group), "description": (group.__doc__ or "").partition("\n\n")[0]}


def _said(endpoint: Callable[..., Any]) -> tuple[str, str]:
    """The first sentence of a docstring, without its full stop, and what follows."""
    text = inspect.getdoc(endpoint) or ""
    first, _, rest = text.partition("\n\n")
    line = " ".join(first.split())
    sentence, _, more = line.partition(". ")
    return sentence.removesuffix("."), "\n\n".join(part for part in (more, rest) if part)
