"""What can end a sign-in at the provider."""

from ictus.domain.errors import ForbiddenError, NotFoundError, UnauthenticatedError, UnavailableError


class ProviderAbsentError(NotFoundError):
    """No provider is configured."""

    code = "oidc_not_configured"
    title = "This installation has no sign-in at a provider."


class ProviderUnavailableError(UnavailableError):
    """The provider does not answer, or not as it should."""

    code = "oidc_unavailable"
    title = "The sign-in service of your organisation is not answering. Please try again in a moment."


class ProviderSignInRefusedError(UnauthenticatedError):
    """The provider's answer proves nothing: another browser's, an old one, or one that was not asked for."""

    code = "oidc_refused"
    title = "This sign-in could not be completed. Please start it again."


class PersonUnknownError(ForbiddenError):
    """The provider knows the person, this installation does not, and lets nobody in whom it does not know."""

    code = "oidc_person_unknown"
    title = "You have no account here. Please ask an administrator."


class AddressTakenError(ForbiddenError):
    """An account of the same e-mail address exists and is not linked to the provider's."""

    code = "oidc_address_taken"
    title = (
        "There is a local account with your e-mail address. Please sign in with it, or ask an administrator."
    )


class ClaimsIncompleteError(ForbiddenError):
    """The provider does not say what an account needs."""

    code = "oidc_claims_incomplete"
    title = (
        "Your organisation's sign-in service did not tell your e-mail address. Please ask an administrator."
    )
