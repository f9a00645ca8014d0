"""What programs send to the endpoints, checked at the door: photos, shots, what may be paid. Raises `Refusal` only.

A photo is an upload, bounded as the page's are, an id, or a data URL: no path of this machine is read that isn't an
upload.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
import shutil
import uuid
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import msgspec

from studio import presets
from studio.config import MAX_UPLOAD_BYTES
from studio.library.disk import size
from studio.nouns import Crop, Photo, Refusal, Shot
from studio.photo.crop import parse_aspect
from studio.spending import Confirmation, Total
from studio.studio import Studio
from studio.ui.uploads import Upload, find_upload
from studio.ui.worded_motion import build_motion

GIVE = (
    "Upload the file first: gradio_client's handle_file does, or POST it to /gradio_api/upload. Or give a photo's id."
)
SERVED = "/gradio_api/file="
DATA_URL = re.compile(r"data:([\w.+/-]*)(?:;[\w.+-]+=[\w.+-]+)*;base64,")


def receive_photo(studio: Studio, given: object) -> Photo:
    """The photo that a program gives, taken in: what gradio_client uploads, the path or the address of an upload, a
    data URL, or the id of a photo that is here. Raises `Refusal`.
    """
    if isinstance(given, dict):
        path, name = given.get("path"), given.get("orig_name")
        if isinstance(path, str):
            return _take_upload(studio, path, name if isinstance(name, str) else "")
    elif isinstance(given, str):
        if re.fullmatch(r"[0-9a-f]{64}", given):
            return studio.photos.get(given)
        if given[:5].lower() == "data:":
            return _take_data(studio, given)
        return _take_upload(studio, given, "")
    raise Refusal("There is no photo in this request.", GIVE)


def _take_upload(studio: Studio, given: str, name: str) -> Photo:
    path = unquote(given.split(SERVED, 1)[1]) if SERVED in given else given
    if SERVED not in given and urlsplit(given[:16]).scheme in ("http", "https", "ftp"):
        raise Refusal("Stir fetches no photo from elsewhere.", GIVE)
    try:
        file = find_upload(studio, Upload(path))
    except (Refusal, OSError, ValueError):
        raise Refusal("There is no uploaded file at this path.", GIVE) from None
    try:
        return studio.photos.take_in(file, Path(name or file.name).name)
    finally:
        file.unlink(missing_ok=True)


def _take_data(studio: Studio, given: str) -> Photo:
    head = DATA_URL.match(given[:200])
    if head is None:
        raise Refusal("This data URL holds no photo.", "Begin it with data:image/jpeg;base64, and the file in base64.")
    if len(given) > MAX_UPLOAD_BYTES * 4 / 3 + 200:
        raise Refusal(f"This photo has more than {size(MAX_UPLOAD_BYTES)}.", "Give a smaller file.")
    try:
        data = base64.b64decode(given[head.end() :], validate=True)
    except (binascii.Error, ValueError):
        raise Refusal("This data URL isn't base64.", "Write the file's bytes in base64, without line ends.") from None
    folder = studio.settings.uploads / f"program-{uuid.uuid4().hex}"
    file = folder / f"photo.{head[1].rpartition('/')[2].split('+')[0][:8] or 'jpg'}"
    try:
        folder.mkdir(parents=True)
        file.write_bytes(data)
        return studio.photos.take_in(file, file.name)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# Shots ----------------------------------------------------------------------------------------------------------------


class ShotRequest(NamedTuple):
    """What a program asks for, unchecked: words, and fields of a Shot, None for those it leaves open."""

    prompt: object
    motion: object
    platform: object
    aspect: object
    fields: dict[str, Any]
    recipe: object


def build_shot(studio: Studio, photo: Photo, ask: ShotRequest) -> Shot:
    """The shot that a program asks for: its motion and place, then `fields`, then `recipe`, any fields of a Shot; the
    crop is put around what matters unless it is given. Raises `Refusal`.
    """
    place = find_place(ask.platform)
    aspect = parse_aspect(str(ask.aspect)[:80]) if ask.aspect else place.aspect if place else "photo"
    seconds = min(max(5.0, place.min_seconds), place.max_seconds) if place else 5.0
    shot = Shot(
        photo, motion=build_motion(ask.motion, ask.prompt), platform=place.id if place else "",
        fps=place.fps if place else 24, seconds=seconds, crop=Crop(aspect=aspect),
    )  # fmt: skip
    given = {name: value for name, value in ask.fields.items() if value is not None}
    recipe = ask.recipe or {}
    if not isinstance(recipe, dict):
        raise Refusal("A recipe is an object of a Shot's fields.", 'Such as {"strength": 0.7}.')
    wanted = {**msgspec.to_builtins(shot), **given, **recipe, "photo": msgspec.to_builtins(photo)}
    try:
        shot = msgspec.convert(wanted, Shot)
    except msgspec.ValidationError as error:
        raise Refusal(f"A value of this request can't be used ({error}).", "See the endpoint's description.") from None
    if shot.crop == Crop(aspect=aspect) and aspect != "photo":
        return msgspec.structs.replace(shot, crop=studio.advice.suggest_crop(photo, aspect, shot.subject).crop)
    return shot


def find_place(words: object) -> presets.Platform | None:
    """The place of this id; None for "". Raises `Refusal` for one that isn't there."""
    if not words:
        return None
    for one in presets.platforms():
        if str(words).strip().casefold() in (one.id, one.title.casefold()):
            return one
    known = ", ".join(one.id for one in presets.platforms())
    raise Refusal(f"There is no place called {str(words)[:80]!r}.", f"Choose from: {known}.")


def require_fitting(studio: Studio, shot: Shot) -> None:
    """Raises `Refusal` where the place that a shot is made for doesn't take it, with what would meet it."""
    found = studio.misfits(shot)
    if found:
        changes = [f"{one.field}={one.change!r}" for one in found if one.change is not None]
        give = f"Give {', '.join(changes)}." if changes else ""
        remedy = " ".join(one.remedy for one in found if one.remedy)
        raise Refusal(" ".join(one.says for one in found), f"{remedy} {give} Or leave out platform.".strip())


# Money ----------------------------------------------------------------------------------------------------------------


def require_payment(total: Total, pay: object, pay_unknown: object) -> Confirmation | None:
    """The confirmation of a price; None for what costs nothing. Raises `Refusal`, naming the price, where `pay` doesn't
    cover it: nothing is bought that wasn't confirmed.
    """
    if not total.lines:
        return None
    allowed = float(pay) if isinstance(pay, int | float) and math.isfinite(pay) else 0.0
    give = [f"pay={total.amount + 0.0049:.2f}"] if total.amount or not total.unknown else []
    give += ["pay_unknown=true"] if total.unknown else []
    where = ", ".join(dict.fromkeys(line.where for line in total.lines))
    if not total.amount <= allowed + 0.005 or (total.unknown and pay_unknown is not True):
        raise Refusal(
            f"This costs {total.words} ({where}), and that isn't confirmed.",
            f"Ask whoever pays; then call again with {' and '.join(give)}, or choose a model that runs here.",
        )
    return Confirmation(total.amount, total.unknown)
