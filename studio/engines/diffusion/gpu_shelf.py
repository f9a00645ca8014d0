"""Several GPUs behind one shelf: a diffusion engine for each, with models of its own, one store of files for all.

Whoever runs jobs asks each of `devices` by itself; whoever asks the shelf is told how a model stands where it stands
best. The files, the downloads and what was measured are one for all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from studio import preferences
from studio.cards import Forecast, Gauge, ModelCard, ModelState, Quote
from studio.config import Settings
from studio.engines.base import Engine, Image, Tick
from studio.engines.diffusion.diffusion_engine import DiffusionEngine
from studio.engines.diffusion.memory.machine import Machine, read_machines
from studio.engines.prepare import Prepared
from studio.frames import Frames
from studio.nouns import Choice, replace
from studio.preferences import Preferences

MEMORY = ("out", "loading", "ram", "gpu")
FITS = ("no", "slowly", "yes")


class GpuShelf:
    """Engine, Devices and Shelf for a machine with several GPUs; `engines` has one for each; they share a store."""

    def __init__(self, engines: Sequence[DiffusionEngine]) -> None:
        self._engines = tuple(engines)

    @property
    def devices(self) -> tuple[Engine, ...]:
        """The engine of each GPU."""
        return self._engines

    def _find_best(self, card: ModelCard) -> DiffusionEngine:
        """The GPU that a model is on, else the first that it fits best."""
        states = {one: one.state(card) for one in self._engines}
        return max(self._engines, key=lambda one: (MEMORY.index(states[one].memory), FITS.index(states[one].fits)))

    def animate(self, prepared: Prepared, image: Image, end: Image | None, tick: Tick) -> Frames:
        """Make a shot's frames on the GPU that suits its model best; as `DiffusionEngine.animate`."""
        return self._find_best(prepared.card).animate(prepared, image, end, tick)

    def state(self, card: ModelCard) -> ModelState:
        """How a model stands where it stands best."""
        return self._find_best(card).state(card)

    def load(self, card: ModelCard) -> None:
        """Begin to load a model on the GPU that it fits best. Raises `Refusal`."""
        self._find_best(card).load(card)

    def expect(self, card: ModelCard) -> None:
        """Begin to load the card of the next job there where memory allows."""
        self._find_best(card).expect(card)

    def unload(self, card: ModelCard) -> None:
        """Let go of a model's memory on every GPU. Raises `Refusal` while it works on one."""
        for one in self._engines:
            one.unload(card)

    def quote(self, card: ModelCard) -> Quote:
        """Ask the hub what a download would take. Touches the network."""
        return self._engines[0].quote(card)

    def download(self, card: ModelCard) -> None:
        """Begin or resume a download in the background."""
        self._engines[0].download(card)

    def stop_download(self, card: ModelCard) -> None:
        """Stop a download; what has arrived stays."""
        self._engines[0].stop_download(card)

    def convert(self, card: ModelCard) -> None:
        """Begin, or go on with, converting weights that are published wider than they run; what they are converted from
        stays while a GPU loads it.
        """
        self._engines[0].convert(
            card, lambda: any(one.manager.read_state(card).state == "loading" for one in self._engines)
        )

    def adopt(self, card: ModelCard, folder: Path) -> None:
        """Use a folder that already holds the model's files, from now on. Raises `Refusal` for one that doesn't."""
        self._engines[0].adopt(card, folder)
        self.unload(card)

    def delete(self, card: ModelCard) -> int:
        """Delete a model's files and let go of its memory everywhere. Returns the bytes freed. Raises `Refusal`."""
        self.unload(card)
        return self._engines[0].delete(card)

    def choices(self, prepared: Prepared) -> tuple[Choice, ...]:
        """What a run of this shot would lead to on the GPU that suits its model best."""
        return self._find_best(prepared.card).choices(prepared)

    def forecast(self, prepared: Prepared) -> Forecast:
        """What a run takes there."""
        return self._find_best(prepared.card).forecast(prepared)

    def gauge(self) -> Gauge:
        """Every GPU, how much of its memory is in use, and the kernels tried on the first."""
        each = [one.gauge() for one in self._engines]
        devices = tuple(device for gauge in each for device in gauge.devices)
        choices = dict.fromkeys(said for gauge in each for said in gauge.choices)
        return Gauge(devices, each[0].kernels, tuple(choices), each[0].products)

    def try_kernels(self) -> None:
        """Begin to try attention kernels in the background, on one GPU of each kind."""
        for one in {one.machine.name: one for one in self._engines}.values():
            one.try_kernels()

    def close(self) -> None:
        """Stop what runs in the background and let go of all memory. Safe to call twice."""
        for one in self._engines:
            one.close()


def make_diffusion_engine(
    settings: Settings, machines: Callable[[], tuple[Machine, ...]] = read_machines
) -> DiffusionEngine | GpuShelf:
    """The engine of this machine: one for its processor or its only GPU, else a shelf over one for each GPU."""
    first, *more = machines()
    if not more:
        return DiffusionEngine(settings, first)

    def share_cap() -> Preferences:
        """The user's decisions, the cap on memory divided among the GPUs."""
        now = preferences.preferences(settings)
        return replace(now, ram_gb=now.ram_gb / (1 + len(more)))

    engine = DiffusionEngine(settings, first, preferences=share_cap)
    return GpuShelf([engine, *(engine.share(machine) for machine in more)])
