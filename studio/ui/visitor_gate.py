"""The door of a page with visitors: who asks, by the signed cookie, and that they ask for nothing of another's.

ASGI middleware before Gradio's own app. Only the routes that the page uses are open, every other one is 404. Files are
served from the visitor's own folders; a session or an event belongs to the visitor who named it first; JSON bodies are
read here once and handed on as they were read, so that both sides see the same. Uploads go straight into the visitor's
own folder (file_uploads.py).
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections import OrderedDict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from studio.config import ASSETS, Settings
from studio.ui.path_aliases import PathAliases
from studio.ui.request_bodies import hand_on
from studio.ui.session_cookie import Sessions
from studio.ui.sign_in import is_start
from studio.ui.visiting_studio import VISITOR
from studio.visitors.house import VisitorHouse
from studio.visitors.signed_cookie import make_id

COOKIE = "stir_visitor"
MOST_NAMED = 50_000
"""Sessions and events whose visitors are remembered; the oldest go first."""

LONGEST_NAME = 64
"""Letters of a session's or an event's name: Gradio's have 10 to 32, and they are remembered for long."""

MOST_AT_ONCE = 6
"""Questions of one visitor that are answered at once, as many as a browser asks over HTTP/1.1; more wait their turn.
The server has 40 threads for everybody, and a preview may take one of them for seconds.
"""

MOST_ASKED = 100
"""Questions of one visitor that may wait."""

OPEN = re.compile(r"/(favicon\.ico|theme\.css|gradio_api/(theme\.css|app_id/?)|(assets|static|svelte)/.+)")
"""What every stranger may fetch: Gradio's own styles and scripts."""

PAGE = re.compile(r"/|/config/?|/gradio_api/(info|openapi\.json)/?")
FILE = "/gradio_api/file="
ASK = re.compile(r"/gradio_api/((run|api|call|call/v2)/[^/]+|queue/join|component_server|cancel|reset)/?")
STREAM = "/gradio_api/queue/data"
HEARTBEAT = re.compile(r"/gradio_api/heartbeat/([^/]+)")
EVENT = re.compile(r"/gradio_api/call/(?:v2/)?[^/]+/([^/]+)")
UPLOAD = "/gradio_api/upload"
FORGET = "/visitor/forget"

NO_COOKIE = "Stir knows whose photos are whose by a cookie. Allow cookies for this page, then load it again."
NOT_YOURS = "That isn't yours."
TOO_MANY = "You ask too much at once. Wait for the answers, then ask again."


class Belongings:
    """Which visitor named a session or was given an event first. Any thread may call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owners: OrderedDict[str, str] = OrderedDict()

    def claim(self, name: str, visitor: str) -> bool:
        """Whether a name is this visitor's; one that is nobody's becomes theirs, unless it is too long for a name."""
        if len(name) > LONGEST_NAME:
            return False
        with self._lock:
            owner = self._owners.setdefault(name, visitor)
            self._owners.move_to_end(name)
            while len(self._owners) > MOST_NAMED:
                self._owners.popitem(last=False)
            return owner == visitor

    def has(self, name: str, visitor: str) -> bool:
        """Whether a name is this visitor's already."""
        return self._owners.get(name) == visitor


class Turnstile:
    """Lets so many questions of each visitor through at once. Used in one event loop."""

    def __init__(self) -> None:
        self._asked: dict[str, int] = {}
        self._free: dict[str, asyncio.Semaphore] = {}

    @asynccontextmanager
    async def enter(self, visitor: str) -> AsyncGenerator[bool]:
        """Wait for a turn, and keep it until left. False, at once, where too many of theirs wait already."""
        if self._asked.get(visitor, 0) >= MOST_ASKED:
            yield False
            return
        self._asked[visitor] = self._asked.get(visitor, 0) + 1
        try:
            async with self._free.setdefault(visitor, asyncio.Semaphore(MOST_AT_ONCE)):
                yield True
        finally:
            self._asked[visitor] -= 1
            if not self._asked[visitor]:
                del self._asked[visitor], self._free[visitor]


class VisitorGate:
    """One house's door, behind the sign-in where there is one: without it, who comes is a stranger with a cookie."""

    def __init__(self, app: ASGIApp, house: VisitorHouse, sessions: Sessions) -> None:
        self.app, self._house = app, house
        self._names, self._events, self._turnstile = Belongings(), Belongings(), Turnstile()
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        if scope["type"] != "http":
            return await send({"type": "websocket.close", "code": 1008})
        path, method = str(scope["path"]), str(scope["method"])
        if is_start(scope) or (method in ("GET", "HEAD") and OPEN.fullmatch(path)):
            return await self.app(scope, receive, send)
        visitor = scope.get(VISITOR) or self._sessions.read(scope)
        if not visitor:
            return await self._meet(scope, receive, send)
        send = self._aliases(visitor).wrap_send(send)
        answer = await self._answer(path, method, {**scope, VISITOR: visitor}, receive, send)
        return await answer(scope, receive, send) if answer else None

    def _aliases(self, visitor: str) -> PathAliases:
        return PathAliases(self._house.folder / visitor)

    # Who it is --------------------------------------------------------------------------------------------------------

    async def _meet(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Somebody without a cookie: a new stranger where the page is asked for."""
        if scope["path"] != "/" or scope["method"] not in ("GET", "HEAD"):
            return await PlainTextResponse(NO_COOKIE, 401)(scope, receive, send)
        if refusal := await run_in_threadpool(self._house.find_full):
            return await PlainTextResponse(str(refusal), 503)(scope, receive, send)
        visitor = make_id()
        send = self._sessions.wrap_send(scope, self._aliases(visitor).wrap_send(send), visitor)
        return await self.app({**scope, VISITOR: visitor}, receive, send)

    # What is asked ----------------------------------------------------------------------------------------------------

    async def _answer(self, path: str, method: str, scope: Scope, receive: Receive, send: Send) -> Response | None:
        """The refusal or the answer of the gate itself; None where Gradio has answered."""
        visitor = scope[VISITOR]
        if method in ("GET", "HEAD"):
            return await self._answer_get(path, scope, receive, send)
        if method != "POST":
            return PlainTextResponse("", 405)
        if path == UPLOAD:
            return await self.app(scope, receive, send)
        if path == FORGET:
            await run_in_threadpool(self._house.forget, visitor)
            return JSONResponse(True, headers={"set-cookie": self._sessions.write(scope, "")})
        if not ASK.fullmatch(path):
            return PlainTextResponse("", 404)
        body = await _read_json(scope, receive)
        if isinstance(body, Response):
            return body
        if refused := self._check_names(body, visitor):
            return refused
        async with self._turnstile.enter(visitor) as is_through:
            if not is_through:
                return PlainTextResponse(TOO_MANY, 429)
            body = await run_in_threadpool(self._aliases(visitor).read, body)
            await self.app(*_replace_body(scope, receive, body), self._remember_event(visitor, send))
        return None

    async def _answer_get(self, path: str, scope: Scope, receive: Receive, send: Send) -> Response | None:
        visitor = scope[VISITOR]
        if path == "/" and self._house.settings.visitors == "strangers":  # the sign-in has its own cookie
            send = self._sessions.wrap_send(scope, send, visitor)
        if path.startswith(FILE):
            file = await run_in_threadpool(self._find_file, path[len(FILE) :], visitor)
            if file is None:
                return PlainTextResponse("", 404)
            asked = FILE + file.as_posix()
            scope = {**scope, "path": asked, "raw_path": asked.encode()}
        elif path == STREAM:
            sessions = [
                value for name, value in parse_qsl(scope["query_string"].decode("latin-1")) if name == "session_hash"
            ]
            if len(sessions) != 1 or not self._names.claim(sessions[0], visitor):
                return PlainTextResponse(NOT_YOURS, 403)
            scope = {**scope, "query_string": urlencode({"session_hash": sessions[0]}).encode()}
        elif found := HEARTBEAT.fullmatch(path):
            if not self._names.claim(found[1], visitor):
                return PlainTextResponse(NOT_YOURS, 403)
        elif found := EVENT.fullmatch(path):
            if not self._events.has(found[1], visitor):
                return PlainTextResponse(NOT_YOURS, 403)
        elif not PAGE.fullmatch(path):
            return PlainTextResponse("", 404)
        return await self.app(scope, receive, send)

    def _find_file(self, asked: str, visitor: str) -> Path | None:
        """The file of this visitor's, or of the page's own, that an alias names; None for any other."""
        file = self._aliases(visitor).find(asked)
        folders = (ASSETS, *Settings(self._house.folder / visitor).served)
        is_served = file and file.is_file() and any(file.is_relative_to(folder.resolve()) for folder in folders)
        return file if is_served else None

    def _check_names(self, body: dict[str, Any], visitor: str) -> Response | None:
        """A refusal for a question that names another's session or event."""
        session, event = body.get("session_hash"), body.get("event_id")
        if session is not None and not (isinstance(session, str) and self._names.claim(session, visitor)):
            return PlainTextResponse(NOT_YOURS, 403)
        if event is not None and not (isinstance(event, str) and self._events.has(event, visitor)):
            return PlainTextResponse(NOT_YOURS, 403)
        return None

    def _remember_event(self, visitor: str, send: Send) -> Send:
        """Sends an answer, and notes whose the event is that it may begin."""
        parts: list[bytes] = []

        async def send_noted(message: Message) -> None:
            if message["type"] == "http.response.body" and len(parts) < 2:
                parts.append(message.get("body", b""))
                if not message.get("more_body") and len(whole := b"".join(parts)) < 200:
                    found = re.search(rb'"event_id":\s*"([0-9a-f]+)"', whole)
                    if found:
                        self._events.claim(found[1].decode(), visitor)
            await send(message)

        return send_noted


async def _read_json(scope: Scope, receive: Receive) -> dict[str, Any] | Response:
    """The object of a JSON body, or a refusal."""
    if Headers(scope=scope).get("content-type", "").partition(";")[0].strip() != "application/json":
        return PlainTextResponse("Ask in JSON.", 415)
    try:
        found = json.loads(await Request(scope, receive).body())  # of bounded length, by request_guard.py
    except (ValueError, RecursionError):
        return PlainTextResponse("That is no JSON.", 400)
    except ClientDisconnect:
        return PlainTextResponse("", 400)
    return found if isinstance(found, dict) else PlainTextResponse("That is no question.", 400)


def _replace_body(scope: Scope, receive: Receive, body: dict[str, Any]) -> tuple[Scope, Receive]:
    """The request with this body: as it was read here, whatever else the bytes could have been taken for."""
    data = json.dumps(body).encode()
    kept = [
        (name, value)
        for name, value in scope["headers"]
        if name.lower() not in (b"content-length", b"transfer-encoding")
    ]
    return {**scope, "headers": [*kept, (b"content-length", str(len(data)).encode())]}, hand_on(data, receive)
