"""Frames that are decoded while they are read are bit for bit those that diffusers decodes in one go, in every family."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np
import pytest
import torch

from studio.cards import ModelCard
from studio.config import Settings
from studio.engines.base import Stopped
from studio.engines.diffusion import diffusion_engine
from studio.engines.diffusion.diffusion_engine import DiffusionEngine
from studio.engines.diffusion.families import get_family, seeded_noise
from studio.engines.diffusion.families.family import move_to_device
from studio.engines.diffusion.memory.machine import use_device
from studio.engines.diffusion.run import decode_pieces, frame_queue, generation, vae_decode
from studio.engines.diffusion.run.generation import Generation
from studio.engines.prepare import prepare
from studio.frames import Frames
from studio.nouns import Progress, Refusal
from studio.preferences import Preferences
from tests.fakes import faults, tiny
from tests.fakes.waiting import until

Tiny = Callable[[str], ModelCard]


def decode_in_one_go(engine: DiffusionEngine, card: ModelCard, **changes: Any) -> Any:
    """The same shot by a plain call of the pipeline, which decodes and joins all by itself: uint8 (T, H, W, 3)."""
    checkpoint, image = card.checkpoint, faults.photo()
    assert checkpoint is not None
    prepared = prepare(faults.shot(image, card, **changes), card)
    request = Generation(engine._tools, prepared, image, None, lambda progress: None).build_request()
    kind, pipe = get_family(checkpoint.family), faults.pipe_of(engine, card)
    words = kind.words(pipe, request, checkpoint)
    arguments = {**kind.arguments(pipe, request, checkpoint), "output_type": "np"}
    with seeded_noise.draw_from(arguments["generator"]):
        output = pipe(**arguments, **move_to_device(pipe, words))
    frames = np.asarray(output.frames[0], np.float32)[: request.num_frames]
    return (np.clip(frames, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)


@pytest.mark.parametrize("name", sorted(tiny.BUILDERS))
def test_streamed_frames_are_those_of_a_decode_in_one_go(engine: DiffusionEngine, tiny: Tiny, name: str) -> None:
    card = tiny(name)
    longest = {"seconds": min(3.0, card.seconds[1])}
    streamed = faults.pixels(faults.made(engine, card, steps=3, **longest))
    expected = decode_in_one_go(engine, card, steps=3, **longest)
    assert streamed.shape == expected.shape
    assert np.array_equal(streamed, expected)


# While the frames are read ------------------------------------------------------------------------------------------------


def begin(engine: DiffusionEngine, card: ModelCard, tick: Any = None, **changes: Any) -> Frames:
    """A clip whose frames are still to be read."""
    image = faults.photo()
    prepared = prepare(faults.shot(image, card, steps=2, **changes), card)
    return engine.animate(prepared, image, None, tick or (lambda progress: None))


def small_queue(monkeypatch: pytest.MonkeyPatch, frames: int, card: ModelCard) -> None:
    """The decode may run ahead by so many frames of 64 x 64."""
    room = frames * 64 * 64 * 3
    monkeypatch.setattr(frame_queue.FrameQueue.__init__, "__defaults__", (room,))


def test_a_decode_runs_ahead_of_the_encoder_by_so_much_and_holds_its_model(
    engine: DiffusionEngine, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = tiny("wan21_i2v")
    expected = faults.pixels(faults.made(engine, card, steps=2, seconds=3.0))
    pipe = faults.pipe_of(engine, card)
    small_queue(monkeypatch, 6, card)
    with faults.counted(pipe.vae.decoder) as calls:
        frames = begin(engine, card, seconds=3.0)
        assert not frames.choices, "what was chosen is known when the last frame is"
        until(lambda: len(calls) >= 3)
        with pytest.raises(Refusal):
            engine.unload(card)
        assert len(calls) < 5 < len(expected) // 4, "1 + 4 frames are there, and one of the next piece"
        assert np.array_equal(faults.pixels(frames), expected)
    assert frames.choices
    engine.unload(card)


@pytest.mark.parametrize("how", ["closed", "let go of", "stopped"])
def test_frames_that_nobody_reads_on_leave_nothing_behind(
    engine: DiffusionEngine, tiny: Tiny, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    card = tiny("wan21_i2v")
    expected = faults.pixels(faults.made(engine, card, steps=2, seconds=3.0))
    vae = faults.pipe_of(engine, card).vae
    small_queue(monkeypatch, 2, card)
    stopped = threading.Event()

    def tick(progress: Progress) -> None:
        if stopped.is_set():
            raise Stopped

    frames: Any = begin(engine, card, tick, seconds=3.0)
    assert np.array_equal(next(frames.images), expected[0])
    if how == "closed":
        frames.images.close()
    elif how == "stopped":
        stopped.set()
        with pytest.raises(Stopped):
            list(frames.images)
    del frames
    again = faults.made(engine, card, steps=2, seconds=3.0)  # which waits until the model is free
    assert np.array_equal(faults.pixels(again), expected)
    assert not {"decode"} & set(vars(vae)) and not vae.use_tiling and all(one is None for one in vae._feat_map)


def test_a_stop_in_the_decode_leaves_no_memory_of_frames(engine: DiffusionEngine, tiny: Tiny) -> None:
    """Wan's decoder remembers two frames at every layer: gigabytes at full size, and on a GPU the next job needs them."""
    card = tiny("wan21_i2v")
    vae = faults.pipe_of(engine, card).vae
    remembered = list[Any]()

    def note(*_: Any) -> None:
        remembered.extend(weakref.ref(one) for one in vae._feat_map if isinstance(one, torch.Tensor))

    def tick(progress: Progress) -> None:
        if len(remembered) > 100:
            raise Stopped

    hook = vae.decoder.register_forward_pre_hook(note)
    gc.collect()
    gc.disable()
    try:
        frames = begin(engine, card, tick, seconds=3.0)
        with pytest.raises(Stopped):
            list(frames.images)
        until(lambda: not any(one() is not None for one in remembered))
    finally:
        gc.enable()
        hook.remove()


def test_the_thread_that_decodes_is_on_its_own_gpu(engine: DiffusionEngine, tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    """CUDA begins each thread on the first GPU: what the second decodes would wait for the first."""
    asked, chosen = list[tuple[str, str]](), list[object]()

    @contextmanager
    def note(device: str) -> Iterator[None]:
        asked.append((threading.current_thread().name, device))
        yield

    for module in (diffusion_engine, generation):
        monkeypatch.setattr(module, "use_device", note)
    faults.pixels(begin(engine, tiny("wan21_i2v"), seconds=3.0))
    assert asked == [(name, engine.machine.device) for name in (threading.current_thread().name, "stir-decode")]
    monkeypatch.setattr(torch.cuda, "device", lambda one: chosen.append(one) or nullcontext())
    for there in (False, True):
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=there: there)
        with use_device("cpu"), use_device("cpu:0"), use_device("cuda:1"):
            pass
    assert chosen == [-1, "cuda:1"]


@pytest.mark.parametrize(("times", "ends"), [(1, True), (99, False)])
def test_memory_that_runs_out_between_frames(engine: DiffusionEngine, tiny: Tiny, times: int, ends: bool) -> None:
    card = tiny("wan21_i2v")
    expected = faults.pixels(faults.made(engine, card, steps=2, seconds=3.0))
    pipe = faults.pipe_of(engine, card)
    with faults.counted(pipe.transformer) as calls, faults.failing(pipe.vae.decoder, exhausted, times=times, after=3):
        frames = begin(engine, card, seconds=3.0)
        if ends:
            assert np.array_equal(faults.pixels(frames), expected), "no frame twice, and none left out"
            (said,) = [one for one in frames.choices if one.what == "decode"]
            assert "after 9 frames" in said.reason
        else:
            with pytest.raises(Refusal, match="The GPU's memory"):
                faults.pixels(frames)
    steps = len(calls)
    with faults.counted(pipe.transformer) as plain:
        assert np.array_equal(faults.pixels(begin(engine, card, seconds=3.0)), expected)
    assert steps == len(plain), "nothing was denoised again"


def test_memory_that_runs_out_at_first_leaves_no_frame_of_another_way(pipeline: Callable[[str], tuple[Any, ModelCard]]) -> None:
    """What is decoded whole and what is decoded in tiles differ: until a piece of full size is done, no frame is given."""
    vae = pipeline("wan21_i2v")[0].vae
    call = decode_pieces.Call(torch.randn((1, vae.config["z_dim"], 5, 8, 8), generator=torch.Generator().manual_seed(0)))
    tiles = {name: 32 if "min" in name else 24 for name in vars(vae) if name.startswith("tile_sample_") and name[-1] in "ht"}
    before = {name: getattr(vae, name) for name in tiles}
    vars(vae).update(tiles)
    try:
        with torch.no_grad():
            whole = vae.decode(call.latents).sample
            with vae_decode.switch_on(vae, ("use_tiling",)):
                tiled = vae.decode(call.latents).sample
            for after, expected in ((2, tiled), (4, torch.cat((whole[:, :, :13], tiled[:, :, 13:]), dim=2))):
                decoding = vae_decode.Decoding(vae, lambda: 1 << 60, lambda: None)
                with faults.failing(vae.decoder, exhausted, times=1, after=after):
                    made = torch.cat(list(decoding.decode(vae.decode, call)), dim=2)
                assert torch.equal(made, expected)
                (said,) = decoding.choices
                assert ("after 13 frames" in said.reason) == (after == 4)
    finally:
        vars(vae).update(before)
    assert not torch.equal(whole, tiled)


def test_a_clip_whose_decode_cannot_fit_is_turned_down_before_it_is_begun(
    tiny: Tiny, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """On a processor nothing could be caught: the system ends a program that takes too much."""
    settings, free = Settings(tmp_path_factory.mktemp("home")), [12 * faults.GB]
    settings.prepare()
    engine = DiffusionEngine(settings, faults.machine(lambda: free[0]), preferences=lambda: Preferences(preview=False))
    card = tiny("wan21_i2v")
    with faults.counted(faults.pipe_of(engine, card).transformer) as calls:
        free[0] = 60_000_000
        with pytest.raises(Refusal, match="This machine's memory doesn't suffice") as refused:
            begin(engine, card)
    assert not calls and "shorter" in refused.value.remedy
    free[0] = 12 * faults.GB
    assert len(faults.pixels(begin(engine, card)))
    engine.close()


def exhausted() -> Exception:
    """What torch raises when the GPU is full."""
    return torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


def test_numbers_that_run_over_are_refused_whenever_they_do(engine: DiffusionEngine, tiny: Tiny) -> None:
    card = tiny("wan21_i2v")
    decoder = faults.pipe_of(engine, card).vae.decoder
    calls: list[int] = []

    def spoil(module: Any, given: Any, out: Any) -> Any:
        calls.append(1)
        return out * float("nan") if len(calls) == 4 else out

    handle = decoder.register_forward_hook(spoil)
    with pytest.raises(Refusal, match="ran over"):
        faults.pixels(begin(engine, card, seconds=3.0))
    handle.remove()


# In parts that don't make the same frames -----------------------------------------------------------------------------------


def test_runs_of_svd_overlap_for_its_decoder_sees_neighbours(pipeline: Callable[[str], tuple[Any, ModelCard]]) -> None:
    vae = pipeline("svd")[0].vae
    noise = torch.randn((25, 4, 8, 8), generator=torch.Generator().manual_seed(0))
    latents = 0.9 * noise[:1] + 0.06 * torch.cumsum(noise, 0)  # which change with time as a clip's do
    call = decode_pieces.Call(latents, (), {"num_frames": 25})
    with torch.no_grad():
        (whole,) = decode_pieces.decode_in_pieces(vae, vae.decode, call)
        runs = list(decode_pieces.decode_in_pieces(vae, vae.decode, call, 13))
        plain = [vae.decode(latents[at : at + 13], num_frames=len(latents[at : at + 13])).sample for at in (0, 13)]
    apart = [(torch.cat(parts) - whole).abs().mean().item() for parts in (runs, plain)]
    assert [len(run) for run in runs] == [9, 9, 7] and 0 < apart[0] < 0.7 * apart[1]


@pytest.mark.parametrize("name", ["ltx_i2v", "ltx2_i2v"])
def test_tiles_in_time_show_their_own_moments(name: str, pipeline: Callable[[str], tuple[Any, ModelCard]]) -> None:
    """diffusers' own are a frame late from the second tile on: findings/ltx_time_tiles_are_a_frame_late.sh."""
    vae = pipeline(name)[0].vae
    noise = torch.randn((1, vae.config["latent_channels"], 13, 4, 4), generator=torch.Generator().manual_seed(0))
    call = decode_pieces.Call(torch.cumsum(noise, dim=2) * 0.4)
    with torch.no_grad():
        (whole,) = decode_pieces.decode_in_pieces(vae, vae.decode, call)
        with vae_decode.switch_on(vae, ("use_framewise_decoding",)):
            theirs = vae.decode(call.latents).sample
            ours = torch.cat(list(decode_pieces.decode_in_pieces(vae, vae.decode, call)), dim=2)
    assert ours.shape == whole.shape
    apart = [(made - whole).abs().mean().item() for made in (ours, theirs)]
    assert apart[0] < 0.7 * apart[1]
