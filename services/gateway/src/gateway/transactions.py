"""The boundary of every request: one transaction, committed before the answer leaves, with its audit row."""

from collections.abc import Callable, Coroutine, Iterator
from typing import Any, ClassVar

import structlog
from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Message, Receive

from gateway.audit.trail import AuditDeclaration
from gateway.auth.errors import (
    CsrfRefusedError,
    NotSignedInError,
    PasswordChangeRequiredError,
    RoleRefusedError,
)
from gateway.resources import Resources
from ictus.domain.errors import TooLargeError, UnavailableError
from ictus.http import problems
from ictus.http.problem import ValidationFailedError, as_ictus_error

_log = structlog.get_logger(__name__)

EVERYWHERE = (
    NotSignedInError,
    RoleRefusedError,
    PasswordChangeRequiredError,
    CsrfRefusedError,
    ValidationFailedError,
    UnavailableError,
)
"""Errors that any audited route can answer with."""

LARGEST_DECLARED_BODY = 1 << 20
"""Bytes of a body that is parsed as a whole."""

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class TransactionRoute(APIRoute):
    """A route whose handler runs in one transaction.

    The session is made when something first asks for it (``DbSession``). It is committed after the handler
    has returned and its answer has been built, before the first byte is sent, and rolled back on any error.
    A streamed body is sent after the commit, so it must not use the session. A body that the route declares is
    read into memory, so it has a limit; a route that streams its body sets its own.
    """

    def get_route_handler(self) -> Handler:
        """FastAPI's handler, inside the transaction."""
        handle = super().get_route_handler()

        async def in_transaction(request: Request) -> Response:
            request.state.session = None
            self.begin(request)
            if self.body_field is not None:
                request = Request(request.scope, _bounded(request.receive))
            try:
                response = await handle(request)
                await run_in_threadpool(self.finish, request)
            except Exception as error:
                await run_in_threadpool(self.abandon, request, error)
                raise
            return response

        return in_transaction

    def begin(self, request: Request) -> None:
        """Prepare a request, before anything of it is looked at."""

    def finish(self, request: Request) -> None:
        """Commit and give the connection back."""
        session = _opened_session(request)
        if session is not None:
            with session:
                session.commit()

    def abandon(self, request: Request, error: Exception) -> None:  # noqa: ARG002  for subclasses
        """Roll back and give the connection back."""
        session = _opened_session(request)
        if session is not None:
            session.close()


class RefusalAuditedRoute(TransactionRoute):
    """A route that cannot be declared without ``audited(...)`` and writes an audit row for every refusal.

    Raises:
        TypeError: at declaration, when the route names no audited action or more than one.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        found = list(dict.fromkeys(_declarations(self.dependant)))
        if len(found) != 1:
            raise TypeError(f"{endpoint.__qualname__} must declare one audited(...) action, not {len(found)}")
        self.audit = found[0]

    def begin(self, request: Request) -> None:
        """Open the audit entry."""
        request.state.audit = self.audit.open(request)

    def abandon(self, request: Request, error: Exception) -> None:
        """Roll back, then write the refusal in a transaction of its own."""
        super().abandon(request, error)
        resources: Resources = request.app.state.resources
        try:
            with resources.sessions.begin() as session:
                request.state.audit.write(session, resources.clock(), as_ictus_error(error))
        except Exception as failure:  # the caller still gets the first error; operators see both
            _log.error("audit_of_refusal_failed", action=self.audit.action, exc_info=failure)


class AuditedRoute(RefusalAuditedRoute):
    """A route that writes an audit row for every request, refused or not.

    ``describe_errors`` makes the ``responses`` of the errors that every such route can answer with.
    """

    describe_errors: ClassVar[Any] = staticmethod(problems)

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        options["responses"] = self.describe_errors(*EVERYWHERE, besides=options.get("responses"))
        super().__init__(path, endpoint, **options)

    def finish(self, request: Request) -> None:
        """Write the audit row in the request's transaction and commit both."""
        resources: Resources = request.app.state.resources
        if request.state.session is None:
            request.state.session = resources.sessions()
        request.state.audit.write(request.state.session, resources.clock())
        super().finish(request)


def _bounded(receive: Receive) -> Receive:
    received = 0

    async def receive_within_limit() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > LARGEST_DECLARED_BODY:
            raise HTTPException(TooLargeError.status)  # FastAPI takes any other error for a malformed body
        return message

    return receive_within_limit


def _opened_session(request: Request) -> Session | None:
    session: Session | None = request.state.session
    return session


def _declarations(dependant: Dependant) -> Iterator[AuditDeclaration]:
    if isinstance(dependant.call, AuditDeclaration):
        yield dependant.call
    for dependency in dependant.dependencies:
        yield from _declarations(dependency)
