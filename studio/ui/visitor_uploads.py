"""Uploads of a page with visitors: each file straight into the visitor's own folder, whatever it is called.

Answers as Gradio's own upload route does, with the paths of the files. What comes is bounded while it arrives, and
nothing of an upload that was broken off or malformed stays.
"""

from __future__ import annotations

import secrets
import shutil
import time
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Message, Receive

from studio.atomic_write import make_folder
from studio.config import MAX_UPLOAD_BYTES, Settings
from studio.nouns import Refusal
from studio.visitors.house import VisitorHouse

STALE_SECONDS = 3600.0
"""How long a file that nobody has taken in stays."""

SPARE_BYTES = 100_000
"""What the form itself may take, beside the file."""


class _TooLarge(Exception):
    """More arrives than may."""


async def receive_files(request: Request, house: VisitorHouse, visitor: str) -> Response:
    """Keep the files of one upload, at most 200 MB in all. 400 for what is no form of files, 413 for too much."""
    try:
        bounded = Request(request.scope, _bound(request.receive, MAX_UPLOAD_BYTES + SPARE_BYTES))
        async with bounded.form(max_files=20, max_fields=20) as form:
            kept = await run_in_threadpool(_keep, form, house, visitor)
    except _TooLarge:
        return PlainTextResponse(f"An upload has at most {MAX_UPLOAD_BYTES / 1e6:.0f} MB.", 413)
    except Refusal as refusal:
        return PlainTextResponse(str(refusal), 413)
    except (MultiPartException, HTTPException, ClientDisconnect, KeyError, ValueError, UnicodeError):
        return PlainTextResponse("That is no form with files in it.", 400)
    return JSONResponse(kept) if kept else PlainTextResponse("There is no file in that form.", 400)


def _bound(receive: Receive, most: int) -> Receive:
    left = most

    async def receive_bounded() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise _TooLarge
        return message

    return receive_bounded


def _keep(form: FormData, house: VisitorHouse, visitor: str) -> list[str]:
    """Copy what arrived into the visitor's folder. Raises `Refusal` where their share of the disk is full."""
    settings: Settings = house.find(visitor).settings
    files = [file for file in form.getlist("files") if isinstance(file, UploadFile)]
    house.find(visitor).guest.require_disk(sum(file.size or 0 for file in files))
    for left in settings.uploads.glob("*"):
        if time.time() - left.stat().st_mtime > STALE_SECONDS:
            shutil.rmtree(left, ignore_errors=True)
    kept: list[str] = []
    for file in files:
        folder = make_folder(settings.uploads / secrets.token_hex(16), settings.cache)
        ending = Path(Path(file.filename or "").name).suffix.lower()
        place = folder / f"upload{ending if ending[1:].isalnum() and len(ending) < 12 else ''}"
        with place.open("wb") as sink:
            shutil.copyfileobj(file.file, sink)
        kept.append(str(place))
    return kept
