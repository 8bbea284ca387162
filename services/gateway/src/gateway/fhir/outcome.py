"""OperationOutcome: how every error below the FHIR base is told (FHIR R4, 3.1.0.1.5)."""

import json
from collections.abc import Mapping
from typing import Any, Final

from fhir.resources.R4B.operationoutcome import OperationOutcome
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.fhir.codes import PROBLEMS
from ictus.domain.errors import IctusError
from ictus.http.problem import PROBLEM_MEDIA_TYPE, Problem, problem_type

FHIR_MEDIA_TYPE: Final = "application/fhir+json"

_ISSUES: Final = {
    400: "invalid",
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    406: "not-supported",
    408: "timeout",
    409: "conflict",
    413: "too-long",
    422: "invalid",
    429: "throttled",
    503: "transient",
}
"""Issue types by HTTP status; see http://hl7.org/fhir/R4/valueset-issue-type.html."""


def outcome_of(problem: Problem) -> OperationOutcome:
    """The same, in FHIR's words: the code as coding, the sentence as text, the request's id as diagnostics."""
    coding = {"system": PROBLEMS, "code": problem.code, "display": problem.title}
    issue: dict[str, Any] = {
        "severity": "error",
        "code": _ISSUES.get(problem.status, "exception"),
        "details": {"coding": [coding], "text": problem.detail},
    }
    if problem.request_id:
        issue["diagnostics"] = f"request {problem.request_id}"
    return OperationOutcome.model_validate({"issue": [issue]})


def operation_outcomes(
    *kinds: type[IctusError], besides: Mapping[int | str, dict[str, Any]] | None = None
) -> dict[int | str, dict[str, Any]]:
    """The ``responses=`` of a FHIR route that can answer with these errors, with an example of each."""
    responses = {status: dict(response) for status, response in (besides or {}).items()}
    for kind in kinds:
        response = responses.setdefault(kind.status, {"description": kind.title})
        media = response.setdefault("content", {}).setdefault(
            FHIR_MEDIA_TYPE, {"schema": {"type": "object"}, "examples": {}}
        )
        problem = Problem(
            type=problem_type(kind.code),
            title=kind.title,
            status=kind.status,
            code=kind.code,
            detail=kind.title,
        )
        media["examples"][kind.code] = {
            "summary": kind.title,
            "value": json.loads(outcome_of(problem).model_dump_json()),
        }
    return responses


class OperationOutcomeMiddleware:
    """Turns the problem documents of one part of the API into OperationOutcomes, wherever they come from.

    Args:
        app: the wrapped application.
        prefix: the FHIR base's path.
    """

    def __init__(self, app: ASGIApp, *, prefix: str) -> None:
        self._app = app
        self._prefix = prefix + "/"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] != "http" or not scope["path"].startswith(self._prefix):
            await self._app(scope, receive, send)
            return
        held: Message | None = None
        body = b""

        async def translate(message: Message) -> None:
            nonlocal held, body
            if message["type"] == "http.response.start":
                if MutableHeaders(scope=message).get("content-type") == PROBLEM_MEDIA_TYPE:
                    held = message
                    return
            elif held is not None:
                body += message.get("body", b"")
                if message.get("more_body", False):
                    return
                outcome = outcome_of(Problem.model_validate_json(body)).model_dump_json().encode()
                headers = MutableHeaders(scope=held)
                headers["Content-Type"], headers["Content-Length"] = FHIR_MEDIA_TYPE, str(len(outcome))
                await send(held)
                message = {"type": "http.response.body", "body": outcome}
            await send(message)

        await self._app(scope, receive, translate)
