"""Ways to damage a good clip: each takes its frames, (H * 3 // 2, W) uint8 I420, and gives those of the damaged one.

`mild` is what one has to look for, `strong` what nobody overlooks; figures are for 360 lines.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from studio.clip_score import FaultKind

Frame = NDArray[np.uint8]
Floats = NDArray[np.float32]
Film = list[Frame]
Damage = Callable[[Film, bool, Film], Film]


def _scale_light(frame: Frame, gain: float) -> Frame:
    """The frame with its brightness (above black, 16) times a gain."""
    made, high = frame.copy(), len(frame) * 2 // 3
    made[:high] = np.clip(16 + (frame[:high].astype(np.float32) - 16) * gain, 0, 255)
    return made


def _planes(frame: Frame) -> tuple[Frame, Frame, Frame]:
    high, wide = len(frame) * 2 // 3, frame.shape[1]
    chroma = frame[high:].reshape(2, high // 2, wide // 2)
    return frame[:high], chroma[0], chroma[1]


def _join(luma: Frame, *chroma: Frame) -> Frame:
    return np.concatenate([luma, np.stack(chroma).reshape(-1, luma.shape[1])])


def _each_plane(frame: Frame, change: Callable[[Frame, float], Frame]) -> Frame:
    """The frame with all of its planes changed; the second argument is a plane's size, 1 or a half."""
    luma, *chroma = _planes(frame)
    return _join(change(luma, 1.0), *(change(plane, 0.5) for plane in chroma))


def flicker(film: Film, strong: bool, other: Film) -> Film:
    """Light that jumps from frame to frame, by 3 or 8 %."""
    jumps = np.random.default_rng(1).uniform(-1, 1, len(film)) * (0.08 if strong else 0.03)
    return [_scale_light(frame, 1 + float(jump)) for frame, jump in zip(film, jumps, strict=True)]


def drift(film: Film, strong: bool, other: Film) -> Film:
    """Light that fades along the clip to 88 or 72 %: white grounds go grey."""
    last = 0.72 if strong else 0.88
    return [_scale_light(frame, 1 + (last - 1) * at / (len(film) - 1)) for at, frame in enumerate(film)]


def blur(film: Film, strong: bool, other: Film) -> Film:
    """Sharp at first, blurred from the middle on: a deviation of 1.3 or 2.5 pixels."""
    most = 2.5 if strong else 1.3
    made: Film = []
    for at, frame in enumerate(film):
        wide = most * min(1.0, 2 * at / len(film))
        spread = lambda plane, size, wide=wide: cv2.GaussianBlur(plane, (0, 0), max(0.1, wide * size))  # noqa: E731
        made.append(_each_plane(frame, spread) if wide > 0.2 else frame)
    return made


def freeze(film: Film, strong: bool, other: Film) -> Film:
    """A frame that stays for 0.8 s in the middle, or until the end."""
    at = len(film) * 2 // 5
    until = len(film) if strong else min(len(film), at + 19)
    return [*film[:at], *[film[at]] * (until - at), *film[until:]]


def open_seam(film: Film, strong: bool, other: Film) -> Film:
    """A loop that ends too early: a tenth or a quarter of it is missing."""
    return film[: round(len(film) * (0.75 if strong else 0.9))]


def wobble(film: Film, strong: bool, other: Film) -> Film:
    """A picture that trembles: about 0.8 or 2 pixels and a thousandth or two of a turn, anew for each frame."""
    chance, far = np.random.default_rng(2), 2.0 if strong else 0.8
    made: Film = []
    for frame in film:
        x, y, turn = chance.normal(0, (far, far, far * 0.0012))

        def shake(plane: Frame, size: float, x: float = x, y: float = y, turn: float = turn) -> Frame:
            high, wide = plane.shape
            matrix = cv2.getRotationMatrix2D((wide / 2, high / 2), float(np.degrees(turn)), 1.0)
            matrix[:, 2] += (x * size, y * size)
            return cv2.warpAffine(plane, matrix, (wide, high), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)

        made.append(_each_plane(frame, shake))
    return made


def cut(film: Film, strong: bool, other: Film) -> Film:
    """From the middle on another photo's clip, or another part of the same picture at twice its size."""
    at = len(film) // 2
    if strong:
        return [*film[:at], *other[: len(film) - at]]

    def enlarge(plane: Frame, _: float) -> Frame:
        high, wide = plane.shape
        return cv2.resize(plane[: high // 2, : wide // 2], (wide, high), interpolation=cv2.INTER_CUBIC)

    return [*film[:at], *(_each_plane(frame, enlarge) for frame in film[at:])]


def noise(film: Film, strong: bool, other: Film) -> Film:
    """Noise anew in each frame, a deviation of 10 or 40 levels."""
    chance, wide = np.random.default_rng(3), 40 if strong else 10
    return [np.clip(frame + chance.normal(0, wide, frame.shape), 0, 255).astype(np.uint8) for frame in film]


def cast(film: Film, strong: bool, other: Film) -> Film:
    """Colours that turn within half of the clip, by 7 or 16 levels of chroma."""
    far = 16 if strong else 7
    made: Film = []
    for at, frame in enumerate(film):
        luma, u, v = _planes(frame)
        share = far * min(1.0, 2 * at / len(film))
        shifted = (np.clip(plane + sign * share, 0, 255).astype(np.uint8) for plane, sign in ((u, -0.8), (v, 0.6)))
        made.append(_join(luma, *shifted))
    return made


def double(film: Film, strong: bool, other: Film) -> Film:
    """Every fourth or every second frame is the one before it."""
    every = 2 if strong else 4
    return [film[at - 1] if at % every == every - 1 else frame for at, frame in enumerate(film)]


class Part(NamedTuple):
    """A part of a film to be damaged: `mask` (H, W) 0..1 in the first frame; `high`: how high it is there, in pixels."""

    mask: Floats
    high: float


def melt_face(film: Film, strong: bool, part: Part) -> Film:
    """A face whose features run into each other, more from frame to frame: by 7 or 15 % of its height at the end."""
    return _melt(film, part, 0.22 * part.high, (0.15 if strong else 0.07) * part.high, 0.02 * part.high)


def melt_lettering(film: Film, strong: bool, part: Part) -> Film:
    """Letters that lose their shapes, more from frame to frame: by 20 or 45 % of their height at the end."""
    return _melt(film, part, 0.45 * part.high, (0.45 if strong else 0.2) * part.high, 0.03 * part.high)


def wobble_subject(film: Film, strong: bool, part: Part) -> Film:
    """A subject that waves sideways like jelly while all around it stays, one and a half times a second: by 1.2 or 3 %
    of the frame's height."""
    high, wide = part.mask.shape
    down = np.arange(high, dtype=np.float32)[:, None] / high
    made: Film = []
    for at, (frame, mask) in enumerate(zip(film, _follow_part(film, part.mask), strict=True)):
        swing = np.sin(2 * np.pi * (2.5 * down + 1.5 * at / 24)) * np.float32((0.03 if strong else 0.012) * high * min(1, at / 8))
        made.append(_displace(frame, np.stack([mask * swing, np.zeros((high, wide), np.float32)], -1)))
    return made


def _melt(film: Film, part: Part, grain: float, far: float, soft: float) -> Film:
    """Displace a part by random fields of this grain, which grow up to `far` pixels, and soften it a little."""
    chance, (high, wide) = np.random.default_rng(7), part.mask.shape
    rough = chance.normal(0, 1, (2, high, wide)).astype(np.float32)
    field = np.stack([cv2.GaussianBlur(one, (0, 0), grain / 2) for one in rough], -1)
    field *= far / np.percentile(np.hypot(field[..., 0], field[..., 1]), 90)
    made: Film = []
    for at, (frame, mask) in enumerate(zip(film, _follow_part(film, part.mask), strict=True)):
        share = at / (len(film) - 1)
        moved = _displace(frame, field * (mask * share)[..., None])
        softened = _each_plane(
            moved, lambda plane, size, share=share: cv2.GaussianBlur(plane, (0, 0), 0.01 + soft * share * size)
        )
        made.append(_mix(moved, softened, mask))
    return made


def _follow_part(film: Film, mask: Floats) -> list[Floats]:
    """Where a mask of the first frame lies in every frame: the shift and growth that fit the flow within it best."""
    high, wide = mask.shape
    small = [cv2.resize(_planes(frame)[0], (wide // 2, high // 2), interpolation=cv2.INTER_AREA) for frame in film]
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    ys, xs = np.nonzero(cv2.resize(mask, (wide // 2, high // 2)) > 0.5)
    begun = np.stack([xs, ys], -1).astype(np.float32)
    flow, found = None, []
    for frame in small:
        flow = search.calc(small[0], frame, flow)
        matrix, _ = cv2.estimateAffinePartial2D(begun, begun + flow[ys, xs])
        matrix[:, 2] *= 2
        found.append(cv2.warpAffine(mask, matrix, (wide, high)))
    return found


def _displace(frame: Frame, field: Floats) -> Frame:
    """The frame with each pixel taken from a place so many pixels away, (H, W, 2)."""

    def move(plane: Frame, size: float) -> Frame:
        high, wide = plane.shape
        far = cv2.resize(field, (wide, high)) * np.float32(size)
        across, down = np.meshgrid(np.arange(wide, dtype=np.float32), np.arange(high, dtype=np.float32))
        return cv2.remap(plane, across + far[..., 0], down + far[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)

    return _each_plane(frame, move)


def _mix(frame: Frame, other: Frame, mask: Floats) -> Frame:
    """One frame, and where the mask is the other one."""
    planes = zip(_planes(frame), _planes(other), strict=True)
    weights = (mask, *(cv2.resize(mask, (mask.shape[1] // 2, mask.shape[0] // 2)),) * 2)
    mixed = [one + (two.astype(np.float32) - one) * weight for (one, two), weight in zip(planes, weights, strict=True)]
    return _join(*(np.clip(np.rint(plane), 0, 255).astype(np.uint8) for plane in mixed))


DAMAGES: dict[str, tuple[Damage, tuple[FaultKind, ...]]] = {
    "flicker": (flicker, ("flicker",)), "drift": (drift, ("drift",)), "blur": (blur, ("blur",)),
    "freeze": (freeze, ("frozen",)), "wobble": (wobble, ("wobble",)), "cut": (cut, ("cut",)),
    "noise": (noise, ("noise", "grain")), "colour cast": (cast, ("cast",)), "double frames": (double, ("doubled",)),
}  # fmt: skip
"""What is done to frames, and what it is to be called. A seam needs a loop; the wrong direction, a render of its own."""

PARTS: dict[str, tuple[Callable[[Film, bool, Part], Film], tuple[FaultKind, ...]]] = {
    "face melts": (melt_face, ("face",)), "lettering melts": (melt_lettering, ("lettering",)),
    "subject wobbles": (wobble_subject, ("unrest", "subject")),
}  # fmt: skip
"""What is done to a part of frames, and what it may be called."""
