"""HTTP security: response headers, and middleware that answers only requests meant for this machine.

Closes two doors that Gradio leaves open, both of which make the server itself fetch from elsewhere, and answers only to
the names of this computer while no password is set (a page on the network could otherwise point its own name here: DNS
rebinding), and to no other site's page (which could otherwise press its buttons, and some of those cost money). With a
password, programs may send it with each request, and the MCP server asks for it too. A Space is shown in a frame of
huggingface.co, and answers to its own name.
"""

from __future__ import annotations

import base64
import hmac
import logging
import re
import secrets
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from studio.config import Settings
from studio.ui.byte_ranges import Ranges
from studio.ui.request_bodies import WellFormed
from studio.ui.visitor_gate import VisitorGate
from studio.visitors.house import VisitorHouse

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

ROUTES = re.compile(
    r"/|/(config|login|logout)/?|/(favicon\.ico|theme\.css|robots\.txt|manifest\.json|openapi\.json)"
    r"|/(assets|static|svelte)/.+|/sign-in|/visitor/[a-z]+"
    r"|/gradio_api/(theme\.css|startup-events|openapi\.json|upload_progress|queue/(join|data|status))"
    r"|/gradio_api/(info|app_id|login_check|user|upload|component_server|cancel|reset)/?"
    r"|/gradio_api/((run|api)/[^/]+/?|call/.+|heartbeat/[^/]+|file[=/].+|mcp(/.*)?)"
)
"""What the page, gradio_client and MCP clients ask for. Gradio has more, some of it without a bound on its work (icons
of any size, streams that never end, an editor of the app's code): closed, and so is what a later version brings.
"""

LARGEST_BODY = 64 * 1024 * 1024
"""Bytes of a request that isn't an upload: a photo of 48 MB in base64, and more than the page ever sends."""


FRAMES = "frame-ancestors 'self' https://huggingface.co https://*.hf.space"
"""Who may show a Space in a frame."""

HOME_NAMES = ("127.0.0.1", "localhost", "::1")


class OnlyHere:
    """Adds the headers to every answer, refuses to fetch from elsewhere for anyone, and opens only `ROUTES`.
    `is_space`: it may stand in a frame of huggingface.co.
    """

    def __init__(self, app: ASGIApp, is_space: bool = False) -> None:
        self.app = app
        policy = POLICY.replace("frame-ancestors 'none'", FRAMES) if is_space else POLICY
        self._headers = {**HEADERS, "Content-Security-Policy": policy}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        path: str = scope["path"].lower()
        if "/proxy=" in path or "/file=http:" in path or "/file=https:" in path:
            return await PlainTextResponse("Stir fetches nothing from elsewhere.", 403)(scope, receive, send)
        if not ROUTES.fullmatch(scope["path"]):
            return await PlainTextResponse("", 404)(scope, receive, send)

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        return await self.app(scope, receive, send_guarded)


def _is_foreign(headers: Headers, own: str = "") -> bool:
    """Whether another site's page asks; `own` is the page's name behind a proxy."""
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc not in (headers.get("host"), own or None)


class SameOrigin:
    """Refuses what another site's page asks: its browser says so in the header Origin. `own`: the name this page has
    behind a proxy.
    """

    def __init__(self, app: ASGIApp, own: str = "") -> None:
        self.app, self._own = app, own

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        headers = Headers(scope=scope if scope["type"] in ("http", "websocket") else {"headers": []})
        if _is_foreign(headers, self._own):
            return await PlainTextResponse("Stir answers only its own page.", 403)(scope, receive, send)
        return await self.app(scope, receive, send)


class BoundBody:
    """Refuses a request that would be read whole into memory and is larger than `LARGEST_BODY`; uploads, which go to
    the disk as they come, have their own bound.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        path: str = scope.get("path", "").rstrip("/")
        if scope["type"] == "http" and scope["method"] == "POST" and path != "/gradio_api/upload":
            length = Headers(scope=scope).get("content-length", "")
            if not length.isdecimal():
                return await PlainTextResponse("Say the request's length.", 411)(scope, receive, send)
            if int(length) > LARGEST_BODY:
                says = "This request is too large. Upload the file to /gradio_api/upload and send its path."
                return await PlainTextResponse(says, 413)(scope, receive, send)
        return await self.app(scope, receive, send)


class SignedIn:
    """Lets programs in by name and password in the header Authorization (Basic), and holds the MCP server, which Gradio
    leaves open, behind that or a session.

    Never asks for them (no WWW-Authenticate): a browser would keep them and send them along from other sites' pages.
    For that reason they don't count either in a request of another site's page.
    """

    def __init__(self, app: ASGIApp, user: str, password: str) -> None:
        self.app = app
        self._user, self._token = user, secrets.token_urlsafe(16)
        self._basic = f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        page, headers = scope["app"], Headers(scope=scope)
        given = headers.get("authorization", "").encode()
        if hmac.compare_digest(given, self._basic) and not _is_foreign(headers):
            page.tokens[self._token] = self._user
            cookie = (b"cookie", f"access-token-unsecure-{page.cookie_id}={self._token}".encode())
            scope = {**scope, "headers": [*(one for one in scope["headers"] if one[0] != b"cookie"), cookie]}
        cookies = Request(scope).cookies
        names = (f"access-token-{page.cookie_id}", f"access-token-unsecure-{page.cookie_id}")
        is_mcp = scope["path"].lower().startswith("/gradio_api/mcp")
        if is_mcp and not any(cookies.get(name) in page.tokens for name in names):
            return await PlainTextResponse("Sign in first.", 401)(scope, receive, send)
        return await self.app(scope, receive, send)


class SpaceHosts:
    """Answers to the Space's name, this computer's names and bare addresses, which no other site can point here."""

    def __init__(self, app: ASGIApp, host: str) -> None:
        self.app, self._names = app, (*HOME_NAMES, host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "http":
            name = urlsplit(f"//{Headers(scope=scope).get('host', '')}").hostname or ""
            if name not in self._names and not _is_address(name):
                return await PlainTextResponse("This page has another name.", 400)(scope, receive, send)
        return await self.app(scope, receive, send)


def _is_address(name: str) -> bool:
    try:
        return bool(ip_address(name))
    except ValueError:
        return False


def list_middleware(settings: Settings, log: logging.Logger, house: VisitorHouse | None = None) -> list[Middleware]:
    """What stands before the page, outermost first; `house`: it has visitors."""
    is_space = bool(settings.space)
    guards = [
        Middleware(OnlyHere, is_space=is_space),
        Middleware(BoundBody),
        Middleware(WellFormed, uploads=settings.uploads, log=log),
        Middleware(Ranges),
    ]
    if house:
        guards.insert(3, Middleware(VisitorGate, house=house, in_frame=is_space))
        guards.insert(0, Middleware(SameOrigin, own=settings.space))
        return [Middleware(SpaceHosts, host=settings.space), *guards] if is_space else guards
    if settings.user:
        guards.insert(2, Middleware(SignedIn, user=settings.user, password=settings.password))
    else:
        guards.insert(0, Middleware(SameOrigin))  # with one, the sign-in's cookie isn't sent along
        guards.insert(0, Middleware(TrustedHostMiddleware, allowed_hosts=list(HOME_NAMES)))
    return guards
