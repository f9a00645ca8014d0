"""Studio: the one object that page and command line hold. Its rooms are attributes; its methods are what takes two of
them.

photos, models, queue, library, comparisons, batches, scores, previews, exports, depths, advice, assist. Heavy
libraries load on first use.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from studio import presets, shot_checks
from studio.advice.adviser import Advice
from studio.advice.misfits import Misfit, find_misfits
from studio.advice.render_time import RECENT, Pace, choose_size, pace
from studio.attachments import Attachments
from studio.batch.row_reader import ReadingTools
from studio.batches import Batches
from studio.cards import ModelCard, Outcome, Plan
from studio.clip import formats
from studio.compare.compare_room import Comparisons
from studio.config import Settings
from studio.deliveries import Deliveries
from studio.depth_maps import DepthMaps, find_network
from studio.engines import registry
from studio.engines.base import Engine, Places, require_motion
from studio.engines.hosted.services import find_service, services
from studio.engines.hosted.tokens import find_token
from studio.engines.prepare import Prepared, adapt
from studio.exports import Exports
from studio.finish_room import FinishRoom
from studio.guest import Guest
from studio.hosted_services import HostedServices
from studio.jobs.clip_maker import ClipMaker
from studio.jobs.hosted_job import HostedTools
from studio.jobs.hosted_lane import HostedLane
from studio.jobs.lane import recover
from studio.jobs.watched_work import watch_photos
from studio.jobs.worker import Worker
from studio.library import database, disk, logbook
from studio.library.clips import Clips
from studio.library.file_cache import FileCache
from studio.library.live_processes import Owner
from studio.library.paid_jobs import PaidJobs
from studio.library.queue import Queue
from studio.models import Models
from studio.motion import camera_moves
from studio.motion.ambient_effects import EFFECTS, needs_brush
from studio.motion_assistant import Assist
from studio.nouns import FINISH, Attachment, Choice, Job, Refusal, Shot, replace
from studio.previews import Previews
from studio.remakes import Remakes
from studio.score_room import ScoreRoom
from studio.spending import Confirmation, Spending

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from studio.farm.dispatch import Farm
    from studio.photo.photo_store import PhotoStore


class Studio:
    """One home folder with its photos, queue and library, and the worker that turns the one into the other.

    `cards` are the models on offer, those that ship and the user's own unless told otherwise, and `engines` makes the
    engine of a card, which is kept and closed with the studio. `guest`: what a visitor's studio has of the house that
    it stands in. `log` is the home folder's log. The constructor opens the database and puts right what a crash has
    left behind; nothing is rendered before `start`. Raises `Refusal` when the home folder can't be used.
    """

    def __init__(
        self,
        settings: Settings,
        cards: tuple[ModelCard, ...] | None = None,
        engines: Callable[[ModelCard, Settings], Engine] = registry.make,
        guest: Guest | None = None,
    ) -> None:
        services()  # a wrong address of an imitation is refused before anything is opened
        settings.prepare()
        self.settings, self.guest, self._engines = settings, guest or Guest(), engines
        self.farm: Farm | None = None
        self.models = Models(settings, cards, engines, self.guest.models)
        self.hosted, self._opening = HostedServices(settings), threading.Lock()
        self.attachments = Attachments(settings, lambda key: self._database.names(key))
        self._photo_store: PhotoStore | None = None
        self.log = logbook.open(settings.home / "logs")
        self._owner = Owner(settings.home / "locks")
        self._room, self._watch = self._owner.room(settings.cache), watch_photos(settings.deadline, self.log)
        self._served = FileCache(settings.cache / "served", most_bytes=self.guest.most_cached)
        self._database = database.open(settings.database, self.log, lambda: self._owner.renew(settings.cache))
        self.library = Clips(self._database, settings.clips, search_words)
        self.queue = Queue(self._database, self._owner, self.guest.most_waiting)
        self.spending = self._make_spending()
        self.finishes = FinishRoom(self.library, self._served, self._room, self._find_attachment, settings.deadline)
        self.depths = DepthMaps(settings)
        given = settings, self._served, self._room, self.models, lambda: self.photos
        self.previews = Previews(*given, self.guest.drawing)
        self.advice = Advice(settings, self._served, self.models, lambda: self.photos)
        self.assist = Assist(self.models, lambda: self.photos, self.spending, settings.deadline)
        self._paced: tuple[int, Pace] | None = None
        self.scores, self._worker = self._make_scores(), self._make_worker()
        self.comparisons, self.batches = self._make_comparisons(), self._make_batches()
        self._remakes = Remakes(self.scores, self.models, self.comparisons, self.submit, self.log)
        self.exports = Exports(
            library=self.library, served=self._served, room=self._room, comparisons=self.comparisons,
            scores=self.scores, models=self.models, photos=lambda: self.photos,
        )  # fmt: skip
        given_out = settings.deliveries, self._room, self.log, self.guest, settings.deadline
        self.deliveries = Deliveries(self.library, self.advice, *given_out)
        self._put_right()

    def _put_right(self) -> None:
        """What a crash has left behind."""
        found, interrupted = recover(self.queue, self.library, everything=True)
        self._owner.sweep(self.settings.cache)
        if found or interrupted or self._database.notes:
            self.log.warning("put right: %d clips found again, %d jobs were running", found, interrupted)

    def _make_comparisons(self) -> Comparisons:
        return Comparisons(
            database=self._database, queue=self.queue, library=self.library, models=self.models, worker=self._worker,
            spending=self.spending, ready=self._prepare_recipe, accept=self._accept, pace=self._pace,
            describe=search_words,
        )  # fmt: skip

    def _make_batches(self) -> Batches:
        return Batches(
            database=self._database, owner=self._owner, queue=self.queue, library=self.library, models=self.models,
            worker=self._worker, spending=self.spending, pace=self._pace, log=self.log,
            tools=ReadingTools(lambda: self.photos, self.advice, self._prepare_recipe, self._room, self.misfits),
            most_rows=self.guest.most_rows, within=self.settings.home if self.settings.visitors else None,
        )  # fmt: skip

    def _make_spending(self) -> Spending:
        return Spending(self._database, self.queue, PaidJobs(self._database), self.models, self._owner.token)

    def _make_scores(self) -> ScoreRoom:
        return ScoreRoom(
            database=self._database, library=self.library, models=self.models, photos=lambda: self.photos, log=self.log,
            find_near=self._read_depth, is_busy=lambda: self._worker.is_busy or self.guest.is_house_busy,
            judge=lambda clip, score: self._remakes.judge(clip, score),
        )  # fmt: skip

    def _make_worker(self) -> Worker:
        return Worker(
            room=self._room, database=self._database, queue=self.queue, clips=self.library, log=self.log,
            photos=lambda: self.photos, find_card=self.models.card, find_engine=self.models.engine,
            find_file=self._find_attachment, list_cards=lambda: self.models.cards,
            make_hosted=None if self.settings.visitors else self._make_hosted,
            tell=lambda clip_id: self.scores.expect(clip_id), seat=self.guest.seat,
            make_remote=self._make_farm if self.settings.ray else None, deadline=self.settings.deadline,
        )  # fmt: skip

    def _make_farm(self, maker: ClipMaker) -> Farm:
        from studio.farm.dispatch import Farm

        self.farm = Farm(
            maker, self.settings, self.log, engines=self._engines, list_cards=lambda: self.models.cards,
            tell=lambda clip_id: self.scores.expect(clip_id),
        )  # fmt: skip
        self.models.look_elsewhere(self.farm.find_state)
        return self.farm

    def _make_hosted(self, maker: ClipMaker) -> HostedLane:
        tools = HostedTools(
            maker, self.spending.paid, lambda: self.photos, find_service, self._find_attachment, self._owner.token
        )
        return HostedLane(
            tools, self.log, list_services=self._list_services,
            limit=lambda: self.models.preferences().hosted_at_once, hold=self.spending.find_hold,
            is_alive=self._owner.alive, tell=lambda clip_id: self.scores.expect(clip_id),
        )  # fmt: skip

    def _list_services(self) -> list[str]:
        """The hosted services. Their tokens are looked for here, in no transaction: a keyring may take seconds."""
        for one in services():
            find_token(one.name)
        return [one.name for one in services()]

    def _find_attachment(self, given: Attachment) -> Path:
        return self.attachments.file(given.id)

    def start(self, adopt: bool = True, score: bool = True) -> None:
        """Start the worker. With `adopt` it also does what a process that has ended left in the queue, and with `score`
        clips are scored in the background.
        """
        self._worker.start(adopt)
        if adopt:
            self.attachments.sweep()
            if score:
                self.scores.start()
            self.batches.begin()
            if not self.guest.models:
                self.models.try_kernels()

    def close(self) -> None:
        """Stop the worker (a running job becomes Interrupted), let go of models and database. Safe to call twice."""
        self.batches.close()
        self.deliveries.close()
        self._worker.close()
        self.scores.close()
        self.previews.close()
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
            if self._photo_store is None:
                from studio.photo.photo_store import PhotoStore

                self._photo_store = PhotoStore(self.settings, self.guest.most_photos, self._watch)
            return self._photo_store

    # Models and machine ---------------------------------------------------------------------------------------------

    def machine(self, kernels: bool = True) -> tuple[Choice, ...]:
        """What this machine can do, and why each is chosen; with the attention `kernels` tried on it, or without."""
        gauge = self.models.gauge()
        return (*describe_machine(self.settings, gauge.rows if kernels else gauge.choices), *self._database.notes)

    def plan(self, shot: Shot) -> Plan:
        """What a run of this shot will really be: size, length, rate, steps, each with its reason. Quick. Raises
        `Refusal`.
        """
        return choose_size(shot, self.models.card(shot.maker), self._pace()).plan

    def outcome(self, shot: Shot) -> Outcome:
        """What the finished file of this shot will hold: size, frames, rate, length. Quick. Raises `Refusal`."""
        made = None if shot.maker == FINISH else self.plan(shot)
        if made is None or shot.finish:
            return self.finishes.outcome(shot, made)
        return formats.foretell_outcome(made.width, made.height, made.fps, made.num_frames, shot.format)

    def estimate_time(self, shot: Shot) -> float | None:
        """Seconds that this shot will take here, by the clips made here; None for a model that denoises (`models`
        knows), and for clips that are finished.
        """
        is_built_in = shot.maker != FINISH and self.models.card(shot.maker).is_built_in
        return self._pace().estimate(self.plan(shot), shot.format) if is_built_in else None

    def misfits(self, shot: Shot) -> tuple[Misfit, ...]:
        """What the place this shot is made for doesn't take of it; () when it takes it, or none is chosen. Raises
        `Refusal`.
        """
        place, whole = presets.platform(shot.platform), replace(shot, draft="")
        known = self.models.cards  # a clip that is finished may outlive the model it was made with
        card = next((one for one in known if one.id == shot.model), known[0])
        return find_misfits(whole, self.outcome(whole), place, card) if place else ()

    def _pace(self) -> Pace:
        version = self._database.version
        if self._paced is None or self._paced[0] != version:
            self._paced = (version, pace(self.library.find(limit=2 * RECENT)))
        found = self._paced[1]
        return found._replace(largest=self.guest.limits.size) if self.guest.limits else found

    def choices(self, shot: Shot) -> tuple[Choice, ...]:
        """Every automatic choice this shot leads to, with its reason. Reads the scene on first use: a second or so."""
        return self.previews.choices(self._accept(shot))

    def places(self, shot: Shot) -> Places:
        """Where the effects of a shot would happen and which have no place, those its words ask for among them.

        For models that find places by themselves there is nothing to say. Quick where a draft has read the photo, else
        a second.
        """
        return self.previews.places(self._accept(shot))

    def depth_view(self, shot: Shot) -> Path:
        """A picture of the crop's depth, near things light: a grey PNG in the served folder. Of any model: the built-in
        one's.
        """
        return self.previews.depth_view(self._accept_draft(shot))

    def depth_choices(self, shot: Shot) -> tuple[Choice, ...]:
        """Where that depth comes from, and how many layers it has."""
        return self.previews.depth_choices(self._accept_draft(shot))

    def preview(self, shot: Shot) -> Path:
        """A tiny MP4 of the shot (240p, 16 fps, 2.5 s) in the served folder, made once for a recipe.

        Effects that wait for the user's brush are left out of it. A model that takes its time has its camera drawn by
        the built-in engine. While the user looks at it, the scene of the real clip is read ahead.
        """
        ready = tuple(effect for effect in shot.motion.effects if not needs_brush(effect))
        shot = replace(shot, motion=replace(shot.motion, effects=ready))
        made = self.previews.preview(self._accept_draft(shot))
        if self.models.card(shot.maker).is_built_in:
            # The draft is shown all the same; why there is no clip is said elsewhere.
            with contextlib.suppress(Refusal):
                self.previews.expect(self._accept(shot))
        return made

    def _accept(self, shot: Shot) -> Prepared:
        photo, end = self.photos.get(shot.photo.id), self.photos.get(shot.end.photo.id) if shot.end else None
        made = shot_checks.accept(shot, self.models.card(shot.maker), photo, end, self.settings, self._pace())
        self.guest.require_plan(made.plan)
        return made

    def _accept_draft(self, shot: Shot) -> Prepared:
        """The shot as the model that draws quick drafts of its camera makes it."""
        return self._accept(adapt(shot, self.models.draft(self.models.card(shot.model))))

    def _prepare_recipe(self, shot: Shot) -> Shot:
        """The recipe of an accepted shot, which its model can make here and now, and in which something moves as was
        asked.
        """
        self.guest.require_disk()
        if shot.maker == FINISH:
            self.guest.require_plan(self.finishes.outcome(shot))
            return self.finishes.accept(shot)
        prepared = self._accept(shot)
        if shot.finish:
            self.guest.require_plan(self.finishes.outcome(shot, prepared.plan))
            self.finishes.check(shot, prepared.plan)
        self.models.require(prepared.card)
        require_motion(self.previews.places(prepared))
        return self.spending.settle(prepared.recipe)

    def _read_depth(self, shot: Shot) -> NDArray[np.float32] | None:
        """How near things are in a shot's crop, as the built-in engine reads it; None where it can't."""
        try:
            built_in = self.models.card(shot.maker).is_built_in
            return self.previews.read_depth(self._accept(shot) if built_in else self._accept_draft(shot))
        except Refusal:
            return None

    # Queue ----------------------------------------------------------------------------------------------------------

    @property
    def version(self) -> int:
        """A number that grows with every change of jobs or clips, in any process, and of models here, and with what a
        job says that can't be written. Compare with `!=`.
        """
        return self._database.version + self.models.version + self.queue.unwritten

    def submit(self, shot: Shot, press: str = "", confirmation: Confirmation | None = None) -> Job:
        """Queue a shot. Raises `Refusal` before anything is queued when it can't be made.

        `press` is an id of the press that asked for it: the same one once more answers with the job that is there.
        `confirmation` is what may be paid for it, here and in what follows; without one, what costs money is refused.
        """
        return self.submit_all((shot,), press, confirmation)[0]

    def submit_all(
        self, shots: tuple[Shot, ...], press: str = "", confirmation: Confirmation | None = None
    ) -> tuple[Job, ...]:
        """Queue several shots, drafts first. Raises `Refusal` before any is queued when one of them can't be made."""
        ready = sorted((self._prepare_recipe(shot) for shot in shots), key=lambda shot: not shot.draft)
        return self._put(tuple(ready), "", press, confirmation)

    def submit_each(
        self, shots: tuple[Shot, ...], press: str = "", confirmation: Confirmation | None = None
    ) -> tuple[tuple[Job, ...], dict[int, Refusal]]:
        """Queue as one group, in their order, those of several shots that can be made; and why the others can't, by
        number.
        """
        ready: list[Shot] = []
        refused: dict[int, Refusal] = {}
        for at, shot in enumerate(shots):
            try:
                ready.append(self._prepare_recipe(shot))
            except Refusal as refusal:
                refused[at] = refusal
        group = uuid.uuid4().hex if len(ready) > 1 else ""
        return self._put(tuple(ready), group, press, confirmation) if ready else (), refused

    def _put(
        self, shots: tuple[Shot, ...], group: str, press: str = "", confirmation: Confirmation | None = None
    ) -> tuple[Job, ...]:
        jobs = self.spending.put(shots, group, press, confirmation)
        self._worker.wake()
        return jobs

    def jobs(self) -> tuple[Job, ...]:
        """The running jobs, then the queued in their order, then the ended, newest first."""
        return tuple(self._worker.live(job) for job in self.queue.jobs())

    def job(self, job_id: str) -> Job:
        """One job as it stands now. Raises `Refusal` when there is none."""
        return self._worker.live(self.queue.get(job_id))

    def cancel(self, job_id: str) -> None:
        """Cancel a job that has not ended; what runs stops within a second. Nothing happens to one that has ended."""
        self.queue.cancel(job_id)
        self._worker.stop(job_id)

    def move(self, job_id: str, before: str | None) -> None:
        """Put a waiting job right before another one, or last; from now on what waits is done in that order."""
        self.queue.move(job_id, before)
        self._worker.keep_order()

    def cancel_group(self, group: str) -> None:
        """Cancel whatever of a group has not ended."""
        for job_id in self.queue.cancel_group(group):
            self._worker.stop(job_id)

    def retry_group(self, group: str, confirmation: Confirmation | None = None) -> tuple[Job, ...]:
        """Queue a group's failed and interrupted jobs again. Raises `Refusal` when one can't be made here any more."""
        failed = self.queue.list_failed(group)
        for job in failed:
            self._prepare_recipe(job.shot)
        with self._database.write():
            anew = [job for job in failed if self.spending.is_over(job)]
            if anew:
                self.spending.require_covered(self.spending.quote([job.shot for job in anew]), confirmation)
            jobs = tuple(self.queue.retry(job.id) for job in failed if job not in anew)
            bought = tuple(self._buy_again(job, job.shot, confirmation) for job in anew)
        self._worker.wake()
        return (*jobs, *bought)

    def retry(self, job_id: str, confirmation: Confirmation | None = None) -> Job:
        """Queue a failed, cancelled or interrupted job again. Raises `Refusal` for any other.

        A paid one that is at its service, or may be, is looked for there and costs nothing; else it is a new job, which
        has to be confirmed.
        """
        job = self.queue.get(job_id)
        shot = self._prepare_recipe(job.shot)
        if self.spending.is_over(job):
            return self._buy_again(job, shot, confirmation)
        job = self.queue.retry(job_id)
        self._worker.wake()
        return job

    def _buy_again(self, job: Job, shot: Shot, confirmation: Confirmation | None) -> Job:
        """A new job in the place of one that is over, once; in the cell of its comparison, if it has one."""
        if job.group and self.comparisons.name(job.group):
            one = self.comparisons.get(job.group)
            cell = next((cell for cell in one.cells if job.id in cell.jobs), None)
            if cell:
                one = self.comparisons.retry(one.id, cell.id, confirmation=confirmation)
                return self.job(next(other.jobs[-1] for other in one.cells if other.id == cell.id))
        with self._database.write():
            self.queue.drop(job.id)
            (again,) = self._put((shot,), job.group, "", confirmation)
            self.batches.follow_job(job.group, job.id, again.id)
            return again

    # Again ------------------------------------------------------------------------------------------------------------

    def again(self, clip_id: str, press: str = "", confirmation: Confirmation | None = None) -> Job:
        """Make a clip again, exactly as it was."""
        return self.submit(self.library.get(clip_id).shot, press, confirmation)

    def vary(self, clip_id: str, press: str = "", confirmation: Confirmation | None = None) -> Job:
        """Make a clip again with a seed it did not have."""
        shot = self.library.get(clip_id).shot
        return self.submit(
            replace(shot, seed=(shot.seed + 1 + secrets.randbelow(2**32 - 1)) % 2**32), press, confirmation
        )


def search_words(shot: Shot) -> str:
    """What people may look for to find a clip of this shot: the titles of its moves and effects, their other names, the
    place.
    """
    way = shot.motion.camera
    moves = [camera_moves.MOVES[move.name] for leg in (way.moves, *(leg.moves for leg in way.then)) for move in leg]
    stirring = [EFFECTS[effect.name] for effect in shot.motion.effects]
    found = [word for info in (*moves, *stirring) for word in (info.title, *info.aliases)]
    place = presets.platform(shot.platform)
    made_for = place.title if place else shot.platform
    return " ".join((*found, shot.crop.aspect, shot.format, "loop" if shot.motion.camera.loop else "", made_for))


def describe_machine(settings: Settings, gauge: tuple[Choice, ...] = ()) -> tuple[Choice, ...]:
    """What this machine can do for any shot, and why; `gauge` is what the engines know of its GPU."""
    import psutil

    from studio.clip import encode

    memory = psutil.virtual_memory()
    return (
        Choice("cores", str(os.cpu_count() or 1), "frames are painted and encoded on all of them"),
        Choice("memory", disk.size(memory.total), f"{disk.size(memory.available)} free now; a clip takes under 1 GB"),
        *(gauge or (Choice("GPU", "not looked for", "the built-in engine needs none"),)),
        *encode.list_encoders(),
        find_network(settings)[1],
        *settings.choices,
        Choice("free space", disk.size(shutil.disk_usage(settings.home).free), "on the disk of the home folder"),
    )
