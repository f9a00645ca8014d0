"""Host copies of weights on a processor that plays a GPU ("cpu:0"): bytes that are copied, and numbers that stay the same.

Whatever leaves must be there again bit for bit: what was loaded, and what a run has changed or added.
"""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from bench import moves
from studio.cards import ModelCard
from studio.engines.diffusion.memory import pinned_memory
from studio.engines.diffusion.memory.host_copies import HostCopies, list_weights, replace_tensors
from studio.engines.diffusion.memory.loader import store_fp8
from studio.engines.diffusion.memory.machine import Machine
from studio.engines.diffusion.memory.model_cache import LoadedModel, count_model_bytes, count_module_bytes, count_tensor_bytes
from studio.engines.diffusion.memory.pinned_memory import PinnedMemory, Pinner, Stage, count_pinned_bytes, is_pinned, split_chunks
from studio.engines.diffusion.memory.placement import Fit
from studio.engines.diffusion.memory.residency import Residency, find_pinnable
from studio.engines.diffusion.memory.streaming import copy_as_they_are, pin_streamed, return_to_host
from tests.fakes.tiny import BUILDERS
from tests.fakes.tiny_runs import request, run

DEVICE = torch.device("cpu:0")
MANAGED: Any = Fit("yes", "", "", "managed", "published")
MACHINE = Machine("cpu:0", "a processor taken for a GPU", 1 << 34, 1 << 34, free_vram=lambda: 1 << 33, free_ram=lambda: 1 << 33)


def build_net(dtype: torch.dtype = torch.float32) -> nn.Module:
    """A small network with a buffer, a tied weight and a norm."""
    torch.manual_seed(1)
    net = nn.Sequential(nn.Linear(32, 32), nn.BatchNorm1d(32), nn.Linear(32, 32)).eval().requires_grad_(False)
    net[2].weight = net[0].weight
    net.register_buffer("table", torch.arange(32.0), persistent=False)
    return net.to(dtype)


def find_places(module: nn.Module) -> list[int]:
    """Where its weights lie."""
    return [tensor.data_ptr() for tensor, _ in list_weights(module)]


class Noting(Pinner):
    """A pinner with room for a gigabyte that notes where its memory lies."""

    def __init__(self) -> None:
        super().__init__(DEVICE, lambda: 10**9)
        self.places: set[int] = set()

    def pin(self, tensors: Any) -> Any:
        copies = super().pin(tensors)
        self.places |= {one.untyped_storage().data_ptr() for one in copies or ()}
        return copies


@pytest.fixture
def pinner() -> Iterator[Noting]:
    """A pinner; afterwards nothing of what it pinned is held."""
    made = Noting()
    yield made
    gc.collect()
    assert not made.places & set(PinnedMemory.held), "pinned memory goes with the last tensor in it"


def count_pinned(net: nn.Module) -> int:
    """Bytes of its weights that lie in pinned memory."""
    return sum(tensor.nbytes for tensor, _ in list_weights(net) if is_pinned(tensor.data))


def test_coming_copies_once_and_leaving_copies_nothing() -> None:
    copies, net = HostCopies(DEVICE), build_net()
    waiting, size = find_places(net), count_module_bytes(net)
    numbers = [tensor.clone() for tensor, _ in list_weights(net)]
    for turn in (1, 2, 3):
        copies.bring(net)
        copies.bring(net)
        assert copies.is_here(net) and not set(find_places(net)) & set(waiting)
        assert copies.traffic.to_device == turn * size, "a tied weight comes once"
        copies.leave(net)
        assert not copies.is_here(net) and find_places(net) == waiting and copies.traffic.from_device == 0
    assert all(torch.equal(one, tensor) for one, (tensor, _) in zip(numbers, list_weights(net), strict=True))
    assert net[2].weight is net[0].weight


def test_what_changes_on_the_device_is_copied_back_and_nothing_else() -> None:
    copies, net = HostCopies(DEVICE), build_net()
    copies.bring(net)
    net[0].bias.add_(1.0)  # in place
    net[2].bias.data = net[2].bias.data * 2  # another tensor: a LoRA that is fused
    net.table = net.table.to(torch.float64).sin()  # a buffer that is made anew
    net.register_buffer("lazy", torch.full((4,), 3.0))
    net[0].register_parameter("lora", nn.Parameter(torch.ones(2, 2), requires_grad=False))
    net[1].running_mean.data = net[1].running_mean.double().float()  # the same numbers in another tensor, as SVD's VAE
    wanted = {name: tensor.clone() for name, tensor in (*net.named_parameters(), *net.named_buffers())}
    copies.leave(net)
    assert copies.traffic.from_device == sum(
        wanted[name].numel() * wanted[name].element_size() for name in ("0.bias", "2.bias", "table", "lazy", "0.lora")
    )
    copies.bring(net)
    copies.leave(net)
    found = dict((*net.named_parameters(), *net.named_buffers()))
    assert set(found) == set(wanted) and all(torch.equal(found[name], wanted[name]) for name in wanted)


def test_a_model_that_is_built_meanwhile_changes_nothing() -> None:
    """accelerate makes every parameter that any thread registers "meta" while it builds one."""
    from accelerate import init_empty_weights

    net = build_net()
    other = {id(net[0].weight): nn.Parameter(torch.ones(32, 32), requires_grad=False), id(None): torch.ones(1)}
    net[0].register_parameter("bias", None)
    with init_empty_weights():
        replace_tensors(net, other)
    assert net[2].weight is net[0].weight and not net[0].weight.is_meta and bool(net[0].weight.eq(1).all())
    assert net[0].bias is None


def test_what_comes_in_inference_mode_may_be_used_outside_and_odd_numbers_are_compared() -> None:
    copies, net = HostCopies(DEVICE), build_net()
    net[0].bias.data = net[0].bias.to(torch.float8_e4m3fn)
    net[1].running_mean[0] = float("nan")
    waiting = find_places(net)
    with torch.inference_mode():
        copies.bring(net)
    assert not any(tensor.is_inference() for tensor, _ in list_weights(net))
    for tensor in (net[0].bias, net[1].running_mean):
        tensor.data = tensor.data.clone()
    with torch.inference_mode():
        copies.leave(net)
    assert find_places(net) == waiting and copies.traffic.from_device == 0


def test_when_memory_runs_out_on_the_way_all_is_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    copies, net = HostCopies(DEVICE), build_net()
    waiting, copy, count = find_places(net), Stage.copy, [0]

    def fail(self: Stage, host: torch.Tensor) -> torch.Tensor:
        count[0] += 1
        if count[0] == 4:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return copy(self, host)

    monkeypatch.setattr(Stage, "copy", fail)
    with pytest.raises(torch.OutOfMemoryError):
        copies.bring(net)
    assert find_places(net) == waiting and not copies.is_here(net) and copies.traffic.from_device == 0
    copies.bring(net)
    assert copies.is_here(net)


@pytest.mark.parametrize("name", sorted(BUILDERS))
def test_every_family_takes_turns_and_nothing_is_copied_back(
    pipeline: Callable[[str], tuple[Any, ModelCard]], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe, card = pipeline(name)
    loaded = LoadedModel(card, pipe, None, MACHINE, MANAGED)  # pyright: ignore[reportArgumentType]
    asked = request(card, steps=card.checkpoint.steps.least)
    to, moved = nn.Module.to, list[Any]()

    def note(self: nn.Module, *given: Any, **named: Any) -> nn.Module:
        moved.extend(one for one in (*given, *named.values()) if isinstance(one, (str, torch.device)))
        return to(self, *given, **named)

    monkeypatch.setattr(nn.Module, "to", note)
    residency, sizes = Residency(MACHINE), {id(one): count_module_bytes(one) for one in loaded.modules.values()}
    made: list[Any] = []
    for _ in range(2):
        residency.activate(loaded)
        made.append(run(pipe, card, asked).frames)
        assert residency.list_here() and 0 < residency.count_gpu_bytes(loaded) <= count_model_bytes([loaded])
        assert count_model_bytes([loaded]) == sum(sizes.values()), "host memory holds it all the same"
        residency.offload_all()
    assert np.array_equal(*made)
    assert moved == [], "no library has moved a component by itself"
    assert residency.copies.traffic.from_device == 0
    assert residency.copies.traffic.to_device <= 3 * sum(sizes.values())
    assert {id(one): count_module_bytes(one) for one in loaded.modules.values()} == sizes
    residency.detach(loaded)
    residency.pinner.wait()


# ------------------------------------------------------------------------------------------------ weights stored in less


def count_again(copies: HostCopies, work: Callable[[], Any]) -> tuple[int, int, Any]:
    """What some work copied to the device and back, and what it gave."""
    before = copies.traffic.to_device, copies.traffic.from_device
    given = work()
    return copies.traffic.to_device - before[0], copies.traffic.from_device - before[1], given


def test_weights_that_hooks_widen_and_narrow_are_the_hosts_still(pipeline: Callable[[str], tuple[Any, ModelCard]]) -> None:
    from tests.fakes import tiny_runs

    _, card = pipeline("wan22_ti2v_5b")
    pipe = tiny_runs.load(card)
    store_fp8(pipe, card.checkpoint)
    copies, net, asked = HostCopies(DEVICE), pipe.transformer, request(card, steps=1)
    waiting, size = find_places(net), count_module_bytes(net)
    copies.bring(net)
    made = run(pipe, card, asked).frames
    assert count_again(copies, lambda: copies.leave(net))[:2] == (0, 0) and find_places(net) == waiting
    copies.bring(net)
    assert copies.traffic.to_device == 2 * size and np.array_equal(run(pipe, card, asked).frames, made)

    net.blocks[0].attn1.to_q.to(torch.float32)  # as a stop in the middle of this layer leaves it
    copies.leave(net)
    assert find_places(net) == waiting and copies.traffic.from_device == 0, "a layer that was left wide is narrow again"


def test_torchaos_int8_weights_take_turns(pinner: Pinner) -> None:
    torchao = pytest.importorskip("torchao.quantization", reason="torchao isn't installed")
    net = build_net(torch.bfloat16)
    torchao.quantize_(net, torchao.Int8WeightOnlyConfig(version=2))
    given = torch.randn(4, 32, dtype=torch.bfloat16)
    plain = net(given)
    guards = [weakref.ref(tensor) for tensor in net.parameters()]  # as what torch compiles has them
    copies = HostCopies(DEVICE, pinner)
    for _ in range(2):
        waiting = net[0].weight.qdata.data_ptr()
        copies.bring(net)
        assert net[0].weight.qdata.data_ptr() != waiting and torch.equal(net(given), plain)
        pinner.wait()
        copies.leave(net)
        assert is_pinned(net[0].weight.qdata) and torch.equal(net(given), plain)
    assert copies.traffic.from_device == 0
    assert all(guard() is one for guard, one in zip(guards, net.parameters(), strict=True)), "the same, where they wait"
    copies.bring(net)
    net[0].weight = nn.Parameter(net[0].weight.clone(), requires_grad=False)  # another stands there: it is the device's
    copies.leave(net)
    assert copies.traffic.from_device == count_tensor_bytes(net[0].weight) and torch.equal(net(given), plain)
    copies.release(net)


def test_gguf_weights_take_turns() -> None:
    gguf = pytest.importorskip("gguf", reason="gguf isn't installed")
    from diffusers.quantizers.gguf.utils import GGUFLinear, GGUFParameter

    stored = gguf.quants.quantize(
        np.random.default_rng(0).normal(size=(32, 64)).astype(np.float32), gguf.GGMLQuantizationType.Q8_0
    )
    net = GGUFLinear(64, 32, bias=False, compute_dtype=torch.float32)
    net.weight = GGUFParameter(torch.from_numpy(stored), quant_type=gguf.GGMLQuantizationType.Q8_0)
    given, waiting = torch.randn(4, 64), find_places(net)
    plain, copies = net(given), HostCopies(DEVICE)
    for _ in range(2):
        copies.bring(net)
        assert find_places(net) != waiting and torch.equal(net(given), plain)
        copies.leave(net)
        assert find_places(net) == waiting and torch.equal(net(given), plain)
    assert copies.traffic.from_device == 0 and net.weight.quant_type == gguf.GGMLQuantizationType.Q8_0


# ------------------------------------------------------------------------------------------------ pinned memory


def test_host_copies_are_pinned_once_in_the_background_and_given_back(pinner: Pinner) -> None:
    copies, net = HostCopies(DEVICE, pinner), build_net()
    numbers = [tensor.clone() for tensor, _ in list_weights(net)]
    copies.bring(net)
    pinner.wait()
    copies.leave(net)
    pinned = find_places(net)
    assert count_pinned(net) == count_module_bytes(net) <= count_pinned_bytes()
    for _ in range(2):
        copies.bring(net)
        pinner.wait()
        copies.leave(net)
    copies.release(net)
    again = HostCopies(DEVICE, pinner)
    again.bring(net)
    pinner.wait()
    again.release(net)
    assert find_places(net) == pinned, "never twice, not even after it was placed another way"
    assert all(torch.equal(one, tensor) for one, (tensor, _) in zip(numbers, list_weights(net), strict=True))


def test_a_component_that_leaves_while_it_is_pinned_keeps_its_numbers(pinner: Pinner, monkeypatch: pytest.MonkeyPatch) -> None:
    copies, net, pin = HostCopies(DEVICE, pinner), build_net(), Pinner.pin

    def pin_late(self: Pinner, tensors: Any) -> Any:
        made = pin(self, tensors)
        copies.leave(net)
        net[0].bias.add_(1.0)  # on the host, where a LoRA would be merged
        return made

    monkeypatch.setattr(Pinner, "pin", pin_late)
    wanted = net[0].bias + 1.0
    copies.bring(net)
    pinner.wait()
    assert torch.equal(net[0].bias, wanted) and not is_pinned(net[0].bias.data)


def test_what_is_let_go_of_is_not_held_until_its_turn_to_be_pinned() -> None:
    begin, busy = threading.Event(), Pinner(DEVICE, lambda: 10**9)
    busy.do_later(lambda: begin.wait(30) and None)
    copies, net = HostCopies(DEVICE, busy), build_net()
    copies.bring(net)
    copies.release(net)
    seen = weakref.ref(net[0])
    del net
    gc.collect()
    assert seen() is None
    begin.set()
    busy.wait()


def test_no_more_is_pinned_than_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pinned_memory, "CHUNK", 4096)
    left = [6000, 1000, 0]
    copies, net = HostCopies(DEVICE, small := Pinner(DEVICE, lambda: left.pop(0))), build_net()
    copies.bring(net)
    small.wait()
    copies.leave(net)
    assert 0 < count_pinned(net) <= 6000 and count_pinned(net) < count_module_bytes(net) and len(left) == 1
    assert [list(part) for part in split_chunks([3000, 3000, 1000, 9000, 1])] == [[0], [1, 2], [3], [4]]
    free = Machine("cpu:0", "", 0, 100 * 10**9, free_ram=lambda: 20 * 10**9)
    assert find_pinnable(free) == 20 * 10**9 - 2_500_000_000, "what the system needs stays free"
    assert find_pinnable(Machine("cpu:0", "", 0, 16 * 10**9, free_ram=lambda: 14 * 10**9)) == 8 * 10**9 - count_pinned_bytes()


def test_plain_memory_goes_through_two_buffers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pinned_memory, "STAGE", 1000)
    monkeypatch.setattr(pinned_memory, "LEAST_STAGED", 4000)
    stage, one, small = Stage(DEVICE), torch.randn(50, 70, dtype=torch.bfloat16), torch.randn(10)
    for host in (one, one.t(), small, torch.empty(0)):
        there = stage.copy(host)
        assert torch.equal(there, host) and (not host.numel() or there.data_ptr() != host.data_ptr())
        if host is one:
            assert list(PinnedMemory.held.values()).count(1000) == 2, "two buffers of the stage's size"
    monkeypatch.setattr(PinnedMemory, "allocate", lambda size, device: None)
    assert torch.equal(Stage(DEVICE).copy(one), one), "where nothing can be pinned it is copied as it is"


def test_streamed_groups_keep_the_hosts_tensors_and_take_up_pinned_ones(pinner: Pinner, monkeypatch: pytest.MonkeyPatch) -> None:
    """What streaming.py builds on in diffusers: with a stream a group that leaves is the host's again, with no copy."""
    from diffusers.hooks.group_offloading import ModuleGroup

    monkeypatch.setattr(torch.cpu.Stream, "synchronize", lambda self: None, raising=False)  # a processor is never behind
    net = build_net()
    waiting = find_places(net)
    group: Any = ModuleGroup(
        [net],
        offload_device=torch.device("cpu"),
        onload_device=DEVICE,
        offload_leader=net,
        stream=torch.cpu.Stream(),
        low_cpu_mem_usage=True,
    )  # pyright: ignore[reportArgumentType]
    assert sorted(host.data_ptr() for host in group.cpu_param_dict.values()) == sorted(waiting), "attaching copies nothing"
    copy_as_they_are(group)
    group.onload_()
    assert not set(find_places(net)) & set(waiting), "copied from plain memory, and nothing pinned for it"
    group.offload_()
    assert {one.data_ptr() for one in net.parameters()} < set(waiting) and net.table.data_ptr() not in waiting
    return_to_host(group)
    assert find_places(net) == waiting
    net._diffusers_hook = type("Registry", (), {"get_hook": lambda self, name: type("Hook", (), {"group": group})})()
    pin_streamed(net, pinner)
    group.onload_()
    return_to_host(group)
    assert not set(find_places(net)) & set(waiting) and all(is_pinned(tensor.data) for tensor, _ in list_weights(net))
    del net._diffusers_hook


# ------------------------------------------------------------------------------------------------ the bench


def test_the_moves_that_the_bench_measures_copy_what_they_must_and_nothing_back() -> None:
    size, block = 4 << 20, 1 << 20
    rows = {one.what: one for one in moves.measure_moves("cpu:0", size, block)}
    expected = {
        "a part comes for the first time, from plain memory": size // 2,
        "its host copy is pinned, meanwhile": 0,
        "it leaves": 0,
        "it takes its turn again": size // 2,
        "a model comes back": size,
        "one model makes room for another, which comes back": size,
        "and the other way round": size,
    }
    assert {what: one.to_device for what, one in rows.items()} == expected
    assert all(one.from_device == 0 and one.seconds > 0 for one in rows.values())
    assert all(rate > 0 for rate in moves.measure_ceilings("cpu:0", 1 << 20))
