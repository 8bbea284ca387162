"""Refusals about sites."""

from ictus.domain.errors import ConflictError, NotFoundError


class SiteNotFoundError(NotFoundError):
    """No such site."""

    code = "site_not_found"
    title = "There is no such site."


class SiteNameTakenError(ConflictError):
    """Another site has this name."""

    code = "site_name_taken"
    title = "Another site has this name already."


class SiteInUseError(ConflictError):
    """People, keys or studies belong to the site."""

    code = "site_in_use"
    title = "People, keys or studies belong to this site, so it cannot be deleted."
