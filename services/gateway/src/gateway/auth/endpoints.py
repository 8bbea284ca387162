"""Sign-in for people."""

from typing import Annotated

from fastapi import Depends, Request, Response, status

from gateway.auth.authentication import refuse_other_pages, session_cookie_name, set_session_cookie
from gateway.auth.errors import (
    AccountDisabledError,
    AccountPendingError,
    OneTimePasswordOverError,
    PasswordRefusedError,
    SignInBlockedError,
    SignInRefusedError,
    WrongPasswordError,
)
from gateway.auth.models import UserSession
from gateway.auth.schemas import (
    Accepted,
    Credentials,
    Me,
    PasswordChange,
    Registration,
    SignedIn,
    SiteName,
)
from gateway.auth.secrets import csrf_token
from gateway.auth.service import AuthService
from gateway.deps import AuditEntry, Caller, DbSession, Resources, api_router, audited, requires
from gateway.settings import GatewaySettings
from gateway.sites.repository import SiteRepository
from ictus.http import problems

router = api_router("/auth", tag="auth")

Person = Annotated[Caller, requires(with_one_time_password=True)]


@router.post(
    "/register",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Ask to be let in",
    dependencies=[Depends(refuse_other_pages)],
    responses=problems(PasswordRefusedError, SignInBlockedError),
)
def register(
    registration: Registration,
    session: DbSession,
    resources: Resources,
    audit: Annotated[AuditEntry, audited("user.register", "user")],
) -> Accepted:
    """Notes the registration. An administrator approves it and gives a role and a site; then one can sign in."""
    user_id = AuthService(session, resources).register(
        registration.email, registration.name, registration.password.get_secret_value(), audit.address
    )
    audit.object_id = user_id
    audit.detail["address_known"] = user_id is None
    return Accepted()


@router.post(
    "/login",
    summary="Sign in",
    dependencies=[Depends(refuse_other_pages)],
    responses=problems(
        SignInRefusedError,
        SignInBlockedError,
        AccountPendingError,
        AccountDisabledError,
        OneTimePasswordOverError,
    ),
)
def login(
    credentials: Credentials,
    request: Request,
    response: Response,
    session: DbSession,
    resources: Resources,
    audit: Annotated[AuditEntry, audited("session.open", "session")],
) -> SignedIn:
    """Begins a session and sets its cookie. Wrong passwords make the next tries wait."""
    cookie = session_cookie_name(resources.settings)
    opened = AuthService(session, resources).sign_in(
        credentials.email,
        credentials.password.get_secret_value(),
        audit.address,
        request.cookies.get(cookie),
    )
    audit.object_id = opened.session.id
    audit.actor_is_user(opened.session.user_id, opened.session.user.site_id)
    set_session_cookie(response, resources.settings, opened.token)
    return _signed_in(opened.session, opened.token, session, resources.settings)


@router.post(
    "/logout",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Sign out",
    dependencies=[audited("session.close", "session")],
)
def logout(caller: Person, response: Response, session: DbSession, resources: Resources) -> None:
    """Ends the session at once: its cookie is worth nothing from now on."""
    AuthService(session, resources).sign_out(caller)
    response.delete_cookie(
        session_cookie_name(resources.settings),
        secure=resources.settings.tls,
        httponly=True,
        samesite="strict",
    )


@router.get("/me", summary="Who is signed in", dependencies=[audited("session.read", "session")])
def read_me(caller: Person, request: Request, session: DbSession, resources: Resources) -> SignedIn:
    """The person who is signed in, and the CSRF token of the session: what a page needs after a reload."""
    user_session = AuthService(session, resources).current_session(caller)
    token = request.cookies[session_cookie_name(resources.settings)]
    return _signed_in(user_session, token, session, resources.settings)


@router.post(
    "/password",
    summary="Change the password",
    responses=problems(WrongPasswordError, PasswordRefusedError, SignInBlockedError),
)
def change_password(
    change: PasswordChange,
    caller: Person,
    response: Response,
    session: DbSession,
    resources: Resources,
    audit: Annotated[AuditEntry, audited("user.change_password", "user")],
) -> SignedIn:
    """Sets a new password and ends every other session of the person; this browser gets a new one."""
    audit.object_id = caller.id
    opened = AuthService(session, resources).change_password(
        caller,
        change.current_password.get_secret_value(),
        change.new_password.get_secret_value(),
        audit.address,
    )
    set_session_cookie(response, resources.settings, opened.token)
    return _signed_in(opened.session, opened.token, session, resources.settings)


def _signed_in(
    user_session: UserSession, token: str, session: DbSession, settings: GatewaySettings
) -> SignedIn:
    user = user_session.user
    site = SiteRepository(session).require(user.site_id)
    return SignedIn(
        user=Me.model_validate(
            {
                "id": user.id,
                "email": user.email,
                "name": user.name,
                "role": user.role,
                "site": SiteName(id=site.id, name=site.name),
                "must_change_password": user.must_change_password,
            }
        ),
        csrf_token=csrf_token(token),
        expires_at=user_session.expires_at,
        idle_seconds=int(settings.session_idle.total_seconds()),
    )
