"""Sounds, films and logos that go with shots, kept by content in the home folder: the file as it came but for its
metadata, and what it is beside it, under the sha256 of its bytes.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from math import inf
from pathlib import Path
from typing import Literal
from uuid import uuid4

import msgspec

from studio.atomic_write import write_whole
from studio.clip.bare_copy import MUXERS, copy_bare
from studio.clip.media_length import NoMedia, measure_media
from studio.clip.sound_reader import NoSound, read_sound
from studio.config import Settings
from studio.nouns import Attachment, Refusal
from studio.wall_clock import measure_age

LARGEST, LONGEST = 200_000_000, 3600.0
"""Bytes and seconds of an attachment; each model takes less."""

KEPT_DAYS = 7.0
"""How long a file that nothing names stays, from the last time that a desk asked for it."""

_DECODER = msgspec.json.Decoder(Attachment)  # built before threads read it: see the end of nouns.py


class Attachments:
    """The attachments of one home folder. Any thread may ask. `is_named`: whether a shot that is kept has a file."""

    def __init__(self, settings: Settings, is_named: Callable[[str], bool]) -> None:
        self.folder, self._is_named = settings.attachments, is_named

    def take_in(self, file: Path, name: str, kind: Literal["audio", "video", "image"]) -> Attachment:
        """Keep a copy of a file, bare of metadata; an image as PNG. Raises `Refusal` where it is no such file, too long
        or too large.
        """
        if kind == "image":
            from studio.finish.logo_image import keep_logo

            return self._keep(lambda part: keep_logo(file, part, name), name, kind, 0.0)
        what = "sound" if kind == "audio" else "film"
        if (size := file.stat().st_size) > LARGEST:
            raise Refusal(f"{name} is {size / 1e6:.0f} MB.", f"Give a {what} of at most {LARGEST / 1e6:.0f} MB.")
        try:
            seconds = measure_media(file, kind)
        except NoMedia:
            raise Refusal(f"{name} isn't a {what} that can be read.", f"Choose another {what}.") from None
        if seconds > LONGEST:
            raise Refusal(f"{name} lasts {seconds / 60:.0f} minutes.", "Give one of at most an hour.")
        ending = name.rpartition(".")[2].lower()
        if ending not in MUXERS:
            raise Refusal(f"{name} isn't a {what} that models take.", f"Give it as one of: {', '.join(MUXERS)}.")
        if kind == "audio":
            _require_sound(file, name, seconds)
        return self._keep(lambda part: copy_bare(file, part, kind, ending), name, kind, seconds)

    def _keep(
        self, copy: Callable[[Path], None], name: str, kind: Literal["audio", "video", "image"], seconds: float
    ) -> Attachment:
        """Keep what `copy` writes, under its content."""
        self.folder.mkdir(exist_ok=True)
        part = self.folder / f"{uuid4().hex}.part"
        try:
            copy(part)
            with part.open("rb") as content:
                key = hashlib.file_digest(content, "sha256").hexdigest()
            one = Attachment(key, name[-255:], kind, round(seconds, 3), part.stat().st_size)
            part.replace(self.folder / key)
        finally:
            part.unlink(missing_ok=True)
        write_whole(self.folder / f"{key}.json", msgspec.json.encode(one))
        return one

    def get(self, attachment_id: str) -> Attachment:
        """What an attachment is; from now on it stays for a while. Raises `Refusal` when it isn't here any more."""
        note = self.folder / f"{attachment_id}.json"
        try:
            one = _DECODER.decode(note.read_bytes())
            with suppress(OSError):
                os.utime(note)
            return one
        except (OSError, msgspec.DecodeError):
            raise Refusal("That file isn't in this home folder any more.", "Add it again.") from None

    def file(self, attachment_id: str) -> Path:
        """Where an attachment lies. Raises `Refusal` when it isn't here any more."""
        return self.folder / self.get(attachment_id).id

    def sweep(self) -> int:
        """Remove what nothing names and no desk has asked for in `KEPT_DAYS`, and what a crash left half-written.
        How many attachments went.
        """
        ages: dict[str, float] = {}
        with suppress(OSError):
            for file in self.folder.iterdir():
                key = file.name.lstrip(".").partition(".")[0]
                ages[key] = min(ages.get(key, inf), measure_age(file))
        gone = [key for key, age in ages.items() if age > 86_400 * KEPT_DAYS and not self._is_named(key)]
        for file in (file for key in gone for file in self.folder.glob(f"*{key}*")):
            with suppress(OSError):
                file.unlink()
        return len(gone)


def _require_sound(file: Path, name: str, seconds: float) -> None:
    """Decode a sound's last second: the packets before it are looked at, so that a file that is cut short is found.
    Raises `Refusal` for a damaged one."""
    try:
        heard = read_sound(file, max(0.0, seconds - 1.0), 1.0).samples.size
    except NoSound:
        heard = 0
    if not heard:
        raise Refusal(f"{name} is damaged: its sound can't be decoded to its end.", "Save it again, or choose another.")
