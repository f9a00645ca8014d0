"""One generation: a prepared shot through a model to frames, with its photo, prompt, kernel, speed-ups, run and memory
fallbacks.

The order of things is here, and what each fallback does; how each works is its neighbour's: pipeline_run.py,
prompt_cache.py, attention.py, speedups.py, vae_decode.py, out_of_memory.py, and the model manager in memory/.
"""

from __future__ import annotations

import itertools
import time
import weakref
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pictures
from PIL.Image import Image as Picture

from studio.cards import ModelCard, Plan
from studio.config import Settings
from studio.engines.base import Image, Tick
from studio.engines.diffusion.families.family import Request, Words
from studio.engines.diffusion.files.components import find_components
from studio.engines.diffusion.files.local_files import Folders
from studio.engines.diffusion.files.manifest import require_checkpoint
from studio.engines.diffusion.memory import memory_errors
from studio.engines.diffusion.memory.machine import use_device
from studio.engines.diffusion.memory.memory_errors import Memory
from studio.engines.diffusion.memory.model_cache import LoadedModel
from studio.engines.diffusion.memory.model_manager import ModelManager
from studio.engines.diffusion.memory.shared_components import identify
from studio.engines.diffusion.run import attention, out_of_memory, speed_history, speedups, vae_decode
from studio.engines.diffusion.run.frame_queue import FrameQueue
from studio.engines.diffusion.run.latent_preview import APART, Palette, Previews
from studio.engines.diffusion.run.out_of_memory import Fallback, Fallbacks
from studio.engines.diffusion.run.pipeline_run import Meter, make_waiter, run_pipeline
from studio.engines.diffusion.run.prompt_cache import PromptCache
from studio.engines.diffusion.run.speed_history import History
from studio.engines.diffusion.run.vae_decode import Decoding
from studio.engines.plan import cut, cut_end
from studio.engines.prepare import Prepared
from studio.frames import Frames, Sound
from studio.motion.compose import ModelPrompt, compose
from studio.nouns import Choice, Progress, Refusal, Shot, SpeedUp
from studio.preferences import Preferences

TITLE = "memory"

FIRST = 2
"""Frames that are decoded before a run counts as made: the second is of the first piece of full size (Wan's first piece
is one frame), and where there is no memory for that, fallbacks can still be taken."""

Stream = Generator[NDArray[np.uint8]]
"""Frames as they are decoded, (H, W, 3) uint8 RGB."""


@dataclass(frozen=True)
class Tools:
    """What every job of an engine works with. `apart` is the least number of seconds between two previews."""

    settings: Settings
    manager: ModelManager
    folders: Callable[[ModelCard], Folders]
    preferences: Callable[[], Preferences]
    history: History
    words: PromptCache = field(default_factory=PromptCache)
    palette: Palette = field(default_factory=Palette)
    encoders: weakref.WeakKeyDictionary[Any, tuple[str, ...]] = field(default_factory=weakref.WeakKeyDictionary)
    timed: weakref.WeakSet[Any] = field(default_factory=weakref.WeakSet)
    apart: float = APART


class Generation:
    """One shot and everything that is decided on the way. `image` and `end` are whole photos, (H, W, 3) uint8 RGB."""

    def __init__(self, tools: Tools, prepared: Prepared, image: Image, end: Image | None, tick: Tick) -> None:
        shot, card = prepared.shot, prepared.card
        self.tools, self.card, self.tick = tools, card, tick
        self.checkpoint = require_checkpoint(card)
        self.image, self.end = image, end
        self.prepared = prepared
        self.written: ModelPrompt = compose(shot.motion, card)
        self.wanted = tools.preferences()
        self.able: list[SpeedUp] = [name for name in shot.speedups if name in self.checkpoint.speedups]
        self.choices: list[Choice] = []
        self.sound: Sound | None = None
        self.tiled = False
        self.meter: Meter | None = None
        self.loaded: LoadedModel | None = None
        self.failed: Memory | None = None
        self.smaller = out_of_memory.list_smaller(prepared)
        self.fallbacks = Fallbacks(self._list_fallbacks())

    @property
    def shot(self) -> Shot:
        """The shot as it is tried now."""
        return self.prepared.shot

    @property
    def plan(self) -> Plan:
        """What the run that is tried now will be."""
        return self.prepared.plan

    def make_frames(self) -> Frames:
        """Load, run, and hand over: the first frames are there, the others are decoded as they are read.

        Raises `Refusal`; lets `Stopped` through. The model is in use until the frames have been read or closed.
        """
        made: Stream | None = None
        with ExitStack() as stack:
            try:
                while made is None:
                    stack.close()
                    self._take_model(stack.enter_context(self.tools.manager.use(self.card, self.tick, self.plan)))
                    made = self._try_until_made()
            except Exception as error:
                self._refuse_exhausted(error)  # it failed while it was loaded
                raise
            images = FrameQueue(self._hand_over(made, stack.pop_all()))
        now = self.plan
        return Frames(images, now.width, now.height, now.fps, now.num_frames, "rgb24", self.choices, self.sound)

    def _hand_over(self, made: Stream, held: ExitStack) -> Stream:
        """The frames; when they end, however they do, the run is cleaned up and the model given back.

        Read by one thread, which isn't the one that has begun the run.
        """
        with use_device(self.tools.manager.machine.device), held:
            try:
                with closing(made):
                    yield from made
            except Exception as error:
                self._refuse_exhausted(error)
                raise

    def _refuse_exhausted(self, error: Exception) -> None:
        """Raises `Refusal` for memory that ran out where no fallback can be taken any more."""
        memory = memory_errors.find_exhausted(error)
        if memory is not None and not isinstance(error, Refusal):
            raise out_of_memory.refuse_out_of_memory(memory, self.fallbacks.taken, True, self.plan) from error

    # When memory runs out ---------------------------------------------------------------------------------------------

    def _take_model(self, loaded: LoadedModel) -> None:
        """The model is here, for the first time or again; one that comes back placed another way is tried as it is."""
        if self.loaded is not None and _way(self.loaded) != _way(loaded):
            self.failed = None
        self.loaded = loaded
        if loaded.took and loaded.pipe not in self.tools.timed:
            self.tools.timed.add(loaded.pipe)
            self.tools.history.add_load(loaded.machine.name, self.card, loaded.took)

    def _try_until_made(self) -> Stream | None:
        """Try, and after every out-of-memory take the next fallback and try again, until it is made or none is left.

        None: memory ran out inside a fallback, which may have left the model half placed. It has to be made ready anew.
        """
        while True:
            falling_back = self.failed is not None
            try:
                if self.failed is not None:
                    self._fall_back(self.failed)
                falling_back = False
                made = self._attempt()
                return _put_back(list(itertools.islice(made, FIRST)), made)
            except Exception as error:
                memory = memory_errors.find_exhausted(error)
                if memory is None or (isinstance(error, Refusal) and not falling_back):
                    raise
                self.failed = self.failed if falling_back else memory
            # Out here the error, and with it everything its traceback held on to, is gone.
            memory_errors.collect_garbage()
            if falling_back:
                return None

    def _fall_back(self, memory: Memory) -> None:
        """Take the next fallback. Raises `Refusal` when none is left, and out-of-memory where it runs out itself."""
        choice = self.fallbacks.next(memory)
        if choice is not None:
            self.tick(Progress("load", note=f"Memory ran out; trying again: {choice.value}"))
        else:
            raise out_of_memory.refuse_out_of_memory(memory, self.fallbacks.taken, self.shot.may_shrink, self.plan)

    def _list_fallbacks(self) -> Iterator[Fallback]:
        yield Fallback(("video", "system"), self._free_idle)
        yield Fallback(("video", "system"), self._tile)
        yield Fallback(("video",), self._offload, often=True)
        yield Fallback(("video", "system"), self._shrink, often=True)

    def _free_idle(self, memory: Memory) -> Choice | None:
        freed = self.tools.manager.free_idle(self.card, memory)
        others = f"other models gave {freed / 1e9:.1f} GB back" if freed else "no other model was there to make room"
        return Choice(TITLE, "freed what was idle", f"{_WHOSE[memory]} ran out; {others}")

    def _tile(self, memory: Memory) -> Choice | None:
        """Tiles help where the VAE was at work on the photo; when it decodes, it goes through its own ways."""
        vae = getattr(self._here.pipe, "vae", None)
        tiled = self.tiled or "vae_tiling" in self.able
        if tiled or self.meter is None or self.meter.has_stepped or not hasattr(vae, "use_tiling"):
            return None
        self.tiled = True
        return Choice(TITLE, "VAE in tiles", f"{_WHOSE[memory]} ran out while the photo was encoded")

    def _offload(self, memory: Memory) -> Choice | None:
        lowered = self.tools.manager.lower(self._here, self.tick)
        if lowered is None:
            return None
        self.loaded = lowered
        return Choice(
            TITLE, f"offload: {lowered.fit.placement}", f"{_WHOSE[memory]} ran out; slower, and the same frames"
        )

    def _shrink(self, memory: Memory) -> Choice | None:
        found = next(self.smaller, None) if self.shot.may_shrink else None
        if found is None:
            return None
        before = self.plan
        self.prepared = found
        return out_of_memory.describe_shrink(before, self.plan)

    @property
    def _here(self) -> LoadedModel:
        assert self.loaded is not None
        return self.loaded

    # One attempt ------------------------------------------------------------------------------------------------------

    def _attempt(self) -> Stream:
        """One run; its frames as they are decoded. `choices` are whole after the last."""
        loaded, self.meter = self._here, None
        request, began = self.build_request(), time.monotonic()
        _require_memory(loaded, request)
        words, prompt = self._encode_prompt(loaded, request)
        self.tick(Progress("read", note="Reading the photo"))
        shown = self.wanted.preview
        colours = self.tools.palette.get_colours(loaded.pipe, loaded.family, request.image) if shown else None
        previews = Previews(loaded.pipe, loaded.family, request, colours, self.tools.apart)
        meter = self.meter = self._make_meter(loaded, request, previews)
        decoding = self._make_decoding(loaded, meter)
        kernel = self._set_kernel(loaded)
        with ExitStack() as stack:
            stack.callback(previews.close)
            if self.tiled:
                stack.enter_context(vae_decode.switch_on(loaded.pipe.vae, ("use_tiling",)))
            sped = stack.enter_context(
                speedups.apply_speedups(
                    loaded.pipe,
                    loaded.denoisers,
                    self.able,
                    self.checkpoint,
                    self.plan.steps,
                    folder=self.tools.settings.models,
                    device=loaded.machine.device,
                )
            )
            made = stack.enter_context(
                run_pipeline(loaded, request, words, meter=meter, decoding=decoding, previews=previews)
            )
            self.sound = made.sound
            yield from made.frames
        sped = (
            *sped,
            *(Choice(speedups.TITLES[one], "off", _UNABLE) for one in self.shot.speedups if one not in self.able),
        )
        self._record_speed(loaded, meter, time.monotonic() - began)
        own = loaded.family.choices(loaded.pipe, request, self.checkpoint)
        self._collect_choices(loaded, (*own, prompt, kernel, *sped, *decoding.choices), meter)

    def build_request(self) -> Request:
        """What the pipeline is asked for by the plan as it stands: photos cut and scaled to it, never stretched."""
        shot, now = self.shot, self.plan
        size = now.width, now.height
        end = (
            fit_photo(cut_end(self.end, shot.end, now), size) if shot.end is not None and self.end is not None else None
        )
        return Request(
            fit_photo(cut(self.image, now), size), self.written.prompt, self.written.negative, now.width, now.height,
            now.num_frames, now.fps, now.steps, now.guidance, shot.seed, end, shot.strength, shot.sound,
            now.steps == self.checkpoint.steps.default,
        )  # fmt: skip

    def _encode_prompt(self, loaded: LoadedModel, request: Request) -> tuple[Words, Choice]:
        """The prompt's embeddings, read now or remembered."""
        family, checkpoint = loaded.family, self.checkpoint
        if not family.words_arguments:
            return {}, self.written.choice
        self.tick(Progress("read", note="Reading the prompt"))
        key = (
            self._identify_encoders(loaded), checkpoint.family, checkpoint.pipeline,
            family.prompts(request, checkpoint), family.is_guided(request), checkpoint.text_tokens,
            tuple(sorted(checkpoint.arguments.items())),
        )  # fmt: skip
        words, remembered = self.tools.words.get(key, lambda: family.words(loaded.pipe, request, checkpoint))
        written = self.written.choice
        reason = f"{written.reason}; read before, so the text encoder wasn't needed" if remembered else written.reason
        return words, Choice(written.what, written.value, reason)

    def _identify_encoders(self, loaded: LoadedModel) -> tuple[str, ...]:
        """What reads the words: the identities of the text encoders on the disk, read once for each load."""
        known = self.tools.encoders.get(loaded.pipe)
        if known is None:
            found = find_components(self.card, self.tools.folders(self.card), loaded.fit.weights)
            wanted = set(self.checkpoint.encoders)
            known = tuple(identify(part, str(loaded.modules[part.name].dtype)) for part in found if part.name in wanted)
            self.tools.encoders[loaded.pipe] = known
        return known

    def _make_meter(self, loaded: LoadedModel, request: Request, previews: Previews) -> Meter:
        total = loaded.family.steps_in_all(loaded.pipe, request, self.checkpoint)
        pace = self.tools.history.find_pace(
            loaded.machine.name, self.card, self.plan, tuple(self.able), loaded.fit.weights
        )
        expected = (pace[0] * self.plan.steps / total, pace[1]) if pace else None
        calls = loaded.family.calls_per_step(loaded.pipe, request)
        return Meter(self.tick, total, calls, previews=previews, expected=expected, wait=make_waiter(loaded))

    def _make_decoding(self, loaded: LoadedModel, meter: Meter) -> Decoding:
        machine = loaded.machine
        free = machine.free_vram if machine.cuda else machine.free_ram

        def make_room(needed: int) -> None:
            if meter.is_decoding:  # between two sections of a clip the denoiser is needed again
                self.tools.manager.residency.make_room(loaded, needed, loaded.pipe.vae)

        return Decoding(loaded.pipe.vae, free, meter.begin_decode, make_room)

    def _set_kernel(self, loaded: LoadedModel) -> Choice:
        """The attention kernel, set before every run: whoever ran before may have left another."""
        machine, wanted = loaded.machine, self.wanted.attention
        table = attention.read_table(machine, self.tools.settings)
        return attention.set_kernel(loaded.pipe, loaded.denoisers, table, wanted, machine.device)

    # Afterwards ------------------------------------------------------------------------------------------

    def _record_speed(self, loaded: LoadedModel, meter: Meter, took: float) -> None:
        """The times of a run that went as planned; one that fell back says nothing of the next."""
        if self.fallbacks.taken or not meter.step:
            return
        now, rest = self.plan, max(0.0, took - meter.stepping_seconds)
        weights, able = loaded.fit.weights, tuple(self.able)
        # Beside a cache the first step is longer anyway: it skips nothing.
        compiles = (weights == "fp8_fast" or "compile" in able) and not set(able) - {"compile", "vae_tiling"}
        compiling = meter.delay if compiles else 0.0
        step = (meter.stepping_seconds - compiling) / now.steps
        one = speed_history.Run(now.width, now.height, now.num_frames, now.steps, step, rest, able, weights, compiling)
        self.tools.history.add_run(loaded.machine.name, self.card, one)

    def _collect_choices(self, loaded: LoadedModel, run: tuple[Choice, ...], meter: Meter) -> None:
        shared = Choice("shared", ", ".join(loaded.reused).replace("_", " "), "another model in memory uses the same")
        pace = Choice("pace", f"{meter.step or 0.0:.2f} s a step", f"{meter.done} steps on {loaded.machine.name}")
        self.choices[:] = [
            *self.plan.choices, *loaded.fit.choices, *((shared,) if loaded.reused else ()), *run,
            *self.fallbacks.taken, pace,
        ]  # fmt: skip


_WHOSE: dict[Memory, str] = {"video": "the GPU's memory", "system": "this machine's memory"}
_UNABLE = "it isn't made for this model"


def _way(loaded: LoadedModel) -> tuple[str, str]:
    return loaded.fit.placement, loaded.fit.weights


# Pixels in and out ----------------------------------------------------------------------------------------------------


def fit_photo(pixels: Image, size: tuple[int, int]) -> Picture:
    """Pixels (H, W, 3) uint8, cut to the frame's ratio already, as a picture of exactly this size."""
    return Pictures.fromarray(np.ascontiguousarray(pixels)).resize(size, Pictures.Resampling.LANCZOS, reducing_gap=3.0)


def _require_memory(loaded: LoadedModel, request: Request) -> None:
    """Raises `MemoryError` where a processor's memory can't hold the decode in any way: there the system would end the
    program before anything could be caught. Without `HEADROOM`: only what can't fit is turned down.
    """
    if loaded.machine.cuda:
        return
    least = vae_decode.estimate_least(loaded.pipe.vae, request.num_frames, request.width, request.height)
    free = loaded.machine.free_ram()
    if least > free:
        raise MemoryError(f"decoding takes about {least / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free")


def _put_back(first: list[NDArray[np.uint8]], rest: Stream) -> Stream:
    """Frames that were read already, and those that follow."""
    with closing(rest):
        yield from first
        yield from rest
