"""How many bytes of tensors are alive at once, counted as they are made and let go of; without memory for any of them.

In torch's FakeTensorMode every operation gives tensors of the right shape and no numbers: a decode of a long clip at full size
by a published configuration is counted in a second. Workspaces of kernels aren't tensors and aren't counted.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class LiveTensors(TorchDispatchMode):
    """`most` bytes were alive at once, of all that was made while this was entered."""

    def __init__(self) -> None:
        super().__init__()
        self.most = self._now = 0
        self._storages: dict[int, tuple[int, int]] = {}  # how many tensors share each, and its bytes

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        for one in tree_leaves(made):
            if isinstance(one, torch.Tensor):
                self._note(one)
        return made

    def _note(self, tensor: torch.Tensor) -> None:
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        shared, _ = self._storages.get(key, (0, 0))
        self._storages[key] = shared + 1, size
        if not shared:
            self._now += size
            self.most = max(self.most, self._now)
        weakref.finalize(tensor, self._drop, key)

    def _drop(self, key: int) -> None:
        shared, size = self._storages.pop(key)
        if shared > 1:
            self._storages[key] = shared - 1, size
        else:
            self._now -= size


def count_most(make: Callable[[], Any], shape: tuple[int, ...], dtype: torch.dtype, run: Callable[[Any, Any], None]) -> int:
    """The most bytes alive in `run(module, input)`, the module's weights and the input not counted."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.no_grad(), FakeTensorMode():
            module, given = make().eval(), torch.empty(shape)
            with LiveTensors() as live:
                run(module, given)
    finally:
        torch.set_default_dtype(before)
    return live.most
