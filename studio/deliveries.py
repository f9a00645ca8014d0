"""Clips sent to the places they are for: written one after the other in the background, followed by id, as one zip.

A page that is loaded anew asks by the same id; what is written lies in the served folder until room is needed.
"""

from __future__ import annotations

import logging
import re
import tempfile
import threading
import uuid
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from studio import presets
from studio.engines.base import Stopped
from studio.jobs.daemon_pool import DaemonPool
from studio.jobs.deadlines import USUAL
from studio.jobs.watched_work import Pulse, run_watched
from studio.library import disk, file_names
from studio.library.clips import Clips
from studio.library.file_cache import FileCache
from studio.library.logbook import report_fault
from studio.nouns import Choice, Clip, Noun, Progress, Refusal, replace
from studio.platforms import DeliveryWish, FieldCheck, Platform
from studio.system_errors import refuse_unwritten

if TYPE_CHECKING:
    from studio.advice.adviser import Advice
    from studio.delivery.deliver import Delivered, Written
    from studio.guest import Guest

MOST_AT_ONCE, MOST_REMEMBERED = 400, 32
"""Files of one delivery, and deliveries that are remembered: the oldest are let go of."""

MOST_KEPT = 256
"""Written files that are kept."""

Tick = Callable[[Progress], None]
State = Literal["waiting", "working", "done", "refused", "stopped"]


class DeliveredFile(Noun, frozen=True):
    """One file that was written: where it is, what it is called, its bytes, and its check field by field."""

    path: str
    name: str
    bytes: int
    checks: tuple[FieldCheck, ...]


class DeliveryItem(Noun, frozen=True):
    """One clip for one place: how it stands, how far it is (`done` of `total` frames), and what came of it.

    `choices` are what was done to the clip and why; `reason` and `remedy` say why there is nothing.
    """

    clip: str
    platform: str
    title: str
    state: State = "waiting"
    done: int = 0
    total: int = 0
    files: tuple[DeliveredFile, ...] = ()
    poster: str = ""
    choices: tuple[Choice, ...] = ()
    reason: str = ""
    remedy: str = ""

    @property
    def is_met(self) -> bool:
        """Whether it was written and every field of it is as its place wants it."""
        return self.state == "done" and all(check.is_met for file in self.files for check in file.checks)


class Delivery(Noun, frozen=True):
    """Clips on their way to places, as one press sent them; `is_over` once nothing is waiting or being written."""

    id: str
    items: tuple[DeliveryItem, ...]
    is_over: bool = False


class Foreseen(Noun, frozen=True):
    """What a clip's delivery to a place will do to it, or why it can't be made and what would change that."""

    clip: str
    platform: str
    choices: tuple[Choice, ...] = ()
    reason: str = ""
    remedy: str = ""


class _Stopped(Exception):
    """The user has stopped a delivery."""


class _Order:
    """A delivery and how it stands; its lock is held while that changes."""

    def __init__(self, delivery: Delivery, wishes: dict[str, DeliveryWish]) -> None:
        self.delivery, self.wishes = delivery, wishes  # by the place's id
        self.is_stopped = threading.Event()
        self.watch: Pulse | None = None  # of the item that is being written
        self.written: dict[str, list[Written]] = {}  # by clip: what another place may take as it is
        self._lock = threading.Lock()

    def stop(self) -> None:
        """Have what is being written end at its next tick, or be ended."""
        self.is_stopped.set()
        if self.watch:
            self.watch.stop()

    def change(self, index: int, item: DeliveryItem) -> None:
        """Put an item in the place of what it was."""
        with self._lock:
            items = (*self.delivery.items[:index], item, *self.delivery.items[index + 1 :])
            over = all(one.state not in ("waiting", "working") for one in items)
            self.delivery = replace(self.delivery, items=items, is_over=over)


class Deliveries:
    """The deliveries of one studio. `folder` is served; `room` is where half-made files lie until they are whole, and
    what a killed process leaves there is swept. `deadline`: seconds without a sign of life. Any thread may ask.
    """

    def __init__(
        self, library: Clips, advice: Advice, folder: Path, room: Path, log: logging.Logger, guest: Guest,
        deadline: float = USUAL,
    ) -> None:  # fmt: skip
        self.folder = folder
        self._library, self._advice = library, advice
        self._kept = FileCache(folder, MOST_KEPT, guest.most_cached)
        self.room, self._log, self._guest, self._deadline = room, log, guest, deadline
        self._orders: dict[str, _Order] = {}
        self._pool = DaemonPool(1, "delivery", lambda error: None)

    # Asking -------------------------------------------------------------------------------------------------------

    def foresee(
        self, clip_ids: Sequence[str], platform_ids: Sequence[str], wish: DeliveryWish | None = None
    ) -> tuple[Foreseen, ...]:
        """What each clip's delivery to each place would do to it, before anything is written. Raises `Refusal` for a
        clip or a place that isn't there.
        """
        from studio.delivery.deliver import foresee

        places = {place: find_place(place) for place in platform_ids}
        asked = [(self._library.get(clip_id), places[place]) for clip_id, place in _pair(clip_ids, platform_ids)]
        found: list[Foreseen] = []
        for clip, place in asked:
            try:
                choices = foresee(self._library.file(clip), clip, place, wish or DeliveryWish())
                found.append(Foreseen(clip.id, place.id, choices))
            except Refusal as refusal:
                found.append(Foreseen(clip.id, place.id, (), refusal.reason, refusal.remedy))
        return tuple(found)

    def start(
        self, clip_ids: Sequence[str], platform_ids: Sequence[str], wish: DeliveryWish | None = None,
        wishes: Mapping[str, DeliveryWish] | None = None,
    ) -> Delivery:  # fmt: skip
        """Send clips to places, in the background; `wishes` are those of single places, by their ids, instead of
        `wish`. Raises `Refusal` for a clip or a place that isn't there, for too many at once, and where a place takes
        no such file.
        """
        from studio.delivery.delivery_plan import choose_file

        pairs = _pair(clip_ids, platform_ids)
        if not pairs:
            raise Refusal("There is nothing to export.", "Choose a clip and a place it goes.")
        if len(pairs) > MOST_AT_ONCE:
            raise Refusal(f"These are {len(pairs)} files at once.", f"Export at most {MOST_AT_ONCE} at a time.")
        self._guest.require_disk()
        for clip_id in dict.fromkeys(clip_ids):
            self._library.file(self._library.get(clip_id))
        wanted = {place: (wishes or {}).get(place, wish or DeliveryWish()) for place in platform_ids}
        for place, how in wanted.items():
            choose_file(find_place(place), how)
        items = tuple(DeliveryItem(clip_id, place, find_place(place).title) for clip_id, place in pairs)
        order = _Order(Delivery(uuid.uuid4().hex, items), wanted)
        self._orders = dict(list({**self._orders, order.delivery.id: order}.items())[-MOST_REMEMBERED:])
        for index in range(len(items)):
            self._pool.do(lambda index=index: self._work(order, index))
        return order.delivery

    def find(self, delivery_id: str) -> Delivery:
        """How a delivery stands. Raises `Refusal` for one that isn't remembered."""
        return self._find(delivery_id).delivery

    def stop(self, delivery_id: str) -> Delivery:
        """Stop what isn't written yet; nothing is left of it. What is written stays."""
        order = self._find(delivery_id)
        order.stop()
        for index, item in enumerate(order.delivery.items):
            if item.state == "waiting":
                order.change(index, replace(item, state="stopped"))
        return order.delivery

    def zip_files(self, delivery_id: str) -> Path:
        """All that a delivery has written, as one zip, a folder for each place. Raises `Refusal` where nothing is."""
        delivery = self.find(delivery_id)
        files = [(item, file) for item in delivery.items for file in item.files]
        files += [
            (item, DeliveredFile(item.poster, Path(item.poster).name, 0, ())) for item in delivery.items if item.poster
        ]
        if not files:
            raise Refusal("Nothing is written yet.", "Wait until the first file is there.")
        taken: set[str] = set()
        try:
            disk.require(self.room, sum(file.bytes for _, file in files), "The zip", "download the files one by one")
            with tempfile.TemporaryDirectory(dir=self.room, ignore_cleanup_errors=True) as folder:
                made = Path(folder) / "files.zip"
                with zipfile.ZipFile(made, "w", strict_timestamps=False) as zipped:
                    for item, file in files:
                        zipped.write(file.path, file_names.apart(f"{item.platform}/{file.name}", taken))
                return self._kept.keep(made, f"zip-{delivery_id}", f"Stir, {len(files)} files.zip")
        except FileNotFoundError:
            raise Refusal("A file of this export is no longer kept.", "Export the clips again.") from None
        except OSError as error:
            raise refuse_unwritten(error) from error

    def write_to(
        self, clip_id: str, platform_id: str, dest: Path, tick: Tick, wish: DeliveryWish | None = None,
        earlier: Sequence[Written] = (),
    ) -> Delivered:  # fmt: skip
        """Write one clip for one place at `dest`, which gets the endings of its files, while the caller waits.
        earlier: what was written of this clip for other places. Raises `Refusal`, and what `tick` raises.
        """
        from studio.delivery.deliver import deliver

        clip, place = self._library.get(clip_id), find_place(platform_id)
        wish = wish or DeliveryWish()
        if wish.fit == "crop" and wish.centre is None:
            wish = replace(wish, centre=self._find_centre(clip, place))
        return deliver(self._library.file(clip), clip, place, dest, tick, wish, earlier)

    def name_file(self, clip_id: str, platform_id: str) -> str:
        """What the files of a clip for a place are called, without their endings."""
        clip, place = self._library.get(clip_id), find_place(platform_id)
        stem = re.sub(r"\.[A-Za-z0-9]{2,5}$", "", (clip.title or clip.shot.photo.name).strip())
        return f"{file_names.tidy(stem)}, {file_names.tidy(place.label)}"

    def close(self) -> None:
        """Stop everything; what is being written leaves nothing behind."""
        for order in self._orders.values():
            order.stop()
        self._pool.close(5.0)

    # Working ------------------------------------------------------------------------------------------------------

    def _find(self, delivery_id: str) -> _Order:
        if delivery_id not in self._orders:
            raise Refusal("That export is no longer known.", "Export the clips again.")
        return self._orders[delivery_id]

    def _work(self, order: _Order, index: int) -> None:
        item = order.delivery.items[index]
        if order.is_stopped.is_set():
            order.change(index, replace(item, state="stopped"))
            return

        def tick(progress: Progress) -> None:
            if order.is_stopped.is_set():
                raise _Stopped
            order.change(index, replace(item, state="working", done=progress.done, total=progress.total))

        try:
            while not self._guest.exporting.acquire(timeout=0.2):
                tick(Progress())  # another visitor's turn
            try:
                tick(Progress())
                order.change(index, self._write_watched(order, index, item, tick))
            finally:
                self._guest.exporting.release()
        except (_Stopped, Stopped):
            order.change(index, replace(item, state="stopped"))
        except Refusal as refusal:
            order.change(index, replace(item, state="refused", reason=refusal.reason, remedy=refusal.remedy))
        except Exception as error:
            refusal = report_fault(self._log, "this was exported", error, "an export")
            order.change(index, replace(item, state="refused", reason=refusal.reason, remedy=refusal.remedy))

    def _write_watched(self, order: _Order, index: int, item: DeliveryItem, tick: Tick) -> DeliveryItem:
        order.watch = watch = Pulse(tick)
        work = lambda beat: self._write(order, index, item, beat)  # noqa: E731
        return run_watched("an export", work, self._deadline, log=self._log, watch=watch)

    def _write(self, order: _Order, index: int, item: DeliveryItem, tick: Tick) -> DeliveryItem:
        earlier = order.written.setdefault(item.clip, [])
        name, wish = self.name_file(item.clip, item.platform), order.wishes[item.platform]
        key = f"{order.delivery.id}-{index}"
        with tempfile.TemporaryDirectory(dir=self.room, ignore_cleanup_errors=True) as folder:
            made = self.write_to(item.clip, item.platform, Path(folder) / "made", tick, wish, earlier)
            tick(Progress("keep"))
            try:
                kept = [
                    one._replace(file=self._kept.keep(one.file, f"{key}-{one.file.suffix[1:]}", name + one.file.suffix))
                    for one in made.files
                ]
                poster = made.poster and self._kept.keep(made.poster, f"{key}-poster", name + made.poster.suffix)
            except OSError as error:
                raise refuse_unwritten(error) from error
        earlier += kept
        files = tuple(DeliveredFile(str(one.file), one.file.name, one.bytes, one.checks) for one in kept)
        return replace(item, state="done", files=files, poster=str(poster or ""), choices=made.choices)

    def _find_centre(self, clip: Clip, place: Platform) -> tuple[float, float]:
        """Where the subject stands in a clip, in fractions of it; its middle where the photo isn't here any more."""
        shot = clip.shot
        joined = shot.finish is not None and len(shot.finish.clips) > 1
        if joined or place.aspect in ("photo", shot.crop.aspect):
            return 0.5, 0.5
        try:
            box = self._advice.suggest_crop(shot.photo, place.aspect, shot.subject).crop
        except Refusal:
            return 0.5, 0.5
        middle = ((box.x + box.w / 2 - shot.crop.x) / shot.crop.w, (box.y + box.h / 2 - shot.crop.y) / shot.crop.h)
        return min(1.0, max(0.0, middle[0])), min(1.0, max(0.0, middle[1]))


def find_place(platform_id: str) -> Platform:
    """The place of this id. Raises `Refusal` when there is none."""
    found = presets.platform(platform_id)
    if found is None:
        known = ", ".join(one.id for one in presets.platforms())
        raise Refusal(f"There is no place called {platform_id!r}.", f"Choose from: {known}.")
    return found


def _pair(clip_ids: Sequence[str], platform_ids: Sequence[str]) -> list[tuple[str, str]]:
    """Every clip with every place, each once, clip by clip."""
    return [(clip, place) for clip in dict.fromkeys(clip_ids) for place in dict.fromkeys(platform_ids)]
