"""An engine that pretends to keep models: a stand-in for tests, and it says so in its choices.

It downloads nothing, loads nothing and denoises nothing; it only behaves as an engine that does: in the background, with
progress, and it can run out of things. What it paints are gradients, what it sings is one note.

The prompt of a shot chooses what goes wrong: "refuse", "break", "fill memory" (a `Refusal`, or smaller with `may_shrink`), and
"slow" takes a quarter of a second a step. `engine.fails["download"] = ("reason", "remedy")` makes the next download, load, quote
or delete fail.
"""

from __future__ import annotations

import base64
import io
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from studio.cards import (
    Checkpoint,
    Device,
    Forecast,
    Gauge,
    Guidance,
    Kernel,
    Lengths,
    ModelCard,
    ModelState,
    Needs,
    Quote,
    Sizes,
    Steps,
)
from studio.config import Settings
from studio.engines import registry
from studio.engines.base import Engine, Image, Tick
from studio.engines.prepare import Prepared
from studio.frames import Frames, Sound
from studio.nouns import Choice, Progress, Refusal, Shot

MB = 1_000_000
SLOW = 0.25
"""Seconds a step takes when the prompt says "slow": long enough for a test to look and to stop."""


def _card(name: str, title: str, **changes: object) -> ModelCard:
    checkpoint = Checkpoint(
        family="shelf",
        pipeline="PretendPipeline",
        repo=f"nobody/{name}",
        sizes=Sizes(((128, 96), (96, 128), (96, 96)), 16, least=64, most=256),
        lengths=Lengths(4, 1, 5, 41, 17),
        steps=Steps(6, 2, 20, 4, 10),
        guidance=Guidance(5.0, 1.0, 10.0),
        needs=Needs(0.02, 0.01, 0.005, 0.02, 0.01, 0.05, 0.1, "made up for tests"),
        speedups=("first_block_cache", "mag_cache", "vae_tiling"),
        gated=bool(changes.pop("gated", False)),
    )
    fields: dict[str, object] = {
        "id": name, "title": title, "engine": "diffusion", "where": "local", "summary": "Pretends to denoise; only tests use it.",
        "good_at": ("tests",), "licence": "Apache-2.0", "fps": (8, 24), "seconds": (1.0, 5.125), "speed": "as slow as it is told",
        "supports": ("seed", "prompt", "negative_prompt", "end_frame", "motion_strength", "sound"), "checkpoint": checkpoint,
    }  # fmt: skip
    return ModelCard(**(fields | changes))  # type: ignore[arg-type]


READY = _card("pretend", "Pretend")
"""On the disk, fits, makes sound and takes an end frame."""

OTHER = _card("pretend-2", "Pretend Two", supports=("seed", "prompt"), licence="Community licence", commercial="limits",
              licence_limits="free up to 1 M a year")  # fmt: skip
"""On the disk, fits slowly; no sound, no end frame."""

AWAY = _card("pretend-away", "Pretend Away")
"""Not on the disk: 40 MB to download."""

GATED = _card("pretend-gated", "Pretend Gated", gated=True, licence="Research only", commercial="no")
"""Not on the disk, and the hub asks for an agreement first."""

LARGE = _card("pretend-large", "Pretend Large")
"""Too large for this machine."""

CARDS = (READY, OTHER, AWAY, GATED, LARGE)


class ShelfEngine:
    """Pretends. `pace` is seconds a step, a piece of a load or of a download; `here` are the ids that lie on the disk."""

    def __init__(self, pace: float = 0.0, here: tuple[str, ...] = (READY.id, OTHER.id, LARGE.id)) -> None:
        self.pace = pace
        self.fails: dict[str, tuple[str, str]] = {}
        self.loads: list[str] = []
        self.expected: list[str] = []
        self.closed = 0
        self._lock = threading.RLock()
        self._disk = dict.fromkeys(here, 40 * MB)
        self._memory: dict[str, str] = {}
        self._busy: dict[str, Progress] = {}
        self._downloading: dict[str, threading.Event] = {}
        self.wide: dict[str, int] = {}
        self._converting: set[str] = set()
        self._problems: dict[str, tuple[str, str]] = {}
        self._folders: dict[str, str] = {}
        self._working = ""
        self._threads: list[threading.Thread] = []

    # The shelf --------------------------------------------------------------------------------------------------------

    def state(self, card: ModelCard) -> ModelState:
        with self._lock:
            size = self._disk.get(card.id, 0)
            problem, remedy = self._problems.get(card.id, ("", ""))
            fits, reason = _fits(card)
            remedy = remedy or ("Use the built-in Parallax, which runs here." if fits == "no" else "")
            return ModelState(
                card.id, "here" if size == 40 * MB else "partly" if size else "missing", self._memory.get(card.id, "out"),  # type: ignore[arg-type]
                fits, reason, remedy, on_disk=size + self.wide.get(card.id, 0), download=40 * MB - size,
                held=35 * MB if self._held(card) else 0,
                expected=40.0, basis="made up for tests", progress=self._busy.get(card.id),
                downloading=card.id in self._downloading, problem=problem, folder=self._folders.get(card.id, ""),
                choices=(Choice("placement", "resident", "there is always room for what isn't there"),),
                unable=(Choice("fp8_fast", "off", "It would need a GPU."),),
                spared=self.wide.get(card.id, 0), converting=card.id in self._converting,
            )  # fmt: skip

    def _held(self, card: ModelCard) -> bool:
        return self._memory.get(card.id, "out") in ("ram", "gpu")

    def load(self, card: ModelCard) -> None:
        self._fail("load")
        self._require(card)
        with self._lock:
            if self._memory.get(card.id, "out") == "out":
                self._memory[card.id] = "loading"
                self._begin(lambda: self._fill(card, lambda progress: None))

    def expect(self, card: ModelCard) -> None:
        self.expected.append(card.id)
        if self.state(card).disk == "here":
            self.load(card)

    def unload(self, card: ModelCard) -> None:
        with self._lock:
            if self._working == card.id:
                raise Refusal(f"{card.title} is at work.", "Wait until its clip is done, or cancel that.")
            self._memory.pop(card.id, None)

    def quote(self, card: ModelCard) -> Quote:
        self._fail("quote")
        size = self._disk.get(card.id, 0)
        refused = "The hub asks for an agreement first." if card.checkpoint and card.checkpoint.gated else ""
        remedy = "Sign it on the model's page, then set HF_TOKEN." if refused else ""
        return Quote(7, 40 * MB, 40 * MB - size, 900 * MB, card.licence, bool(refused), refused, remedy)

    def download(self, card: ModelCard) -> None:
        quote = self.quote(card)
        if quote.refused:
            raise Refusal(quote.refused, quote.remedy)
        with self._lock:
            if card.id in self._downloading:
                return
            stop = self._downloading[card.id] = threading.Event()
            self._problems.pop(card.id, None)
            self._begin(lambda: self._fetch(card, stop))

    def _fetch(self, card: ModelCard, stop: threading.Event) -> None:
        try:
            while self._disk.get(card.id, 0) < 40 * MB and not stop.wait(self.pace):
                with self._lock:
                    self._fail("download")
                    here = self._disk[card.id] = self._disk.get(card.id, 0) + MB
                    self._busy[card.id] = Progress(
                        "load", here // MB, 40, "model.safetensors", 0.0, (40 * MB - here) / MB * self.pace
                    )
        except Refusal as refusal:
            self._problems[card.id] = (refusal.reason, refusal.remedy)
        finally:
            with self._lock:
                self._busy.pop(card.id, None)
                self._downloading.pop(card.id, None)

    def stop_download(self, card: ModelCard) -> None:
        stop = self._downloading.get(card.id)
        if stop:
            stop.set()

    def convert(self, card: ModelCard) -> None:
        self._fail("convert")
        stop = self._downloading[card.id] = threading.Event()
        self._converting.add(card.id)
        self._begin(lambda: self._narrow(card, stop))

    def _narrow(self, card: ModelCard, stop: threading.Event) -> None:
        """Pretend to read 40 MB; `wide` says how many bytes more than that a model takes until it is converted."""
        for done in range(40):
            with self._lock:
                self._busy[card.id] = Progress("load", done, 40, "Converting", 0.0, (40 - done) * self.pace)
            if stop.wait(self.pace):
                break
        else:
            self.wide.pop(card.id, None)
        with self._lock:
            self._busy.pop(card.id, None)
            self._downloading.pop(card.id, None)
            self._converting.discard(card.id)

    def adopt(self, card: ModelCard, folder: Path) -> None:
        if not (folder / "model_index.json").is_file():
            raise Refusal(f"{folder.name} doesn't hold {card.title}.", "Choose the folder with model_index.json.")
        self._disk[card.id], self._folders[card.id] = 40 * MB, str(folder)

    def delete(self, card: ModelCard) -> int:
        self._fail("delete")
        self.unload(card)
        self._folders.pop(card.id, None)
        return self._disk.pop(card.id, 0)

    def choices(self, prepared: Prepared) -> tuple[Choice, ...]:
        words = _words(prepared.shot) or "none"
        return (Choice("engine", "pretend", "a stand-in for tests: it denoises nothing"), Choice("prompt", words, "as written"))

    def forecast(self, prepared: Prepared) -> Forecast:
        return Forecast(40.0, 0.0 if self._held(prepared.card) else 4.0, 35 * MB)

    def gauge(self) -> Gauge:
        held = sum(35 * MB for one in self._memory.values() if one in ("ram", "gpu"))
        said = Choice("GPU", f"Pretend 9000, {held / 1e9:.2f} of 24 GB", "a stand-in for tests: no memory is used")
        why = "fastest of 2 that passed: native 1.0 ms, error 0; sage failed"
        kernel = Kernel("native", ok=True, ms=1.0, error=0.0, title="native", why=why)
        return Gauge((Device("Pretend 9000", held, 24_000_000_000),), (kernel,), (said,))

    def try_kernels(self) -> None:
        """Its kernels have been tried."""

    def close(self) -> None:
        self.closed += 1
        for stop in list(self._downloading.values()):
            stop.set()
        for thread in self._threads:
            thread.join(10)
        self._memory.clear()

    def _begin(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _fail(self, verb: str) -> None:
        if verb in self.fails:
            raise Refusal(*self.fails.pop(verb))

    def _require(self, card: ModelCard) -> None:
        if self.state(card).disk != "here":
            raise Refusal(f"{card.title} is not on this computer.", "Download it first.")

    # A run ------------------------------------------------------------------------------------------------------------

    def animate(self, prepared: Prepared, image: Image, end: Image | None, tick: Tick) -> Frames:
        card = prepared.card
        self._require(card)
        with self._lock:
            self._working = card.id
        try:
            return self._run(prepared, tick, end)
        finally:
            self._working = ""
            if self._memory.get(card.id) == "gpu":
                self._memory[card.id] = "ram"

    def _run(self, prepared: Prepared, tick: Tick, end: Image | None) -> Frames:
        shot, card, made = prepared.shot, prepared.card, prepared.plan
        self._fill(card, tick)
        self._memory[card.id] = "gpu"
        width, height, said = made.width, made.height, [*self.choices(prepared)]
        pace = SLOW if "slow" in _words(shot) else self.pace
        for step in range(made.steps):
            time.sleep(pace)
            if step == 1 and _wrong(shot):
                width, height = width // 2, height // 2
                said.append(
                    Choice("memory", f"size: {width}x{height}", "the video memory ran out, and a smaller clip was allowed")
                )
            left = pace * (made.steps - step - 1)
            tick(
                Progress(
                    "denoise", step + 1, made.steps, f"{pace:.2f} s a step", remaining=left, preview=preview(step, made.steps)
                )
            )
        tick(Progress("decode", 0, 1))
        if end is not None:
            said.append(Choice("end", f"{end.shape[1]}x{end.shape[0]}", "the photo it ends on"))
        sound = note(made.num_frames / made.fps) if shot.sound and "sound" in card.supports else None
        images = _paint(made.num_frames, width, height, shot.seed, tick)
        return Frames(images, width, height, made.fps, made.num_frames, choices=tuple(said), sound=sound)

    def _fill(self, card: ModelCard, tick: Tick) -> None:
        """Pretend to load, unless it is loaded."""
        try:
            if not self._held(card):
                self._memory[card.id] = "loading"
                self.loads.append(card.id)
                for piece in range(4):
                    time.sleep(self.pace)
                    self._busy[card.id] = Progress("load", piece + 1, 4, "transformer")
                    tick(self._busy[card.id])
                self._memory[card.id] = "ram"
        finally:
            self._busy.pop(card.id, None)
            if self._memory.get(card.id) == "loading":
                self._memory.pop(card.id)


def _words(shot: Shot) -> str:
    """All that was written of a motion, wherever it was put; "slow" also when it was taken to mean the camera."""
    motion = shot.motion
    words = (motion.prompt, motion.subject, motion.action, motion.environment, motion.light, motion.still, motion.camera.speed)
    return " ".join(filter(None, words[:-1])) + (" slow" if words[-1] == "slow" else "")


def _fits(card: ModelCard) -> tuple:
    if card.id == LARGE.id:
        return "no", "needs 80 GB of video memory and this machine has 24 GB"
    if card.id == OTHER.id:
        return "slowly", "its weights are streamed from memory block by block"
    return "yes", "needs nothing at all"


def _wrong(shot: Shot) -> bool:
    """Go wrong as the prompt says; whether the clip has to be smaller."""
    if "refuse" in _words(shot):
        raise Refusal("The stand-in was told to refuse.", "Tell it otherwise.")
    if "break" in _words(shot):
        raise ZeroDivisionError("a secret: /home/somebody/holiday.jpg")
    if "fill memory" not in _words(shot):
        return False
    if not shot.may_shrink:
        raise Refusal("The video memory ran out.", "Allow a smaller clip, or choose a smaller size.")
    return True


def _paint(count: int, width: int, height: int, seed: int, tick: Tick) -> Iterator[NDArray[np.uint8]]:
    across = np.linspace(0, 255, width, dtype=np.float32)[None, :, None]
    for index in range(count):
        tick(Progress("paint", index, count))
        colour = np.float32([index * 5 % 256, seed % 256, 128])
        yield ((across + np.zeros((height, 1, 1), np.float32) + colour) % 256).astype(np.uint8)


def note(seconds: float, rate: int = 24_000) -> Sound:
    """A quiet A, in stereo."""
    wave = 0.2 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)
    return Sound(np.stack([wave, wave]).astype(np.float32), rate)


def preview(step: int, steps: int) -> str:
    """A small WebP of a gradient that clears up, as a data URL."""
    from PIL import Image as Pictures

    noise = np.random.default_rng(step).integers(0, 255, (48, 64, 3)).astype(np.float32)
    clear = np.broadcast_to(np.linspace(0, 255, 64)[None, :, None], (48, 64, 3))
    share = (step + 1) / steps
    sink = io.BytesIO()
    Pictures.fromarray((clear * share + noise * (1 - share)).astype(np.uint8)).save(sink, "WEBP", quality=50)
    return f"data:image/webp;base64,{base64.b64encode(sink.getvalue()).decode()}"


def finder(shelf: ShelfEngine, otherwise: Callable[[ModelCard, Settings], Engine] = registry.make):
    """How a Studio is told of it: `Studio(settings, cards=(*presets.cards(), *CARDS), engines=finder(ShelfEngine()))`."""

    def find(card: ModelCard, settings: Settings) -> Engine:
        return shelf if card.engine == "diffusion" else otherwise(card, settings)

    return find
