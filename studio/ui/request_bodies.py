"""HTTP request bodies checked before Gradio reads them; errors that Gradio leaves unanswered become a 4xx and words.

A body is JSON (UTF-8, finite numbers of at most 64 bits, whole characters without NUL, at most `MOST_VALUES`
values nested at most `DEEPEST` deep), or an upload (file_uploads.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from studio.library.logbook import trace

DEEPEST = 64
"""Levels of lists and objects: a page's own messages have nine."""

MOST_VALUES = 50_000
"""Values in one body: all clips of a library that are marked at once are 10,000, the largest Shot some 500."""

CALLS = tuple(
    f"/gradio_api/{one}" for one in ("run/", "api/", "call/", "queue/join", "component_server", "cancel", "reset")
)
MISFIT = "This endpoint doesn't take these values. /gradio_api/info says what each endpoint takes."
SAYS = "Stir doesn't understand this request ({why}). Reload the page and try again."

LONGEST_PAUSE = 60.0
"""Seconds without a byte after which a body is given up: whoever sent it is asleep or gone without a word."""


class WellFormed:
    """Answers 400 to a body that isn't what it says it is, or that holds values no endpoint can take, 404 to a path
    that no file can have, and 400 instead of Gradio's 500 for values that an endpoint didn't understand.

    Whatever else goes wrong inside is one line in the log and a 500 that says so. Of uploads (file_uploads.py) only how
    long they fall silent is looked at here.
    """

    def __init__(self, app: ASGIApp, log: logging.Logger) -> None:
        self.app, self._log = app, log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        if not _is_path(scope["path"]):
            return await PlainTextResponse("", 404)(scope, receive, send)
        if scope["method"] in ("POST", "DELETE"):
            receive = give_up_after(LONGEST_PAUSE, receive)
            if not is_upload(scope):
                why, receive = await _check_body(scope, receive)
                if why:
                    self._note(scope, why)
                    return await refuse_request(why)(scope, receive, send)
        return await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def send_noted(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                if message["status"] >= 400 and _is_call(scope["path"]):
                    message["status"] = 400 if message["status"] == 500 else message["status"]
                    self._note(scope, f"refused with {message['status']}")
            await send(message)

        try:
            await self.app(scope, receive, send_noted)
        except ClientDisconnect:
            return
        except Exception as error:
            is_gone = isinstance(error.__cause__, HTTPException)  # a stream of a session that isn't there
            misfits = is_gone or _is_call(scope["path"])
            self._note(scope, _name_place(error) if misfits else trace(error))
            if started:  # a stream of events: it ends here
                with contextlib.suppress(RuntimeError):
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
            elif misfits:
                await JSONResponse({"error": MISFIT}, 422)(scope, receive, send)
            else:
                says = "Stir couldn't answer this request. The log says why."
                await JSONResponse({"error": says}, 500)(scope, receive, send)

    def _note(self, scope: Scope, says: str) -> None:
        self._log.warning("a request to %s: %s", ascii(scope["path"][:80]), says)


async def refuse_misfit(request: Request, error: Exception) -> JSONResponse:
    """The answer to fields that a route of Gradio's doesn't take. FastAPI's own would send back all that was sent."""
    return JSONResponse({"error": MISFIT}, 422)


def _is_path(path: str) -> bool:
    """Whether a path can name anything: no file name is longer than 255 bytes or holds a null character."""
    return "\0" not in path and all(len(name.encode("utf-8", "replace")) <= 255 for name in path.split("/"))


def is_upload(scope: Scope) -> bool:
    """Whether files are sent."""
    return bool(scope["method"] == "POST" and scope["path"].rstrip("/") == "/gradio_api/upload")


def refuse_request(why: str, status: int = 400) -> JSONResponse:
    """The answer to a request that isn't what it should be."""
    return JSONResponse({"error": SAYS.format(why=why)}, status)


def _is_call(path: str) -> bool:
    """Whether Gradio asks a function here: what that answers never fails, so an error is of values that didn't fit."""
    return path.startswith(CALLS)


def _name_place(error: Exception) -> str:
    """An error's kind and where it was raised: "KeyError at routes.py:1639"."""
    raised = error.__cause__ or error
    last = traceback.extract_tb(raised.__traceback__)[-1]
    return f"{type(raised).__name__} at {Path(last.filename).name}:{last.lineno}"


async def _check_body(scope: Scope, receive: Receive) -> tuple[str, Receive]:
    """What is wrong with a request's body, "" for nothing, and what hands it on."""
    headers = Headers(scope=scope)
    kind = headers.get("content-type", "")
    body = await _read_body(receive)
    if body is None:
        return "its body broke off", receive
    return _find_fault(body, kind, scope["method"]), hand_on(body, receive)


def hand_on(body: bytes, receive: Receive) -> Receive:
    """What gives a body that was read already to whoever asks next, and after it what `receive` gives."""
    sent = False

    async def receive_again() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again


def give_up_after(seconds: float, receive: Receive) -> Receive:
    """What hands on a body as it comes, and ends it as if broken off where nothing comes for so long."""
    is_whole = False

    async def receive_soon() -> Message:
        nonlocal is_whole
        if is_whole:  # what is awaited now is that the connection ends
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), seconds)
        except TimeoutError:
            return {"type": "http.disconnect"}
        is_whole = not message.get("more_body", False)
        return message

    return receive_soon


async def _read_body(receive: Receive) -> bytes | None:
    """The whole body, which `BoundBody` has bounded; None when whoever sent it has gone."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _find_fault(body: bytes, kind: str, method: str) -> str:
    if (body or method == "POST") and kind.partition(";")[0].strip().lower() != "application/json":
        return "its body isn't JSON"  # a form of another site's page is sent without asking, JSON isn't
    if not body:
        return ""
    if sum(body.count(sign) for sign in (b",", b"[", b"{")) > MOST_VALUES:  # counted before they are read
        return "it holds too many values"
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_reject_constant, parse_int=_read_int)
    except (ValueError, RecursionError):
        return "its body isn't JSON of finite numbers"
    if not isinstance(value, dict):
        return "its body isn't an object"
    for level, one in walk(value):
        if level > DEEPEST:
            return "its values are nested too deep"
        if isinstance(one, float) and one in (float("inf"), float("-inf")):
            return "a number in it is too large"
        if isinstance(one, str) and not _is_text(one):
            return "a text in it holds characters that aren't text"
    return ""


def _reject_constant(name: str) -> float:
    raise ValueError(name)


def _read_int(digits: str) -> int:
    if len(digits) > 19 or not -(2**63) <= int(digits) < 2**63:
        raise ValueError("a number of more than 64 bits")
    return int(digits)


def walk(value: Any) -> Iterator[tuple[int, Any]]:
    """Every value with how deep it lies, keys too, until one lies too deep."""
    waiting: list[tuple[int, Any]] = [(0, value)]
    while waiting:
        level, one = waiting.pop()
        yield level, one
        if isinstance(one, dict):
            waiting.extend((level + 1, part) for pair in one.items() for part in pair)
        elif isinstance(one, list):
            waiting.extend((level + 1, part) for part in one)


def _is_text(text: str) -> bool:
    """Whether it has no half of a surrogate pair and no NUL, which no file name can hold, nor everything that is asked
    with it.
    """
    if "\0" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
