"""The one place that turns errors into RFC 9457 problem details."""

from __future__ import annotations

import errno
import json
import logging
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DataError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from app.core.problems import (
    RETRY_AFTER_S,
    Gone,
    InsufficientStorage,
    Problem,
    Unavailable,
    location,
)

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

# What SQLite says, and PostgreSQL in the words of its system.
_FULL_DATABASE = re.compile(r"disk is full|No space left on device")


class ProblemResponse(JSONResponse):
    """A problem document; what is no Unicode in a caller's own words comes back as ``?``."""

    media_type = MEDIA_TYPE

    def render(self, content: Any) -> bytes:
        """The document in UTF-8."""
        return json.dumps(content, ensure_ascii=False).encode("utf-8", errors="replace")


def problem_response(
    request: Request,
    status: int,
    slug: str,
    detail: str,
    *,
    errors: Sequence[Mapping[str, Any]] | None = None,
    headers: Mapping[str, str] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> JSONResponse:
    """The answer itself: ``type, title, status, detail, instance`` and, where given, ``errors``."""
    body: dict[str, Any] = {
        **(extra or {}),
        "type": f"urn:uam:problem:{slug}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        # A URI reference (RFC 9457), so encoded anew: the path was decoded on its way in.
        "instance": quote(request.scope["path"], safe="/:@!$&'()*+,;=~"),
    }
    if errors is not None:
        body["errors"] = list(errors)
    return ProblemResponse(body, status, headers=dict(headers or {}))


def _on_problem(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)
    if error.status == Gone.status:
        logger.error("%s %s: %s", request.method, request.scope["path"], error.detail)
    return problem_response(
        request,
        error.status,
        error.slug,
        error.detail,
        errors=error.errors,
        headers=error.headers,
        extra=error.extra,
    )


def _on_validation(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = [
        {"location": location(item["loc"]), "message": item["msg"].removeprefix("Value error, ")}
        for item in error.errors()
    ]
    first = errors[0] if errors else {"location": "body", "message": "is not valid"}
    detail = f"{first['location']}: {first['message']}"
    return problem_response(request, 422, "validation", detail, errors=errors)


def _on_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    detail = "There is no such address." if error.status_code == 404 else str(error.detail)
    if error.status_code == 405:
        detail = f"{request.method} is not possible here."
    slug = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
    return problem_response(request, error.status_code, slug, detail, headers=error.headers)


def _on_database_away(request: Request, error: Exception) -> JSONResponse:
    if _FULL_DATABASE.search(str(getattr(error, "orig", None))):
        logger.error("the database has no room left on its disk")
        return _on_problem(request, InsufficientStorage("The database's disk is full."))
    logger.warning("the database did not answer: %s", type(error).__name__)
    detail = "The database cannot be reached at the moment; try again shortly."
    headers = {"Retry-After": str(RETRY_AFTER_S)}
    return problem_response(request, 503, "unavailable", detail, headers=headers)


def _on_disk(request: Request, error: Exception) -> JSONResponse:
    """A disk of this machine that takes nothing: it is full, or may only be read."""
    number = getattr(error, "errno", None)
    if number in NO_ROOM:
        logger.error("there is no room left on a disk")
        problem: Problem = InsufficientStorage("There is no room left on the server's disk.")
    elif number == errno.EROFS:
        logger.error("a disk that is to be written is read-only")
        problem = Unavailable("The server's disk cannot be written at the moment.")
    else:
        return _on_unexpected(request, error)
    return _on_problem(request, problem)


def _on_data_refused(request: Request, error: Exception) -> JSONResponse:
    """PostgreSQL keeps no NUL in a text, so that nothing it holds can have one in its name."""
    logger.info("the database refused a value: %s", type(error).__name__)
    if "\0" in request.url.path:
        return problem_response(request, 404, "not-found", "There is no such address.")
    detail = "A value holds what cannot be stored, such as a NUL character or too large a number."
    return problem_response(request, 422, "unprocessable", detail)


def _on_unexpected(request: Request, error: Exception) -> JSONResponse:
    logger.error("unexpected error", exc_info=error)
    detail = "Something went wrong on the server; the log has it under this request's X-Request-ID."
    return problem_response(request, 500, "internal", detail)


def install(app: FastAPI, translations: Mapping[type[Exception], Problem]) -> None:
    """Answer every error of ``app`` as a problem; ``translations`` are those of other rooms."""

    def translated(request: Request, error: Exception) -> JSONResponse:
        known = next(kind for kind in type(error).__mro__ if kind in translations)
        logger.warning("%s: %s", type(error).__name__, error)
        return _on_problem(request, translations[known])

    for kind in translations:
        app.add_exception_handler(kind, translated)
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(HTTPException, _on_http)
    for away in (OperationalError, InterfaceError, PoolTimeout):
        app.add_exception_handler(away, _on_database_away)
    app.add_exception_handler(DataError, _on_data_refused)
    app.add_exception_handler(OSError, _on_disk)
    app.add_exception_handler(Exception, _on_unexpected)
