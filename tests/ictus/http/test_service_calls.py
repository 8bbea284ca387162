"""One service calls another: a real server, a real socket."""

from collections.abc import Iterator
from typing import Annotated

import pytest
import structlog
from fastapi import APIRouter, Depends, FastAPI, Header, Request
from fastapi.testclient import TestClient
from pydantic import BaseModel
from tests.serving import served

from ictus.domain.errors import ConflictError, UnavailableError
from ictus.http import (
    RemoteError,
    RequestContextMiddleware,
    ServiceClient,
    ServiceToken,
    ServiceTokens,
    install_problem_handlers,
)
from ictus.telemetry import configure_logging

TOKEN = "t" * 32


class Greeting(BaseModel):
    text: str


def application() -> FastAPI:
    app = FastAPI()
    install_problem_handlers(app)
    app.add_middleware(RequestContextMiddleware)
    router = APIRouter(prefix="/internal/v1", dependencies=[Depends(ServiceToken(TOKEN))])

    @router.post("/echo")
    def echo(greeting: Greeting) -> Greeting:
        return greeting

    @router.get("/request-id")
    def request_id(x_request_id: Annotated[str, Header()]) -> Greeting:
        return Greeting(text=x_request_id)

    @router.get("/nothing", status_code=204)
    def nothing() -> None: ...

    @router.get("/conflict")
    def conflict() -> None:
        raise ConflictError("Somebody else was faster.")

    @router.get("/broken")
    def broken() -> None:
        raise RuntimeError

    app.include_router(router)
    return app


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    configure_logging("service-tests")  # structlog's own rendering of an exception takes seconds
    with served(application()) as url:
        yield url


@pytest.fixture
def client(address: str) -> Iterator[ServiceClient]:
    with ServiceClient(address, TOKEN) as client:
        yield client


def test_messages_go_there_and_back(client: ServiceClient) -> None:
    answer = client.call("POST", "/internal/v1/echo", Greeting, body=Greeting(text="ängstlich"))
    assert answer == Greeting(text="ängstlich")
    assert client.call("GET", "/internal/v1/nothing", Greeting) is None


def test_request_id_travels_along(client: ServiceClient) -> None:
    with structlog.contextvars.bound_contextvars(request_id="request-0815"):
        answer = client.call("GET", "/internal/v1/request-id", Greeting)
    assert answer == Greeting(text="request-0815")


def test_refusal_keeps_its_code(client: ServiceClient) -> None:
    with pytest.raises(RemoteError, match="Somebody else was faster") as refusal:
        client.tell("GET", "/internal/v1/conflict")
    assert (refusal.value.remote_status, refusal.value.remote_code) == (409, "conflict")


def test_wrong_token_is_refused(address: str) -> None:
    with ServiceClient(address, "x" * 32) as stranger, pytest.raises(RemoteError) as refusal:
        stranger.tell("GET", "/internal/v1/nothing")
    assert (refusal.value.remote_status, refusal.value.remote_code) == (401, "service_token_refused")


def test_failure_of_the_other_side_is_unavailable(client: ServiceClient) -> None:
    with pytest.raises(UnavailableError):
        client.tell("GET", "/internal/v1/broken")
    with ServiceClient("http://127.0.0.1:1", TOKEN) as nobody, pytest.raises(UnavailableError):
        nobody.tell("GET", "/")


def test_short_service_token_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 32"):
        ServiceToken("short")


def test_services_with_tokens_of_their_own_are_told_apart() -> None:
    app = FastAPI()
    install_problem_handlers(app)
    known = ServiceTokens({"gateway": "g" * 32, "trainer": "t" * 32})

    @app.get("/who")
    def who(service: Annotated[str, Depends(known)], request: Request) -> list[str]:
        return [service, request.state.service]

    with TestClient(app) as client:
        for token, name in (("g" * 32, "gateway"), ("t" * 32, "trainer")):
            answer = client.get("/who", headers={"Authorization": f"Bearer {token}"})
            assert answer.json() == [name, name]
        for headers in ({}, {"Authorization": f"Bearer {'x' * 32}"}, {"Authorization": "Bearer "}):
            assert client.get("/who", headers=headers).json()["code"] == "service_token_refused"


def test_two_services_cannot_share_a_token() -> None:
    with pytest.raises(ValueError, match="of its own"):
        ServiceTokens({"gateway": TOKEN, "trainer": TOKEN})
