"""RFC 9457 problem details: the one place where an error becomes an HTTP answer.

A problem has a stable ``type`` and ``code`` for programs and a ``detail`` for people. It never holds a
stack, a path of this machine, a rejected value or anything that identifies a patient.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from ictus.domain.errors import (
    ForbiddenError,
    IctusError,
    InvalidRequestError,
    NotFoundError,
    TooLargeError,
    TooManyRequestsError,
    UnauthenticatedError,
    UnavailableError,
)
from ictus.http.context import current_request_id

PROBLEM_MEDIA_TYPE = "application/problem+json"

_log = structlog.get_logger(__name__)


class FieldProblem(BaseModel):
    """One field that must be changed."""

    field: str = Field(description="Where it is, e.g. `body.email` or `query.limit`.")
    message: str = Field(description="What is wrong with it.")


class Problem(BaseModel):
    """An error, as RFC 9457 describes it. Further members depend on ``code``."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="Stable identifier of the kind of problem.")
    title: str = Field(description="The kind of problem, in words.")
    status: int = Field(description="The HTTP status.")
    code: str = Field(description="Stable short name of the kind of problem, for programs.")
    detail: str = Field(description="What happened and what to do, for people.")
    request_id: str | None = Field(default=None, description="Quote this when asking for help.")
    errors: list[FieldProblem] | None = Field(default=None, description="The fields to change, if any.")


class ValidationFailedError(InvalidRequestError):
    """A field of the request is missing or has a value that cannot be."""

    code = "validation_failed"
    title = "Some of what was sent is missing or cannot be right."


class MethodNotAllowedError(IctusError):
    """The address exists, but not for this method."""

    code = "method_not_allowed"
    title = "This address does not support that method."
    status = 405


class MalformedRequestError(IctusError):
    """The body could not be read at all."""

    code = "malformed_request"
    title = "The request could not be read. Check how its body is encoded."
    status = 400


class RequestStalledError(IctusError):
    """The body did not arrive in time."""

    code = "request_stalled"
    title = "The request arrived too slowly and was broken off. Please check the connection and try again."
    status = 408


_BY_STATUS: dict[int, type[IctusError]] = {
    error.status: error
    for error in (
        MalformedRequestError,
        UnauthenticatedError,
        ForbiddenError,
        NotFoundError,
        MethodNotAllowedError,
        RequestStalledError,
        TooLargeError,
        InvalidRequestError,
        TooManyRequestsError,
        UnavailableError,
    )
}


def problem_type(code: str) -> str:
    """The stable ``type`` of a problem with this code."""
    return f"urn:ictus:problem:{code}"


def problem_response(
    error: IctusError, *, errors: Sequence[FieldProblem] | None = None, headers: dict[str, str] | None = None
) -> JSONResponse:
    """Render an error as ``application/problem+json``."""
    problem = Problem(
        type=problem_type(error.code),
        title=type(error).title,
        status=error.status,
        code=error.code,
        detail=error.detail,
        request_id=current_request_id(),
        errors=list(errors) if errors else None,
    )
    headers = dict(headers or {})
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if error.status == UnauthenticatedError.status:
        headers.setdefault("WWW-Authenticate", "Bearer")
    if error.status == HTTPStatus.REQUEST_TIMEOUT:
        # The rest of the request is not waited for: RFC 9110, 15.5.9.
        headers.setdefault("Connection", "close")
    return JSONResponse(
        {**error.extra, **problem.model_dump(exclude_none=True)},
        status_code=error.status,
        headers=headers,
        media_type=PROBLEM_MEDIA_TYPE,
    )


def as_ictus_error(error: Exception) -> IctusError:
    """The error that a caller is shown for whatever ended a request."""
    if isinstance(error, IctusError):
        return error
    if isinstance(error, RequestValidationError):
        return ValidationFailedError()
    if isinstance(error, HTTPException):
        other = MalformedRequestError if error.status_code < 500 else IctusError
        return _BY_STATUS.get(error.status_code, other)()
    return IctusError()


def _render_ictus_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, IctusError)  # noqa: S101  registered for this class only
    if error.status >= 500 and not isinstance(error, UnavailableError):
        _log.error("request_failed", code=error.code, exc_info=error)
    return problem_response(error)


def _render_validation_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101  registered for this class only
    fields = [
        FieldProblem(field=".".join(str(part) for part in item["loc"]), message=str(item["msg"]))
        for item in error.errors()
    ]
    named = ", ".join(dict.fromkeys(field.field.split(".", 1)[-1] for field in fields))
    return problem_response(ValidationFailedError(f"Please correct: {named}."), errors=fields)


def _render_http_exception(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101  registered for this class only
    return problem_response(as_ictus_error(error), headers=dict(error.headers or {}))


def _render_unavailable(_request: Request, error: Exception) -> JSONResponse:
    _log.warning("dependency_unavailable", exc_info=error)
    return problem_response(UnavailableError(retry_after=5))


def install_problem_handlers(app: FastAPI, *, unavailable: Sequence[type[Exception]] = ()) -> None:
    """Make the app answer every error with a problem document.

    What no handler knows is caught by ``RequestContextMiddleware``: one log line, and a 500 without details.

    Args:
        app: the application.
        unavailable: exceptions of drivers that mean "a server is not answering" and become a 503.
    """
    install_problem_schema(app)
    app.add_exception_handler(IctusError, _render_ictus_error)
    app.add_exception_handler(RequestValidationError, _render_validation_error)
    app.add_exception_handler(HTTPException, _render_http_exception)
    for kind in unavailable:
        app.add_exception_handler(kind, _render_unavailable)


def problems(
    *kinds: type[IctusError], besides: Mapping[int | str, dict[str, Any]] | None = None
) -> dict[int | str, dict[str, Any]]:
    """The ``responses=`` of a route that can answer with these errors, with an example of each.

    Args:
        kinds: the errors.
        besides: responses that the route has otherwise; errors of the same status are shown side by side.
    """
    responses = deepcopy(dict(besides or {}))
    for kind in kinds:
        response = responses.setdefault(kind.status, {"description": kind.title})
        media = response.setdefault("content", {}).setdefault(
            PROBLEM_MEDIA_TYPE, {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}}
        )
        media["examples"][kind.code] = {
            "summary": kind.title,
            "value": {
                "type": problem_type(kind.code),
                "title": kind.title,
                "status": kind.status,
                "code": kind.code,
                "detail": kind.title,
                "request_id": "6f1c1c3e5f0b4a5e8d0b8a0f6a4c2d10",
            },
        }
    return responses


def install_problem_schema(app: FastAPI) -> None:
    """Put the ``Problem`` schema, which ``problems`` refers to, into the app's OpenAPI document."""
    build = app.openapi

    def openapi() -> dict[str, Any]:
        document = build()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        if "Problem" not in schemas:
            schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(schema.pop("$defs", {}))
            schemas["Problem"] = schema
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # the documented way to extend the document
