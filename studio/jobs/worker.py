"""The worker: the lanes that turn queued shots into kept clips, and which jobs each does.

On a computer without a GPU there is one lane, and jobs are done one at a time. A GPU has a lane of its own, which does
the jobs of models that are loaded; what needs no loading is done beside them.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from studio.cards import ModelCard
from studio.engines.base import Devices, Engine, Shelf
from studio.hung_threads import WorkLock
from studio.jobs.clip_maker import ClipMaker
from studio.jobs.clip_renderer import refuse_attachment
from studio.jobs.deadlines import USUAL, Deadlines, choose_deadlines
from studio.jobs.fair_turns import Seat
from studio.jobs.hosted_lane import HostedLane
from studio.jobs.lane import Lane
from studio.jobs.turns import Turns
from studio.jobs.watched_work import run_watched
from studio.library.clips import Clips
from studio.library.database import Database
from studio.library.logbook import trace
from studio.library.queue import ALL, Queue, Share
from studio.nouns import FINISH, Attachment, Job, Progress, Refusal, Running

if TYPE_CHECKING:
    from studio.photo.photo_store import PhotoStore

CLOSE_SECONDS = 10.0
"""How long `close` waits for the engines to notice."""

MOST_PLACED = 1000
"""Waiting jobs that keep the order which the user has given them."""

SEEN_BY_GPUS = 100
"""Waiting jobs that the GPUs choose from: each looks for those of its own model."""

RANKS = {"no": 0, "slowly": 1, "yes": 2}


class RemoteWorkers(Protocol):
    """Workers elsewhere that do this computer's jobs, as `HostedLane` does hosted ones (studio/farm)."""

    def start(self, adopt: bool) -> None:
        """Begin. Raises `Refusal` where it can't be."""
        ...

    def wake(self) -> None:
        """Say that there is something to do."""
        ...

    def close(self) -> None:
        """Stop: what runs is Interrupted. Safe to call twice."""
        ...

    def stop(self, job_id: str) -> None:
        """Stop this job if it is under way."""
        ...

    def keep_order(self, job_ids: Iterable[str]) -> None:
        """The user has put these in order."""
        ...

    def read_progress(self, job_id: str) -> Progress | None:
        """How far a job is; None where it isn't under way."""
        ...

    @property
    def running(self) -> tuple[Job, ...]:
        """The jobs that are under way."""
        ...


class Worker:
    """All that works. `room` is where half-made clips lie, `photos` opens photos when a job needs them; `list_cards`
    says which models are on offer, and `make_hosted` makes the lane of hosted jobs; `tell` is told of each clip that is
    done. `deadline`: seconds in which a job has to give a sign of life (deadlines.py). A visitor's worker shares the
    devices with others' by its `seat`. Where `make_remote` makes workers elsewhere, this computer only finishes clips
    itself.
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
        list_cards: Callable[[], tuple[ModelCard, ...]] = tuple,
        make_hosted: Callable[[ClipMaker], HostedLane] | None = None,
        tell: Callable[[str], None] = lambda clip_id: None,
        seat: Seat | None = None,
        make_remote: Callable[[ClipMaker], RemoteWorkers] | None = None,
        deadline: float = USUAL,
    ) -> None:
        self._seat, self._deadline = seat, deadline
        self._queue, self._log, self._tell = queue, log, tell
        self._card, self._engine, self._list_cards = find_card, find_engine, list_cards
        self._maker = ClipMaker(
            room=room, database=database, queue=queue, clips=clips, log=log, photos=photos, find_card=find_card,
            find_engine=find_engine, find_file=find_file,
        )  # fmt: skip
        self._turns = Turns(self._needs_loading, self._rank)
        self._adopt = True
        self._closing = threading.Event()
        self._spreading = WorkLock()
        self._spread = False
        self._lanes = (self._make_lane(0),)
        self._hosted = make_hosted(self._maker) if make_hosted else None
        self._remote = make_remote(self._maker) if make_remote else None

    def _make_lane(self, number: int) -> Lane:
        return Lane(
            number, self._maker, self._turns, look=self._add_gpus, tell=self._tell, seat=self._seat,
            deadlines=self._find_deadlines,
        )  # fmt: skip

    def _find_deadlines(self, job: Job) -> Deadlines:
        return choose_deadlines(self._deadline, self._needs_loading(job.shot.maker))

    def start(self, adopt: bool = True) -> None:
        """Begin. With `adopt`, jobs that were given to a process which has ended are done as well."""
        self._adopt = adopt
        if self._remote:
            self._remote.start(adopt)
            self._spread = True
        self._lanes[0].start(adopt, Share((FINISH,), others=False) if self._remote else ALL)
        if self._hosted:
            self._hosted.start(adopt)

    @property
    def _elsewhere(self) -> list[HostedLane | RemoteWorkers]:
        """Whoever does jobs with other computers."""
        return [one for one in (self._hosted, self._remote) if one]

    def wake(self) -> None:
        """Say that there is something to do."""
        for other in self._elsewhere:
            other.wake()
        for lane in self._lanes:
            lane.wake()
        if not self._spread and self._lanes[0].running:  # else that lane looks by itself
            threading.Thread(target=self._add_gpus, name="stir-gpus", daemon=True).start()

    def close(self) -> None:
        """Stop: what runs is Interrupted. Waits at most 10 seconds for the engines to notice. Safe to call twice."""
        self._closing.set()
        turn = self._spreading.take(CLOSE_SECONDS)
        for lane in self._lanes:
            lane.stop_all()
        if turn:
            self._spreading.give_back(turn)
        for other in self._elsewhere:
            other.close()
        for lane in self._lanes:
            lane.join(CLOSE_SECONDS)
        self._maker.close()
        if self._seat:
            self._seat.leave()

    def keep_order(self) -> None:
        """The user has ordered what waits: it is done in that order, whatever is loaded."""
        placed = [job.id for job in self._queue.list_coming(MOST_PLACED)]
        self._turns.keep_order(placed)
        if self._remote:
            self._remote.keep_order(placed)

    def stop(self, job_id: str) -> None:
        """Stop this job if it runs here; the engine notices at its next tick."""
        for lane in (*self._lanes, *self._elsewhere):
            lane.stop(job_id)

    @property
    def is_busy(self) -> bool:
        """Whether this computer makes a clip, or one waits to be made here: hosted ones take nothing of it. With
        workers elsewhere, whether they make one: this computer's own may be among them.
        """
        if self._remote:
            return bool(self._remote.running) or any(lane.running for lane in self._lanes)
        return any(lane.running for lane in self._lanes) or bool(self._queue.list_coming(1))

    @property
    def running(self) -> tuple[Job, ...]:
        """The jobs that this computer and its workers make now, with their progress of this moment; hosted ones are
        beside them.
        """
        remote = self._remote.running if self._remote else ()
        return (*(job for lane in self._lanes if (job := lane.running)), *remote)

    def live(self, job: Job) -> Job:
        """A job with its progress of this very moment when it runs here."""
        if isinstance(job.state, Running):
            for lane in (*self._lanes, *self._elsewhere):
                if progress := lane.read_progress(job.id):
                    return msgspec.structs.replace(job, state=Running(progress))
        return job

    # The GPUs ---------------------------------------------------------------------------------------------------------

    def _needs_loading(self, model: str) -> bool:
        try:
            return self._card(model).checkpoint is not None
        except Refusal:
            return False

    def _rank(self, lane: int, model: str) -> int:
        """How well a model fits the GPU of a lane: 0 not at all."""
        with contextlib.suppress(Refusal):
            card = self._card(model)
            engine = self._maker.engine(card, lane - 1)
            return RANKS[engine.state(card).fits] if isinstance(engine, Shelf) else 0
        return 0

    def _add_gpus(self) -> None:
        """Give each GPU a lane, once a job waits that needs one: to look for GPUs loads large libraries where there are
        any.
        """
        if self._spread:
            return
        with self._spreading:
            models = tuple(card.id for card in self._list_cards() if card.checkpoint is not None)
            if self._spread or self._closing.is_set() or not models or not self._queue.has_waiting(models):
                return
            gpus = range(1, 1 + self._look_for_gpus())
            self._spread = True
            if not gpus:
                return
            self._turns.share(gpus)
            self._lanes[0].share = Share(models)
            added = tuple(self._make_lane(number) for number in gpus)
            self._lanes = (*self._lanes, *added)
            for lane in added:
                lane.start(self._adopt, Share(models, others=False, seen=SEEN_BY_GPUS))

    def _look_for_gpus(self) -> int:
        """How many there are; 0 where the driver hangs."""
        try:
            return run_watched("GPUs", lambda tick: self._count_gpus(), self._deadline, log=self._log)
        except Refusal as refusal:
            self._log.error("GPUs can't be looked for: %s", trace(refusal))
            return 0

    def _count_gpus(self) -> int:
        for card in {card.engine: card for card in self._list_cards() if card.checkpoint is not None}.values():
            try:
                engine = self._engine(card)
            except Refusal as refusal:
                self._log.error("GPUs can't be looked for: %s", trace(refusal))
                continue
            if isinstance(engine, Devices):
                return len(engine.devices)
        return 0
