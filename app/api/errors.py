"""Every error of the API has one form: `{kind, message, cure, field}` with the right status."""

from __future__ import annotations

import logging
import uuid

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from app.studio.errors import NotFound
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
    EngineStopped: 503,
    StorageError: 507,
    UnexpectedError: 500,
}
"""HTTP status by kind of error; all others are the request's own fault: 422."""


def answer(error: StudioError, status: int | None = None) -> JSONResponse:
    """The response that tells of an error."""
    fitting = (code for kind, code in _STATUS.items() if isinstance(error, kind))
    return JSONResponse(error.to_dict(), status or next(fitting, 422))


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
    field = str(first["loc"][-1]) if first["loc"][0] == "query" else None
    what = field.capitalize() if field else "The body of the request"
    return answer(RequestError(f"{what} is not understood: {first['msg']}.", "Correct it.", field))


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    match error.status_code:
        case 404:
            said = NotFound("There is nothing at this address.", "Check its spelling.")
        case 405:
            said = RequestError(
                f"This address does not take {request.method}.",
                f"Use {(error.headers or {}).get('Allow', 'another method')}.",
            )
        case _:
            said = RequestError(f"The request failed: {error.detail}.", "Correct it.")
    return answer(said, error.status_code)


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    number = uuid.uuid4().hex[:8]
    log.error("Error %s at %s %s", number, request.method, request.url.path, exc_info=error)
    return answer(
        UnexpectedError(
            "Something went wrong inside Gesso.",
            f"Try again; the log has the details under {number}.",
        )
    )
