"""HTTP security: response headers, and middleware that answers only requests meant for this machine.

Closes two doors that Gradio leaves open, both of which make the server itself fetch from elsewhere, and answers only to
the names of this computer while no password is set (a page on the network could otherwise point its own name here: DNS
rebinding), and to no other site's page (which could otherwise press its buttons, and some of those cost money).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from studio.config import Settings
from studio.ui.byte_ranges import Ranges

POLICY = "; ".join([
    "default-src 'self'",
    "script-src 'self' 'unsafe-inline' 'unsafe-eval'",  # Gradio compiles its templates in the page
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "media-src 'self' blob:",
    "font-src 'self' data:",
    "connect-src 'self' blob:",
    "worker-src 'self' blob:",
    "object-src 'none'",
    "base-uri 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
])  # fmt: skip
HEADERS = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


class OnlyHere:
    """Adds the headers to every answer, and refuses to fetch from elsewhere for anyone."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        path: str = scope["path"].lower()
        if "/proxy=" in path or "/file=http:" in path or "/file=https:" in path:
            return await PlainTextResponse("Stir fetches nothing from elsewhere.", 403)(scope, receive, send)

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        return await self.app(scope, receive, send_guarded)


class SameOrigin:
    """Refuses what another site's page asks: its browser says so in the header Origin."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        headers = Headers(scope=scope) if scope["type"] in ("http", "websocket") else {}
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != headers.get("host"):
            return await PlainTextResponse("Stir answers only its own page.", 403)(scope, receive, send)
        return await self.app(scope, receive, send)


def list_middleware(settings: Settings) -> list[Middleware]:
    """What stands before the page, outermost first."""
    guards = [Middleware(OnlyHere), Middleware(Ranges)]
    if not settings.user:
        guards.insert(0, Middleware(SameOrigin))  # with one, the sign-in's cookie isn't sent along
        guards.insert(0, Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost", "::1"]))
    return guards
