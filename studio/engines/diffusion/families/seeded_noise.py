"""The random numbers of a run: all from its one seeded generator, drawn on the processor and then moved, so that a seed
is the same clip on every device.

Most of diffusers draws so already when it is given such a generator (`randn_tensor`). Some of it draws on the device
and takes no other generator (Helios' and LTX's pipelines), or from none at all (I2VGen-XL's photo, the noise that some
LTX VAEs add): there `randn` and `rand` are torch's own but for where they draw (diffusers 0.42.1).
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

MODULES = (
    "diffusers.utils.torch_utils",
    "diffusers.pipelines.helios.pipeline_helios",
    "diffusers.pipelines.helios.pipeline_helios_pyramid",
    "diffusers.pipelines.ltx.pipeline_ltx_image2video",
    "diffusers.models.autoencoders.autoencoder_kl_ltx",
    "diffusers.models.autoencoders.autoencoder_kl_ltx2",
)
"""Modules of diffusers in which a run of one of the families draws random numbers by torch's own functions."""


class _Run(threading.local):
    """The generator of the run that this thread is at; None between runs."""

    generator: Any = None


_run = _Run()


class SeededTorch:
    """torch as seen by a module that draws: `randn` and `rand` draw where their generator is, which is the run's where
    none is given, and move what they drew to the device that was asked for. The rest is torch's."""

    def __init__(self, torch: Any) -> None:
        self._torch = torch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._torch, name)

    def randn(self, *size: Any, **named: Any) -> Any:
        """torch.randn."""
        return _draw(self._torch.randn, size, **named)

    def rand(self, *size: Any, **named: Any) -> Any:
        """torch.rand."""
        return _draw(self._torch.rand, size, **named)


def _draw(draw: Callable[..., Any], size: Any, generator: Any = None, device: Any = None, **named: Any) -> Any:
    generator = generator if generator is not None else _run.generator
    if generator is None:
        return draw(*size, device=device, **named)
    drawn = draw(*size, generator=generator, device=generator.device, **named)
    return drawn if device is None else drawn.to(device)


@contextmanager
def draw_from(generator: Any) -> Generator[None]:
    """In this thread all random numbers of diffusers' models and pipelines come from `generator` while this lasts."""
    for name in MODULES:
        module: Any = sys.modules.get(name)  # one that isn't imported doesn't run
        if module is not None and not isinstance(module.torch, SeededTorch):
            module.torch = SeededTorch(module.torch)
    before, _run.generator = _run.generator, generator
    try:
        yield
    finally:
        _run.generator = before


def rewind(state: Any) -> None:
    """Have this thread's run go on with the random numbers that followed when its generator was in this state."""
    _run.generator.set_state(state)
