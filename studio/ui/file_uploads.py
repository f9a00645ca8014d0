"""Uploads: the files of one form, below the home of whoever sends them.

Answers as Gradio's own upload route does, with the paths of the files, and reads forms as it does. That route would
also read text fields of any length into memory, and leaves files behind. Here what comes is bounded while it arrives,
and nothing of an upload that broke off, was malformed or had no room stays.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path

from gradio.route_utils import GradioMultiPartParser, GradioUploadFile
from gradio_client.utils import strip_invalid_filename_characters
from starlette.concurrency import run_in_threadpool
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from studio.atomic_write import make_folder
from studio.config import MAX_UPLOAD_BYTES, Settings
from studio.guest import Guest
from studio.nouns import Refusal
from studio.system_errors import explain_system_error, refuse_absent
from studio.ui.request_bodies import is_upload, refuse_request
from studio.ui.visiting_studio import VISITOR
from studio.visitors.house import VisitorHouse
from studio.wall_clock import measure_age

MOST_FILES, MOST_OF_A_VISITOR = 100, 20
"""Files in one form, and in a visitor's, which has `MAX_UPLOAD_BYTES` in all."""

STALE_SECONDS = 3600.0
"""How long a visitor's file that was not taken in stays."""

SPARE_BYTES = 100_000
"""What a visitor's form itself may take, beside the files."""

_KIND = re.compile(
    r"""multipart/form-data\s*;\s*boundary=("?)[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]\1\s*""", re.I
)
"""A form with a boundary (RFC 2046: at most 70 characters) and nothing else: Gradio would decode texts by a charset."""


class _TooLarge(Exception):
    """More arrives than may."""


class Uploads:
    """Answers uploads; all else it hands on. With a `house`, whose upload it is stands in the scope under `VISITOR`."""

    def __init__(self, app: ASGIApp, settings: Settings, house: VisitorHouse | None = None) -> None:
        self.app, self._settings, self._house = app, settings, house

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or not is_upload(scope):
            return await self.app(scope, receive, send)
        request = Request(scope, receive)
        if not _KIND.fullmatch(request.headers.get("content-type", "")):
            answer = refuse_request("an upload is multipart/form-data with a boundary of at most 70 characters")
        elif self._house is None:
            answer = await _receive_files(request, self._settings)
        else:
            answer = await self._receive_of_visitor(request, self._house)
        return await answer(scope, receive, send)

    async def _receive_of_visitor(self, request: Request, house: VisitorHouse) -> Response:
        try:
            studio = await run_in_threadpool(house.find, request.scope[VISITOR])
        except Refusal as refusal:
            return JSONResponse({"error": str(refusal)}, 503)
        await run_in_threadpool(_sweep, studio.settings.uploads)
        bounded = Request(request.scope, _bound(request.receive, MAX_UPLOAD_BYTES + SPARE_BYTES))
        return await _receive_files(bounded, studio.settings, studio.guest)


async def _receive_files(request: Request, settings: Settings, guest: Guest | None = None) -> Response:
    """The answer to one upload, whose files are kept in a folder of their own where it is whole."""
    if not settings.cache.is_dir():
        return await _tell(request, refuse_absent())
    folder, is_kept = settings.uploads / secrets.token_hex(16), False
    most = MOST_OF_A_VISITOR if guest else MOST_FILES
    parser = GradioMultiPartParser(
        request.headers, request.stream(), max_files=most, max_fields=0, upload_dir=folder,
        max_file_size=MAX_UPLOAD_BYTES,
    )  # fmt: skip
    try:
        make_folder(folder, settings.cache)
        form = await parser.parse()
        files = [file for file in form.getlist("files") if isinstance(file, GradioUploadFile)]
        if not files or len(files) != len(list(folder.iterdir())):  # of another name, or not whole
            return refuse_request("an upload holds whole files and nothing else")
        if guest:
            guest.require_disk(sum(file.size or 0 for file in files))
        answer = JSONResponse(await run_in_threadpool(_name_files, folder, files))
        is_kept = True
        return answer
    except _TooLarge:
        return JSONResponse({"error": f"An upload has at most {MAX_UPLOAD_BYTES / 1e6:.0f} MB."}, 413)
    except Refusal as refusal:
        return JSONResponse({"error": str(refusal)}, 413)
    except MultiPartException as error:
        return refuse_request(error.message, 413 if "maximum allowed size" in error.message else 400)
    except (ClientDisconnect, KeyError, ValueError):
        return refuse_request("it is no form with files in it")
    except OSError as error:
        if known := explain_system_error(error):
            return await _tell(request, known)
        raise
    finally:
        if not is_kept:
            for file in parser._files_to_close_on_error:  # pyright: ignore[reportPrivateUsage]
                file.close()
            shutil.rmtree(folder, ignore_errors=True)


def _name_files(folder: Path, files: Sequence[GradioUploadFile]) -> list[str]:
    """Put each file into a folder of its own, under the name it was given as far as a file can have it."""
    kept: list[str] = []
    for at, file in enumerate(files):
        file.file.close()
        name = strip_invalid_filename_characters(Path(file.filename or "").name, 120).strip(". ")
        place = make_folder(folder / str(at), folder) / (name or "upload")
        Path(str(file.file.name)).rename(place)
        kept.append(str(place))
    return kept


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


def _sweep(uploads: Path) -> None:
    for left in uploads.glob("*"):
        if measure_age(left) > STALE_SECONDS:
            shutil.rmtree(left, ignore_errors=True)


async def _tell(request: Request, refusal: Refusal) -> JSONResponse:
    """507 (RFC 4918: what is sent can't be stored), and why, once all has come: browsers read the answer only then."""
    with contextlib.suppress(ClientDisconnect, RuntimeError):  # it is gone; all has come already
        async for _ in request.stream():
            pass
    return JSONResponse({"error": str(refusal)}, 507)
