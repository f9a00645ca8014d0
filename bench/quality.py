"""How good the clips are: steady, seamless, obedient, without a border; on nine photographs and seven well-known pictures.

Every figure is measured from rendered frames with studio/score/frame_measures.py, where each measure is defined.
Likeness to the photo is told by bench/compare.py, on the photos of bench/photos/hard.toml too, an older build's beside it with
STIR_BENCH_BASE.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import NamedTuple, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from bench import compare, frame_measures
from bench.album import pictures
from bench.clips import ignore, scratch, settings, table, verdict
from studio.clip.ffmpeg import find_ffmpeg
from studio.engines.parallax import framing, shot_setting
from studio.engines.parallax.camera_path import half_frame
from studio.engines.parallax.parallax_engine import ParallaxEngine
from studio.engines.parallax.render import Renderer
from studio.engines.prepare import prepare
from studio.motion.camera_moves import MOVES
from studio.nouns import Camera, Motion, Move, MoveName, Photo, Shot
from studio.presets import card

Image = NDArray[np.uint8]

SLOW: tuple[MoveName, ...] = ("dolly_in", "truck_left", "pan_right", "orbit_left", "zoom_in")
LOOPS: tuple[MoveName, ...] = ("dolly_in", "orbit_left", "handheld", "crane_up")
MOST_JITTER, LEAST_PSNR, MOST_SEAM = 0.05, 45.0, 1.0


class Row(NamedTuple):
    """What was measured on one photo: see the table's head."""

    psnr: float
    at_rest: float
    jitter: float
    seam: float
    obeyed: int
    wrong: str
    border: float


@cache
def engine() -> ParallaxEngine:
    """One engine for all photos."""
    return ParallaxEngine(settings())


def shot(image: Image, move: MoveName, amount: float, loop: bool = False, seconds: float = 2.0, fps: int = 12) -> Shot:
    """A 360p shot of a whole picture."""
    photo = Photo("2" * 64, image.shape[1], image.shape[0])
    motion = Motion(camera=Camera((Move(move, amount),), loop=loop))
    return Shot(photo, motion=motion, size="360p", seconds=seconds, fps=fps)


def luma(image: Image, wanted: Shot) -> list[Image]:
    """The brightness of every frame of a shot."""
    frames = engine().animate(prepare(wanted, card("parallax")), image, None, ignore)
    return [frame[: frames.height] for frame in frames.images]


def plain(image: Image, width: int, height: int) -> Image:
    """The brightness of the resized crop, straight from BT.709's formula: 16 + 219 (0.2126 R + 0.7152 G + 0.0722 B)."""
    rgb = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA).astype(np.float64) / 255
    return np.rint(16 + 219 * (rgb @ np.array([0.2126, 0.7152, 0.0722]))).astype(np.uint8)


def still(image: Image) -> float:
    """PSNR of a frame at amount 0 against the resized crop."""
    wanted = shot(image, "dolly_in", 0.0)
    frame = luma(image, wanted)[0]
    return frame_measures.psnr(frame, plain(image, frame.shape[1], frame.shape[0]))


def at_rest(image: Image) -> float:
    """The same for a frame that went the whole way, through layers and renderer, with the camera at rest: what is left of it
    is that textures are finer than frames and looked at bilinearly."""
    wanted = shot(image, "static", 0.0)
    scene = engine().read(image, wanted)
    setting = shot_setting.place(scene, wanted, {}, still=False)
    frame = Renderer(setting.sheets, (scene.width, scene.height), setting.framing).paint(setting.poses[0], 0.0)
    return frame_measures.psnr(frame[: scene.height], plain(image, scene.width, scene.height))


def border(image: Image, move: MoveName) -> float:
    """How far any frame's border looks past the photo's, in pixels of the frame, over every pose at amount 1; 0 for never."""
    wanted = shot(image, move, 1.0, fps=24)
    scene = engine().read(image, wanted)
    setting = shot_setting.place(scene, wanted, {}, still=False)
    half = half_frame(scene.width, scene.height)
    edges = tuple(
        framing.Sheet(sheet.disparity, shot_setting.cover(layer) if index else None)
        for index, (sheet, layer) in enumerate(zip(setting.sheets, scene.layers, strict=True))
    )
    past = framing.spill(edges, setting.poses, setting.framing, half).worst
    return max(0.0, past / (2 * half[0]) * scene.width)


def measure(image: Image) -> Row:
    """Everything about one picture."""
    moves: tuple[MoveName, ...] = get_args(MoveName)
    scene = engine().read(image, shot(image, "static", 0.6))
    film = ((move, luma(image, shot(image, move, 0.6))) for move in moves)
    wrong = [move for move, seen in film if not frame_measures.obeys_move(seen, MOVES[move].curve, scene.disparity, scene.pivot)]
    jitter = max(frame_measures.jitter(luma(image, shot(image, move, 0.3, seconds=4.0, fps=24))) for move in SLOW)
    seam = max(frame_measures.seam(luma(image, shot(image, move, 0.6, loop=True))).ratio for move in LOOPS)
    return Row(
        still(image),
        at_rest(image),
        jitter,
        seam,
        len(moves) - len(wrong),
        ", ".join(wrong),
        max(border(image, move) for move in moves),
    )


def upright() -> Image:
    """A picture of one upright edge, left of the middle, 1280x720."""
    across = np.arange(1280)
    bright = 40 + 170 / (1 + np.exp(-np.clip((across - 400) / 1.5, -50, 50)))
    return np.rint(np.repeat(np.repeat(bright[None], 720, 0)[..., None], 3, 2)).astype(np.uint8)


def _edge_jitter(frames: list[Image]) -> float:
    rows = slice(frames[0].shape[0] // 2 - 2, frames[0].shape[0] // 2 + 2)
    return frame_measures.unsteadiness([frame_measures.edge(frame[rows]) for frame in frames])


def _decoded(file: Path) -> list[Image]:
    command = [find_ffmpeg(), "-loglevel", "error", "-i", str(file), "-f", "rawvideo", "-pix_fmt", "gray", "-"]
    raw = subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL).stdout
    return list(np.frombuffer(raw, np.uint8).reshape(-1, 720, 1280))


def _zoompan(photo: Path, times: int) -> list[Image]:
    """The same slow zoom by ffmpeg's zoompan, the picture enlarged `times` before."""
    zoom = "zoompan=z='1+0.12*on/96':x='iw/2-iw/zoom/2':y='ih/2-ih/zoom/2':d=96:s=1280x720:fps=24"
    to = scratch("edge.mkv")
    filters = ["-vf", f"scale={1280 * times}:{720 * times},{zoom}", "-frames:v", "96", "-c:v", "ffv1"]
    subprocess.run([find_ffmpeg(), "-loglevel", "error", "-y", "-i", str(photo), *filters, str(to)], check=True)
    return _decoded(to)


def _moviepy(photo: Path) -> list[Image]:
    from moviepy import CompositeVideoClip, ImageClip

    moving = ImageClip(str(photo)).with_duration(4).resized(lambda t: 1 + 0.03 * t).with_position("center")
    clip = CompositeVideoClip([moving], size=(1280, 720))
    return [cv2.cvtColor(clip.get_frame(index / 24), cv2.COLOR_RGB2GRAY) for index in range(96)]


def steadiness() -> None:
    """The jitter of one edge under a slow zoom, against the tools people use for it."""
    photo = scratch("edge.png")
    cv2.imwrite(str(photo), upright())
    picture = upright()
    wanted = shot(picture, "zoom_in", 0.33, seconds=4.0, fps=24)
    rows = [
        ("Stir", _edge_jitter(luma(picture, Shot(wanted.photo, motion=wanted.motion, size="720p", seconds=4.0, fps=24)))),
        ("ffmpeg zoompan", _edge_jitter(_zoompan(photo, 1))),
        ("ffmpeg zoompan, 4 times enlarged", _edge_jitter(_zoompan(photo, 4))),
        ("moviepy resized", _edge_jitter(_moviepy(photo))),
    ]
    title = "Jitter of an edge under a slow zoom of 12 %, 720p24, pixels per frame"
    table(title, ("tool", "jitter"), [(name, f"{value:.3f}") for name, value in rows])


def run() -> None:
    """Print the tables. STIR_BENCH_PHOTOS names some of the pictures, to be quick."""
    chosen = os.environ.get("STIR_BENCH_PHOTOS", "").split()
    rows: dict[str, Row] = {}
    for name, read in pictures().items():
        if not chosen or name in chosen:
            print(f"Looking at {name} …", file=sys.stderr, flush=True)
            rows[name] = measure(read())
    moves = len(get_args(MoveName))
    lines = [
        (
            name,
            f"{r.psnr:.0f}",
            f"{r.at_rest:.0f}",
            f"{r.jitter:.3f}",
            f"{r.seam:.2f}",
            f"{r.obeyed}/{moves} {r.wrong}".strip(),
            f"{r.border:.2f}",
        )
        for name, r in rows.items()
    ]
    head = (
        "photo",
        "amount 0, dB",
        "layers at rest, dB",
        "jitter, px/frame",
        "seam / neighbours",
        "moves obeyed",
        "past the border, px",
    )
    table("Quality, 360p", head, lines)
    worst = ("worst", verdict(max(r.jitter for r in rows.values()), MOST_JITTER), f"{min(r.psnr for r in rows.values()):.0f} dB")
    print(f"\nWorst jitter {worst[1]}; worst picture at amount 0 {worst[2]} (at least {LEAST_PSNR:g} wanted); ", end="")
    print(f"worst seam {verdict(max(r.seam for r in rows.values()), MOST_SEAM)}.")
    steadiness()
    compare.main(list(chosen))
