"""The engine: what it has loaded, and its memory."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from app.studio.service import Studio


def add(router: APIRouter, studio: Studio) -> None:
    @router.get("/engine")
    def engine() -> dict[str, Any]:
        """How the engine is, and which models are loaded where, in bytes."""
        return studio.engine()

    @router.post("/engine/free")
    def free() -> dict[str, Any]:
        """Give back all memory, at once or after the job that runs. The engine's process ends;
        the next job starts a fresh one."""
        studio.free()
        return studio.engine()
