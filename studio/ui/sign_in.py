"""The sign-in of a page that several people share: a name of one's own, and the house's password.

A name says whose desk it is and isn't a secret: the password is for all who share the page, and they trust each other.
After a wrong password the same address waits, twice as long each time.
"""

from __future__ import annotations

import hmac
import html
import time
from collections import OrderedDict

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from studio.config import ASSETS
from studio.visitors.house import VisitorHouse
from studio.visitors.signed_cookie import find_id

FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
"""Seconds that an address waits after its first wrong password, and at most."""

MOST_ADDRESSES = 10_000
LONGEST_NAME, LONGEST_FORM = 40, 10_000


class SignIn:
    """One house's sign-in page and what is sent from it."""

    PATH = "/sign-in"

    def __init__(self, house: VisitorHouse) -> None:
        self._house = house
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()  # how often, until when

    async def answer(self, request: Request) -> tuple[Response, str]:
        """The answer to somebody who isn't signed in, and who it is from now on: "" where nobody."""
        if request.url.path == self.PATH and request.method == "POST":
            return await self._try(request)
        if request.method in ("GET", "HEAD") and request.url.path in ("/", self.PATH):
            return self._show(), ""
        return PlainTextResponse("Sign in first.", 401), ""

    async def _try(self, request: Request) -> tuple[Response, str]:
        address = request.client.host if request.client else ""
        if int(request.headers.get("content-length", "0") or 0) > LONGEST_FORM:
            return PlainTextResponse("That is too much.", 413), ""
        async with request.form(max_files=0, max_fields=4) as form:
            name, password = str(form.get("name", "")), str(form.get("password", ""))
        count, until = self._failures.get(address, (0, 0.0))  # nothing is awaited from here to where it is counted
        if (wait := until - time.monotonic()) > 0:
            return self._show(f"Too many wrong passwords. Wait {wait:.0f} seconds, then try again.", 429), ""
        if not hmac.compare_digest(password.encode(), self._house.settings.password.encode()):
            self._failures[address] = count + 1, time.monotonic() + min(FIRST_WAIT * 2**count, LONGEST_WAIT)
            while len(self._failures) > MOST_ADDRESSES:
                self._failures.popitem(last=False)
            self._house.log.warning("a wrong password from %s, the %dth", address, count + 1)
            return self._show("That isn't the password of this Stir. Ask whoever runs it.", 403, name), ""
        plain = " ".join(name.split())
        if not plain.isprintable() or not 0 < len(plain) <= LONGEST_NAME:
            return self._show(f"Give a name of 1 to {LONGEST_NAME} letters.", 400), ""
        self._failures.pop(address, None)
        await run_in_threadpool(self._house.keep_name, visitor := find_id(plain), plain)
        return RedirectResponse("/", 303), visitor

    def _show(self, says: str = "", status: int = 200, name: str = "") -> Response:
        page = (ASSETS / "sign_in.html").read_text("utf-8")
        style = (ASSETS / "css/look.css").read_text("utf-8")
        words = f'<p class="says" role="alert">{html.escape(says)}</p>' if says else ""
        filled = page.replace("/*look*/", style).replace("<!--says-->", words)
        return HTMLResponse(filled.replace("<!--name-->", html.escape(name[:LONGEST_NAME], quote=True)), status)
