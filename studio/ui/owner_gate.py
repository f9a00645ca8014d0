"""The door of a page of one's own that has a password (--listen): nothing but the sign-in for whoever has no session.

ASGI middleware before Gradio's own app, which knows of no password. A session is a signed cookie (session_cookie.py) or
the name and password themselves, sent with each request (sign_in.py).
"""

from __future__ import annotations

import logging
import secrets

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from studio.config import Settings
from studio.ui.session_cookie import Sessions
from studio.ui.sign_in import PROGRAMS, SIGN_IN, SIGN_OUT, SignIn, is_start
from studio.visitors.signed_cookie import KEY_BYTES, CookieSigner, read_key


class OwnerGate:
    """One page's door. Two pages at two ports of one computer, which share its cookies, have one of their own each."""

    def __init__(self, app: ASGIApp, settings: Settings, log: logging.Logger) -> None:
        self.app = app
        secret = f"{settings.user}:{settings.password}"
        try:
            key = read_key(settings.home / "owner.key", secret)
        except OSError:  # the disk is full: sessions end when the page does
            key = secrets.token_bytes(KEY_BYTES)
        signer = CookieSigner(key, settings.home / "signed_out.json")
        self._sessions = Sessions(signer, f"stir_owner_{settings.port}")
        self._sign_in = SignIn(settings, log, self._sessions)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or is_start(scope):
            return await self.app(scope, receive, send)
        path, is_post = scope["path"], scope["method"] == "POST"
        entry = await self._sign_in.identify(scope)
        if not entry.who or path in (SIGN_IN, *PROGRAMS):
            return await (await self._sign_in.answer(Request(scope, receive), entry))(scope, receive, send)
        if path == SIGN_OUT and is_post:
            self._sessions.end(entry.who)
            gone = JSONResponse(True, headers={"set-cookie": self._sessions.write(scope, "")})
            return await gone(scope, receive, send)
        if path == "/":
            send = self._sessions.wrap_send(scope, send, entry.who)
        return await self.app(scope, receive, send)
