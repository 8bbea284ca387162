"""People and API keys, for administrators."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, status

from gateway.admin.keys import KeyService
from gateway.admin.people import PeopleService
from gateway.admin.schemas import (
    ApiKeyDraft,
    ApiKeyOut,
    Approval,
    IssuedApiKey,
    OneTimePassword,
    UserChange,
    UserOut,
)
from gateway.auth.errors import ApiKeyNotFoundError, LastAdminError, UserNotFoundError, UserStateError
from gateway.auth.models import UserState
from gateway.cursor import CursorError, time_cursor, time_position
from gateway.deps import AuditEntry, Caller, Clock, DbSession, Settings, api_router, audited, requires
from gateway.paging import Cursor, Page, PageSize
from gateway.sites.errors import SiteNotFoundError
from ictus.domain.enums import Role
from ictus.http import problems

ADMIN_ONLY = requires(Role.ADMIN)
Admin = Annotated[Caller, ADMIN_ONLY]

users = api_router("/admin/users", tag="admin")
keys = api_router("/admin/api-keys", tag="admin")


@users.get(
    "",
    summary="List the people",
    dependencies=[ADMIN_ONLY, audited("user.list", "user")],
    responses=problems(CursorError),
)
def list_users(
    session: DbSession, state: UserState | None = None, limit: PageSize = 50, cursor: Cursor = None
) -> Page[UserOut]:
    """Newest registration first; `state=pending` gives those who wait for approval."""
    after = None if cursor is None else time_position(cursor)
    rows = PeopleService(session).page(state, after, limit + 1)
    items = [UserOut.model_validate(user) for user in rows[:limit]]
    next_cursor = None
    if len(rows) > limit:
        next_cursor = time_cursor(items[-1].created_at, items[-1].id)
    return Page(items=items, next_cursor=next_cursor)


@users.post(
    "/{user_id}/approve",
    summary="Approve a registration",
    dependencies=[ADMIN_ONLY],
    responses=problems(UserNotFoundError, SiteNotFoundError, UserStateError),
)
def approve_user(
    user_id: UUID,
    approval: Approval,
    session: DbSession,
    audit: Annotated[AuditEntry, audited("user.approve", "user")],
) -> UserOut:
    """Lets a person in with a role at a site."""
    user = PeopleService(session).approve(user_id, approval.role, approval.site_id)
    audit.detail.update(role=approval.role, user_site=str(approval.site_id))
    return UserOut.model_validate(user)


@users.patch(
    "/{user_id}",
    summary="Change a person's role or site",
    dependencies=[ADMIN_ONLY],
    responses=problems(UserNotFoundError, SiteNotFoundError, UserStateError, LastAdminError),
)
def change_user(
    user_id: UUID,
    change: UserChange,
    session: DbSession,
    audit: Annotated[AuditEntry, audited("user.change", "user")],
) -> UserOut:
    """The person must sign in again."""
    user = PeopleService(session).change(user_id, change.role, change.site_id)
    audit.detail.update(role=user.role, user_site=str(user.site_id))
    return UserOut.model_validate(user)


@users.post(
    "/{user_id}/disable",
    summary="Close an account",
    dependencies=[ADMIN_ONLY, audited("user.disable", "user")],
    responses=problems(UserNotFoundError, LastAdminError),
)
def disable_user(user_id: UUID, session: DbSession) -> UserOut:
    """Ends the person's sessions at once; also turns a registration down."""
    return UserOut.model_validate(PeopleService(session).disable(user_id))


@users.post(
    "/{user_id}/enable",
    summary="Open a closed account",
    dependencies=[ADMIN_ONLY, audited("user.enable", "user")],
    responses=problems(UserNotFoundError, UserStateError),
)
def enable_user(user_id: UUID, session: DbSession) -> UserOut:
    """Role, site and password are as before."""
    return UserOut.model_validate(PeopleService(session).enable(user_id))


@users.post(
    "/{user_id}/reset-password",
    summary="Give a one-time password",
    dependencies=[ADMIN_ONLY, audited("user.reset_password", "user")],
    responses=problems(UserNotFoundError),
)
def reset_password(user_id: UUID, session: DbSession, clock: Clock, settings: Settings) -> OneTimePassword:
    """Ends the person's sessions. The password is shown once and must be changed at the next sign-in."""
    expires_at = clock() + settings.one_time_password_life
    password = PeopleService(session).reset_password(user_id, expires_at)
    return OneTimePassword(one_time_password=password, expires_at=expires_at)


@keys.get("", summary="List the API keys", dependencies=[ADMIN_ONLY, audited("api_key.list", "api_key")])
def list_api_keys(session: DbSession) -> list[ApiKeyOut]:
    """Newest first, revoked ones included."""
    return [ApiKeyOut.model_validate(key) for key in KeyService(session).list()]


@keys.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Issue an API key",
    responses=problems(SiteNotFoundError),
)
def create_api_key(
    draft: ApiKeyDraft,
    caller: Admin,
    session: DbSession,
    clock: Clock,
    audit: Annotated[AuditEntry, audited("api_key.create", "api_key")],
) -> IssuedApiKey:
    """The key is in this answer only. It reaches one site's objects, within its scopes."""
    secret, key = KeyService(session).issue(
        draft.name, draft.site_id, draft.scopes, draft.expires_at, created_by=caller.id, now=clock()
    )
    audit.object_id = key.id
    audit.detail.update(scopes=" ".join(key.scopes), key_site=str(key.site_id))
    return IssuedApiKey(key=secret, api_key=ApiKeyOut.model_validate(key))


@keys.delete(
    "/{api_key_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Revoke an API key",
    dependencies=[ADMIN_ONLY, audited("api_key.revoke", "api_key")],
    responses=problems(ApiKeyNotFoundError),
)
def revoke_api_key(api_key_id: UUID, session: DbSession, clock: Clock) -> None:
    """The key is refused from now on."""
    KeyService(session).revoke(api_key_id, clock())


router = APIRouter()
router.include_router(users)
router.include_router(keys)
