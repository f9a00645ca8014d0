"""VAE decoding within the memory there is: whole, in tiles or image by image, estimated before and tried again in
smaller pieces.

Frames come in pieces (decode_pieces.py) from latents that are kept (deferred_decode.py), so a decode that runs out of
memory costs no denoising.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from studio.engines.diffusion.memory.memory_errors import collect_garbage, find_exhausted
from studio.nouns import Choice

if TYPE_CHECKING:
    from studio.engines.diffusion.run.decode_pieces import Call

ALLOCATED: dict[str, tuple[int, int]] = {
    "AutoencoderKLWan": (1350, 4),
    "AutoencoderKLHunyuanVideo": (1160, 0),
    "AutoencoderKLHunyuanVideo15": (900, 0),
    "AutoencoderKLCogVideoX": (2545, 9),
    "AutoencoderKLLTXVideo": (50, 0),
    "AutoencoderKLLTX2Video": (45, 0),
    "AutoencoderKLTemporalDecoder": (1030, 0),
    "AutoencoderKL": (770, 0),
}
"""Numbers alive at once for each pixel of each frame that is decoded together, and how many frames that is (0: all of
them).

Derived: counted by summing live tensors while the published configurations decode in diffusers 0.42.1, piece by piece
where they do (tests/engines/diffusion/test_decode_memory.py counts them anew); both Wan VAEs share a class, and the
larger figure stands. On an H100 a decode of 25 frames of 1280x704 by Wan 2.2's (float32) took 20.3 GB, by this 19.5 and
cuDNN's workspaces, for which HEADROOM is.
"""

UNKNOWN = (1350, 0)
"""For a VAE that isn't listed: as heavy as the heaviest video VAE, all frames at once."""

MIRRORING = frozenset({"AutoencoderKLLTX2Video"})
"""VAEs that continue a picture past its edges by mirroring it, for which it has to be two latents wide."""

HEADROOM = 1.15
"""What is kept free beyond the estimate."""

HELD = 3
"""Pieces that are decoded before the first is given. By the third a causal VAE remembers all it will of the frames
before, and later ones take no more: if there is too little memory it shows by then, and all frames are decoded anew.
"""


@dataclass(frozen=True)
class Way:
    """A way of decoding: the VAE's switches that are on, and how many images go through at a time (0: as they come)."""

    name: str
    switches: tuple[str, ...] = ()
    images: int = 0


WHOLE = Way("whole")


def _read_number(vae: Any, *names: str) -> int:
    """The first of these that the VAE or its configuration states, else 0."""
    for name in names:
        value = vars(vae).get(name) or vae.config.get(name)
        if isinstance(value, int):
            return value
    return 0


def find_spatial_scale(vae: Any) -> int:
    """Pixels along one side of a latent."""
    blocks = vae.config.get("block_out_channels")
    return _read_number(vae, "scale_factor_spatial", "spatial_compression_ratio") or (
        2 ** (len(blocks) - 1) if blocks else 8
    )


def find_temporal_scale(vae: Any) -> int:
    """Frames to a latent frame; 1 for a VAE that knows only images."""
    return _read_number(vae, "scale_factor_temporal", "temporal_compression_ratio") or 1


def count_frames(vae: Any, shape: tuple[int, ...]) -> int:
    """Frames that latents of this shape become: (1, channels, frames, rows, columns) or (frames, channels, ...)."""
    return (shape[2] - 1) * find_temporal_scale(vae) + 1 if len(shape) == 5 else shape[0]


def list_ways(vae: Any, shape: tuple[int, ...]) -> list[Way]:
    """The ways this VAE can decode latents of a shape, each taking less memory than the one before.

    Images (4 dimensions) are first taken one by one, which changes nothing in them where the VAE looks at each alone; a
    VAE with frames and no tiles (SVD's) takes them in shorter and shorter runs, as its pipeline's decode_chunk_size
    does. Where tiles are on already, for the whole run, there are only the ways in tiles.
    """
    found = [WHOLE]
    if len(shape) == 4 and hasattr(vae, "use_slicing"):
        found.append(Way("image by image", ("use_slicing",)))
    if hasattr(vae, "use_tiling"):
        found.append(Way("in tiles", (*found[-1].switches, "use_tiling")))
        if not getattr(vae, "use_framewise_decoding", True):
            found.append(Way("in tiles and sections", (*found[-1].switches, "use_framewise_decoding")))
    elif len(shape) == 4:
        runs = {math.ceil(shape[0] / parts) for parts in range(2, shape[0] + 1)}
        found += [Way(f"{images} at a time", images=images) for images in sorted(runs, reverse=True)]
    return [way for way in found if "use_tiling" in way.switches] if getattr(vae, "use_tiling", False) else found


def estimate_bytes(vae: Any, shape: tuple[int, ...], itemsize: int, way: Way) -> int:
    """An estimate of the bytes it takes to decode latents of this shape, frames of the result included where they are
    all there at once.

    shape: (batch, channels, frames, height, width), or (frames, channels, height, width) for a VAE of images.
    """
    numbers, together = ALLOCATED.get(type(vae).__name__, UNKNOWN)
    side, (rows, columns) = find_spatial_scale(vae), shape[-2:]
    total = joined = count_frames(vae, shape)
    live = min(total, together or total)
    if "use_slicing" in way.switches:
        live = 1
    elif way.images:
        live = min(live, way.images)
    elif "use_framewise_decoding" in way.switches or getattr(vae, "use_framewise_decoding", False):
        live = joined = min(live, _read_number(vae, "tile_sample_min_num_frames") + 1)
    height, width = rows * side, columns * side
    picture = height, width
    if "use_tiling" in way.switches:
        height = min(height, _read_number(vae, "tile_sample_min_height", "tile_sample_min_size") or height)
        width = min(width, _read_number(vae, "tile_sample_min_width", "tile_sample_min_size") or width)
    tiles = 2 * joined * math.prod(picture) * 3 if picture != (height, width) else 0  # and what they are joined into
    return (live * height * width * numbers + tiles) * itemsize


def estimate_least(vae: Any, frames: int, width: int, height: int) -> int:
    """The bytes that decoding such a clip takes at least, in the way that takes least."""
    scale, side = find_temporal_scale(vae), find_spatial_scale(vae)
    size = math.ceil(height / side), math.ceil(width / side)
    shape = (1, 1, math.ceil((frames - 1) / scale) + 1, *size) if scale > 1 else (frames, 1, *size)
    return estimate_bytes(vae, shape, vae.dtype.itemsize, list_ways(vae, shape)[-1])


def _find_axis(piece: Any) -> int:
    """Where frames are counted in a piece: (1, 3, frames, height, width), or (frames, 3, height, width)."""
    return 2 if piece.ndim == 5 else 0


@dataclass
class Decoding:
    """One job's decoding with `vae`. `free` says how many bytes are free where it runs; `begin` is called before each
    decode, and `make_room` with the bytes it would take as a whole: what is done leaves where it stands in the way.
    """

    vae: Any
    free: Callable[[], int]
    begin: Callable[[], None]
    make_room: Callable[[int], object] = lambda needed: None
    choices: list[Choice] = field(default_factory=list[Choice])
    least: Way = WHOLE

    def decode(self, decode: Callable[..., Any], call: Call) -> Generator[Any]:
        """Decode a call in pieces, in the first way that should fit, and in lesser ways after an out-of-memory.

        decode: the VAE's own. A lesser way begins anew, and frames that have been given aren't given again.
        """
        self.begin()
        possible = list_ways(self.vae, tuple(call.latents.shape))
        if self.least in possible:
            possible = possible[possible.index(self.least) :]
        way = self._choose_way(call.latents, possible)
        lesser = possible[possible.index(way) + 1 :] or [way]
        given = 0
        while True:
            try:
                for piece in self._decode_rest(decode, call, way, given):
                    given += piece.shape[_find_axis(piece)]
                    yield piece
                return
            except (RuntimeError, MemoryError) as error:
                if find_exhausted(error) is None or not lesser:
                    raise
            collect_garbage()
            way = self.least = lesser.pop(0)
            reason = "memory ran out while decoding, and it was decoded again without denoising again"
            if given:
                reason = (
                    f"memory ran out after {given} frames, and those after them were decoded so, without denoising "
                    "again; where they meet, brightness or detail may change a little"
                )
            self._say(way, reason)

    def _decode_rest(self, decode: Callable[..., Any], call: Call, way: Way, given: int) -> Generator[Any]:
        """The pieces of a call decoded in one way, without the first `given` frames."""
        from studio.engines.diffusion.run.decode_pieces import decode_in_pieces

        with switch_on(self.vae, way.switches), _adjust_tile_strides(self.vae, call.latents.shape[-2:]):
            pieces = decode_in_pieces(self.vae, decode, call, way.images)
            held = deque(islice(pieces, HELD))
            while (piece := held.popleft() if held else next(pieces, None)) is not None:
                axis = _find_axis(piece)
                frames = piece.shape[axis]
                if given < frames:
                    yield piece.narrow(axis, given, frames - given)
                given = max(0, given - frames)

    def _choose_way(self, latents: Any, possible: list[Way]) -> Way:
        """The first way that fits into what is free; the least when none does. Said when it isn't the first.

        A VAE that waits elsewhere is brought in first, and what has to leave for it leaves: that is what is free then.
        """
        hook = getattr(self.vae, "_hf_hook", None)
        if hook is not None:
            hook.pre_forward(self.vae)
        size = latents.element_size()
        self.make_room(round(HEADROOM * estimate_bytes(self.vae, tuple(latents.shape), size, possible[0])))
        free = self.free()
        for way in possible:
            if estimate_bytes(self.vae, tuple(latents.shape), size, way) * HEADROOM <= free:
                break
        else:
            way = possible[-1]
        if way != possible[0]:
            whole = estimate_bytes(self.vae, tuple(latents.shape), size, possible[0]) / 1e9
            self._say(
                way, f"decoded {possible[0].name} it would take about {whole:.1f} GB, and {free / 1e9:.1f} GB are free"
            )
        return way

    def _say(self, way: Way, reason: str) -> None:
        choice = Choice("decode", way.name, reason)
        if choice.value not in {one.value for one in self.choices}:
            self.choices.append(choice)


@contextmanager
def switch_on(vae: Any, switches: tuple[str, ...]) -> Generator[None]:
    """Some switches of a VAE on, and afterwards as they were."""
    before = {name: getattr(vae, name) for name in switches}
    try:
        for name in switches:
            setattr(vae, name, True)
        yield
    finally:
        for name, value in before.items():
            setattr(vae, name, value)


@contextmanager
def _adjust_tile_strides(vae: Any, sides: tuple[int, ...]) -> Generator[None]:
    """Tiles of LTX-2's VAE a little closer together where the last would be one latent wide: it mirrors edges, and
    can't do that.

    sides: latents (rows, columns). 832 x 480 is such a size: 15 rows, and a tile begins every 14.
    """
    before: dict[str, int] = {}
    for name, latents in zip(("tile_sample_stride_height", "tile_sample_stride_width"), sides, strict=True):
        usual = _read_number(vae, name) // find_spatial_scale(vae) if type(vae).__name__ in MIRRORING else 0
        if 2 < usual < latents:
            fit = next((stride for stride in range(usual, 1, -1) if (latents - 1) % stride), usual)
            before[name] = getattr(vae, name)
            setattr(vae, name, fit * find_spatial_scale(vae))
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(vae, name, value)
