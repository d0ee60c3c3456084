"""The book of the API at `/api`: a page that fetches nothing from elsewhere."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse

PAGES = Path(__file__).parent / "pages"

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def reference() -> APIRouter:
    """The page and what belongs to it; it reads `/api/v1/openapi.json`."""
    router = APIRouter(include_in_schema=False)
    parts = {
        "/api": ("reference.html", "text/html"),
        "/api/reference.css": ("reference.css", "text/css"),
        "/api/pages.css": ("pages.css", "text/css"),
        "/api/look.js": ("look.js", "text/javascript"),
        "/api/reference.js": ("reference.js", "text/javascript"),
        "/api/schema.js": ("schema.js", "text/javascript"),
        "/api/mark.svg": ("mark.svg", "image/svg+xml"),
    }
    for address, (name, kind) in parts.items():
        router.add_api_route(address, _serving(name, kind), response_class=FileResponse)
    return router


def _serving(name: str, kind: str):
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "private, no-cache"}

    async def serve() -> FileResponse:
        return FileResponse(PAGES / name, 200, headers, f"{kind}; charset=utf-8")

    return serve
