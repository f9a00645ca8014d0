"""Which mask says what a photo is of: what the user marked, the phone's portrait matte, or none.

With none the studio finds the subject itself (matte.py), as it does where `Shot.subject` says "builtin".
"""

from __future__ import annotations

import base64
from pathlib import Path

from studio.config import Settings
from studio.nouns import Photo

BUILTIN, OWN = "builtin", "photo"
"""What `Shot.subject` may say besides a mask and "": found by the studio, or the photo's own matte though doubted."""


def resolve_subject(photo: Photo, subject: str, settings: Settings) -> str:
    """The mask of a photo's subject as base64 of a grey PNG, "" for none. `subject` is `Shot.subject`."""
    if subject not in ("", OWN):
        return "" if subject == BUILTIN else subject
    if not photo.own_matte or (photo.matte_doubted and subject != OWN):
        return ""
    return _read(matte_file(photo, settings))


def matte_file(photo: Photo, settings: Settings) -> Path:
    """Where the matte that came in a photo's file is kept."""
    return settings.mattes / f"{photo.own_matte}.png"


def _read(file: Path) -> str:
    try:
        return base64.b64encode(file.read_bytes()).decode()
    except OSError:  # lost: the studio finds the subject itself
        return ""
