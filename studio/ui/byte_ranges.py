"""HTTP Range requests, RFC 9110 section 14: the part of a file that a player asks for when it seeks.

Gradio's own route opens the file and says who may have it. Gradio 6.31 answers a closed range ("bytes=0-99") with code
of its own, which sends the request's headers back and fails on several ranges and on backward ones; whatever else is
asked, it leaves to Starlette's FileResponse. Range units are read without regard to case (14.1), Gradio looks for
"bytes" in small letters only, and so every good range is handed on as "Bytes=".
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_RANGES = 32
"""Ranges in one request: a player asks for one, a reader of PDFs for a few. Of more, the whole file is sent instead."""

NOWHERE = "Bytes=999999999999999999-"
"""A range that no file has, which is refused with the file's length (416): what a backward one becomes."""

_SPEC = re.compile(r"(\d{1,18})-(\d{0,18})|-(\d{1,18})")
_INLINE = re.compile(r"(image/(?!svg)|video/|audio/)[\w.+-]+", re.IGNORECASE)
_Span = tuple[int | None, int | None]


def parse_ranges(header: str) -> list[_Span] | None:
    """The ranges of a Range header as (first, last): last None for an open one, first None for the last so many bytes.

    [] for one that runs backwards or doesn't read as ranges; None for units that aren't bytes, which are to be ignored.
    """
    unit, _, given = header.partition("=")
    if unit.strip().lower() != "bytes":
        return None
    found: list[_Span] = []
    for part in filter(None, (one.strip(" \t") for one in given.split(","))):
        spec = _SPEC.fullmatch(part)
        if spec is None:
            return []
        if spec[3]:
            found.append((None, int(spec[3])))
            continue
        first, last = int(spec[1]), int(spec[2]) if spec[2] else None
        if last is not None and last < first:
            return []
        found.append((first, last))
    return found


def write_ranges(wanted: Sequence[_Span]) -> str:
    """Ranges as a Range header that Starlette reads and Gradio doesn't."""
    parts = [f"{'' if first is None else first}-{'' if last is None else last}" for first, last in wanted]
    return "Bytes=" + ",".join(parts)


def drop_unsatisfiable(wanted: Sequence[_Span], length: int) -> list[_Span]:
    """Those of the ranges that a file of this length has some bytes of."""
    return [(first, last) for first, last in wanted if length and (first < length if first is not None else last)]


class Ranges:
    """Reads the Range header of a request for a file, before Gradio does."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or "/file=" not in scope["path"]:
            return await self.app(scope, receive, send)
        asked = Headers(scope=scope).get("range")
        wanted = parse_ranges(asked) if asked is not None and scope["method"] == "GET" else None
        if wanted is None or len(wanted) > MOST_RANGES:  # 14.2: ranges are defined for GET, and of bytes
            return await self.app(_replace_range(scope, None), receive, _wrap_send(send))
        first = _replace_range(scope, write_ranges(wanted) if wanted else NOWHERE)
        if len(wanted) < 2:
            return await self.app(first, receive, _wrap_send(send))
        length = await self._send_unless_416(first, receive, send)
        if length is not None:  # some are past the end: the others are sent (14.1.2)
            left = drop_unsatisfiable(wanted, length)
            await self.app(_replace_range(scope, write_ranges(left) if left else NOWHERE), receive, _wrap_send(send))
        return None

    async def _send_unless_416(self, scope: Scope, receive: Receive, send: Send) -> int | None:
        """Answer, unless there is no such range (416): then the file's length, and nothing is sent."""
        length: int | None = None

        async def send_on(message: Message) -> None:
            nonlocal length
            if message["type"] == "http.response.start" and message["status"] == 416:
                length = int(Headers(raw=message["headers"])["content-range"].rpartition("/")[2])
            if length is None:
                await send(message)

        await self.app(scope, receive, _wrap_send(send_on))
        return length


def _replace_range(scope: Scope, header: str | None) -> Scope:
    """The request with this Range header, or with none."""
    kept = [(name, value) for name, value in scope["headers"] if name.lower() != b"range"]
    return {**scope, "headers": kept if header is None else [*kept, (b"range", header.encode("latin-1"))]}


def _wrap_send(send: Send) -> Send:
    """Sends a file that a browser might run, a page or a drawing with a script in it, to be saved and not opened."""

    async def send_guarded(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] in (200, 206):
            headers = MutableHeaders(scope=message)
            kind = headers.get("content-type", "").partition(";")[0]
            if not _INLINE.fullmatch(kind) and not kind.startswith("multipart/byteranges"):
                headers["content-disposition"] = headers.get("content-disposition", "attachment").replace(
                    "inline", "attachment"
                )
        await send(message)

    return send_guarded
