"""The photos the studio holds: files taken in, originals kept by content, display copies, and upscaled ones.

How bytes become pixels is in image_decoder.py. No message names a path.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from studio.atomic_write import keep_newest, sweep_unfinished, write_whole
from studio.config import MAX_UPLOAD_BYTES, Settings
from studio.hung_threads import WorkLock
from studio.nouns import Mend, Photo, Refusal
from studio.photo.auxiliaries.auxiliary_store import keep_auxiliaries
from studio.photo.brush_mask import decode_brush
from studio.photo.crop import Image
from studio.photo.intake import file_signature
from studio.photo.intake.image_decoder import ENDINGS, decode_image
from studio.photo.mend import apply_mends, check_mends, derive_photo
from studio.photo.subject_mask import resolve_subject
from studio.system_errors import explain_system_error, raise_known, refuse_absent, refuse_unwritten
from studio.wall_clock import make_newest

VIEW_SIDE = 1600
VIEW_QUALITY = 88
LONGEST_NAME = 255
"""Letters of a photo's name that are kept."""

_KEPT_PIXELS = 52_000_000
"""Up to this size the last photo stays decoded in memory (156 MB): taking in, cropping and reading ask for the same
one.
"""


def read_photo(file: Path, name: str = "", damaged: bool = False) -> tuple[Photo, Image]:
    """A photo and its pixels, uint8 (H, W, 3) sRGB RGB, upright, read-only. `name` is what to call it (the file's own).

    Raises `Refusal`, with a remedy, for anything that is not a photograph within the limits: 200 MB, 250 megapixels, 64
    px. What is left of a file that was cut short opens where `damaged` says so.
    """
    got = decode_image(_read_bytes(file), name or file.name, damaged)
    return got.photo, got.image


def _read_bytes(file: Path) -> bytes:
    """All of a file. Raises `Refusal` for a folder, a device, nothing, too much, or what can't be opened."""
    try:
        about = file.stat()
        mode = about.st_mode
        if stat.S_ISDIR(mode):
            raise Refusal("This is a folder, not a photo.", "Open it and add the photographs inside.")
        if not stat.S_ISREG(mode):
            raise Refusal("This is not an ordinary file.", f"Add a {file_signature.READS} file.")
        with file.open("rb") as source:
            data = source.read(min(about.st_size, MAX_UPLOAD_BYTES) + 1)  # so much is allocated, whatever comes
    except FileNotFoundError:
        raise Refusal("That file is not there any more.", "Check where it was moved to, then add it again.") from None
    except (OSError, ValueError) as error:
        raise_known(error)
        why = getattr(error, "strerror", None) or "it can't be opened"
        raise Refusal(
            f"This file can't be read ({why}).", "Check its permissions, or copy it elsewhere first."
        ) from None
    if not data:
        raise Refusal("This file is empty.", "Copy or download it again, then add it.")
    if len(data) > MAX_UPLOAD_BYTES:
        raise Refusal(
            f"This file is over {MAX_UPLOAD_BYTES / 1e6:.0f} MB.",
            "Save it as a JPG, or at a smaller size, and add that.",
        )
    return data


Matte = NDArray[np.float32] | None
T = TypeVar("T")


class Watched(Protocol):
    """Does work that may hang, and gives up where it does. Raises `Refusal` then."""

    def __call__(self, work: Callable[[], T], /) -> T: ...  # noqa: D102


def do_unwatched(work: Callable[[], T]) -> T:
    """Do work as long as it takes."""
    return work()


class PhotoStore:
    """The photos the studio holds: originals named by content, a display copy of each, and the noun beside them; at
    most so many, 0 for any number. `watched` opens and mends them.
    """

    def __init__(self, settings: Settings, most: int = 0, watched: Watched = do_unwatched) -> None:
        self._most, self._watched = most, watched
        self._photos = settings.photos
        self._views = settings.views
        self._settings = settings
        self._lock = threading.Lock()
        self._opening = WorkLock()  # of ten photos that come at once one is in memory; who wants the same waits
        self._last: tuple[str, Image] | None = None
        self._mended = MendedCache(settings.cache / "mended", watched)
        for folder in (self._photos, self._views):
            sweep_unfinished(folder)

    def take_in(self, file: Path, name: str = "", damaged: bool = False) -> Photo:
        """Read a file and keep it. The same picture taken in twice is one photo, under its newest name.

        Keeps the original bytes (without the video behind a Motion Photo), a display JPEG (at most 1600 px, no
        metadata), the depth map and portrait matte that the file carries and the noun, each written whole or not at
        all. Raises `Refusal` as `read_photo` does, and when it can't be written.
        """
        with self._opening:
            return self._watched(lambda: self._take_in(file, (name or file.name)[:LONGEST_NAME], damaged))

    def _take_in(self, file: Path, name: str, damaged: bool) -> Photo:
        got = decode_image(_read_bytes(file), name, damaged)
        self._require_place(got.photo.id)
        try:
            if self._find_original(got.photo.id) is None:
                write_whole(self._photos / f"{got.photo.id}{got.ending}", got.kept)
            if not self._view(got.photo.id).is_file():
                write_whole(self._view(got.photo.id), _make_display(got.image))
            photo = keep_auxiliaries(got.photo, got.image, got.data, self._find_before(got.photo.id), self._settings)
            write_whole(self._photos / f"{photo.id}.json", msgspec.json.encode(photo))
        except OSError as error:
            raise refuse_unwritten(error, "The folder of photos") from None
        self._remember(photo.id, got.image)
        return photo

    def _require_place(self, photo_id: str) -> None:
        """Raises `Refusal` where a photo would be one more than may be kept."""
        kept = {file.stem for file in self._photos.glob("*.json")} if self._most else set()
        if self._most and photo_id not in kept and len(kept) >= self._most:
            raise Refusal(
                f"At most {self._most} of your photos are kept here.",
                "Go on with those that are here, or delete all that is yours at the top of the page.",
            )

    def pixels(self, photo: Photo) -> Image:
        """The whole photo, uint8 (H, W, 3) sRGB RGB, upright, read-only. Raises `Refusal` when it is not here."""
        image = self._recall(photo.id)
        if image is not None:
            return image
        with self._opening:
            image = self._recall(photo.id)
            return self._watched(lambda: self._open_original(photo)) if image is None else image

    def require_original(self, photo: Photo) -> None:
        """Raises `Refusal` when the photo is not here, without opening it."""
        if self._find_original(photo.id) is None:
            raise self._refuse_missing()

    def _open_original(self, photo: Photo) -> Image:
        original = self._find_original(photo.id)
        if original is None:
            raise self._refuse_missing()
        _, image = read_photo(original, photo.name, damaged=True)  # whoever took it in has agreed
        self._remember(photo.id, image)
        return image

    def _recall(self, photo_id: str) -> Image | None:
        with self._lock:
            return self._last[1] if self._last and self._last[0] == photo_id else None

    def mend(self, photo: Photo, mends: tuple[Mend, ...]) -> Image:
        """The whole photo with its mends done, read-only. Raises `Refusal` as `pixels` does.

        The last one is remembered, and an upscaled one kept on the disk: it takes some 10 s a megapixel to make.
        """
        return self._mended.image(photo, mends, lambda: self.pixels(photo), lambda: self._find_matte(photo))

    def _find_matte(self, photo: Photo) -> Matte:
        """The photo's own matte, (h, w) 0..1, None where it has none that isn't doubted."""
        own = resolve_subject(photo, "", self._settings)
        return decode_brush(own) if own else None

    def resolve_subject(self, photo: Photo, subject: str) -> str:
        """The mask of what a photo is of, as base64 of a grey PNG, "" for none; `subject` is `Shot.subject`."""
        return resolve_subject(photo, subject, self._settings)

    def view(self, photo: Photo) -> Path:
        """The display JPEG of a photo: sRGB, at most 1600 px, with no location or any other metadata.

        Made again when it was lost. Raises `Refusal` when the photo is not here either.
        """
        shown = self._view(photo.id)
        if not shown.is_file():
            try:
                write_whole(shown, _make_display(self.pixels(photo)))
            except OSError as error:
                raise refuse_unwritten(error, "The folder of photos") from None
        return shown

    def get(self, photo_id: str) -> Photo:
        """The photo with this id. Raises `Refusal` when it is not here."""
        try:
            return msgspec.json.decode((self._photos / f"{_check_id(photo_id)}.json").read_bytes(), type=Photo)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise explain_system_error(error) or _refuse_missing() from None

    def _refuse_missing(self) -> Refusal:
        return _refuse_missing() if self._photos.is_dir() else refuse_absent()

    def _find_before(self, photo_id: str) -> Photo | None:
        with contextlib.suppress(Refusal):
            return self.get(photo_id)
        return None

    def _view(self, photo_id: str) -> Path:
        return self._views / f"{_check_id(photo_id)}.jpg"

    def _find_original(self, photo_id: str) -> Path | None:
        names = (self._photos / f"{_check_id(photo_id)}{ending}" for ending in ENDINGS.values())
        return next((name for name in names if name.is_file()), None)

    def _remember(self, photo_id: str, image: Image) -> None:
        if image.shape[0] * image.shape[1] <= _KEPT_PIXELS:
            with self._lock:
                self._last = (photo_id, image)


def _refuse_missing() -> Refusal:
    return Refusal("That photo is not in the studio.", "Add it again.")


def _check_id(photo_id: str) -> str:
    """An id that is safe in a file name. Raises `Refusal` for anything but 64 hexadecimal digits."""
    if not re.fullmatch("[0-9a-f]{64}", photo_id):
        raise _refuse_missing()
    return photo_id


def _make_display(image: Image) -> bytes:
    """A JPEG of at most 1600 px on its long side, made from pixels alone, so that no metadata can follow."""
    height, width = image.shape[:2]
    scale = min(VIEW_SIDE / max(height, width), 1.0)
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    sink = io.BytesIO()
    Pillow.fromarray(image).save(sink, "JPEG", quality=VIEW_QUALITY)
    return sink.getvalue()


MOST_KEPT = 6
"""How many upscaled photos, of some 10 to 40 MB, stay on the disk."""


class MendedCache:
    """Mended photos: the last one in memory, upscaled ones on the disk as well, the newest few of them."""

    def __init__(self, folder: Path, watched: Watched) -> None:
        self._folder, self._watched = folder, watched
        sweep_unfinished(folder)
        self._lock = threading.Lock()
        self._enlarging = WorkLock()
        self._last: tuple[str, Image] | None = None

    def image(
        self, photo: Photo, mends: tuple[Mend, ...], original: Callable[[], Image], find_matte: Callable[[], Matte]
    ) -> Image:
        """The photo with its mends done, read-only; `original` gives its pixels and `find_matte` the phone's matte of
        it where they are needed. Raises as `check` does.
        """
        if not mends:
            return original()
        check_mends(photo, mends)
        wanted = derive_photo(photo, mends).id
        with self._lock:
            if self._last and self._last[0] == wanted:
                return self._last[1]
        image = self._watched(lambda: self._apply(photo, mends, original, find_matte()))
        image.flags.writeable = False
        with self._lock:
            self._last = (wanted, image)
        return image

    def _apply(self, photo: Photo, mends: tuple[Mend, ...], original: Callable[[], Image], matte: Matte) -> Image:
        """Done from the last upscale on, where that was kept: it alone takes long."""
        names = [mend.name for mend in mends]
        if "upscale" not in names:
            return apply_mends(original(), mends, matte)
        upto = names.index("upscale") + 1
        with self._enlarging:  # whoever asks for the same meanwhile waits for it, and finds it kept
            large = self._upscale(photo, mends[:upto], original, matte)
        return apply_mends(large, mends[upto:], matte)

    def _upscale(self, photo: Photo, mends: tuple[Mend, ...], original: Callable[[], Image], matte: Matte) -> Image:
        file = self._folder / f"{derive_photo(photo, mends).id}.png"
        large = _read_kept(file)
        if large is None:
            large = apply_mends(original(), mends, matte)
            with contextlib.suppress(OSError):  # a full disk costs time at the next turn, nothing else
                self._folder.mkdir(exist_ok=True)
                _, data = cv2.imencode(".png", cv2.cvtColor(large, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, 1])
                write_whole(file, data.tobytes())
                make_newest(file)
                keep_newest(self._folder, "*.png", MOST_KEPT)
        return large


def _read_kept(file: Path) -> Image | None:
    """A kept image, now the freshest; None where there is none or it is damaged."""
    with contextlib.suppress(OSError):
        data = np.frombuffer(file.read_bytes(), np.uint8)
        os.utime(file)
        found = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
        return None if found is None else np.asarray(cv2.cvtColor(found, cv2.COLOR_BGR2RGB), np.uint8)
    return None
