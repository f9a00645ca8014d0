"""Who is on the GPU and who makes room: with stand-ins for modules on an imaginary GPU, and with real tiny pipelines.

The device "cpu:0" is a processor that every hook takes for a GPU: torch tells it from "cpu", where weights wait.
"""

from __future__ import annotations

import copy
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from studio import nouns
from studio.cards import ModelCard
from studio.config import ROOT
from studio.engines.base import Stopped
from studio.engines.diffusion.files.local_files import Folders
from studio.engines.diffusion.memory.gpu_lock import GpuLock
from studio.engines.diffusion.memory.host_copies import HostCopies
from studio.engines.diffusion.memory.loader import load, store_fp8
from studio.engines.diffusion.memory.machine import Machine
from studio.engines.diffusion.memory.model_cache import LoadedModel, count_model_bytes, count_module_bytes
from studio.engines.diffusion.memory.placement import Fit
from studio.engines.diffusion.memory.residency import (
    MOST_SEARCHED,
    MOVING,
    Residency,
    choose_offloads,
)
from studio.engines.diffusion.memory.shared_components import SharedComponents
from studio.engines.diffusion.memory.streaming import attach_streaming, list_groups, remove_streaming
from studio.engines.diffusion.run import vae_decode
from studio.engines.diffusion.run.decode_pieces import Call
from tests.fakes.tiny_runs import load as load_tiny
from tests.fakes.tiny_runs import request
from tests.fakes.tiny_runs import run as tiny_run

Tiny = Callable[[str], ModelCard]
RESIDENT, MANAGED, GROUPED = (Fit("yes", "", "", placement, "published") for placement in ("resident", "managed", "grouped"))
FAMILY: Any = None


class Gpu(HostCopies):
    """An imaginary GPU of so many bytes, the modules on it, and the bytes that were ever copied there."""

    def __init__(self, size: int) -> None:
        super().__init__("cuda:0")
        self.size, self.here, self.moved = size, list[nn.Module](), 0

    def free(self) -> int:
        return self.size - sum(count_module_bytes(block) for block in self.here)

    def is_here(self, module: nn.Module) -> bool:
        return module in self.here

    def bring(self, module: nn.Module) -> None:
        if module not in self.here:
            self.moved += count_module_bytes(module)
            self.here.append(module)
            assert self.free() >= 0, "the imaginary GPU is too full"

    def leave(self, module: nn.Module) -> None:
        self.here = [one for one in self.here if one is not module]


class Block(nn.Module):
    """A stand-in for a component of so many bytes: it says where it would be, and does nothing."""

    def __init__(self, gpu: Gpu, size: int) -> None:
        super().__init__()
        self.gpu = gpu
        self.weights = nn.Parameter(torch.zeros(size, dtype=torch.uint8), requires_grad=False)

    def forward(self) -> str:
        return "cuda" if self in self.gpu.here else "cpu"


def imaginary(tiny: Tiny, gpu: Gpu, activation: int = 0, fit: Fit = MANAGED, **blocks: Block) -> LoadedModel:
    """A card of stand-ins; `activation` in bytes."""
    card = tiny("wan22_ti2v_5b")
    needs = nouns.replace(card.checkpoint.needs, activation=max(1e-9, activation / 1e9))
    card = nouns.replace(card, id=f"card-{random.randrange(10**9)}", checkpoint=nouns.replace(card.checkpoint, needs=needs))
    machine = Machine("cuda:0", "imaginary", gpu.size * 10**9, 1 << 40, free_vram=gpu.free)
    return LoadedModel(card, SimpleNamespace(components=blocks, **blocks), FAMILY, machine, fit)


def place(loaded: LoadedModel) -> Residency:
    """The imaginary GPU of this card's blocks, empty."""
    return Residency(loaded.machine, copies=next(iter(loaded.modules.values())).gpu)


def run(loaded: LoadedModel) -> None:
    """As a pipeline does: encoder, denoiser twice, VAE."""
    for name in ("text_encoder", "transformer", "transformer", "vae"):
        assert getattr(loaded.pipe, name)() == "cuda", f"{name} ran where it waits"


def test_who_leaves_is_the_combination_that_frees_least() -> None:
    assert choose_offloads({"a": 10, "b": 7, "c": 4}, 0) == []
    assert choose_offloads({"a": 10, "b": 7, "c": 4}, 4) == ["c"]
    assert sorted(choose_offloads({"a": 10, "b": 7, "c": 4}, 11)) == ["b", "c"]
    assert sorted(choose_offloads({"a": 10, "b": 7, "c": 4}, 99)) == ["a", "b", "c"]
    assert choose_offloads({}, 5) == []


def test_the_search_is_bounded_and_still_frees_enough() -> None:
    sizes = {f"{number}": 1000 + number for number in range(MOST_SEARCHED * 5)}
    began = time.process_time()
    gone = choose_offloads(sizes, 20_000)
    assert time.process_time() - began < 5, "all subsets of sixty would take for ever"
    assert 20_000 <= sum(sizes[name] for name in gone) < 22_000


def test_several_cards_stay_until_room_is_needed(tiny: Tiny) -> None:
    gpu = Gpu(48_000)
    a = imaginary(tiny, gpu, 3000, text_encoder=Block(gpu, 11_000), transformer=Block(gpu, 20_000), vae=Block(gpu, 500))
    b = imaginary(tiny, gpu, 3000, text_encoder=Block(gpu, 4_000), transformer=Block(gpu, 5_000), vae=Block(gpu, 500))
    c = imaginary(tiny, gpu, 9000, text_encoder=Block(gpu, 11_000), transformer=Block(gpu, 20_000), vae=Block(gpu, 500))
    residency = place(a)
    for loaded in (a, b):
        residency.activate(loaded)
        run(loaded)
    assert len(gpu.here) == 6 and gpu.moved == 41_000, "both fit, and attaching the second did not move the first"
    moved = gpu.moved
    residency.activate(a)
    run(a)
    assert gpu.moved == moved, "nothing moves for a card that is there"
    for loaded in (c, b, a, c, a, a, b, c):
        residency.activate(loaded)
        run(loaded)
        assert gpu.free() >= 0


def test_a_resident_card_comes_whole_and_others_leave_for_it_and_its_run(tiny: Tiny) -> None:
    gpu = Gpu(40_000)
    a = imaginary(tiny, gpu, 1000, RESIDENT, text_encoder=Block(gpu, 4000), transformer=Block(gpu, 14_000))
    b = imaginary(tiny, gpu, 9000, RESIDENT, text_encoder=Block(gpu, 9000), transformer=Block(gpu, 8000))
    residency = place(a)
    residency.activate(a)
    residency.activate(b)
    assert set(b.modules.values()) <= set(gpu.here), "none of its own has left again for the next"
    assert gpu.free() >= 9000
    residency.activate(a)
    assert set(a.modules.values()) <= set(gpu.here) and gpu.free() >= 1000
    residency.activate(b)
    assert set(b.modules.values()) <= set(gpu.here) and gpu.free() >= 9000, "also where nothing of its own has to come"


def test_the_runs_own_need_is_kept_free(tiny: Tiny) -> None:
    gpu = Gpu(40_000)
    a = imaginary(tiny, gpu, 2000, text_encoder=Block(gpu, 11_000), transformer=Block(gpu, 20_000), vae=Block(gpu, 500))
    hungry = imaginary(tiny, gpu, 15_000, text_encoder=Block(gpu, 1000), transformer=Block(gpu, 20_000), vae=Block(gpu, 500))
    residency = place(a)
    free: list[int] = []
    for loaded in (a, hungry, a, hungry):
        residency.activate(loaded)
        loaded.pipe.text_encoder()
        loaded.pipe.transformer()
        free.append(gpu.free())
    assert min(free[0], free[2]) >= 2000 and min(free[1], free[3]) >= 15_000


def test_a_larger_clip_has_more_kept_free(tiny: Tiny) -> None:
    gpu = Gpu(40_000)
    a = imaginary(tiny, gpu, 5000, text_encoder=Block(gpu, 11_000), transformer=Block(gpu, 20_000), vae=Block(gpu, 500))
    residency = place(a)
    free: list[int] = []
    for volume in (1.0, 3.0, 0.1):
        residency.activate(a, volume=volume)
        a.pipe.text_encoder()
        a.pipe.transformer()
        free.append(gpu.free())
    assert free[0] == 9000 and free[1] >= 15_000 and free[2] >= 5000, "also where nothing of its own has to come"
    assert residency.margin == 5000, "the card's own number is the least"


def test_a_stop_acts_between_components_that_move(tiny: Tiny) -> None:
    gpu = Gpu(40_000)
    a = imaginary(tiny, gpu, fit=RESIDENT, text_encoder=Block(gpu, 4000), transformer=Block(gpu, 14_000))
    residency, seen = place(a), list[Any]()

    def stop(progress: Any) -> None:
        seen.append(progress)
        if len(seen) == 2:
            raise Stopped

    with pytest.raises(Stopped):
        residency.activate(a, stop)
    assert seen == [MOVING] * 2 and gpu.here == [a.pipe.transformer], "the heaviest first"
    residency.activate(a, seen.append)
    assert len(seen) == 3 and len(gpu.here) == 2
    residency.activate(a, pytest.fail)


def test_a_resident_card_is_all_there_before_it_runs(tiny: Tiny) -> None:
    gpu = Gpu(30_000)
    other = imaginary(tiny, gpu, text_encoder=Block(gpu, 9000), transformer=Block(gpu, 9000), vae=Block(gpu, 500))
    mine = imaginary(tiny, gpu, fit=RESIDENT, text_encoder=Block(gpu, 9000), transformer=Block(gpu, 9000), vae=Block(gpu, 500))
    residency = place(mine)
    residency.activate(other)
    run(other)
    residency.activate(mine)
    assert all(block in gpu.here for block in mine.modules.values())
    moved = gpu.moved
    run(mine)
    assert gpu.moved == moved


def test_a_shared_component_is_one_and_goes_with_the_last(tiny: Tiny) -> None:
    gpu = Gpu(100_000)
    encoder = Block(gpu, 11_000)
    a = imaginary(tiny, gpu, text_encoder=encoder, transformer=Block(gpu, 20_000), vae=Block(gpu, 500))
    b = imaginary(tiny, gpu, text_encoder=encoder, transformer=Block(gpu, 10_000), vae=Block(gpu, 500))
    residency = place(a)
    for loaded in (a, b):
        residency.activate(loaded)
        run(loaded)
    assert len(residency.list_here()) == 5 and count_model_bytes([a, b]) == 42_000
    residency.detach(a)
    assert len(residency.list_here()) == 3 and hasattr(encoder, "_hf_hook")
    assert not hasattr(a.pipe.transformer, "_hf_hook")
    run(b)
    residency.detach(b)
    assert residency.list_here() == [] and gpu.here == [] and not hasattr(encoder, "_hf_hook")


def test_another_card_may_come_and_go_while_one_runs(tiny: Tiny) -> None:
    """A load in the background neither waits for the run nor moves what runs."""
    gpu = Gpu(48_000)
    a = imaginary(tiny, gpu, text_encoder=Block(gpu, 11_000), transformer=Block(gpu, 20_000), vae=Block(gpu, 500))
    b = imaginary(tiny, gpu, text_encoder=Block(gpu, 9_000), transformer=Block(gpu, 9_000), vae=Block(gpu, 500))
    residency = place(a)
    residency.activate(b)
    run(b)
    residency.activate(a)
    a.pipe.text_encoder()
    a.pipe.transformer()
    residency.detach(b)
    assert a.pipe.transformer() == "cuda"
    a.pipe.vae()


def test_before_a_decode_leaves_what_is_done_and_only_where_it_is_in_the_way(tiny: Tiny) -> None:
    gpu = Gpu(40_000)
    other = imaginary(tiny, gpu, transformer=Block(gpu, 5000))
    a = imaginary(tiny, gpu, text_encoder=Block(gpu, 11_000), transformer=Block(gpu, 20_000), vae=Block(gpu, 500))
    residency = place(a)
    residency.activate(other)
    other.pipe.transformer()
    residency.activate(a)
    run(a)
    assert residency.make_room(a, 3500, a.pipe.vae) == 0 and len(gpu.here) == 4
    assert residency.make_room(a, 3600, a.pipe.vae) == 5000, "another card's goes first"
    assert residency.make_room(a, 25_000, a.pipe.vae) == 20_000, "then the denoiser, which is done"
    assert residency.make_room(a, 90_000, a.pipe.vae) == 11_000 and gpu.here == [a.pipe.vae]
    run(a)


def test_retreat_clears_the_gpu_and_counts_the_rest(tiny: Tiny) -> None:
    gpu = Gpu(48_000)
    a = imaginary(tiny, gpu, text_encoder=Block(gpu, 11_000), transformer=Block(gpu, 20_000), vae=Block(gpu, 500))
    b = imaginary(tiny, gpu, text_encoder=Block(gpu, 4_000), transformer=Block(gpu, 5_000), vae=Block(gpu, 500))
    residency = place(a)
    for loaded in (b, a):
        residency.activate(loaded)
        run(loaded)
    assert residency.offload_all(keep=a.card.id) == 9500
    assert gpu.here == [] and residency.offload_all() == 0
    run(a)


# ---------------------------------------------------------------------------------------------- real tiny pipelines


def real(card: ModelCard, shared: SharedComponents, fit: Fit = MANAGED) -> LoadedModel:
    assert card.checkpoint is not None
    machine = Machine(
        "cpu:0", "a processor taken for a GPU", 1 << 34, 1 << 34, free_vram=lambda: 1 << 33, free_ram=lambda: 1 << 33
    )
    pipe = load(card, Folders(Path(card.checkpoint.repo)), fit, lambda progress: None, shared)
    return LoadedModel(card, pipe, FAMILY, machine, fit)


def frames(loaded: LoadedModel, seed: int = 3) -> Any:
    from PIL import Image

    picture = Image.linear_gradient("L").resize((64, 64)).convert("RGB")
    generator = torch.Generator().manual_seed(seed)
    loaded.pipe.set_progress_bar_config(disable=True)
    return loaded.pipe(
        picture, prompt="waves", negative_prompt="", height=64, width=64, num_frames=5, num_inference_steps=2,
        generator=generator, output_type="np",
    ).frames[0]  # fmt: skip


def same(frames: Any, others: Any) -> bool:
    """Alike to rounding: a moved tensor is aligned otherwise than a mapped one, and a processor adds up in another order."""
    return bool(abs(frames - others).max() < 1e-3)


def test_two_real_cards_are_switched_and_every_component_is_heard(tiny: Tiny) -> None:
    shared = SharedComponents()
    cards = [real(tiny("wan21_i2v"), shared), real(tiny("wan22_a14b"), shared)]
    plain = [frames(loaded) for loaded in cards]
    residency = Residency(cards[0].machine)
    for number in (0, 1, 0, 1):
        residency.activate(cards[number])
        assert same(frames(cards[number]), plain[number])
        assert set(cards[number].modules.values()) <= set(residency.list_here()), "every component was brought to run"
    assert cards[1].pipe.text_encoder is cards[0].pipe.text_encoder
    for loaded in cards:
        residency.detach(loaded)
        assert not any(hasattr(module, "_hf_hook") for module in loaded.modules.values() if loaded is cards[1])
    assert same(frames(cards[0]), plain[0])


def test_a_grouped_card_streams_its_denoisers_and_can_be_placed_back(tiny: Tiny) -> None:
    loaded = real(tiny("wan22_a14b"), SharedComponents(), GROUPED)
    plain = frames(loaded)
    residency = Residency(loaded.machine)
    residency.activate(loaded)
    assert set(residency.find_streamed(loaded)) == {"transformer", "transformer_2"}
    assert all(hasattr(block, "_diffusers_hook") for block in loaded.pipe.transformer.blocks)
    assert same(frames(loaded), plain)
    residency.activate(loaded)
    assert same(frames(loaded), plain)
    residency.detach(loaded)
    assert not any(hook for block in loaded.pipe.transformer.blocks for hook in block._diffusers_hook.hooks if "group" in hook)
    loaded.fit = MANAGED
    residency.activate(loaded)
    assert residency.find_streamed(loaded) == {} and same(frames(loaded), plain)


def test_the_denoiser_leaves_before_a_decode_that_does_not_fit_beside_it(tiny: Tiny) -> None:
    loaded = real(tiny("wan22_ti2v_5b"), SharedComponents(), RESIDENT)
    card, vae = loaded.card, loaded.pipe.vae
    loaded.card = nouns.replace(
        card, checkpoint=nouns.replace(card.checkpoint, needs=nouns.replace(card.checkpoint.needs, activation=1e-9))
    )
    latents = torch.zeros((1, vae.config["z_dim"], 2, 8, 8))
    whole = round(vae_decode.HEADROOM * vae_decode.estimate_bytes(vae, tuple(latents.shape), 4, vae_decode.WHOLE))
    size = whole + count_module_bytes(vae) + count_module_bytes(loaded.pipe.text_encoder)
    loaded.machine = replace(loaded.machine, free_vram=lambda: size - sum(map(count_module_bytes, residency.list_here())))
    residency = Residency(loaded.machine)
    residency.activate(loaded)
    assert set(residency.list_here()) == set(loaded.modules.values())
    for room in (False, True):
        leave = (lambda needed: residency.make_room(loaded, needed, vae)) if room else (lambda needed: None)
        decoding = vae_decode.Decoding(vae, loaded.machine.free_vram, lambda: None, leave)
        with torch.inference_mode():
            frames = torch.cat(list(decoding.decode(vae.decode, Call(latents))), 2)
        assert [choice.value for choice in decoding.choices] == ([] if room else ["in tiles"])
        assert residency.copies.is_here(loaded.pipe.transformer) != room and residency.copies.is_here(vae)
    assert residency.copies.traffic.from_device == 0 and frames.shape[1] == 3
    residency.activate(loaded)
    assert residency.copies.is_here(loaded.pipe.transformer), "the next run brings it back"


def find_parameters(part: Any) -> list[torch.Tensor]:
    """Of a module, or of a group of weights that lie in none of its modules."""
    return list(part.parameters()) if isinstance(part, nn.Module) else list(part.parameters)


@pytest.mark.parametrize("name", ["wan22_ti2v_5b", "ltx_i2v", "hunyuan15_i2v", "framepack", "svd"])
def test_two_blocks_at_a_time_are_there_while_a_denoiser_is_streamed_with_a_stream(
    tiny: Tiny, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """diffusers' way with streams, prefetching and all, on a processor whose stream has nothing to wait for."""
    card = tiny(name)
    pipe = load_tiny(card)
    denoiser = getattr(pipe, card.checkpoint.denoisers[0])
    for blocks in denoiser.children():
        if isinstance(blocks, nn.ModuleList) and name != "svd":  # whose blocks follow each other by their channels
            blocks.extend([copy.deepcopy(one) for _ in range(2) for one in blocks])
    asked = request(card, steps=card.checkpoint.steps.least)
    plain = tiny_run(pipe, card, asked).frames
    monkeypatch.setattr(torch.cpu.Stream, "synchronize", lambda self: None, raising=False)
    attach_streaming(denoiser, torch.device("cpu:0"), blocks=True, stream=torch.cpu.Stream())
    groups = [group for group in list_groups(denoiser) if group.offload_leader is not denoiser]
    outside = [group for group in list_groups(denoiser) if group.offload_leader is denoiser]
    rest = {one: one.data_ptr() for group in outside for part in (group, *group.modules) for one in find_parameters(part)}
    hosts = [{one: host.data_ptr() for one, host in group.cpu_param_dict.items()} for group in groups]
    most = [0]

    def count(*_: Any) -> None:
        here = sum(any(one.data_ptr() != place for one, place in host.items() if one.requires_grad) for host in hosts)
        most[0] = max(most[0], here)

    hooks = [one.register_forward_pre_hook(count) for one in denoiser.modules() if isinstance(one, nn.Linear)]
    made = [tiny_run(pipe, card, asked).frames for _ in range(2)]
    for hook in hooks:
        hook.remove()
    remove_streaming(denoiser)
    assert same(made[0], plain) and same(made[1], plain)
    assert 1 <= most[0] <= 2 and len(groups) >= 4, "the one that computes, and the next"
    assert all(one.data_ptr() == place for host in hosts for one, place in host.items()), "nothing is left there"
    assert rest and all(one.data_ptr() == place for one, place in rest.items()), "what is outside of blocks is copied back"


def test_a_stop_acts_before_a_component_is_pinned(tiny: Tiny) -> None:
    loaded, seen = real(tiny("wan22_a14b"), SharedComponents(), GROUPED), list[Any]()
    plain, residency = frames(loaded), Residency(loaded.machine)

    def stop(progress: Any) -> None:
        seen.append(progress)
        if len(seen) == 2:
            raise Stopped

    with pytest.raises(Stopped):
        residency.activate(loaded, stop)
    assert seen == [MOVING] * 2
    residency.activate(loaded, seen.append)
    assert len(seen) == 3, "the first is streamed already"
    residency.activate(loaded, pytest.fail)
    assert same(frames(loaded), plain)


def test_an_encoder_that_never_fits_alone_is_streamed_too(tiny: Tiny) -> None:
    loaded = real(tiny("wan22_ti2v_5b"), SharedComponents(), GROUPED)
    plain = frames(loaded)
    loaded.machine = Machine("cpu:0", "a small GPU", 2_000_000_000 + 50_000, 1 << 34, free_vram=lambda: 1 << 33)
    assert count_module_bytes(loaded.pipe.text_encoder) > 50_000
    residency = Residency(loaded.machine)
    residency.activate(loaded)
    assert set(residency.find_streamed(loaded)) == {"transformer", "text_encoder"}
    assert same(frames(loaded), plain)


def test_streaming_and_narrow_weights_go_together(tiny: Tiny) -> None:
    loaded = real(tiny("wan22_ti2v_5b"), SharedComponents(), GROUPED)
    store_fp8(loaded.pipe, loaded.card.checkpoint)
    plain = frames(loaded)
    residency = Residency(loaded.machine)
    residency.activate(loaded)
    assert same(frames(loaded), plain)


def test_on_a_processor_nothing_is_placed(tiny: Tiny) -> None:
    loaded = real(tiny("wan22_ti2v_5b"), SharedComponents(), RESIDENT)
    residency = Residency(Machine("cpu", "a processor", 0, 1 << 34))
    residency.activate(loaded)
    assert not any(hasattr(module, "_hf_hook") for module in loaded.modules.values())
    assert residency.count_gpu_bytes(loaded) == 0 and residency.offload_all() == 0


# ------------------------------------------------------------------------------------------------- GPU lock

HOLD = """
import sys, time
from pathlib import Path
from studio.engines.diffusion.memory.gpu_lock import GpuLock
with GpuLock("cuda:0", Path(sys.argv[1])).hold(lambda progress: None):
    print("mine", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def other(tmp_path: Path):
    """Another process that holds the GPU lock until it is told to go on."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "mine\n"
    yield process
    process.kill()
    process.wait()


def test_the_lock_is_waited_for_and_seen_to_be_wanted(tmp_path: Path, other: subprocess.Popen[str]) -> None:
    lock, notes, got = GpuLock("cuda:0", tmp_path), list[str](), threading.Event()
    assert lock.is_held_elsewhere() and not lock.is_wanted()

    def wait() -> None:
        with lock.hold(lambda progress: notes.append(progress.note)):
            got.set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    while not notes:
        time.sleep(0.01)
    assert GpuLock("cuda:0", tmp_path).is_wanted() and not got.is_set()
    assert not GpuLock("cuda:1", tmp_path).is_held_elsewhere(), "each GPU has its own lock"
    assert other.stdin is not None
    other.stdin.write("\n")
    other.stdin.flush()
    waiting.join(30)
    assert got.is_set() and not lock.is_wanted() and not lock.is_held_elsewhere()


def test_a_wait_for_the_lock_can_be_stopped_and_a_dead_process_has_none(tmp_path: Path, other: subprocess.Popen[str]) -> None:
    def stop(progress: Any) -> None:
        raise Stopped

    lock = GpuLock("cuda:0", tmp_path)
    with pytest.raises(Stopped), lock.hold(stop):
        pytest.fail("it isn't ours")
    other.kill()
    other.wait()
    with lock.hold(stop):
        pass


def test_where_there_are_no_locks_nobody_waits(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    lock = GpuLock("cuda:0", blocked / "below")
    with lock.hold(lambda progress: pytest.fail("waited")):
        assert not lock.is_wanted() and not lock.is_held_elsewhere()
