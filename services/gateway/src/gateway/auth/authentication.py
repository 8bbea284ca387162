"""From a request's cookie or key to its caller."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from gateway.audit.models import ActorKind
from gateway.auth.caller import Caller
from gateway.auth.errors import CsrfRefusedError, NotSignedInError
from gateway.auth.models import UserSession, UserState
from gateway.auth.permissions import PERSON, Grants
from gateway.auth.repository import ApiKeyRepository, SessionRepository
from gateway.auth.secrets import ACCESS_TOKEN_PREFIX, API_KEY_PREFIX, csrf_token_matches, token_hash
from gateway.oauth.repository import OAuthRepository
from gateway.settings import GatewaySettings
from ictus.domain.enums import Role

CSRF_HEADER = "X-CSRF-Token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

_SESSION_TOUCH = timedelta(seconds=15)
_KEY_TOUCH = timedelta(minutes=1)


def session_cookie_name(settings: GatewaySettings) -> str:
    """The session cookie's name; over TLS its prefix makes browsers insist on Secure, this host and path ``/``."""
    return "__Host-ictus_session" if settings.tls else "ictus_session"


def set_session_cookie(response: Response, settings: GatewaySettings, token: str) -> None:
    """Have the browser keep a session's token."""
    response.set_cookie(
        session_cookie_name(settings),
        token,
        secure=settings.tls,
        httponly=True,
        samesite="strict",
        path="/",
    )


def authenticate(request: Request, session: Session, settings: GatewaySettings, now: datetime) -> Caller:
    """Find out who makes a request.

    Raises:
        NotSignedInError: neither a live session nor a valid key or token.
        CsrfRefusedError: a session's request that changes something lacks the session's CSRF token.
    """
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and credentials.startswith(API_KEY_PREFIX):
        return _authenticate_key(credentials, session, now)
    if scheme.lower() == "bearer" and credentials.startswith(ACCESS_TOKEN_PREFIX):
        return _authenticate_token(credentials, session, now)
    token = request.cookies.get(session_cookie_name(settings))
    if token is None:
        raise NotSignedInError
    sessions = SessionRepository(session)
    user_session = sessions.by_token_hash(token_hash(token))
    if user_session is None or not is_live(user_session, settings, now):
        raise NotSignedInError
    if request.method not in SAFE_METHODS and not csrf_token_matches(request.headers.get(CSRF_HEADER), token):
        raise CsrfRefusedError
    if now - user_session.last_seen_at >= _SESSION_TOUCH:
        sessions.touch(user_session.id, now)
    return _caller_of(user_session)


def is_live(user_session: UserSession, settings: GatewaySettings, now: datetime) -> bool:
    """Whether a session is within both limits and its user may sign in."""
    return (
        now < user_session.expires_at
        and now - user_session.last_seen_at < settings.session_idle
        and user_session.user.state is UserState.ACTIVE
    )


def refuse_other_pages(request: Request) -> None:
    """Refuse what another web page sends, where there is no session yet whose CSRF token could tell.

    Raises:
        CsrfRefusedError: the browser says that the request comes from another origin (Fetch Metadata).
    """
    if request.headers.get("Sec-Fetch-Site", "none") not in {"same-origin", "none"}:
        raise CsrfRefusedError


def _caller_of(user_session: UserSession) -> Caller:
    user = user_session.user
    if user.role is None or user.site_id is None:  # a database constraint excludes it for active users
        raise NotSignedInError
    return Caller(
        kind=ActorKind.USER,
        id=user.id,
        role=user.role,
        site_id=user.site_id,
        session_id=user_session.id,
        grants=PERSON,
        must_change_password=user.must_change_password,
    )


def _authenticate_key(credentials: str, session: Session, now: datetime) -> Caller:
    keys = ApiKeyRepository(session)
    key = keys.by_hash(token_hash(credentials))
    if key is None or key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now):
        raise NotSignedInError("The API key is unknown, revoked or over.")
    if key.last_used_at is None or now - key.last_used_at >= _KEY_TOUCH:
        keys.touch(key.id, now)
    return Caller(
        kind=ActorKind.API_CLIENT,
        id=key.id,
        role=Role.API_CLIENT,
        site_id=key.site_id,
        grants=Grants.of(key.scopes),
    )


def _authenticate_token(credentials: str, session: Session, now: datetime) -> Caller:
    found = OAuthRepository(session).live_token(token_hash(credentials), now)
    if found is None:
        raise NotSignedInError("The access token is unknown, revoked or over. Please ask for another one.")
    return Caller(
        kind=ActorKind.API_CLIENT,
        id=found.client.id,
        role=Role.API_CLIENT,
        site_id=found.client.site_id,
        grants=Grants.parse(found.scopes, strict=False),
    )
