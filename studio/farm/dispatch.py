"""The farm: a lane for each worker of a Ray cluster, which job each does, and what happens when workers come and go.

A job goes to the worker that holds its model, then to one that has its files, then to any that it fits (jobs/turns.py);
what needs no model goes to whichever processor is free. Once nothing waits, an idle worker also tries the job of a much
slower one, and the first clip counts.
"""

from __future__ import annotations

import logging
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Sequence

from studio.cards import ModelCard, ModelState
from studio.config import Settings
from studio.engines.base import Engine
from studio.farm import ray_cluster
from studio.farm.attempts import Attempt, Attempts
from studio.farm.farm_lane import PATIENCE, FarmLane, LaneTools
from studio.farm.farm_values import WorkerRow
from studio.farm.ray_cluster import Node
from studio.farm.remote_worker import RemoteWorker, SentPhotos
from studio.jobs.clip_maker import ClipMaker
from studio.jobs.lane import recover
from studio.jobs.turns import Turns
from studio.library.logbook import trace
from studio.library.queue import Share
from studio.nouns import FINISH, Job, Progress, Refusal

SYNC_SECONDS = 1.0
"""How often the cluster is looked at."""

GONE_SECONDS = 15.0
"""How long the head may be silent before all is let go: Ray ends this process after 60."""

SEEN = 60
"""Waiting jobs that a worker chooses from. Those that finish clips are left to this computer, where the clips lie."""

NOTED = 60
"""Waiting jobs of which it is said why they wait."""

SLOWER = 1.5
"""An idle worker tries another's job as well where that would still take so many times as long as it would here."""

CLOSE_SECONDS = 10.0
LONGEST_PAUSE = 60.0


class Farm:
    """The workers of the cluster at `settings.ray`. `engines` makes the engine of a card, in the workers' processes, so
    it is named by its module; `list_cards` says which models are on offer; `tell` is told of each clip that is done.
    """

    def __init__(
        self, maker: ClipMaker, settings: Settings, log: logging.Logger, *,
        engines: Callable[[ModelCard, Settings], Engine], list_cards: Callable[[], Sequence[ModelCard]],
        tell: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._maker, self._queue, self._log = maker, maker.queue, log
        self._settings, self._engines, self._list_cards = settings, engines, list_cards
        self.address = ray_cluster.read_address(settings.ray)
        self._attempts, self._photos = Attempts(maker.queue), SentPhotos()
        self._turns = Turns(self._needs_loading, self._rank)
        self._tools = LaneTools(
            maker, self._attempts, self._photos, settings, log, PATIENCE, self._take, self._lose, tell
        )
        self._lanes: dict[int, FarmLane] = {}
        self._count = 0
        self._changing = threading.Lock()
        self._pauses: dict[str, tuple[float, float]] = {}
        self._heard = 0.0
        self._adopt = True
        self._node: subprocess.Popen[bytes] | None = None
        self._closing, self._woken = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._watch, name="stir-ray", daemon=True)

    def start(self, adopt: bool) -> None:
        """Join the cluster, or begin it, and have its workers do the queue's jobs. Raises `Refusal`."""
        self._adopt = adopt
        try:
            self._connect()
        except Refusal:
            self.close()
            raise
        self._thread.start()

    def _connect(self) -> None:
        if not ray_cluster.has_node(self.address):
            self._node = ray_cluster.start_node(self.address, self._settings.home)
        ray_cluster.connect(self.address)
        self._heard = time.monotonic()

    def wake(self) -> None:
        """Say that there is something to do."""
        for lane in self._list_lanes():
            lane.wake()

    def close(self) -> None:
        """Stop what runs, end the workers, leave the cluster. Waits at most 10 seconds. Safe to call twice."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._woken.set()
        lanes = self._list_lanes()
        for lane in lanes:
            lane.close()
        end = time.monotonic() + CLOSE_SECONDS
        for lane in lanes:
            lane.join(max(0.1, end - time.monotonic()))
        if self._thread.is_alive():
            self._thread.join(CLOSE_SECONDS)
        ray_cluster.disconnect(self.address)
        if self._node:
            ray_cluster.end_node(self._node)

    def stop(self, job_id: str) -> None:
        """Stop this job if a worker is at it; the engine notices at its next tick."""
        found = self._attempts.find(job_id)
        if found:
            found.watch.stop()

    def keep_order(self, job_ids: Iterable[str]) -> None:
        """The user has put these in order: none of them is passed."""
        self._turns.keep_order(job_ids)

    def read_progress(self, job_id: str) -> Progress | None:
        """How far a job is; None where no worker is at it."""
        found = self._attempts.find(job_id)
        return found.watch.progress if found else None

    @property
    def running(self) -> tuple[Job, ...]:
        """The jobs that workers are at."""
        return tuple(attempt.job for attempt in self._attempts.list_leading())

    def _list_lanes(self) -> list[FarmLane]:
        with self._changing:
            return list(self._lanes.values())

    # As it is shown ---------------------------------------------------------------------------------------------------

    def list_workers(self) -> tuple[WorkerRow, ...]:
        """Each worker as it stands now."""
        titles = {card.id: card.title for card in self._list_cards()}
        return tuple(_describe_lane(lane, titles) for lane in self._list_lanes())

    def rest(self, worker: str, resting: bool) -> None:
        """Have a worker begin no more jobs once its present one is done, or begin again. Raises `Refusal`."""
        for lane in self._list_lanes():
            if lane.id == worker:
                lane.resting = resting
                lane.wake()
                return
        raise Refusal("That worker has left.", "Look at the list again.")

    def find_state(self, model: str) -> ModelState | None:
        """How a model stands on the worker that suits it best; None where none knows it."""
        states = [lane.report.find_state(model) for lane in self._list_lanes() if lane.report and not lane.is_lost]
        return max(filter(None, states), key=_weigh, default=None)

    # Which job --------------------------------------------------------------------------------------------------------

    def _needs_loading(self, model: str) -> bool:
        try:
            return self._maker.card(model).checkpoint is not None
        except Refusal:
            return False

    def _weigh_lane(self, lane: FarmLane, model: str) -> int:
        """How well a worker suits a model: 0 not at all."""
        report = lane.report
        if report is None or lane.is_lost or lane.note:
            return 0
        if not self._needs_loading(model):
            return 0 if report.is_gpu else 3
        stands = report.find_state(model)
        if stands is None or stands.disk != "here" or stands.fits == "no":
            return 0
        others = [other for other in self._list_lanes() if other.node == lane.node]
        if not report.is_gpu and any(other.report and other.report.is_gpu for other in others):
            return 0
        return 3 if stands.fits == "yes" else 2

    def _rank(self, number: int, model: str) -> int:
        """What `Turns` asks: a worker that is busy or rests leaves a model to those that are free."""
        lane = self._lanes.get(number)
        if lane is None:
            return 0
        weight = self._weigh_lane(lane, model)
        return min(weight, 1) if lane.attempt or lane.resting else weight

    def _take(self, lane: FarmLane) -> Attempt | None:
        """The next attempt of a worker that is free: at a job of the queue, else at one that another is slow with."""
        recover(self._queue, self._maker.clips)
        self._turns.end(lane.number)
        able = tuple(card.id for card in self._list_cards() if self._weigh_lane(lane, card.id))
        mine = Share(able, others=False, seen=SEEN)
        job = self._queue.take_next(self._adopt, lambda waiting: self._choose(waiting, lane), mine)
        if job is not None:
            return self._attempts.begin(job, lane.id)
        slow = self._find_slow(lane)
        return self._attempts.begin(slow.job, lane.id) if slow else None

    def _choose(self, waiting: list[Job], lane: FarmLane) -> Job | None:
        if lane.group:
            waiting.sort(key=lambda job: job.group != lane.group)  # what belongs together is done together
        return self._turns.begin(waiting, lane.number)

    def _find_slow(self, lane: FarmLane) -> Attempt | None:
        """An attempt of another worker that would still take much longer than a new one here."""
        for attempt in self._attempts.list_single():
            here, left = lane.paces.get(attempt.job.shot.maker), attempt.estimate_left()
            is_slow = here and left and left > SLOWER * here and attempt.worker != lane.id
            if is_slow and self._weigh_lane(lane, attempt.job.shot.maker):
                return attempt
        return None

    def _explain_waits(self) -> None:
        """Say why jobs wait that no worker can do."""
        lanes = [lane for lane in self._list_lanes() if not lane.is_lost]
        for job in self._queue.list_coming(NOTED, Share((FINISH,))):
            model = job.shot.maker
            able = any(self._weigh_lane(lane, model) for lane in lanes)
            starting = any(lane.report is None for lane in lanes)
            self._queue.explain_wait(job, "" if able or starting else self._explain_wait(model, bool(lanes)))

    def _explain_wait(self, model: str, has_workers: bool) -> str:
        if not has_workers:
            return f"It waits: no worker is in the cluster at {self.address}. Start one: python -m studio worker"
        stands = self.find_state(model)
        title = next((card.title for card in self._list_cards() if card.id == model), model)
        if stands and stands.fits != "no":
            remedy = f"On one of them: python -m studio models download {model}"
            return f"It waits: no worker has the files of {title}. {remedy}"
        return f"It waits: {title} fits none of the workers. Start one with a larger GPU."

    # Who is there -----------------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        while not self._closing.is_set():
            try:
                self._look_at_cluster()
                self._explain_waits()
            except Exception as error:
                self._log.error("the workers can't be looked after: %s", trace(error))
            self._woken.wait(SYNC_SECONDS)
            self._woken.clear()

    def _look_at_cluster(self) -> None:
        if ray_cluster.is_there(self.address):
            if not self._heard:
                self._connect()
                self._log.warning("the cluster at %s is there again", self.address)
            self._heard = time.monotonic()
            self._match(ray_cluster.list_nodes())
        elif self._heard and time.monotonic() - self._heard > GONE_SECONDS:
            self._let_go()
        elif not self._heard and self._node:
            ray_cluster.end_node(self._node)
            self._connect()

    def _let_go(self) -> None:
        """The head of the cluster has gone: every worker is lost, and Ray is left before it ends this process."""
        self._log.error("the cluster at %s has gone", self.address)
        self._heard = 0.0
        for lane in self._list_lanes():
            self._lose(lane, "the cluster has gone")
        self._photos.clear()
        ray_cluster.disconnect(self.address, everybody=True)

    def _match(self, nodes: Sequence[Node]) -> None:
        """Give each node its workers, and give up those of nodes that have gone."""
        there = {node.id for node in nodes}
        for lane in self._list_lanes():
            if lane.node not in there:
                self._lose(lane, "its machine has left")
        for node in nodes:
            mine = [lane for lane in self._list_lanes() if lane.node == node.id]
            wanted = [*[True] * node.gpus, False]
            for lane in mine:
                wanted.remove(lane.is_gpu)
            if time.monotonic() >= self._pauses.get(node.id, (0.0, 0.0))[0]:
                for is_gpu in wanted:
                    self._add(node, is_gpu)

    def _add(self, node: Node, is_gpu: bool) -> None:
        with self._changing:
            if self._closing.is_set():
                return
            self._count += 1
            worker = RemoteWorker(node, self._list_cards(), self._engines, is_gpu)
            lane = self._lanes[self._count] = FarmLane(self._count, node, is_gpu, worker, self._tools)
            self._turns.share(self._lanes)
        self._log.info("worker %s on %s", lane.id, node.machine)
        lane.start()

    def _lose(self, lane: FarmLane, why: str) -> None:
        """A worker is lost; where its machine is still there, it gets another one, later each time."""
        with self._changing:
            if self._lanes.pop(lane.number, None) is None:
                return
            self._turns.share(self._lanes)
            pause = min(LONGEST_PAUSE, 2 * self._pauses.get(lane.node, (0.0, 0.5))[1])
            self._pauses[lane.node] = (time.monotonic() + pause, pause)
        if not self._closing.is_set():
            self._log.warning("worker %s is lost: %s", lane.id, why)
        lane.give_up()
        self._woken.set()


def _weigh(state: ModelState) -> tuple[int, int, int]:
    ranks = {"no": 0, "slowly": 1, "yes": 2}, {"missing": 0, "partly": 0}, {"out": 0, "loading": 1, "ram": 2, "gpu": 3}
    return ranks[1].get(state.disk, 1) * ranks[0][state.fits], ranks[0][state.fits], ranks[2][state.memory]


def _describe_lane(lane: FarmLane, titles: dict[str, str]) -> WorkerRow:
    report, attempt = lane.report, lane.attempt
    state = lane.note or ("working" if attempt else "resting" if lane.resting else "idle")
    if report is None:
        return WorkerRow(lane.id, lane.machine, "", state)
    held = tuple(titles.get(one.id, one.id) for one in report.models if one.memory in ("ram", "gpu"))
    return WorkerRow(
        lane.id, report.machine, report.device, state, report.memory_used, report.memory_total, held,
        attempt.job.id if attempt else "", round(lane.ping * 1000, 1), lane.done, lane.resting,
    )  # fmt: skip
