"""A request's body must arrive in time: whoever trickles a byte a second must not keep its place for ever."""

import asyncio
from collections.abc import Collection
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class BodyDeadlineMiddleware:
    """Answers 408 ``request_stalled`` when a body has not arrived whole in time.

    It must lie within the handlers of ``install_problem_handlers``'s application, which render the answer.

    Args:
        app: the wrapped application.
        seconds: from the handler's first look at the body to its last byte.
        streamed: paths whose handlers bound long bodies themselves; one that ends with ``/`` stands for all below it.
    """

    def __init__(self, app: ASGIApp, *, seconds: float, streamed: Collection[str] = ()) -> None:
        self._app = app
        self._seconds = seconds
        self._streamed = frozenset(path for path in streamed if not path.endswith("/"))
        self._streamed_below = tuple(path for path in streamed if path.endswith("/"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] != "http" or self._is_streamed(scope["path"]):
            await self._app(scope, receive, send)
            return
        deadline: float | None = None
        is_whole = False

        async def receive_in_time() -> Message:
            nonlocal deadline, is_whole
            if is_whole:  # what comes now says that the client has gone, for which there is no hurry
                return await receive()
            if deadline is None:
                deadline = asyncio.get_running_loop().time() + self._seconds
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                # An error of another kind is taken by FastAPI for a body that cannot be parsed.
                raise HTTPException(HTTPStatus.REQUEST_TIMEOUT) from None
            is_whole = message["type"] != "http.request" or not message.get("more_body", False)
            return message

        await self._app(scope, receive_in_time, send)

    def _is_streamed(self, path: str) -> bool:
        return path in self._streamed or path.startswith(self._streamed_below)
