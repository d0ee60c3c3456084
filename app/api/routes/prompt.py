"""Prompts: how long they are for the model."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from app.studio.service import Studio
from pipelines.prompt.chunks import CHUNK, count_tokens
from pipelines.prompt.tokenizer import tokenizer
from pipelines.recipe import PROMPT_LIMIT


class Prompt(BaseModel):
    """A prompt as it stands in its box."""

    model_config = ConfigDict(extra="forbid")

    prompt: str


class Count(BaseModel):
    """Tokens in each chunk of a prompt, of which `limit` fit into one; no chunks where the prompt
    is `too_long` to be painted."""

    chunks: list[int]
    limit: int
    too_long: bool


def add(router: APIRouter, studio: Studio) -> None:
    @router.post("/prompt/count")
    def count(asked: Prompt) -> Count:
        """Count as the text encoder does; all families of models read the same tokens."""
        too_long = len(asked.prompt) > PROMPT_LIMIT
        chunks = [] if too_long else count_tokens(asked.prompt, tokenizer())
        return Count(chunks=chunks, limit=CHUNK, too_long=too_long)
