"""What the API says of itself: routes and groups in the words of their docstrings."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from fastapi import APIRouter, FastAPI
from pydantic import BaseModel, Field

from pipelines.draft import Draft


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


DRAFT_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": Draft.model_json_schema()}},
    }
}
"""Of a route that takes a draft."""


class DescribedAPI(FastAPI):
    """An app whose description is fit to be read: the first sentence of a docstring is the
    summary of its route, and every schema stands where references look for it."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            document = super().openapi()
            for item in document["paths"].values():
                for operation in item.values():
                    _summarise(operation)
            _gather(document, document.setdefault("components", {}).setdefault("schemas", {}))
        return super().openapi()


def _summarise(operation: dict[str, Any]) -> None:
    first, _, rest = operation.pop("description", "").partition("\n\n")
    sentence, _, more = " ".join(first.split()).partition(". ")
    operation["summary"] = sentence.removesuffix(".")
    if said := "\n\n".join(" ".join(part.split()) for part in (more, *rest.split("\n\n")) if part):
        operation["description"] = said
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            answer["description"] = "Done"


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
    return APIRouter(tags=[group_name(group)], responses=ERRORS)


def group_name(group: ModuleType) -> str:
    """The name of a group of routes: that of its module."""
    return group.__name__.rpartition(".")[2]


def tag(group: ModuleType) -> dict[str, str]:
    """Name and description of a group, for the OpenAPI document."""
    return {"name": group_name(group), "description": (group.__doc__ or "").partition("\n\n")[0]}
