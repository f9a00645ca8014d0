"""The imitation itself: Replicate and fal at one address of this computer, and their store of films at another, which
must never be shown a token.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from studio.hosted_cards import Way
from studio.hosted_demo.demo_requests import DemoRequests, list_ways
from studio.hosted_demo.fal_routes import LEAVE, FalRoutes
from studio.hosted_demo.injected_faults import InjectedFaults
from studio.hosted_demo.replicate_routes import ReplicateRoutes

TOKEN = "stand-in-0000-0000-demo"  # noqa: S105  nobody's
"""The token that the imitation takes when it isn't told another."""

LARGEST = 120_000_000
"""Bytes of a request."""

HANG_SECONDS = 20.0
"""How long a call that is never answered stays open."""


class Call(NamedTuple):
    """A call that came in: "replicate", "fal" or "store"; what it was; its method, path, headers and body."""

    service: str
    route: str
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class StandIn:
    """An imitation that runs from `__enter__` to `close`. `seconds` is how long a request takes, `token` the one that
    it takes, `faults` what it does wrong, `ways` the models it has, those of all cards where None. Its films are at
    most `most_side` pixels on a side. `calls` is everything that came in.
    """

    seconds: float = 0.0
    token: str = TOKEN
    faults: InjectedFaults = field(default_factory=InjectedFaults)
    ways: tuple[Way, ...] | None = None
    calls: list[Call] = field(default_factory=list)
    most_side: int = 4096

    def __post_init__(self) -> None:
        self._servers = [_make_server(self, kind) for kind in (_Services, _Store)]
        self.address, self.store = (f"http://127.0.0.1:{one.server_port}" for one in self._servers)
        self.requests = DemoRequests(self.seconds, list_ways() if self.ways is None else self.ways, self.most_side)
        self.replicate = ReplicateRoutes(self.requests, self.store)
        self.fal = FalRoutes(self.requests, self.address, self.store)

    def __enter__(self) -> StandIn:
        for one in self._servers:
            threading.Thread(target=one.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one in self._servers:
            one.shutdown()
            one.server_close()
        self.requests.close()

    def environment(self) -> dict[str, str]:
        """What the environment of a studio has to hold that is to use this imitation."""
        return {
            "STIR_REPLICATE_URL": self.address, "STIR_FAL_URL": self.address,
            "REPLICATE_API_TOKEN": self.token, "FAL_KEY": self.token,
        }  # fmt: skip

    def list_calls(self, route: str) -> list[Call]:
        """The calls of one kind."""
        return [one for one in self.calls if one.route == route]


def _make_server(owner: StandIn, kind: type[_Handler]) -> ThreadingHTTPServer:
    server = _Server(("127.0.0.1", 0), type("Handler", (kind,), {"owner": owner}))
    server.daemon_threads = True
    return server


class _Server(ThreadingHTTPServer):
    request_queue_size = 128


class _Handler(BaseHTTPRequestHandler):
    owner: StandIn
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 60

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its own name
        del format, args

    def handle(self) -> None:
        with suppress(OSError):  # a client that has gone
            super().handle()

    def drop(self) -> None:
        """End the connection without an answer."""
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def reply(self, status: int, body: bytes, kind: str = "application/json", **headers: str) -> None:
        """An answer with its length."""
        self.send_response(status)
        more = {"Content-Type": kind, "Content-Length": str(len(body)), "Set-Cookie": "seen=1; Path=/"} | headers
        for name, value in more.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def note(self, service: str, route: str, body: bytes = b"") -> None:
        """Write a call down."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.owner.calls.append(Call(service, route, self.command, self.path, headers, body))


class _Services(_Handler):
    """Both services."""

    def answer(self) -> None:
        """One call."""
        size = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(min(size, LARGEST))
        parts = urlsplit(self.path)
        path, query = unquote(parts.path), dict(parse_qsl(parts.query))
        service = "replicate" if path.startswith("/v1/") else "fal"
        routes = self.owner.replicate if service == "replicate" else self.owner.fal
        route = routes.find_route(self.command, path)
        self.note(service, route, body)
        fault = self.owner.faults.take(route)
        if fault in ("drop", "hang"):
            time.sleep(HANG_SECONDS if fault == "hang" else 0.0)
            return self.drop()
        if fault == "redirect":
            return self.reply(307, b"{}", Location=f"{self.owner.store}/trap")
        if fault.isdecimal():
            retry = {"Retry_After": self.owner.faults.wait} if fault in ("429", "503") else {}
            return self.reply(int(fault), json.dumps(routes.refuse(int(fault))).encode(), **retry)
        if not route:
            return self.reply(404, json.dumps(routes.refuse(404)).encode())
        if not self._is_signed(service, route):
            return self.reply(
                401, json.dumps(routes.refuse(401, "You did not pass a valid authentication token")).encode()
            )
        silent = fault in ("lose", "garbage", "empty", "list")
        status, data = routes.answer(route, path, query, body, "" if silent else fault)
        if fault == "lose":
            return self.drop()
        odd = {"garbage": b"<html>Bad gateway</html>", "empty": b"", "list": b"[]"}
        return self.reply(status, odd[fault] if silent else b"" if data is None else json.dumps(data).encode())

    do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - http.server's names

    def _is_signed(self, service: str, route: str) -> bool:
        shown = self.headers.get("Authorization")
        if (service, route) == ("fal", "upload"):
            return shown == f"Bearer {LEAVE}"
        return shown == f"{'Bearer' if service == 'replicate' else 'Key'} {self.owner.token}"


class _Store(_Handler):
    """Where films lie."""

    def do_GET(self) -> None:
        """A film, or what a fault makes of it."""
        self.note("store", "film")
        fault = self.owner.faults.take("film")
        made = self.owner.requests.get(self.path.rpartition("/")[2].removesuffix(".mp4"))
        if fault == "drop":
            return self.drop()
        if fault.isdecimal() or made is None or made.film is None:
            return self.reply(int(fault or 404), b"{}")
        if fault.startswith("pass"):
            return self._pass_on(fault)
        content = made.film.result()
        if fault in ("cut", "huge", "endless"):
            return self._write_wrongly(fault, content)
        if fault == "zipped":
            return self.reply(200, content, "video/mp4", Content_Encoding="gzip")
        if fault in ("wrong_type", "no_film"):
            return self.reply(200, b"<html>Sign in</html>" * 9, "text/html" if fault == "wrong_type" else "video/mp4")
        return self.reply(200, content, "video/mp4")

    def _pass_on(self, fault: str) -> None:
        to = {
            "pass_on": f"{self.owner.store}/again{self.path}", "pass_round": self.path,
            "pass_to_private": "https://192.168.1.1/router",
        }  # fmt: skip
        self.reply(302, b"", **({"Location": to[fault]} if fault in to else {}))

    def _write_wrongly(self, fault: str, content: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "video/mp4")
        if fault == "endless":
            self.send_header("Connection", "close")
        else:
            self.send_header("Content-Length", str(len(content) if fault == "cut" else 1 << 40))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2])
        end = time.monotonic() + 20.0
        while fault == "endless" and time.monotonic() < end:
            self.wfile.write(bytes(1 << 20))
        self.drop()
