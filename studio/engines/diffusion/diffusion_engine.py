"""The diffusion engine: open image-to-video models behind the same call as every other engine, and the shelf they stand
on.

It joins files/, memory/ and run/. Neither torch nor what needs it is imported before a model is loaded: the Models tab
of a machine without a GPU is there at once.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio import preferences as stored
from studio import presets
from studio.cards import Device, Forecast, Gauge, ModelCard, ModelState, Plan, Quote
from studio.config import Settings
from studio.engines.base import Image, Tick
from studio.engines.diffusion import lent_gpu, library_setup
from studio.engines.diffusion.files.download import Downloads
from studio.engines.diffusion.files.local_files import Folders
from studio.engines.diffusion.files.manifest import require_checkpoint
from studio.engines.diffusion.files.store import Store
from studio.engines.diffusion.memory import fp8_trial, placement
from studio.engines.diffusion.memory.machine import Machine, read_machine, use_device
from studio.engines.diffusion.memory.model_manager import ModelManager
from studio.engines.diffusion.memory.placement import GB
from studio.engines.diffusion.run import attention
from studio.engines.diffusion.run.compile_forecast import foresee_compiling, is_compiled
from studio.engines.diffusion.run.kernel_trial import KernelTrial
from studio.engines.diffusion.run.speed_history import History
from studio.engines.prepare import Prepared
from studio.frames import Frames
from studio.motion.compose import compose
from studio.nouns import Choice, Refusal, replace
from studio.preferences import Preferences

if TYPE_CHECKING:
    from studio.engines.diffusion.run.generation import Tools


class DiffusionEngine:
    """Engine and Shelf for cards with a checkpoint. Any thread may call; jobs run one at a time.

    What is given by keyword stands in for what would be made: `preferences` says what the user has decided, `cards`
    which cards there are besides those at hand (to know whose files another needs), `apart` how many seconds lie
    between two previews.
    """

    def __init__(
        self,
        settings: Settings,
        machine: Machine | None = None,
        *,
        preferences: Callable[[], Preferences] | None = None,
        cards: Callable[[], tuple[ModelCard, ...]] | None = None,
        store: Store | None = None,
        downloads: Downloads | None = None,
        history: History | None = None,
        manager: ModelManager | None = None,
        apart: float | None = None,
    ) -> None:
        library_setup.keep_messages(settings.home / "logs")
        self.settings = settings
        self.machine = machine or read_machine()
        self.preferences = preferences or (lambda: stored.preferences(settings))
        self.store = store or Store(settings, self.preferences)
        self.downloads = downloads or Downloads(settings, self.store)
        self.manager = manager or ModelManager(settings, self.machine, self.store.find_folders, self.preferences)
        self.history = history or History(settings.models)
        self._cards = cards or (lambda: (*presets.cards(), *presets.own_cards(settings.card_folders)[0]))
        self._apart = apart
        self._lent = lent_gpu.register(self._animate_here) if lent_gpu.is_lent() else None
        self._trial = KernelTrial(self.machine, settings, self._has_model, lambda: self.manager.is_idle)

    def share(self, machine: Machine) -> DiffusionEngine:
        """An engine for another GPU of this machine: models of its own, the same files, downloads and preferences."""
        return DiffusionEngine(
            self.settings, machine, preferences=self.preferences, cards=self._cards, store=self.store,
            downloads=self.downloads, history=self.history, apart=self._apart,
        )  # fmt: skip

    @property
    def devices(self) -> tuple[DiffusionEngine, ...]:
        """Itself where it runs on a GPU, () on the processor."""
        return (self,) if self.machine.cuda else ()

    # One clip ---------------------------------------------------------------------------------------------------------

    def animate(self, prepared: Prepared, image: Image, end: Image | None, tick: Tick) -> Frames:
        """Make a shot's frames. All is denoised before this returns; frames are decoded while they are read.

        image, end: (H, W, 3) uint8 RGB, whole photos. Raises `Refusal`, also when memory runs out and nothing is left
        to try; lets `Stopped` from `tick` through, after which the next run is as if this one hadn't been.
        """
        self._require_whole(prepared.card)
        if self._lent is None:
            return self._animate_here(prepared, image, end, tick)
        expected, _ = self.history.estimate(self.machine.name, prepared.card, prepared.plan)
        return lent_gpu.animate(self._lent, prepared, image, end, tick, expected)

    def _animate_here(self, prepared: Prepared, image: Image, end: Image | None, tick: Tick) -> Frames:
        """The same in this process, on the device that it has."""
        from studio.engines.diffusion.run.generation import Generation

        with use_device(self.machine.device):
            return Generation(self._tools, prepared, image, end, tick).make_frames()

    def _require_whole(self, card: ModelCard) -> None:
        """Raises `Refusal` for a card whose files aren't all here, unless it is in memory already."""
        if self.manager.read_state(card).state in ("ram", "gpu"):
            return
        disk = self.store.check(card)
        if disk.state == "missing":
            raise Refusal(f"{card.title} is not on this disk.", "Download it on the Models tab.")
        if disk.state == "partly":
            why = f" {disk.problem}" if disk.problem else ""
            raise Refusal(f"{card.title} is not whole on this disk.{why}", "Resume the download on the Models tab.")

    @cached_property
    def _tools(self) -> Tools:
        from studio.engines.diffusion.run.generation import Tools

        more: dict[str, Any] = {} if self._apart is None else {"apart": self._apart}
        return Tools(self.settings, self.manager, self.store.find_folders, self.preferences, self.history, **more)

    # The shelf --------------------------------------------------------------------------------------------------------

    def state(self, card: ModelCard) -> ModelState:
        """How a model stands right now. Quick, and never touches the network."""
        found = placement.fit(card, self.machine, self.preferences())
        disk, memory = self.store.check(card), self.manager.read_state(card)
        arriving, (problem, remedy) = self.downloads.progress(card), self.downloads.trouble(card)
        expected, basis = self.history.estimate(self.machine.name, card, plan_usual_clip(card), found.weights)
        if not problem:
            problem = memory.problem or (disk.problem if disk.state == "partly" and arriving is None else "")
        return ModelState(
            card.id, disk.state, memory.state, found.fits, found.reason, found.remedy or remedy, disk.bytes,
            self.store.estimate_missing(card), memory.bytes, expected if found.fits != "no" else None, basis,
            arriving or memory.progress, arriving is not None, problem,
            self._find_folder(card) if disk.state != "missing" else "", found.choices,
            placement.list_impossible(card, self.machine), converting=self.downloads.is_converting(card),
            spared=self.store.estimate_spared(card) if self.machine.cuda else 0,
        )  # fmt: skip

    def _find_folder(self, card: ModelCard) -> str:
        found = self._find_folders(card)
        return str(found.main) if found else ""

    def _find_folders(self, card: ModelCard) -> Folders | None:
        try:
            return self.store.find_folders(card)
        except Refusal:
            return None

    def load(self, card: ModelCard) -> None:
        """Begin to load a model in the background. Raises `Refusal` for one that isn't here or doesn't fit."""
        self._require_whole(card)
        self.manager.begin(card)

    def expect(self, card: ModelCard) -> None:
        """Begin to load the card of the next job where memory allows; does nothing otherwise, and says nothing."""
        if card.checkpoint is not None and self.store.check(card).state == "here":
            self.manager.expect(card)

    def unload(self, card: ModelCard) -> None:
        """Let go of a model's memory. Raises `Refusal` while it is working."""
        self.manager.unload(card)

    def quote(self, card: ModelCard) -> Quote:
        """Ask the hub what a download would take. Touches the network."""
        return self.downloads.quote(card)

    def download(self, card: ModelCard) -> None:
        """Begin or resume a download in the background."""
        self.downloads.start(card)

    def stop_download(self, card: ModelCard) -> None:
        """Stop a download; what has arrived stays."""
        self.downloads.stop(card)

    def convert(self, card: ModelCard, is_loading: Callable[[], bool] | None = None) -> None:
        """Begin, or go on with, converting weights that are published wider than they run on this GPU. `is_loading`:
        whether anything reads them, by default this GPU.
        """
        if not self.machine.cuda:
            raise Refusal(
                f"{card.title} runs in float32 on a processor: converted, it would be less exact and no faster.",
                "Convert it on the computer whose GPU runs it.",
            )
        self._require_whole(card)

        def work(tick: Tick) -> None:
            from studio.engines.diffusion.memory.convert_weights import convert

            loads_here = lambda: self.manager.read_state(card).state == "loading"  # noqa: E731
            convert(card, self.store, self._cards(), tick, is_loading or loads_here)

        self.downloads.convert(card, work)

    def adopt(self, card: ModelCard, folder: Path) -> None:
        """Use a folder that already holds the model's files, from now on. Raises `Refusal` for one that doesn't."""
        found = self.store.adopt(card, folder)
        self.manager.unload(card)
        stored.alter(self.settings, lambda now: replace(now, folders={**now.folders, card.id: str(found)}))

    def delete(self, card: ModelCard) -> int:
        """Delete a model's files and let go of its memory. Returns the bytes freed. Raises `Refusal`."""
        self.manager.unload(card)
        return self.store.delete(card, self._cards())

    def choices(self, prepared: Prepared) -> tuple[Choice, ...]:
        """What a run of this shot would lead to: the weights' place and kind, kernel, compiling, and the words."""
        card = prepared.card
        found = placement.fit(card, self.machine, self.preferences())
        table = attention.read_table(self.machine, self.settings)
        use = attention.describe_files(card, self._find_folders(card))
        kernel = attention.foresee_kernel(use, table, self.preferences().attention, self.machine.device)
        compiled = foresee_compiling(self.history, self.machine, prepared, found.weights)
        return (*found.choices, kernel, *compiled, compose(prepared.shot.motion, card).choice)

    def forecast(self, prepared: Prepared) -> Forecast:
        """What a run takes here: by the runs and loads before it, and the placement it would get."""
        card, plan = prepared.card, prepared.plan
        volume = placement.find_volume(card, plan)
        found = placement.fit(card, self.machine, self.preferences(), volume=volume)
        pace = self.history.find_pace(self.machine.name, card, plan, prepared.shot.speedups, found.weights)
        seconds = pace[0] * plan.steps + pace[1] if pace else None
        loaded = self.manager.read_state(card).state in ("ram", "gpu")
        load = 0.0 if loaded else self.history.find_load_time(self.machine.name, card)
        if seconds is not None and not loaded and is_compiled(prepared, found.weights):
            seconds += self.history.find_compile_time(self.machine.name, card) or 0.0
        memory = placement.estimate_memory(require_checkpoint(card), self.machine, found, volume)
        return Forecast(seconds, load, round(memory * GB), self.machine.cuda)

    def gauge(self) -> Gauge:
        """The device, how much of its memory is in use, what models may hold, and what was tried on it."""
        here = self.machine
        if here.cuda:
            used = here.vram - here.free_vram()
            devices = (Device(here.name, used, here.vram),)
            device = Choice("GPU", f"{here.name}, {used / GB:.1f} of {here.vram / GB:.0f} GB", "in use by all programs")
        else:
            devices, device = (), Choice("device", "processor", here.note or "there is no GPU")
        return Gauge(
            devices,
            attention.list_kernels(attention.read_table(here, self.settings)),
            (device, self.manager.find_cap()),
            fp8_trial.list_products(here, self.settings),
        )

    def try_kernels(self) -> None:
        """Begin to try attention kernels in the background where there is a GPU, once a model is on the disk."""
        if self.machine.cuda:
            self._trial.begin()

    def _has_model(self) -> bool:
        return any(self.store.check(card).state == "here" for card in self._cards() if card.checkpoint)

    def close(self) -> None:
        """Stop what runs in the background and let go of all memory. Safe to call twice."""
        self._trial.close()
        self.downloads.close()
        self.manager.close()
        if "_tools" in self.__dict__:
            self._tools.words.clear()


def plan_usual_clip(card: ModelCard) -> Plan:
    """The plan of the clip that expected times are of: the card's default size, length and steps."""
    checkpoint = require_checkpoint(card)
    width, height = checkpoint.sizes.native[0]
    return Plan(
        (0, 0, width, height), width, height, checkpoint.lengths.default, card.fps[0], steps=checkpoint.steps.default
    )
