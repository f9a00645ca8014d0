"""What programs send to the endpoints, checked at the door: files, shots, what may be paid. Raises `Refusal` only.

A file is an upload, bounded as the page's are, or a data URL: no path of this machine is read that isn't an
upload.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
import shutil
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import unquote, urlsplit

import msgspec

from studio import presets
from studio.atomic_write import make_folder
from studio.batch.batch_nouns import MOST_PHOTOS, BatchSettings
from studio.config import MAX_UPLOAD_BYTES
from studio.library.disk import size
from studio.nouns import Crop, Finish, Motion, Photo, Refusal, Shot, Track
from studio.photo.crop import parse_aspect
from studio.spending import Confirmation, Total
from studio.studio import Studio
from studio.ui import batch_uploads
from studio.ui.uploads import Upload, find_upload
from studio.ui.worded_motion import build_motion, find_preset

GIVE = (
    "Upload the file first: gradio_client's handle_file does, or POST it to /gradio_api/upload. Or give a photo's id."
)
MOST_LISTED = 1000
"""Clips or platforms in one request."""

N = TypeVar("N")
SERVED = "/gradio_api/file="
DATA_URL = re.compile(r"data:([\w.+/-]*)(?:;[\w.+-]+=[\w.+-]+)*;base64,")


def receive_photo(studio: Studio, given: object) -> Photo:
    """The photo that a program gives, taken in: a file as `open_given` takes it, or the id of a photo that is here.
    Raises `Refusal`.
    """
    if isinstance(given, str) and re.fullmatch(r"[0-9a-f]{64}", given):
        return studio.photos.get(given)
    with open_given(studio, given) as (file, name):
        return studio.photos.take_in(file, name)


def receive_sound(studio: Studio, given: object) -> Track | None:
    """Music or a voice that a program gives, taken in; None for none. Raises `Refusal`."""
    if given is None or given == "":
        return None
    with open_given(studio, given) as (file, name):
        return Track(studio.attachments.take_in(file, name, "audio"))


def receive_photos(studio: Studio, given: object) -> tuple[list[Path], list[str]]:
    """The files of a batch, ZIPs among them, in a folder of their own, and what each is called. Raises `Refusal`."""
    if not isinstance(given, list) or not 0 < len(given) <= MOST_PHOTOS:
        raise Refusal(f"A batch is made of 1 to {MOST_PHOTOS} photos, or ZIPs of them.", "Give a list of them.")
    folder = make_folder(batch_uploads.find_folder(studio) / uuid.uuid4().hex, studio.settings.cache)
    files: list[Path] = []
    names: list[str] = []
    try:
        for one in given:
            with open_given(studio, one) as (file, name):
                files.append(Path(shutil.move(file, folder / f"{len(files):05d}{Path(name).suffix.lower()[:10]}")))
                names.append(name)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return files, names


@contextmanager
def open_given(studio: Studio, given: object) -> Generator[tuple[Path, str]]:
    """A file that a program gives and what it is called: what gradio_client uploads, the path or the address of an
    upload, or a data URL. It is removed afterwards. Raises `Refusal`.
    """
    if isinstance(given, str) and given[:5].lower() == "data:":
        with _open_data(studio, given) as file:
            yield file, file.name
        return
    path, name = (given.get("path"), given.get("orig_name")) if isinstance(given, dict) else (given, "")
    if not isinstance(path, str):
        raise Refusal("There is no file in this request.", GIVE)
    file = _find_given(studio, path)
    try:
        yield file, Path(name if isinstance(name, str) and name else file.name).name
    finally:
        file.unlink(missing_ok=True)


def _find_given(studio: Studio, given: str) -> Path:
    path = unquote(given.split(SERVED, 1)[1]) if SERVED in given else given
    if SERVED not in given and urlsplit(given[:16]).scheme in ("http", "https", "ftp"):
        raise Refusal("Stir fetches nothing from elsewhere.", GIVE)
    try:
        return find_upload(studio, Upload(path))
    except (Refusal, OSError, ValueError):
        raise Refusal("There is no uploaded file at this path.", GIVE) from None


@contextmanager
def _open_data(studio: Studio, given: str) -> Generator[Path]:
    head = DATA_URL.match(given[:200])
    if head is None:
        raise Refusal("This data URL holds no file.", "Begin it with data:image/jpeg;base64, and the file in base64.")
    if len(given) > MAX_UPLOAD_BYTES * 4 / 3 + 200:
        raise Refusal(f"This file has more than {size(MAX_UPLOAD_BYTES)}.", "Give a smaller one.")
    try:
        data = base64.b64decode(given[head.end() :], validate=True)
    except (binascii.Error, ValueError):
        raise Refusal("This data URL isn't base64.", "Write the file's bytes in base64, without line ends.") from None
    folder = studio.settings.uploads / f"program-{uuid.uuid4().hex}"
    try:
        make_folder(folder, studio.settings.cache)
        file = folder / f"file.{head[1].rpartition('/')[2].split('+')[0][:8] or 'jpg'}"
        file.write_bytes(data)
        yield file
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
    wanted = {**msgspec.to_builtins(shot), **given, **_read_fields(ask.recipe), "photo": msgspec.to_builtins(photo)}
    shot = _convert(wanted, Shot)
    if shot.crop == Crop(aspect=aspect) and aspect != "photo":
        return msgspec.structs.replace(shot, crop=studio.advice.suggest_crop(photo, aspect, shot.subject).crop)
    return shot


def _read_fields(given: object) -> dict[str, Any]:
    if given is not None and not isinstance(given, dict):
        raise Refusal("A recipe is an object of fields by their names.", 'Such as {"strength": 0.7}.')
    return given or {}


def _convert(given: dict[str, Any], noun: type[N]) -> N:
    try:
        return msgspec.convert(given, noun)
    except msgspec.ValidationError as error:
        raise Refusal(f"A value of this request can't be used ({error}).", "See the endpoint's description.") from None


def build_settings(given: dict[str, Any]) -> BatchSettings:
    """The settings of a batch: fields of BatchSettings, of which `preset` is the id or title of a motion, `platforms`
    ids or titles; what is None is left out. Raises `Refusal`.
    """
    wanted = {name: value for name, value in given.items() if value is not None}
    preset = find_preset(wanted["preset"]) if wanted.get("preset") else None
    wanted["platforms"] = [place.id for one in read_list(wanted.get("platforms", [])) if (place := find_place(one))]
    wanted["preset"] = preset.id if preset else ""
    wanted["motion"] = msgspec.to_builtins(preset.motion if preset else Motion())
    return _convert(wanted, BatchSettings)


def build_finish(studio: Studio, clips: object, given: object, sounds: dict[str, Track | None]) -> Finish:
    """What is done to clips of the library: fields of a Finish, and sounds of its mix. Raises `Refusal`."""
    if not isinstance(clips, list) or not clips:
        raise Refusal("There is no clip in this request.", "Give the ids of clips; library lists them.")
    finish = _convert({**_read_fields(given), "clips": clips}, Finish)
    for clip in finish.clips:
        studio.library.get(clip)
    added = {name: track for name, track in sounds.items() if track}
    return msgspec.structs.replace(finish, mix=msgspec.structs.replace(finish.mix, **added))


def read_list(given: object) -> list[object]:
    """A list of clips or platforms. Raises `Refusal` for anything else, and for one that is too long."""
    if not isinstance(given, list):
        raise Refusal("The clips and the platforms are lists.", 'Give them such as ["reels", "shorts"].')
    if len(given) > MOST_LISTED:
        raise Refusal(f"{len(given)} clips or platforms are too many.", f"Give at most {MOST_LISTED}.")
    return given


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
    is_number = isinstance(pay, int | float) and not isinstance(pay, bool)  # true is no dollar
    allowed = float(pay) if is_number and math.isfinite(pay) else 0.0
    give = [f"pay={total.amount + 0.0049:.2f}"] if total.amount or not total.unknown else []
    give += ["pay_unknown=true"] if total.unknown else []
    where = ", ".join(dict.fromkeys(line.where for line in total.lines))
    if not total.amount <= allowed + 0.005 or (total.unknown and pay_unknown is not True):
        raise Refusal(
            f"This costs {total.words} ({where}), and that isn't confirmed.",
            f"Ask whoever pays; then call again with {' and '.join(give)}, or choose a model that runs here.",
        )
    return Confirmation(total.amount, total.unknown)
