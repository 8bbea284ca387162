"""``/api/v1/oauth/token`` for other systems, ``/api/v1/admin/oauth-clients`` for administrators."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response, status
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from gateway.addresses import PublicAddressMissingError, proven_address
from gateway.audit.models import ActorKind
from gateway.auth.permissions import ScopeUnknownError
from gateway.deps import (
    API_PREFIX,
    AuditEntry,
    Caller,
    Clock,
    DbSession,
    Resources,
    api_router,
    audited,
    requires,
)
from gateway.oauth.errors import (
    ClientRefusedError,
    GrantTypeRefusedError,
    KeysRefusedError,
    OAuthClientNotFoundError,
    TokenRefusedError,
)
from gateway.oauth.models import OAuthClient
from gateway.oauth.schemas import KeySetDocument, OAuthClientDraft, OAuthClientOut, TokenAnswer, TokenRefusal
from gateway.oauth.service import ClientService, TokenService
from gateway.sites.errors import SiteNotFoundError
from gateway.transactions import AuditedRoute
from ictus.domain.enums import Role
from ictus.domain.errors import IctusError
from ictus.http import problems
from ictus.http.problem import as_ictus_error

TOKEN_PATH: Final = f"{API_PREFIX}/oauth/token"
GRANT_TYPE: Final = "client_credentials"
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

Admin = Annotated[Caller, requires(Role.ADMIN)]


class TokenRoute(AuditedRoute):
    """A route that refuses in the words of RFC 6749, 5.2. What is wrong on our side stays a problem document."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The audited handler, with its refusals rendered."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except (IctusError, RequestValidationError, HTTPException) as error:
                known = as_ictus_error(error)
                if known.status >= status.HTTP_500_INTERNAL_SERVER_ERROR:
                    raise
                return _refusal(known)

        return answer


tokens = APIRouter(prefix=f"{API_PREFIX}/oauth", tags=["auth"], route_class=TokenRoute)
clients = api_router("/admin/oauth-clients", tag="admin")


@tokens.post(
    "/token",
    summary="Get an access token",
    responses={
        400: {"model": TokenRefusal, "description": "The request cannot be served as it is."},
        401: {
            "model": TokenRefusal,
            "description": "The client is not known, or its assertion proves nothing.",
        },
        **problems(PublicAddressMissingError),
    },
)
def issue_token(
    request: Request,
    session: DbSession,
    resources: Resources,
    audit: Annotated[AuditEntry, audited("oauth_token.issue", "oauth_client")],
    grant_type: Annotated[str | None, Form(description="`client_credentials`.")] = None,
    scope: Annotated[str | None, Form(description="Scopes, separated by spaces.")] = None,
    client_assertion_type: Annotated[str | None, Form(description=f"`{ASSERTION_TYPE}`.")] = None,
    client_assertion: Annotated[
        str | None,
        Form(
            description="A JWT signed by RS384 or ES384 with a registered key (`kid`): `iss` and `sub` are the client's "
            "id, `aud` is this address, `exp` within five minutes, `jti` a new one each time."
        ),
    ] = None,
    client_id: Annotated[str | None, Form(description="Not needed; if sent, the assertion's issuer.")] = None,
) -> TokenAnswer:
    """SMART backend services (SMART App Launch 2.2): an access token for a system that no person works at."""
    if grant_type is None:
        raise TokenRefusedError("'grant_type' is missing.")
    if grant_type != GRANT_TYPE:
        raise GrantTypeRefusedError
    if client_assertion_type != ASSERTION_TYPE or not client_assertion:
        raise ClientRefusedError(f"Send a client assertion of the type {ASSERTION_TYPE}.")
    service = TokenService(session, resources)
    audience = proven_address(request, resources.settings) + TOKEN_PATH
    client = service.identify(client_assertion, audience, client_id)
    audit.actor_kind, audit.actor_id, audit.site_id = ActorKind.API_CLIENT, client.id, client.site_id
    audit.object_id = client.id
    issued = service.issue(client, scope or "")
    audit.detail["scopes"] = " ".join(issued.words)
    return TokenAnswer(access_token=issued.secret, expires_in=issued.seconds, scope=" ".join(issued.words))


@clients.get(
    "",
    summary="List the OAuth clients",
    dependencies=[requires(Role.ADMIN), audited("oauth_client.list", "oauth_client")],
)
def list_oauth_clients(session: DbSession) -> list[OAuthClientOut]:
    """Newest first, revoked ones included."""
    return [_client_out(client) for client in ClientService(session).list()]


@clients.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Register an OAuth client",
    responses=problems(SiteNotFoundError, ScopeUnknownError, KeysRefusedError),
)
def create_oauth_client(
    draft: OAuthClientDraft,
    caller: Admin,
    session: DbSession,
    clock: Clock,
    audit: Annotated[AuditEntry, audited("oauth_client.create", "oauth_client")],
) -> OAuthClientOut:
    """Its `id` is the `client_id`. It reaches one site's objects, within its scopes; it has no secret to be shown."""
    client = ClientService(session).register(
        draft.name,
        draft.site_id,
        draft.scopes,
        draft.jwks.model_dump(),
        created_by=caller.id,
        now=clock(),
    )
    audit.object_id = client.id
    audit.detail.update(scopes=" ".join(client.scopes), client_site=str(client.site_id))
    return _client_out(client)


@clients.put(
    "/{oauth_client_id}/keys",
    summary="Replace an OAuth client's keys",
    dependencies=[requires(Role.ADMIN), audited("oauth_client.replace_keys", "oauth_client")],
    responses=problems(OAuthClientNotFoundError, KeysRefusedError),
)
def replace_oauth_client_keys(
    oauth_client_id: UUID, jwks: KeySetDocument, session: DbSession
) -> OAuthClientOut:
    """Assertions of a key that is not among the new ones are refused from now on."""
    return _client_out(ClientService(session).replace_keys(oauth_client_id, jwks.model_dump()))


@clients.delete(
    "/{oauth_client_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Revoke an OAuth client",
    dependencies=[requires(Role.ADMIN), audited("oauth_client.revoke", "oauth_client")],
    responses=problems(OAuthClientNotFoundError),
)
def revoke_oauth_client(oauth_client_id: UUID, session: DbSession, clock: Clock) -> None:
    """The client and every token that it holds are refused from now on."""
    ClientService(session).revoke(oauth_client_id, clock())


def _client_out(client: OAuthClient) -> OAuthClientOut:
    columns = ("id", "name", "scopes", "site_id", "created_by", "created_at", "last_used_at", "revoked_at")
    facts = {name: getattr(client, name) for name in columns}
    return OAuthClientOut(**facts, key_ids=[key["kid"] for key in client.jwks["keys"]])


def _refusal(error: IctusError) -> JSONResponse:
    code = error.code if isinstance(error, TokenRefusedError) else TokenRefusedError.code
    status_code = error.status if isinstance(error, TokenRefusedError) else TokenRefusedError.status
    refusal = TokenRefusal(error=code, error_description=error.detail)
    return JSONResponse(refusal.model_dump(), status_code=status_code)


router = APIRouter()
router.include_router(tokens)
router.include_router(clients)
