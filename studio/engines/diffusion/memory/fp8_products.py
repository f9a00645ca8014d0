"""fp8 products: linear layers of a denoiser's blocks that multiply in 8-bit floats (e4m3), and which they are.

Weights are rounded once, with a scale for each output channel; activations at every call, with a scale for each token;
the product is torch._scaled_mm, accumulated in float32. torchao's Float8DynamicActivationFloat8WeightConfig does the
same, but (0.18) rounds only on a GPU that has such products, and its weights are a tensor subclass: these here are
plain tensors, which load, stream, pin and copy as any other, and a processor runs them too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

import torch
from torch import nn

LARGEST = 448.0
"""The largest number of e4m3 (OCP 8-bit floating point, 4 bits of exponent and 3 of mantissa)."""

MULTIPLE = 16
"""Both sides of a weight have to be multiples of this: torch._scaled_mm takes no others."""

ROWS = 128
"""Rows of a weight that are rounded at a time. With 5120 numbers each 1.9 GB of bfloat16 are rounded in a second of one
core (AMD EPYC); 1024 rows are slower by five, for their copies in float32 are new memory each time."""


def quantise_rows(rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows (rows, numbers) in e4m3, and the float32 scale of each (rows, 1): values times scale are the rows again."""
    scale = (rows.abs().amax(1, keepdim=True).float() / LARGEST).clamp_min(1e-12)
    return (rows.float() / scale).clamp(-LARGEST, LARGEST).to(torch.float8_e4m3fn), scale


def multiply(rows: torch.Tensor, weight: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """Rows (tokens, in) times a weight (out, in) in e4m3 with its scale (1, out): (tokens, out), in the rows' dtype.

    On a GPU the product comes out in bfloat16, the only dtype its kernels with a scale for each row have.
    """
    values, scales = quantise_rows(rows.contiguous())  # the product takes rows that lie one after the other
    dtype = rows.dtype if rows.device.type == "cpu" else torch.bfloat16
    product: Any = torch._scaled_mm  # pyright: ignore[reportPrivateUsage, reportPrivateImportUsage] - what torchao calls
    out = product(values, weight.t(), scale_a=scales, scale_b=scale, out_dtype=dtype, use_fast_accum=True)
    return out.to(rows.dtype)


class Fp8Linear(nn.Module):
    """A linear layer whose product runs in e4m3. `weight` (out, in) is e4m3, `scale` (1, out) float32."""

    def __init__(self, weight: torch.Tensor, bias: nn.Parameter | None) -> None:
        super().__init__()
        self.out_features, self.in_features = weight.shape
        values = torch.empty(weight.shape, dtype=torch.float8_e4m3fn, device=weight.device)
        scale = torch.empty(1, len(weight), dtype=torch.float32, device=weight.device)
        for first in range(0, len(weight), ROWS):
            part = slice(first, first + ROWS)
            values[part], scales = quantise_rows(weight[part])
            scale[:, part] = scales.t()
        self.weight = nn.Parameter(values, requires_grad=False)
        self.scale = nn.Parameter(scale, requires_grad=False)
        self.bias = bias

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(..., in) to (..., out), in the dtype that comes in."""
        out = multiply(x.reshape(-1, x.shape[-1]), self.weight, self.scale)
        if self.bias is not None:
            out = out + self.bias
        return out.reshape(*x.shape[:-1], out.shape[-1])


def find_blocks(denoiser: nn.Module) -> list[nn.Module]:
    """The blocks of a denoiser: what its own lists of modules hold."""
    lists = [child for child in denoiser.children() if isinstance(child, nn.ModuleList)]
    return [block for each in lists for block in each]


def has_products(denoiser: nn.Module) -> bool:
    """Whether any layer of a denoiser multiplies in fp8."""
    return any(isinstance(module, Fp8Linear) for module in denoiser.modules())


def list_layers(denoiser: nn.Module, keep: Sequence[str]) -> dict[str, nn.Module]:
    """The linear layers of a denoiser's blocks by their path, without those that `keep` names; LoRAs on them included.

    `keep` names modules by path without the block's number: "transformer_blocks.norm1" is that of every block. What
    lies outside of the blocks is never among them.
    """
    found: dict[str, nn.Module] = {}
    for name, child in denoiser.named_children():
        if isinstance(child, nn.ModuleList):
            for number, block in enumerate(child):
                for path, layer in _walk_linears(block):
                    if not is_named(f"{name}.{path}", keep):
                        found[f"{name}.{number}.{path}"] = layer
    return found


def is_named(path: str, keep: Sequence[str]) -> bool:
    """Whether a module's path is one of these names, or lies within one."""
    return any(path == name or path.startswith(name + ".") for name in keep)


def _walk_linears(module: nn.Module, path: str = "") -> Iterator[tuple[str, nn.Module]]:
    """Every linear layer in a module with its path; a LoRA's layer stands for the one it wraps."""
    for name, child in module.named_children():
        here = f"{path}.{name}".lstrip(".")
        if isinstance(getattr(child, "base_layer", child), nn.Linear):
            yield here, child
        else:
            yield from _walk_linears(child, here)


def is_even(layer: Any) -> bool:
    """Whether a linear layer has a shape that torch._scaled_mm takes."""
    base: nn.Linear = getattr(layer, "base_layer", layer)
    return not (base.in_features % MULTIPLE or base.out_features % MULTIPLE)


def convert(denoiser: nn.Module, keep: Sequence[str]) -> int:
    """Have a denoiser's blocks multiply in fp8; returns how many layers were changed. Twice is once.

    A LoRA is merged into its layer first, in float32, and rounded with it. Layers of odd shapes stay as they are, with
    their LoRA beside them.
    """
    count = 0
    for path, layer in list_layers(denoiser, keep).items():
        if is_even(layer):
            weight, bias = _merge_lora(layer)
            parent, _, name = path.rpartition(".")
            setattr(denoiser.get_submodule(parent), name, Fp8Linear(weight, bias))
            count += 1
    return count


def _merge_lora(layer: Any) -> tuple[torch.Tensor, nn.Parameter | None]:
    """A layer's weight with its active LoRAs in it, in float32 where there are any; and its bias as it is."""
    base: nn.Linear = getattr(layer, "base_layer", layer)
    if base is layer:
        return base.weight.detach(), base.bias
    dtype, bias = base.weight.dtype, cast("nn.Parameter | None", base.bias)
    layer.float()
    layer.merge(adapter_names=list(layer.active_adapters))
    if bias is not None:
        base.bias = nn.Parameter(base.bias.detach().to(dtype), requires_grad=False)
    return base.weight.detach(), base.bias
