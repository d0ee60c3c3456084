"""Who holds the token gets in: a program by its header, a browser by a cookie.

The cookie holds a code made of the token, not the token: a cookie is sent to every port of a
host, and what another server on that host finds in it opens nothing after the token has changed.
"""

from __future__ import annotations

import hashlib
import hmac
from enum import Enum

from starlette.datastructures import Headers
from starlette.requests import cookie_parser

from app.api.places import Attempts

COOKIE_DAYS = 180


class Knock(Enum):
    """What became of a request that came to the door."""

    WELCOME = "Come in"
    NO_TOKEN = "This request carries no token"
    WRONG_TOKEN = "This is not the token"
    TOO_MANY = "There were too many wrong tokens"


class Doorkeeper:
    """Knows the token of one server. `port` keeps the cookies of two servers apart."""

    def __init__(self, token: str, port: int) -> None:
        self._token = token.encode()
        self._cookie = f"gesso-{port}"
        self._code = hmac.new(self._token, b"gesso cookie 1", hashlib.sha256).hexdigest()
        self.attempts = Attempts()

    def knock(self, headers: Headers, client: str) -> Knock:
        """Whether a request may come in."""
        if self._has_cookie(headers):
            return Knock.WELCOME
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return Knock.NO_TOKEN
        return self.try_token(given.strip(), client)

    def try_token(self, given: str, client: str) -> Knock:
        """Whether this is the token. Each wrong one makes the client wait longer."""
        if self.attempts.wait(client):
            return Knock.TOO_MANY
        if not hmac.compare_digest(given.encode(), self._token):
            self.attempts.failed(client)
            return Knock.WRONG_TOKEN
        self.attempts.succeeded(client)
        return Knock.WELCOME

    def cookie(self, *, secure: bool) -> str:
        """The `Set-Cookie` header that lets a browser in from now on."""
        kept = f"Max-Age={COOKIE_DAYS * 86400}; Path=/; HttpOnly; SameSite=Strict"
        return f"{self._cookie}={self._code}; {kept}" + ("; Secure" if secure else "")

    def _has_cookie(self, headers: Headers) -> bool:
        held = cookie_parser("; ".join(headers.getlist("cookie"))).get(self._cookie, "")
        return hmac.compare_digest(held.encode(), self._code.encode())
