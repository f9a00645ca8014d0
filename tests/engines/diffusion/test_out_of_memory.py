"""When memory runs out, the clip is finished all the same where it can be, and what was done about it is told."""

from __future__ import annotations

import ctypes
import dataclasses
import errno
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import msgspec
import numpy as np
import psutil
import pytest
import torch

from studio.cards import ModelCard, Plan
from studio.config import Settings
from studio.engines import plan as planning
from studio.engines.diffusion.diffusion_engine import DiffusionEngine
from studio.engines.diffusion.memory import loader, memory_errors
from studio.engines.diffusion.memory.model_cache import LoadedModel
from studio.engines.diffusion.memory.model_manager import ModelManager
from studio.engines.diffusion.run import out_of_memory, vae_decode
from studio.engines.prepare import prepare
from studio.frames import Frames
from studio.nouns import Choice, Motion, Refusal
from studio.preferences import Preferences
from tests.fakes import faults

Tiny = Callable[[str], ModelCard]


def video() -> Exception:
    """What torch raises when the GPU is full."""
    return torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


def system() -> Exception:
    """What torch raises when the machine's memory is full."""
    return RuntimeError(
        "[enforce fail at alloc_cpu.cpp:124] . DefaultCPUAllocator: can't allocate memory: you tried to allocate 9"
    )


def made_in(frames: Frames) -> dict[str, str]:
    """What was done about memory: the choices' values and why."""
    return {choice.value: choice.reason for choice in frames.choices if choice.what in ("memory", "decode")}


# Which memory ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "memory"),
    [
        (video(), "video"),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), "video"),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), "video"),
        (system(), "system"),
        (MemoryError(), "system"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "system"),
        (OSError(errno.ENOSPC, "No space left on device"), None),
        (RuntimeError("shape mismatch"), None),
        (ValueError("CUDA out of memory"), None),
    ],
)
def test_which_memory_ran_out(error: Exception, memory: str | None) -> None:
    assert memory_errors.find_exhausted(error) == memory


def test_a_fault_that_was_raised_from_another_is_looked_through() -> None:
    outer = Refusal("It can't be loaded.", "")
    outer.__cause__ = MemoryError()
    assert memory_errors.find_exhausted(outer) == "system"
    stopped = Exception("stopped by hand")
    stopped.__context__ = MemoryError()
    assert memory_errors.find_exhausted(stopped) is None, "what merely came after isn't it"


def test_after_a_job_the_c_library_gives_back_what_nothing_uses() -> None:
    """Many small blocks with one in use at the end: the heap can't shrink, and the system has to be told of the holes."""
    if not hasattr(ctypes.CDLL(None), "malloc_trim"):
        pytest.skip("this C library isn't glibc")
    me, blocks = psutil.Process(), [torch.zeros(2000) for _ in range(20_000)]
    last = torch.zeros(2000)
    del blocks
    before = me.memory_info().rss
    memory_errors.give_back_memory("cpu", 0)
    assert before - me.memory_info().rss > 80_000_000 and not last.any()


@pytest.mark.parametrize(("reserved", "given"), [(32e9, 0), (59e9, 1)])
def test_after_a_job_the_gpu_s_allocator_keeps_no_more_than_a_share(
    monkeypatch: pytest.MonkeyPatch, reserved: float, given: int
) -> None:
    seen: list[str] = []
    for name, value in {"is_available": True, "memory_reserved": reserved, "memory_allocated": 30e9}.items():
        monkeypatch.setattr(torch.cuda, name, lambda *_, value=value: value)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: seen.append("cache"))
    monkeypatch.setattr(torch.accelerator, "empty_host_cache", lambda: None, raising=False)
    memory_errors.give_back_memory("cuda:0", round(85e9))
    assert len(seen) == given


def test_rungs_are_taken_in_order_and_only_where_they_help() -> None:
    taken: list[str] = []

    def fallback(name: str, helps: tuple[Any, ...], times: int, often: bool = False) -> out_of_memory.Fallback:
        left = [times]

        def take(memory: memory_errors.Memory) -> Choice | None:
            if not left[0]:
                return None
            left[0] -= 1
            taken.append(name)
            return Choice("memory", name, "test")

        return out_of_memory.Fallback(helps, take, often)

    steps = out_of_memory.Fallbacks(
        [fallback("idle", ("video", "system"), 9), fallback("nothing", ("video",), 0), fallback("offload", ("video",), 1),
         fallback("shrink", ("video", "system"), 2, often=True)]
    )  # fmt: skip
    assert [steps.next("system") and taken[-1] for _ in range(4)] == ["idle", "shrink", "shrink", None]
    assert steps.next("video") and taken == ["idle", "shrink", "shrink", "offload"]
    assert steps.next("video") is None
    assert [choice.value for choice in steps.taken] == taken


def test_a_shot_shrinks_by_length_then_by_size_and_stays_the_same_shot(tiny: Tiny) -> None:
    card, image = tiny("wan21_i2v"), faults.photo()
    shot = faults.shot(image, card, seconds=3.0, size="auto")
    now, sizes = planning.plan(shot, card), []
    for step in out_of_memory.list_smaller(prepare(shot, card)):
        smaller, less = step.shot, step.plan
        assert less.num_frames < now.num_frames or less.width * less.height < now.width * now.height
        assert (smaller.seed, smaller.motion, smaller.crop) == (shot.seed, shot.motion, shot.crop)
        assert planning.plan(smaller, card) == less
        sizes.append((less.num_frames, less.width))
        now = less
    assert [frames for frames, _ in sizes] == sorted((frames for frames, _ in sizes), reverse=True)
    assert len(sizes) >= 2


# A step ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["wan21_i2v", "ltx_condition", "svd", "framepack", "hunyuan15_i2v"])
@pytest.mark.parametrize("error", [video, system])
def test_out_of_memory_at_a_step_is_survived(
    engine: DiffusionEngine, tiny: Tiny, name: str, error: Callable[[], Exception]
) -> None:
    card = tiny(name)
    assert card.checkpoint
    expected = faults.made(engine, card, quality="draft", steps=2)
    pipe = faults.pipe_of(engine, card)
    with faults.failing(getattr(pipe, card.checkpoint.denoisers[0]), error, after=1):
        frames = faults.made(engine, card, quality="draft", steps=2)
    assert np.array_equal(faults.pixels(frames), faults.pixels(expected)), "the same seed, and nothing given up"
    assert list(made_in(frames)) == ["freed what was idle"]
    assert ("the GPU's memory" if error is video else "this machine's memory") in made_in(frames)["freed what was idle"]
    assert made_in(faults.made(engine, card, quality="draft", steps=2)) == {}, "the next clip knows nothing of it"


def test_other_models_make_room(engine: DiffusionEngine, tiny: Tiny) -> None:
    card, idle = tiny("wan21_i2v"), tiny("ltx2_i2v")
    faults.made(engine, idle)
    pipe = faults.pipe_of(engine, card)
    assert engine.state(idle).memory == "ram"
    with faults.failing(pipe.transformer, system):
        frames = faults.made(engine, card)
    assert engine.state(idle).memory == "out"
    assert "other models gave" in made_in(frames)["freed what was idle"]


def test_without_consent_nothing_shrinks_and_the_remedy_says_so(engine: DiffusionEngine, tiny: Tiny) -> None:
    card = tiny("wan21_i2v")
    pipe = faults.pipe_of(engine, card)
    with faults.failing(pipe.transformer, video, times=99) as calls, pytest.raises(Refusal) as told:
        faults.made(engine, card, seconds=3.0)  # which could be made shorter
    assert sum(calls) == 2, "once, and once more after what was idle had gone"
    assert "The GPU's memory" in told.value.reason and "freed what was idle" in told.value.reason
    assert told.value.remedy.startswith("Allow a smaller clip")
    assert faults.made(engine, card).num_frames == 9, "the queue goes on"


def test_with_consent_a_smaller_clip_is_made_with_the_same_seed(engine: DiffusionEngine, tiny: Tiny) -> None:
    card, image = tiny("wan21_i2v"), faults.photo()
    shot = faults.shot(image, card, seconds=3.0, may_shrink=True)
    shrunk = list(out_of_memory.list_smaller(prepare(shot, card)))
    pipe = faults.pipe_of(engine, card)
    with faults.failing(pipe.transformer, video, times=3):
        frames = engine.animate(prepare(shot, card), image, None, lambda progress: None)
    smaller, less = shrunk[1].shot, shrunk[1].plan
    assert (frames.num_frames, frames.width, frames.height) == (less.num_frames, less.width, less.height)
    assert frames.num_frames < planning.plan(shot, card).num_frames
    plain = engine.animate(prepare(smaller, card), image, None, lambda progress: None)
    assert np.array_equal(faults.pixels(frames), faults.pixels(plain)), "as if it had been asked for"
    said = [choice for choice in frames.choices if choice.what == "memory"]
    assert [choice.value.split(":")[0] for choice in said] == ["freed what was idle", "shorter", "shorter"]
    assert "allowed" in said[-1].reason
    assert ("length", plain.choices[1].value) in {(choice.what, choice.value) for choice in frames.choices}


def test_with_consent_and_no_room_at_all_it_ends_in_words(engine: DiffusionEngine, tiny: Tiny) -> None:
    card = tiny("cogvideox_i2v")
    pipe = faults.pipe_of(engine, card)
    with faults.failing(pipe.transformer, system, times=999), pytest.raises(Refusal) as told:
        faults.made(engine, card, may_shrink=True)
    assert "This machine's memory" in told.value.reason
    assert "Allow" not in told.value.remedy


def test_other_faults_are_not_taken_for_a_lack_of_memory(engine: DiffusionEngine, tiny: Tiny) -> None:
    card = tiny("wan21_i2v")
    pipe = faults.pipe_of(engine, card)
    with (
        faults.failing(pipe.transformer, lambda: RuntimeError("a shape is wrong")) as calls,
        pytest.raises(RuntimeError, match="a shape"),
    ):
        faults.made(engine, card)
    assert calls == [1]


class Lowering(ModelManager):
    """A manager that can place a card one step lower even without a GPU: a stand-in for what only a GPU has."""

    lowered = 0

    def lower(self, loaded: LoadedModel, tick: Any = None) -> LoadedModel | None:
        if self.lowered:
            return None
        self.lowered += 1
        return dataclasses.replace(loaded, fit=dataclasses.replace(loaded.fit, placement="grouped"))


@pytest.mark.parametrize(("error", "tried"), [(video, ["freed what was idle", "offload: grouped"]), (system, [])])
def test_weights_are_offloaded_before_anything_shrinks(
    tiny: Tiny, settings: Settings, error: Callable[[], Exception], tried: list[str]
) -> None:
    wants = Preferences(preview=False)
    manager = Lowering(settings, faults.machine(), DiffusionEngine(settings, faults.machine()).store.find_folders, lambda: wants)
    engine = DiffusionEngine(settings, faults.machine(), manager=manager, preferences=lambda: wants)
    card = tiny("wan21_i2v")
    pipe = faults.pipe_of(engine, card)
    with faults.failing(pipe.transformer, error, times=2):
        if tried:
            assert list(made_in(faults.made(engine, card, may_shrink=True))) == tried
        else:
            with pytest.raises(Refusal):
                faults.made(engine, card)
            assert manager.lowered == 0, "it wouldn't help the machine's memory"
    engine.close()


class Stuck(Lowering):
    """A manager that runs out of memory whenever it places a card another way; `gets_there`: but then, made ready anew, it is."""

    gets_there = False

    def lower(self, loaded: LoadedModel, tick: Any = None) -> LoadedModel | None:
        self.lowered += 1
        raise video()

    @contextmanager
    def use(self, card: ModelCard, tick: Any, plan: Plan | None = None) -> Generator[LoadedModel]:
        with super().use(card, tick, plan) as loaded:
            there = self.gets_there and self.lowered
            yield dataclasses.replace(loaded, fit=dataclasses.replace(loaded.fit, placement="grouped")) if there else loaded


def stuck(settings: Settings) -> tuple[Stuck, DiffusionEngine]:
    """A manager that is stuck, and an engine with it."""
    wants = Preferences(preview=False)
    manager = Stuck(settings, faults.machine(), DiffusionEngine(settings, faults.machine()).store.find_folders, lambda: wants)
    return manager, DiffusionEngine(settings, faults.machine(), manager=manager, preferences=lambda: wants)


def test_a_fallback_that_runs_out_of_memory_itself_does_not_end_the_others(tiny: Tiny, settings: Settings) -> None:
    card = tiny("wan21_i2v")
    manager, engine = stuck(settings)
    pipe = faults.pipe_of(engine, card)
    with faults.failing(pipe.transformer, video, times=2):
        frames = faults.made(engine, card, may_shrink=True, seconds=3.0)
    assert [value.split(":")[0] for value in made_in(frames)] == ["freed what was idle", "shorter"]
    assert manager.lowered == out_of_memory.FAILS, "it was tried again, and not for ever"
    with faults.failing(pipe.transformer, video, times=99), pytest.raises(Refusal) as told:
        faults.made(engine, card, seconds=3.0)
    assert "The GPU's memory" in told.value.reason and told.value.remedy.startswith("Allow a smaller clip")
    engine.close()


def test_what_a_failed_rung_has_done_all_the_same_is_tried(tiny: Tiny, settings: Settings) -> None:
    card = tiny("wan21_i2v")
    manager, engine = stuck(settings)
    manager.gets_there = True
    pipe = faults.pipe_of(engine, card)
    with faults.failing(pipe.transformer, video, times=2):
        frames = faults.made(engine, card, may_shrink=True, seconds=3.0)
    assert list(made_in(frames)) == ["freed what was idle"] and manager.lowered == 1
    assert frames.num_frames == planning.plan(faults.shot(faults.photo(), card, seconds=3.0), card).num_frames
    engine.close()


def test_a_failed_rung_is_spent_and_the_next_is_taken() -> None:
    calls: list[str] = []

    def fails(name: str) -> Callable[[memory_errors.Memory], Choice | None]:
        def take(memory: memory_errors.Memory) -> Choice | None:
            calls.append(name)
            raise video()

        return take

    last = Choice("memory", "shrink", "test")
    steps = out_of_memory.Fallbacks(
        [out_of_memory.Fallback(("video",), fails("idle")), out_of_memory.Fallback(("video",), fails("offload"), often=True),
         out_of_memory.Fallback(("video",), lambda memory: last)]
    )  # fmt: skip
    for _ in range(1 + out_of_memory.FAILS):
        with pytest.raises(torch.OutOfMemoryError):
            steps.next("video")
    assert calls == ["idle", *["offload"] * out_of_memory.FAILS]
    assert steps.next("video") == last and steps.taken == [last]


# The VAE ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["wan21_i2v", "ltx_i2v", "svd", "i2vgen_xl", "framepack", "hunyuan15_i2v", "cogvideox_i2v"])
def test_out_of_memory_while_decoding_costs_no_denoising(engine: DiffusionEngine, tiny: Tiny, name: str) -> None:
    card = tiny(name)
    assert card.checkpoint
    expected = faults.pixels(faults.made(engine, card, quality="draft", steps=2))
    pipe = faults.pipe_of(engine, card)
    denoisers = [getattr(pipe, one) for one in card.checkpoint.denoisers]
    with faults.counted(*denoisers) as plain:
        faults.made(engine, card, quality="draft", steps=2)
    with faults.counted(*denoisers) as calls, faults.failing(pipe.vae.decoder, video):
        frames = faults.made(engine, card, quality="draft", steps=2)
    assert len(calls) == len(plain), "decoded again, and not denoised again"
    assert len(made_in(frames)) == 1 and "without denoising again" in next(iter(made_in(frames).values()))
    assert frames.num_frames == len(expected)
    difference = np.abs(faults.pixels(frames).astype(int) - expected.astype(int))
    assert difference.mean() < (40 if name == "svd" else 1), "SVD decodes fewer frames together, which it sees"
    assert not getattr(pipe.vae, "use_tiling", False) and not getattr(pipe.vae, "use_slicing", False)
    assert np.array_equal(faults.pixels(faults.made(engine, card, quality="draft", steps=2)), expected)


@pytest.mark.parametrize(
    ("name", "way"), [("wan21_i2v", "in tiles"), ("ltx_i2v", "in tiles and sections"), ("svd", "1 at a time")]
)
def test_decoding_is_sized_before_it_runs(tiny: Tiny, settings: Settings, name: str, way: str) -> None:
    card = tiny(name)
    free = [12 * faults.GB]
    engine = DiffusionEngine(settings, faults.machine(lambda: free[0]), preferences=lambda: Preferences(preview=False))
    plain = faults.made(engine, card)
    assert made_in(plain) == {}
    pipe = faults.pipe_of(engine, card)
    free[0] = vae_decode.estimate_least(pipe.vae, plain.num_frames, plain.width, plain.height)
    frames = faults.made(engine, card)
    said = [choice for choice in frames.choices if choice.what == "decode"]
    assert len(said) == 1 and said[0].value.startswith(way)
    assert "are free" in said[0].reason and "memory ran out" not in said[0].reason
    assert not getattr(pipe.vae, "use_tiling", False)
    engine.close()


def test_tiles_take_less_and_make_the_same_picture(tiny: Tiny, pipeline: Callable[[str], tuple[Any, ModelCard]]) -> None:
    pipe, _ = pipeline("wan21_i2v")
    shape = (1, 16, 3, 64, 80)
    whole, tiled = (vae_decode.estimate_bytes(pipe.vae, shape, 4, way) for way in vae_decode.list_ways(pipe.vae, shape))
    assert tiled < whole / 3
    small = (1, 16, 3, 8, 8)
    same = [vae_decode.estimate_bytes(pipe.vae, small, 4, way) for way in vae_decode.list_ways(pipe.vae, small)]
    assert same[0] == same[1], "a picture no larger than a tile gains nothing"


def test_images_are_taken_one_by_one_before_they_are_cut_up(pipeline: Callable[[str], tuple[Any, ModelCard]]) -> None:
    pipe, _ = pipeline("i2vgen_xl")
    shape = (16, 4, 90, 160)
    possible = vae_decode.list_ways(pipe.vae, shape)
    assert [way.name for way in possible] == ["whole", "image by image", "in tiles"]
    needs = [vae_decode.estimate_bytes(pipe.vae, shape, 4, way) for way in possible]
    assert needs == sorted(needs, reverse=True) and needs[1] < needs[0] / 5


def test_what_decoding_takes_was_counted_on_real_configurations() -> None:
    """Wan's VAE at 832 x 480 and 81 frames in float32 takes some 8 GB whole, and tiles bring it under 4."""
    vae = type("AutoencoderKLWan", (), {})()
    vae.config = {"scale_factor_spatial": 8, "scale_factor_temporal": 4}
    vae.use_tiling, vae.tile_sample_min_height, vae.tile_sample_min_width = False, 256, 256
    shape = (1, 16, 21, 60, 104)
    whole, tiled = (vae_decode.estimate_bytes(vae, shape, 4, way) / 1e9 for way in vae_decode.list_ways(vae, shape))
    assert 7 < whole < 11
    assert tiled < 4


def test_a_decoder_that_always_fails_takes_the_fallbacks(engine: DiffusionEngine, tiny: Tiny) -> None:
    card = tiny("ltx_i2v")
    pipe = faults.pipe_of(engine, card)
    with faults.failing(pipe.vae.decoder, video, times=99), pytest.raises(Refusal) as told:
        faults.made(engine, card)
    assert "The GPU's memory" in told.value.reason
    with faults.failing(pipe.vae.decoder, video, times=6):  # three ways, twice over
        frames = faults.made(engine, card, may_shrink=True, seconds=2.0)
    assert frames.num_frames < 17
    assert not getattr(pipe.vae, "use_tiling", False) and not pipe.vae.use_framewise_decoding


def test_a_photo_that_is_too_much_for_the_vae_goes_through_in_tiles(engine: DiffusionEngine, tiny: Tiny) -> None:
    card = tiny("wan21_i2v")
    pipe = faults.pipe_of(engine, card)
    with faults.failing(pipe.vae.encoder, video, times=2):
        frames = faults.made(engine, card)
    assert list(made_in(frames)) == ["freed what was idle", "VAE in tiles"]
    assert not pipe.vae.use_tiling


def test_the_words_may_run_out_of_memory_too(engine: DiffusionEngine, tiny: Tiny) -> None:
    card = tiny("wan21_i2v")
    pipe = faults.pipe_of(engine, card)
    with faults.failing(pipe.text_encoder, video) as calls:
        frames = faults.made(engine, card, motion=Motion(prompt="words that were never read before"))
    assert calls[0] == 1 and list(made_in(frames)) == ["freed what was idle"]


def test_tiles_are_not_spent_on_words(engine: DiffusionEngine, tiny: Tiny) -> None:
    card = tiny("wan21_i2v")
    pipe = faults.pipe_of(engine, card)
    words = Motion(prompt="other words that were never read before")
    with faults.failing(pipe.text_encoder, video, times=2):
        frames = faults.made(engine, card, motion=words, may_shrink=True, seconds=3.0)
    assert [value.split(":")[0] for value in made_in(frames)] == ["freed what was idle", "shorter"]


def test_a_pipeline_that_swallows_out_of_memory_takes_the_fallbacks_too(engine: DiffusionEngine, tiny: Tiny) -> None:
    card = tiny("sana_i2v")
    expected = faults.pixels(faults.made(engine, card))
    pipe = faults.pipe_of(engine, card)
    with faults.failing(pipe.vae.decoder, video, times=99), pytest.raises(Refusal) as told:
        faults.made(engine, card)
    assert "The GPU's memory" in told.value.reason
    assert "decode" not in vars(pipe.vae)
    assert np.array_equal(faults.pixels(faults.made(engine, card)), expected)


# Loading ---------------------------------------------------------------------------------------------------------------


def manager_that(fails: int, settings: Settings) -> ModelManager:
    """A manager whose loader runs out of memory so many times."""
    left = [fails]

    def load(*given: Any, **named: Any) -> Any:
        if left[0]:
            left[0] -= 1
            raise MemoryError
        return loader.load(*given, **named)

    store = DiffusionEngine(settings, faults.machine()).store
    return ModelManager(settings, faults.machine(), store.find_folders, Preferences, load=load)


def test_out_of_memory_while_loading_lets_go_of_what_is_idle(tiny: Tiny, settings: Settings) -> None:
    manager = manager_that(0, settings)
    engine = DiffusionEngine(settings, faults.machine(), manager=manager)
    faults.made(engine, tiny("ltx_i2v"))
    failing = manager_that(1, settings)
    manager._read = failing._read  # the same loader, which has run out of memory once
    frames = faults.made(engine, tiny("svd"))
    assert frames.num_frames == 7
    assert engine.state(tiny("ltx_i2v")).memory == "out"
    engine.close()


def test_a_model_that_cannot_be_loaded_ends_in_words_and_the_next_job_runs(tiny: Tiny, settings: Settings) -> None:
    engine = DiffusionEngine(settings, faults.machine(), manager=manager_that(1, settings))
    with pytest.raises(Refusal) as told:
        faults.made(engine, tiny("svd"))
    assert "This machine's memory" in told.value.reason and "Close other programs" in told.value.remedy
    assert engine.state(tiny("svd")).memory == "out"
    assert faults.made(engine, tiny("svd")).num_frames == 7
    engine.close()


def test_a_damaged_model_is_said_to_be_damaged(tiny: Tiny, settings: Settings, tmp_path: Any) -> None:
    import shutil
    from pathlib import Path

    card = tiny("ltx_i2v")
    assert card.checkpoint
    engine = DiffusionEngine(settings, faults.machine())
    for number, (name, harm) in enumerate({
        "cut": lambda file: file.write_bytes(file.read_bytes()[:-100]),
        "empty": lambda file: file.write_bytes(b""),
        "missing": lambda file: file.unlink(),
    }.items()):  # fmt: skip
        folder = tmp_path / name
        shutil.copytree(Path(card.checkpoint.repo), folder)
        harm(next((folder / "transformer").glob("*.safetensors")))
        broken = msgspec.structs.replace(
            card, id=f"tiny-broken-{number}", checkpoint=msgspec.structs.replace(card.checkpoint, repo=str(folder))
        )
        assert engine.state(broken).disk == "partly" and engine.state(broken).problem
        with pytest.raises(Refusal, match="not whole on this disk"):
            faults.made(engine, broken)
    assert faults.made(engine, card).num_frames == 9
    engine.close()
