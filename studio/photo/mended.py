"""Mended photos that are kept: what took long to make is not made twice.

Knows which of them are worth keeping, and where. Refuses to know what mends do (mend.py), and to keep anything for ever: all
of it can be made again from the originals.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from studio.nouns import Mend, Photo
from studio.photo.crop import Image
from studio.photo.mend import apply, check, derived
from studio.photo.whole import sweep, thin, write

MOST_KEPT = 6
"""How many upscaled photos, of some 10 to 40 MB, stay on the disk."""


class Mended:
    """Mended photos: the last one in memory, upscaled ones on the disk as well, the newest few of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        sweep(folder)
        self._lock = threading.Lock()
        self._enlarging = threading.Lock()
        self._last: tuple[str, Image] | None = None

    def image(self, photo: Photo, mends: tuple[Mend, ...], original: Callable[[], Image]) -> Image:
        """The photo with its mends done, read-only; `original` gives its pixels where they are needed. Raises as `check` does."""
        if not mends:
            return original()
        check(photo, mends)
        wanted = derived(photo, mends).id
        with self._lock:
            if self._last and self._last[0] == wanted:
                return self._last[1]
        image = self._made(photo, mends, original)
        image.flags.writeable = False
        with self._lock:
            self._last = (wanted, image)
        return image

    def _made(self, photo: Photo, mends: tuple[Mend, ...], original: Callable[[], Image]) -> Image:
        """Done from the last upscale on, where that was kept: it alone takes long."""
        names = [mend.name for mend in mends]
        if "upscale" not in names:
            return apply(original(), mends)
        upto = names.index("upscale") + 1
        with self._enlarging:  # whoever asks for the same meanwhile waits for it, and finds it kept
            large = self._enlarged(photo, mends[:upto], original)
        return apply(large, mends[upto:])

    def _enlarged(self, photo: Photo, mends: tuple[Mend, ...], original: Callable[[], Image]) -> Image:
        file = self._folder / f"{derived(photo, mends).id}.png"
        large = _read(file)
        if large is None:
            large = apply(original(), mends)
            with contextlib.suppress(OSError):  # a full disk costs time at the next turn, nothing else
                self._folder.mkdir(parents=True, exist_ok=True)
                _, data = cv2.imencode(".png", cv2.cvtColor(large, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, 1])
                write(file, data.tobytes())
                thin(self._folder, "*.png", MOST_KEPT)
        return large


def _read(file: Path) -> Image | None:
    """A kept image, now the freshest; None where there is none or it is damaged."""
    with contextlib.suppress(OSError):
        data = np.frombuffer(file.read_bytes(), np.uint8)
        os.utime(file)
        found = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
        return None if found is None else np.asarray(cv2.cvtColor(found, cv2.COLOR_BGR2RGB), np.uint8)
    return None
