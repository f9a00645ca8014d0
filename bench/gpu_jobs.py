"""Jobs of the studio's own engine, watched: seconds and memory of each stage, on this GPU or on one made smaller.

A GPU is made smaller by telling the engine so and by holding PyTorch's allocator to it. Nothing else of the engine is changed.
"""

from __future__ import annotations

import gc
import itertools
import threading
import time
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
import psutil

from bench import full_checkpoints
from bench.gpu_rows import Place
from studio import presets
from studio.cards import ModelCard, Plan
from studio.config import ASSETS, Settings
from studio.engines.base import Image
from studio.engines.diffusion.diffusion_engine import DiffusionEngine
from studio.engines.diffusion.memory.machine import Machine, read_machine
from studio.engines.prepare import Prepared, prepare
from studio.frames import Frames
from studio.nouns import Motion, Progress, Shot
from studio.photo import crop, photo_store
from studio.preferences import Placement, Preferences, Weights

GB = 1e9
STEPS = 2
CONTEXT = 0.6e9
"""Bytes of a GPU that CUDA's context and the driver take: measured on an H100."""

REPORTED = 0.985
"""Of the memory a GPU is sold with, in GiB, what the driver reports: 23.6 of 24."""

PHOTO = ASSETS / "samples" / "fig.jpg"


def shrink_gpu(device: str, gib: float) -> Machine:
    """This machine with a GPU of so many GiB, its allocator held to that; 0 is as it is. A processor plays one of so many MB."""
    if not device.startswith("cuda"):
        limit = round((gib or 80) * 1e6) + 2_000_000_000  # of which 2 GB are reserved
        return Machine("cpu:0", "a processor", limit, 1 << 36, (9, 0), lambda: limit, lambda: 1 << 35)
    import torch

    real = read_machine()
    total = torch.cuda.get_device_properties(0).total_memory
    if not gib:
        torch.cuda.set_per_process_memory_fraction(1.0, 0)
        return real
    vram = round(gib * 2**30 * REPORTED)
    usable = round(vram - CONTEXT)
    torch.cuda.set_per_process_memory_fraction(usable / total, 0)
    return replace(
        real, name=f"{real.name} as {gib:g} GB", vram=vram, free_vram=lambda: max(0, usable - torch.cuda.memory_allocated(0))
    )


def choose_card(name: str, place: Place) -> tuple[ModelCard, Path]:
    """A shipped card that may take few steps, and the folder of its checkpoint; in tiny mode those of its tiny one."""
    if place.tiny:
        from tests.fakes import tiny_cards

        folder = place.folder / full_checkpoints.read_data().checkpoints[name].base
        folder = folder if folder.exists() else full_checkpoints.rebuild_tiny(name, place.folder)
        return tiny_cards.card(folder.name, folder), folder
    card = presets.card(name)
    assert card.checkpoint is not None
    steps = msgspec.structs.replace(card.checkpoint.steps, least=1)
    return msgspec.structs.replace(card, checkpoint=msgspec.structs.replace(card.checkpoint, steps=steps)), place.folder / name


@contextmanager
def open_engine(
    place: Place, name: str, machine: Machine, weights: Weights = "auto", placement: Placement = "auto"
) -> Generator[tuple[DiffusionEngine, ModelCard]]:
    """The engine of one card on a machine, with a home of its own; closed and let go of afterwards."""
    card, folder = choose_card(name, place)
    settings = Settings(place.folder / f"home-{time.time_ns()}")
    settings.prepare()
    wanted = Preferences(folders={card.id: str(folder)}, weights={card.id: weights}, placement={card.id: placement})
    engine = DiffusionEngine(settings, machine, preferences=lambda: wanted, cards=lambda: (card,))
    try:
        yield engine, card
    finally:
        engine.close()
        del engine
        gc.collect()
        _Gpu(place.device).empty()


class _Gpu:
    """What PyTorch's allocator holds of a GPU; zeros on a processor."""

    def __init__(self, device: str) -> None:
        self._device = device if device.startswith("cuda") else ""

    def read_peak(self) -> tuple[float, float]:
        """Allocated and reserved at most since the last time, GB."""
        if not self._device:
            return 0.0, 0.0
        import torch

        found = torch.cuda.max_memory_allocated(self._device) / GB, torch.cuda.max_memory_reserved(self._device) / GB
        torch.cuda.reset_peak_memory_stats(self._device)
        return found

    def read_now(self) -> tuple[float, float]:
        """Allocated and reserved now, GB."""
        if not self._device:
            return 0.0, 0.0
        import torch

        return torch.cuda.memory_allocated(self._device) / GB, torch.cuda.memory_reserved(self._device) / GB

    def empty(self) -> None:
        """Give back what the allocator keeps."""
        if self._device:
            import torch

            torch.cuda.empty_cache()


@dataclass
class Watched:
    """What a job took. Seconds from its start: `began` by stage; `steps` of each step; `peaks` by stage, GB allocated and
    reserved. `host` is the most memory the process had, GB; `here` are the classes on the GPU while frames were decoded.
    """

    began: dict[str, float] = field(default_factory=dict[str, float])
    steps: list[float] = field(default_factory=list[float])
    peaks: dict[str, tuple[float, float]] = field(default_factory=dict[str, tuple[float, float]])
    before_decode: float = 0.0
    ended: float = 0.0
    host: float = 0.0
    frames: int = 0
    digest: int = 0
    here: tuple[str, ...] = ()
    kept: tuple[float, float] = (0.0, 0.0)
    plan: Plan | None = None
    choices: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def step(self) -> float:
        """Seconds a step, of the quickest: the first warms up."""
        return min(self.steps, default=0.0)

    @property
    def decode(self) -> float:
        """Seconds from the last step to the end: the decode, with what ran beside it."""
        return self.ended - self.began.get("decode", self.ended)

    @property
    def peak(self) -> float:
        """The most that was reserved of the GPU, GB."""
        return max((reserved for _, reserved in self.peaks.values()), default=0.0)


class Watch:
    """The watcher of one job: its `tick`, and its frames as they are read."""

    def __init__(self, engine: DiffusionEngine, device: str) -> None:
        self.found, self._engine, self._gpu = Watched(), engine, _Gpu(device)
        self._start, self._stage, self._marks = time.perf_counter(), "load", dict[int, float]()
        self._total = 0
        self._over = threading.Event()
        self._looker = threading.Thread(target=self._look, daemon=True)
        self._gpu.read_peak()
        self._looker.start()

    def _look(self) -> None:
        me = psutil.Process()
        while not self._over.wait(0.1):
            self.found.host = max(self.found.host, me.memory_info().rss / GB)

    @property
    def now(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self._start

    def tick(self, progress: Progress) -> None:
        """Note when what began."""
        if progress.stage in ("paint", "encode"):
            return
        if progress.stage not in self.found.began:
            self.found.began[progress.stage] = self.now
        if progress.stage != self._stage:
            if progress.stage == "decode":
                self.found.before_decode = self._gpu.read_now()[0]
            self._close_stage(progress.stage)
        if progress.stage == "denoise":
            self._total = progress.total
            self._marks.setdefault(progress.done, self.now)

    def _close_stage(self, following: str) -> None:
        peak, earlier = self._gpu.read_peak(), self.found.peaks.get(self._stage, (0.0, 0.0))
        self.found.peaks[self._stage] = max(peak[0], earlier[0]), max(peak[1], earlier[1])
        self._stage = following

    def read(self, frames: Frames) -> Frames:
        """The same frames, looked at as they pass."""

        def pass_on() -> Generator[Any]:
            for one in frames.images:
                if not self.found.frames:
                    here = self._engine.manager.residency.list_here()
                    self.found.here = tuple(type(module).__name__ for module in here)
                self.found.frames += 1
                self.found.digest = zlib.crc32(one, self.found.digest)
                yield one

        return replace(frames, images=pass_on())

    def close(self, frames: Frames | None = None) -> Watched:
        """The job is over."""
        found = self.found
        found.ended = self.now
        self._over.set()
        self._looker.join()
        self._close_stage("")
        found.kept = self._gpu.read_now()
        marks = [self._marks[done] for done in sorted(self._marks)]
        if self._total not in self._marks:  # then the last step ends where decoding begins
            marks.append(found.began.get("decode", found.ended))
        found.steps = [after - before for before, after in itertools.pairwise(marks)]
        if frames is not None:
            found.choices = {choice.what: choice.value for choice in frames.choices}
        return found


def make_shot(card: ModelCard) -> tuple[Prepared, Image]:
    """The card's default clip of a sample photo, in few steps, and the photo's pixels."""
    checkpoint = card.checkpoint
    assert checkpoint is not None
    photo, pixels = photo_store.read_photo(PHOTO)
    width, height = checkpoint.sizes.native[0]
    box = crop.find_largest(photo, "1:1" if width == height else "16:9")
    seconds = max(1.0, checkpoint.lengths.default / card.fps[-1])
    shot = Shot(photo, box, Motion("waves roll in"), card.id, seconds=seconds, fps=card.fps[-1], steps=STEPS, seed=3)
    return prepare(shot, card), pixels


def do_job(engine: DiffusionEngine, card: ModelCard, device: str, file: Path | None = None) -> Watched:
    """The card's default clip in few steps: its frames read, or encoded to `file` as they come.

    Errors carry what was seen so far, as their attribute `watched`.
    """
    from studio.clip.encode import encode

    prepared, pixels = make_shot(card)
    watch, frames = Watch(engine, device), None
    watch.found.plan = prepared.plan
    try:
        frames = watch.read(engine.animate(prepared, pixels, None, watch.tick))
        if file is not None:
            encode(frames, file, prepared.shot, watch.tick)
        else:
            for _ in frames.images:
                pass
    except BaseException as error:
        error.watched = watch.close()  # type: ignore[attr-defined]
        raise
    return watch.close(frames)


def estimate_decode(name: str, card: ModelCard, plan: Plan) -> float:
    """GB that the studio says a decode of this clip takes as a whole, besides what is there."""
    from studio.engines.diffusion.run import vae_decode

    checkpoint, part = card.checkpoint, full_checkpoints.read_data().checkpoints[name].parts["vae"]
    assert checkpoint is not None
    data = full_checkpoints.read_data().parts[part]
    vae = full_checkpoints.make_empty(data.kind, data.config)
    side, time_scale = vae_decode.find_spatial_scale(vae), vae_decode.find_temporal_scale(vae)
    rows, columns = plan.height // side, plan.width // side
    frames = (plan.num_frames - 1) // time_scale + 1
    shape = (
        (1, 1, frames, rows, columns) if hasattr(vae, "use_tiling") and time_scale > 1 else (plan.num_frames, 1, rows, columns)
    )
    itemsize = 4 if checkpoint.choose_dtype("vae") == "float32" else 2
    return vae_decode.estimate_bytes(vae, shape, itemsize, vae_decode.WHOLE) / GB
