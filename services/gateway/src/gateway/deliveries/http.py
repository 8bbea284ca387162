"""HTTP to other systems: bounded waiting, no redirects, what an answer means."""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final

import httpx

from gateway.deliveries.errors import RefusedError, RefusedForNowError, UnreachableError

_PASSING: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})


def call(
    method: str,
    url: str,
    seconds: float,
    *,
    content: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    auth: tuple[str, str] | None = None,
) -> httpx.Response:
    """Send one request and give its answer, an error or not. Redirects are not followed.

    Raises:
        UnreachableError: no answer, or one of a server in trouble (5xx).
    """
    with _client(seconds) as client:
        answer = client.request(method, url, content=content, headers=headers, auth=auth)
    return _from_a_server_in_order(answer)


@contextmanager
def streamed(
    url: str, seconds: float, *, headers: Mapping[str, str], auth: tuple[str, str] | None
) -> Iterator[httpx.Response]:
    """An answer to GET whose body is read while it comes, within the context. Raises as ``call`` does, then too."""
    with _client(seconds) as client, client.stream("GET", url, headers=headers, auth=auth) as answer:
        yield _from_a_server_in_order(answer)


def credentials(username: str | None, secret: str | None) -> tuple[tuple[str, str] | None, Mapping[str, str]]:
    """A login, or headers with a bearer token: with a name the secret is its password, else a token."""
    if username:
        return (username, secret or ""), {}
    return None, {"Authorization": f"Bearer {secret}"} if secret is not None else {}


@contextmanager
def _client(seconds: float) -> Iterator[httpx.Client]:
    try:
        with httpx.Client(
            timeout=seconds, follow_redirects=False, verify=ssl.create_default_context(), trust_env=False
        ) as client:
            yield client
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise UnreachableError(f"The server does not answer ({type(error).__name__}).") from error


def _from_a_server_in_order(answer: httpx.Response) -> httpx.Response:
    if answer.is_server_error:
        raise UnreachableError(f"The server answered with status {answer.status_code}.")
    return answer


def require_success(answer: httpx.Response) -> str:
    """The answer's status as proof, if it is 2xx.

    Raises:
        RefusedForNowError: it may be another one later.
        RefusedError: it will not.
    """
    if answer.is_success:
        return f"HTTP {answer.status_code}"
    told = f"The server answered with status {answer.status_code}."
    raise (RefusedForNowError if answer.status_code in _PASSING else RefusedError)(told)
