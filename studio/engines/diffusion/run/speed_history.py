"""The history of this machine's speed: seconds a step, to decode and to load, by device, model and size.

Kept in a small JSON file of the home folder; a damaged one never stops a job. A time carries over to another size by
pixels times frames.
"""

from __future__ import annotations

import logging
import statistics
import threading
from pathlib import Path

import msgspec

from studio.atomic_write import write_whole
from studio.cards import ModelCard, Plan
from studio.nouns import Noun, SpeedUp
from studio.preferences import Weights

KEPT = 12
"""Runs remembered of each model on each device; older ones give way."""

NEAREST = 5
"""Of those, how many count for an estimate: the ones nearest in size, whose times carry over best."""

LARGEST = 1 << 22
"""Bytes of a history that are read; hundreds of models stay far below."""

NOTICED = 0.5
"""Seconds from which the first step's delay is taken for compiling: below, what was compiled before was at hand."""

SPOKEN = "AEFHILMNORSX"
"""Letters whose name begins with a vowel: an RTX 4090, an H100, an A100, a 4090."""

_log = logging.getLogger(__name__)


class Run(Noun, frozen=True):
    """One finished run: its size, its steps, seconds a step, and seconds for all else (reading, decoding).

    `compiling` is how many seconds longer the first step took where blocks were compiled; not among the others.
    """

    width: int
    height: int
    num_frames: int
    steps: int
    step: float
    rest: float
    speedups: tuple[SpeedUp, ...] = ()
    weights: Weights = "published"
    compiling: float = 0.0

    @property
    def volume(self) -> int:
        """Pixels times frames."""
        return self.width * self.height * self.num_frames


class Learned(Noun, frozen=True):
    """What is known of one model on one device: its last runs, and the seconds its last loads took."""

    runs: tuple[Run, ...] = ()
    loads: tuple[float, ...] = ()


class History:
    """The times of one home folder. Any thread may call; two studios on one home folder may lose each other's newest
    line.
    """

    def __init__(self, models: Path) -> None:
        self._file = models / "history.json"
        self._lock = threading.Lock()
        self._seen: tuple[int, int] = (0, 0)
        self._known: dict[str, Learned] = {}

    def add_run(self, device: str, card: ModelCard, run: Run) -> None:
        """Remember a finished run."""
        with self._lock:
            known = self._read()
            one = known.get(_make_key(device, card), Learned())
            known[_make_key(device, card)] = msgspec.structs.replace(one, runs=(*one.runs, run)[-KEPT:])
            self._write(known)

    def add_load(self, device: str, card: ModelCard, seconds: float) -> None:
        """Remember how long a load took."""
        with self._lock:
            known = self._read()
            one = known.get(_make_key(device, card), Learned())
            known[_make_key(device, card)] = msgspec.structs.replace(one, loads=(*one.loads, seconds)[-KEPT:])
            self._write(known)

    def find_pace(
        self,
        device: str,
        card: ModelCard,
        plan: Plan,
        speedups: tuple[SpeedUp, ...] = (),
        weights: Weights = "published",
    ) -> tuple[float, float] | None:
        """Seconds a step and for the rest that a run of this plan should take here; None before the first run."""
        runs = self._list_nearest(device, card, plan, speedups, weights)
        if not runs:
            return None
        volume = plan.width * plan.height * plan.num_frames
        return (
            statistics.median(run.step * volume / run.volume for run in runs),
            statistics.median(run.rest * volume / run.volume for run in runs),
        )

    def find_compile_time(self, device: str, card: ModelCard) -> float | None:
        """Seconds that compiling this model's blocks took here when it last had to be done; None before the first."""
        with self._lock:
            runs = self._read().get(_make_key(device, card), Learned()).runs
        return next((run.compiling for run in reversed(runs) if run.compiling >= NOTICED), None)

    def estimate(
        self, device: str, card: ModelCard, plan: Plan, weights: Weights = "published"
    ) -> tuple[float | None, str]:
        """Seconds a run of this plan should take here without loading and speed-ups, by pixels times frames; its basis.

        None before the first run: then the words quote what the card publishes of another machine.
        """
        pace = self.find_pace(device, card, plan, weights=weights)
        if pace is not None:
            count = len(self._list_nearest(device, card, plan, (), weights))
            clips = "a clip" if count == 1 else f"{count} clips"
            return pace[0] * plan.steps + pace[1], f"from {clips} made here"
        published = card.checkpoint.published if card.checkpoint else ()
        if not published:
            return None, "not known before the first clip"
        one = published[0]
        article = "an" if one.device[:1] in SPOKEN else "a"
        return (
            None,
            f"published for {article} {one.device}: {_say_seconds(one.seconds)} for {one.what}; other machines differ",
        )

    def find_load_time(self, device: str, card: ModelCard) -> float | None:
        """Seconds a load of this model takes here; None before the first."""
        with self._lock:
            loads = self._read().get(_make_key(device, card), Learned()).loads
        return statistics.median(loads[-NEAREST:]) if loads else None

    def _list_nearest(
        self, device: str, card: ModelCard, plan: Plan, speedups: tuple[SpeedUp, ...], weights: Weights
    ) -> list[Run]:
        """The runs with these speed-ups and weights that are nearest in size, the newest of the equally near."""
        with self._lock:
            runs = self._read().get(_make_key(device, card), Learned()).runs
        volume = plan.width * plan.height * plan.num_frames
        alike = [run for run in reversed(runs) if set(run.speedups) == set(speedups) and run.weights == weights]
        alike = [run for run in alike if run.volume]
        alike.sort(key=lambda run: max(run.volume, volume) / min(run.volume, volume))
        return alike[:NEAREST]

    def _read(self) -> dict[str, Learned]:
        """What is kept, read again when the file has changed. One missing, damaged or of another kind is empty."""
        try:
            stat = self._file.stat()
            if (stat.st_mtime_ns, stat.st_size) != self._seen:
                with self._file.open("rb") as file:
                    self._known = msgspec.json.decode(file.read(LARGEST), type=dict[str, Learned])
                self._seen = (stat.st_mtime_ns, stat.st_size)
            return dict(self._known)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return {}

    def _write(self, known: dict[str, Learned]) -> None:
        """Whole or not at all. A disk that is full costs the estimate, never the clip."""
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._file, msgspec.json.encode(known))
        except OSError as error:
            _log.warning("the history of speeds can't be kept: %s", error.strerror or type(error).__name__)


def _make_key(device: str, card: ModelCard) -> str:
    return f"{device}|{card.id}"


def _say_seconds(seconds: float) -> str:
    """Seconds as a person says them."""
    if seconds < 90:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min"
