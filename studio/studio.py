"""Studio: the only object a face may hold. It composes the rooms and does one thing a method.

Knows which room answers which question. Refuses to know pages and command lines; heavy libraries load on first use.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
import threading
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from studio import checks, drafts, presets
from studio.advice.adviser import Advice
from studio.advice.pace import RECENT, Pace, choose_size, pace
from studio.advice.platforms import Misfit, misfits
from studio.assist import Assist
from studio.cards import ModelCard, Outcome, Plan
from studio.clip import formats
from studio.config import Settings
from studio.engines import registry
from studio.engines.base import Engine, Places, Tick, require_motion
from studio.engines.prepare import Prepared, adapt
from studio.jobs import Worker, put_right
from studio.library import database, logbook
from studio.library.clips import Clips, Sort
from studio.library.owner import Owner
from studio.library.queue import Queue
from studio.library.served import Served
from studio.models import Models
from studio.nouns import Aspect, Choice, Clip, Job, Mend, Photo, Refusal, Shot, replace
from studio.presets import Platform, Sample

if TYPE_CHECKING:
    from studio.photo.auto_crop import Suggestion
    from studio.photo.photo_store import PhotoStore


class Studio:
    """One home folder with its photos, queue and library, and the worker that turns the one into the other.

    `cards` are the models on offer, those that ship and the user's own unless told otherwise, and `engines` makes the engine of a
    card, which is kept and closed with the studio.
    `log` is the home folder's log. The constructor opens the database and puts right what a crash has left behind; nothing is
    rendered before `start`.
    Raises `Refusal` when the home folder can't be used.
    """

    def __init__(
        self,
        settings: Settings,
        cards: tuple[ModelCard, ...] | None = None,
        engines: Callable[[ModelCard, Settings], Engine] = registry.make,
    ) -> None:
        settings.prepare()
        self.settings = settings
        self.models = Models(settings, cards, engines)
        self._photos: PhotoStore | None = None
        self._opening = threading.Lock()
        self.log = logbook.open(settings.home / "logs")
        self._owner = Owner(settings.home / "locks")
        self._room = self._owner.room(settings.cache)
        self._served = Served(settings.cache / "served")
        self._database = database.open(settings.database)
        self._clips = Clips(self._database, settings.clips, drafts.words)
        self._queue = Queue(self._database, self._owner)
        self._drafts = drafts.Drafts(settings, self._served, self._room, self)
        self.advice = Advice(self, self._served)
        self.assist = Assist(self, self.models)
        self._paced: tuple[int, Pace] | None = None
        self._worker = Worker(self._room, self._database, self._queue, self._clips, self, self.log)
        found, interrupted = put_right(self._queue, self._clips, everything=True)
        self._owner.sweep(settings.cache)
        if found or interrupted or self._database.notes:
            self.log.warning("put right: %d clips found again, %d jobs were running", found, interrupted)

    def start(self, adopt: bool = True) -> None:
        """Start the worker. With `adopt` it also does what a process that has ended left in the queue."""
        self._worker.start(adopt)

    def close(self) -> None:
        """Stop the worker (a running job becomes Interrupted), let go of models and database. Safe to call twice."""
        self._worker.close()
        self._drafts.close()
        self.assist.close()
        self.models.close()
        self._database.close()
        shutil.rmtree(self._room, ignore_errors=True)
        self._owner.release()
        logbook.close(self.log)

    # Photos ---------------------------------------------------------------------------------------------------------

    @property
    def photos(self) -> PhotoStore:
        """Where photographs are kept; opened on first use."""
        with self._opening:
            if self._photos is None:
                from studio.photo.photo_store import PhotoStore

                self._photos = PhotoStore(self.settings)
            return self._photos

    def take_in(self, file: Path, name: str = "") -> Photo:
        """Take a photograph in; `name` is what the user calls it. Raises `Refusal` when it can't be used."""
        return self.photos.take_in(file, name)

    def photo(self, photo_id: str) -> Photo:
        """A photograph taken in before. Raises `Refusal` when it isn't here."""
        return self.photos.get(photo_id)

    def view(self, photo: Photo) -> Path:
        """The display copy of a photograph: a JPEG without metadata, at most 1600 px."""
        return self.photos.view(photo)

    def samples(self) -> tuple[Sample, ...]:
        """The photographs that ship; their files are in assets/samples."""
        return presets.samples()

    def suggest_crop(self, photo: Photo, aspect: Aspect, subject: str = "") -> Suggestion:
        """A crop of this aspect that keeps what matters in the picture, and why it is where it is; `subject` as in `Shot`."""
        from studio.photo.auto_crop import suggest

        return suggest(self.photos.pixels(photo), photo, aspect, subject)

    def pick(self, photo: Photo, mends: tuple[Mend, ...], x: float, y: float) -> str:
        """What lies at a place of a photo with its mends, given in fractions, as `Shot.subject` holds it. Raises `Refusal`."""
        from studio.photo import brush_mask
        from studio.photo.click_select import pick

        found = brush_mask.packed(pick(self.photos.mended(photo, mends), x, y))
        if not found:
            raise Refusal("Nothing could be told apart there.", "Click on another part of it, or paint it with Add.")
        return found

    # Models and machine ---------------------------------------------------------------------------------------------

    def cards(self) -> tuple[ModelCard, ...]:
        """Every model on offer; `models` knows how each stands on this machine."""
        return self.models.cards

    def platforms(self) -> tuple[Platform, ...]:
        """Every place a clip can go."""
        return presets.platforms()

    def card(self, model: str) -> ModelCard:
        """The card of a model. Raises `Refusal` when there is none."""
        return self.models.card(model)

    def engine(self, card: ModelCard) -> Engine:
        """The engine that a card runs on, loaded on first use."""
        return self.models.engine(card)

    def machine(self, kernels: bool = True) -> tuple[Choice, ...]:
        """What this machine can do, and why each thing is chosen; with the attention `kernels` tried on it, or without."""
        gauge = self.models.gauge()
        return (*drafts.machine(self.settings, gauge.rows if kernels else gauge.choices), *self._database.notes)

    def depth_model(self) -> tuple[bool, Choice]:
        """Whether the optional depth network has been downloaded, and what that means for depth."""
        return checks.depth_model(self.settings)

    def download_depth_model(self, tick: Tick) -> None:
        """Fetch the optional depth network, about 27 MB: only ever because the user asked. Raises `Refusal`."""
        self._drafts.download_depth_model(tick)

    def plan(self, shot: Shot) -> Plan:
        """What a run of this shot will really be: size, length, rate, steps, each with its reason. Quick. Raises `Refusal`."""
        return choose_size(shot, self.card(shot.maker), self._pace()).plan

    def outcome(self, shot: Shot) -> Outcome:
        """What the finished file of this shot will hold: size, frames, rate, length. Quick. Raises `Refusal`."""
        made = self.plan(shot)
        return formats.outcome(made.width, made.height, made.fps, made.num_frames, shot.format)

    def expected(self, shot: Shot) -> float | None:
        """Seconds that this shot will take here, by the clips made here; None for a model that denoises (`models` knows)."""
        return self._pace().expected(self.plan(shot)) if self.card(shot.maker).checkpoint is None else None

    def misfits(self, shot: Shot) -> tuple[Misfit, ...]:
        """What the place this shot is made for doesn't take of it; () when it takes it, or none is chosen. Raises `Refusal`."""
        place, whole = presets.platform(shot.platform), replace(shot, draft="")
        return misfits(whole, self.outcome(whole), place, self.card(shot.model)) if place else ()

    def _pace(self) -> Pace:
        version = self._database.version
        if self._paced is None or self._paced[0] != version:
            self._paced = (version, pace(self._clips.find(limit=2 * RECENT)))
        return self._paced[1]

    def choices(self, shot: Shot) -> tuple[Choice, ...]:
        """Every automatic choice this shot leads to, with its reason. Reads the scene on first use: a second or so."""
        return self._drafts.choices(self._accept(shot))

    def places(self, shot: Shot) -> Places:
        """Where the effects of a shot would happen and which have no place, those its words ask for among them.

        For models that find places by themselves there is nothing to say. Quick where a draft has read the photo, else a second.
        """
        return self._drafts.places(self._accept(shot))

    def depth_view(self, shot: Shot) -> Path:
        """A picture of the crop's depth, near things light: a grey PNG in the served folder. Of any model: the built-in one's."""
        return self._drafts.depth_view(self._accept(adapt(shot, self.models.draft(self.card(shot.model)))))

    def adopt_depth(self, file: Path) -> str:
        """Keep a depth map of the user's (light is near); the id goes into `Shot.depth`. Raises `Refusal`."""
        return self._drafts.adopt_depth(file)

    def preview(self, shot: Shot) -> Path:
        """A tiny MP4 of the shot (240p, 16 fps, 2.5 s) in the served folder, made once for a recipe.

        Effects that wait for the user's brush are left out of it. A model that takes its time has its camera drawn by the
        built-in engine. While the user looks at it, the scene of the real clip is read ahead.
        """
        ready = tuple(effect for effect in shot.motion.effects if not checks.needs_brush(effect))
        shot = replace(shot, motion=replace(shot.motion, effects=ready))
        made = self._drafts.preview(self._accept(adapt(shot, self.models.draft(self.card(shot.model)))))
        if self.card(shot.maker).checkpoint is None:
            with contextlib.suppress(Refusal):  # the draft is shown all the same; why there is no clip is said elsewhere
                self._drafts.expect(self._accept(shot))
        return made

    def _accept(self, shot: Shot) -> Prepared:
        photo, end = self.photos.get(shot.photo.id), self.photos.get(shot.end.photo.id) if shot.end else None
        return checks.accept(shot, self.card(shot.maker), photo, end, self.settings, self._pace())

    def _ready(self, shot: Shot) -> Shot:
        """The recipe of an accepted shot, which its model can make here and now, and in which something moves as was asked."""
        prepared = self._accept(shot)
        self.models.require(prepared.card)
        require_motion(self._drafts.places(prepared))
        return prepared.recipe

    # Queue ----------------------------------------------------------------------------------------------------------

    @property
    def version(self) -> int:
        """A number that grows with every change of jobs or clips, in any process, and of models here. Compare with `!=`."""
        return self._database.version + self.models.version

    def submit(self, shot: Shot, press: str = "") -> Job:
        """Queue a shot. Raises `Refusal` before anything is queued when it can't be made.

        `press` is an id of the press that asked for it: the same one once more answers with the job that is there.
        """
        return self.submit_all((shot,), press)[0]

    def submit_all(self, shots: tuple[Shot, ...], press: str = "") -> tuple[Job, ...]:
        """Queue several shots, drafts first. Raises `Refusal` before any is queued when one of them can't be made."""
        ready = sorted((self._ready(shot) for shot in shots), key=lambda shot: not shot.draft)
        return self._put(tuple(ready), "", press)

    def submit_each(self, shots: tuple[Shot, ...], press: str = "") -> tuple[tuple[Job, ...], dict[int, Refusal]]:
        """Queue as one group, in their order, those of several shots that can be made; and why the others can't, by number."""
        ready: list[Shot] = []
        refused: dict[int, Refusal] = {}
        for at, shot in enumerate(shots):
            try:
                ready.append(self._ready(shot))
            except Refusal as refusal:
                refused[at] = refusal
        group = uuid.uuid4().hex if len(ready) > 1 else ""
        return self._put(tuple(ready), group, press) if ready else (), refused

    def _put(self, shots: tuple[Shot, ...], group: str, press: str) -> tuple[Job, ...]:
        jobs = self._queue.submit_all(shots, group, press)
        self._worker.wake()
        return jobs

    def jobs(self) -> tuple[Job, ...]:
        """The running jobs, then the queued in their order, then the ended, newest first."""
        return tuple(self._worker.live(job) for job in self._queue.jobs())

    def job(self, job_id: str) -> Job:
        """One job as it stands now. Raises `Refusal` when there is none."""
        return self._worker.live(self._queue.get(job_id))

    def cancel(self, job_id: str) -> None:
        """Cancel a job that has not finished; what runs stops within a second. Nothing happens to one that has ended."""
        self._queue.cancel(job_id)
        self._worker.stop(job_id)

    def cancel_group(self, group: str) -> None:
        """Cancel whatever of a group has not ended."""
        for job_id in self._queue.cancel_group(group):
            self._worker.stop(job_id)

    def retry_group(self, group: str) -> tuple[Job, ...]:
        """Queue again what of a group failed or was interrupted. Raises `Refusal` when one can't be made here any more."""
        failed = self._queue.failed(group)
        for job in failed:
            self._ready(job.shot)
        jobs = tuple(self._queue.retry(job.id) for job in failed)
        self._worker.wake()
        return jobs

    def retry(self, job_id: str) -> Job:
        """Queue a failed, cancelled or interrupted job again. Raises `Refusal` for any other."""
        self._ready(self._queue.get(job_id).shot)
        job = self._queue.retry(job_id)
        self._worker.wake()
        return job

    def move(self, job_id: str, before: str | None) -> None:
        """Put a queued job before another queued job, or last. Raises `Refusal` when either is no longer queued."""
        self._queue.move(job_id, before)

    def clear_ended(self) -> None:
        """Take done, failed and cancelled jobs off the list; their clips stay. Interrupted ones wait to be resumed."""
        self._queue.clear_ended()

    # Library --------------------------------------------------------------------------------------------------------

    def clips(
        self, words: str = "", trashed: bool = False, limit: int = 60, offset: int = 0, sort: Sort = "newest", stars: int = 0
    ) -> tuple[Clip, ...]:
        """Clips that have every word in their prompt, photo name, title, moves, effects or model, and at least so many stars."""
        return self._clips.find(words, trashed, limit, offset, sort, stars)

    def clip_ids(self, words: str = "", trashed: bool = False, sort: Sort = "newest", stars: int = 0) -> tuple[str, ...]:
        """The ids of all clips that `clips` would find without a limit."""
        return self._clips.ids(words, trashed, sort, stars)

    def count(self, words: str = "", trashed: bool = False, stars: int = 0) -> int:
        """How many clips `clips` would find without a limit."""
        return self._clips.count(words, trashed, stars)

    def clip(self, clip_id: str) -> Clip:
        """One clip. Raises `Refusal` when it isn't in the library."""
        return self._clips.get(clip_id)

    def clip_file(self, clip: Clip) -> Path:
        """The clip's file. Raises `Refusal` when it has been moved or deleted by hand."""
        return self._clips.file(clip)

    def poster_file(self, clip: Clip) -> Path:
        """The clip's poster. Raises `Refusal` when it has been moved or deleted by hand."""
        return self._clips.poster(clip)

    def rate(self, clip_ids: str | Sequence[str], stars: int) -> int:
        """Give a clip, or several, 0 to 5 stars. Returns how many clips that were. Raises `Refusal` for any other number."""
        return self._change(clip_ids, rating=stars)

    def retitle(self, clip_id: str, title: str) -> None:
        """Give a clip a title of its own, at most 200 characters; "" takes it away."""
        self._clips.change(clip_id, title=" ".join(title.split())[:200])

    def trash(self, clip_ids: str | Sequence[str]) -> int:
        """Put a clip, or several, in the trash; `restore` brings them back. Returns how many that were."""
        return self._change(clip_ids, trashed=True)

    def restore(self, clip_ids: str | Sequence[str]) -> int:
        """Bring a clip, or several, back from the trash. Returns how many that were."""
        return self._change(clip_ids, trashed=False)

    def _change(self, clip_ids: str | Sequence[str], **changes: object) -> int:
        """One clip has to be here; of several, those that are."""
        if isinstance(clip_ids, str):
            self._clips.change(clip_ids, **changes)
            return 1
        return len(self._clips.change_all(clip_ids, **changes))

    def empty_trash(self) -> int:
        """Delete what is in the trash for good, files and all. Returns how many clips that were."""
        return self._clips.empty_trash()

    def export(self, clip_id: str, with_recipe: bool) -> Path:
        """The file to download, named for a person, with the recipe inside it or without."""
        clip = self._clips.get(clip_id)
        return self._drafts.export(clip, self._clips.file(clip), with_recipe)

    def export_all(self, clip_ids: Sequence[str], with_recipe: bool) -> Path:
        """One zip with several clips, each named for a person, with its recipe inside or without. Raises `Refusal`."""
        clips = [self._clips.get(clip_id) for clip_id in dict.fromkeys(clip_ids)]
        return self._drafts.export_all([(clip, self._clips.file(clip)) for clip in clips], with_recipe)

    def recipe(self, file: Path) -> Shot:
        """The recipe inside a clip, or in a .json beside one. Raises `Refusal` when there is none."""
        return drafts.recipe(file)

    def again(self, clip_id: str, press: str = "") -> Job:
        """Make a clip again, exactly as it was."""
        return self.submit(self._clips.get(clip_id).shot, press)

    def vary(self, clip_id: str, press: str = "") -> Job:
        """Make a clip again with a seed it did not have."""
        shot = self._clips.get(clip_id).shot
        return self.submit(replace(shot, seed=(shot.seed + 1 + secrets.randbelow(2**32 - 1)) % 2**32), press)
