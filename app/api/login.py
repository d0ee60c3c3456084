"""The page at which a browser gives the token once and gets its cookie."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.api.token import Doorkeeper, Knock

PAGES = Path(__file__).parent / "pages"


class Login:
    """Answers at `/login`."""

    def __init__(self, keeper: Doorkeeper) -> None:
        self._keeper = keeper

    async def answer(self, request: Request, client: str, *, secure: bool) -> Response:
        """The form, or what comes of it. Needs no script, but for the link of the terminal."""
        if request.method != "POST":
            return _page(request.headers)
        form = parse_qs((await request.body()).decode("utf-8", "replace"))
        given = form.get("token", [""])[0].strip()
        match self._keeper.try_token(given, client):
            case Knock.WELCOME:
                cookie = {"Set-Cookie": self._keeper.cookie(secure=secure)}
                return RedirectResponse("/", 303, cookie)
            case Knock.TOO_MANY:
                seconds = self._keeper.attempts.wait(client)
                page = _page(request.headers, "wait", 429, seconds=seconds)
                page.headers["Retry-After"] = str(seconds)
                return page
            case _:
                return _page(request.headers, "wrong", 401)


def _page(headers: Headers, said: str | None = None, status: int = 200, **values: int) -> Response:
    language = "de" if _german(headers.get("accept-language", "")) else "en"
    words = json.loads(_text("words.json"))[language]
    style, script = _text("pages.css"), _text("look.js") + _text("login.js")
    html = Template(_text("login.html")).substitute(
        {name: escape(text) for name, text in words.items()},
        language=language,
        mark=_mark(),
        style=style,
        script=script,
        said=escape(words[said].format(**values)) if said else "",
        hidden="" if said else " hidden",
    )
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_digest(style)}'; script-src "
        f"'{_digest(script)}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    # Without a referrer a browser would send the form with "Origin: null".
    more = {"Content-Security-Policy": policy, "Referrer-Policy": "same-origin"}
    return HTMLResponse(html, status, more)


def _german(accepted: str) -> bool:
    """Whether a browser prefers German to English."""
    wanted = [part.partition(";")[0].strip().lower()[:2] for part in accepted.split(",")]
    return next((one for one in wanted if one in ("de", "en")), "en") == "de"


def _digest(text: str) -> str:
    """How a content security policy names a text, whose line ends are those of a browser."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _text(name: str) -> str:
    return (PAGES / name).read_text(encoding="utf-8")


def _mark() -> str:
    svg = _text("mark.svg").encode()
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode()
