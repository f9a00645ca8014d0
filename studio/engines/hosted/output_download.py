"""Fetches the film that a hosted model made: without the token where the address is foreign, up to a limit, through a
part file.

A service's own word decides where it lies, so the address is judged: https only, no host of this computer or a private
network (it is looked up first, and the connection goes to the address that was judged), at most four redirects, each
judged like the first. An imitation on this computer may use other ports of it.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path
from typing import Any

import httpx2

from studio.engines.hosted.http_calls import NOT_SENT, Origin, Reply, explain, is_loopback, open_plain, split_origin
from studio.engines.hosted.service import Going, Remote, ServiceRefusal
from studio.library import disk
from studio.system_errors import refuse_unwritten

LARGEST_FILM = 2_000_000_000
"""Bytes of a film: twenty seconds at 4K have some 150 MB."""

LONGEST = 1800.0
"""Seconds that a film may take to arrive."""

HOPS = 4
"""Addresses in a row: the first and its redirects."""

TRIES = 3
"""Times that a film is fetched when the connection breaks."""

STEP = 1 << 18
"""Bytes that are read at a time."""

TYPES = ("video/", "application/octet-stream", "binary/octet-stream")
"""Content types of a film, also where a store doesn't know what it keeps."""

NAT64 = ip_network("64:ff9b::/96")
"""Addresses of version 6 that stand for one of version 4 in their last 32 bits."""

Resolve = Callable[[str, int], list[str]]


def resolve(host: str, port: int) -> list[str]:
    """The numbers of a host. Raises `OSError`."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


class FilmFetcher:
    """Fetches films for a service. `origin` is where its token may go, `is_stand_in` whether it is an imitation here;
    `look_up` finds the numbers of a host, `limit` is the most bytes, `pause` the wait before another try in seconds.
    """

    def __init__(
        self,
        origin: Origin,
        is_stand_in: bool,
        look_up: Resolve = resolve,
        limit: int = LARGEST_FILM,
        pause: float = 1.0,
    ) -> None:
        self._origin, self._local = origin, is_stand_in
        self._look_up, self._limit, self._pause = look_up, limit, pause

    def fetch(self, remote: Remote, to: Path, going: Going) -> None:
        """The film at `remote.output` into `to`, whole or not at all. Lets through what `going` raises. Raises
        `ServiceRefusal`, and `Refusal` for a disk that is full.
        """
        self._origin.require_token()  # without one nothing leaves, not even to where no token is shown
        part = to.with_name(f"{to.name}.part")
        try:
            for attempt in range(1, TRIES + 1):
                try:
                    self._write(remote.output, part, going, attempt)
                    break
                except ServiceRefusal as refused:
                    if attempt == TRIES or not (refused.is_transient or refused.kind == "wrong_content"):
                        raise  # a store in trouble may send a page instead of a film
                    pause = max(self._pause, min(refused.wait, 10.0))
                time.sleep(pause)
            os.replace(part, to)  # noqa: PTH105  (replaces also on Windows)
        except OSError as error:
            raise refuse_unwritten(error) from None
        finally:
            part.unlink(missing_ok=True)

    def _write(self, address: str, part: Path, going: Going, attempt: int) -> None:
        fault: ServiceRefusal | None = None
        try:
            with self._open(address, attempt) as answer, part.open("wb") as file:
                self._pour(answer, file.write, going)
                file.flush()
                os.fsync(file.fileno())
        except NOT_SENT:
            fault = ServiceRefusal("unreachable", "The place where the clip lies can't be reached.", "Try again soon.")
        except (httpx2.HTTPError, httpx2.StreamError):
            fault = ServiceRefusal("service", "The connection broke while the clip arrived.", "Try again soon.")
        if fault:
            raise fault  # outside of `except`, so that no exception with the request hangs on it

    def _pour(self, answer: httpx2.Response, write: Callable[[bytes], Any], going: Going) -> None:
        size = answer.headers.get("Content-Length", "")
        total = int(size) if size.isdecimal() else None
        if (total or 0) > self._limit:
            raise _too_large(self._limit)
        end, done = time.monotonic() + LONGEST, 0
        going(0, total)
        head = b""
        for piece in answer.iter_raw(STEP):
            done += len(piece)
            if len(head) < 8 and not is_film(head := head + piece[:8]):
                raise _wrong("it doesn't begin as an MP4")
            if done > self._limit:
                raise _too_large(self._limit)
            write(piece)
            going(done, total)
            if time.monotonic() > end:
                raise ServiceRefusal("service", "The clip arrives too slowly.", "Try again when the line is better.")
        if len(head) < 8:
            raise _wrong("it is empty")

    @contextmanager
    def _open(self, address: str, attempt: int) -> Generator[httpx2.Response]:
        """An open answer with the film: the address's, or what its redirects lead to. Once they have left the origin
        the token isn't sent any more.
        """
        may_sign = True
        for _ in range(HOPS):
            may_sign = may_sign and self._origin.owns(address)
            with self._ask(address, may_sign, attempt) as answer:
                if not 300 <= answer.status_code < 400:
                    self._judge(answer)
                    yield answer
                    return
                step = answer.headers.get("Location", "")
                try:
                    address = str(httpx2.URL(address).join(step)) if step else ""
                except httpx2.InvalidURL:
                    address = ""
        raise _foreign("it is passed on and on")

    @contextmanager
    def _ask(self, address: str, signed: bool, attempt: int) -> Generator[httpx2.Response]:
        headers = {"Accept-Encoding": "identity"}
        if signed:
            client, auth = self._origin.open_client(), self._origin.sign(self._origin.require_token())
            with client.stream("GET", address, headers=headers, auth=auth) as answer:
                yield answer
            return
        url, more = self._pin(address, attempt)
        with open_plain(url, is_loopback(address), headers=headers | more.pop("headers", {}), **more) as answer:
            yield answer

    def _pin(self, address: str, attempt: int) -> tuple[str, dict[str, Any]]:
        """The address by a number of its host, once all are judged, with the name for the certificate: each attempt
        takes the next number. Raises `ServiceRefusal` (foreign).
        """
        try:
            scheme, host, port = split_origin(address)
        except ValueError:
            raise _foreign("it isn't an address of the web") from None
        if self._local and is_loopback(address):
            return address, {}
        if scheme != "https":
            raise _foreign("it isn't encrypted")
        try:
            numbers = self._look_up(host, port)
            require_public(host, numbers)
        except (OSError, UnicodeError):
            numbers = []
        if _has_proxy():
            return address, {}
        if not numbers:
            raise ServiceRefusal("unreachable", f"There is no host {host[:80]}.", "Try again soon.") from None
        url = httpx2.URL(address)
        return str(url.copy_with(host=numbers[(attempt - 1) % len(numbers)])), {
            "headers": {"Host": url.netloc.decode("ascii")},
            "extensions": {"sni_hostname": host},
        }

    def _judge(self, answer: httpx2.Response) -> None:
        """Nothing for an answer that may be a film. Raises `ServiceRefusal`."""
        if answer.status_code in (401, 403, 404, 410):
            raise ServiceRefusal(
                "not_found", "The clip isn't there any more.", "Services keep clips for an hour or so."
            )
        if answer.status_code != 200:
            raise explain(Reply(answer.status_code, {}, True), "The place where the clip lies")
        kind = answer.headers.get("Content-Type", "").split(";")[0].strip().lower()
        if not kind.startswith(TYPES) or answer.headers.get("Content-Encoding", "identity") != "identity":
            raise _wrong(f"what arrived is {kind[:40] or 'of no kind'}")


def is_film(head: bytes) -> bool:
    """Whether the first bytes of a file may be an MP4's."""
    return len(head) < 8 or head[4:8] == b"ftyp"


def require_public(host: str, numbers: list[str]) -> None:
    """Nothing for a host of the public internet. Raises `ServiceRefusal` (foreign) for one of this computer or of a
    private network.
    """
    if host == "localhost" or not all(is_public(one) for one in numbers):
        raise _foreign("it lies in a private network")


def is_public(number: str) -> bool:
    """Whether an IP address is of the public internet, also the one of version 4 that one of version 6 stands for."""
    address = ip_address(number.partition("%")[0])
    inner = [address]
    if isinstance(address, IPv6Address):
        inner += [one for one in (address.ipv4_mapped, address.sixtofour, *(address.teredo or ())) if one]
        inner += [IPv4Address(int(address) & 0xFFFFFFFF)] if address in NAT64 else []
    return all(one.is_global and not one.is_multicast for one in inner)


def _has_proxy() -> bool:
    """Whether a proxy of the environment makes the connections, and looks hosts up."""
    return any(os.environ.get(name) for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"))


def _foreign(why: str) -> ServiceRefusal:
    return ServiceRefusal(
        "foreign", f"The clip isn't fetched from where the service says: {why}.", "Look for it on the service's page."
    )


def _wrong(why: str) -> ServiceRefusal:
    return ServiceRefusal("wrong_content", f"That isn't a clip: {why}.", "Try again, or look on the service's page.")


def _too_large(limit: int) -> ServiceRefusal:
    return ServiceRefusal(
        "too_large",
        f"The clip is larger than {disk.size(limit)}, so it isn't fetched.",
        "Get it from the service's page.",
    )
