"""Uploaded files, and what each of them is: a photo, a clip or a recipe.

Only files in Gradio's upload folder are taken, whatever they are called, and each is removed once the studio has its
own copy.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec

from studio import presets
from studio.config import ASSETS
from studio.exports import read_recipe
from studio.nouns import Attachment, FilePath, Hash, Noun, Photo, Refusal, Short, Shot
from studio.studio import Studio
from studio.ui.html_part import Call, make_call
from studio.ui.path_aliases import PathAliases
from studio.ui.thumbnails import make_photo_thumb

CLIPS = {".mp4", ".webm", ".json"}
"""Endings that can only be a clip or its recipe; a .gif or .webp may be either and is tried as a clip first."""
EITHER = {".gif", ".webp"}


class AttachmentId(Noun, frozen=True):
    """A sound or a film by its id."""

    id: Hash


class Upload(Noun, frozen=True):
    """A file that the page has uploaded: where it is, what the user calls it, and whether what is left of a photo that
    was cut short may open.
    """

    path: FilePath
    name: Short = ""
    damaged: bool = False


def find_upload(studio: Studio, upload: Upload) -> Path:
    """The uploaded file, by its path or a visitor's alias. Raises `Refusal` for any path that is not an upload."""
    folder = studio.settings.uploads.resolve()
    alias = PathAliases(studio.settings.home).find(upload.path) if studio.settings.visitors else None
    file = alias or Path(upload.path).resolve()
    if not file.is_relative_to(folder) or not file.is_file():
        raise Refusal("That file did not arrive.", "Drop it here again.")
    try:
        studio.guest.require_disk()
    except Refusal:
        file.unlink(missing_ok=True)
        raise
    return file


def show_photo(studio: Studio, photo: Photo) -> dict[str, Any]:
    """A photo as the page shows it; `view` is the display copy, `thumb` a small one for the strip."""
    return {
        **msgspec.to_builtins(photo),
        "view": str(studio.photos.view(photo)),
        "thumb": str(make_photo_thumb(studio, photo)),
    }


def show_shot(studio: Studio, shot: Shot) -> dict[str, Any]:
    """A recipe for the desk, with its photo when it is in this home; otherwise its name, to ask for it."""
    photo = _show_if_here(studio, shot.photo)
    end = _show_if_here(studio, shot.end.photo) if shot.end else None
    missing = shot.photo.name or "its photo"
    return {"kind": "shot", "shot": msgspec.to_builtins(shot), "photo": photo, "end": end, "missing": missing}


def _show_if_here(studio: Studio, photo: Photo) -> dict[str, Any] | None:
    try:
        return show_photo(studio, studio.photos.get(photo.id))
    except Refusal:
        return None


def receive_upload(studio: Studio, upload: Upload) -> dict[str, Any]:
    """Take in whatever was dropped: a photo, or a clip or recipe whose settings come back."""
    file = find_upload(studio, upload)
    name = Path(upload.name or file.name).name
    ending = Path(name).suffix.lower()
    try:
        if ending in CLIPS:
            return show_shot(studio, read_recipe(file))
        if ending in EITHER:
            try:
                return show_shot(studio, read_recipe(file))
            except Refusal:
                pass  # an ordinary picture
        return {"kind": "photo", "photo": show_photo(studio, studio.photos.take_in(file, name, upload.damaged))}
    finally:
        file.unlink(missing_ok=True)


class AttachmentUpload(Upload, frozen=True):
    """A sound, a film or a logo that goes with a shot, uploaded by the page or recorded in it."""

    kind: Literal["audio", "video", "image"] = "audio"


def make_attachment_calls(studio: Studio) -> list[Call]:
    """What is asked of sounds and films: taking one in, and where one lies."""

    def take(ask: AttachmentUpload) -> Attachment:
        file = find_upload(studio, ask)
        try:
            return studio.attachments.take_in(file, Path(ask.name or file.name).name, ask.kind)
        finally:
            file.unlink(missing_ok=True)

    def see(ask: AttachmentId) -> dict[str, str]:
        return {"path": str(studio.attachments.file(ask.id))}

    return [
        make_call("take_attachment", AttachmentUpload, take),
        make_call("see_attachment", AttachmentId, see),
    ]


def take_sample(studio: Studio, name: str) -> dict[str, Any]:
    """Take in one of the photographs that ship. Raises `Refusal` for any other name."""
    for one in presets.samples():
        if one.file == name:
            return {
                "kind": "photo",
                "photo": show_photo(studio, studio.photos.take_in(ASSETS / "samples" / one.file, one.title)),
            }
    raise Refusal("There is no such sample.", "Pick one of those shown.")
