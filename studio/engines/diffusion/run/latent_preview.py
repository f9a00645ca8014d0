"""The latent preview: latents as a small moving picture, while they are denoised.

Latents become colours by a linear map that is fitted to the model's own VAE. A preview costs a job nothing: latents are
copied, pictures are made in a thread of their own, and a preview that fails is none.
"""

from __future__ import annotations

import base64
import io
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.Image import Image as Picture

from studio.engines.diffusion.families.family import Family, Request
from studio.engines.diffusion.memory.memory_errors import find_exhausted
from studio.engines.diffusion.run.vae_decode import find_spatial_scale
from studio.helper_threads import Helpers

LONG_SIDE = 224
"""Pixels of a preview's long side."""

MAX_BYTES = 40_000
"""How large a preview may be as a data URL."""

MAX_FRAMES = 12
"""Frames of a preview: enough to see what moves."""

APART = 0.5
"""Seconds between two previews: at most two a second."""

GRID = 16
"""Latents along one side of the pictures the map is fitted to: 512 colours for at most 129 unknowns each."""

RIDGE = 1e-3
"""How strongly the map is kept small, as a share of the latents' own variance: some channels carry no colour at all."""


@dataclass(frozen=True)
class Colours:
    """The map from latents to colours: `weights` (channels, 3) and `bias` (3,), for RGB in 0..1."""

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]

    def paint(self, latents: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Latents (channels, frames, height, width) as uint8 RGB (frames, height, width, 3)."""
        seen = np.einsum("cfhw,cd->fhwd", latents, self.weights) + self.bias
        return (np.clip(np.nan_to_num(seen), 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)


class Palette:
    """The colours of each VAE in memory, fitted once and forgotten with it."""

    def __init__(self) -> None:
        self._fitted: weakref.WeakKeyDictionary[Any, Colours | None] = weakref.WeakKeyDictionary()

    def get_colours(self, pipe: Any, family: Family, picture: Picture) -> Colours | None:
        """The colours of this pipeline's VAE; None where they can't be had. `picture` is what the first fit is made
        with.
        """
        vae = getattr(pipe, "vae", None)
        if vae is None or not hasattr(vae, "encode"):
            return None
        if vae not in self._fitted:
            try:
                self._fitted[vae] = fit_colours(pipe, family, picture)
            except (RuntimeError, ValueError, MemoryError) as error:
                if find_exhausted(error):
                    return None  # there may be room the next time
                self._fitted[vae] = None
        return self._fitted[vae]


def fit_colours(pipe: Any, family: Family, picture: Picture) -> Colours:
    """Fit the colours of a pipeline's VAE by least squares: what it makes of the photo and of a field of colour
    patches.

    Only the VAE's encoder runs, on two small still pictures, without drawing any random number.
    """
    import torch

    side = find_spatial_scale(pipe.vae)
    stills = [
        picture.convert("RGB").resize((GRID * side, GRID * side), Image.Resampling.BILINEAR),
        make_patches(GRID * side),
    ]
    rows: list[NDArray[np.float32]] = []
    wanted: list[NDArray[np.float32]] = []
    with torch.no_grad():
        for still in stills:
            latents = family.normalise_latents(pipe, encode_still(pipe, np.asarray(still, dtype=np.float32) / 255.0))[
                0, :, 0
            ]
            channels, height, width = latents.shape
            rows.append(latents.float().cpu().numpy().reshape(channels, -1).T)
            small = still.resize((width, height), Image.Resampling.BOX)
            wanted.append(np.asarray(small, dtype=np.float32).reshape(-1, 3) / 255.0)
    return solve_colours(np.concatenate(rows), np.concatenate(wanted))


def encode_still(pipe: Any, pixels: NDArray[np.float32]) -> Any:
    """What the VAE makes of one still (height, width, 3) in 0..1: (1, channels, 1, rows, columns), in its own space."""
    import torch

    vae = pipe.vae
    still = torch.from_numpy(pixels).permute(2, 0, 1)[None] * 2.0 - 1.0
    moving = any(isinstance(module, torch.nn.Conv3d) for module in vae.encoder.modules())
    still = still.to(device=pipe._execution_device, dtype=vae.dtype)
    encoded = vae.encode(still[:, :, None] if moving else still)
    latents = encoded.latent_dist.mode() if hasattr(encoded, "latent_dist") else encoded.latent
    return latents if moving else latents[:, :, None]


def make_patches(side: int) -> Picture:
    """A field of 8 x 8 colours from all over the cube, the same every time, as a square picture."""
    chosen = np.random.default_rng(8).permutation(64)
    colours = np.stack([chosen // 16, chosen // 4 % 4, chosen % 4], axis=-1).reshape(8, 8, 3) * 85
    return Image.fromarray(colours.astype(np.uint8)).resize((side, side), Image.Resampling.NEAREST)


def solve_colours(latents: NDArray[np.float32], wanted: NDArray[np.float32]) -> Colours:
    """The map from latents (samples, channels) to colours (samples, 3) that errs least, kept small by `RIDGE`.

    Raises `ValueError` for latents that aren't finite.
    """
    if not np.isfinite(latents).all():
        raise ValueError("the VAE's latents are not finite")
    middle, centre = latents.mean(axis=0), wanted.mean(axis=0)
    x, y = latents - middle, wanted - centre
    spread = np.sqrt(RIDGE * max(float(np.square(x).sum()) / x.shape[1], 1e-12))
    held = np.concatenate([x, np.eye(x.shape[1], dtype=np.float32) * np.float32(spread)])
    weights = np.linalg.lstsq(held, np.concatenate([y, np.zeros((x.shape[1], 3), np.float32)]), rcond=None)[0]
    return Colours(weights.astype(np.float32), (centre - middle @ weights).astype(np.float32))


def encode_preview(frames: NDArray[np.uint8], fps: float) -> str:
    """Frames (frames, height, width, 3) as a moving WebP in a data URL of at most `MAX_BYTES`; "" when none is that
    small.
    """
    count, height, width, _ = frames.shape
    for long_side, most, quality in (
        (LONG_SIDE, MAX_FRAMES, 60),
        (LONG_SIDE, MAX_FRAMES, 25),
        (160, 6, 20),
        (96, 1, 20),
    ):
        scale = long_side / max(height, width)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        shown = np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int))
        stills = [Image.fromarray(frames[index]).resize(size, Image.Resampling.BICUBIC) for index in shown]
        each = max(40, round(1000 * count / fps / len(stills)))
        out = io.BytesIO()
        stills[0].save(
            out, "WEBP", quality=quality, method=0, save_all=True, append_images=stills[1:], duration=each, loop=0
        )
        url = "data:image/webp;base64," + base64.b64encode(out.getvalue()).decode("ascii")
        if len(url) <= MAX_BYTES:
            return url
    return ""


class Previews:
    """The previews of one run. `latest` is the newest picture, "" before there is one. `apart` is the least time
    between two.
    """

    def __init__(
        self,
        pipe: Any,
        family: Family,
        request: Request,
        colours: Colours | None,
        apart: float = APART,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pipe, self._family, self._request = pipe, family, request
        self._colours = colours
        self._apart, self._clock = apart, clock
        self._asked = clock()
        self._busy: Future[None] | None = None
        self._lock = threading.Lock()
        self._latest = ""
        self._painter = Helpers(1, "preview") if colours else None

    @property
    def latest(self) -> str:
        """The newest preview as a data URL."""
        with self._lock:
            return self._latest

    def offer(self, latents: Any) -> None:
        """Latents as they are after a step. They are copied when a preview is due, and never changed."""
        now = self._clock()
        if self._painter is None or now - self._asked < self._apart or (self._busy and not self._busy.done()):
            return
        self._asked = now
        try:
            seen = self._family.picture_latents(self._pipe, latents, self._request)
            if seen is None:
                return
            copied = seen.detach().float().cpu().numpy().copy()
        except (RuntimeError, ValueError, LookupError):
            self.close()  # this family's latents aren't what they were taken for: no previews in this run
            return
        self._busy = self._painter.submit(self._paint, copied)

    def offer_input(self, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        """What a denoiser is called with, for pipelines that show their latents to nobody: its first channels are the
        latents.
        """
        latents: Any = named.get("hidden_states", named.get("sample", given[0] if given else None))
        if self._colours is not None and getattr(latents, "ndim", 0) == 5:
            self.offer(latents[:1, : len(self._colours.weights)])

    def _paint(self, latents: NDArray[np.float32]) -> None:
        if self._colours is None or latents.ndim != 4 or latents.shape[0] != len(self._colours.weights):
            return
        rate = self._request.fps * latents.shape[1] / self._request.num_frames
        made = encode_preview(self._colours.paint(latents), max(rate, 1.0))
        with self._lock:
            self._latest = made or self._latest

    def settle(self) -> None:
        """Wait for the picture that is being made."""
        if self._busy:
            self._busy.exception()

    def close(self) -> None:
        """Make no more pictures. Safe to call twice."""
        if self._painter:
            self._painter.drop()
            self._painter = None
