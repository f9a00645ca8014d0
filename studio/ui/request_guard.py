"""HTTP security: response headers, and middleware that answers only requests meant for this page.

Closes two doors that Gradio leaves open, both of which make the server itself fetch from elsewhere, and answers only to
the names of this computer while no password is set (a page on the network could otherwise point its own name here: DNS
rebinding), and to no other site's page (which could otherwise press its buttons, and some of those cost money). Who has
signed in, sign_in_gate.py says; what a visitor may ask for, visitor_gate.py. A Space is shown in a frame of
huggingface.co, and answers to its own name.
"""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from studio.config import Settings
from studio.ui.byte_ranges import Ranges
from studio.ui.file_uploads import Uploads
from studio.ui.request_bodies import WellFormed
from studio.ui.session_cookie import Sessions
from studio.ui.sign_in import SignIn
from studio.ui.sign_in_gate import SignInGate, make_owner_gate
from studio.ui.still_spinners import StillSpinners
from studio.ui.visitor_gate import COOKIE, VisitorGate
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
HEADERS = {
    "Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}  # fmt: skip

ROUTES = re.compile(
    r"/|/(config|login)/?|/(favicon\.ico|theme\.css)|/(assets|static|svelte)/.+|/sign-(in|out)|/visitor/[a-z]+"
    r"|/gradio_api/(theme\.css|startup-events|openapi\.json|queue/(join|data))"
    r"|/gradio_api/(info|app_id|upload|component_server|cancel|reset)/?"
    r"|/gradio_api/((run|api)/[^/]+/?|call/.+|heartbeat/[^/]+|file=.+|mcp(/.*)?)"
)
"""What the page, gradio_client and MCP clients ask for. Gradio has more, some of it without a bound on its work (icons
of any size, streams that never end, an editor of the app's code): closed, and so is what a later version brings.
"""

METHODS = ("GET", "HEAD", "POST")
"""And DELETE, with which an MCP client ends its session."""

SIGN_INS = ("/login", "/login/", "/sign-in", "/sign-out")

LARGEST_BODY = 64 * 1024 * 1024
"""Bytes of a request that isn't an upload: a photo of 48 MB in base64, and more than the page ever sends."""

LARGEST_OF_A_VISITOR = 4 * 1024 * 1024
"""The same on a page with visitors, who wait while one of them is read: all that the page sends, and no photo."""

FRAMES = "frame-ancestors 'self' https://huggingface.co https://*.hf.space"
"""Who may show a Space in a frame."""

HOME_NAMES = ("127.0.0.1", "localhost", "::1")


class OnlyHere:
    """Adds the headers to every answer, refuses to fetch from elsewhere for anyone, and opens only `ROUTES`, for
    looking and for asking. A Space may stand in a frame of huggingface.co.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app, self._is_local = app, settings.is_local
        self._has_sign_in = bool(settings.user) or settings.visitors == "names"
        policy = POLICY.replace("frame-ancestors 'none'", FRAMES) if settings.space else POLICY
        self._headers = {**HEADERS, "Content-Security-Policy": policy}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        if scope["type"] != "http":
            return await send({"type": "websocket.close", "code": 1008})

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(self._headers)
                if self._is_local or scope["scheme"] == "https":  # elsewhere browsers ignore it, with an error
                    headers["Cross-Origin-Opener-Policy"] = "same-origin"
            await send(message)

        answer = self._refuse(scope["path"], scope["method"]) or self.app
        if scope["path"] in ("/", "/config", "/config/"):  # Gradio would look for other pages and for saved states
            scope = {**scope, "query_string": b""}
        return await answer(scope, receive, send_guarded)

    def _refuse(self, path: str, method: str) -> ASGIApp | None:
        small = path.lower()
        if "/proxy=" in small or "/file=http:" in small or "/file=https:" in small:
            return PlainTextResponse("Stir fetches nothing from elsewhere.", 403)
        if not ROUTES.fullmatch(path):
            return PlainTextResponse("", 404)
        if path in SIGN_INS and not self._has_sign_in:
            return PlainTextResponse("", 404)
        if method == "DELETE" and path.startswith("/gradio_api/mcp"):
            return None
        return None if method in METHODS else PlainTextResponse("", 405, {"allow": ", ".join(METHODS)})


class SameOrigin:
    """Refuses what another origin's page asks, another port's too: its browser says so in the headers Origin and
    Sec-Fetch-Site (Fetch standard 3.2, Fetch Metadata). A link to the page may be followed. Programs send neither.

    Gradio is handed no Origin: it would let the pages of other ports of this computer read its answers (CORS). `own`:
    the name this page has as a Space, where it may stand in a frame.
    """

    def __init__(self, app: ASGIApp, own: str = "") -> None:
        self.app, self._own = app, own

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        if self._is_foreign(Headers(scope=scope), scope["path"], scope["method"]):
            return await PlainTextResponse("Stir answers only its own page.", 403)(scope, receive, send)
        kept = [(name, value) for name, value in scope["headers"] if name.lower() != b"origin"]
        return await self.app({**scope, "headers": kept}, receive, send)

    def _is_foreign(self, headers: Headers, path: str, method: str) -> bool:
        origin, site = headers.get("origin"), headers.get("sec-fetch-site", "none")
        if origin is not None:
            name = origin.partition("://")[2]
            own = (headers.get("host"), headers.get("x-forwarded-host"), self._own)  # neither can a foreign page set
            if not name or name not in own:
                return True
        if site in ("none", "same-origin"):
            return False
        frames = ("document", "iframe") if self._own else ("document",)
        is_visit = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") in frames
        return not (is_visit and method in ("GET", "HEAD") and path in ("/", "/sign-in"))


class BoundBody:
    """Refuses a request that would be read whole into memory and has more than `most` bytes, or comes in chunks, which
    tell no length: by RFC 9112 section 6.3 they count, whatever Content-Length says. Uploads, which go to the disk as
    they come, have their own bound.
    """

    def __init__(self, app: ASGIApp, most: int = LARGEST_BODY) -> None:
        self.app, self._most = app, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        path: str = scope.get("path", "").rstrip("/")
        if scope["type"] == "http" and path != "/gradio_api/upload":
            headers = Headers(scope=scope)
            length = headers.get("content-length", "" if scope["method"] == "POST" else "0")
            if not length.isdecimal() or "transfer-encoding" in headers:
                return await PlainTextResponse("Say the request's length.", 411)(scope, receive, send)
            if int(length) > self._most:
                says = "This request is too large. Upload the file to /gradio_api/upload and send its path."
                return await PlainTextResponse(says, 413)(scope, receive, send)
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
    """What stands between `guard` and Gradio's own app, outermost first; `house`: it has visitors."""
    inner = [
        Middleware(WellFormed, log=log),
        Middleware(Uploads, settings=settings, house=house),
        Middleware(Ranges),
        Middleware(StillSpinners),
    ]
    if house:
        sessions = Sessions(house.signer, COOKIE, house.now, in_frame=bool(settings.space))
        inner.insert(1, Middleware(VisitorGate, house=house, sessions=sessions))
        if settings.visitors == "names":
            sign_in = SignIn(settings, log, sessions, house.keep_name)
            inner.insert(0, Middleware(SignInGate, sign_in=sign_in, sessions=sessions))
    elif settings.user:
        inner.insert(0, Middleware(make_owner_gate, settings=settings, log=log))
    return inner


def guard(settings: Settings) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    """What runs when a page's server starts, before it takes a request: puts these guards around all of the app.

    Gradio adds middleware of its own outside of whatever it is given, which answers other sites' pages (CORS).
    """

    @asynccontextmanager
    async def wrap(app: Starlette) -> AsyncGenerator[None]:
        wrapped: ASGIApp | None = app.middleware_stack
        assert wrapped is not None, "it is built when the server starts"
        most = LARGEST_OF_A_VISITOR if settings.visitors else LARGEST_BODY
        wrapped = SameOrigin(BoundBody(wrapped, most), settings.space)
        if settings.space:
            wrapped = SpaceHosts(wrapped, settings.space)
        elif settings.is_local:
            wrapped = TrustedHostMiddleware(wrapped, list(HOME_NAMES))
        app.middleware_stack = OnlyHere(wrapped, settings)
        yield

    return wrap
