"""Every error of the API has one form: `{kind, message, cure, field}` with the right status."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from app.studio.errors import NameTaken, NotFound
from pipelines.errors import (
    EngineStopped,
    RequestError,
    StorageError,
    StudioError,
    UnexpectedError,
)

log = logging.getLogger(__name__)

_STATUS: dict[type[StudioError], int] = {
    NotFound: 404,
    NameTaken: 409,
    EngineStopped: 503,
    StorageError: 507,
    UnexpectedError: 500,
}
"""HTTP status by kind of error; all others are the request's own fault: 422."""


class Refused(StudioError):
    """The guard does not let a request in."""


class _Answer(JSONResponse):
    """JSON in ASCII: an error may repeat half a character, which no other encoding can say."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content).encode("ascii")


def answer(
    error: StudioError, status: int | None = None, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """The response that tells of an error."""
    fitting = (code for kind, code in _STATUS.items() if isinstance(error, kind))
    return _Answer(error.to_dict(), status or next(fitting, 422), headers)


def nowhere() -> NotFound:
    """Nothing is served at the address asked for."""
    return NotFound("There is nothing at this address.", "Check its spelling.")


def wrong_method(method: str, allowed: str) -> RequestError:
    """The address is right, the method is not; `allowed` are those it takes."""
    return RequestError(f"This address does not take {method}.", f"Use {allowed}.")


def install(app: FastAPI) -> None:
    """Make `app` answer every error in this form."""
    app.add_exception_handler(StudioError, _studio_error)
    app.add_exception_handler(RequestValidationError, _not_understood)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _unexpected)


async def _studio_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, StudioError)
    return answer(error)


async def _not_understood(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where, *names = first["loc"]
    if where == "body" and not names and not _is_json(request):
        cure = "Send it with Content-Type: application/json."
        return answer(RequestError("The body of the request is not JSON.", cure), 415)
    field = str(names[0]) if names and isinstance(names[0], str) else None
    what = field.replace("_", " ").capitalize() if field else "The body of the request"
    return answer(RequestError(f"{what} is not understood: {first['msg']}.", "Correct it.", field))


def _is_json(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    headers = error.headers or {}
    match error.status_code:
        case 404:
            said = nowhere()
        case 405:
            said = wrong_method(request.method, headers.get("Allow", "another method"))
        case _:
            said = RequestError(f"The request failed: {error.detail}.", "Correct it.")
    return answer(said, error.status_code, headers)


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    number = uuid.uuid4().hex[:8]
    log.error("Error %s at %s %s", number, request.method, request.url.path, exc_info=error)
    return answer(
        UnexpectedError(
            "Something went wrong inside Gesso.",
            f"Try again; the log has the details under {number}.",
        )
    )
