"""The imitation's film: a slow pan over the photo it was given, marked as a stand-in, as an MP4 of the size, length
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

PAN = 0.06
"""Share of the frame's width that the pan goes."""


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
    wide = np.asarray(_fill(picture, round(shape.width * (1 + PAN)), shape.height))
    label = _draw_label(shape)
    out = io.BytesIO()
    count = max(1, round(shape.seconds * shape.fps))
    with av.open(out, "w", format="mp4") as film:
        video = film.add_stream("libx264", rate=shape.fps, options={"preset": "ultrafast", "crf": "28"})
        video.width, video.height, video.pix_fmt = shape.width, shape.height, "yuv420p"
        audio = film.add_stream("aac", rate=RATE) if shape.sound else None
        for index in range(count):
            at = round((wide.shape[1] - shape.width) * index / count)
            frame = wide[:, at : at + shape.width].copy()
            frame[: label.shape[0], : label.shape[1]] = label
            film.mux(video.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
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
    left = max(0.0, (picture.width - width / scale) / 2)  # a rounding error below 0 is no box
    top = max(0.0, (picture.height - height / scale) / 2)
    box = (left, top, picture.width - left, picture.height - top)
    return picture.resize((width, height), Image.Resampling.BILINEAR, box)


def _draw_label(shape: FilmShape) -> np.ndarray:
    """The corner that says what this is, (H, W, 3) uint8."""
    side = max(8, shape.height // 24)
    corner = Image.new("RGB", (min(side * 5, shape.width), min(side * 2, shape.height)), (20, 20, 20))
    ImageDraw.Draw(corner).text((side * 0.4, side * 0.3), "stand-in", fill=(240, 240, 240), font_size=side)
    return np.asarray(corner)


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
