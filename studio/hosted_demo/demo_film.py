"""The imitation's film: a slow push into the photo it was given, marked as a stand-in, as an MP4 of the size, length
and rate that were asked for, with a quiet tone where sound was.
"""

from __future__ import annotations

import io
import math
from fractions import Fraction
from typing import NamedTuple

import av
import numpy as np
from av.error import FFmpegError
from PIL import Image, ImageDraw

RATE = 48_000
"""Samples a second of the tone."""

PUSH = 0.06
"""Share of the photo's sides that the push cuts off until the end."""


class FilmShape(NamedTuple):
    """Size in pixels, length in seconds, frames a second, and whether it is heard."""

    width: int
    height: int
    seconds: float
    fps: int
    sound: bool = False


def make_film(photo: bytes, shape: FilmShape) -> bytes:
    """An MP4 (H.264, AAC) of a JPEG or PNG. Raises `OSError` for what Pillow can't open."""
    picture = Image.open(io.BytesIO(photo)).convert("RGB")
    cut = _fill(picture, shape.width, shape.height)
    out = io.BytesIO()
    count = max(1, round(shape.seconds * shape.fps))
    with av.open(out, "w", format="mp4") as film:
        video = film.add_stream("libx264", rate=shape.fps, options={"preset": "ultrafast", "crf": "28"})
        video.width, video.height, video.pix_fmt = shape.width, shape.height, "yuv420p"
        audio = film.add_stream("aac", rate=RATE) if shape.sound else None
        for index in range(count):
            frame = av.VideoFrame.from_ndarray(_draw_frame(cut, shape, index / count), format="rgb24")
            film.mux(video.encode(frame))
        film.mux(video.encode(None))
        if audio is not None:
            for frame in _make_tone(count / shape.fps):
                film.mux(audio.encode(frame))
            film.mux(audio.encode(None))
    return out.getvalue()


def read_size(photo: bytes) -> tuple[int, int]:
    """Width and height in pixels. Raises `OSError` for what Pillow can't open."""
    with Image.open(io.BytesIO(photo)) as picture:
        return picture.size


def read_seconds(content: bytes) -> float:
    """How long a sound or a film lasts. Raises `OSError` for neither."""
    try:
        with av.open(io.BytesIO(content), "r") as found:
            return (found.duration or 0) / av.time_base
    except (FFmpegError, ValueError) as error:
        raise OSError("no sound and no film") from error


def _fill(picture: Image.Image, width: int, height: int) -> Image.Image:
    """The middle of a picture that fills a frame."""
    scale = max(width / picture.width, height / picture.height)
    left, top = (picture.width - width / scale) / 2, (picture.height - height / scale) / 2
    box = (left, top, picture.width - left, picture.height - top)
    return picture.resize((width, height), Image.Resampling.BILINEAR, box)


def _draw_frame(cut: Image.Image, shape: FilmShape, along: float) -> np.ndarray:
    edge = PUSH / 2 * along
    box = (edge * shape.width, edge * shape.height, (1 - edge) * shape.width, (1 - edge) * shape.height)
    frame = cut.resize((shape.width, shape.height), Image.Resampling.BILINEAR, box)
    side = max(12, shape.height // 24)
    pen = ImageDraw.Draw(frame)
    pen.rectangle((side // 2, side // 2, side * 5, side * 2), fill=(20, 20, 20))
    pen.text((side * 0.8, side * 0.6), "stand-in", fill=(240, 240, 240), font_size=side)
    return np.asarray(frame)


def _make_tone(seconds: float) -> list[av.AudioFrame]:
    frames: list[av.AudioFrame] = []
    total, at = math.ceil(seconds * RATE), 0
    while at < total:
        count = min(1024, total - at)
        wave = 0.05 * np.sin(2 * np.pi * 220 * (np.arange(at, at + count) / RATE))
        frame = av.AudioFrame.from_ndarray(wave.astype(np.float32)[None].repeat(2, 0), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = RATE, at, Fraction(1, RATE)
        frames.append(frame)
        at += count
    return frames
