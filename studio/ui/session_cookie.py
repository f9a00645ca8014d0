"""Sessions of a page that knows who asks: the cookie that tells, given with the page, until its age or the sign-out.

The cookie is signed (signed_cookie.py), HttpOnly, SameSite=Lax, and Secure where the page comes by HTTPS. In a frame of
huggingface.co it has to be SameSite=None, and counts there alone (Partitioned).
"""

from __future__ import annotations

import time
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.types import Message, Scope, Send

from studio.visitors.signed_cookie import CookieSigner

COOKIE_SECONDS = 30 * 86_400.0
"""How long a cookie counts, from the last time that the page was loaded: longer than a page is left open. A stranger
whose files have gone by then has an empty desk.
"""


class Sessions:
    """Who asks, by a cookie called `name`; `now` tells the time, in seconds since 1970."""

    def __init__(
        self, signer: CookieSigner, name: str, now: Callable[[], float] = time.time, in_frame: bool = False
    ) -> None:
        self._signer, self._name, self._now, self._in_frame = signer, name, now, in_frame

    def read(self, scope: Scope) -> str:
        """The id of whoever sends a request; "" where no cookie tells."""
        given = cookie_parser(Headers(scope=scope).get("cookie", "")).get(self._name, "")
        return self._signer.read(given, self._now(), COOKIE_SECONDS)

    def write(self, scope: Scope, who: str) -> str:
        """The header Set-Cookie for somebody's id; for "" one that removes the cookie."""
        words = self._signer.sign(who, self._now()) if who else ""
        kept = f"Max-Age={int(COOKIE_SECONDS) if who else 0}; Path=/; HttpOnly"
        secure = "; Secure" if scope.get("scheme") == "https" else ""
        return f"{self._name}={words}; {kept}; " + (
            "SameSite=None; Secure; Partitioned" if self._in_frame else f"SameSite=Lax{secure}"
        )

    def end(self, who: str) -> None:
        """Sign somebody out, wherever they have signed in."""
        self._signer.end(who, self._now())

    def wrap_send(self, scope: Scope, send: Send, who: str) -> Send:
        """Sends the page, which no cache keeps, with a cookie that counts from now."""

        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.append("set-cookie", self.write(scope, who))
                headers["cache-control"] = "no-store"
            await send(message)

        return send_named
