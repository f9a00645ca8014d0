"""Batches: many photos made into clips together: listed, read, looked at, queued, and written to a folder.

A batch and its rows are written as they change, each change in one transaction with the jobs it queues, so that a
process that is killed loses nothing and makes nothing twice. The worker makes the clips like any others.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Container, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.advice.render_time import RECENT, Pace
from studio.batch.batch_estimate import MOST_WEIGHED, estimate_batch
from studio.batch.batch_nouns import (
    EDITABLE,
    Batch,
    BatchClip,
    BatchEstimate,
    BatchRow,
    BatchSettings,
    RowStanding,
)
from studio.batch.batch_table import BatchTable
from studio.batch.batch_writer import BatchWriter
from studio.batch.photo_sources import Source, clean_name, list_sources
from studio.batch.prompt_file import Prompts
from studio.batch.row_planner import (
    check_settings,
    check_words,
    explain,
    list_dropped,
    list_shapes,
    mend_row,
    plan_clips,
)
from studio.batch.row_reader import ReadingTools, RowReader, read_row
from studio.batch.row_states import AGAIN, stand_row
from studio.compare.estimate import Past
from studio.engines.base import Tick
from studio.engines.prepare import Prepared, prepare
from studio.jobs.worker import Worker
from studio.library.clips import Clips
from studio.library.database import Database
from studio.library.live_processes import Owner
from studio.library.logbook import report_fault
from studio.library.queue import Queue
from studio.models import Models
from studio.nouns import Photo, Progress, Refusal, replace
from studio.spending import Confirmation, Spending, Total

if TYPE_CHECKING:
    import logging

NO_PROMPTS = Prompts()
NOMINAL = BatchRow("", "", "", photo=Photo("0" * 64, 4000, 3000))
"""A photo of 12 megapixels, by which a batch is estimated before one of its own is read."""


class Batches:
    """Every batch of one studio. Any thread may ask. `ready` gives the recipe of a shot as it is queued. `most_rows` a
    batch may have, 0 for any number; `within`: the only folder that photos are read from and files are
    written to.
    """

    def __init__(
        self, *, database: Database, owner: Owner, queue: Queue, library: Clips, models: Models, worker: Worker,
        spending: Spending, tools: ReadingTools, pace: Callable[[], Pace], log: logging.Logger, most_rows: int = 0,
        within: Path | None = None,
    ) -> None:  # fmt: skip
        self._most_rows, self._within = most_rows, within
        self._database, self._owner, self._queue, self._library = database, owner, queue, library
        self._models, self._worker, self._spending, self._tools = models, worker, spending, tools
        self._pace, self._log = pace, log
        self._table = BatchTable(database)
        self._writer = BatchWriter(self._table, library, owner)
        self._adopt = False
        self._reader = RowReader(self._find_unread, self._read, self._take, log)

    def begin(self) -> None:
        """Go on reading what processes that have ended left unread, besides what is added here."""
        self._adopt = True
        if self._table.list_owners():
            self._reader.wake()

    def close(self) -> None:
        """Read no further. Safe to call twice."""
        self._reader.close()

    # Making and looking -----------------------------------------------------------------------------------------------

    def create(
        self, given: Sequence[Path], settings: BatchSettings, *, name: str = "", names: Sequence[str] = (),
        prompts: Prompts = NO_PROMPTS, press: str = "",
    ) -> Batch:  # fmt: skip
        """A batch of the photos in these folders, ZIPs and files, which are read in the background, in their order.

        `names` are what the user calls the files, where they lie under other names. With `prompts` photo n gets prompt
        n. `press`: the same press once more answers with the batch that is there. Nothing is queued before `start`.
        Raises `Refusal` as `list_sources` does, and for settings that can't be used.
        """
        if before := self._table.find_press(press):
            return before
        check_settings(settings)
        self._models.card(settings.model)
        self._require_within(given)
        found = list_sources(given, names)
        if self._most_rows and len(found.photos) > self._most_rows:
            says = f"A batch has at most {self._most_rows} photos here, and these are {len(found.photos)}."
            raise Refusal(says, "Give fewer at once.")
        called = name.strip() or _name_batch(given, names, found.photos)
        made_at = self._database.date_next("batches")
        one = Batch(uuid.uuid4().hex, called[:200], settings, made_at, ignored=found.ignored)
        rows = [
            make_row(source, prompts.find(at, source.name, source.folder), needs_words=settings.choose == "prompts")
            for at, source in enumerate(found.photos)
        ]
        with self._database.write():
            if before := self._table.find_press(press):
                return before
            self._table.keep(one, rows, self._owner.token, press)
        self._reader.wake()
        return one

    def get(self, batch_id: str) -> Batch:
        """One batch. Raises `Refusal` when it isn't here."""
        return self._table.get(batch_id)

    def find(self, words: str = "", limit: int = 60) -> tuple[Batch, ...]:
        """Batches whose names have every one of the words, newest first."""
        return self._table.find(words, limit)

    def find_name(self, batch_id: str) -> str:
        """What the batch is called that a group of jobs belongs to; "" for any other group."""
        return self._table.find_name(batch_id)

    def rows(self, batch_id: str) -> tuple[BatchRow, ...]:
        """The rows of a batch in their order."""
        return self._table.rows(batch_id)

    def stand(self, batch_id: str, rows: Sequence[BatchRow] | None = None) -> tuple[RowStanding, ...]:
        """How each row of a batch stands right now, in their order; or these rows of it."""
        batch = self._table.get(batch_id)
        shown = self._table.rows(batch_id) if rows is None else rows
        ids = [job for row in shown for clip in row.clips for job in (clip.job, clip.draft) if job]
        jobs = {job.id: self._worker.live(job) for job in self._queue.get_all(ids).values()}
        clips = self._library.get_all(ids)
        return tuple(stand_row(batch, row, jobs, clips) for row in shown)

    def count_unread(self, batch_id: str) -> int:
        """How many photos of a batch are still to be read, or their clips to be planned."""
        return self._table.count_unread(batch_id)

    def count_jobs(self, batch_id: str) -> dict[str, int]:
        """How many jobs of a batch are in each state: "queued", "running", "done" … Quick, whatever its size."""
        return self._queue.count_group(batch_id)

    def estimate(self, batch_id: str) -> BatchEstimate:
        """What is left of a batch: clips, time, disk and cost. Corrected by what it has made, and quick."""
        batch, rows = self._table.get(batch_id), self._table.rows(batch_id)
        wanted = [clip for row in rows if not _is_out(row) for clip in row.clips if not clip.refusal]
        made = self._library.get_all([clip.job for clip in wanted if clip.job])
        left = [clip for clip in wanted if clip.job not in made]
        unread = sum(not row.is_read for row in rows)
        coming = unread * len(list_shapes(batch.settings)) * batch.settings.variations
        tried = self._library.get_all([clip.draft for clip in left if clip.draft])
        untried = [clip for clip in left if clip.draft not in tried] if self._draws_drafts(batch.settings) else []
        each = 2 if self._draws_drafts(batch.settings) else 1
        weighed = left[:MOST_WEIGHED] or wanted[:MOST_WEIGHED] or plan_clips(batch.settings, NOMINAL)
        prepared = [one for clip in weighed for one in self._prepare(clip, batch.settings, tried)]
        free = shutil.disk_usage(self._library.folder).free
        count, total = len(left) + len(untried) + each * coming, each * (len(wanted) + coming)
        return estimate_batch(
            prepared, count, total, tuple(made.values()), self._models,
            past=Past(self._pace(), self._library.find(limit=5 * RECENT)), free=free,
            cost=self._quote(left), unread=unread,
        )  # fmt: skip

    def _prepare(self, clip: BatchClip, settings: BatchSettings, tried: Container[str]) -> Iterable[Prepared]:
        with suppress(Refusal):
            yield prepare(clip.shot, self._models.card(clip.shot.maker))
            if self._draws_drafts(settings) and clip.draft not in tried:
                yield prepare(replace(clip.shot, draft=settings.draft), self._models.card(settings.draft))

    def _draws_drafts(self, settings: BatchSettings) -> bool:
        return bool(settings.draft) and self._models.card(settings.model).checkpoint is not None

    def quote(self, batch_id: str) -> Total:
        """What is left to be queued costs, as it would be confirmed."""
        return self._quote(
            clip for row in self._table.rows(batch_id) if not _is_out(row) for clip in row.clips if not clip.refusal
        )

    def _quote(self, clips: Iterable[BatchClip]) -> Total:
        unmade = [clip.shot for clip in clips if not clip.job]
        return self._spending.quote([shot for shot in unmade if self._models.card(shot.maker).hosted])

    # Changing ---------------------------------------------------------------------------------------------------------

    def set_settings(self, batch_id: str, settings: BatchSettings) -> Batch:
        """Change what is the same for every photo; each row's clips are planned anew, and those that change are made
        again.
        """
        check_settings(settings)
        self._models.card(settings.model)
        with self._database.write():
            one = self._table.change(batch_id, lambda now: replace(now, settings=settings, revision=now.revision + 1))
            self._table.mark_unread(batch_id)
        self._read_here(batch_id)
        return one

    def edit_row(self, batch_id: str, row_id: str, **changes: Any) -> BatchRow:
        """Change one row (`EDITABLE`); its clips are planned anew. Raises `Refusal`."""
        return self.apply_to(batch_id, (row_id,), **changes)[0]

    def apply_to(self, batch_id: str, row_ids: Sequence[str] | None = None, **changes: Any) -> tuple[BatchRow, ...]:
        """The same change to the marked rows, or to all. Raises `Refusal` before any is changed."""
        unknown = [name for name in changes if name not in EDITABLE]
        if unknown:
            raise Refusal(f"{unknown[0]} isn't a photo's own.", f"Change one of: {', '.join(EDITABLE)}.")
        check_words(changes.get("prompt", ""))
        return self._change_rows(batch_id, row_ids, lambda row: replace(row, **changes))

    def _change_rows(
        self, batch_id: str, row_ids: Sequence[str] | None, alter: Callable[[BatchRow], BatchRow]
    ) -> tuple[BatchRow, ...]:
        with self._database.write():
            rows = self._choose_rows(batch_id, row_ids)
            changed = tuple(replace(alter(row), is_read=False) for row in rows)
            self._table.write_rows(batch_id, changed, unread=True)
        self._read_here(batch_id)
        return changed

    def _choose_rows(self, batch_id: str, row_ids: Sequence[str] | None) -> tuple[BatchRow, ...]:
        if row_ids is None:
            return self._table.rows(batch_id)
        return tuple(self._table.row(batch_id, row_id) for row_id in dict.fromkeys(row_ids))

    def mend_all(self, batch_id: str, row_ids: Sequence[str] | None = None) -> tuple[BatchRow, ...]:
        """Apply the first remedy of everything that was found in the doubtful rows, or in these; photos that are cut
        short are opened as far as they go. Those rows stand aside no longer. Returns them.
        """
        rows = self._choose_rows(batch_id, row_ids)
        wanted = [row.id for row in rows if row.aside or (row.refusal and row.refusal.offer)]
        return self._change_rows(batch_id, wanted, mend_row) if wanted else ()

    def take_anyway(self, batch_id: str, row_ids: Sequence[str] | None = None) -> tuple[BatchRow, ...]:
        """Take doubtful photos as they are."""
        wanted = [row.id for row in self._choose_rows(batch_id, row_ids) if row.aside]
        return self._change_rows(batch_id, wanted, lambda row: replace(row, is_taken=True)) if wanted else ()

    def remove(self, batch_id: str, row_ids: Sequence[str]) -> None:
        """Take photos out of a batch; what waits of them is cancelled, and what is made stays in the library."""
        with self._database.write():
            rows = self._choose_rows(batch_id, row_ids)
            self._table.remove_rows(batch_id, [row.id for row in rows])
        self._cancel(job for row in rows for clip in row.clips for job in (clip.job, clip.draft))

    def reorder(self, batch_id: str, row_id: str, before: str | None) -> None:
        """Put a row right before another one, or last. What waits is done in the order it was queued."""
        with self._database.write():
            order = [row.id for row in self._table.rows(batch_id)]
            if row_id not in order or (before is not None and before not in order):
                raise Refusal("That photo is no longer in this batch.", "Look at the batch again.")
            if row_id == before:
                return
            order.remove(row_id)
            order.insert(len(order) if before is None else order.index(before), row_id)
            self._table.order_rows(batch_id, order)
        self._order_jobs(batch_id)

    def _order_jobs(self, batch_id: str) -> None:
        """Put what waits of a batch in the order of its rows."""
        waiting = set(self._queue.list_group(batch_id))
        rows = self._table.rows(batch_id)
        order = [job for row in rows for clip in row.clips for job in (clip.draft, clip.job) if job in waiting]
        with self._database.write():
            self._queue.order_group(order)

    def rename(self, batch_id: str, name: str) -> Batch:
        """Give a batch another name. Raises `Refusal` for an empty one."""
        tidy = " ".join(name.split())[:200]
        if not tidy:
            raise Refusal("A batch needs a name.", "Write what it is of.")
        return self._table.change(batch_id, lambda one: replace(one, name=tidy))

    def forget(self, batch_id: str) -> None:
        """Delete a batch; what waits is cancelled, and its clips and files stay."""
        self.stop(batch_id)
        self._table.forget(batch_id)

    # Going ------------------------------------------------------------------------------------------------------------

    def start(self, batch_id: str, confirmation: Confirmation | None = None) -> Batch:
        """Queue every clip that can be made. Photos that are still unread follow as soon as they are read; where clips
        cost money all have to be read before, so that what is confirmed is what is paid.

        Raises `Refusal`, `Unconfirmed` among them, before anything is queued.
        """
        return self._go(batch_id, (), None, confirmation)

    def resume(self, batch_id: str, confirmation: Confirmation | None = None) -> Batch:
        """Go on after a pause, a stop or the end of the process: what was cut off is made again, once."""
        return self._go(batch_id, ("interrupted", "cancelled"), None, confirmation)

    def read_on(self, batch_id: str) -> Batch:
        """Read what is unread of a batch here, though another process began it or it was stopped; queue nothing."""
        one = self._table.change(batch_id, lambda now: replace(now, is_stopped=False))
        self._read_here(batch_id)
        return one

    def retry(
        self, batch_id: str, row_ids: Sequence[str] | None = None, confirmation: Confirmation | None = None
    ) -> Batch:
        """Make again what failed, was cut off or is gone, in these rows or all, and open again photos that couldn't be
        opened.
        """
        refused = [row.id for row in self._choose_rows(batch_id, row_ids) if row.refusal]
        one = self._go(batch_id, AGAIN, row_ids, confirmation)
        if refused:
            self._change_rows(batch_id, refused, lambda row: replace(row, refusal=None))
        return one

    def _go(
        self, batch_id: str, again: Sequence[str], row_ids: Sequence[str] | None, confirmation: Confirmation | None
    ) -> Batch:
        with self._database.write():
            before = self._table.get(batch_id)
            if self._models.card(before.settings.model).hosted and self._table.count_unread(batch_id):
                raise Refusal("Some photos are still being looked at.", "Start when all of them are.")
            one = self._table.change(
                batch_id, lambda now: replace(now, is_started=True, is_paused=False, is_stopped=False)
            )
            self._table.take_over(batch_id, self._owner.token)
            rows = [row for row in self._choose_rows(batch_id, row_ids) if row.is_read]
            self._queue.take_over([clip.job for row in rows for clip in row.clips])
            self._queue.take_over([clip.draft for row in rows for clip in row.clips])
            standings = {standing.id: standing for standing in self.stand(batch_id, rows)} if again else {}
            rows = [self._retry_row(row, standings[row.id], again) if again else row for row in rows]
            self._enqueue(one, rows, confirmation)
        self._reader.wake()
        self._worker.wake()
        return one

    def _retry_row(self, row: BatchRow, standing: RowStanding, again: Sequence[str]) -> BatchRow:
        """Queue the jobs of a row again that ended so; the row with those clips begun anew whose job can't be."""
        states = {one.key: one.state for one in standing.clips}
        clips: list[BatchClip] = []
        for clip in row.clips:
            job = self._queue.get_all([clip.job]).get(clip.job) if states.get(clip.key) in again else None
            if states.get(clip.key) not in again:
                clips.append(clip)
            elif job is None or states[clip.key] == "gone" or self._spending.is_over(job):
                clips.append(replace(clip, job="", files=()))
            else:
                self._queue.retry(job.id)
                clips.append(clip)
        return replace(row, clips=tuple(clips))

    def _enqueue(self, batch: Batch, rows: Sequence[BatchRow], confirmation: Confirmation | None) -> None:
        """Queue every clip of these rows that has no job yet, drafts first, and write the rows."""
        rows = [row for row in rows if not row.refusal]
        fresh = [
            (row.id, clip.key, clip.shot)
            for row in rows if not row.aside or row.is_taken
            for clip in row.clips if not clip.job and not clip.refusal
        ]  # fmt: skip
        tried = [(row, key, replace(shot, draft=batch.settings.draft)) for row, key, shot in fresh]
        tried = tried if self._draws_drafts(batch.settings) else []
        shots = tuple(shot for _, _, shot in (*tried, *fresh))
        jobs = self._spending.put(shots, batch.id, confirmation=confirmation) if shots else ()
        drafts = {(row, key): job.id for (row, key, _), job in zip(tried, jobs, strict=False)}
        finals = {(row, key): job.id for (row, key, _), job in zip(fresh, jobs[len(tried) :], strict=True)}
        self._table.write_rows(batch.id, (_give_jobs(row, finals, drafts) for row in rows))

    def follow_job(self, batch_id: str, before: str, now: str) -> None:
        """A job of a batch was made anew: its clip is waited for from now on."""
        self._table.change_job(batch_id, before, now)

    def pause(self, batch_id: str) -> Batch:
        """Begin nothing more of a batch; what runs is finished."""
        return self._table.change(batch_id, lambda one: replace(one, is_paused=one.is_started))

    def stop(self, batch_id: str) -> Batch:
        """Cancel whatever of a batch waits or runs, and read no further."""
        with self._database.write():
            one = self._table.change(batch_id, lambda now: replace(now, is_stopped=True, is_paused=False))
            ran = self._queue.cancel_group(batch_id)
        for job_id in ran:
            self._worker.stop(job_id)
        return one

    def _cancel(self, job_ids: Iterable[str]) -> None:
        for job_id in job_ids:
            if job_id:
                self._queue.cancel(job_id)
                self._worker.stop(job_id)

    def claim_folder(self, batch_id: str, parent: Path) -> Path:
        """Make the batch's folder in `parent` before its clips are made. Raises `Refusal` where none can be written."""
        self._require_within((parent,))
        return self._writer.claim(batch_id, parent)

    def write_out(self, batch_id: str, parent: Path, tick: Tick = lambda progress: None) -> Path:
        """Write what is done to a folder of the batch's own in `parent`: a folder for each platform, manifest, contact
        sheet and posting plan. The folder. Called again it adds what is new. Raises `Refusal`.
        """
        self._require_within((parent,))
        return self._writer.write(batch_id, parent, self.stand(batch_id), tick)

    def find_writing(self, batch_id: str) -> Progress | None:
        """How far the files of a batch are written by this process; None where they aren't just now."""
        return self._writer.under_way.get(batch_id)

    def _require_within(self, places: Iterable[Path]) -> None:
        """Raises `Refusal` for a place outside of the only folder that may be named."""
        if self._within and not all(place.resolve().is_relative_to(self._within.resolve()) for place in places):
            raise Refusal("Folders of this computer are its owner's.", "Upload the photos, or one ZIP of them.")

    # Reading ----------------------------------------------------------------------------------------------------------

    def _read_here(self, batch_id: str) -> None:
        self._table.take_over(batch_id, self._owner.token)
        self._reader.wake()

    def _find_unread(self) -> tuple[Batch, BatchRow, int] | None:
        """The next row that this process reads; of batches whose process has ended only where it adopts them."""
        for batch_id, owner in self._table.list_owners():
            if owner != self._owner.token and (not self._adopt or self._owner.alive(owner)):
                continue
            with suppress(Refusal):
                batch = self._table.get(batch_id)
                found = None if batch.is_stopped else self._table.next_unread(batch_id)
                if found:
                    return batch, *found
        return None

    def _read(self, batch: Batch, row: BatchRow, number: int) -> BatchRow:
        try:
            return read_row(batch.settings, row, self._tools, number)
        except Exception as error:
            fault = report_fault(self._log, "this photo was read", error, f"batch {batch.id[:8]}")
            return replace(row, is_read=True, refusal=explain(fault), clips=())

    def _take(self, batch: Batch, before: BatchRow, row: BatchRow) -> None:
        """Write a row that was read, and queue its clips where the batch is going; unless either has changed meanwhile:
        then it is read again.
        """
        with self._database.write():
            try:
                now, current = self._table.get(batch.id), self._table.row(batch.id, row.id)
            except Refusal:  # removed meanwhile
                return
            if now.revision != batch.revision or current != before:
                return
            self._table.write_rows(batch.id, (row,))
            free = not self._models.card(now.settings.model).hosted
            if now.is_started and not now.is_stopped and free and not row.refusal:
                self._enqueue(now, (row,), None)
        self._cancel(list_dropped(row.clips, before.clips))
        self._worker.wake()


def _give_jobs(row: BatchRow, finals: dict[tuple[str, str], str], drafts: dict[tuple[str, str], str]) -> BatchRow:
    clips = tuple(
        replace(clip, job=finals.get((row.id, clip.key), clip.job), draft=drafts.get((row.id, clip.key), clip.draft))
        for clip in row.clips
    )
    return replace(row, clips=clips)


def _is_out(row: BatchRow) -> bool:
    """Whether nothing is made of a row: it is refused, or stands aside."""
    return row.refusal is not None or (row.aside and not any(clip.job for clip in row.clips))


def make_row(source: Source, prompt: str, *, needs_words: bool = False) -> BatchRow:
    """A row of a photo that is still to be read, with words of its own where there are any; refused where it
    `needs_words` and those beside it can't be read.
    """
    fault = source.refusal
    if not fault and needs_words and not prompt and source.prompt is None:
        fault = Refusal("The text beside this photo isn't in UTF-8.", "Save it as plain text, UTF-8, and add it again.")
    return BatchRow(
        uuid.uuid4().hex, source.name, str(source.file), source.member, source.folder, is_read=fault is not None,
        refusal=explain(fault) if fault else None, prompt=prompt, beside=source.prompt or "",
    )  # fmt: skip


def _name_batch(given: Sequence[Path], names: Sequence[str], photos: Sequence[Source]) -> str:
    """What a batch is called until it is renamed: its folder, its ZIP, or its first photo and how many follow."""
    if len(given) == 1:
        return Path(clean_name(names[0] if names else given[0].expanduser().absolute().name)).stem or "batch"
    return f"{Path(photos[0].name).stem} and {len(photos) - 1} more" if len(photos) > 1 else Path(photos[0].name).stem
