"""Thumbnails of clips for the grid and of photos for the strip: JPEGs in the cache, made on first use.

They go when their clip goes, and can always be made again.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from studio.atomic_write import make_folder, replace_whole
from studio.nouns import Clip, Photo, Refusal
from studio.studio import Studio

HEIGHT = 368
"""Pixels: twice the height of a tile, for fine screens."""


PHOTO_SIDE = 256
"""Pixels of a photo's height: a crop of a third of it still fills a thumbnail of the strip on a fine screen."""

PHOTOS, FIRSTS = "photos", "first"
"""The folders for those and for clips' first frames, inside the other."""


def find_folder(studio: Studio) -> Path:
    """Where they are kept."""
    return studio.settings.thumbs


def make_clip_thumb(studio: Studio, clip: Clip, make: bool = True) -> Path:
    """The small picture of a clip, made on first use; its path even when there is no poster to make it from.

    Where it may not be made now, the poster itself stands in.
    """
    file = find_folder(studio) / f"{clip.id}.jpg"
    if file.exists():
        return file
    if not make:
        return studio.settings.clips / clip.poster
    from PIL import Image

    with suppress(Refusal, OSError), Image.open(studio.library.poster(clip)) as poster:
        poster.thumbnail((HEIGHT * 4, HEIGHT))
        make_folder(file.parent, studio.settings.cache)
        with replace_whole(file) as half:
            poster.convert("RGB").save(half, "JPEG", quality=82)
    return file


def make_first_frame(studio: Studio, clip: Clip, make: bool = True) -> Path | None:
    """A clip's first frame, made on first use: what stands in a player until its film has begun.

    None where it can't be made, or may not be made now.
    """
    file = find_folder(studio) / FIRSTS / f"{clip.id}.jpg"
    if file.exists():
        return file
    if not make:
        return None
    from PIL import Image

    from studio.clip.clip_reader import decode_first_frame

    with suppress(Refusal, OSError, ValueError):
        picture = Image.fromarray(decode_first_frame(studio.library.file(clip)))
        make_folder(file.parent, studio.settings.cache)
        with replace_whole(file) as half:
            picture.save(half, "JPEG", quality=88)
        return file
    return None


def make_photo_thumb(studio: Studio, photo: Photo) -> Path:
    """The small picture of a photo, made on first use; the display copy itself where it can't be made.

    Raises `Refusal` when the photo isn't here.
    """
    file = find_folder(studio) / PHOTOS / f"{photo.id}.jpg"
    if file.exists():
        return file
    from PIL import Image

    view = studio.photos.view(photo)
    with suppress(OSError), Image.open(view) as picture:
        picture.thumbnail((PHOTO_SIDE * 2, PHOTO_SIDE))
        make_folder(file.parent, studio.settings.cache)
        with replace_whole(file) as half:
            picture.convert("RGB").save(half, "JPEG", quality=82)
        return file
    return view


def sweep_thumbs(studio: Studio) -> None:
    """Remove the pictures of clips that are gone for good."""
    folder = find_folder(studio)
    kept = {*studio.library.ids(), *studio.library.ids(trashed=True)}
    for file in (*folder.glob("*.*"), *(folder / FIRSTS).glob("*.*")):
        if file.stem not in kept and not studio.library.has(file.stem):  # one may have come meanwhile
            file.unlink(missing_ok=True)
