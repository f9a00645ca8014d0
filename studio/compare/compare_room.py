"""Comparisons: several clips of one photo asked for at once, kept as a record, and looked at side by side.

The record and its jobs are written in one transaction, so that a crash loses neither or both. The jobs are done by the
worker like any others; a comparison never waits for them.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from unicodedata import category

from studio.advice.render_time import Pace
from studio.clip.psnr import measure_psnr
from studio.compare.axis_values import TITLES
from studio.compare.cell_states import IN_PROGRESS, find_standing
from studio.compare.estimate import Ahead, Estimate, Past, estimate
from studio.compare.grid import MOST_CELLS, MOST_IN_ROW, expand
from studio.compare.job_order import arrange, insert_beside
from studio.compare.speedup_trial import pair_with_plain, plan_trial
from studio.comparison import Axis, Cell, Comparison, Standing
from studio.engines.prepare import Prepared, prepare
from studio.jobs.worker import Worker
from studio.library.clips import Clips, list_words
from studio.library.comparisons import ComparisonTable
from studio.library.database import Database
from studio.library.queue import Queue
from studio.models import Models
from studio.nouns import Clip, Queued, Refusal, Running, Shot, replace
from studio.spending import Confirmation, Spending, Total

Ready = Callable[[Shot], Shot]
"""The recipe of a shot as it will be queued. Raises `Refusal` for one that can't be made here and now."""

LONGEST_NAME = 200
_TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
PICKED = 5
"""Stars of a clip that was picked."""

MOST_MEASURED = 1000
"""Pairs of clips whose likeness is remembered."""

MOST_AHEAD = 200
"""Waiting jobs that an estimate counts."""

RECENT = 60
"""Clips that an estimate is told by: the newest."""


class Comparisons:
    """Every comparison of one studio. Any thread may ask."""

    def __init__(
        self, *, database: Database, queue: Queue, library: Clips, models: Models, worker: Worker, spending: Spending,
        ready: Ready,
        accept: Callable[[Shot], Prepared], pace: Callable[[], Pace], describe: Callable[[Shot], str],
    ) -> None:  # fmt: skip
        self._database = database
        self._queue = queue
        self._library = library
        self._models = models
        self._worker = worker
        self._spending = spending
        self._ready = ready
        self._accept = accept
        self._pace = pace
        self._describe_shot = describe
        self._psnr: dict[tuple[str, str], float] = {}
        self._table = ComparisonTable(database, self._describe)

    def _describe(self, one: Comparison) -> str:
        """What a comparison is found by: its axes and values, and what its clips are found by."""
        axes = [f"{axis.name} {TITLES[axis.name]} {' '.join(axis.values)}" for axis in one.axes]
        shots = dict.fromkeys(cell.shot for cell in one.cells if cell.shot)
        return " ".join((*axes, *(f"{list_words(shot)} {self._describe_shot(shot)}" for shot in shots)))

    def estimate(
        self, shot: Shot, axes: Sequence[Axis], *, paired: bool = False, baseline: bool = False, drafts: str = ""
    ) -> Estimate:
        """What `start` would make of these and what that takes. Queues nothing. Raises `Refusal` for wrong axes."""
        grid = expand(shot, axes, paired, self._models.card)
        cells = self._check(self._pin(shot, grid.cells, baseline))
        shots = (*(cell.shot for cell in cells if _is_made(cell)), *self._try_out(cells, drafts).values())
        every = [self._accept(shot) for shot in dict.fromkeys(shots) if shot]
        past = Past(self._pace(), self._library.find(limit=RECENT))
        free = shutil.disk_usage(self._library.folder).free
        return estimate(cells, every, self._models, past=past, ahead=self._look_ahead(), free=free)

    def quote(
        self, shot: Shot, axes: Sequence[Axis], *, paired: bool = False, baseline: bool = False, drafts: str = ""
    ) -> Total:
        """What `start` would cost. Queues nothing. Raises `Refusal` for wrong axes."""
        cells = self._check(self._pin(shot, expand(shot, axes, paired, self._models.card).cells, baseline))
        wanted = [cell.shot for cell in cells if cell.shot and _is_made(cell)]
        return self._spending.quote(list(dict.fromkeys((*wanted, *self._try_out(cells, drafts).values()))))

    def _look_ahead(self) -> Ahead:
        """What this process does before anything that is queued now."""
        running = self._worker.running
        found: list[Prepared] = []
        for job in (*running, *self._queue.list_coming(MOST_AHEAD)):
            with suppress(Refusal):  # it will fail at once
                found.append(prepare(job.shot, self._models.card(job.shot.maker)))
        gone = sum(job.state.progress.elapsed for job in running if isinstance(job.state, Running))
        return Ahead(found, gone)

    # Beginning --------------------------------------------------------------------------------------------------------

    def start(
        self, shot: Shot, axes: Sequence[Axis], *, paired: bool = False, baseline: bool = False, photo: bool = False,
        blind: bool = False, drafts: str = "", name: str = "", press: str = "",
        confirmation: Confirmation | None = None,
    ) -> Comparison:  # fmt: skip
        """Queue the clips of a comparison: `shot` with every value of one axis or two, see `grid.expand`.

        `baseline` pins the shot as it is, untouched, and `photo` the photo itself. `drafts` is a model that tries out
        every cell first, such as "parallax". `press` is an id of the press that asked: the same once more answers with
        the comparison that is there. What can't be made here says so in its cell and stops no other. Raises `Refusal`
        for axes that are wrong, where nothing at all can be made, and where `confirmation` doesn't cover what it costs;
        then nothing is queued.
        """
        before = self._table.find_press(press)
        if before:
            return before
        grid = expand(shot, axes, paired, self._models.card)
        cells = self._check(self._pin(shot, grid.cells, baseline))
        able = [cell for cell in cells if cell.refusal is None]
        if not able:
            reason, remedy = cells[0].refusal or ("", "")
            raise Refusal(f"None of these clips can be made here. {reason}", remedy)
        if photo:
            cells = (*cells, _photo_cell(cells, shot))
        made_at = self._database.date_next("comparisons")
        one = Comparison(
            uuid.uuid4().hex, _tidy(name) or _name(shot, grid.axes), grid.axes, paired, cells, made_at, blind
        )
        tried = self._try_out(cells, drafts)
        with self._database.write():
            before = self._table.find_press(press)
            if before:
                return before
            one = replace(one, cells=self._queue_cells(one, tried, confirmation))
            self._table.keep(one, press)
        self._worker.wake()
        return one

    def try_speedups(self, shot: Shot, press: str = "") -> Comparison:
        """Queue a short plain clip of a shot and one with each speed-up of its model, all of one seed. Raises
        `Refusal` for a model without any.
        """
        tried, axis = plan_trial(shot, self._models.card(shot.model))
        return self.start(tried, (axis,), name=f"Speed-ups of {self._models.name(shot.model)}", press=press)

    def measure_likeness(self, one: Comparison) -> dict[str, float]:
        """How like its plain clip each finished clip with a speed-up is: PSNR in dB by the cell's id, measured once.

        Decodes both: a moment for each pair that is new.
        """
        found: dict[str, float] = {}
        for cell_id, pair in pair_with_plain(one, self.stand(one)).items():
            files = [self._library.file(clip) for clip in pair]
            psnr = self._psnr.get(names := (pair[0].id, pair[1].id)) or measure_psnr(*files)
            if psnr is not None:
                found[cell_id] = self._psnr[names] = psnr
        for old in list(self._psnr)[:-MOST_MEASURED]:
            self._psnr.pop(old, None)
        return found

    def _pin(self, shot: Shot, cells: tuple[Cell, ...], baseline: bool) -> tuple[Cell, ...]:
        """With the baseline: in the cell that is the shot itself where there is one, else in one of its own, first."""
        if not baseline:
            return cells
        own = next((cell for cell in cells if cell.shot == shot), None)
        if own:
            return tuple(replace(cell, baseline=cell.id == own.id) for cell in cells)
        return (Cell(uuid.uuid4().hex, 0, -1, shot, baseline=True), *cells)

    def _check(self, cells: Iterable[Cell]) -> tuple[Cell, ...]:
        """The cells with their shots as they will be queued, or why they can't be made here. Alike ones asked once."""
        seen: dict[Shot, Cell] = {}
        found: list[Cell] = []
        for cell in cells:
            if cell.shot and cell.shot not in seen:
                seen[cell.shot] = self._check_cell(cell)
            same = seen[cell.shot] if cell.shot else cell
            found.append(replace(cell, shot=same.shot, refusal=same.refusal))
        return tuple(found)

    def _check_cell(self, cell: Cell) -> Cell:
        try:
            return replace(cell, shot=self._ready(cell.shot) if cell.shot else None)
        except Refusal as refusal:
            return replace(cell, refusal=(refusal.reason, refusal.remedy))

    def _try_out(self, cells: Iterable[Cell], drafts: str) -> dict[str, Shot]:
        """The draft of each cell whose model takes its time, by the cell's id. Raises `Refusal` where `drafts` can't
        make it.
        """
        slow = [cell for cell in cells if drafts and _is_made(cell)]
        return {
            cell.id: self._ready(replace(cell.shot, draft=drafts))
            for cell in slow
            if cell.shot and self._models.card(cell.shot.model).checkpoint
        }

    def _queue_cells(
        self, one: Comparison, tried: dict[str, Shot], confirmation: Confirmation | None
    ) -> tuple[Cell, ...]:
        """Queue a job for each shot of the cells that can be made, drafts first, and the cells with their jobs."""
        wanted = {cell.id: cell.shot for cell in one.cells if cell.shot and _is_made(cell)}
        every = [*wanted.values(), *tried.values()]
        states = [self._models.state(maker) for maker in {shot.maker for shot in every}]
        shots = arrange(every, [state.id for state in states if state.memory in ("ram", "gpu")])
        made = {job.shot: (job.id,) for job in self._spending.put(shots, one.id, confirmation=confirmation)}
        return tuple(
            replace(
                cell,
                jobs=made[wanted[cell.id]] if cell.id in wanted else (),
                drafts=made[tried[cell.id]] if cell.id in tried else (),
            )
            for cell in one.cells
        )

    def start_from_clips(
        self, clip_ids: Sequence[str], *, blind: bool = False, photo: bool = False, name: str = ""
    ) -> Comparison:
        """Compare two to six clips of the library; nothing is made. Raises `Refusal` for any other number."""
        clips = [self._library.get(clip_id) for clip_id in dict.fromkeys(clip_ids)]
        if not 2 <= len(clips) <= MOST_IN_ROW:
            raise Refusal(f"{len(clips)} clips can't be compared.", f"Mark two to {MOST_IN_ROW} clips.")
        cells = tuple(Cell(uuid.uuid4().hex, at, 0, clip.shot, clip=clip.id) for at, clip in enumerate(clips))
        if photo:
            cells = (*cells, _photo_cell(cells, clips[0].shot))
        made_at = self._database.date_next("comparisons")
        one = Comparison(uuid.uuid4().hex, _tidy(name) or _name(clips[0].shot, ()), (), False, cells, made_at, blind)
        self._table.keep(one)
        return one

    # Looking ----------------------------------------------------------------------------------------------------------

    def get(self, comparison_id: str) -> Comparison:
        """One comparison, in the trash or not. Raises `Refusal` when it isn't there."""
        return self._table.get(comparison_id)

    def find_cell(self, clip_id: str) -> tuple[str, str] | None:
        """The comparison and the cell whose last attempt has made a clip; None where none has."""
        job = self._queue.get_all([clip_id]).get(clip_id)
        with suppress(Refusal):
            one = self.get(job.group) if job and job.group else None
            mine = next((cell for cell in one.cells if cell.jobs[-1:] == (clip_id,)), None) if one else None
            return (one.id, mine.id) if one and mine else None
        return None

    def find(self, words: str = "", trashed: bool = False, limit: int = 60, offset: int = 0) -> tuple[Comparison, ...]:
        """Comparisons that have every one of the words, in their name, their values or their clips; newest first."""
        return self._table.find(words, trashed, limit, offset)

    def count(self, words: str = "", trashed: bool = False) -> int:
        """How many comparisons have every one of the words."""
        return self._table.count(words, trashed)

    def name(self, group: str) -> str:
        """What the comparison is called that a group of jobs belongs to; "" for any other group, and for none."""
        return self._table.find_name(group) if group else ""

    def list_hidden(self) -> frozenset[str]:
        """The jobs, and so the clips, of which nothing is told yet: those of blind comparisons that nobody has won."""
        return frozenset(
            job for one in self._table.find_hidden() for cell in one.cells for job in (*cell.jobs, *cell.drafts)
        )

    def stand(self, one: Comparison) -> dict[str, Standing]:
        """How every cell stands right now, by its id."""
        jobs = self._queue.get_all([job for cell in one.cells for job in (*cell.jobs, *cell.drafts)])
        clips = self._library.get_all([*jobs, *(job for cell in one.cells for job in (*cell.jobs, cell.clip))])
        live = {job.id: self._worker.live(job) for job in jobs.values()}
        return {cell.id: find_standing(cell, live, clips) for cell in one.cells}

    # Going on ---------------------------------------------------------------------------------------------------------

    def extend(
        self, comparison_id: str, shot: Shot | None = None, clip: str = "", photo: bool = False,
        confirmation: Confirmation | None = None,
    ) -> Comparison:  # fmt: skip
        """Add a cell: another shot, which is queued, a clip of the library, or the photo itself. Raises `Refusal`."""
        one = self.get(comparison_id)
        if clip:
            made = self._library.get(clip)
            return self._add(comparison_id, Cell(uuid.uuid4().hex, 0, -1, made.shot, clip=made.id))
        if shot:
            ready = self._ready(shot)
            return self._add(comparison_id, Cell(uuid.uuid4().hex, 0, -1, ready), ready, confirmation)
        first = next((cell.shot for cell in one.cells if cell.shot), None)
        if not photo or first is None:
            raise Refusal("There is nothing to add.", "Choose a clip of the library, or change the shot on Create.")
        return self._add(comparison_id, Cell(uuid.uuid4().hex, 0, -1, first, photo=True))

    def _add(
        self, comparison_id: str, cell: Cell, shot: Shot | None = None, confirmation: Confirmation | None = None
    ) -> Comparison:
        def alter(one: Comparison) -> Comparison:
            _require_new(one, cell)
            if len(one.cells) > MOST_CELLS:
                raise Refusal("This comparison is full.", f"It holds {MOST_CELLS} clips; start another one.")
            jobs = (self._submit(one, shot, confirmation),) if shot else ()
            column = sum(other.row == -1 for other in one.cells)
            return replace(one, cells=(*one.cells, replace(cell, column=column, jobs=jobs)))

        one = self._table.change(comparison_id, alter)
        self._worker.wake()
        return one

    def _submit(self, one: Comparison, shot: Shot, confirmation: Confirmation | None) -> str:
        """Queue one more job of a comparison, beside those of its model that still wait."""
        (job,) = self._spending.put((shot,), one.id, confirmation=confirmation)
        insert_beside(self._queue, job)
        return job.id

    def retry(
        self, comparison_id: str, cell_id: str, seed: int | None = None, confirmation: Confirmation | None = None
    ) -> Comparison:
        """Make another attempt in the same cell, from another seed where one is given; what it had from the library is
        made again where it was deleted.

        One that was paid for and may be at its service is looked for there. Raises `Refusal` while it waits or runs,
        when it is done and no other seed is given, and when it can't be made here.
        """
        cell = _find(self.get(comparison_id), cell_id)
        if not cell.shot or cell.photo or (cell.clip and self._library.get_all([cell.clip])):
            reason, remedy = cell.refusal or ("There is nothing to make in this cell.", "Choose another one.")
            raise Refusal(reason, remedy)
        if seed is None and cell.jobs and self._spending.is_open(cell.jobs[-1]):
            self._queue.retry(cell.jobs[-1])
            self._worker.wake()
            return self.get(comparison_id)
        shot = self._ready(cell.shot if seed is None else replace(cell.shot, seed=seed))

        def alter(one: Comparison) -> Comparison:
            now = _find(one, cell_id)
            state = self.stand(one)[cell_id].state
            if state in IN_PROGRESS or (state == "done" and shot == now.shot):
                raise Refusal("This clip is there already, or on its way.", "Give another seed to make it otherwise.")
            changed = replace(
                now, shot=shot, clip="", jobs=(*now.jobs, self._submit(one, shot, confirmation)), refusal=None
            )
            return _swap(one, changed)

        one = self._table.change(comparison_id, alter)
        self._worker.wake()
        return one

    def take_over(self, comparison_id: str) -> tuple[str, ...]:
        """Have made here what still waits for a process that has ended. Returns the ids of those cells."""
        one = self.get(comparison_id)
        left = self._queue.take_over([job for cell in one.cells for job in (*cell.drafts, *cell.jobs[-1:])])
        self._worker.wake()
        return tuple(cell.id for cell in one.cells if left & set(cell.jobs[-1:]))

    # Deciding ---------------------------------------------------------------------------------------------------------

    def pick(self, comparison_id: str, cell_id: str) -> Comparison:
        """Make a cell the winner and give its clip five stars; "" takes the choice back.

        A clip that is no longer the winner has the stars again that it had before.
        """

        def alter(one: Comparison) -> Comparison:
            if cell_id == one.winner:
                return one
            before = self.stand(one)[one.winner].clip if one.winner else None
            if before and before.rating == PICKED:
                self._library.rate(before.id, one.stars)
            if not cell_id:
                return replace(one, winner="", stars=0)
            clip = self._clip(one, cell_id)
            self._library.rate(clip.id, PICKED)
            return replace(one, winner=cell_id, stars=clip.rating)

        return self._table.change(comparison_id, alter)

    def _clip(self, one: Comparison, cell_id: str) -> Clip:
        standing = self.stand(one)[_find(one, cell_id).id]
        if standing.clip is None or standing.draft:
            raise Refusal("This clip isn't made yet.", "Wait until it is, or pick another.")
        return standing.clip

    def trash_losers(self, comparison_id: str) -> Comparison:
        """Put every clip but the winner's in the trash, drafts and earlier attempts too, and make no more of them.

        Raises `Refusal` before there is a winner.
        """
        stopped: list[str] = []

        def alter(one: Comparison) -> Comparison:
            if not one.winner:
                raise Refusal("There is no winner yet.", "Pick the clip that you keep first.")
            kept = self._clip(one, one.winner).id
            every = [clip for cell in one.cells for clip in (*cell.jobs, *cell.drafts, cell.clip)]
            for job in self._queue.get_all([job for job in every if job and job != kept]).values():
                if isinstance(job.state, Queued | Running):
                    self._queue.cancel(job.id)
                    stopped.append(job.id)
            found = self._library.get_all(every).values()
            losers = tuple(sorted(clip.id for clip in found if clip.id != kept and not clip.trashed))
            self._library.trash(losers)
            return replace(one, losers=tuple(dict.fromkeys((*one.losers, *losers))))

        one = self._table.change(comparison_id, alter)
        for job_id in stopped:
            self._worker.stop(job_id)
        return one

    def restore_losers(self, comparison_id: str) -> Comparison:
        """Bring back what `trash_losers` has put in the trash, as far as it isn't deleted."""

        def alter(one: Comparison) -> Comparison:
            self._library.restore(one.losers)
            return replace(one, losers=())

        return self._table.change(comparison_id, alter)

    def rename(self, comparison_id: str, name: str) -> Comparison:
        """Give a comparison another name, at most 200 characters. Raises `Refusal` for an empty one."""
        if not _tidy(name):
            raise Refusal("A comparison needs a name.", "Write what you compare.")
        return self._table.change(comparison_id, lambda one: replace(one, name=_tidy(name)))

    def show(self, comparison_id: str) -> Comparison:
        """End blind mode: say what is what from now on."""
        return self._table.change(comparison_id, lambda one: replace(one, blind=False))

    def trash(self, comparison_id: str) -> Comparison:
        """Put a comparison in the trash; its clips stay where they are, and what still waits is made."""
        return self._table.change(comparison_id, lambda one: replace(one, trashed=True))

    def restore(self, comparison_id: str) -> Comparison:
        """Bring a comparison back from the trash."""
        return self._table.change(comparison_id, lambda one: replace(one, trashed=False))

    def empty_trash(self) -> int:
        """Forget every comparison in the trash for good; its clips stay. Returns how many that were."""
        return self._table.empty_trash()


def _is_made(cell: Cell) -> bool:
    """Whether a clip is made for a cell: there is a shot, it can be made here, and it isn't the photo itself."""
    return cell.shot is not None and cell.refusal is None and not cell.photo


def _find(one: Comparison, cell_id: str) -> Cell:
    for cell in one.cells:
        if cell.id == cell_id:
            return cell
    raise Refusal("That cell is no longer in this comparison.", "Look at the comparison again.")


def _swap(one: Comparison, cell: Cell) -> Comparison:
    return replace(one, cells=tuple(cell if other.id == cell.id else other for other in one.cells))


def _require_new(one: Comparison, cell: Cell) -> None:
    for other in one.cells:
        same_clip = cell.clip and cell.clip in (other.clip, *other.jobs)
        same_shot = not cell.clip and cell.photo == other.photo and cell.shot == other.shot
        if same_clip or same_shot:
            raise Refusal("This is in the comparison already.", "Change something of it, or choose another clip.")


def _photo_cell(cells: Sequence[Cell], shot: Shot) -> Cell:
    """The photo itself, last of what stands outside the grid."""
    return Cell(uuid.uuid4().hex, sum(cell.row == -1 for cell in cells), -1, shot, photo=True)


def _tidy(name: str) -> str:
    """A name in one line, without control characters, halves of characters and what turns the direction of others."""
    plain = "".join(one for one in name if one not in _TURNING and (one.isspace() or category(one) not in ("Cc", "Cs")))
    return " ".join(plain.split())[:LONGEST_NAME]


def _name(shot: Shot, axes: tuple[Axis, ...]) -> str:
    """What a comparison is called until it is renamed: the photo, and what differs."""
    photo = Path(shot.photo.name).stem or "photo"
    return f"{photo}: {' and '.join(TITLES[axis.name] for axis in axes)}" if axes else f"{photo}: side by side"
