"""Where files lie, as a visitor sees it: "/mine/clips/1.mp4" for what is theirs, "/stir/motions/a.webp" for what ships.

No path of this machine leaves in an answer, and none is taken in a question: a name of a file is read below one of the
two folders, so that another visitor's file has no name at all.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import Message, Send

from studio.config import ASSETS

MINE, SHIPPED = "/mine", "/stir"

WHOLE = ("application/json", "text/html")
"""Answers that are sent once they are whole, with aliases in them."""


class PathAliases:
    """One visitor's two folders and their aliases."""

    def __init__(self, home: Path) -> None:
        self._folders = {MINE: home.resolve(), SHIPPED: ASSETS.resolve()}
        self._needles = [
            (written, alias.encode())
            for alias, folder in self._folders.items()
            for written in {str(folder).encode(), json.dumps(str(folder))[1:-1].encode()}
        ]

    def find(self, alias: str) -> Path | None:
        """The path that an alias names, resolved; None for what lies elsewhere."""
        for start, folder in self._folders.items():
            if alias.startswith(f"{start}/"):
                try:
                    found = (folder / alias[len(start) :].lstrip("/")).resolve()
                except (OSError, ValueError, RuntimeError):
                    return None
                return found if found.is_relative_to(folder) else None
        return None

    def read(self, value: Any) -> Any:
        """A question's value with paths for the aliases that stand under "path" in its objects: words stay words,
        whatever they begin with, or a clip's title could tell the path.
        """
        if isinstance(value, list):
            return [self.read(one) for one in value]
        if not isinstance(value, dict):
            return value
        return {
            name: self._read_name(one) if name == "path" and isinstance(one, str) else self.read(one)
            for name, one in value.items()
        }

    def _read_name(self, name: str) -> str:
        address, file, alias = name.partition("/gradio_api/file=") if name.startswith("http") else ("", "", name)
        named = alias.startswith((f"{MINE}/", f"{SHIPPED}/"))
        return f"{address}{file}{self.find(alias) or ''}" if named else name

    def hide(self, data: bytes) -> bytes:
        """An answer with aliases for the paths in it."""
        for written, alias in self._needles:
            data = data.replace(written, alias)
        return data

    def wrap_send(self, send: Send) -> Send:
        """Sends answers with aliases in them: JSON and pages once they are whole, streams event by event; files as they
        are.
        """
        start: Message = {}
        parts: list[bytes] = []
        kind = ""

        async def send_hidden(message: Message) -> None:
            nonlocal start, kind
            if message["type"] == "http.response.start":
                kind = Headers(raw=message["headers"]).get("content-type", "").partition(";")[0]
                start = message
                if kind not in WHOLE:
                    await send(message)
            elif kind not in WHOLE:
                if kind == "text/event-stream":
                    message = {**message, "body": self.hide(message.get("body", b""))}
                await send(message)
            else:
                parts.append(message.get("body", b""))
                if message.get("more_body"):
                    return
                body = self.hide(b"".join(parts))
                MutableHeaders(scope=start)["content-length"] = str(len(body))
                await send(start)
                await send({"type": "http.response.body", "body": body})

        return send_hidden
