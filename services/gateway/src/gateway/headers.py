"""Headers that tell a browser what these pages may do."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'wasm-unsafe-eval'",  # the viewer's decoders are WebAssembly
        "worker-src 'self' blob:",  # the viewer starts its workers from blobs
        "style-src 'self' 'unsafe-inline'",  # Mantine sets style attributes
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' blob: data:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)

_ALWAYS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
}
_PRIVATE = ("/api/", "/internal/")


class SecurityHeadersMiddleware:
    """Adds the headers to every answer that does not set them itself.

    What the API answers may hold a patient's data, so no cache keeps it. The UI's hashed assets may be kept
    for good; its page must be asked for again, or an old one would load assets that are gone.

    Args:
        app: the wrapped application.
        tls: whether browsers reach this by https only, which they are then told to insist on.
    """

    def __init__(self, app: ASGIApp, *, tls: bool) -> None:
        self._app = app
        self._headers = dict(_ALWAYS)
        if tls:
            self._headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        if path.startswith(_PRIVATE):
            caching = "no-store"
        elif path.startswith("/assets/"):
            caching = "public, max-age=31536000, immutable"
        else:
            caching = "no-cache"

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", caching if message["status"] < 400 else "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers)
