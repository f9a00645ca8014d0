"""How a shot becomes a kept clip: its photo is opened and animated, the frames encoded, the file kept; or why not."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import structs

from studio.cards import ModelCard, Plan
from studio.engines.base import Devices, Engine, Shelf, Stopped, Tick
from studio.engines.peak_memory import PeakMemory
from studio.engines.prepare import prepare
from studio.frames import Frames
from studio.jobs.job_progress import JobProgress
from studio.library import disk
from studio.library.clips import Clips
from studio.library.database import Database
from studio.library.logbook import report_fault, trace
from studio.library.queue import Queue
from studio.nouns import Choice, Clip, Done, Failed, Job, Progress, Refusal
from studio.presets import explain_silent_track

if TYPE_CHECKING:
    from studio.clip.encode import Encoded
    from studio.photo.photo_store import PhotoStore

BYTES_PER_PIXEL = {"mp4": 0.25, "webm": 0.25, "gif": 1.0, "webp": 0.5}
"""A generous clip: libx264 at crf 19 takes about 0.02 for a slow move over a photograph, twice over while it is
written.
"""


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
    ) -> None:
        self.room, self.queue, self.clips, self.log, self.card = room, queue, clips, log, find_card
        self._database = database
        self._photos = photos
        self._find_engine = find_engine
        self._used: dict[tuple[str, int], ModelCard] = {}
        self._counting = threading.Lock()

    def engine(self, card: ModelCard, device: int = 0) -> Engine:
        """The engine of a card on one device, counted from 0. Raises `Refusal` when there is none."""
        engine = self._find_engine(card)
        devices = engine.devices if isinstance(engine, Devices) else ()
        return devices[device] if device < len(devices) else engine

    def make(self, job: Job, folder: Path, watch: JobProgress, tick: Tick, device: int = 0) -> Done:
        """The sentence: open the photo, animate its crop, encode it, keep it. Raises `Refusal` or `Stopped`."""
        from studio.clip.encode import encode

        shot = job.shot
        watch.tick(Progress("load"))
        card = self.card(shot.maker)
        prepared = prepare(shot, card)
        self._require_room(prepared.plan, BYTES_PER_PIXEL[shot.format], folder)
        image = self._photos().mend(shot.photo, shot.mends)
        end = self._photos().pixels(shot.end.photo) if shot.end and "end_frame" in card.supports else None
        with self._measure(card, device) as peak:
            frames = self.engine(card, device).animate(prepared, image, end, tick)
            file, silence = folder / f"clip.{shot.format}", explain_silent_track(shot.platform)
            encoded = encode(frames, file, shot, tick, silence)
        choices = _merge_choices(prepared.plan, frames, encoded)
        took = time.monotonic() - watch.began
        clip = describe_clip(job, encoded, choices, took, memory=peak.bytes, loading=watch.loading)
        watch.tick(Progress("keep"))
        self.keep(job, clip, encoded.file, encoded.poster)
        return Done(clip.id)

    def expect(self, model: str, device: int = 0) -> None:
        """Tell a model's engine that its job comes next. Raises `Refusal` where there is no such model."""
        card = self.card(model)
        engine = self.engine(card, device)
        if isinstance(engine, Shelf):
            self._note_use(card, device)
            engine.expect(card)

    def _note_use(self, card: ModelCard, device: int) -> list[tuple[int, ModelCard]]:
        """Note that a model is used here. Returns the others that were, with their devices."""
        with self._counting:
            self._used[card.id, device] = card
            return [(at, other) for (name, at), other in self._used.items() if (name, at) != (card.id, device)]

    def _measure(self, card: ModelCard, device: int) -> PeakMemory:
        """What measures the memory of a run of this model, without what others hold that have run or loaded here."""
        others = 0
        for at, other in self._note_use(card, device):
            engine = self.engine(other, at)
            if isinstance(engine, Shelf):
                others += engine.state(other).held
        return PeakMemory(others, has_model=card.checkpoint is not None, device=device if card.checkpoint else None)

    def keep(self, job: Job, clip: Clip, file: Path, poster: Path, note: Callable[[], None] = lambda: None) -> None:
        """The clip, its job's end and what `note` writes in one transaction. Raises `Stopped` where it was cancelled at
        the last moment: then there is no clip.
        """
        try:
            with self._database.write():
                note()
                self.clips.keep(clip, file, poster)
                if not self.queue.become(job.id, Done(clip.id)):
                    raise Stopped
        except Stopped:
            self.clips.discard(clip)
            raise

    def _require_room(self, planned: Plan, bytes_per_pixel: float, folder: Path) -> None:
        disk.require(folder, round(planned.width * planned.height * planned.num_frames * bytes_per_pixel))
        disk.require(self.clips.folder, 0)

    def explain_failure(self, job: Job, error: Exception) -> Failed:
        """What went wrong and what to do, in the user's words. What nobody foresaw stands in the log, under the name it
        gives.
        """
        if isinstance(error, Refusal):
            refusal = error
        elif isinstance(error, MemoryError):
            refusal = Refusal(
                "There isn't enough memory for this clip.", "Choose a smaller size, or close other programs."
            )
        elif isinstance(error, OSError) and disk.is_full(error):
            refusal = disk.refusal(error)
        else:
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


def _merge_choices(planned: Plan, frames: Frames, encoded: Encoded) -> tuple[Choice, ...]:
    """What was planned, as far as it came true and the engine doesn't say it better, then what engine and encoder
    chose.
    """
    if (planned.width, planned.height) != (frames.width, frames.height):
        planned = structs.replace(planned, size=None)
    if (planned.num_frames, planned.fps) != (frames.num_frames, frames.fps):
        planned = structs.replace(planned, length=None)
    told = {choice.what for choice in frames.choices}
    return tuple(dict.fromkeys((*(choice for choice in planned.choices if choice.what not in told), *encoded.choices)))
