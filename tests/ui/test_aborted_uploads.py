"""Uploads that break off or fall silent: they end, and nothing of them stays on the disk."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.types import Message

from studio.ui.request_bodies import give_up_after
from tests.fakes.waiting import until
from tests.ui.conftest import App

HEAD = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
WHOLE = HEAD + b"q" * 3_000_000 + b"\r\n--x--\r\n"


def begin_upload(app: App, count: int) -> socket.socket:
    """A connection over which so many bytes of an upload have gone."""
    port = int(app.url.rpartition(":")[2].strip("/"))
    line = socket.create_connection(("127.0.0.1", port), timeout=10)
    kind = b"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: %d\r\n\r\n" % len(WHOLE)
    line.sendall(b"POST /gradio_api/upload HTTP/1.1\r\nHost: 127.0.0.1\r\n" + kind + WHOLE[:count])
    return line


def test_an_upload_that_breaks_off_leaves_nothing(served: App) -> None:
    folder = served.studio.settings.uploads
    lines = [begin_upload(served, count) for count in (len(HEAD) - 4, len(HEAD) + 9, 1_500_000, len(WHOLE) - 3)]
    until(lambda: len([one for one in folder.rglob("*") if one.is_file()]) >= 2)  # they are being written
    for line in lines:
        line.close()
    until(lambda: not any(one.is_file() for one in folder.rglob("*")))


def test_a_body_that_falls_silent_is_given_up() -> None:
    async def hear(parts: list[Message]) -> list[Message]:
        async def receive() -> Message:
            if not parts:
                await asyncio.Event().wait()
            return parts.pop(0)

        soon = give_up_after(0.05, receive)
        return [await soon() for _ in range(len(parts) + 1)]

    part: Message = {"type": "http.request", "body": b"--x", "more_body": True}
    last: Message = {**part, "more_body": False}
    end: Message = {"type": "http.disconnect"}
    with ThreadPoolExecutor(1) as pool:  # a browser's loop may run in this thread
        assert pool.submit(asyncio.run, hear([part, part])).result() == [part, part, end]
        with pytest.raises(TimeoutError):  # of a whole one, nothing is awaited but that whoever sent it goes
            pool.submit(asyncio.run, asyncio.wait_for(hear([part, last]), 0.2)).result()
