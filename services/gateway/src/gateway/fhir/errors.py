"""What a FHIR caller can get wrong. The statuses are FHIR's, which answers a bad parameter with 400."""

from typing import ClassVar

from ictus.domain.errors import ForbiddenError, IctusError


class SearchRefusedError(IctusError):
    """A search parameter is unknown, or has a value that it cannot have."""

    code = "search_refused"
    title = "This search cannot be made."
    status: ClassVar[int] = 400


class IdentityInAddressError(SearchRefusedError):
    """What identifies a patient must not stand in an address, which proxies and logs write down."""

    code = "identity_in_address"
    title = "Search by identifier with POST …/_search and the parameters in the body."


class IdentitySearchRefusedError(ForbiddenError):
    """The caller may not know who patients are, so it may not ask for them by number either."""

    code = "identity_search_refused"
    title = "Searching by identifier needs the scope system/Patient.s."


class FormatRefusedError(IctusError):
    """Another format than JSON was asked for."""

    code = "format_refused"
    title = "Resources are given as application/fhir+json only."
    status: ClassVar[int] = 406


class OrderRefusedError(IctusError):
    """The ServiceRequest does not say which study of this site is to be analysed."""

    code = "order_refused"
    title = "The order does not name a study that is here."
    status: ClassVar[int] = 422
