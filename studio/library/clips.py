"""The library: finished clips, their files and their rows.

A clip is kept so that neither a crash nor a damaged database loses it: the recipe beside the clip comes first, the
clip's own file last, then the row.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal

import msgspec

from studio.atomic_write import write_whole
from studio.library.damaged_rows import DamagedRow, RowReader, list_damaged
from studio.library.database import Database
from studio.library.file_names import plain, sorting
from studio.nouns import Clip, Refusal, Shot, replace
from studio.system_errors import Hindrance, refuse_absent, refuse_unwritten

# ruff: noqa: S608 - the SQL is put together from constants only
MOST_WORDS = 8
MOST_LISTED = 1000

EMPTIED_AT_ONCE = 50
"""Clips of the trash that go in one transaction, for which other processes wait."""

LAST_WRITTEN = 600
"""Seconds before the newest recipe in which those lie that a process may have written and not told the database of."""


Sort = Literal["newest", "oldest", "longest", "best", "name"]
"""What stands first among clips: the newest, the oldest, the longest, the best rated, or by name."""

ORDERS: dict[Sort, str] = {
    "newest": "made_at DESC, id",
    "oldest": "made_at, id DESC",
    "longest": "seconds DESC, made_at DESC, id",
    "best": "rating DESC, made_at DESC, id",
    "name": "name, made_at DESC, id",
}
"""Each is an index of the database, read forwards or backwards: a page is as quick from ten thousand clips as from ten.
"""


def list_words(shot: Shot) -> str:
    """What a shot can be found by when nobody says more: what was said of it and written on it, its photo, model, moves
    and effects.
    """
    motion = shot.motion
    said = (motion.subject, motion.action, motion.environment, motion.light, motion.still, motion.prompt)
    legs = (motion.camera.moves, *(leg.moves for leg in motion.camera.then))
    names = [move.name for moves in legs for move in moves] + [effect.name for effect in motion.effects]
    titles = [title.text for title in shot.finish.titles] if shot.finish else []
    return " ".join((*said, *titles, shot.photo.name, shot.model, *names)).replace("_", " ")


def _match(words: str, trashed: bool, stars: int) -> tuple[str, tuple[object, ...]]:
    """The rows that are looked for: the end of a statement, and its values. Read in an index, which holds no JSON."""
    wanted = plain(words[:1000]).split()[:MOST_WORDS]
    having = " AND instr(words, ?)" * len(wanted)
    which = f" FROM clips INDEXED BY clips_by_words WHERE trashed = ? AND rating >= ?{having}"
    return which, (int(trashed), max(0, stars), *wanted)


def _select(words: str, trashed: bool, stars: int) -> tuple[str, tuple[object, ...]]:
    """The same in whatever order is asked for, by an index of that order: no JSON is read that isn't shown."""
    if not words.strip() and stars <= 0:
        return " FROM clips WHERE trashed = ?", (int(trashed),)
    which, values = _match(words, trashed, stars)
    return f" FROM clips WHERE trashed = ? AND rowid IN (SELECT rowid{which})", (int(trashed), *values)


def read_recipe_beside(file: Path) -> Shot | None:
    """The shot in a .json that lies beside a kept clip; None when it is something else."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Clip).shot
    except (msgspec.DecodeError, UnicodeDecodeError, OSError):
        return None


def _decode(row: tuple[object, ...]) -> Clip:
    return msgspec.json.decode(str(row[1]), type=Clip)


def _read_recipe(recipe: Path) -> Clip | None:
    """The clip that a .json is the recipe of; None for others' JSON, and where it names files that aren't its own."""
    try:
        clip = msgspec.json.decode(recipe.read_bytes(), type=Clip)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    own = {clip.id, Path(clip.file).stem, Path(clip.poster).stem} == {recipe.stem}
    return clip if own and {clip.file, clip.poster} == {Path(clip.file).name, Path(clip.poster).name} else None


class Clips:
    """Every clip of a home folder. `describe` gives further words that a shot is found by."""

    def __init__(self, database: Database, folder: Path, describe: Callable[[Shot], str] = lambda _: "") -> None:
        self._database = database
        self.folder = folder
        self._describe = describe
        self._rows = RowReader(database, "clips", {"clip": Clip}, mend=self._mend)

    # Keeping ----------------------------------------------------------------------------------------------------------

    def keep(self, clip: Clip, file: Path, poster: Path) -> None:
        """Move a finished clip and its poster into the library under the names that `clip` says.

        The clip's file comes last, and whole: without it what lies there is no clip, and `recover` clears it away.
        Raises `Refusal`; after a `Hindrance` it may be tried again, or `discard`ed.
        """
        try:
            self._write_recipe(clip)
            for made, kept in ((poster, self.folder / clip.poster), (file, self.folder / clip.file)):
                if made.exists() or not kept.exists():  # else an earlier try has moved it
                    made.replace(kept)
        except OSError as error:
            refusal = refuse_unwritten(error)
            if not isinstance(refusal, Hindrance):
                self.discard(clip)
            raise refusal from error
        self._insert(clip)

    def discard(self, clip: Clip) -> None:
        """Remove a clip's files, its own first, so that whatever stops this halfway leaves no clip without a recipe."""
        for name in (clip.file, clip.poster, f"{clip.id}.json"):
            (self.folder / name).unlink(missing_ok=True)

    def _write_recipe(self, clip: Clip) -> None:
        write_whole(self.folder / f"{clip.id}.json", msgspec.json.format(msgspec.json.encode(clip), indent=1))

    def _insert(self, clip: Clip) -> None:
        words = plain(" ".join((clip.title, list_words(clip.shot), self._describe(clip.shot))))
        name = sorting(clip.title or clip.shot.photo.name)
        row = (clip.id, clip.file, clip.made_at, int(clip.trashed), clip.rating, clip.seconds, name, words)
        with self._database.write():
            self._database.read(
                "INSERT OR REPLACE INTO clips (id, file, made_at, trashed, rating, seconds, name, words, clip)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*row, msgspec.json.encode(clip).decode()),
            )

    def recover(self, busy: Callable[[], set[str]]) -> int:
        """Make rows and files agree after a crash: clips without a row are found again (their number is returned), rows
        whose file is gone are forgotten, what was half moved in or half written is removed, and a change that the
        database doesn't know of is taken back from its recipe.

        `busy` gives the ids that are being made now. It is asked after the folder has been read, so that a clip which
        arrives meanwhile is either busy or has its row.
        """
        with os.scandir(self.folder) as entries:  # names alone: ten thousand clips are thirty thousand files
            here = {entry.name for entry in entries}
        making = busy()
        found = 0
        with self._database.write():  # nobody else changes a clip meanwhile
            rows = self._database.read("SELECT id, file FROM clips")
            spared = making | {str(row[0]) for row in rows}
            for name in here:
                if name.startswith(".") and name.endswith(".part") and name.split(".")[1] not in making:
                    (self.folder / name).unlink(missing_ok=True)
                elif name.endswith(".json") and name.removesuffix(".json") not in spared:
                    found += self._take_back(self.folder / name, here)
            for clip_id, file in rows:
                if file not in here and not (self.folder / str(file)).exists():
                    self._database.read("DELETE FROM clips WHERE id = ?", (clip_id,))
                    self._take_back(self.folder / f"{clip_id}.json", here)  # which removes what is left of it
            self._settle_recipes()
        return found

    def _settle_recipes(self) -> None:
        """Write those of the newest recipes anew that aren't what their rows say: a change is written into the recipe
        first, and holds once the database has it. Where that can't be, they stay.
        """
        with os.scandir(self.folder) as entries:
            recipes = [entry for entry in entries if entry.name.endswith(".json") and entry.name[0] != "."]
            written = {entry.name.removesuffix(".json"): entry.stat().st_mtime for entry in recipes}
        since = max(written.values(), default=0.0) - LAST_WRITTEN
        for clip in self.get_all([clip_id for clip_id, at in written.items() if at >= since]).values():
            with suppress(OSError):
                if _read_recipe(self.folder / f"{clip.id}.json") != clip:
                    self._write_recipe(clip)

    def _take_back(self, recipe: Path, here: set[str]) -> bool:
        """List the clip beside this recipe, or remove the recipe of a clip that never arrived. Others' JSON is left
        alone.
        """
        clip = _read_recipe(recipe)
        if clip is None:
            return False
        if clip.file not in here:
            self.discard(clip)
            return False
        self._insert(clip)
        return True

    # Finding ----------------------------------------------------------------------------------------------------------

    def find(
        self,
        words: str = "",
        trashed: bool = False,
        limit: int = 60,
        offset: int = 0,
        sort: Sort = "newest",
        stars: int = 0,
    ) -> tuple[Clip, ...]:
        """Clips that have every one of the (first eight) words and at least so many stars, sorted; at most 1,000 at
        once.
        """
        window = (max(0, min(limit, MOST_LISTED)), max(0, offset))
        which, values = _select(words, trashed, stars)
        order = f"{which} ORDER BY {ORDERS[sort]} LIMIT ? OFFSET ?"
        return tuple(self._read(f"SELECT id, clip{order}", (*values, *window)))

    def _read(self, sql: str, values: tuple[object, ...] = ()) -> list[Clip]:
        """The clips of rows of id and JSON."""
        return self._rows.read(sql, values, _decode)

    def _mend(self, clip_id: str) -> bool:
        """Write a row anew that can't be read, by the recipe beside its clip. False where there is none."""
        clip = _read_recipe(self.folder / f"{Path(clip_id).name}.json")
        if clip is None or clip.id != clip_id or not (self.folder / clip.file).is_file():
            return False
        self._insert(clip)
        return True

    def list_damaged(self) -> tuple[DamagedRow, ...]:
        """Rows of the library's database, of clips and of all else, that could not be read and lie aside."""
        return list_damaged(self._database)

    def ids(self, words: str = "", trashed: bool = False, sort: Sort = "newest", stars: int = 0) -> tuple[str, ...]:
        """The ids of all that `find` would find without a limit."""
        which, values = _select(words, trashed, stars)
        return tuple(str(row[0]) for row in self._database.read(f"SELECT id{which} ORDER BY {ORDERS[sort]}", values))

    def find_place(
        self, clip_id: str, words: str = "", trashed: bool = False, sort: Sort = "newest", stars: int = 0
    ) -> int | None:
        """How many clips stand before this one among those that `find` would find; None where it isn't among them."""
        which, values = _select(words, trashed, stars)
        sql = f"SELECT id, row_number() OVER (ORDER BY {ORDERS[sort]}) AS place{which}"
        rows = self._database.read(f"SELECT place FROM ({sql}) WHERE id = ?", (*values, clip_id))
        return int(str(rows[0][0])) - 1 if rows else None

    def count(self, words: str = "", trashed: bool = False, stars: int = 0) -> int:
        """How many clips have every one of the words and at least so many stars."""
        which, values = _match(words, trashed, stars)
        return int(str(self._database.read(f"SELECT count(*){which}", values)[0][0]))

    def get(self, clip_id: str) -> Clip:
        """One clip, in the trash or not. Raises `Refusal` when it isn't in the library."""
        found = self.get_all((clip_id,)).get(clip_id)
        if found is None:
            raise Refusal(
                "That clip is no longer in the library.", "It may have been deleted: look at the library again."
            )
        return found

    def get_all(self, clip_ids: Sequence[str]) -> dict[str, Clip]:
        """Those of these clips that are in the library, in the trash or not, by their ids."""
        listed = msgspec.json.encode(list(clip_ids)).decode()
        which = "SELECT id, clip FROM clips WHERE id IN (SELECT value FROM json_each(?))"
        return {clip.id: clip for clip in self._read(which, (listed,))}

    def get_sources(self, shot: Shot) -> tuple[Clip, ...]:
        """The clips that a shot's finish is made of, in their order. Raises `Refusal` where one isn't here any more."""
        wanted = shot.finish.clips if shot.finish else ()
        here = self.get_all(wanted)
        if missing := len(set(wanted) - here.keys()):
            which = "The clip" if len(wanted) == 1 else f"{missing} of the clips"
            raise Refusal(
                f"{which} this is made of {'is' if missing == 1 else 'are'} no longer in the library.",
                "Make it again first, then finish that one.",
            )
        return tuple(here[clip_id] for clip_id in wanted)

    def find_by_file(self, name: str) -> Clip | None:
        """The clip outside the trash whose file is called so; None where there is none."""
        return next(iter(self._read("SELECT id, clip FROM clips WHERE trashed = 0 AND file = ?", (name,))), None)

    def has(self, clip_id: str) -> bool:
        """Whether a clip is in the library, in the trash or not."""
        return bool(self._database.read("SELECT 1 FROM clips WHERE id = ?", (clip_id,)))

    def file(self, clip: Clip) -> Path:
        """The clip's file. Raises `Refusal` when it isn't there any more."""
        return self._find_file(clip.file)

    def poster(self, clip: Clip) -> Path:
        """The clip's poster. Raises `Refusal` when it isn't there any more."""
        return self._find_file(clip.poster)

    def _find_file(self, name: str) -> Path:
        file = self.folder / Path(name).name
        if not file.is_file():
            if not self.folder.is_dir():
                raise refuse_absent()
            raise Refusal("That clip's file was moved or deleted outside Stir.", "Put it back, or make the clip again.")
        return file

    def find_id(self, words: str) -> Clip:
        """The one clip whose id begins with these words. Raises `Refusal` when there is none, or several."""
        sql = "SELECT id, clip FROM clips WHERE +trashed = 0 AND id >= ? AND id < ? || char(1114111) LIMIT 100"
        found = self._read(sql, (words, words)) if words else []
        if len(found) != 1:
            which = "No clip is" if not found else f"{len(found)} clips are"
            raise Refusal(f"{which} called {words!r}.", "Give a file, or an id from: python -m studio library")
        return found[0]

    # Changing ---------------------------------------------------------------------------------------------------------

    def change(self, clip_id: str, **changes: object) -> Clip:
        """Rate, name, trash or restore a clip, in the database and in the recipe beside it. Raises `Refusal`."""
        with self._database.write():
            clip = replace(self.get(clip_id), **changes)
            try:
                self._write_recipe(clip)
            except OSError as error:
                raise refuse_unwritten(error) from error
            self._insert(clip)
        return clip

    def change_all(self, clip_ids: Sequence[str], **changes: object) -> tuple[Clip, ...]:
        """The same change to several clips at once; ids that are no longer here are passed over. Raises `Refusal`."""
        with self._database.write():
            return tuple(self.change(clip_id, **changes) for clip_id in dict.fromkeys(clip_ids) if self.has(clip_id))

    def rate(self, clip_ids: str | Sequence[str], stars: int) -> int:
        """Give a clip, or several, 0 to 5 stars. Returns how many clips that were. Raises `Refusal` for any other
        number.
        """
        return self._change_each(clip_ids, rating=stars)

    def retitle(self, clip_id: str, title: str) -> None:
        """Give a clip a title of its own, at most 200 characters; "" takes it away."""
        self.change(clip_id, title=" ".join(title.split())[:200])

    def trash(self, clip_ids: str | Sequence[str]) -> int:
        """Put a clip, or several, in the trash; `restore` brings them back. Returns how many that were."""
        return self._change_each(clip_ids, trashed=True)

    def restore(self, clip_ids: str | Sequence[str]) -> int:
        """Bring a clip, or several, back from the trash. Returns how many that were."""
        return self._change_each(clip_ids, trashed=False)

    def _change_each(self, clip_ids: str | Sequence[str], **changes: object) -> int:
        """One clip has to be here; of several, those that are."""
        if isinstance(clip_ids, str):
            self.change(clip_ids, **changes)
            return 1
        return len(self.change_all(clip_ids, **changes))

    def empty_trash(self) -> int:
        """Delete every clip in the trash for good. Returns how many that were. Raises `Refusal`.

        Files go before their rows do, and nobody else looks at either meanwhile: a start in another process would find
        such files again.
        """
        ids, gone = self.ids(trashed=True), 0
        for first in range(0, len(ids), EMPTIED_AT_ONCE):
            with self._database.write():
                clips = [clip for clip in self.get_all(ids[first : first + EMPTIED_AT_ONCE]).values() if clip.trashed]
                for clip in clips:
                    try:
                        self.discard(clip)
                    except OSError as error:
                        raise refuse_unwritten(error, "The folder of clips") from error
                    self._database.read("DELETE FROM clips WHERE id = ?", (clip.id,))
            gone += len(clips)
        return gone
