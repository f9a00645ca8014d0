"""The door of a page with a password, its owner's or shared: nothing but the sign-in for whoever has no session.

ASGI middleware before Gradio's own app, which knows of no password, and before anything of a request's body is read. A
session is a signed cookie (session_cookie.py), or the name and password themselves with each request (sign_in.py).
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
from studio.ui.visiting_studio import VISITOR
from studio.visitors.signed_cookie import KEY_BYTES, CookieSigner, read_key


class SignInGate:
    """One page's door. Who has come in stands in the ASGI scope under `VISITOR`."""

    def __init__(self, app: ASGIApp, sign_in: SignIn, sessions: Sessions) -> None:
        self.app, self._sign_in, self._sessions = app, sign_in, sessions

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
        return await self.app({**scope, VISITOR: entry.who}, receive, send)


def make_owner_gate(app: ASGIApp, settings: Settings, log: logging.Logger) -> SignInGate:
    """The door of a page of one's own. Pages at two ports of one computer, which share its cookies, have one each."""
    try:
        key = read_key(settings.home / "owner.key", f"{settings.user}:{settings.password}")
    except OSError:  # the disk is full: sessions end when the page does
        key = secrets.token_bytes(KEY_BYTES)
    sessions = Sessions(CookieSigner(key, settings.home / "signed_out.json"), f"stir_owner_{settings.port}")
    return SignInGate(app, SignIn(settings, log, sessions), sessions)
