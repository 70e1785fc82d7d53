"""Errors as RFC 9457 problem details: one exception class, one table of handlers."""

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, ValidationError
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    OperationalError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm.exc import StaleDataError
from starlette.exceptions import HTTPException

from app.request_ids import request_id
from matching.encoders import EncoderError

logger = logging.getLogger(__name__)


class FieldProblem(BaseModel):
    """Where in the request something is wrong, and what."""

    field: str
    message: str


class ProblemDetails(BaseModel):
    """RFC 9457."""

    type: str = "about:blank"
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["There is no need with this id."])
    errors: list[FieldProblem] = []
    request_id: str | None = Field(
        default=None,
        description="For whoever looks into the log; in answers of 500 and above, whose body may "
        "differ from one time to the next. The header X-Request-ID is in every answer.",
    )


class Problem(Exception):
    """An error that the caller is told about: a status, and a sentence that says what to do."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        *,
        errors: Sequence[FieldProblem] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors
        self.headers = headers


class OutcomeUnknown(Problem):
    """The connection to the database broke during a commit: nobody knows whether it was made."""

    def __init__(self) -> None:
        super().__init__(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "The connection to the database broke while this was being stored: it may or may not "
            "have been. Read what is there; or send the same request again under its "
            "Idempotency-Key, which is then carried out once at most.",
            headers={"Retry-After": "2"},
        )


def not_found(noun: str) -> Problem:
    """For an object that is absent, and word for word for one that the caller may not see."""
    return Problem(HTTPStatus.NOT_FOUND, f"There is no {noun} with this id.")


def invalid(field: str, message: str) -> Problem:
    """For a field whose form is right but whose content cannot be used."""
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        f"{field}: {message}",
        errors=[FieldProblem(field=field, message=message)],
    )


def conflict(detail: str) -> Problem:
    """For a request that is fine but meets other data that stands against it."""
    return Problem(HTTPStatus.CONFLICT, detail)


def respond(problem: Problem) -> JSONResponse:
    """The problem as a response."""
    body = ProblemDetails(
        title=problem.status.phrase,
        status=problem.status,
        detail=problem.detail,
        errors=list(problem.errors),
        # Below, what is hidden and what does not exist must answer alike, to the byte.
        request_id=request_id() if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR else None,
    )
    return JSONResponse(
        body.model_dump(exclude=None if body.request_id else {"request_id"}),
        status_code=problem.status,
        headers=dict(problem.headers or {}),
        media_type="application/problem+json",
    )


MOST_ERRORS: Final = 50
"""Of one request that are listed."""


def validation_problem(errors: Sequence[Any]) -> Problem:
    """422 that names the fields, at most `MOST_ERRORS`; the input itself is not echoed."""
    fields = [
        FieldProblem(field=_field(error), message=_message(error)) for error in errors[:MOST_ERRORS]
    ]
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The request does not have the expected form: see errors.",
        errors=fields,
    )


def _field(error: Any) -> str:
    """Where it is, in dots; the body itself where it is not even JSON."""
    if error["type"] == "json_invalid":
        return "body"
    path = [str(part) for part in error["loc"] if part not in ("body", "query")]
    if error["type"] == "extra_forbidden":  # the last part is a name that the caller made up
        path.pop()
    return ".".join(path) or "body"


def _message(error: Any) -> str:
    """In pydantic's words as far as they do not quote what was sent."""
    kind: str = error["type"]
    if kind == "json_invalid":
        return f"is not JSON: {error['ctx']['error']} (character {error['loc'][-1]})"
    if kind == "extra_forbidden":
        return "has a field that is not known here: see /docs for those that are"
    if kind == "union_tag_invalid":
        return f"Input should be of one of these kinds: {error['ctx']['expected_tags']}"
    message: str = error["msg"]
    if kind.endswith("_parsing"):  # "…, invalid character: found `x` at 1"
        message = message.partition(",")[0]
    message = message.removeprefix("Value error, ")
    # Of a text that is cleaned first, pydantic does not know that it is one.
    things = "items" if message.startswith("List") else "characters"
    return re.sub(r"items? after validation", things, message)


def _on_problem(_: Request, error: Problem) -> JSONResponse:
    return respond(error)


def _on_http(_: Request, error: HTTPException) -> JSONResponse:
    detail = error.detail
    if error.status_code == HTTPStatus.NOT_FOUND:
        detail = "There is nothing at this address: see /docs for those that exist."
    elif error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        detail = "This address does not take that method: see /docs for what it takes."
    elif error.status_code == HTTPStatus.BAD_REQUEST:  # FastAPI could not decode the body
        detail = "The request body cannot be read: send JSON in UTF-8."
    return respond(Problem(HTTPStatus(error.status_code), detail, headers=error.headers))


def _on_validation(_: Request, error: RequestValidationError) -> JSONResponse:
    return respond(validation_problem(error.errors()))


def _on_integrity(_: Request, error: Exception) -> JSONResponse:
    logger.info("integrity error: %s", type(error).__name__)
    return respond(
        conflict(
            "The data meets other data that stands against it (already there, or still in use)."
        )
    )


NO_TABLE: Final = "42P01"
"""Undefined table, as PostgreSQL puts it."""

REFUSED: Final = "42501"
"""SQLSTATE of PostgreSQL: a privilege or a row-level policy is lacking."""


FULL: Final = (
    "The disk of the database is full: nothing of this was stored. Tell whoever runs the service "
    "to make space; then send it again."
)


def is_full(error: DBAPIError) -> bool:
    """True if the database had no space left."""
    original = error.orig
    return (
        getattr(original, "sqlite_errorname", None) == "SQLITE_FULL"
        or getattr(original, "sqlstate", None) == _DISK_FULL
    )


_DISK_FULL: Final = "53100"
_READ_ONLY: Final = "25006"
"""SQLSTATEs: the latter when the server is, or has become, a standby."""


def _on_database(request: Request, error: Exception) -> JSONResponse:
    """Whatever the driver raised: broken off, full, for the time being, or else a bug."""
    if isinstance(error, DBAPIError):
        if is_full(error):
            logger.error("the disk is full", exc_info=error)
            headers = {"Retry-After": "60"}
            return respond(Problem(HTTPStatus.INSUFFICIENT_STORAGE, FULL, headers=headers))
        standby = getattr(error.orig, "sqlstate", None) == _READ_ONLY
        if isinstance(error, OperationalError) or error.connection_invalidated or standby:
            return _on_unavailable(request, error)
    return _on_bug(request, error)


def _on_programming(request: Request, error: Exception) -> JSONResponse:
    original = error.orig if isinstance(error, ProgrammingError) else None
    state = getattr(original, "sqlstate", None)
    if state == NO_TABLE:  # before the first migration; SQLite calls it operational
        return _on_unavailable(request, error)
    if state != REFUSED:
        return _on_bug(request, error)
    # The policy let it through and the database did not: one of them is wrong.
    logger.error("refused by the database", exc_info=error)
    return respond(
        Problem(HTTPStatus.FORBIDDEN, "The database refuses this for your account; ask the office.")
    )


def _on_data(_: Request, error: Exception) -> JSONResponse:
    # PostgreSQL refuses what SQLite takes: a NUL character, a number past its column's width.
    logger.info("data error: %s", type(error).__name__)
    return respond(
        invalid("request", "holds a character or a number that no field takes: leave it out")
    )


def _on_stale(_: Request, error: Exception) -> JSONResponse:
    logger.info("stale: %s", type(error).__name__)
    return respond(conflict("Somebody else has changed it at the same moment: read it again."))


def _on_reading(request: Request, error: Exception) -> JSONResponse:
    """An answer that could not be made of its rows: what is loaded late meets a lost connection
    inside of pydantic, which keeps the name of the driver's error and nothing else."""
    if isinstance(error, ValidationError):
        for each in error.errors(include_url=False, include_input=False):
            said = str(each.get("ctx", {}).get("error", ""))
            if each["type"] == "get_attribute_error" and said.startswith(_LOST):
                return _on_unavailable(request, error)
    return _on_bug(request, error)


_LOST: Final = tuple(f"{kind.__name__}:" for kind in (OperationalError, PoolTimeoutError))


def _on_unavailable(_: Request, error: Exception) -> JSONResponse:
    logger.error("temporarily unavailable", exc_info=error)
    return respond(
        Problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "The service is busy or starting: try again shortly.",
            headers={"Retry-After": "2"},
        )
    )


def _on_bug(_: Request, error: Exception) -> JSONResponse:
    logger.error("unexpected error", exc_info=error)
    return respond(
        Problem(
            HTTPStatus.INTERNAL_SERVER_ERROR,
            "Something went wrong on our side; it has been logged.",
        )
    )


HANDLERS: Final[Mapping[type[Exception], Callable[..., JSONResponse]]] = {
    Problem: _on_problem,
    HTTPException: _on_http,
    RequestValidationError: _on_validation,
    IntegrityError: _on_integrity,
    DataError: _on_data,
    ProgrammingError: _on_programming,
    StaleDataError: _on_stale,
    DBAPIError: _on_database,
    PoolTimeoutError: _on_unavailable,
    ValidationError: _on_reading,
    EncoderError: _on_unavailable,
    Exception: _on_bug,
}


def install(app: FastAPI) -> None:
    """Register the handlers."""
    for kind, handler in HANDLERS.items():
        app.add_exception_handler(kind, handler)
