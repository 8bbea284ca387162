"""``/api/v1/auth/methods`` and ``/api/v1/auth/oidc``."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response, status
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from gateway.addresses import PublicAddressMissingError, proven_address
from gateway.auth.authentication import session_cookie_name, set_session_cookie
from gateway.auth.errors import AccountDisabledError, AccountPendingError
from gateway.deps import API_PREFIX, AuditEntry, DbSession, Resources, audited
from gateway.oidc.errors import (
    AddressTakenError,
    ClaimsIncompleteError,
    PersonUnknownError,
    ProviderAbsentError,
    ProviderSignInRefusedError,
    ProviderUnavailableError,
)
from gateway.oidc.schemas import ProviderOffer, SignInMethods
from gateway.oidc.service import LIFE, ProviderSignIn
from gateway.settings import GatewaySettings
from gateway.transactions import AuditedRoute
from ictus.domain.errors import IctusError
from ictus.http import problems
from ictus.http.problem import as_ictus_error

_PREFIX: Final = f"{API_PREFIX}/auth"
SIGN_IN_PATH: Final = f"{_PREFIX}/oidc/sign-in"
CALLBACK_PATH: Final = f"{_PREFIX}/oidc/callback"
_PAGE: Final = "/login"


class PageRoute(AuditedRoute):
    """A route that a browser is led to, not a program: a refusal leads to the sign-in page, which says it in words."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The audited handler, with its refusals turned into a way back."""
        handle = super().get_route_handler()

        async def lead(request: Request) -> Response:
            try:
                return await handle(request)
            except (IctusError, RequestValidationError, HTTPException) as error:
                query = urlencode({"problem": as_ictus_error(error).code})
                return RedirectResponse(f"{_PAGE}?{query}", status.HTTP_303_SEE_OTHER)

        return lead


methods = APIRouter(prefix=_PREFIX, tags=["auth"], route_class=AuditedRoute)
pages = APIRouter(prefix=f"{_PREFIX}/oidc", tags=["auth"], route_class=PageRoute)

_REDIRECT: Final[dict[int | str, dict[str, Any]]] = {
    303: {"description": "To the provider, to the first page, or, refused, to `/login?problem=<code>`."}
}


@methods.get(
    "/methods", summary="How one can sign in", dependencies=[audited("session.read_methods", "session")]
)
def read_sign_in_methods(resources: Resources) -> SignInMethods:
    """Whether there is a button for the hospital's own sign-in; open to everybody."""
    if resources.oidc is None:
        return SignInMethods(provider=None)
    label = resources.settings.oidc_label
    return SignInMethods(provider=ProviderOffer(label=label, address=SIGN_IN_PATH))


@pages.get(
    "/sign-in",
    status_code=status.HTTP_303_SEE_OTHER,
    summary="Sign in at the provider",
    response_class=RedirectResponse,
    responses=_REDIRECT | problems(ProviderAbsentError, ProviderUnavailableError, PublicAddressMissingError),
    dependencies=[audited("session.send_off", "session")],
)
def send_to_provider(request: Request, session: DbSession, resources: Resources) -> Response:
    """Leads the browser to the provider: OpenID Connect, authorization code with PKCE, state and nonce."""
    sent = ProviderSignIn(session, resources).send_off(_callback(request, resources.settings))
    response = RedirectResponse(sent.address, status.HTTP_303_SEE_OTHER)
    response.set_cookie(
        _cookie_name(resources.settings),
        sent.browser_token,
        max_age=int(LIFE.total_seconds()),
        secure=resources.settings.tls,
        httponly=True,
        samesite="lax",  # the way back begins at another site
        path="/",
    )
    return response


@pages.get(
    "/callback",
    status_code=status.HTTP_303_SEE_OTHER,
    summary="Come back from the provider",
    response_class=RedirectResponse,
    responses=_REDIRECT
    | problems(
        ProviderAbsentError,
        ProviderUnavailableError,
        PublicAddressMissingError,
        ProviderSignInRefusedError,
        PersonUnknownError,
        AddressTakenError,
        ClaimsIncompleteError,
        AccountPendingError,
        AccountDisabledError,
    ),
)
def come_back_from_provider(
    request: Request,
    session: DbSession,
    resources: Resources,
    audit: Annotated[AuditEntry, audited("session.open_by_provider", "session")],
    state: Annotated[str, Query(max_length=400)] = "",
    code: Annotated[str, Query(max_length=4000)] = "",
) -> Response:
    """Begins a session like any other, sets its cookie and leads to the first page."""
    settings = resources.settings
    service = ProviderSignIn(session, resources)
    if not state or not code:  # the person turned back at the provider, or it sent an error
        raise ProviderSignInRefusedError
    opened = service.come_back(
        _callback(request, settings),
        state,
        code,
        request.cookies.get(_cookie_name(settings)),
        request.cookies.get(session_cookie_name(settings)),
    )
    audit.object_id = opened.session.id
    audit.actor_is_user(opened.session.user_id, opened.session.user.site_id)
    response = RedirectResponse("/", status.HTTP_303_SEE_OTHER)
    set_session_cookie(response, settings, opened.token)
    response.delete_cookie(
        _cookie_name(settings), secure=settings.tls, httponly=True, samesite="lax", path="/"
    )
    return response


def _callback(request: Request, settings: GatewaySettings) -> str:
    return proven_address(request, settings) + CALLBACK_PATH


def _cookie_name(settings: GatewaySettings) -> str:
    return "__Host-ictus_sign_in" if settings.tls else "ictus_sign_in"


router = APIRouter()
router.include_router(methods)
router.include_router(pages)
