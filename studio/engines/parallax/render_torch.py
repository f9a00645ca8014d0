"""Draws frames on a GPU through torch: the same sheets, camera and colours as render.py.

A shot with effects is painted by the processor (render.py), for its effects change sheets and places there.
Nothing here is believed unseen: the first frame is painted by both, and the GPU is used where they are alike
(`renderer`). torch is imported on first use, and only where the driver of an NVIDIA GPU is.

Places are solved on render.py's grid of a quarter of the frame and stretched alike (bilinear, one guard cell all
round). Where render.py lets the cell of a solid sheet look there only, and composes along outlines, here all sheets are
composed everywhere: the same picture but for rounding, as 8-bit steps come once, at the end.
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from studio.engines.base import Image
from studio.engines.parallax import yuv
from studio.engines.parallax.camera_path import Pose, half_frame
from studio.engines.parallax.projection import STEPS, Framing, homography, pixels
from studio.engines.parallax.sheets import CELL, Sheet
from studio.nouns import Choice

if TYPE_CHECKING:
    import torch

    from studio.engines.parallax.shot_setting import Setting

LEAST_SIDE = 720
"""The short side from which a clip is worth it: smaller ones are painted before a GPU has been woken."""

LEAST_LIKENESS = 40.0
"""Decibels by which the GPU's first frame must be like the processor's, brightness and colours each."""


class Painter(Protocol):
    """What paints frames one after the other."""

    def paint(self, pose: Pose, t: float) -> Image:
        """The frame of a pose at time t (0..1) of the clip: I420, (height * 3 // 2, width) uint8."""
        ...


class TorchRenderer:
    """Draws frames of one scene in one framing on a torch device. Not for several threads at once."""

    def __init__(self, sheets: tuple[Sheet, ...], size: tuple[int, int], framing: Framing, device: str) -> None:
        """`size`: (width, height) of the frame, even. Raises torch's own errors, as where device memory is short."""
        import torch

        self.width, self.height = size
        self._framing, self._half, self._device = framing, half_frame(*size), torch.device(device)
        self._sheets = sheets
        self._disparities = [self._upload(sheet.disparity[..., None]) for sheet in sheets]
        self._luma = [self._upload(sheet.texture[..., [0, 3]]) for sheet in sheets]
        self._chroma = [self._upload(sheet.chroma[..., 1:]) for sheet in sheets]
        across, down = (torch.arange(-1, -(-side // CELL) + 1, dtype=torch.float32) for side in size)
        self._x = (((across + 0.5) * (2 * CELL / self.width) - 1) * self._half[0]).to(self._device)[None]
        self._y = (((down + 0.5) * (2 * CELL / self.height) - 1) * self._half[1]).to(self._device)[:, None]
        pinned = self._device.type == "cuda"
        self._frame = torch.empty((self.height * 3 // 2, self.width), dtype=torch.uint8, pin_memory=pinned)

    def _upload(self, picture: np.ndarray[Any, Any]) -> torch.Tensor:
        """(H, W, c) as (1, c, H, W) float32 on the device."""
        import torch

        planes = torch.from_numpy(np.ascontiguousarray(picture)).to(self._device)
        return planes.permute(2, 0, 1)[None].float().contiguous()

    def paint(self, pose: Pose, t: float) -> Image:
        """The frame of a pose, I420, (height * 3 // 2, width) uint8; nothing moves by itself, so `t` says nothing."""
        import torch

        del t
        with torch.inference_mode():
            at = [self._find(index, pose) for index in range(len(self._sheets))]
            luma = self._compose(at, self._luma, 1)[0, 0]
            chroma = self._compose(at, self._chroma, 2)[0, :2].reshape(-1, self.width)
            frame = torch.cat([luma, chroma]).round_().clamp_(0, 255).to(torch.uint8)
            self._frame.copy_(frame, non_blocking=True)  # into memory that the GPU writes by itself
            if self._device.type == "cuda":
                torch.cuda.current_stream(self._device).synchronize()
        return self._frame.numpy().copy()

    def _find(self, index: int, pose: Pose) -> torch.Tensor:
        """Where every cell, with a guard all round, looks for a sheet: (1, 2, rows, columns) in its disparity map's
        pixels.
        """
        import torch

        disparity = self._disparities[index]
        rows, columns = disparity.shape[2:]
        turn = homography(pose, self._framing, self._half, (columns, rows))
        a, b, c, d, e, f, g, h, i = (float(value) for value in turn.reshape(-1))
        below = 1 / (g * self._x + h * self._y + i)
        u, v = (a * self._x + b * self._y + c) * below, (d * self._x + e * self._y + f) * below
        m, (cx, cy, cz) = pixels(self._half, (columns, rows)), pose.centre
        right = float(m[0, 0] * cx + m[0, 2] * cz) - float(cz) * u
        down = float(m[1, 1] * cy + m[1, 2] * cz) - float(cz) * v
        seen = disparity.mean()
        for _ in range(STEPS if pose.centre.any() else 1):
            seen = _look(disparity, u + seen * right, v + seen * down, "border")[0, 0]
        return torch.stack([u + seen * right, v + seen * down])[None]

    def _compose(self, at: list[torch.Tensor], textures: list[torch.Tensor], shrink: int) -> torch.Tensor:
        """The sheets' pictures, their last channel alpha, far to near over each other: (1, c, H, W) over `shrink`,
        0..255.
        """
        total: torch.Tensor | None = None
        for grid, disparity, texture in zip(at, self._disparities, textures, strict=True):
            x, y = self._stretch(grid, disparity, texture, shrink)
            seen = _look(texture, x, y, "border" if total is None else "zeros")
            total = seen if total is None else total * (1 - seen[:, -1:] / 255) + seen
        assert total is not None
        return total

    def _stretch(
        self, grid: torch.Tensor, disparity: torch.Tensor, texture: torch.Tensor, shrink: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Where every pixel looks in a sheet's texture, or where `shrink` is 2 in its chroma: as `outline.scale` has
        it.
        """
        import torch

        times, height, width = CELL // shrink, self.height // shrink, self.width // shrink
        full = torch.nn.functional.interpolate(grid, scale_factor=times, mode="bilinear", align_corners=False)
        x, y = full[0, :, times : times + height, times : times + width]
        (rows, columns), (tall, wide) = disparity.shape[2:], texture.shape[2:]
        lean: torch.Tensor | float = 0.0
        if shrink == 2:  # colour lies half a pixel of the frame left (colour.py)
            middle = grid[0, 0, grid.shape[2] // 2]
            lean = 0.5 * (middle[-1] - middle[0]) / (CELL * (middle.shape[0] - 1))
        return (x + 0.5 - lean) * (wide / columns) - 0.5, (y + 0.5) * (tall / rows) - 0.5


def _look(picture: torch.Tensor, x: torch.Tensor, y: torch.Tensor, beyond: str) -> torch.Tensor:
    """A picture (1, c, H, W) at places (h, w) in its pixels, bilinear: (1, c, h, w). beyond its border: "border" or
    "zeros".
    """
    import torch

    height, width = picture.shape[2:]
    places = torch.stack([(2 * x + 1) / width - 1, (2 * y + 1) / height - 1], -1)[None]
    return torch.nn.functional.grid_sample(picture, places, mode="bilinear", padding_mode=beyond, align_corners=False)


@cache
def has_driver() -> bool:
    """Whether the driver of an NVIDIA GPU is installed: known without torch, which takes seconds to import."""
    if sys.platform == "darwin":
        return False
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True


def renderer(
    slow: Painter, setting: Setting, size: tuple[int, int], stirred: bool, device: str = ""
) -> tuple[Painter, tuple[Choice, ...]]:
    """What paints a shot: the GPU where there is one and its first frame is what `slow` paints, else `slow`.

    And the choice to tell, none where there is no GPU to choose. stirred: whether effects are at work. device: a torch
    device, looked for unless named.
    """
    found = device or _find_device(size)
    if not found:
        return slow, ()
    if stirred:
        return slow, (
            Choice("painting", "processor", "what moves by itself is painted by the processor, not by the GPU"),
        )
    try:
        fast = TorchRenderer(setting.sheets, size, setting.framing, found)
        like = likeness(fast.paint(setting.poses[0], 0), slow.paint(setting.poses[0], 0))
    except RuntimeError as error:  # out of memory among them
        return slow, (
            Choice("painting", "processor", f"the GPU couldn't paint this scene ({str(error).splitlines()[0][:80]})"),
        )
    if like < LEAST_LIKENESS:
        why = f"the GPU's first frame was not the processor's ({like:.0f} dB, {LEAST_LIKENESS:.0f} are asked for)"
        return slow, (Choice("painting", "processor", why),)
    return fast, (
        Choice("painting", "GPU", f"its first frame is the processor's to {like:.0f} dB, and nothing moves by itself"),
    )


def _find_device(size: tuple[int, int]) -> str:
    """The torch device that frames of this size may be painted on, "" where there is none."""
    if min(size) < LEAST_SIDE or not has_driver():
        return ""
    import torch

    return "cuda" if torch.cuda.is_available() else ""


def likeness(one: Image, other: Image) -> float:
    """The peak signal-to-noise ratio of two I420 frames in dB, of brightness, U and V the least; 99 where they are
    equal.
    """
    height = one.shape[0] * 2 // 3
    pairs = [(one[:height], other[:height]), *zip(yuv.colour_planes(one), yuv.colour_planes(other), strict=True)]
    off = max(float(np.mean((a.astype(np.float32) - b) ** 2)) for a, b in pairs)
    return 99.0 if off == 0 else float(10 * np.log10(255**2 / off))
