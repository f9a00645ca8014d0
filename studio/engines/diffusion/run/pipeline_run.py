"""One run of a loaded pipeline, from request to frames: progress by step, stopping, and leaving the model as it was
before.

Steps are counted in every pipeline, with a callback or without; nothing is changed in what a pipeline computes.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from studio.engines.base import Tick
from studio.engines.diffusion.families.family import Request, Words, filter_call_arguments, move_to_device
from studio.engines.diffusion.families.seeded_noise import draw_from
from studio.engines.diffusion.run.deferred_decode import DeferredDecode
from studio.engines.diffusion.run.latent_preview import Previews
from studio.engines.diffusion.run.vae_decode import Decoding
from studio.frames import Sound
from studio.nouns import Progress, Refusal

if TYPE_CHECKING:
    from studio.engines.diffusion.memory.model_cache import LoadedModel

RECENT = 8
"""Steps that the present pace is taken from: the first are slower while kernels are chosen, and pieces of a section
differ.
"""


class Meter:
    """A run's steps as they pass, told to `tick` as they do. `Stopped` comes out of any of its methods.

    `total` is how many steps there will be, `calls` how often a denoiser runs in each. `expected` are seconds a step
    and for the rest, as the history knows them. `wait` waits for the device, so that a stop acts at once and seconds
    are true ones.
    """

    def __init__(
        self,
        tick: Tick,
        total: int,
        calls: int = 1,
        *,
        previews: Previews | None = None,
        expected: tuple[float, float] | None = None,
        wait: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tick, self._total, self._calls = tick, total, max(1, calls)
        self._previews, self._expected = previews, expected
        self._wait, self._clock = wait, clock
        self._began = self._last = clock()
        self._done = self._called = self._bars = 0
        self._took: list[float] = []
        self._decoding = False

    @property
    def step(self) -> float | None:
        """Seconds a step, the middle of the last few; None before the first."""
        return statistics.median(self._took[-RECENT:]) if self._took else None

    @property
    def delay(self) -> float:
        """Seconds by which the first step took longer than the middle one: kernels chosen, blocks compiled."""
        return max(0.0, self._took[0] - (self.step or 0.0)) if self._took else 0.0

    @property
    def done(self) -> int:
        """Steps that have passed."""
        return self._done

    @property
    def is_decoding(self) -> bool:
        """Whether all steps have passed and the clip, or its last section, is decoded."""
        return self._decoding

    @property
    def has_stepped(self) -> bool:
        """Whether the denoiser has been called: before that it is the words and the photo that are read."""
        return self._called > 0

    @property
    def stepping_seconds(self) -> float:
        """Seconds that all steps took together."""
        return sum(self._took)

    def pulse(self, *_: Any) -> None:
        """Say how far it is, once more; nothing has changed but the time."""
        step = self.step or (self._expected[0] if self._expected else None)
        elapsed = self._clock() - self._began
        preview = self._previews.latest if self._previews else ""
        if self._decoding:
            self._tick(Progress("decode", 0, 1, "Decoding the frames", elapsed, self._estimate_rest(step), preview))
            return
        left = None if step is None else max(0, self._total - self._done) * step + (self._estimate_rest(step) or 0.0)
        note = f"{_say_seconds(self.step)} a step" if self.step is not None else ""
        self._tick(Progress("denoise", self._done, self._total, note, elapsed, left, preview))

    def _estimate_rest(self, step: float | None) -> float | None:
        """Seconds to decode: as it was before on this machine, else about as long as two steps, as most of these models
        take.
        """
        return self._expected[1] if self._expected else None if step is None else 2.0 * step

    def note_call(self, module: Any, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        """A denoiser is about to run (a forward pre-hook). Counts the steps itself where a pipeline shows no bar."""
        self._wait()
        if not self._bars:
            passed = self._called // self._calls
            if passed > self._done:
                self._pass(passed - self._done)
            elif not self._called:
                self._last = self._clock()
        self._called += 1
        self.pulse()

    def open_bar(self, iterable: Iterable[Any] | None = None, total: int | None = None) -> Bar:
        """What a pipeline gets for its progress bar. Each section of a long clip opens its own."""
        self._bars += 1
        self._last = self._clock()
        held = list(iterable) if iterable is not None else None
        count = len(held) if held is not None else total or 0
        self._total = max(self._total, self._done + count)
        return Bar(self, held)

    def count_steps(self, steps: int = 1) -> None:
        """Some steps are done."""
        self._wait()
        self._pass(steps)
        self.pulse()

    def _pass(self, steps: int) -> None:
        now = self._clock()
        self._took += [(now - self._last) / steps] * steps
        self._last = now
        self._done += steps

    def begin_decode(self) -> None:
        """The VAE is about to decode: the whole clip, or a section of it while others are still to come."""
        self._wait()
        if not self._bars:
            self._done = self._total  # the last call is over, and no other follows to say so
        self._decoding = self._done >= self._total
        self.pulse()


class Bar:
    """A pipeline's progress bar (the part of tqdm's that diffusers uses), heard by a meter."""

    def __init__(self, meter: Meter, held: list[Any] | None) -> None:
        self._meter = meter
        self._held = held

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def __iter__(self) -> Iterator[Any]:
        for one in self._held or ():
            yield one
            self._meter.count_steps()

    def update(self, n: int = 1) -> None:
        """`n` more steps are done."""
        self._meter.count_steps(n)

    def close(self) -> None:
        """Nothing to close."""

    def set_description(self, *_: Any, **__: Any) -> None:
        """Nothing to show it on."""

    set_postfix = set_description


class Made(NamedTuple):
    """What a run makes: its sound, and its frames as (H, W, 3) uint8 RGB, which are decoded as they are read."""

    sound: Sound | None
    frames: Iterator[NDArray[np.uint8]]


@contextmanager
def run_pipeline(
    loaded: LoadedModel, request: Request, words: Words, *, meter: Meter, decoding: Decoding, previews: Previews
) -> Generator[Made]:
    """Run a loaded model once; its frames are read within. Whatever is left behind is as it was before, however this
    ends.

    Raises `Refusal` when the pipeline gives other frames than were asked for; `Stopped` and out-of-memory errors pass
    through, from reading frames too.
    """
    pipe, family, checkpoint = loaded.pipe, loaded.family, loaded.card.checkpoint
    assert checkpoint is not None
    with _clean_afterwards(loaded), _listen(loaded, meter, previews), ExitStack() as stack:
        arguments = family.arguments(pipe, request, checkpoint)
        deferred = DeferredDecode(pipe, arguments["generator"])
        with deferred.defer(), draw_from(arguments["generator"]):
            output = pipe(**{**arguments, **move_to_device(pipe, words), **_build_callback(pipe, previews)})
        _check_planned(deferred.video.shape, request)
        sections = [decoding.decode(pipe.vae.decode, call) for call in deferred.calls]
        for section in sections:
            stack.callback(section.close)
        pieces = family.join_sections(pipe, sections, checkpoint)
        yield Made(family.read_sound(pipe, output, request), deferred.convert(pieces, request.num_frames))


def make_waiter(loaded: LoadedModel) -> Callable[[], None]:
    """A way to wait until the GPU has done what it was given; nothing on a processor, which is never ahead."""
    if loaded.machine.device.startswith("cpu"):
        return lambda: None
    import torch

    return lambda: torch.cuda.current_stream(loaded.machine.device).synchronize()


def _build_callback(pipe: Any, previews: Previews) -> dict[str, Any]:
    """The arguments by which a pipeline hands over its latents after each step; {} where it doesn't."""

    def offer(pipe: Any, index: int, time: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        previews.offer(tensors["latents"])
        return {}  # nothing of it is changed

    return filter_call_arguments(
        pipe, {"callback_on_step_end": offer, "callback_on_step_end_tensor_inputs": ["latents"]}
    )


@contextmanager
def _clean_afterwards(loaded: LoadedModel) -> Generator[None]:
    """Afterwards no state of this run is left in hooks: it would change the next run's frames."""
    vae: Any = getattr(loaded.pipe, "vae", None)
    dtype = getattr(vae, "dtype", None)
    try:
        yield
    finally:
        denoisers: list[Any] = list(loaded.denoisers)
        for denoiser in denoisers:
            if hasattr(denoiser, "_reset_stateful_cache"):
                denoiser._reset_stateful_cache()
        if hasattr(vae, "clear_cache"):
            vae.clear_cache()  # what a decode that was stopped has kept of its last frames
        if getattr(vae, "dtype", None) != dtype:
            vae.to(dtype=dtype)  # SVD widens it to read the photo; when memory runs out there, it stays wide
        if hasattr(loaded.pipe, "maybe_free_model_hooks"):
            loaded.pipe.maybe_free_model_hooks()


@contextmanager
def _listen(loaded: LoadedModel, meter: Meter, previews: Previews) -> Generator[None]:
    """The meter hears every step, denoiser call and part of the decoder; afterwards nothing of it is left."""
    pipe = loaded.pipe
    blind = not _build_callback(pipe, previews)
    decoder: Any = getattr(getattr(pipe, "vae", None), "decoder", None)
    had_bar = "progress_bar" in vars(pipe)
    before = vars(pipe).get("progress_bar")

    def calling(module: Any, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        meter.note_call(module, given, named)
        if blind:
            previews.offer_input(given, named)

    with ExitStack() as hooks:
        for denoiser in loaded.denoisers:
            hooks.callback(denoiser.register_forward_pre_hook(calling, with_kwargs=True).remove)
        if hasattr(decoder, "register_forward_pre_hook"):
            hooks.callback(decoder.register_forward_pre_hook(meter.pulse).remove)
        pipe.progress_bar = meter.open_bar
        try:
            yield
        finally:
            if had_bar:
                pipe.progress_bar = before
            else:
                del pipe.progress_bar


def _check_planned(shape: tuple[int, ...], request: Request) -> None:
    """Raises `Refusal` for frames (1, 3, frames, height, width) that aren't those planned; a clip is never silently
    another. Frames beyond those asked for (sections) are let go.
    """
    count, height, width = shape[2:]
    count = min(count, request.num_frames)
    if (count, width, height) != (request.num_frames, request.width, request.height):
        raise Refusal(
            f"The model made {count} frames of {width}x{height} "
            f"instead of {request.num_frames} of {request.width}x{request.height}.",
            "The sizes or lengths in its card don't fit the model: correct them, or choose another size or length.",
        )


def _say_seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds:.2f} s"
