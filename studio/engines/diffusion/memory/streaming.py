"""Streaming a component to the device, block by block or leaf by leaf, by diffusers' group offloading.

With a stream, diffusers 0.42.1 keeps the host's tensors and drops the device's when a group leaves (`cpu_param_dict`):
nothing is copied back. Two of its options are not used. `record_stream` lets the processor run ahead of the device and
ask for all blocks while the first one computes, each kept until its event has passed: a long clip's denoiser is then on
the device as a whole. Without it a group waits for its computation before it leaves, two are there at a time, and from
pinned memory copies overlap with it all the same. And pinning as it goes (`low_cpu_mem_usage`) pins every block anew in
every step, at 1.65 GB/s where plain memory is copied at 8.5: groups here copy from what they have, pinned once or not.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import torch
from diffusers.hooks.group_offloading import (
    GroupOffloadingConfig,
    GroupOffloadingType,
    _apply_group_offloading,  # pyright: ignore[reportPrivateUsage] - the public door takes no stream of ours
)
from diffusers.hooks.hooks import HookRegistry
from torch import nn
from torch.utils._python_dispatch import (
    is_traceable_wrapper_subclass,  # pyright: ignore[reportPrivateImportUsage] - torch's own name for such tensors
)

from studio.engines.diffusion.memory.host_copies import list_inner
from studio.engines.diffusion.memory.pinned_memory import Pinner, is_pinnable

_GROUP_HOOKS = ("group_offloading", "layer_execution_tracker", "lazy_prefetch_group_offloading")


def attach_streaming(module: nn.Module, device: torch.device, blocks: bool, stream: Any = None) -> None:
    """Stream a component: by `blocks` where it has them and that is asked, else by leaves (transformers' encoders).

    `stream` is what copies are queued on; by default a new one, where the device has streams: a processor that stands
    for a GPU hasn't. Leaves nothing attached when it fails.
    """
    if stream is None and device.type != "cpu":
        stream = torch.get_device_module(device).Stream(device)
    by_blocks = blocks and any(isinstance(one, nn.ModuleList) for one in module.children())
    config = GroupOffloadingConfig(
        onload_device=device,
        offload_device=torch.device("cpu"),
        offload_type=GroupOffloadingType.BLOCK_LEVEL if by_blocks else GroupOffloadingType.LEAF_LEVEL,
        non_blocking=False,
        record_stream=False,
        low_cpu_mem_usage=True,
        num_blocks_per_group=1,
        stream=stream,
        block_modules=getattr(module, "_group_offload_block_modules", None),
        exclude_kwargs=getattr(module, "_skip_keys", None),
    )
    try:
        _apply_group_offloading(module, config)
    except BaseException:
        remove_streaming(module)  # half a set of hooks would be taken for a whole one
        raise
    for group in list_groups(module):
        keep_host_copies(group, stream)
        copy_as_they_are(group)


def keep_host_copies(group: Any, stream: Any) -> None:
    """Have a group leave as the others do: what lies outside of blocks gets no stream from diffusers, and so would be
    copied back after every pass (of Wan 14B 0.45 GB, at 1.2 GB/s). It still comes at once, before it is used.
    """
    if group.stream is None and stream is not None:
        group.stream, group.low_cpu_mem_usage = stream, True
        group.cpu_param_dict = group._init_cpu_param_dict()


def copy_as_they_are(group: Any) -> None:
    """Have a group copy its host tensors as they are, pinned or plain, instead of pinning them each time."""
    group._pinned_memory_tensors = functools.partial(nullcontext, group.cpu_param_dict)


def return_to_host(group: Any) -> None:
    """Have a group leave for good: its buffers too, which diffusers leaves on the device."""
    group.offload_()
    for tensor, host in group.cpu_param_dict.items():
        if not is_traceable_wrapper_subclass(host):
            tensor.data = host


def list_groups(module: nn.Module) -> Iterator[Any]:
    """The groups of weights that come and leave together (diffusers' ModuleGroup)."""
    for part in module.modules():
        registry: Any = getattr(part, "_diffusers_hook", None)
        hook = registry.get_hook(_GROUP_HOOKS[0]) if registry is not None else None
        if hook is not None:
            yield hook.group


def pin_streamed(module: nn.Module | None, pinner: Pinner) -> None:
    """Put a streamed component's host copies into pinned memory, group by group, as far as the budget goes.

    May be called while it runs: a group takes up its pinned tensors the next time it comes.
    """
    for group in list_groups(module) if module is not None else ():
        hosts: dict[Any, Any] = group.cpu_param_dict
        plain = [one for one, host in hosts.items() if not is_traceable_wrapper_subclass(host) and is_pinnable(host)]
        inner = [piece for host in hosts.values() if is_traceable_wrapper_subclass(host) for piece in list_inner(host)]
        tensors = [*(hosts[one] for one in plain), *(getattr(*piece) for piece in inner)]
        copies = pinner.pin(tensors) if tensors else []
        if copies is None:
            return
        for one, copy in zip(plain, copies, strict=False):
            hosts[one] = copy
        for piece, copy in zip(inner, copies[len(plain) :], strict=True):
            setattr(*piece, copy)


def remove_streaming(module: nn.Module) -> None:
    """Stop streaming a component, also one that it was only begun on; its weights are the host's again."""
    for group in list_groups(module):
        return_to_host(group)
    registry = HookRegistry.check_if_exists_or_initialize(module)
    for name in _GROUP_HOOKS:
        registry.remove_hook(name, recurse=True)
