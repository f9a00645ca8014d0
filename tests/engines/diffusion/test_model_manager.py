"""The model manager over tiny cards: loaded once, cached, shared, evicted, waited for, stopped, and its failures explained."""

from __future__ import annotations

import gc
import shutil
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from studio import nouns
from studio.cards import ModelCard, Plan
from studio.config import ROOT, Settings
from studio.engines.base import Stopped
from studio.engines.diffusion.files.local_files import Folders
from studio.engines.diffusion.files.safetensors_header import DamagedFile
from studio.engines.diffusion.memory import load_queue, loader, model_cache, weight_reader
from studio.engines.diffusion.memory.empty_modules import build_empty
from studio.engines.diffusion.memory.gpu_lock import GpuLock
from studio.engines.diffusion.memory.load_queue import LoadQueue
from studio.engines.diffusion.memory.machine import Machine
from studio.engines.diffusion.memory.model_cache import count_model_bytes, count_module_bytes
from studio.engines.diffusion.memory.model_manager import ModelManager
from studio.engines.diffusion.memory.placement import Fit
from studio.engines.diffusion.memory.shared_components import SharedComponents
from studio.hung_threads import leave_thread
from studio.nouns import Progress, Refusal
from studio.preferences import Preferences
from tests.fakes.waiting import until

Tiny = Callable[[str], ModelCard]
MB = 1_000_000


def nothing(progress: Progress) -> None:
    pass


class Clock:
    """Time as a test sets it, seconds."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Loading:
    """The real loader, counted, that waits where a test says: `gate` is passed before each load, `fails` raise once each."""

    def __init__(self) -> None:
        self.gate, self.under_way = threading.Event(), 0
        self.gate.set()
        self.most = 0
        self.order: list[str] = []
        self.fails: list[BaseException] = []

    def __call__(self, card: ModelCard, *rest: Any) -> Any:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        self.order.append(card.id)
        try:
            assert self.gate.wait(30)
            pipe = loader.load(card, *rest)
            if self.fails:
                rest[3].leave(card.id)
                raise self.fails.pop(0)
            return pipe
        finally:
            self.under_way -= 1


def processor(ram: int = 1 << 34, free: Callable[[], int] = lambda: 1 << 33) -> Machine:
    return Machine("cpu", "a processor", 0, ram, free_ram=free, note="no NVIDIA GPU was found")


def gpu(vram: int = 1 << 40) -> Machine:
    """A processor that everything takes for a GPU: torch tells "cpu:0" from "cpu"."""
    return Machine("cpu:0", "a processor taken for a GPU", vram, 1 << 36, (9, 0), lambda: vram, lambda: 1 << 35)


def folder_of(card: ModelCard) -> Folders:
    assert card.checkpoint is not None
    return Folders(Path(card.checkpoint.repo), (None,) * len(card.checkpoint.companions))


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., ModelManager]]:
    made: list[ModelManager] = []

    def build(machine: Machine | None = None, preferences: Any = Preferences, **seams: Any) -> ModelManager:
        if machine is not None and machine.cuda:
            seams.setdefault("lock", GpuLock(machine.device, tmp_path / "turns"))
        made.append(ModelManager(Settings(tmp_path), machine or processor(), folder_of, preferences, **seams))
        return made[-1]

    yield build
    for manager in made:
        manager.close()


def eventually(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)


def used(manager: ModelManager, *cards: ModelCard) -> None:
    for card in cards:
        with manager.use(card, nothing):
            pass


def states(manager: ModelManager, *cards: ModelCard) -> list[str]:
    return [manager.read_state(card).state for card in cards]


def test_a_card_is_loaded_once_and_kept(tiny: Tiny, make: Callable[..., ModelManager]) -> None:
    manager, card = make(), tiny("wan21_i2v")
    assert manager.read_state(card).state == "out" and manager.count_bytes() == 0
    seen: list[Progress] = []
    with manager.use(card, seen.append) as loaded:
        assert manager.read_state(card).state == "ram"
        pipe = loaded.pipe
        assert [type(one).__name__ for one in loaded.denoisers] == ["WanTransformer3DModel"]
        assert loaded.card is card and loaded.took > 0 and loaded.reused == ()
    assert {one.stage for one in seen} == {"load"}
    with manager.use(card, pytest.fail) as again:
        assert again.pipe is pipe
    assert manager.loads == 1
    assert manager.read_state(card).bytes == manager.count_bytes() == count_model_bytes([loaded]) > 100_000
    assert "GB" in manager.find_cap().value and "70%" in manager.find_cap().reason


def test_both_denoisers_and_what_is_shared(tiny: Tiny, make: Callable[..., ModelManager]) -> None:
    manager, first, second = make(), tiny("wan21_i2v"), tiny("wan22_a14b")
    with manager.use(first, nothing) as a:
        encoder = weakref.ref(a.pipe.text_encoder)
    with manager.use(second, nothing) as b:
        assert b.pipe.text_encoder is encoder() and set(b.reused) == {"text_encoder", "vae"} and len(b.denoisers) == 2
    both = [manager.read_state(card).bytes for card in (first, second)]
    assert manager.count_bytes() < sum(both), "what is shared counts once"
    del a
    manager.unload(first)
    gc.collect()
    assert encoder() is b.pipe.text_encoder
    assert manager.count_bytes() == both[1]
    manager.unload(second)
    gc.collect()
    assert encoder() is None and manager.count_bytes() == 0


def test_the_least_recently_used_card_goes_first(tiny: Tiny, make: Callable[..., ModelManager]) -> None:
    a, b, c = tiny("ltx_i2v"), tiny("svd"), tiny("cogvideox_i2v")
    cap = 8.2e6  # an LTX of 0.7 MB and an SVD of 7.3 MB, and no third
    manager = make(preferences=lambda: Preferences(ram_gb=cap / 1e9))
    used(manager, a, b)
    assert states(manager, a, b) == ["ram", "ram"]
    used(manager, a, c)
    assert states(manager, a, b, c) == ["ram", "out", "ram"], "b was used longest ago"
    used(manager, b)
    assert states(manager, b) == ["ram"] and manager.count_bytes() <= cap
    assert manager.loads == 4


def test_a_card_beyond_the_users_cap_is_refused_before_anything_goes(tiny: Tiny, make: Callable[..., ModelManager]) -> None:
    small, large = tiny("ltx_i2v"), tiny("svd")
    manager = make(preferences=lambda: Preferences(ram_gb=2e6 / 1e9))
    used(manager, small)
    with pytest.raises(Refusal, match="Settings") as refused:
        used(manager, large)
    assert "cap" in refused.value.remedy
    assert states(manager, small, large) == ["ram", "out"] and manager.loads == 1


def test_free_memory_is_looked_at_before_loading(tiny: Tiny, make: Callable[..., ModelManager]) -> None:
    """So that the system never kills the process: refused, with what is needed and what is there."""
    free, loading = [200 * MB], Loading()
    manager = make(processor(100 * MB, lambda: free[0]), load=loading)
    used(manager, tiny("ltx_i2v"))
    free[0] = 12 * MB
    with pytest.raises(Refusal, match="is free") as refused:
        used(manager, tiny("svd"))
    assert "0.0 GB" in refused.value.reason and "Close other programs" in refused.value.remedy
    assert loading.order == [tiny("ltx_i2v").id], "nothing was read"
    assert states(manager, tiny("ltx_i2v")) == ["ram"], "and nothing let go of in vain"
    free[0] = 18 * MB
    used(manager, tiny("svd"))


def test_the_automatic_cap_is_for_several_and_not_for_one(tiny: Tiny, make: Callable[..., ModelManager]) -> None:
    machine = processor(10 * MB, lambda: 10 * MB)
    assert model_cache.find_budget(machine, 0, 0)[0] == 7 * MB
    manager = make(machine)
    used(manager, tiny("ltx_i2v"), tiny("svd"))
    assert states(manager, tiny("ltx_i2v"), tiny("svd")) == ["out", "ram"], "7.3 MB alone may exceed 7 MB, not with another"


def test_what_a_card_shares_with_one_in_memory_need_not_be_free(tiny: Tiny, make: Callable[..., ModelManager]) -> None:
    a, b = tiny("wan21_i2v"), tiny("wan22_a14b")
    alone = make()
    used(alone, a, b)
    together = alone.count_bytes()
    assert together < sum(alone.read_state(card).bytes for card in (a, b))
    manager = make(preferences=lambda: Preferences(ram_gb=(together + 30_000) / 1e9))
    used(manager, a, b)
    assert states(manager, a, b) == ["ram", "ram"]


def test_begin_loads_in_the_background_and_use_waits_for_it(tiny: Tiny, make: Callable[..., ModelManager]) -> None:
    loading, card = Loading(), tiny("ltx_i2v")
    manager = make(load=loading)
    loading.gate.clear()
    manager.begin(card)
    manager.begin(card)
    eventually(lambda: loading.order == [card.id])
    memory = manager.read_state(card)
    assert memory.state == "loading" and memory.progress is not None and memory.progress.stage == "load"
    ticks: list[Progress] = []

    def tick(progress: Progress) -> None:
        ticks.append(progress)
        loading.gate.set()

    with manager.use(card, tick):
        pass
    assert ticks and manager.loads == 1 and loading.order == [card.id]


def test_loads_are_one_at_a_time(tiny: Tiny, make: Callable[..., ModelManager]) -> None:
    loading = Loading()
    manager = make(load=loading)
    cards = [tiny(name) for name in ("ltx_i2v", "wan22_ti2v_5b", "cogvideox_i2v")]
    threads = [threading.Thread(target=manager.begin, args=(card,)) for card in cards]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    eventually(lambda: states(manager, *cards) == ["ram"] * 3)
    assert loading.most == 1 and sorted(loading.order) == sorted(card.id for card in cards)


def test_two_gpus_load_one_after_the_other(tiny: Tiny, make: Callable[..., ModelManager]) -> None:
    """The libraries switch defaults of the whole process while they build a model."""
    loading = Loading()
    two, cards = (make(load=loading), make(load=loading)), (tiny("ltx_i2v"), tiny("wan22_ti2v_5b"))
    loading.gate.clear()
    for manager, card in zip(two, cards, strict=True):
        manager.begin(card)
    eventually(lambda: loading.under_way == 1)
    waiting = next(manager for manager, card in zip(two, cards, strict=True) if card.id not in loading.order)
    progress = [waiting.read_state(card).progress for card in cards]
    assert any(one is not None and "turn to load" in one.note for one in progress)
    loading.gate.set()
    eventually(lambda: [*states(two[0], cards[0]), *states(two[1], cards[1])] == ["ram"] * 2)
    assert loading.most == 1


@pytest.mark.parametrize("what", ["damaged", "stopped"])
def test_a_load_that_failed_holds_nothing_though_its_error_is_kept(
    tiny: Tiny, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even until Python's collector comes: it doesn't know how large a tensor is."""
    card, made = tiny("wan22_ti2v_5b"), list[Any]()

    def build(*given: Any) -> Any:
        built = build_empty(*given)
        made.append(weakref.ref(built.module))
        return built

    def fail(*_: Any) -> None:
        raise DamagedFile("weights.safetensors is cut short") if what == "damaged" else Stopped

    monkeypatch.setattr(loader, "build_empty", build)
    monkeypatch.setattr(weight_reader._Files, "fill", fail)
    fit = Fit("yes", "", "", "resident", "published")
    queue = LoadQueue(lambda load: loader.load(card, folder_of(card), fit, load.tick, SharedComponents()) and None)
    gc.collect()
    gc.disable()
    try:
        load, _ = queue.start(card, fit)
        load.wait(nothing)
        assert isinstance(load.error, Refusal if what == "damaged" else Stopped)
        eventually(lambda: not any(one() for one in made))
        assert len(made) > 1
    finally:
        gc.enable()


def test_a_job_that_waits_for_a_load_can_be_stopped_and_nothing_stays(tiny: Tiny, make: Callable[..., ModelManager]) -> None:
    loading, card = Loading(), tiny("wan21_i2v")
    manager = make(load=loading)
    loading.gate.clear()

    def stop(progress: Progress) -> None:
        if loading.order:
            raise Stopped

    with pytest.raises(Stopped), manager.use(card, stop):
        pytest.fail("it isn't loaded")
    assert manager.read_state(card).state == "loading", "the component under way is finished"
    loading.gate.set()
    eventually(lambda: manager.read_state(card).state == "out")
    assert manager.count_bytes() == 0 and manager.loads == 0 and manager.read_state(card).problem == ""
    used(manager, card)
    assert manager.loads == 1


def test_a_stopped_job_leaves_a_load_that_somebody_else_began(tiny: Tiny, make: Callable[..., ModelManager]) -> None:
    loading, card = Loading(), tiny("ltx_i2v")
    manager = make(load=loading)
    loading.gate.clear()
    manager.begin(card)
    eventually(lambda: bool(loading.order))

    def stop(progress: Progress) -> None:
        raise Stopped

    with pytest.raises(Stopped), manager.use(card, stop):
        pytest.fail("it isn't loaded")
    loading.gate.set()
    eventually(lambda: manager.read_state(card).state == "ram")


def test_unload_stops_a_load_and_refuses_while_at_work(tiny: Tiny, make: Callable[..., ModelManager]) -> None:
    loading, card, other = Loading(), tiny("ltx_i2v"), tiny("wan22_ti2v_5b")
    manager = make(load=loading)
    loading.gate.clear()
    manager.begin(card)
    eventually(lambda: bool(loading.order))
    manager.unload(card)
    loading.gate.set()
    eventually(lambda: manager.read_state(card).state == "out")
    assert manager.loads == 0
    used(manager, other)
    with manager.use(card, nothing):
        with pytest.raises(Refusal, match="working"):
            manager.unload(card)
        manager.unload(other)
        assert states(manager, card, other) == ["ram", "out"]
        assert manager.evict_idle(0) == 0, "nothing is idle while a job runs"
    manager.unload(card)
    manager.unload(card)
    assert manager.read_state(card).state == "out"


def test_one_job_at_a_time_and_the_second_can_be_stopped(tiny: Tiny, make: Callable[..., ModelManager]) -> None:
    manager, card, notes = make(), tiny("ltx_i2v"), list[str]()

    def stop(progress: Progress) -> None:
        notes.append(progress.note)
        raise Stopped

    def second() -> None:
        with pytest.raises(Stopped), manager.use(card, stop):
            pytest.fail("another job runs")

    with manager.use(card, nothing):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(30)
    assert notes == ["Waiting for the job that is running"]
    used(manager, card)


def test_a_model_that_a_hung_thread_works_with_is_not_used_by_the_next(tiny: Tiny, make: Callable[..., ModelManager]) -> None:
    manager, card = make(gpu()), tiny("ltx_i2v")
    went_on, models, inside = threading.Event(), [], threading.Event()

    def hang() -> None:
        with manager.use(card, nothing) as loaded:
            models.append(loaded)
            inside.set()
            went_on.wait(60)

    hung = threading.Thread(target=hang, daemon=True)
    hung.start()
    assert inside.wait(60)
    leave_thread(hung)
    with manager.use(card, nothing) as loaded:
        assert manager.loads == 2
        assert not {id(one) for one in loaded.modules.values()} & {id(one) for one in models[0].modules.values()}
        went_on.set()
        hung.join()
        assert not manager.is_idle, "the late thread ends nobody else's job"
        assert loaded.pipe is not None
    assert manager.is_idle
    with manager.use(card, nothing) as again:
        assert again is loaded, "and it is kept as ever"


def test_a_load_that_hangs_after_it_was_stopped_keeps_no_other_waiting(
    tiny: Tiny, make: Callable[..., ModelManager], monkeypatch: pytest.MonkeyPatch
) -> None:
    loading = Loading()
    manager, card = make(load=loading), tiny("ltx_i2v")
    loading.gate.clear()
    manager.begin(card)
    eventually(lambda: loading.under_way == 1)
    monkeypatch.setattr(load_queue, "HUNG_SECONDS", 0.0)
    manager.unload(card)
    first = manager._loads.get(card.id)
    manager.begin(card)
    eventually(lambda: loading.under_way == 2)
    assert manager._loads.get(card.id) is not first
    loading.gate.set()
    eventually(lambda: manager.read_state(card).state == "ram")
    eventually(lambda: loading.under_way == 0)
    assert manager.loads == 1, "what the late one has read isn't kept"


def test_expect_loads_while_another_works_and_never_complains(tiny: Tiny, make: Callable[..., ModelManager]) -> None:
    a, b, broken = tiny("ltx_i2v"), tiny("wan22_ti2v_5b"), nouns.replace(tiny("svd"), id="broken")
    broken = nouns.replace(broken, checkpoint=nouns.replace(broken.checkpoint, repo="/nowhere/at/all"))
    large = nouns.replace(a, id="large", checkpoint=nouns.replace(
        a.checkpoint, needs=nouns.replace(a.checkpoint.needs, denoiser=30.0)))  # fmt: skip
    manager = make(preferences=lambda: Preferences(ram_gb=1.3e6 / 1e9))
    with manager.use(a, nothing):
        manager.expect(b)
        eventually(lambda: manager.read_state(b).state == "ram")
        for card in (broken, large, tiny("svd")):
            manager.expect(card)
            eventually(lambda card=card: manager.read_state(card).state == "out")
            assert manager.read_state(card).problem == ""
        assert states(manager, a, b) == ["ram", "ram"]
    used(manager, b)
    assert manager.loads == 2


def test_a_failed_load_is_told_and_can_be_tried_again(tiny: Tiny, make: Callable[..., ModelManager], tmp_path: Path) -> None:
    card = tiny("ltx_i2v")
    assert card.checkpoint is not None
    place = tmp_path / "broken"
    shutil.copytree(card.checkpoint.repo, place)
    weights = place / "vae" / "diffusion_pytorch_model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-10])
    card = nouns.replace(card, checkpoint=nouns.replace(card.checkpoint, repo=str(place)))
    manager = make()
    manager.begin(card)
    eventually(lambda: manager.read_state(card).state == "out")
    problem = manager.read_state(card).problem
    assert "cut short" in problem and "Models tab" in problem
    with pytest.raises(Refusal, match="cut short"):
        used(manager, card)
    weights.write_bytes(whole)
    manager.begin(card)
    eventually(lambda: manager.read_state(card).state == "ram")
    assert manager.read_state(card).problem == ""


def test_out_of_memory_at_load_makes_room_and_tries_once_more(tiny: Tiny, make: Callable[..., ModelManager]) -> None:
    loading, a, b = Loading(), tiny("ltx_i2v"), tiny("wan22_ti2v_5b")
    manager = make(load=loading)
    used(manager, a)
    loading.fails = [MemoryError("made up")]
    used(manager, b)
    assert states(manager, a, b) == ["out", "ram"] and loading.order == [a.id, b.id, b.id]
    manager.unload(b)
    loading.fails = [MemoryError("made up"), MemoryError("made up")]
    with pytest.raises(MemoryError):
        used(manager, b)
    assert manager.read_state(b) == ("out", 0, None, manager.read_state(b).problem)
    assert "memory" in manager.read_state(b).problem and manager.count_bytes() == 0
    loading.fails = []
    used(manager, b)


def test_other_errors_are_not_tried_again(tiny: Tiny, make: Callable[..., ModelManager]) -> None:
    loading = Loading()
    loading.fails = [RuntimeError("something else")]
    manager = make(load=loading)
    with pytest.raises(RuntimeError, match="something else"):
        used(manager, tiny("ltx_i2v"))
    assert len(loading.order) == 1


def test_idle_cards_go_after_their_time_and_the_watch_does_it(tiny: Tiny, make: Callable[..., ModelManager]) -> None:
    clock, a, b = Clock(), tiny("ltx_i2v"), tiny("wan22_ti2v_5b")
    manager = make(clock=clock, preferences=lambda: Preferences(idle_minutes=0))
    used(manager, a)
    clock.now += 600
    used(manager, b)
    assert manager.evict_idle(30) == 0
    assert manager.evict_idle(5) > 0 and states(manager, a, b) == ["out", "ram"]
    watching = make(clock=clock, preferences=lambda: Preferences(idle_minutes=1), watch=0.02)
    used(watching, a)
    clock.now += 61
    eventually(lambda: states(watching, a) == ["out"])


def test_free_idle_keeps_the_card_that_works(tiny: Tiny, make: Callable[..., ModelManager]) -> None:
    a, b, manager = tiny("ltx_i2v"), tiny("wan22_ti2v_5b"), make()
    used(manager, a)
    with manager.use(b, nothing):
        held = manager.read_state(a).bytes
        assert manager.free_idle(b) == held and manager.free_idle(b) == 0
        assert states(manager, a, b) == ["out", "ram"]


def test_a_card_that_does_not_fit_is_refused_with_its_reason(tiny: Tiny, make: Callable[..., ModelManager]) -> None:
    card = tiny("ltx_i2v")
    card = nouns.replace(card, checkpoint=nouns.replace(
        card.checkpoint, needs=nouns.replace(card.checkpoint.needs, denoiser=30.0)))  # fmt: skip
    manager = make()
    for call in (manager.begin, lambda card: used(manager, card)):
        with pytest.raises(Refusal, match="GPU") as refused:
            call(card)
        assert "Parallax" in refused.value.remedy


def test_a_wish_for_another_placement_or_weights_is_followed_at_the_next_use(
    tiny: Tiny, make: Callable[..., ModelManager]
) -> None:
    card, wish = tiny("wan22_a14b"), [Preferences()]
    manager = make(gpu(), lambda: wish[0])
    with manager.use(card, nothing) as loaded:
        pipe = loaded.pipe
        assert loaded.fit.placement == "resident" and hasattr(pipe.transformer, "_hf_hook")
    wish[0] = Preferences(placement={card.id: "grouped"})
    with manager.use(card, nothing) as loaded:
        assert loaded.pipe is pipe and loaded.fit.placement == "grouped" and not hasattr(pipe.transformer, "_hf_hook")
        assert hasattr(pipe.transformer.blocks[0], "_diffusers_hook")
    assert manager.loads == 1
    wish[0] = Preferences(weights={card.id: "fp8"})
    with manager.use(card, nothing) as loaded:
        assert loaded.pipe is not pipe and loaded.fit.weights == "fp8"
    assert manager.loads == 2


def test_lower_goes_down_without_reading_again(tiny: Tiny, make: Callable[..., ModelManager]) -> None:
    card = tiny("wan22_a14b")
    needs = nouns.replace(card.checkpoint.needs, denoiser=20.0, encoder=5.0, other=1.0, largest=10.0, activation=2.0)
    card = nouns.replace(card, checkpoint=nouns.replace(card.checkpoint, needs=needs))
    manager, ways = make(gpu()), list[tuple[str, str]]()
    with manager.use(card, nothing) as loaded:
        pipe = loaded.pipe
        size = count_module_bytes(pipe.transformer)
        while loaded is not None:
            ways.append((loaded.fit.placement, loaded.fit.weights))
            assert loaded.pipe is pipe
            last, loaded = loaded, manager.lower(loaded)
    assert ways[:3] == [("resident", "published"), ("managed", "published"), ("grouped", "published")]
    assert ways[-1] == ("grouped", "fp8") and count_module_bytes(pipe.transformer) < 0.75 * size
    assert manager.loads == 1 and last.fit.choices[0].reason
    with manager.use(card, nothing) as again:
        assert again.fit.placement == "grouped", "what didn't fit isn't tried again"


def heavy(card: ModelCard, encoder: float = 5.0) -> ModelCard:
    """A tiny card that says it is heavy."""
    needs = nouns.replace(card.checkpoint.needs, denoiser=20.0, encoder=encoder, other=1.0, largest=10.0, activation=2.0)
    return nouns.replace(card, checkpoint=nouns.replace(card.checkpoint, needs=needs))


def of(card: ModelCard, volume: float) -> Plan:
    """A plan of so many times the card's own size and length."""
    (width, height), frames = card.checkpoint.sizes.native[0], card.checkpoint.lengths.default
    return Plan((0, 0, width, height), width, height, round(frames * volume), 16)


def test_a_large_clip_is_given_room_and_the_next_is_placed_as_ever(tiny: Tiny, make: Callable[..., ModelManager]) -> None:
    card = heavy(tiny("wan22_a14b"))
    manager = make(gpu(40_000_000_000))
    ways: list[tuple[str, int, bool]] = []
    for volume in (1, 8, 20, 1):
        with manager.use(card, nothing, of(card, volume)) as loaded:
            said = any("for this size" in choice.reason for choice in loaded.fit.choices)
            ways.append((loaded.fit.placement, round(manager.residency.margin / 1e9), said))
    assert ways == [("resident", 2, False), ("managed", 16, True), ("grouped", 40, True), ("resident", 2, False)]
    assert manager.loads == 1


def test_one_clip_too_many_does_not_lower_smaller_ones(tiny: Tiny, make: Callable[..., ModelManager]) -> None:
    card = heavy(tiny("wan22_a14b"))
    manager, ways = make(gpu()), list[tuple[str, str]]()

    def way(volume: float) -> tuple[str, str]:
        with manager.use(card, nothing, of(card, volume)) as loaded:
            return loaded.fit.placement, loaded.fit.weights

    with manager.use(card, nothing, of(card, 3)) as loaded:
        lowered = manager.lower(loaded)
        assert lowered is not None and lowered.fit.placement == "managed"
    assert [way(volume) for volume in (3, 4, 1, 3)] == [("managed", "published")] * 2 + [
        ("resident", "published"), ("managed", "published")]  # fmt: skip
    assert manager.loads == 1
    with manager.use(card, nothing, of(card, 3)) as loaded:
        while loaded is not None:
            ways.append((loaded.fit.placement, loaded.fit.weights))
            loaded = manager.lower(loaded)
    assert ways[0] == ("managed", "published") and ways[-1] == ("grouped", "fp8")
    assert way(5) == ("grouped", "fp8") and manager.loads == 1
    assert way(1) == ("resident", "published") and manager.loads == 2, "whole weights are read again"
    assert way(3) == ("grouped", "fp8") and manager.loads == 3, "and what failed isn't forgotten over it"


def test_a_stop_acts_while_the_model_moves(tiny: Tiny, make: Callable[..., ModelManager]) -> None:
    manager, card = make(gpu()), tiny("wan22_a14b")

    def stop(progress: Progress) -> None:
        if "Moving" in progress.note:
            raise Stopped

    with pytest.raises(Stopped), manager.use(card, stop):
        pytest.fail("it was stopped")
    assert manager.loads == 1 and states(manager, card) == ["ram"]
    used(manager, card)


def test_on_a_processor_there_is_nothing_lower(tiny: Tiny, make: Callable[..., ModelManager]) -> None:
    manager = make()
    with manager.use(tiny("ltx_i2v"), nothing) as loaded:
        assert manager.lower(loaded) is None


def test_any_thread_may_look_while_a_load_is_stuck(tiny: Tiny, make: Callable[..., ModelManager]) -> None:
    loading, a, b = Loading(), tiny("ltx_i2v"), tiny("wan22_ti2v_5b")
    manager = make(load=loading)
    used(manager, a)
    loading.gate.clear()
    manager.begin(b)
    eventually(lambda: len(loading.order) == 2)
    looked: list[str] = []

    def look() -> None:
        looked.extend(states(manager, a, b))
        manager.count_bytes(), manager.find_cap()
        manager.unload(a)

    thread = threading.Thread(target=look)
    thread.start()
    thread.join(20)
    assert looked == ["ram", "loading"] and not thread.is_alive()
    loading.gate.set()


def test_close_ends_loads_and_lets_go(tiny: Tiny, make: Callable[..., ModelManager]) -> None:
    manager, card = make(), tiny("ltx_i2v")
    used(manager, card)
    manager.begin(tiny("wan21_i2v"))
    manager.close()
    manager.close()
    assert manager.count_bytes() == 0 and states(manager, card, tiny("wan21_i2v")) == ["out", "out"]
    mine = ("load ", "idle models")
    until(lambda: not [thread for thread in threading.enumerate() if thread.name.startswith(mine)])
    with pytest.raises(Refusal, match="closing"):
        manager.begin(card)


def test_what_somebody_still_has_of_a_card_keeps_no_memory(tiny: Tiny, make: Callable[..., ModelManager]) -> None:
    manager, card = make(), tiny("ltx_i2v")
    with manager.use(card, nothing) as loaded:
        denoiser = weakref.ref(loaded.denoisers[0])
    manager.unload(card)
    gc.collect()
    assert denoiser() is None and loaded.pipe is None and loaded.denoisers == []


def test_many_threads_at_once_end_well(tiny: Tiny, make: Callable[..., ModelManager]) -> None:
    """Jobs, hints, looks and unloads from eight threads: nothing deadlocks, and every job gets its own card's pipeline."""
    cards = [tiny(name) for name in ("ltx_i2v", "wan22_ti2v_5b", "cogvideox_i2v")]
    manager, wrong = make(preferences=lambda: Preferences(ram_gb=1.3e6 / 1e9)), list[object]()

    def work(number: int) -> None:
        for turn in range(4):
            card = cards[(number + turn) % 3]
            try:
                if number % 4 == 0:
                    with manager.use(card, nothing) as loaded:
                        if (
                            loaded.card.id != card.id
                            or loaded.pipe is None
                            or type(loaded.pipe).__name__ != card.checkpoint.pipeline
                        ):
                            wrong.append(loaded)
                elif number % 4 == 1:
                    manager.expect(card)
                elif number % 4 == 2:
                    manager.read_state(card)
                else:
                    manager.unload(card)
            except Refusal:
                continue
            except Exception as error:
                wrong.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not any(thread.is_alive() for thread in threads) and wrong == []


def test_the_manager_imports_without_torch() -> None:
    code = (
        "import sys; from studio.engines.diffusion.files import store;"
        "from studio.engines.diffusion.memory import machine, model_manager, placement; machine.read_machine();"
        "print(sorted({'torch', 'diffusers', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]" or shutil.which("nvidia-smi")
