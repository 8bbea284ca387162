"""Walking the routes of an application."""

from uuid import uuid4

from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts


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
