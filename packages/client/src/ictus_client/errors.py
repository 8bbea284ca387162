"""What can go wrong; every message is one that a person can act on."""

import httpx


class IctusError(Exception):
    """The base of all of them."""


class UnreachableError(IctusError):
    """No answer: the address is wrong, the network is down, or Ictus does not run."""


class TimedOutError(IctusError):
    """The study was not here, or not answered, in the time given; it goes on being fetched or analysed."""


class PullFailedError(IctusError):
    """No archive gave the study. Match on ``code``; ``str(error)`` is Ictus' sentence."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class RefusedError(IctusError):
    """Ictus refused. Match on ``code``; ``str(error)`` is its sentence.

    Attributes:
        status: of HTTP.
        code: stable, e.g. ``truncated_file``.
        request_id: to quote when asking for help; None when the refusal came from something before Ictus.
    """

    def __init__(self, status: int, code: str, detail: str, request_id: str | None) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.request_id = request_id


class BusyError(RefusedError):
    """Ictus takes nothing on for now. Try again after ``retry_after`` seconds.

    Attributes:
        retry_after: seconds.
    """

    def __init__(
        self, status: int, code: str, detail: str, request_id: str | None, retry_after: float
    ) -> None:
        super().__init__(status, code, detail, request_id)
        self.retry_after = retry_after


def refusal_of(answer: httpx.Response) -> RefusedError:
    """The error that an answer of 4xx or 5xx is (RFC 9457 problem details where Ictus itself answered)."""
    try:
        members = answer.json()
    except ValueError:
        members = None
    if not isinstance(members, dict):
        members = {}
    code = str(members.get("code") or members.get("error") or "unknown")
    detail = members.get("detail") or members.get("error_description")
    said = str(detail or f"The server answered with status {answer.status_code}.")
    request_id = members.get("request_id")
    retry_after = answer.headers.get("Retry-After", "")
    if answer.status_code in {429, 503} and retry_after.isdecimal():
        return BusyError(answer.status_code, code, said, request_id, float(retry_after))
    return RefusedError(answer.status_code, code, said, request_id)
