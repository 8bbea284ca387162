"""Walking the routes of an application."""

from uuid import uuid4

from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from httpx import Response

PUBLIC = {
    ("POST", "/api/v1/auth/register"),
    ("POST", "/api/v1/auth/login"),
    ("GET", "/api/v1/auth/methods"),
    ("GET", "/api/v1/auth/oidc/sign-in"),
    ("GET", "/api/v1/auth/oidc/callback"),
    ("POST", "/api/v1/oauth/token"),
    ("GET", "/api/v1/fhir/metadata"),
    ("GET", "/api/v1/fhir/.well-known/smart-configuration"),
    ("GET", "/health/live"),
    ("GET", "/health/ready"),
    ("GET", "/metrics"),
}
"""Routes that want nobody signed in."""


def code_of(answer: Response) -> str:
    """The stable code of an error, in either of the two forms."""
    told = answer.json()
    code: str = told["issue"][0]["details"]["coding"][0]["code"] if "issue" in told else told["code"]
    return code


class AnyId(dict[str, str]):
    """An id for every path parameter."""

    def __missing__(self, key: str) -> str:
        return "0" if key == "index" else str(uuid4())


def routes_of(app: FastAPI) -> dict[tuple[str, str], APIRoute]:
    """Every declared route by method and template."""
    return {
        (method, context.path or ""): context.original_route
        for context in iter_route_contexts(app.routes)
        if isinstance(context.original_route, APIRoute)
        for method in context.methods or ()
    }
