"""Calls of a hosted service over HTTP: one origin, which alone is shown the token; no redirect is followed.

Whatever only reads is asked again a few times, with the wait that the service names when it is short. A create is sent
once: where its answer is lost, the refusal's kind is uncertain. Answers are read up to a limit and within a time, and
no exception that holds a request is let out.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from ipaddress import ip_address
from typing import Any, Literal

import httpx2
import msgspec

from studio.engines.hosted.reply_values import read_fields, read_sentence
from studio.engines.hosted.service import FaultKind, ServiceRefusal
from studio.engines.hosted.tokens import Token
from studio.nouns import Refusal

CONNECT, READ, WRITE = 10.0, 30.0, 300.0
"""Seconds until a connection, each read and each write count as broken."""

LONGEST_ANSWER = 90.0
"""Seconds that a whole answer may take, however slowly it drips."""

LARGEST_ANSWER = 8_000_000
"""Bytes of an answer: a model's schema has some 100 kB, a hundred requests with their inputs a few MB."""

TRIES = 3
"""Times that a read is asked in all."""

PATIENCE = 3.0
"""Seconds after which a read isn't tried again: a longer wait, or a silent service, is left to whoever asked."""

ASK_TIMES = httpx2.Timeout(10.0, connect=5.0)
"""Seconds for a small question that is asked again later anyway, such as how far a request is."""

NOT_SENT = (
    httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError, httpx2.UnsupportedProtocol,
    httpx2.LocalProtocolError, httpx2.InvalidURL,
)  # fmt: skip
"""Errors that come before a request has left."""

Repeat = Literal["read", "once"]


@dataclass(frozen=True)
class Reply:
    """An answer: its status, the object that came with it, and whether one came ({} and false for nonsense)."""

    status: int
    data: dict[str, Any]
    is_json: bool
    wait: float = 0.0
    """Seconds of the header Retry-After, 0.0 without one."""


class Origin:
    """One origin of a service: scheme, host and port, with a path before every route.

    `find` finds the token at each call; `scheme` is the word before it, "Bearer" or "Key". `pause` is the first wait
    before a read is tried again, in seconds.
    """

    def __init__(
        self, base: str, title: str, scheme: str, find: Callable[[], Token | None], billing_page: str = "",
        pause: float = 0.5,
    ) -> None:  # fmt: skip
        self.base = base.rstrip("/")
        self.title = title
        self.billing_page = billing_page
        self._find, self._scheme, self._pause = find, scheme, pause
        self._lock = threading.Lock()
        self._clients: dict[Repeat, httpx2.Client] = {}

    def __repr__(self) -> str:
        return f"Origin({self.base!r})"

    def owns(self, address: str) -> bool:
        """Whether an address is of this origin, so that the token may go there."""
        try:
            return split_origin(address) == split_origin(self.base)
        except ValueError:
            return False

    def require_token(self) -> Token:
        """The token. Raises `ServiceRefusal` (no_token) without one, before anything is sent."""
        token = self._find()
        if token is None:
            raise ServiceRefusal("no_token", f"There is no token for {self.title}.", "Give yours in Settings.")
        return token

    def sign(self, token: Token) -> httpx2.Auth:
        """What puts the token on one request."""
        return _Signed(f"{self._scheme} {token.text}")

    def read(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        """An answer to something that may be asked again. Raises `ServiceRefusal`."""
        return self.try_read(method, path, (), **request).data

    def try_read(self, method: str, path: str, fine: tuple[int, ...], **request: Any) -> Reply:
        """As `read`, but a status in `fine` is an answer like any other."""
        end, wait = time.monotonic() + PATIENCE, self._pause
        for attempt in range(1, TRIES + 1):
            try:
                reply = self.call("read", method, path, **request)
                if reply.status not in fine:
                    self.refuse(reply)
                return reply
            except ServiceRefusal as refused:
                pause = max(wait, refused.wait)
                if attempt == TRIES or not refused.is_transient or time.monotonic() + pause > end:
                    raise
            time.sleep(pause)
            wait *= 2
        raise AssertionError

    def send_once(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        """The answer to something that costs money: sent once, over a connection of its own, since one that was kept
        may have been closed at the other end. Raises `ServiceRefusal`, of the kind uncertain where it may have arrived.
        """
        reply = self.call("once", method, path, **request)
        if reply.status < 300 and reply.is_json:
            return reply.data
        if reply.status < 300 or (reply.status >= 500 and not (reply.status == 503 and reply.is_json)):
            raise self.doubt()  # a 503 without words of the service may be of a proxy that had passed it on
        self.refuse(reply)
        raise AssertionError

    def doubt(self) -> ServiceRefusal:
        """The refusal for a create whose answer was lost."""
        where = f" Look at {self.billing_page}." if self.billing_page else ""
        return ServiceRefusal(
            "uncertain",
            f"{self.title}'s answer was lost: the clip may have been started, and may be billed.",
            f"It isn't sent again by itself.{where}",
        )

    def call(self, repeat: Repeat, method: str, path: str, **request: Any) -> Reply:
        """One request and its answer, whatever its status. `request` is as httpx2 takes it. Raises `ServiceRefusal`."""
        fault: ServiceRefusal | None = None
        auth = self.sign(self.require_token())
        try:
            with self._open(repeat).stream(method, self.base + path, auth=auth, **request) as answer:
                return _read_reply(answer)
        except NOT_SENT as error:
            fault = self._unreachable(type(error))
        except (httpx2.HTTPError, httpx2.StreamError, _Overflow):
            lost = f"The connection to {self.title} broke."
            fault = self.doubt() if repeat == "once" else ServiceRefusal("service", lost, "Try again in a moment.")
        raise fault  # outside of `except`, so that no exception with the request hangs on it

    def refuse(self, reply: Reply) -> None:
        """Nothing for an answer that is fine. Raises `ServiceRefusal` for any other."""
        if reply.status < 300:
            if not reply.is_json:
                raise ServiceRefusal("service", f"{self.title}'s answer can't be understood.", "Try again later.")
            return
        raise explain(reply, self.title)

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()

    def open_client(self) -> httpx2.Client:
        """The client for reads, for a download from this origin."""
        return self._open("read")

    def _open(self, repeat: Repeat) -> httpx2.Client:
        with self._lock:
            if repeat not in self._clients:
                self._clients[repeat] = make_client(is_loopback(self.base), keep=repeat == "read")
            return self._clients[repeat]

    def _unreachable(self, kind: type[Exception]) -> ServiceRefusal:
        why = "The proxy lets nothing through" if kind is httpx2.ProxyError else f"{self.title} can't be reached"
        return ServiceRefusal("unreachable", f"{why}; nothing was sent.", "Check the connection, then try again.")


class _Signed(httpx2.Auth):
    """Puts a token on a request; without a repr that shows it."""

    def __init__(self, header: str) -> None:
        self._header = header

    def auth_flow(self, request: httpx2.Request) -> Iterator[httpx2.Request]:  # type: ignore[override]
        request.headers["Authorization"] = self._header
        yield request


class _Overflow(Exception):
    """An answer is too large, or drips for too long."""


def make_client(local: bool, keep: bool = True) -> httpx2.Client:
    """A client that follows no redirect and keeps no cookie. `local`: no proxy of the environment comes between.
    `keep`: connections are used again.
    """
    client = httpx2.Client(
        timeout=httpx2.Timeout(READ, connect=CONNECT, write=WRITE), follow_redirects=False, trust_env=not local,
        limits=httpx2.Limits(max_connections=32, max_keepalive_connections=8 if keep else 0),
        headers={"User-Agent": "stir"},
    )  # fmt: skip
    client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return client


def _read_reply(answer: httpx2.Response) -> Reply:
    end, content = time.monotonic() + LONGEST_ANSWER, bytearray()
    for piece in answer.iter_bytes():
        content += piece
        if len(content) > LARGEST_ANSWER or time.monotonic() > end:
            raise _Overflow
    wait = _read_wait(answer.headers.get("Retry-After", ""))
    if not content:
        return Reply(answer.status_code, {}, answer.status_code == 204, wait)
    try:
        data = msgspec.json.decode(content)  # strict: no lone surrogates, no NaN
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        data = None
    return Reply(answer.status_code, data if isinstance(data, dict) else {}, isinstance(data, dict), wait)


def _read_wait(header: str) -> float:
    """Seconds of a Retry-After, which is a number or a date; at most an hour."""
    if header.strip().isdecimal():
        return min(float(header), 3600.0)
    try:
        return min(max(parsedate_to_datetime(header).timestamp() - time.time(), 0.0), 3600.0)
    except (ValueError, TypeError, OverflowError):
        return 0.0


_SAYS: dict[int, tuple[FaultKind, str, str]] = {
    401: ("bad_token", "{title} doesn't accept the token.", "Give another one in Settings."),
    402: ("no_credit", "Your account at {title} has too little credit.", "Add some there, then try again."),
    403: ("forbidden", "{title} doesn't allow this.", "See what the token may do, and the model's terms."),
    404: ("not_found", "{title} doesn't have this any more.", "Choose another model, or press Check."),
    413: ("invalid_input", "{title} finds a file too large.", "Use a smaller one."),
    422: ("invalid_input", "The model doesn't take this request{fields}.", "Change it, or press Check."),
    429: ("rate_limited", "{title} has had too many requests from you.", "Try again {when}."),
    500: ("service", "{title} has trouble of its own ({status}).", "Try again {when}."),
    300: ("foreign", "{title} points to another address, where nothing is sent.", "Try again later."),
}
"""Kind, reason and remedy of a status; a few stand for those that mean the same."""


def explain(reply: Reply, title: str) -> ServiceRefusal:
    """What a status says, in the user's words and the service's own."""
    same = {400: 422, 410: 404} | ({reply.status: 300} if 300 <= reply.status < 400 else {})
    kind, reason, remedy = _SAYS.get(same.get(reply.status, reply.status), _SAYS[500])
    fields, said = read_fields(reply.data), read_sentence(reply.data)
    words = {
        "title": title,
        "status": str(reply.status),
        "fields": f" ({', '.join(fields)})" if fields else "",
        "when": f"in {reply.wait:.0f} s" if reply.wait else "in a minute",
    }
    own = f" It says: {said}" if said and kind not in ("bad_token", "foreign") else ""
    return ServiceRefusal(kind, reason.format(**words) + own, remedy.format(**words), fields, reply.wait)


def split_origin(address: str) -> tuple[str, str, int]:
    """Scheme, host and port of an address. Raises `ValueError` for what isn't one."""
    try:
        url = httpx2.URL(address)  # as it will be asked: two readers of one address may see two hosts
    except (httpx2.InvalidURL, TypeError):
        raise ValueError("no address") from None
    if url.scheme not in ("http", "https") or not url.host or url.userinfo:
        raise ValueError("no address of the web")
    return url.scheme, url.host.rstrip(".").lower(), url.port or (443 if url.scheme == "https" else 80)


def is_loopback(address: str) -> bool:
    """Whether an address is of this computer, by its number: a name could lead anywhere."""
    try:
        return ip_address(split_origin(address)[1]).is_loopback
    except ValueError:
        return False


def read_base(variable: str, own: str) -> tuple[str, bool]:
    """A service's address: its own, or the imitation's on this computer that a variable of the environment names; and
    whether it is one. Raises `Refusal` for any other address: the token would go there.
    """
    named = os.environ.get(variable, "").strip().rstrip("/")
    if not named:
        return own, False
    if not is_loopback(named):
        raise Refusal(
            f"{variable} may only name this computer by its number.", "Set it to http://127.0.0.1:PORT, or unset it."
        )
    return named, True


@contextmanager
def open_plain(address: str, local: bool, **request: Any) -> Generator[httpx2.Response]:
    """An open answer of a foreign address, which is shown no token and keeps none of ours."""
    with make_client(local) as client, client.stream("GET", address, **request) as answer:
        yield answer
