"""What is open at all: each address with its methods, its longest body, and what may be kept.

Gradio brings some eighty routes of its own; the page uses five of them, and the others stay shut.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LOGIN = "/login"
EVENTS = "/api/v1/events"

READ = ("GET", "HEAD")
EVERY = (*READ, "POST", "PUT", "PATCH", "DELETE")

PAGES = frozenset(("/", "/api", LOGIN))
"""What a link on another site may open. Nothing else is given to another site."""

BODY_LIMIT = 1_000_000
"""Bytes of a request to our own API; a draft with the longest prompts is far below."""

PICTURE_LIMIT = 64 * 2**20
"""Bytes of a picture that is brought."""

KEEP = "private, max-age=31536000, immutable"
ASK = "private, no-cache"
NEVER = "no-store"


@dataclass(frozen=True)
class Door:
    """Addresses that fit `pattern` as a whole."""

    pattern: re.Pattern[str]
    methods: tuple[str, ...] = READ
    body: int = 0
    caching: str = NEVER


DOORS = (
    Door(re.compile("/"), caching=ASK),
    Door(re.compile("/gesso/.+"), caching=ASK),
    Door(re.compile("/api/v1/(assets|reuse)"), EVERY, PICTURE_LIMIT),
    Door(re.compile("/api(/.*)?"), EVERY, BODY_LIMIT),
    Door(re.compile("/login"), (*READ, "POST"), 10_000),
    # Gradio's own. The names of its assets tell of their content.
    Door(re.compile("/assets/.+"), caching=KEEP),
    Door(re.compile("/static/.+"), caching=ASK),
    Door(re.compile(r"/theme\.css"), caching=ASK),
    Door(re.compile("/gradio_api/run/predict"), ("POST",), BODY_LIMIT),
)


def door(path: str) -> Door | None:
    """The door of a path, or None where there is only wall."""
    return next((one for one in DOORS if one.pattern.fullmatch(path)), None)
