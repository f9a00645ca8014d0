"""How a shot becomes a kept clip: its photo is opened and animated, the frames encoded, the file kept; or why not."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from studio.cards import ModelCard
from studio.engines.base import Engine, Image, Reader, Stopped, Tick
from studio.engines.prepare import Prepared, prepare
from studio.jobs.clip_renderer import ClipRenderer, Rendered, explain_error, refuse_attachment, require_room
from studio.jobs.job_progress import JobProgress
from studio.jobs.read_ahead import ReadAhead
from studio.library import disk
from studio.library.clips import Clips
from studio.library.database import Database
from studio.library.logbook import report_fault, trace
from studio.library.queue import Queue
from studio.nouns import FINISH, Attachment, Choice, Clip, Done, Failed, Job, Progress, Shot, Still, replace
from studio.system_errors import Hindrance

if TYPE_CHECKING:
    from studio.clip.encode import Encoded
    from studio.photo.photo_store import PhotoStore


KEEP_SECONDS = 0.5
"""How long a made clip that can't be kept waits for the next try."""


class ClipMaker:
    """Makes clips and keeps them. `room` is where half-made ones lie, `photos` opens photos when a job needs them. Any
    thread may make one.
    """

    def __init__(
        self,
        *,
        room: Path,
        database: Database,
        queue: Queue,
        clips: Clips,
        log: logging.Logger,
        photos: Callable[[], PhotoStore],
        find_card: Callable[[str], ModelCard],
        find_engine: Callable[[ModelCard], Engine],
        find_file: Callable[[Attachment], Path] = refuse_attachment,
    ) -> None:
        self.room, self.queue, self.clips, self.log, self.card = room, queue, clips, log, find_card
        self._database = database
        self._photos = photos
        self.renderer = ClipRenderer(find_engine, find_file)
        self._ahead = ReadAhead()

    def engine(self, card: ModelCard, device: int = 0) -> Engine:
        """The engine of a card on one device, counted from 0. Raises `Refusal` when there is none."""
        return self.renderer.engine(card, device)

    def make(self, job: Job, folder: Path, watch: JobProgress, tick: Tick, device: int = 0) -> Done:
        """The sentence: open the photo, animate its crop, encode it, keep it. Raises `Refusal` or `Stopped`."""
        watch.tick(Progress("load"))
        disk.require(self.clips.folder, 0)
        if job.shot.maker == FINISH:
            made = self._finish(job.shot, folder, tick)
        else:
            card = self.card(job.shot.maker)
            prepared = prepare(job.shot, card)
            require_room(prepared.plan, job.shot, folder)
            image, last = self.open_photo(job.shot), job.shot.end if "end_frame" in card.supports else None
            end = self.open_end(last) if last else None
            made = self.renderer.render(prepared, image, end, folder, tick, device)
        took = time.monotonic() - watch.began
        clip = describe_clip(job, made.encoded, made.choices, took, memory=made.memory, loading=watch.loading)
        watch.tick(Progress("keep"))
        self.keep(job, clip, made.encoded.file, made.encoded.poster, watch)
        return Done(clip.id)

    def _finish(self, shot: Shot, folder: Path, tick: Tick) -> Rendered:
        """Finish the clips that a shot names. Raises `Refusal` where one isn't in the library any more."""
        sources = self.clips.get_sources(shot)
        wraps = len(sources) == 1 and sources[0].shot.loops
        return self.renderer.finish([self.clips.file(clip) for clip in sources], shot, wraps, folder, tick)

    def open_photo(self, shot: Shot) -> Image:
        """The whole mended photo of a shot, (H, W, 3) uint8 RGB. Raises `Refusal`."""
        return self._photos().mend(shot.photo, shot.mends)

    def open_end(self, end: Still) -> Image:
        """The whole photo that a shot ends on. Raises `Refusal`."""
        return self._photos().pixels(end.photo)

    def expect(self, job: Job, running: str, device: int = 0) -> None:
        """Prepare for the job that comes next: another model than the `running` one is loaded, and the built-in engine
        reads its photo in the background. Raises `Refusal` where there is no such model.
        """
        if job.shot.maker == FINISH:
            return
        card = self.card(job.shot.maker)
        if card.id != running:
            self.renderer.expect(card, device)
        engine = self.renderer.engine(card, device)
        if isinstance(engine, Reader):
            self._ahead.wish(lambda tick: self._read(engine, prepare(job.shot, card), tick))

    def _read(self, engine: Reader, prepared: Prepared, tick: Tick) -> None:
        """Read the scene of a shot, which its engine keeps until it is painted."""
        image = self.open_photo(prepared.recipe)
        tick(Progress("read"))
        if not prepared.plan.still:
            engine.read(image, prepared.shot, tick)

    def close(self) -> None:
        """Read no further ahead. Safe to call twice."""
        self._ahead.close()

    def keep(
        self, job: Job, clip: Clip, file: Path, poster: Path, watch: JobProgress,
        note: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        """The clip, its job's end and what `note` writes in one transaction.

        A clip that is made isn't lost: while the disk is full or away, or the database busy, this waits and the job
        says so. Raises `Stopped` where it was cancelled: then there is no clip.
        """
        tries = 0
        while True:
            try:
                watch.require_life()
                return self._keep_once(job, clip, file, poster, note)
            except Hindrance as hindrance:
                tries += 1
                watch.show(Progress("keep", tries, 0, f"{hindrance.reason} {hindrance.remedy}"))
                time.sleep(KEEP_SECONDS)
            except Stopped:
                self.clips.discard(clip)
                raise

    def _keep_once(self, job: Job, clip: Clip, file: Path, poster: Path, note: Callable[[], None]) -> None:
        with self._database.write():
            note()
            self.clips.keep(replace(clip, made_at=self._database.date_next("clips")), file, poster)
            if not self.queue.become(job.id, Done(clip.id)):
                raise Stopped

    def explain_failure(self, job: Job, error: Exception) -> Failed:
        """What went wrong and what to do, in the user's words. What nobody foresaw stands in the log, under the name it
        gives.
        """
        refusal = explain_error(error)
        if refusal is None:
            refusal = report_fault(self.log, "this clip was made", error, f"job {job.id[:8]}")
            return Failed(refusal.reason, refusal.remedy)
        self.log.error("job %s: %s", job.id[:8], trace(error))
        return Failed(refusal.reason, refusal.remedy)


def describe_clip(
    job: Job, encoded: Encoded, choices: tuple[Choice, ...], took: float, *, memory: int = 0, loading: float = 0.0
) -> Clip:
    """The noun of a finished clip: what the file itself holds, not what was meant."""
    made = encoded.outcome
    return Clip(
        id=job.id, shot=job.shot, file=f"{job.id}{encoded.file.suffix}", poster=f"{job.id}{encoded.poster.suffix}",
        width=made.width, height=made.height, fps=made.fps, num_frames=made.num_frames, seconds=made.seconds,
        bytes=encoded.bytes, made_at=time.time(), took=took, choices=choices, memory=memory, loading=loading,
    )  # fmt: skip
