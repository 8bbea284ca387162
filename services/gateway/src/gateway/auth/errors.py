"""Refusals of people and API clients."""

from ictus.domain.errors import (
    ConflictError,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    TooManyRequestsError,
    UnauthenticatedError,
)


class NotSignedInError(UnauthenticatedError):
    """No session or key, or one that is unknown, revoked or over."""

    code = "not_signed_in"
    title = "You are not signed in, or your session has ended. Please sign in."


class SignInRefusedError(UnauthenticatedError):
    """Unknown address or wrong password: the two are not told apart."""

    code = "sign_in_refused"
    title = "The e-mail address or the password is wrong."


class SignInBlockedError(TooManyRequestsError):
    """Too many wrong passwords for this account or from this address."""

    code = "sign_in_blocked"
    title = "Too many tries. Please wait before you try again."


class AccountPendingError(ForbiddenError):
    """The password is right, but no administrator has approved the registration yet."""

    code = "account_pending"
    title = "Your registration waits for an administrator's approval."


class AccountDisabledError(ForbiddenError):
    """The password is right, but an administrator has closed the account."""

    code = "account_disabled"
    title = "This account is closed. Please ask an administrator."


class OneTimePasswordOverError(ForbiddenError):
    """The one-time password is right, but was not used in time."""

    code = "one_time_password_over"
    title = "This one-time password was not used in time. Please ask an administrator for a new one."


class PasswordChangeRequiredError(ForbiddenError):
    """Signed in with a one-time password, which must be changed before anything else."""

    code = "password_change_required"
    title = "Please choose a new password first."


class CsrfRefusedError(ForbiddenError):
    """A request that changes something came without the session's CSRF token, or from another page."""

    code = "csrf_refused"
    title = "This request did not come from the open page. Please reload the page and try again."


class RoleRefusedError(ForbiddenError):
    """The caller's role, or the key's scopes, do not allow this."""

    code = "role_refused"
    title = "Your role does not allow this."


class PasswordRefusedError(InvalidRequestError):
    """The new password is too easy to guess; the detail says why."""

    code = "password_refused"
    title = "Please choose another password."


class WrongPasswordError(ForbiddenError):
    """The present password, asked for once more, is wrong."""

    code = "wrong_password"
    title = "The present password is wrong."


class UserNotFoundError(NotFoundError):
    """No such user."""

    code = "user_not_found"
    title = "There is no such user."


class UserStateError(ConflictError):
    """The user is not in a state that allows this."""

    code = "user_state"
    title = "The user's account is not in a state that allows this."


class LastAdminError(ConflictError):
    """Nobody could administer the installation any more."""

    code = "last_admin"
    title = "This is the last active administrator. Make another one first."


class ApiKeyNotFoundError(NotFoundError):
    """No such API key."""

    code = "api_key_not_found"
    title = "There is no such API key."
