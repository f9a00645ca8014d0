"""ZeroGPU of Hugging Face: a GPU that is lent for one call, through the package `spaces`, where that was imported.

`spaces.GPU` runs a generator in a process of its own that is forked for it and has the GPU; what goes in and comes out
is pickled. So a clip is made there whole, by the engine that was forked with the process, and comes back as events:
how far it is, the film's measures, each frame, and at the end the choices. Closing the generator stops it at its next
tick. Outside of ZeroGPU the decorator of `spaces` hands the function back as it is, and the same way is taken in this
process.

`spaces` 0.51: the decorator's `duration` is called with the function's own arguments. It has to be imported before
torch, which app.py sees to, and a decorated function has to be there when the page is launched.
"""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from studio.engines.base import Image, Stopped, Tick
from studio.engines.prepare import Prepared
from studio.frames import Frames, Pixels, Sound
from studio.nouns import Choice, Progress, Refusal

Make = Callable[[Prepared, Image, Image | None, Tick], Frames]

UNKNOWN_SECONDS, LOAD_SECONDS, MOST_SECONDS = 90.0, 30.0, 600.0
"""How long the GPU is asked for where no run has been timed yet, beside that for loading, and at most."""

SPARE = 1.5
"""How many times the expected time of a run is asked for: whoever takes longer than asked is ended."""

MOST_EVENTS = 16
"""Events that wait to be read: frames of 1080p have 6 MB each."""

_MAKERS: list[Make] = []


class _Film(NamedTuple):
    """What is known of the frames before the first of them."""

    width: int
    height: int
    fps: int
    num_frames: int
    pixels: Pixels
    sound: Sound | None


class _End(NamedTuple):
    """How it ended: the choices, or why not; `refusal` as reason and remedy."""

    choices: tuple[Choice, ...] = ()
    refusal: tuple[str, str] | None = None
    error: str = ""


_Event = Progress | _Film | NDArray[np.uint8] | _End


def is_lent() -> bool:
    """Whether a GPU is asked for in each call: the package `spaces` was imported."""
    return "spaces" in sys.modules


def register(make: Make) -> int:
    """Note an engine's own call, so that a process which is forked later finds it by this number."""
    _MAKERS.append(make)
    return len(_MAKERS) - 1


def choose_seconds(expected: float | None) -> float:
    """How many seconds to ask for: by what a run of the plan is expected to take, None where that isn't known."""
    return min(LOAD_SECONDS + (SPARE * expected if expected is not None else UNKNOWN_SECONDS), MOST_SECONDS)


def run_lent(
    number: int, prepared: Prepared, image: Image, end: Image | None, seconds: float
) -> Generator[_Event, None, None]:
    """A clip as events, made where the GPU is. `seconds` is how long that is asked for."""
    del seconds
    events: queue.Queue[_Event] = queue.Queue(MOST_EVENTS)
    gone = threading.Event()

    def send(event: _Event) -> None:
        while not gone.is_set():
            try:
                return events.put(event, timeout=0.2)
            except queue.Full:
                continue
        raise Stopped

    thread = threading.Thread(
        target=_work, args=(_MAKERS[number], prepared, image, end, send), name="stir-lent-gpu", daemon=True
    )
    thread.start()
    try:
        while True:
            event = events.get()
            yield event
            if isinstance(event, _End):
                return
    finally:
        gone.set()
        thread.join()


def _work(make: Make, prepared: Prepared, image: Image, end: Image | None, send: Callable[[_Event], None]) -> None:
    try:
        frames = make(prepared, image, end, send)
        send(_Film(frames.width, frames.height, frames.fps, frames.num_frames, frames.pixels, frames.sound))
        for picture in frames.images:
            send(np.ascontiguousarray(picture))
        last = _End(tuple(frames.choices))
    except Stopped:
        return
    except Refusal as refusal:
        last = _End(refusal=(refusal.reason, refusal.remedy))
    except Exception as error:
        last = _End(error=f"{type(error).__name__}: {error}")
    try:
        send(last)
    except Stopped:
        return


def _read_seconds(number: int, prepared: Prepared, image: Image, end: Image | None, seconds: float) -> float:
    """What `spaces` calls with the arguments of `run_lent`."""
    return seconds


def _lend() -> Callable[..., Generator[_Event, None, None]]:
    if not is_lent():
        return run_lent
    gpu: Any = sys.modules["spaces"].GPU
    return gpu(duration=_read_seconds)(run_lent)


lent = _lend()
"""`run_lent` as `spaces` has decorated it, once, when this module is imported."""


def animate(
    number: int, prepared: Prepared, image: Image, end: Image | None, tick: Tick, expected: float | None
) -> Frames:
    """Make a shot's frames on a lent GPU. Raises as an engine's own `animate` does; `Refusal` where none is lent."""
    events = lent(number, prepared, image, end, choose_seconds(expected))
    try:
        film = next(event for event in _follow(events, tick) if isinstance(event, _Film))
    except BaseException:
        events.close()
        raise
    choices: list[Choice] = []
    return Frames(
        _read(events, tick, choices), film.width, film.height, film.fps, film.num_frames, film.pixels, choices,
        film.sound,
    )  # fmt: skip


def _read(
    events: Generator[_Event, None, None], tick: Tick, choices: list[Choice]
) -> Generator[NDArray[np.uint8], None, None]:
    try:
        for event in _follow(events, tick):
            if isinstance(event, _End):
                choices[:] = event.choices
            elif isinstance(event, np.ndarray):
                yield event
    finally:
        events.close()


def _follow(events: Generator[_Event, None, None], tick: Tick) -> Iterator[_Film | NDArray[np.uint8] | _End]:
    """The events, how far it is told to `tick`. Raises what went wrong there."""
    try:
        for event in events:
            if isinstance(event, Progress):
                tick(event)
            elif isinstance(event, _End) and event.refusal:
                raise Refusal(*event.refusal)
            elif isinstance(event, _End) and event.error:
                raise RuntimeError(event.error)
            else:
                yield event
    except Exception as error:
        if type(error).__module__.startswith("gradio"):  # how spaces says that no GPU was lent
            raise Refusal(f"No GPU was lent: {error}", "Try again later, or choose Parallax.") from error
        raise
