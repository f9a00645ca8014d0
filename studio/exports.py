"""Files to download: copies of clips, alone or in a zip, with the recipe inside or without; comparisons as one film or
one picture; and the recipe read back out of a file.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from studio.compare.compare_room import Comparisons
from studio.compare.differences import is_hidden
from studio.comparison import Comparison
from studio.library import clips, disk, file_names
from studio.library.clips import Clips
from studio.library.file_cache import FileCache
from studio.models import Models
from studio.motion import camera_moves
from studio.nouns import Clip, Progress, Refusal, Shot
from studio.photo.crop import cut_crop
from studio.score_room import ScoreRoom
from studio.system_errors import refuse_unwritten

if TYPE_CHECKING:
    from studio.compare.cell_tiles import PlacedTile
    from studio.photo.photo_store import PhotoStore

Tick = Callable[[Progress], None]
FilmLayout = Literal["grid", "wipe"]
Ending = Literal["hold", "loop"]


class Exports:
    """Makes files of the library's clips in the served folder. `room` is where half-made files lie."""

    def __init__(
        self, *, library: Clips, served: FileCache, room: Path, comparisons: Comparisons, scores: ScoreRoom,
        models: Models, photos: Callable[[], PhotoStore],
    ) -> None:  # fmt: skip
        self._library = library
        self._served = served
        self._room = room
        self._comparisons = comparisons
        self._scores = scores
        self._models = models
        self._photos = photos

    # Clips ------------------------------------------------------------------------------------------------------------

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
            raise refuse_unwritten(error) from error

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
            raise refuse_unwritten(error) from error

    def export_folder(self, folder: Path) -> Path:
        """A zip in the served folder of every file in a folder, called as that is. Raises `Refusal` where there is no
        room for it.
        """
        files = [file for file in sorted(folder.rglob("*")) if file.is_file() and not file.name.startswith(".")]
        key = hashlib.sha256(repr([(str(file), file.stat().st_mtime_ns) for file in files]).encode()).hexdigest()[:32]
        before = self._served.find(f"zip-{key}")
        if before:
            return before
        try:
            disk.require(self._room, sum(file.stat().st_size for file in files), "The zip", "take the files from there")
            with self._make_folder() as room:
                made = Path(room) / "folder.zip"
                with zipfile.ZipFile(made, "w", strict_timestamps=False) as zipped:
                    for file in files:
                        zipped.write(file, file.relative_to(folder))
                return self._served.keep(made, f"zip-{key}", f"{folder.name}.zip")
        except OSError as error:
            raise refuse_unwritten(error) from error

    def serve(self, file: Path, key: str) -> Path:
        """A copy of a small file that the page may show, made once for as long as it is unchanged. Raises `Refusal`."""
        try:
            key = f"copy-{key}-{file.stat().st_mtime_ns}"
            before = self._served.find(key)
            if before:
                return before
            with self._make_folder() as room:
                return self._served.keep(Path(shutil.copyfile(file, Path(room) / file.name)), key, file.name)
        except OSError as error:
            raise refuse_unwritten(error) from error

    # Comparisons ------------------------------------------------------------------------------------------------------

    def export_grid(
        self, comparison_id: str, file: Path | None = None, *, layout: FilmLayout = "grid", ending: Ending = "hold",
        sound: str = "", cells: Sequence[str] = (), tick: Tick = lambda progress: None,
    ) -> Path:  # fmt: skip
        """A comparison as one MP4: a labelled grid, or a wipe that goes across two of its cells. Returns where it is.

        It is written to `file`, or in the served folder under a name for people. `ending`: a shorter clip holds its
        last frame or begins again. `sound` is the cell whose sound is heard, `cells` are those that are shown (ids;
        all, or of a wipe the winner, or the first, and the one before or after it). `tick` hears how far the film is;
        what it raises ends it. Raises `Refusal` where nothing is made yet and for a film that can't be written.
        """
        from studio.clip.comparison_film import write_grid, write_wipe

        one = self._comparisons.get(comparison_id)
        with self._make_folder() as folder:
            placed = self._place(one, Path(folder), cells)
            if layout == "wipe":
                placed = _pair(placed, one.winner)
            heard = next((each.tile.file for each in self._place(one, Path(folder), [sound])), None) if sound else None
            key = _identify(layout, ending, heard, placed)
            ready = None if file else self._served.find(key)
            if ready:
                return ready
            made = file or Path(folder) / "film.mp4"
            tiles = [each.tile for each in placed]
            self._require_room(made.parent, placed)
            if layout == "wipe":
                write_wipe(tiles[0], tiles[1], made, tick, ending=ending, sound=heard)
            else:
                columns = 0 if cells else _count_columns(one)
                write_grid(tiles, made, tick, columns=columns, ending=ending, sound=heard)
            return file or self._served.keep(made, key, f"{file_names.tidy(one.name)}, {layout}.mp4")

    def export_sheet(self, comparison_id: str, file: Path | None = None, *, cells: Sequence[str] = ()) -> Path:
        """A comparison as one PNG: three frames of each clip, with its label. All else is as in `export_grid`."""
        from studio.clip.contact_sheet import write_sheet

        one = self._comparisons.get(comparison_id)
        with self._make_folder() as folder:
            placed = self._place(one, Path(folder), cells)
            made = file or Path(folder) / "sheet.png"
            write_sheet(
                [each.tile for each in placed], made, title=one.name, columns=0 if cells else _count_columns(one)
            )
            key = _identify("sheet", one.name, None, placed)
            return file or self._served.keep(made, key, f"{file_names.tidy(one.name)}, contact sheet.png")

    def _place(self, one: Comparison, folder: Path, cells: Sequence[str]) -> list[PlacedTile]:
        """The tiles of a comparison with their scores, taken now where they aren't yet; its photo is written in
        `folder`.
        """
        from studio.compare.cell_tiles import Sources, make_tiles

        standings = self._comparisons.stand(one)
        made = [] if is_hidden(one) else [standing.clip.id for standing in standings.values() if standing.clip]
        scores = {clip_id: score for clip_id in made if (score := self._scores.score_clip(clip_id))}

        def write_photo(shot: Shot) -> Path:
            from PIL import Image as Pillow

            made = folder / "photo.png"
            pixels = cut_crop(self._photos().mend(shot.photo, shot.mends), shot.photo, shot.crop)
            Pillow.fromarray(pixels).save(made, compress_level=1)
            return made

        return make_tiles(one, Sources(standings, scores, self._library.file, write_photo, self._models.name), cells)

    def _require_room(self, folder: Path, placed: Sequence[PlacedTile]) -> None:
        """A film is seldom larger than the clips that it is made of."""
        files = [each.tile.file for each in placed if each.tile.file]
        disk.require(folder, sum(file.stat().st_size for file in files), "The film", "choose fewer clips")

    def _make_folder(self) -> tempfile.TemporaryDirectory[str]:
        return tempfile.TemporaryDirectory(dir=self._room, ignore_cleanup_errors=True)


def _pair(placed: Sequence[PlacedTile], winner: str) -> list[PlacedTile]:
    """The two tiles of a wipe: the two there are, else the winner and what it is best seen against."""
    seen = [each for each in placed if each.tile.file]
    if len(seen) < 2:
        raise Refusal("A wipe goes across two clips, and only one is there.", "Wait until another one is made.")
    first = next((each for each in seen if each.cell.id == winner), seen[0]) if len(seen) > 2 else seen[0]
    others = [each for each in seen if each is not first]
    return [first, next((each for each in others if each.cell.baseline), others[0])]


def _count_columns(one: Comparison) -> int:
    """The columns of a grid of two axes; 0 for a single row, which is laid as it fits, and while it is blind."""
    if is_hidden(one) or not any(cell.row > 0 for cell in one.cells):
        return 0
    return max(cell.column for cell in one.cells if cell.row >= 0) + 1


def _identify(kind: str, words: str, heard: Path | None, placed: Sequence[PlacedTile]) -> str:
    """A key for a file of these tiles: the same clips, labels and wishes have the same."""
    said = [(each.tile.file.name if each.tile.file else "", *each.tile[1:]) for each in placed]
    return f"{kind}-" + hashlib.sha256(repr((words, heard and heard.name, said)).encode()).hexdigest()[:32]


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
