"""What a visitor's studio has of the house it is a guest in: its models, a seat in its turns, its limits."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from studio.cards import Outcome, Plan
from studio.jobs.fair_turns import Seat
from studio.library.file_cache import MOST_BYTES
from studio.limits import DiskShare, Limits
from studio.models import Models


@dataclass(frozen=True)
class Guest:
    """One visitor's part in the house; without anything, an owner's studio, which has no limits. `drawing` is held
    while a preview is drawn, `exporting` while a clip is written for a place: one at a time for everybody.
    """

    models: Models | None = None
    seat: Seat | None = None
    limits: Limits | None = None
    disk: DiskShare | None = None
    drawing: threading.Lock = field(default_factory=threading.Lock)
    exporting: threading.Lock = field(default_factory=threading.Lock)

    @property
    def most_photos(self) -> int:
        """Photos that may be kept, 0 for any number."""
        return self.limits.photos if self.limits else 0

    @property
    def most_waiting(self) -> int:
        """Jobs that may wait or run at once, 0 for any number."""
        return self.limits.waiting if self.limits else 0

    @property
    def most_rows(self) -> int:
        """Photos that a batch may have, 0 for any number."""
        return self.limits.rows if self.limits else 0

    @property
    def most_cached(self) -> int:
        """Bytes that previews and downloads, and files for places, may each take: what can be made again leaves half of
        a visitor's share to photos and clips.
        """
        return min(MOST_BYTES, self.limits.disk_mb * 250_000) if self.limits else MOST_BYTES

    @property
    def is_house_busy(self) -> bool:
        """Whether a job of anybody in the house is being made."""
        return self.seat is not None and self.seat.is_busy

    def require_plan(self, plan: Plan | Outcome) -> None:
        """Raises `Refusal` for a clip that is longer or larger than may be."""
        if self.limits:
            self.limits.require_plan(plan)

    def require_disk(self, more: int = 0) -> None:
        """Raises `Refusal` where the files, with `more` bytes to come, take more of the disk than they may."""
        if self.disk:
            self.disk.require(more)
