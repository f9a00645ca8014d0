"""Whether a home folder holds all that its studio has said, whole and once: database and files, read from outside."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import av
import msgspec
from PIL import Image

from studio.nouns import Clip
from tests.fakes.person import Ledger

KINDS = ("lost", "doubled", "torn", "left over", "part file", "temporary file")


class HomeReader:
    """Reads one home folder, without a lock on it, and remembers which clips were whole already."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._whole: set[str] = set()

    def read(self, sql: str) -> list[tuple[object, ...]]:
        """Rows of its database, while another process may be using it."""
        return read_rows(self.home / "stir.db", sql)

    def list_clips(self) -> dict[str, tuple[int, bool]]:
        """Its clips, with their stars and whether they are in the trash."""
        return {str(one): (int(str(stars)), bool(out)) for one, stars, out in self.read("SELECT id, rating, trashed FROM clips")}

    def list_jobs(self, *states: str) -> list[str]:
        """Its jobs that are in one of these states."""
        return [str(job) for job, name in self.read("SELECT id, name FROM jobs ORDER BY place") if name in states]

    def find_faults(self, ledger: Ledger, ended: bool = False) -> list[str]:
        """What is wrong, each line begun by one of KINDS. `ended`: every job has ended, and a clip is there for each."""
        with closing(sqlite3.connect(f"{(self.home / 'stir.db').as_uri()}?mode=ro", uri=True)) as database:
            whole = database.execute("PRAGMA integrity_check").fetchone()[0]
        faults = [] if whole == "ok" else [f"torn: the database: {whole}"]
        return [*faults, *self._find_lost(ledger, ended), *self._find_doubled(ledger), *self._find_torn()]

    def _find_lost(self, ledger: Ledger, ended: bool) -> list[str]:
        jobs = {str(job): str(name) for job, name in self.read("SELECT id, name FROM jobs")}
        clips = self.list_clips()  # afterwards: a job may end meanwhile
        faults = [
            f"lost: {clip[:8]}, which the library has shown" for clip in ledger.trashed.keys() - clips.keys() - ledger.emptied
        ]
        for clip, (stars, trashed) in clips.items():
            if stars not in ledger.stars.get(clip, {stars}):
                faults.append(f"lost: the stars of {clip[:8]}, {stars} instead of {ledger.stars[clip]}")
            if trashed not in ledger.trashed.get(clip, {trashed}):
                faults.append(f"lost: whether {clip[:8]} is in the trash")
        for job in ledger.jobs - clips.keys() - ledger.emptied:
            state = jobs.get(job)
            if state is None and job not in ledger.stopped:
                faults.append(f"lost: job {job[:8]} without a trace")
            elif state == "done" or (ended and state != "cancelled" and job not in ledger.stopped):
                faults.append(f"lost: job {job[:8]} is {state} and has no clip")
        photos = {file.stem for file in (self.home / "photos").iterdir() if file.suffix != ".json"}
        return faults + [f"lost: photo {photo[:8]}" for photo in set(ledger.photos) - photos]

    def _find_doubled(self, ledger: Ledger) -> list[str]:
        twice = self.read("SELECT press, count(*) FROM jobs WHERE press <> '' GROUP BY press HAVING count(*) > 1")
        faults = [f"doubled: {count} jobs of one press" for _, count in twice]
        faults += [f"doubled: {len(jobs)} jobs of one press" for jobs in ledger.presses.values() if len(jobs) > 1]
        unknown = {str(job) for (job,) in self.read("SELECT id FROM jobs UNION SELECT id FROM clips")} - ledger.jobs
        if len(unknown) > ledger.unanswered:
            faults.append(f"doubled: {len(unknown)} clips or jobs more than were asked for, {ledger.unanswered} may be")
        return faults

    def _find_torn(self) -> list[str]:
        """Clips, posters and recipes that aren't whole, or don't agree with their rows; a running job's are passed over."""
        folder, faults = self.home / "clips", list[str]()
        rows = {str(one): str(clip) for one, clip in self.read("SELECT id, clip FROM clips")}
        for clip_id, text in rows.items():
            clip = msgspec.json.decode(text, type=Clip)
            recipe = folder / f"{clip_id}.json"
            if not recipe.is_file() or msgspec.json.decode(recipe.read_bytes(), type=Clip) != clip:
                if self._is_as_before(clip_id, text):  # else it was changed or deleted meanwhile
                    faults.append(f"torn: the recipe of {clip_id[:8]} says something else")
            elif clip_id not in self._whole:
                faults += [f"torn: {clip_id[:8]}: {why}" for why in explain_tear(folder, clip)]
                self._whole.add(clip_id)
        known = {str(job) for (job,) in self.read("SELECT id FROM jobs UNION SELECT id FROM clips")}
        return faults + [
            f"left over: {one.name}" for one in folder.iterdir() if not one.name.startswith(".") and one.stem not in known
        ]

    def _is_as_before(self, clip_id: str, text: str) -> bool:
        return (text,) in self.read(f"SELECT clip FROM clips WHERE id = '{clip_id}'")

    def find_left(self) -> list[str]:
        """Half-written files and temporary folders of a home that no process uses, each begun by one of KINDS."""
        parts = [file for pattern in ("*.part", ".new-*") for file in self.home.rglob(pattern)]
        cache = self.home / "cache"
        rest = [*cache.glob("work/*"), *(self.home / "locks").glob("*"), *cache.glob("uploads/*")]
        names = [f"part file: {file.relative_to(self.home)}" for file in parts]
        return names + [f"temporary file: {file.relative_to(self.home)}" for file in rest]

    def measure(self) -> Counter[str]:
        """Bytes by what lies at the top of the home folder."""
        sizes: Counter[str] = Counter()
        for file in self.home.rglob("*"):
            if file.is_file():
                sizes[file.relative_to(self.home).parts[0]] += file.stat().st_size
        return sizes


def explain_tear(folder: Path, clip: Clip) -> list[str]:
    """Why a clip's files aren't whole: read to the last frame."""
    faults: list[str] = []
    file, poster = folder / clip.file, folder / clip.poster
    try:
        if file.stat().st_size != clip.bytes:
            faults.append(f"{file.stat().st_size} bytes instead of {clip.bytes}")
        with av.open(str(file)) as film:
            frames = sum(1 for _ in film.decode(video=0))
        if frames != clip.num_frames:
            faults.append(f"{frames} frames instead of {clip.num_frames}")
        with Image.open(poster) as picture:
            picture.load()
    except (OSError, av.FFmpegError) as error:
        faults.append(f"{type(error).__name__}: {error}")
    return faults


def read_rows(database: Path, sql: str) -> list[tuple[object, ...]]:
    """Rows of a database that is only read."""
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=20)) as opened:
        return opened.execute(sql).fetchall()


def find_backup_faults(copy: Path, clips: set[str], emptied: set[str]) -> list[str]:
    """Whether a backup opens, is whole, and holds the clips that were there when it was begun."""
    whole = read_rows(copy, "PRAGMA integrity_check")[0][0]
    held = {str(one): str(text) for one, text in read_rows(copy, "SELECT id, clip FROM clips")}
    faults = [] if whole == "ok" else [f"torn: the backup: {whole}"]
    faults += [f"lost: {clip[:8]} in the backup" for clip in clips - held.keys() - emptied]
    return faults + [f"torn: {clip[:8]} in the backup" for clip, text in held.items() if json.loads(text)["id"] != clip]
