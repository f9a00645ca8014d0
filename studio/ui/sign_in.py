"""The sign-in of a page with a password: its owner's own, or one that several people share.

The owner gives a name and a password. On a shared page the name is one's own and says whose desk it is; it isn't a
secret: the password is for all who share the page, and they trust each other. Programs send the form to /login, as
gradio_client does, and keep the cookie; or they send both with each request (Authorization: Basic, RFC 7617). They are
never asked for them (no WWW-Authenticate): a browser would keep them and send them along from other sites' pages.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hmac
import html
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import Scope

from studio.config import ASSETS, Settings
from studio.ui.password_throttle import PasswordThrottle, read_address
from studio.ui.session_cookie import Sessions
from studio.visitors.signed_cookie import find_id

LONGEST_NAME, LONGEST_FORM = 40, 10_000

FORM_SECONDS = 20.0
"""How long a form may take to arrive: whoever sends it has not signed in."""

SIGN_IN, SIGN_OUT = "/sign-in", "/sign-out"

PROGRAMS = ("/login", "/login/")
"""Where programs send the form."""

INSIDE = f"Bearer {secrets.token_urlsafe(32)}"
"""The header Authorization of what this process asks itself: its MCP server calls the endpoints."""


@dataclass(frozen=True)
class Entry:
    """Who has come in; or why nobody, and after how many seconds it may be tried again."""

    who: str = ""
    status: int = 200
    says: str = ""
    wait: int = 0


class SignIn:
    """One page's sign-in and what is sent from it. `keep_name` writes down what a person is called: who comes to a
    shared page chooses a name. Without it the page is its owner's, whose name the settings hold.
    """

    def __init__(
        self,
        settings: Settings,
        log: logging.Logger,
        sessions: Sessions,
        keep_name: Callable[[str, str], None] | None = None,
    ) -> None:
        self._settings, self._log, self._sessions, self._keep_name = settings, log, sessions, keep_name
        self._throttle = PasswordThrottle()

    async def identify(self, scope: Scope) -> Entry:
        """Who sends a request, by its cookie or its header Authorization."""
        if who := self._sessions.read(scope):
            return Entry(who)
        given = Headers(scope=scope).get("authorization", "")
        if hmac.compare_digest(given.encode(), INSIDE.encode()):
            return Entry(find_id(self._settings.user))
        scheme, _, words = given.partition(" ")
        pair = ""
        if scheme.lower() == "basic":
            with contextlib.suppress(ValueError):
                pair = base64.b64decode(words.strip(), validate=True).decode()
        name, has_password, password = pair.partition(":")
        if not has_password:
            return Entry(status=401, says="Sign in first.")
        return await self._try(scope, name, password)

    async def answer(self, request: Request, entry: Entry) -> Response:
        """The answer to somebody who isn't signed in, or who signs in."""
        path, is_form = request.scope["path"], request.method == "POST"
        if is_form and path in (SIGN_IN, *PROGRAMS):
            return await self._read_form(request)
        if request.method in ("GET", "HEAD") and path in ("/", SIGN_IN):
            return self._show(entry if entry.status == 429 else Entry())
        return _refuse(entry)

    async def _read_form(self, request: Request) -> Response:
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
            return PlainTextResponse("Sign in with a form.", 415)
        if int(request.headers.get("content-length", "0") or 0) > LONGEST_FORM:
            return PlainTextResponse("That is too much.", 413)
        try:
            async with asyncio.timeout(FORM_SECONDS):
                form = await request.form()
        except TimeoutError:
            return PlainTextResponse("The form took too long to arrive.", 408, {"connection": "close"})
        except ClientDisconnect:
            return PlainTextResponse("", 400)
        name, password = str(form.get("username", "")), str(form.get("password", ""))
        entry = await self._try(request.scope, name, password)
        is_program = request.scope["path"] in PROGRAMS
        if not entry.who:
            return _refuse(entry) if is_program else self._show(entry, name)
        cookie = {"set-cookie": self._sessions.write(request.scope, entry.who), "cache-control": "no-store"}
        return JSONResponse({"success": True}, 200, cookie) if is_program else RedirectResponse("/", 303, cookie)

    async def _try(self, scope: Scope, name: str, password: str) -> Entry:
        """Who comes in with this name and password."""
        address = read_address((scope.get("client") or ("",))[0])
        if (wait := self._throttle.find_wait(address)) > 0:  # nothing is awaited from here to where it is counted
            says = f"Too many wrong passwords. Wait {int(wait) + 1} s, then try again."
            return Entry(status=429, says=says, wait=int(wait) + 1)
        if not self._is_right(name, password):
            count = self._throttle.note_wrong(address)
            self._log.warning("a wrong password from %s, %d so far", address, count)
            whose = "the password of this Stir" if self._keep_name else "the name and the password of this Stir"
            return Entry(status=401, says=f"That isn't {whose}. Ask whoever runs it.")
        plain = " ".join(name.split())
        if not plain.isprintable() or not 0 < len(plain) <= LONGEST_NAME:
            return Entry(status=400, says=f"Give a name of 1 to {LONGEST_NAME} letters.")
        self._throttle.note_right(address)
        who = find_id(plain)
        if self._keep_name:
            await run_in_threadpool(self._keep_name, who, plain)
        return Entry(who)

    def _is_right(self, name: str, password: str) -> bool:
        is_password = hmac.compare_digest(password.encode(), self._settings.password.encode())
        is_name = hmac.compare_digest(name.strip().encode(), self._settings.user.encode())
        return is_password and (is_name or bool(self._keep_name))

    def _show(self, entry: Entry, name: str = "") -> Response:
        page = (ASSETS / "sign_in.html").read_text("utf-8")
        style = (ASSETS / "css/look.css").read_text("utf-8")
        says = f'<p class="says" role="alert">{html.escape(entry.says)}</p>' if entry.says else ""
        shared = "Several people share this page. Under your name, your photos and clips are your own."
        for mark, words in (
            ("/*look*/", style),
            ("<!--whose-->", shared if self._keep_name else "This page is its owner's."),
            ("<!--says-->", says),
            ("<!--name-->", html.escape(name[:LONGEST_NAME], quote=True)),
        ):
            page = page.replace(mark, words)
        return HTMLResponse(page, entry.status, {"cache-control": "no-store"} | _make_wait(entry))


def _refuse(entry: Entry) -> Response:
    return PlainTextResponse(entry.says, entry.status, _make_wait(entry))


def _make_wait(entry: Entry) -> dict[str, str]:
    return {"retry-after": str(entry.wait)} if entry.wait else {}


def is_start(scope: Scope) -> bool:
    """Whether this is what Gradio's launch() itself asks of the page, once, before it is anybody's."""
    return bool(scope["path"] == "/gradio_api/startup-events" and not scope["app"].startup_events_triggered)
