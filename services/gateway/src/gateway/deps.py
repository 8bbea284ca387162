"""The dependencies that handlers are written with, as ``Annotated`` aliases, and the router they stand on.

A feature's ``endpoints.py``; app.py finds it and includes ``router`` by itself:

    router = api_router("/studies", tag="studies")                              # /api/v1/studies
    Reader = Annotated[Caller, requires(Role.CLINICIAN, Role.RADIOLOGIST, scope=Scope.STUDIES_READ)]

    @router.get("/{study_id}", summary="Read a study", responses=problems(NotFoundError))
    def read_study(
        study_id: UUID, caller: Reader, session: DbSession,
        audit: Annotated[AuditEntry, audited("study.read", "study")],
    ) -> StudyOut:
        return StudyService(session).get(study_id, site_id=caller.site_id)   # another site's: NotFoundError

- Handlers are plain ``def`` (they run in a thread) and do not commit: ``gateway.transactions`` does, before the
  answer leaves. A handler with long work before its first write calls ``session.commit()`` before that work,
  which ends the transaction of the sign-in check and gives the connection back to the pool.
- Every route names its audited action (``gateway.audit.trail``) and, unless it is one of the few public ones,
  its callers through ``requires``. Tests walk all routes for both. Actor and site of the audit row are filled in
  from the caller, also when that caller is then refused.
- What is rung after the commit: ``after_commit(session, lambda: celery.send_task(...))``.
- Addresses for other services: a function ``internal_router(settings) -> APIRouter`` in ``endpoints.py``, made
  with ``service_router``; app.py finds that too. Each names its audited action, for its refusals; what changes
  a study is put on record by the code that changes it.
- Celery tasks: see ``gateway.worker``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import celery
from fastapi import APIRouter, Depends, Request, Security
from fastapi.security import APIKeyCookie, HTTPBearer
from sqlalchemy.orm import Session

from gateway import resources as held
from gateway.audit.models import ActorKind
from gateway.audit.trail import AuditEntry, audited
from gateway.auth.authentication import authenticate
from gateway.auth.caller import Caller
from gateway.auth.errors import (
    PasswordChangeRequiredError,
    RoleRefusedError,
)
from gateway.auth.models import Scope
from gateway.auth.permissions import Permission
from gateway.identity import IdentityCipher
from gateway.settings import GatewaySettings
from gateway.transactions import AuditedRoute, RefusalAuditedRoute
from ictus.domain.enums import Role
from ictus.domain.errors import UnavailableError
from ictus.http import ServiceToken, problems
from ictus.http.problem import ValidationFailedError
from ictus.http.service_auth import ServiceTokenError
from ictus.storage import ObjectStore

__all__ = [
    "AuditEntry",
    "Caller",
    "Cipher",
    "Clock",
    "DbSession",
    "Queue",
    "Resources",
    "Settings",
    "Store",
    "api_router",
    "audited",
    "requires",
    "service_router",
]

API_PREFIX = "/api/v1"
INTERNAL_PREFIX = "/internal/v1"

_cookie = APIKeyCookie(
    name="ictus_session",
    scheme_name="Session",
    auto_error=False,
    description="Set by `POST /auth/login`; named `__Host-ictus_session` over TLS. Requests that change something "
    "also carry the header `X-CSRF-Token`, whose value sign-in and `GET /auth/me` return.",
)
_key = HTTPBearer(
    scheme_name="ApiKey",
    auto_error=False,
    description="An API client's key, `ictus_…`, issued by an administrator, or an access token, `ictusat_…`, of "
    "`POST /oauth/token`.",
)


def get_resources(request: Request) -> held.Resources:
    """What the application holds open."""
    resources: held.Resources = request.app.state.resources
    return resources


Resources = Annotated[held.Resources, Depends(get_resources)]


def get_session(request: Request, resources: Resources) -> Session:
    """The request's session; its transaction is ended by the route class."""
    if request.state.session is None:
        request.state.session = resources.sessions()
    session: Session = request.state.session
    return session


def _settings(resources: Resources) -> GatewaySettings:
    return resources.settings


def _clock(resources: Resources) -> held.Clock:
    return resources.clock


def _store(resources: Resources) -> ObjectStore:
    return resources.store


def _cipher(resources: Resources) -> IdentityCipher:
    return resources.cipher


def _queue(resources: Resources) -> celery.Celery:
    return resources.celery


DbSession = Annotated[Session, Depends(get_session)]
Settings = Annotated[GatewaySettings, Depends(_settings)]
Clock = Annotated[held.Clock, Depends(_clock)]
Store = Annotated[ObjectStore, Depends(_store)]
Cipher = Annotated[IdentityCipher, Depends(_cipher)]
Queue = Annotated[celery.Celery, Depends(_queue)]


def get_caller(request: Request, session: DbSession, resources: Resources) -> Caller:
    """Who makes the request; put into its audit entry at once, so that a refusal names them too."""
    caller = authenticate(request, session, resources.settings, resources.clock())
    entry: AuditEntry = request.state.audit
    entry.actor_kind, entry.actor_id, entry.site_id = caller.kind, caller.id, caller.site_id
    return caller


@dataclass(frozen=True)
class PersonRequirement:
    """A dependency that lets people of some roles pass, and no API key."""

    roles: frozenset[Role]
    with_one_time_password: bool

    def __call__(
        self,
        caller: Annotated[Caller, Depends(get_caller)],
        _scheme: Annotated[str | None, Security(_cookie)] = None,
    ) -> Caller:
        """Return the caller, or raise ``RoleRefusedError`` or ``PasswordChangeRequiredError``."""
        if caller.role not in self.roles:
            raise RoleRefusedError
        if caller.must_change_password and not self.with_one_time_password:
            raise PasswordChangeRequiredError
        return caller


@dataclass(frozen=True)
class ClientRequirement:
    """A dependency that lets machines pass that may do what is needed, and people as ``people`` does."""

    people: PersonRequirement
    need: Scope | Permission

    def __call__(
        self,
        caller: Annotated[Caller, Depends(get_caller)],
        _cookie_scheme: Annotated[str | None, Security(_cookie)] = None,
        _key_scheme: Annotated[Any, Security(_key)] = None,
    ) -> Caller:
        """Return the caller, or raise ``RoleRefusedError`` or ``PasswordChangeRequiredError``."""
        if caller.role is not Role.API_CLIENT:
            return self.people(caller)
        if not caller.allows(self.need):
            raise RoleRefusedError(f"This key or token does not allow this. It needs the scope {self.need}.")
        return caller


def requires(
    *roles: Role, scope: Scope | Permission | None = None, with_one_time_password: bool = False
) -> Any:
    """Let people of these roles pass, and machines that have ``scope``.

    Args:
        roles: the roles; every person's when none is given.
        scope: what a key or token must allow; no machine passes when None.
        with_one_time_password: whether somebody who must still change a one-time password passes.
    """
    people = PersonRequirement(
        frozenset(roles or Role) - {Role.API_CLIENT}, with_one_time_password=with_one_time_password
    )
    return Depends(people if scope is None else ClientRequirement(people, scope))


def api_router(prefix: str, *, tag: str) -> APIRouter:
    """A router below ``/api/v1`` whose routes have the transaction and audit boundary."""
    return APIRouter(prefix=API_PREFIX + prefix, tags=[tag], route_class=AuditedRoute)


def _service_acts(request: Request) -> None:
    entry: AuditEntry = request.state.audit
    entry.actor_kind = ActorKind.SERVICE


def service_router(prefix: str, *, tag: str, token: str, dependencies: Sequence[Any] = ()) -> APIRouter:
    """A router below ``/internal/v1`` for the service that holds ``token``; each refusal has its audit row."""
    return APIRouter(
        prefix=INTERNAL_PREFIX + prefix,
        tags=[tag],
        route_class=RefusalAuditedRoute,
        dependencies=[Depends(ServiceToken(token)), Depends(_service_acts), *dependencies],
        responses=problems(ServiceTokenError, ValidationFailedError, UnavailableError),
    )
