"""Writes the files of a batch: each clip for each platform, the manifest, the contact sheet and the posting plan.

Begun again after a kill it goes on where it was: what is there is kept, what was half written is made anew.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from studio.atomic_write import write_whole
from studio.batch.batch_manifest import COLUMNS, list_entries, write_csv, write_json
from studio.batch.batch_nouns import Batch, BatchClip, BatchRow, RowStanding, WrittenFile
from studio.batch.batch_table import BatchTable
from studio.batch.output_folder import choose_stem, claim_folder, let_go, list_taken, write_files
from studio.batch.posting_plan import Post, lay_out, write_ical, write_plan_csv
from studio.batch.row_planner import tidy_stem
from studio.engines.base import Tick
from studio.library import disk
from studio.library.clips import Clips
from studio.library.live_processes import Owner
from studio.nouns import Clip, Progress, Refusal, replace
from studio.presets import platform
from studio.system_errors import refuse_unwritten

if TYPE_CHECKING:
    from studio.clip.comparison_tiles import Tile
    from studio.delivery.deliver import Written


_FACTS = "facts.json"
FACTS = ("width", "height", "fps", "seconds", "bytes")
"""What a file holds, as a clip that is copied says it."""


class BatchWriter:
    """Writes batches; each in one thread of one process at a time. `under_way`: how far each is that is written."""

    def __init__(self, table: BatchTable, library: Clips, owner: Owner) -> None:
        self._table, self._library, self._owner = table, library, owner
        self.under_way: dict[str, Progress] = {}

    def write(self, batch_id: str, parent: Path, standings: Sequence[RowStanding], tick: Tick) -> Path:
        """Write every clip that is done to a folder of the batch's own in `parent`, and the lists of all. The folder.

        Written before to the same place, only what is new or was deleted is written. Raises `Refusal`.
        """
        with self._owner.hold_alone(f"batch-{batch_id}"):
            try:
                return self._write(batch_id, self._claim(batch_id, parent), standings, tick)
            finally:
                self.under_way.pop(batch_id, None)

    def _write(self, batch_id: str, folder: Path, standings: Sequence[RowStanding], tick: Tick) -> Path:
        made = {one.clip.id: one.clip for row in standings for one in row.clips if one.clip and not one.is_draft}
        rows = self._table.rows(batch_id)
        taken = list_taken(rows)
        for number, row in enumerate(rows):
            self.under_way[batch_id] = Progress("keep", number, len(rows), row.name)
            tick(self.under_way[batch_id])
            for clip in row.clips:
                if clip.job in made:
                    self._write_clip(batch_id, row, clip, made[clip.job], folder, taken)
        self._write_lists(self._table.get(batch_id), self._table.rows(batch_id), standings, folder)
        tick(Progress("keep", len(rows), len(rows)))
        return folder

    def claim(self, batch_id: str, parent: Path) -> Path:
        """The batch's folder in `parent`, before there is anything to write. Raises `Refusal` where none can be."""
        with self._owner.hold_alone(f"batch-{batch_id}"):
            return self._claim(batch_id, parent)

    def _claim(self, batch_id: str, parent: Path) -> Path:
        """The batch's folder in `parent`: that of before, or a new one, for which nothing is written yet."""
        one, parent = self._table.get(batch_id), parent.expanduser().absolute()
        before = Path(one.folder) if one.folder else None
        if before and before.parent == parent and before.is_dir():
            return before
        theirs = {other.folder for other in self._table.find(limit=1000) if other.id != batch_id}
        folder = claim_folder(parent, one.name, theirs)
        for row in self._table.rows(batch_id):
            if any(clip.files for clip in row.clips):
                blank = tuple(replace(clip, files=()) for clip in row.clips)
                self._table.change_row(batch_id, row.id, lambda now, blank=blank: replace(now, clips=blank))
        self._table.change(batch_id, lambda now: replace(now, folder=str(folder)))
        return folder

    def _write_clip(
        self, batch_id: str, row: BatchRow, clip: BatchClip, made: Clip, folder: Path, taken: set[str]
    ) -> None:
        number = int(clip.key.rpartition("-")[2])
        files = {file.platform: file for file in clip.files}
        earlier: list[Written] = []
        for place in clip.platforms or ("",):
            file, key = files.get(place), f"{made.id[:16]}-{place or 'clip'}"
            if file and file.is_written and (folder / file.path).exists():
                let_go(folder / file.stem, key)
                continue
            disk.require(folder, made.bytes, "The next file", "choose another folder")
            work = _Work(self._library.file(made), made, place, tuple(earlier))
            try:
                written = None
                while file is None or (written := write_files(folder / file.stem, key, work.make)) is None:
                    file = WrittenFile(place, choose_stem(folder, place, row.name, number, taken))
                    self._note(batch_id, row.id, clip.key, file)
                work.recall((folder / file.stem).parent / f".{key}")
                paths = tuple(one.relative_to(folder).as_posix() for one in written)
                earlier += [done._replace(file=one) for done, one in zip(work.written, written, strict=False)]
                file = replace(file, path=paths[0], others=paths[1:], reason="", **work.facts)
            except Refusal as refusal:
                file = WrittenFile(place, file.stem if file else "", reason=str(refusal))
            self._note(batch_id, row.id, clip.key, file)
            let_go(folder / file.stem, key) if file.stem else None

    def _note(self, batch_id: str, row_id: str, key: str, file: WrittenFile) -> None:
        """Write down that a path is promised to a clip for a platform, or that its file is there."""

        def alter(row: BatchRow) -> BatchRow:
            clips = tuple(
                replace(clip, files=(*(one for one in clip.files if one.platform != file.platform), file))
                if clip.key == key
                else clip
                for clip in row.clips
            )
            return replace(row, clips=clips)

        self._table.change_row(batch_id, row_id, alter)

    # Lists ------------------------------------------------------------------------------------------------------------

    def _write_lists(
        self, one: Batch, rows: Sequence[BatchRow], standings: Sequence[RowStanding], folder: Path
    ) -> None:
        from studio.clip.poster_sheet import write_sheets

        entries = list_entries(one, rows, standings)
        tiles = list_tiles(rows, standings, self._library)
        done = sum(row.state == "done" for row in standings)
        try:
            write_whole(folder / "manifest.csv", write_csv(COLUMNS, entries))
            write_whole(folder / "manifest.json", write_json(one, entries))
            if one.settings.plan:
                planned = lay_out(one.settings.plan, list_posts(one, rows))
                write_whole(folder / "posting-plan.csv", write_plan_csv(one.settings.plan, planned))
                calendar = write_ical(f"{one.name}: posts", one.settings.plan, planned, datetime.now(UTC))
                write_whole(folder / "posting-plan.ics", calendar)
        except OSError as error:
            raise refuse_unwritten(error) from None
        line = f"{done} of {len(rows)} photos"
        write_sheets(tiles, folder / "contact-sheet.png", title=one.name, line=line)


class _Work:
    """The files of one clip for one place, and what of them isn't as the place wants it; `earlier` are those for other
    places, which are copied where they do.
    """

    def __init__(self, source: Path, clip: Clip, place: str, earlier: tuple[Written, ...]) -> None:
        self._source, self._clip, self._place, self._earlier = source, clip, place, earlier
        self.written: tuple[Written, ...] = ()
        self.facts: dict[str, Any] = {name: getattr(clip, name) for name in FACTS}

    def make(self, folder: Path) -> list[Path]:
        """Write them into a folder: a copy where there is no place, else what fits it. Raises `Refusal`."""
        known = platform(self._place)
        if known is None:
            return [Path(shutil.copyfile(self._source, folder / f"clip{self._source.suffix}"))]
        from studio.delivery.deliver import deliver

        done = deliver(self._source, self._clip, known, folder / "clip", lambda progress: None, earlier=self._earlier)
        self.written = done.files
        first, unmet = done.files[0], [check for check in done.checks if not check.is_met]
        self.facts = {
            "width": first.plan.width, "height": first.plan.height, "fps": float(first.plan.rate),
            "seconds": first.plan.seconds, "bytes": first.bytes,
            "unmet": tuple(dict.fromkeys(f"{one.field}: {one.found}, wanted {one.wanted}" for one in unmet)),
        }  # fmt: skip
        write_whole(folder.parent / _FACTS, msgspec.json.encode(self.facts))
        return [*(one.file for one in done.files), *([done.poster] if done.poster else [])]

    def recall(self, hidden: Path) -> None:
        """What the files hold that were made before a kill, as it was written down beside them."""
        with suppress(OSError, msgspec.DecodeError):
            self.facts = msgspec.json.decode((hidden / _FACTS).read_bytes(), type=dict[str, Any])


def list_posts(one: Batch, rows: Sequence[BatchRow]) -> list[Post]:
    """A post for each variation of each photo that has files, in the order of the rows."""
    found: list[Post] = []
    for row in rows:
        for number in range(one.settings.variations):
            clips = [clip for clip in row.clips if clip.key.endswith(f"-{number}")]
            files = tuple((file.platform, file.path) for clip in clips for file in clip.files if file.is_written)
            if files:
                found.append(Post(f"{one.id[:16]}-{row.id[:16]}-{number}", row.name, tidy_stem(row.name), files))
    return found


def list_tiles(rows: Sequence[BatchRow], standings: Sequence[RowStanding], library: Clips) -> list[Tile]:
    """A tile for each clip, and one for each photo without any, that says why."""
    from studio.clip.comparison_tiles import Tile

    found: list[Tile] = []
    for row, standing in zip(rows, standings, strict=True):
        clips = {clip.key: clip for clip in row.clips}
        for at in standing.clips:
            places = [known.label for place in clips[at.key].platforms if (known := platform(place))]
            shot, number = clips[at.key].shot, int(at.key.rpartition("-")[2])
            about = (
                f"{', '.join(places) or shot.crop.aspect} · {shot.seconds:g} s{f' · {number + 1}' if number else ''}"
            )
            found.append(Tile(_find_poster(at.clip, library), (row.name, about), at.reason or at.state))
        if not standing.clips:
            found.append(Tile(None, (row.name, standing.state), standing.reason or standing.state))
    return found


def _find_poster(clip: Clip | None, library: Clips) -> Path | None:
    try:
        return library.poster(clip) if clip else None
    except Refusal:
        return None
