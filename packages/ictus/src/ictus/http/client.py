"""Calls from one service to another: typed messages, bounded waiting, the caller's request id and trace."""

import ssl
from functools import cache
from types import TracebackType
from typing import Self, TypeVar

import httpx
from opentelemetry import propagate
from pydantic import BaseModel, ValidationError

from ictus.domain.errors import IctusError, UnavailableError
from ictus.http.context import REQUEST_ID_HEADER, current_request_id

Message = TypeVar("Message", bound=BaseModel)


@cache
def _tls() -> ssl.SSLContext:
    """One for all clients: reading the certificate authorities is most of what making a client takes."""
    return httpx.create_ssl_context()


class RemoteError(IctusError):
    """Another service refused. ``status`` and ``code`` are what it answered with."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.remote_status = status
        self.remote_code = code


class ServiceClient:
    """A client of one other service. Safe to share between threads; connections are kept alive.

    Args:
        base_url: where the other service listens.
        token: the bearer token it expects (``ictus.http.ServiceToken``).
        timeout: seconds for an answer; connecting is given at most 3.
        transport: for tests that call an application in this process.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        timeout: float = 10.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._client = httpx.Client(
            base_url=base_url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=httpx.Timeout(timeout, connect=min(timeout, 3.0)),
            transport=transport or httpx.HTTPTransport(verify=_tls(), retries=1),
        )

    def call(
        self,
        method: str,
        path: str,
        answer: type[Message],
        *,
        body: BaseModel | None = None,
        params: dict[str, str] | None = None,
    ) -> Message | None:
        """Send ``body`` as JSON and parse the answer; None when the other side answers 204.

        Raises:
            UnavailableError: no answer in time, an answer of 5xx, or one that does not parse.
            RemoteError: a refusal (4xx), with the other side's code.
        """
        response = self._send(method, path, body, params)
        if response.status_code == httpx.codes.NO_CONTENT:
            return None
        try:
            return answer.model_validate_json(response.content)
        except ValidationError as error:
            raise UnavailableError from error

    def tell(
        self, method: str, path: str, *, body: BaseModel | None = None, params: dict[str, str] | None = None
    ) -> None:
        """Send ``body`` as JSON when no answer but success is expected. Raises as ``call`` does."""
        self._send(method, path, body, params)

    def download(self, path: str) -> bytes:
        """The content of an answer that is no JSON. Raises as ``call`` does."""
        return self._send("GET", path, None, None).content

    def close(self) -> None:
        """Close the kept connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _send(
        self, method: str, path: str, body: BaseModel | None, params: dict[str, str] | None
    ) -> httpx.Response:
        headers = {}
        if request_id := current_request_id():
            headers[REQUEST_ID_HEADER] = request_id
        propagate.inject(headers)
        content = None
        if body is not None:
            content = body.model_dump_json()
            headers["Content-Type"] = "application/json"
        try:
            response = self._client.request(method, path, content=content, headers=headers, params=params)
        except httpx.HTTPError as error:
            raise UnavailableError from error
        if response.is_server_error:
            raise UnavailableError
        if response.is_error:
            raise _remote_error(response)
        return response


def _remote_error(response: httpx.Response) -> RemoteError:
    try:
        members = response.json()
    except ValueError:
        members = None
    if not isinstance(members, dict):
        members = {}
    return RemoteError(
        response.status_code,
        str(members.get("code", "unknown")),
        str(members.get("detail", f"Another service answered with status {response.status_code}.")),
    )
