"""Copies of clips to download, alone or in a zip, with the recipe inside or without; and the recipe read back out of a
file.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from studio.library import clips, disk, file_names
from studio.library.clips import Clips
from studio.library.file_cache import FileCache
from studio.motion import camera_moves
from studio.nouns import Clip, Shot


class Exports:
    """Makes copies of the library's clips in the served folder. `room` is where half-made files lie."""

    def __init__(self, library: Clips, served: FileCache, room: Path) -> None:
        self._library = library
        self._served = served
        self._room = room

    def export(self, clip_id: str, with_recipe: bool) -> Path:
        """A copy of a clip's file in the served folder, named for people. Raises `Refusal` when it can't be written."""
        from studio.clip import recipe as inside

        clip = self._library.get(clip_id)
        source = self._library.file(clip)
        try:
            with self._make_folder() as folder:
                copy = Path(folder) / source.name
                if with_recipe:
                    shutil.copyfile(source, copy)
                else:
                    inside.strip_recipe(source, copy)
                return self._served.keep(copy, f"{'recipe' if with_recipe else 'plain'}-{clip.id}", _name(clip, source))
        except OSError as error:
            raise disk.refusal(error) from error

    def export_all(self, clip_ids: Sequence[str], with_recipe: bool) -> Path:
        """A zip in the served folder with a copy of each clip's file. Raises `Refusal` when there is no room for it.

        Clips are compressed already: they are only laid one after the other, a piece at a time, and need little memory.
        """
        from studio.clip import recipe as inside

        found = [self._library.get(clip_id) for clip_id in dict.fromkeys(clip_ids)]
        clips = [(clip, self._library.file(clip)) for clip in found]
        key = hashlib.sha256(("".join(clip.id for clip in found) + str(with_recipe)).encode()).hexdigest()[:32]
        taken: set[str] = set()
        try:
            disk.require(self._room, sum(source.stat().st_size for _, source in clips), "The zip", "mark fewer clips")
            with self._make_folder() as folder:
                made = Path(folder) / "clips.zip"
                with zipfile.ZipFile(made, "w", strict_timestamps=False) as zipped:
                    for clip, source in clips:
                        copy = source
                        if not with_recipe:
                            copy = Path(folder) / source.name
                            inside.strip_recipe(source, copy)
                        zipped.write(copy, file_names.apart(_name(clip, source), taken))
                        if copy != source:
                            copy.unlink()
                return self._served.keep(made, f"zip-{key}", f"Stir, {len(clips)} clips.zip")
        except OSError as error:
            raise disk.refusal(error) from error

    def _make_folder(self) -> tempfile.TemporaryDirectory[str]:
        return tempfile.TemporaryDirectory(dir=self._room, ignore_cleanup_errors=True)


def read_recipe(file: Path) -> Shot:
    """The recipe inside a clip, or in the .json beside a kept one. Raises `Refusal` when there is none."""
    from studio.clip import recipe as inside

    small = file.is_file() and file.stat().st_size <= inside.MAX_BYTES
    kept = clips.read_recipe_beside(file) if small and file.suffix.lower() == ".json" else None
    return kept or inside.read_recipe(file)


def _name(clip: Clip, source: Path) -> str:
    """What the download of a clip is called."""
    path = camera_moves.describe_camera(clip.shot.motion.camera)
    return file_names.download(clip.title or clip.shot.photo.name, path, min(clip.width, clip.height), source.suffix)
