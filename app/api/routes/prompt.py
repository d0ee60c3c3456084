"""Prompts: how long they are for the model."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from app.studio.prompt_length import prompt_length
from app.studio.service import Studio
from pipelines.prompt.chunks import CHUNK
from pipelines.recipe import PROMPT_LIMIT

NAME_LIMIT = 512


class Prompt(BaseModel):
    """A prompt as it stands in its box, and the checkpoint it is meant for."""

    model_config = ConfigDict(extra="forbid")

    prompt: str
    checkpoint: str | None = Field(default=None, max_length=NAME_LIMIT)


class Count(BaseModel):
    """Tokens in each chunk of a prompt, of which `limit` fit into one; no chunks where the prompt
    is `too_long` to be painted."""

    chunks: list[int]
    limit: int
    too_long: bool


def add(router: APIRouter, studio: Studio) -> None:
    @router.post("/prompt/count")
    def count(asked: Prompt) -> Count:
        """Count as the text encoder does: tags count nothing, embeddings their vectors, and all
        families of models read the same tokens."""
        if len(asked.prompt) > PROMPT_LIMIT:
            return Count(chunks=[], limit=CHUNK, too_long=True)
        chunks = prompt_length(asked.prompt, asked.checkpoint, studio.catalog)
        return Count(chunks=chunks, limit=CHUNK, too_long=False)
