"""The still that stands for each motion preset: a long exposure of its own camera and effects, drawn by the built-in engine.

`python -m bench.stills [ID ...]` writes assets/motions/*.jpg and the credits beside them, from the photographs that ship, two in
bench/photos and three that come with scikit-image and scikit-learn. Where a preset waits for the brush, a box stands for it here.
"""

from __future__ import annotations

import base64
import sys
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.album import pictures
from bench.quality import engine, ignore
from studio.config import ASSETS
from studio.engines.base import Image
from studio.engines.prepare import prepare
from studio.motion.ambient_effects import needs_brush
from studio.nouns import Brush, Effect, EffectName, MoveName, Photo, Shot, replace
from studio.presets import MotionPreset, card, motions

Point = NDArray[np.int32]
Floats = NDArray[np.float64]
Line = tuple[Floats, bool]
"""Points in fractions of the picture, (N, 2), and whether an arrow's head ends them."""

FOLDER = ASSETS / "motions"
WIDTH, HEIGHT = 320, 200
MOST_BYTES = 12_000
FPS = 16
SHARP = 0.5
"""The share of the frame itself; the way there makes up the rest, the newest the strongest."""

FINER = 4
"""The marks are drawn this many times finer than they are shown."""

INK, SHADE = (236, 232, 225), (16, 17, 19)
"""The colours of the storyboard's marks: paper white over near black."""


class View(NamedTuple):
    """The part of a picture a still shows: its centre and width in fractions; the height follows. `brush` is left, top, right and
    bottom of what stands for the user's brush, in fractions of the view; `at` is the moment that is sharp, 0..1 of the clip, and
    `sharp` its share of the exposure."""

    picture: str
    x: float = 0.5
    y: float = 0.5
    w: float = 1.0
    brush: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    at: float = 1.0
    sharp: float = SHARP


VIEWS: dict[str, View] = {
    "product-step-back": View("fig", 0.55, 0.5, 0.9),
    "product-glide-past": View("dandelion", 0.45, 0.5, 0.9),
    "product-rise-and-look": View("dandelion", 0.4, 0.45, 0.7),
    "product-in-the-hand": View("fig", 0.6, 0.55, 0.6),
    "portrait-slow-push": View("dogs", 0.52, 0.41, 0.85),
    "portrait-embers": View("dogs", 0.52, 0.45, 0.9, sharp=0.9),
    "water-summer-rain": View("stream", 0.5, 0.5, 0.9, sharp=0.9),
    "landscape-it-snows": View("valley", 0.5, 0.45, 0.9, sharp=0.9),
    "landscape-cloud-shadow": View("mountains", 0.5, 0.6, 1.0, at=0.5, sharp=0.9),
    "street-dust-in-the-light": View("wine", 0.55, 0.22, 0.9, sharp=0.9),
    "portrait-hair-breeze": View("dogs", 0.58, 0.55, 0.42),
    "portrait-living-breath": View("chelsea"),
    "portrait-turn-of-the-head": View("dogs", 0.43, 0.33, 0.42),
    "portrait-half-a-smile": View("dogs", 0.60, 0.53, 0.52),
    "portrait-quarter-circle": View("chelsea", 0.55, 0.45, 0.9),
    "portrait-out-to-the-place": View("dogs", 0.5, 0.45, 1.0),
    "portrait-light-across": View("chelsea", 0.5, 0.4, 0.75, at=0.4),
    "portrait-documentary-hand": View("dogs", 0.40, 0.36, 0.55),
    "water-tide-comes-in": View("stream", 0.40, 0.86, 0.55),
    "water-ripples": View("china", 0.74, 0.62, 0.5, brush=(0.0, 0.3, 1.0, 0.65)),
    "water-stream-runs": View("stream", 0.46, 0.66, 0.62, brush=(0.25, 0.2, 0.7, 1.0)),
    "water-waterfall": View("stream", 0.47, 0.42, 0.36, brush=(0.25, 0.0, 0.75, 1.0)),
    "water-mist": View("stream", 0.5, 0.45, 1.0, sharp=0.85),
    "water-along-the-shore": View("china", 0.68, 0.68, 0.64),
    "water-rise-over-the-bay": View("china", 0.6, 0.55, 0.8),
    "water-evening-light": View("sunset", 0.5, 0.45, 0.8, at=0.45),
    "landscape-clouds-cross": View("mountains", 0.5, 0.35, 0.9, at=0.5),
    "landscape-wind-in-the-grass": View("dandelion", 0.42, 0.5, 0.85),
    "landscape-fog-in-the-valley": View("valley", 0.5, 0.5, 1.0, sharp=0.85),
    "landscape-first-light": View("sunset", 0.5, 0.5, 1.0, at=0.7),
    "landscape-wide-pan": View("valley", 0.5, 0.4, 0.9),
    "landscape-crane-over": View("mountains", 0.5, 0.55, 1.0),
    "landscape-into-the-picture": View("mountains", 0.4, 0.6, 0.8),
    "landscape-weather-coming": View("mountains", 0.4, 0.33, 0.95),
    "street-walk-in": View("dogs", 0.5, 0.42, 1.0),
    "street-look-up": View("china", 0.33, 0.45, 0.6),
    "street-step-into-the-room": View("wine", 0.5, 0.34, 1.0),
    "street-slide-past": View("wine", 0.5, 0.24, 1.0),
    "street-round-the-corner": View("china", 0.36, 0.55, 0.7),
    "street-afternoon-in-the-room": View("wine", 0.5, 0.62, 1.0, at=0.45),
    "street-over-the-roofs": View("china", 0.45, 0.4, 0.9),
    "street-people-pass": View("china", 0.36, 0.72, 0.45),
    "street-night-rain": View("rocket", 0.5, 0.72, 0.9),
    "product-hero-push": View("fig", 0.52, 0.5, 0.9),
    "product-arc": View("coffee", 0.5, 0.5, 1.0),
    "product-turntable": View("wine", 0.42, 0.66, 0.8),
    "product-steam": View("coffee", 0.5, 0.45, 0.95, at=0.7, sharp=0.9),
    "product-light-sweep": View("brushes", 0.4, 0.45, 0.8, at=0.4),
    "product-focus-finds-it": View("brushes", 0.55, 0.5, 0.9, at=0.5, sharp=0.8),
    "product-breath-on-the-glass": View("wine", 0.47, 0.21, 0.62),
    "product-overhead-drift": View("fig", 0.5, 0.5, 1.0, at=0.5),
    "product-makers-table": View("brushes", 0.5, 0.5, 1.0),
    "product-candlelight": View("wine", 0.62, 0.2, 0.72, at=0.4),
}
"""What each preset is shown on, by its id."""

CREDITS = {
    "dogs": ("Aitzol Berasategi, 2018", "CC-BY-4.0"), "stream": ("Aitzol Berasategi, 2018", "CC-BY-4.0"),
    "mountains": ("Aitzol Berasategi, 2018", "CC-BY-4.0"), "sunset": ("Aitzol Berasategi, 2018", "CC-BY-4.0"),
    "valley": ("Aitzol Berasategi, 2018", "CC-BY-4.0"), "dandelion": ("Clemens Engelhardt, 2018", "CC0-1.0"),
    "fig": ("Trevor “Freespace”, 2018", "CC-BY-4.0"), "brushes": ("Trevor “Freespace”, 2018", "CC-BY-4.0"),
    "wine": ("Jakub Mede, 2018", "CC-BY-4.0"), "coffee": ("Rachel Michetti, by way of scikit-image", "CC0-1.0"),
    "chelsea": ("Stéfan van der Walt, by way of scikit-image", "CC0-1.0"),
    "rocket": ("SpaceX, by way of scikit-image", "public domain"),
    "china": ("danielbuechele, by way of scikit-learn", "CC-BY-2.0"),
}  # fmt: skip
"""Who made each picture, and under what licence."""


def still(preset: MotionPreset) -> bytes:
    """The preset's picture: a JPEG of 320 x 200 pixels and at most 12 kB."""
    view = VIEWS[preset.id]
    image = cut(pictures()[view.picture](), view)
    motion = replace(preset.motion, effects=tuple(painted(effect, view) for effect in preset.motion.effects))
    photo = Photo("3" * 64, image.shape[1], image.shape[0])
    shot = Shot(photo, motion=motion, size="360p", seconds=preset.seconds, fps=FPS, seed=7)
    frames = engine().animate(prepare(shot, card("parallax")), image, None, ignore)
    sharp = min(frames.num_frames - 1, round(view.at * (frames.num_frames - 1)))
    trail, total = np.zeros((frames.height, frames.width, 3)), 0.0
    picture = trail
    for index, planes in enumerate(frames.images):
        picture = rgb(planes)
        if index >= sharp:
            break
        weight = (index + 1) / sharp
        trail, total = trail + weight * picture, total + weight
    exposed = view.sharp * picture + (1 - view.sharp) * trail / total if total else picture
    small = cv2.resize(np.clip(exposed, 0, 255).astype(np.uint8), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    return packed(marked(np.asarray(small, np.uint8), preset))


def cut(image: Image, view: View) -> Image:
    """The pixels of a view, 16:10, kept inside the picture."""
    height, width = image.shape[:2]
    w = min(view.w * width, height * WIDTH / HEIGHT)
    h = w * HEIGHT / WIDTH
    left, top = min(max(view.x * width - w / 2, 0), width - w), min(max(view.y * height - h / 2, 0), height - h)
    return np.ascontiguousarray(image[round(top) : round(top + h), round(left) : round(left + w)])


def painted(effect: Effect, view: View) -> Effect:
    """The effect with the view's box painted for it, where it waits for the brush."""
    if not needs_brush(effect):
        return effect
    left, top, right, bottom = view.brush
    grey = np.zeros((80, 128), np.uint8)
    grey[round(top * 80) : round(bottom * 80), round(left * 128) : round(right * 128)] = 255
    png: Brush = base64.b64encode(cv2.imencode(".png", cv2.GaussianBlur(grey, (0, 0), 4))[1].tobytes()).decode()
    return replace(effect, brush=png)


def rgb(planes: Image) -> np.ndarray[tuple[int, int, int], np.dtype[np.float64]]:
    """One I420 frame, (H * 3 // 2, W), BT.709 in limited range, as RGB 0..255: (H, W, 3). ITU-R BT.709-6."""
    height, width = planes.shape[0] * 2 // 3, planes.shape[1]
    quarter = planes[height:].reshape(2, height // 2, width // 2)
    y = (planes[:height].astype(np.float64) - 16) / 219
    u, v = ((cv2.resize(one, (width, height), interpolation=cv2.INTER_LINEAR) - 128.0) / 224 for one in quarter)
    red, blue = y + 1.5748 * v, y + 1.8556 * u
    green = (y - 0.2126 * red - 0.0722 * blue) / 0.7152
    return np.clip(np.dstack([red, green, blue]), 0, 1) * 255


def packed(image: Image) -> bytes:
    """The best JPEG of an RGB image that is small enough."""
    for quality in range(86, 40, -2):
        ways = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_OPTIMIZE, 1]
        data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), ways)[1].tobytes()
        if len(data) <= MOST_BYTES:
            return data
    raise ValueError("no JPEG of this picture is small enough")


# The storyboard's marks ---------------------------------------------------------------------------------------------------


def marked(image: Image, preset: MotionPreset) -> Image:
    """The picture with the camera's way drawn over it and a sign for each effect in the corner, as storyboards do."""
    lines = [line for move in preset.motion.camera.moves for line in way(move.name, move.amount)]
    count = len(preset.motion.effects)
    left, top = (0.06, 0.09) if len(lines) < 8 else (0.515 - 0.065 * count, 0.76)  # a drawn frame has the corners
    for place, effect in enumerate(preset.motion.effects):
        lines += [(np.add(points, (left + 0.13 * place, top)), headed) for points, headed in sign(effect.name)]
    mask = np.zeros((HEIGHT * FINER, WIDTH * FINER), np.uint8)
    for points, headed in lines:
        drawn = np.rint(points * (WIDTH * FINER, HEIGHT * FINER)).astype(np.int32)
        cv2.polylines(mask, [drawn.reshape(-1, 1, 2)], False, 255, 2 * FINER, cv2.LINE_AA)
        if headed:
            head(mask, drawn[-min(6, len(drawn))], drawn[-1], 9.0 * FINER)
    ink = cv2.resize(mask, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA).astype(np.float64)[..., None] / 255
    shade = np.clip(cv2.GaussianBlur(ink, (0, 0), 3)[..., None] * 0.9, 0, 0.5)
    darker = image * (1 - shade) + np.array(SHADE) * shade
    return np.clip(darker * (1 - ink * 0.92) + np.array(INK) * ink * 0.92, 0, 255).astype(np.uint8)


def line(x: Floats | float, y: Floats | float) -> Floats:
    """Points from their coordinates in fractions of the picture: (N, 2)."""
    return np.column_stack(np.broadcast_arrays(np.asarray(x, np.float64), np.asarray(y, np.float64)))


def way(name: MoveName, amount: float) -> list[Line]:
    """The lines that stand for one move of this amount."""
    kind, _, side = name.rpartition("_")
    if kind in ("dolly", "zoom"):
        return frames(amount, inwards=side == "in")
    length = 0.2 + 0.35 * amount
    along = np.linspace(-length / 2, length / 2, 32)
    bend = 0.10 * (1 - (2 * along / length) ** 2) * (kind in ("pan", "tilt"))
    if kind in ("truck", "pan"):
        return [(line(0.5 + (along if side == "right" else -along), 0.84 - bend), True)]
    if kind in ("crane", "tilt"):
        return [(line(0.90 - bend, 0.5 + 1.4 * (along if side == "down" else -along)), True)]
    if kind == "orbit":
        angle = np.linspace(0.15, 0.5 + 0.45 * amount, 40) * np.pi
        across = 0.36 * np.cos(angle) * (1 if side == "left" else -1)
        return [(line(0.5 + across, 0.70 + 0.16 * np.sin(angle)), True)]
    if name == "handheld":
        t = np.linspace(0, 1, 60)
        return [(line(0.36 + 0.28 * t, 0.86 + 0.035 * np.sin(9 * t) * np.cos(14 * t + 1)), True)]
    return []


def frames(amount: float, inwards: bool) -> list[Line]:
    """The corners of the frame the camera ends on (inwards) or begins with, and the way between it and the picture's edge."""
    inner = 0.42 - 0.16 * amount
    found: list[Line] = []
    for x in (-1.0, 1.0):
        for y in (-1.0, 1.0):
            left, top = 0.5 + x * inner, 0.5 + y * inner
            found.append((line(np.array([left - x * 0.07, left, left]), np.array([top, top, top - y * 0.112])), False))
            across, down = np.linspace(0.5 + x * 0.47, left + x * 0.02, 8), np.linspace(0.5 + y * 0.47, top + y * 0.02, 8)
            found.append((line(across, down) if inwards else line(across[::-1], down[::-1]), True))
    return found


def drops() -> list[Line]:
    """Slanted strokes of rain."""
    return [(line(np.array([x, x + 0.018]), np.array([y, y + 0.06])), False) for x, y in ((0.01, 0.0), (0.04, 0.05), (0.07, 0.0))]


def flakes() -> list[Line]:
    """Three crossed strokes for each of two flakes."""
    found: list[Line] = []
    for x, y, r in ((0.03, 0.05, 0.024), (0.075, 0.11, 0.018)):
        for angle in np.arange(3) * np.pi / 3:
            reach = np.array([-r, r])
            found.append((line(x + reach * np.cos(angle), y + 1.6 * reach * np.sin(angle)), False))
    return found


def specks() -> list[Line]:
    """Small rings, some of them higher than others."""
    turn = 2 * np.pi * np.linspace(0, 1, 24)
    places = ((0.02, 0.12, 0.010), (0.05, 0.06, 0.013), (0.085, 0.10, 0.008), (0.08, 0.02, 0.006))
    return [(line(x + r * np.cos(turn), y + 1.6 * r * np.sin(turn)), False) for x, y, r in places]


_FALLS = {"rain": drops, "snow": flakes, "dust": specks, "embers": specks, "grain": specks}


def sign(effect: EffectName) -> list[Line]:
    """The lines that stand for an effect, in a box of 0.1 by 0.16 of the picture."""
    t = np.linspace(0, 1, 40)
    rows = (0.02, 0.08, 0.14)
    if effect in ("wind", "hair"):
        gusts = zip(rows, (0.8, 1.0, 0.6), strict=True)
        return [(line(0.1 * long * t, y - 0.025 * np.sin(np.pi * t) * t), False) for y, long in gusts]
    if effect == "fog":
        return [(line(start + 0.07 * t, y), False) for y, start in zip(rows, (0.03, 0.0, 0.02), strict=True)]
    if effect == "ripple":
        return [(line(0.1 * t, y + 0.014 * np.sin(4 * np.pi * t)), False) for y in rows]
    if effect in ("steam", "flow"):
        waves = [line(x + 0.008 * np.sin(3 * np.pi * t), 0.16 * (t if effect == "flow" else 1 - t)) for x in (0.02, 0.05, 0.08)]
        return [(wave, effect == "flow") for wave in waves]
    if effect in _FALLS:
        return _FALLS[effect]()
    turn = 2 * np.pi * t
    if effect in ("clouds", "shadow"):
        bumps = [(0.03, 0.10, 0.022), (0.055, 0.07, 0.03), (0.08, 0.10, 0.022)]
        return [(line(x + r * np.cos(np.pi * (1 + t)), y + 1.6 * r * np.sin(np.pi * (1 + t))), False) for x, y, r in bumps] + [
            (line(np.array([0.008, 0.102]), 0.115), False)
        ]
    rings = (0.022,) if effect == "light" else (0.018, 0.045)
    found: list[Line] = [(line(0.05 + r * np.cos(turn), 0.08 + 1.6 * r * np.sin(turn)), False) for r in rings]
    for angle in np.arange(8) * np.pi / 4 if effect == "light" else ():
        reach = np.array([0.034, 0.048])
        found.append((line(0.05 + reach * np.cos(angle), 0.08 + 1.6 * reach * np.sin(angle)), False))
    return found


def head(mask: Image, before: Point, tip: Point, length: float) -> None:
    """Draw an arrow's head at `tip`, seen coming from `before`."""
    angle = np.arctan2(*(tip - before)[::-1].astype(np.float64))
    for turn in (2.6, -2.6):
        end = tip + np.array([np.cos(angle + turn), np.sin(angle + turn)]) * length
        start, stop = (int(tip[0]), int(tip[1])), (round(float(end[0])), round(float(end[1])))
        cv2.line(mask, start, stop, 255, 2 * FINER, cv2.LINE_AA)


def credited() -> str:
    """The credits of every still, as markdown."""
    rows = [f"| {one.still} | {' | '.join(CREDITS[VIEWS[one.id].picture])} |\n" for one in motions()]
    says = "Each is a part of a photograph, moved by Stir's built-in engine as the motion says and exposed for long;"
    says += "\nthe camera's way and what moves by itself are drawn over it. Made by `python -m bench.stills`."
    return f"# The stills of the motions\n\n{says}\n\n| still | photograph by | licence |\n|---|---|---|\n" + "".join(rows)


def main(asked: list[str]) -> None:
    """Write the stills of these presets, or of all, and the credits."""
    FOLDER.mkdir(exist_ok=True)
    for preset in motions():
        if not asked or preset.id in asked:
            (FOLDER / preset.still).write_bytes(still(preset))
            print(preset.still)
    (FOLDER / "CREDITS.md").write_text(credited(), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
